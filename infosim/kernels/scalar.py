"""Scalar mathematics of the kernels, written once and compiled for every backend.

Constants are float32 on purpose: a float32 operand leaves the precision of the other operand as
it is, while a bare Python literal would turn all float32 arithmetic into float64.
"""

import math

import numpy as np

from infosim.elementary import log2
from infosim.jit import inline

ZERO = np.float32(0)
ONE = np.float32(1)
#: Probability masses below this (in units of samples) count as this in ratios and logarithms, so
#: that log 0 and 0/0 never arise; a firing probability this small learns nothing anyway.
TINY = np.float32(1e-10)
_TO_UNIT = np.float32(2.0**-24)
_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint32(0x9E3779B9), np.uint32(0xBB67AE85)
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)


@inline
def log2_ratio(a, b):
    """log2(a / b) of two masses, each at least TINY."""
    return log2(max(a, TINY) / max(b, TINY))


@inline
def entropy(p):
    """Entropy in bits of a binary variable that is 1 with probability `p`."""
    q = ONE - p
    h = p * ZERO
    if p > ZERO:
        h -= p * log2(p)
    if q > ZERO:
        h -= q * log2(q)
    return h


@inline
def bin_index(u, low, inverse_width, n_bins):
    """The bin of potential `u`: bins closed on the right, outermost bins open-ended."""
    # clipped before the conversion to an integer, which a huge potential would overflow; in this
    # order of arguments NaN falls into the first bin instead of outside of all
    position = min(max(ONE, (u - low) * inverse_width), np.float32(n_bins))
    return np.uint8(math.ceil(position) - 1)


@inline
def philox(c0, c1, c2, c3, k0, k1):
    """Philox4x32-10: four random words from a counter (uint64 each) and a key (uint32 each).

    Salmon, Moraes, Dror, Shaw (2011), Parallel random numbers: as easy as 1, 2, 3. A word is the
    lower half of what is returned; the upper halves are left as they fall, which spares the
    conversions between widths that kept loops over counters out of vector lanes.
    """
    for _ in range(10):
        product0 = _M0 * (c0 & _LOW)
        product1 = _M1 * (c2 & _LOW)
        c0 = (product1 >> _HALF) ^ c1 ^ np.uint64(k0)
        c2 = (product0 >> _HALF) ^ c3 ^ np.uint64(k1)
        c1 = product1
        c3 = product0
        k0 = np.uint32(k0 + _W0)
        k1 = np.uint32(k1 + _W1)
    return c0, c1, c2, c3


@inline
def unit(x):
    """A uniform float32 in [0, 1) from the upper 24 bits of uint32 `x`."""
    return np.float32(x >> np.uint32(8)) * _TO_UNIT
