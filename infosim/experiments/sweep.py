"""Sweeps: many runs from one file, each in a directory named after its settings, never lost.

A sweep's directory holds sweep.toml (as given), runs.json (what it resolved to), runs/<key>/ (a run
directory each, with error.json in place of result.json where it failed) and results.csv, which is
made from the run directories alone. Runs are carried out by existing engines: joblib's processes on
one machine, Dask's workers on many. Whatever is killed, the next start goes on where it was: a run
is complete when its result.json stands. One process at a time carries out a sweep.
"""

import concurrent.futures
import csv
import io
import itertools
import json
import math
import multiprocessing
import os
import re
import signal
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from infosim.errors import (
    BackendError,
    CheckpointError,
    ConfigError,
    InfosimError,
    brief,
    near,
    tell_in_a_line,
)
from infosim.experiments import store
from infosim.experiments.config import Experiment, parse, read
from infosim.experiments.extras import dask_client, need
from infosim.experiments.run import STOPPING, Interrupted, begun, read_result, train_together
from infosim.kernels import backend as backends
from infosim.kernels.workers import available

_KEYS = ("preset", "seeds", "set", "grid", "runs")
#: How often a run's process may die before it counts as failed.
_DEATHS = 3
#: Seconds that a process which is told to end has for saving; and beyond --timeout, for a run that
#: does not even come to its next batch.
_LAST = 10
#: More runs than that are taken for a mistake in the file.
MOST = 20_000


@dataclass(frozen=True)
class Run:
    """One run of a sweep: its experiment and in what it differs from the others."""

    experiment: Experiment
    settings: dict

    @property
    def key(self):
        return self.experiment.key


@dataclass(frozen=True)
class Sweep:
    """Runs read from a sweep file.

    A file names a `preset` (or .toml file beside it) and may have `seeds`, a list or a number n for
    0 to n - 1; `[set]`, settings of all runs; `[grid]`, key path -> list of values, of which all
    combinations are run; and `[[runs]]`, a list of settings, each run with every combination.
    """

    name: str
    runs: tuple[Run, ...]
    text: str = field(repr=False, default="")

    @property
    def plan(self):
        """(key, settings) of every run, as `load_plan` reads them back."""
        return [(run.key, run.settings) for run in self.runs]

    @classmethod
    def load(cls, path):
        """Read a sweep file and resolve every run of it.

        Raises
        ------
        ConfigError : unreadable file, unknown key (with near matches), empty grid, a setting that
            cannot be
        """
        path = Path(path)
        text = read(path)
        try:
            table = parse(text)
        except ConfigError as error:
            raise ConfigError(f"{path} {error}") from None
        try:
            return cls(path.stem, _runs(table, path.parent), text)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from None


def _runs(table, folder):
    """All different runs of a sweep file's table, in its order."""
    for key in table:
        if key not in _KEYS:
            raise ConfigError(f"unknown key {key}; {near(key, _KEYS)}")
    preset = table.get("preset")
    if not isinstance(preset, str):
        raise ConfigError(f"preset must name a preset or a .toml file, was {preset!r}")
    if preset.endswith(".toml"):
        preset = str(folder / preset)
    fixed = _pairs(table.get("set", {}), "set")
    seeds = table.get("seeds", [])
    seeds = range(seeds) if type(seeds) is int and seeds > 0 else seeds
    if not isinstance(seeds, list | range) or any(type(seed) is not int for seed in seeds[:MOST]):
        raise ConfigError(f"seeds must be a list of integers or how many, was {brief(seeds)}")
    if "seeds" in table and not seeds:
        raise ConfigError("seeds is empty; leave it out or name one")
    choices = []
    for path, values in _pairs(table.get("grid", {}), "grid"):
        if not isinstance(values, list) or not values:
            what = "is empty" if values == [] else f"must be a list of values, was {values!r}"
            raise ConfigError(f"grid.{path} {what}")
        choices.append([(path, value) for value in values])
    if "grid" in table and not choices:
        raise ConfigError("grid is empty; leave it out or name a setting")
    given = table.get("runs", [{}])
    if not isinstance(given, list) or not given or not all(isinstance(one, dict) for one in given):
        raise ConfigError(f"runs must be a list of tables [[runs]], was {given!r}")
    choices = [[_pairs(one, "runs") for one in given], *choices]
    if (n := math.prod(map(len, choices)) * max(1, len(seeds))) > MOST:
        raise ConfigError(f"asks for {n} runs, at most {MOST} are carried out in one sweep")
    if seeds:
        choices.append([("training.seed", seed) for seed in seeds])
    runs, load = {}, Experiment.loader(preset)
    for first, *others in itertools.product(*choices):
        varied = [*first, *others]
        run = Run(load([*fixed, *varied]), dict(varied))
        runs.setdefault(run.key, run)
    return tuple(runs.values())


def _pairs(table, where):
    """A table, nested or with dotted keys, as (key path, value) pairs."""
    if not isinstance(table, dict):
        raise ConfigError(f"{where} must be a table, was {table!r}")
    pairs = []
    for key, value in table.items():
        if isinstance(value, dict):
            pairs += [(f"{key}.{path}", leaf) for path, leaf in _pairs(value, f"{where}.{key}")]
        else:
            pairs.append((key, value))
    return pairs


# -- one job: a run, or several side by side -------------------------------------------------------


def execute(job, folder, threads=None, backend="cpu", summary=False, timeout=None, ending=False):
    """Carry out a job, a list of (name, config) of runs that are simulated side by side.

    This is what is sent to other processes. Only one process at a time works on a run: another
    waits until it is done, and finds it complete.

    timeout : seconds after which a run fails
    ending : whether this process is to end where a run that fails so is stuck

    Returns
    -------
    key -> None, or why the run failed
    """
    experiments = [Experiment(name, config) for name, config in job]
    keys = [one.key for one in experiments]
    outs = {key: Path(folder) / key for key in keys}
    try:
        with store.held(*outs.values(), wait=-1) as holds:
            left = [one for one in experiments if read_result(outs[one.key]) is None]
            options = {"threads": threads, "backend": backend, "summary": summary}
            train = partial(_train, options, dict(zip(keys, holds, strict=True)), timeout, ending)
            return dict.fromkeys(keys) | train(left)  # in keys' order
    except CheckpointError as error:
        return dict.fromkeys(keys, str(error))
    except OSError as error:
        return dict.fromkeys(keys, f"{folder}: {error.strerror or error}")


def _train(options, holds, timeout, ending, experiments):
    """Train these runs, together if they can be; key -> None or why it failed."""
    again = partial(_train, options, holds, timeout, ending)
    if not experiments:
        return {}
    resumed = [begun(holds[one.key].folder) for one in experiments]
    if any(resumed) and not all(resumed):
        done = {}
        for wanted in (True, False):
            part = zip(experiments, resumed, strict=True)
            done |= again([one for one, has in part if has == wanted])
        return done
    ours = [holds[one.key] for one in experiments]
    folders = [one.folder for one in ours]
    try:
        for folder in folders:
            store.tidy(folder, ["error.json", "started.json"])
            (folder / "error.json").unlink(missing_ok=True)
            store.write_json(folder / "started.json", {})
        mode = {"resume": True} if all(resumed) else {"force": True}
        with _limited(timeout, folders, ending) as report:
            train_together(experiments, folders, **options, **mode, holds=ours, report=report)
    except Interrupted:
        raise
    except Exception as error:
        if len(experiments) > 1:  # what is wrong with one must not stop the others
            done = {}
            for one in experiments:
                done |= again([one])
            return done
        return {experiments[0].key: _failed(folders[0], error)}
    finally:
        for folder in folders:
            (folder / "started.json").unlink(missing_ok=True)
    return dict.fromkeys(one.key for one in experiments)


@contextmanager
def _limited(timeout, folders, ending):
    """What to call after every batch, so that a run which takes longer than `timeout` fails.

    ending : whether to end the process if it is not even called, a while later
    """
    if timeout is None:
        yield None
        return
    error = InfosimError(f"took longer than --timeout, {timeout:g} s")
    until = time.monotonic() + timeout

    def report(training, epochs):
        if time.monotonic() > until:
            raise error

    def end():
        for folder in folders:
            _failed(folder, error)
        os._exit(1)

    timer = threading.Timer(timeout + _LAST, end)
    timer.daemon = True
    if ending:
        timer.start()
    try:
        yield report
    finally:
        timer.cancel()


def _failed(folder, error):
    """Write down why a run failed, and return it."""
    reason = " ".join(str(error).split())
    if not isinstance(error, InfosimError):
        reason = f"{type(error).__name__}: {reason}" if reason else type(error).__name__
    with suppress(CheckpointError, OSError):  # the reason is told all the same
        folder.mkdir(parents=True, exist_ok=True)
        store.write_json(folder / "error.json", {"reason": reason})
    return reason


# -- all of them -----------------------------------------------------------------------------------


@dataclass
class Status:
    """How far a sweep is: keys of runs that are done, failed (with the reason), or left."""

    done: list
    failed: dict
    left: list


def status(plan, out):
    """The `Status` of the planned runs in a sweep's directory, from its files alone."""
    found = Status([], {}, [])
    for key, _ in plan:
        folder = Path(out) / "runs" / key
        if read_result(folder) is not None:
            found.done.append(key)
        elif (reason := _reason(folder)) is not None:
            found.failed[key] = reason
        else:
            found.left.append(key)
    return found


def _reason(folder):
    """Why the run in this directory failed; None if it did not."""
    try:
        error = store.read_json(folder / "error.json")
        return " ".join(error["reason"].split())
    except FileNotFoundError:
        return None
    except (CheckpointError, KeyError, TypeError, AttributeError):
        return "error.json cannot be read"


def run_sweep(
    sweep, out=None, *, jobs=1, scheduler=None, threads=None, backend="cpu", stack=1, resume=False,
    retry=False, summary=False, timeout=None, report=None,
):  # fmt: skip
    """Carry out all runs of a sweep that are not complete, and write results.csv.

    Parameters
    ----------
    sweep : Sweep; out : its directory, by default sweeps/<name>
    jobs : processes on this machine; scheduler : address of a Dask scheduler to use in their place
    threads : of each run; by default the CPUs shared out among the jobs, 1 with a scheduler
    backend : "cpu", "cuda", "auto"; stack : runs simulated side by side, where they are alike
    resume : continue what is in `out`; retry : also runs that failed before
    summary : draw each run's summary.png
    timeout : seconds after which a run fails, at its next batch. One that does not come to it ends
        with its process on this machine, where there is one for it, but not with a scheduler
    report : called with (done, running, failed, all) numbers of runs whenever one changes

    Returns
    -------
    Status

    Raises
    ------
    ConfigError : numbers out of range; an engine that is not installed
    CheckpointError : the directory is in use by another process, holds a sweep (and not resume), or
        cannot be written
    BackendError : an unreachable scheduler
    Interrupted : stopped by the user; everything begun can be resumed
    """
    for name, value in (("jobs", jobs), ("stack", stack), ("threads", threads)):
        if value is not None and value < 1:
            raise ConfigError(f"{name} must be at least 1, was {value}")
    if timeout is not None and not timeout > 0:
        raise ConfigError(f"timeout must be a number of seconds above 0, was {timeout}")
    out = Path(out) if out is not None else Path("sweeps") / sweep.name
    backend = backends.resolve(backend) if scheduler is None else backend
    with (
        _engine(jobs, scheduler, timeout) as engine,
        store.held(out) as (held,),
        _stopped_by_signals(),
    ):
        _prepare(sweep, out, resume)
        before = status(sweep.plan, out)
        if retry:
            for key in before.failed:
                (out / "runs" / key / "error.json").unlink(missing_ok=True)
            before = status(sweep.plan, out)
        wanted = set(before.left)
        jobs_left = _jobs([run for run in sweep.runs if run.key in wanted], stack)
        progress = _Progress(len(sweep.runs), len(before.done), len(before.failed), report)
        if threads is None:
            threads = 1 if scheduler is not None else max(1, available() // jobs)
        options = {
            "folder": str((out / "runs").absolute()), "threads": threads, "backend": backend,
            "summary": summary, "timeout": timeout,
        }  # fmt: skip
        try:
            engine(jobs_left, options, progress)
        except (Interrupted, KeyboardInterrupt) as error:
            again = "the same command" if resume else "the same command with --resume"
            number = getattr(error, "number", signal.SIGINT)
            raise Interrupted(f"stopped; to continue: {again} ({out})", number) from None
        finally:
            held.check()
            write_table(sweep.plan, out)
    return status(sweep.plan, out)


@contextmanager
def _stopped_by_signals():
    """SIGTERM and SIGHUP raise Interrupted, as Ctrl-C raises KeyboardInterrupt."""
    before = {}

    def stop(number, frame):
        raise Interrupted("stopped", number)

    if threading.current_thread() is threading.main_thread():
        for number in STOPPING:
            if number != signal.SIGINT and signal.getsignal(number) == signal.SIG_DFL:
                before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Progress:
    """Numbers of runs, told whenever they change."""

    def __init__(self, n, done, failed, report):
        self._n, self._done, self._failed, self._report = n, done, failed, report
        self.tell(0)

    def tell(self, running, results=None):
        """Count what `execute` returned, and say how many runs are at work now."""
        failed = sum(reason is not None for reason in (results or {}).values())
        self._failed += failed
        self._done += len(results or {}) - failed
        if self._report is not None:
            self._report(self._done, running, self._failed, self._n)


def _prepare(sweep, out, resume):
    """Make the sweep's directory, or check that it may be continued."""
    try:
        if (out / "sweep.toml").exists() and not resume:
            raise CheckpointError(f"{out} already holds a sweep; use --resume or another --out")
        (out / "runs").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CheckpointError(f"cannot write {out}: {error.strerror}") from None
    store.tidy(out, ["sweep.toml", "runs.json"])
    store.write_text(out / "sweep.toml", sweep.text)
    runs = [{"key": key, "settings": settings} for key, settings in sweep.plan]
    store.write_json(out / "runs.json", runs)


def _jobs(runs, stack):
    """Runs as jobs of at most `stack` that are alike: lists of (name, config)."""
    groups = {}
    for run in runs:
        groups.setdefault(_form(run.experiment.config) if stack > 1 else run.key, []).append(run)
    return [
        [(run.experiment.name, run.experiment.config) for run in group[i : i + stack]]
        for group in groups.values()
        for i in range(0, len(group), stack)
    ]


def _form(config):
    """A text that is the same for configurations that can be simulated side by side."""
    form = json.loads(json.dumps({k: config[k] for k in ("data", "training", "network", "layers")}))
    form["training"].pop("seed")
    for layer in form["layers"].values():
        layer.pop("goal")
        layer["optimizer"] = layer["optimizer"]["name"]
        layer["activation"] = layer["activation"]["name"], layer["activation"]["clamp"]
        for compartment in layer["compartments"].values():
            compartment.pop("weight", None)
    return json.dumps(form)


@contextmanager
def _engine(jobs, scheduler, timeout):
    """The function (jobs, options, progress) that has jobs carried out."""
    if scheduler is not None:
        with dask_client(scheduler) as client:
            yield partial(_by_dask, client)
    elif jobs > 1 or timeout is not None:  # a run that is stuck can only be ended with its process
        yield partial(_by_processes, need("joblib", "sweep").externals.loky, jobs)
    else:
        yield _one_by_one


def _one_by_one(jobs, options, progress):
    following = [len(job) for job in jobs[1:]] + [0]
    progress.tell(len(jobs[0]) if jobs else 0)
    for job, running in zip(jobs, following, strict=False):
        progress.tell(running, execute(job, **options))


def _by_processes(loky, n_processes, jobs, options, progress):
    """Jobs in processes of this machine; where a process dies, the rest goes on in new ones.

    With one process all others are lost, too. So the jobs that were at work then are tried again
    one by one, and the one that keeps dying fails alone.
    """
    left = {_keys(job): job for job in jobs}
    deaths = dict.fromkeys(left, 0)
    while left:
        chosen = [keys for keys in left if not deaths[keys]] or list(left)[:1]
        n = min(n_processes, len(chosen))
        progress.tell(_at_work(chosen, n))
        try:
            with _workers(loky, n) as submit:
                futures = [
                    submit(_in_worker, execute, left[keys], ending=True, **options)
                    for keys in chosen
                ]
                for future in concurrent.futures.as_completed(futures):
                    results = future.result()
                    del left[tuple(results)]
                    chosen.remove(tuple(results))
                    progress.tell(_at_work(chosen, n), results)
        except loky.process_executor.TerminatedWorkerError:
            folder = Path(options["folder"])
            for keys in list(chosen):
                reasons = {key: _reason(folder / key) for key in keys}
                if any(reasons.values()):  # it was stuck, and ended by us
                    del left[keys]
                    chosen.remove(keys)
                    progress.tell(0, reasons)
                    break
            else:
                for keys in _begun(chosen, folder) or chosen:
                    deaths[keys] += 1
                    if deaths[keys] == _DEATHS:
                        del left[keys]
                        progress.tell(0, _died(keys, folder))


@contextmanager
def _workers(loky, n):
    """The `submit` of n processes, which have time to save if this is left by an exception."""
    others = multiprocessing.active_children()
    executor = loky.ProcessPoolExecutor(n, initializer=_begin_worker, initargs=(os.getpid(),))
    futures = []

    def submit(*call, **options):
        futures.append(executor.submit(*call, **options))
        return futures[-1]

    try:
        yield submit
        executor.shutdown()
    except BaseException:
        for future in futures:
            future.cancel()
        ours = [child for child in multiprocessing.active_children() if child not in others]
        until, running = time.monotonic() + _LAST, futures
        while running and time.monotonic() < until:
            for child in ours:
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
    """End this process when it has another parent: in good order, then anyhow."""
    while os.getppid() == parent:
        time.sleep(0.2)
    until = time.monotonic() + _LAST
    _Worker.leaving = True
    while _Worker.busy and time.monotonic() < until:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.2)
    os._exit(128 + signal.SIGTERM)


def _in_worker(execute, job, **options):
    """Execute a job in a process of its own, unless it is to end."""
    if _Worker.leaving:
        raise Interrupted("stopped", signal.SIGTERM)
    _Worker.busy = True
    try:
        return execute(job, **options)
    except Interrupted:
        _Worker.leaving = True
        raise
    finally:
        _Worker.busy = False


def _keys(job):
    return tuple(Experiment(*one).key for one in job)


def _at_work(left, n):
    """How many runs are in the first n jobs that are left."""
    return sum(len(keys) for keys in itertools.islice(left, n))


def _begun(jobs, folder):
    """The jobs, by their keys, of which some run was begun and is not done."""
    return [
        keys for keys in jobs if any((Path(folder) / k / "started.json").exists() for k in keys)
    ]


def _died(keys, folder):
    """Fail runs whose process died again and again."""
    reason = InfosimError(f"its process died {_DEATHS} times (killed, or out of memory)")
    return {key: _failed(Path(folder) / key, reason) for key in keys}


def _by_dask(client, jobs, options, progress):
    """Jobs on the workers of a Dask scheduler, which sends those of a lost worker to another."""
    import distributed

    submit = partial(client.submit, _on_worker, execute, **options, pure=False)
    futures = {submit(job): _keys(job) for job in jobs}
    left = dict.fromkeys(futures.values())
    workers = len(client.ncores())
    progress.tell(_at_work(left, workers))
    for future in distributed.as_completed(list(futures)):
        keys = futures[future]
        left.pop(keys)
        error = future.exception()
        if isinstance(error, Interrupted):
            raise error
        if isinstance(error, distributed.CancelledError):
            raise BackendError("the Dask scheduler is gone; --resume goes on")
        if isinstance(error, distributed.KilledWorker):
            results = _died(keys, options["folder"])
        elif error is not None:
            results = {key: _failed(Path(options["folder"]) / key, error) for key in keys}
        else:
            results = future.result()
        progress.tell(_at_work(left, workers), results)


def _on_worker(execute, job, **options):
    """Execute a job in a Dask worker."""
    tell_in_a_line()
    return execute(job, **options)


# -- results ---------------------------------------------------------------------------------------


def table(plan, out):
    """The complete ones of the planned runs, in their order: column names, and rows name -> value.

    Columns: key, the settings in which runs differ, epochs, errors and mean goals.
    """
    columns = dict.fromkeys(["key", *(name for _, settings in plan for name in settings)])
    rows = []
    for key, settings in plan:
        result = read_result(Path(out) / "runs" / key)
        if result is None:
            continue
        rows.append({"key": key, **settings, **result})
        columns |= dict.fromkeys(result)
    return list(columns), rows


def write_table(plan, out):
    """Write results.csv, the `table` of a sweep."""
    columns, rows = table(plan, out)
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    store.write_text(Path(out) / "results.csv", text.getvalue())


def load_plan(out):
    """(key, settings) of every run that a sweep's directory was made for.

    Raises
    ------
    CheckpointError : it holds none
    """
    path = Path(out) / "runs.json"
    try:
        planned = store.read_json(path)
    except (FileNotFoundError, CheckpointError) as error:
        why = f": {error}" if isinstance(error, CheckpointError) else ""
        raise CheckpointError(f"{out} holds no sweep{why}") from None
    fits = isinstance(planned, list) and all(
        isinstance(one, dict)
        and isinstance(one.get("key"), str)
        and re.fullmatch("[0-9a-f]{16}", one["key"])
        and isinstance(one.get("settings"), dict)
        for one in planned
    )
    if not fits:
        raise CheckpointError(f"{out} holds no sweep: {path} is damaged, is no list of runs")
    return [(one["key"], one["settings"]) for one in planned]
