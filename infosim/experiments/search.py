"""What a search for goals is of, and a trial of it: one training, in memory."""

import copy
from dataclasses import dataclass, replace
from functools import reduce
from operator import getitem

import numpy as np

from infosim.engine import Simulator, Training
from infosim.errors import ConfigError, DivergedError, near
from infosim.experiments.experiment import Experiment
from infosim.experiments.resolve import connections, goals
from infosim.experiments.stopping import Interrupted
from infosim.experiments.tables import DESCRIPTIONS
from infosim.extras import need
from infosim.kernels import backend as backends
from infosim.network.rules import Rule
from infosim.pid import Goal
from infosim.pid.scheduled import goal_of

METRICS = ("val_error", "train_error")
#: Data and samples of the experiment used last, so that a worker reads them once.
loaded = {}


def study_module():
    """The module that imports Optuna."""
    for package in ("optuna", "sqlalchemy"):
        need(package, "optimize", "optimize needs Optuna")
    from infosim.experiments import study

    return study


def layer_of(experiment, name):
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


@dataclass(frozen=True)
class Search:
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
        return study_module().open_study(
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
        if key not in loaded:
            loaded.clear()
            dataset = self.experiment.dataset()
            loaded[key] = dataset, *self.experiment.samples(dataset)[:2]
        return loaded[key]

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
                    raise study_module().Pruned from None
                if arrived:
                    trial.study.enqueue_trial(gammas, {"start": True} if start else None)
                    raise Interrupted("given up")
                measured = training.position == 0 and np.isfinite(values[-1:]).all()
                if measured and len(values) > 1:
                    epoch = len(values) - 1
                    trial.report(values[-1], epoch)
                    if not start and epoch < self.epochs and trial.should_prune():
                        raise study_module().Pruned
        return values[-1]
