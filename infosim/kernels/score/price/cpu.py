"""What a change of each cell's mass is worth, on the CPU.

The goal is G = Σ_t,y ω_t(y) J_t(y) + h H(Y), with J_t(y) = Σ_c p(c,y) log2 [U_t(c,y)/(U_t(c) p(y))]
in bits and U_t(c,y) the term t's sum of marginals at cell c; v(c,y) = ∂G/∂p(c,y) is its price
(docs/theory.md). Masses are in units of samples, and so sum to B.
"""

from functools import cache

from numba import types

from infosim.jit import inline, shared
from infosim.kernels.common import ONE, ZERO, total
from infosim.kernels.score.estimate.cpu import clear
from infosim.kernels.score.scalar import (
    BITS,
    TINY,
    log2_ratio,
    union_information,
    union_prices,
    union_terms,
)


@inline
def unite(start, stop, sets, signs, mass, n_cells, one, zero):
    """A term's sum of marginals for both outputs, U_t(c,1) in `one` and U_t(c,0) in `zero`."""
    for c in range(n_cells):
        one[c] = ZERO
        zero[c] = ZERO
    for i in range(start, stop):
        m = sets[i]
        sign = signs[i]
        for c in range(n_cells):
            one[c] += sign * mass[0, m, c]
            zero[c] += sign * mass[1, m, c]


@shared(types.UniTuple(types.float64, 2))
def informations(terms, n_cells, full, work):
    """Leave J_t(y) of all terms, in bits, in `work.information`; returns both outputs' masses."""
    starts, sets, signs = terms
    result = work.information
    mass, one, zero = work.mass, work.line[0], work.line[1]
    ones, zeros = work.value[0], work.value[1]
    p1, p0 = total(mass[0, full, :n_cells]), total(mass[1, full, :n_cells])
    inverse1 = mass.dtype.type((p1 + p0) / max(p1, float(TINY)))
    inverse0 = mass.dtype.type((p1 + p0) / max(p0, float(TINY)))
    for t in range(len(starts) - 1):
        unite(starts[t], starts[t + 1], sets, signs, mass, n_cells, one, zero)
        for c in range(n_cells):
            ones[c], zeros[c] = union_information(
                mass[0, full, c], mass[1, full, c], one[c], zero[c], inverse1, inverse0
            )
        result[t, 1] = total(ones[:n_cells]) / (p1 + p0)
        result[t, 0] = total(zeros[:n_cells]) / (p1 + p0)
    return p1, p0


@shared()
def price(terms, binning, entropy_weights, row, used, n_cells, full, n_samples, work):
    """Leave v(c,1) - v(c,0) in `work.value[0]`, of a goal whose weights are those of both outputs.

    The terms' weights are in `work.chosen`. What is free of y is the same in both prices and drops
    out: U_t(c), and so one logarithm of U_t(c,1)/U_t(c,0) is all that is left of two.
    """
    starts, sets, signs = terms
    n_terms, chosen, entropy_weight = len(starts) - 1, work.chosen, entropy_weights[row]
    mass, spread, sums = work.mass, work.spread[0], work.value[0]
    one, zero = work.line[0], work.line[1]
    bits = mass.dtype.type(BITS)
    p1 = p0 = entropy_weight * ZERO
    for c in range(n_cells):
        p1 += mass[0, full, c]
        p0 += mass[1, full, c]
    weight_sum = entropy_weight
    for t in range(n_terms):
        weight_sum += chosen[t, 1]
    base = -weight_sum * log2_ratio(p1, p0)
    for c in range(n_cells):
        sums[c] = base
    for m in range(1, full + 1):
        for c in range(n_cells):
            spread[m, c] = ZERO
    for t in range(n_terms):
        w = chosen[t, 1]
        if w == ZERO:
            continue
        if starts[t + 1] - starts[t] == 1:  # of a single set, in whose marginal all add up to 1
            m = sets[starts[t]]
            for c in range(n_cells):
                sums[c] += w * log2_ratio(mass[0, m, c], mass[1, m, c])
            continue
        unite(starts[t], starts[t + 1], sets, signs, mass, n_cells, one, zero)
        for c in range(n_cells):
            ratio, inverse, difference = union_terms(
                mass[0, full, c], mass[1, full, c], one[c], zero[c]
            )
            sums[c] += w * ratio
            one[c] = w * bits * inverse * difference
        for i in range(starts[t], starts[t + 1]):
            m = sets[i]
            sign = signs[i]
            for c in range(n_cells):
                spread[m, c] += sign * one[c]
    _gather(spread, used, n_cells, full, work, sums)


@inline
def _still(binning):
    """Of samples that are not split: all moves."""
    return ONE


@inline
def _moving(binning):
    """Whether masses of unions move with the shares, 1 or 0."""
    return binning[1]


@cache
def price_both(worth):
    """The same where the weights of the outputs differ, or v(c,0) is asked for (`worth`) as well.

    It is left in `work.value[1]`. Masses of unions, U_t(c), may be held there (`binning`). It is
    part of its kernel: called by it, last bits would be others.
    """
    moves = _moving if worth else _still

    @inline
    def price_both(terms, binning, entropy_weights, row, used, n_cells, full, n_samples, work):
        starts, sets, signs = terms
        moving = moves(binning)
        n_terms, chosen, entropy_weight = len(starts) - 1, work.chosen, entropy_weights[row]
        mass, spread, value = work.mass, work.spread, work.value
        one, zero, both = work.line[0], work.line[1], work.line[2]
        bits = mass.dtype.type(BITS)
        p1 = p0 = entropy_weight * ZERO
        for c in range(n_cells):
            p1 += mass[0, full, c]
            p0 += mass[1, full, c]
        sum1 = sum0 = entropy_weight
        for t in range(n_terms):
            sum1 += chosen[t, 1]
            sum0 += chosen[t, 0]
        samples = mass.dtype.type(n_samples)
        base1 = -sum1 * (log2_ratio(p1, samples) + bits)
        base0 = -sum0 * (log2_ratio(p0, samples) + bits)
        for c in range(n_cells):
            value[0, c] = base1 - base0
            value[1, c] = base0
        for i in range(len(spread)):
            for m in range(1, full + 1):
                for c in range(n_cells):
                    spread[i, m, c] = ZERO
        for t in range(n_terms):
            w1, w0 = chosen[t, 1], chosen[t, 0]
            if w1 == ZERO and w0 == ZERO:
                continue
            unite(starts[t], starts[t + 1], sets, signs, mass, n_cells, one, zero)
            alone = starts[t + 1] - starts[t] == 1
            for c in range(n_cells):
                own1, own0, unions1, unions0, events = union_prices(
                    mass[0, full, c], mass[1, full, c], one[c], zero[c], w1, w0, bits
                )
                value[0, c] += own1 - own0
                value[1, c] += own0
                one[c] = unions1 - unions0
                both[c] = unions0 - moving * events
            if alone:  # what all that agree on a set add up to is known
                for c in range(n_cells):
                    value[0, c] += (w1 - w0) * bits
                if worth:
                    m = sets[starts[t]]
                    for c in range(n_cells):
                        u1, u0 = max(mass[0, m, c], TINY), max(mass[1, m, c], TINY)
                        value[1, c] += (w0 - moving * (w1 * u1 + w0 * u0) / (u1 + u0)) * bits
                continue
            for i in range(starts[t], starts[t + 1]):
                m = sets[i]
                sign = signs[i]
                for c in range(n_cells):
                    spread[0, m, c] += sign * one[c]
                if worth:
                    for c in range(n_cells):
                        spread[1, m, c] += sign * both[c]
        _gather(spread[0], used, n_cells, full, work, value[0])
        if worth:
            _gather(spread[1], used, n_cells, full, work, value[1])

    return price_both


@inline
def _gather(spread, used, n_cells, full, work, value):
    """Add to each cell what all cells that agree with it, on whatever sets, have spread."""
    row = work.line[0]
    for c in range(n_cells):
        value[c] += spread[full, c]
    for m in range(1, full):
        if not (used >> m) & 1:
            continue
        ids = work.ids[m]
        clear(row, ids, n_cells, row.size)
        for c in range(n_cells):
            row[ids[c]] += spread[m, c]
        for c in range(n_cells):
            value[c] += row[ids[c]]
