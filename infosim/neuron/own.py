"""Activations of a user's own: plain functions, tried out before a network is made of them."""

from functools import cache
from inspect import signature
from numbers import Real
from types import FunctionType

import numpy as np

from infosim import jit
from infosim.errors import ConfigError, brief

#: Derivatives are compared at so many points, drawn once for all with this deviation.
_N_POINTS, _SPREAD = 25, 2.0
#: Half a step of the differences, of fourth order, and how far they may be off: of a derivative of
#: 1, and of a drive of 1, whose rounding they hold divided by the step.
_STEP, _OF_DERIVATIVE, _OF_DRIVE = 1e-3, 1e-5, 1e-9


def plain(function):
    """The Python function behind what a user gave, compiled or not; None if there is none."""
    function = getattr(function, "py_func", function)
    return function if isinstance(function, FunctionType) else None


#: A function as kernels call it, made known to Numba once.
scalar = cache(jit.inline)
_compiled = cache(jit.kernel)


def packed(parameters, dtype):
    """The parameters as kernels take them, (P,); where there are none a 0 that is never read."""
    return np.array(parameters or (0.0,), dtype)


@cache
def check(function, p, names):
    """Raise unless `function` is an activation of the compartments called `names`.

    It is called in float64, uncompiled and then compiled, and its derivatives are compared with
    differences. What has passed is not tried again.

    Parameters
    ----------
    p : tuple of the parameters

    Raises
    ------
    ConfigError : it cannot be called with (u, p), returns anything but (A, dA) with a finite number
        for every compartment, cannot be compiled, or its derivatives are others
    """
    where = f"activation {function.__qualname__!r}"
    points = np.random.default_rng(0).normal(scale=_SPREAD, size=(_N_POINTS, len(names)))
    _check_call(where, function, tuple(points[0].tolist()), p)
    compiled, p = _compiled(function), packed(p, float)
    try:
        compiled(tuple(points[0].tolist()), p)
    except Exception as error:  # of whatever kind: uncompiled it has just run
        raise ConfigError(f"{where} cannot be compiled: {jit.reason(error)}") from None

    for u in points:
        drive, slopes = compiled(tuple(u), p)
        at = ", ".join(
            f"{name} = {potential:.4g}" for name, potential in zip(names, u, strict=True)
        )
        for k, (name, slope) in enumerate(zip(names, slopes, strict=True)):
            step = np.zeros(len(names))
            step[k] = _STEP
            near = [compiled(tuple(u + i * step), p)[0] for i in (-2, -1, 1, 2)]
            if not np.isfinite([drive, slope, *near]).all():
                value, what = (slope, f"∂A/∂{name}") if np.isfinite(drive) else (drive, "A")
                raise ConfigError(f"{where}: {what} is {value} at {at}; it must be finite")
            expected = (near[0] - 8 * near[1] + 8 * near[2] - near[3]) / (12 * _STEP)
            allowed = _OF_DERIVATIVE * max(1, abs(expected)) + _OF_DRIVE * abs(drive)
            if abs(slope - expected) > allowed:
                raise ConfigError(
                    f"{where}: ∂A/∂{name} is {slope:.6g} as it says, but {expected:.6g} by finite "
                    f"differences, at {at}"
                )


def _check_call(where, function, u, p):
    """Raise unless it can be called and returns numbers in the right places."""
    k, p = len(u), np.array(p)
    p.flags.writeable = False  # they are other neurons' too
    try:
        signature(function).bind(u, p)
    except TypeError as error:
        raise ConfigError(
            f"{where} must take (u, p), a tuple of potentials and the parameters: {error}"
        ) from None
    try:
        returned = function(u, p)
    except Exception as error:
        raise ConfigError(
            f"{where} cannot be called with {k} potentials and {len(p)} parameter(s): "
            f"{type(error).__name__}: {_line(error)}"
        ) from None
    needed = f"{where} must return (A, dA), the drive and a tuple of {k} derivatives"
    if not (isinstance(returned, tuple) and len(returned) == 2 and isinstance(returned[1], tuple)):
        raise ConfigError(f"{needed}; it returned {brief(returned)}")
    drive, slopes = returned
    if len(slopes) != k:
        raise ConfigError(f"{needed}; it returned {len(slopes)}")
    for value in (drive, *slopes):
        if not isinstance(value, Real):
            raise ConfigError(f"{needed}; one of these numbers was {brief(value)}")


def _line(error):
    return " ".join(str(error).split())
