"""Sweeps: many runs from one file, each in a directory named after its settings, never lost.

A sweep's directory holds sweep.toml (as given), runs.json (what it resolved to), runs/<key>/ (a run
directory each, with error.json in place of result.json where it failed) and results.csv, which is
made from the run directories alone. An engine carries out the runs (engines.py). Whatever is
killed, the next start goes on where it was: a run is complete when its result.json stands. One
process at a time carries out a sweep.
"""

import itertools
import json
import math
import signal
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from infosim.errors import CheckpointError, ConfigError, brief, near
from infosim.experiments import store
from infosim.experiments.directory import why_failed
from infosim.experiments.engines import engine
from infosim.experiments.experiment import Experiment
from infosim.experiments.identity import alike
from infosim.experiments.job import execute, fail
from infosim.experiments.plan import status, write_table
from infosim.experiments.reading import parse, read
from infosim.experiments.stopping import Interrupted, stopped_by_signals
from infosim.kernels import backend as backends
from infosim.kernels.workers import available

_KEYS = ("preset", "seeds", "set", "grid", "runs")
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
    runs, load = {}, Experiment.loader(preset, folder)
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


# -- all of them -----------------------------------------------------------------------------------


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
    # a run that is stuck can only be ended with its process
    processes = jobs if scheduler is None and (jobs > 1 or timeout is not None) else None
    with (
        engine(processes, scheduler) as carry_out,
        store.held(out) as (held,),
        stopped_by_signals(),
    ):
        _prepare(sweep, out, resume)
        before = status(sweep.plan, out)
        if retry:
            for key in before.failed:
                (out / "runs" / key / "error.json").unlink(missing_ok=True)
            before = status(sweep.plan, out)
        wanted = set(before.left)
        stacks = _stacks([run for run in sweep.runs if run.key in wanted], stack)
        if threads is None:
            threads = 1 if scheduler is not None else max(1, available() // jobs)
        options = {
            "folder": str((out / "runs").absolute()), "threads": threads, "backend": backend,
            "summary": summary, "timeout": timeout, "ending": processes is not None,
        }  # fmt: skip
        waiting = _Jobs(stacks, options, before, report)
        try:
            carry_out(waiting)
        except (Interrupted, KeyboardInterrupt) as error:
            again = "the same command" if resume else "the same command with --resume"
            number = getattr(error, "number", signal.SIGINT)
            raise Interrupted(f"stopped; to continue: {again} ({out})", number) from None
        finally:
            held.check()
            write_table(sweep.plan, out)
    return status(sweep.plan, out)


class _Jobs:
    """Runs as `engines.Jobs`, each of runs that are simulated side by side, named by their keys.

    left : keys -> what `execute` takes; options : of it, the same for all
    before : the `Status` of all runs; report : told the numbers of runs whenever one changes
    """

    def __init__(self, left, options, before, report):
        self.call, self.left = partial(execute, **options), left
        self._folder, self._report = Path(options["folder"]), report
        self._done, self._failed = len(before.done), len(before.failed)
        self._n = self._done + self._failed + len(before.left)
        self.tell(())

    def tell(self, running, result=None):
        failed = sum(reason is not None for reason in (result or {}).values())
        self._failed += failed
        self._done += len(result or {}) - failed
        if self._report is not None:
            self._report(self._done, sum(map(len, running)), self._failed, self._n)

    def begun(self, keys):
        return any((self._folder / key / "started.json").exists() for key in keys)

    def ended(self, keys):
        reasons = {key: why_failed(self._folder / key) for key in keys}
        return reasons if any(reasons.values()) else None

    def failed(self, keys, error):
        return {key: fail(self._folder / key, error) for key in keys}


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


def _stacks(runs, stack):
    """Runs in jobs of at most `stack` that are alike: their keys -> list of (name, config)."""
    groups = {}
    for run in runs:
        form = json.dumps(alike(run.experiment.config)) if stack > 1 else run.key
        groups.setdefault(form, []).append(run)
    parts = [group[i : i + stack] for group in groups.values() for i in range(0, len(group), stack)]
    return {
        tuple(r.key for r in part): [(r.experiment.name, r.experiment.config) for r in part]
        for part in parts
    }
