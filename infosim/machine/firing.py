"""What a layer holds of a firing: one set of arrays for every number of samples."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Trace:
    """Each firing of a presentation, for rules that learn from all, and room for the way back.

    past : (u, θ, y) of every step but the last, (K, N, B), (2, N, B) and (N, B), copies
    slopes : the loss's, in θ or y, of a step and of those before it that it reads, a ring like
        `Firing.outputs`, (N, B) each
    deltas, bias_gradients : all steps' sum and a single step's, (K, N, B) and (K, N) each
    """

    past: list
    slopes: tuple
    deltas: tuple
    bias_gradients: tuple


class Work:
    """Memory of its own for each part of a layer, since parts are computed at the same time."""

    def __init__(self, kernels, *shape):
        self._kernels, self._shape, self._made = kernels, shape, {}

    def of(self, part):
        """The work space of `score` and `information` for these neurons, always the same."""
        neurons = part.start, part.stop
        if neurons not in self._made:
            arguments = part.stop - part.start, *self._shape
            self._made[neurons] = self._kernels.scratch(*arguments)
        return self._made[neurons]


class Firing:
    """The arrays of a layer's firing for B samples, with N neurons of all replicas.

    u : potentials without biases, (K, N, B)
    held : what inputs alone lead to, (N, B), by the number of a compartment that reads layers, too
    product : what is projected, before it is added to something, (N, B); None if nothing is
    theta : θ and 1 - θ, (2, N, B)
    outputs : of this step and of those before it that delayed connections read, a ring of (N, B)
        each; signals : the same as (R, n, B), as other layers read them
    bins : uint8 (K, N, B); slope : ∂G/∂θ, (N, B); delta : ∂G/∂u, (K, N, B)
    direct : ∂G/∂u where θ is held, (K, N, B), which bins leave that are held themselves none of:
        (K, 0, B)
    binning : what the assignment of bins reads: the layer's, and on a GPU what samples' soft bins
        are made of
    work : `Work`; trace : `Trace`, or None if the last firing is enough

    Parameters
    ----------
    layer : LayerState; n_samples : B; array : (name, shape, dtype) -> memory, shared with firings
        of other numbers of samples; n_traced : steps of a presentation, if all are kept
    """

    def __init__(self, layer, n_samples, array, n_traced=None):
        (k, n), dtype = layer.biases.shape, layer.dtype
        self.n_samples = n_samples
        self.u = array("u", (k, n, n_samples), dtype)
        self.held = {i: array(f"held{i}", (n, n_samples), dtype) for i in layer.held}
        adds = layer.sums or n_traced
        self.product = array("product", (n, n_samples), dtype) if adds else None
        self.theta = array("theta", (2, n, n_samples), dtype)
        self.outputs = [array(f"y{i}", (n, n_samples), dtype) for i in range(layer.n_outputs)]
        self.signals = [y.reshape(layer.n_replicas, -1, n_samples) for y in self.outputs]
        self.bins = array("bins", (k, n, n_samples), np.uint8)
        soft = layer.bins.spans is not None
        self.direct = array("direct", (k, n if soft else 0, n_samples), dtype)
        self.binning = layer.binning
        if soft and layer.kernels.ON_DEVICE:
            self.binning += (
                array("widths", (k, n, n_samples), np.uint8),
                array("split", (3, k, n, n_samples), dtype),
            )
        self.slope = array("slope", (n, n_samples), dtype)
        self.delta = array("delta", (k, n, n_samples), dtype)
        n_terms = max(len(one["terms"][0]) - 1 for one in layer.measured)
        width = max(layer.bins_of) if soft else 0
        self.work = Work(layer.kernels, layer.bins_of, n_samples, dtype, n_terms, width)
        self.trace = n_traced and self._trace(layer, array, n_traced)

    def _trace(self, layer, array, n_traced):
        (k, n), dtype, b = layer.biases.shape, layer.dtype, self.n_samples
        past = [
            (
                array(f"u{step}", (k, n, b), dtype),
                array(f"theta{step}", (2, n, b), dtype),
                array(f"past{step}", (n, b), dtype),
            )
            for step in range(n_traced - 1)
        ]
        return Trace(
            past,
            (
                self.slope,
                *(array(f"further slope{i}", (n, b), dtype) for i in range(1, layer.n_outputs)),
            ),
            (self.delta, array("further delta", (k, n, b), dtype)),
            (layer.bias_gradient, layer.kernels.xp.empty((k, n), dtype)),
        )
