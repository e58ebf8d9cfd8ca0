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
