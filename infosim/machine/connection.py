"""One connection of a compartment: its weights, and what they were last used for."""

from types import SimpleNamespace

import numpy as np

from infosim.errors import ShapeError
from infosim.machine.checks import (
    check_array,
    check_index,
    check_mask,
    finite,
    in_precision,
    wiring,
)

#: No signal, not even silence (None): nothing was projected, or nothing is to be projected.
NOTHING = object()


class ConnectionState:
    """The weights of one connection, to read and set.

    With N neurons (of all replicas of the network side by side, each n of them):

    weights : (N, n_in); with few inputs per neuron (one-to-one, sparse) (N, k); setting copies
    index : (N, k), which of the source's units these are; read-only, set as a whole; else None
    mask : boolean (N, n_in), connections that exist, or None for all; setting it zeroes the others

    On the CPU `weights` are the array itself; elsewhere they are a read-only copy. `arrays` holds
    all of them where the kernels are, always in the same memory, with a mask of no size for none,
    and if the weights learn their `gradient` and `moments`.

    Parameters
    ----------
    specs : of each replica
    n, n_in : neurons of a replica, units of the source
    bounds : of each replica's weights that are drawn, ±
    rngs : a generator for each replica
    reshaped : called when an array had to become another one
    """

    def __init__(self, specs, n, n_in, bounds, rngs, kernels, dtype, reshaped):
        self.spec, self._kernels = specs[0], kernels
        self._n_in, self._reshaped = n_in, reshaped
        self.trainable = self.spec.trainable
        drawn = (
            _initial(*given, n, n_in, dtype) for given in zip(specs, bounds, rngs, strict=True)
        )
        index, masks, weights = zip(*drawn, strict=True)
        shapes = sorted({() if one is None else one.shape for one in index})
        if len(shapes) > 1:
            raise ShapeError(f"replicas need an index of one shape, were {shapes[0]}, {shapes[1]}")
        a = self.arrays = SimpleNamespace(index=None)
        if index[0] is not None:
            a.index = kernels.resident(np.concatenate(index))
        a.weights = kernels.resident(np.concatenate(weights))
        if self.trainable:
            a.gradient = kernels.xp.empty(a.weights.shape, dtype)
            a.moments = kernels.xp.zeros((2, *a.weights.shape), dtype)
        a.mask = a.no_mask = kernels.xp.empty((0, 0), np.uint8)
        self.mask = self.checked_mask(masks)
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
        check_index(value, self._n_in)

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
        check_mask(mask, self.arrays.weights.shape)
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


def _initial(spec, bound, rng, n, n_in, dtype):
    """Index and mask of a new connection of `n` neurons (`wiring`), and its weights."""
    index, mask = wiring(spec.connectivity, n, n_in, rng)
    shape = (n, n_in) if index is None else index.shape
    if spec.weight is not None:
        return index, mask, np.full(shape, in_precision("weight", spec.weight, dtype), dtype)
    bound *= 1.0 if spec.scale is None else spec.scale
    return index, mask, rng.uniform(-bound, bound, shape).astype(dtype)
