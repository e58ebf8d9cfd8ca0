"""Tables in memory: named columns of numbers or of texts, whatever they were read from."""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from infosim.cells import NUMBER, says_missing
from infosim.datasets.own.memory import check_memory
from infosim.errors import ConfigError, DataError, brief, near

#: What float() takes and `NUMBER` does not, or not as a number: nan, inf, 1_000.
_NOT_PLAIN = "n", "N", "_"


@dataclass(frozen=True, eq=False)
class Column:
    """A column of numbers, or of texts by their distinct ones.

    numbers : float64 (n,), nan where missing, or None
    codes : int32 (n,), numbers of texts, -1 where missing, or None
    levels : the distinct texts in the order in which they were met
    """

    name: str
    numbers: np.ndarray | None = None
    codes: np.ndarray | None = None
    levels: tuple[str, ...] = ()

    @property
    def missing(self):
        """Where nothing is known, bool (n,)."""
        return np.isnan(self.numbers) if self.codes is None else self.codes < 0

    def of(self, rows):
        """The column of these rows alone."""
        if self.codes is None:
            return replace(self, numbers=self.numbers[rows])
        return replace(self, codes=self.codes[rows])

    def as_text(self):
        """The column with its numbers written out: 1 for 1.0."""
        if self.codes is not None:
            return self
        known = ~self.missing
        values, found = np.unique(self.numbers[known], return_inverse=True)
        codes = np.full(len(self.numbers), -1, np.int32)
        codes[known] = found
        return Column(self.name, codes=codes, levels=tuple(map(spelt, values)))


def joined(columns):
    """One column below the other."""
    if len(columns) == 1:
        return columns[0]
    if all(one.codes is None for one in columns):
        return replace(columns[0], numbers=np.concatenate([one.numbers for one in columns]))
    levels, parts = {}, []
    for one in map(Column.as_text, columns):
        to = [levels.setdefault(level, len(levels)) for level in one.levels]
        parts.append(np.array([*to, -1], np.int32)[one.codes])
    return Column(columns[0].name, codes=np.concatenate(parts), levels=tuple(levels))


@dataclass(frozen=True, eq=False)
class Frame:
    """Columns of as many rows.

    what : the file or data they are from, for messages
    lines : (n,), numbers of the lines in the file, or of the rows from 0 on if it has no lines
    of_text : whether it has
    named : whether the columns have names; else these are their numbers
    """

    what: str
    columns: list[Column]
    n_rows: int
    lines: np.ndarray | None = field(default=None, repr=False)
    of_text: bool = False
    named: bool = True

    def __post_init__(self):
        if self.lines is None:
            object.__setattr__(self, "lines", np.arange(self.n_rows))

    @property
    def names(self):
        return [column.name for column in self.columns]

    @cached_property
    def _by_name(self):
        return {column.name: column for column in self.columns}

    def __getitem__(self, name):
        if name not in self._by_name:
            raise DataError(f"{self.what} has no column {name!r}; {near(name, self.names)}")
        return self._by_name[name]

    def without(self, *names):
        return replace(self, columns=[one for one in self.columns if one.name not in names])

    def of(self, rows):
        """The frame of these rows alone."""
        return replace(
            self,
            columns=[column.of(rows) for column in self.columns],
            n_rows=len(rows),
            lines=self.lines[rows],
        )

    def error(self, column, row, problem):
        """DataError about the cell in `row` of the column `column`."""
        where = f"{'line' if self.of_text else 'row'} {self.lines[row]}"
        return DataError(f"{self.what}, {where}: column {column!r} {problem}")


@dataclass(frozen=True)
class Wanted:
    """Which columns of a table are read, and how.

    columns : names of those wanted, by default all
    exclude : names of those that are not
    texts : names of those whose numbers are names, too
    always : names of those read whatever the others say
    missing_cells : as `cells.says_missing` takes them
    """

    columns: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    always: tuple[str, ...] = ()
    missing_cells: tuple[str, ...] | None = None

    def of(self, names, what):
        """Those of the names of the columns of `what` that are wanted, in their order there.

        Raises
        ------
        DataError : names that are empty or there twice
        ConfigError : a column wanted, excluded or taken for text that is not there
        """
        seen = set()
        for i, name in enumerate(names, 1):
            if not name:
                raise DataError(f"{what}: column {i} has no name (an index that was written, too?)")
            if name in seen:
                raise DataError(f"{what} has {names.count(name)} columns called {brief(name)}")
            seen.add(name)
        for option in ("columns", "exclude", "texts"):
            for name in getattr(self, option) or ():
                if name not in seen:
                    said = {"texts": "categorical"}.get(option, option)
                    raise ConfigError(
                        f"--{said}: {what} has no column {brief(name)}; {near(name, names)}"
                    )
        chosen = seen if self.columns is None else {*self.columns, *self.always}
        chosen = chosen - (set(self.exclude) - set(self.always))
        return [name for name in names if name in chosen]


class Builder:
    """A column that is made of cells: of numbers if all are that are not missing, else of texts.

    is_missing : a function of a cell
    comma : whether a comma may stand for the decimal point
    plain : whether no number means that a cell is missing
    """

    def __init__(self, name, is_missing, text=False, comma=False, plain=True):
        self.name, self.late = name, False
        self._is_missing, self._comma, self._plain = is_missing, comma, plain
        self._numbers = None if text else array("d")
        self._codes, self._levels = array("i"), {}
        self._points = self._commas = None  # the first cell with either

    def add(self, cells):
        """Take the next cells; blanks around them are no part of them.

        A column that turns out to be text after numbers were taken is `late`: it has to be made
        again, as text from the beginning.
        """
        if self._numbers is not None:
            values = self._values(cells)
            if values is not None:
                self._numbers.extend(values)
                return
            self.late, self._numbers = len(self._numbers) > 0, None
        levels, is_missing = self._levels, self._is_missing
        for cell in map(str.strip, cells):
            code = levels.get(cell)
            if code is None:
                code = levels[cell] = -1 if is_missing(cell) else len(levels)
            self._codes.append(code)

    @property
    def of_text(self):
        """Whether one of the cells was no number."""
        return self._numbers is None

    def repeat(self, order):
        """Of numbers, take those that were taken in another order, int (n,), for all cells."""
        self._numbers = array("d", np.array(self._numbers)[order].tobytes())

    def _values(self, cells):
        """The numbers that cells spell, nan where missing, or None if there is a text."""
        together = "".join(cells) if self._plain else "_"
        if together.isascii() and not any(mark in together for mark in _NOT_PLAIN):
            try:
                values = list(map(float, cells))
            except ValueError:
                pass
            else:
                if self._comma and "." in together and self._points is None:
                    self._points = next(cell.strip() for cell in cells if "." in cell)
                return values
        values = []
        for cell in map(str.strip, cells):
            if self._is_missing(cell):
                values.append(np.nan)
            elif NUMBER.fullmatch(cell):
                if "." in cell and self._points is None:
                    self._points = cell
                values.append(float(cell))
            elif self._comma and "." not in cell and NUMBER.fullmatch(cell.replace(",", ".", 1)):
                if self._commas is None:
                    self._commas = cell
                values.append(float(cell.replace(",", ".", 1)))
            else:
                return None
        return values

    def column(self, what):
        """The column; DataError about `what` if decimal points and commas are mixed in it."""
        if self._numbers is None:
            # where missing cells were met between levels, numbers have gaps
            known = [level for level, code in self._levels.items() if code >= 0]
            renumbered = np.full(len(self._levels) + 1, -1, np.int32)
            renumbered[[self._levels[level] for level in known]] = np.arange(len(known))
            codes = np.frombuffer(self._codes, np.int32) if self._codes else np.empty(0, np.int32)
            return Column(self.name, codes=renumbered[codes], levels=tuple(known))
        if self._points and self._commas:
            raise DataError(
                f"{what}: column {self.name!r} has decimal points and commas, such as "
                f"{self._points!r} and {self._commas!r}"
            )
        return Column(self.name, numbers=np.array(self._numbers, np.float64))


def spelt(value):
    """How a number is written as the name of a class or level."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


# -- what Python holds -----------------------------------------------------------------------------


def frame_of(data, wanted, what="the data"):
    """A pandas DataFrame, a mapping of columns or an array (n, d), maybe sparse, as a frame.

    Raises
    ------
    DataError : no table, columns of several lengths, as of `Wanted.of`
    """
    if hasattr(data, "columns") and hasattr(data, "iloc"):
        given = {i: data.iloc[:, i] for i in range(len(data.columns))}
        names = [str(name) for name in data.columns]
    elif isinstance(data, Mapping):
        given, names = dict(enumerate(data.values())), [str(name) for name in data]
    else:
        return _frame_of_array(data, wanted, what)
    chosen = set(wanted.of(names, what))
    columns = [
        column_of(given[i], name, wanted, what) for i, name in enumerate(names) if name in chosen
    ]
    lengths = {len(one.missing): one.name for one in columns}
    if len(lengths) > 1:
        (a, first), (b, other) = list(lengths.items())[:2]
        raise DataError(f"{what}: column {first!r} has {a} rows, column {other!r} has {b}")
    return Frame(what, columns, next(iter(lengths), 0))


def _frame_of_array(data, wanted, what):
    """An array (n, d) as a frame whose columns are called 0, 1, ..."""
    if hasattr(data, "toarray"):  # scipy's sparse
        n, d = data.shape
        check_memory(f"{what}, {n} × {d} made dense,", 16.0 * n * d)
        data = data.toarray()
    x = as_array(data, what)
    if x.ndim != 2 or not x.size:
        raise DataError(f"{what} has shape {x.shape}, expected (n, d) with n and d positive")
    names = [str(i) for i in range(x.shape[1])]
    columns = [column_of(x[:, int(i)], i, wanted, what) for i in wanted.of(names, what)]
    return Frame(what, columns, len(x), named=False)


def column_of(values, name, wanted, what):
    """A sequence, array or pandas Series (n,) as a column.

    Raises
    ------
    DataError : it has another shape or holds complex numbers
    """
    if not hasattr(values, "to_numpy"):
        values = as_array(values, f"{what}: {name}")
    if len(values.shape) != 1:
        raise DataError(f"{what}: {name} has shape {values.shape}, expected (n,)")
    kind = getattr(values.dtype, "kind", "O")
    if kind == "c":
        raise DataError(f"{what}: {name} has type {values.dtype}, expected numbers or text")
    if kind in "iuf":
        options = {"na_value": np.nan} if hasattr(values, "to_numpy") else {}
        numbers = values.to_numpy(np.float64, **options) if options else values.astype(np.float64)
        column = Column(name, numbers=numbers)
        return column.as_text() if name in wanted.texts else column
    # categories and true or false are names, also if they look like numbers
    text = kind == "b" or str(values.dtype) == "category" or name in wanted.texts
    builder = Builder(name, says_missing(wanted.missing_cells), text)
    builder.add([cell_of(value) for value in (values.tolist())])
    return builder.column(what)


def as_array(values, what):
    """A NumPy array of what Python holds; DataError about `what` if it is none."""
    if np.ma.is_masked(values):
        raise DataError(f"{what} has masked numbers, which say nothing; fill them with nan")
    try:
        array = np.asarray(values)
    except ValueError:  # rows of different lengths
        raise DataError(f"{what}: rows of several lengths, expected an array") from None
    if not array.ndim:
        raise DataError(f"{what} must be an array or a list, was {brief(values)}")
    return array


def cell_of(value):
    """A value of a column of objects as the text of a cell."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return ""
    if isinstance(value, float):
        return "" if value != value else spelt(value) if np.isfinite(value) else str(value)
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    return str(value).strip()
