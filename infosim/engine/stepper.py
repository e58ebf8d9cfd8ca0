"""The stepper: a network, its machine, and the event loop that steps it."""

from collections.abc import Mapping
from contextlib import contextmanager, nullcontext

import numpy as np

from infosim.cpus import available
from infosim.errors import ConfigError, DataError, ShapeError, integer, near
from infosim.kernels import backend as backends
from infosim.kernels.contract import Part
from infosim.kernels.tape import Tape
from infosim.kernels.workers import Workers
from infosim.machine.events import Carry, EventLoop, Fire, Learn, Present, Record
from infosim.machine.feed import Feed
from infosim.machine.layer import LayerState
from infosim.machine.randomness import Purpose, generator
from infosim.machine.samples import Samples
from infosim.machine.sparse import Remainder
from infosim.network import Network
from infosim.pid.terms import atoms
from infosim.rules import executor_of, infomorphic
from infosim.rules.executor import Executor, keep

#: Neurons of a layer below which dense products are as fast, however sparse the inputs.
_FEWEST_NEURONS = 10


class Stepper:
    """Steps a network, or several replicas side by side, event by event.

    What a user asks for in one call is made of this by `Simulator`, where the parameters are.
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
        self._learning_steps = self.network.learning_steps
        #: counts what was done: events, and batches that were gathered
        self.done = 0
        self.tape = Tape(self.kernels, self.workers, self.n_replicas, tape)
        spare = self.kernels.ON_DEVICE or self.workers.n_threads < available()
        machine = self.kernels, self.tape, self.dtype
        self._feed = Feed(self.network, self.n_replicas, *machine, spare)
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
        rules = self._rules()
        #: the layers whose firings are all kept in a presentation that is to be learnt from
        self._traced = {
            layer.name
            for name, rule in rules.items()
            for layer in self.network.layers
            if name in (layer.name, None) and executor_of(rule).traced
        }
        seeds = self.kernels.resident(np.array(self.seeds, np.uint32))
        self.layers = {
            layer.name: LayerState(
                [network.layers[i] for network in self.networks],
                i,
                self._sizes,
                seeds,
                lambda *place: [generator(seed, Purpose.INITIAL, *place) for seed in self.seeds],
                self.kernels,
                self.dtype,
                self.tape,
                self.network.longest_delay(layer.name),
                self.network.steps if layer.name in self._traced else None,
            )
            for i, layer in enumerate(self.network.layers)
        }
        for layer in self.layers.values():
            for _, c in layer.connections:
                c.reads = self.layers.get(c.spec.source)
        self.events = EventLoop()
        self.time = 0
        #: what carries rules out: name of a layer, None if of the whole network -> Executor
        self.executors = {
            name: executor_of(rule)(
                rule,
                self.network,
                self.layers if name is None else {name: self.layers[name]},
                self.kernels,
                self.tape,
            )
            for name, rule in rules.items()
        }
        self._inputs, self.gathered = {}, ({}, {})
        #: whether what was gathered waits, and whether learning does
        self._gathering = self._learnt = False
        self._feed.may_be_sparse = self._may_be_sparse()

    def _may_be_sparse(self):
        """The inputs that are read by dense connections alone, on the CPU, one of a layer that is
        large enough for a gain."""
        if self.kernels.ON_DEVICE or any(one.reads_inputs for one in self.executors.values()):
            return frozenset()
        reading = [c for layer in self.layers.values() for _, c in layer.connections]
        few = {c.spec.source for c in reading if c.arrays.index is not None}
        wide = {
            c.spec.source
            for layer in self.layers.values()
            for _, c in layer.connections
            if layer.spec.size >= _FEWEST_NEURONS
        }
        return (wide & self.network.inputs.keys()) - few - {self.network.target}

    def _rules(self):
        """The rules there are executors for, of layers that learn, None for the whole network."""
        network = self.network
        if network.rule.whole:
            return {None: network.rule}
        return {name: network.rule_of(network.layer(name)) for name in network.learning}

    @property
    def rule(self):
        """What carries out the rule of the whole network, or None if each layer has its own."""
        return self.executors.get(None)

    def __getitem__(self, layer):
        if layer not in self.layers:
            raise ConfigError(f"no layer {layer!r}; {near(layer, self.layers)}")
        return self.layers[layer]

    # -- the event loop --------------------------------------------------------------------------

    def present(
        self,
        inputs,
        outputs=None,
        *,
        learn=False,
        sampled=True,
        probes=(),
        stream=Purpose.FREE,
        batch=None,
        carry=True,
    ):
        """Schedule one presentation; `run` or `advance` carry it out.

        inputs : input name -> array (units, B), held over the steps, or (R, units, B); or a
            sequence of what is shown at each, (steps, units, B) of one network, else
            (steps, R, units, B); an input left out is silent
        outputs : layer name -> array (units, B) or (R, units, B), what delayed connections read at
            the first step
        learn : whether layers learn, by their rules, at the steps that the network says
        sampled : draw outputs from the firing probabilities
        probes : called after the last step, before learning
        stream, batch : the place of this presentation's random numbers; by default its time,
            so that no two presentations by hand share them
        carry : whether, where the network carries outputs, this presentation goes on from those of
            the one before and leaves its own; else it is by itself, and what was carried stays

        Raises
        ------
        ConfigError, DataError : a rule that cannot learn from this (`Executor.check`), outputs
            given where they are carried, a value that is not finite
        """
        carry = carry and self.network.carry
        if carry and outputs:
            given = ", ".join(map(repr, outputs))
            raise ConfigError(f"outputs of {given} were given, but layers go on from those carried")
        for given in (inputs, outputs or {}):
            if not isinstance(given, Mapping):
                raise DataError(
                    f"what is presented are arrays by name, was a {type(given).__name__}"
                )
        learning = []
        for name, executor in self.executors.items() if learn else ():
            if not executor.finished:
                if type(executor).check is not Executor.check:
                    self.tape.catch_up()  # it may look at what was gathered
                executor.check(inputs, outputs or {})
                learning.append(name)
        # what was gathered was looked at when the samples were checked
        checked = {id(values) for part in self.gathered for values in part.values()}
        for name, values in {**inputs, **(outputs or {})}.items():
            if id(values) not in checked:
                self._check_finite(name, values)
        batch = self.time if batch is None else batch
        start, last = self.time, self.time + self.network.steps - 1
        schedule = self.events.schedule
        schedule(Present(start, inputs, outputs or {}, stream, batch, carry))
        traced = self._traced if learn else ()
        for step, layer, order in self._firings:
            kept = layer in traced and start + step < last
            schedule(Fire(start + step, layer, order, sampled, kept))
        for probe in probes:
            schedule(Record(last, probe))
        for step in self._learning_steps if learning else ():
            for layer in learning:
                schedule(Learn(start + step, layer))
        if carry:
            schedule(Carry(last))
        self.time = last + 1

    def forget(self):
        """Carry nothing: the next presentation begins in silence."""
        for layer in self.layers.values():
            layer.carried = None

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

    def advance(self):
        """Carry out the next event and return it.

        Raises
        ------
        ConfigError : none is scheduled
        """
        if not self.events:
            raise ConfigError("no event is scheduled; present something first")
        with self._engaged():
            return self._advance()

    def run(self):
        """Carry out all scheduled events."""
        with self._engaged():
            while self.events:
                self._advance()

    @contextmanager
    def _engaged(self):
        """A context at whose end all is done that events have led to."""
        with self.workers.engaged():
            try:
                yield
            finally:
                self._learnt = False
                self.tape.catch_up()

    def _advance(self):
        event = self.events.next()
        self.done += 1
        try:
            self._meet(event)
            match event:
                case Present():
                    self._present(event)
                case Fire():
                    self._fire(event)
                case Record():
                    event.probe(self)
                case Learn():
                    self._learn(self.executors[event.layer])
                case Carry():
                    for layer in self.layers.values():
                        layer.carry(event.time)
        except BaseException:
            self.events.clear()  # the rest of what failed must not run into the next presentation
            raise
        return event

    def _meet(self, event):
        """Have all carried out that must be before an event.

        Firings wait for each other, and for the layers' learning, to be carried out together; what
        was gathered waits for the presentation that follows.
        """
        match event:
            case Fire():
                waits = not self._learnt
            case Learn():
                waits = self._plays(self.executors[event.layer])
            case Present():
                waits = self._gathering
            case _:
                waits = False
        if not waits:
            self.tape.catch_up()
            self._learnt = False
        self._gathering = False

    @staticmethod
    def _plays(executor):
        """Whether its learning is on tape, all of it."""
        frozen = any(layer.imposed.frozen() for layer in executor.layers.values())
        return executor.played and not frozen

    # -- what events do --------------------------------------------------------------------------

    def _present(self, event):
        given = {**event.inputs, **event.outputs}
        batches = {a.shape[-1] for a in given.values()}
        if len(batches) != 1:
            raise ShapeError(f"all inputs need the same number of samples, were {sorted(batches)}")
        (self._n_samples,) = batches
        #: what is shown, by name, and whether any of it is another at each step
        batch, self._inputs, self._moves = self._feed[self._n_samples], {}, False
        for layer in self.layers.values():
            layer.silence(event.time)
        if event.goes_on:
            self._go_on()
        for name, values in given.items():
            if name not in self._sizes:
                raise ConfigError(f"the network has no input {name!r}; {near(name, self._sizes)}")
            if name in self.layers or not batch.owns(name, values):
                self.tape.catch_up()  # what is copied now must not be waited for
            if name in self.layers:
                self.layers[name].clamp_output(event.time - 1, self._shaped(name, values))
                continue
            if not batch.owns(name, values):
                shown = self._shaped(name, values)
                values = batch[name] if shown.ndim == 3 else batch.sequence(name)
                values[...] = shown
            self._inputs[name] = values
            self._moves |= values.ndim == 4
        self._presented = event

    def _shaped(self, name, values):
        """What is given under a name, for each replica: (R, units, B), or (T, R, units, B)."""
        values = self.kernels.resident(values, self.dtype)
        given, shape = values.shape, (self._sizes[name], self._n_samples)
        wanted, steps = (self.n_replicas, *shape), self.network.steps
        if values.ndim == 3 and self.n_replicas == 1 < steps and len(values) != 1:
            values = values[:, None]
        elif values.ndim == 2 and self.n_replicas == 1:
            values = values[None]
        elif values.ndim == 2:
            values = self.kernels.xp.broadcast_to(values, (self.n_replicas, *given))
        if values.ndim == 4 and name not in self.layers:
            wanted = steps, *wanted
        if values.shape != wanted:
            by_step = f"; a sequence has {steps} steps in front" if len(given) > 2 else ""
            raise ShapeError(f"{name!r} has shape {given}, the network expects {shape}{by_step}")
        return values

    def _go_on(self):
        """Let layers go on from what was carried, sample by sample."""
        for layer in self.layers.values():
            if layer.carried is not None and layer.carried.shape[2] != self._n_samples:
                raise ShapeError(
                    f"{self._n_samples} sample(s) cannot go on from the outputs of "
                    f"{layer.carried.shape[2]} that are carried; forget() begins anew"
                )
            layer.go_on()

    def _fire(self, event):
        layer, n_samples = self.layers[event.layer], self._n_samples
        layer.resize(n_samples)
        step = event.time - self._presented.time
        slot = layer.begin_firing(event.time)
        # what each connection reads, and keys that say which of the machine's arrays these are
        keys, signals, new, projected = [], [], [], []
        moves = self._moves
        for number, compartment in enumerate(layer.compartments):
            heard, changed, known = [], False, True
            for c in compartment.connections:
                if c.reads is None:
                    x = self._inputs.get(c.spec.source)
                    key = None if x is None else _key(c.spec.source, x)
                    if moves or c.spec.delay:
                        key, x = self._shown(c.spec, x, step)
                    # An input held over several steps is projected once, unless weights change.
                    # (Layers reuse their memory: theirs has always changed.)
                    held = c.projected is key
                    known = known and held
                else:
                    key = c.reads.fired(event.time - c.spec.delay)
                    x = None if key is None else c.reads.firing.signals[key]
                    held = key is None and c.projected is None
                keys.append(key)
                heard.append(x)
                if not held:
                    c.projected, changed = key, True
            signals += heard
            if changed:
                new.append((number, heard, known))
                projected += number, known, *keys[-len(heard) :]
        layer.read = keys, signals
        numbers = self._presented.stream, layer.number + 256 * step, self._presented.batch
        nth, place = layer.place(numbers, self.network.steps)
        sampled = event.sampled and layer.spec.sampled
        key = "fire", event.layer, n_samples, nth, slot, sampled, *projected
        given = layer, layer.firing, new, sampled, place, slot
        self.tape.play(key, infomorphic.fire, *given, later=True)
        if event.kept:
            key = "keep", event.layer, n_samples, step
            self.tape.play(key, keep, layer.firing, step, layer.spec.size, later=True)

    def _shown(self, connection, x, step):
        """What a connection hears of its input x at a step: a key of it, and x then."""
        if x is None or step < connection.delay:
            return None, None
        if x.ndim == 3:
            return _key(connection.source, x), x
        at = step - connection.delay
        return (connection.source, at), x[at]

    def _learn(self, executor):
        if not executor.rule.once:
            self._begin_updates(executor)
        self._turn()
        self.tape.may_wait = self._learnt = self._plays(executor)
        try:
            with _frozen(executor):
                executor.learn(self._inputs)
        finally:
            self.tape.may_wait = True

    def _turn(self):
        """Have what was gathered of sparse inputs ordered as gradients read it."""
        for x in self._inputs.values():
            if isinstance(x, Remainder) and not x.turned:
                self.tape.play(("turn", x.key, self._n_samples), x.turn, later=True)
                x.turned = True

    def _begin_updates(self, executor):
        for name in executor.learning:
            self.layers[name].begin_update()

    def conclude(self):
        """Have rules that learn once do so, from all that was presented with `learn` until now.

        `fit` does this when its first epoch ends; do it where samples were presented by hand.
        """
        left = [one for one in self.executors.values() if one.rule.once and not one.finished]
        with self.workers.engaged() if left else nullcontext():
            for executor in left:
                self._begin_updates(executor)
                with _frozen(executor):
                    executor.conclude()

    def noted(self, replica=0):
        """What rules have noted beside the weights of a replica, name -> array (live)."""
        return {
            f"{layer or 'network'}/{name}": array
            for layer, executor in self.executors.items()
            for name, array in executor.arrays(replica).items()
        }

    # -- what a layer holds ----------------------------------------------------------------------

    def gradient(self, layer):
        """Score a layer's last firing: ∂G/∂θ (N, B), ∂G/∂u (K, N, B) and ∂G/∂bias (K, N).

        Those of its weights are left where `learn` would leave them.
        """
        layer = self[layer]
        layer.check_fired()
        keys, values = layer.read
        key = "score", layer.spec.name, layer.firing.n_samples, *keys
        with self.workers.engaged():
            layer.clock.bring()
            self._turn()
            self.tape.play(key, infomorphic.score, layer, layer.firing, values)
            found = layer.firing.slope, layer.firing.delta, layer.bias_gradient
            return tuple(np.array(self.kernels.host(array)) for array in found)

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
        """The bin that each potential of the last presentation falls into, uint8 (K, N, B).

        Of soft bins it is the one that it has the largest share of.
        """
        layer = self[layer]
        layer.check_fired()
        with self.workers.engaged():
            key = "bin", layer.spec.name, layer.firing.n_samples
            self.tape.play(key, infomorphic.assign, layer, layer.firing)
            return self.kernels.host(layer.firing.bins).copy()

    def atoms(self, layer):
        """The atoms, then H_res, of the last presentation, bits, (N, A + 1)."""
        return atoms(self.information(layer), len(self[layer].spec.compartments))

    # -- batches ---------------------------------------------------------------------------------

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
            self.gather(samples, self.rows(samples, positions), tuple(without), dense=True)
        return self.gathered

    def reserve(self, samples, batch):
        """Take the memory that training on such batches needs: what does not fit fails now."""
        with self.workers.engaged():
            self._feed.reserve(samples, batch)
            for layer in self.layers.values():
                layer.resize(batch)
                if layer.spec.has_goal:
                    size, n = layer.spec.size, self.n_replicas
                    for block in self.workers.blocks(size, batch, n):
                        layer.firing.work.of(Part(*block, 0, batch, size, n))

    def begin_epoch(self, made):
        """Say how many epochs of training were made before: schedules go by it."""
        for layer in self.layers.values():
            layer.clock.epochs = made

    def look_ahead(self, n):
        """Have what learning from the next n presentations needs, beside their samples, where the
        kernels are."""
        for executor in self.executors.values():
            for name in executor.learning:
                self.layers[name].clock.look_ahead(n * len(self._learning_steps))

    def rows(self, samples, positions):
        """Where the samples at `positions` stand in their arrays, (R, B), where the kernels are."""
        return self._feed.rows(samples, positions)

    def sparse_inputs(self, samples):
        """The names of inputs that are gathered of these samples as `machine.sparse` has them."""
        may_be = self._feed.may_be_sparse.intersection(samples.arrays)
        return sorted(name for name in may_be if samples.sparse(name) is not None)

    def gather(self, samples, rows, without=(), dense=False, later=False, then=None):
        """Let `gathered` be the samples in these rows (R, B) of their arrays.

        dense : whether all are arrays; else inputs may be a `machine.sparse.Remainder`
        later : whether that may wait until they are presented
        then : the rows that are gathered next, if that is known: those on disk are read meanwhile
        """
        self.done += 1
        self.tape.catch_up()
        batch, shown = self._feed.gather(samples, rows, without, dense, later, then)
        self._gathering = later
        self._rows = batch.rows
        inputs, outputs = {}, {}
        for name, values in shown.items():
            (inputs if name in self.network.inputs else outputs)[name] = values
        self.gathered = inputs, outputs

    def gather_again(self, rows, then=None):
        """Say that other samples are gathered when what `gather` has played is played again."""
        self._feed.bring(rows, then)


def _key(source, x):
    """What recordings know an input by, always the same object."""
    return x.key if isinstance(x, Remainder) else source


@contextmanager
def _frozen(executor):
    """A context in which it may learn whatever it does: what is frozen is then as it was."""
    frozen = [one for layer in executor.layers.values() for one in layer.imposed.frozen()]
    try:
        yield
    finally:
        for array, rows, values in frozen:
            array[rows] = values


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
