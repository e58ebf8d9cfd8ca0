"""Tables, from wherever they are, with columns by their cells."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from infosim.analysis.tables.columns import CellBuilder, column_of_values
from infosim.datasets.own.frame import Frame, cell_of
from infosim.datasets.own.table import check_header, read_table
from infosim.errors import DataError, brief, near
from infosim.extras import need

SPREADSHEETS = ".xlsx", ".xlsm", ".xls", ".ods"


class Wanted:
    """Which columns are read; of those alone the names must be there once.

    columns : their names
    rough : those of them that are cut into bins
    missing_cells : as `cells.says_missing` takes them
    """

    texts = ()

    def __init__(self, columns, rough=(), missing_cells=None):
        self.columns, self.rough, self.missing_cells = set(columns), set(rough), missing_cells

    def of(self, names, what):
        """The names of those that are wanted; DataError if one is there not once."""
        for name in sorted(self.columns):
            if name not in names:
                raise DataError(f"{what} has no column {name!r}; {near(name, names)}")
            if names.count(name) > 1:
                raise DataError(f"{what} has {names.count(name)} columns called {name!r}")
        return [name for name in names if name in self.columns]


def read(data, wanted):
    """A `Frame` of `CellColumn`.

    data : the path of a CSV (maybe of gzip), Parquet or spreadsheet file, "-" for the standard
        input; a DataFrame, or a mapping from names to columns
    wanted : a function of (names, what) that returns a `Wanted`

    Raises
    ------
    DataError : unreadable file, ragged rows, no rows, no such data
    """
    if hasattr(data, "columns") and hasattr(data, "iloc"):
        names = [str(name) for name in data.columns]
        return _of_memory(names, lambda i: data.iloc[:, i], "the table", wanted)
    if isinstance(data, Mapping):
        given = list(data.values())
        return _of_memory([str(name) for name in data], given.__getitem__, "the table", wanted)
    if not isinstance(data, str | Path):
        raise DataError(
            f"a table is a file, a DataFrame or a mapping of columns, was {brief(data)}"
        )
    path = Path(data)
    if path.suffix.lower() in SPREADSHEETS:
        return _of_spreadsheet(path, wanted)
    asked = None

    def choose(names):
        nonlocal asked
        asked = wanted(names, path)
        return asked

    def builder(*args, **options):  # a reader makes them once it has asked
        return CellBuilder(*args, **options, rough=asked.rough)

    def of_arrow(name, values, asked, path):
        from pyarrow import types

        # integers beside nulls would become floats, which do not tell large ones apart
        whole = types.is_integer(values.type) and not values.null_count
        if whole or types.is_floating(values.type):
            return column_of_values(values.to_numpy(), name, asked.missing_cells)
        return column_of_values(values.to_pylist(), name, asked.missing_cells)

    return read_table(path, choose, builder, of_arrow)


def _of_memory(names, column, what, wanted, lines=None):
    asked = wanted(names, what)
    chosen = set(asked.of(names, what))
    columns = [
        column_of_values(column(i), name, asked.missing_cells)
        for i, name in enumerate(names)
        if name in chosen
    ]
    lengths = {len(one.codes): one.name for one in columns}
    if len(lengths) > 1:
        (a, first), (b, other) = list(lengths.items())[:2]
        raise DataError(f"{what}: column {first!r} has {a} rows, column {other!r} has {b}")
    n_rows = next(iter(lengths), 0)
    if not n_rows:
        raise DataError(f"{what} has no rows")
    return Frame(what, columns, n_rows, lines)


def _of_spreadsheet(path, wanted):
    """The first sheet of a file, the first row of which names the columns; blank rows are none."""
    pandas = need("pandas", "excel", f"{path}: spreadsheets need pandas and openpyxl")
    if path.suffix.lower() in (".xlsx", ".xlsm"):
        need("openpyxl", "excel", f"{path}: spreadsheets need pandas and openpyxl")
    try:
        # cells as they are: pandas would rename columns and take texts such as NA for missing
        table = pandas.read_excel(path, header=None, dtype=object, na_filter=False)
    except ImportError as error:
        raise DataError(f"{path}: {str(error).partition(chr(10))[0]}") from None
    except Exception as error:  # of many libraries, each with its own
        reason = str(getattr(error, "strerror", None) or error).partition("\n")[0]
        raise DataError(f"cannot read {path}: {reason}") from None
    blank = (table == "").all(axis=1).to_numpy()
    if not len(table) or blank[0]:
        raise DataError(f"{path}: its first row is blank" if len(table) else f"{path} is empty")
    names = [cell_of(name) for name in table.iloc[0]]
    check_header(path, "row", names, ", ".join(names))
    rows = 1 + np.flatnonzero(~blank[1:])
    return _of_memory(names, lambda i: table.iloc[rows, i], path, wanted, rows + 1)
