"""Images, checked once, with their labels and the two numbers that standardise them."""

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from infosim.errors import DataError, brief
from infosim.machine.mapped import Mapped

_PIXELS = (np.uint8, np.float32, np.float64)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training and test images with their labels; its arrays are read-only.

    train_x, test_x : uint8 or floating point (n, d), d the product of `image_shape`; or `Mapped`,
        rows that stay on disk
    train_y, test_y : int64 (n,), from 0 to n_classes - 1
    train_factors, test_factors : what the images were made of, (n, k) of +1 and -1, or None
    cues : like train_x, what each training image is to be recalled from, or None
    class_names, feature_names : texts, one for each class and for each of the d inputs, or None
    encoding : how data of a user's own became this, to do the same to others, or None

    Raises
    ------
    DataError : anything does not fit or is not finite, naming array and index
    """

    name: str
    train_x: np.ndarray = field(repr=False)
    train_y: np.ndarray = field(repr=False)
    test_x: np.ndarray = field(repr=False)
    test_y: np.ndarray = field(repr=False)
    n_classes: int
    image_shape: tuple[int, ...]
    source: str
    train_factors: np.ndarray | None = field(default=None, repr=False)
    test_factors: np.ndarray | None = field(default=None, repr=False)
    cues: np.ndarray | None = field(default=None, repr=False)
    class_names: tuple[str, ...] | None = field(default=None, repr=False)
    feature_names: tuple[str, ...] | None = field(default=None, repr=False)
    encoding: Any = field(default=None, repr=False)

    def __post_init__(self):
        d = math.prod(self.image_shape)
        for part in ("train", "test"):
            x = _images(getattr(self, f"{part}_x"), d, f"{self.name}: {part}_x")
            y = _labels(getattr(self, f"{part}_y"), self.n_classes, f"{self.name}: {part}_y")
            if len(x) != len(y):
                raise DataError(
                    f"{self.name}: {len(x)} images in {part}_x but {len(y)} labels in {part}_y"
                )
            # The dataclass is frozen; the cached mean and std rely on the arrays being so too.
            object.__setattr__(self, f"{part}_x", _frozen(x))
            object.__setattr__(self, f"{part}_y", _frozen(y))
            factors = getattr(self, f"{part}_factors")
            if factors is not None:
                factors = _factors(factors, len(x), f"{self.name}: {part}_factors")
                object.__setattr__(self, f"{part}_factors", _frozen(factors))
        if self.cues is not None:
            cues = _images(self.cues, d, f"{self.name}: cues")
            if len(cues) != len(self.train_x):
                raise DataError(
                    f"{self.name}: {len(self.train_x)} images in train_x but {len(cues)} cues"
                )
            object.__setattr__(self, "cues", _frozen(cues))
        for what, n in (("class_names", self.n_classes), ("feature_names", d)):
            names = getattr(self, what)
            if names is not None:
                object.__setattr__(self, what, _names(names, n, f"{self.name}: {what}"))

    @classmethod
    def of(cls, x, y, name="own data", image_shape=None, **options):
        """The data set of samples and their classes, split into training and test rows.

        Columns of rows are standardised, or one-hot if they hold categories, by the training rows;
        images stay as they are.

        Parameters
        ----------
        x : array (n, d) of rows, also of scipy.sparse; pandas DataFrame or mapping of columns by
            name; array (n, h, w), (n, h, w, c) or (n, c, h, w) of images, c 1 or 3. One that
            is memory-mapped stays on disk
        y : (n,), numbers or names of classes; or the name of the column of x that holds them
        image_shape : (h, w) or (c, h, w) if rows (n, d) are images, too
        options : `test`, `seed`, `missing`, `missing_cells`, `columns`, `exclude` and `categorical`
            as `datasets.read_own` has them

        Raises
        ------
        DataError, ConfigError : as of `read_own`
        """
        from infosim.datasets.own.made import of

        return of(x, y, name, image_shape, **options)

    @property
    def mean(self):
        """Mean over all pixels of all training images: one number (arXiv 2412.02482)."""
        return self._moments[0]

    @property
    def std(self):
        """Unbiased standard deviation over all pixels of all training images: one number.

        Raises
        ------
        DataError : all pixels are equal, for nothing can then be standardised by it
        """
        if self._moments[1] == 0:
            raise DataError(f"{self.name}: all training pixels are equal, their deviation is zero")
        return self._moments[1]

    @cached_property
    def _moments(self):
        exact = self.train_x.dtype == np.uint8
        return (_integer_moments if exact else _float_moments)(self.train_x)


def _images(x, d, what):
    """`x` as a C-contiguous array (n, d) of finite numbers, or DataError about `what`."""
    x = x if isinstance(x, Mapped) else _array(x, what)
    if x.dtype not in _PIXELS:
        raise DataError(f"{what} has type {x.dtype}, expected uint8, float32 or float64")
    if x.ndim != 2 or len(x) == 0 or x.shape[1] != d or d == 0:
        raise DataError(f"{what} has shape {x.shape}, expected (n, {d}) with n and d positive")
    if isinstance(x, Mapped):
        odd = x.odd()
        if odd is not None:
            raise DataError(f"{what}: {x} holds {odd[1]} at {odd[0]}, expected a number")
        return x
    if x.dtype != np.uint8:
        for start, block in _blocks(x):
            bad = np.argwhere(~np.isfinite(block))
            if len(bad):
                n, i = bad[0]
                raise DataError(f"{what}[{start + n}, {i}] is {block[n, i]}, expected a number")
    return np.ascontiguousarray(x)


def _labels(y, n_classes, what):
    """`y` as an int64 array (n,) of class numbers, or DataError about `what`."""
    y = _array(y, what)
    if y.dtype.kind not in "iu":
        raise DataError(f"{what} has type {y.dtype}, expected integers")
    if y.ndim != 1:
        raise DataError(f"{what} has shape {y.shape}, expected (n,)")
    bad = np.flatnonzero((y < 0) | (y >= n_classes))
    if len(bad):
        raise DataError(f"{what}[{bad[0]}] is {y[bad[0]]}, expected 0 to {n_classes - 1}")
    return np.ascontiguousarray(y, dtype=np.int64)


def _names(names, n, what):
    """`names` as a tuple of n texts, or DataError about `what`."""
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise DataError(f"{what} must be texts, was {brief(names)}")
    if len(names) != n:
        raise DataError(f"{what}: {len(names)} names, expected {n}")
    return tuple(names)


def _factors(factors, n, what):
    """`factors` as an array (n, k) of +1 and -1, or DataError about `what`."""
    factors = _array(factors, what)
    if factors.ndim != 2 or len(factors) != n or not factors.shape[1]:
        raise DataError(f"{what} has shape {factors.shape}, expected ({n}, k) with k positive")
    bad = np.argwhere(abs(factors) != 1)
    if len(bad):
        i, k = bad[0]
        raise DataError(f"{what}[{i}, {k}] is {factors[i, k]}, expected 1 or -1")
    return np.ascontiguousarray(factors)


def _array(values, what):
    try:
        return np.asarray(values)
    except ValueError as problem:  # rows of different lengths
        raise DataError(f"{what} is not an array: {problem}") from None


def _frozen(array):
    """A read-only view, so that the caller's own array stays writable."""
    if isinstance(array, Mapped):
        return array
    view = array.view()
    view.flags.writeable = False
    return view


def _blocks(x):
    """Pairs (first row, rows) that cover `x` (n, d) in pieces of about a million values."""
    step = max(1, 2**20 // x.shape[1])
    for start in range(0, len(x), step):
        yield start, x[start : start + step]


def _integer_moments(x):
    """Mean and unbiased deviation of uint8 (n, d), rounded once: the sums are exact integers."""
    counts = sum(np.bincount(block.ravel(), minlength=256) for _, block in _blocks(x)).tolist()
    n = x.size
    total = sum(value * count for value, count in enumerate(counts))
    squares = sum(value**2 * count for value, count in enumerate(counts))
    variance = (n * squares - total**2) / (n * (n - 1)) if n > 1 else 0.0
    return total / n, math.sqrt(variance)


def _float_moments(x):
    """Mean and unbiased deviation of floating point (n, d) in two passes of float64 sums."""
    mean = math.fsum(block.sum(dtype=np.float64) for _, block in _blocks(x)) / x.size
    squares = math.fsum(((block.astype(np.float64) - mean) ** 2).sum() for _, block in _blocks(x))
    return mean, math.sqrt(squares / (x.size - 1)) if x.size > 1 else 0.0
