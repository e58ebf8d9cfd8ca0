"""A neuron's cells, the tuples of bins, and their masses, on a GPU.

A block of threads shares a neuron. Masses are integers (fixed point), so that sums to which many
threads add are the same in any order.
"""

import math
from functools import cache
from typing import NamedTuple

import numpy as np

from infosim.jit import inline
from infosim.kernels import device
from infosim.kernels.device import cuda

#: What of a neuron's work fits into shared memory (48 KB on every device): slots of the table of
#: its cells, and cells of a neuron with one source; twice as many sources' sets, half the cells.
SLOTS = 64 if device.SIMULATED else 2048
CELLS = 64 if device.SIMULATED else 1024
#: Bytes of device memory for the work of neurons that need more.
_WORK_BYTES = 2**28
#: No tuple of bins has this key: bins are at most 254.
_EMPTY = np.uint32(0xFFFFFFFF)
_GOLDEN = np.uint64(0x9E3779B1)
#: Fixed-point numbers of this size are as large as may be: a bit is left for the sign and one free.
LARGE = 2.0**62


class Scratch(NamedTuple):
    """Work space of `score` and `information` in device memory, a row for each block of threads.

    What fits into shared memory in any case has no room here.

    n_grid : how many cells there are where all tuples of bins are laid out as cells, else 0
    slots : that a neuron's table of its cells needs
    tables : uint32 (2, G, slots), the tables' keys and their numbers
    wide, narrow, sums : int64, uint32 and of the precision of numbers, (G, ...), of each cell
    """

    n_grid: int
    slots: int
    tables: object
    wide: object
    narrow: object
    sums: object


def scratch(n_neurons, n_bins, n_samples, dtype, n_terms, width=0):
    """`Scratch` for a layer.

    n_bins : tuple of K; width : bins that a sample may have shares in, 0 if it is in one
    """
    n_sources, grid = len(n_bins), math.prod(n_bins)
    full, some = 2**n_sources - 1, CELLS >> n_sources
    # few tuples are laid out, whether occupied or not: none need be looked for
    n_grid = grid if width or grid <= min(some, n_samples) else 0
    most = n_grid or min(n_samples, grid)
    slots = 2 ** math.ceil(math.log2(2 * most))
    rest, table = most if most > some else 1, slots if slots > SLOTS and not n_grid else 1
    wide, narrow, sums = wide_of(full, bool(width)) * rest, (full + 1) * rest, 2 * rest
    size = 8 * table + 8 * wide + 4 * narrow + np.dtype(dtype).itemsize * sums
    n_blocks = min(n_neurons, max(64, _WORK_BYTES // size), 4 if device.SIMULATED else 1024)
    return Scratch(
        n_grid,
        slots,
        device.xp.empty((2, n_blocks, table), np.uint32),
        device.xp.empty((n_blocks, wide), np.int64),
        device.xp.empty((n_blocks, narrow), np.uint32),
        device.xp.empty((n_blocks, sums), dtype),
    )


def slots_of(split):
    """Slots of the table in shared memory; where samples are split, none are looked for."""
    return 1 if split else SLOTS


@inline
def wide_of(full, split):
    """Wide numbers of a cell: masses of two outputs, and what is spread for one price or two."""
    return (4 if split else 3) * full


@cuda.jit(device=True)
def key_of(bins, n, s):
    """A sample's bins of all sources, a byte each."""
    key = np.uint32(0)
    for k in range(bins.shape[0]):
        key = key | np.uint32(np.uint32(bins[k, n, s]) << np.uint32(8 * k))
    return key


@cuda.jit(device=True)
def _bytes(m):
    """The bits of a key that hold the bins of the sources in m."""
    mask = np.uint32(0)
    for k in range(4):
        if (m >> k) & 1:
            mask = mask | np.uint32(np.uint32(255) << np.uint32(8 * k))
    return mask


@cuda.jit(device=True)
def _first_slot(key, slots):
    """Where to begin looking for a key in a table of so many slots."""
    return np.int64((np.uint64(key) * _GOLDEN) >> np.uint64(20)) & (slots - 1)


@cuda.jit(device=True)
def _insert(table, numbers, slots, key, count):
    """Enter a key into the table unless it is there; a new one takes the next number."""
    slot = _first_slot(key, slots)
    while True:
        found = table[slot]
        if found == _EMPTY:
            found = cuda.atomic.cas(table, slot, _EMPTY, key)
            if found == _EMPTY:
                numbers[slot] = cuda.atomic.add(count, 0, 1)
                return
        if found == key:
            return
        slot = (slot + 1) & (slots - 1)


@cuda.jit(device=True)
def _number_of(table, numbers, slots, key):
    """The number of a key that is in the table."""
    slot = _first_slot(key, slots)
    while table[slot] != key:
        slot = (slot + 1) & (slots - 1)
    return numbers[slot]


@cuda.jit(device=True)
def _address(bins, n, s, n_bins):
    """A sample's cell where all are laid out: its bins as digits."""
    cell = np.int64(0)
    for k in range(bins.shape[0]):
        cell = cell * n_bins[k] + bins[k, n, s]
    return cell


@cuda.jit(device=True)
def cell_of(bins, n, s, n_bins, n_grid, table, numbers, slots):
    """The number of a sample's cell."""
    if n_grid > 0:
        return _address(bins, n, s, n_bins)
    return np.int64(_number_of(table, numbers, slots, key_of(bins, n, s)))


@cuda.jit(device=True)
def used_sets(sets):
    """The sets of sources that occur in some term, as bits 1 << m."""
    used = 0
    for i in range(sets.shape[0]):
        used |= 1 << sets[i]
    return used


@cuda.jit(device=True)
def find(bins, n, n_grid, table, numbers, slots, count):
    """Number the cells of neuron n, those laid out or the occupied tuples of bins; how many.

    count : (1,), in shared memory. The numbers may differ from run to run; no result depends on
    them.
    """
    if n_grid > 0:
        return n_grid
    for i in range(cuda.threadIdx.x, slots, cuda.blockDim.x):
        table[i] = _EMPTY
    if cuda.threadIdx.x == 0:
        count[0] = 0
    cuda.syncthreads()
    for s in range(cuda.threadIdx.x, bins.shape[2], cuda.blockDim.x):
        _insert(table, numbers, slots, key_of(bins, n, s), count)
    cuda.syncthreads()
    return np.int64(count[0])


@cuda.jit(device=True)
def _same(m, c, n_bins):
    """The first of the laid out cells that agree with c on the sources in m."""
    leader, stride = np.int64(0), np.int64(1)
    for i in range(n_bins.shape[0]):
        k = n_bins.shape[0] - 1 - i
        if (m >> k) & 1:
            leader += c % n_bins[k] * stride
        c //= n_bins[k]
        stride *= n_bins[k]
    return leader


@cache
def parts_of(width_of, share_of, real):
    """Two functions of a sample that is split: how many parts it has, and which the i-th is.

    (binning, bins, n, s) -> how many; (binning, bins, n, s, i, n_bins, slope_of) -> (cell, share).
    Shares are products over the sources, and where `slope_of` is a source that one's slope enters
    in place of its share (-1: none's).
    """

    @cuda.jit(device=True)
    def share(binning, bins, n, s, i, n_bins, slope_of):
        cell, stride = np.int64(0), np.int64(1)
        product = real(1)
        for j in range(bins.shape[0]):
            k = bins.shape[0] - 1 - j
            width = width_of(binning, k, n, s)
            own, slope = share_of(binning, k, n, s, i % width)
            product *= slope if k == slope_of else own
            cell += (bins[k, n, s] + i % width) * stride
            i //= width
            stride *= n_bins[k]
        return cell, product

    @cuda.jit(device=True)
    def count(binning, bins, n, s):
        result = np.int64(1)
        for k in range(bins.shape[0]):
            result *= width_of(binning, k, n, s)
        return result

    return count, share


@cache
def estimate(split, width_of, share_of, real):
    """The function that sums both outputs' masses over every used marginal of every cell.

    Its arguments, of those that `score` has:

    wide : int64; holds, in stretches of `n_cells`, the mass of output 1 for every m and cell (at
        the cell that leads those that agree with it on m), likewise of output 0, then the zeroes
        that `price` needs
    narrow : uint32, likewise; for every m but the last the cell that leads, then the cells' keys
    unit_mass : what a sample's whole mass is in fixed point
    """
    count, share = parts_of(width_of, share_of, real)

    @cuda.jit(device=True)
    def estimate(
        bins, n, n_bins, binning, theta, used, n_grid, table, numbers, slots, unit_mass, n_cells,
        wide, narrow,
    ):  # fmt: skip
        full = (1 << bins.shape[0]) - 1
        t, step = cuda.threadIdx.x, cuda.blockDim.x
        keys = full * n_cells
        for i in range(t, wide_of(full, split) * n_cells, step):
            wide[i] = 0
        if n_grid == 0:
            for i in range(t, slots, step):
                if table[i] != _EMPTY:
                    narrow[keys + numbers[i]] = table[i]
        cuda.syncthreads()
        ones, zeros = (full - 1) * n_cells, (2 * full - 1) * n_cells
        for s in range(t, bins.shape[2], step):
            if split:
                for i in range(count(binning, bins, n, s)):
                    c, own = share(binning, bins, n, s, i, n_bins, -1)
                    cuda.atomic.add(wide, ones + c, np.int64(own * theta[0, n, s] * unit_mass))
                    cuda.atomic.add(wide, zeros + c, np.int64(own * theta[1, n, s] * unit_mass))
            else:
                c = cell_of(bins, n, s, n_bins, n_grid, table, numbers, slots)
                cuda.atomic.add(wide, ones + c, np.int64(theta[0, n, s] * unit_mass))
                cuda.atomic.add(wide, zeros + c, np.int64(theta[1, n, s] * unit_mass))
        cuda.syncthreads()
        for i in range(t, (full - 1) * n_cells, step):
            m, c = 1 + i // n_cells, i % n_cells
            if not (used >> m) & 1:
                continue
            leader = 0
            if n_grid > 0:
                leader = _same(m, c, n_bins)
            else:
                mask = _bytes(m)
                own = narrow[keys + c] & mask
                while narrow[keys + leader] & mask != own:
                    leader += 1
            narrow[(m - 1) * n_cells + c] = leader
            cuda.atomic.add(wide, (m - 1) * n_cells + leader, wide[ones + c])
            cuda.atomic.add(wide, (full + m - 1) * n_cells + leader, wide[zeros + c])
        cuda.syncthreads()

    return estimate


@cuda.jit(device=True)
def total(wide, at, n_cells):
    """The sum of the cells' masses from `at` on."""
    result = np.int64(0)
    for c in range(n_cells):
        result += wide[at + c]
    return result


def unit_mass_of(real, n_samples):
    """What a sample's mass of 1 is in fixed point: a power of two, so that masses are exact."""
    return real(LARGE / 2 ** math.ceil(math.log2(max(n_samples, 2))))
