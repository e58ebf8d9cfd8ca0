"""Elementary functions of the hot loops, in float32 without branches so that loops vectorise.

A call to the C library's exp or log2 keeps a loop scalar; in vector lanes these take an eighth of
its time (`python -m benchmarks.functions`; docs/performance.md says why not Intel's SVML). In
float64 they are the C library's, and uncompiled NumPy's.
"""

import math

import numpy as np
from numba import types
from numba.extending import overload

from infosim.jit import FLAGS

_ONE = np.float32(1)
_LOG2_E = np.float32(1 / math.log(2))
#: ln 2 in two parts, the first with so few digits that its product with an exponent is exact.
_LN2_HIGH = np.float32(0.693145751953125)
_LN2_LOW = np.float32(math.log(2) - 0.693145751953125)
#: Adding 1.5 2^23 to a float32 rounds it to an integer, which then stands in its lowest bits.
_ROUND = np.float32(1.5 * 2**23)
#: Beyond this either way, e^x or 1 / (1 + e^x) leaves the normal float32 numbers.
_LIMIT = np.float32(87.3)
#: (e^r - 1 - r) / r² for |r| <= ½ ln 2, interpolated at Chebyshev points.
_EXP = tuple(map(np.float32, (0.5, 0.16666578, 0.041666556, 0.008363173, 0.0013926176)))
#: Bits of the float32 √½: mantissas are taken from [√½, √2), so that log2 is exact around 1.
_SQRT_HALF = np.int32(0x3F3504F3)
#: All bits of an integer but the first, which is the sign.
_REST, _REST_64 = np.int32(2**31 - 1), np.int64(2**63 - 1)
#: log2(1 + f) / f for √½ - 1 <= f <= √2 - 1, interpolated at Chebyshev points.
_LOG2 = tuple(
    map(
        np.float32,
        (
            1.442695, -0.72134745, 0.48091075, -0.36069328, 0.28790325, -0.23916988, 0.21607822,
            -0.20586188, 0.12310968,
        ),
    )
)  # fmt: skip


def exp(x):
    """e^x; in float32 within 1.5e-7 of the true value, relatively, and kept a normal number."""
    if isinstance(x, np.float32):
        x = min(max(x, -_LIMIT), _LIMIT)
    return np.exp(x)


def log2(x):
    """The binary logarithm of a normal positive number; in float32 within 2e-7, relatively."""
    return np.log2(x)


def number(x):
    """A number of the data as float32 if that holds all its digits, else as float64."""
    narrow = isinstance(x, np.float32) or np.dtype(type(x)).itemsize <= 2
    return np.float32(x) if narrow else np.float64(x)


def ordered(x):
    """An integer for each number of a precision, which is larger where the number is."""
    integer, rest = (np.int32, _REST) if x.itemsize == 4 else (np.int64, _REST_64)
    bits = x.view(integer)
    return bits ^ ((bits >> (8 * x.itemsize - 1)) & rest)


def unordered(bits):
    """The number that `ordered` made this of."""
    precise, rest = (np.float32, _REST) if bits.itemsize == 4 else (np.float64, _REST_64)
    return (bits ^ ((bits >> (8 * bits.itemsize - 1)) & rest)).view(precise)


@overload(ordered, jit_options=FLAGS)
def _ordered(x):
    def narrow(x):
        bits = np.float32(x).view(np.int32)
        return np.int32(bits ^ np.int32(np.int32(bits >> np.int32(31)) & _REST))

    def wide(x):
        bits = np.float64(x).view(np.int64)
        return bits ^ ((bits >> 63) & _REST_64)

    return narrow if x == types.float32 else wide


@overload(unordered, jit_options=FLAGS)
def _unordered(bits):
    def narrow(bits):
        flipped = np.int32(bits ^ np.int32(np.int32(bits >> np.int32(31)) & _REST))
        return np.int32(flipped).view(np.float32)

    def wide(bits):
        return np.int64(bits ^ ((bits >> 63) & _REST_64)).view(np.float64)

    return narrow if bits == types.int32 else wide


@overload(number, jit_options=FLAGS)
def _number(x):
    if x == types.float32 or getattr(x, "bitwidth", 8) <= 16:
        return lambda x: np.float32(x)
    return lambda x: np.float64(x)


@overload(exp, jit_options=FLAGS)
def _exp(x):
    if x != types.float32:
        return lambda x: math.exp(x)

    c2, c3, c4, c5, c6 = _EXP

    def vectorised(x):
        x = min(max(x, -_LIMIT), _LIMIT)
        rounded = x * _LOG2_E + _ROUND
        exponent = np.float32(rounded).view(np.int32)
        whole = rounded - _ROUND
        r = x - whole * _LN2_HIGH
        r = r - whole * _LN2_LOW
        power = (((c6 * r + c5) * r + c4) * r + c3) * r + c2
        power = power * r * r + r + _ONE
        # what the constant put above the integer is shifted out
        scale = np.int32((exponent + np.int32(127)) << np.int32(23)).view(np.float32)
        return power * scale

    return vectorised


@overload(log2, jit_options=FLAGS)
def _log2(x):
    if x != types.float32:
        return lambda x: math.log2(x)

    c0, c1, c2, c3, c4, c5, c6, c7, c8 = _LOG2

    def vectorised(x):
        bits = np.float32(x).view(np.int32)
        exponent = np.int32(np.int32(bits - _SQRT_HALF) >> np.int32(23))
        mantissa = np.int32(bits - np.int32(exponent << np.int32(23))).view(np.float32)
        f = mantissa - _ONE
        p = (((c8 * f + c7) * f + c6) * f + c5) * f + c4
        p = (((p * f + c3) * f + c2) * f + c1) * f + c0
        return np.float32(exponent) + p * f

    return vectorised
