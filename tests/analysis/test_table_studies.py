"""What columns of tables tell of others: roles, lags, weights, bins, where tables come from."""

import gzip
import io
import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infosim.analysis.tables import bins as bins_module
from infosim.analysis.tables import decompose_table
from infosim.analysis.tables.bins import Bins
from infosim.analysis.tables.files import csv_of, json_of
from infosim.analysis.tables.numbers import pointwise_of, rows_of
from infosim.analysis.tables.roles import bins_of, variables_of
from infosim.cells import number
from infosim.errors import ConfigError, DataError
from infosim.pid import decompose


def columns(n=60, seed=0, **more):
    """A mapping of columns: small integers a, b, and y, which both tell of."""
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 3, (2, n))
    return {"a": a, "b": b, "y": (a + b + rng.integers(0, 2, n)) % 4, **more}


def atoms(study, measure="shared-exclusions"):
    (question,) = study.questions
    return question.by[measure].atoms


def same(study, sources, target, **options):
    """Whether a study found what `decompose` finds of these arrays."""
    expected = decompose(sources=list(sources), target=target, **options)
    np.testing.assert_allclose(atoms(study), expected.atoms, atol=1e-12)


# -- roles -----------------------------------------------------------------------------------------

NAMES = ["a", "b", "a,b", "x+y", "x", "y", "k=1", "s (cm)", "u@-1", "u", "every thing"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("a, b", ["a", "b"]),
        ("a,b", ["a,b"]),  # the longest name counts
        (["a", "b"], ["a", "b"]),
        ("x+y,a", ["x+y", "a"]),
        ("F=x+a", [("F", "x", "a")]),
        ("F = x + y , C=s (cm)", [("F", "x", "y"), ("C", "s (cm)")]),
        ("k=1,u@-1", ["k=1", "u@-1"]),
        ("k=1@-2", [("k=1@-2", "k=1@-2")]),
        ("u@+3, N=u@-2+u@-3", [("u@+3", "u@+3"), ("N", "u@-2", "u@-3")]),
        ("every thing", ["every thing"]),
        ("a+b", [("a+b", "a", "b")]),
    ],
)
def test_sources_are_read_by_the_names_of_columns(given, expected):
    found = variables_of(given, NAMES, "t", "sources")
    expected = [(one, one) if isinstance(one, str) else one for one in expected]
    assert [(v.name, *map(str, v.parts)) for v in found] == expected


@pytest.mark.parametrize(
    ("given", "general", "own"),
    [
        ("5", "width", {}),
        ("a=5, b=quantile:3", "none", {"a": "width", "b": "quantile"}),
        ("a,b=none,7", "width", {"a,b": "none"}),
        (["k=1=edges:0;1.5", "x+y=2"], "none", {"k=1": "edges", "x+y": "width"}),
        ({"a": 3, "b": "none"}, "none", {"a": "width", "b": "none"}),
        (9, "width", {}),
    ],
)
def test_bins_are_read_by_the_names_of_columns(given, general, own):
    found, others = bins_of(given, NAMES, "t")
    assert found.kind == general
    assert {name: one.kind for name, one in others.items()} == own


def test_a_joint_source_is_its_columns_pairs():
    table = columns(c=np.random.default_rng(5).integers(0, 2, 60))
    study = decompose_table(table, "F=a+b,c", "y")
    same(study, [3 * table["a"] + table["b"], table["c"]], table["y"])
    assert study.questions[0].first.labels == ("{F}{c}", "{F}", "{c}", "{Fc}")


# -- lags ------------------------------------------------------------------------------------------


def test_lags_are_rows_before_in_the_order_of_the_table():
    table = columns(80)
    study = decompose_table(table, "a@-2,b@+1", "y")
    same(study, [table["a"][:-3], table["b"][3:]], table["y"][2:-1])
    assert study.n_rows == 77
    assert study.lines.tolist() == list(range(2, 79))
    assert study.notes == ["3 of 80 rows dropped: a lag reaches beyond the table"]
    past = decompose_table(table, "y@-1", "y")  # a column may be its own past
    same(past, [table["y"][:-1]], table["y"][1:])


@pytest.mark.parametrize("mixed", [False, True])
def test_no_lag_leaves_its_trial(mixed):
    """Trials one after the other, and row by row between each other, are the same trials."""
    trials = np.repeat([7, 3, 5], [10, 1, 20])
    table = columns(31, trial=trials)
    x, y = [], []
    for trial in (7, 3, 5):
        own = trials == trial
        x.append(table["a"][own][:-1])
        y.append(table["y"][own][1:])
    if mixed:
        # ranks within trials, so that the order in each is kept
        order = np.argsort(np.concatenate([np.arange(k) for k in (10, 1, 20)]), kind="stable")
        table = {name: values[order] for name, values in table.items()}
    study = decompose_table(table, "a@-1", "y", by="trial")
    assert study.n_rows == 28
    same(study, [np.concatenate(x)], np.concatenate(y))


def test_dropped_rows_stay_in_the_past():
    """A row with a missing cell is no history of the next one, nor is the row before it."""
    x = ["1", "2", "", "4", "5", "6"]
    table = {"x": x, "y": ["a", "b", "a", "b", "a", "b"]}
    study = decompose_table(table, "x@-1", "y", missing="drop")
    assert study.lines.tolist() == [1, 2, 4, 5]  # 3 has no past, 0 neither; 2 is told by 1
    assert study.values(study.questions[0].sources[0], slice(None)) == ["1", "2", "4", "5"]
    assert study.notes == [
        "1 of 6 rows dropped: a cell is missing",
        "1 of 6 rows dropped: a lag reaches beyond the table",
    ]


# -- weights, targets, pairs -----------------------------------------------------------------------


def test_weights_stand_for_rows():
    table = columns(40, count=np.random.default_rng(1).integers(0, 5, 40))
    study = decompose_table(table, "a,b", "y", weights="count")
    rows = np.repeat(np.arange(40), table["count"])
    same(study, [table["a"][rows], table["b"][rows]], table["y"][rows])
    assert study.total == len(rows)
    assert study.n_rows == np.count_nonzero(table["count"])


def test_quantiles_of_weights_are_those_of_the_rows():
    rng = np.random.default_rng(3)
    table = {"x": rng.normal(size=50).round(1), "y": rng.integers(0, 2, 50)}
    counts = rng.integers(1, 4, 50)
    repeated = {name: np.repeat(values, counts) for name, values in table.items()}
    for bins in ("quantile:4", "width:4"):
        a = decompose_table(table | {"n": counts}, "x", "y", bins=bins, weights="n")
        b = decompose_table(repeated, "x", "y", bins=bins)
        np.testing.assert_allclose(atoms(a), atoms(b), atol=1e-12)
        assert a.said == b.said


def test_every_target_and_all_pairs():
    table = columns(c=np.random.default_rng(5).integers(0, 2, 60))
    study = decompose_table(table, "every", "every", pairs=True)
    found = {(q.target.name, *(s.name for s in q.sources)): q.first.atoms for q in study.questions}
    assert len(found) == 4 * 3
    for (target, *sources), own in found.items():
        expected = decompose(sources=[table[s] for s in sources], target=table[target])
        np.testing.assert_allclose(own, expected.atoms, atol=1e-12)
    several = decompose_table(table, "a,b", "every")
    assert [q.target.name for q in several.questions] == ["y", "c"]
    each = decompose_table(table, "every", "y,c")
    assert [[s.name for s in q.sources] for q in each.questions] == [["a", "b"], ["a", "b"]]


def test_a_column_called_every_is_that_column():
    table = {"every": [0, 1, 0, 1], "x": [0, 0, 1, 1], "y": [0, 1, 0, 1]}
    study = decompose_table(table, "every", "y")
    assert study.questions[0].first.information == pytest.approx(1)


# -- bins ------------------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.integers(-9, 9), st.integers(1, 4)), min_size=1, max_size=30),
    st.integers(2, 6),
)
@settings(max_examples=60, deadline=None)
def test_quantile_bins_hold_what_they_should(pairs, n):
    """Edge i is the least number that i/n of the rows do not exceed, by counting them."""
    counts = dict(pairs)
    rows = sorted(x for x, k in counts.items() for _ in range(k))
    edges = bins_module.quantiles(list(counts), list(counts.values()), n)
    wanted = {next(x for x in rows if n * sum(r <= x for r in rows) >= i * len(rows))
              for i in range(1, n)}  # fmt: skip
    assert edges == sorted(wanted - {rows[-1]})


def test_edges_leave_no_number_out():
    table = {"x": ["-5", "0", "0.5", "1", "1.5", "99"], "y": list("abcdef")}
    study = decompose_table(table, "x", "y", bins="x=edges:0;1")
    values = study.values(study.questions[0].sources[0], slice(None))
    assert values == ["≤ 0", "≤ 0", "(0, 1]", "(0, 1]", "> 1", "> 1"]


def test_the_target_is_cut_when_asked_by_its_name():
    table = {"x": np.arange(12), "y": np.arange(12)}
    assert decompose_table(table, "x", "y", bins=3).questions[0].first.entropy > 3.5
    for options in ({"bins": "3,y=2"}, {"bins": {"y": "2"}}, {"target_bins": "quantile:2"}):
        assert decompose_table(table, "x", "y", **options).questions[
            0
        ].first.entropy == pytest.approx(1)
    both = decompose_table(table, "x@-1", "x", bins=3)  # as a source it is cut, as target not
    assert both.said["x@-1", False].startswith("12 values, 3 bins")
    assert both.said["x", True] == "12 values"


def test_bins_are_told():
    assert Bins.of("quantile:4") == Bins("quantile", 4)
    assert Bins.of(None) == Bins.of("none") == Bins()
    assert Bins.of("edges:0;1.5").edges == (number("0"), number("1.5"))
    study = decompose_table(
        {"x": [1, 1, 1, 1, 2], "y": [0, 0, 0, 0, 1]}, "x", "y", bins="x=edges:1"
    )
    assert study.said["x", False] == "2 values, cut at 1"


def test_a_column_of_numbers_of_their_own_is_told():
    rng = np.random.default_rng(0)
    study = decompose_table({"x": rng.normal(size=50), "y": rng.integers(0, 2, 50)}, "x", "y")
    assert any(
        "x has 50 distinct values in 50 samples and looks continuous" in one
        for one in study.remarks
    )


# -- where tables come from ------------------------------------------------------------------------

CSV = "a;b;y\n0,5;u;1\n1,5;v;0\n0,50;u;1\n1,5;u;0\n"


def test_files_of_any_kind_are_the_same_table(tmp_path, monkeypatch):
    """Plain, of gzip, tabs, the standard input, a DataFrame, a mapping."""
    pandas = pytest.importorskip("pandas")
    (tmp_path / "t.csv").write_text(CSV)
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(CSV.encode()))
    (tmp_path / "t.tsv").write_text(CSV.replace(";", "\t"))
    frame = pandas.read_csv(tmp_path / "t.csv", sep=";", decimal=",")
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(CSV.encode())))
    tables = [tmp_path / "t.csv", str(tmp_path / "t.csv.gz"), tmp_path / "t.tsv", "-", frame]
    tables += [frame.astype({"b": "category"}), frame.convert_dtypes(), dict(frame.items())]
    found = [atoms(decompose_table(table, "a,b", "y")) for table in tables]
    for one in found:
        np.testing.assert_allclose(one, found[0], atol=1e-15)
    assert found[0].sum() == pytest.approx(1)


def test_a_dataframe_of_any_types():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({
        "when": pandas.to_datetime(["2024-01-01", "2024-01-02"] * 4),
        "f": np.array([0.1, 0.2] * 4, np.float32),
        "big": [2**60, 2**60 + 1] * 4,
        "flag": [True, False] * 4,
        "y": [1, 0] * 4,
    })  # fmt: skip
    for name in ("when", "f", "big", "flag"):
        assert decompose_table(frame, name, "y").questions[0].first.information == 1
    assert decompose_table(frame, "f", "y", bins="edges:0.15").questions[0].first.information == 1
    frame.loc[3, "f"] = np.nan
    with pytest.raises(DataError, match="the table, row 3: column 'f' is empty"):
        decompose_table(frame, "f", "y")
    assert decompose_table(frame, "f", "y", missing="drop").n_rows == 7


def test_a_parquet_file_keeps_large_integers(tmp_path):
    pytest.importorskip("pyarrow", reason="the extra parquet")
    import pandas

    path = tmp_path / "t.parquet"
    pandas.DataFrame({"x": [2**60, 2**60 + 1] * 2, "y": [0, 1] * 2}).to_parquet(path)
    assert decompose_table(path, "x", "y").questions[0].first.information == 1


def test_a_parquet_file_has_the_cells_of_its_types(tmp_path):
    arrow = pytest.importorskip("pyarrow", reason="the extra parquet")
    parquet = pytest.importorskip("pyarrow.parquet")

    path = tmp_path / "t.parquet"
    columns = {
        "f": arrow.array([0.1, float("nan"), 0.2, None], arrow.float32()),
        "i": [2**60, None, 2**60 + 1, None],
        "b": [b"\xff", b"\xfe", b"\xff", b"u"],
        "l": [[1], [1], [2], [2]],
        "y": arrow.array(["u", "v", "u", "v"]).dictionary_encode(),
    }
    parquet.write_table(arrow.table(columns), path)
    with pytest.raises(DataError, match=r"row 1: column 'i' is empty"):
        decompose_table(path, "i", "y")
    for name, labels in (("f", ["0.1", "0.2"]), ("i", [str(2**60), str(2**60 + 1)])):
        study = decompose_table(path, name, "y", missing="drop")
        table = pointwise_of(study, "events")[1]
        assert [row[0] for row in table] == labels
    assert decompose_table(path, "b", "y").said["b", False] == "3 values"
    with pytest.raises(DataError, match=r"column 'l' holds list<.*>, expected numbers or text"):
        decompose_table(path, "l", "y")


def spreadsheet(path, rows):
    openpyxl = pytest.importorskip("openpyxl", reason="the extra excel")
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_a_spreadsheet_is_its_cells(tmp_path):
    """Blank rows are none, NA is a text where it is not said to be missing, 1 and 1.0 are one."""
    rows = [("x", "x y", "y"), (1, "NA", True), (None, None, None), (1.0, "u", True),
            (0.5, "u", False), (0.5, None, False)]  # fmt: skip
    path = spreadsheet(tmp_path / "t.xlsx", rows)
    assert decompose_table(path, "x", "y").questions[0].first.information == 1
    with pytest.raises(DataError, match="row 2: column 'x y' is 'NA', which counts as missing"):
        decompose_table(path, "x y", "y")
    with pytest.raises(DataError, match="row 6: column 'x y' is empty"):
        decompose_table(path, "x y", "y", missing_cells=["?"])
    study = decompose_table(path, "x y", "y", missing_cells=["?"], missing="drop")
    assert study.said["x y", False] == "2 values"
    assert study.lines.tolist() == [2, 4, 5]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("x", "x", "y"), (1, 2, 3)], "has 2 columns called 'x'"),
        ([(1, 2, 3), (1, 2, 3)], "its first row, '1, 2, 3', is numbers"),
        ([("x", "y")], "has no rows"),
        ([("x", "y"), (None, None)], "has no rows"),
        ([(None, None), ("x", "y"), (1, 2)], "its first row is blank"),
        ([], "is empty"),
    ],
)
def test_spreadsheets_that_are_no_tables(rows, message, tmp_path):
    with pytest.raises(DataError, match=message):
        decompose_table(spreadsheet(tmp_path / "t.xlsx", rows), "x", "y")


def test_files_that_are_no_spreadsheets(tmp_path):
    pytest.importorskip("openpyxl", reason="the extra excel")
    path = tmp_path / "t.xlsx"
    for content in (b"", b"PK\x03\x04", b"x,y\n1,1\n"):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"cannot read .*t.xlsx: "):
            decompose_table(path, "x", "y")


def test_lists_of_any_values_stay_what_they_are():
    big = [2**60, 2**60 + 1, 0.5, "u", None, b"\xff", b"\xfe"]
    study = decompose_table({"x": big, "y": range(7)}, "x", "y", missing="drop")
    assert study.said["x", False] == "6 values"
    times = np.array(["2024-01-01", "NaT", "2024-01-02"], "M8[D]")
    study = decompose_table({"x": times, "y": [0, 1, 1]}, "x", "y", missing="drop",
                            missing_cells=["?"])  # fmt: skip
    assert study.n_rows == 2


# -- what is told ----------------------------------------------------------------------------------


def test_pointwise_atoms_are_of_events_and_of_rows():
    table = columns(50)
    study = decompose_table(table, "a,b", "y", bins="a=edges:0")
    expected = decompose(
        sources=[table["a"] > 0, table["b"]], target=table["y"], names="ab", local=True
    )
    head, rows = pointwise_of(study, "rows")
    rows = list(rows)
    assert head[:4] == ["row", "a", "b", "y"]
    for i, label in enumerate(expected.labels):
        np.testing.assert_allclose([row[4 + i] for row in rows], expected.local[label], atol=1e-12)
    assert [row[1] for row in rows] == ["≤ 0" if a <= 0 else "> 0" for a in table["a"]]
    assert [row[3] for row in rows] == [str(y) for y in table["y"]]
    head, events = pointwise_of(study, "events", parts=True)
    events = list(events)
    at = {name: i for i, name in enumerate(head)}
    assert sum(row[at["weight"]] for row in events) == 50
    for label, atom in expected.items():
        whole = sum(row[at["weight"]] * row[at[label]] for row in events) / 50
        assert whole == pytest.approx(atom, abs=1e-12)
        for row in events:
            parts = row[at[f"informative {label}"]] - row[at[f"misinformative {label}"]]
            assert parts == pytest.approx(row[at[label]], abs=1e-12)


def test_all_measures_agree_on_what_no_measure_changes():
    table = columns()
    study = decompose_table(table, "a,b", "y", measure="shared-exclusions,williams-beer")
    (question,) = study.questions
    first, second = question.by.values()
    assert abs(first.atoms - second.atoms).max() > 0.01
    assert first.informations == pytest.approx(second.informations)
    rows = rows_of(study)
    assert [row["measure"] for row in rows[:8]] == ["shared-exclusions"] * 4 + ["williams-beer"] * 4
    assert json.loads(json_of(study))["decompositions"][0]["found"][0]["bits"] == rows[0]["bits"]
    assert csv_of(study).count("\n") == len(rows) + 1


def test_long_names_have_a_legend_and_braces_are_read():
    table = columns()
    names = "a rather long name, in {braces}", "another one of some length", "y"
    table = dict(zip(names, table.values(), strict=True))
    study = decompose_table(table, list(table)[:2], "y")
    said = str(study)
    assert "1 = a rather long name, in {braces}" in said
    assert "\n{1}{2}" in said
    assert "another one of some length" in study._repr_html_()
    short = str(decompose_table({"s (cm)": [0, 1], "y": [0, 1]}, "s (cm)", "y"))
    assert "\n{s (cm)}  1.0000" in short


def test_tables_of_next_to_nothing():
    one = decompose_table({"x": ["1"], "y": ["1"]}, "x", "y", bins="3,x=quantile:2")
    assert one.questions[0].first.information == 0
    constant = decompose_table({"x": [1, 1, 1], "y": [0, 1, 0]}, "x", "y", bins=2, target_bins=2)
    assert abs(constant.questions[0].first.information) < 1e-12
    assert "cells    2 of sources and target, 1.5 rows each" in str(constant)


def test_what_cannot_be_both_is_refused():
    table = columns(count=np.arange(60))
    for options, message in (
        ({"sources": "a@-1", "weights": "count"}, "lags are of rows in order"),
        ({"sources": "a", "weights": "a"}, "of --weights, and a source or target"),
        ({"sources": "a", "weights": "count", "by": "count"}, "of --weights and --by"),
        ({"sources": "y=a"}, "'y' names a source and the target"),
        ({"sources": "a", "pairs": True}, "--pairs are of 2 sources or more, 1 given"),
        ({"sources": "F=a+b,C=b"}, "column 'b' is named twice among sources"),
        ({"sources": "a", "permutations": 9, "permute": "row"}, "permute must be 'rows' or"),
        ({"sources": "a", "bias": "jackknife"}, "bias must be 'shuffle' or"),
    ):
        with pytest.raises(ConfigError, match=message):
            decompose_table(table, target="y", **options)
