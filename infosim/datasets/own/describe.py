"""What a file or folder of a user's own holds, and what would be made of it, in lines of text."""

import shlex
from collections import Counter
from pathlib import Path
from textwrap import wrap

import numpy as np

from infosim.datasets.own.frame import Wanted
from infosim.datasets.own.made import of_frame
from infosim.datasets.own.options import Options
from infosim.datasets.own.reading import kind_of, read_own
from infosim.datasets.own.table import read_table
from infosim.datasets.own.target import USUAL, coded, find_target

_WIDTH = 80
#: Options that the command line calls otherwise.
_SAID = {"missing_cells": "missing-tokens"}
#: Columns, and lines of classes, that are shown.
_MOST_COLUMNS, _MOST_LINES = 40, 4


def describe(path, target=None, **options):
    """Say what a file or folder is, line by line, and what `read_own` makes of it.

    A table is described without a target, too. The arguments, and what is raised after the lines
    that can be said, are those of `read_own`.
    """
    path = Path(path)
    if kind_of(path) == "table":
        yield from _table(path, target, options)
        return
    dataset = read_own(path, target, **options)
    rows = len(dataset.train_x) + len(dataset.test_x)
    if dataset.encoding.kind == "table":
        yield f"{path}: {rows} rows of {len(dataset.encoding.columns)} columns"
    else:
        *colours, height, width = dataset.image_shape
        colours = f" in {colours[0]} colours" if colours else ""
        pixels = f"{height} × {width} pixels{colours}, {dataset.train_x.dtype}"
        yield f"{path}: {rows} images of {pixels}"
    yield ""
    yield from _made(dataset, path, target, options)


def _table(path, target, given):
    options = Options.of(given)
    options.refuse(("resize",), f"{path}, which is no folder of images")
    wanted = Wanted(texts=options.categorical, missing_cells=options.missing_cells)
    frame = read_table(path, wanted)
    yield f"{path}: a table of {frame.n_rows} rows and {len(frame.columns)} columns"
    yield ""
    yield f"{'column':<24} {'kind':<10} {'values':<34} {'missing':>9}"
    for column in frame.columns[:_MOST_COLUMNS]:
        kind, values = _values(column)
        missing = int(column.missing.sum()) or ""
        yield f"{_cut(column.name, 24):<24} {kind:<10} {_cut(values, 34):<34} {missing:>9}".rstrip()
    if len(frame.columns) > _MOST_COLUMNS:
        kinds = Counter(_values(one)[0] for one in frame.columns[_MOST_COLUMNS:])
        more = ", ".join(f"{n} of {kind}" for kind, n in kinds.items())
        yield f"... and {len(frame.columns) - _MOST_COLUMNS} more columns: {more}"
    yield ""
    if target is None and sum(name.casefold() in USUAL for name in frame.names) != 1:
        yield "Which column has the classes? --target NAME"
        return
    name = find_target(target, frame.names, path)
    chosen = options.wanted((name,)).of(frame.names, path)
    left = frame.without(name, *set(frame.names) - set(chosen))
    dataset = of_frame(left, frame[name], options, path.stem, target=name, source=str(path))
    yield from _made(dataset, path, target, given)


def _values(column):
    """The kind of a column and what it holds."""
    if column.codes is None:
        known = column.numbers[~column.missing]
        if not len(known):
            return "numbers", "all missing"
        n = len(np.unique(known))
        only = (
            f"only {known[0]:g}" if n == 1 else f"{known.min():g} to {known.max():g}, {n} different"
        )
        return "numbers", only
    _, names = coded(column)
    return "categories", f"{len(names)}: {', '.join(names[:20])}"


def _made(dataset, path, target, options):
    """What became of the data, and the command that trains on them."""
    encoding = dataset.encoding
    counts = np.bincount(np.concatenate([dataset.train_y, dataset.test_y]))
    shown = [f"{name} {n}" for name, n in zip(encoding.class_names, counts, strict=True)]
    named = f" of {encoding.target}" if encoding.target is not None else ""
    yield from _wrapped(f"{len(counts)} classes{named}: {', '.join(shown)}")
    if encoding.kind == "table":
        yield from _wrapped(f"{len(encoding.feature_names)} inputs: {_inputs(encoding.columns)}")
    yield from _wrapped(str(encoding.split))
    for note in encoding.notes:
        yield from _wrapped(note)
    yield ""
    preset = "own/table" if encoding.kind == "table" else "own/images"
    words = ["infosim", "train", preset, "--dataset", str(path)]
    for option, value in ({"target": target} | options).items():
        if value is not None:
            value = value if isinstance(value, str | int) else ",".join(map(str, value))
            words += [f"--{_SAID.get(option, option)}", str(value)]
    yield shlex.join(words)


def _inputs(columns):
    """How columns become inputs, in words."""
    numbers = sum(one.kind == "numeric" for one in columns)
    categories = [one for one in columns if one.kind == "categorical"]
    parts = []
    if numbers:
        parts.append(f"{numbers} {_plural(numbers, 'column')} of numbers, each standardised")
    if categories:
        levels = sum(len(one.levels) for one in categories)
        n = len(categories)
        parts.append(f"{levels} categories of {n} {_plural(n, 'column')}, each an input")
    return "; ".join(parts)


def _plural(n, word):
    return word if n == 1 else f"{word}s"


def _wrapped(text):
    lines = wrap(text, _WIDTH, subsequent_indent="  ")
    yield from lines[:_MOST_LINES]
    if len(lines) > _MOST_LINES:
        yield "  ..."


def _cut(text, most):
    """A text that fits, without line breaks."""
    text = "".join(one if one.isprintable() else " " for one in text)
    return text if len(text) <= most else f"{text[: most - 3]}..."
