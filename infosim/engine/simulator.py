"""The simulator: a network, its state, and the event loop that steps it."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

import numpy as np

from infosim.engine.readout import Readout
from infosim.engine.training import History, Training
from infosim.errors import ConfigError, DataError, ShapeError, integer, near
from infosim.kernels import backend as backends
from infosim.kernels.contract import Part
from infosim.kernels.tape import Tape
from infosim.kernels.workers import Workers
from infosim.machine.checks import check_array
from infosim.machine.events import EventLoop, Fire, Learn, Present, Record
from infosim.machine.feed import Feed
from infosim.machine.layer import LayerState
from infosim.machine.randomness import FREE, INITIAL, INVERSION, TEST, generator, stream
from infosim.machine.samples import Samples
from infosim.network import Network
from infosim.pid.terms import atoms
from infosim.rules import infomorphic
from infosim.rules.backprop import Backprop, keep

#: Samples that are presented at once to be evaluated. A sample's random numbers are those of its
#: place among so many, and BLAS rounds by the size of a product: with a number that nobody chooses
#: the results are the same bits in batches of any size.
_AT_ONCE = 1024


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
    tape : whether steps are recorded and played again; without, every call is put together anew,
        which is slower and gives the same bits

    With R replicas (as many as networks or seeds), each of their layers' arrays has the replicas'
    neurons one after the other, inputs may be (R, units, B), and what is returned for a network is
    returned for each.

    Raises
    ------
    ConfigError : seed, threads or dtype out of range; replicas that are not alike
    BackendError : a backend that is not there

    Examples
    --------
    A neuron that learns to say whether the sum of two numbers is positive, what it then knows, and
    one presentation by hand:

    >>> import numpy as np
    >>> from infosim import Activation, Adam, Compartment, Layer, Network, Simulator
    >>> F, C = Compartment("F", "numbers"), Compartment("C", "answer", weight=1.0, trainable=False)
    >>> neuron = Activation("bivariate")
    >>> layer = Layer("neuron", 1, [F, C], neuron, goal="{F}{C}", optimizer=Adam(0.01))
    >>> net = Simulator(Network({"numbers": 2, "answer": 1}, [layer]))
    >>> x = np.random.default_rng(0).normal(size=(1000, 2))
    >>> samples = {"numbers": x, "answer": np.sign(x.sum(axis=1, keepdims=True))}
    >>> history = net.fit(samples, epochs=200, batch=500)
    >>> bool(history.mean_goal["neuron"][-1] > 0.5)
    True
    >>> net["neuron"]["F"].weights.shape, net.atoms("neuron").shape
    ((1, 2), (1, 5))
    >>> net.present({"numbers": x[:3].T}, learn=False)
    >>> while net.events:
    ...     print(type(net.advance()).__name__)
    Present
    Fire
    """

    def __init__(self, network, backend="cpu", seed=0, threads=None, dtype="float32", tape=True):
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
        #: (step, layer, order) of every firing of a presentation
        orders = {layer.name: i for i, layer in enumerate(self.network.layers)}
        self._firings = [
            (step, layer.name, orders[layer.name]) for step, layer in self.network.firings()
        ]
        self.tape = Tape(self.kernels, self.workers, self.n_replicas, tape)
        self._feed = Feed(self.network, self.n_replicas, self.kernels, self.tape, self.dtype)
        with self.workers.engaged():
            self._wrong = self.kernels.xp.zeros(self.n_replicas, np.int64)
            self.reset()

    def reset(self):
        """Start anew: weights as the seed draws them, nothing learnt, nothing presented.

        Layers and compartments are new objects; `simulator["hidden"]` gives those of now.
        """
        self.tape.clear()
        with self.workers.engaged():
            self._begin()

    def _begin(self):
        """`reset`, where the kernels are."""
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
                self.tape,
                self.network.steps if self.network.rule == "backprop" else None,
            )
            for i, layer in enumerate(self.network.layers)
        }
        self.events = EventLoop()
        self.time = 0
        self.rule = None  # each layer learns for itself
        if self.network.rule == "backprop":
            self.rule = Backprop(self.network, self.layers, self.kernels, self.tape)
        self._learning = self.rule.learning if self.rule else self.network.learning
        self._inputs, self.gathered = {}, ({}, {})
        self.readout = None
        if self.network.readout is not None:
            layer = self.layers[self.network.readout]
            self.readout = Readout(
                layer, self.network.inversion, self.kernels, self.tape, self.n_replicas
            )
        #: what `Training` measured in each epoch so far, of each replica
        self.histories = [History() for _ in range(self.n_replicas)]

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
        DataError : a value that is not finite
        """
        for given in (inputs, outputs or {}):
            if not isinstance(given, Mapping):
                raise DataError(
                    f"what is presented are arrays by name, was a {type(given).__name__}"
                )
        if learn and outputs and self.rule:
            given = ", ".join(map(repr, outputs))
            raise ConfigError(f"backprop starts from silent layers, outputs of {given} were given")
        checked = {id(values) for part in self.gathered for values in part.values()}
        for name, values in {**inputs, **(outputs or {})}.items():
            if id(values) not in checked:
                self._check_finite(name, values)
        self._schedule(
            inputs, outputs, learn=learn, sampled=sampled, probes=probes, stream=stream, batch=batch
        )

    def _check_finite(self, name, values):
        """Raise unless all values are finite in the network's precision."""
        values = self.kernels.xp.asarray(values)
        if not values.size:
            raise ShapeError(f"{name!r} holds nothing, its shape is {values.shape}")
        with np.errstate(over="ignore"):
            ends = np.array([float(values.min()), float(values.max())]).astype(self.dtype)
            if np.isfinite(ends).all():  # nan is passed on by both
                return
            values = np.asarray(self.kernels.host(values))
            at = tuple(int(i) for i in np.argwhere(~np.isfinite(values.astype(self.dtype)))[0])
        raise DataError(
            f"{name!r} holds {values[at]} at {list(at)}; values must be finite in {self.dtype}"
        )

    def present_gathered(self, **options):
        """`present` what was gathered last, which was looked at when the samples were checked."""
        self._schedule(*self.gathered, **options)

    def _schedule(
        self, inputs, outputs=None, *, learn=False, sampled=True, probes=(), stream=FREE, batch=None
    ):
        """`present`, of values that were looked at before."""
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
        """Carry out the next event and return it.

        Raises
        ------
        ConfigError : none is scheduled
        """
        if not self.events:
            raise ConfigError("no event is scheduled; present something first")
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
                    self._learn(self.layers[event.layer])
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
        batch, self._inputs = self._feed[self._n_samples], {}
        for layer in self.layers.values():
            layer.silence(event.time)
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
                self._inputs[name] = batch[name]
                if values is not batch[name]:
                    batch[name][...] = values
        self._presented = event

    def _signals(self, layer, time):
        """What each compartment of a layer that fires at `time` reads.

        Returns
        -------
        key -> which of the machine's arrays it is, None if silent; and the arrays, (R, units, B)
        """
        keys, values = [], []
        for c in layer.spec.compartments:
            if c.source in self.layers:
                source = self.layers[c.source]
                slot = source.fired(time - c.delay)
                keys.append(slot)
                values.append(None if slot is None else source.firing.signals[slot])
            else:
                x = self._inputs.get(c.source)
                keys.append(None if x is None else c.source)
                values.append(x)
        return keys, values

    def _fire(self, event):
        layer, n_samples = self.layers[event.layer], self._n_samples
        layer.resize(n_samples)
        step = event.time - self._presented.time
        slot = layer.begin_firing(event.time)
        layer.read = keys, values = self._signals(layer, event.time)
        new = []
        for number, (c, key, x) in enumerate(zip(layer.compartments, keys, values, strict=True)):
            # An input held over several steps is projected once: the weights stay the same
            # within a presentation. (Layers reuse their memory, so theirs has always changed.)
            if c.projected != key or (c.from_layer and x is not None):
                new.append((number, x))
                c.projected = key
        numbers = self._presented.stream, layer.number + 256 * step, self._presented.batch
        nth, place = layer.place(numbers, self.network.steps)
        sampled = event.sampled and layer.spec.sampled
        projected = tuple((number, keys[number]) for number, _ in new)
        key = "fire", event.layer, n_samples, nth, slot, sampled, projected
        self.tape.play(key, infomorphic.fire, layer, layer.firing, new, sampled, place, slot)
        if event.kept:
            key = "keep", event.layer, n_samples, step
            self.tape.play(key, keep, layer.firing, step, layer.spec.size)

    def _learn(self, layer):
        keys, values = layer.read
        layer.begin_update()
        key = "learn", layer.spec.name, layer.firing.n_samples, *keys
        self.tape.play(key, infomorphic.learn, layer, layer.firing, values)

    def gradient(self, layer):
        """Score a layer's last firing: ∂G/∂θ (N, B), ∂G/∂u (K, N, B) and ∂G/∂bias (K, N).

        Those of its weights are left where `learn` would leave them.
        """
        layer = self[layer]
        layer.check_fired()
        keys, values = layer.read
        key = "score", layer.spec.name, layer.firing.n_samples, *keys
        with self.workers.engaged():
            self.tape.play(key, infomorphic.score, layer, layer.firing, values)
            found = layer.firing.slope, layer.firing.delta, layer.bias_gradient
            return tuple(np.array(self.kernels.host(array)) for array in found)

    # -- what a user asks for --------------------------------------------------------------------

    def step(self, inputs, *, learn=True):
        """Present one batch (input name -> (B, units), or (B,) labels) and, by default, learn."""
        samples = self.samples(inputs)
        self.present(*self.batch(samples, np.arange(len(samples))), learn=learn)
        self.run()

    def fit(
        self, inputs, epochs, *, batch=1024, validation=None, test=None, report=None, **options
    ):
        """Train for `epochs` more; returns the `History`, or one of each replica in a list.

        The history is that of all epochs so far: `fit(10)` twice is `fit(20)`, to the same bits if
        samples and batch are the same. `reset` starts anew. Arguments as for `Training`.

        report : called with the Training and its last epoch after every batch, such as `Progress()`

        Raises
        ------
        ConfigError : epochs below 0
        DivergedError : weights are no longer finite
        """
        epochs = integer("epochs", epochs, 0)
        training = Training(self, inputs, batch=batch, validation=validation, test=test, **options)
        until = max(len(training.history), 1) + epochs
        with self.workers.engaged():
            while len(training.history) < until:
                training.advance()
                if report is not None:
                    report(training, until - 1)
        return training.histories if self.n_replicas > 1 else training.history

    def evaluate(self, inputs, *, batch=1024, sampled=True, purpose=TEST, epoch=0):
        """Predict labels with the target input withheld; an `Evaluation`, or one of each replica.

        inputs : Samples, or input name -> array, with the target's labels to compare with
        batch : changes nothing, unless the network's inversion is "batch"
        sampled : neurons fire at random as in training; else each takes its likelier output

        Raises
        ------
        ConfigError : the network has no readout layer or no target input, batch below 1
        DataError : the samples lack the target input
        """
        samples = inputs if isinstance(inputs, Samples) else Samples(inputs)
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
        self._check_readout("evaluate")
        samples = self.samples(samples)
        batch = integer("batch", batch)
        labels = samples.resident_labels(self.network.target, self.kernels)
        at_once = batch if self.network.inversion == "batch" else _AT_ONCE
        with self.workers.engaged():
            wrong = self._wrong
            wrong.fill(0)
            shape = self.n_replicas, len(samples)
            predictions = self.kernels.xp.empty(shape, np.int64) if keep else None
            passing = self.passing(
                samples, (self.network.target,), sampled, stream(purpose, epoch), at_once
            )
            for span in passing:
                found = self.readout.count_wrong(labels, self._rows, wrong)
                if keep:
                    predictions[:, span] = found
            predictions = self.kernels.host(predictions) if keep else None
            return predictions, np.array(self.kernels.host(wrong))

    def _check_readout(self, what):
        if self.network.readout is None or self.network.target is None:
            raise ConfigError(f"{what} needs a network with a readout layer and a target input")

    def passing(
        self, samples, without=(), sampled=True, stream=FREE, at_once=_AT_ONCE, positions=None
    ):
        """Present samples without learning, so many at once; yields the slice of each batch.

        without : inputs that are withheld
        stream : of the random numbers, of which a sample has those of its place
        positions : (n,) or (R, n), which samples; by default all, in their order
        """
        rows = self.rows(samples, np.arange(len(samples)) if positions is None else positions)
        n = rows.shape[1]
        for number, first in enumerate(range(0, n, at_once)):
            span = slice(first, min(first + at_once, n))
            self.gather(samples, rows[:, span], without)
            self.present_gathered(sampled=sampled, stream=stream, batch=number)
            self.run()
            yield span

    def learn_inversion(self, inputs, *, epoch=0):
        """Learn which readout neurons tell their class by being silent (`Readout`).

        `fit` does this in every epoch; do it where weights were set or learnt by hand, before
        `evaluate`. `simulator.readout.inverted` says which they are.

        inputs : training samples, with their labels, which are withheld from the network

        Raises
        ------
        ConfigError : the network has no readout or target, or another `inversion` than "learned"
        """
        self._check_readout("learn_inversion")
        if not self.readout.learned:
            raise ConfigError(
                f"learn_inversion needs inversion 'learned', was {self.network.inversion!r}"
            )
        samples = self.samples(inputs)
        self.decide_inversion(samples, np.arange(len(samples)), epoch)

    def decide_inversion(self, samples, positions, epoch):
        """`learn_inversion` from the samples at `positions`, (n,) or (R, n)."""
        target = self.network.target
        labels = samples.resident_labels(target, self.kernels)
        with self.workers.engaged():
            self.readout.begin_decision()
            passing = self.passing(
                samples, (target,), stream=stream(INVERSION, epoch), positions=positions
            )
            for _ in passing:
                self.readout.tally(labels, self._rows)
            self.readout.decide()

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
        max_steps = n if max_steps is None else integer("max_steps", max_steps, 0)
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

        Neurons that tell their class by being silent are read as such (`Readout`).

        Raises
        ------
        ConfigError : the network has no readout layer
        DataError : nothing was presented yet
        """
        if self.readout is None:
            raise ConfigError("predictions needs a network with a readout layer")
        self[self.network.readout].check_fired()
        with self.workers.engaged():
            predictions = np.array(self.kernels.host(self.readout.read()))
        return predictions if self.n_replicas > 1 else predictions[0]

    def count_wrong(self, labels, wrong):
        """Add the mistakes in the batch that was learnt from last to `wrong` (R,).

        labels : of all rows of the samples' arrays; both where the kernels are
        """
        self.readout.count_wrong(labels, self._rows, wrong, learning=True)

    def information(self, layer):
        """I_∩ of every antichain, then H(Y), of the last presentation, bits, (N, A + 1)."""
        with self.workers.engaged():
            return self.kernels.host(self.measure(layer)).copy()

    def measure(self, layer):
        """`information` where the kernels are; the next call overwrites it."""
        layer = self[layer]
        layer.check_fired()
        key = "measure", layer.spec.name, layer.firing.n_samples
        self.tape.play(key, infomorphic.measure, layer, layer.firing)
        return layer.information

    def bins(self, layer):
        """The bin that each potential of the last presentation falls into, uint8 (K, N, B)."""
        layer = self[layer]
        layer.check_fired()
        with self.workers.engaged():
            key = "bin", layer.spec.name, layer.firing.n_samples
            self.tape.play(key, infomorphic.assign, layer, layer.firing)
            return self.kernels.host(layer.firing.bins).copy()

    def atoms(self, layer):
        """The atoms, then H_res, of the last presentation, bits, (N, A + 1)."""
        return atoms(self.information(layer), len(self[layer].spec.compartments))

    def samples(self, inputs):
        """`inputs` as Samples that fit this network."""
        samples = inputs if isinstance(inputs, Samples) else Samples(inputs)
        samples.check(self.network, self.n_replicas, self.dtype)
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
            self._feed.reserve(samples, batch)
            for layer in self.layers.values():
                layer.resize(batch)
                if layer.spec.goal is not None:
                    size, n = layer.spec.size, self.n_replicas
                    for block in self.workers.blocks(size, batch, n):
                        layer.firing.work.of(Part(*block, 0, batch, size, n))

    def look_ahead(self, n):
        """Have what the next n updates need, beside their samples, where the kernels are."""
        for name in self._learning:
            self.layers[name].clock.look_ahead(n)

    def rows(self, samples, positions):
        """Where the samples at `positions` stand in their arrays, (R, B), where the kernels are."""
        return self._feed.rows(samples, positions)

    def gather(self, samples, rows, without=()):
        """Let `gathered` be the samples in these rows (R, B) of their arrays."""
        batch, names = self._feed.gather(samples, rows, without)
        self._rows = batch.rows
        inputs, outputs = {}, {}
        for name in names:
            (inputs if name in self.network.inputs else outputs)[name] = batch[name]
        self.gathered = inputs, outputs

    def arrays(self, replica=0):
        """Everything that training changes in a replica, name -> live array."""
        arrays = {k: v for layer in self.layers.values() for k, v in layer.arrays(replica).items()}
        return arrays | (self.readout.arrays(replica) if self.readout else {})

    def set_arrays(self, *given):
        """Copy each replica's arrays, named as by `arrays`, into its own; others stay.

        Nothing is copied unless everything fits: the arrays may come from a file.

        Raises
        ------
        KeyError, ValueError : a name that the network does not have, a shape that does not fit, a
            value that cannot be (ShapeError)
        """
        known = [self.arrays(replica) for replica in range(len(given))]
        for own, one in zip(known, given, strict=True):
            for name, array in one.items():
                if not name.endswith("/mask"):
                    check_array(name, array, own[name])
        checked = {}
        for name, layer in self.layers.items():
            for compartment in layer.compartments:
                prefix = f"{name}/{compartment.spec.name}"
                for one in given:
                    if f"{prefix}/index" in one:
                        compartment.check_index(one[f"{prefix}/index"])
                if compartment.index is None:
                    masks = [one.get(f"{prefix}/mask") for one in given]
                    checked[compartment] = compartment.checked_mask(masks)
        for compartment, mask in checked.items():
            compartment.mask = mask
        for replica, one in enumerate(given):
            own = self.arrays(replica)
            for name, array in one.items():
                own[name][...] = self.kernels.resident(array)
        for layer in self.layers.values():
            for compartment in layer.compartments:
                compartment.touch()

    def not_finite(self):
        """Which array of the network holds a number that is not finite, by name; None if all are.

        The sum of an array is not finite if an element is not, and it is read once.
        """
        for replica in range(self.n_replicas):
            for name, array in self.arrays(replica).items():
                if array.dtype.kind == "f" and not isfinite(array.sum(dtype=np.float64)):
                    return name
        return None


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
    seeds = [integer("seed", one, 0, 2**32 - 1) for one in seeds]
    n = max(len(networks), len(seeds))
    if not networks or not seeds or {len(networks), len(seeds)} - {1, n}:
        raise ConfigError(
            f"as many networks as seeds (or one) are needed, were {len(networks)} and {len(seeds)}"
        )
    for other in networks[1:]:
        networks[0].check_alike(other)
    networks, seeds = networks * (n // len(networks)), seeds * (n // len(seeds))
    return networks, seeds
