"""Sweeps: many runs from one file, each in a directory named after its settings, never lost.

A sweep's directory holds sweep.toml (as given), runs.json (what it resolved to), runs/<key>/ (a run
directory each, with error.json in place of result.json where it failed) and results.csv, which is
made from the run directories alone. Runs are carried out by existing engines: joblib's processes on
one machine, Dask's workers on many. Whatever is killed, the next start goes on where it was: a run
is complete when its result.json stands.
"""

import csv
import io
import itertools
import json
import tomllib
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from infosim.errors import BackendError, CheckpointError, ConfigError, InfosimError, near
from infosim.experiments import store
from infosim.experiments.config import Experiment, read_toml
from infosim.experiments.extras import dask_client, need
from infosim.experiments.run import Interrupted, train_together
from infosim.kernels import backend as backends
from infosim.kernels.workers import available

_KEYS = ("preset", "seeds", "set", "grid", "runs")
#: How often a run's process may die before it counts as failed.
_DEATHS = 3


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
        try:
            text = path.read_text("utf-8")
            table = read_toml(text)
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8 text"
            raise ConfigError(f"cannot read {path}: {reason}") from None
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{path} is not valid TOML: {error}") from None
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
    seeds = list(range(seeds)) if type(seeds) is int and seeds > 0 else seeds
    if not isinstance(seeds, list) or any(type(seed) is not int for seed in seeds):
        raise ConfigError(f"seeds must be a list of integers or how many, was {seeds!r}")
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
    if seeds:
        choices.append([("training.seed", seed) for seed in seeds])
    runs = {}
    for first, *others in itertools.product(*choices):
        varied = [*first, *others]
        run = Run(Experiment.load(preset, [*fixed, *varied]), dict(varied))
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


def execute(job, folder, threads=None, backend="cpu", summary=False):
    """Carry out a job, a list of (name, config) of runs that are simulated side by side.

    This is what is sent to other processes. Only one process at a time works on a run: another
    waits until it is done, and finds it complete.

    Returns
    -------
    key -> None, or why the run failed
    """
    from filelock import FileLock

    experiments = [Experiment(name, config) for name, config in job]
    keys = [one.key for one in experiments]
    outs = {key: Path(folder) / key for key in keys}
    locks = []
    try:
        for key in sorted(keys):  # always in the same order, so that none waits for another
            outs[key].mkdir(parents=True, exist_ok=True)
            locks.append(FileLock(outs[key] / ".lock"))
            locks[-1].acquire()
        left = [one for one in experiments if not (outs[one.key] / "result.json").exists()]
        return dict.fromkeys(keys) | _train(left, outs, threads, backend, summary)  # in keys' order
    except OSError as error:
        return dict.fromkeys(keys, f"{folder}: {error.strerror or error}")
    finally:
        for lock in locks:
            lock.release()


def _train(experiments, outs, threads, backend, summary):
    """Train these runs, together if they can be; key -> None or why it failed."""
    if not experiments:
        return {}
    begun = [(outs[one.key] / "checkpoint.npz").exists() for one in experiments]
    if any(begun) and not all(begun):
        done = {}
        for wanted in (True, False):
            part = [one for one, has in zip(experiments, begun, strict=True) if has == wanted]
            done |= _train(part, outs, threads, backend, summary)
        return done
    folders = [outs[one.key] for one in experiments]
    options = {"threads": threads, "backend": backend, "summary": summary}
    try:
        for folder in folders:
            (folder / "error.json").unlink(missing_ok=True)
            store.write_json(folder / "started.json", {})
        if all(begun):
            train_together(experiments, folders, **options, resume=True)
        else:
            train_together(experiments, folders, **options, force=True)
    except Interrupted:
        raise
    except Exception as error:
        if len(experiments) > 1:  # what is wrong with one must not stop the others
            done = {}
            for one in experiments:
                done |= _train([one], outs, threads, backend, summary)
            return done
        return {experiments[0].key: _failed(folders[0], error)}
    finally:
        for folder in folders:
            (folder / "started.json").unlink(missing_ok=True)
    return dict.fromkeys(one.key for one in experiments)


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
        if (folder / "result.json").exists():
            found.done.append(key)
        elif (folder / "error.json").exists():
            try:
                reason = json.loads((folder / "error.json").read_text("utf-8"))["reason"]
            except (OSError, ValueError, KeyError):
                reason = "error.json cannot be read"
            found.failed[key] = reason
        else:
            found.left.append(key)
    return found


def run_sweep(
    sweep, out=None, *, jobs=1, scheduler=None, threads=None, backend="cpu", stack=1, resume=False,
    retry=False, summary=False, report=None,
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
    report : called with (done, running, failed, all) numbers of runs whenever one changes

    Returns
    -------
    Status

    Raises
    ------
    ConfigError : numbers out of range; an engine that is not installed
    CheckpointError : the directory holds a sweep (and not resume), or cannot be written
    BackendError : an unreachable scheduler
    Interrupted : stopped by the user; everything begun can be resumed
    """
    for name, value in (("jobs", jobs), ("stack", stack), ("threads", threads)):
        if value is not None and value < 1:
            raise ConfigError(f"{name} must be at least 1, was {value}")
    out = Path(out) if out is not None else Path("sweeps") / sweep.name
    backend = backends.resolve(backend) if scheduler is None else backend
    need("filelock", "sweep" if scheduler is None else "cluster")
    with _engine(jobs, scheduler) as engine:
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
        options = {"folder": str((out / "runs").absolute()), "threads": threads}
        try:
            engine(jobs_left, {**options, "backend": backend, "summary": summary}, progress)
        except (Interrupted, KeyboardInterrupt):
            again = "the same command" if resume else "the same command with --resume"
            raise Interrupted(f"stopped; to continue: {again} ({out})") from None
        finally:
            write_table(sweep.plan, out)
    return status(sweep.plan, out)


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
def _engine(jobs, scheduler):
    """The function (jobs, options, progress) that has jobs carried out."""
    if scheduler is not None:
        with dask_client(scheduler) as client:
            yield partial(_by_dask, client)
    elif jobs > 1:
        yield partial(_by_joblib, need("joblib", "sweep"), jobs)
    else:
        yield _one_by_one


def _one_by_one(jobs, options, progress):
    following = [len(job) for job in jobs[1:]] + [0]
    progress.tell(len(jobs[0]) if jobs else 0)
    for job, running in zip(jobs, following, strict=False):
        progress.tell(running, execute(job, **options))


def _by_joblib(joblib, n_processes, jobs, options, progress):
    """Jobs in processes of this machine; where a process dies, the rest goes on in new ones.

    With one process all others are lost, too. So the jobs that were at work then are tried again
    one by one, and the one that keeps dying fails alone.
    """
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    left = {_keys(job): job for job in jobs}
    deaths = dict.fromkeys(left, 0)
    while left:
        chosen = [keys for keys in left if not deaths[keys]] or list(left)[:1]
        progress.tell(_at_work(chosen, n_processes))
        parallel = joblib.Parallel(n_processes, return_as="generator_unordered", batch_size=1)
        tasks = [joblib.delayed(execute)(left[keys], **options) for keys in chosen]
        try:
            for results in parallel(tasks):
                del left[tuple(results)]
                chosen.remove(tuple(results))
                progress.tell(_at_work(chosen, n_processes), results)
        except TerminatedWorkerError:
            for keys in _begun(chosen, options["folder"]) or chosen:
                deaths[keys] += 1
                if deaths[keys] == _DEATHS:
                    del left[keys]
                    progress.tell(0, _died(keys, options["folder"]))


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

    futures = {client.submit(execute, job, **options, pure=False): _keys(job) for job in jobs}
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


# -- results ---------------------------------------------------------------------------------------


def table(plan, out):
    """The complete ones of the planned runs, in their order: column names, and rows name -> value.

    Columns: key, the settings in which runs differ, epochs, errors and mean goals.
    """
    columns = dict.fromkeys(["key", *(name for _, settings in plan for name in settings)])
    rows = []
    for key, settings in plan:
        try:
            text = (Path(out) / "runs" / key / "result.json").read_text("utf-8")
            result = json.loads(text)
        except (OSError, ValueError):
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
    out = Path(out)
    try:
        planned = json.loads((out / "runs.json").read_text("utf-8"))
        return [(one["key"], one["settings"]) for one in planned]
    except (OSError, ValueError, KeyError, TypeError):
        raise CheckpointError(f"{out} holds no sweep") from None
