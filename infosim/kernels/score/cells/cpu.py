"""A neuron's samples in cells, the occupied tuples of bins, and their masses, on the CPU."""

import math

import numpy as np

from infosim.jit import inline
from infosim.kernels.common import ZERO


def scratch(n_neurons, n_bins, n_samples, dtype):
    """Work space of `score` and `information`, for one block of neurons (however many) at a time.

    Returns (table, keys, cell_of, first, members, ids, mass, share, lanes, line): uint32 (T,),
    three uint32 (B,), uint8 (K, 1, B), uint32 (2**K, B), and of `dtype` (2, 2**K, B), (2**K, B),
    (8, B), (3, T'). T, T' bound the keys that tuples of bins have, of all sources and of all but
    one. Indices are unsigned: Numba asks of every signed one whether it is negative.
    """
    n_sources = len(n_bins)
    # a key that outgrows this is replaced by its number before the next source's bin is put to it
    limit = max(n_bins) * max(n_samples, 4096)
    widest = sorted(n_bins)[1:]
    return (
        np.zeros(min(math.prod(n_bins), limit), np.uint32),
        np.empty(n_samples, np.uint32),
        np.empty(n_samples, np.uint32),
        np.empty(n_samples, np.uint32),
        np.empty((n_sources, 1, n_samples), np.uint8),
        np.empty((2**n_sources, n_samples), np.uint32),
        np.empty((2, 2**n_sources, n_samples), dtype),
        np.empty((2**n_sources, n_samples), dtype),
        np.empty((8, n_samples), dtype),
        np.empty((3, max(n_samples, min(math.prod(widest), limit))), dtype),
    )


@inline
def _number(keys, n_items, table, first, numbers):
    """Number the distinct keys in order of appearance; returns how many there are.

    table : all zero before and after; first : written, the first item of each number
    """
    count = 0
    for i in range(n_items):
        number = table[keys[i]]
        if number == 0:
            first[count] = i
            count += 1
            number = np.uint32(count)
            table[keys[i]] = number
        numbers[i] = number - np.uint32(1)
    for i in range(count):
        table[keys[first[i]]] = 0
    return count


@inline
def _keys(m, bins, n, n_bins, n_items, limit, table, first, numbers, keys):
    """Give items the same key, below `limit`, if and only if their bins of all sources in m agree.

    bins : uint8 (K, ., n_items), of which row n is meant; numbers : overwritten; keys : written

    Returns a bound on the keys.
    """
    bound = 1
    for i in range(n_items):
        keys[i] = 0
    for k in range(bins.shape[0]):
        if (m >> k) & 1:
            if bound * n_bins[k] > limit:
                bound = _number(keys, n_items, table, first, numbers)
                for i in range(n_items):
                    keys[i] = numbers[i]
            width = np.uint32(n_bins[k])
            for i in range(n_items):
                keys[i] = np.uint32(keys[i] * width + np.uint32(bins[k, n, i]))
            bound *= n_bins[k]
    return bound


@inline
def clear(row, keys, n_items, bound):
    """Zero the entries of `row` that keys (all below `bound`) point to, and maybe others."""
    if bound <= n_items:
        for i in range(bound):
            row[i] = ZERO
    else:
        for i in range(n_items):
            row[keys[i]] = ZERO


@inline
def used_sets(sets):
    """The sets of sources that occur in some antichain's inclusion-exclusion, as bits 1 << m."""
    used = 0
    for i in range(len(sets)):
        used |= 1 << sets[i]
    return used


@inline
def cells(bins, n, n_bins, theta, used, work):
    """Sort neuron n's samples into cells and sum both outputs' masses over the used marginals.

    Cells are the occupied tuples of bins. Returns their number C and leaves in `work`
    cell_of[s], the cell of each sample; ids[m, :C], a key of each cell's marginal on the sources
    in m; mass[0, m, :C] and mass[1, m, :C], that marginal's Σθ and Σ(1-θ). Both are sums of
    positive numbers, neither of them a difference: nothing cancels in float32, and firing and
    silence are alike.
    """
    table, keys, cell_of, first, members, ids, mass, _, lanes, line = work
    n_sources, _, n_samples = bins.shape
    full = (1 << n_sources) - 1
    _keys(full, bins, n, n_bins, n_samples, len(table), table, first, cell_of, keys)
    n_cells = _number(keys, n_samples, table, first, cell_of)
    for k in range(n_sources):
        for c in range(n_cells):
            members[k, 0, c] = bins[k, n, first[c]]
    # samples in turn go to four sums, so that an addition need not wait for the one before
    for i in range(8):
        for c in range(n_cells):
            lanes[i, c] = ZERO
    in_fours = n_samples // 4 * 4
    for s in range(0, in_fours, 4):
        for i in range(4):
            c = cell_of[s + i]
            lanes[2 * i, c] += theta[0, n, s + i]
            lanes[2 * i + 1, c] += theta[1, n, s + i]
    for s in range(in_fours, n_samples):
        lanes[0, cell_of[s]] += theta[0, n, s]
        lanes[1, cell_of[s]] += theta[1, n, s]
    for y in range(2):
        for c in range(n_cells):
            mass[y, full, c] = (lanes[y, c] + lanes[y + 2, c]) + (lanes[y + 4, c] + lanes[y + 6, c])
    limit = line.shape[1]
    for m in range(1, full):
        if not (used >> m) & 1:
            continue
        bound = _keys(m, members, 0, n_bins, n_cells, limit, table, first, keys, ids[m])
        clear(line[0], ids[m], n_cells, bound)
        clear(line[1], ids[m], n_cells, bound)
        for c in range(n_cells):
            line[0, ids[m, c]] += mass[0, full, c]
            line[1, ids[m, c]] += mass[1, full, c]
        for c in range(n_cells):
            mass[0, m, c] = line[0, ids[m, c]]
            mass[1, m, c] = line[1, ids[m, c]]
    return n_cells


@inline
def union(start, stop, sets, signs, mass, n_cells, one, zero):
    """Masses of the union of an antichain's agreements, by inclusion-exclusion over marginals."""
    for c in range(n_cells):
        one[c] = ZERO
        zero[c] = ZERO
    for i in range(start, stop):
        m = sets[i]
        sign = signs[i]
        for c in range(n_cells):
            one[c] += sign * mass[0, m, c]
            zero[c] += sign * mass[1, m, c]
