"""The column that names classes."""

import numpy as np

from infosim.datasets.own.frame import spelt
from infosim.errors import ConfigError, DataError, brief, near

#: What a column of classes may be called so that it need not be named.
USUAL = ("target", "label", "class", "y")
#: Different numbers beyond which a column of a table is taken for a quantity, not for classes.
MOST_NUMBERS = 20


def find_target(target, names, what):
    """The name of the column of classes among those of a table.

    target : its name; its number from 1 on, or from -1 on backwards; None for a usual name

    Raises
    ------
    ConfigError : there is none such
    """
    if target is None:
        usual = [name for name in names if name.casefold() in USUAL]
        if len(usual) == 1:
            return usual[0]
        raise ConfigError(f"{what}: which column has the classes? --target one of {listed(names)}")
    if str(target) in names:
        return str(target)
    try:
        number = int(target)
    except (TypeError, ValueError):
        raise ConfigError(
            f"--target: {what} has no column {brief(target)}; {near(target, names)}"
        ) from None
    if not 1 <= abs(number) <= len(names):
        raise ConfigError(
            f"--target: columns of {what} are numbered from 1 to {len(names)}, was {number}"
        )
    return names[number - 1 if number > 0 else number]


def listed(names, most=20):
    """Names for a message, the first of many."""
    names = [brief(name) if not name.isprintable() else name for name in names]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


def classes_of(column, what, numbered=False):
    """Numbers and names of the classes in a column.

    numbered : whether integers number classes, however many there are

    Returns
    -------
    y : int64 (n,), -1 where missing
    names : of the classes, sorted, numbers by their value

    Raises
    ------
    DataError : the column holds a quantity, a single class, or names that are not repeated
    """
    y, names = coded(column)
    if column.codes is None and len(names) > MOST_NUMBERS:
        whole = all(name.lstrip("-").isdigit() for name in names)
        if not (numbered and whole):
            way = f"; if they are names: --categorical {column.name!r}" if not numbered else ""
            raise DataError(
                f"{what}: column {column.name!r} has {len(names)} different numbers, {names[0]} to "
                f"{names[-1]}, but infosim classifies{way}"
            )
    if len(names) < 2:
        only = f"a single class, {brief(names[0])}" if names else "no classes"
        raise DataError(f"{what}: column {column.name!r} has {only}; two are needed")
    once = int((np.bincount(y[y >= 0]) == 1).sum())
    if once > len(names) / 2:
        raise DataError(
            f"{what}: of the {len(names)} classes in column {column.name!r} {once} have one row "
            "each, which is too few to learn and to test"
        )
    return y, names


def coded(column):
    """Numbers int64 (n,), -1 where missing, and sorted names of what a column holds."""
    if column.codes is None:
        known = ~column.missing
        values, found = np.unique(column.numbers[known], return_inverse=True)
        y = np.full(len(known), -1, np.int64)
        y[known] = found
        return y, tuple(map(_name, values))
    used = np.unique(column.codes[column.codes >= 0])
    order = sorted(used.tolist(), key=lambda code: _order(column.levels[code]))
    place = np.full(len(column.levels) + 1, -1, np.int64)
    place[order] = np.arange(len(order))
    return place[column.codes], tuple(column.levels[code] for code in order)


def _name(value):
    return spelt(value) if np.isfinite(value) else str(value)


def _order(level):
    """Numbers by their value, then texts."""
    try:
        value = float(level)
    except ValueError:
        value = np.nan
    return (0, value, level) if np.isfinite(value) else (1, 0.0, level)
