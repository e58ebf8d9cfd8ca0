"""Which values of samples are the same outcome, and which are missing: counted by entropies."""

from collections import deque
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from infosim.errors import ConfigError, DataError, ShapeError
from infosim.pid import decompose

nan = float("nan")
BIG = 2**53  # the next integer is no float


def bits(values, **kwargs):
    """H(values) in bits."""
    return decompose(sources=[[0] * len(values)], target=values, **kwargs).entropy


def of(*counts):
    """The entropy of outcomes seen so many times."""
    p = np.array(counts) / sum(counts)
    return pytest.approx(-(p * np.log2(p)).sum(), abs=1e-12)


class Scalar:
    """Like a tensor without axes: an array, but equal to itself only."""

    def __init__(self, value):
        self.value = value

    def __array__(self, dtype=None, copy=None):
        return np.array(self.value, dtype)


class Column:
    """Like a column of another library, whose array has floats where an integer is missing."""

    dtype = "its own"

    def __init__(self, values):
        self.values = values

    def __len__(self):
        return len(self.values)

    def __iter__(self):
        return iter(self.values)

    def __array__(self, dtype=None, copy=None):
        return np.array([nan if v is None else v for v in self.values], float)


# Four samples, the second of which is missing, and the last two alike.
MISSING = {
    "None": ["a", None, 2, 2],
    "nan": [1.0, nan, 2.0, 2.0],
    "nan beside text": ["a", nan, 2, 2],
    "nan of NumPy": ["a", np.float32("nan"), 2, 2],
    "complex nan": [1j, complex(0, nan), 2j, 2j],
    "Decimal": [Decimal(1), Decimal("NaN"), Decimal(2), Decimal("2.0")],
    "NaT in a list": [np.datetime64("2020"), np.datetime64("NaT"), *[np.datetime64("2021")] * 2],
    "tuples": np.array([(1, 2), (1, nan), (3, 4), (3, 4), None], object)[:-1],
    "an element masked": [1, np.ma.masked, 2, 2],
    "float array": np.array([1, nan, 2, 2]),
    "half": np.array([1, nan, 2, 2], np.float16),
    "long double": np.array([1, nan, 2, 2], np.longdouble),
    "complex array": np.array([1j, complex(nan, 0), 2, 2]),
    "object array": np.array([1, nan, "b", "b"], object),
    "datetime64": np.array(["2020", "NaT", "2021", "2021"], "M8[ns]"),
    "timedelta64": np.array([1, "NaT", 2, 2], "m8[s]"),
    "records": np.array([(1, 1.0), (1, nan), (2, 1), (2, 1)], [("a", int), ("b", float)]),
    "masked integers": np.ma.array([1, 2, 2, 2], mask=[0, 1, 0, 0]),
    "masked nan": np.ma.array([1, nan, 2, 2], mask=[0, 1, 0, 0]),
    "masked text": np.ma.array(["a", "b", "b", "b"], mask=[0, 1, 0, 0]),
    "masked objects": np.ma.array([1, "b", "b", "b"], object, mask=[0, 1, 0, 0]),
    "masked records": np.ma.array(
        [(1, 1), (2, 1), (2, 1), (2, 1)], "i8,i8", mask=[(0, 0), (0, 1), (0, 0), (0, 0)]
    ),
    "list of a masked array": list(np.ma.array([1, 2, 2, 2], mask=[0, 1, 0, 0])),
    "another library's": Column([1, None, 2, 2]),
}


def treats_missing(values):
    """One missing value, the second of four: an error, dropped, or an outcome of its own."""
    with pytest.raises(DataError, match="target has missing values, 1 of 4, the first at index 1"):
        bits(values)
    with pytest.raises(DataError, match="source 2 has missing values"):
        decompose(sources=[[0] * 4, values], target=[0] * 4)
    assert bits(values, missing="drop") == of(1, 2)
    assert bits(values, missing="value") == of(1, 1, 2)


@pytest.mark.parametrize("case", MISSING)
def test_missing_values_are_never_outcomes_unasked(case):
    treats_missing(MISSING[case])


def test_missing_values_of_pandas():
    pandas = pytest.importorskip("pandas")
    for values in (
        pandas.Series([1, pandas.NA, "b", "b"], dtype=object),
        pandas.Series(["a", None, "b", "b"]),
        pandas.Series(["a", None, "b", "b"], dtype="string"),
        pandas.Series(["a", None, "b", "b"], dtype="category"),
        pandas.Series([1.0, None, 2, 2]),
        pandas.Series([True, None, False, False], dtype="boolean"),
        pandas.array([BIG, None, BIG + 1, BIG + 1], dtype="Int64"),
        pandas.Categorical.from_codes([0, -1, 1, 1], categories=[BIG, BIG + 1]),
        pandas.to_datetime(pandas.Series(["2020", None, "2021", "2021"])),
        pandas.to_datetime(pandas.Series(["2020", None, "2021", "2021"]), utc=True),
        [1, pandas.NA, 2, 2],
        [1, pandas.NaT, 2, 2],
    ):
        treats_missing(values)
    assert bits(pandas.Series([(1, 2), (1, 2), (3, 4)])) == of(2, 1)
    assert bits(pandas.Categorical(["a", "b", "b"], categories=["c", "b", "a"])) == of(1, 2)
    assert bits(pandas.Index([1, 2, 2])) == of(1, 2)


def test_all_that_is_missing_is_one_outcome():
    values = [None, nan, np.nan, np.float64("nan"), Decimal("NaN"), np.ma.masked, "nan", 0]
    assert bits(values, missing="value") == of(6, 1, 1)
    # a target that is missing where the source is 1 tells all of it
    d = decompose(sources=[[0, 0, 1, 1]], target=[7, 7, None, nan], missing="value")
    assert d.information == pytest.approx(1)


def test_dropping_is_leaving_the_rows_out():
    rng = np.random.default_rng(5)
    codes = rng.integers(3, size=(3, 200)).astype(float)
    codes[rng.random(codes.shape) < 0.2] = nan
    whole = ~np.isnan(codes).any(axis=0)
    assert 60 < whole.sum() < 140
    d = decompose(sources=codes[:2], target=codes[2], missing="drop", local=True)
    expected = decompose(sources=codes[:2, whole], target=codes[2, whole], local=True)
    np.testing.assert_array_equal(d.atoms, expected.atoms)
    assert d.entropy == expected.entropy
    for label, values in d.local.items():  # still a value for every row that was given
        np.testing.assert_array_equal(values[whole], expected.local[label])
        assert np.isnan(values[~whole]).all()
    masked = np.ma.array(codes, mask=np.isnan(codes))
    again = decompose(sources=masked[:2], target=masked[2], missing="drop")
    np.testing.assert_array_equal(again.atoms, d.atoms)


def test_nothing_left_is_an_error():
    with pytest.raises(DataError, match="every sample has a missing value"):
        decompose(sources=[[1, None]], target=[None, 1], missing="drop")
    with pytest.raises(ConfigError, match="unknown missing 'dropp'; did you mean drop"):
        decompose(sources=[[1]], target=[1], missing="dropp")


# What np.asarray of a list would merge, and what it would not
DISTINCT = {
    "numbers and their digits": (["0", 0, "1", 1], of(1, 1, 1, 1)),
    "text first": (["0", 0, 0, 0], of(1, 3)),
    "bytes and text": ([b"a", "a", "a"], of(1, 2)),
    "large integers beside floats": ([BIG, BIG + 1, 0.5, 0.5], of(1, 1, 2)),
    "an integer and its nearest float": ([BIG + 1, float(BIG), BIG], of(1, 2)),
    "unsigned and negative": ([2**63, 2**63 + 1, -1], of(1, 1, 1)),
    "beyond 64 bits": ([2**64, 2**64 + 1, 2**64 + 1], of(1, 2)),
    "trailing zero bytes": (["a", "a\0", "a\0"], of(1, 2)),
    "blanks": (["a", "a ", ""], of(1, 1, 1)),
    "text that reads as missing": (["nan", "None", "", "NA"], of(1, 1, 1, 1)),
    "infinities": ([np.inf, -np.inf, 1e308], of(1, 1, 1)),
    "equal in Python": ([1, 1.0, True, Fraction(1), Decimal(1), np.int8(1), 1 + 0j, 2], of(7, 1)),
    "zeros": ([0.0, -0.0, 0, False, 1], of(4, 1)),
    "scalar arrays": ([np.array(1), np.array(2), np.array(2.0)], of(1, 2)),
    "tensors": ([Scalar(1), Scalar(2), Scalar(2)], of(1, 2)),
    "a range": (range(8), of(*[1] * 8)),
    "a deque": (deque(["0", 0, 0]), of(1, 2)),
    "integers of another library": (Column([BIG, BIG + 1, BIG + 1]), of(1, 2)),
    "booleans": (np.array([True, False, False]), of(1, 2)),
    "half floats": (np.array([2048, 2049, 2050], np.float16), of(2, 1)),  # 2049 is no half float
    "empty text": (np.zeros(3, "U0"), of(3)),
    "objects": (np.array(["0", 0, 0, True], object), of(1, 2, 1)),
    "records": (np.array([(1, 2), (1, 3), (1, 3)], "i8,i8"), of(1, 2)),
}


@pytest.mark.parametrize("case", DISTINCT)
def test_what_is_equal_is_one_outcome_and_nothing_else(case):
    values, expected = DISTINCT[case]
    assert bits(values) == expected
    d = decompose(sources=[values], target=values)
    assert d.information == expected


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([{}, 1], "source 1 is not a flat sequence of values: index 0 holds a dict"),
        ([1, {2}], "index 1 holds a set"),
        ([1, [2]], "source 1 is not a flat sequence of values"),
        ([(1, 2), (3, 4)], r"source 1 has shape \(2, 2\), must be one-dimensional"),
        ([np.array([1, 2]), np.array([1, 2])], "index 0 holds a ndarray"),
        ([Scalar([1, 2]), 1], "index 0 holds a ndarray"),
        (np.array([[1], [1, 2]], object), "index 0 holds a list"),
        ([Decimal("sNaN"), 1], "index 0 holds a Decimal"),
        (np.ones((2, 1)), r"source 1 has shape \(2, 1\)"),
        ("ab", r"source 1 has shape \(\)"),
        ({1, 2}, r"source 1 has shape \(\)"),
        ((i for i in range(2)), r"source 1 has shape \(\)"),
    ],
)
def test_what_cannot_be_told_apart_is_named(values, message):
    with pytest.raises(ShapeError, match=message) as caught:
        decompose(sources=[values], target=[0, 1])
    assert "\n" not in str(caught.value)


def test_sources_that_are_no_sequences_are_named():
    with pytest.raises(ShapeError, match="sources are not sequences of values, but a int"):
        decompose(sources=3, target=[1])


def test_rows_of_pandas_are_not_matched_by_position_alone():
    """Sorted or filtered, a column's third value may be of another row than the others' third."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [0, 1, 0, 1], "b": [0, 0, 1, 1], "y": [0, 1, 1, 0]})
    a, b, y = frame["a"], frame["b"], frame["y"].sort_values()
    assert decompose(sources=[a, b], target=frame["y"]).information == pytest.approx(1)
    with pytest.raises(DataError, match=r"^target has another index than source 1; align them"):
        decompose(sources=[a, b], target=y)
    with pytest.raises(DataError, match=r"^source 2 has another index than source 1"):
        decompose(sources={"a": a, "b": b.loc[[0, 1, 3, 2]]}, target=[0, 1, 1, 0])
    assert decompose(sources=[a, b], target=y.loc[a.index]).information == pytest.approx(1)
    by_position = decompose(sources=[a, b], target=y.to_numpy())
    assert by_position == decompose(sources=[list(a), b], target=list(y))
    assert by_position.information == pytest.approx(1)
