"""Potentials are assigned bins, on a GPU, by a block of threads per neuron.

Functions are those of the CPU, (u, bias, n, binning, bins). A sample's shares stay in `binning`.
"""

from functools import cache

import numpy as np

from infosim.kernels.common import ONE, ZERO
from infosim.kernels.device import THREADS, cuda
from infosim.kernels.score.assign.soft_cuda import nearest, share_of, soft, width_of
from infosim.kernels.score.scalar import bin_index, bin_range, bin_scale


@cache
def extremes(real):
    """The function (low, high) that makes of each thread's extremes those of the block, for all."""

    @cuda.jit(device=True)
    def extremes(low, high):
        lows = cuda.shared.array(THREADS, real)
        highs = cuda.shared.array(THREADS, real)
        t, half = cuda.threadIdx.x, THREADS // 2
        lows[t], highs[t] = low, high
        cuda.syncthreads()
        while half > 0:
            if t < half:
                lows[t] = min(lows[t], lows[t + half])
                highs[t] = max(highs[t], highs[t + half])
            cuda.syncthreads()
            half //= 2
        low, high = lows[0], highs[0]
        cuda.syncthreads()  # before the next ones overwrite these
        return low, high

    return extremes


@cache
def _hard(real):
    """Each potential is in one bin; of kind 0 fixed, 1 adaptive, 2 normalised."""
    extremes_ = extremes(real)

    @cuda.jit(device=True)
    def hard(u, bias, n, binning, bins):
        n_bins, kind, low, high = binning
        t = cuda.threadIdx.x
        for k in range(u.shape[0]):
            b, lo, hi = bias[k, n], low, high
            if kind != 0:
                lo = hi = u[k, n, 0]
                for s in range(t, u.shape[2], cuda.blockDim.x):
                    lo, hi = min(lo, u[k, n, s]), max(hi, u[k, n, s])
                lo, hi = extremes_(lo, hi)
                lo, hi = lo + b, hi + b
            lo, hi = bin_range(kind, lo, hi)
            scale = bin_scale(lo, hi, n_bins[k])
            for s in range(t, u.shape[2], cuda.blockDim.x):
                bins[k, n, s] = bin_index(u[k, n, s] + b, lo, scale, n_bins[k])
        cuda.syncthreads()

    return hard


@cuda.jit(device=True)
def _nothing(u, bias, n, binning, bins):
    """Bins, or shares, that are there already."""


@cuda.jit(device=True)
def _one(binning, k, n, s):
    """Of samples that are not split: how many bins they are in."""
    return 1


@cuda.jit(device=True)
def _whole(binning, k, n, s, w):
    """Their share of it, and its slope."""
    return ONE, ZERO


@cuda.jit(device=True)
def _given_share(binning, k, n, s, w):
    """A sample's share of the w-th bin that it has any of, and its slope in the potential."""
    return binning[3][k, n, s, w], binning[4][k, n, s, w]


@cuda.jit(device=True)
def _given_width(binning, k, n, s):
    """How many bins a sample has shares of."""
    return np.int64(binning[2][k, n, s])


def assignments(name, real):
    """By name: the function, whether it splits samples among bins, and how many and which shares.

    The latter are functions (binning, k, n, s) and (binning, k, n, s, w).
    """
    if name == "hard":
        return _hard(real), False, _one, _whole
    if name == "nearest":
        return nearest, False, _one, _whole
    if name == "given":
        return _nothing, False, _one, _whole
    if name == "soft":
        return soft(real), True, width_of, share_of
    return _nothing, True, _given_width, _given_share
