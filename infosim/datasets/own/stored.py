"""Encodings as JSON, read back with distrust."""

import json
import math
from dataclasses import asdict, fields
from pathlib import Path

from infosim.datasets.idx import MAX_BYTES
from infosim.datasets.own.columns import KINDS, MOST_LEVELS, Categorical
from infosim.datasets.own.encoding import ImageEncoding, TableEncoding
from infosim.datasets.own.options import MISSING
from infosim.datasets.own.split import Split
from infosim.errors import DataError, brief
from infosim.files import atomic, read_text

_ENCODINGS = {kind.kind: kind for kind in (TableEncoding, ImageEncoding)}
#: Bytes beyond which a file is not read: room for 10⁵ columns and 10⁷ numbers of test rows.
_MOST = 2**28


def to_json(encoding):
    """An encoding as a text that `from_json` reads."""
    table = {"kind": encoding.kind, **asdict(encoding)}
    if "columns" in table:
        table["columns"] = [
            {"kind": one.kind, **values}
            for one, values in zip(encoding.columns, table["columns"], strict=True)
        ]
    return json.dumps(table, allow_nan=False)


def save_encoding(encoding, path):
    """Write an encoding to a file, whole or not at all."""
    with atomic(path) as file:
        file.write(to_json(encoding).encode("ascii"))


def load_encoding(path):
    """Read an encoding that `save_encoding` wrote.

    Raises
    ------
    DataError : missing, damaged or changed to what no encoding is
    """
    try:
        text = read_text(Path(path), _MOST)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None
    return from_json(text, str(path))


def from_json(text, what="the encoding"):
    """The encoding that `to_json` wrote; DataError about `what` if it is none."""
    try:
        table = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{what}: damaged, expected JSON ({brief(str(error))[1:-1]})") from None
    if not isinstance(table, dict) or table.get("kind") not in _ENCODINGS:
        raise DataError(f"{what}: no encoding of kind {' or '.join(_ENCODINGS)}")
    encoding = _made(_ENCODINGS[table["kind"]], table, what)
    _check(encoding, what)
    return encoding


# -- each field by its name ------------------------------------------------------------------------


def _text(value):
    return isinstance(value, str)


def _count(value):
    return type(value) is int and 0 <= value < 2**53


def _all(check, least=0):
    return lambda value: isinstance(value, list) and len(value) >= least and all(map(check, value))


def _or_none(check):
    return lambda value: value is None or check(value)


def _real(value):
    return type(value) in (int, float) and math.isfinite(value)


_FIELDS = {
    "class_names": _all(_text, 2), "target": _or_none(_text), "split": lambda v: type(v) is dict,
    "source": _text, "sha256": _text, "notes": _all(_text),
    "columns": _all(lambda v: type(v) is dict, 1),
    "named": lambda v: type(v) is bool, "missing": lambda v: v in MISSING,
    "missing_cells": _or_none(_all(_text)), "image_shape": _all(_count, 1),
    "pixels": lambda v: v in ("uint8", "float32", "float64"),
    "resize": _or_none(lambda v: _all(_count, 2)(v) and len(v) == 2 and min(v) > 0),
    "moments": _or_none(lambda v: _all(_real, 2)(v) and len(v) == 2 and v[1] > 0),
    "name": _text, "mean": _real, "std": lambda v: _real(v) and v > 0,
    "levels": _all(_text, 2), "frequent": _text,
    "how": lambda v: v in ("drawn", "given"), "n_train": _count, "n_test": _count,
    "test": _or_none(lambda v: _real(v) and 0 < v < 1), "seed": _or_none(_count),
    "test_rows": _or_none(_all(_count)),
}  # fmt: skip


def _made(kind, table, what):
    """A dataclass of a table of its fields, each checked."""
    names = [one.name for one in fields(kind)]
    for name in table.keys() - {"kind", *names}:
        raise DataError(f"{what}: unknown key {brief(name)}")
    values = {}
    for name in names:
        if name not in table:
            raise DataError(f"{what}: {name} is missing")
        value = table[name]
        if not _FIELDS[name](value):
            raise DataError(f"{what}: {name} cannot be {brief(value)}")
        if name == "split":
            value = _made(Split, value, f"{what}: split")
        elif name == "columns":
            value = tuple(_column(one, f"{what}: column {i}") for i, one in enumerate(value))
        values[name] = tuple(value) if isinstance(value, list) else value
    return kind(**values)


def _column(table, what):
    if table.get("kind") not in KINDS:
        raise DataError(f"{what}: kind cannot be {brief(table.get('kind'))}")
    return _made(KINDS[table["kind"]], table, what)


def _check(encoding, what):
    """DataError if fields contradict each other."""
    _distinct(encoding.class_names, "class_names", what)
    if isinstance(encoding, ImageEncoding):
        if not 0 < math.prod(encoding.image_shape) <= MAX_BYTES:
            raise DataError(f"{what}: image_shape cannot be {brief(encoding.image_shape)}")
        return
    names = [column.name for column in encoding.columns]
    _distinct(names, "columns", what)
    if encoding.target in names:
        raise DataError(f"{what}: target {brief(encoding.target)} is one of its columns, too")
    if not encoding.feature_names:
        raise DataError(f"{what}: no column is an input")
    for one in encoding.columns:
        if isinstance(one, Categorical):
            _distinct(one.levels, f"levels of {one.name!r}", what)
            if len(one.levels) > MOST_LEVELS or one.frequent not in one.levels:
                raise DataError(f"{what}: levels of {one.name!r} cannot be {brief(one.levels)}")


def _distinct(values, name, what):
    if len(set(values)) < len(values):
        twice = next(one for i, one in enumerate(values) if one in values[:i])
        raise DataError(f"{what}: {name}: {brief(twice)} is there twice")
