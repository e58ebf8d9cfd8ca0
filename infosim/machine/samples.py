"""Samples: arrays by input name, checked once, handed out in batches as the network reads them."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from infosim.errors import DataError, ShapeError, brief, near
from infosim.machine.mapped import Mapped
from infosim.machine.reader import MappedSparse
from infosim.machine.sparse import Sparse

#: Rows on disk that are read at once to be looked at.
_PIECE = 4096


def _own(name, array, sparse):
    """`array` as an array, `Sparse` or `Mapped`; labels, which say where kernels write, as a copy
    that stays as it is."""
    if hasattr(array, "tocsr"):  # scipy's, without importing it
        array = Sparse.of_scipy(name, array)
        return array if sparse or (sparse is None and array.worthwhile) else array.toarray()
    mapped = Mapped.of(array)
    if mapped is not None and mapped.ndim > 1:
        return _readable(mapped, lambda kind: mapped.changed(lambda rows: rows.astype(kind)))
    array = np.asarray(array)
    array = _readable(array, array.astype)
    if array.ndim == 1 and (array.flags.writeable or mapped is not None):
        array = np.array(array)
        array.flags.writeable = False
    return array


def _readable(array, astype):
    """The array with numbers that kernels have: floats of 4 or 8 bytes, bytes in their order."""
    kind = array.dtype.newbyteorder("=")
    if kind.kind == "f" and kind.itemsize not in (4, 8):
        kind = np.dtype(np.float32 if kind.itemsize < 4 else np.float64)
    with np.errstate(over="ignore"):  # told as what is not finite
        return array if kind == array.dtype or kind.kind not in "iuf" else astype(kind)


def _places(samples):
    """Which numbers the arrays of samples are, by name: the same of two views of the same."""
    return {
        name: array.__array_interface__ if isinstance(array, np.ndarray) else id(array)
        for name, array in samples.arrays.items()
    }


def _likeliest(array):
    """The unit of the largest value of each sample, of a sequence in its last step, (n,)."""
    if isinstance(array, Mapped):
        pieces = range(0, len(array), _PIECE)
        return np.concatenate([_likeliest(array[i : i + _PIECE]) for i in pieces])
    return (array if array.ndim == 2 else array[:, -1]).argmax(1)


class Samples:
    """What a network is shown.

    Parameters
    ----------
    arrays : input name -> (n, n_in) numbers, held over the steps of a presentation, also a matrix
        of scipy.sparse or an array that is memory-mapped, which stays on disk; or
        (n, steps, n_in), shown one after the other; or (n,) integer labels that become one-hot; a
        layer's name -> (n, size) is the output that delayed connections read at the first step
    scaling : input name -> (shift, scale): values are used as (x - shift) * scale, so that images
        can stay uint8, and the 0 and 1 of labels can become other values
    index : which samples to use, in this order, (n,); or (R, n), for each replica of a network its
        own; None for all
    sparse : whether held inputs are multiplied as a background and what differs from it
        (`machine.sparse`); None where that is faster, by the arrays as they are given

    Raises
    ------
    DataError : NaN or infinite values (named by their position), no samples, unequal lengths
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], scaling=None, index=None, sparse=None):
        if not isinstance(arrays, Mapping):
            raise DataError(f"samples are arrays by input name, was a {type(arrays).__name__}")
        if sparse not in (None, True, False):
            raise DataError(f"sparse must be true, false or None, was {brief(sparse)}")
        self._sparse = sparse
        self.arrays = MappingProxyType({name: _own(name, a, sparse) for name, a in arrays.items()})
        self.scaling = MappingProxyType(dict(scaling or {}))
        for name, pair in self.scaling.items():
            if len(pair) != 2 or not np.isfinite(pair).all():
                raise DataError(f"scaling of {name!r} must be two finite numbers, was {pair}")
        self._kept = {}
        lengths = {name: len(a) if a.ndim else 0 for name, a in self.arrays.items()}
        if len(set(lengths.values())) != 1 or not min(lengths.values()):
            listed = ", ".join(f"{name} {n}" for name, n in lengths.items()) or "none"
            raise DataError(
                f"every input needs the same number of samples, at least 1; was {listed}"
            )
        for name, array in self.arrays.items():
            if array.ndim not in (1, 2, 3) or array.dtype.kind not in "biuf":
                raise DataError(
                    f"input {name!r} must be numbers of shape (n, units) or (n, steps, units), or "
                    f"labels of shape (n,), was {array.dtype} {array.shape}"
                )
            if isinstance(array, Sparse | Mapped):
                array.check(name)
            elif array.dtype.kind == "f" and not np.isfinite(array).all():
                at = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
                raise DataError(
                    f"input {name!r} holds {array[at]} at {list(at)}; values must be finite"
                )
        (n,) = set(lengths.values())
        index = np.arange(n) if index is None else np.array(index)
        if index.dtype.kind not in "iu":
            raise DataError(f"index must be integers, was {index.dtype} {index.shape}")
        outside = index[(index < 0) | (index >= n)]
        if outside.size:
            raise DataError(f"index {outside[0]} is outside the {n} samples")
        self._set_index(index)

    def _set_index(self, index):
        # kernels read where it says: what was checked must stay as it is
        self.index = index.astype(np.int64)
        self.index.flags.writeable = False

    def __len__(self):
        return self.index.shape[-1]

    def subset(self, index):
        """The samples at these positions of this set, sharing its arrays."""
        subset = object.__new__(Samples)
        subset.arrays, subset.scaling, subset._kept = self.arrays, self.scaling, self._kept
        subset._sparse = self._sparse
        subset._set_index(self.index[..., index])
        return subset

    @classmethod
    def stacked(cls, several):
        """Sets of samples of the same arrays, one for each replica, as one set.

        Raises
        ------
        DataError : they are of other arrays, or not equally many
        """
        first = several[0]
        for one in several[1:]:
            if _places(one) != _places(first) or len(one) != len(first):
                raise DataError("replicas need equally many samples of the same arrays")
        stack = first.subset(slice(None))
        stack._set_index(np.array([one.index for one in several]))
        return stack

    def labels(self, name):
        """The integer labels of input `name`, of a sequence those of its last step, (n,) or (R, n).

        Raises
        ------
        DataError : without any
        """
        return self.all_labels(name)[self.index]

    def all_labels(self, name):
        """The same of all rows of the arrays, used or not."""
        if name not in self.arrays:
            raise DataError(f"samples lack the target input {name!r}")
        array = self._dense(name)
        if array.ndim == 1:
            return array
        return self._keep((name, "labels"), _likeliest, array)

    def resident(self, name, kernels):
        """The array of input `name` where the kernels are, brought there once, or as it is if
        `Mapped`."""
        if isinstance(self.arrays[name], Mapped):
            return self.arrays[name]
        return self._keep((name, kernels), lambda: kernels.resident(self._dense(name)))

    def sparse(self, name):
        """The array of input `name` as `Sparse`, or `MappedSparse`; None if it is multiplied
        densely."""
        array = self.arrays[name]
        if isinstance(array, Sparse) or self._sparse is False or array.ndim != 2:
            return array if isinstance(array, Sparse) else None
        density = 1.0 if self._sparse else None
        of = MappedSparse.of if isinstance(array, Mapped) else Sparse.of
        return self._keep((name, "sparse"), of, array, density)

    def background(self, name):
        """The scaled background of an input that is sparse, (d,)."""
        shift, scale = self.scaling.get(name, (0.0, 1.0))
        background = self.sparse(name).background
        return self._keep(
            (name, "background"), lambda: (background.astype(np.float64) - shift) * scale
        )

    def _dense(self, name):
        """The array of input `name`, made of what is sparse once."""
        array = self.arrays[name]
        return self._keep((name, "dense"), array.toarray) if isinstance(array, Sparse) else array

    def resident_labels(self, name, kernels):
        """`all_labels` where the kernels are, brought there once."""
        return self._keep((name, "labels", kernels), kernels.resident, self.all_labels(name))

    def _keep(self, key, function, *arguments):
        """What `function` makes of `arguments`, made once for this set and all its subsets."""
        if key not in self._kept:
            self._kept[key] = function(*arguments)
        return self._kept[key]

    def check(self, network, n_replicas=1, dtype=np.float32):
        """Raise unless every array fits an input or layer of `network`, and the index its replicas.

        Raises
        ------
        ShapeError : wrong number of units or steps
        DataError : unknown input, label out of range, numbers beyond what `dtype` holds
        """
        if self.index.ndim not in (1, 2) or (
            self.index.ndim == 2 and len(self.index) != n_replicas
        ):
            raise ShapeError(
                f"index has shape {self.index.shape}; for {n_replicas} replica(s) it must be (n,) "
                f"or ({n_replicas}, n)"
            )
        known = [*network.inputs, *(layer.name for layer in network.layers)]
        for name, array in self.arrays.items():
            if name not in known:
                raise DataError(f"the network has no input {name!r}; {near(name, known)}")
            size = network.size(name)
            if array.ndim == 3 and name not in network.inputs:
                raise ShapeError(
                    f"the output of layer {name!r} is given as (n, units), was {array.shape}"
                )
            if array.ndim == 3 and array.shape[1] != network.steps:
                raise ShapeError(
                    f"input {name!r} has sequences of {array.shape[1]} steps, the network presents "
                    f"{network.steps}"
                )
            if array.ndim > 1 and array.shape[-1] != size:
                raise ShapeError(
                    f"input {name!r} has {array.shape[-1]} units, the network expects {size}"
                )
            if array.ndim > 1:
                self._check_range(name, dtype)
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

    def _check_range(self, name, dtype):
        """Raise unless the array's smallest and largest value, scaled, are finite as `dtype`."""
        array = self.arrays[name]
        known = isinstance(array, Sparse | Mapped)
        extremes = array.ends if known else lambda: (array.min(), array.max())
        ends = self._keep((name, "ends"), lambda: np.array(extremes(), np.float64))
        shift, scale = self.scaling.get(name, (0.0, 1.0))
        with np.errstate(over="ignore"):
            scaled = ((ends - shift) * scale).astype(dtype)
        if not np.isfinite(scaled).all():
            worst = ends[np.argmax(~np.isfinite(scaled))]
            raise DataError(
                f"input {name!r} holds {worst:g}, which {np.dtype(dtype)} cannot hold"
                + (f" after scaling by {scale:g}" if scale != 1 else "")
            )

    def rows(self, positions):
        """Where the samples at `positions`, (B,) or (R, B), stand in the arrays, the same shape."""
        if self.index.ndim == 1:
            return self.index[positions]
        positions = np.broadcast_to(positions, (len(self.index), np.shape(positions)[-1]))
        return np.take_along_axis(self.index, positions, axis=1)
