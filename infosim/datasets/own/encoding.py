"""How rows or images of a user's own become what a network reads: fitted once, kept, applied anew.

An encoding knows training rows alone. A run keeps it as JSON, which is read back with distrust.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np

from infosim.datasets.own import arrays, images
from infosim.datasets.own import rows as on_disk
from infosim.datasets.own.columns import missing_in
from infosim.datasets.own.frame import Wanted, column_of, frame_of
from infosim.datasets.own.memory import check_memory
from infosim.datasets.own.split import Split
from infosim.datasets.own.table import read_table
from infosim.datasets.own.target import coded
from infosim.errors import ConfigError, DataError, brief, near
from infosim.machine.mapped import Mapped

UNKNOWN = ("error", "zeros")


class Others(NamedTuple):
    """Other samples, encoded.

    x : (n, d), `Mapped` if they stay on disk; y : int64 (n,), classes, -1 where missing, or None
    names : of files of images, relative to their folder; else numbers of rows, from 0 on
    """

    x: np.ndarray
    y: np.ndarray | None
    names: list[str]


@dataclass(frozen=True)
class Encoding:
    """What all kinds of data have in common.

    class_names : of the classes, by their numbers
    target : the column of classes, or None
    split : how training and test rows were told apart
    source, sha256 : the name of the file or folder and the hash of its content, "" for arrays
    notes : what was done to the data, a line each
    moments : mean and deviation of all training inputs, where a network is shown inputs that are
        standardised by these two numbers, or None
    """

    class_names: tuple[str, ...]
    target: str | None
    split: Split
    source: str
    sha256: str
    notes: tuple[str, ...]
    moments: tuple[float, float] | None = field(default=None, kw_only=True)
    kind: ClassVar[str]

    @property
    def name(self):
        """What messages call the data."""
        return Path(self.source).stem

    @property
    def n_classes(self):
        """The number of classes."""
        return len(self.class_names)

    @property
    def mean(self):
        """As `Dataset.mean`; DataError if `moments` are not there."""
        return self._moment(0)

    @property
    def std(self):
        """As `Dataset.std`; DataError if `moments` are not there."""
        return self._moment(1)

    def _moment(self, i):
        if self.moments is None:
            raise DataError(f"{self.source}: mean and deviation of its inputs were not kept")
        return self.moments[i]

    def apply(self, data, labels=False, **options):
        """Encode other samples; `read` without their names.

        labels : whether to return their classes, too

        Returns
        -------
        x : (n, d)
        y : int64 (n,), if `labels`

        Raises
        ------
        as `read`
        """
        found = self.read(data, bool(labels), **options)
        return (found.x, found.y) if labels else found.x

    def _numbers(self, names):
        """The numbers of the classes of these names, int64, -1 for what is no class."""
        place = {name: i for i, name in enumerate(self.class_names)}
        return np.array([place.get(name, -1) for name in names], np.int64)

    def _classes(self, codes, names, labels, error):
        """The classes (n,) of numbers of names, -1 if missing, and not asked for by all means.

        error : function of a row and a problem
        """
        y = np.append(self._numbers(names), -1)[codes]
        for row in np.flatnonzero((y < 0) & ((codes >= 0) | bool(labels)))[:1]:
            code = codes[row]
            problem = "is missing, expected a class" if code < 0 else self._no_class(names[code])
            raise error(int(row), problem)
        return y

    def _beside(self, y, what):
        """The classes (n,) of names or numbers that lie beside samples."""
        codes, names = coded(column_of(np.ravel(y), "y", Wanted(), what))
        return self._classes(codes, names, None, lambda row, problem: DataError(
            f"{what}, row {row}: {problem}"
        ))  # fmt: skip

    def _no_class(self, name):
        return f"is {brief(name)}, no class of the training rows; {near(name, self.class_names)}"


@dataclass(frozen=True)
class TableEncoding(Encoding):
    """Rows of a table.

    columns : how each is encoded, in the order of the inputs
    named : whether they have names; else they are known by their place
    missing : "error"; "drop" left out training and test rows; "fill" by means and most frequent
        categories of the training rows
    missing_cells : as `cells.says_missing` takes them
    """

    columns: tuple
    named: bool
    missing: str
    missing_cells: tuple[str, ...] | None
    kind: ClassVar[str] = "table"

    @property
    def feature_names(self):
        """The names of the inputs: columns, and of categories column=category."""
        return tuple(name for column in self.columns for name in column.features)

    @property
    def image_shape(self):
        """The shape of a row: (d,)."""
        return (len(self.feature_names),)

    def read(self, data, labels=None, unknown="error"):
        """Encode the rows of another table.

        Parameters
        ----------
        data : path of a CSV or Parquet file, DataFrame or mapping of columns, whose columns may be
            in any order and more than are needed; or an array (n, d) of all columns in order
        labels : whether the classes that the target names are wanted; None: if there are any
        unknown : of a category that no training row had: "error", or "zeros", none of those known

        Returns
        -------
        Others : x float32

        Raises
        ------
        DataError : a column is missing or of another kind, a cell is missing unless missing ones
            are filled, a category or class that no training row had
        """
        if unknown not in UNKNOWN:
            raise ConfigError(f"unknown must be one of {', '.join(UNKNOWN)}, was {brief(unknown)}")
        if labels and self.target is None:
            raise ConfigError("labels are not in a column: they were given beside the data")
        mapped = self._mapped(data)
        if mapped is not None:
            encoded = on_disk.encode(mapped, self.columns, range(len(self.columns)))
            return Others(encoded, None, _numbers(mapped))
        frame, y = self._frame(data, labels)
        x, _ = self.encode(frame, unknown)
        names = _numbers(x)
        if y is not None:
            return Others(x, self._beside(y, f"classes of {frame.what}"), names)
        if labels is False or self.target not in frame.names:
            return Others(x, None, names)
        codes, levels = coded(frame[self.target])

        def error(row, problem):
            return frame.error(self.target, row, problem)

        return Others(x, self._classes(codes, levels, labels, error), names)

    def _mapped(self, data):
        """Rows of all columns that can be read from disk when they are shown, or None."""
        if self.named or self.missing == "fill" or "categorical" in {c.kind for c in self.columns}:
            return None
        path = Path(data) if isinstance(data, str | Path) else None
        if path is not None:
            data = arrays.map_npy(path) if path.suffix == ".npy" else None
        mapped = Mapped.of(data)
        if mapped is None or mapped.ndim != 2 or not arrays.stays(mapped.shape, mapped.dtype):
            return None
        self._check_columns(mapped.shape[1], "the data" if path is None else str(path))
        return mapped

    def _check_columns(self, n, what):
        if n != len(self.columns):
            raise DataError(f"{what}: {n} columns, expected {len(self.columns)} as in training")

    def _frame(self, data, labels):
        """The columns that are needed of `data`, and the classes beside them or None."""
        texts = tuple(one.name for one in self.columns if one.kind == "categorical")
        inputs = tuple(one.name for one in self.columns if one.features)

        def wanted(names, what="the data"):
            there = labels or (labels is None and self.target in names)
            needed = (*inputs, self.target) if there else inputs
            for name in needed:
                if name not in names:
                    raise DataError(f"{what} has no column {brief(name)}; {near(name, names)}")
            return Wanted(needed, texts=texts, missing_cells=self.missing_cells)

        path = Path(data) if isinstance(data, str | Path) else None
        if self.named and path is not None:
            return read_table(path, lambda names: wanted(names, path)), None
        if self.named and hasattr(data, "keys"):
            return frame_of(data, wanted([str(one) for one in data.keys()])), None  # noqa: SIM118
        x, y = (data, None) if path is None else arrays.read_xy(path, labels)
        what = "the data" if path is None else str(path)
        found = frame_of(x, Wanted(missing_cells=self.missing_cells), what)
        self._check_columns(len(found.columns), what)
        named = zip(found.columns, self.columns, strict=True)
        columns = [replace(column, name=one.name) for column, one in named]
        return replace(found, columns=columns), y

    def encode(self, frame, unknown="error"):
        """The rows of a frame as float32 (n, d), and in how many a category was unknown."""
        needed = [frame[one.name] for one in self.columns if one.features]
        for column, n, row in missing_in(needed) if self.missing != "fill" else ():
            raise frame.error(column.name, row, f"is missing ({n} of {frame.n_rows} are)")
        d = len(self.feature_names)
        check_memory(f"{frame.what}: {frame.n_rows} rows of {d} inputs", 4.0 * frame.n_rows * d)
        x, begin, strangers = np.empty((frame.n_rows, d), np.float32), 0, 0
        with np.errstate(over="ignore"):
            for one in self.columns:
                if not one.features:
                    continue
                end = begin + len(one.features)
                strangers += one.encode(frame[one.name], x[:, begin:end], frame.error, unknown) or 0
                begin = end
        return x, strangers


@dataclass(frozen=True)
class ImageEncoding(Encoding):
    """Images, whose pixels are shown as they are.

    image_shape : (h, w), (c, h, w) or any other of an array's rows
    pixels : their type, "uint8", "float32" or "float64"
    resize : (h, w) that image files were brought to, or None
    """

    image_shape: tuple[int, ...]
    pixels: str
    resize: tuple[int, int] | None
    kind: ClassVar[str] = "images"
    feature_names: ClassVar[None] = None

    def read(self, data, labels=None):
        """Read other images of this shape.

        Parameters
        ----------
        data : path of an image, of a folder of images or of folders by class, of an array (.npy,
            .npz, IDX); or an array (n, ...)
        labels : whether the classes are wanted that folders, or files with the arrays, name; None:
            if there are any

        Returns
        -------
        Others : x of `pixels`

        Raises
        ------
        DataError : another shape, no images, a class that is none of the training images
        """
        x, shape, what, y, names = self._read(data, labels)
        if tuple(shape) != tuple(self.image_shape):
            raise DataError(f"{what}: images are {shape}, the training images {self.image_shape}")
        if self.pixels == "uint8" and x.dtype != np.uint8:
            raise DataError(f"{what}: pixels are {x.dtype}, those of the training images uint8")
        if isinstance(x, Mapped):
            x = x.changed(lambda rows: rows.astype(self.pixels, copy=False))
        else:
            x = x.astype(self.pixels, copy=False)
        names = _numbers(x) if names is None else names
        if labels and y is None:
            raise ConfigError(f"{what}: there are no folders that name classes")
        return Others(x, None if y is None or labels is False else y, names)

    def _read(self, data, labels):
        """The pixels (n, d), the shape of an image, whose it is, classes or None, names of files or
        None.
        """
        if not isinstance(data, str | Path):
            x = Mapped.of(data) or data
            return *arrays.pictures(x, "the data", self.image_shape), "the data", None, None
        path = Path(data)
        if (path.is_dir() and not arrays.has_idx(path)) or images.is_image(path):
            found = images.read_images(path, self.resize, colour=len(self.image_shape) == 3)
            folder = path if path.is_dir() else path.parent
            names = [str(one.relative_to(folder)) for one in found.files]
            y = self._of_folders(found.classes, labels, path)
            return found.x, found.image_shape, str(path), y, names
        x, y = arrays.map_npy(path) if path.suffix == ".npy" else None, None
        if x is None:
            x, y = arrays.read_xy(path, labels)
        y = None if y is None else self._beside(y, f"classes of {path}")
        return *arrays.pictures(x, str(path), self.image_shape), str(path), y, None

    def _of_folders(self, folders, labels, path):
        """The classes that folders name, None if there are none or they are not asked for."""
        if folders is None or labels is False:
            return None
        y = self._numbers(folders)
        if labels is None and (y < 0).all():  # folders of something else
            return None
        for i in np.flatnonzero(y < 0)[:1]:
            raise DataError(f"{path}: a folder {self._no_class(folders[i])}")
        return y


def _numbers(x):
    """The names of rows that have none."""
    return list(map(str, range(len(x))))
