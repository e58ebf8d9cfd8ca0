"""The feed: what a network is shown, in arrays of the machine's own that every batch overwrites."""

import numpy as np

from infosim.elementary import number
from infosim.machine.mapped import Mapped
from infosim.machine.reader import MappedSparse, Reader, Staged
from infosim.machine.sizes import Sizes
from infosim.machine.sparse import Remainder, Sparse


class Batch:
    """Inputs (and outputs to be clamped) of B samples, for each of R replicas its own.

    An input is held, (R, units, B), or a sequence of what is shown at each of T steps.

    rows : where the samples that were gathered stand in their arrays, int64 (R, B)
    """

    def __init__(self, network, n_replicas, dtype, n_samples, array):
        self._network, self._shape, self._dtype = network, (n_replicas, n_samples), dtype
        self._array, self._held, self._sequences, self._remainders = array, {}, {}, {}
        self._staged = {}
        self.rows = array("rows", self._shape, np.int64)

    def __getitem__(self, name):
        """What is presented under this name and held, (R, units, B)."""
        if name not in self._held:
            self._held[name] = self._made(name, name)
        return self._held[name]

    def sequence(self, name):
        """What is presented under this name step by step, (T, R, units, B)."""
        if name not in self._sequences:
            made = self._made(f"{name} by step", name, self._network.steps)
            self._sequences[name] = made
        return self._sequences[name]

    def remainder(self, name, data):
        """What is presented under this name of `Sparse` data, a `Remainder`."""
        key = f"remainder of {name}, {data.widest}, {data.values.dtype}"
        if key not in self._remainders:
            self._remainders[key] = Remainder(key, data, *self._shape, self._dtype, self._array)
        return self._remainders[key]

    def staged(self, name, source, kernels):
        """What rows of an array on disk that is presented under this name are read into."""
        key = name, type(source), source.dtype, source.shape[1:], getattr(source, "widest", 0)
        if key not in self._staged:
            n = self.rows.size
            self._staged[key] = Staged(key, source, n, self._array, kernels)
        return self._staged[key]

    def _made(self, memory, name, *steps):
        # samples lie one after the other, as they are gathered
        shape = *steps, *self._shape, self._network.size(name)
        return self._array(memory, shape, self._dtype).swapaxes(-1, -2)

    def of(self, name, array):
        """What samples of this array, (n, units) or (n, T, units), are presented in."""
        return self.sequence(name) if array.ndim == 3 else self[name]

    def owns(self, name, values):
        """Whether `values` are what is presented under this name already."""
        if isinstance(values, Remainder):
            return values is self._remainders.get(values.key)
        return values is self._held.get(name) or values is self._sequences.get(name)


class Feed:
    """Gathers batches where the kernels are, in memory that is kept from one to the next.

    Parameters
    ----------
    network, n_replicas : what the batches are for; each replica has a batch of its own
    kernels, tape, dtype : what gathers them, and as what
    spare : whether there are CPUs beside those that compute
    """

    #: inputs that may be sparse, since all that reads them takes them so
    may_be_sparse = frozenset()

    def __init__(self, network, n_replicas, kernels, tape, dtype, spare=True):
        self._n_replicas, self._kernels, self._tape, self._dtype = n_replicas, kernels, tape, dtype

        def made(n_samples, array):
            return Batch(network, n_replicas, dtype, n_samples, array)

        self._batches = Sizes(kernels.xp, made, tape.clear)
        #: what reads arrays that are on disk
        self.reader = Reader(spare)

    def __getitem__(self, n_samples):
        """The `Batch` of so many samples."""
        return self._batches[n_samples]

    def reserve(self, samples, n_samples):
        """Take the memory that batches of so many of these samples need."""
        batch = self._batches[n_samples]
        for name, data in self._data(samples, samples.arrays).items():
            if isinstance(data, Mapped | MappedSparse):
                data = batch.staged(name, data, self._kernels).data
            self._presented(batch, name, data)

    def rows(self, samples, positions):
        """`samples.rows(positions)` for each replica, where the kernels are, (R, B)."""
        rows = samples.rows(positions)
        rows = np.broadcast_to(rows, (self._n_replicas, rows.shape[-1]))
        return self._kernels.resident(np.ascontiguousarray(rows))

    def gather(self, samples, rows, without=(), dense=False, later=False, then=None):
        """Copy the samples in these rows (R, B) of their arrays.

        without : names of arrays that are left out; dense : no input is presented as sparse
        later : whether that may wait (`Tape.play`)
        then : the rows that are likely to be gathered next, or None

        Returns
        -------
        the `Batch`, and name -> what is to be presented, in memory of the batch
        """
        batch = self._batches[rows.shape[1]]
        names = [name for name in samples.arrays if name not in without]
        data = self._data(samples, names, dense)
        on_disk = {k: one for k, one in data.items() if isinstance(one, Mapped | MappedSparse)}
        index = dict.fromkeys(names, batch.rows.reshape(-1))
        staged = {k: batch.staged(k, one, self._kernels) for k, one in on_disk.items()}
        for name, one in staged.items():
            data[name], index[name] = one.data, one.index
        self._gathered = batch, on_disk, staged
        shown = {name: self._presented(batch, name, one) for name, one in data.items()}
        for name, values in shown.items():
            if isinstance(values, Remainder):
                values.begin(samples.background(name), samples.scaling.get(name, (0.0, 1.0))[1])
        key = (
            "gather",
            rows.shape[1],
            *((name, getattr(x, "key", x.ndim)) for name, x in shown.items()),
        )
        given = index, samples, data, shown
        self.bring(rows, then)
        self._tape.play(key, self._gather, *given, data=(samples.arrays,), later=later)
        return batch, shown

    def bring(self, rows, then=None):
        """Have the samples in these rows where recordings of the last `gather` look for them."""
        batch, on_disk, staged = self._gathered
        batch.rows[...] = rows
        if not on_disk:
            return
        for name, found in self.reader.read(on_disk, self._on_host(rows)).items():
            staged[name].take(*found)
        if then is not None:
            self.reader.begin(on_disk, self._on_host(then))

    def _on_host(self, rows):
        return np.asarray(self._kernels.host(rows)).reshape(-1)

    def _data(self, samples, names, dense=False):
        """Arrays where the kernels are, `Sparse` ones, or what reads those on disk, by name."""
        found = {}
        for name in names:
            sparse = None
            if name in self.may_be_sparse and not dense:
                sparse = samples.sparse(name)
            found[name] = samples.resident(name, self._kernels) if sparse is None else sparse
        return found

    @staticmethod
    def _presented(batch, name, data):
        """Where the batch has what is presented under a name."""
        if isinstance(data, Sparse):
            return batch.remainder(name, data)
        return batch.of(name, data)

    def _gather(self, indexes, samples, given, shown, k):
        with k.together():
            for name, array in given.items():
                values, index = shown[name], indexes[name]
                shift, scale = samples.scaling.get(name, (0.0, 1.0))
                if isinstance(values, Remainder):
                    values.take(array, index, scale, k)
                    continue
                out = values.swapaxes(-1, -2).reshape(*values.shape[:-3], -1, values.shape[-2])
                if array.ndim == 1:
                    off, on = (self._dtype.type((value - shift) * scale) for value in (0, 1))
                    k.take_one_hot(labels=array, index=index, off=off, on=on, out=out)
                    continue
                # wide numbers are shifted as such, or their digits would be gone before
                wide = type(number(np.zeros(1, array.dtype)[0])) is np.float64
                shift, scale = map(np.float64 if wide else self._dtype.type, (shift, scale))
                by_step = [(array[:, t], out[t]) for t in range(len(out))] if out.ndim == 3 else ()
                for data, values in by_step or [(array, out)]:
                    k.take_scaled(data=data, index=index, shift=shift, scale=scale, out=values)
