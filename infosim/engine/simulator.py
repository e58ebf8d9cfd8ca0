"""The simulator: a network, its state, and the event loop that steps it."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from infosim.engine.events import EventLoop, Fire, Learn, Present, Record
from infosim.engine.randomness import FREE, INITIAL, TEST, generator, stream
from infosim.engine.samples import Buffers, Samples
from infosim.engine.state import LayerState, atoms
from infosim.engine.threads import Workers
from infosim.engine.training import Training
from infosim.errors import ConfigError, ShapeError, near
from infosim.kernels import backend as backends


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
    """Simulates an infomorphic network.

    Parameters
    ----------
    network : Network
    backend : "cpu", or an object with the functions of a kernel module
    seed : 0 to 2**32 - 1; the same seed gives the same bits on any number of threads
    threads : None takes every CPU this process may use
    dtype : "float32" or "float64"

    Raises
    ------
    ConfigError : seed, threads or dtype out of range
    BackendError : a backend that is not there

    Examples
    --------
    `simulator["hidden"]["F"].weights` are plain arrays to read and set. One presentation by hand:

    >>> simulator.present({"image": x, "label": y}, learn=True)   # doctest: +SKIP
    >>> while simulator.events:                                   # doctest: +SKIP
    ...     event = simulator.advance()
    """

    def __init__(self, network, backend="cpu", seed=0, threads=None, dtype="float32"):
        if (
            isinstance(seed, bool)
            or not isinstance(seed, (int, np.integer))
            or not 0 <= seed < 2**32
        ):
            raise ConfigError(f"seed must be an integer from 0 to 2**32 - 1, was {seed!r}")
        if dtype not in ("float32", "float64"):
            raise ConfigError(f"dtype must be float32 or float64, was {dtype!r}")
        self.network = network
        self.seed = int(seed)
        self.dtype = np.dtype(dtype)
        self.kernels = backends.load(backend)
        self.workers = Workers(threads)
        rng = partial(generator, self.seed, INITIAL)
        self.layers = {
            spec.name: LayerState(spec, i, network, self.kernels, rng, self.dtype)
            for i, spec in enumerate(network.layers)
        }
        self.events = EventLoop()
        self.time = 0
        self._sizes = {name: network.size(name) for name in (*network.inputs, *self.layers)}
        #: (step, layer, order) of every firing of a presentation, and the layers that learn
        self._firings = [
            (step, layer.name, order)
            for step in range(network.steps)
            for order, layer in enumerate(network.layers)
            if layer.name in network.needed(step)
        ]
        self._learning = [layer.name for layer in network.layers if layer.learns]
        self._inputs = {}
        self._buffers = Buffers(self.dtype)

    def __getitem__(self, layer):
        if layer not in self.layers:
            raise ConfigError(f"no layer {layer!r}; {near(layer, self.layers)}")
        return self.layers[layer]

    # -- the event loop --------------------------------------------------------------------------

    def present(
        self, inputs, outputs=None, *, learn=False, sampled=True, probes=(), stream=FREE, batch=None
    ):
        """Schedule one presentation; `run` or `advance` carry it out.

        inputs : input name -> array (units, B); an input left out is silent
        outputs : layer name -> array (units, B), read by delayed connections at the first step
        learn : whether layers with a goal learn on the last step
        sampled : draw outputs from the firing probabilities
        probes : called after the last step, before learning
        stream, batch : the place of this presentation's random numbers; by default its time,
            so that no two presentations by hand share them
        """
        batch = self.time if batch is None else batch
        start, last = self.time, self.time + self.network.steps - 1
        schedule = self.events.schedule
        schedule(Present(start, inputs, outputs or {}, stream, batch))
        for step, layer, order in self._firings:
            schedule(Fire(start + step, layer, order, sampled))
        for probe in probes:
            schedule(Record(last, probe))
        if learn:
            for layer in self._learning:
                schedule(Learn(last, layer))
        self.time = last + 1

    def advance(self):
        """Carry out the next event and return it."""
        with self.workers.single_threaded_blas():
            return self._advance()

    def run(self):
        """Carry out all scheduled events."""
        with self.workers.single_threaded_blas():
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
            values = np.asarray(values, self.dtype)
            if values.shape != (self._sizes[name], self._n_samples):
                raise ShapeError(
                    f"{name!r} has shape {values.shape}, the network expects "
                    f"{(self._sizes[name], self._n_samples)}"
                )
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
        place = self.seed, self._presented.stream, layer.number + 256 * step, self._presented.batch
        layer.fire(event.time, signals, self._n_samples, event.sampled, place, self.workers)

    # -- what a user asks for --------------------------------------------------------------------

    def step(self, inputs, *, learn=True):
        """Present one batch (input name -> (B, units), or (B,) labels) and, by default, learn."""
        samples = self.samples(inputs)
        self.present(*self.batch(samples, np.arange(len(samples))), learn=learn)
        self.run()

    def fit(self, inputs, epochs, *, batch=1024, validation=None, test=None, **options):
        """Train for `epochs`; returns the `History`. Arguments as for `Training`."""
        training = Training(self, inputs, batch=batch, validation=validation, test=test, **options)
        with self.workers.single_threaded_blas():
            while len(training.history) <= epochs:
                training.advance()
        return training.history

    def evaluate(self, inputs, *, batch=1024, sampled=True, purpose=TEST, epoch=0):
        """Predict labels with the target input withheld.

        inputs : Samples, or input name -> array, with the target's labels to compare with
        sampled : neurons fire at random as in training; else each takes its likelier output

        Raises
        ------
        ConfigError : the network has no readout layer or no target input, batch below 1
        DataError : the samples lack the target input
        """
        if self.network.readout is None or self.network.target is None:
            raise ConfigError("evaluate needs a network with a readout layer and a target input")
        if not isinstance(batch, int) or isinstance(batch, bool) or batch < 1:
            raise ConfigError(f"batch must be an integer of at least 1, was {batch!r}")
        samples = self.samples(inputs)
        labels = samples.labels(self.network.target)
        predictions = np.empty(len(samples), np.int64)
        without = (self.network.target,)
        for number, first in enumerate(range(0, len(samples), batch)):
            positions = np.arange(first, min(first + batch, len(samples)))
            self.present(
                *self.batch(samples, positions, without),
                sampled=sampled,
                stream=stream(purpose, epoch),
                batch=number,
            )
            self.run()
            predictions[positions] = self.predictions()
        return Evaluation(float(np.mean(predictions != labels)), predictions, labels)

    def recall(self, cues, layer=None, *, max_steps=None, sampled=False):
        """Let a recurrent layer run from `cues` with all inputs silent until it no longer changes.

        cues : (n_patterns, n) of +1 and -1; layer : its name, by default the only one
        max_steps : by default the number of neurons; sampled : draw outputs at random

        Returns
        -------
        Recall (Memory 2025, section "Recall": synchronous updates, stop at a fixed point or a
        cycle of two states)
        """
        if layer is None:
            if len(self.layers) != 1:
                raise ConfigError(f"recall: name one of the layers {', '.join(self.layers)}")
            (layer,) = self.layers
        state = self[layer]
        cues = np.asarray(cues, self.dtype)
        if cues.ndim != 2 or cues.shape[1] != state.spec.size or not len(cues):
            raise ShapeError(f"cues have shape {cues.shape}, need (patterns, {state.spec.size})")
        order = state.number
        self.events.schedule(Present(self.time, {}, {layer: cues.T}, FREE, self.time))
        self.run()
        before, now = None, cues.T.copy()
        max_steps = state.spec.size if max_steps is None else max_steps
        for made in range(1, max_steps + 1):
            self.events.schedule(Fire(self.time, layer, order, sampled))
            self.run()
            self.time += 1
            after = state.output.copy()
            if not sampled and (
                np.array_equal(after, now) or (before is not None and np.array_equal(after, before))
            ):
                return Recall(after.T, made, True)
            before, now = now, after
        return Recall(now.T, max_steps, False)

    def predictions(self):
        """The readout's class for each sample of the last presentation, (B,).

        Information is blind to sign, so a neuron that mostly fires stands for "not my class" and
        is inverted, by its mean over the batch and without labels (ICLR 2025).
        """
        theta = self.layers[self.network.readout].probabilities
        inverted = theta.mean(axis=1, keepdims=True, dtype=np.float64) >= 0.5
        return np.where(inverted, 1 - theta, theta).argmax(axis=0)

    def information(self, layer):
        """I_∩ of every antichain, then H(Y), of the last presentation, bits, (n, A + 1)."""
        return self[layer].information(self.workers)

    def atoms(self, layer):
        """The atoms, then H_res, of the last presentation, bits, (n, A + 1)."""
        return atoms(self.information(layer), len(self[layer].spec.compartments))

    def samples(self, inputs):
        """`inputs` as Samples that fit this network."""
        samples = inputs if isinstance(inputs, Samples) else Samples(inputs)
        samples.check(self.network)
        return samples

    def batch(self, samples, positions, without=()):
        """The samples at `positions` as `present` takes them: (inputs, initial outputs).

        The arrays are overwritten by the next call with as many positions.
        """
        values = samples.batch(
            positions, self.network, self.kernels, self._buffers, self.workers, without
        )
        inputs = {name: v for name, v in values.items() if name in self.network.inputs}
        return inputs, {name: v for name, v in values.items() if name not in inputs}

    def arrays(self):
        """Everything that training changes, name -> live array."""
        return {k: v for layer in self.layers.values() for k, v in layer.arrays().items()}
