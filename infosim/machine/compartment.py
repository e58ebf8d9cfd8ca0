"""One compartment of a layer: weights, biases, and what they were last used for."""

from types import SimpleNamespace

import numpy as np

from infosim.errors import ShapeError
from infosim.machine.checks import check_array, finite, in_precision

#: No signal, not even silence (None): nothing was projected, or nothing is to be projected.
NOTHING = object()


class CompartmentState:
    """Weights and biases of one compartment, to read and set.

    With N neurons (of all replicas of the network side by side, each n of them):

    weights : (N, n_in); with few inputs per neuron (one-to-one, sparse) (N, k); setting copies
    index : (N, k), which of the source's units these are; read-only, set as a whole; else None
    mask : boolean (N, n_in), connections that exist, or None for all; setting it zeroes the others
    bias : (N,)

    On the CPU `weights` and `bias` are the arrays themselves; elsewhere they are read-only copies.
    `arrays` holds all of them where the kernels are, always in the same memory, with a mask of no
    size for none, and if the weights learn their `gradient` and `moments` and the `bias_moments`.

    Parameters
    ----------
    specs : of each replica
    n, n_in : neurons of a replica, units of the source
    bias, bias_moments : the layer's, for this compartment
    rngs : a generator for each replica
    reshaped : called when an array had to become another one
    """

    def __init__(self, specs, n, n_in, bias, bias_moments, rngs, kernels, dtype, reshaped):
        self.spec, self._kernels = specs[0], kernels
        self._n_in, self._reshaped = n_in, reshaped
        self.trainable = self.spec.trainable
        index, weights, biases = zip(
            *(_initial(spec, n, n_in, rng, dtype) for spec, rng in zip(specs, rngs, strict=True)),
            strict=True,
        )
        a = self.arrays = SimpleNamespace(index=None, bias=bias)
        if index[0] is not None:
            for one in index:
                self.check_index(one)  # a connectivity may be the user's own
            a.index = kernels.resident(np.concatenate(index).astype(np.int32))
        a.weights = kernels.resident(np.concatenate(weights))
        bias[...] = kernels.resident(np.concatenate(biases))
        if self.trainable:
            a.gradient = kernels.xp.empty(a.weights.shape, dtype)
            a.moments = kernels.xp.zeros((2, *a.weights.shape), dtype)
            a.bias_moments = bias_moments
        a.mask = a.no_mask = kernels.xp.empty((0, 0), np.uint8)
        mask = self.spec.connectivity.mask(n, n_in)
        self.mask = None if mask is None else np.tile(mask, (len(specs), 1))
        self.projected = NOTHING
        #: the layer that is read, None if it is an input
        self.reads = None

    @property
    def index(self):
        """Which of the source's units each neuron reads, int32 (N, k), or None if it may be all."""
        if self.arrays.index is None:
            return None
        index = self._kernels.host(self.arrays.index).view()
        index.flags.writeable = False  # kernels read where it says, so every change is checked
        return index

    @index.setter
    def index(self, value):
        if self.arrays.index is None:
            raise ShapeError(
                "index cannot be set: these weights are (N, n_in), not of a few inputs"
            )
        value = np.asarray(value)
        check_array("index", value, self.arrays.index)
        self.check_index(value)
        self.arrays.index[...] = self._kernels.resident(value.astype(np.int32))
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
        """(N, n_in), or with few inputs per neuron (N, k)."""
        return self._kernels.host(self.arrays.weights)

    @weights.setter
    def weights(self, value):
        value = finite("weights", value, self.arrays.weights.shape, self.arrays.weights.dtype)
        self.arrays.weights[...] = self._kernels.resident(value)
        self._apply_mask()

    @property
    def gradient(self):
        """Of the weights, as last computed; undefined where there is no connection."""
        return self._kernels.host(self.arrays.gradient)

    @property
    def bias(self):
        """(N,)"""
        return self._kernels.host(self.arrays.bias)

    @bias.setter
    def bias(self, value):
        value = finite("bias", value, self.arrays.bias.shape, self.arrays.bias.dtype)
        self.arrays.bias[...] = self._kernels.resident(value)

    @property
    def mask(self):
        """Which connections exist, boolean (N, n_in), or None for all."""
        return self._kernels.host(self.arrays.mask).astype(bool) if self.arrays.mask.size else None

    @mask.setter
    def mask(self, value):
        a = self.arrays
        if value is None:
            mask = a.no_mask
        else:
            value = self.checked_mask([value])
            mask = self._kernels.resident(np.ascontiguousarray(value, np.uint8))
        if mask.shape == a.mask.shape:
            a.mask[...] = mask
        else:
            a.mask = mask
            self._reshaped()
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
        if mask.shape != self.arrays.weights.shape:
            raise ShapeError(
                f"mask has shape {mask.shape}, this compartment needs {self.arrays.weights.shape}"
            )
        if mask.dtype.kind not in "biu" or not np.isin(mask, (0, 1)).all():
            raise ShapeError("mask must be true or false, 0 or 1")
        return mask.astype(bool)

    def _apply_mask(self):
        a = self.arrays
        if a.mask.size:
            a.weights *= a.mask
            if self.trainable:
                a.moments *= a.mask  # or the momentum would move what is no longer there
        self.touch()

    def touch(self):
        """Say that weights were changed in place: what was computed from them is out of date."""
        self.projected = NOTHING


def _initial(spec, n, n_in, rng, dtype):
    """Which units a new compartment of `n` neurons reads (or None), its weights and biases."""
    index = spec.connectivity.index(n, n_in, rng)
    shape = (n, n_in) if index is None else index.shape
    biases = np.zeros(n, dtype)
    if spec.weight is not None:
        weight = in_precision("weight", spec.weight, dtype)
        return index, np.full(shape, weight, dtype), biases
    bound = 1 / np.sqrt(n_in)
    weights = rng.uniform(-bound, bound, shape).astype(dtype)
    if spec.bias:
        biases[:] = rng.uniform(-bound, bound, n)
    return index, weights, biases
