"""A neuron's samples in cells, the occupied tuples of bins, and their masses, on a GPU.

A block of threads shares a neuron. Masses are integers (fixed point), so that sums to which many
threads add are the same in any order.
"""

import math

import numpy as np

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


def scratch(n_neurons, n_bins, n_samples, dtype):
    """Work space of `score` and `information`, a row for each block of threads.

    Returns how many slots a neuron's table needs; the tables' keys and their numbers, uint32
    (2, G, slots); and what is kept of each cell, int64, uint32 and `dtype`, (G, ...) each. What
    fits into shared memory in any case has no room here.
    """
    n_sources = len(n_bins)
    full = 2**n_sources - 1
    most = min(n_samples, math.prod(n_bins))
    slots = 2 ** math.ceil(math.log2(2 * most))
    rest, table = most if most > CELLS >> n_sources else 1, slots if slots > SLOTS else 1
    wide, narrow = 3 * full * rest, (full + 1) * rest
    size = 8 * table + 8 * wide + 4 * narrow + np.dtype(dtype).itemsize * rest
    n_blocks = min(n_neurons, max(64, _WORK_BYTES // size), 4 if device.SIMULATED else 1024)
    return (
        slots,
        device.xp.empty((2, n_blocks, table), np.uint32),
        device.xp.empty((n_blocks, wide), np.int64),
        device.xp.empty((n_blocks, narrow), np.uint32),
        device.xp.empty((n_blocks, rest), dtype),
    )


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
def number_of(table, numbers, slots, key):
    """The number of a key that is in the table."""
    slot = _first_slot(key, slots)
    while table[slot] != key:
        slot = (slot + 1) & (slots - 1)
    return numbers[slot]


@cuda.jit(device=True)
def used_sets(sets):
    """The sets of sources that occur in some antichain's inclusion-exclusion, as bits 1 << m."""
    used = 0
    for i in range(sets.shape[0]):
        used |= 1 << sets[i]
    return used


@cuda.jit(device=True)
def enter(bins, n, table, numbers, slots, count):
    """Number the cells (occupied tuples of bins) of neuron n; returns how many there are.

    count : (1,), in shared memory. The numbers differ from run to run; no result depends on them.
    """
    for i in range(cuda.threadIdx.x, slots, cuda.blockDim.x):
        table[i] = _EMPTY
    if cuda.threadIdx.x == 0:
        count[0] = 0
    cuda.syncthreads()
    for s in range(cuda.threadIdx.x, bins.shape[2], cuda.blockDim.x):
        _insert(table, numbers, slots, key_of(bins, n, s), count)
    cuda.syncthreads()
    return count[0]


@cuda.jit(device=True)
def masses(bins, n, theta, used, table, numbers, slots, unit_mass, n_cells, wide, narrow):
    """Sum both outputs' masses over every used marginal of every cell, in fixed point.

    wide : int64; holds, in stretches of `n_cells`, the mass of output 1 for every m and cell (at
        the cell that leads those that agree with it on m), likewise of output 0, then the zeroes
        that `score` needs
    narrow : uint32, likewise; for every m but the last the cell that leads, then the cells' keys
    unit_mass : what a sample's whole mass is in fixed point
    """
    full = (1 << bins.shape[0]) - 1
    t, step = cuda.threadIdx.x, cuda.blockDim.x
    keys = full * n_cells
    for i in range(t, 3 * full * n_cells, step):
        wide[i] = 0
    for i in range(t, slots, step):
        if table[i] != _EMPTY:
            narrow[keys + numbers[i]] = table[i]
    cuda.syncthreads()
    ones, zeros = (full - 1) * n_cells, (2 * full - 1) * n_cells
    for s in range(t, bins.shape[2], step):
        c = number_of(table, numbers, slots, key_of(bins, n, s))
        cuda.atomic.add(wide, ones + c, np.int64(theta[0, n, s] * unit_mass))
        cuda.atomic.add(wide, zeros + c, np.int64(theta[1, n, s] * unit_mass))
    cuda.syncthreads()
    for i in range(t, (full - 1) * n_cells, step):
        m, c = 1 + i // n_cells, i % n_cells
        if not (used >> m) & 1:
            continue
        mask = _bytes(m)
        own = narrow[keys + c] & mask
        leader = 0
        while narrow[keys + leader] & mask != own:
            leader += 1
        narrow[(m - 1) * n_cells + c] = leader
        cuda.atomic.add(wide, (m - 1) * n_cells + leader, wide[ones + c])
        cuda.atomic.add(wide, (full + m - 1) * n_cells + leader, wide[zeros + c])
    cuda.syncthreads()


@cuda.jit(device=True)
def total(wide, at, n_cells):
    """The sum of the cells' masses from `at` on."""
    result = np.int64(0)
    for c in range(n_cells):
        result += wide[at + c]
    return result


@cuda.jit(device=True)
def union(terms_from, terms_to, sets, signs, wide, narrow, n_cells, full, at, c):
    """Mass of the union of an antichain's agreements with cell c, exactly; `at` : of the output."""
    result = np.int64(0)
    for i in range(terms_from, terms_to):
        m = sets[i]
        leader = c if m == full else narrow[(m - 1) * n_cells + c]
        result += np.int64(signs[i]) * wide[at + (m - 1) * n_cells + leader]
    return result


def unit_mass_of(real, n_samples):
    """What a sample's mass of 1 is in fixed point: a power of two, so that masses are exact."""
    return real(LARGE / 2 ** math.ceil(math.log2(max(n_samples, 2))))
