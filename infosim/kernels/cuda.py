"""CUDA kernels: the functions of `kernels.cpu`, for NVIDIA GPUs, over the same scalar mathematics.

Signatures, arrays and loop letters are those of `kernels.cpu`. What differs:

* Arrays live on the GPU (CuPy's). `resident` brings them there, `host` back; nothing else does.
* One call computes a whole layer, all replicas of it: `Stream` cuts no work into blocks.
* A block of threads shares one neuron, or a loop strides over all numbers; dense products are
  cuBLAS's (`kernels.cublas`).
* Sums over samples or cells to which many threads add are made of 64-bit integers (fixed point).
  Integers add up to the same in any order, so that results have the same bits in every run.

Under Numba's simulator (NUMBA_ENABLE_CUDASIM=1) the same functions run on NumPy arrays without a
GPU, one Python thread per CUDA thread, so with few of them.
"""

import math
import threading
import warnings
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple

import numpy as np

from infosim.elementary import exp, number
from infosim.kernels import backend, cublas
from infosim.kernels.scalar import (
    ONE,
    TINY,
    ZERO,
    adam_step,
    bin_index,
    bin_range,
    bin_scale,
    climb,
    entropy,
    log2_ratio,
    philox,
    probabilities,
    pull,
    surer,
    union_information,
    union_terms,
    unit,
    wrong_rather,
)

cuda, xp, _SIMULATED = backend.gpu()

ON_DEVICE = True
#: Threads per block, a power of two; blocks that a loop over all numbers is given at most.
_THREADS = 8 if _SIMULATED else 128
_MOST_BLOCKS = 4 if _SIMULATED else 2048
#: What of a neuron's work fits into shared memory (48 KB on every device): slots of the table of
#: its cells, and cells of a neuron with one source; twice as many sources' sets, half the cells.
_SLOTS = 64 if _SIMULATED else 2048
_CELLS = 64 if _SIMULATED else 1024
#: Bytes of device memory for the work of neurons that need more.
_WORK_BYTES = 2**28
#: No tuple of bins has this key: bins are at most 254.
_EMPTY = np.uint32(0xFFFFFFFF)
_GOLDEN = np.uint64(0x9E3779B1)
#: Fixed-point numbers of this size are as large as may be: a bit is left for the sign and one free.
_LARGE = 2.0**62


# -- arrays and the stream -----------------------------------------------------------------------


def resident(array, dtype=None):
    """`array` on the GPU, by rows and as `dtype`; itself if it is that already."""
    there = isinstance(array, xp.ndarray) and dtype in (None, array.dtype)
    there = there and array.flags.c_contiguous  # cuBLAS takes no matrices with gaps
    if there and (not _SIMULATED or array.flags.writeable):  # the simulator writes all arrays back
        return array
    with backend.told_errors():
        return xp.array(array, dtype, order="C")


def host(array):
    """A read-only copy of an array of the GPU, for the user."""
    with backend.told_errors():
        copy = np.array(array) if _SIMULATED else xp.asnumpy(array)
    copy.flags.writeable = False
    return copy


class _Lane(NamedTuple):
    """A stream, as CuPy and as Numba know it, cuBLAS on it, and its memory, which is kept."""

    stream: object
    numba: object
    blas: object
    workspace: object


#: The lane that this thread is recording on, if it is.
_here = threading.local()
#: Held while lanes are made and while a thread records.
_lock = threading.RLock()
_made = None


def _lanes():
    """Where all work of this process is carried out, and where it is recorded: two lanes.

    One stream, whichever simulator or thread gives it work: arrays are shared, and memory is used
    again without waiting. While a thread records, others must go on as if nothing were, so that
    recording has a stream of its own. It carries out no plan, and does not wait for the default
    stream: a copy by another thread would spoil the recording.
    """
    global _made
    with _lock:  # or two threads that begin at once would have two each
        if _made is None:
            library, workspace = backend.library("cublas"), xp.cuda.alloc(cublas.WORKSPACE)

            def lane(stream):
                blas = cublas.Cublas(library, stream.ptr, workspace.ptr)
                for real in (np.float32, np.float64):  # what a first product loads, it loads now
                    blas.multiply(*xp.zeros((3, 1, 1, 1), real))
                xp.cuda.runtime.deviceSynchronize()
                return _Lane(stream, cuda.external_stream(stream.ptr), blas, workspace)

            # the first of the kind that the default stream waits for, and waits for it
            _made = lane(xp.cuda.Stream()), lane(xp.cuda.Stream(non_blocking=True))
    return _made


def _lane():
    """The lane that this thread's work is given to."""
    recording = getattr(_here, "recording", None)
    return recording or (_made or _lanes())[0]


class _Plan:
    """A plan that is run again and again: its kernels are recorded once and then launched as one.

    Launching a kernel from Python takes longer than most kernels run for a hundred neurons; a
    recorded graph of them is launched by a single call. The first run compiles and loads them,
    neither of which may happen while recording.
    """

    def __init__(self, calls):
        self.calls = calls
        self.runs = 0
        self.graph = None

    def __call__(self):
        if self.graph is None and self.runs == 1:
            self.graph = self._record()
        self.runs += 1
        if self.graph:
            self.graph.launch()
        else:
            _carry_out(self.calls)

    def _record(self):
        if _SIMULATED:
            return False
        with _lock:
            lane = _lanes()[1]
            _here.recording = lane
            try:
                with lane.stream:
                    lane.stream.begin_capture()
                    try:
                        _carry_out(self.calls)
                    finally:
                        graph = lane.stream.end_capture()
            except Exception as error:
                reason = error.__context__ or error  # what spoilt it, not that it is spoilt
                warnings.warn(
                    f"kernels are launched singly; recording failed: {reason}", stacklevel=2
                )
                return False
            finally:
                _here.recording = None
        return graph


def _carry_out(calls):
    for function, arguments in calls:
        function(*arguments)


class Stream:
    """The GPU's counterpart of `kernels.workers.Workers`: carries out plans, in order."""

    n_threads = 1

    def __init__(self):
        self._engaged = False

    @staticmethod
    def blocks(n_neurons, n_samples, n_replicas=1):
        """The whole layer."""
        return [(0, n_neurons * n_replicas)]

    @staticmethod
    def tiles(n_neurons, n_samples, n_replicas=1):
        """The whole layer."""
        return [(0, n_neurons * n_replicas, 0, n_samples)]

    @contextmanager
    def engaged(self):
        """A context in which CuPy, too, works on our stream and errors are told in one line."""
        if self._engaged:
            yield
            return
        self._engaged = True
        try:
            with backend.told_errors():
                if _SIMULATED:
                    yield
                else:
                    with _lane().stream:
                        yield
        finally:
            self._engaged = False

    @staticmethod
    def prepared(stages):
        """Stages that will be run again and again, with the same arrays, as one plan."""
        return [_Plan([call for stage in stages for calls in stage for call in calls])]

    def run(self, plan):
        """Carry out a plan; kernels may still be at work when this returns."""
        with self.engaged():
            if isinstance(plan, _Plan):
                plan()
            else:
                _carry_out(call for calls in plan for call in calls)


def _has_gaps(a):
    return isinstance(a, np.ndarray) and not (a.flags.c_contiguous or a.flags.f_contiguous)


def _launch(kernel, n_blocks, *arguments):
    """Launch a compiled kernel on so many blocks."""
    if _SIMULATED:  # it takes no views with gaps; what kernels write to has none
        given = (np.ascontiguousarray(a) if _has_gaps(a) else a for a in arguments)
        kernel[n_blocks, _THREADS](*given)
        return
    kernel[n_blocks, _THREADS, _lane().numba](
        *(cuda.as_cuda_array(a, sync=False) if isinstance(a, xp.ndarray) else a for a in arguments)
    )


def _blocks_for(n_items):
    """How many blocks stride over so many numbers."""
    return min(-(-n_items // _THREADS), _MOST_BLOCKS)


@cuda.jit(device=True)
def _sum(values):
    """The sum of one number per thread, `values` in shared memory, known to all threads."""
    t = cuda.threadIdx.x
    cuda.syncthreads()
    half = _THREADS // 2
    while half > 0:
        if t < half:
            values[t] += values[t + half]
        cuda.syncthreads()
        half //= 2
    return values[0]


# -- firing --------------------------------------------------------------------------------------


@cuda.jit(device=True)
def _potential(u, bias, k, n, s):
    """The potential of compartment k with its bias, 0 if there is no such compartment."""
    return u[k, n, s] + bias[k, n] if k < u.shape[0] else u[0, n, s] * ZERO


@cache
def activate(scalar, n_compartments):
    """An activation's kernel, as in `kernels.cpu`: a thread draws the four samples of a counter."""

    @cuda.jit
    def kernel(u, bias, p, clamp, off, sampled, seeds, place, start, stop, first, last, theta, y):
        n_counters = (last - first + 63) // 64 * 16
        size = u.shape[1] // seeds.shape[0]
        for i in range(cuda.grid(1), (stop - start) * n_counters, cuda.gridsize(1)):
            n, counter = start + i // n_counters, i % n_counters
            replica = n // size
            words = philox(
                np.uint64(first // 4 + counter),
                np.uint64(n - replica * size),
                np.uint64(place[1]),
                np.uint64(place[2]),
                seeds[replica],
                place[0],
            )
            for lane in range(4):
                s = first + counter // 16 * 64 + lane * 16 + counter % 16
                if s < last:
                    drive, _, _, _ = scalar(
                        _potential(u, bias, 0, n, s),
                        _potential(u, bias, 1, n, s),
                        _potential(u, bias, 2, n, s),
                        p[replica],
                    )
                    fires, silent = probabilities(drive, clamp)
                    theta[0, n, s] = fires
                    theta[1, n, s] = silent
                    threshold = unit(np.uint32(words[lane])) if sampled else np.float32(0.5)
                    y[n, s] = ONE if threshold < fires else off

    def activate(u, bias, p, clamp, off, sampled, seeds, place, tile, theta, y):
        n_blocks = _blocks_for(-(-y.size // 4))
        _launch(kernel, n_blocks, u, bias, p, clamp, off, sampled, seeds, place, *tile, theta, y)

    return activate


@cache
def chain(scalar, n_compartments):
    """An activation's kernel, as in `kernels.cpu`: a block of threads per neuron."""

    @cuda.jit
    def kernel(u, bias, p, clamp, theta, slope, start, stop, delta, bias_gradient):
        values = cuda.shared.array(_THREADS, np.float64)
        sums = cuda.local.array(3, np.float64)
        n_samples, size = u.shape[2], u.shape[1] // p.shape[0]
        t = cuda.threadIdx.x
        for n in range(start + cuda.blockIdx.x, stop, cuda.gridDim.x):
            for k in range(3):
                sums[k] = 0.0
            for s in range(t, n_samples, cuda.blockDim.x):
                _, d0, d1, d2 = scalar(
                    _potential(u, bias, 0, n, s),
                    _potential(u, bias, 1, n, s),
                    _potential(u, bias, 2, n, s),
                    p[n // size],
                )
                g = pull(slope[n, s], theta[0, n, s], theta[1, n, s], clamp)
                delta[0, n, s] = g * d0
                sums[0] += g * d0
                if n_compartments > 1:
                    delta[1, n, s] = g * d1
                    sums[1] += g * d1
                if n_compartments > 2:
                    delta[2, n, s] = g * d2
                    sums[2] += g * d2
            for k in range(n_compartments):
                values[t] = sums[k]
                whole = _sum(values)
                if t == 0:
                    bias_gradient[k, n] = whole
                cuda.syncthreads()  # before the next sum overwrites this one

    def chain(u, bias, p, clamp, theta, slope, start, stop, delta, bias_gradient):
        arguments = u, bias, p, clamp, theta, slope, start, stop, delta, bias_gradient
        _launch(kernel, stop - start, *arguments)

    return chain


@cache
def _bin_potentials(real):
    """The kernel of `bin_potentials` for numbers of type `real`: a block of threads per neuron."""

    @cuda.jit
    def kernel(u, bias, kind, n_bins, low, high, start, stop, bins):
        lows = cuda.shared.array(_THREADS, real)
        highs = cuda.shared.array(_THREADS, real)
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
                    half = _THREADS // 2
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
    """Bin the potentials of each neuron, as in `kernels.cpu`."""
    kernel = _bin_potentials(u.dtype.type)
    _launch(kernel, stop - start, u, bias, kind, n_bins, low, high, start, stop, bins)


# -- the goal and its gradient -------------------------------------------------------------------


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
    rest, table = most if most > _CELLS >> n_sources else 1, slots if slots > _SLOTS else 1
    wide, narrow = 3 * full * rest, (full + 1) * rest
    size = 8 * table + 8 * wide + 4 * narrow + np.dtype(dtype).itemsize * rest
    n_blocks = min(n_neurons, max(64, _WORK_BYTES // size), 4 if _SIMULATED else 1024)
    return (
        slots,
        xp.empty((2, n_blocks, table), np.uint32),
        xp.empty((n_blocks, wide), np.int64),
        xp.empty((n_blocks, narrow), np.uint32),
        xp.empty((n_blocks, rest), dtype),
    )


@cuda.jit(device=True)
def _key(bins, n, s):
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
def _number(table, numbers, slots, key):
    """The number of a key that is in the table."""
    slot = _first_slot(key, slots)
    while table[slot] != key:
        slot = (slot + 1) & (slots - 1)
    return numbers[slot]


@cuda.jit(device=True)
def _used(sets):
    """The sets of sources that occur in some antichain's inclusion-exclusion, as bits 1 << m."""
    used = 0
    for i in range(sets.shape[0]):
        used |= 1 << sets[i]
    return used


@cuda.jit(device=True)
def _enter(bins, n, table, numbers, slots, count):
    """Number the cells (occupied tuples of bins) of neuron n; returns how many there are.

    count : (1,), in shared memory. The numbers differ from run to run; no result depends on them.
    """
    for i in range(cuda.threadIdx.x, slots, cuda.blockDim.x):
        table[i] = _EMPTY
    if cuda.threadIdx.x == 0:
        count[0] = 0
    cuda.syncthreads()
    for s in range(cuda.threadIdx.x, bins.shape[2], cuda.blockDim.x):
        _insert(table, numbers, slots, _key(bins, n, s), count)
    cuda.syncthreads()
    return count[0]


@cuda.jit(device=True)
def _masses(bins, n, theta, used, table, numbers, slots, unit_mass, n_cells, wide, narrow):
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
        c = _number(table, numbers, slots, _key(bins, n, s))
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
def _total(wide, at, n_cells):
    """The sum of the cells' masses from `at` on."""
    result = np.int64(0)
    for c in range(n_cells):
        result += wide[at + c]
    return result


@cuda.jit(device=True)
def _union(terms_from, terms_to, sets, signs, wide, narrow, n_cells, full, at, c):
    """Mass of the union of an antichain's agreements with cell c, exactly; `at` : of the output."""
    result = np.int64(0)
    for i in range(terms_from, terms_to):
        m = sets[i]
        leader = c if m == full else narrow[(m - 1) * n_cells + c]
        result += np.int64(signs[i]) * wide[at + (m - 1) * n_cells + leader]
    return result


@cache
def _score(n_sources, real):
    """The kernel of `score` for so many sources and numbers of type `real`."""
    full, n_sets = 2**n_sources - 1, 2**n_sources
    some = _CELLS >> n_sources
    n_wide, n_narrow = 3 * full * some, n_sets * some

    @cuda.jit
    def kernel(
        bins, theta, starts, sets, signs, weights, entropy_weights, start, stop, slots,
        tables, all_wide, all_narrow, all_sums, unit_mass, slope,
    ):  # fmt: skip
        shared_table = cuda.shared.array(_SLOTS, np.uint32)
        shared_numbers = cuda.shared.array(_SLOTS, np.uint32)
        shared_wide = cuda.shared.array(n_wide, np.int64)
        shared_narrow = cuda.shared.array(n_narrow, np.uint32)
        shared_sums = cuda.shared.array(some, real)
        count = cuda.shared.array(1, np.int32)
        share = cuda.local.array(n_sets, real)
        t, step, b = cuda.threadIdx.x, cuda.blockDim.x, cuda.blockIdx.x
        n_samples, n_antichains = bins.shape[2], weights.shape[2]
        size = theta.shape[1] // weights.shape[0]
        used = _used(sets)
        inverse_unit = real(1) / unit_mass
        table, numbers = shared_table, shared_numbers
        if slots > _SLOTS:
            table, numbers = tables[0, b], tables[1, b]
        for n in range(start + b, stop, cuda.gridDim.x):
            replica = n // size
            n_cells = _enter(bins, n, table, numbers, slots, count)
            wide, narrow, sums = shared_wide, shared_narrow, shared_sums
            if n_cells > some:
                wide, narrow, sums = all_wide[b], all_narrow[b], all_sums[b]
            _masses(bins, n, theta, used, table, numbers, slots, unit_mass, n_cells, wide, narrow)
            ones, zeros, shares = (full - 1) * n_cells, (2 * full - 1) * n_cells, 2 * full * n_cells
            weight_sum = entropy_weights[replica]
            bound = real(TINY)  # on what a cell can add to a share: its quotients are at most 1
            for a in range(n_antichains):
                weight_sum += weights[replica, 0, a]
                for i in range(starts[a], starts[a + 1]):
                    bound += abs(weights[replica, 1, a] * signs[i])
            unit_share = real(_LARGE) / (bound * real(n_cells))
            base = -weight_sum * log2_ratio(
                real(_total(wide, ones, n_cells)) * inverse_unit,
                real(_total(wide, zeros, n_cells)) * inverse_unit,
            )
            for c in range(t, n_cells, step):
                p1, p0 = real(wide[ones + c]) * inverse_unit, real(wide[zeros + c]) * inverse_unit
                result = base
                for m in range(1, full + 1):
                    share[m] = real(0)
                for a in range(n_antichains):
                    i, j = starts[a], starts[a + 1]
                    u1 = _union(i, j, sets, signs, wide, narrow, n_cells, full, 0, c)
                    u0 = _union(i, j, sets, signs, wide, narrow, n_cells, full, full * n_cells, c)
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
                slope[n, s] = sums[_number(table, numbers, slots, _key(bins, n, s))]
            cuda.syncthreads()  # before the next neuron empties the table

    return kernel


def _unit_mass(real, n_samples):
    """What a sample's mass of 1 is in fixed point: a power of two, so that masses are exact."""
    return real(_LARGE / 2 ** math.ceil(math.log2(max(n_samples, 2))))


def score(bins, n_bins, theta, terms, weights, entropy_weights, start, stop, work, slope):
    """The exact gradient of each neuron's goal, as in `kernels.cpu`: a block of threads per neuron.

    Shared memory holds a neuron's cells and all their marginals if they are few, as they are in
    training; `scratch` otherwise. Masses of unions are exact, in integers.
    """
    slots, tables, wide, narrow, sums = work
    real = theta.dtype.type
    _launch(
        _score(len(bins), real), len(wide), bins, theta, *terms, weights, entropy_weights, start,
        stop, slots, tables, wide, narrow, sums, _unit_mass(real, bins.shape[2]), slope,
    )  # fmt: skip


@cache
def _information(n_sources, real, n_antichains):
    """The kernel of `information`."""
    full, n_sets = 2**n_sources - 1, 2**n_sources
    some = _CELLS >> n_sources
    n_wide, n_narrow = 3 * full * some, n_sets * some

    @cuda.jit
    def kernel(
        bins, theta, starts, sets, signs, start, stop, slots, tables, all_wide, all_narrow,
        unit_mass, result,
    ):  # fmt: skip
        shared_table = cuda.shared.array(_SLOTS, np.uint32)
        shared_numbers = cuda.shared.array(_SLOTS, np.uint32)
        shared_wide = cuda.shared.array(n_wide, np.int64)
        shared_narrow = cuda.shared.array(n_narrow, np.uint32)
        totals = cuda.shared.array(n_antichains, np.int64)
        count = cuda.shared.array(1, np.int32)
        t, step, b = cuda.threadIdx.x, cuda.blockDim.x, cuda.blockIdx.x
        n_samples = bins.shape[2]
        used = _used(sets)
        inverse_unit = real(1) / unit_mass
        # an addend is at most its mass times the logarithm of the smallest ratio, below 64
        unit_bit = _LARGE / (64.0 * n_samples)
        table, numbers = shared_table, shared_numbers
        if slots > _SLOTS:
            table, numbers = tables[0, b], tables[1, b]
        for n in range(start + b, stop, cuda.gridDim.x):
            n_cells = _enter(bins, n, table, numbers, slots, count)
            wide, narrow = shared_wide, shared_narrow
            if n_cells > some:
                wide, narrow = all_wide[b], all_narrow[b]
            _masses(bins, n, theta, used, table, numbers, slots, unit_mass, n_cells, wide, narrow)
            ones, zeros = (full - 1) * n_cells, (2 * full - 1) * n_cells
            for a in range(t, n_antichains, step):
                totals[a] = 0
            cuda.syncthreads()
            p1 = np.float64(_total(wide, ones, n_cells)) / np.float64(unit_mass)
            p0 = np.float64(_total(wide, zeros, n_cells)) / np.float64(unit_mass)
            inverse1 = real((p1 + p0) / max(p1, float(TINY)))
            inverse0 = real((p1 + p0) / max(p0, float(TINY)))
            for i in range(t, n_antichains * n_cells, step):
                a, c = i // n_cells, i % n_cells
                i1, i2 = starts[a], starts[a + 1]
                u1 = _union(i1, i2, sets, signs, wide, narrow, n_cells, full, 0, c)
                u0 = _union(i1, i2, sets, signs, wide, narrow, n_cells, full, full * n_cells, c)
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
    """The redundancy I_∩ of every antichain, and the entropy, as in `kernels.cpu`."""
    slots, tables, wide, narrow, _ = work
    real = theta.dtype.type
    _launch(
        _information(len(bins), real, len(terms[0]) - 1), len(wide), bins, theta, *terms, start,
        stop, slots, tables, wide, narrow, _unit_mass(real, bins.shape[2]), result,
    )  # fmt: skip


# -- connections ---------------------------------------------------------------------------------


def project(weights, x, u):
    """Potentials of densely connected neurons, u = W x, by cuBLAS; as in `kernels.cpu`."""
    _multiply(weights, x, u)


def accumulate(delta, x, gradient):
    """Gradient of the weights of densely connected neurons, δ xᵀ, by cuBLAS."""
    _multiply(delta, x.transpose(0, 2, 1), gradient)


def _multiply(a, b, out):
    if _SIMULATED:
        for r in range(len(out)):
            xp.dot(a[r], b[r], out=out[r])
    else:
        _lane().blas.multiply(a, b, out)


def silence(tile, u):
    """Potentials of neurons whose source is silent: zero. As in `kernels.cpu`."""
    u[tile[0] : tile[1], tile[2] : tile[3]].fill(0)


@cuda.jit
def _project_sparse(weights, index, x, start, stop, first, last, u):
    n_samples, size = last - first, weights.shape[0] // x.shape[0]
    for i in range(cuda.grid(1), (stop - start) * n_samples, cuda.gridsize(1)):
        n, s = start + i // n_samples, first + i % n_samples
        result = weights[n, 0] * x[n // size, index[n, 0], s]
        for j in range(1, weights.shape[1]):
            result += weights[n, j] * x[n // size, index[n, j], s]
        u[n, s] = result


def project_sparse(weights, index, x, tile, u):
    """Potentials of neurons with few inputs, as in `kernels.cpu`: a thread per potential."""
    _launch(_project_sparse, _blocks_for(u.size), weights, index, x, *tile, u)


@cuda.jit
def _accumulate_sparse(delta, index, x, start, stop, gradient):
    values = cuda.shared.array(_THREADS, np.float64)
    size, k = delta.shape[0] // x.shape[0], gradient.shape[1]
    for i in range(cuda.blockIdx.x, (stop - start) * k, cuda.gridDim.x):
        n, j = start + i // k, i % k
        result = 0.0
        for s in range(cuda.threadIdx.x, delta.shape[1], cuda.blockDim.x):
            result += delta[n, s] * x[n // size, index[n, j], s]
        values[cuda.threadIdx.x] = result
        whole = _sum(values)
        if cuda.threadIdx.x == 0:
            gradient[n, j] = whole
        cuda.syncthreads()


def accumulate_sparse(delta, index, x, start, stop, gradient):
    """Gradient of the weights of neurons with few inputs: a block of threads per weight."""
    n_blocks = min(gradient.size, 32 * _MOST_BLOCKS)
    _launch(_accumulate_sparse, n_blocks, delta, index, x, start, stop, gradient)


@cuda.jit
def _spread(weights, index, start, stop, dense):
    k = weights.shape[1]
    for i in range(cuda.grid(1), (stop - start) * k, cuda.gridsize(1)):
        n, j = start + i // k, i % k
        dense[n, index[n, j]] = weights[n, j]


def spread(weights, index, start, stop, dense):
    """The matrix that sparse weights stand for, as in `kernels.cpu`."""
    dense[start:stop].fill(0)
    _launch(_spread, _blocks_for(weights.size), weights, index, start, stop, dense)


@cuda.jit
def _add(values, factor, start, stop, first, last, total):
    n_columns = last - first
    for i in range(cuda.grid(1), (stop - start) * n_columns, cuda.gridsize(1)):
        n, m = start + i // n_columns, first + i % n_columns
        total[n, m] += factor * values[n, m]


def add(values, factor, tile, total):
    """Add `factor` times `values` to `total`, as in `kernels.cpu`."""
    _launch(_add, _blocks_for(total.size), values, factor, *tile, total)


@cuda.jit
def _cross_entropy(theta, target, start, stop, first, last, slope, loss):
    size, n_samples = theta.shape[0] // target.shape[0], theta.shape[1]
    for i in range(cuda.grid(1), (stop - start) * (last - first), cuda.gridsize(1)):
        r, s = start + i // (last - first), first + i % (last - first)
        whole = chosen = theta[0, 0] * ZERO
        for j in range(size):
            t = theta[r * size + j, s]
            whole += exp(t)
            chosen += target[r, j, s] * t
        for j in range(size):
            n = r * size + j
            slope[n, s] = climb(exp(theta[n, s]) / whole, target[r, j, s], n_samples)
        loss[r, s] = math.log(whole) - chosen


def cross_entropy(theta, target, tile, slope, loss):
    """Each sample's loss and its slope, as in `kernels.cpu`: a thread per sample."""
    _launch(_cross_entropy, _blocks_for(loss.size), theta, target, *tile, slope, loss)


# -- updates -------------------------------------------------------------------------------------


@cache
def _no_mask():
    return xp.ones((1, 1), np.uint8)


@cuda.jit
def _adam(weights, gradient, mask, masked, moments, rates, start, stop):
    n_inputs, size = weights.shape[1], weights.shape[0] // rates.shape[0]
    for i in range(cuda.grid(1), (stop - start) * n_inputs, cuda.gridsize(1)):
        n, j = start + i // n_inputs, i % n_inputs
        numbers = rates[n // size]
        g = gradient[n, j] - numbers[7] * weights[n, j]
        if masked:
            g *= np.float32(mask[n, j])
        weights[n, j], moments[0, n, j], moments[1, n, j] = adam_step(
            weights[n, j], g, moments[0, n, j], moments[1, n, j], numbers
        )


def adam(weights, gradient, mask, moments, rates, start, stop):
    """One ascending Adam step, as in `kernels.cpu`."""
    masked = mask.size > 0
    mask = mask if masked else _no_mask()
    n_blocks = _blocks_for(weights.size)
    _launch(_adam, n_blocks, weights, gradient, mask, masked, moments, rates, start, stop)


@cuda.jit
def _sgd(weights, gradient, mask, masked, rates, start, stop):
    n_inputs, size = weights.shape[1], weights.shape[0] // rates.shape[0]
    for i in range(cuda.grid(1), (stop - start) * n_inputs, cuda.gridsize(1)):
        n, j = start + i // n_inputs, i % n_inputs
        rate, decay = rates[n // size, 0], rates[n // size, 1]
        g = gradient[n, j] - decay * weights[n, j]
        if masked:
            g *= np.float32(mask[n, j])
        weights[n, j] += rate * g


def sgd(weights, gradient, mask, moments, rates, start, stop):
    """One ascending gradient step, as in `kernels.cpu`."""
    masked = mask.size > 0
    mask = mask if masked else _no_mask()
    n_blocks = _blocks_for(weights.size)
    _launch(_sgd, n_blocks, weights, gradient, mask, masked, rates, start, stop)


# -- batches and predictions ---------------------------------------------------------------------


@cuda.jit
def _take_scaled(data, index, shift, scale, first, last, out):
    n_units = out.shape[1]
    for i in range(cuda.grid(1), (last - first) * n_units, cuda.gridsize(1)):
        b, j = first + i // n_units, i % n_units
        out[b, j] = (number(data[index[b], j]) - shift) * scale


def take_scaled(data, index, shift, scale, first, last, out):
    """Gather a batch of rows, as in `kernels.cpu`."""
    _launch(_take_scaled, _blocks_for(out.size), data, index, shift, scale, first, last, out)


@cuda.jit
def _take_one_hot(labels, index, off, on, out):
    n_classes = out.shape[1]
    for i in range(cuda.grid(1), out.shape[0] * n_classes, cuda.gridsize(1)):
        b, j = i // n_classes, i % n_classes
        out[b, j] = on if labels[index[b]] == j else off


def take_one_hot(labels, index, off, on, out):
    """Gather a batch of labels as one-hot rows, as in `kernels.cpu`."""
    _launch(_take_one_hot, _blocks_for(out.size), labels, index, off, on, out)


@cuda.jit
def _classify(theta, inverted, predictions):
    size, n_samples = theta.shape[1] // predictions.shape[0], theta.shape[2]
    for i in range(cuda.grid(1), predictions.size, cuda.gridsize(1)):
        r, s = i // n_samples, i % n_samples
        answer, says = 0, inverted[r * size]
        best, least = theta[says, r * size, s], theta[1 - says, r * size, s]
        for j in range(1, size):
            n = r * size + j
            says = inverted[n]
            mine, other = theta[says, n, s], theta[1 - says, n, s]
            if surer(mine, other, best, least):
                best, least, answer = mine, other, j
        predictions[r, s] = answer


def classify(theta, inverted, predictions):
    """The class of each sample, as in `kernels.cpu`: a thread per sample."""
    _launch(_classify, _blocks_for(predictions.size), theta, inverted, predictions)


@cuda.jit
def _mostly_firing(theta, inverted):
    values = cuda.shared.array(_THREADS, np.float64)
    for n in range(cuda.blockIdx.x, inverted.size, cuda.gridDim.x):
        result = 0.0
        for s in range(cuda.threadIdx.x, theta.shape[2], cuda.blockDim.x):
            result += theta[0, n, s]
        values[cuda.threadIdx.x] = result
        whole = _sum(values)
        if cuda.threadIdx.x == 0:
            inverted[n] = np.uint8(whole >= 0.5 * theta.shape[2])
        cuda.syncthreads()


def mostly_firing(theta, inverted):
    """Let neurons be inverted that fire in half of this batch or more, as in `kernels.cpu`."""
    _launch(_mostly_firing, min(inverted.size, _MOST_BLOCKS), theta, inverted)


@cuda.jit
def _tally(theta, labels, rows, agreement):
    values = cuda.shared.array(_THREADS, np.float64)
    size, n_samples = agreement.shape[0] // rows.shape[0], theta.shape[2]
    for n in range(cuda.blockIdx.x, agreement.shape[0], cuda.gridDim.x):
        replica, own = n // size, n % size
        right = 0.0
        for s in range(cuda.threadIdx.x, n_samples, cuda.blockDim.x):
            right += theta[0 if labels[rows[replica, s]] == own else 1, n, s]
        values[cuda.threadIdx.x] = right
        whole = _sum(values)
        if cuda.threadIdx.x == 0:
            agreement[n, 0] += whole
            agreement[n, 1] += n_samples
        cuda.syncthreads()


def tally(theta, labels, rows, agreement):
    """Count how often each neuron is right, as in `kernels.cpu`: a block of threads per neuron."""
    _launch(_tally, min(len(agreement), _MOST_BLOCKS), theta, labels, rows, agreement)


@cuda.jit
def _invert(agreement, otherwise, inverted):
    for n in range(cuda.grid(1), inverted.size, cuda.gridsize(1)):
        inverted[n] = wrong_rather(agreement[n, 0], agreement[n, 1], otherwise[n])


def invert(agreement, otherwise, inverted):
    """Let neurons be inverted that are wrong more often than right, as in `kernels.cpu`."""
    _launch(_invert, _blocks_for(inverted.size), agreement, otherwise, inverted)


@cuda.jit
def _count_wrong(predictions, labels, rows, wrong):
    n_samples = predictions.shape[1]
    for i in range(cuda.grid(1), predictions.size, cuda.gridsize(1)):
        r, s = i // n_samples, i % n_samples
        if predictions[r, s] != labels[rows[r, s]]:
            cuda.atomic.add(wrong, r, 1)


def count_wrong(predictions, labels, rows, wrong):
    """Add to `wrong` how many predictions differ from their labels, as in `kernels.cpu`."""
    _launch(_count_wrong, _blocks_for(predictions.size), predictions, labels, rows, wrong)
