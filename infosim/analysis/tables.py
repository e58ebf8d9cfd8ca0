"""Columns of CSV files as discrete variables."""

import csv

import numpy as np

from infosim.errors import ConfigError, DataError, near


def read_columns(path, names, bins=None):
    """Read columns of a CSV file with a header row.

    Parameters
    ----------
    path : the file, UTF-8
    names : the columns wanted
    bins : if given, 2 or more: columns of numbers with more distinct values than that are cut into
        this many bins of equal width from their minimum to their maximum

    Returns
    -------
    dict : name -> (n,) array of text, or of bin indices

    Raises
    ------
    DataError : unreadable file, missing column, ragged rows, empty cells, no rows
    ConfigError : bins below 2, a column named twice
    """
    if bins is not None and bins < 2:
        raise ConfigError(f"bins must be at least 2, was {bins}")
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"column {name!r} is named twice among sources and target")
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            header = [cell.strip() for cell in next(reader, [])]
            rows = [(reader.line_num, row) for row in reader if row]
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not a CSV file in UTF-8: {error}") from None
    for name in names:
        if name not in header:
            raise DataError(f"{path} has no column {name!r}; {near(name, header)}")
    if not rows:
        raise DataError(f"{path} has a header but no rows")
    for line, row in rows:
        if len(row) != len(header):
            raise DataError(f"{path}, line {line}: {len(row)} cells, the header has {len(header)}")
    columns = {}
    for name in names:
        at = header.index(name)
        cells = [row[at].strip() for _, row in rows]
        if "" in cells:
            raise DataError(f"{path}, line {rows[cells.index('')][0]}: column {name!r} is empty")
        columns[name] = np.array(cells)
        if bins is not None and len(set(cells)) > bins:
            columns[name] = _binned(path, name, cells, bins)
    return columns


def _binned(path, name, cells, bins):
    try:
        values = np.array(cells, np.float64)
    except ValueError:
        raise DataError(
            f"{path}: column {name!r} has more than {bins} distinct values and is not numeric"
        ) from None
    if not np.isfinite(values).all():
        raise DataError(f"{path}: column {name!r} holds values that are not finite")
    edges = np.linspace(values.min(), values.max(), bins + 1)
    return np.searchsorted(edges[1:-1], values, side="left")
