"""Associative memories of a load: trained side by side, and asked for what they learnt."""

from dataclasses import dataclass

import numpy as np

from infosim.analysis.memory import accuracy, asymmetry, overlap
from infosim.engine import Samples, Simulator, Training
from infosim.engine.recall import recurrent_weights
from infosim.experiments.experiment import Experiment
from infosim.experiments.stopping import Interrupted
from infosim.experiments.tables import ALL
from infosim.tasks import Recall

#: Epochs at which recall is tried while training: so many, evenly on a logarithmic scale.
CHECKPOINTS = 15


@dataclass(frozen=True)
class Tried:
    """What became of one network.

    seed, patterns : of it; load : patterns per neuron
    overlap : mean over patterns, after recall; accuracy : fraction of patterns whose own is at
        least `recall.threshold`
    epochs : after which it was so, fewer than asked for if training stopped
    asymmetry : of the weights, |W - Wᵀ| / 2|W|
    """

    seed: int
    patterns: int
    load: float
    overlap: float
    accuracy: float
    epochs: int
    asymmetry: float


def checkpoints(epochs):
    """The epochs at which recall is tried: `CHECKPOINTS` of them, as published, and the last."""
    if epochs < 1:
        return {epochs}
    evenly = np.logspace(0, np.log10(epochs), CHECKPOINTS)
    return set((evenly + 1e-6).astype(int).tolist())  # the last is `epochs`, however it is rounded


def experiment_of(experiment, patterns, seed):
    """The experiment with so many patterns and this seed; all patterns at once if it has so."""
    config = dict(experiment.config)
    options = dict(config["data"]["options"]) | {"patterns": patterns}
    config["data"] = config["data"] | {"options": options}
    batch = config["training"]["batch"]
    batch = patterns if batch == ALL else min(batch, patterns)
    config["training"] = config["training"] | {"seed": seed, "batch": batch}
    return Experiment(experiment.name, config)


def prepared(experiment, patterns, seeds, threads, backend):
    """The Training of networks side by side, their task, and their patterns (R, P, n)."""
    several = [experiment_of(experiment, patterns, seed) for seed in seeds]
    sets = [one.dataset() for one in several]
    config, task = several[0].config["training"], several[0].task(sets[0])
    networks = [one.network(data) for one, data in zip(several, sets, strict=True)]
    simulator = Simulator(networks, backend, list(seeds), threads, config["dtype"])
    shown = [one.samples(data)[0] for one, data in zip(several, sets, strict=True)]
    samples = Samples(
        {name: np.concatenate([one.arrays[name] for one in shown]) for name in shown[0].arrays},
        shown[0].scaling,
        np.arange(len(seeds) * patterns).reshape(len(seeds), patterns),
    )
    rarely = {
        "record_every": patterns, "record_epochs": max(1, config["epochs"]), "evaluate_every": 1,
        "measure_first": False,
    }  # nobody looks  # fmt: skip
    training = Training(simulator, samples, **several[0].training | rarely)
    training.check_epochs(config["epochs"])
    return training, task, np.stack([one.train_x for one in sets])


@dataclass(frozen=True)
class Checked:
    """Memories side by side, at one of their `checkpoints`.

    epoch : after which they are looked at; training, task : theirs
    stored : (R, P, n), what each is to recall
    """

    epoch: int
    training: Training
    task: Recall
    stored: np.ndarray

    @property
    def simulator(self):
        return self.training.simulator

    def overlaps(self):
        """With what each recalls, pattern by pattern, (R, P)."""
        states = self.task.how.ask(self.simulator, self.task.layer, self.stored)
        return overlap(states, self.stored)


def checked(experiment, patterns, seeds, *, threads=None, backend="cpu", stopped=()):
    """Train a memory with so many patterns, of each seed others, and halt at every checkpoint.

    Arguments and errors as of `tried`.

    Yields
    ------
    Checked
    """
    training, task, stored = prepared(experiment, patterns, seeds, threads, backend)
    epochs = experiment.config["training"]["epochs"]
    due = checkpoints(epochs)
    with training.simulator.workers.engaged():
        while len(training.history) <= epochs:
            training.advance(min(one for one in due if one >= training.epoch))
            epoch = len(training.history) - 1
            if stopped:
                raise Interrupted("stopped", stopped[0])
            if not training.position and epoch in due:
                yield Checked(epoch, training, task, stored)


def tried(
    experiment, patterns, seeds, *, until=0.95, threads=None, backend="cpu", stopped=(),
    ask=Checked.overlaps,
):  # fmt: skip
    """Train a memory with so many patterns, of each seed others, and ask it for all of them.

    The networks are simulated side by side, each as it would be alone.

    Parameters
    ----------
    experiment : Experiment whose task is recall, on the data set "patterns"; or the batch "all"
    until : the mean overlap after recall at which training stops, at one of the `checkpoints`
    threads, backend : as of `train`
    stopped : filled, while training, when it is to be given up
    ask : function of a `Checked` -> overlaps (R, P); by default of recall as the task says

    Returns
    -------
    list of `Tried`, one for each seed

    Raises
    ------
    Interrupted : it was stopped
    DivergedError : weights are no longer finite
    """
    found, epochs = {}, experiment.config["training"]["epochs"]
    options = {"threads": threads, "backend": backend, "stopped": stopped}
    for at in checked(experiment, patterns, seeds, **options):
        overlaps, how = ask(at), at.task.how
        for r, seed in enumerate(seeds):
            if r not in found and (overlaps[r].mean() >= until or at.epoch == epochs):
                weights = recurrent_weights(at.simulator[at.task.layer], r).sum(axis=0)
                found[r] = Tried(
                    seed, patterns, patterns / at.stored.shape[2], float(overlaps[r].mean()),
                    float(accuracy(overlaps[r], how.threshold)), at.epoch, asymmetry(weights),
                )  # fmt: skip
        if len(found) == len(seeds):
            break
    return [found[r] for r in range(len(seeds))]
