"""Data that stay on disk: memory-mapped arrays, of which rows are read when they are needed.

What is to be known of all rows (that they are finite, their ends) is found out in pieces, in the
order of the file, and it is in this order that rows are read.
"""

import math
import mmap
import os
import time

import numpy as np

from infosim.errors import DataError

#: Bytes that are in memory at once where all rows are looked at.
_AT_ONCE = 2**23
#: Seconds for a row, and for a byte, beyond which rows were not in memory before they were read.
_SLOW = 1e-5, 1e-9


class Mapped:
    """Rows (n, units) or (n, steps, units) that are on disk.

    It stands for an array: it has `shape`, `dtype`, `ndim`, `size` and a length, `mapped[rows]` are
    rows in memory, `np.asarray(mapped)` all of them.

    Parameters
    ----------
    source : (N, ...), an array that is memory-mapped
    file : the `File` that it is of
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
        #: whether rows were slow to come when they were last read
        self.slow = False
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
                fixed = base.mode in ("r", "c")
                return cls(np.asarray(array), File(base.filename, base._mmap, fixed))
            base = base.base
        return None

    def __str__(self):
        return str(self._file)

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
        return self._changed(self._take(at[order], apart=True)), index

    def blocks(self):
        """Pairs (numbers of rows in the file, these rows) of all rows, in the order of the file."""
        step = max(1, _AT_ONCE // (self.dtype.itemsize * max(1, math.prod(self.shape[1:]))))
        at = None if self._rows is None else np.sort(self._rows)
        for first in range(0, len(self), step):
            last = min(first + step, len(self))
            rows = np.arange(first, last) if at is None else at[first:last]
            yield rows, self._read(rows)

    def _read(self, at):
        """Rows of the source, as they are to be."""
        return self._changed(self._take(at))

    def _take(self, at, apart=False):
        """Rows of the source, maybe far apart.

        The system reads them from disk one after the other, when each is touched. Where that was
        slow it is told beforehand which, which takes longer if they are in memory.
        """
        self._file.check()
        began = time.perf_counter()
        if apart and self.slow:
            self._file.fetch(self._source, at)
        found = self._source.take(at, axis=0) if self._plain else self._source[at]
        if apart:
            by_row, by_byte = _SLOW
            took = time.perf_counter() - began
            self.slow = self._plain and took > by_row * len(at) + by_byte * found.nbytes
        return found.astype(found.dtype.newbyteorder("="), copy=False)

    def _changed(self, found):
        return found if self._change is None else self._change(found)

    # -- what is known of all rows -----------------------------------------------------------------

    def check(self, name):
        """Raise DataError unless all values are finite."""
        odd = self.odd()
        if odd is not None:
            raise DataError(f"input {name!r} holds {odd[1]} at {odd[0]}; values must be finite")

    def odd(self):
        """Where in the file a value is not finite, as a list, and this value; None if all are."""
        if self.dtype.kind != "f" or self._ends is not None:
            return None
        least, most = [], []
        for rows, block in self.blocks():
            ends = block.min(), block.max()
            if not np.isfinite(ends).all():  # nan is passed on by both
                row, *at = np.argwhere(~np.isfinite(block))[0].tolist()
                return [int(rows[row]), *at], block[(row, *at)]
            least.append(ends[0])
            most.append(ends[1])
        self._ends = min(least), max(most)
        return None

    def ends(self):
        """The smallest and the largest number."""
        if self._ends is None:
            found = [(block.min(), block.max()) for _, block in self.blocks()]
            self._ends = min(low for low, _ in found), max(high for _, high in found)
        return self._ends


class File:
    """The file of a mapped array: reading what is no longer there would end the process.

    path : its name, or None; pages : the map of it
    fixed : whether nobody here writes to it, so that it is to stay as it is
    """

    def __init__(self, path, pages, fixed):
        self._path, self._pages, self._fixed = path, pages, fixed
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

    def fetch(self, source, rows):
        """Have the system read rows of an array that is mapped, all at once."""
        if not hasattr(mmap, "MADV_WILLNEED"):  # it does not offer that
            return
        first = _address(source) - _address(np.frombuffer(self._pages, np.uint8))
        begin = first + rows * source.strides[0]
        page = begin // mmap.PAGESIZE * mmap.PAGESIZE
        size = begin + source[:1].nbytes - page
        for one in zip(page.tolist(), size.tolist(), strict=True):
            self._pages.madvise(mmap.MADV_WILLNEED, *one)


def _address(array):
    return array.__array_interface__["data"][0]
