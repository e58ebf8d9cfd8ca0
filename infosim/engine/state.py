"""What changes during a simulation: weights, optimizer moments, potentials and outputs."""

import math

import numpy as np

from infosim.engine import optimizers
from infosim.engine.threads import blocks, tiles
from infosim.errors import ConfigError, ShapeError, near
from infosim.neuron.binning import BINNINGS
from infosim.pid import lattice

_NO_MASK = np.empty((0, 0), np.uint8)
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


class CompartmentState:
    """Weights and biases of one compartment, as plain arrays to read and set.

    weights : (n, n_in); with few inputs per neuron (one-to-one, sparse) (n, k), of which
        `index` (n, k) names the source's units; setting them copies
    mask : boolean (n, n_in), connections that exist, or None for all; setting it zeroes the others
    bias : (n,)
    """

    def __init__(self, spec, n, n_in, from_layer, bias, bias_moments, rng, dtype):
        self.spec, self.from_layer = spec, from_layer
        self.trainable = spec.trainable
        self.index = spec.connectivity.index(n, n_in, rng)
        shape = (n, n_in) if self.index is None else self.index.shape
        self._bias = bias
        if spec.weight is None:
            bound = 1 / np.sqrt(n_in)
            self._weights = rng.uniform(-bound, bound, shape).astype(dtype)
            if spec.bias:
                bias[:] = rng.uniform(-bound, bound, n)
        else:
            self._weights = np.full(shape, spec.weight, dtype)
        if self.trainable:
            self.gradient = np.empty(shape, dtype)
            self.moments = np.zeros((2, *shape), dtype)
            self.bias_moments = bias_moments
        self._mask = _NO_MASK
        self.mask = spec.connectivity.mask(n, n_in)
        self.projected = _NOTHING

    @property
    def weights(self):
        return self._weights

    @weights.setter
    def weights(self, value):
        self._weights[...] = _array("weights", value, self._weights.shape, self._weights.dtype)
        self.mask = self.mask
        self.touch()

    @property
    def bias(self):
        return self._bias

    @bias.setter
    def bias(self, value):
        self._bias[...] = _array("bias", value, self._bias.shape, self._bias.dtype)

    @property
    def mask(self):
        return self._mask.astype(bool) if self._mask.size else None

    @mask.setter
    def mask(self, value):
        if value is None:
            self._mask = _NO_MASK
            return
        shape = self._weights.shape
        self._mask = np.ascontiguousarray(_array("mask", value, shape, bool), np.uint8)
        self._weights *= self._mask
        if self.trainable:
            self.moments *= self._mask  # or the momentum would move what is no longer there
        self.touch()

    def touch(self):
        """Say that weights were changed in place: what was computed from them is out of date."""
        self.projected = _NOTHING


class LayerState:
    """One layer's compartments and the arrays of its last firing.

    `potentials` (K, n, B), `probabilities` θ (n, B) and `output` ±1 (n, B) are what it last
    computed; `self["F"]` is the compartment called F.
    """

    def __init__(self, spec, number, network, kernels, rng, dtype):
        self.spec, self.number, self.kernels, self.dtype = spec, number, kernels, dtype
        n, n_compartments = spec.size, len(spec.compartments)
        self.biases = np.zeros((n_compartments, n), dtype)
        self._bias_moments = np.zeros((2, n_compartments, n), dtype)
        self.compartments = [
            CompartmentState(
                c,
                n,
                network.size(c.source),
                c.source not in network.inputs,
                self.biases[k],
                self._bias_moments[:, k],
                rng(number, k),
                dtype,
            )
            for k, c in enumerate(spec.compartments)
        ]
        self._bias_mask = np.empty((n_compartments, n), np.uint8)
        for k, c in enumerate(self.compartments):
            self._bias_mask[k] = c.trainable and c.spec.bias
        self.updates = 0
        self._plans = {}
        self._key, self._counter = np.empty((2, 2), np.uint32)
        self.parameters = spec.activation.packed(dtype)
        self.clamp = dtype.type(spec.activation.clamp)
        self._activate = kernels.activate(spec.activation.scalar, n_compartments)
        self._chain = kernels.chain(spec.activation.scalar, n_compartments)
        binning = spec.binning
        self.n_bins = np.array(binning.bins_of(n_compartments), np.int64)
        self._binning = (
            BINNINGS.index(binning.kind),
            self.n_bins,
            dtype.type(binning.low),
            dtype.type(binning.high),
        )
        structure = lattice(n_compartments).inclusion_exclusion
        self._all_terms = _terms(structure, dtype)
        if spec.goal is not None:
            weights, entropy_weight = spec.goal.coefficients()
            used = np.flatnonzero(weights)
            self._goal_terms = _terms(structure[used], dtype)
            self._weights = np.array([weights[used], weights[used] / np.log(2)], dtype)
            self._entropy_weight = dtype.type(entropy_weight)
            self._update = getattr(kernels, optimizers.kernel(spec.optimizer))
            self._rates = np.array(optimizers.rates(spec.optimizer, 1), dtype)
        self._memory = {}
        self._bias_gradient = np.empty_like(self.biases)
        self._scratch = {}
        self.n_samples = 0
        self.silence()

    def __getitem__(self, name):
        for compartment in self.compartments:
            if compartment.spec.name == name:
                return compartment
        names = [compartment.spec.name for compartment in self.compartments]
        raise ConfigError(
            f"layer {self.spec.name!r} has no compartment {name!r}; {near(name, names)}"
        )

    # -- signals: what other layers read ---------------------------------------------------------

    def silence(self):
        """Forget all outputs: delayed connections read nothing, held inputs may be new."""
        self._times = [None, None]
        for compartment in self.compartments:
            compartment.touch()

    def clamp_output(self, time, values):
        """Let `values` (n, B) be this layer's output at `time`."""
        self._resize(values.shape[1])
        self._outputs[0][...] = values
        self._times = [time, None]

    def signal(self, time):
        """The output (n, B) of the firing at `time`, or None if it did not fire then."""
        return self._outputs[self._times.index(time)] if time in self._times else None

    @property
    def output(self):
        return self._outputs[0]

    @property
    def potentials(self):
        return self._u + self.biases[:, :, None]

    # -- memory ----------------------------------------------------------------------------------

    def _array(self, name, shape, dtype):
        """A view of memory kept under `name`, large enough for any batch seen so far."""
        size = math.prod(shape)
        if name not in self._memory or self._memory[name].size < size:
            self._memory[name] = np.zeros(size, dtype)
        return self._memory[name][:size].reshape(shape)

    def _resize(self, n_samples):
        if n_samples == self.n_samples:
            return
        self.n_samples = n_samples
        self._plans.clear()
        self._scratch.clear()
        k, n = self.biases.shape
        self._tiles, self.blocks = tiles(n, n_samples), blocks(n, n_samples)
        self._u = self._array("u", (k, n, n_samples), self.dtype)
        self.probabilities = self._array("theta", (n, n_samples), self.dtype)
        self._outputs = [self._array(f"y{i}", (n, n_samples), self.dtype) for i in (0, 1)]
        self._bins = self._array("bins", (k, n, n_samples), np.uint8)
        self._slope = self._array("slope", (n, n_samples), self.dtype)
        self._delta = self._array("delta", (k, n, n_samples), self.dtype)
        for compartment in self.compartments:
            compartment.touch()

    def _work(self, block):
        """Work space for one block, kept: blocks run at the same time."""
        if block not in self._scratch:
            n_bins = tuple(int(n) for n in self.n_bins)
            self._scratch[block] = self.kernels.scratch(n_bins, self.n_samples, self.dtype)
        return self._scratch[block]

    # -- what the events do ----------------------------------------------------------------------

    def _planned(self, build, *variant):
        """The plan `build(*variant)`, made once as long as nothing in `variant` changes.

        A plan is what `Workers.run` carries out. Planning anew at every step would take as long as
        all the rest of the event loop. Few are kept, for they keep the inputs they were made for.
        """
        key = (build.__name__, *map(id, variant))
        if key not in self._plans:
            if len(self._plans) == 8:
                self._plans.clear()
            self._plans[key] = build(*variant), variant  # kept, so that no id is given away
        return self._plans[key][0]

    def fire(self, time, signals, n_samples, sampled, place, workers):
        """Project, activate and sample.

        signals : the sources' values, None where silent
        place : of the random numbers: seed, stream, number of layer and step, batch
        """
        self._resize(n_samples)
        self._outputs.reverse()
        self._times = [time, self._times[0]]
        self.signals = signals
        self._key[0], self._key[1], self._counter[0], self._counter[1] = place
        new = []
        for compartment, x in zip(self.compartments, signals, strict=True):
            # An input held over several steps is projected once: the weights stay the same
            # within a presentation. (Layers reuse their memory, so theirs has always changed.)
            held = compartment.projected is x and (x is None or not compartment.from_layer)
            new.append(_NOTHING if held else x)
            compartment.projected = x
        workers.run(self._planned(self._firing, self.output, sampled, *new))

    def _firing(self, output, sampled, *signals):
        """The plan of a firing; compartments without a new signal keep their potentials."""
        kernels, plan = self.kernels, []
        for tile in self._tiles:
            start, stop, first, last = tile
            calls = []
            for u, compartment, x in zip(self._u, self.compartments, signals, strict=True):
                if x is _NOTHING:
                    continue
                if x is None:
                    calls.append((kernels.silence, (tile, u)))
                elif compartment.index is None:
                    w, u = compartment.weights[start:stop], u[start:stop, first:last]
                    calls.append((kernels.project, (w, x[:, first:last], u)))
                else:
                    w, index = compartment.weights, compartment.index
                    calls.append((kernels.project_sparse, (w, index, x, tile, u)))
            neurons = self._u, self.biases, self.parameters, self.clamp
            numbers = sampled, self._key, self._counter
            calls.append((self._activate, (*neurons, *numbers, tile, self.probabilities, output)))
            plan.append(calls)
        return plan

    def _bin(self, start, stop):
        arguments = (self._u, self.biases, *self._binning, start, stop, self._bins)
        return self.kernels.bin_potentials, arguments

    def bins(self, workers):
        """The bin of every potential of the last firing, uint8 (K, n, B), kept."""
        workers.run([[self._bin(*block)] for block in self.blocks])
        return self._bins

    def information(self, workers):
        """I_∩ of every antichain and H(Y) of the last firing, in bits, (n, A + 1)."""
        result = np.empty((self.spec.size, len(self._all_terms[0])))
        what = self._bins, self.n_bins, self.probabilities, self._all_terms
        measure = self.kernels.information
        workers.run(
            [
                [self._bin(*block), (measure, (*what, *block, self._work(i), result))]
                for i, block in enumerate(self.blocks)
            ]
        )
        return result

    def _scoring(self, i, signals):
        """The calls that score a block and leave the gradients of its weights and biases."""
        start, stop = block = self.blocks[i]
        theta, slope, delta = self.probabilities, self._slope, self._delta
        goal = self._goal_terms, self._weights, self._entropy_weight
        what = self._bins, self.n_bins, theta, *goal
        neurons = self._u, self.biases, self.parameters, self.clamp
        calls = [
            self._bin(*block),
            (self.kernels.score, (*what, *block, self._work(i), slope)),
            (self._chain, (*neurons, theta, slope, *block, delta, self._bias_gradient)),
        ]
        for c, x, d in zip(self.compartments, signals, delta, strict=True):
            if not c.trainable:
                continue
            if x is None:
                calls.append((c.gradient[start:stop].fill, (0,)))
            elif c.index is None:
                calls.append((self.kernels.accumulate, (d[start:stop], x, c.gradient[start:stop])))
            else:
                calls.append((self.kernels.accumulate_sparse, (d, c.index, x, *block, c.gradient)))
        return calls

    def gradient(self, workers):
        """Score the last firing: ∂G/∂θ (n, B), ∂G/∂u (K, n, B) and ∂G/∂bias (K, n), all kept."""
        workers.run([self._scoring(i, self.signals) for i in range(len(self.blocks))])
        return self._slope, self._delta, self._bias_gradient

    def learn(self, workers):
        """Score the last firing and climb the gradient."""
        self.updates += 1
        self._rates[...] = optimizers.rates(self.spec.optimizer, self.updates)
        masks = [c._mask for c in self.compartments]
        workers.run(self._planned(self._learning, *masks, *self.signals))
        self._update(
            self.biases,
            self._bias_gradient,
            self._bias_mask,
            self._bias_moments,
            self._rates,
            0,
            len(self.biases),
        )
        for compartment in self.compartments:
            if compartment.trainable:
                compartment.touch()

    def _learning(self, *masks_and_signals):
        """The plan of learning: scoring, then updating, block by block."""
        n = len(self.compartments)
        masks, signals = masks_and_signals[:n], masks_and_signals[n:]
        trained = [(c, m) for c, m in zip(self.compartments, masks, strict=True) if c.trainable]
        return [
            [
                *self._scoring(i, signals),
                *(
                    (self._update, (c.weights, c.gradient, mask, c.moments, self._rates, *block))
                    for c, mask in trained
                ),
            ]
            for i, block in enumerate(self.blocks)
        ]

    # -- saving ----------------------------------------------------------------------------------

    def arrays(self):
        """Everything that training changes, name -> array (live, not copies)."""
        arrays = {}
        for c in self.compartments:
            prefix = f"{self.spec.name}/{c.spec.name}"
            arrays[f"{prefix}/weights"] = c.weights
            arrays[f"{prefix}/bias"] = c.bias
            if c.index is not None:
                arrays[f"{prefix}/index"] = c.index
            if c._mask.size:
                arrays[f"{prefix}/mask"] = c._mask
            if c.trainable:
                arrays[f"{prefix}/moments"] = c.moments
                arrays[f"{prefix}/bias_moments"] = c.bias_moments
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
    result[..., :-1] = information[..., :-1] @ structure.moebius.T
    result[..., -1] = information[..., -1] - information[..., structure.top]
    return result
