"""What changes during a simulation: weights, optimizer moments, potentials and outputs."""

import numpy as np

from infosim.engine import optimizers
from infosim.engine.threads import blocks
from infosim.errors import ConfigError, ShapeError, near
from infosim.neuron.binning import BINNINGS
from infosim.pid import lattice

_NO_MASK = np.empty((0, 0), np.uint8)


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

    def __init__(self, spec, n, n_in, from_layer, bias, rng, dtype):
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
        self._mask = _NO_MASK
        self.mask = spec.connectivity.mask(n, n_in)
        if self.trainable:
            self.gradient = np.empty(shape, dtype)
            self.moments = np.zeros((2, *shape), dtype)
            self.bias_moments = np.zeros((2, n), dtype)
        self.projected = None

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
        self.touch()

    def touch(self):
        """Say that weights were changed in place: what was computed from them is out of date."""
        self.projected = None


class LayerState:
    """One layer's compartments and the arrays of its last firing.

    `potentials` (K, n, B), `probabilities` θ (n, B) and `output` ±1 (n, B) are what it last
    computed; `self["F"]` is the compartment called F.
    """

    def __init__(self, spec, number, network, kernels, rng, dtype):
        self.spec, self.number, self.kernels, self.dtype = spec, number, kernels, dtype
        n, n_compartments = spec.size, len(spec.compartments)
        self.biases = np.zeros((n_compartments, n), dtype)
        self.compartments = [
            CompartmentState(
                c,
                n,
                network.size(c.source),
                c.source not in network.inputs,
                self.biases[k],
                rng(number, k),
                dtype,
            )
            for k, c in enumerate(spec.compartments)
        ]
        self.blocks = blocks(n)
        self.updates = 0
        self.parameters = spec.activation.packed(dtype)
        self.clamp = dtype.type(spec.activation.clamp)
        self._activate = kernels.activate(spec.activation.scalar)
        self._chain = kernels.chain(spec.activation.scalar)
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
        self._memory = {}
        self._scratch = [(0, None)] * len(self.blocks)
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
        """Forget all outputs: delayed connections read nothing."""
        self._times = [None, None]

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
        size = int(np.prod(shape))
        if name not in self._memory or self._memory[name].size < size:
            self._memory[name] = np.zeros(size, dtype)
        return self._memory[name][:size].reshape(shape)

    def _resize(self, n_samples):
        if n_samples == self.n_samples:
            return
        self.n_samples = n_samples
        k, n = self.biases.shape
        self._u = self._array("u", (k, n, n_samples), self.dtype)
        self.probabilities = self._array("theta", (n, n_samples), self.dtype)
        self._outputs = [self._array(f"y{i}", (n, n_samples), self.dtype) for i in (0, 1)]
        for compartment in self.compartments:
            compartment.projected = None

    def _work(self, block):
        """Work space for one block, kept: blocks run at the same time."""
        n_samples, work = self._scratch[block]
        if n_samples != self.n_samples:
            work = self.kernels.scratch(
                tuple(int(n) for n in self.n_bins), self.n_samples, self.dtype
            )
            self._scratch[block] = self.n_samples, work
        return work

    # -- what the events do ----------------------------------------------------------------------

    def fire(self, time, signals, n_samples, sampled, key, counter, workers):
        """Project, activate and sample; `signals` are the sources' values, None where silent."""
        self._resize(n_samples)
        self._outputs.reverse()
        self._times = [time, self._times[0]]
        self.signals = signals
        stale = []
        for k, (compartment, x) in enumerate(zip(self.compartments, signals, strict=True)):
            # An input held over several steps is projected once: the weights stay the same
            # within a presentation. (Layers reuse their memory, so theirs is always stale.)
            fixed = x is None or not compartment.from_layer
            if not (fixed and compartment.projected is not None and compartment.projected[0] is x):
                stale.append((k, compartment, x))
            compartment.projected = (x,)

        def task(block):
            start, stop = self.blocks[block]
            for k, compartment, x in stale:
                u = self._u[k, start:stop]
                if x is None:
                    u[...] = 0
                elif compartment.index is None:
                    self.kernels.project(compartment.weights[start:stop], x, u)
                else:
                    self.kernels.project_sparse(
                        compartment.weights[start:stop], compartment.index[start:stop], x, u
                    )
            self._activate(
                self._u,
                self.biases,
                self.parameters,
                self.clamp,
                sampled,
                key,
                counter,
                start,
                stop,
                self.probabilities,
                self.output,
            )

        workers.run(task, len(self.blocks))

    def _bin(self, start, stop, bins):
        self.kernels.bin_potentials(self._u, self.biases, *self._binning, start, stop, bins)
        return bins

    def information(self, workers):
        """I_∩ of every antichain and H(Y) of the last firing, in bits, (n, A + 1)."""
        result = np.empty((self.spec.size, len(self._all_terms[0])))
        bins = self._array("bins", self._u.shape, np.uint8)

        def task(block):
            start, stop = self.blocks[block]
            self.kernels.information(
                self._bin(start, stop, bins),
                self.n_bins,
                self.probabilities,
                self._all_terms,
                start,
                stop,
                self._work(block),
                result,
            )

        workers.run(task, len(self.blocks))
        return result

    def gradient(self, workers):
        """Score the last firing: ∂G/∂u (K, n, B), kept, and the gradients of weights and biases."""
        slope = self._array("slope", self.probabilities.shape, self.dtype)
        delta = self._array("delta", self._u.shape, self.dtype)
        bias_gradient = self._array("bias_gradient", self.biases.shape, self.dtype)
        bins = self._array("bins", self._u.shape, np.uint8)

        def task(block):
            start, stop = self.blocks[block]
            self.kernels.score(
                self._bin(start, stop, bins),
                self.n_bins,
                self.probabilities,
                self._goal_terms,
                self._weights,
                self._entropy_weight,
                start,
                stop,
                self._work(block),
                slope,
            )
            self._chain(
                self._u,
                self.biases,
                self.parameters,
                self.clamp,
                self.probabilities,
                slope,
                start,
                stop,
                delta,
                bias_gradient,
            )
            for k, compartment in enumerate(self.compartments):
                x = self.signals[k]
                if not compartment.trainable:
                    continue
                gradient = compartment.gradient[start:stop]
                if x is None:
                    gradient[...] = 0
                elif compartment.index is None:
                    self.kernels.accumulate(delta[k, start:stop], x, gradient)
                else:
                    self.kernels.accumulate_sparse(
                        delta[k, start:stop], compartment.index[start:stop], x, gradient
                    )

        workers.run(task, len(self.blocks))
        return slope, delta, bias_gradient

    def learn(self, workers):
        """Score the last firing and climb the gradient."""
        _, _, bias_gradient = self.gradient(workers)
        self.updates += 1
        name, rates = optimizers.prepare(self.spec.optimizer, self.updates, self.dtype)
        update = getattr(self.kernels, name)

        def task(block):
            rows = slice(*self.blocks[block])
            for k, compartment in enumerate(self.compartments):
                if not compartment.trainable:
                    continue
                mask = compartment._mask[rows]
                moments = [m[rows] for m in compartment.moments] if name == "adam" else []
                update(compartment.weights[rows], compartment.gradient[rows], mask, *moments, rates)
                if compartment.spec.bias:
                    one = slice(k, k + 1)
                    moments = [m[None, rows] for m in compartment.bias_moments]
                    moments = moments if name == "adam" else []
                    update(
                        self.biases[one, rows], bias_gradient[one, rows], _NO_MASK, *moments, rates
                    )

        workers.run(task, len(self.blocks))
        for compartment in self.compartments:
            if compartment.trainable:
                compartment.touch()

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
