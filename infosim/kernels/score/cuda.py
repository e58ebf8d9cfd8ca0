"""The score on a GPU: the goal's gradient by four verbs, and information to be read.

A block of threads per neuron. Shared memory holds a neuron's cells and all their marginals if they
are few, as they are in training; `scratch` otherwise.
"""

from functools import cache

import numpy as np

from infosim.kernels import device
from infosim.kernels.common import ONE
from infosim.kernels.device import cuda
from infosim.kernels.score.assign.cuda import assignments, extremes
from infosim.kernels.score.credit.cuda import credit
from infosim.kernels.score.estimate.cuda import (
    CELLS,
    SLOTS,
    estimate,
    find,
    slots_of,
    unit_mass_of,
    used_sets,
    wide_of,
)
from infosim.kernels.score.price.cuda import informations, price
from infosim.kernels.score.scalar import entropy


@cache
def _span(real):
    """The kernel of `span` for numbers of type `real`: a block for each compartment and replica."""
    extremes_ = extremes(real)

    @cuda.jit
    def kernel(u, bias, spans):
        n_compartments, n_replicas = spans.shape[1:]
        size = u.shape[1] // n_replicas
        for i in range(cuda.blockIdx.x, n_compartments * n_replicas, cuda.gridDim.x):
            k, r = i // n_replicas, i % n_replicas
            low = high = u[k, r * size, 0] + bias[k, r * size]
            for j in range(cuda.threadIdx.x, size * u.shape[2], cuda.blockDim.x):
                n = r * size + j // u.shape[2]
                x = u[k, n, j % u.shape[2]] + bias[k, n]
                low, high = min(low, x), max(high, x)
            low, high = extremes_(low, high)
            if cuda.threadIdx.x == 0:
                spans[0, k, r], spans[1, k, r] = low, high

    return kernel


def span(u, bias, start, stop, spans):
    """The least and the greatest potential of each replica's neurons, of all at once."""
    n_blocks = spans.shape[1] * spans.shape[2]
    device.launch(_span(u.dtype.type), n_blocks, u, bias, spans)


@cache
def _assign(assignment, real):
    """The kernel of `assign` for numbers of type `real`."""
    assign_, *_ = assignments(assignment, real)

    @cuda.jit
    def kernel(u, bias, binning, start, stop, bins):
        for n in range(start + cuda.blockIdx.x, stop, cuda.gridDim.x):
            assign_(u, bias, n, binning, bins)

    return kernel


@cache
def assign(assignment):
    """An assignment's kernel, as on the CPU: the first verb alone."""

    def assign(u, bias, binning, start, stop, work, bins):
        kernel = _assign(assignment, u.dtype.type)
        device.launch(kernel, stop - start, u, bias, binning, start, stop, bins)

    return assign


@cuda.jit(device=True)
def _still(binning):
    """Of samples that are not split: nothing moves."""
    return ONE


@cuda.jit(device=True)
def _moving(binning):
    """Whether masses of unions move with the shares, 1 or 0."""
    return binning[1]


@cache
def _select(measure):
    """A measure's choice between terms, on the GPU."""
    return cuda.jit(device=True)(measure.choice)


@cache
def _score(assignment, measure, n_sources, n_terms, real):
    """The kernel of `score` for so many sources and terms and numbers of type `real`."""
    assign_, split, *shares = assignments(assignment, real)
    chooses, select = measure.select is not None, _select(measure)
    estimate_, credit_ = estimate(split, *shares, real), credit(split, *shares, real)
    informations_, price_ = informations(real), price(n_sources, real, split or chooses)
    moving_ = _moving if split else _still
    full, some = 2**n_sources - 1, CELLS >> n_sources
    n_wide, n_narrow, n_sums = wide_of(full, split) * some, (full + 1) * some, (1 + split) * some
    n_slots, n_found, n_room = slots_of(split), max(n_terms, 1) if chooses else 1, max(n_terms, 1)

    @cuda.jit
    def kernel(
        u, bias, binning, theta, terms, candidates, weights, entropy_weights, rows, start, stop,
        work, unit_mass, bins, slope, direct,
    ):  # fmt: skip
        shared_table = cuda.shared.array(n_slots, np.uint32)
        shared_numbers = cuda.shared.array(n_slots, np.uint32)
        shared_wide = cuda.shared.array(n_wide, np.int64)
        shared_narrow = cuda.shared.array(n_narrow, np.uint32)
        shared_sums = cuda.shared.array(n_sums, real)
        count = cuda.shared.array(1, np.int32)
        totals = cuda.shared.array((n_found, 2), np.int64)
        found = cuda.shared.array((n_found, 2), np.float64)
        room = cuda.shared.array((n_room, 2), real)  # none has a length of 0
        chosen = room[:n_terms]
        t, step, b = cuda.threadIdx.x, cuda.blockDim.x, cuda.blockIdx.x
        n_bins, n_samples, (begins, members) = binning[0], bins.shape[2], candidates
        n_grid, slots, used = work.n_grid, work.slots, used_sets(terms[1])
        table, numbers = shared_table, shared_numbers
        if slots > SLOTS and n_grid == 0:
            table, numbers = work.tables[0, b], work.tables[1, b]
        for n in range(start + b, stop, cuda.gridDim.x):
            row = rows[n]
            if row < 0:
                continue
            assign_(u, bias, n, binning, bins)
            n_cells = find(bins, n, n_grid, table, numbers, slots, count)
            wide, narrow, sums = shared_wide, shared_narrow, shared_sums
            if n_cells > some:
                wide, narrow, sums = work.wide[b], work.narrow[b], work.sums[b]
            estimate_(
                bins, n, n_bins, binning, theta, used, n_grid, table, numbers, slots, unit_mass,
                n_cells, wide, narrow,
            )  # fmt: skip
            if chooses:
                for i in range(t, 2 * n_terms, step):
                    chosen[i // 2, i % 2] = 0
                bit, _, _ = informations_(
                    terms, wide, narrow, n_cells, full, unit_mass, n_samples, totals
                )
                for i in range(t, 2 * n_terms, step):
                    found[i // 2, i % 2] = np.float64(totals[i // 2, i % 2]) / bit
                cuda.syncthreads()
                if t == 0:
                    for a in range(begins.shape[0] - 1):
                        own = members[begins[a] : begins[a + 1]]
                        select(found, own, weights[row, a], chosen)
            else:
                for i in range(t, n_terms, step):
                    weight = real(0)
                    for a in range(begins.shape[0] - 1):
                        if members[begins[a]] == i:
                            weight += weights[row, a]
                    chosen[i, 0], chosen[i, 1] = weight, weight
            cuda.syncthreads()
            price_(
                terms, chosen, entropy_weights[row], used, wide, narrow, n_cells, full, unit_mass,
                n_samples, sums, split, moving_(binning),
            )  # fmt: skip
            credit_(
                bins, n, n_bins, binning, theta, n_grid, table, numbers, slots, n_cells, sums,
                slope, direct,
            )  # fmt: skip
            cuda.syncthreads()  # before the next neuron empties the table

    return kernel


@cache
def score(assignment, measure):
    """The exact gradient of each neuron's goal, as on the CPU."""

    def score(
        u, bias, binning, theta, terms, candidates, weights, entropy_weights, rows, start, stop,
        work, bins, slope, direct,
    ):  # fmt: skip
        real, n_terms = theta.dtype.type, len(terms[0]) - 1
        device.launch(
            _score(assignment, measure, len(bins), n_terms, real), len(work.wide), u, bias, binning,
            theta, terms, candidates, weights, entropy_weights, rows, start, stop, work,
            unit_mass_of(real, bins.shape[2]), bins, slope, direct,
        )  # fmt: skip

    return score


@cache
def _information(assignment, measure, n_sources, n_terms, real):
    """The kernel of `information`."""
    assign_, split, *shares = assignments(assignment, real)
    chooses, select = measure.select is not None, _select(measure)
    estimate_, informations_ = estimate(split, *shares, real), informations(real)
    full, some = 2**n_sources - 1, CELLS >> n_sources
    n_wide, n_narrow, n_slots = wide_of(full, split) * some, (full + 1) * some, slots_of(split)
    n_found = n_terms if chooses else 1

    @cuda.jit
    def kernel(
        u, bias, binning, theta, terms, candidates, rows, start, stop, work, unit_mass, bins,
        result,
    ):  # fmt: skip
        shared_table = cuda.shared.array(n_slots, np.uint32)
        shared_numbers = cuda.shared.array(n_slots, np.uint32)
        shared_wide = cuda.shared.array(n_wide, np.int64)
        shared_narrow = cuda.shared.array(n_narrow, np.uint32)
        count = cuda.shared.array(1, np.int32)
        totals = cuda.shared.array((n_terms, 2), np.int64)
        found = cuda.shared.array((n_found, 2), np.float64)
        chosen = cuda.shared.array((n_found, 2), np.float64)
        t, step, b = cuda.threadIdx.x, cuda.blockDim.x, cuda.blockIdx.x
        n_bins, n_samples, (begins, members) = binning[0], bins.shape[2], candidates
        n_antichains = begins.shape[0] - 1
        n_grid, slots, used = work.n_grid, work.slots, used_sets(terms[1])
        table, numbers = shared_table, shared_numbers
        if slots > SLOTS and n_grid == 0:
            table, numbers = work.tables[0, b], work.tables[1, b]
        for i in range(t, 2 * n_found, step):
            chosen[i // 2, i % 2] = 0
        for n in range(start + b, stop, cuda.gridDim.x):
            if rows[n] < 0:
                continue
            assign_(u, bias, n, binning, bins)
            n_cells = find(bins, n, n_grid, table, numbers, slots, count)
            wide, narrow = shared_wide, shared_narrow
            if n_cells > some:
                wide, narrow = work.wide[b], work.narrow[b]
            estimate_(
                bins, n, n_bins, binning, theta, used, n_grid, table, numbers, slots, unit_mass,
                n_cells, wide, narrow,
            )  # fmt: skip
            bit, p1, p0 = informations_(
                terms, wide, narrow, n_cells, full, unit_mass, n_samples, totals
            )
            if chooses:
                for i in range(t, 2 * n_terms, step):
                    found[i // 2, i % 2] = np.float64(totals[i // 2, i % 2]) / bit
                cuda.syncthreads()
                if t == 0:
                    for a in range(n_antichains):
                        own = members[begins[a] : begins[a + 1]]
                        select(found, own, 1.0, chosen)
                        whole = 0.0
                        for i in range(own.shape[0]):
                            for y in range(2):
                                whole += chosen[own[i], y] * found[own[i], y]
                                chosen[own[i], y] = 0.0
                        result[n, a] = whole
            else:
                for a in range(t, n_antichains, step):
                    own = members[begins[a]]
                    result[n, a] = np.float64(totals[own, 0] + totals[own, 1]) / bit
            if t == 0:
                result[n, n_antichains] = entropy(p1 / (p1 + p0), p0 / (p1 + p0))
            cuda.syncthreads()

    return kernel


@cache
def information(assignment, measure):
    """The redundancy I_∩ of every antichain, and the entropy, as on the CPU."""

    def information(
        u, bias, binning, theta, terms, candidates, rows, start, stop, work, bins, result
    ):
        real, n_terms = theta.dtype.type, len(terms[0]) - 1
        device.launch(
            _information(assignment, measure, len(bins), n_terms, real), len(work.wide), u, bias,
            binning, theta, terms, candidates, rows, start, stop, work,
            unit_mass_of(real, bins.shape[2]), bins, result,
        )  # fmt: skip

    return information
