"""Numba's CUDA simulator, several times as fast: the same kernels, threads and barriers.

Its own main thread asks all others without end whether they have come to a barrier, and so keeps
them from computing; here the last one to come opens it. Modules are given the simulated `cuda` once
in a launch, not at each call of a function, and elements of arrays are read without a detour.
"""

import functools
import sys
import threading

import numpy as np
from numba import cuda
from numba.cuda.simulator import kernel, kernelapi
from numba.cuda.simulator.cudadrv import devicearray


class Abandoned(RuntimeError):
    """Another thread of the block has failed."""


class Barrier:
    """Where the threads of a block wait for all that have not ended."""

    def __init__(self, n):
        self._left, self._waiting, self._opened = n, 0, 0
        self._failed, self._changed = False, threading.Condition()

    def wait(self):
        """Wait for the others."""
        with self._changed:
            opened = self._opened
            self._waiting += 1
            self._open_if_all()
            self._changed.wait_for(lambda: self._failed or opened < self._opened)
            if self._failed:
                raise Abandoned

    def leave(self, failed):
        """Wait no more. Where a thread has failed, no other goes on beyond the barrier."""
        with self._changed:
            self._left -= 1
            self._failed |= failed
            self._open_if_all()
            self._changed.notify_all()

    def _open_if_all(self):
        if self._waiting == self._left:
            self._waiting, self._opened = 0, self._opened + 1
            self._changed.notify_all()


class Thread(kernel.BlockThread):
    """A thread of a block."""

    def run(self):
        super().run()  # an error is kept
        self._manager.barrier.leave(self.exception is not None)

    def syncthreads(self):
        self._manager.barrier.wait()


class Block(kernel.BlockManager):
    """A block of threads."""

    def run(self, grid_point, *arguments):
        places = list(np.ndindex(*self._block_dim))
        self.barrier = Barrier(len(places))
        call = functools.partial(self._f, *arguments)
        threads = [Thread(call, self, grid_point, one, self._debug) for one in places]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        for error, trace in filter(None, (one.exception for one in threads)):
            if not isinstance(error, Abandoned):
                raise error.with_traceback(trace)


def _read(array, index):
    """An element or a part of an array within a kernel."""
    found = array._item._ary[index]
    if type(found) in (np.ndarray, np.void):
        return devicearray.FakeWithinKernelCUDAArray(devicearray.FakeCUDAArray(found))
    return found


def _write(array, index, value):
    array._item._ary[index] = value


_launch = kernel.FakeCUDAKernel.__call__
#: Of this launch: the globals of modules whose functions were called, and what they were.
_lent, _lending = {}, threading.Lock()


def _call(function, *arguments):
    """Call a function from within a kernel, or launch a kernel."""
    simulated = kernel._get_kernel_context()
    if simulated is None:
        try:
            return _launch(function, *arguments)
        finally:
            for names, before in _lent.values():
                names.update(before)
            _lent.clear()
    names = function.fn.__globals__
    if id(names) not in _lent:
        with _lending:
            before = {name: one for name, one in names.items() if one is cuda}
            names.update(dict.fromkeys(before, simulated))
            _lent.setdefault(id(names), (names, before))
    return function.fn(*arguments)


def _shared_array(shared, shape, dtype, alignment=None, lock=threading.Lock()):
    """The array in shared memory of a line of a kernel, made by whichever thread comes first.

    The simulator's own looks for it and makes it in two steps, between which another thread may
    make another, and reads the source of every caller for it.
    """
    caller = sys._getframe(1)
    place = caller.f_code, caller.f_lineno
    with lock:
        if place not in shared._allocations:
            shared._allocations[place] = np.empty(shape, dtype)
        return shared._allocations[place]


def make_fast():
    """Have the simulator do all of this in this process."""
    kernelapi.FakeCUDAShared.array = _shared_array
    kernel.BlockManager = Block
    kernel.FakeCUDAKernel.__call__ = _call
    devicearray.FakeWithinKernelCUDAArray.__getitem__ = _read
    devicearray.FakeWithinKernelCUDAArray.__setitem__ = _write
