"""The feed: what a network is shown, in arrays of the machine's own that every batch overwrites."""

import numpy as np

from infosim.elementary import number
from infosim.machine.sizes import Sizes


class Batch:
    """Inputs (and outputs to be clamped) of B samples, for each of R replicas its own.

    rows : where the samples that were gathered stand in their arrays, int64 (R, B)
    """

    def __init__(self, network, n_replicas, dtype, n_samples, array):
        self._network, self._shape, self._dtype = network, (n_replicas, n_samples), dtype
        self._array, self._values = array, {}
        self.rows = array("rows", self._shape, np.int64)

    def __getitem__(self, name):
        """What is presented under this name, (R, units, B)."""
        if name not in self._values:
            # samples lie one after the other, as they are gathered
            shape = *self._shape, self._network.size(name)
            self._values[name] = self._array(name, shape, self._dtype).transpose(0, 2, 1)
        return self._values[name]


class Feed:
    """Gathers batches where the kernels are, in memory that is kept from one to the next.

    Parameters
    ----------
    network, n_replicas : what the batches are for; each replica has a batch of its own
    kernels, tape, dtype : what gathers them, and as what
    """

    def __init__(self, network, n_replicas, kernels, tape, dtype):
        self._n_replicas, self._kernels, self._tape, self._dtype = n_replicas, kernels, tape, dtype

        def made(n_samples, array):
            return Batch(network, n_replicas, dtype, n_samples, array)

        self._batches = Sizes(kernels.xp, made, tape.clear)

    def __getitem__(self, n_samples):
        """The `Batch` of so many samples."""
        return self._batches[n_samples]

    def reserve(self, samples, n_samples):
        """Take the memory that batches of so many of these samples need."""
        for name in samples.arrays:
            samples.resident(name, self._kernels)
            self._batches[n_samples][name]

    def rows(self, samples, positions):
        """`samples.rows(positions)` for each replica, where the kernels are, (R, B)."""
        rows = samples.rows(positions)
        rows = np.broadcast_to(rows, (self._n_replicas, rows.shape[-1]))
        return self._kernels.resident(np.ascontiguousarray(rows))

    def gather(self, samples, rows, without=()):
        """Copy the samples in these rows (R, B) of their arrays; returns their `Batch` and names.

        without : names of arrays that are left out
        """
        batch = self._batches[rows.shape[1]]
        batch.rows[...] = rows
        names = tuple(name for name in samples.arrays if name not in without)
        key = "gather", rows.shape[1], names
        self._tape.play(key, self._gather, batch, samples, names, data=(samples.arrays,))
        return batch, names

    def _gather(self, batch, samples, names, k):
        index = batch.rows.reshape(-1)
        with k.together():
            for name in names:
                array, values = samples.resident(name, self._kernels), batch[name]
                out = values.transpose(0, 2, 1).reshape(-1, values.shape[1])
                shift, scale = samples.scaling.get(name, (0.0, 1.0))
                if array.ndim == 1:
                    off, on = (self._dtype.type((value - shift) * scale) for value in (0, 1))
                    k.take_one_hot(labels=array, index=index, off=off, on=on, out=out)
                    continue
                # wide numbers are shifted as such, or their digits would be gone before
                wide = type(number(np.zeros(1, array.dtype)[0])) is np.float64
                shift, scale = map(np.float64 if wide else self._dtype.type, (shift, scale))
                k.take_scaled(data=array, index=index, shift=shift, scale=scale, out=out)
