"""What changes during a simulation: weights, optimizer moments, potentials and outputs."""

import math
from dataclasses import dataclass

import numpy as np

from infosim.engine import optimizers
from infosim.engine.threads import Plans
from infosim.errors import ConfigError, DataError, ShapeError, near
from infosim.neuron.binning import BINNINGS
from infosim.pid import lattice

#: Updates whose optimizers' numbers are computed and brought to where the kernels are at once.
_AHEAD = 256
#: No signal, not even silence (None): nothing was projected, or nothing is to be projected.
_NOTHING = object()


def _array(what, value, shape, dtype):
    """`value` as an array of exactly `shape`, all finite."""
    value = np.asarray(value, dtype)
    if value.shape != shape:
        raise ShapeError(f"{what} has shape {value.shape}, this compartment needs {shape}")
    if not np.isfinite(value).all():
        raise ShapeError(f"{what} must be finite")
    return value


def check_array(name, value, like):
    """Raise unless `value` can be copied into the array `like`: shape, kind of numbers, finite.

    Raises
    ------
    ShapeError : naming the array
    """
    value = np.asarray(value)
    if value.shape != like.shape:
        raise ShapeError(f"{name} has shape {value.shape}, this network needs {like.shape}")
    kinds = "f" if like.dtype.kind == "f" else "biu"
    if value.dtype.kind not in kinds:
        raise ShapeError(f"{name} has values of type {value.dtype}, needed are {like.dtype}")
    if like.dtype.kind == "f" and not np.isfinite(value.astype(like.dtype)).all():
        raise ShapeError(f"{name} must be finite")
    if like.dtype == np.uint8 and not np.isin(value, (0, 1)).all():
        raise ShapeError(f"{name} must be 0 or 1")


def _in_precision(what, values, dtype):
    """`values` as an array of `dtype`. Raises ConfigError if they are too large for it."""
    with np.errstate(over="ignore"):
        result = np.asarray(values, np.float64).astype(dtype)
    if not np.isfinite(result).all():
        largest = float(np.abs(values).max())
        raise ConfigError(f"{what} {largest:g} is more than {np.dtype(dtype)} can hold")
    return result


class CompartmentState:
    """Weights and biases of one compartment, to read and set.

    With N neurons (of all replicas of the network side by side, each n of them):

    weights : (N, n_in); with few inputs per neuron (one-to-one, sparse) (N, k); setting copies
    index : (N, k), which of the source's units these are; read-only, set as a whole; else None
    mask : boolean (N, n_in), connections that exist, or None for all; setting it zeroes the others
    bias : (N,)

    On the CPU `weights` and `bias` are the arrays themselves; elsewhere they are read-only copies.
    """

    def __init__(self, specs, n, n_in, from_layer, bias, bias_moments, rngs, kernels, dtype):
        self.spec, self.from_layer, self._kernels = specs[0], from_layer, kernels
        self._n_in = n_in
        self.trainable = self.spec.trainable
        index, weights, biases = zip(
            *(_initial(spec, n, n_in, rng, dtype) for spec, rng in zip(specs, rngs, strict=True)),
            strict=True,
        )
        self._index = None
        if index[0] is not None:
            for one in index:
                self.check_index(one)  # a connectivity may be the user's own
            self._index = kernels.resident(np.concatenate(index).astype(np.int32))
        self._weights = kernels.resident(np.concatenate(weights))
        self._bias = bias
        bias[...] = kernels.resident(np.concatenate(biases))
        if self.trainable:
            self.gradient = kernels.xp.empty(self._weights.shape, dtype)
            self.moments = kernels.xp.zeros((2, *self._weights.shape), dtype)
            self.bias_moments = bias_moments
        self._mask = self._no_mask = kernels.xp.empty((0, 0), np.uint8)
        mask = self.spec.connectivity.mask(n, n_in)
        self.mask = None if mask is None else np.tile(mask, (len(specs), 1))
        self.projected = _NOTHING

    @property
    def index(self):
        if self._index is None:
            return None
        index = self._kernels.host(self._index).view()
        index.flags.writeable = False  # kernels read where it says, so every change is checked
        return index

    @index.setter
    def index(self, value):
        if self._index is None:
            raise ShapeError(
                "index cannot be set: these weights are (N, n_in), not of a few inputs"
            )
        value = np.asarray(value)
        check_array("index", value, self._index)
        self.check_index(value)
        self._index[...] = self._kernels.resident(value.astype(np.int32))
        self.touch()

    def check_index(self, value):
        """Raise ShapeError unless `value` names units of the source, and no two alike in a row."""
        value = np.asarray(value)
        outside = value[(value < 0) | (value >= self._n_in)]
        if outside.size:
            raise ShapeError(
                f"index {outside[0]} is outside the source's units 0 to {self._n_in - 1}"
            )
        if (np.diff(np.sort(value, axis=1), axis=1) == 0).any():
            raise ShapeError("index names the same unit twice for one neuron")

    @property
    def weights(self):
        return self._kernels.host(self._weights)

    @weights.setter
    def weights(self, value):
        value = _array("weights", value, self._weights.shape, self._weights.dtype)
        self._weights[...] = self._kernels.resident(value)
        self._apply_mask()

    @property
    def bias(self):
        return self._kernels.host(self._bias)

    @bias.setter
    def bias(self, value):
        value = _array("bias", value, self._bias.shape, self._bias.dtype)
        self._bias[...] = self._kernels.resident(value)

    @property
    def mask(self):
        return self._kernels.host(self._mask).astype(bool) if self._mask.size else None

    @mask.setter
    def mask(self, value):
        if value is None:
            self._mask = self._no_mask
            return
        value = self.checked_mask([value])
        self._mask = self._kernels.resident(np.ascontiguousarray(value, np.uint8))
        self._apply_mask()

    def checked_mask(self, parts):
        """The parts of a mask, one after the other, as boolean (N, n_in); None if all are None.

        Raises
        ------
        ShapeError : of another shape, or anything but 0 and 1
        """
        if all(part is None for part in parts):
            return None
        if any(part is None for part in parts):
            raise ShapeError("a mask is needed for every replica, or for none")
        mask = np.concatenate([np.asarray(part) for part in parts])
        if mask.shape != self._weights.shape:
            raise ShapeError(
                f"mask has shape {mask.shape}, this compartment needs {self._weights.shape}"
            )
        if mask.dtype.kind not in "biu" or not np.isin(mask, (0, 1)).all():
            raise ShapeError("mask must be true or false, 0 or 1")
        return mask.astype(bool)

    def _apply_mask(self):
        if self._mask.size:
            self._weights *= self._mask
            if self.trainable:
                self.moments *= self._mask  # or the momentum would move what is no longer there
        self.touch()

    def touch(self):
        """Say that weights were changed in place: what was computed from them is out of date."""
        self.projected = _NOTHING


def _initial(spec, n, n_in, rng, dtype):
    """Which units a new compartment of `n` neurons reads (or None), its weights and biases."""
    index = spec.connectivity.index(n, n_in, rng)
    shape = (n, n_in) if index is None else index.shape
    biases = np.zeros(n, dtype)
    if spec.weight is not None:
        weight = _in_precision("weight", spec.weight, dtype)
        return index, np.full(shape, weight, dtype), biases
    bound = 1 / np.sqrt(n_in)
    weights = rng.uniform(-bound, bound, shape).astype(dtype)
    if spec.bias:
        biases[:] = rng.uniform(-bound, bound, n)
    return index, weights, biases


@dataclass(frozen=True, eq=False)
class Trace:
    """What backprop needs of a layer: each firing of a presentation, and room for the way back.

    past : (u, θ, y) of every step but the last, (K, N, B), (2, N, B) and (N, B), copies
    slopes : the loss's, in θ or y, of a step and of the one before it, (N, B) each
    product : what is projected back to this layer, before it is added to a slope, (N, B)
    deltas, bias_gradients : all steps' sum and a single step's, (K, N, B) and (K, N) each
    """

    past: list
    slopes: tuple
    product: object
    deltas: tuple
    bias_gradients: tuple


class LayerState:
    """One layer's compartments and the arrays of its last firing.

    `potentials` (K, N, B), `probabilities` θ (N, B) and `output` (N, B), 1 where a neuron fires,
    are what it last computed, for the neurons of all replicas of the network side by side;
    `self["F"]` is the compartment called F.

    Parameters
    ----------
    specs : the layer in each replica; they differ in numbers alone (`Network.check_alike`)
    number : of the layer; sizes : units of its compartments' sources, by name
    inputs : names of the network's inputs
    seeds : of each replica, uint32 (R,), where the kernels are
    rngs : (layer, compartment) -> a generator for each replica
    n_traced : steps of a presentation, for a rule that learns from all of them (`Trace`)
    """

    def __init__(self, specs, number, sizes, inputs, seeds, rngs, kernels, dtype, n_traced=None):
        self.spec, self.number, self.kernels, self.dtype = specs[0], number, kernels, dtype
        spec, xp, self.n_replicas = specs[0], kernels.xp, len(specs)
        n, n_compartments = spec.size, len(spec.compartments)
        shape = n_compartments, self.n_replicas * n
        self.biases = xp.zeros(shape, dtype)
        self._bias_gradient = xp.empty(shape, dtype)
        self._bias_moments = xp.zeros((n_compartments, 2, shape[1]), dtype)
        self.compartments = [
            CompartmentState(
                [one.compartments[k] for one in specs],
                n,
                sizes[c.source],
                c.source not in inputs,
                self.biases[k],
                self._bias_moments[k],
                rngs(number, k),
                kernels,
                dtype,
            )
            for k, c in enumerate(spec.compartments)
        ]
        self._plans = Plans()
        self._seeds, self._places = seeds, {}
        resident = kernels.resident
        packed = np.array([one.activation.packed(np.float64) for one in specs])
        where = f"layer {spec.name!r}:"
        self.parameters = resident(_in_precision(f"{where} activation parameter", packed, dtype))
        self.clamp, self._off = map(dtype.type, (spec.activation.clamp, spec.silent))
        self._activate = kernels.activate(spec.activation.scalar, n_compartments)
        self._chain = kernels.chain(spec.activation.scalar, n_compartments)
        binning = spec.binning
        bins = binning.bins_of(n_compartments)
        self._bins_of = bins
        self.n_bins = resident(np.array(bins, np.int64))
        self._binning = (
            BINNINGS.index(binning.kind),
            self.n_bins,
            dtype.type(binning.low),
            dtype.type(binning.high),
        )
        structure = lattice(n_compartments).inclusion_exclusion
        self._all_terms = tuple(map(resident, _terms(structure, dtype)))
        if spec.goal is not None:
            coefficients = [one.goal.coefficients() for one in specs]
            weights = np.array([w for w, _ in coefficients])
            used = np.flatnonzero(weights.any(axis=0))
            weights = np.stack([weights[:, used], weights[:, used] / np.log(2)], axis=1)
            self._goal_terms = tuple(map(resident, _terms(structure[used], dtype)))
            self._weights = resident(_in_precision(f"{where} goal parameter", weights, dtype))
            entropy_weights = np.array([h for _, h in coefficients])
            self._entropy_weights = resident(
                _in_precision(f"{where} goal parameter", entropy_weights, dtype)
            )
        self._update = getattr(kernels, optimizers.kernel(spec.optimizer))
        self._optimizers = [one.optimizer for one in specs]
        self._rates = resident(self._rates_at(1))
        self._rates_ahead = range(0)
        self.updates = 0
        self.last_information = xp.zeros((shape[1], len(self._all_terms[0])), np.float64)
        self._n_traced = n_traced
        self._memory, self._scratch, self._sizes = {}, {}, {}
        self.n_samples = self._most_samples = 0
        self._fired = False  # whether the arrays hold a firing
        self.silence()

    def __getitem__(self, name):
        for compartment in self.compartments:
            if compartment.spec.name == name:
                return compartment
        names = [compartment.spec.name for compartment in self.compartments]
        raise ConfigError(
            f"layer {self.spec.name!r} has no compartment {name!r}; {near(name, names)}"
        )

    def _rates_at(self, step):
        """The optimizers' numbers of update `step`, (R, ...)."""
        return np.array([optimizers.rates(one, step) for one in self._optimizers], self.dtype)

    # -- signals: what other layers read ---------------------------------------------------------

    def silence(self):
        """Forget all outputs: delayed connections read nothing, held inputs may be new."""
        self._times = [None, None]
        for compartment in self.compartments:
            compartment.touch()

    def clamp_output(self, time, values):
        """Let `values` (R, n, B) be this layer's output at `time`."""
        self._resize(values.shape[2])
        self._signals[0][...] = values
        self._times = [time, None]

    def signal(self, time):
        """The output (R, n, B) of the firing at `time`, or None if it did not fire then."""
        return self._signals[self._times.index(time)] if time in self._times else None

    def check_fired(self):
        """Raise DataError unless there is a firing to look at."""
        if not self._fired:
            raise DataError(f"layer {self.spec.name!r} has not fired yet; present something first")

    @property
    def output(self):
        self.check_fired()
        return self.kernels.host(self._outputs[0])

    @property
    def probabilities(self):
        self.check_fired()
        return self.kernels.host(self.theta[0])

    @property
    def potentials(self):
        self.check_fired()
        return self.kernels.host(self._u + self.biases[:, :, None])

    # -- memory ----------------------------------------------------------------------------------

    def _resize(self, n_samples):
        """Make room for so many samples; plans and arrays of sizes seen before are kept."""
        if n_samples == self.n_samples:
            return
        if n_samples > self._most_samples or (
            n_samples not in self._sizes and len(self._sizes) == 8
        ):
            self._most_samples = max(n_samples, self._most_samples)
            self._sizes.clear()
            self._plans.clear()
            self._scratch.clear()
            self._memory.clear()
        self.n_samples, self._fired = n_samples, False
        if n_samples not in self._sizes:
            self._sizes[n_samples] = self._arrays(n_samples)
        (
            self._u,
            self.theta,
            self._outputs,
            self._signals,
            self._bins,
            self._slope,
            self._delta,
            self.trace,
        ) = self._sizes[n_samples]
        for compartment in self.compartments:
            compartment.touch()

    def reserve(self, n_samples, workers):
        """Take the memory that batches of up to so many samples need."""
        self._resize(n_samples)
        for block in self.blocks(workers) if self.spec.goal is not None else ():
            self._work(block)

    def _arrays(self, n_samples):
        """The arrays of a firing of so many samples."""
        (k, n), dtype = self.biases.shape, self.dtype
        outputs = [self._array(f"y{i}", (n, n_samples), dtype) for i in (0, 1)]
        slope = self._array("slope", (n, n_samples), dtype)
        delta = self._array("delta", (k, n, n_samples), dtype)
        return (
            self._array("u", (k, n, n_samples), dtype),
            self._array("theta", (2, n, n_samples), dtype),
            outputs,
            [y.reshape(self.n_replicas, -1, n_samples) for y in outputs],
            self._array("bins", (k, n, n_samples), np.uint8),
            slope,
            delta,
            self._n_traced and self._trace(n_samples, slope, delta),
        )

    def _trace(self, n_samples, slope, delta):
        """The Trace of firings of so many samples."""
        (k, n), dtype = self.biases.shape, self.dtype
        past = [
            (
                self._array(f"u{step}", (k, n, n_samples), dtype),
                self._array(f"theta{step}", (2, n, n_samples), dtype),
                self._array(f"past{step}", (n, n_samples), dtype),
            )
            for step in range(self._n_traced - 1)
        ]
        return Trace(
            past,
            (slope, self._array("further slope", (n, n_samples), dtype)),
            self._array("product", (n, n_samples), dtype),
            (delta, self._array("further delta", (k, n, n_samples), dtype)),
            (self._bias_gradient, self.kernels.xp.empty((k, n), dtype)),
        )

    def _array(self, name, shape, dtype):
        """A view of memory kept under `name`, large enough for the largest batch."""
        if name not in self._memory:
            room = math.prod(shape[:-1]) * self._most_samples
            self._memory[name] = self.kernels.xp.zeros(room, dtype)
        return self._memory[name][: math.prod(shape)].reshape(shape)

    def _work(self, block):
        """Work space for a block of neurons, kept: blocks are computed at the same time."""
        key = self.n_samples, block
        if key not in self._scratch:
            arguments = block[1] - block[0], self._bins_of, self.n_samples, self.dtype
            self._scratch[key] = self.kernels.scratch(*arguments)
        return self._scratch[key]

    def blocks(self, workers):
        """The blocks of neurons that learning is cut into."""
        return workers.blocks(self.spec.size, self.n_samples, self.n_replicas)

    def _of_replicas(self, array, start, stop):
        """Neurons `start` to `stop` of (N, ...) as (replicas, their neurons, ...)."""
        first, last = self._replicas(start, stop)
        return array[start:stop].reshape(last - first, -1, *array.shape[1:])

    def _replicas(self, start, stop):
        """The replicas that neurons `start` to `stop` belong to."""
        return start // self.spec.size, -(-stop // self.spec.size)

    # -- what the events do ----------------------------------------------------------------------

    def _planned(self, workers, build, *variant):
        """The plan `build(workers, *variant)`, made once for these very objects."""
        return self._plans.made(
            (build.__name__, self.n_samples),
            variant,
            lambda: workers.prepared(build(workers, *variant)),
        )

    def fire(self, time, signals, n_samples, sampled, place, workers):
        """Project, activate and sample.

        signals : the sources' values (R, units, B), None where silent
        place : of the random numbers: stream, number of layer and step, batch
        """
        self._resize(n_samples)
        self._outputs.reverse()
        self._signals.reverse()
        self._times = [time, self._times[0]]
        self.signals = signals
        new = []
        for compartment, x in zip(self.compartments, signals, strict=True):
            # An input held over several steps is projected once: the weights stay the same
            # within a presentation. (Layers reuse their memory, so theirs has always changed.)
            held = compartment.projected is x and (x is None or not compartment.from_layer)
            new.append(_NOTHING if held else x)
            compartment.projected = x
        place, sampled = self._place(place), sampled and self.spec.sampled
        workers.run(self._planned(workers, self._firing, self._outputs[0], sampled, place, *new))
        self._fired = True

    def _place(self, numbers):
        """A place of random numbers where the kernels are, uint32 (3,), kept for each time step."""
        if numbers[1] not in self._places:
            array = self.kernels.xp.zeros(3, np.uint32)
            self._places[numbers[1]] = array, [array[i : i + 1] for i in range(3)], [0, 0, 0]
        array, slots, known = self._places[numbers[1]]
        for i, number in enumerate(numbers):
            if number != known[i]:  # mostly the batch's alone is new
                slots[i].fill(number)
                known[i] = number
        return array

    def _firing(self, workers, output, sampled, place, *signals):
        """The plan of a firing; compartments without a new signal keep their potentials."""
        kernels, plan = self.kernels, []
        for tile in workers.tiles(self.spec.size, self.n_samples, self.n_replicas):
            start, stop, first, last = tile
            calls = []
            for u, compartment, x in zip(self._u, self.compartments, signals, strict=True):
                if x is _NOTHING:
                    continue
                if x is None:
                    calls.append((kernels.silence, (tile, u)))
                elif compartment._index is None:
                    w = self._of_replicas(compartment._weights, start, stop)
                    x = x[slice(*self._replicas(start, stop)), :, first:last]
                    u = self._of_replicas(u[:, first:last], start, stop)
                    calls.append((kernels.project, (w, x, u)))
                else:
                    w, index = compartment._weights, compartment._index
                    calls.append((kernels.project_sparse, (w, index, x, tile, u)))
            neurons = self._u, self.biases, self.parameters, self.clamp
            numbers = self._off, sampled, self._seeds, place
            calls.append((self._activate, (*neurons, *numbers, tile, self.theta, output)))
            plan.append(calls)
        return plan

    def _bin(self, start, stop):
        arguments = (self._u, self.biases, *self._binning, start, stop, self._bins)
        return self.kernels.bin_potentials, arguments

    def bins(self, workers):
        """The bin of every potential of the last firing, uint8 (K, N, B), kept."""
        self.check_fired()
        workers.run([[self._bin(*block)] for block in self.blocks(workers)])
        return self.kernels.host(self._bins)

    def information(self, workers):
        """I_∩ of every antichain and H(Y) of the last firing, in bits, (N, A + 1), kept."""
        self.check_fired()
        workers.run(self._planned(workers, self._informing, self.last_information))
        return self.last_information

    def _informing(self, workers, result):
        """The plan of `information`."""
        what = self._bins, self.n_bins, self.theta, self._all_terms
        measure = self.kernels.information
        return [
            [self._bin(*block), (measure, (*what, *block, self._work(block), result))]
            for block in self.blocks(workers)
        ]

    def _scoring(self, block, signals):
        """The calls that score a block and leave the gradients of its weights and biases."""
        goal = self._goal_terms, self._weights, self._entropy_weights
        what = self._bins, self.n_bins, self.theta, *goal
        slope, delta = self._slope, self._delta
        return [
            self._bin(*block),
            (self.kernels.score, (*what, *block, self._work(block), slope)),
            self.chaining(block, self._u, self.theta, slope, delta, self._bias_gradient),
            *(
                self.weighing(block, c, x, d, c.gradient)
                for c, x, d in zip(self.compartments, signals, delta, strict=True)
                if c.trainable
            ),
        ]

    def chaining(self, block, u, theta, slope, delta, bias_gradient):
        """The call that takes a block's slopes in θ (N, B) to its potentials and biases."""
        neurons = u, self.biases, self.parameters, self.clamp
        return self._chain, (*neurons, theta, slope, *block, delta, bias_gradient)

    def weighing(self, block, compartment, x, delta, gradient):
        """The call that leaves the gradient of a block's weights, which read x, in `gradient`."""
        kernels, index, (start, stop) = self.kernels, compartment._index, block
        if x is None:
            return gradient[start:stop].fill, (0,)
        if index is not None:
            return kernels.accumulate_sparse, (delta, index, x, *block, gradient)
        delta, gradient = (self._of_replicas(a, start, stop) for a in (delta, gradient))
        return kernels.accumulate, (delta, x[slice(*self._replicas(start, stop))], gradient)

    def gradient(self, workers):
        """Score the last firing: ∂G/∂θ (N, B), ∂G/∂u (K, N, B) and ∂G/∂bias (K, N), all kept."""
        workers.run([self._scoring(block, self.signals) for block in self.blocks(workers)])
        return tuple(map(self.kernels.host, (self._slope, self._delta, self._bias_gradient)))

    def learn(self, workers):
        """Score the last firing and climb the gradient."""
        self.begin_update()
        workers.run(self._planned(workers, self._learning, *self.masks, *self.signals))

    def begin_update(self):
        """Count an update and have its optimizers' numbers ready; weights are about to change."""
        self.look_ahead(1)
        self.updates += 1
        self._rates[...] = self._rates_table[self.updates - self._rates_ahead.start]
        for compartment in self.compartments:
            if compartment.trainable:
                compartment.touch()

    @property
    def masks(self):
        """Each compartment's mask as kernels take it, where they are."""
        return [c._mask for c in self.compartments]

    def look_ahead(self, n):
        """Have the optimizers' numbers of the next n updates where the kernels are."""
        first = self.updates + 1
        if first in self._rates_ahead and first + n - 1 in self._rates_ahead:
            return
        self._rates_ahead = range(first, first + max(n, _AHEAD))
        table = np.stack([self._rates_at(step) for step in self._rates_ahead])
        self._rates_table = self.kernels.resident(table)

    def _learning(self, workers, *masks_and_signals):
        """The plan of learning: scoring, then updating, block by block."""
        n = len(self.compartments)
        masks, signals = masks_and_signals[:n], masks_and_signals[n:]
        return [
            [*self._scoring(block, signals), *self.updating(block, masks)]
            for block in self.blocks(workers)
        ]

    def updating(self, block, masks):
        """The calls that move a block's weights and biases along their gradients."""
        updates = []  # weights, their gradient, mask and moments
        for k, (c, mask) in enumerate(zip(self.compartments, masks, strict=True)):
            if c.trainable:
                updates.append((c._weights, c.gradient, mask, c.moments))
            if c.trainable and c.spec.bias:
                bias, gradient = self.biases[k][:, None], self._bias_gradient[k][:, None]
                updates.append((bias, gradient, c._no_mask, self._bias_moments[k][:, :, None]))
        return [(self._update, (*update, self._rates, *block)) for update in updates]

    # -- what backprop needs ---------------------------------------------------------------------

    def keep(self, step, workers):
        """Copy the firing of a step that is not the last, before the next overwrites it."""
        past = self.trace.past[step]
        workers.run(self._planned(workers, self._keeping, self._outputs[0], past))

    def _keeping(self, workers, output, past):
        """The plan of `keep`."""
        copy = self.kernels.xp.copyto
        pairs = list(zip(past, (self._u, self.theta, output), strict=True))
        return [
            [(copy, (to[..., start:stop, :], a[..., start:stop, :])) for to, a in pairs]
            for start, stop in self.blocks(workers)
        ]

    def firing(self, step):
        """The potentials u (K, N, B), θ (2, N, B) and outputs (N, B) of a step."""
        past = self.trace.past
        return past[step] if step < len(past) else (self._u, self.theta, self._outputs[0])

    def spreading(self, block, compartment, dense):
        """The call that writes a block's sparse weights as rows of a matrix (N, n_in)."""
        return self.kernels.spread, (compartment._weights, compartment._index, *block, dense)

    def projecting_back(self, compartment, delta, source, tile, dense=None):
        """The call that leaves Wᵀδ in a tile of the product (N, B) of the layer that is read.

        delta : of the compartment, (N, B); dense : its sparse weights as a matrix
        """
        (start, stop, first, last), n_replicas = tile, self.n_replicas
        replicas = slice(*source._replicas(start, stop))
        weights = (compartment._weights if dense is None else dense).reshape(
            n_replicas, self.spec.size, source.spec.size
        )[replicas]
        of = start % source.spec.size
        columns = slice(of, of + (stop - start) // len(weights))
        delta = delta.reshape(n_replicas, self.spec.size, -1)[replicas, :, first:last]
        product = source._of_replicas(source.trace.product[:, first:last], start, stop)
        return self.kernels.project, (weights[:, :, columns].transpose(0, 2, 1), delta, product)

    # -- saving ----------------------------------------------------------------------------------

    def arrays(self, replica=0):
        """Everything that training changes in a replica, name -> array (live, not copies)."""
        arrays = {}
        rows = slice(replica * self.spec.size, (replica + 1) * self.spec.size)
        for c in self.compartments:
            prefix = f"{self.spec.name}/{c.spec.name}"
            arrays[f"{prefix}/weights"] = c._weights[rows]
            arrays[f"{prefix}/bias"] = c._bias[rows]
            if c._index is not None:
                arrays[f"{prefix}/index"] = c._index[rows]
            if c._mask.size:
                arrays[f"{prefix}/mask"] = c._mask[rows]
            if c.trainable:
                arrays[f"{prefix}/moments"] = c.moments[:, rows]
                arrays[f"{prefix}/bias_moments"] = c.bias_moments[:, rows]
        return arrays


def _terms(structure, dtype):
    """Inclusion-exclusion rows (A, 2**K - 1) as the kernels read them: starts, sets, signs."""
    rows, columns = np.nonzero(structure)
    starts = np.searchsorted(rows, np.arange(len(structure) + 1))
    return (
        starts.astype(np.int32),
        (columns + 1).astype(np.int32),
        structure[rows, columns].astype(dtype),
    )


def atoms(information, n_sources):
    """Atoms and H_res (..., A + 1) from I_∩ of all antichains and H(Y) (..., A + 1), in bits."""
    structure = lattice(n_sources)
    result = np.empty_like(information)
    # not by BLAS, which sums a row in another order the more rows there are
    result[..., :-1] = np.einsum("...i,ai->...a", information[..., :-1], structure.moebius)
    result[..., -1] = information[..., -1] - information[..., structure.top]
    return result
