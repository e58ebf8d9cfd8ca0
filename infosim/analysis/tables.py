"""Columns of CSV files as discrete variables."""

import csv
import io
from bisect import bisect_left
from dataclasses import dataclass, replace
from math import lcm

import numpy as np

from infosim.cells import number, says_missing
from infosim.errors import ConfigError, DataError, brief, near
from infosim.files import opened
from infosim.pid.outcomes import check_missing


def read_columns(
    path, sources, target, bins=None, target_bins=None, missing="error", missing_cells=None
):
    """Read columns of a CSV file with a header row.

    Cells are text, without the blanks around them. In a column whose cells are all numbers, those
    of exactly the same value are the same: 1, 1.0 and +1e0, but not 9007199254740992 and ...993.

    Parameters
    ----------
    path : the file, UTF-8
    sources, target : the columns wanted
    bins : if given, 2 or more: sources of numbers with more distinct values than that are cut into
        this many bins of equal width from their minimum to their maximum
    target_bins : the same for the target
    missing : "error"; "drop" leaves out each row in which one of the columns is missing; "value"
        keeps them
    missing_cells : what a missing cell holds if it is not empty: texts, or numbers in any spelling;
        by default `cells.MISSING_CELLS` in small letters or capitals

    Returns
    -------
    sources : dict, name -> object (n,) array of text or of bin indices, None where missing
    target : such an array
    dropped : number of rows left out

    Raises
    ------
    DataError : unreadable file, no or more than one column of a name, ragged rows, missing cells,
        no rows; a column to be cut into bins that mixes numbers and text or is not finite
    ConfigError : bins below 2, a column named twice, an unknown `missing`
    """
    names = [*sources, target]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"column {name!r} is named twice among sources and target")
    for option, given in (("bins", bins), ("target bins", target_bins)):
        if given is not None and given < 2:
            raise ConfigError(f"{option} must be at least 2, was {given}")
    check_missing(missing)
    columns = _read(path, names, missing_cells)
    n_rows = len(columns[0].codes)
    if missing == "error":
        for column in columns:
            column.refuse_missing()
    if missing == "drop":
        kept = ~np.any([column.missing[column.codes] for column in columns], axis=0)
        if not kept.any():
            raise DataError(f"{path}: every row is missing one of {', '.join(names)}")
        if not kept.all():
            columns = [column.of(kept) for column in columns]
    values = [column.outcomes(bins) for column in columns[:-1]]
    *_, last = columns
    return (
        dict(zip(sources, values, strict=True)),
        last.outcomes(target_bins, text=False),
        n_rows - len(last.codes),
    )


@dataclass
class _Column:
    """A column by its distinct cells.

    Attributes
    ----------
    path, name : where it is from
    lines : (n,), of the rows in the file
    codes : (n,), numbers of their cells
    cells : the distinct cells
    missing : bool, for each of them
    """

    path: str
    name: str
    lines: np.ndarray
    codes: np.ndarray
    cells: list[str]
    missing: np.ndarray

    def of(self, rows):
        """The column of these rows alone, with the cells that occur in them."""
        used, codes = np.unique(self.codes[rows], return_inverse=True)
        cells = [self.cells[i] for i in used]
        return replace(
            self, lines=self.lines[rows], codes=codes, cells=cells, missing=self.missing[used]
        )

    def refuse_missing(self):
        """Raise DataError about the first row whose cell is missing."""
        for i in self.codes[self.missing[self.codes]][:1]:
            held = f"{self.cells[i]!r}, which counts as missing" if self.cells[i] else "empty"
            raise self._error(i, f"is {held}; see --missing and --missing-tokens")

    def outcomes(self, bins, text=True):
        """What counts as one value: text or the index of a bin, object (n,), None where missing.

        With `text`, a column in which no cell is a number is never cut into bins.
        """
        known = np.flatnonzero(~self.missing)
        cells = [self.cells[i] for i in known]
        numbers = [number(cell) for cell in cells]
        words = [i for i, one in zip(known, numbers, strict=True) if one is None]
        distinct = len(known) if words else len(set(numbers))
        cut = bins is not None and distinct > bins
        if cut and words:
            if not text or len(words) < distinct:
                raise self._not_binned(words[0], "a number")
            cut = False
        if cut:
            values = np.array([float(cell) for cell in cells])
            for i in known[~np.isfinite(values)][:1]:
                raise self._not_binned(i, "finite")
            found = _binned(values, cells, numbers, bins)
        elif words:
            found = cells
        else:
            spelling = {}
            found = [spelling.setdefault(n, cell) for n, cell in zip(numbers, cells, strict=True)]
        found_or_none = np.full(len(self.cells), None, dtype=object)
        found_or_none[known] = found
        return found_or_none[self.codes]

    def _not_binned(self, i, needed):
        return self._error(i, f"is to be cut into bins, but {brief(self.cells[i])} is not {needed}")

    def _error(self, i, what):
        line = self.lines[(self.codes == i).argmax()]
        return DataError(f"{self.path}, line {line}: column {self.name!r} {what}")


def _read(path, names, missing_cells):
    """The columns called `names`."""
    lines = []
    try:
        with _opened(path) as file:
            # else a quote after a comma and a blank would be part of the cell, and quote nothing
            reader = csv.reader(file, strict=True, skipinitialspace=True)
            header = [cell.strip() for cell in next(reader, [])]
            for name in names:
                if name not in header:
                    raise DataError(f"{path} has no column {name!r}; {near(name, header)}")
                if header.count(name) > 1:
                    raise DataError(f"{path} has {header.count(name)} columns called {name!r}")
            found = [(header.index(name), {}, []) for name in names]
            for row in reader:
                if not row:
                    continue
                if len(row) != len(header):
                    raise DataError(
                        f"{path}, line {reader.line_num}: {len(row)} cells, the header has "
                        f"{len(header)}"
                    )
                lines.append(reader.line_num)
                for at, seen, codes in found:
                    cell = row[at].strip()
                    codes.append(seen.setdefault(cell, len(seen)))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not a CSV file in UTF-8: {error}") from None
    if not lines:
        raise DataError(f"{path} has a header but no rows")
    lines, is_missing = np.array(lines), says_missing(missing_cells)
    return [
        _Column(
            path, name, lines, np.array(codes), list(seen), np.array([is_missing(c) for c in seen])
        )
        for name, (_, seen, codes) in zip(names, found, strict=True)
    ]


def _opened(path):
    """A text file to read; of pipes those that the shell makes, as others may never end."""
    piped = str(path) == "/dev/stdin" or str(path).startswith("/dev/fd/")
    return io.TextIOWrapper(open(path, "rb") if piped else opened(path), "utf-8-sig", newline="")


def _binned(values, cells, numbers, bins):
    """The bin of each value, of `bins` of equal width from the least to the greatest.

    values : float64, rounded from `numbers`, which `cells` spell
    """
    with np.errstate(over="ignore", invalid="ignore"):
        edges = np.linspace(values.min(), values.max(), bins + 1)
        rising = (np.diff(edges) > 0).all()
    # They do not rise if the range overflows, or is that of a few neighbouring floats.
    large = zip(cells, numbers, strict=True) if abs(values).max() >= 2**53 else ()
    if not rising or any(abs(n) > 2**53 and cell.lstrip("+-").isdigit() for cell, n in large):
        return _binned_exactly(numbers, bins)
    return np.searchsorted(edges[1:-1], values, side="left").tolist()


def _binned_exactly(numbers, bins):
    """The same in integers, for what floats do not tell apart."""
    ratios = [number.as_integer_ratio() for number in numbers]
    unit = lcm(*{denominator for _, denominator in ratios})
    values = [bins * numerator * (unit // denominator) for numerator, denominator in ratios]
    least = min(values)
    width = (max(values) - least) // bins  # without a remainder: all are multiples of it
    edges = [least + i * width for i in range(1, bins)]
    return [bisect_left(edges, value) for value in values]
