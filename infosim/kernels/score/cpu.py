"""The score on the CPU: the goal's gradient by four verbs, and information to be read."""

from functools import cache

from numba import int64

from infosim.jit import frugal, inline, shared
from infosim.kernels.common import extremes, replica_of
from infosim.kernels.score.assign.cpu import ASSIGNMENTS
from infosim.kernels.score.credit.cpu import credit, credit_split
from infosim.kernels.score.estimate.cpu import (
    estimate,
    estimate_split,
    lay_out,
    used_sets,
)
from infosim.kernels.score.price.cpu import informations, price, price_both
from infosim.kernels.score.scalar import entropy


@inline
def _nothing(*given):
    """Where there is nothing to be done."""


def _verbs(split):
    """What comes before the first neuron, and what differs of the goal where samples are split.

    What a combination does not need is not compiled for it.
    """
    if split:
        return lay_out, credit_split
    return _nothing, credit


def _needed(measure):
    """What a measure chooses by, if it does."""
    return _nothing if measure.select is None else informations


@frugal
def span(u, bias, start, stop, spans):
    """The least and the greatest potential of a replica's neurons, over all samples.

    u : potentials without bias, (K, N, B); bias : (K, N); spans : written, (2, K, R)
    """
    r, _ = replica_of(start, u.shape[1], spans.shape[2])
    for k in range(u.shape[0]):
        low = high = u[k, start, 0] + bias[k, start]
        for n in range(start, stop):
            lo, hi = extremes(u[k, n])
            low, high = min(low, lo + bias[k, n]), max(high, hi + bias[k, n])
        spans[0, k, r], spans[1, k, r] = low, high


@cache
def assign(assignment):
    """An assignment's kernel (u, bias, binning, start, stop, work, bins): the first verb alone."""
    assign_, _ = ASSIGNMENTS[assignment]

    @frugal
    def assign(u, bias, binning, start, stop, work, bins):
        for n in range(start, stop):
            assign_(u, bias, n, binning, work, bins)

    return assign


@cache
def _tabulate(assignment):
    """The first two verbs, of one neuron: they leave its cells in `work`; how many there are."""
    assign_, split = ASSIGNMENTS[assignment]
    estimate_ = estimate_split if split else estimate

    @shared(int64)
    def tabulate(u, bias, n, binning, theta, used, work, bins):
        assign_(u, bias, n, binning, work, bins)
        return estimate_(bins, n, binning[0], theta, used, work)

    return tabulate


@cache
def score(assignment, measure):
    """The exact gradient of each neuron's goal, for an assignment and a measure of redundancy.

    G = Σ_a w_a I_∩(a) + h H(Y), with the plug-in joint p(c, y=+1) = 1/B Σ_s θ_s a_sc of the cells
    c, tuples of bins that samples s have shares a_sc in; with hard bins a sample is in one. A
    sample acts through its cells alone, so all work beyond sorting is done once per cell
    (docs/theory.md has the mathematics).

    The kernel's arguments are

    u : potentials without bias, (K, N, B); bias : (K, N); binning : what the assignment reads,
        first the numbers of bins, (K,), then, if it splits samples, 1, or 0 if masses of unions
        are held
    theta : θ and 1 - θ, (2, N, B)
    terms : (starts, sets, signs), term t adds up signs[i] times the marginal of sources sets[i] for
        i in starts[t]:starts[t+1]
    candidates : (starts, members), antichain a has, or chooses from, the terms
        members[starts[a]:starts[a+1]]
    weights : w_a, (Q, A); entropy_weights : h, (Q,); rows : which of them a neuron has, (N,); one
        whose row is negative is passed over: its goal is of another measure
    work : `scratch`; bins : written, uint8 (K, N, B); slope : written, ∂G/∂θ in bits, (N, B)
    direct : written if samples are split, ∂G/∂u_k where θ is held, (K, N, B)
    """
    _, split = ASSIGNMENTS[assignment]
    tabulate, (begin_, credit_) = _tabulate(assignment), _verbs(split)
    select, inform = inline(measure.choice), _needed(measure)
    price_ = price if measure.select is None and not split else price_both(split)

    @frugal
    def score(
        u, bias, binning, theta, terms, candidates, weights, entropy_weights, rows, start, stop,
        work, bins, slope, direct,
    ):  # fmt: skip
        n_bins, used, (begins, members) = binning[0], used_sets(terms[1]), candidates
        n_samples, full = bins.shape[2], (1 << bins.shape[0]) - 1
        n_terms, n_antichains = len(terms[0]) - 1, len(begins) - 1
        found, chosen = work.information[:n_terms], work.chosen[:n_terms]
        begin_(binning, used, work)
        for n in range(start, stop):
            row = rows[n]
            if row < 0:
                continue
            n_cells = tabulate(u, bias, n, binning, theta, used, work, bins)
            inform(terms, n_cells, full, work)
            chosen[:] = 0
            for a in range(n_antichains):
                own = members[begins[a] : begins[a + 1]]
                select(found, own, weights[row, a], chosen)
            price_(terms, binning, entropy_weights, row, used, n_cells, full, n_samples, work)
            credit_(bins, n, n_bins, theta, n_cells, work, slope, direct)

    return score


@cache
def information(assignment, measure):
    """The redundancy I_∩ of every antichain, and the entropy, of each neuron's output, in bits.

    The kernel's arguments are those of `score`, with all A antichains in `candidates`, of `rows`
    the signs alone, and

    result : written, float64 (N, A + 1): I_∩ by antichain, then H(Y)
    """
    _, split = ASSIGNMENTS[assignment]
    tabulate, (begin_, _) = _tabulate(assignment), _verbs(split)
    select = inline(measure.choice)

    @frugal
    def information(
        u, bias, binning, theta, terms, candidates, rows, start, stop, work, bins, result
    ):
        used, (begins, members) = used_sets(terms[1]), candidates
        full, n_terms = (1 << bins.shape[0]) - 1, len(terms[0]) - 1
        n_antichains = len(begins) - 1
        found, chosen = work.information[:n_terms], work.chosen[:n_terms]
        chosen[:] = 0
        begin_(binning, used, work)
        for n in range(start, stop):
            if rows[n] < 0:
                continue
            n_cells = tabulate(u, bias, n, binning, theta, used, work, bins)
            p1, p0 = informations(terms, n_cells, full, work)
            for a in range(n_antichains):
                own = members[begins[a] : begins[a + 1]]
                select(found, own, 1.0, chosen)
                result[n, a] = 0.0
                for i in range(len(own)):
                    for y in range(2):
                        result[n, a] += chosen[own[i], y] * found[own[i], y]
                        chosen[own[i], y] = 0.0
            result[n, n_antichains] = entropy(p1 / (p1 + p0), p0 / (p1 + p0))

    return information
