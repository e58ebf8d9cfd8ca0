"""A layer's state: its compartments, its numbers as kernels read them, and its last firing."""

import numpy as np

from infosim.errors import ConfigError, DataError, near
from infosim.machine.checks import in_precision
from infosim.machine.clock import Clock
from infosim.machine.compartment import CompartmentState
from infosim.machine.firing import Firing
from infosim.machine.sizes import Sizes
from infosim.neuron.binning import BINNINGS
from infosim.pid.terms import all_terms, goal_terms


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
    n_traced : steps of a presentation, for an executor that is traced (`Trace`)
    """

    def __init__(self, specs, number, sizes, seeds, rngs, kernels, dtype, tape,
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
        self._set_numbers(specs)
        self.clock = Clock([one.optimizer for one in specs], kernels, dtype)
        #: I_∩ of every antichain and H(Y) in bits, as last measured, (N, A + 1)
        self.information = xp.zeros((shape[1], len(self.all_terms[0])), np.float64)

        def firing(n_samples, array):
            return Firing(self, n_samples, array, n_traced)

        self._firings = Sizes(xp, firing, tape.clear)
        self.firing, self._fired = None, False
        #: which arrays its last firing read, and these (`Simulator`)
        self.read = [], []
        self.silence(0)

    def _set_numbers(self, specs):
        """Bring what kernels read of the layer's description to where they are."""
        spec, dtype, resident = specs[0], self.dtype, self.kernels.resident
        where, n_compartments = f"layer {spec.name!r}:", len(spec.compartments)
        packed = np.array([one.activation.packed(np.float64) for one in specs])
        self.parameters = resident(in_precision(f"{where} activation parameter", packed, dtype))
        #: what makes the activation's kernels
        self.form = {"scalar": spec.activation.scalar, "n_compartments": n_compartments}
        self.clamp, self.off = map(dtype.type, (spec.activation.clamp, spec.silent))
        self.bins_of = spec.binning.bins_of(n_compartments)
        self.n_bins = resident(np.array(self.bins_of, np.int64))
        self.binning = {
            "kind": BINNINGS.index(spec.binning.kind),
            "n_bins": self.n_bins,
            "low": dtype.type(spec.binning.low),
            "high": dtype.type(spec.binning.high),
        }
        self.all_terms = self._terms(all_terms(n_compartments))
        if spec.goal is not None:
            terms, *weights = goal_terms([one.goal for one in specs])
            weights = (in_precision(f"{where} goal parameter", w, dtype) for w in weights)
            weights, entropy_weights = map(resident, weights)
            self.goal = {
                "terms": self._terms(terms),
                "weights": weights,
                "entropy_weights": entropy_weights,
            }

    def _terms(self, terms):
        starts, sets, signs = terms
        return tuple(map(self.kernels.resident, (starts, sets, signs.astype(self.dtype))))

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
        self._began, self._times = time, [None, None]
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
        return (time - self._began) % 2

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
        clamped = self.fired(self._began - 1)
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
        """The place of a firing's random numbers where the kernels are, uint32 (3,).

        numbers : stream, number of layer and step, batch
        n_steps : of a presentation; each has an array of its own, and later ones two by turns
        """
        step = numbers[1] // 256
        step = step if step < n_steps else n_steps + step % 2
        if step not in self._places:
            array = self.kernels.xp.zeros(3, np.uint32)
            self._places[step] = array, [array[i : i + 1] for i in range(3)], [0, 0, 0]
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
