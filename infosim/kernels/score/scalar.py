"""Scalar mathematics of the score, for every backend: bins, and information of a cell's masses."""

import math

import numpy as np

from infosim.elementary import exp, log2
from infosim.jit import apart, exact, inline
from infosim.kernels.common import ONE, ZERO

#: Probability masses below this (in units of samples) count as this in ratios and logarithms, so
#: that log 0 and 0/0 never arise; a firing probability this small learns nothing anyway.
TINY = np.float32(1e-10)
#: Soft bins reach this much beyond the least and the greatest potential (arXiv 2511.02584).
PADDING = np.float32(1)
#: Bits in a nat; to be taken in the precision of the masses.
BITS = 1 / math.log(2)


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
def bin_centre(number, low, width):
    """The middle of a bin."""
    return low + (np.float32(number) + np.float32(0.5)) * width


@inline
def soft_range(low, high, softness, resolution, n_bins):
    """Of soft bins over these potentials: where they begin, bins per unit, width, and softness.

    resolution : what potentials resolve, relatively: softness is not less
    """
    low, high = low - PADDING, high + PADDING
    softness = max(softness, resolution * max(abs(low), abs(high)))
    return low, bin_scale(low, high, n_bins), (high - low) / np.float32(n_bins), softness


@apart
def soft_share(distance, width, softness):
    """σ((w/2 - |d|) / s) of a potential at the distance d from the bin's centre; its slope in d."""
    share = ONE / (ONE + exp((abs(distance) - width / np.float32(2)) / softness))
    slope = share * (ONE - share) / softness
    if distance == ZERO:
        return share, ZERO * slope
    return share, -slope if distance > ZERO else slope


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
def union_terms(p1, p0, u1, u0):
    """What the gradient needs of a cell with masses p1, p0 in a union of masses u1, u0.

    Returns log2(u1/u0), and i and d with i d = p1/u1 - p0/u0: one slow division serves all three.
    """
    u1, u0 = max(u1, TINY), max(u0, TINY)
    inverse = ONE / (u1 * u0)
    return log2(u1 * u1 * inverse), inverse, p1 * u0 - p0 * u1


@inline
def union_information(p1, p0, u1, u0, inverse1, inverse0):
    """A cell's addends to J(1) and J(0): p_y log2(u_y / ((u_1 + u_0) p(y))), inverse_y = 1/p(y)."""
    u1, u0 = max(u1, TINY), max(u0, TINY)
    inverse = ONE / (u1 + u0)
    return p1 * log2(u1 * inverse * inverse1), p0 * log2(u0 * inverse * inverse0)


@inline
def union_prices(p1, p0, u1, u0, w1, w0, bits):
    """What a cell's mass is worth by itself, and what it adds to those in whose unions it is.

    With weights w_y: w_y log2(u_y / (u_1 + u_0)) for both outputs, w_y p_y / u_y / ln 2 likewise,
    and Σ_y w_y p_y / (u_1 + u_0) / ln 2; bits : 1 / ln 2
    """
    u1, u0 = max(u1, TINY), max(u0, TINY)
    inverse = ONE / (u1 + u0)
    p1, p0 = w1 * bits * p1, w0 * bits * p0
    own1, own0 = w1 * log2(u1 * inverse), w0 * log2(u0 * inverse)
    return own1, own0, p1 / u1, p0 / u0, (p1 + p0) * inverse
