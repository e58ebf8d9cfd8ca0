"""Columns of tables by their distinct cells, and what of them counts as one outcome."""

from array import array
from dataclasses import dataclass

import numpy as np

from infosim.analysis.tables.bins import MOST
from infosim.cells import number, says_missing
from infosim.datasets.own.frame import Builder, cell_of
from infosim.errors import DataError, brief

#: Distinct cells from which on a column that is cut into bins is one of floats.
_MANY = 2 * MOST
#: Integers beyond which floats do not tell neighbours apart.
_EXACT = 2.0**53


@dataclass(frozen=True, eq=False)
class CellColumn:
    """A column by its distinct cells, so that no spelling of a number is lost; or by floats.

    Attributes
    ----------
    name : of the column
    codes : int32 (n,), numbers of cells
    cells : the distinct cells
    missing : bool, for each of them
    comma : whether numbers may have decimal commas
    values : float64 (n,), nan where missing, instead of all that; of columns to be cut into bins
    """

    name: str
    codes: np.ndarray | None = None
    cells: tuple[str, ...] = ()
    missing: np.ndarray | None = None
    comma: bool = False
    values: np.ndarray | None = None

    @property
    def unknown(self):
        """Where the cell is missing, bool (n,)."""
        return np.isnan(self.values) if self.codes is None else self.missing[self.codes]

    def number(self, cell):
        """What a cell spells exactly, or None if that is no number."""
        found = number(cell)
        if found is None and self.comma and "." not in cell:
            found = number(cell.replace(",", ".", 1))
        return found


class CellBuilder:
    """What `datasets.own.table.read_table` makes a `CellColumn` of.

    rough : names of columns that are cut into bins. Where these have very many distinct cells
        floats are kept of them, unless bins of floats would differ from exact ones.
    """

    def __init__(self, name, is_missing, text=False, comma=False, plain=True, rough=()):
        self.name = name
        self.late = False
        self._comma = comma
        self._codes, self._levels = array("i"), _Levels(is_missing)
        self._rough = not text and name in rough
        self._plain, self._floats = plain, None

    def add(self, cells):
        """Take the next cells; blanks around them are no part of them."""
        if self._floats is not None:
            self._floats.add(cells)
            self.late = self.late or self._floats.late
            return
        self._codes.extend(map(self._levels.__getitem__, cells))
        if self._rough and len(self._levels.cells) > _MANY:
            self._make_rough()

    def _make_rough(self):
        """From now on keep floats, if those that are there are numbers that floats tell apart."""
        self._rough = False
        levels = self._levels
        floats = Builder(self.name, levels.is_missing, False, self._comma, self._plain)
        floats.add(levels.cells)
        # No more bins than distinct numbers, which are as many as cells but for their spelling
        if floats.of_text or len(np.unique(floats.column(self.name).numbers)) <= MOST:
            return
        floats.repeat(np.frombuffer(self._codes, np.int32))
        self._floats, self._codes, self._levels = floats, None, None

    def column(self, what):
        if self._floats is not None and not self.late:
            values = self._floats.column(what).numbers
            known = values[~np.isnan(values)]
            # what exact bins are for: see `bins.equal_width`
            with np.errstate(over="ignore", invalid="ignore"):
                fine = (np.diff(np.linspace(known.min(), known.max(), _MANY + 1)) > 0).all()
            self.late = not fine or not (abs(known) < _EXACT).all()
            return CellColumn(self.name, values=values)
        if self._floats is not None:  # it will be made again
            return CellColumn(self.name, values=np.empty(0))
        levels = self._levels
        codes = np.frombuffer(self._codes, np.int32) if self._codes else np.empty(0, np.int32)
        missing = np.array([levels.is_missing(cell) for cell in levels.cells], bool)
        return CellColumn(self.name, codes, tuple(levels.cells), missing, self._comma)


class _Levels(dict):
    """Cells -> numbers of what is left of them without blanks, from 0 on as they are met."""

    def __init__(self, is_missing):
        super().__init__()
        self.is_missing, self.cells = is_missing, []

    def __missing__(self, cell):
        bare = cell.strip()
        if bare != cell:
            code = self[bare]
        else:
            code = len(self.cells)
            self.cells.append(bare)
        self[cell] = code
        return code


def column_of_values(values, name, missing_cells=None):
    """A sequence of Python values, an array or a column of pandas as one of cells.

    Numbers are those that their shortest spelling says.

    Raises
    ------
    DataError : it is not flat, or holds complex numbers
    """
    if isinstance(getattr(values, "dtype", None), np.dtype) and values.dtype.kind in "biuf":
        given = np.asarray(values)
        if given.ndim != 1:
            raise DataError(f"column {name!r} has shape {given.shape}, expected (n,)")
        distinct, codes = np.unique(given, return_inverse=True)
        found = distinct.tolist() if given.dtype.itemsize >= 8 else map(_short, distinct)
        cells = [cell_of(value) for value in found]
        codes = codes.astype(np.int32)
    else:
        seen, codes = {}, array("i")
        if isinstance(getattr(values, "dtype", None), np.dtype) and values.dtype.kind in "mM":
            times = np.asarray(values)
            values = np.where(np.isnat(times), None, times.astype(str))
        listed = values.tolist() if hasattr(values, "tolist") else list(values)
        for value in listed:
            if isinstance(value, complex | list | tuple | dict | np.ndarray):
                raise DataError(f"column {name!r} holds {brief(value)}, expected numbers or text")
            codes.append(seen.setdefault(cell_of(value), len(seen)))
        cells = list(seen)
        codes = np.frombuffer(codes, np.int32) if codes else np.empty(0, np.int32)
    is_missing = says_missing(missing_cells)
    missing = np.array([is_missing(cell) for cell in cells], bool)
    return CellColumn(name, codes, tuple(cells), missing)


def _short(value):
    """A number of few bits as the Python number that it is written as."""
    return float(str(value)) if isinstance(value, np.floating) else value.item()


@dataclass(frozen=True, eq=False)
class Outcomes:
    """A column as a discrete variable.

    Attributes
    ----------
    codes : int32 (n,), -1 where missing and in rows that do not count
    labels : what each code stands for
    said : how they came to be, in words
    """

    codes: np.ndarray
    labels: list[str]
    said: str


def outcomes(column, bins, used, counts, frame, optional=False):
    """What counts as one value in the rows of a column that are used.

    bins : a `Bins`
    used : bool (n,)
    counts : float (n,), what each row weighs
    frame : the `Frame` that the column is from, for messages
    optional : whether bins are for columns of numbers among others: those of words have none

    In a column whose used cells are all numbers, those of exactly the same value are the same.

    Raises
    ------
    DataError : a column to be cut into bins that mixes numbers and text or is not finite
    """
    if column.codes is None:
        return _of_floats(column, bins, used, counts)
    present = np.bincount(column.codes[used], minlength=len(column.cells)) > 0
    known = np.flatnonzero(present & ~column.missing)
    cells = [column.cells[i] for i in known]
    numbers = [column.number(cell) for cell in cells]
    words = [i for i, one in zip(known, numbers, strict=True) if one is None]
    distinct = len(known) if words else len(set(numbers))
    said = f"{distinct} value{'s' * (distinct != 1)}"
    cut = bins.kind == "edges" or (bins.kind != "none" and distinct > bins.n)

    def refuse(i, needed):
        at = np.flatnonzero(used & (column.codes == i))[0]
        hint = ""
        if "," in column.cells[i] and number(column.cells[i].replace(",", ".", 1)) is not None:
            hint = " (decimal commas are read where semicolon or tab separate columns)"
        what = brief(column.cells[i])
        raise frame.error(
            column.name, at, f"is to be cut into bins, but {what} is not {needed}{hint}"
        )

    if cut and words:
        if not optional or len(words) < distinct:
            refuse(words[0], "a number")
        cut = False
    if cut:
        _check_marks(column, cells, frame)
        for i, one in zip(known, numbers, strict=True):
            if not (one.is_finite() and np.isfinite(float(one))):
                refuse(i, "finite")
        weight = np.bincount(column.codes[used], counts[used], minlength=len(column.cells))
        found, labels, how = bins.cut(cells, numbers, weight[known])
        said = f"{said}, {how}"
    elif words:
        found, labels = np.arange(len(cells)), cells
    else:
        _check_marks(column, cells, frame)
        first = {}
        found = np.array([first.setdefault(one, len(first)) for one in numbers], int)
        labels = _first_spelling(found, cells)
    coded = np.full(len(column.cells), -1, np.int32)
    coded[known] = found
    codes = np.where(used, coded[column.codes], np.int32(-1))
    return Outcomes(codes, list(labels), said)


def _first_spelling(found, cells):
    labels = {}
    for code, cell in zip(found.tolist(), cells, strict=True):
        labels.setdefault(code, cell)
    return [labels[code] for code in range(len(labels))]


def _check_marks(column, cells, frame):
    """Raise DataError if numbers with decimal points and with commas are in one column."""
    if not column.comma:
        return
    point = next((cell for cell in cells if "." in cell), None)
    comma = next((cell for cell in cells if "," in cell), None)
    if point and comma:
        raise DataError(
            f"{frame.what}: column {column.name!r} has decimal points and commas, such as "
            f"{point!r} and {comma!r}"
        )


def _of_floats(column, bins, used, counts):
    """The same of a column that is known by floats."""
    rows = used & ~np.isnan(column.values)
    values = column.values[rows]
    codes = np.full(len(column.values), -1, np.int32)
    if values.size < MOST and len(distinct := np.unique(values)) <= bins.n:  # few rows are left
        codes[rows] = np.searchsorted(distinct, values)
        return Outcomes(codes, [f"{one:g}" for one in distinct], f"{len(distinct)} values")
    found, labels, how = bins.cut_floats(values, counts[rows])
    codes[rows] = found
    return Outcomes(codes, labels, f"many values, {how}")
