"""Arrays and numbers that a user or a file gives, checked before a kernel sees them."""

import numpy as np

from infosim.errors import ConfigError, ShapeError


def finite(what, value, shape, dtype):
    """`value` as an array of exactly `shape`, all finite."""
    value = np.asarray(value, dtype)
    if value.shape != shape:
        raise ShapeError(f"{what} has shape {value.shape}, this compartment needs {shape}")
    if not np.isfinite(value).all():
        raise ShapeError(f"{what} must be finite")
    return value


def check_array(name, value, like):
    """Raise unless `value` can be copied into the array `like`: shape, kind of numbers, finite.

    Raises
    ------
    ShapeError : naming the array
    """
    value = np.asarray(value)
    if value.shape != like.shape:
        raise ShapeError(f"{name} has shape {value.shape}, this network needs {like.shape}")
    kinds = "f" if like.dtype.kind == "f" else "biu"
    if value.dtype.kind not in kinds:
        raise ShapeError(f"{name} has values of type {value.dtype}, needed are {like.dtype}")
    if like.dtype.kind == "f" and not np.isfinite(value.astype(like.dtype)).all():
        raise ShapeError(f"{name} must be finite")
    if like.dtype == np.uint8 and not np.isin(value, (0, 1)).all():
        raise ShapeError(f"{name} must be 0 or 1")


def check_index(index, n_in):
    """Raise ShapeError unless `index` (N, k) names units of a source, no two alike in a row."""
    index = np.asarray(index)
    outside = index[(index < 0) | (index >= n_in)]
    if outside.size:
        raise ShapeError(f"index {outside[0]} is outside the source's units 0 to {n_in - 1}")
    if (np.diff(np.sort(index, axis=1), axis=1) == 0).any():
        raise ShapeError("index names the same unit twice for one neuron")


def check_mask(mask, shape):
    """Raise ShapeError unless `mask` is of this shape and holds but 0 and 1."""
    if mask.shape != shape:
        raise ShapeError(f"mask has shape {mask.shape}, this compartment needs {shape}")
    if mask.dtype.kind not in "biu" or not np.isin(mask, (0, 1)).all():
        raise ShapeError("mask must be true or false, 0 or 1")


def wiring(connectivity, n, n_in, rng):
    """What a connectivity, which may be the user's own, answers: its index and its mask.

    Returns
    -------
    int32 (n, k) or None, and boolean (n, n_in) or None

    Raises
    ------
    ShapeError : no such answer
    """
    index, mask = connectivity.index(n, n_in, rng), connectivity.mask(n, n_in)
    try:
        index, mask = (None if one is None else np.asarray(one) for one in (index, mask))
    except ValueError:
        raise ShapeError("rows of an index or a mask must be of one length") from None
    if index is None:
        if mask is not None:
            check_mask(mask, (n, n_in))
        return None, mask
    if mask is not None:
        raise ShapeError("a connectivity has an index or a mask, not both")
    if index.dtype.kind not in "iu" or index.ndim != 2 or len(index) != n or not index.size:
        raise ShapeError(
            f"index must be integers of shape ({n}, k), were {index.dtype} {index.shape}"
        )
    check_index(index, n_in)
    return index.astype(np.int32), None


def in_precision(what, values, dtype):
    """`values` as an array of `dtype`.

    Raises
    ------
    ConfigError : they are too large for it
    """
    with np.errstate(over="ignore"):
        result = np.asarray(values, np.float64).astype(dtype)
    if not np.isfinite(result).all():
        largest = float(np.abs(values).max())
        raise ConfigError(f"{what} {largest:g} is more than {np.dtype(dtype)} can hold")
    return result
