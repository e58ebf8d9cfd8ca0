"""Threads: the one module that decides what runs in parallel.

Neurons are cut into blocks whose borders depend on the layer's size alone, and each block is
computed by one thread with single-threaded BLAS: multi-threaded BLAS sums in an order that depends
on the number of threads, so its results would too.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from threadpoolctl import ThreadpoolController

from infosim.errors import ConfigError


def available():
    """The number of CPUs this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def blocks(n_neurons):
    """Cut a layer into blocks [(start, stop), ...]: enough to share, each large enough for BLAS.

    A block of fewer than about 50 neurons spends its matrix product on copying inputs.
    """
    n_blocks = 1 if n_neurons < 32 else 2 if n_neurons < 200 else 4 if n_neurons < 400 else 8
    edges = [n_neurons * i // n_blocks for i in range(n_blocks + 1)]
    return list(pairwise(edges))


class Workers:
    """A fixed number of threads that share out the blocks of a layer.

    Parameters
    ----------
    n_threads : at least 1; None takes every CPU this process may use
    """

    def __init__(self, n_threads=None):
        if n_threads is None:
            n_threads = available()
        if not isinstance(n_threads, int) or isinstance(n_threads, bool) or n_threads < 1:
            raise ConfigError(f"threads must be an integer of at least 1, was {n_threads!r}")
        self.n_threads = n_threads
        self._pool = ThreadPoolExecutor(n_threads - 1) if n_threads > 1 else None
        self._blas = ThreadpoolController().select(user_api="blas")

    def single_threaded_blas(self):
        """A context in which BLAS keeps to the thread that calls it."""
        return self._blas.limit(limits=1)

    def run(self, task, n_blocks):
        """Call task(i) for every block i; returns when all are done, raises what any raised."""
        if self._pool is None or n_blocks == 1:
            for i in range(n_blocks):
                task(i)
            return
        remaining = iter(range(n_blocks))  # next() on it is atomic: each block is taken once

        def work():
            for i in remaining:
                task(i)

        others = [self._pool.submit(work) for _ in range(min(self.n_threads, n_blocks) - 1)]
        work()
        for other in others:
            other.result()
