"""Soft bins on the CPU: samples have shares of bins, whose range all neurons of a replica have.

What these assignments read, `binning`, is n_bins (K,); 1 or 0, whether masses of unions move with
the shares or are held; softness (K,); what a number of this precision resolves, relatively; how
many units of softness away from a bin a share of it is none at this precision; and the potentials'
range, `spans` (2, K, R).
"""

import numpy as np

from infosim.jit import inline
from infosim.kernels.common import ZERO, replica_of
from infosim.kernels.score.scalar import bin_centre, bin_index, soft_range, soft_share


@inline
def soft(u, bias, n, binning, work, bins):
    """Shares of all bins that are near, divided by their sum, and their slopes in the potential."""
    n_bins, _, softness, resolution, depth, spans = binning
    widths, shares, slopes = work.split.widths, work.split.shares, work.split.share_slopes
    r, _ = replica_of(n, u.shape[1], spans.shape[2])
    for k in range(u.shape[0]):
        low, scale, width, s_k = soft_range(
            spans[0, k, r], spans[1, k, r], softness[k], resolution, n_bins[k]
        )
        tail = depth * s_k
        for s in range(u.shape[2]):
            x = u[k, n, s] + bias[k, n]
            first = np.int64(bin_index(x - tail, low, scale, n_bins[k]))
            count = np.int64(bin_index(x + tail, low, scale, n_bins[k])) - first + 1
            offset = x - bin_centre(first, low, width)
            total = total_slope = ZERO * x
            for w in range(count):
                share, slope = soft_share(offset - np.float32(w) * width, width, s_k)
                shares[k, s, w], slopes[k, s, w] = share, slope
                total += share
                total_slope += slope
            for w in range(count):
                shares[k, s, w] /= total
                slopes[k, s, w] = (slopes[k, s, w] - shares[k, s, w] * total_slope) / total
            bins[k, n, s], widths[k, s] = first, count


@inline
def nearest(u, bias, n, binning, work, bins):
    """The bin that each potential is in, of which it has the largest share."""
    n_bins, _, softness, resolution, _, spans = binning
    r, _ = replica_of(n, u.shape[1], spans.shape[2])
    for k in range(u.shape[0]):
        low, scale, _, _ = soft_range(
            spans[0, k, r], spans[1, k, r], softness[k], resolution, n_bins[k]
        )
        for s in range(u.shape[2]):
            bins[k, n, s] = bin_index(u[k, n, s] + bias[k, n], low, scale, n_bins[k])
