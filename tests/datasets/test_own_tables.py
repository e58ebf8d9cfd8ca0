"""Tables of one's own: what columns become, which rows are for the test, what a fit may know."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from own_files import table, write_csv

import infosim
from infosim.datasets import load_encoding, read_own, save_encoding
from infosim.datasets.own import table as tables
from infosim.datasets.own import to_json
from infosim.errors import ConfigError, DataError

NAMES = ("height", "city=Bonn", "city=Göttingen", "city=Köln", "age")


def oracle(columns, train):
    """The inputs of `table` by plain NumPy, the moments of the training rows."""
    parts = []
    for name in ("height", "city", "age"):
        values = np.asarray(columns[name])
        if name == "city":
            parts += [(values == level).astype(float) for level in sorted(set(values))]
        else:
            parts.append((values - values[train].mean()) / values[train].std())
    return np.stack(parts, axis=1)


def rows_of(dataset, n):
    """Which rows in the file are training rows, bool (n,)."""
    train = np.ones(n, bool)
    train[list(dataset.encoding.split.test_rows)] = False
    return train


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_is_standardised_by_its_training_rows(tmp_path, delimiter):
    columns = table()
    path = write_csv(tmp_path / "t.csv", columns, delimiter)
    data = read_own(path, "species")
    train = rows_of(data, 60)
    expected = oracle(columns, train)
    x, y = data.encoding.apply(path, labels=True)
    np.testing.assert_allclose(x, expected, atol=1e-6)
    assert data.feature_names == NAMES
    assert data.class_names == ("cat", "dog", "owl")
    assert [data.class_names[c] for c in y] == list(columns["species"])
    # the data set holds the same rows, in an order of its own
    for part, rows in (("train", train), ("test", ~train)):
        found = np.column_stack([getattr(data, f"{part}_x"), getattr(data, f"{part}_y")])
        wanted = np.column_stack([x, y])[rows]
        assert sorted(map(tuple, found)) == sorted(map(tuple, wanted))
    assert data.train_x.dtype == np.float32
    assert data.image_shape == (5,)


def test_the_split_is_drawn_by_the_seed_class_by_class(tmp_path):
    columns = table(70)
    columns["species"] = np.repeat(["a", "b", "c", "d"], [50, 13, 6, 1])
    path = write_csv(tmp_path / "t.csv", columns)
    first, again, other = (read_own(path, "species", seed=seed) for seed in (3, 3, 4))
    assert first.encoding == again.encoding
    for part in ("train_x", "train_y", "test_x", "test_y"):
        np.testing.assert_array_equal(getattr(first, part), getattr(again, part))
    assert first.encoding.split.test_rows != other.encoding.split.test_rows
    assert np.bincount(first.test_y, minlength=4).tolist() == [10, 3, 1, 0]
    assert np.bincount(first.train_y).tolist() == [40, 10, 5, 1]
    assert "classes of one row, which is for training: d" in first.encoding.notes
    assert np.bincount(read_own(path, "species", test=0.01).test_y).tolist() == [1, 1, 1]
    assert np.bincount(read_own(path, "species", test=0.99).train_y).tolist() == [1, 1, 1, 1]
    # rows of one class do not stand together
    assert (np.diff(first.train_y) != 0).sum() > 5


def test_the_encoding_knows_training_rows_alone(tmp_path):
    columns = table()
    before = read_own(write_csv(tmp_path / "t.csv", columns), "species").encoding
    for row in before.split.test_rows:
        columns["height"][row] = 1e6
        columns["age"][row] = -5
        columns["city"][row] = "Köln"
    after = read_own(write_csv(tmp_path / "t.csv", columns), "species").encoding
    assert after.columns == before.columns
    columns["age"][min(set(range(60)) - set(before.split.test_rows))] += 1
    changed = read_own(write_csv(tmp_path / "t.csv", columns), "species").encoding
    assert changed.columns != before.columns
    assert changed.sha256 != before.sha256


def test_the_same_from_files_frames_and_columns(tmp_path):
    columns = table()
    data = read_own(write_csv(tmp_path / "t.csv", columns), "species")
    frame = pd.DataFrame(columns)
    classes = frame.pop("species")
    for other in (
        infosim.Dataset.of(columns, "species"),
        infosim.Dataset.of(pd.DataFrame(columns), "species"),
        infosim.Dataset.of(frame, classes),
        infosim.Dataset.of(frame, list(classes)),
        infosim.Dataset.of(frame, np.array(list(classes), "S")),
        infosim.Dataset.of(frame.astype({"city": "category"}), classes.astype("category")),
    ):
        assert other.encoding.columns == data.encoding.columns
        for part in ("train_x", "train_y", "test_x", "test_y"):
            np.testing.assert_array_equal(getattr(other, part), getattr(data, part))
        np.testing.assert_array_equal(other.encoding.apply(frame), data.encoding.apply(frame))


@pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_matrix, scipy.sparse.csc_array])
def test_arrays_of_rows(kind):
    rng = np.random.default_rng(0)
    x, y = rng.normal(3, 2, (40, 3)), np.arange(40) % 4
    x[rng.random(x.shape) < 0.3] = 0
    data = infosim.Dataset.of(kind(x), y)
    train = rows_of(data, 40)
    expected = (x - x[train].mean(0)) / x[train].std(0)
    np.testing.assert_allclose(data.encoding.apply(kind(x)), expected, atol=1e-5)
    assert data.class_names == ("0", "1", "2", "3")
    np.testing.assert_array_equal(data.encoding.apply(x.tolist()), data.encoding.apply(x))
    np.testing.assert_array_equal(
        data.encoding.apply(x.astype(np.float32).astype(float)[:1]),
        data.encoding.apply(x.astype(np.float32).astype(float))[:1],
    )


def test_columns_in_any_order_and_more_of_them(tmp_path):
    columns = table()
    path = write_csv(tmp_path / "t.csv", columns)
    encoding = read_own(path, "species").encoding
    x = encoding.apply(path)
    turned = {"extra": ["?"] * 60, **dict(reversed(columns.items()))}
    np.testing.assert_array_equal(encoding.apply(write_csv(tmp_path / "u.csv", turned, ";")), x)
    np.testing.assert_array_equal(encoding.apply(pd.DataFrame(turned)), x)
    few = {name: values[:1] for name, values in turned.items() if name != "species"}
    np.testing.assert_array_equal(encoding.apply(few), x[:1])


@pytest.mark.parametrize(
    ("target", "found"),
    [("species", "species"), (4, "species"), (-1, "species"), ("2", "city"), (-3, "city")],
)
def test_the_target_by_name_or_number(tmp_path, target, found):
    assert read_own(write_csv(tmp_path / "t.csv", table()), target).encoding.target == found


@pytest.mark.parametrize("name", ["target", "Label", "CLASS", "y"])
def test_a_usual_name_of_the_target_is_known(tmp_path, name):
    columns = table()
    columns[name] = columns.pop("species")
    assert read_own(write_csv(tmp_path / "t.csv", columns)).encoding.target == name


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        (["yes", "no"], ("no", "yes")),
        (["True", "False"], ("False", "True")),
        (["10", "9"], ("9", "10")),
        (["1.0", "2", "01"], ("1", "2")),
        (["0.5", "-1"], ("-1", "0.5")),
        (["b", "10", "9", "a"], ("9", "10", "a", "b")),
        (["ä", "日本"], ("ä", "日本")),
        ([" x", "x ", "y"], ("x", "y")),
    ],
)
def test_classes_of_any_text(tmp_path, cells, names):
    path = write_csv(tmp_path / "t.csv", {"a": range(24), "y": cells * (24 // len(cells))})
    data = read_own(path)
    assert data.class_names == names
    assert data.n_classes == len(names)


def test_numbers_of_classes(tmp_path):
    """Up to twenty different numbers of a table are classes, of an array all that are integers."""
    columns = {"a": np.arange(63), "y": np.arange(63) % 21}
    path = write_csv(tmp_path / "t.csv", columns)
    with pytest.raises(DataError, match="'y' has 21 different numbers, 0 to 20, but infosim class"):
        read_own(path)
    assert read_own(path, categorical=["y"]).n_classes == 21
    assert infosim.Dataset.of(columns["a"][:, None], columns["y"]).n_classes == 21
    assert infosim.Dataset.of({"a": columns["a"]}, columns["y"]).n_classes == 21
    with pytest.raises(
        DataError, match=r"'y' has 21 different numbers, 0.5 to 20.5, but infosim cl"
    ):
        infosim.Dataset.of(columns["a"][:, None], columns["y"] + 0.5)
    columns["y"] %= 20
    assert read_own(write_csv(path, columns)).n_classes == 20


def test_cells_of_numbers(tmp_path):
    """What spreadsheets write: a mark of the order of bytes, quotes, blank lines, commas."""
    path = tmp_path / "t.csv"
    path.write_bytes(b'\xef\xbb\xbf"a; b";y\r\n"1,5"; no\r\n\r\n2;"yes"\r\n-,5;no\r\n+1e1 ;yes\r\n')
    data = read_own(path)
    assert data.feature_names == ("a; b",)
    (column,) = data.encoding.columns
    values = np.array([1.5, 2, -0.5, 10])[rows_of(data, 4)]
    assert (column.mean, column.std) == (pytest.approx(values.mean()), pytest.approx(values.std()))


def test_texts_after_many_numbers(tmp_path, monkeypatch):
    """A column that turns out late to be of categories has all its cells as they are written."""
    monkeypatch.setattr(tables, "_CELLS", 8)
    monkeypatch.setattr(tables, "_ROWS", 4)
    cells = ["01", "1", "", "1.0"] * 5 + ["x"] * 4
    path = write_csv(tmp_path / "t.csv", {"a": cells, "b": range(24), "y": [0, 1] * 12})
    data = read_own(path, missing="fill")
    column, _ = data.encoding.columns
    assert set(column.levels) == {"01", "1", "1.0", "x"}


def test_blocks_do_not_matter(tmp_path, monkeypatch):
    path = write_csv(tmp_path / "t.csv", table())
    path.write_text(path.read_text().replace("\n", "\n\n\n\n\n\n"))
    whole = read_own(path, "species")
    monkeypatch.setattr(tables, "_CELLS", 1)
    monkeypatch.setattr(tables, "_ROWS", 1)
    assert read_own(path, "species").encoding == whole.encoding


def test_missing_cells(tmp_path):
    columns = {
        "a": ["1", "", "3", "4", "n/a", "6"] * 4,
        "c": ["u", "v", "", "u", "u", "u"] * 4,
        "y": [0, 1] * 12,
    }
    path = write_csv(tmp_path / "t.csv", columns)
    with pytest.raises(DataError, match=r"line 3: column 'a' is missing \(8 of 24 are\)"):
        read_own(path)
    dropped = read_own(path, missing="drop")
    assert len(dropped.train_x) + len(dropped.test_x) == 12
    assert "12 of 24 rows left out: a cell is missing" in dropped.encoding.notes
    kept = {i for i in range(24) if i % 6 in (0, 3, 5)}
    assert set(dropped.encoding.split.test_rows) < kept
    filled = read_own(path, missing="fill")
    train = rows_of(filled, 24)
    a = np.array([1, np.nan, 3, 4, np.nan, 6] * 4)
    mean, std = np.nanmean(a[train]), np.nanstd(a[train])
    expected = (np.where(np.isnan(a), mean, a) - mean) / std
    x = filled.encoding.apply(path)
    np.testing.assert_allclose(x[:, 0], expected, atol=1e-6)
    np.testing.assert_array_equal(x[2::6, 1:], [[1, 0]] * 4)  # u, the most frequent
    (note,) = filled.encoding.notes
    assert note == f"missing cells filled: a (8) by the mean {mean:.6g}, c (4) by 'u'"
    with pytest.raises(DataError, match="row 1: column 'a' is missing"):
        dropped.encoding.apply({"a": [1.0, None], "c": ["u", "v"]})
    codes = write_csv(tmp_path / "u.csv", {"a": ["1", "-9", "-9.0", "7"] * 6, "y": [0, 1] * 12})
    assert len(read_own(codes, missing="drop", missing_cells=["-9"]).train_x) == 10


def test_what_is_left_out_and_said(tmp_path):
    columns = table() | {"same": ["1"] * 60, "word": ["w"] * 60, "none": [""] * 60}
    path = write_csv(tmp_path / "t.csv", columns)
    data = read_own(path, "species", missing="fill")
    assert data.feature_names == NAMES
    assert data.encoding.notes == (
        "columns left out, the same in all training rows: same, word, none",
    )
    x = data.encoding.apply({name: columns[name] for name in ("age", "city", "height")})
    np.testing.assert_array_equal(x, data.encoding.apply(path))
    few = read_own(path, "species", columns=["age", "height"], exclude=["height"])
    assert few.feature_names == ("age",)
    fewer = read_own(path, "species", exclude=["city", "age", "none"])
    assert fewer.feature_names == ("height",)


def test_categories_of_numbers_and_unknown_ones(tmp_path):
    columns = table() | {"code": np.arange(60) % 3}
    path = write_csv(tmp_path / "t.csv", columns)
    data = read_own(path, "species", categorical=["code"], exclude=["city"])
    assert data.feature_names[2:] == ("code=0", "code=1", "code=2")
    new = {"height": [170], "age": [20], "code": [3]}
    with pytest.raises(DataError, match="row 0: column 'code' is '3', which no training row had"):
        data.encoding.apply(new)
    assert data.encoding.apply(new, unknown="zeros")[0, 2:].tolist() == [0, 0, 0]
    assert data.encoding.apply(new | {"code": [2.0]})[0, 2:].tolist() == [0, 0, 1]
    # one that only test rows have is none of those known
    row = data.encoding.split.test_rows[0]
    columns["city"][row] = "Ulm"
    other = read_own(write_csv(path, columns), "species")
    assert other.feature_names == (*NAMES, "code")
    assert other.encoding.notes[-1].endswith("no training row has, shown as none: 1")


def test_training_and_test_rows_as_given(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 4)), np.arange(30) % 3
    np.savez(tmp_path / "a.npz", x_train=x[:20], y_train=y[:20], x_test=x[20:], y_test=y[20:])
    data = read_own(tmp_path / "a.npz")
    expected = (x - x[:20].mean(0)) / x[:20].std(0)
    np.testing.assert_allclose(data.train_x, expected[:20], atol=1e-6)
    np.testing.assert_allclose(data.test_x, expected[20:], atol=1e-6)
    np.testing.assert_array_equal(data.test_y, y[20:])
    assert str(data.encoding.split) == "20 training rows, 10 test rows, as given"


def test_an_encoding_is_kept_as_text(tmp_path):
    path = write_csv(tmp_path / "t.csv", table())
    encoding = read_own(path, "species").encoding
    save_encoding(encoding, tmp_path / "encoding.json")
    again = load_encoding(tmp_path / "encoding.json")
    assert again == encoding
    np.testing.assert_array_equal(again.apply(path), encoding.apply(path))
    assert json.loads(to_json(encoding))["columns"][1]["levels"] == ["Bonn", "Göttingen", "Köln"]


def test_a_hundred_thousand_columns():
    x = np.random.default_rng(0).normal(size=(6, 100_000))
    data = infosim.Dataset.of(x, [0, 1] * 3)
    assert data.train_x.shape == (4, 100_000)


def test_what_is_too_large_is_said_before(tmp_path, monkeypatch):
    path = write_csv(tmp_path / "t.csv", {"a": np.arange(10**5), "y": np.arange(10**5) % 2})
    monkeypatch.setattr("os.sysconf", lambda name: 1000)
    with pytest.raises(DataError, match="would take 2 MB of memory, more than half of this mach"):
        read_own(path)
    with pytest.raises(DataError, match=r"10 × 200000 made dense, would take 32 MB of memory"):
        infosim.Dataset.of(scipy.sparse.csr_matrix((10, 200_000)), [0, 1] * 5)


def test_parquet(tmp_path):
    pytest.importorskip("pyarrow", reason="the extra parquet")
    frame = pd.DataFrame(table()).assign(
        flag=np.arange(60) % 2 == 0, code=pd.array([1, None] * 30, dtype="Int64")
    )
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet", index=False)
    expected, found = (
        read_own(tmp_path / name, "species", missing="fill") for name in ("t.csv", "t.parquet")
    )
    assert found.encoding.columns == expected.encoding.columns
    np.testing.assert_array_equal(found.train_x, expected.train_x)
    np.testing.assert_array_equal(
        expected.encoding.apply(tmp_path / "t.parquet"), found.encoding.apply(tmp_path / "t.csv")
    )


def test_parquet_needs_its_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    with pytest.raises(ConfigError, match=r"Parquet files need pyarrow: pip install 'infosim\[par"):
        read_own(tmp_path / "t.parquet")
