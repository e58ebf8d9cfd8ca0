"""Each sample is credited with what it can change, on the CPU.

A sample's θ moves mass of its cells from one output to the other, which is worth v(c,1) - v(c,0);
its potentials move its shares from cell to cell, where bins are soft.
"""

import numpy as np

from infosim.jit import inline
from infosim.kernels.common import ZERO
from infosim.kernels.score.estimate.cpu import last_alone, split_sample


@inline
def credit(bins, n, n_bins, theta, n_cells, work, slope, direct):
    """∂G/∂θ of samples that are each in one cell: 1/B (v(c,1) - v(c,0))."""
    value, cell_of, n_samples = work.value[0], work.cell_of, bins.shape[2]
    for c in range(n_cells):
        value[c] /= np.float32(n_samples)
    for s in range(n_samples):
        slope[n, s] = value[cell_of[s]]


@inline
def credit_split(bins, n, n_bins, theta, n_cells, work, slope, direct):
    """∂G/∂θ = 1/B Σ_c a_sc d(c), and the direct ∂G/∂u_k = 1/B Σ_c (v(c,0) + θ d(c)) ∂a_sc/∂u_k.

    a_sc : sample s's share of cell c; d(c) : v(c,1) - v(c,0)
    """
    value, split, last = work.value, work.split, bins.shape[0] - 1
    part_of, parts, shares, share_slopes = (
        split.part_of, split.parts, split.shares[last], split.share_slopes[last],
    )  # fmt: skip
    n_samples = bins.shape[2]
    samples, whole = np.float32(n_samples), last_alone(bins, n, n_bins, work)
    for s in range(n_samples):
        fires = theta[0, n, s]
        own = fires * ZERO
        for k in range(bins.shape[0]):
            direct[k, n, s] = ZERO
        for i in range(1 if whole else split_sample(bins, n, s, n_bins, work)):
            at = work.cell_of[s] if whole else part_of[i]
            of_share = worth_of_share = worth_of_slope = fires * ZERO
            for w in range(split.widths[last, s]):
                d = value[0, at + w]
                worth = value[1, at + w] + fires * d
                of_share += shares[w, s] * d
                worth_of_share += shares[w, s] * worth
                worth_of_slope += share_slopes[w, s] * worth
            own += parts[0, i] * of_share
            for k in range(last):
                direct[k, n, s] += worth_of_share * parts[k + 1, i]
            direct[last, n, s] += parts[0, i] * worth_of_slope
        slope[n, s] = own / samples
        for k in range(bins.shape[0]):
            direct[k, n, s] /= samples
