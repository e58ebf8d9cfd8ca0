"""A neuron's cells, the tuples of bins, and their masses, on the CPU."""

import math

import numpy as np

from infosim.jit import inline, shared
from infosim.kernels.bundle import Bundle
from infosim.kernels.common import ONE, ZERO


class Scratch(Bundle):
    """Work space of `score` and `information`, for one neuron after the other.

    With room for C cells of K sources, m being a set of sources as a bitmask:

    table : uint32 (T,), of use to `_number`; T bounds the keys that tuples of bins have
    keys, first : uint32 (C,), of use to `_number`
    cell_of : uint32 (B,), the cell of each sample
    members : uint8 (K, 1, C), the bins of each cell
    ids : uint32 (2**K, C), a key of each cell's marginal on the sources in m
    bounds : (2**K,), larger than the keys of m
    mass : (2, 2**K, C), each cell's marginal's Σθ and Σ(1-θ)
    spread : (2, 2**K, C), what cells add to the value of those that agree with them on m
    value : (2, C), the prices v(c,1) - v(c,0) and, where samples are split, v(c,0)
    lanes : (8, C); line : (3, C'), C' bounding the keys of all sources but one
    information, chosen : (T', 2), float64 and of the masses' precision, of T' terms
    split : `Split`, or () where each sample is in one cell

    Indices are unsigned: Numba asks of every signed one whether it is negative.
    """


class Split(Bundle):
    """What samples that are split among W bins of each source need beside.

    widths : uint8 (K, B); widest : (K,), the largest of them; shares, share_slopes : (K, W, B)
    offset, totals : (B,) and (2, B), of use to who finds shares
    part_of : uint32 (P,), the parts of one sample that the bins of all sources but the last make,
        P = W**(K - 1): the cell of the last one's first bin; parts : (K, P), its shares of them,
        then these shares' slopes in each potential but the last
    """


def scratch(n_neurons, n_bins, n_samples, dtype, n_terms, width=0):
    """`Scratch` for one block of neurons (however many) at a time.

    n_bins : tuple of K; n_terms : of the measure
    width : bins that a sample may have shares in, 0 if it is in one
    """
    n_sources, cells = len(n_bins), math.prod(n_bins) if width else n_samples
    # a key that outgrows this is replaced by its number before the next source's bin is put to it
    limit = max(n_bins) * max(n_samples, 4096)
    widest = sorted(n_bins)[1:]
    split = {}
    if width:
        parts = width ** (n_sources - 1)
        split["split"] = Split(
            widths=np.empty((n_sources, n_samples), np.uint8),
            widest=np.empty(n_sources, np.int64),
            shares=np.empty((n_sources, width, n_samples), dtype),
            share_slopes=np.empty((n_sources, width, n_samples), dtype),
            offset=np.empty(n_samples, dtype),
            totals=np.empty((2, n_samples), dtype),
            part_of=np.empty(parts, np.uint32),
            parts=np.empty((n_sources, parts), dtype),
        )
    return Scratch(
        table=np.empty(min(math.prod(n_bins), limit), np.uint32),
        keys=np.empty(cells, np.uint32),
        first=np.empty(cells, np.uint32),
        cell_of=np.empty(n_samples, np.uint32),
        members=np.empty((n_sources, 1, cells), np.uint8),
        ids=np.empty((2**n_sources, cells), np.uint32),
        bounds=np.empty(2**n_sources, np.int64),
        mass=np.empty((2, 2**n_sources, cells), dtype),
        spread=np.empty((2 if width else 1, 2**n_sources, cells), dtype),
        value=np.empty((2, cells), dtype),
        lanes=np.empty((8, cells), dtype),
        line=np.empty((3, max(cells, min(math.prod(widest), limit))), dtype),
        information=np.empty((n_terms, 2)),
        chosen=np.empty((n_terms, 2), dtype),
        **split,
    )


@inline
def _number(keys, n_items, table, first, numbers):
    """Number the distinct keys in order of appearance; returns how many there are.

    table : overwritten, at each key by the first item that has it, then by its number
    first : written, the first item of each number; numbers : written, of each item

    There are no branches on whether a key is new, which a processor cannot guess.
    """
    for i in range(n_items - 1, -1, -1):
        table[keys[i]] = i
    count = np.uint64(0)
    for i in range(n_items):
        first[count] = i
        count += np.uint64(table[keys[i]] == np.uint32(i))
    for number in range(count):
        table[keys[first[number]]] = number
    for i in range(n_items):
        numbers[i] = table[keys[i]]
    return np.int64(count)


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
    """The sets of sources that occur in some term, as bits 1 << m."""
    used = 0
    for i in range(len(sets)):
        used |= 1 << sets[i]
    return used


@shared()
def lay_out(binning, used, work):
    """Let all tuples of bins be the cells, in order, the same for all neurons.

    Where samples have shares of many, few are empty; where they do not, it is faster to look for
    those that are not.
    """
    n_bins, n_cells = binning[0], work.mass.shape[2]
    stride = n_cells
    for k in range(len(n_bins)):
        stride //= n_bins[k]
        for c in range(n_cells):
            work.members[k, 0, c] = c // stride % n_bins[k]
    _agree(n_bins, n_cells, used, work)


@inline
def _find(bins, n, n_bins, used, work):
    """Let the occupied tuples of bins be the cells; returns how many there are."""
    n_samples, full = bins.shape[2], (1 << bins.shape[0]) - 1
    table, keys, first, cell_of = work.table, work.keys, work.first, work.cell_of
    _keys(full, bins, n, n_bins, n_samples, len(table), table, first, cell_of, keys)
    n_cells = _number(keys, n_samples, table, first, cell_of)
    for k in range(bins.shape[0]):
        for c in range(n_cells):
            work.members[k, 0, c] = bins[k, n, first[c]]
    _agree(n_bins, n_cells, used, work)
    return n_cells


@inline
def _agree(n_bins, n_cells, used, work):
    """Leave in `work` which cells agree on which used sets of sources."""
    limit, full = work.line.shape[1], (1 << len(n_bins)) - 1
    table, keys, first = work.table, work.keys, work.first
    for m in range(1, full):
        if (used >> m) & 1:
            work.bounds[m] = _keys(
                m, work.members, 0, n_bins, n_cells, limit, table, first, keys, work.ids[m]
            )


@inline
def estimate(bins, n, n_bins, theta, used, work):
    """Sum the masses of neuron n's samples, each in one cell, over the used marginals.

    Returns the number C of cells, and leaves in `work` cell_of, ids and mass. Both outputs' masses
    are sums of positive numbers, neither of them a difference: nothing cancels in float32, and
    firing and silence are alike.
    """
    n_samples, full = bins.shape[2], (1 << bins.shape[0]) - 1
    cell_of, lanes, mass = work.cell_of, work.lanes, work.mass
    n_cells = _find(bins, n, n_bins, used, work)
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
    _marginals(n_cells, full, used, work)
    return n_cells


@inline
def estimate_split(bins, n, n_bins, theta, used, work):
    """The same for samples that are split among the cells, which `lay_out` has laid out."""
    last, full = bins.shape[0] - 1, (1 << bins.shape[0]) - 1
    n_cells = work.mass.shape[2]
    mass, split, whole = work.mass, work.split, last_alone(bins, n, n_bins, work)
    for y in range(2):
        for c in range(n_cells):
            mass[y, full, c] = ZERO
    for s in range(bins.shape[2]):
        for i in range(1 if whole else split_sample(bins, n, s, n_bins, work)):
            at = work.cell_of[s] if whole else split.part_of[i]
            one, zero = split.parts[0, i] * theta[0, n, s], split.parts[0, i] * theta[1, n, s]
            for w in range(split.widths[last, s]):
                mass[0, full, at + w] += one * split.shares[last, w, s]
                mass[1, full, at + w] += zero * split.shares[last, w, s]
    _marginals(n_cells, full, used, work)
    return n_cells


@inline
def last_alone(bins, n, n_bins, work):
    """Whether the last source alone splits samples: then `cell_of` is left, of its first bins.

    The bins of the last source lie side by side in the cells.
    """
    last, split = bins.shape[0] - 1, work.split
    for k in range(last):
        if split.widest[k] > 1:
            return False
    for s in range(bins.shape[2]):
        work.cell_of[s] = 0
    for k in range(last + 1):
        width = np.uint32(n_bins[k])
        for s in range(bins.shape[2]):
            work.cell_of[s] = work.cell_of[s] * width + np.uint32(bins[k, n, s])
    split.parts[0, 0] = ONE
    for k in range(last):
        split.parts[k + 1, 0] = ZERO
    return True


@inline
def split_sample(bins, n, s, n_bins, work):
    """Leave in `part_of` and `parts` what a sample's bins of all sources but the last make of it.

    Returns how many parts there are.
    """
    n_sources, split = bins.shape[0], work.split
    part_of, parts, shares, slopes = split.part_of, split.parts, split.shares, split.share_slopes
    count = 1
    part_of[0] = 0
    for j in range(n_sources):
        parts[j, 0] = ONE
    for k in range(n_sources - 1):
        width = np.int64(split.widths[k, s])
        # in place, from behind: what is read is overwritten last
        for i in range(count - 1, -1, -1):
            for w in range(width - 1, -1, -1):
                at = i * width + w
                cell = part_of[i] * np.uint32(n_bins[k]) + np.uint32(bins[k, n, s]) + np.uint32(w)
                for j in range(n_sources):
                    factor = slopes[k, w, s] if j == k + 1 else shares[k, w, s]
                    parts[j, at] = parts[j, i] * factor
                part_of[at] = cell
        count *= width
    k = n_sources - 1
    for i in range(count):
        part_of[i] = part_of[i] * np.uint32(n_bins[k]) + np.uint32(bins[k, n, s])
    return count


@inline
def _marginals(n_cells, full, used, work):
    """Sum the cells' masses over each used marginal."""
    mass, line = work.mass, work.line
    for m in range(1, full):
        if not (used >> m) & 1:
            continue
        ids = work.ids[m]
        clear(line[0], ids, n_cells, work.bounds[m])
        clear(line[1], ids, n_cells, work.bounds[m])
        for c in range(n_cells):
            line[0, ids[c]] += mass[0, full, c]
            line[1, ids[c]] += mass[1, full, c]
        for c in range(n_cells):
            mass[0, m, c] = line[0, ids[c]]
            mass[1, m, c] = line[1, ids[c]]
