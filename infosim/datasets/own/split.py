"""Which rows are for training and which for the test, and how that was decided."""

from dataclasses import dataclass
from numbers import Real

import numpy as np

from infosim.errors import ConfigError, brief, integer
from infosim.machine.randomness import generator

#: What random numbers are drawn for, the rows held out and the order of all; with the seed streams
#: of their own.
_TEST, VALIDATION = (110, 111), (112, 113)


@dataclass(frozen=True)
class Split:
    """How rows became training and test rows.

    how : "drawn", each class by itself, or "given" by the data
    test, seed : part of each class that was drawn for the test, and by which seed; None if given
    n_train, n_test : numbers of rows
    test_rows : numbers of the test rows among all rows in the file, from 0 on; None if given
    """

    how: str
    n_train: int
    n_test: int
    test: float | None = None
    seed: int | None = None
    test_rows: tuple[int, ...] | None = None

    def __str__(self):
        parts = f"{self.n_train} training rows, {self.n_test} test rows"
        if self.how == "given":
            return f"{parts}, as given"
        return f"{parts}: {self.test:g} of each class, drawn by seed {self.seed}"


def check_split(test, seed):
    """The part for the test as a float and the seed as an int; ConfigError if they are none."""
    if not isinstance(test, Real) or not 0 < test < 1:
        raise ConfigError(f"test must be a number between 0 and 1, was {brief(test)}")
    return float(test), integer("seed", seed, 0, 2**32 - 1)


def stratified(y, test, seed, streams=_TEST):
    """Rows for training and for the test, in an order drawn by the seed.

    Of each class, `test` of its rows, rounded, at least one and not all; of a class with a single
    row none. Rows of one class stand together in many files, but are spread over batches so.

    y : (n,), classes; streams : of the random numbers
    """
    rng = generator(seed, streams[0])
    held_out = np.zeros(len(y), bool)
    for rows in np.split(np.argsort(y, kind="stable"), np.cumsum(np.bincount(y))[:-1]):
        rows = rng.permutation(rows)
        if len(rows) > 1:
            n = min(max(int(test * len(rows) + 0.5), 1), len(rows) - 1)
            held_out[rows[:n]] = True
    order = generator(seed, streams[1]).permutation(len(y))
    return order[~held_out[order]], order[held_out[order]]
