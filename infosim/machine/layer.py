"""A layer's state: its compartments, its numbers as kernels read them, and its last firing."""

from collections.abc import Mapping
from numbers import Real

import numpy as np

from infosim.errors import ConfigError, DataError, near
from infosim.machine.aim import Aim, resident_terms, rows_by_measure
from infosim.machine.bins import Bins
from infosim.machine.checks import in_precision
from infosim.machine.clock import Clock
from infosim.machine.compartment import CompartmentState
from infosim.machine.firing import Firing
from infosim.machine.imposed import Imposed
from infosim.machine.sizes import Sizes
from infosim.pid.lattice import lattice
from infosim.pid.scheduled import goal_of
from infosim.pid.terms import all_terms
from infosim.schedule import Moment, at, schedules


class GroupState:
    """A group of a layer while it learns: `simulator["hidden"].groups["excitatory"]`.

    layer : LayerState; name : of the group, alone; `neurons` : where it stands in each replica
    """

    def __init__(self, layer, name):
        self._layer, self._name = layer, f"{layer.spec.name}/{name}"
        self.neurons = layer.spec.populations[self._name].neurons

    @property
    def goal(self):
        """The group's goal, read and set as a layer's (`LayerState.goal`)."""
        return self._layer.goal_of(self._name)

    @goal.setter
    def goal(self, given):
        self._layer.set_goals({self._name: given})


class LayerState:
    """One layer's compartments and the arrays of its last firing.

    `potentials` (K, N, B), `probabilities` θ (N, B) and `output` (N, B), 1 where a neuron fires,
    are what it last computed, for the neurons of all replicas of the network side by side;
    `self["F"]` is the compartment called F. How it fires and learns stands in `rules`.

    Parameters
    ----------
    specs : the layer in each replica; they differ in numbers alone (`Network.check_alike`)
    number : of the layer; sizes : units of its compartments' sources, by name
    seeds : of each replica, uint32 (R,), where the kernels are
    rngs : (layer, compartment) or (layer, compartment, connection) -> a generator for each replica
    kernels, dtype : the backend, and its arrays' precision
    tape : cleared when an array had to become another one
    longest_delay : by which it is read
    n_traced : steps of a presentation, for an executor that is traced (`Trace`)
    """

    def __init__(self, specs, number, sizes, seeds, rngs, kernels, dtype, tape, longest_delay,
                 n_traced=None):  # fmt: skip
        self.spec, self.number, self.kernels, self.dtype = specs[0], number, kernels, dtype
        spec, xp, self.n_replicas = specs[0], kernels.xp, len(specs)
        n, n_compartments = spec.size, len(spec.compartments)
        shape = n_compartments, self.n_replicas * n
        self.biases = xp.zeros(shape, dtype)
        self.bias_gradient = xp.empty(shape, dtype)
        bias_moments = xp.zeros((n_compartments, 2, shape[1]), dtype)
        self.compartments = [
            CompartmentState(
                [one.compartments[k] for one in specs],
                f"layer {spec.name!r}, compartment {c.name!r}",
                n,
                sizes,
                self.biases[k],
                bias_moments[k],
                # the first connection's generator is the compartment's
                lambda i, place=(number, k): rngs(*place, i) if i else rngs(*place),
                kernels,
                dtype,
                tape.clear,
            )
            for k, c in enumerate(spec.compartments)
        ]
        #: all connections of all compartments, each with its compartment's number: [(k, c)]
        self.connections = [
            (k, c) for k, one in enumerate(self.compartments) for c in one.connections
        ]
        #: those of them whose weights learn
        self.trained = [(k, c) for k, c in self.connections if c.trainable]
        self.seeds, self._places = seeds, {}
        self.clock, self._reshaped = Clock(kernels), tape.clear
        self._set_numbers(specs)
        #: I_∩ of every antichain and H(Y) in bits, as last measured, (N, A + 1)
        self.information = xp.zeros((shape[1], len(lattice(n_compartments)) + 1), np.float64)
        self._n_traced = n_traced
        #: what interventions impose on it
        self.imposed = Imposed(self).bring()
        #: outputs that a firing holds: this step's, and as many of before as are read, at least one
        self.n_outputs = max(longest_delay, 1) + 1
        self.longest_delay = longest_delay
        #: outputs that the next presentation may go on from, the last first, (d, N, B), or None
        self.carried = None
        self._forget_firings()
        self.silence(0)

    def _set_numbers(self, specs):
        """Bring what kernels read of the layer's description to where they are."""
        spec, dtype, kernels = specs[0], self.dtype, self.kernels
        where, n_compartments = f"layer {spec.name!r}:", len(spec.compartments)
        packed = np.array([one.activation.packed(np.float64) for one in specs])
        packed = in_precision(f"{where} activation parameter", packed, dtype)
        self.parameters = kernels.resident(packed)
        #: what makes the activation's kernels
        scalar = spec.activation.scalar(n_compartments)
        self.form = {"scalar": scalar, "n_compartments": n_compartments}
        self.clamp, self.off = map(dtype.type, (spec.activation.clamp, spec.silent))
        #: `Bins`: what makes the score's kernels, beside a measure, and what they read
        self.bins = Bins(spec.binning, n_compartments, self.n_replicas, kernels, dtype)
        self._set_bins(spec.binning.bins_of(n_compartments))
        self._bins_change = spec.binning.scheduled
        rows = rows_by_measure(spec.populations, spec.size, len(specs))
        rows = {measure: kernels.resident(own) for measure, own in rows.items()}
        #: for each measure, arguments of the kernel `information`: the terms of all antichains
        self.measured = [
            {
                "measure": measure,
                **resident_terms(*all_terms(n_compartments, measure), kernels, dtype),
                "rows": own,
            }
            for measure, own in rows.items()
        ]
        self.specs = specs
        self._follow_rates()
        #: `Aim`, None without a goal
        self.aim = None
        if spec.has_goal:
            goals = {
                name: tuple(one.populations[name].goal for one in specs)
                for name in spec.populations
            }
            self.aim = Aim(
                goals, spec.populations, rows, where, self.clock, kernels, dtype, self._reshaped
            )
        #: name -> `GroupState`
        self.groups = {one.name: GroupState(self, one.name) for one in spec.groups}

    def _follow_rates(self):
        """Have the optimizers' numbers of the update that is being made in `rates`, (R, ...)."""
        optimizers = [one.optimizer for one in self.specs]
        scheduled = [one for spec in optimizers for one in schedules(spec).values()]

        def rates(moment):
            now = [at(one, moment) for one in optimizers] if scheduled else optimizers
            return np.array([one.numbers(moment.update + 1) for one in now], self.dtype)

        self.rates = self.kernels.resident(rates(Moment()))
        self._rates_change = bool(scheduled)
        by_epoch = any(one.per == "epoch" for one in scheduled)
        self.clock.follow("rates", self.rates, rates, by_epoch, by_replica=True)

    # -- what changes over training --------------------------------------------------------------

    @property
    def goal(self):
        """The `Goal` that the next update climbs, of several replicas a list; None without one.

        It may be set to whatever a `Layer` takes as its goal, or to a list of one for each replica,
        and holds from the next update on. `Simulator.reset` brings back what the network says.

        Of a layer with groups it is read as {group: goal}, and may be set so; one goal is set for
        all of them.
        """
        if self.groups and self.aim is not None:
            return {name: one.goal for name, one in self.groups.items()}
        return self.goal_of(self.spec.name)

    @goal.setter
    def goal(self, given):
        if isinstance(given, Mapping) and given.keys() & self.groups.keys():
            for name in given:
                if name not in self.groups:
                    where = f"layer {self.spec.name!r}:"
                    raise ConfigError(f"{where} no group {name!r}; {near(name, self.groups)}")
            self.set_goals({f"{self.spec.name}/{name}": one for name, one in given.items()})
        else:
            self.set_goals(dict.fromkeys(self.spec.populations, given))

    def goal_of(self, population):
        """The goal that a population's next update climbs, of several replicas a list, or None."""
        if self.aim is None:
            return None
        goals = [one.at(self.clock.coming) for one in self.aim.goals[population]]
        return goals if self.n_replicas > 1 else goals[0]

    def set_goals(self, given):
        """Set goals of populations, name -> what `goal` may be set to; all of them, or none."""
        if self.aim is None:
            raise ConfigError(
                f"layer {self.spec.name!r}: it was described without a goal, so none can be set"
            )
        self.aim.set({name: self._of_replicas(name, one) for name, one in given.items()})

    def _of_replicas(self, population, given):
        """A tuple of the goal of each replica, of one goal or a list of as many."""
        where, names = f"layer {population!r}:", tuple(c.name for c in self.spec.compartments)
        each = isinstance(given, list | tuple) and not all(isinstance(one, Real) for one in given)
        if each and len(given) != self.n_replicas:
            raise ConfigError(
                f"{where} one goal, or a list of one for each of {self.n_replicas} replicas, is "
                f"needed; {len(given)} given"
            )
        try:
            goals = [goal_of(one, names) for one in (given if each else [given])]
        except ConfigError as error:
            raise ConfigError(f"{where} {error}") from None
        return tuple(goals if each else goals * self.n_replicas)

    def _set_bins(self, bins):
        """Let each compartment have so many bins."""
        self.bins_of, self.binning = bins, self.bins.read(bins)

    def _rebin(self):
        """Let the bins be those of now: what is presented is binned, scored and measured so."""
        bins = self.spec.binning.bins_of(len(self.spec.compartments), self.clock.coming)
        if bins != self.bins_of:
            self._set_bins(bins)
            self._reshaped()
            self._forget_firings()

    def _forget_firings(self):
        """Make arrays of firings anew when they are needed: these are void."""

        def firing(n_samples, array):
            return Firing(self, n_samples, array, self._n_traced)

        self._firings = Sizes(self.kernels.xp, firing, self._reshaped)
        self.firing, self._fired = None, False
        #: which arrays its last firing read, and these (`Simulator`)
        self.read = [], []

    @property
    def changes(self):
        """Whether any of its numbers is not always what the network says: `in_force` tells."""
        if self._bins_change or self._rates_change:
            return True
        return self.aim is not None and self.aim.changes

    def in_force(self, replica):
        """What has become of this layer's numbers that change, as of the last update.

        Yields
        ------
        name, value, and None if it is scheduled, else the value that the network says
        """
        spec, moment, where = self.specs[replica], self.clock.last, self.spec.name
        for name, one in schedules(spec.optimizer).items():
            yield f"{name}_{where}", one.at(moment), None
        if self._bins_change:
            bins = spec.binning.bins_of(len(spec.compartments), moment)
            for compartment, n in zip(spec.compartments, bins, strict=True):
                yield f"bins_{where}/{compartment.name}", float(n), None
        for label, now, was in self.aim.in_force(replica, moment) if self.aim else ():
            yield f"gamma_{label}", now, was

    def __getitem__(self, name):
        for compartment in self.compartments:
            if compartment.spec.name == name:
                return compartment
        names = [compartment.spec.name for compartment in self.compartments]
        raise ConfigError(
            f"layer {self.spec.name!r} has no compartment {name!r}; {near(name, names)}"
        )

    @property
    def sums(self):
        """Whether any compartment adds what one connection projects to another's."""
        return len(self.connections) > len(self.compartments)

    @property
    def held(self):
        """The numbers of the compartments that read inputs, which are held, and layers."""
        return [
            k
            for k, compartment in enumerate(self.compartments)
            if len({c.reads is None for c in compartment.connections}) == 2
        ]

    # -- signals: what other layers read ---------------------------------------------------------

    def silence(self, time):
        """Forget all outputs: a presentation begins at `time`, with held inputs that may be new."""
        if self._bins_change:
            self._rebin()
        self._began, self._times, self._clamped = time, [None] * self.n_outputs, False
        self.touch()

    def later(self, steps):
        """Let the presentation that was carried out have been so many steps later."""
        self._began += steps
        self._times = [None if time is None else time + steps for time in self._times]

    @property
    def changes_by_presentation(self):
        """Whether each presentation does more to it than to fire and to learn: what it began with
        was overwritten, outputs are carried, bins change, or something is kept from learning."""
        overwritten = self._clamped and self.fired(self._began - 1) is None
        carries = self.carried is not None
        return overwritten or carries or self._bins_change or bool(self.imposed.frozen())

    def impose(self, imposed):
        """Let what is imposed on it be this, from the next event on."""
        self.imposed = imposed.bring()
        self._reshaped()
        self.touch()

    def resize(self, n_samples):
        """Let `firing` be that of so many samples."""
        if self.firing is None or n_samples != self.firing.n_samples:
            self.firing, self._fired = self._firings[n_samples], False
            self.touch()

    def clamp_output(self, time, values):
        """Let `values` (R, n, B) be this layer's output at `time`."""
        self.resize(values.shape[2])
        slot = self._slot(time)
        self.firing.signals[slot][...] = values
        self.imposed.hold(self.firing.outputs[slot])
        self._times[slot], self._clamped = time, True

    def carry(self, time):
        """Keep a copy of the outputs at `time` and before that a presentation after it reads."""
        times = range(time, time - self.longest_delay, -1)
        slots = [slot for slot in map(self.fired, times) if slot is not None]
        shape = len(slots), *self.firing.outputs[0].shape
        if self.carried is None or self.carried.shape != shape:
            self.carried = self.kernels.xp.empty(shape, self.dtype)
        for copy, slot in zip(self.carried, slots, strict=True):
            copy[...] = self.firing.outputs[slot]

    def go_on(self):
        """Let the outputs that were carried be those of before the presentation that begins."""
        if self.carried is None:
            return
        self.resize(self.carried.shape[2])
        for i, values in enumerate(self.carried):
            time = self._began - 1 - i
            slot = self._slot(time)
            self.firing.outputs[slot][...] = values
            self.imposed.hold(self.firing.outputs[slot])
            self._times[slot] = time

    def begin_firing(self, time):
        """The slot of `firing.outputs` that the firing at `time` is to fill."""
        slot = self._last = self._slot(time)
        self._times[slot] = time
        self._fired = True
        return slot

    def fired(self, time):
        """The slot that holds the output of the firing at `time`, or None if it did not fire."""
        slot = self._slot(time)
        return slot if self._times[slot] == time else None

    def _slot(self, time):
        return (time - self._began) % self.n_outputs

    def check_fired(self):
        """Raise DataError unless there is a firing to look at."""
        if not self._fired:
            raise DataError(f"layer {self.spec.name!r} has not fired yet; present something first")

    @property
    def output(self):
        """1 where a neuron fired last, else -1 or 0 (`Layer.outputs`), (N, B)."""
        self.check_fired()
        return self.kernels.host(self.firing.outputs[self._last])

    @property
    def activity(self):
        """What it does in a presentation, where the kernels are, (N, B): what its output was
        clamped to, while that stands (for one step), else its last firing's."""
        clamped = self.fired(self._began - 1) if self._clamped else None
        return self.firing.outputs[self._last if clamped is None else clamped]

    @property
    def probabilities(self):
        """θ of the last firing, (N, B)."""
        self.check_fired()
        return self.kernels.host(self.firing.theta[0])

    @property
    def potentials(self):
        """The last firing's, with their biases, (K, N, B)."""
        self.check_fired()
        return self.kernels.host(self.firing.u + self.biases[:, :, None])

    # -- what is new from batch to batch ---------------------------------------------------------

    def place(self, numbers, n_steps):
        """The place of a firing's random numbers where the kernels are, uint32 (3, R).

        numbers : stream, number of layer and step, batch
        n_steps : of a presentation; each has an array of its own, and later ones two by turns
        """
        step = numbers[1] // 256
        step = step if step < n_steps else n_steps + step % 2
        if step not in self._places:
            array = self.kernels.xp.zeros((3, self.n_replicas), np.uint32)
            self._places[step] = array, list(array), [0, 0, 0]
        array, slots, known = self._places[step]
        for i, number in enumerate(numbers):
            if number != known[i]:  # mostly the batch's alone is new
                slots[i].fill(number)
                known[i] = number
        return step, array

    def begin_update(self):
        """Count an update and have its optimizers' numbers ready; weights are about to change."""
        self.clock.tick()
        for _, c in self.trained:
            c.touch()

    def touch(self):
        """Say that weights were changed: what was computed from them is out of date."""
        for _, c in self.connections:
            c.touch()

    # -- saving ----------------------------------------------------------------------------------

    def numbers(self):
        """The arrays of all numbers that training changes, each of all replicas."""
        for c in self.compartments:
            for _, one in c.named:
                yield one.arrays.weights
                if one.trainable:
                    yield one.arrays.moments
            yield c.arrays.bias
            if c.trained:
                yield c.arrays.moments

    def arrays(self, replica=0):
        """Everything that training changes in a replica, name -> array (live, not copies)."""
        arrays = {}
        rows = slice(replica * self.spec.size, (replica + 1) * self.spec.size)
        for c in self.compartments:
            prefix = f"{self.spec.name}/{c.spec.name}"
            for name, one in c.named:
                own = f"{prefix}/{name}"
                arrays[f"{own}weights"] = one.arrays.weights[rows]
                if one.arrays.index is not None:
                    arrays[f"{own}index"] = one.arrays.index[rows]
                if one.arrays.mask.size:
                    arrays[f"{own}mask"] = one.arrays.mask[rows]
                if one.trainable:
                    arrays[f"{own}moments"] = one.arrays.moments[:, rows]
            arrays[f"{prefix}/bias"] = c.arrays.bias[rows]
            if c.trained:
                arrays[f"{prefix}/bias_moments"] = c.arrays.moments[:, rows]
        return arrays
