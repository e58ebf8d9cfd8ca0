"""Samples and their classes become data sets: split, then encoded by their training rows."""

from dataclasses import replace

import numpy as np

from infosim.datasets.dataset import Dataset
from infosim.datasets.own import arrays
from infosim.datasets.own import rows as on_disk
from infosim.datasets.own.columns import Left, fitted, missing_in
from infosim.datasets.own.encoding import ImageEncoding, TableEncoding
from infosim.datasets.own.frame import Frame, Wanted, as_array, column_of, frame_of, joined
from infosim.datasets.own.options import OF_TABLES, Options
from infosim.datasets.own.split import Split, stratified
from infosim.datasets.own.target import classes_of, find_target, listed
from infosim.errors import ConfigError, DataError, brief
from infosim.machine.mapped import Mapped

_SEE_MISSING = "see --missing and --missing-tokens"


def of(x, y, name="own data", image_shape=None, **options):
    """`Dataset.of`."""
    options = Options.of(options)
    options.refuse(("resize", "target", "sha256"), "arrays")
    if not hasattr(x, "keys"):  # neither a DataFrame nor a mapping
        return of_arrays([(x, y)], options, name, image_shape=image_shape)
    if image_shape is not None:
        raise ConfigError("image_shape is for arrays, x has columns with names")
    if isinstance(y, str):
        target = find_target(y, [str(one) for one in x.keys()], name)  # noqa: SIM118
        frame = frame_of(x, options.wanted((target,)), name)
        return of_frame(frame.without(target), frame[target], options, name, target=target)
    frame = frame_of(x, options.wanted(), name)
    return of_frame(frame, labels(y, "y", name), options, name, numbered=True)


def of_arrays(pairs, options, name, image_shape=None, **about):
    """The data set of arrays (x, y) of all samples, or of training and of test samples.

    about : `source` and `sha256` as `Encoding` has them
    """
    source = about.get("source", name)
    columns = [labels(y, "y", source) for _, y in pairs]
    xs = [x if hasattr(x, "toarray") else _array(x, source, len(pairs)) for x, _ in pairs]
    for x, column in zip(xs, columns, strict=True):
        _check_lengths(x.shape[0], column, source)
    if image_shape is None and xs[0].ndim == 2:
        if isinstance(xs[0], Mapped):
            return _of_mapped(xs[0], columns[0], options, name, **about)
        if len(pairs) == 1:
            frame, n_train = frame_of(xs[0], options.wanted(), source), None
        elif xs[0].shape[1:] == xs[1].shape[1:]:
            frame, n_train = frame_of(np.concatenate(xs), options.wanted(), source), len(xs[0])
        else:
            raise DataError(
                f"{source}: training rows are {xs[0].shape[1:]}, test rows {xs[1].shape[1:]}"
            )
        return of_frame(frame, joined(columns), options, name, True, n_train, **about)
    options.refuse(OF_TABLES, f"images, as {source} has them")
    xs, shapes = zip(*(arrays.pictures(x, source, image_shape) for x in xs), strict=True)
    return of_images(xs, shapes, columns, options, name, **about)


def of_images(xs, shapes, columns, options, name, notes=(), **about):
    """The data set of images and columns of their classes: of all, or of training and test."""
    about = {"source": name, "sha256": ""} | about
    source = about["source"]
    if shapes[0] != shapes[-1]:
        raise DataError(f"{source}: training images are {shapes[0]}, test images {shapes[-1]}")
    column = joined(columns)
    _refuse_missing_class(column, Frame(source, [], len(column.missing)))
    n_train = len(xs[0]) if len(xs) == 2 else None
    y, names, train, test, split, more = _split(column, source, options, n_train, True)
    x = xs[0] if len(xs) == 1 else np.concatenate(xs)
    encoding = ImageEncoding(
        class_names=names, target=None, split=split, notes=(*notes, *more), image_shape=shapes[0],
        pixels=str(x.dtype), resize=options.resize, **about,
    )  # fmt: skip
    return _dataset(name, encoding, x, y, train, test)


def of_frame(frame, column, options, name, numbered=False, n_train=None, target=None, **about):
    """The data set of a table and the column of its classes.

    numbered : as of `classes_of`
    n_train : the first rows, that are for training if the others are for the test; None to draw
    target : the name of the column if it is one of the table's
    """
    about = {"source": name, "sha256": ""} | about
    source, notes = about["source"], []
    _check_lengths(frame.n_rows, column, source)
    frame, column, rows, filled = _complete(frame, column, options, notes)
    if n_train is not None:
        n_train = int((rows < n_train).sum())
    _refuse_missing_class(column, frame)
    y, names, train, test, split, more = _split(column, source, options, n_train, numbered, rows)
    notes += more
    columns = tuple(fitted(one, train, source) for one in frame.columns)
    notes += _left_out(columns, source)
    by = {one.name: one for one in columns if one.features}
    filled = [f"{key} ({n}) by {by[key].filling}" for key, n in filled.items() if key in by]
    if filled:
        notes.append(f"missing cells filled: {listed(filled)}")
    encoding = TableEncoding(
        class_names=names, target=target, split=split, notes=(), columns=columns,
        named=frame.named, missing=options.missing, missing_cells=options.missing_cells, **about,
    )  # fmt: skip
    x, unknown = encoding.encode(frame, "zeros")
    if unknown:
        notes.append(
            f"cells of test rows with a category that no training row has, shown as none: {unknown}"
        )
    return _dataset(name, replace(encoding, notes=tuple(notes)), x, y, train, test)


def _of_mapped(x, column, options, name, **about):
    """`of_frame` of rows (n, d) of numbers that stay on disk."""
    about = {"source": name, "sha256": ""} | about
    source = about["source"]
    _refuse_missing_class(column, Frame(source, [], len(x)))
    y, names, train, test, split, notes = _split(column, source, options, None, True)
    columns = on_disk.fit(x, train, options, source)
    notes = (*notes, *_left_out(columns, source))
    encoding = TableEncoding(
        class_names=names, target=None, split=split, notes=notes, columns=columns, named=False,
        missing=options.missing, missing_cells=options.missing_cells, **about,
    )  # fmt: skip
    encoded = on_disk.encode(x, columns, [int(one.name) for one in columns])
    return _dataset(name, encoding, encoded, y, train, test)


def _left_out(columns, source):
    """Notes on columns that are left out; DataError if none is left."""
    left = [one.name for one in columns if isinstance(one, Left)]
    if len(left) == len(columns):
        why = f": {listed(left)} hold the same in all training rows" if left else ""
        raise DataError(f"{source}: no column is left to learn from{why}")
    return [f"columns left out, the same in all training rows: {listed(left)}"] if left else []


def _array(x, source, n_parts):
    """What Python holds as an array; one that is memory-mapped, and alone, stays on disk."""
    mapped = Mapped.of(x) if n_parts == 1 else None
    if mapped is not None and arrays.stays(mapped.shape, mapped.dtype):
        return mapped
    return as_array(x, source)


def labels(y, name, what, texts=()):
    """Classes that were given beside the samples, as a column; texts : as of `Wanted`"""
    if isinstance(y, str) or y is None:
        raise DataError(f"{what}: {name} must hold the class of each sample, was {brief(y)}")
    if getattr(y, "ndim", 1) == 2 and y.shape[1] == 1:
        y = np.asarray(y)[:, 0]
    return column_of(y, name, Wanted(texts=texts), what)


def _complete(frame, column, options, notes):
    """What missing cells leave: the table and its classes, numbers of their rows, what to fill.

    The last are numbers of cells by column.
    """
    rows = np.arange(frame.n_rows)
    found = list(missing_in([*frame.columns, column]))
    if not found or options.missing == "fill":
        return frame, column, rows, {one.name: n for one, n, _ in found}
    if options.missing == "error":
        one, n, row = found[0]
        raise frame.error(one.name, row, f"is missing ({n} of {len(rows)} are); {_SEE_MISSING}")
    dropped = np.any([one.missing for one, _, _ in found], axis=0)
    if dropped.all():
        one, n, _ = max(found, key=lambda each: each[1])
        raise DataError(
            f"{frame.what}: no row is complete; column {one.name!r} misses {n} of {len(rows)} cells"
        )
    notes.append(f"{dropped.sum()} of {len(rows)} rows left out: a cell is missing")
    rows = np.flatnonzero(~dropped)
    return frame.of(rows), column.of(rows), rows, {}


def _refuse_missing_class(column, frame):
    for one, n, row in missing_in([column]):
        raise frame.error(one.name, row, f"is missing ({n} are), but names classes; {_SEE_MISSING}")


def _check_lengths(n, column, what):
    if len(column.missing) != n:
        raise DataError(f"{what}: {n} samples but {len(column.missing)} classes")


def _split(column, source, options, n_train, numbered, rows=None):
    """Classes (n,), their names, the rows for training and for the test, the Split, and notes.

    rows : numbers of the rows in the file
    """
    y, names = classes_of(column, source, numbered)
    if n_train is not None:
        train, test = np.arange(n_train), np.arange(n_train, len(y))
        if not len(train) or not len(test):
            raise DataError(f"{source}: no {'test' if len(train) else 'training'} rows")
        for c in np.setdiff1d(y[test], y[train])[:1]:
            raise DataError(f"{source}: class {brief(names[c])} has test rows but no training rows")
        return y, names, train, test, Split("given", len(train), len(test)), []
    train, test = stratified(y, options.test, options.seed)
    alone = [names[c] for c in np.flatnonzero(np.bincount(y) == 1)]
    notes = [f"classes of one row, which is for training: {listed(alone)}"] if alone else []
    test_rows = np.sort(test if rows is None else rows[test]).tolist()
    split = Split(
        "drawn", len(train), len(test), options.test, options.seed, tuple(test_rows)
    )  # fmt: skip
    return y, names, train, test, split, notes


def _dataset(name, encoding, x, y, train, test):
    parts = [x.taken(rows) if isinstance(x, Mapped) else x[rows] for rows in (train, test)]
    return Dataset(
        name=name, train_x=parts[0], train_y=y[train], test_x=parts[1], test_y=y[test],
        n_classes=len(encoding.class_names), image_shape=encoding.image_shape,
        source=f"own data, {encoding.source}", class_names=encoding.class_names,
        feature_names=encoding.feature_names, encoding=encoding,
    )  # fmt: skip
