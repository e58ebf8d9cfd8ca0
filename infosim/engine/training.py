"""Training: epochs of shuffled batches, measured as they pass, resumable between batches."""

import time
from dataclasses import dataclass, field

import numpy as np

from infosim.engine.probes import Probe
from infosim.engine.randomness import SHUFFLE, TEST, TRAIN, VALIDATION, generator, stream
from infosim.engine.state import atoms
from infosim.errors import ConfigError, DataError


@dataclass
class History:
    """What was measured in each epoch; entry 0 is before training.

    train_error, val_error, test_error : fractions, nan where there is nothing to measure
    seconds : wall time of each epoch
    mean_goal : layer -> goal in bits, mean over neurons
    atoms : layer -> (n, A + 1) arrays, atoms and H_res in bits, mean over the recorded batches
    """

    train_error: list = field(default_factory=list)
    val_error: list = field(default_factory=list)
    test_error: list = field(default_factory=list)
    seconds: list = field(default_factory=list)
    mean_goal: dict = field(default_factory=dict)
    atoms: dict = field(default_factory=dict)

    def __len__(self):
        return len(self.seconds)


class _Information(Probe):
    """Sums the information of every learning layer over the recorded batches of an epoch."""

    def __init__(self, simulator):
        super().__init__()
        self.layers = [layer.name for layer in simulator.network.layers if layer.goal is not None]
        self.sums = {}
        self.count = 0

    def record(self, simulator):
        for name in self.layers:
            self.sums[name] = self.sums.get(name, 0) + simulator.information(name)
        self.count += 1


class Training:
    """One training run, advanced batch by batch; epoch 0 measures without learning.

    The training error is measured in the training pass (target present, weights moving), the
    others with the target withheld, after each epoch.

    Parameters
    ----------
    simulator : Simulator
    inputs : Samples, or input name -> array
    batch : samples per batch; the last of an epoch may be smaller
    validation, test : further samples, or None
    record_every : information is measured in the first of every so many batches

    Raises
    ------
    ConfigError : batch not in 1 to the number of samples
    """

    def __init__(
        self, simulator, inputs, *, batch=1024, validation=None, test=None, record_every=10
    ):
        self.simulator = simulator
        self.samples = simulator.samples(inputs)
        n = len(self.samples)
        if not isinstance(batch, int) or isinstance(batch, bool) or batch < 1:
            raise ConfigError(f"batch must be an integer of at least 1, was {batch!r}")
        if batch > n:
            raise ConfigError(f"batch of {batch} is larger than the {n} training samples")
        if not isinstance(record_every, int) or record_every < 1:
            raise ConfigError(
                f"record_every must be an integer of at least 1, was {record_every!r}"
            )
        self.batch = batch
        self.n_batches = -(-n // batch)
        self.measured = (
            simulator.network.readout is not None and simulator.network.target is not None
        )
        self.others = {
            name: (simulator.samples(samples), purpose)
            for name, samples, purpose in (
                ("val_error", validation, VALIDATION),
                ("test_error", test, TEST),
            )
            if samples is not None and self.measured
        }
        if self.measured:
            for samples in (self.samples, *(s for s, _ in self.others.values())):
                if simulator.network.target not in samples.arrays:
                    raise DataError(f"samples lack the target input {simulator.network.target!r}")
        self.record_every = record_every
        self.history = History()
        self.epoch = 0
        self._begin()

    def _begin(self):
        self.position = 0
        self._wrong = 0
        self._seconds = 0.0
        self._probe = _Information(self.simulator)
        self._order = None

    def advance(self):
        """Train on one batch or, if the epoch's batches are done, measure and begin the next."""
        if self.position == self.n_batches:
            self._finish_epoch()
            return
        began = time.perf_counter()
        sim = self.simulator
        if self._order is None:
            rng = generator(sim.seed, SHUFFLE, self.epoch)
            self._order = rng.permutation(len(self.samples))
        positions = self._order[self.position * self.batch : (self.position + 1) * self.batch]
        sim.present(
            *sim.batch(self.samples, positions),
            learn=self.epoch > 0,
            probes=[self._probe] if self.position % self.record_every == 0 else [],
            stream=stream(TRAIN, self.epoch),
            batch=self.position,
        )
        sim.run()
        if self.measured:
            labels = self.samples.subset(positions).labels(sim.network.target)
            self._wrong += int(np.sum(sim.predictions() != labels))
        self.position += 1
        self._seconds += time.perf_counter() - began

    def _finish_epoch(self):
        began = time.perf_counter()
        sim, history = self.simulator, self.history
        history.train_error.append(self._wrong / len(self.samples) if self.measured else np.nan)
        for name in ("val_error", "test_error"):
            error = np.nan
            if name in self.others:
                samples, purpose = self.others[name]
                error = sim.evaluate(
                    samples, batch=self.batch, purpose=purpose, epoch=self.epoch
                ).error
            getattr(history, name).append(error)
        for name, total in self._probe.sums.items():
            spec = sim[name].spec
            values = atoms(total / self._probe.count, len(spec.compartments))
            history.atoms.setdefault(name, []).append(values)
            goal = values @ spec.goal.gamma
            history.mean_goal.setdefault(name, []).append(float(goal.mean()))
        history.seconds.append(self._seconds + time.perf_counter() - began)
        self.epoch += 1
        self._begin()

    # -- exact resume ----------------------------------------------------------------------------

    def state(self):
        """Everything needed to go on from here to the same bits: name -> array."""
        h = self.history
        state = {f"network/{name}": a.copy() for name, a in self.simulator.arrays().items()}
        for name, layer in self.simulator.layers.items():
            state[f"updates/{name}"] = np.array(layer.updates)
        state["progress"] = np.array([self.epoch, self.position, self._wrong, self._probe.count])
        state["seconds"] = np.array([*h.seconds, self._seconds])
        state["errors"] = np.array([h.train_error, h.val_error, h.test_error], np.float64)
        for name, total in self._probe.sums.items():
            state[f"sums/{name}"] = total
        for name in h.atoms:
            state[f"atoms/{name}"] = np.array(h.atoms[name])
            state[f"goal/{name}"] = np.array(h.mean_goal[name])
        return state

    def restore(self, state):
        """Go on from what `state` returned."""
        for name, layer in self.simulator.layers.items():
            for compartment in layer.compartments:
                if compartment.index is None:
                    mask = state.get(f"network/{name}/{compartment.spec.name}/mask")
                    compartment.mask = mask
        for name, array in self.simulator.arrays().items():
            array[...] = state[f"network/{name}"]
        for name, layer in self.simulator.layers.items():
            layer.updates = int(state[f"updates/{name}"])
        self._begin()
        self.epoch, self.position, self._wrong, self._probe.count = map(int, state["progress"])
        *seconds, self._seconds = map(float, state["seconds"])
        errors = [list(map(float, row)) for row in state["errors"]]
        self.history = History(*errors, seconds)
        for key, value in state.items():
            kind, _, name = key.partition("/")
            if kind == "sums":
                self._probe.sums[name] = value
            elif kind == "atoms":
                self.history.atoms[name] = list(value)
            elif kind == "goal":
                self.history.mean_goal[name] = list(map(float, value))
