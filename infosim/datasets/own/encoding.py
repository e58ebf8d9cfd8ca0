"""How rows or images of a user's own become what a network reads: fitted once, kept, applied anew.

An encoding knows training rows alone. A run keeps it as JSON, which is read back with distrust.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from infosim.datasets.own import arrays, images
from infosim.datasets.own.columns import missing_in
from infosim.datasets.own.frame import Wanted, frame_of
from infosim.datasets.own.memory import check_memory
from infosim.datasets.own.split import Split
from infosim.datasets.own.table import read_table
from infosim.datasets.own.target import coded
from infosim.errors import ConfigError, DataError, brief, near

UNKNOWN = ("error", "zeros")


@dataclass(frozen=True)
class Encoding:
    """What all kinds of data have in common.

    class_names : of the classes, by their numbers
    target : the column of classes, or None
    split : how training and test rows were told apart
    source, sha256 : the name of the file or folder and the hash of its content, "" for arrays
    notes : what was done to the data, a line each
    """

    class_names: tuple[str, ...]
    target: str | None
    split: Split
    source: str
    sha256: str
    notes: tuple[str, ...]
    kind: ClassVar[str]

    def _numbers(self, names):
        """The numbers of the classes of these names, int64, -1 for what is no class."""
        place = {name: i for i, name in enumerate(self.class_names)}
        return np.array([place.get(name, -1) for name in names], np.int64)

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

    def apply(self, data, labels=False, unknown="error"):
        """Encode the rows of another table.

        Parameters
        ----------
        data : path of a CSV or Parquet file, DataFrame or mapping of columns, whose columns may be
            in any order and more than are needed; or an array (n, d) of all columns in order
        labels : whether to return the classes that the target names, too
        unknown : of a category that no training row had: "error", or "zeros", none of those known

        Returns
        -------
        x : float32 (n, d)
        y : int64 (n,), if `labels`

        Raises
        ------
        DataError : a column is missing or of another kind, a cell is missing unless missing ones
            are filled, a category or class that no training row had
        """
        if unknown not in UNKNOWN:
            raise ConfigError(f"unknown must be one of {', '.join(UNKNOWN)}, was {brief(unknown)}")
        if labels and self.target is None:
            raise ConfigError("labels are not in a column: they were given beside the data")
        frame = self._frame(data, labels)
        x, _ = self.encode(frame, unknown)
        if not labels:
            return x
        codes, names = coded(frame[self.target])
        y = np.append(self._numbers(names), -1)[codes]
        for row in np.flatnonzero(y < 0)[:1]:
            code = codes[row]
            problem = "is missing, expected a class" if code < 0 else self._no_class(names[code])
            raise frame.error(self.target, int(row), problem)
        return x, y

    def _frame(self, data, labels):
        """The columns that are needed of `data`."""
        texts = tuple(one.name for one in self.columns if one.kind == "categorical")
        needed = tuple(one.name for one in self.columns if one.features)
        needed += (self.target,) if labels else ()

        def wanted(names, what="the data"):
            for name in needed:
                if name not in names:
                    raise DataError(f"{what} has no column {brief(name)}; {near(name, names)}")
            return Wanted(needed, texts=texts, missing_cells=self.missing_cells)

        path = Path(data) if isinstance(data, str | Path) else None
        if self.named and path is not None:
            return read_table(path, lambda names: wanted(names, path))
        if self.named and hasattr(data, "keys"):
            return frame_of(data, wanted([str(one) for one in data.keys()]))  # noqa: SIM118
        x, what = (data, "the data") if path is None else (arrays.read_x(path), str(path))
        found = frame_of(x, Wanted(missing_cells=self.missing_cells), what)
        if len(found.columns) != len(self.columns):
            raise DataError(
                f"{what}: {len(found.columns)} columns, expected {len(self.columns)} as in training"
            )
        named = zip(found.columns, self.columns, strict=True)
        return replace(found, columns=[replace(column, name=one.name) for column, one in named])

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

    def apply(self, data, labels=False):
        """Read other images of this shape.

        Parameters
        ----------
        data : path of an image, of a folder of images or of folders by class, of an array (.npy,
            .npz, IDX); or an array (n, ...)
        labels : whether to return the classes that the folders name, too

        Returns
        -------
        x : of `pixels`, (n, d)
        y : int64 (n,), if `labels`

        Raises
        ------
        DataError : another shape, no images, a class that is none of the training images
        """
        x, shape, what, folders = self._read(data)
        if tuple(shape) != tuple(self.image_shape):
            raise DataError(f"{what}: images are {shape}, the training images {self.image_shape}")
        if self.pixels == "uint8" and x.dtype != np.uint8:
            raise DataError(f"{what}: pixels are {x.dtype}, those of the training images uint8")
        x = x.astype(self.pixels, copy=False)
        if not labels:
            return x
        if folders is None:
            raise ConfigError(f"{what}: there are no folders that name classes")
        y = self._numbers(folders)
        for i in np.flatnonzero(y < 0)[:1]:
            raise DataError(f"{what}: a folder {self._no_class(folders[i])}")
        return x, y

    def _read(self, data):
        """The pixels (n, d), the shape of an image, whose it is, and folders by class or None."""
        if not isinstance(data, str | Path):
            return *arrays.pictures(data, "the data", self.image_shape), "the data", None
        path = Path(data)
        if path.is_dir() or images.is_image(path):
            found = images.read_images(path, self.resize, colour=len(self.image_shape) == 3)
            return found.x, found.image_shape, str(path), found.classes
        x = arrays.read_x(path)
        return *arrays.pictures(x, str(path), self.image_shape), str(path), None
