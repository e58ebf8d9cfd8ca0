"""Potentials are assigned bins, on the CPU.

An assignment is a `shared` function (u, bias, n, binning, work, bins) that leaves the bins of
neuron n in `bins`, uint8 (K, N, B). One that splits samples among bins leaves in `bins` the first
that a sample has a share in, and in `work` how many there are, their shares, and the shares' slopes
in the potential. What it reads stands in `binning`, first the numbers of bins, (K,).
"""

from infosim.jit import shared
from infosim.kernels.common import extremes
from infosim.kernels.score.assign.soft_cpu import nearest, soft
from infosim.kernels.score.scalar import bin_index, bin_range, bin_scale


@shared()
def hard(u, bias, n, binning, work, bins):
    """Each potential is in one bin; of kind 0 fixed, 1 adaptive, 2 normalised (`neuron.binning`).

    u : potentials without bias, (K, N, B); bias : (K, N); binning : n_bins, kind, low, high
    """
    n_bins, kind, low, high = binning
    n_compartments, _, n_samples = u.shape
    for k in range(n_compartments):
        b = bias[k, n]
        lo = low
        hi = high
        if kind != 0:
            lo, hi = extremes(u[k, n])
            lo += b
            hi += b
        lo, hi = bin_range(kind, lo, hi)
        scale = bin_scale(lo, hi, n_bins[k])
        for s in range(n_samples):
            bins[k, n, s] = bin_index(u[k, n, s] + b, lo, scale, n_bins[k])


@shared()
def given(u, bias, n, binning, work, bins):
    """Bins that are there already."""


@shared()
def given_shares(u, bias, n, binning, work, bins):
    """Shares that are there already.

    binning : n_bins, 1 or 0 (whether masses of unions move with the shares or are held), how many
        bins a sample has shares in, uint8 (K, N, B), and of these the shares and their slopes in
        the potential, (K, N, B, W)
    """
    _, _, widths, shares, slopes = binning
    for k in range(bins.shape[0]):
        work.split.widest[k] = 0
        for s in range(bins.shape[2]):
            work.split.widths[k, s] = widths[k, n, s]
            work.split.widest[k] = max(work.split.widest[k], widths[k, n, s])
            for w in range(widths[k, n, s]):
                work.split.shares[k, w, s] = shares[k, n, s, w]
                work.split.share_slopes[k, w, s] = slopes[k, n, s, w]


#: By name: the function, and whether it splits samples among bins.
ASSIGNMENTS = {
    "hard": (hard, False),
    "soft": (soft, True),
    "nearest": (nearest, False),
    "given": (given, False),
    "shares": (given_shares, True),
}
