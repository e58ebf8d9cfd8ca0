"""Rows (n, d) of numbers that stay on disk: columns are standardised as rows are read."""

import numpy as np

from infosim.datasets.own.columns import fitted, missing_in, standardised
from infosim.datasets.own.frame import Column, Frame
from infosim.errors import ConfigError

#: Bytes that columns take while they are looked at.
_AT_ONCE = 2**27


def fit(mapped, train, options, what):
    """How each column of `Mapped` rows that is wanted is encoded by the training rows (n,).

    Raises
    ------
    ConfigError : options that only tables in memory have
    DataError : a cell is missing, and as of `columns.fitted`
    """
    if options.missing != "error" or options.categorical:
        option = "categorical" if options.categorical else "missing"
        raise ConfigError(f"{option} is not an option of {what}, which stays on disk")
    n, d = mapped.shape
    names = [str(i) for i in range(d)]
    wanted = np.array([int(name) for name in options.wanted().of(names, what)], np.int64)
    step = max(1, _AT_ONCE // (8 * n))
    found = []
    for first in range(0, len(wanted), step):
        at = wanted[first : first + step]
        columns = [Column(str(i), row) for i, row in zip(at, _columns(mapped, at), strict=True)]
        for one, missing, row in missing_in(columns):
            raise Frame(what, columns, n).error(one.name, row, f"is missing ({missing} of {n} are)")
        found += [fitted(one, train, what) for one in columns]
    return tuple(found)


def _columns(mapped, at):
    """These columns, float64 (k, n)."""
    out = np.empty((len(at), len(mapped)))
    for rows, block in mapped.blocks():
        out[:, rows] = block[:, at].T
    return out


def encode(mapped, columns, places):
    """The rows, with their columns encoded as they are read, float32 (n, d).

    places : in which of the rows' columns each of `columns` is
    """
    kept = [one for one in columns if one.features]
    at = np.array([i for one, i in zip(columns, places, strict=True) if one.features])
    mean, std = (np.array([getattr(one, name) for one in kept]) for name in ("mean", "std"))

    def change(rows):
        rows = rows[:, at] if len(at) < rows.shape[1] else rows
        with np.errstate(over="ignore"):  # what is not finite is refused by its place
            return standardised(rows.astype(np.float64), mean, std).astype(np.float32)

    return mapped.changed(change)
