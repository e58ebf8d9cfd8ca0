"""CSV columns as outcomes: which cells are one, which are missing, and where bins end."""

import tracemalloc
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from infosim.analysis.tables import bins as bins_module
from infosim.analysis.tables import columns, decompose_table
from infosim.analysis.tables.plan import Plan
from infosim.analysis.tables.reading import read as read_table
from infosim.analysis.tables.rows import Rows
from infosim.cells import number
from infosim.errors import ConfigError, DataError
from infosim.pid import decompose

BIG = 2**53


def read_columns(
    path, sources, target, bins=None, target_bins=None, missing="error", missing_cells=None
):
    """(source -> values, the target's values, rows dropped): texts, bins, or None for missing."""
    plan = Plan(sources, target, bins, target_bins, None, None, False, missing_cells)
    frame = read_table(path, plan.wanted)
    rows = Rows(frame, plan, missing)
    found = {}
    for v in plan.variables:
        rows.joint(v, v in plan.targets)
        one = rows._found[v.name, plan.bins(v.name, v in plan.targets)]
        labels = range(len(one.labels)) if " bins " in one.said else one.labels
        found[v.name] = np.array([*labels, None], object)[one.codes[rows.kept]]
    last = found.pop(target)
    return found, last, frame.n_rows - len(rows.kept)


@pytest.fixture
def write(tmp_path):
    """Writes a file of these columns, by name, and returns its path."""

    def write(**columns):
        rows = [",".join(row) for row in zip(*columns.values(), strict=True)]
        path = tmp_path / "table.csv"
        path.write_text("\n".join([",".join(columns), *rows, ""]))
        return path

    return write


@pytest.fixture
def outcomes(write):
    """Numbers the outcomes of one column of cells, as a source or as the target; -1 is missing."""

    def outcomes(cells, as_target=False, **options):
        other = ["0"] * len(cells)
        columns = {"other": other, "y": cells} if as_target else {"x": cells, "other": other}
        first, last = columns
        sources, target, dropped = read_columns(write(**columns), [first], last, **options)
        (source,) = sources.values()
        found = target if as_target else source
        assert dropped == len(cells) - len(found)
        seen = {None: -1}
        return [seen.setdefault(value, len(seen) - 1) for value in found]

    return outcomes


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ("0 0.0 -0.0 0e0 +0 .0 0. 00 -0e-7 1", [0] * 9 + [1]),
        ("1 1.0 +1 1e0 10e-1 0.1E+1 01 100e-2 1e00000 -1", [0] * 9 + [1]),
        ("0.1 0.10 1e-1 0.1000000000000000055511151231257827", [0, 0, 0, 1]),
        ("9007199254740992 9007199254740993 9007199254740993.0", [0, 1, 1]),
        ("1e400 10e399 1e401 1e-400 0", [0, 0, 1, 2, 3]),
        ("inf Infinity +INF -inf 1e9999", [0, 0, 0, 1, 2]),
        ("5e-324 4e-324 0", [0, 1, 2]),  # 4e-324 rounds to the same float
        # a text among them: then 0 and 0.0 may be labels
        ("0 0.0 x", [0, 1, 2]),
        ("1_000 1000 1000.0", [0, 1, 2]),
        ("0x10 16 16.0", [0, 1, 2]),
        ("١ 1 1.0", [0, 1, 2]),  # float() reads the Arabic digit
        ("1e 1 1.0", [0, 1, 2]),
        ("1e10000 1 1.0", [0, 1, 2]),  # too long to write out
        ("1e999999999999999999999 1 1.0", [0, 1, 2]),
    ],
)
def test_spellings_of_one_number_are_one_outcome(cells, expected, outcomes):
    cells = cells.split(" ")
    assert outcomes(cells) == expected
    assert outcomes(cells, as_target=True) == expected


def test_a_missing_cell_is_no_text(outcomes):
    cells = ["0", "0.0", "nan", "", "1"]
    assert outcomes(cells, missing="value") == [0, 0, -1, -1, 1]
    assert outcomes(cells, missing="drop") == [0, 0, 1]
    assert outcomes(["0", "0.0", "-", "1"], missing="value") == [0, 1, 2, 3]
    assert outcomes(["0", "0.0", "-"], missing="value", missing_cells=["-"]) == [0, 0, -1]


def test_cells_are_parsed_once(outcomes, monkeypatch):
    parsed = []
    monkeypatch.setattr(columns, "number", lambda cell: parsed.append(cell) or number(cell))
    outcomes(["1", "2", "1.0", "3"] * 100, bins=2)
    assert sorted(parsed) == ["0", "1", "1.0", "2", "3"]


def test_missing_cells_by_default(outcomes):
    words = "nan NaN NAN na NA n/a N/A null NULL Null none None NONE nat NaT <na> <NA> #N/A #n/a"
    cells = ["", "  ", *words.split(), "nano", "-", "NN", "?", "missing", "0"]
    found = outcomes(cells, missing="value")
    assert found == [-1] * 21 + [0, 1, 2, 3, 4, 5]
    for cell in ("", "NaN", "<NA>", "None"):
        with pytest.raises(DataError, match="line 3: column 'x' is "):
            outcomes(["1", cell, "2"])
        with pytest.raises(DataError, match="line 3: column 'y' is "):
            outcomes(["1", cell, "2"], as_target=True)


def test_missing_cells_of_ones_own(outcomes):
    """Texts as they are written, sodium is not missing; numbers in any spelling."""
    cells = ["Na", "NA", "K", "na", ""]
    assert outcomes(cells, missing="value", missing_cells=["NA"]) == [0, -1, 1, 2, -1]
    cells = ["-999", "-999.0", "-9.99e2", "-99", "999"]
    assert outcomes(cells, missing="value", missing_cells=["-999"]) == [-1, -1, -1, 0, 1]
    assert outcomes(["nan", ""], missing="value", missing_cells=[""]) == [0, -1]


def test_dropped_rows_might_as_well_not_be_there(write):
    """Bins, and whether a column is one of numbers, are those of the rows that are left."""
    rng = np.random.default_rng(2)
    x, z = rng.normal(size=(2, 60))
    y = [str(v) for v in rng.integers(3, size=60)]
    x, z = [str(v) for v in x], [str(v) for v in z]
    expected, target, dropped = read_columns(write(x=x, z=z, y=y), ["x", "z"], "y", bins=4)
    assert dropped == 0
    x[10:10], z[10:10], y[10:10] = ["1e9", "text", ""], ["", "0", "-1e9"], ["0", "NaN", "many"]
    sources, found, dropped = read_columns(
        write(x=x, z=z, y=y), ["x", "z"], "y", bins=4, missing="drop"
    )
    assert dropped == 3
    for name in "xz":
        np.testing.assert_array_equal(sources[name], expected[name])
    np.testing.assert_array_equal(found, target)
    with pytest.raises(DataError, match="every row is missing one of x, y"):
        read_columns(write(x=["", "1"], y=["1", "na"]), ["x"], "y", missing="drop")


def test_only_sources_are_cut_into_bins(outcomes):
    digits = [str(i) for i in range(10)]
    pairs = [i // 2 for i in range(10)]
    assert outcomes(digits, bins=5) == pairs
    assert outcomes(digits, bins=5, as_target=True) == list(range(10))
    assert outcomes(digits, target_bins=5) == list(range(10))
    assert outcomes(digits, bins=2, target_bins=5, as_target=True) == pairs
    words = [f"class {i}" for i in range(10)]
    for as_target in (False, True):
        assert outcomes(words, bins=5, as_target=as_target) == list(range(10))
    # no more values than bins, however often they are spelt
    assert outcomes(["0", "0.0", "1", "1.0", "x"], bins=5) == [0, 1, 2, 3, 4]
    assert outcomes(["0", "0.0", "5", "1.0", "1"], bins=3) == [0, 0, 1, 2, 2]
    assert outcomes(["1", "inf", "-inf"], bins=3) == [0, 1, 2]
    # what is missing stays out of the bins
    cells = ["0", "", "1", "2", "3", "NaN"]
    assert outcomes(cells, bins=2, missing="value") == [0, -1, 0, 1, 1, -1]


COLUMNS = {
    "normal": lambda rng: rng.normal(size=300),
    "tenths": lambda rng: rng.permutation(100) / 10,  # many upon an edge
    "integers": lambda rng: rng.integers(-50, 50, 300),
    "integers to 2**53": lambda rng: rng.integers(BIG - 3000, BIG, 300, endpoint=True),
    "floats beyond 2**53": lambda rng: rng.uniform(0, 1e20, 300),
    "tens of 1e15": lambda rng: rng.permutation(100) * 1e16,
    "large": lambda rng: rng.uniform(-8e307, 8e307, 300),
    "small": lambda rng: rng.uniform(0, 1e-307, 300),
    "narrow": lambda rng: 1 + rng.permutation(100) * 2.0**-48,
}


@pytest.mark.parametrize("bins", [2, 3, 5, 7, 10, 20])
@pytest.mark.parametrize("case", COLUMNS)
def test_bins_are_those_of_linspace(case, bins, outcomes, write):
    values = COLUMNS[case](np.random.default_rng(bins))
    edges = np.linspace(values.min(), values.max(), bins + 1)
    cells = [str(v) for v in values]
    sources, _, _ = read_columns(write(x=cells, y=cells), ["x"], "y", bins=bins)
    np.testing.assert_array_equal(sources["x"], np.searchsorted(edges[1:-1], values.astype(float)))


EXTREMES = {  # cells beyond what bins of floats can tell apart
    "largest floats": ["-1.7e308", "-9e307", "-1e307", "0", "1e-300", "1e307", "9e307", "1.7e308"],
    "large and no wider": ["1.6e308", "1.65e308", "1.7e308", "1.71e308", "1.75e308"],
    "integers beyond 2**53": [str(BIG + i) for i in range(20)],
    "negative ones": [str(-(10**18) - i) for i in range(0, 60, 3)],
    "nanoseconds": [str(1_700_000_000_000_000_000 + i) for i in (0, 1, 100, 101, 500, 999, 1000)],
    "beyond 64 bits": [str(10**30 + 7 * i) for i in range(20)],
    "one large among small": ["1", "2", "3", str(10**17), str(10**17 + 1)],
    "digits beyond floats": [f"0.1000000000000000000000{i}" for i in range(10)],
    "neighbours": ["1", "1.00000000000000022204460", "1.00000000000000011", "1.0000000000000001"],
    "smallest floats": ["0", "5e-324", "1e-323", "1.5e-323", "2e-323"],
    "below floats": ["1e-400", "2e-400", "3e-400", "4e-400"],
}  # fmt: skip


@pytest.mark.parametrize("bins", [2, 3])
@pytest.mark.parametrize("case", EXTREMES)
def test_bins_are_exact_where_floats_are_not(case, bins, write):
    cells = EXTREMES[case]
    sources, target, _ = read_columns(write(x=cells, y=cells), ["x"], "y", bins, target_bins=bins)
    exact = [Fraction(cell) for cell in cells]
    least, width = min(exact), (max(exact) - min(exact)) / bins
    expected = [sum(value > least + i * width for i in range(1, bins)) for value in exact]
    assert sources["x"].tolist() == target.tolist() == expected
    assert len(set(expected)) > 1


@pytest.mark.parametrize("bins", [3, "quantile:4", "edges:-1;0;2"])
@pytest.mark.parametrize("case", [*COLUMNS, *EXTREMES])
def test_what_is_kept_as_floats_has_the_same_bins(case, bins, write, monkeypatch):
    """Columns of very many numbers, to be cut, are floats unless exact bins might be others."""
    if case in COLUMNS:
        cells = [str(v) for v in COLUMNS[case](np.random.default_rng(0))]
    else:
        cells = EXTREMES[case]
    cells = ["na", *cells, *cells[:7], ""]
    path = write(x=cells, y=["0"] * len(cells))
    options = {"bins": bins, "missing": "value"}
    expected, _, _ = read_columns(path, ["x"], "y", **options)
    monkeypatch.setattr(columns, "_MANY", 4)
    monkeypatch.setattr(columns, "MOST", 4)
    monkeypatch.setattr("infosim.datasets.own.table._CELLS", 20)
    kept = read_table(path, Plan(["x"], "y", bins, None, None, None, False, None).wanted)["x"]
    assert (kept.values is not None) >= (case in ("normal", "tenths", "integers", "narrow"))
    assert (kept.values is None) >= (case in ("large", "tens of 1e15", "nanoseconds"))
    found, _, _ = read_columns(path, ["x"], "y", **options)
    np.testing.assert_array_equal(found["x"], expected["x"])


def test_exact_bins_are_those_of_floats_where_both_can_tell():
    rng = np.random.default_rng(0)
    values = rng.integers(-1000, 1000, 500) / 8
    numbers = [number(str(v)) for v in values]
    for bins in (2, 4, 8, 16, 32):  # eighths and their halves have no rounding
        floats, _ = bins_module.equal_width(values, [str(v) for v in values], numbers, bins)
        assert floats == bins_module.equal_width_exactly(numbers, bins)[0]
        assert set(floats) == set(range(bins))


def read(tmp_path, text, sources, target="y", **options):
    (tmp_path / "table.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_columns(tmp_path / "table.csv", sources, target, **options)


def test_cells_are_what_is_between_commas_and_quotes(tmp_path):
    """Blanks around cells, names and quotes, a byte order mark, blank lines, other columns."""
    text = '\ufeff a , "b c", ,y\r\n 1 , "x, ""y""",,p\r\n\r\n"1",x,?, "p "\r\n'
    sources, target, dropped = read(tmp_path, text, ["a", "b c"])
    assert sources["a"].tolist() == ["1", "1"]
    assert sources["b c"].tolist() == ['x, "y"', "x"]
    assert target.tolist() == ["p", "p"]
    assert dropped == 0
    # zero bytes are part of a text
    assert read(tmp_path, "a,y\nx\0,1\nx,1\n", ["a"])[0]["a"].tolist() == ["x\0", "x"]


def test_a_name_that_occurs_twice_is_refused_if_it_is_wanted(tmp_path):
    text = "a,b,a,y\n1,2,3,4\n"
    assert read(tmp_path, text, ["b"])[0]["b"].tolist() == ["2"]
    with pytest.raises(DataError, match="has 2 columns called 'a'"):
        read(tmp_path, text, ["a", "b"])
    with pytest.raises(DataError, match="has 3 columns called 'y'"):
        read(tmp_path, "a,y, y,y \n1,2,3,4\n", ["a"])


def test_the_line_of_a_bad_cell_is_that_of_its_first_row(tmp_path):
    rows = ["", *map(str, range(5)), "inf", "inf", "", "x", "x"]
    text = "\n".join(["a,y", *(f"{cell},0" if cell else "" for cell in rows)])
    with pytest.raises(
        DataError, match="line 11: column 'a' is to be cut into bins, but 'x' is no"
    ):
        read(tmp_path, text, ["a"], bins=3)
    with pytest.raises(DataError, match="line 8: column 'a' is to be cut into bins, but 'inf'"):
        read(tmp_path, text.replace("x", "7"), ["a"], bins=3)
    dropped = text.replace("2,0", "2,na").replace("x", "7")
    with pytest.raises(DataError, match="line 8: column 'a' is to be cut into bins, but 'inf'"):
        read(tmp_path, dropped, ["a"], bins=3, missing="drop")
    with pytest.raises(DataError, match="line 5: column 'y' is 'na', which counts as missing"):
        read(tmp_path, dropped, ["a"])


def test_options_that_cannot_be_are_named(tmp_path):
    text = "a,y\n1,2\n"
    for options, message in (
        ({"bins": 1}, "bins must be at least 2 and at most 65536, was 1"),
        ({"target_bins": 0}, "bins must be at least 2 and at most 65536, was 0"),
    ):
        with pytest.raises(ConfigError, match=message):
            read(tmp_path, text, ["a"], **options)
    with pytest.raises(ConfigError, match="unknown missing 'skip'; allowed: error, drop, value"):
        decompose_table(tmp_path / "table.csv", "a", "y", missing="skip")
    for sources in product("ay", "ay"):
        with pytest.raises(ConfigError, match="is named twice"):
            read(tmp_path, text, list(sources))


@pytest.mark.parametrize("options", [{}, {"bins": 3}, {"missing": "value"}])
def test_a_long_cell_takes_no_more_than_itself(options, tmp_path):
    """Not as much in every row, as it would in an array of text of one width: 0.8 GB here."""
    rows = [f"{'x' * 100_000},1", *(f"v{i},{i % 2}" for i in range(2000))]
    tracemalloc.start()
    sources, target, _ = read(tmp_path, "\n".join(["a,y", *rows]), ["a"], **options)
    decompose(sources=sources, target=target)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20e6
