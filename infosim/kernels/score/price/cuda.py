"""What a change of each cell's mass is worth, on a GPU: v(c,y) as on the CPU.

Masses of unions are exact, in integers; what cells add to each other's prices is in fixed point.
"""

from functools import cache

import numpy as np

from infosim.kernels.device import cuda
from infosim.kernels.score.estimate.cuda import LARGE, total
from infosim.kernels.score.scalar import (
    BITS,
    TINY,
    log2_ratio,
    union_information,
    union_prices,
    union_terms,
)


@cuda.jit(device=True)
def unite(terms, t, wide, narrow, n_cells, full, at, c):
    """A term's sum of marginals at cell c, exactly; `at` : of the output."""
    starts, sets, signs = terms
    result = np.int64(0)
    for i in range(starts[t], starts[t + 1]):
        m = sets[i]
        leader = c if m == full else narrow[(m - 1) * n_cells + c]
        result += np.int64(signs[i]) * wide[at + (m - 1) * n_cells + leader]
    return result


@cache
def informations(real):
    """The function that leaves J_t(y) of all terms in `totals`, in shared memory, (T, 2).

    They are in fixed point: it returns what a bit is, and the masses of both outputs.
    """

    @cuda.jit(device=True)
    def informations(terms, wide, narrow, n_cells, full, unit_mass, n_samples, totals):
        t, step, n_terms = cuda.threadIdx.x, cuda.blockDim.x, totals.shape[0]
        ones, zeros = (full - 1) * n_cells, (2 * full - 1) * n_cells
        inverse_unit = real(1) / unit_mass
        # an addend is at most its mass times the logarithm of the smallest ratio, below 64
        unit_bit = LARGE / (64.0 * n_samples)
        p1 = np.float64(total(wide, ones, n_cells)) / np.float64(unit_mass)
        p0 = np.float64(total(wide, zeros, n_cells)) / np.float64(unit_mass)
        inverse1 = real((p1 + p0) / max(p1, float(TINY)))
        inverse0 = real((p1 + p0) / max(p0, float(TINY)))
        for i in range(t, 2 * n_terms, step):
            totals[i // 2, i % 2] = 0
        cuda.syncthreads()
        for i in range(t, n_terms * n_cells, step):
            a, c = i // n_cells, i % n_cells
            u1 = unite(terms, a, wide, narrow, n_cells, full, 0, c)
            u0 = unite(terms, a, wide, narrow, n_cells, full, full * n_cells, c)
            addend1, addend0 = union_information(
                real(wide[ones + c]) * inverse_unit,
                real(wide[zeros + c]) * inverse_unit,
                real(u1) * inverse_unit,
                real(u0) * inverse_unit,
                inverse1,
                inverse0,
            )
            cuda.atomic.add(totals, (a, 1), np.int64(addend1 * unit_bit))
            cuda.atomic.add(totals, (a, 0), np.int64(addend0 * unit_bit))
        cuda.syncthreads()
        return unit_bit * n_samples, p1, p0

    return informations


@cache
def price(n_sources, real, both):
    """The function that leaves v(c,1) - v(c,0) in `sums`, and v(c,0) behind it if `worth`.

    both : whether the weights of the outputs may differ, or v(c,0) is asked for; there masses of
        unions, U_t(c), are held if `moving` is 0, else 1
    """
    n_sets = 2**n_sources
    bits = real(BITS)

    @cuda.jit(device=True)
    def _start(terms, chosen, wide, n_cells, full, unit_mass, n_samples, entropy_weight):
        """What all cells' prices have in common, and a bound on what cells spread."""
        starts, _, signs = terms
        inverse_unit = real(1) / unit_mass
        p1 = real(total(wide, (full - 1) * n_cells, n_cells)) * inverse_unit
        p0 = real(total(wide, (2 * full - 1) * n_cells, n_cells)) * inverse_unit
        sum1 = sum0 = entropy_weight
        bound = real(TINY)  # a cell's quotients are at most 1
        for t in range(chosen.shape[0]):
            sum1 += chosen[t, 1]
            sum0 += chosen[t, 0]
            most = bits * (abs(chosen[t, 0]) + abs(chosen[t, 1])) * real(2 if both else 1)
            for i in range(starts[t], starts[t + 1]):
                bound += most * abs(signs[i])
        unit = real(LARGE) / (bound * real(n_cells))
        if not both:
            return -sum1 * log2_ratio(p1, p0), real(0), unit
        samples = real(n_samples)
        base1 = -sum1 * (log2_ratio(p1, samples) + bits)
        base0 = -sum0 * (log2_ratio(p0, samples) + bits)
        return base1 - base0, base0, unit

    @cuda.jit(device=True)
    def _add(sums, at, used, wide, narrow, n_cells, full, unit, base):
        """Add to each cell what all cells that agree with it, on whatever sets, have spread."""
        for c in range(cuda.threadIdx.x, n_cells, cuda.blockDim.x):
            result = sums[base + c]
            for m in range(1, full):
                if (used >> m) & 1:
                    leader = at + (m - 1) * n_cells + narrow[(m - 1) * n_cells + c]
                    result += real(wide[leader]) / unit
            sums[base + c] = result

    @cuda.jit(device=True)
    def even(
        terms, chosen, entropy_weight, used, wide, narrow, n_cells, full, unit_mass, n_samples,
        sums, worth, moving,
    ):  # fmt: skip
        share = cuda.local.array(n_sets, real)
        starts, sets, signs = terms
        ones, zeros, shares = (full - 1) * n_cells, (2 * full - 1) * n_cells, 2 * full * n_cells
        inverse_unit = real(1) / unit_mass
        base, _, unit = _start(
            terms, chosen, wide, n_cells, full, unit_mass, n_samples, entropy_weight
        )
        for c in range(cuda.threadIdx.x, n_cells, cuda.blockDim.x):
            p1, p0 = real(wide[ones + c]) * inverse_unit, real(wide[zeros + c]) * inverse_unit
            result = base
            for m in range(1, full + 1):
                share[m] = real(0)
            for t in range(chosen.shape[0]):
                w = chosen[t, 1]
                if w == 0:
                    continue
                u1 = unite(terms, t, wide, narrow, n_cells, full, 0, c)
                u0 = unite(terms, t, wide, narrow, n_cells, full, full * n_cells, c)
                ratio, inverse, difference = union_terms(
                    p1, p0, real(u1) * inverse_unit, real(u0) * inverse_unit
                )
                result += w * ratio
                if starts[t + 1] - starts[t] > 1:  # else all in its marginal add up to 1
                    change = w * bits * inverse * difference
                    for i in range(starts[t], starts[t + 1]):
                        share[sets[i]] += signs[i] * change
            sums[c] = result + share[full]
            for m in range(1, full):
                if (used >> m) & 1:
                    leader = shares + (m - 1) * n_cells + narrow[(m - 1) * n_cells + c]
                    cuda.atomic.add(wide, leader, np.int64(share[m] * unit))
        cuda.syncthreads()
        _add(sums, shares, used, wide, narrow, n_cells, full, unit, 0)
        cuda.syncthreads()

    @cuda.jit(device=True)
    def uneven(
        terms, chosen, entropy_weight, used, wide, narrow, n_cells, full, unit_mass, n_samples,
        sums, worth, moving,
    ):  # fmt: skip
        share = cuda.local.array((2, n_sets), real)
        starts, sets, signs = terms
        ones, zeros, shares = (full - 1) * n_cells, (2 * full - 1) * n_cells, 2 * full * n_cells
        inverse_unit = real(1) / unit_mass
        base, base0, unit = _start(
            terms, chosen, wide, n_cells, full, unit_mass, n_samples, entropy_weight
        )
        for c in range(cuda.threadIdx.x, n_cells, cuda.blockDim.x):
            p1, p0 = real(wide[ones + c]) * inverse_unit, real(wide[zeros + c]) * inverse_unit
            difference, silent = base, base0
            for m in range(1, full + 1):
                share[0, m] = real(0)
                share[1, m] = real(0)
            for t in range(chosen.shape[0]):
                w1, w0 = chosen[t, 1], chosen[t, 0]
                if w1 == 0 and w0 == 0:
                    continue
                u1 = real(unite(terms, t, wide, narrow, n_cells, full, 0, c)) * inverse_unit
                u0 = unite(terms, t, wide, narrow, n_cells, full, full * n_cells, c)
                u0 = real(u0) * inverse_unit
                own1, own0, unions1, unions0, events = union_prices(p1, p0, u1, u0, w1, w0, bits)
                difference += own1 - own0
                silent += own0
                if starts[t + 1] - starts[t] == 1:  # what all in its marginal add up to
                    u1, u0 = max(u1, real(TINY)), max(u0, real(TINY))
                    difference += (w1 - w0) * bits
                    silent += (w0 - moving * (w1 * u1 + w0 * u0) / (u1 + u0)) * bits
                    continue
                for i in range(starts[t], starts[t + 1]):
                    share[0, sets[i]] += signs[i] * (unions1 - unions0)
                    share[1, sets[i]] += signs[i] * (unions0 - moving * events)
            sums[c] = difference + share[0, full]
            if worth:
                sums[n_cells + c] = silent + share[1, full]
            for m in range(1, full):
                if (used >> m) & 1:
                    leader = shares + (m - 1) * n_cells + narrow[(m - 1) * n_cells + c]
                    cuda.atomic.add(wide, leader, np.int64(share[0, m] * unit))
                    if worth:
                        leader += full * n_cells
                        cuda.atomic.add(wide, leader, np.int64(share[1, m] * unit))
        cuda.syncthreads()
        _add(sums, shares, used, wide, narrow, n_cells, full, unit, 0)
        if worth:
            at = shares + full * n_cells
            _add(sums, at, used, wide, narrow, n_cells, full, unit, n_cells)
        cuda.syncthreads()

    return uneven if both else even
