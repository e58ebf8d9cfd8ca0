"""Arrays: of NumPy's files, whose headers are checked before memory is taken, of IDX, of Python."""

import math
import os
import zipfile
import zlib
from contextlib import contextmanager

import numpy as np

from infosim.datasets.idx import read_idx
from infosim.datasets.own.frame import as_array
from infosim.datasets.own.memory import check_memory
from infosim.errors import DataError, brief
from infosim.files import opened
from infosim.machine.mapped import File, Mapped

#: What arrays in an .npz file are called, in small letters or capitals: samples and their classes.
_PAIRS = (("x", "y"), ("images", "labels"), ("data", "target"))
_SPLIT = ("x_train", "y_train", "x_test", "y_test")
#: Numbers of colour planes.
_PLANES = (1, 3)
#: Bytes from which on an array stays in its file.
_ON_DISK = 2**27


def read_npy(path):
    """The array of numbers or text in an .npy file, never unpickled.

    Raises
    ------
    DataError : missing, damaged or too large; an array of objects
    """
    with _npy(path) as (file, size):
        return _read(file, size, str(path))


def map_npy(path):
    """The numbers (n, ...) in an .npy file as `Mapped` if they are many, else None.

    Raises
    ------
    DataError : as of `read_npy`
    """
    with _npy(path) as (file, size):
        shape, fortran, dtype = _header(file, size, str(path))
        large = math.prod(shape) * dtype.itemsize >= _ON_DISK
        if fortran or not dtype.isnative or not stays(shape, dtype) or not large:
            return None
        array = np.memmap(file, dtype, "r", file.tell(), shape)
        return Mapped(np.asarray(array), File(path, array._mmap, fixed=True))


def stays(shape, dtype):
    """Whether an array that is on disk can stay there: of numbers, rows or images.

    In rows true and false are names, and these are in memory.
    """
    return len(shape) > 1 and dtype.kind in ("iuf" if len(shape) == 2 else "biuf")


@contextmanager
def _npy(path):
    """An .npy file, open, and its size."""
    try:
        with opened(path) as file:
            yield file, os.fstat(file.fileno()).st_size
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None


def read_npz(path):
    """The arrays in an .npz file by which training, or all, and test samples go.

    Returns
    -------
    list of (x, y) : of all samples, or of training and test samples

    Raises
    ------
    DataError : as of `read_npy`; no arrays by these names
    """
    try:
        with opened(path) as file, zipfile.ZipFile(file) as archive:
            members = {
                info.filename.removesuffix(".npy").casefold(): info for info in archive.infolist()
            }
            for names in (_SPLIT, *_PAIRS):
                if all(name in members for name in names):
                    found = [_member(archive, members[name], path) for name in names]
                    return list(zip(found[::2], found[1::2], strict=True))
            if "x" in members and not {"y", "y_train"} & members.keys():
                return [(_member(archive, members["x"], path), None)]
            shown = ", ".join(brief(name)[1:-1] for name in list(members)[:10]) or "nothing"
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise DataError(f"{path}: damaged, expected .npz ({error})") from None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None
    pairs = [" and ".join(names) for names in _PAIRS]
    raise DataError(
        f"{path} holds {shown}; expected arrays {', '.join(pairs)} or {', '.join(_SPLIT)}"
    )


def _member(archive, info, path):
    what = f"{path}: {info.filename}"
    _check_memory(what, info.file_size, "an .npy file of its own")
    with archive.open(info) as file:
        return _read(file, info.file_size, what)


def _check_memory(what, n_bytes, way):
    """Refuse to take what an array of so many bytes takes, unless it lies where it can stay."""
    try:
        check_memory(what, 2.0 * n_bytes)
    except DataError as error:
        raise DataError(f"{error}; {way} stays on disk" if way else str(error)) from None


def _header(file, size, what):
    """Shape, order and type of the array in an open .npy file of `size` bytes."""
    fmt = np.lib.format
    try:
        version = fmt.read_magic(file)
        read_header = {(1, 0): fmt.read_array_header_1_0, (2, 0): fmt.read_array_header_2_0}
        if version not in read_header:
            raise ValueError(f"version {version} of the format")
        shape, fortran, dtype = read_header[version](file)
    except (ValueError, SyntaxError, TypeError, RecursionError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{what}: damaged, expected .npy ({reason})") from None
    if dtype.hasobject:
        raise DataError(f"{what}: holds Python objects, which are not read; save numbers or text")
    if dtype.kind not in "biufUS":
        raise DataError(f"{what}: has type {dtype}, expected numbers or text")
    n_bytes = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or n_bytes > size:
        raise DataError(f"{what}: truncated, its header gives shape {shape} of {dtype}")
    return shape, fortran, dtype


def _read(file, size, what):
    """The array in an open .npy file of `size` bytes."""
    shape, fortran, dtype = _header(file, size, what)
    n_bytes = math.prod(shape) * dtype.itemsize
    way = "an .npy file in C order and this machine's order of bytes" if len(shape) > 1 else ""
    _check_memory(what, n_bytes, way)
    content = file.read(n_bytes)
    if len(content) < n_bytes:
        raise DataError(f"{what}: truncated, {len(content)} bytes of data, expected {n_bytes}")
    array = np.frombuffer(content, dtype).reshape(shape, order="F" if fortran else "C")
    # what is compared and computed with has the machine's order of bytes
    return array.astype(dtype.newbyteorder("="), copy=False)


# -- IDX -------------------------------------------------------------------------------------------


def is_idx(path):
    """Whether a file is called as those of MNIST are, or .idx."""
    return any(word in path.name for word in ("-ubyte", "-idx", ".idx"))


def has_idx(folder):
    """Whether a folder holds images in such files."""
    return any(is_idx(one) and "images" in one.name for one in folder.iterdir())


def idx_pairs(path, alone=False):
    """The files of images and of labels of a folder of such files, or of one file of images.

    alone : whether images without labels, then None, will do

    Returns
    -------
    list of (images, labels) : of all samples, or of training and test samples

    Raises
    ------
    DataError : a file of labels or images is missing
    """
    if not path.is_dir():
        return [(path, _labels_of(path, alone))]
    found = sorted(one for one in path.iterdir() if is_idx(one) and "images" in one.name)
    parts = {one.name.partition("-")[0]: one for one in found}
    test = next((parts[name] for name in ("test", "t10k") if name in parts), None)
    if "train" in parts and test:
        found = [parts["train"], test]
    elif len(found) != 1:
        names = ", ".join(one.name for one in found) or "none"
        raise DataError(
            f"{path}: expected files train-images-... and test-images-..., or one; found {names}"
        )
    return [(one, _labels_of(one, alone)) for one in found]


def _labels_of(path, alone):
    name = path.name.replace("images-idx3", "labels-idx1").replace("images", "labels")
    stem = name.removesuffix(".gz")
    for candidate in (name, stem, f"{stem}.gz"):
        if candidate != path.name and path.with_name(candidate).is_file():
            return path.with_name(candidate)
    if alone:
        return None
    raise DataError(f"{path}: there is no file of labels {name} beside it")


# -- samples ---------------------------------------------------------------------------------------


def read_xy(path, labels=None):
    """The samples in an array's file, for predictions, and their classes or None.

    labels : whether these are wanted; None: if they are there
    """
    if path.is_dir() or is_idx(path):
        pairs = idx_pairs(path, labels is not True)
        if len(pairs) > 1:
            raise DataError(f"{path} has training and test samples; which are meant?")
        x, y = pairs[0]
        return read_idx(x), None if y is None or labels is False else read_idx(y)
    if path.suffix == ".npz":
        pairs = read_npz(path)
        if len(pairs) > 1:
            raise DataError(f"{path} has training and test samples; which are meant?")
        return pairs[0]
    if path.suffix == ".npy":
        return read_npy(path), None
    raise DataError(f"{path}: expected samples in .npy, .npz or IDX")


def pictures(x, what, image_shape=None):
    """Images (n, h, w), or in colours (n, h, w, c) or (n, c, h, w), as rows of pixels.

    image_shape : what each is to be, also of rows (n, d) of as many pixels

    Returns
    -------
    x : uint8 or floating point (n, d), colours as planes; `Mapped` if x is
    image_shape : of each

    Raises
    ------
    DataError : another shape or type, or numbers that are not finite
    """
    x = x if isinstance(x, Mapped) else as_array(x, what)
    if x.dtype.kind not in "biuf":
        raise DataError(f"{what} has type {x.dtype}, expected numbers")
    shape = x.shape[1:]
    if not x.size or (image_shape is None and len(shape) not in (2, 3)):
        raise DataError(f"{what} has shape {x.shape}, expected (n, h, w), (n, h, w, c) or (n, d)")
    last = len(shape) == 3 and shape[0] not in _PLANES and shape[2] in _PLANES
    if last:
        shape = shape[2], *shape[:2]
    if image_shape is None and len(shape) == 3 and shape[0] not in _PLANES:
        raise DataError(f"{what} has shape {x.shape}, expected 1 or 3 colours first or last")
    if len(shape) == 3 and shape[0] == 1:
        shape = shape[1:]
    if image_shape is not None:
        if math.prod(shape) != math.prod(image_shape) or len(shape) not in (1, len(image_shape)):
            raise DataError(f"{what}: images are {shape}, expected {tuple(image_shape)}")
        shape = tuple(image_shape) if len(shape) == 1 else shape
    shape = tuple(int(n) for n in shape)
    if isinstance(x, Mapped):
        return x.changed(lambda rows: _pixels(_planes(rows, last))), shape
    x = _planes(x, last)
    bad = np.argwhere(~np.isfinite(x)) if x.dtype.kind == "f" else ()
    if len(bad):
        at = ", ".join(map(str, bad[0]))
        raise DataError(f"{what}[{at}] is {x[tuple(bad[0])]}, expected a number")
    return _pixels(x), shape


def _planes(x, last):
    """Images of a type that a data set has, colours first; last : whether they are last."""
    x = np.moveaxis(x, 3, 1) if last else x
    if x.dtype in (np.uint8, np.float32, np.float64):
        return x
    return x.astype(np.uint8 if x.dtype.kind == "b" else np.float32)


def _pixels(x):
    return np.ascontiguousarray(x.reshape(len(x), -1))
