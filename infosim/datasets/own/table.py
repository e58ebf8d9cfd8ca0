"""Tables in files: CSV, in which columns are separated by comma, semicolon or tab, and Parquet."""

import csv
import gzip
import io
import shutil
import sys
import tempfile
import zlib
from array import array
from contextlib import contextmanager, suppress
from itertools import accumulate, islice
from pathlib import Path

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
_CELLS, _ROWS = 2**14, 16
#: Bytes in which a header ends.
_HEADER = 2**24
#: What the standard input is called for, and is said to be.
STDIN = "-", "the standard input"


def read_table(path, wanted, builder=Builder, of_arrow=None):
    """Read a CSV file, maybe compressed by gzip, or, by its name, a Parquet file.

    Of CSV files the first row holds the names of the columns. Cells are text without the blanks
    around them; a column is one of numbers if all its cells are that are not missing, and where
    columns are separated by semicolon or tab, these may have decimal commas.

    Parameters
    ----------
    path : "-" is the standard input
    wanted : a `Wanted`, or a function of the names of the columns that returns one
    builder : what makes a column of the cells of CSV files
    of_arrow : what makes one of those of Parquet: name, values, wanted, path -> column

    Raises
    ------
    DataError : unreadable or no such file, ragged rows, no rows, as of `Wanted.of`
    ConfigError : a column wanted that is not there
    """
    path = Path(path)
    name = STDIN[1] if str(path) == STDIN[0] else path
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            return _read_parquet(path, wanted, of_arrow or _column_of_arrow)
        with _content(path) as file:
            frame, late = _scan(file, name, wanted, frozenset(), builder)
            if late:  # texts after numbers, whose spelling is not known any more
                frame, _ = _scan(file, name, wanted, late, builder)
        return frame
    except (OSError, EOFError, zlib.error) as error:
        reason = str(getattr(error, "strerror", None) or error).partition("\n")[0]
        raise DataError(f"cannot read {name}: {reason}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{name} is not a CSV file in UTF-8: {error}") from None


@contextmanager
def _content(path):
    """A file of bytes that can be read twice, of the standard input or a pipe of the shell, too."""
    standard = str(path) in (STDIN[0], "/dev/stdin")
    if standard or str(path).startswith("/dev/fd/"):
        with tempfile.TemporaryFile() as file:
            if standard:
                shutil.copyfileobj(sys.stdin.buffer, file)
            else:
                with open(path, "rb") as pipe:
                    shutil.copyfileobj(pipe, file)
            file.seek(0)
            with _unpacked(file) as content:
                yield content
    else:
        with opened(path) as file, _unpacked(file) as content:
            yield content


@contextmanager
def _unpacked(file):
    """A file, or what gzip has packed in it."""
    packed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    if packed:
        with gzip.GzipFile(fileobj=file, mode="rb") as content, io.BufferedReader(content) as large:
            yield large
    else:
        yield file


def _scan(file, path, wanted, late, builder):
    """The frame, and the names of columns that turned out to be texts.

    late : those that did so the last time
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    stream = io.TextIOWrapper(file, "utf-8-sig", newline="")
    try:
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
                builder(
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
            for i, column in builders:
                column.add(columns[i])
    finally:
        stream.detach()
    if not lines:
        raise DataError(f"{path} has a header but no rows")
    found = Frame(
        str(path),
        [column.column(path) for _, column in builders],
        len(lines),
        np.array(lines),
        of_text=True,
    )
    return found, frozenset(column.name for _, column in builders if column.late)


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
    check_header(path, "line", names, line.strip())
    return best


def check_header(path, what, names, said):
    """Raise DataError if the first line or row of a table is numbers."""
    if all(NUMBER.fullmatch(name.strip()) for name in names):
        raise DataError(
            f"{path}: its first {what}, {brief(said)}, is numbers; it must name the columns"
        )


def _cut(line, mark):
    """The cells of a line, or itself where it has cells too long to be cut so."""
    with suppress(csv.Error, StopIteration):
        return next(csv.reader([line], delimiter=mark))
    return [line]


def _rows(path, reader, n_columns, lines):
    """The next rows, none at the end; the lines on which they end are added to `lines`."""
    while True:
        before = reader.line_num
        rows = list(islice(reader, max(_ROWS, _CELLS // n_columns)))
        if set(map(len, rows)) <= {n_columns} and reader.line_num - before == len(rows):
            lines.extend(range(before + 1, reader.line_num + 1))
            return rows
        ends = accumulate((1 + sum(map(_breaks, row)) for row in rows), initial=before)
        found = []
        for row, line in zip(rows, islice(ends, 1, None), strict=True):
            if len(row) == n_columns:
                found.append(row)
                lines.append(line)
            elif row:  # no blank line
                raise DataError(
                    f"{path}, line {line}: {len(row)} cells, the header has {n_columns}"
                )
        if found:
            return found


def _breaks(cell):
    """How many lines end within a cell."""
    return cell.count("\n") + cell.count("\r") - cell.count("\r\n")


def _read_parquet(path, wanted, of_arrow):
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
        if types.is_nested(values.type):
            raise DataError(
                f"{path}: column {name!r} holds {values.type}, expected numbers or text"
            )
        columns.append(of_arrow(name, values, asked, path))
    return Frame(str(path), columns, n_rows)


def _column_of_arrow(name, values, asked, path):
    """A column of Parquet as one of numbers or of texts."""
    from pyarrow import types

    kind = values.type
    if types.is_integer(kind) or types.is_floating(kind):
        numbers = values.cast("float64", safe=False).to_numpy()
        column = Column(name, numbers=np.array(numbers, np.float64))
        return column.as_text() if name in asked.texts else column
    text = types.is_boolean(kind) or types.is_dictionary(kind) or name in asked.texts
    builder = Builder(name, says_missing(asked.missing_cells), text)
    builder.add(["" if one is None else str(one).strip() for one in values.to_pylist()])
    return builder.column(path)
