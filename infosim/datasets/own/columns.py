"""Columns as inputs: numbers standardised, categories one-hot, by what training rows hold."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from infosim.cells import NUMBER
from infosim.datasets.own.target import coded, listed
from infosim.errors import DataError, brief

#: Categories of a column that become an input each.
MOST_LEVELS = 50


@dataclass(frozen=True)
class Numeric:
    """A column of numbers, shown as (value - mean) / std; a missing one is filled with the mean."""

    name: str
    mean: float
    std: float
    kind: ClassVar[str] = "numeric"

    @property
    def features(self):
        """The names of its inputs."""
        return (self.name,)

    @property
    def filling(self):
        """What stands in for a missing cell, in words."""
        return f"the mean {self.mean:.6g}"

    def encode(self, column, out, error, unknown):
        """Write the column into `out` (n, 1)."""
        if column.codes is not None and len(column.levels):
            row = int(np.argmax(column.codes >= 0))
            raise error(
                self.name, row, f"is {brief(column.levels[column.codes[row]])}, expected a number"
            )
        values = np.full(len(out), np.nan) if column.codes is not None else column.numbers
        for row in np.flatnonzero(np.isinf(values))[:1]:
            raise error(self.name, int(row), "is infinite, expected a number")
        out[:, 0] = np.nan_to_num((values - self.mean) / self.std, nan=0.0)


@dataclass(frozen=True)
class Categorical:
    """A column of categories, shown as an input for each that is 1 or 0.

    frequent : the most frequent one, which fills in for a missing one
    """

    name: str
    levels: tuple[str, ...]
    frequent: str
    kind: ClassVar[str] = "categorical"

    @property
    def features(self):
        """The names of its inputs."""
        return tuple(f"{self.name}={level}" for level in self.levels)

    @property
    def filling(self):
        """What stands in for a missing cell, in words."""
        return brief(self.frequent)

    def encode(self, column, out, error, unknown):
        """Write the column into `out` (n, levels), zeros for what no training row had."""
        codes, names = coded(column.as_text())
        place = {level: i for i, level in enumerate(self.levels)}
        to = np.array([place.get(name, -1) for name in names] + [place[self.frequent]])
        at = to[codes]
        strangers = np.flatnonzero(at < 0)
        if len(strangers) and unknown == "error":
            row = int(strangers[0])
            raise error(
                self.name,
                row,
                f"is {brief(names[codes[row]])}, which no training row had; known: "
                f"{listed(self.levels)}",
            )
        out[...] = 0
        known = np.flatnonzero(at >= 0)
        out[known, at[known]] = 1
        return len(strangers)


@dataclass(frozen=True)
class Left:
    """A column that is left out, for all training rows hold the same."""

    name: str
    kind: ClassVar[str] = "constant"
    features: ClassVar[tuple[str, ...]] = ()

    def encode(self, column, out, error, unknown):
        """Nothing to write."""


KINDS = {kind.kind: kind for kind in (Numeric, Categorical, Left)}


def fitted(column, rows, what):
    """How `column` is encoded by its cells in the training rows.

    Raises
    ------
    DataError : too many categories, numbers without a finite mean and deviation
    """
    seen = column.of(rows)
    known = seen.of(np.flatnonzero(~seen.missing))
    if column.codes is None:
        return _fitted_numbers(column, known.numbers, what)
    codes, names = coded(known)
    if len(names) < 2:
        return Left(column.name)
    if len(names) > MOST_LEVELS:
        raise DataError(_too_many(column, names, what))
    frequent = names[int(np.bincount(codes).argmax())]
    return Categorical(column.name, names, frequent)


def _fitted_numbers(column, values, what):
    finite = values[np.isfinite(values)]
    if len(finite) < len(values):
        raise DataError(f"{what}: column {column.name!r} has infinite numbers")
    if not len(values) or values.min() == values.max():
        return Left(column.name)
    # exact sums: the order of rows and the machine change no bit
    try:
        mean = math.fsum(values.tolist()) / len(values)
        with np.errstate(over="ignore"):
            squares = (values - mean) ** 2
        std = math.sqrt(math.fsum(squares.tolist()) / len(values))
    except OverflowError:
        std = math.inf
    if not (0 < std < math.inf):
        raise DataError(
            f"{what}: column {column.name!r} goes from {values.min():g} to {values.max():g}, which "
            "cannot be standardised; scale or --exclude it"
        )
    return Numeric(column.name, mean, std)


def _too_many(column, names, what):
    numbers = [name for name in names if NUMBER.fullmatch(name)]
    texts = [name for name in names if not NUMBER.fullmatch(name)]
    said = f"{what}: column {column.name!r} has {len(names)} different texts"
    commas = [name for name in texts if NUMBER.fullmatch(name.replace(",", ".", 1))]
    if len(commas) > len(texts) / 2:
        return (
            f"{said}, such as {brief(commas[0])}: decimal commas are read where columns are "
            "separated by semicolon or tab and have no decimal points"
        )
    if len(numbers) > len(names) / 2:
        return (
            f"{said}, numbers but for {listed([brief(one) for one in texts], 3)}; are these "
            "missing? --missing-tokens"
        )
    return (
        f"{said}, such as {brief(names[0])}, and at most {MOST_LEVELS} become inputs; are they "
        f"dates, names or free text? --exclude {column.name}"
    )


def missing_in(columns):
    """(column, number of missing cells, first such row) of each that has any."""
    for column in columns:
        rows = np.flatnonzero(column.missing)
        if len(rows):
            yield column, len(rows), int(rows[0])
