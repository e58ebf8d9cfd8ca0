"""Files of a user's own as data sets: what kind they are, and what is read of each."""

import hashlib
from pathlib import Path

from infosim.datasets.idx import read_idx
from infosim.datasets.own import arrays, images
from infosim.datasets.own.made import labels, of_arrays, of_frame, of_images
from infosim.datasets.own.options import OF_TABLES, Options
from infosim.datasets.own.table import read_table
from infosim.datasets.own.target import find_target
from infosim.errors import ConfigError, DataError, brief
from infosim.files import opened

TABLES = (".csv", ".tsv", ".txt", ".parquet", ".pq")


def kind_of(path):
    """What a file or folder is read as: "table", "images", "npz", "npy" or "idx".

    Raises
    ------
    DataError : there is nothing, or nothing that can be read
    """
    path = Path(path)
    try:
        if path.is_dir():
            return "idx" if arrays.has_idx(path) else "images"
        path.stat()
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {path}: {getattr(error, 'strerror', error)}") from None
    suffix = path.suffix.lower()
    if suffix in TABLES:
        return "table"
    if suffix in (".npz", ".npy"):
        return suffix[1:]
    if arrays.is_idx(path):
        return "idx"
    if images.is_image(path):
        raise DataError(f"{path} is one image; a data set is a folder of images by class")
    if suffix in (".xls", ".xlsx", ".ods"):
        raise DataError(f"{path}: spreadsheets are not read; save the sheet as CSV")
    known = ", ".join((*TABLES, ".npz", ".npy"))
    raise DataError(f"{path}: {suffix or 'no ending'} is not read; {known}, IDX, or a folder")


def read_own(path, target=None, **options):
    """Read data of your own as a data set: a table, arrays, or images in folders by class.

    Parameters
    ----------
    path : CSV or, with the extra `parquet`, Parquet; .npz of x and y, or of x_train, y_train,
        x_test and y_test; .npy, which stays on disk if it is large; IDX of images, beside one of
        labels; a folder of images in a folder for each class, or of such folders `train` and `test`
    target : of a table the column of classes, by its name or its number from 1 on, -1 for the last;
        by default one called target, label, class or y; of .npy the file of classes
    test : part of each class that is held out as test rows, 0.2
    seed : by which these are drawn, 0
    missing : of a table's rows in which a cell is missing: "error"; "drop" leaves them out; "fill"
        by the mean or the most frequent category of the training rows
    missing_cells : what missing cells hold if not nothing; by default `cells.MISSING_CELLS`
    columns, exclude : the columns to read, by default all, and those not to
    categorical : columns whose numbers are names
    resize : (height, width) to bring images to
    sha256 : the hash that the content is to have, as `encoding.sha256`; "" for any

    Returns
    -------
    Dataset : with `class_names`, `feature_names`, and the `encoding` for other rows

    Raises
    ------
    DataError : files that are damaged or too large; a cell that is missing; a single class; more
        categories than `columns.MOST_LEVELS`
    ConfigError : an option out of range or of another kind of data; a column that is not there
    """
    path, options = Path(path), Options.of(options)
    kind = kind_of(path)
    if kind != "images":
        options.refuse(("resize",), f"{path}, which is no folder of images")
    if kind in ("images", "idx"):
        options.refuse(OF_TABLES, f"images, as {path} has them")
    if kind not in ("table", "npy") and target is not None:
        raise ConfigError(f"{path} has its classes with it, there is no --target to choose")
    dataset = _READERS[kind](path, target, options)
    found = dataset.encoding.sha256
    if options.sha256 not in ("", found):
        raise DataError(
            f"{path} is not what it was: its content has the hash {found[:12]}..., expected "
            f"{brief(options.sha256[:12])[1:-1]}... (sha256)"
        )
    return dataset


def _read_table(path, target, options):
    name = None

    def wanted(names):
        nonlocal name
        name = find_target(target, names, path)
        return options.wanted((name,))

    frame = read_table(path, wanted)
    about = {"source": str(path), "sha256": sha256_of(path)}
    return of_frame(frame.without(name), frame[name], options, path.stem, target=name, **about)


def _read_folder(path, target, options):
    parts = [images.read_images(part, options.resize) for part in images.parts_of(path)]
    for part in parts:
        if part.classes is None:
            raise DataError(f"{path}: images are not in folders by class")
    colours = [len(part.image_shape) == 3 for part in parts]
    if any(colours) and not all(colours):
        raise DataError(f"{path}: images in train are coloured or those in test, not both")
    return of_images(
        [part.x for part in parts],
        [part.image_shape for part in parts],
        [labels(part.classes, "folder", str(path), ("folder",)) for part in parts],
        options,
        path.resolve().name,
        [note for part in parts for note in part.notes],
        source=str(path),
        sha256=_together(part.sha256 for part in parts),
    )


def _read_idx(path, target, options):
    found = arrays.idx_pairs(path)
    pairs = [(read_idx(x), read_idx(y)) for x, y in found]
    files = [one for pair in found for one in pair]
    return of_arrays(pairs, options, path.stem, **_about(path, files))


def _read_npz(path, target, options):
    pairs = arrays.read_npz(path)
    if pairs[0][1] is None:
        raise DataError(f"{path} has samples x but no classes y")
    return of_arrays(pairs, options, path.stem, **_about(path, [path]))


def _read_npy(path, target, options):
    if target is None:
        raise ConfigError(f"{path} has no classes; --target FILE.npy names a file of them")
    x = arrays.map_npy(path)
    pairs = [(arrays.read_npy(path) if x is None else x, arrays.read_npy(Path(target)))]
    return of_arrays(pairs, options, path.stem, **_about(path, [path, target]))


_READERS = {
    "table": _read_table, "images": _read_folder, "idx": _read_idx, "npz": _read_npz,
    "npy": _read_npy,
}  # fmt: skip


def _about(path, files):
    return {"source": str(path), "sha256": _together(map(sha256_of, files))}


def _together(hashes):
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def sha256_of(path):
    """The hash of a file's content; DataError if it cannot be read."""
    try:
        with opened(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None
