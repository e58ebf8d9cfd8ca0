"""The search for goals: γ of one layer or group, by the error that training with them ends at.

A trial is one training, in memory; the test split is not looked at. All trials lie in a database,
from which a search goes on wherever it was stopped, which many processes may share, and from which
best.toml, trials.csv and search.png are made.
"""

import copy
import csv
import io
import math
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial, reduce
from numbers import Real
from operator import getitem
from pathlib import Path

import numpy as np
import tomli_w

from infosim.engine import Simulator, Training
from infosim.errors import (
    BackendError,
    CheckpointError,
    ConfigError,
    DivergedError,
    InfosimError,
    integer,
    near,
)
from infosim.experiments import store
from infosim.experiments.encoded import called
from infosim.experiments.engines import DaskWorkers, dask_client
from infosim.experiments.experiment import Experiment
from infosim.experiments.reading import preset_names
from infosim.experiments.resolve import connections, goals
from infosim.experiments.stopping import Interrupted, signals
from infosim.experiments.tables import DESCRIPTIONS
from infosim.extras import need
from infosim.kernels import backend as backends
from infosim.network.rules import Rule
from infosim.pid import Goal
from infosim.pid.scheduled import goal_of

FILES = ("best.toml", "trials.csv", "search.png")
METRICS = ("val_error", "train_error")
#: Seconds to wait for another process that writes the files of the study.
_TURN = 60
SAMPLERS = ("tpe", "cmaes")


@dataclass(frozen=True)
class Progress:
    """How far a search is.

    complete, pruned, failed : numbers of trials; wanted : of complete and pruned ones
    best : number of the best trial and its value; start : value of the goal it began with; None
        before there is one
    """

    complete: int
    pruned: int
    failed: int
    wanted: int
    best: tuple[int, float] | None
    start: float | None

    @property
    def finished(self):
        return self.complete + self.pruned


@dataclass(frozen=True)
class OptimizeResult:
    """What a search found.

    goal : the best trial's; trial : its number; value : its metric, a fraction
    start : the metric of the goal the search began with, None if that trial is not complete
    complete, pruned, failed : numbers of trials
    out : the directory with best.toml, trials.csv and search.png
    """

    goal: Goal
    trial: int
    value: float
    start: float | None
    complete: int
    pruned: int
    failed: int
    out: Path


def optimize(
    experiment, out=None, *, trials=100, minutes=None, layer=None, metric="val_error",
    sampler="tpe", seed=0, storage=None, name=None, prune=True, scheduler=None, threads=None,
    backend="cpu", source=None, report=None,
):  # fmt: skip
    """Search γ in [-1, 1] of every atom and of H_res for the goal with the smallest error.

    The first trial is the experiment's own goal, divided by its largest |γ| if that is above 1.

    Parameters
    ----------
    experiment : Experiment; its epochs and seed are those of every trial
    out : the directory; by default studies/<name>-<dataset>
    trials : of the whole study, complete or pruned: a study that has as many is finished. Several
        processes may end with one more each
    minutes : after which no more trials are begun by this call, which makes one at least
    layer : whose goal; by default the first one that learns and is not the readout. Of a layer with
        groups one of them is named, "LAYER/GROUP"
    metric : "val_error" or "train_error", after the last epoch
    sampler : "tpe" or "cmaes", Optuna's; seed : its seed
    storage : URL of the database; by default SQLite in `out`
    name : of the study; by default <name>-<dataset>
    prune : stop trials that are worse than the median (Optuna's MedianPruner; from a quarter of the
        epochs on, after five complete trials)
    scheduler : address of a Dask scheduler whose workers carry out the trials
    threads, backend : where each trial runs; with a scheduler, `threads` is by default the worker's
    source : preset or .toml file that best.toml extends; by default the preset of the experiment's
        name. Without one best.toml holds all settings
    report : called with a `Progress` at the beginning and after every trial

    Returns
    -------
    OptimizeResult

    Raises
    ------
    ConfigError : Optuna (or Dask) is not installed, a layer that does not learn, an unknown metric
        or sampler, val_error without validation samples, a number out of range
    CheckpointError : the database or the directory cannot be used, or the study was made with other
        settings
    BackendError : the backend or the scheduler is not there
    Interrupted : SIGINT or SIGTERM arrived; the trial under way is the first one of the next start
    """
    studies = _studies()
    trials = integer("trials", trials)
    if minutes is not None and not (isinstance(minutes, Real) and minutes > 0):
        raise ConfigError(f"minutes must be a number above 0, was {minutes!r}")
    seed = integer("seed", seed, 0, 2**32 - 1)
    for what, value, known in (("metric", metric, METRICS), ("sampler", sampler, SAMPLERS)):
        if value not in known:
            raise ConfigError(f"unknown {what} {value!r}; {near(value, known)}")
    if sampler == "cmaes":
        need("cmaes", "optimize", "--sampler cmaes needs cmaes")
    if scheduler is not None:
        need("distributed", "cluster", "--scheduler needs Dask")
    if source is None and experiment.name in preset_names():
        source = experiment.name
    label = f"{experiment.name.replace('/', '-')}-{called(experiment.config)}"
    out = Path(out) if out is not None else Path("studies") / label
    for what in (label if name is None else name, str(out.absolute()), storage, source):
        try:
            str(what).encode()
        except UnicodeEncodeError:  # a file's name that is no text; databases and TOML hold text
            raise ConfigError(f"a study needs names in UTF-8, was {what!r}") from None
    search = _Search(
        experiment=experiment,
        layer=_layer(experiment, layer),
        metric=metric,
        sampler=sampler,
        seed=seed,
        prune=prune,
        storage=studies.database(out / "study.db" if storage is None else storage),
        name=label if name is None else name,
        threads=threads,
        backend=backend if scheduler is not None else backends.resolve(backend),
    )
    with ExitStack() as stack:
        stack.callback(_loaded.clear)
        search.check(scheduler is not None)
        client = None
        if scheduler is not None:
            client = stack.enter_context(dask_client(scheduler))
        with _directory(out):
            study = search.study(create=True)
        results = _Results(search, study, out, source)
        results.tidy()
        arrived = stack.enter_context(signals())
        stack.enter_context(studies.told(search.storage))
        stack.enter_context(studies.quietly())
        until = math.inf if minutes is None else time.monotonic() + 60 * minutes
        try:
            _carry_out(search, results, trials, until, client, arrived, report)
            if results.progress(trials).start is None:  # whoever had this trial was killed
                search.enqueue_start(study)
                more = results.progress(trials).finished + 1
                _carry_out(search, results, more, math.inf, client, arrived, report)
        except Interrupted:
            results.write(picture=True)
            done = results.progress(trials).finished
            raise Interrupted(
                f"stopped with {done} of {trials} trials; to continue: the same command",
                *arrived[:1],
            ) from None
        results.write(picture=True)
        return results.found()


def _carry_out(search, results, wanted, until, client, arrived, report):
    """Carry out trials, here or on the client's workers, until the study has as many as wanted.

    until : time.monotonic() after which no more are begun
    """

    def tell():
        results.write()
        if report is not None:
            report(results.progress(wanted))

    tell()
    if client is not None:
        _on_workers(client, search, results, wanted, until, tell, arrived)
        return
    while results.progress(wanted).finished < wanted:
        _studies().run_trial(results.study, partial(search.run, arrived=arrived))
        tell()
        if time.monotonic() > until:
            return


def _studies():
    """The module that imports Optuna."""
    for package in ("optuna", "sqlalchemy"):
        need(package, "optimize", "optimize needs Optuna")
    from infosim.experiments import study

    return study


def _layer(experiment, name):
    """The name of the layer, or the group, whose goal is searched."""
    layers = experiment.config["layers"]
    readout, rule = (experiment.config["network"][key] for key in ("readout", "rule"))
    climbing = [name for name, one in layers.items() if Rule.of(one["rule"] or rule).goal]
    if not climbing:
        raise ConfigError(f"with network.rule {Rule.of(rule).name!r} no layer learns by a goal")
    found = goals(experiment.config)
    trained = {
        layer
        for layer in climbing
        if any(
            c["trainable"] for k in layers[layer]["compartments"].values() for c in connections(k)
        )
    }
    if name is None:
        learning = [one.layer for one in found.values() if one.goal and one.layer in trained]
        name = next((layer for layer in learning if layer != readout), None)
        if name is None:
            raise ConfigError(
                "no layer but the readout learns; name the one to search with --layer"
            )
    own = [one for one, place in found.items() if place.layer == name != one]
    if own:
        raise ConfigError(
            f"layer {name!r} has groups, of which one goal is searched at a time; name it with "
            f"--layer: {', '.join(own)}"
        )
    if name not in found:
        raise ConfigError(f"no layer {name!r}; {near(name, found)}")
    layer, _, goal = found[name]
    if layer not in climbing:
        raise ConfigError(f"layer {name!r} does not learn by its goal")
    if not goal or layer not in trained:
        why = "none of its compartments is trainable" if goal else "it has no goal"
        raise ConfigError(f"layer {name!r} does not learn: {why}")
    return name


@contextmanager
def _directory(out):
    """Make the directory; what was made goes again if the search cannot begin."""
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise CheckpointError(f"cannot write {out}: {error.strerror or error}") from None
    except InfosimError:
        with suppress(OSError):  # not empty
            for folder in made:
                folder.rmdir()
        raise


# -- a trial ---------------------------------------------------------------------------------------

#: Data and samples of the experiment used last, so that a worker reads them once.
_loaded = {}


@dataclass(frozen=True)
class _Search:
    """What is searched and how: all that a process needs to carry out a trial of the study."""

    experiment: Experiment
    layer: str
    metric: str
    sampler: str
    seed: int
    prune: bool
    storage: str
    name: str
    threads: int | None
    backend: str

    @property
    def epochs(self):
        return self.experiment.config["training"]["epochs"]

    @property
    def place(self):
        """Where the searched goal stands in the settings."""
        return goals(self.experiment.config)[self.layer]

    @property
    def start(self):
        """The goal the search begins with: the experiment's, within [-1, 1]."""
        layer, _, given = self.place
        goal = goal_of(given, tuple(self.experiment.config["layers"][layer]["compartments"]))
        if not isinstance(goal, Goal):
            raise ConfigError(
                f"the goal of layer {self.layer!r} changes over training; a search is for one that "
                f"does not: give it another to begin with"
            )
        return Goal(goal.gamma / max(1.0, np.abs(goal.gamma).max()), goal.sources)

    def settings(self):
        """A table of all that a study's values depend on, but for γ."""
        settings = copy.deepcopy(self.experiment.config)
        *tables, key = self.place.keys
        del reduce(getitem, tables, settings)[key]
        for name in DESCRIPTIONS:
            del settings[name]
        return {"layer": self.layer, "metric": self.metric, **settings}

    def check(self, remote):
        """Raise if a trial cannot be carried out; on another machine its backend may be there."""
        config = self.experiment.config
        if self.epochs < 1:
            raise ConfigError(f"training.epochs must be at least 1, was {self.epochs}")
        dataset, _, validation = self.data()
        error = self.experiment.error(dataset)
        readout = config["network"]["readout"] and config["network"]["target"]
        if not readout and (error is None or self.metric == "train_error"):
            raise ConfigError(f"{self.metric} needs a network with a readout layer and a target")
        if self.metric == "val_error" and validation is None:
            raise ConfigError(
                "val_error needs samples held out from training, data.validation is 0: "
                "set it or use --metric train_error"
            )
        backends.resolve(self.backend)
        threads = 1 if self.threads is None else self.threads
        here = replace(self, backend="cpu", threads=threads) if remote else self
        here.training(self.start)

    def study(self, create=False):
        """The study, which is Optuna's; its first trial is the start."""
        return _studies().open_study(
            self.storage, self.name, self.sampler, self.seed,
            max(1, self.epochs // 4) if self.prune else None,
            self.settings() if create else None, self.gammas(self.start),
        )  # fmt: skip

    def gammas(self, goal):
        return dict(zip(goal.labels, goal.gamma.tolist(), strict=True))

    def enqueue_start(self, study):
        study.enqueue_trial(self.gammas(self.start), {"start": True})

    def with_goal(self, goal):
        """The experiment with this goal."""
        config = copy.deepcopy(self.experiment.config)
        *tables, key = self.place.keys
        reduce(getitem, tables, config)[key] = str(goal)
        return Experiment(self.experiment.name, config)

    def data(self):
        """The data set, training samples and validation samples or None."""
        key = self.experiment.key
        if key not in _loaded:
            _loaded.clear()
            dataset = self.experiment.dataset()
            _loaded[key] = dataset, *self.experiment.samples(dataset)[:2]
        return _loaded[key]

    def training(self, goal):
        """A Training with this goal. It has no test samples."""
        settings = self.experiment.config["training"]
        dataset, train, validation = self.data()
        network = self.with_goal(goal).network(dataset)
        rarely = {"record_every": len(train)}  # nobody looks at the atoms
        return Training(
            Simulator(network, self.backend, settings["seed"], self.threads, settings["dtype"]),
            train,
            validation=validation if self.metric == "val_error" else None,
            error=self.experiment.error(dataset),
            **self.experiment.training | rarely,
        )

    def run(self, trial, arrived=()):
        """Carry out Optuna's `trial`; returns the metric after the last epoch.

        arrived : filled when the trial is to be given up

        Raises
        ------
        Interrupted : the trial was given up, and will be the next one
        TrialPruned : it was worse than others, or diverged
        DivergedError : the goal the search begins with diverged
        """
        start = trial.user_attrs.get("start", False)
        labels, sources = self.start.labels, self.start.sources
        gammas = {label: trial.suggest_float(label, -1.0, 1.0) for label in labels}
        trial.set_user_attr("sampler", self.sampler)
        training = self.training(Goal(gammas, sources))
        values = getattr(training.history, self.metric)
        with training.simulator.workers.engaged():
            while len(values) <= self.epochs:
                try:
                    training.advance(self.epochs)
                except DivergedError as error:
                    if start:
                        raise DivergedError(f"the goal the search begins with: {error}") from None
                    raise _studies().Pruned from None
                if arrived:
                    trial.study.enqueue_trial(gammas, {"start": True} if start else None)
                    raise Interrupted("given up")
                measured = training.position == 0 and np.isfinite(values[-1:]).all()
                if measured and len(values) > 1:
                    epoch = len(values) - 1
                    trial.report(values[-1], epoch)
                    if not start and epoch < self.epochs and trial.should_prune():
                        raise _studies().Pruned
        return values[-1]


# -- trials on other machines ----------------------------------------------------------------------

_one_at_a_time = threading.Lock()


def _work(search):
    """Carry out one trial; this is what is sent to Dask's workers."""
    from distributed import get_worker

    studies = _studies()
    if search.threads is None:
        search = replace(search, threads=get_worker().state.nthreads)
    with _one_at_a_time, studies.told(search.storage), studies.quietly():
        studies.run_trial(search.study(), search.run)


def _on_workers(client, search, results, wanted, until, tell, arrived):
    """Have trials carried out by Dask's workers, one on each at a time."""
    workers, begun = DaskWorkers(client), False
    while True:
        left = wanted - results.progress(wanted).finished
        if begun and time.monotonic() > until:
            left = 0
        for _ in range(min(left, workers.n) - len(workers.names)):
            workers.submit("trial", _work, search)
            begun = True
        if left <= 0 and not workers.names:
            return
        ended = workers.ended(arrived)
        for _, future in ended:
            error = future.exception()
            if isinstance(error, InfosimError):
                raise error
            if error is not None:
                reason = " ".join(f"{type(error).__name__}: {error}".split())
                raise BackendError(f"a Dask worker failed: {reason}")
        if ended:
            tell()


# -- results ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Results:
    """What a study has come to, from its database alone, and the files made from that."""

    search: _Search
    study: object
    out: Path
    source: str | None

    def trials(self):
        """All trials that were begun, by number."""
        states = _studies().STATES
        return [trial for trial in self.study.get_trials(deepcopy=False) if trial.state in states]

    def count(self):
        """State -> number of trials."""
        states = _studies().STATES
        counts = dict.fromkeys(states.values(), 0)
        for trial in self.trials():
            counts[states[trial.state]] += 1
        return counts

    def ranked(self):
        """The complete trials, best first."""
        trials = self.study.get_trials(deepcopy=False, states=_studies().FINISHED[:1])
        return sorted(trials, key=lambda trial: (trial.value, trial.number))

    def started(self, ranked):
        """The value of the goal the search began with, or None."""
        values = [trial.value for trial in ranked if trial.user_attrs.get("start")]
        return values[0] if values else None

    def progress(self, wanted):
        counts, ranked = self.count(), self.ranked()
        best = (ranked[0].number, ranked[0].value) if ranked else None
        numbers = counts["complete"], counts["pruned"], counts["failed"]
        return Progress(*numbers, wanted, best, self.started(ranked))

    def goal(self, trial):
        return Goal(trial.params, self.search.start.sources)

    def found(self):
        counts, ranked = self.count(), self.ranked()
        best = ranked[0]
        return OptimizeResult(
            self.goal(best), best.number, best.value, self.started(ranked), counts["complete"],
            counts["pruned"], counts["failed"], self.out,
        )  # fmt: skip

    def tidy(self):
        """Remove what a killed process left unfinished."""
        with self._held():
            store.tidy(self.out, FILES)

    def _held(self):
        """A context in which no other process of the study writes its files."""
        return store.held(self.out, wait=_TURN)

    def write(self, picture=False):
        """Write trials.csv, best.toml if there is a best trial, and search.png if wanted.

        What goes wrong with the picture is an InfosimWarning.
        """
        with self._held():
            ranked = self.ranked()
            store.write_text(self.out / "trials.csv", self.table())
            if ranked:
                store.write_text(self.out / "best.toml", self.best(ranked))
            if ranked and picture:
                with store.picture(self.out / "search.png"):
                    self._write_picture(ranked)

    def _write_picture(self, ranked):
        from infosim.plotting import save

        figure = self.draw(ranked)
        with store.atomic(self.out / "search.png") as file:
            save(figure, file, "png")

    def table(self):
        """The text of trials.csv: a row for each trial, with the value it had last."""
        labels, states = self.search.start.labels, _studies().STATES
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["number", "state", "value", "epochs", *labels])
        for trial in self.trials():
            epochs = trial.last_step or 0
            value = trial.intermediate_values[epochs] if epochs else ""
            gammas = [trial.params.get(label, "") for label in labels]
            writer.writerow([trial.number, states[trial.state], value, epochs, *gammas])
        return text.getvalue()

    def best(self, ranked):
        """The text of best.toml."""
        search, trial, counts = self.search, ranked[0], self.count()
        base = {} if self.source is None else Experiment.load(self.source).config
        config = search.with_goal(self.goal(trial)).config
        config["title"] = f"{search.experiment.name}, goal of layer {search.layer} found by search"
        changes = _changes(base, config)
        *tables, key = search.place.keys
        table = reduce(lambda table, one: table.setdefault(one, {}), tables, changes)
        table[key] = str(self.goal(trial))
        samplers = {one.user_attrs["sampler"] for one in ranked}
        start = self.started(ranked)
        began = "" if start is None else f"; the search began at {start:.6g}"
        header = (
            f"# Trial {trial.number}, the best of {counts['complete']} complete and "
            f"{counts['pruned']} pruned trials ({' and '.join(sorted(samplers))}):\n"
            f"# {search.metric} {trial.value:.6g} after epoch {search.epochs}{began}.\n"
        )
        extends = {} if self.source is None else {"extends": str(self.source)}
        return header + tomli_w.dumps(extends | changes)

    def draw(self, ranked):
        """The picture of the search."""
        from infosim.plotting.search import search as picture

        search, labels, states = self.search, self.search.start.labels, _studies().STATES
        seen = [trial for trial in self.trials() if trial.last_step]
        best = [trial for trial in ranked if not trial.user_attrs.get("start")][:10]
        start = [trial for trial in ranked if trial.user_attrs.get("start")][:1]
        return picture(
            numbers=[trial.number for trial in seen],
            values=[trial.intermediate_values[trial.last_step] for trial in seen],
            complete=[states[trial.state] == "complete" for trial in seen],
            start=self.started(ranked),
            gammas=[[trial.params[label] for label in labels] for trial in [*start, *best]],
            names=["start"] * len(start) + [str(trial.number) for trial in best],
            labels=labels,
            importances=_studies().importances(self.study, labels),
            metric=search.metric,
            title=f"{search.name}: {search.experiment.name}, layer {search.layer}, "
            f"{search.epochs} epochs, seed {search.experiment.config['training']['seed']}",
        )


def _changes(base, config):
    """What must be laid over `base` to make it `config`."""
    changes = {}
    for key, value in config.items():
        before = base.get(key)
        if value == before:
            continue
        if isinstance(value, dict) and isinstance(before, dict):
            # another activation or optimizer replaces the whole table, see `reading.merge`
            other = value.get("name") != before.get("name")
            value = value if other else _changes(before, value)
        changes[key] = value
    return changes
