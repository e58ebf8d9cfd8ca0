"""Engines that carry out jobs: in this process, in others of this machine, on Dask's workers.

What a job is they do not know. A `Jobs` says which there are and is told what becomes of them.
"""

import concurrent.futures
import logging
import multiprocessing
import multiprocessing.connection
import os
import re
import signal
import threading
import time
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice
from typing import Protocol

from infosim.errors import BackendError, InfosimError, tell_in_a_line
from infosim.experiments.stopping import STOPPING, Interrupted
from infosim.extras import need

#: How often a job's process may die before the job counts as failed.
_DEATHS = 3
#: Seconds that a process which is told to end has for saving.
LAST = 10
#: Whether a process can be told to. Windows ends it there and then; Ctrl-C there tells all at once.
_TOLD = os.name != "nt"
#: Seconds to wait for a Dask scheduler to answer, and for its first worker.
ANSWER, FIRST_WORKER = 5, 30

#: Addresses of a scheduler that can be connected to over a network; ws and wss are websockets.
_ADDRESS = re.compile(
    r"((?P<kind>tcp|tls|ws|wss)://)?([^\s:/\[\]]+|\[[^\s\]]+\]):(?P<port>\d{1,5})/?"
)


class Jobs(Protocol):
    """Jobs to carry out, by their names.

    call : the function that carries out a job and returns what it came to; this is what is sent to
        other processes
    left : name -> job
    """

    call: object
    left: dict

    def tell(self, running, result=None):
        """Take note of what a job came to, and of the names of those that are at work now."""

    def begun(self, name):
        """Whether this job was begun and is not done."""

    def ended(self, name):
        """What a job came to that ended its process itself; None if it did not."""

    def failed(self, name, error):
        """What a job came to that was lost by this error."""


@contextmanager
def engine(processes=None, scheduler=None):
    """The function that has `Jobs` carried out: here, in so many processes, or on Dask's workers.

    scheduler : address of a Dask scheduler

    Raises
    ------
    ConfigError : an engine that is not installed
    BackendError : a scheduler that cannot be used
    """
    if scheduler is not None:
        with dask_client(scheduler) as client:
            yield partial(_by_dask, client)
    elif processes is not None:
        yield partial(_by_processes, need("joblib", "sweep").externals.loky, processes)
    else:
        yield _one_by_one


def _one_by_one(jobs):
    names = list(jobs.left)
    jobs.tell(names[:1])
    for following, name in enumerate(names, 1):
        jobs.tell(names[following : following + 1], jobs.call(jobs.left[name]))


def _died():
    return InfosimError(f"its process died {_DEATHS} times (killed, or out of memory)")


# -- processes of this machine ---------------------------------------------------------------------


def _by_processes(loky, processes, jobs):
    """Jobs in processes of this machine; where a process dies, the rest goes on in new ones.

    With one process all others are lost, too. So the jobs that were at work then are tried again
    one by one, and the one that keeps dying fails alone.
    """
    left = dict(jobs.left)
    deaths = dict.fromkeys(left, 0)
    while left:
        chosen = [name for name in left if not deaths[name]] or list(left)[:1]
        n = min(processes, len(chosen))
        jobs.tell(chosen[:n])
        try:
            with _workers(loky, n) as submit:
                names = {submit(_in_worker, jobs.call, left[name]): name for name in chosen}
                for future in concurrent.futures.as_completed(names):
                    result, name = future.result(), names[future]
                    del left[name]
                    chosen.remove(name)
                    jobs.tell(chosen[:n], result)
        except loky.process_executor.TerminatedWorkerError:
            for name in chosen:
                result = jobs.ended(name)
                if result is not None:
                    del left[name]
                    jobs.tell((), result)
                    break
            else:
                for name in [name for name in chosen if jobs.begun(name)] or chosen:
                    deaths[name] += 1
                    if deaths[name] == _DEATHS:
                        del left[name]
                        jobs.tell((), jobs.failed(name, _died()))


@contextmanager
def _workers(loky, n):
    """The `submit` of n processes, which have time to save if this is left by an exception."""
    others = multiprocessing.active_children()
    executor = loky.ProcessPoolExecutor(n, initializer=_begin_worker, initargs=(os.getpid(),))
    futures = []

    def submit(*call):
        futures.append(executor.submit(*call))
        return futures[-1]

    try:
        yield submit
        executor.shutdown()
    except BaseException:
        for future in futures:
            future.cancel()
        ours = [child for child in multiprocessing.active_children() if child not in others]
        until, running = time.monotonic() + LAST, futures
        while running and time.monotonic() < until:
            for child in ours if _TOLD else ():
                with suppress(OSError):
                    child.terminate()
            running = concurrent.futures.wait(running, 0.5).not_done
        executor.shutdown(kill_workers=True)
        raise


class _Worker:
    """What a process of ours knows of itself: whether it has a job, and is to begin no more.

    A signal that stops it only says so while it is not training. (Where one process dies, loky
    kills the others, which may be about to save.)
    """

    busy = leaving = False


def _begin_worker(parent):
    """What a process of ours does first: it will end when its parent does, however that ends."""

    def leave(number, frame):
        _Worker.leaving = True

    for number in STOPPING:
        signal.signal(number, leave)
    tell_in_a_line()
    threading.Thread(target=_follow, args=(parent,), daemon=True).start()


def _follow(parent):
    """End this process when its parent has: in good order, then anyhow."""
    while not _orphaned(parent):
        time.sleep(0.2)
    until = time.monotonic() + LAST
    _Worker.leaving = True
    while _Worker.busy and time.monotonic() < until:
        signal.raise_signal(signal.SIGTERM)
        time.sleep(0.2)
    os._exit(128 + signal.SIGTERM)


def _orphaned(parent):
    """Whether the process of this number, which started this one, has ended."""
    known = multiprocessing.parent_process().sentinel
    if known is None:  # loky's on POSIX, where an orphan gets another parent
        return os.getppid() != parent
    return bool(multiprocessing.connection.wait([known], 0))  # on Windows it keeps the number


def _in_worker(call, job):
    """Carry out a job in a process of its own, unless it is to end."""
    if _Worker.leaving:
        raise Interrupted("stopped", signal.SIGTERM)
    _Worker.busy = True
    try:
        return call(job)
    except Interrupted:
        _Worker.leaving = True
        raise
    finally:
        _Worker.busy = False


# -- Dask's workers --------------------------------------------------------------------------------


@contextmanager
def dask_client(address):
    """A client of a Dask scheduler that has workers.

    Raises
    ------
    ConfigError : Dask is not installed
    BackendError : there is no scheduler at that address, it has no workers, or it goes away
    """
    distributed = need("distributed", "cluster", "--scheduler needs Dask")
    problem = _unusable(distributed, address)
    if problem:
        raise BackendError(f"no Dask scheduler at {address}: {problem}")
    try:
        client = distributed.Client(address, timeout=ANSWER, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BackendError(f"no Dask scheduler at {address}: {reason}") from None
    with client, client.as_current():
        try:
            client.wait_for_workers(1, timeout=FIRST_WORKER)
        except TimeoutError:
            raise BackendError(f"the Dask scheduler at {address} has no workers") from None
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # we say it
        try:
            yield client
        except (OSError, distributed.CancelledError):
            raise BackendError(
                f"the Dask scheduler at {address} is gone; what is done is kept, to be continued"
            ) from None


def _unusable(distributed, address):
    """Why there cannot be a scheduler at this address, or None.

    Asked before: what a client that was not made leaves behind complains when Python ends.
    """
    known = _ADDRESS.fullmatch(address)
    if known is None or int(known["port"]) >= 2**16:
        return "an address is tcp://host:port"
    encrypted = known["kind"] in ("tls", "wss")
    if encrypted and not distributed.Security().get_connection_args("client").get("ssl_context"):
        return f"{known['kind']} needs certificates in Dask's configuration, distributed.comm.tls"
    return None


class DaskWorkers:
    """The workers of a Dask scheduler, which sends the jobs of a lost one to another.

    names : future -> name of a job that is sent and has not ended
    """

    def __init__(self, client):
        from distributed import as_completed

        self.names = {}
        self._client, self._completed = client, as_completed(loop=client.loop)

    @property
    def n(self):
        """How many workers there are now."""
        return len(self._client.ncores())

    def submit(self, name, call, job):
        """Have a worker carry out a job."""
        future = self._client.submit(_on_worker, call, job, pure=False)
        self.names[future] = name
        self._completed.add(future)

    def ended(self, arrived=()):
        """Wait for jobs to end, a moment if none is at work; [(name, future)] of those that did.

        arrived : filled when to wait no more, and to begin no job that has not begun

        Raises
        ------
        Interrupted : `arrived` was filled
        """
        while not arrived and not self._completed.has_ready():
            time.sleep(0.05)
            if not self.names:
                break  # all workers are gone; others may come
        if arrived:
            self._client.cancel(list(self.names))  # those that have begun go on to their end
            raise Interrupted("given up")
        return [(self.names.pop(one), one) for one in self._completed.next_batch(block=False)]


def _on_worker(call, job):
    """Carry out a job in a Dask worker."""
    tell_in_a_line()
    return call(job)


def _by_dask(client, jobs):
    """Jobs on the workers of a Dask scheduler."""
    from distributed import CancelledError, KilledWorker

    workers = DaskWorkers(client)
    for name, job in jobs.left.items():
        workers.submit(name, jobs.call, job)
    left = dict.fromkeys(jobs.left)
    n = workers.n
    jobs.tell(list(islice(left, n)))
    while workers.names:
        for name, future in workers.ended():
            left.pop(name)
            error = future.exception()
            if isinstance(error, Interrupted):
                raise error
            if isinstance(error, CancelledError):
                raise BackendError("the Dask scheduler is gone; --resume goes on")
            if isinstance(error, KilledWorker):
                result = jobs.failed(name, _died())
            elif error is not None:
                result = jobs.failed(name, error)
            else:
                result = future.result()
            jobs.tell(list(islice(left, n)), result)
