"""The score on a GPU: potentials' bins, the goal's gradient, and information to be read."""

from functools import cache

import numpy as np

from infosim.kernels import device
from infosim.kernels.device import THREADS, cuda
from infosim.kernels.score.cells.cuda import (
    CELLS,
    LARGE,
    SLOTS,
    enter,
    key_of,
    masses,
    number_of,
    total,
    union,
    unit_mass_of,
    used_sets,
)
from infosim.kernels.score.scalar import (
    TINY,
    bin_index,
    bin_range,
    bin_scale,
    entropy,
    log2_ratio,
    union_information,
    union_terms,
)


@cache
def _bin_potentials(real):
    """The kernel of `bin_potentials` for numbers of type `real`: a block of threads per neuron."""

    @cuda.jit
    def kernel(u, bias, kind, n_bins, low, high, start, stop, bins):
        lows = cuda.shared.array(THREADS, real)
        highs = cuda.shared.array(THREADS, real)
        t = cuda.threadIdx.x
        for n in range(start + cuda.blockIdx.x, stop, cuda.gridDim.x):
            for k in range(u.shape[0]):
                b, lo, hi = bias[k, n], low, high
                if kind != 0:
                    lo = hi = u[k, n, 0]
                    for s in range(t, u.shape[2], cuda.blockDim.x):
                        lo, hi = min(lo, u[k, n, s]), max(hi, u[k, n, s])
                    lows[t], highs[t] = lo, hi
                    cuda.syncthreads()
                    half = THREADS // 2
                    while half > 0:
                        if t < half:
                            lows[t] = min(lows[t], lows[t + half])
                            highs[t] = max(highs[t], highs[t + half])
                        cuda.syncthreads()
                        half //= 2
                    lo, hi = lows[0] + b, highs[0] + b
                    cuda.syncthreads()  # before the next compartment's overwrite these
                lo, hi = bin_range(kind, lo, hi)
                scale = bin_scale(lo, hi, n_bins[k])
                for s in range(t, u.shape[2], cuda.blockDim.x):
                    bins[k, n, s] = bin_index(u[k, n, s] + b, lo, scale, n_bins[k])

    return kernel


def bin_potentials(u, bias, kind, n_bins, low, high, start, stop, bins):
    """Bin the potentials of each neuron, as on the CPU."""
    kernel = _bin_potentials(u.dtype.type)
    device.launch(kernel, stop - start, u, bias, kind, n_bins, low, high, start, stop, bins)


@cache
def _score(n_sources, real):
    """The kernel of `score` for so many sources and numbers of type `real`."""
    full, n_sets = 2**n_sources - 1, 2**n_sources
    some = CELLS >> n_sources
    n_wide, n_narrow = 3 * full * some, n_sets * some

    @cuda.jit
    def kernel(
        bins, theta, starts, sets, signs, weights, entropy_weights, start, stop, slots,
        tables, all_wide, all_narrow, all_sums, unit_mass, slope,
    ):  # fmt: skip
        shared_table = cuda.shared.array(SLOTS, np.uint32)
        shared_numbers = cuda.shared.array(SLOTS, np.uint32)
        shared_wide = cuda.shared.array(n_wide, np.int64)
        shared_narrow = cuda.shared.array(n_narrow, np.uint32)
        shared_sums = cuda.shared.array(some, real)
        count = cuda.shared.array(1, np.int32)
        share = cuda.local.array(n_sets, real)
        t, step, b = cuda.threadIdx.x, cuda.blockDim.x, cuda.blockIdx.x
        n_samples, n_antichains = bins.shape[2], weights.shape[2]
        size = theta.shape[1] // weights.shape[0]
        used = used_sets(sets)
        inverse_unit = real(1) / unit_mass
        table, numbers = shared_table, shared_numbers
        if slots > SLOTS:
            table, numbers = tables[0, b], tables[1, b]
        for n in range(start + b, stop, cuda.gridDim.x):
            replica = n // size
            n_cells = enter(bins, n, table, numbers, slots, count)
            wide, narrow, sums = shared_wide, shared_narrow, shared_sums
            if n_cells > some:
                wide, narrow, sums = all_wide[b], all_narrow[b], all_sums[b]
            masses(bins, n, theta, used, table, numbers, slots, unit_mass, n_cells, wide, narrow)
            ones, zeros, shares = (full - 1) * n_cells, (2 * full - 1) * n_cells, 2 * full * n_cells
            weight_sum = entropy_weights[replica]
            bound = real(TINY)  # on what a cell can add to a share: its quotients are at most 1
            for a in range(n_antichains):
                weight_sum += weights[replica, 0, a]
                for i in range(starts[a], starts[a + 1]):
                    bound += abs(weights[replica, 1, a] * signs[i])
            unit_share = real(LARGE) / (bound * real(n_cells))
            base = -weight_sum * log2_ratio(
                real(total(wide, ones, n_cells)) * inverse_unit,
                real(total(wide, zeros, n_cells)) * inverse_unit,
            )
            for c in range(t, n_cells, step):
                p1, p0 = real(wide[ones + c]) * inverse_unit, real(wide[zeros + c]) * inverse_unit
                result = base
                for m in range(1, full + 1):
                    share[m] = real(0)
                for a in range(n_antichains):
                    i, j = starts[a], starts[a + 1]
                    u1 = union(i, j, sets, signs, wide, narrow, n_cells, full, 0, c)
                    u0 = union(i, j, sets, signs, wide, narrow, n_cells, full, full * n_cells, c)
                    ratio, inverse, difference = union_terms(
                        p1, p0, real(u1) * inverse_unit, real(u0) * inverse_unit
                    )
                    result += weights[replica, 0, a] * ratio
                    change = weights[replica, 1, a] * inverse * difference
                    for i in range(starts[a], starts[a + 1]):
                        share[sets[i]] += signs[i] * change
                sums[c] = result + share[full]
                for m in range(1, full):
                    if (used >> m) & 1:
                        at = shares + (m - 1) * n_cells + narrow[(m - 1) * n_cells + c]
                        cuda.atomic.add(wide, at, np.int64(share[m] * unit_share))
            cuda.syncthreads()
            for c in range(t, n_cells, step):
                result = sums[c]
                for m in range(1, full):
                    if (used >> m) & 1:
                        at = shares + (m - 1) * n_cells + narrow[(m - 1) * n_cells + c]
                        result += real(wide[at]) / unit_share
                sums[c] = result / real(n_samples)
            cuda.syncthreads()
            for s in range(t, n_samples, step):
                slope[n, s] = sums[number_of(table, numbers, slots, key_of(bins, n, s))]
            cuda.syncthreads()  # before the next neuron empties the table

    return kernel


def score(bins, n_bins, theta, terms, weights, entropy_weights, start, stop, work, slope):
    """The exact gradient of each neuron's goal, as on the CPU: a block of threads per neuron.

    Shared memory holds a neuron's cells and all their marginals if they are few, as they are in
    training; `scratch` otherwise. Masses of unions are exact, in integers.
    """
    slots, tables, wide, narrow, sums = work
    real = theta.dtype.type
    device.launch(
        _score(len(bins), real), len(wide), bins, theta, *terms, weights, entropy_weights, start,
        stop, slots, tables, wide, narrow, sums, unit_mass_of(real, bins.shape[2]), slope,
    )  # fmt: skip


@cache
def _information(n_sources, real, n_antichains):
    """The kernel of `information`."""
    full, n_sets = 2**n_sources - 1, 2**n_sources
    some = CELLS >> n_sources
    n_wide, n_narrow = 3 * full * some, n_sets * some

    @cuda.jit
    def kernel(
        bins, theta, starts, sets, signs, start, stop, slots, tables, all_wide, all_narrow,
        unit_mass, result,
    ):  # fmt: skip
        shared_table = cuda.shared.array(SLOTS, np.uint32)
        shared_numbers = cuda.shared.array(SLOTS, np.uint32)
        shared_wide = cuda.shared.array(n_wide, np.int64)
        shared_narrow = cuda.shared.array(n_narrow, np.uint32)
        totals = cuda.shared.array(n_antichains, np.int64)
        count = cuda.shared.array(1, np.int32)
        t, step, b = cuda.threadIdx.x, cuda.blockDim.x, cuda.blockIdx.x
        n_samples = bins.shape[2]
        used = used_sets(sets)
        inverse_unit = real(1) / unit_mass
        # an addend is at most its mass times the logarithm of the smallest ratio, below 64
        unit_bit = LARGE / (64.0 * n_samples)
        table, numbers = shared_table, shared_numbers
        if slots > SLOTS:
            table, numbers = tables[0, b], tables[1, b]
        for n in range(start + b, stop, cuda.gridDim.x):
            n_cells = enter(bins, n, table, numbers, slots, count)
            wide, narrow = shared_wide, shared_narrow
            if n_cells > some:
                wide, narrow = all_wide[b], all_narrow[b]
            masses(bins, n, theta, used, table, numbers, slots, unit_mass, n_cells, wide, narrow)
            ones, zeros = (full - 1) * n_cells, (2 * full - 1) * n_cells
            for a in range(t, n_antichains, step):
                totals[a] = 0
            cuda.syncthreads()
            p1 = np.float64(total(wide, ones, n_cells)) / np.float64(unit_mass)
            p0 = np.float64(total(wide, zeros, n_cells)) / np.float64(unit_mass)
            inverse1 = real((p1 + p0) / max(p1, float(TINY)))
            inverse0 = real((p1 + p0) / max(p0, float(TINY)))
            for i in range(t, n_antichains * n_cells, step):
                a, c = i // n_cells, i % n_cells
                i1, i2 = starts[a], starts[a + 1]
                u1 = union(i1, i2, sets, signs, wide, narrow, n_cells, full, 0, c)
                u0 = union(i1, i2, sets, signs, wide, narrow, n_cells, full, full * n_cells, c)
                addend = union_information(
                    real(wide[ones + c]) * inverse_unit,
                    real(wide[zeros + c]) * inverse_unit,
                    real(u1) * inverse_unit,
                    real(u0) * inverse_unit,
                    inverse1,
                    inverse0,
                )
                cuda.atomic.add(totals, a, np.int64(addend * unit_bit))
            cuda.syncthreads()
            for a in range(t, n_antichains, step):
                result[n, a] = np.float64(totals[a]) / unit_bit / n_samples
            if t == 0:
                result[n, n_antichains] = entropy(p1 / (p1 + p0), p0 / (p1 + p0))
            cuda.syncthreads()

    return kernel


def information(bins, n_bins, theta, terms, start, stop, work, result):
    """The redundancy I_∩ of every antichain, and the entropy, as on the CPU."""
    slots, tables, wide, narrow, _ = work
    real = theta.dtype.type
    device.launch(
        _information(len(bins), real, len(terms[0]) - 1), len(wide), bins, theta, *terms, start,
        stop, slots, tables, wide, narrow, unit_mass_of(real, bins.shape[2]), result,
    )  # fmt: skip
