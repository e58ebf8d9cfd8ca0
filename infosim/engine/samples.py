"""Samples: arrays by input name, checked once, handed out in batches as the network reads them."""

from collections.abc import Mapping

import numpy as np

from infosim.engine.threads import cut
from infosim.errors import DataError, ShapeError, near


class Samples:
    """What a network is shown.

    Parameters
    ----------
    arrays : input name -> (n, n_in) numbers, or (n,) integer labels that become one-hot; a layer's
        name -> (n, size) is the output that delayed connections read at the first step
    scaling : input name -> (shift, scale): values are used as (x - shift) * scale, so that images
        can stay uint8
    index : which samples to use, in this order; None for all

    Raises
    ------
    DataError : NaN or infinite values (named by their position), no samples, unequal lengths
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], scaling=None, index=None):
        self.arrays = {name: np.asarray(a) for name, a in arrays.items()}
        self.scaling = dict(scaling or {})
        lengths = {name: len(a) if a.ndim else 0 for name, a in self.arrays.items()}
        if len(set(lengths.values())) != 1 or not min(lengths.values()):
            listed = ", ".join(f"{name} {n}" for name, n in lengths.items()) or "none"
            raise DataError(
                f"every input needs the same number of samples, at least 1; was {listed}"
            )
        for name, array in self.arrays.items():
            if array.ndim not in (1, 2) or array.dtype.kind not in "biuf":
                raise DataError(
                    f"input {name!r} must be numbers of shape (n, units) or labels of shape (n,), "
                    f"was {array.dtype} {array.shape}"
                )
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                at = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
                raise DataError(
                    f"input {name!r} holds {array[at]} at {list(at)}; values must be finite"
                )
        (n,) = set(lengths.values())
        self.index = np.arange(n) if index is None else np.asarray(index, np.int64)

    def __len__(self):
        return len(self.index)

    def subset(self, index):
        """The samples at these positions of this set, sharing its arrays."""
        subset = object.__new__(Samples)
        subset.arrays, subset.scaling = self.arrays, self.scaling
        subset.index = self.index[index]
        return subset

    def labels(self, name):
        """The integer labels of input `name`, (n,). Raises DataError if there are none."""
        if name not in self.arrays:
            raise DataError(f"samples lack the target input {name!r}")
        array = self.arrays[name][self.index]
        return array if array.ndim == 1 else array.argmax(axis=1)

    def check(self, network):
        """Raise unless every array fits an input or layer of `network`.

        Raises
        ------
        ShapeError : wrong number of units
        DataError : unknown input, label out of range
        """
        known = [*network.inputs, *(layer.name for layer in network.layers)]
        for name, array in self.arrays.items():
            if name not in known:
                raise DataError(f"the network has no input {name!r}; {near(name, known)}")
            size = network.size(name)
            if array.ndim == 2 and array.shape[1] != size:
                raise ShapeError(
                    f"input {name!r} has {array.shape[1]} units, the network expects {size}"
                )
            if array.ndim == 1:
                if array.dtype.kind not in "biu":
                    raise DataError(
                        f"labels of input {name!r} must be integers, were {array.dtype}"
                    )
                wrong = np.flatnonzero((array < 0) | (array >= size))
                if len(wrong):
                    raise DataError(
                        f"label {array[wrong[0]]} of sample {wrong[0]} in {name!r} is outside "
                        f"0 to {size - 1}"
                    )

    def batch(self, positions, network, kernels, buffers, workers, without=()):
        """The samples at `positions`: input name -> (units, B), and layer name -> (units, B).

        They lie in `buffers`, which the next batch overwrites.
        """
        rows = self.index[positions]
        values = {}
        for name, array in self.arrays.items():
            if name in without:
                continue
            out, values[name] = buffers.get(name, len(rows), network.size(name))
            if array.ndim == 1:
                kernels.take_one_hot(array, rows, out)
                continue
            shift, scale = map(out.dtype.type, self.scaling.get(name, (0.0, 1.0)))
            parts = cut(len(rows), 2 if out.size > 100_000 else 1)
            workers.run(
                [[(kernels.take_scaled, (array, rows, shift, scale, *p, out))] for p in parts]
            )
        return values


class Buffers:
    """Memory for batches, kept from one to the next.

    `get(name, B, units)` returns an array of `dtype` (B, units) and its transposed view, the same
    objects as long as the shape is the same.
    """

    def __init__(self, dtype):
        self._dtype = dtype
        self._memory, self._views = {}, {}

    def get(self, name, n_samples, n_units):
        """The array and its transposed view."""
        key = name, n_samples
        if key not in self._views:
            if name not in self._memory or len(self._memory[name]) < n_samples:
                self._memory[name] = np.empty((n_samples, n_units), self._dtype)
                self._views = {k: v for k, v in self._views.items() if k[0] != name}
            array = self._memory[name][:n_samples]
            self._views[key] = array, array.T
        return self._views[key]
