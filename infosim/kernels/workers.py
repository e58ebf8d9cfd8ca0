"""Threads: the one module that decides what runs in parallel.

A layer's work is cut at borders that depend on its size and the batch's alone, and each part is
computed by one thread with single-threaded BLAS: multi-threaded BLAS sums in an order that depends
on the number of threads, so its results would too. Firing is cut by samples first, learning by
neurons: BLAS copies its right factor (the inputs, the outputs' gradient) once per part, and cut
this way it copies little twice.

A forked child has a copy of everything here but of its parent's threads only the one that forked:
what others held or worked for is let go, and the child starts threads of its own.
"""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, partial
from itertools import count, pairwise

import numpy as np
from threadpoolctl import ThreadpoolController

from infosim.cpus import available
from infosim.errors import integer

#: Turns of all threads for which replicas are shared out whole: at most so many for one's worth.
_FULL = 1.25
#: Numbers that a batch leads to for which another thread is not worth waking up.
_LITTLE = 50_000
#: Numbers that are no longer finite are looked for once in an epoch (`Training.check`), which says
#: where and why; NumPy would warn of every product that meets one.
_QUIET = {"over": "ignore", "invalid": "ignore"}


@cache
def cut(size, n_parts, step=1):
    """Borders ((start, stop), ...) of parts of about equal size, at multiples of `step`."""
    edges = [min(size, -(-size * i // (n_parts * step)) * step) for i in range(n_parts + 1)]
    return tuple((start, stop) for start, stop in pairwise(edges) if stop > start)


def blocks(n_neurons, n_samples):
    """Cut a layer's learning into blocks of neurons ((start, stop), ...): enough to share.

    A block of fewer than about 50 neurons spends its matrix product on copying inputs, and one of
    little work in all is done before another thread has woken up.
    """
    if n_neurons < 32 or n_neurons * n_samples < 25_000:
        return cut(n_neurons, 1)
    return cut(n_neurons, 2 if n_neurons < 200 else 4 if n_neurons < 1000 else 8)


def spans(n_samples):
    """Cut a batch where its samples need nothing of each other: ((first, last), ...).

    These are about 512 samples at most, and begin at multiples of 128, as the blocks do in which
    inputs are ordered (`kernels.sparse.cpu`) and random numbers drawn (`kernels.firing.cpu`).
    """
    return cut(n_samples, max(min(2, n_samples // 256), -(-n_samples // 512)), 128)


def tiles(n_neurons, n_samples):
    """Cut a layer's firing into tiles [(start, stop, first, last), ...] of neurons and samples.

    A tile has about 250 neurons at most, and a span of samples.
    """
    return [
        (start, stop, first, last)
        for start, stop in cut(n_neurons, -(-n_neurons // 250))
        for first, last in spans(n_samples)
    ]


class Stage(list):
    """Parts, each a list of calls (function, arguments) in order, that do not wait for each other.

    Attributes
    ----------
    replicas : of each part the replica that it belongs to, None if it is of several
    chains : of each part (replica, first, last), the samples that it is of and needs nothing but;
        None where parts are of all samples
    work : how many numbers the parts of a replica write, where `chains` says whose
    """

    def __init__(self):
        super().__init__()
        self.replicas, self.chains, self.work = [], [], 0

    def take(self, parts, chains=None, work=0):
        """Add parts, each with the `contract.Part` that its calls are given, or None."""
        for part, calls in parts:
            self.append(calls)
            within = part is not None and part.size and part.stop <= part.start + part.size
            self.replicas.append(part.start // part.size if within else None)
        alike = chains is not None and self.chains is not None
        self.chains = [*self.chains, *chains] if alike else None
        self.work = max(self.work, work)


def _grouped(stage, chains):
    """A stage whose parts of the same chain are one."""
    found = Stage()
    found.chains, found.work = list(dict.fromkeys(chains)), stage.work
    found += [[] for _ in found.chains]
    for chain, calls in zip(chains, stage, strict=True):
        found[found.chains.index(chain)].extend(calls)
    found.replicas = [replica for replica, _, _ in found.chains]
    return found


class _SingleThreadedBlas:
    """Holds BLAS to one thread, of the whole process as BLAS's setting is.

    Simulations in several threads of a process share it: the last to leave restores the setting.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._holders = []  # the thread of each
        self._before = None  # (library, its number of threads) of each

    @contextmanager
    def held(self, blas):
        """A context in which `blas`, a controller of its libraries, keeps to one thread."""
        me = threading.get_ident()
        with self._lock:
            if not self._holders:
                # not by `blas.limit`, which takes ten times as long, at every step made by hand
                before = [(library, library.num_threads) for library in blas.lib_controllers]
                for library, _ in before:
                    library.set_num_threads(1)
                self._before = self._before or before  # one from before a fork knows the setting
            self._holders.append(me)
        try:
            yield
        finally:
            with self._lock:
                self._holders.remove(me)
                if not self._holders:
                    for library, n_threads in self._before:
                        library.set_num_threads(n_threads)
                    self._before = None

    def forked(self):
        """Let go, in a forked child, what threads held that it does not have."""
        me = threading.get_ident()
        self._lock = threading.Lock()
        self._holders = [holder for holder in self._holders if holder == me]


_single_threaded_blas = _SingleThreadedBlas()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_single_threaded_blas.forked)


class Workers:
    """A fixed number of threads that share out the parts of a layer's work.

    Parameters
    ----------
    n_threads : at least 1; None takes every CPU this process may use
    """

    def __init__(self, n_threads=None):
        self.n_threads = available() if n_threads is None else integer("threads", n_threads)
        self._pool, self._pool_of = None, None
        self._engaged_in = None
        self._blas = ThreadpoolController().select(user_api="blas")  # slow, so once

    @staticmethod
    def blocks(n_neurons, n_samples, n_replicas=1):
        """The blocks [(start, stop), ...] that a layer's learning is cut into."""
        return [
            (r * n_neurons + start, r * n_neurons + stop)
            for r in range(n_replicas)
            for start, stop in blocks(n_neurons, n_samples)
        ]

    @staticmethod
    def tiles(n_neurons, n_samples, n_replicas=1):
        """The tiles [(start, stop, first, last), ...] that a layer's firing is cut into."""
        return [
            (r * n_neurons + start, r * n_neurons + stop, first, last)
            for r in range(n_replicas)
            for start, stop, first, last in tiles(n_neurons, n_samples)
        ]

    @staticmethod
    def replicas(n_neurons, n_replicas):
        """The neurons (start, stop) of each replica."""
        return [(r * n_neurons, (r + 1) * n_neurons) for r in range(n_replicas)]

    @contextmanager
    def engaged(self):
        """A context in which BLAS keeps to the thread that calls it; entering it again is free."""
        if self._engaged_in == os.getpid():
            yield
            return
        self._engaged_in = os.getpid()
        try:
            with np.errstate(**_QUIET), _single_threaded_blas.held(self._blas):
                yield
        finally:
            self._engaged_in = None

    @staticmethod
    def prepared(stages):
        """Stages that will be run again and again, with the same arrays: here, as they are."""
        return stages

    def by_replica(self, stages, n_replicas):
        """The calls of each replica in order, for its own thread; None if that gains nothing.

        Replicas need nothing of each other, so each may go through all stages alone, while its
        arrays are in the cache. Where there are too few of them for the threads, stages of several
        parts for each are shared out better as they are.
        """
        rounds = -(-n_replicas // self.n_threads)
        unshared = all(len(stage) <= n_replicas for stage in stages)
        if not unshared and rounds * self.n_threads > _FULL * n_replicas:
            return None
        calls = [[] for _ in range(n_replicas)]
        for stage in stages:
            for replica, part in zip(stage.replicas, stage, strict=True):
                if replica is None:
                    return None
                calls[replica] += part
        return calls

    def joined(self, recordings):
        """The stages of recordings, (stages, apart) each, in as few of the same calls.

        Parts that are of the same samples go on with what the next stage does with these, and need
        not wait for others. apart : whether a recording needs nothing of others that say so, side
        by side: then they are one stage. What is of few numbers is not shared out.
        """
        found, before = [], None
        for stages, apart in recordings:
            alone = len(stages) == 1 and apart
            for stage in stages:
                last = found[-1] if found else None
                chains = self._chains(stage)
                if alone and before is last is not None:
                    last += stage
                    last.replicas += stage.replicas
                elif chains and last and last.chains == list(dict.fromkeys(chains)):
                    for calls, more in zip(last, _grouped(stage, chains), strict=True):
                        calls += more
                    last.work = max(last.work, stage.work)
                else:
                    found.append(
                        _grouped(stage, chains or [*zip(stage.replicas, count(), count())])
                    )
                    found[-1].chains = chains and found[-1].chains
            before = found[-1] if alone else None
        return [self._shared(stage) for stage in found]

    def _chains(self, stage):
        """A stage's chains, None if it has none, or as many threads would not find work by them."""
        few = stage.chains and len(set(stage.chains)) < min(self.n_threads, len(stage))
        return None if few else stage.chains

    @staticmethod
    def _shared(stage):
        """The stage, all of a replica in one part if that is little."""
        if stage.chains and stage.work < _LITTLE:
            return _grouped(stage, [(replica, 0, 0) for replica in stage.replicas])
        return stage

    def run(self, stage):
        """Carry out a stage: a list of parts, each a list of calls (function, arguments) in order.

        Returns when all are done, raises what any raised. Calls are planned before any is made:
        Python's own work is several times slower where kernels have just filled the cache.
        """
        if self.n_threads == 1 or len(stage) == 1:
            for calls in stage:
                for function, arguments in calls:
                    function(*arguments)
            return
        remaining = iter(stage)  # next() on it is atomic: each part is taken once

        def work():
            for calls in remaining:
                for function, arguments in calls:
                    function(*arguments)

        pool = self._threads()
        others = [pool.submit(work) for _ in range(min(self.n_threads, len(stage)) - 1)]
        try:
            work()
        finally:  # nothing may still be at work on arrays that the caller goes on to use
            errors = [other.exception() for other in others]
        for error in errors:
            if error is not None:
                raise error

    def _threads(self):
        """The pool of this process, which may be a fork of the one that had the last."""
        if self._pool_of != os.getpid():
            quietly = partial(np.seterr, **_QUIET)
            self._pool = ThreadPoolExecutor(self.n_threads - 1, initializer=quietly)
            self._pool_of = os.getpid()
        return self._pool
