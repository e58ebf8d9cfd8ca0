"""Work on a GPU: its arrays, the stream that all work goes to, recorded plans, launches.

Under Numba's simulator (NUMBA_ENABLE_CUDASIM=1) the same functions run on NumPy arrays without a
GPU, one Python thread per CUDA thread, so with few of them. What may be another in a process, such
as `xp` and `launch`, is read from this module (`device.launch`), by which tests stand in for a GPU.
"""

import threading
import warnings
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from infosim.kernels import backend, cublas

cuda, xp, SIMULATED = backend.gpu()
#: Threads per block, a power of two; blocks that a loop over all numbers is given at most.
THREADS = 8 if SIMULATED else 128
MOST_BLOCKS = 4 if SIMULATED else 2048


def resident(array, dtype=None):
    """`array` on the GPU, by rows and as `dtype`; itself if it is that already."""
    there = isinstance(array, xp.ndarray) and dtype in (None, array.dtype)
    there = there and array.flags.c_contiguous  # cuBLAS takes no matrices with gaps
    if there and (not SIMULATED or array.flags.writeable):  # the simulator writes all arrays back
        return array
    with backend.told_errors():
        return xp.array(array, dtype, order="C")


def host(array):
    """A read-only copy of an array of the GPU, for the user."""
    with backend.told_errors():
        copy = np.array(array) if SIMULATED else xp.asnumpy(array)
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


def lanes():
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


def lane_here():
    """The lane that this thread's work is given to."""
    recording = getattr(_here, "recording", None)
    return recording or (_made or lanes())[0]


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
        if SIMULATED:
            return False
        with _lock:
            lane = lanes()[1]
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

    @staticmethod
    def replicas(n_neurons, n_replicas):
        """The whole layer."""
        return [(0, n_neurons * n_replicas)]

    @contextmanager
    def engaged(self):
        """A context in which CuPy, too, works on our stream and errors are told in one line."""
        if self._engaged:
            yield
            return
        self._engaged = True
        try:
            with backend.told_errors():
                if SIMULATED:
                    yield
                else:
                    with lane_here().stream:
                        yield
        finally:
            self._engaged = False

    @staticmethod
    def prepared(stages):
        """Stages that will be run again and again, with the same arrays, as one plan."""
        return [_Plan([call for stage in stages for calls in stage for call in calls])]

    @staticmethod
    def by_replica(plans, n_replicas):
        """Nothing: kernels compute all replicas at once."""
        return None

    @staticmethod
    def joined(recordings):
        """The plans of recordings, (plans, apart) each."""
        return [plan for plans, _ in recordings for plan in plans]

    def run(self, plan):
        """Carry out a plan; kernels may still be at work when this returns."""
        with self.engaged():
            if isinstance(plan, _Plan):
                plan()
            else:
                _carry_out(call for calls in plan for call in calls)


def _has_gaps(a):
    return isinstance(a, np.ndarray) and not (a.flags.c_contiguous or a.flags.f_contiguous)


def launch(kernel, n_blocks, *arguments):
    """Launch a compiled kernel on so many blocks."""
    if SIMULATED:  # it takes no views with gaps; what kernels write to has none
        given = (np.ascontiguousarray(a) if _has_gaps(a) else a for a in arguments)
        kernel[n_blocks, THREADS](*given)
        return
    kernel[n_blocks, THREADS, lane_here().numba](*map(_of_numba, arguments))


def _of_numba(argument):
    """An argument as Numba takes it, also within a tuple."""
    if isinstance(argument, xp.ndarray):
        return cuda.as_cuda_array(argument, sync=False)
    if not isinstance(argument, tuple):
        return argument
    parts = map(_of_numba, argument)
    return type(argument)(*parts) if hasattr(argument, "_fields") else tuple(parts)


def blocks_for(n_items):
    """How many blocks stride over so many numbers."""
    return min(-(-n_items // THREADS), MOST_BLOCKS)


@cuda.jit(device=True)
def block_sum(values):
    """The sum of one number per thread, `values` in shared memory, known to all threads."""
    t = cuda.threadIdx.x
    cuda.syncthreads()
    half = THREADS // 2
    while half > 0:
        if t < half:
            values[t] += values[t + half]
        cuda.syncthreads()
        half //= 2
    return values[0]
