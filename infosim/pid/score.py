"""The score of one neuron in plain NumPy: the slow reference that the kernels are held against.

A neuron's potentials are assigned bins, its joint distribution with the output is estimated, a
change of each cell's mass is priced, and each sample is credited with what it can change
(docs/theory.md). The kernels (`infosim.kernels.score`) have the same four verbs. Here any two cells
are compared in a matrix, the marginals are never added up, and nothing is skipped.
"""

import numpy as np

from infosim.errors import DataError, ShapeError
from infosim.pid.lattice import lattice
from infosim.pid.measures import measure_of, parts_of


def goal_value(goal, bins, theta, n_bins, measure="shared-exclusions"):
    """The goal G of one neuron in bits.

    Parameters
    ----------
    goal : Goal over K sources
    bins : int (K, B), bin of each compartment's potential in each sample, below n_bins
    theta : (B,) firing probabilities; p(b, y=1) = (1/B) Σ_s θ_s [b_s = b] (arXiv 2412.02482)
    measure : of redundancy, a name or a `Measure`

    Raises
    ------
    ShapeError, DataError, ConfigError : arrays that do not fit, an unknown measure
    """
    bins, theta = _checked_neuron(goal, bins, theta, n_bins)
    return score(goal, assign(bins, n_bins), theta, measure)[0]


def goal_gradient(goal, bins, theta, n_bins, measure="shared-exclusions"):
    """∂G/∂θ (B,) in bits, the exact gradient of `goal_value`, with the same arguments and errors.

    Finite for θ of 0 and 1, where the true derivative may diverge: masses are floored.
    """
    bins, theta = _checked_neuron(goal, bins, theta, n_bins)
    return score(goal, assign(bins, n_bins), theta, measure)[1]


def score(goal, shares, theta, measure="shared-exclusions", share_slopes=None, union_gradient=True):
    """The goal G, ∂G/∂θ (B,) and the direct ∂G/∂u (K, B) of one neuron, in bits.

    Parameters
    ----------
    goal : Goal over K sources
    shares : of each source (n_bins, B), what share of a sample is in which bin; they sum to 1
    theta : (B,) firing probabilities
    measure : of redundancy, a name or a `Measure`
    share_slopes : the shares' derivatives in the potential; None for bins that are held, which
        leave nothing direct
    union_gradient : whether masses of unions, U_t(c), move with the shares, or are held

    Only where bins are soft does a potential act on the goal directly, beside through θ.
    """
    measure, grid = measure_of(measure), lattice(len(goal.sources))
    w, h = goal.coefficients()
    terms, every = parts_of(measure, grid)
    cells, share, mass = estimate(shares, theta)
    information = informations(terms, cells, mass)
    chosen = np.zeros_like(information)
    for weight, candidates in zip(w, every, strict=True):
        measure.choice(information, candidates, weight, chosen)
    p_y = mass.sum(axis=1)
    value = (chosen * information).sum() - h * p_y @ _log2(p_y)
    v = price(terms, chosen, h, cells, mass, union_gradient)
    return float(value), *credit(v, cells, share, theta, shares, share_slopes)


def assign(bins, n_bins):
    """Shares (K, n_bins, B) of samples that are each in one bin: ones and zeroes."""
    return (bins[:, None, :] == np.arange(n_bins)[:, None]).astype(float)


def soft_shares(u, low, high, n_bins, softness):
    """Shares (n_bins, B) of a source's potentials u (B,) in soft bins, and their slopes in u.

    The share of a bin of width w around c is σ((w/2 - |u - c|) / softness), divided by the sum over
    all bins (arXiv 2511.02584). The range, from low to high, is held.
    """
    width = (high - low) / n_bins
    distance = u - (low + width * (np.arange(n_bins)[:, None] + 0.5))
    bump = 0.5 * (1 + np.tanh((width / 2 - np.abs(distance)) / softness / 2))
    slope = -np.sign(distance) * bump * (1 - bump) / softness
    total, slopes = bump.sum(axis=0), slope.sum(axis=0)
    return bump / total, (slope - bump * slopes / total) / total


def estimate(shares, theta):
    """The occupied cells, samples' shares of them, and p(cell, y): (C, K), (C, B) and (2, C).

    A cell is a tuple of bins; a sample's share of it is the product of those of its bins. Row 1 is
    of y = 1, row 0 of y = -1.
    """
    cells, share = np.zeros((1, 0), int), np.ones((1, len(theta)))
    for own in shares:
        numbers = np.arange(len(own))
        pairs = np.repeat(cells, len(own), axis=0), np.tile(numbers, len(cells))[:, None]
        cells = np.hstack(pairs)
        share = (share[:, None] * own).reshape(-1, len(theta))
        occupied = share.any(axis=1)
        cells, share = cells[occupied], share[occupied]
    return cells, share, np.array([share @ (1 - theta), share @ theta]) / len(theta)


def informations(terms, cells, mass):
    """J_t(y) = Σ_c p(c,y) log2 [U_t(c,y) / (U_t(c) p(y))] in bits, (T, 2), for `terms` (T, M)."""
    p_y = mass.sum(axis=1, keepdims=True)
    result = np.empty((len(terms), 2))
    for t, row in enumerate(terms):
        union = mass @ _reach(row, cells)
        result[t] = (mass * (_log2(union) - _log2(union.sum(axis=0)) - _log2(p_y))).sum(axis=1)
    return result


def price(terms, chosen, entropy_weight, cells, mass, union_gradient=True):
    """v(c, y) = ∂G/∂p(c, y) in bits, (2, C), of G = Σ_t,y ω_t(y) J_t(y) + h H(Y), ω the `chosen`.

    What a cell's mass is worth by itself, in all the unions that it is part of, and in p(y);
    without `union_gradient` U_t(c) is held.
    """
    p_y = mass.sum(axis=1, keepdims=True)
    v = np.repeat(-entropy_weight * (_log2(p_y) + 1 / np.log(2)), len(cells), axis=1)
    for row, omega in zip(terms, chosen, strict=True):
        if not omega.any():
            continue
        omega, reach = omega[:, None], _reach(row, cells)
        union_y = mass @ reach
        union = union_y.sum(axis=0)
        own = _log2(union_y) - _log2(union) - _log2(p_y)
        in_unions = (mass / _floored(union_y)) @ reach  # K_t(c, y)
        in_events = (omega * mass / _floored(union)) @ reach  # Σ_y ω_t(y) R_t(c, y), summed below
        v += omega * (own + (in_unions - 1) / np.log(2))
        if union_gradient:
            v -= in_events.sum(axis=0) / np.log(2)
    return v


def credit(v, cells, share, theta, shares, share_slopes=None):
    """∂G/∂θ (B,) and the direct ∂G/∂u (K, B), from the cells' prices v (2, C)."""
    n_samples = len(theta)
    slope = (v[1] - v[0]) @ share / n_samples
    direct = np.zeros((len(shares), n_samples))
    if share_slopes is not None:
        worth = v[0][:, None] + theta * (v[1] - v[0])[:, None]
        for k, slopes in enumerate(share_slopes):
            moved = slopes[cells[:, k]]
            for j, own in enumerate(shares):
                if j != k:
                    moved = moved * own[cells[:, j]]
            direct[k] = (worth * moved).sum(axis=0) / n_samples
    return slope, direct


def _reach(row, cells):
    """How often a cell is in the sum of marginals `row` of another, (C, C): 0 or 1 for unions."""
    agree = cells[:, None] == cells[None]  # (C, C, K)
    reach = np.zeros(agree.shape[:2])
    for m in np.flatnonzero(row):
        sources = [k for k in range(cells.shape[1]) if (m + 1) >> k & 1]
        reach += row[m] * agree[:, :, sources].all(axis=2)
    return reach


def _floored(mass):
    """`mass`, kept from zero so that logarithms and ratios of it stay finite; float32 holds it."""
    return np.maximum(mass, 1e-30)


def _log2(mass):
    return np.log2(_floored(mass))


def _checked_neuron(goal, bins, theta, n_bins):
    bins, theta = np.asarray(bins), np.asarray(theta, dtype=float)
    shape = (len(goal.sources), theta.size)
    if theta.ndim != 1 or not theta.size or bins.shape != shape or bins.dtype.kind not in "iu":
        raise ShapeError(
            f"bins {bins.dtype}{bins.shape} and theta {theta.shape} must be integers "
            f"({shape[0]}, B) and numbers (B,), B > 0, for a goal of {shape[0]} sources"
        )
    if bins.min() < 0 or bins.max() >= n_bins:
        raise DataError(f"bins run from {bins.min()} to {bins.max()}, must be 0 to {n_bins - 1}")
    if not ((theta >= 0) & (theta <= 1)).all():
        raise DataError("theta must be probabilities between 0 and 1")
    return bins, theta
