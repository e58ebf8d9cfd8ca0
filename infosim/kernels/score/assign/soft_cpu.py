"""Soft bins on the CPU: samples have shares of bins, whose range all neurons of a replica have.

What these assignments read, `binning`, is n_bins (K,); 1 or 0, whether masses of unions move with
the shares or are held; softness (K,); what a number of this precision resolves, relatively; how
many units of softness away from a bin a share of it is none at this precision; and the potentials'
range, `spans` (2, K, R).
"""

import numpy as np

from infosim.jit import inline, shared
from infosim.kernels.common import ONE, ZERO, replica_of
from infosim.kernels.score.scalar import bin_centre, bin_index, soft_range, soft_share


@shared()
def soft(u, bias, n, binning, work, bins):
    """Shares of all bins that are near, divided by their sum, and their slopes in the potential.

    Loops are over samples, in vector lanes; the farthest bins of some are none of others.
    """
    n_bins, _, softness, resolution, depth, spans = binning
    widths, offset = work.split.widths, work.split.offset
    r, _ = replica_of(n, u.shape[1], spans.shape[2])
    for k in range(u.shape[0]):
        low, scale, width, s_k = soft_range(
            spans[0, k, r], spans[1, k, r], softness[k], resolution, n_bins[k]
        )
        tail = depth * s_k
        most = 1
        for s in range(u.shape[2]):
            x = u[k, n, s] + bias[k, n]
            first = bin_index(x - tail, low, scale, n_bins[k])
            count = bin_index(x + tail, low, scale, n_bins[k]) - first + 1
            bins[k, n, s], widths[k, s] = first, count
            offset[s] = x - bin_centre(first, low, width)
            most = max(most, np.int64(count))
        work.split.widest[k] = most
        _share_out(offset, widths[k], most, width, s_k, work.split, k)


@inline
def _share_out(offset, widths, most, width, softness, split, k):
    """Leave shares and slopes of samples that are `offset` from the first of `widths` bins.

    most : the largest of these; a sample whose bins are fewer has zeroes
    """
    shares, slopes = split.shares[k], split.share_slopes[k]
    if most == 1:
        shares[0, :] = ONE
        slopes[0, :] = ZERO
        return
    total, total_slope, n_samples = split.totals[0], split.totals[1], len(offset)
    for s in range(n_samples):
        total[s] = total_slope[s] = ZERO
    for w in range(most):
        distance = np.float32(w) * width
        for s in range(n_samples):
            near = w < widths[s]
            share, slope = soft_share(offset[s] - distance if near else width, width, softness)
            share = share if near else ZERO * share
            slope = slope if near else ZERO * slope
            shares[w, s], slopes[w, s] = share, slope
            total[s] += share
            total_slope[s] += slope
    for s in range(n_samples):
        total[s] = ONE / total[s]
    for w in range(most):
        for s in range(n_samples):
            share = shares[w, s] * total[s]
            shares[w, s] = share
            slopes[w, s] = (slopes[w, s] - share * total_slope[s]) * total[s]


@shared()
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
