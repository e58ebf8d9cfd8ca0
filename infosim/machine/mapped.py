"""Data that stay on disk: memory-mapped arrays, of which a batch's rows are read when it is due.

What is known of all rows (that they are finite, their ends, a background) is found out in pieces,
in the order of the file. A batch's rows are read in that order, too, and those of the next batch
while this one is learned from.
"""

import math
import os
import threading

import numpy as np

from infosim.errors import DataError
from infosim.machine.sparse import Sparse, background_of, worthwhile

#: Bytes that are in memory at once where all rows are looked at.
_AT_ONCE = 2**23


class Mapped:
    """Rows (n, units) or (n, steps, units) that are on disk.

    It stands for an array: it has `shape`, `dtype`, `ndim`, `size` and a length, `mapped[rows]` are
    rows in memory, `np.asarray(mapped)` all of them.

    Parameters
    ----------
    source : (N, ...), an array that is memory-mapped
    file : the `_File` that it is of
    rows : which of its rows these are, in this order, int (n,); None for all
    change : what becomes of rows as they are read, a function of (m, ...) to (m, units); or None

    Raises
    ------
    DataError : there are no rows; the file is not what it was
    """

    def __init__(self, source, file, rows=None, change=None):
        self._source, self._file, self._rows, self._change = source, file, rows, change
        # a copy of all, should rows be taken of an array with gaps, is what is to be avoided
        self._plain = source.flags.c_contiguous and source.flags.aligned and source.dtype.isnative
        self._ends = None
        n = len(source) if rows is None else len(rows)
        if not n:
            raise DataError(f"{file} has no rows")
        first = self._read(np.zeros(1, np.int64) if rows is None else rows[:1])
        self.dtype, self.shape, self.ndim = first.dtype, (n, *first.shape[1:]), first.ndim
        self.size = math.prod(self.shape)

    @classmethod
    def of(cls, array):
        """An array as `Mapped` if it is memory-mapped, or a view of one that is; else None."""
        if isinstance(array, cls):
            return array
        base = array
        while isinstance(base, np.ndarray):
            if isinstance(base, np.memmap) and base._mmap is not None:
                return cls(np.asarray(array), _File(base.filename, base.mode in ("r", "c")))
            base = base.base
        return None

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, rows):
        at = np.arange(len(self))[rows]
        found = self.read(at.ravel())
        return found.reshape(*at.shape, *found.shape[1:])

    def __array__(self, dtype=None, copy=None):
        return self[:].astype(dtype or self.dtype, copy=False)

    def taken(self, rows):
        """These of the rows, (m,), as `Mapped`."""
        rows = np.asarray(rows) if self._rows is None else self._rows[rows]
        return Mapped(self._source, self._file, rows, self._change)

    def changed(self, change):
        """The same rows with `change` made of each as it is read, after those that are already."""
        before = self._change
        both = change if before is None else lambda rows: change(before(rows))
        return Mapped(self._source, self._file, self._rows, both)

    def reshape(self, *shape):
        """The rows in another shape, whose first number is still that of rows."""
        if shape[0] != len(self):
            raise ValueError(f"{len(self)} rows on disk cannot be made {shape[0]}")
        return self.changed(lambda rows: rows.reshape(len(rows), *shape[1:]))

    # -- reading ---------------------------------------------------------------------------------

    def read(self, rows):
        """The rows at these positions, int (m,), in memory."""
        found, index = self.read_sorted(rows)
        return found[index]

    def read_sorted(self, rows):
        """The rows at these positions in the order of the file, and where each of them is there.

        Returns
        -------
        found : (m, ...), index : int64 (m,), so that found[index] are the rows as asked for
        """
        at = rows if self._rows is None else self._rows[rows]
        order = np.argsort(at, kind="stable")
        index = np.empty(len(at), np.int64)
        index[order] = np.arange(len(at))
        return self._read(at[order]), index

    def blocks(self):
        """Pairs (numbers of rows in the file, these rows) of all rows, in the order of the file."""
        step = max(1, _AT_ONCE // (self.dtype.itemsize * max(1, math.prod(self.shape[1:]))))
        at = None if self._rows is None else np.sort(self._rows)
        for first in range(0, len(self), step):
            last = min(first + step, len(self))
            rows = np.arange(first, last) if at is None else at[first:last]
            yield rows, self._read(rows)

    def _read(self, at):
        """Rows of the source."""
        self._file.check()
        found = self._source.take(at, axis=0) if self._plain else self._source[at]
        found = found.astype(found.dtype.newbyteorder("="), copy=False)
        return found if self._change is None else self._change(found)

    # -- what is known of all rows -----------------------------------------------------------------

    def check(self, name):
        """Raise DataError unless all values are finite."""
        if self.dtype.kind == "f":
            self._look(name)

    def ends(self):
        """The smallest and the largest number."""
        return self._look("") if self._ends is None else self._ends

    def _look(self, name):
        least, most = [], []
        for rows, block in self.blocks():
            low, high = block.min(), block.max()
            if not np.isfinite(low) or not np.isfinite(high):
                row, *at = (int(i) for i in np.argwhere(~np.isfinite(block))[0])
                raise DataError(
                    f"input {name!r} holds {block[(row, *at)]} at {[int(rows[row]), *at]}; values "
                    "must be finite"
                )
            least.append(low)
            most.append(high)
        self._ends = min(least), max(most)
        return self._ends


class _File:
    """The file of a mapped array: reading what is no longer there would end the process.

    fixed : whether nobody here writes to it, so that it is to stay as it is
    """

    def __init__(self, path, fixed):
        self._path, self._fixed = path, fixed
        self._was = self._look()

    def __str__(self):
        return "a mapped array" if self._path is None else str(self._path)

    def _look(self):
        try:
            return None if self._path is None else os.stat(self._path)
        except OSError:
            return None

    def check(self):
        """Raise DataError if the file is shorter, or another, than when it was opened."""
        was, now = self._was, self._look()
        # a file that was removed, or replaced by another, stays there for whom has it mapped
        if was is None or now is None or (was.st_dev, was.st_ino) != (now.st_dev, now.st_ino):
            return
        if now.st_size < was.st_size or (self._fixed and now.st_mtime_ns != was.st_mtime_ns):
            how = "cut off" if now.st_size < was.st_size else "written to"
            raise DataError(f"{self._path} was {how} while it was being read")


class MappedSparse:
    """Rows on disk (n, d) as `Sparse` has those in memory; a batch's are made so as they are read.

    background : (d,)
    widest : the most values of a row, at least 1
    """

    def __init__(self, mapped, background, widest):
        self._mapped, self.background, self.widest = mapped, background, widest
        self.shape, self.dtype, self.ndim = mapped.shape, mapped.dtype, 2

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
    """Reads batches of rows on disk, the next one while something else is done."""

    #: whether it does; results are the same bits
    ahead = True

    def __init__(self):
        self._next = None

    def read(self, sources, rows):
        """What `read_sorted` of each of the sources, by name, finds of these rows (m,)."""
        following, self._next = self._next, None
        if following is not None and following.are(sources, rows):
            return following.found()
        return _read(sources, rows)

    def begin(self, sources, rows):
        """Begin to read what is asked for next."""
        if self.ahead:
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
