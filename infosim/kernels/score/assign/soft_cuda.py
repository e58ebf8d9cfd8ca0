"""Soft bins on a GPU, as on the CPU; a sample's shares are made anew whenever they are asked for.

`binning` is that of the CPU, then how many bins a sample has shares in, uint8 (K, N, B), and
(3, K, N, B): its distance from the first one's centre, 1 / the shares' sum, and the slope of the
sum's logarithm.
"""

from functools import cache

import numpy as np

from infosim.kernels.device import cuda
from infosim.kernels.score.scalar import bin_centre, bin_index, soft_range, soft_share


@cuda.jit(device=True)
def _range(binning, k, n, n_neurons):
    """`soft_range` of a neuron's compartment."""
    spans = binning[5]
    r = n // (n_neurons // spans.shape[2])
    return soft_range(spans[0, k, r], spans[1, k, r], binning[2][k], binning[3], binning[0][k])


@cache
def soft(real):
    """The assignment of shares of all bins that are near."""

    @cuda.jit(device=True)
    def soft(u, bias, n, binning, bins):
        n_bins, depth, widths, split = binning[0], binning[4], binning[6], binning[7]
        for k in range(u.shape[0]):
            low, scale, width, s_k = _range(binning, k, n, u.shape[1])
            tail = depth * s_k
            for s in range(cuda.threadIdx.x, u.shape[2], cuda.blockDim.x):
                x = u[k, n, s] + bias[k, n]
                first = np.int64(bin_index(x - tail, low, scale, n_bins[k]))
                count = np.int64(bin_index(x + tail, low, scale, n_bins[k])) - first + 1
                offset = x - bin_centre(first, low, width)
                total, total_slope = real(0), real(0)
                for w in range(count):
                    share, slope = soft_share(offset - np.float32(w) * width, width, s_k)
                    total += share
                    total_slope += slope
                bins[k, n, s], widths[k, n, s] = first, count
                split[0, k, n, s] = offset
                split[1, k, n, s] = real(1) / total
                split[2, k, n, s] = total_slope / total
        cuda.syncthreads()

    return soft


@cuda.jit(device=True)
def width_of(binning, k, n, s):
    """How many bins a sample has shares of."""
    return np.int64(binning[6][k, n, s])


@cuda.jit(device=True)
def share_of(binning, k, n, s, w):
    """A sample's share of the w-th bin that it has any of, and its slope in the potential."""
    split = binning[7]
    _, _, width, s_k = _range(binning, k, n, split.shape[2])
    share, slope = soft_share(split[0, k, n, s] - np.float32(w) * width, width, s_k)
    share *= split[1, k, n, s]
    return share, slope * split[1, k, n, s] - share * split[2, k, n, s]


@cuda.jit(device=True)
def nearest(u, bias, n, binning, bins):
    """The bin that each potential is in, of which it has the largest share."""
    for k in range(u.shape[0]):
        low, scale, _, _ = _range(binning, k, n, u.shape[1])
        for s in range(cuda.threadIdx.x, u.shape[2], cuda.blockDim.x):
            bins[k, n, s] = bin_index(u[k, n, s] + bias[k, n], low, scale, binning[0][k])
    cuda.syncthreads()
