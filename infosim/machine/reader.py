"""The reader: rows on disk are brought to where kernels read them, the next batch ahead of time."""

import threading

import numpy as np

from infosim.machine.mapped import Mapped
from infosim.machine.sparse import Sparse, background_of, worthwhile


class MappedSparse:
    """Rows on disk (n, d) as `Sparse` has those in memory; a batch's are made so as they are read.

    background : (d,)
    widest : the most values of a row, at least 1
    """

    def __init__(self, mapped, background, widest):
        self._mapped, self.background, self.widest = mapped, background, widest
        self.shape, self.dtype, self.ndim = mapped.shape, mapped.dtype, 2

    @property
    def slow(self):
        """As of `Mapped`."""
        return self._mapped.slow

    @classmethod
    def of(cls, mapped, density=None):
        """`Sparse.of` of rows on disk."""
        density = worthwhile(*mapped.shape) if density is None else density
        background = background_of(mapped, density)
        if background is None:
            return None
        total, widest = 0, 1
        for _, block in mapped.blocks():
            one = Sparse.around(block, background)
            if one is None:
                return None
            total, widest = total + len(one.values), max(widest, one.widest)
            if total > density * mapped.size:
                return None
        return cls(mapped, background, widest)

    def read_sorted(self, rows):
        """As `Mapped.read_sorted`, but what is found is `Sparse`."""
        found, index = self._mapped.read_sorted(rows)
        return Sparse.around(found, self.background), index


class Staged:
    """What was read of a batch's rows, where the kernels are: always in the same arrays, which
    recordings have.

    Parameters
    ----------
    key : of its memory
    source : Mapped or MappedSparse; n : how many rows
    array : (name, shape, dtype) -> memory; kernels : for which

    Attributes
    ----------
    data : an array (n, ...), or `Sparse`
    index : int64 (n,), in which of its rows each sample is
    """

    def __init__(self, key, source, n, array, kernels):
        self._resident = kernels.resident
        self.index = array(f"index of {key}", (n,), np.int64)
        if isinstance(source, Mapped):
            self._memory = array(f"rows of {key}", (n, *source.shape[1:]), source.dtype)
            self.data = self._memory.view()
            if not kernels.ON_DEVICE:  # as data in memory are: kernels are compiled for either
                self.data.flags.writeable = False
            return
        like = Sparse.around(np.empty((0, source.shape[1]), source.dtype), source.background)
        arrays = [
            array(f"{what} of {key}", (n * source.widest,), one.dtype)
            for what, one in (("data", like.values), ("inputs", like.columns))
        ]
        places = array(f"places of {key}", (n, like.places.shape[1]), np.int64)
        self.data = Sparse(source.dtype, source.background, *arrays, places)
        self.data.widest = source.widest

    def take(self, found, index):
        """Take what `read_sorted` found."""
        self.index[...] = self._resident(index)
        if not isinstance(found, Sparse):
            self._memory[...] = self._resident(found)
            return
        self.data.places[...] = found.places
        for memory, values in (
            (self.data.values, found.values),
            (self.data.columns, found.columns),
        ):
            memory[: len(values)] = values


class Reader:
    """Reads batches of rows on disk, the next one while something else is done.

    spare : whether there are CPUs with nothing else to do. Else rows are read ahead where they are
        slow to come: the CPU's part is then little
    """

    #: whether they are in any case, or never; None as `spare` has it. Results are the same bits
    ahead = None

    def __init__(self, spare=True):
        self._spare, self._next = spare, None

    def read(self, sources, rows):
        """What `read_sorted` of each of the sources, by name, finds of these rows (m,)."""
        following, self._next = self._next, None
        if following is not None and following.are(sources, rows):
            return following.found()
        return _read(sources, rows)

    def begin(self, sources, rows):
        """Begin to read what is asked for next, if it is worth while."""
        worthwhile = self._spare or any(one.slow for one in sources.values())
        if worthwhile if self.ahead is None else self.ahead:
            self._next = _Following(sources, rows)


class _Following:
    """Rows that are being read, on a thread of their own: it is gone in a forked child, too."""

    def __init__(self, sources, rows):
        self._sources, self._rows = sources, rows
        self._found = self._error = None
        self._thread = threading.Thread(target=self._run, name="infosim-reader")
        self._thread.start()

    def _run(self):
        try:
            self._found = _read(self._sources, self._rows)
        except BaseException as error:  # told where it is asked for
            self._error = error

    def are(self, sources, rows):
        """Whether they are these."""
        same = sources.keys() == self._sources.keys() and np.array_equal(rows, self._rows)
        return same and all(sources[name] is one for name, one in self._sources.items())

    def found(self):
        """What was read, once it is."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        # nothing in a child that was forked meanwhile
        return self._found or _read(self._sources, self._rows)


def _read(sources, rows):
    return {name: one.read_sorted(rows) for name, one in sources.items()}
