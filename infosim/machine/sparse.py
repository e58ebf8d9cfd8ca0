"""Sparse inputs: data that are a background, the same in all samples, and few other numbers."""

import numpy as np

from infosim.elementary import number
from infosim.errors import DataError
from infosim.kernels.contract import SAMPLES
from infosim.kernels.sparse.split import count, split

#: The part of its numbers in which data may differ from a background: where more do, or there are
#: fewer inputs or numbers in all, dense products are as fast (docs/performance.md).
_MOST, _FEWEST_INPUTS, _FEWEST = 0.3, 200, 100_000
#: Rows that tell the background, and whether it is worth while to look at the others.
_LOOKED_AT = 101
#: Inputs whose weights, for 64 neurons, a core's fastest memory holds; most blocks of inputs.
_COLUMNS, _BLOCKS = 112, 32


class Sparse:
    """Rows (n, d) as a background and what is added to it, a remainder of few numbers.

    dtype : of the data
    background : (d,), of the data's type
    values : (nnz,), data minus background where they differ, row by row; columns : (nnz,) integers,
        of which inputs
    places : int64 (n, C + 1), where each row's values of each block of inputs begin, and where they
        end
    """

    ndim = 2

    def __init__(self, dtype, background, values, columns, places):
        self.dtype, self.background = dtype, background
        self.values, self.columns, self.places = values, columns, places
        self.shape = len(places), len(background)
        #: the most values of a row, at least 1
        self.widest = max(int((places[:, -1] - places[:, 0]).max(initial=0)), 1)

    def __len__(self):
        return self.shape[0]

    @property
    def wide(self):
        """Whether kernels take values as float64, for float32 does not hold all their digits."""
        return type(number(np.zeros(1, self.values.dtype)[0])) is np.float64

    @classmethod
    def of(cls, array, density=None):
        """The array (n, d) as background and remainder, None where that is no gain.

        The background of an input is the most frequent of its values in some rows.

        density : the part of all numbers up to which it is; None if that depends on their number
        """
        density = worthwhile(*array.shape) if density is None else density
        background = background_of(array, density)
        return None if background is None else cls.around(array, background, density * array.size)

    @classmethod
    def around(cls, array, background, most=np.inf):
        """The array (n, d) as what is added to this background (d,), None if that is more than so
        many numbers, or they are too large to be subtracted."""
        array, edges = np.ascontiguousarray(array), _edges(array.shape[1])
        counts = np.empty((len(array), len(edges) - 1), np.int64)
        count(array, background, edges, counts)
        total = int(counts.sum())
        if total > most:
            return None
        values = np.empty(total + 1, array.dtype)
        columns = np.empty(total + 1, _column_type(array.shape[1]))
        places = _places(counts)
        split(array, background, places, values, columns)
        values = _difference(values[:-1], columns[:-1], background)
        if not np.isfinite(values).all():
            return None
        return cls(array.dtype, background, values, columns[:-1], places)

    @classmethod
    def of_scipy(cls, name, matrix):
        """A matrix of scipy.sparse (n, d): its background is 0.

        Raises
        ------
        DataError : it is damaged, or not of numbers
        """
        try:
            if len(matrix.shape) != 2:
                raise ValueError(f"its shape is {matrix.shape}")
            matrix = matrix.tocsr(copy=True)
            matrix.check_format(full_check=True)
            matrix.sum_duplicates()
            matrix.eliminate_zeros()
        except (ValueError, TypeError, AttributeError) as problem:
            raise DataError(f"input {name!r} is no sparse matrix: {problem}") from None
        dtype, (n, d) = matrix.dtype, matrix.shape
        if dtype.kind not in "biuf" or (dtype.kind == "f" and dtype.itemsize not in (4, 8)):
            raise DataError(
                f"input {name!r} must be of bool, integers, float32 or float64, was sparse {dtype}"
            )
        background, edges = np.zeros(d, dtype), _edges(d)
        rows = np.repeat(np.arange(n), np.diff(matrix.indptr))
        block = np.searchsorted(edges[1:-1], matrix.indices, "right")
        n_blocks = len(edges) - 1
        counts = np.bincount(rows * n_blocks + block, minlength=n * n_blocks)
        columns = matrix.indices.astype(_column_type(d))
        values = _difference(matrix.data, columns, background)
        return cls(dtype, background, values, columns, _places(counts.reshape(n, n_blocks)))

    def check(self, name):
        """Raise DataError unless all values are finite."""
        if not np.isfinite(self.values).all():
            at = int(np.argmin(np.isfinite(self.values)))
            row = int(np.searchsorted(self.places[:, -1], at, "right"))
            where = [row, int(self.columns[at])]
            raise DataError(
                f"input {name!r} holds {self.values[at]} at {where}; values must be finite"
            )

    def ends(self):
        """The smallest and the largest number, or somewhat beyond them."""
        values = self.values if len(self.values) else np.zeros(1)
        background = self.background.astype(np.float64)
        return (
            background.min() + min(values.min(), 0.0), background.max() + max(values.max(), 0.0)
        )  # fmt: skip

    @property
    def worthwhile(self):
        """Whether so few numbers differ from the background that it is a gain."""
        n, d = self.shape
        return len(self.values) < worthwhile(n, d) * n * d

    def toarray(self):
        """The rows as an array (n, d)."""
        array = np.tile(self.background, (self.shape[0], 1))
        counts = self.places[:, -1] - self.places[:, 0]
        rows = np.repeat(np.arange(len(self)), counts)
        values = self.values + self.background[self.columns].astype(self.values.dtype)
        array[rows, self.columns] = values
        return array


def background_of(array, density):
    """The background of an array (n, d), the most frequent value of each input in some rows; None
    if more than so large a part of their numbers differ from it.
    """
    if not density or (array.dtype.kind == "f" and array.dtype.itemsize not in (4, 8)):
        return None
    n = len(array)
    some = array[np.linspace(0, n - 1, min(n, _LOOKED_AT)).astype(np.int64)]
    background = _most_frequent(some)
    return None if np.mean(some != background) > 1.2 * density else background


def _most_frequent(rows):
    """The most frequent value of each column, (d,)."""
    rows = np.sort(rows, axis=0)
    at = np.broadcast_to(np.arange(len(rows))[:, None], rows.shape)
    begins = np.vstack([np.ones_like(rows[:1], bool), rows[1:] != rows[:-1]])
    times = at - np.maximum.accumulate(np.where(begins, at, 0), axis=0)
    return np.take_along_axis(rows, times.argmax(axis=0)[None], axis=0)[0]


def worthwhile(n, d):
    """The part of its numbers in which an array (n, d) may differ from a background, 0 if none."""
    return _MOST if d >= _FEWEST_INPUTS and n * d >= _FEWEST else 0.0


def _edges(d):
    """Where blocks of d inputs begin, and the last ends, (C + 1,); all but it are of one size."""
    n = min(max(1, -(-d // _COLUMNS)), _BLOCKS)
    return np.minimum(np.arange(n + 1) * -(-d // n), d)


def _column_type(d):
    return np.uint16 if d <= 2**16 else np.int32


def _places(counts):
    """Where values begin and end, (n, C + 1), of which there are so many in each block, (n, C)."""
    n, n_blocks = counts.shape
    ends = counts.ravel().cumsum().reshape(n, n_blocks)
    return np.column_stack([ends[:, 0] - counts[:, 0], ends])


def _difference(values, columns, background):
    """Values minus the background, in a type that holds it as exactly as that of the values."""
    if values.dtype.kind == "b":
        values, background = values.view(np.uint8), background.view(np.uint8)
    if not background.any():
        return values
    kind = np.float64
    if values.dtype.kind == "f":
        kind = values.dtype
    elif values.dtype.itemsize <= 4:
        kind = np.int16 if values.dtype == np.uint8 else np.int64
    with np.errstate(over="ignore"):
        return values.astype(kind) - background.astype(kind)[columns]


class Remainder:
    """What is presented under a name of B samples for each of R replicas, as `Sparse` has it.

    It stands for an array (R, d, B). `background` (d,), `values` and `columns` (R B, M), `scale`
    (1,), which is that of the values, `borders` (C + 1, R B) and, once it is `turned`, `by_input`
    (starts, rows, values) are as the kernels of `kernels.sparse` read them.

    Parameters
    ----------
    key : by which recordings know it
    data : a `Sparse` of as many inputs, blocks and values in its widest row as are presented
    n_replicas, n_samples, dtype : R, B, and the precision of numbers
    array : (name, shape, dtype) -> memory
    """

    ndim = 3

    def __init__(self, key, data, n_replicas, n_samples, dtype, array):
        n, d, widest = n_replicas * n_samples, data.shape[1], data.widest
        self.key, self.shape = key, (n_replicas, d, n_samples)
        self.background, self.scale = np.zeros(d, dtype), np.ones(1, dtype)
        kind = data.values.dtype
        #: whether values are the data's own, small integers, and scaled by products alone
        self._as_given = kind.kind in "iu" and kind.itemsize <= 2
        self.values = array(f"values of {key}", (n, widest), kind if self._as_given else dtype)
        self.columns = array(f"columns of {key}", (n, widest), data.columns.dtype)
        self.borders = array(f"borders of {key}", (data.places.shape[1], n), np.int64)
        self.turned, self.by_input = False, None

    def begin(self, background, scale):
        """Let these be the scaled background and the scale of what is gathered next."""
        self.turned = False
        self.background[...] = background
        if self._as_given:
            self.scale[0] = scale

    def take(self, data, index, scale, k):
        """Gather the rows `index` (R B,) of a `Sparse`, scaled unless products do that."""
        kind, scale = (np.float32, 1) if self._as_given else (self.values.dtype.type, scale)
        if data.wide:  # wide numbers are scaled as such
            kind = np.float64
        k.take_remainder(
            data=data.values, columns=data.columns, places=data.places, scale=kind(scale),
            index=index, out_columns=self.columns, borders=self.borders, out=self.values,
        )  # fmt: skip

    def turn(self, k):
        """Order what was gathered by inputs."""
        n_replicas, d, n_samples = self.shape
        if self.by_input is None:
            n_blocks, size = n_replicas * -(-n_samples // SAMPLES), SAMPLES * self.values.shape[1]
            self.by_input = (
                np.empty((n_blocks, d + 1), np.int64),
                np.empty((n_blocks, size), np.uint8),
                np.empty((n_blocks, size), self.values.dtype),
            )
        starts, rows, out = self.by_input
        k.turn(
            values=self.values.reshape(-1), columns=self.columns.reshape(-1),
            borders=self.borders, n_samples=n_samples, starts=starts, rows=rows, out=out,
        )  # fmt: skip

    def project(self, weights, u, k):
        """Leave W x in u (N, B)."""
        k.project_remainder(
            weights=weights, background=self.background, values=self.values.reshape(-1),
            columns=self.columns.reshape(-1), borders=self.borders, scale=self.scale, u=u,
        )  # fmt: skip

    def accumulate(self, delta, gradient, k):
        """Leave δ xᵀ in `gradient` (N, d)."""
        starts, rows, values = self.by_input
        k.accumulate_remainder(
            delta=delta, background=self.background, values=values.reshape(-1),
            rows=rows.reshape(-1), starts=starts, scale=self.scale, gradient=gradient,
        )  # fmt: skip

    def __array__(self, dtype=None, copy=None):
        n_replicas, d, n_samples = self.shape
        array = np.tile(self.background, (n_replicas * n_samples, 1))
        for row, begin, end in zip(array, self.borders[0], self.borders[-1], strict=True):
            columns, values = (a.reshape(-1)[begin:end] for a in (self.columns, self.values))
            row[columns] += values * self.scale
        return array.reshape(n_replicas, n_samples, d).swapaxes(1, 2).astype(dtype or array.dtype)
