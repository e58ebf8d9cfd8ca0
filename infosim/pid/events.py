"""Distinct events of samples or of a pmf: equal rows are merged before anything is computed."""

from dataclasses import dataclass

import numpy as np

from infosim.errors import DataError


@dataclass(frozen=True, eq=False)
class Events:
    """The M distinct events of K sources and a target that have a weight, in ascending order.

    Attributes
    ----------
    codes : int (K + 1, M), numbers of the values, the target's last
    weights : float64 (M,), above 0: how often each occurred, or its probability
    rows : int (n_samples,), the event of each sample, -1 where it was left out; None of a pmf, and
        where samples were not kept
    first : int (M,), a sample that shows each event; None of a pmf
    """

    codes: np.ndarray
    weights: np.ndarray
    rows: np.ndarray | None = None
    first: np.ndarray | None = None

    def __len__(self):
        return self.weights.size

    @property
    def n_sources(self):
        return len(self.codes) - 1

    @property
    def total(self):
        """The number of samples, each by its weight, or 1."""
        return float(self.weights.sum())

    @property
    def mass(self):
        """(M,) probabilities."""
        return self.weights / self.weights.sum()


def merged(codes, kept=None, weights=None, rows=True):
    """The `Events` of samples.

    Parameters
    ----------
    codes : int (K + 1, N), from 0
    kept : bool (n_samples,), which samples these N are; by default all
    weights : float64 (n_samples,), 0 or more; by default each sample counts once
    rows : whether the event of each sample is to be known

    Raises
    ------
    DataError : no sample that is kept has a weight
    """
    if kept is None:
        kept = np.ones(codes.shape[1], dtype=bool)
    if weights is not None:
        if not weights[kept].any():
            raise DataError("every sample that is kept has a weight of 0")
        codes, kept = codes[:, weights[kept] > 0], kept & (weights > 0)
        weights = weights[kept]
    ids, n_events = np.zeros_like(codes[0]), 1
    for row in codes:
        ids, n_events = pairs(ids, n_events, row)
    of_kept = np.empty(n_events, dtype=int)
    of_kept[ids[::-1]] = np.arange(ids.size - 1, -1, -1)  # what is written last stays: the first
    counts = np.bincount(ids, weights, n_events).astype(float)
    of_samples = None
    if rows:
        of_samples = np.full(kept.size, -1, dtype=np.int32 if n_events < 2**31 else int)
        of_samples[kept] = ids
    return Events(codes[:, of_kept], counts, of_samples, np.flatnonzero(kept)[of_kept])


def pairs(ids, n_ids, codes):
    """Number the distinct pairs (id, code) of N events in ascending order: (N,), and how many.

    Of many events there are many such numbers at once, so they are short where they can be.
    """
    n_codes = int(codes.max()) + 1
    kind = np.int32 if codes.size < 2**31 else np.int64
    key = np.multiply(ids, n_codes, dtype=np.int64) + codes  # both are below N: no overflow
    if n_ids * n_codes > 4 * key.size + 1000:
        found, numbers = np.unique(key, return_inverse=True)
        return numbers.astype(kind), found.size
    seen = np.zeros(n_ids * n_codes, dtype=bool)
    seen[key] = True
    numbers = np.cumsum(seen) - 1
    return numbers.astype(kind)[key], int(numbers[-1]) + 1


class Margins:
    """Which events agree in the values of which variables: numbers of joint values, from 0.

    Sets of sources are in the order of their bitmasks from 1, of which the last has them all.

    Attributes
    ----------
    target : int (M,); n_targets
    source : int (M,), which of the S distinct values of all sources together
    sets : (ids (S,), n) of each set of sources
    joints : (ids (M,), n) of each set of sources together with the target
    """

    def __init__(self, codes):
        *sources, target = codes
        self.target, self.n_targets = pairs(np.zeros_like(target), 1, target)
        found = [(np.zeros_like(target), 1)]
        for mask in range(1, 2 ** len(sources)):
            k = mask.bit_length() - 1
            found.append(pairs(*found[mask ^ 1 << k], sources[k]))
        self.source, self.n_source = found[-1]
        first = np.empty(self.n_source, dtype=int)
        first[self.source] = np.arange(target.size)
        self.sets = [(ids[first], n) for ids, n in found[1:]]
        self.joints = [pairs(*one, target) for one in found[1:]]


def entropy(mass):
    """-Σ p log2 p of probabilities of any shape."""
    mass = mass[mass > 0]
    return float(-mass @ np.log2(mass))
