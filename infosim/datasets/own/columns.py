"""Columns as inputs: numbers standardised, categories one-hot, by what training rows hold."""

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from infosim.cells import NUMBER
from infosim.datasets.own.target import coded, listed
from infosim.errors import DataError, brief

_TOO_LARGE = "too large beside the training rows"
#: Categories of a column that become an input each.
MOST_LEVELS = 50


def standardised(values, mean, std):
    """Numbers as inputs: float64, in units of their deviation from the mean."""
    return (values - mean) / std


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
        if column.codes is not None and (column.codes >= 0).any():
            row = int(np.argmax(column.codes >= 0))
            raise error(
                self.name, row, f"is {brief(column.levels[column.codes[row]])}, expected a number"
            )
        values = np.full(len(out), np.nan) if column.codes is not None else column.numbers
        out[:, 0] = standardised(values, self.mean, self.std)
        if not np.isfinite(out).all():
            for row in np.flatnonzero(np.isinf(out[:, 0]))[:1]:
                raise error(self.name, int(row), f"is {values[row]:g}, {_TOO_LARGE}")
            out[np.isnan(values), 0] = 0


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
    if column.codes is None:
        values = column.numbers[rows]
        return _fitted_numbers(column, values[~np.isnan(values)], what)
    known = column.codes[rows]
    codes, names = coded(replace(column, codes=known[known >= 0]))
    if len(names) < 2:
        return Left(column.name)
    if len(names) > MOST_LEVELS:
        raise DataError(_too_many(column, names, what))
    frequent = names[int(np.bincount(codes).argmax())]
    return Categorical(column.name, names, frequent)


def _fitted_numbers(column, values, what):
    if not len(values) or values.min() == values.max():
        return Left(column.name)
    mean, std = _moments(values)
    if not 0 < std < math.inf:
        raise DataError(
            f"{what}: column {column.name!r} goes from {values.min():g} to {values.max():g}, which "
            "cannot be standardised: scale it, or --exclude it"
        )
    return Numeric(column.name, mean, std)


def _moments(values):
    """Mean and deviation of exact sums: the order of rows and the machine change no bit."""
    try:
        mean = math.fsum(values.tolist()) / len(values)
        with np.errstate(all="ignore"):
            squares = math.fsum(((values - mean) ** 2).tolist())
    except (OverflowError, ValueError):  # infinite numbers, of both signs
        return math.nan, math.inf
    return mean, math.sqrt(squares / len(values))


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
        f"dates, names or free text? --exclude {column.name!r}"
    )


def missing_in(columns):
    """(column, number of missing cells, first such row) of each that has any."""
    for column in columns:
        missing = column.missing
        if missing.any():
            yield column, int(missing.sum()), int(missing.argmax())
