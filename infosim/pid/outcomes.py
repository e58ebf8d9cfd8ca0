"""Values of samples as outcomes: which of them are the same, and which are missing."""

from collections.abc import Sequence

import numpy as np

from infosim.errors import ConfigError, DataError, ShapeError, near
from infosim.pid.events import pairs

MISSING = "error", "drop", "value"


def check_missing(missing):
    """Raise ConfigError unless `missing` is one of the three ways to treat missing values."""
    if missing not in MISSING:
        raise ConfigError(f"unknown missing {missing!r}; {near(missing, MISSING)}")


def coded_columns(columns, weights=None):
    """The values of columns of the same rows, name -> values, numbered from 0, missing ones -1.

    weights : of the same rows, which is all that is asked of them here

    Returns name -> int (n_samples,).
    """
    codes = {name: _coded(values, name) for name, values in columns.items()}
    _check_rows({**columns, "weights": weights})
    if len({len(c) for c in codes.values()}) > 1:
        given = ", ".join(f"{name} {len(c)}" for name, c in codes.items())
        raise ShapeError(f"samples differ in length: {given}")
    if not all(map(len, codes.values())):
        raise DataError("there are no samples")
    return codes


def known_samples(codes, missing):
    """Samples without those that are left out, int (K+1, N), and which are kept, (n_samples,).

    codes : of `coded_columns`, name -> (n_samples,); all are kept, unless `missing` is "drop"
    """
    names, codes = list(codes), np.array(list(codes.values()))
    known = codes >= 0
    if missing == "value":
        return codes + 1, np.ones(codes.shape[1], dtype=bool)
    if missing == "error":
        for name, row in zip(names, known, strict=True):
            if not row.all():
                raise DataError(
                    f"{name} has missing values, {(~row).sum()} of {row.size}, the first at index "
                    f"{row.argmin()}; missing='drop' leaves such samples out, missing='value' "
                    "counts them as an outcome"
                )
        return codes, known[0]
    kept = known.all(axis=0)
    if not kept.any():
        raise DataError("every sample has a missing value")
    return codes[:, kept], kept


def real_numbers(values, otherwise):
    """Values as float64, and which are masked, arrays of one shape.

    Raises
    ------
    ShapeError : `otherwise`, on what is no array of numbers, and on what NumPy would convert, but
        is no number: text, times, 0j
    """
    try:
        masked = np.ma.getmaskarray(np.ma.asarray(values))
        array = np.asarray(values)
        text = array.dtype == object and any(isinstance(one, str | bytes) for one in array.flat)
        if array.dtype.kind not in "buifO" or text:
            raise TypeError
        return array.astype(float), masked
    except (TypeError, ValueError):
        raise ShapeError(otherwise) from None


def checked_weights(weights, n_samples):
    """How often each sample counts, float64 (n_samples,), or None; checked."""
    if weights is None:
        return None
    found, masked = real_numbers(weights, "weights are not a flat sequence of numbers")
    if found.shape != (n_samples,):
        raise ShapeError(f"weights have shape {found.shape}, must be ({n_samples},)")
    for wrong, what in ((masked | ~np.isfinite(found), "finite"), (found < 0, "0 or more")):
        for i in np.flatnonzero(wrong)[:1]:
            held = "is masked" if masked[i] else f"holds {found[i]:.6g}"
            raise DataError(f"weights must be {what}; index {i} {held}")
    with np.errstate(over="ignore"):
        total = found.sum()
    if not 0 < total < np.inf:
        raise DataError(f"weights sum to {total:.6g}, must be above 0 and finite")
    return found


def _check_rows(columns):
    """Raise unless the columns of pandas among these, name -> values, are of the same rows.

    Values are matched by their position, which is another where rows were sorted or left out.
    """
    indices = {name: getattr(values, "index", None) for name, values in columns.items()}
    indices = {name: index for name, index in indices.items() if hasattr(index, "equals")}
    for name, index in indices.items():
        first = next(iter(indices))
        if not index.equals(indices[first]):
            raise DataError(
                f"{name} has another index than {first}; align them, or give values without one "
                "(.to_numpy()) to match by position"
            )


def _coded(values, name):
    """The distinct values numbered from 0, and missing ones -1: int (n_samples,)."""
    if _is_sequence(type(values)):
        # Not by an array of them, in which numbers beside text become text, large integers beside
        # floats become floats, and text loses trailing zero bytes.
        if any(map(_is_sequence, set(map(type, values)))):
            raise ShapeError(_not_flat(values, name))
        return _coded_by_equality(values, name)
    dtype = getattr(values, "dtype", None)
    if not isinstance(dtype, np.dtype | None):
        # Of another library: with an NA in it, a column of integers would become one of floats.
        return _coded(values.tolist() if hasattr(values, "tolist") else list(values), name)
    try:
        array = values if isinstance(values, np.ma.MaskedArray) else np.asarray(values)
    except (TypeError, ValueError):
        raise ShapeError(f"{name} is not a flat sequence of values") from None
    if array.ndim != 1:
        raise ShapeError(f"{name} has shape {array.shape}, must be one-dimensional")
    if array.dtype.kind not in "biufcmMSU":
        return _coded_by_equality(array.tolist(), name)  # in which None stands for a mask
    missing, array = np.ma.getmaskarray(array), np.asarray(array)
    if array.dtype.kind in "mM":
        missing = missing | np.isnat(array)
    elif array.dtype.kind in "fc":
        missing = missing | np.isnan(array)
    codes = _numbered(array)
    codes[missing] = -1
    return codes


def _numbered(array):
    """The distinct values of an array without axes numbered in ascending order."""
    if array.dtype.kind in "biu" and array.size:
        least, most = int(array.min()), int(array.max())
        if most - least <= 4 * array.size:  # no need to sort
            wide = array.astype(np.int64) if most < 2**63 else array
            offset = (wide - wide.dtype.type(least)).astype(int)
            return pairs(np.zeros_like(offset), 1, offset)[0]
    return np.unique(array, return_inverse=True)[1]


def _coded_by_equality(values, name):
    """The same of Python values, of which equal ones, such as 1, 1.0 and True, are one outcome."""
    if any(hasattr(kind, "__array__") for kind in set(map(type, values))):
        values = [_bare(value) for value in values]
    seen, codes = {}, []
    try:
        for value in values:
            codes.append(seen.setdefault(value, len(seen)))
    except TypeError:  # not hashable
        raise ShapeError(
            f"{name} is not a flat sequence of values: index {len(codes)} holds a "
            f"{type(value).__name__}"
        ) from None
    codes = np.array(codes, dtype=int)
    missing = np.array([_is_missing(value) for value in seen], dtype=bool)
    codes[missing[codes]] = -1
    return codes


def _bare(value):
    """What an array without axes holds: tensors, for one, would each be equal to itself only."""
    if not hasattr(value, "__array__") or isinstance(value, np.generic):
        return value
    if np.ndim(value) == 0 and np.ma.is_masked(value):
        return None
    return np.asarray(value)[()]


def _is_missing(value):
    """None, or what is not equal to itself, as nan and NaT; of a tuple, any of its values."""
    if isinstance(value, tuple):
        return any(map(_is_missing, value))
    try:
        return value is None or bool(value != value)
    except TypeError:  # the NA of pandas leaves it open whether it is equal to itself
        return True


def _is_sequence(kind):
    return issubclass(kind, Sequence) and not issubclass(kind, str | bytes)


def _not_flat(values, name):
    try:
        return f"{name} has shape {np.shape(values)}, must be one-dimensional"
    except (TypeError, ValueError):
        return f"{name} is not a flat sequence of values"
