"""Scalar mathematics of the kernels, written once and compiled for every backend.

Constants are float32 on purpose: a float32 operand leaves the precision of the other operand as
it is, while a bare Python literal would turn all float32 arithmetic into float64.
"""

import math

import numpy as np

from infosim.elementary import log2
from infosim.jit import exact, inline
from infosim.neuron.activation import logistic

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
def entropy(p, q):
    """Entropy in bits of a binary variable with probabilities p and q."""
    h = p * ZERO
    if p > ZERO:
        h -= p * log2(p)
    if q > ZERO:
        h -= q * log2(q)
    return h


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
def surer(mine, other, best, least):
    """Whether a neuron that says `mine`, else `other` (their sum is 1), is surer than the best.

    Close to 1, where float32 has few numbers, the small one of both tells them apart.
    """
    return mine > best or (mine == best and other < least)


@inline
def wrong_rather(right, n_samples, otherwise):
    """1 if fewer than half of so many samples are right, 0 if more; `otherwise` if it is half.

    A neuron that says the same of all samples would be decided by the rounding of the sum.
    """
    lead = right - 0.5 * n_samples
    if abs(lead) <= 1e-9 * n_samples:
        return otherwise
    return np.uint8(lead < 0.0)


@inline
def climb(share, target, n_samples):
    """-∂/∂logit of the mean cross-entropy of so many samples, from a class's softmax and target."""
    return (target - share) / np.float32(n_samples)


@inline
def union_terms(p1, p0, u1, u0):
    """What the gradient needs of a cell with masses p1, p0 in a union of masses u1, u0.

    Returns log2(u1/u0), and i and d with i d = p1/u1 - p0/u0: one slow division serves all three.
    """
    u1, u0 = max(u1, TINY), max(u0, TINY)
    inverse = ONE / (u1 * u0)
    return log2(u1 * u1 * inverse), inverse, p1 * u0 - p0 * u1


@inline
def union_information(p1, p0, u1, u0, inverse1, inverse0):
    """A cell's addend to I_∩: Σ_y p_y log2(u_y / ((u_1 + u_0) p(y))), inverse_y = 1/p(y)."""
    u1, u0 = max(u1, TINY), max(u0, TINY)
    inverse = ONE / (u1 + u0)
    addend = p1 * log2(u1 * inverse * inverse1)
    addend += p0 * log2(u0 * inverse * inverse0)
    return addend


@inline
def bin_range(kind, low, high):
    """The range of a neuron's bins, from what `neuron.binning` calls for and its extremes."""
    if kind == 2:
        high = max(abs(low), abs(high))
        low = -high
    return low, high


@exact  # a unit in the last place would move all potentials on borders into the next bins
def bin_scale(low, high, n_bins):
    """Bins per unit of potential; a neuron whose potential does not vary has one bin for all."""
    return np.float32(n_bins) / (high - low) if high > low else ZERO


@inline
def bin_index(u, low, inverse_width, n_bins):
    """The bin of potential `u`: bins closed on the right, outermost bins open-ended."""
    # clipped before the conversion to an integer, which a huge potential would overflow; in this
    # order of arguments NaN falls into the first bin instead of outside of all
    position = min(max(ONE, (u - low) * inverse_width), np.float32(n_bins))
    return np.uint8(np.int32(math.ceil(position)) - np.int32(1))


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


@inline
def adam_step(w, gradient, m, v, rates):
    """A weight and its running moments after one ascending Adam step (Kingma & Ba 2015).

    gradient : after decay and mask
    rates : [rate / (1 - β₁ᵗ), 1/√(1 - β₂ᵗ), β₁, 1-β₁, β₂, 1-β₂, ε, ...]
    """
    m = rates[2] * m + rates[3] * gradient
    v = rates[4] * v + rates[5] * gradient * gradient
    return w + rates[0] * m / (math.sqrt(v) * rates[1] + rates[6]), m, v
