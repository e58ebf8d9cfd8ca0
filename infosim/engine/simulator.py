"""The simulator: a network, its state, and the event loop that steps it."""

from dataclasses import dataclass

import numpy as np

from infosim.engine.events import EventLoop, Fire, Learn, Present, Record
from infosim.engine.randomness import FREE, INITIAL, TEST, generator, stream
from infosim.engine.samples import Feed, Samples
from infosim.engine.state import LayerState, atoms
from infosim.engine.threads import Workers
from infosim.engine.training import Training
from infosim.errors import ConfigError, ShapeError, near
from infosim.kernels import backend as backends
from infosim.network import Network
from infosim.rules.backprop import Backprop


@dataclass(frozen=True)
class Evaluation:
    """What the readout made of some samples.

    error : fraction of wrong predictions; predictions, labels : (n,) integers
    """

    error: float
    predictions: np.ndarray
    labels: np.ndarray

    def confusion(self, n_classes):
        """Counts (n_classes, n_classes): rows true, columns predicted."""
        counts = np.zeros((n_classes, n_classes), np.int64)
        np.add.at(counts, (self.labels, self.predictions), 1)
        return counts


@dataclass(frozen=True)
class Recall:
    """Where recall ended.

    states : (n_patterns, n), +1 or -1; steps : how many were made
    converged : whether it came to a fixed point (or a cycle of two states)
    """

    states: np.ndarray
    steps: int
    converged: bool


class Simulator:
    """Simulates an infomorphic network, or several replicas of one side by side.

    Parameters
    ----------
    network : Network; or several, alike in all but numbers (`Network.check_alike`)
    backend : "cpu", "cuda" (an NVIDIA GPU), "auto" (cuda if it is there), or an object with the
        functions of a kernel module
    seed : 0 to 2**32 - 1; the same seed gives the same bits on any number of threads. Several seeds
        simulate as many replicas, each as it would be alone
    threads : of the CPU; None takes every one this process may use
    dtype : "float32" or "float64"

    With R replicas (as many as networks or seeds), each of their layers' arrays has the replicas'
    neurons one after the other, inputs may be (R, units, B), and what is returned for a network is
    returned for each.

    Raises
    ------
    ConfigError : seed, threads or dtype out of range; replicas that are not alike
    BackendError : a backend that is not there

    Examples
    --------
    `simulator["hidden"]["F"].weights` are plain arrays to read and set. One presentation by hand:

    >>> simulator.present({"image": x, "label": y}, learn=True)   # doctest: +SKIP
    >>> while simulator.events:                                   # doctest: +SKIP
    ...     event = simulator.advance()
    """

    def __init__(self, network, backend="cpu", seed=0, threads=None, dtype="float32"):
        if dtype not in ("float32", "float64"):
            raise ConfigError(f"dtype must be float32 or float64, was {dtype!r}")
        self.networks, self.seeds = _replicas(network, seed)
        self.network, self.seed = self.networks[0], self.seeds[0]
        self.n_replicas = len(self.seeds)
        self.dtype = np.dtype(dtype)
        self.kernels = backends.load(backend)
        self.workers = self.kernels.Stream() if self.kernels.ON_DEVICE else Workers(threads)
        names = (*self.network.inputs, *(layer.name for layer in self.network.layers))
        self._sizes = {name: self.network.size(name) for name in names}
        with self.workers.engaged():
            seeds = self.kernels.resident(np.array(self.seeds, np.uint32))
            self.layers = {
                layer.name: LayerState(
                    [network.layers[i] for network in self.networks],
                    i,
                    self._sizes,
                    self.network.inputs,
                    seeds,
                    lambda *place: [generator(seed, INITIAL, *place) for seed in self.seeds],
                    self.kernels,
                    self.dtype,
                    self.network.steps if self.network.rule == "backprop" else None,
                )
                for i, layer in enumerate(self.network.layers)
            }
        self.events = EventLoop()
        self.time = 0
        self.rule = None  # each layer learns for itself
        if self.network.rule == "backprop":
            self.rule = Backprop(self.network, self.layers, self.kernels, self.workers)
        #: (step, layer, order) of every firing of a presentation, and the layers that learn
        self._firings = [
            (step, layer.name, self.layers[layer.name].number)
            for step, layer in self.network.firings()
        ]
        self._learning = self.rule.learning if self.rule else self.network.learning
        self._inputs = {}
        self._feed = Feed(self.network, self.n_replicas, self.kernels, self.workers, self.dtype)
        self._countings = {}
        self._wrong = self.kernels.xp.zeros(self.n_replicas, np.int64)

    def __getitem__(self, layer):
        if layer not in self.layers:
            raise ConfigError(f"no layer {layer!r}; {near(layer, self.layers)}")
        return self.layers[layer]

    # -- the event loop --------------------------------------------------------------------------

    def present(
        self, inputs, outputs=None, *, learn=False, sampled=True, probes=(), stream=FREE, batch=None
    ):
        """Schedule one presentation; `run` or `advance` carry it out.

        inputs : input name -> array (units, B) or (R, units, B); an input left out is silent
        outputs : layer name -> likewise, what delayed connections read at the first step
        learn : whether weights learn on the last step, by each layer's goal or the network's rule
        sampled : draw outputs from the firing probabilities
        probes : called after the last step, before learning
        stream, batch : the place of this presentation's random numbers; by default its time,
            so that no two presentations by hand share them

        Raises
        ------
        ConfigError : `outputs` of a presentation that backprop is to learn from
        """
        if learn and outputs and self.rule:
            given = ", ".join(map(repr, outputs))
            raise ConfigError(f"backprop starts from silent layers, outputs of {given} were given")
        batch = self.time if batch is None else batch
        start, last = self.time, self.time + self.network.steps - 1
        schedule = self.events.schedule
        schedule(Present(start, inputs, outputs or {}, stream, batch))
        for step, layer, order in self._firings:
            kept = learn and self.rule is not None and start + step < last
            schedule(Fire(start + step, layer, order, sampled, kept))
        for probe in probes:
            schedule(Record(last, probe))
        if learn:
            for layer in [None] if self.rule else self._learning:
                schedule(Learn(last, layer))
        self.time = last + 1

    def advance(self):
        """Carry out the next event and return it."""
        with self.workers.engaged():
            return self._advance()

    def run(self):
        """Carry out all scheduled events."""
        with self.workers.engaged():
            while self.events:
                self._advance()

    def _advance(self):
        event = self.events.next()
        try:
            match event:
                case Present():
                    self._present(event)
                case Fire():
                    self._fire(event)
                case Record():
                    event.probe(self)
                case Learn(layer=None):
                    self.rule.learn(self._inputs)
                case Learn():
                    self.layers[event.layer].learn(self.workers)
        except BaseException:
            self.events.clear()  # the rest of what failed must not run into the next presentation
            raise
        return event

    def _present(self, event):
        given = {**event.inputs, **event.outputs}
        batches = {a.shape[-1] for a in given.values()}
        if len(batches) != 1:
            raise ShapeError(f"all inputs need the same number of samples, were {sorted(batches)}")
        (self._n_samples,) = batches
        self._inputs = {}
        for layer in self.layers.values():
            layer.silence()
        for name, values in given.items():
            if name not in self._sizes:
                raise ConfigError(f"the network has no input {name!r}; {near(name, self._sizes)}")
            values = self.kernels.resident(values, self.dtype)
            given, shape = values.shape, (self._sizes[name], self._n_samples)
            if values.ndim == 2 and self.n_replicas == 1:
                values = values[None]
            elif values.ndim == 2:
                values = self.kernels.xp.broadcast_to(values, (self.n_replicas, *values.shape))
            if values.shape != (self.n_replicas, *shape):
                raise ShapeError(f"{name!r} has shape {given}, the network expects {shape}")
            if name in self.layers:
                self.layers[name].clamp_output(event.time - 1, values)
            else:
                self._inputs[name] = values
        self._presented = event

    def _fire(self, event):
        layer = self.layers[event.layer]
        signals = [
            self.layers[c.source].signal(event.time - c.delay)
            if c.source in self.layers
            else self._inputs.get(c.source)
            for c in layer.spec.compartments
        ]
        step = event.time - self._presented.time
        place = self._presented.stream, layer.number + 256 * step, self._presented.batch
        layer.fire(event.time, signals, self._n_samples, event.sampled, place, self.workers)
        if event.kept:
            layer.keep(step, self.workers)

    # -- what a user asks for --------------------------------------------------------------------

    def step(self, inputs, *, learn=True):
        """Present one batch (input name -> (B, units), or (B,) labels) and, by default, learn."""
        samples = self.samples(inputs)
        self.present(*self.batch(samples, np.arange(len(samples))), learn=learn)
        self.run()

    def fit(self, inputs, epochs, *, batch=1024, validation=None, test=None, **options):
        """Train for `epochs`; returns the `History`, or one of each replica in a list.

        Arguments as for `Training`.
        """
        training = Training(self, inputs, batch=batch, validation=validation, test=test, **options)
        with self.workers.engaged():
            while len(training.history) <= epochs:
                training.advance()
        return training.histories if self.n_replicas > 1 else training.history

    def evaluate(self, inputs, *, batch=1024, sampled=True, purpose=TEST, epoch=0):
        """Predict labels with the target input withheld; an `Evaluation`, or one of each replica.

        inputs : Samples, or input name -> array, with the target's labels to compare with
        sampled : neurons fire at random as in training; else each takes its likelier output

        Raises
        ------
        ConfigError : the network has no readout layer or no target input, batch below 1
        DataError : the samples lack the target input
        """
        samples = self.samples(inputs)
        predictions, wrong = self.predict(
            samples, batch=batch, sampled=sampled, purpose=purpose, epoch=epoch
        )
        labels = np.broadcast_to(samples.labels(self.network.target), predictions.shape)
        evaluations = [
            Evaluation(float(wrong[r] / len(samples)), predictions[r].copy(), labels[r].copy())
            for r in range(self.n_replicas)
        ]
        return evaluations if self.n_replicas > 1 else evaluations[0]

    def predict(self, samples, *, batch=1024, sampled=True, purpose=TEST, epoch=0, keep=True):
        """What `evaluate` is made of: predictions (R, n), or None unless `keep`; mistakes (R,)."""
        if self.network.readout is None or self.network.target is None:
            raise ConfigError("evaluate needs a network with a readout layer and a target input")
        if not isinstance(batch, int) or isinstance(batch, bool) or batch < 1:
            raise ConfigError(f"batch must be an integer of at least 1, was {batch!r}")
        xp, n = self.kernels.xp, len(samples)
        labels = samples.resident_labels(self.network.target, self.kernels)
        without = (self.network.target,)
        with self.workers.engaged():
            rows = self.rows(samples, np.arange(n))
            wrong = self._wrong
            wrong.fill(0)
            predictions = xp.empty((self.n_replicas, n), np.int64) if keep else None
            for number, first in enumerate(range(0, n, batch)):
                span = slice(first, min(first + batch, n))
                self.gather(samples, rows[:, span], without)
                self.present(
                    *self.gathered,
                    sampled=sampled,
                    stream=stream(purpose, epoch),
                    batch=number,
                )
                self.run()
                found = self.count_wrong(labels, wrong)
                if keep:
                    predictions[:, span] = found
            predictions = self.kernels.host(predictions) if keep else None
            return predictions, np.array(self.kernels.host(wrong))

    def recall(self, cues, layer=None, *, max_steps=None, sampled=False):
        """Let a recurrent layer run from `cues` with all inputs silent until it no longer changes.

        cues : (n_patterns, n) of +1 and -1; or (R, n_patterns, n), for each replica its own
        layer : its name, by default the only one
        max_steps : by default the number of neurons; sampled : draw outputs at random

        Returns
        -------
        Recall, or one of each replica (Memory 2025, section "Recall": synchronous updates, stop at
        a fixed point or a cycle of two states)
        """
        if layer is None:
            if len(self.layers) != 1:
                raise ConfigError(f"recall: name one of the layers {', '.join(self.layers)}")
            (layer,) = self.layers
        state = self[layer]
        n, given = state.spec.size, np.shape(cues)
        cues = np.asarray(cues, self.dtype)
        cues = np.broadcast_to(cues, (self.n_replicas, *cues.shape)) if cues.ndim == 2 else cues
        if cues.ndim != 3 or cues.shape[::2] != (self.n_replicas, n) or not cues.size:
            raise ShapeError(f"cues have shape {given}, need (patterns, {n})")
        max_steps = n if max_steps is None else max_steps
        now = cues.transpose(0, 2, 1).copy()
        self.events.schedule(Present(self.time, {}, {layer: now}, FREE, self.time))
        self.run()
        before, found = [None] * self.n_replicas, [None] * self.n_replicas
        for made in range(1, max_steps + 1):
            self.events.schedule(Fire(self.time, layer, state.number, sampled))
            self.run()
            self.time += 1
            after = state.output.reshape(now.shape).copy()
            for r in range(self.n_replicas):  # each stops where it would alone
                known = (now[r], before[r])
                if found[r] is None and not sampled and _among(after[r], known):
                    found[r] = Recall(after[r].T, made, True)
            before, now = now, after
            if None not in found:
                break
        found = [one or Recall(now[r].T, max_steps, False) for r, one in enumerate(found)]
        return found if self.n_replicas > 1 else found[0]

    def predictions(self):
        """The readout's class for each sample of the last presentation, (B,) or (R, B).

        Information is blind to sign, so a neuron that mostly fires stands for "not my class" and
        is inverted, by its mean over the batch and without labels (ICLR 2025).
        """
        theta = self.layers[self.network.readout].theta
        predictions = self.kernels.xp.empty((self.n_replicas, theta.shape[1]), np.int64)
        with self.workers.engaged():
            self.kernels.classify(theta, self.n_replicas, predictions)
            predictions = self.kernels.host(predictions)
        return predictions if self.n_replicas > 1 else predictions[0]

    def count_wrong(self, labels, wrong):
        """Add the mistakes in the batch that was gathered and presented last to `wrong` (R,).

        labels : of all rows of the samples' arrays; both where the kernels are

        Returns
        -------
        the predictions (R, B), likewise, which the next call overwrites
        """
        kernels, theta = self.kernels, self.layers[self.network.readout].theta
        arrays = theta, labels, self._rows, wrong
        key = tuple(map(id, arrays))
        if key not in self._countings:
            if len(self._countings) == 8:
                self._countings.clear()
            predictions = kernels.xp.empty(self._rows.shape, np.int64)
            calls = [
                (kernels.classify, (theta, self.n_replicas, predictions)),
                (kernels.count_wrong, (predictions, *arrays[1:])),
            ]
            self._countings[key] = self.workers.prepared([calls]), predictions, arrays
        plan, predictions, _ = self._countings[key]
        self.workers.run(plan)
        return predictions

    def information(self, layer):
        """I_∩ of every antichain, then H(Y), of the last presentation, bits, (N, A + 1)."""
        with self.workers.engaged():
            return self.kernels.host(self[layer].information(self.workers)).copy()

    def bins(self, layer):
        """The bin that each potential of the last presentation falls into, uint8 (K, N, B)."""
        with self.workers.engaged():
            return self[layer].bins(self.workers).copy()

    def atoms(self, layer):
        """The atoms, then H_res, of the last presentation, bits, (N, A + 1)."""
        return atoms(self.information(layer), len(self[layer].spec.compartments))

    def samples(self, inputs):
        """`inputs` as Samples that fit this network."""
        samples = inputs if isinstance(inputs, Samples) else Samples(inputs)
        samples.check(self.network, self.n_replicas)
        return samples

    def batch(self, samples, positions, without=()):
        """The samples at `positions` as `present` takes them: (inputs, initial outputs).

        positions : (B,), or (R, B). The arrays are overwritten by the next batch.
        """
        with self.workers.engaged():
            self.gather(samples, self.rows(samples, positions), tuple(without))
        return self.gathered

    def reserve(self, samples, batch):
        """Take the memory that training on such batches needs: what does not fit fails now."""
        with self.workers.engaged():
            self._feed.prepare(samples, batch)
            for layer in self.layers.values():
                layer.reserve(batch, self.workers)

    def look_ahead(self, n):
        """Have what the next n updates need, beside their samples, where the kernels are."""
        for name in self._learning:
            self.layers[name].look_ahead(n)

    def rows(self, samples, positions):
        """Where the samples at `positions` stand in their arrays, (R, B), where the kernels are."""
        return self._feed.rows(samples, positions)

    def gather(self, samples, rows, without=()):
        """Let `gathered` be the samples in these rows (R, B) of their arrays."""
        values, self._rows = self._feed.batch(samples, rows, without)
        inputs = {name: v for name, v in values.items() if name in self.network.inputs}
        self.gathered = inputs, {name: v for name, v in values.items() if name not in inputs}

    def arrays(self, replica=0):
        """Everything that training changes in a replica, name -> live array."""
        return {k: v for layer in self.layers.values() for k, v in layer.arrays(replica).items()}

    def set_arrays(self, *given):
        """Copy each replica's arrays, named as by `arrays`, into its own; others stay.

        Raises
        ------
        KeyError, ValueError : a name that the network does not have, a shape that does not fit
        """
        for name, layer in self.layers.items():
            for compartment in layer.compartments:
                if compartment.index is None:
                    key = f"{name}/{compartment.spec.name}/mask"
                    masks = [one[key] for one in given] if key in given[0] else None
                    compartment.mask = None if masks is None else np.concatenate(masks)
        for replica, one in enumerate(given):
            own = self.arrays(replica)
            for name, array in one.items():
                own[name][...] = self.kernels.resident(array)


def _among(state, known):
    """Whether `state` is one of the known ones."""
    return any(one is not None and np.array_equal(state, one) for one in known)


def _replicas(network, seed):
    """The networks and seeds of all replicas, checked."""
    networks = list(network) if isinstance(network, (list, tuple)) else [network]
    seeds = list(seed) if isinstance(seed, (list, tuple, range)) or np.ndim(seed) else [seed]
    for one in networks:
        if not isinstance(one, Network):
            raise ConfigError(f"a Network is needed, or several in a list, was {one!r}")
    for one in seeds:
        if isinstance(one, bool) or not isinstance(one, (int, np.integer)) or not 0 <= one < 2**32:
            raise ConfigError(f"seed must be an integer from 0 to 2**32 - 1, was {one!r}")
    n = max(len(networks), len(seeds))
    if not networks or not seeds or {len(networks), len(seeds)} - {1, n}:
        raise ConfigError(
            f"as many networks as seeds (or one) are needed, were {len(networks)} and {len(seeds)}"
        )
    for other in networks[1:]:
        networks[0].check_alike(other)
    networks, seeds = networks * (n // len(networks)), seeds * (n // len(seeds))
    return networks, [int(one) for one in seeds]
