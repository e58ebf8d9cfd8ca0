"""Tables in files: CSV, in which columns are separated by comma, semicolon or tab, and Parquet."""

import csv
import io
from array import array
from contextlib import suppress
from itertools import islice

import numpy as np

from infosim.cells import NUMBER, says_missing
from infosim.datasets.own.frame import Builder, Column, Frame
from infosim.datasets.own.memory import check_memory
from infosim.errors import DataError, brief
from infosim.extras import need
from infosim.files import opened

#: Comma, semicolon, tab: what may stand between columns.
_DELIMITERS = ",", ";", "\t"
#: Cells that are taken at once, if these are rows enough.
_CELLS, _ROWS = 2**18, 16
#: Bytes in which a header ends.
_HEADER = 2**24


def read_table(path, wanted):
    """Read a CSV or, by its name, Parquet file.

    Of CSV files the first row holds the names of the columns. Cells are text without the blanks
    around them; a column is one of numbers if all its cells are that are not missing, and where
    columns are separated by semicolon or tab, these may have decimal commas.

    Parameters
    ----------
    wanted : a `Wanted`, or a function of the names of the columns that returns one

    Raises
    ------
    DataError : unreadable or no such file, ragged rows, no rows, as of `Wanted.of`
    ConfigError : a column wanted that is not there
    """
    read = _read_parquet if path.suffix.lower() in (".parquet", ".pq") else _read_csv
    try:
        return read(path, wanted)
    except OSError as error:
        reason = str(error.strerror or error).partition("\n")[0]
        raise DataError(f"cannot read {path}: {reason}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not a CSV file in UTF-8: {error}") from None


def _read_csv(path, wanted):
    frame, late = _scan(path, wanted, frozenset())
    if late:  # texts after numbers, whose spelling is not known any more
        frame, _ = _scan(path, wanted, late)
    return frame


def _scan(path, wanted, late):
    """The frame, and the names of columns that turned out to be texts.

    late : those that did so the last time
    """
    with opened(path) as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        stream = io.TextIOWrapper(file, "utf-8-sig", newline="")
        delimiter = _delimiter(path, stream.readline(_HEADER))
        stream.seek(0)
        reader = csv.reader(stream, delimiter=delimiter, strict=True, skipinitialspace=True)
        header = [cell.strip() for cell in next(reader)]
        asked = wanted(header) if callable(wanted) else wanted
        chosen = set(asked.of(header, path))
        is_missing = says_missing(asked.missing_cells)
        builders = [
            (
                i,
                Builder(
                    name,
                    is_missing,
                    text=name in late or name in asked.texts,
                    comma=delimiter != ",",
                    plain=asked.missing_cells is None,
                ),
            )
            for i, name in enumerate(header)
            if name in chosen
        ]
        lines = array("q")
        while rows := _rows(path, reader, len(header), lines):
            if len(lines) == len(rows):
                cells = len(rows) * len(header)
                letters = sum(len(cell) for row in rows for cell in row) + cells
                check_memory(f"{path}: its columns", 8 * size * len(chosen) * len(rows) / letters)
            columns = list(zip(*rows, strict=True))
            for i, builder in builders:
                builder.add(columns[i])
    if not lines:
        raise DataError(f"{path} has a header but no rows")
    found = Frame(
        str(path),
        [builder.column(path) for _, builder in builders],
        len(lines),
        np.array(lines),
        of_text=True,
    )
    return found, frozenset(builder.name for _, builder in builders if builder.late)


def _delimiter(path, line):
    """What separates the names of columns in the header."""
    if not line.strip():
        raise DataError(f"{path} is empty" if not line else f"{path}: its first line is blank")
    if "\0" in line:
        raise DataError(f"{path} is not text, expected CSV")
    cells = {mark: _cut(line, mark) for mark in _DELIMITERS}
    best = max(cells, key=lambda mark: len(cells[mark]))
    names = cells[best]
    if len(names) == 1 and len(line) < _HEADER and not names[0].strip().isidentifier():
        raise DataError(
            f"{path}: no comma, semicolon or tab separates columns in its first line, "
            f"{brief(line.strip())}"
        )
    if all(NUMBER.fullmatch(name.strip()) for name in names):
        raise DataError(
            f"{path}: its first line, {brief(line.strip())}, is numbers; it must name the columns"
        )
    return best


def _cut(line, mark):
    """The cells of a line, or itself where it has cells too long to be cut so."""
    with suppress(csv.Error, StopIteration):
        return next(csv.reader([line], delimiter=mark))
    return [line]


def _rows(path, reader, n_columns, lines):
    """The next rows; their lines are added to `lines`."""
    rows, most = [], max(_ROWS, _CELLS // n_columns)
    for row in islice(filter(None, reader), most):  # without blank lines
        if len(row) != n_columns:
            raise DataError(
                f"{path}, line {reader.line_num}: {len(row)} cells, the header has {n_columns}"
            )
        rows.append(row)
        lines.append(reader.line_num)
    return rows


def _read_parquet(path, wanted):
    parquet = need("pyarrow.parquet", "parquet", f"{path}: Parquet files need pyarrow")
    from pyarrow import ArrowException, types

    with opened(path) as file:
        try:
            stored = parquet.ParquetFile(file)
            names = [name.strip() for name in stored.schema_arrow.names]
            asked = wanted(names) if callable(wanted) else wanted
            chosen = asked.of(names, path)
            n_rows = stored.metadata.num_rows
            check_memory(f"{path}: its columns", 8.0 * n_rows * len(chosen))
            if not n_rows:
                raise DataError(f"{path} has no rows")
            table = stored.read(columns=chosen)
        except ArrowException as error:
            reason = str(error).partition("\n")[0]
            raise DataError(f"{path} is not a Parquet file: {reason}") from None
    columns = []
    for name in chosen:
        values = table.column(name)
        kind = values.type
        if types.is_nested(kind):
            raise DataError(f"{path}: column {name!r} holds {kind}, expected numbers or text")
        if types.is_integer(kind) or types.is_floating(kind):
            numbers = values.cast("float64", safe=False).to_numpy()
            column = Column(name, numbers=np.array(numbers, np.float64))
            columns.append(column.as_text() if name in asked.texts else column)
        else:
            text = types.is_boolean(kind) or types.is_dictionary(kind) or name in asked.texts
            builder = Builder(name, says_missing(asked.missing_cells), text)
            builder.add(["" if one is None else str(one).strip() for one in values.to_pylist()])
            columns.append(builder.column(path))
    return Frame(str(path), columns, n_rows)
