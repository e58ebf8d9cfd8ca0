"""Scalar mathematics of firing, for every backend: probabilities, their slopes, random numbers."""

from functools import cache

import numpy as np

from infosim.jit import inline
from infosim.kernels.common import ONE, ZERO
from infosim.neuron.activation import logistic

_TO_UNIT = np.float32(2.0**-24)
_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint32(0x9E3779B9), np.uint32(0xBB67AE85)
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)


@cache
def potentials(n_compartments):
    """A function (u, bias, n, s) -> the K potentials of neuron n for sample s with their biases.

    How many there are is fixed when a kernel is compiled: its loops have no branches.
    """
    k = n_compartments - 1
    if k == 0:
        return inline(lambda u, bias, n, s: (u[0, n, s] + bias[0, n],))
    before = potentials(k)
    return inline(lambda u, bias, n, s: (*before(u, bias, n, s), u[k, n, s] + bias[k, n]))


@cache
def spread(n_compartments):
    """A procedure (g, dA, delta, n, s) that writes ∂G/∂u_k = g ∂A/∂u_k to delta (K, N, B)."""
    k = n_compartments - 1
    before = spread(k) if k else None

    @inline
    def first(g, slopes, delta, n, s):
        delta[0, n, s] = g * slopes[0]

    @inline
    def further(g, slopes, delta, n, s):
        before(g, slopes, delta, n, s)
        delta[k, n, s] = g * slopes[k]

    return further if k else first


@inline
def probabilities(drive, clamp):
    """θ = σ(drive) and 1 - θ of a neuron, both held in [clamp, 1 - clamp]."""
    fires, silent = logistic(drive)
    return min(max(fires, clamp), ONE - clamp), min(max(silent, clamp), ONE - clamp)


@inline
def pull(slope, fires, silent, clamp):
    """∂G/∂drive from ∂G/∂θ: where θ is held at its clamp it no longer follows the potentials."""
    moves = ONE if min(fires, silent) > clamp else ZERO
    return slope * fires * silent * moves


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
