"""Permutation tests of mutual information and conditional mutual information.

p = (1 + k) / (1 + n), k of n permutations telling as much or more.
"""

from dataclasses import dataclass

import numpy as np

from infosim.errors import ConfigError, DataError, integer, one_of
from infosim.pid.events import Margins, pairs
from infosim.pid.lattice import set_masks
from infosim.pid.parallel import in_order
from infosim.pid.statistics.samples import MOST_DRAWN, Samples, batches, generator

_PURPOSE = 2
#: Permutations that a thread does at once.
_AT_ONCE = 16
#: Bits below which a difference is one of rounding.
_SAME = 1e-9
HOW = "rows", "shift", "trials"


@dataclass(frozen=True, eq=False)
class PermutationTest:
    """Probabilities of as much information where there is none.

    Attributes
    ----------
    informations : label -> p of I(target; S) of each set of sources
    conditional : name -> p of I(target; source | all others), empty where there are no others
    n : permutations
    how : what was permuted
    """

    informations: dict
    conditional: dict
    n: int
    how: str


def permutation_test(d, n=1000, *, how="rows", by=None, seed=0, threads=1, progress=False):
    """Test whether sets of sources tell anything of the target.

    Parameters
    ----------
    d : Decomposition of samples, whose weights are counts
    n : permutations, 1 to 10**6
    how : "rows" permutes the target's values, for I(target; source | others) among samples in which
        the others are the same. In a time series neighbours depend on each other, and
        "shift" turns the series round by a random number of samples instead, for I(target; S) the
        target's, for I(target; source | others) the source's; "trials" gives each trial another's,
        where trials are equally long. Both leave nothing of what the source has to do with the
        others, so that theirs is the test of a source that has to do with neither.
    by : (n_samples,), the trial of each sample; values are permuted or shifted within trials
    seed, threads, progress : as of `bootstrap`

    Returns a `PermutationTest`.

    Raises
    ------
    ConfigError, DataError, ShapeError : arguments that cannot be, or samples that do not allow it
    """
    n = integer("permutations", n, 1, MOST_DRAWN)
    one_of("how", how, HOW)
    integer("seed", seed, 0)
    if how == "trials" and by is None:
        raise ConfigError("how='trials' needs to know them: by=")
    samples = Samples.of(d, by, series=how != "rows")
    test = _Test(samples, permuting(samples, how), in_strata=how == "rows")

    def more(numbers):
        found = [test.permuted(generator(seed, _PURPOSE, i)) for i in numbers]
        return (np.array(found) >= test.observed - _SAME).sum(axis=0)

    parts = in_order(
        more, batches(n, _AT_ONCE), threads=threads, progress=progress, unit="permutation"
    )
    p = ((1 + np.sum(parts, axis=0)) / (1 + n)).tolist()
    n_sets = len(d.set_labels)
    return PermutationTest(
        dict(zip(d.set_labels, p[:n_sets], strict=True)),
        dict(zip(d.names, p[n_sets:], strict=True)) if len(d.names) > 1 else {},
        n, how,
    )  # fmt: skip


def permuting(samples, how):
    """A function (generator, strata or None) -> (N,), which sample's value each gets.

    Raises
    ------
    DataError : there is but one way to permute, or trials are not equally long that are to be
    """
    places = samples.places
    if how != "trials" and samples.trial is not None and len(places) == len(samples):
        raise DataError("each trial has 1 sample, within it there is nothing to permute")
    if how == "rows":
        trial = samples.trial

        def within(rng, strata):
            if strata is None and trial is None:
                return rng.permutation(len(samples))
            if strata is None:
                strata = trial
            elif trial is not None:
                strata, _ = pairs(trial, int(trial.max()) + 1, strata)
            return _within(rng, strata)

        return within
    if how == "shift":

        def turned(rng, strata):
            found = np.empty(len(samples), dtype=int)
            for place in places:
                found[place] = np.roll(place, rng.integers(len(place)))
            return found

        return turned
    lengths = {len(place) for place in places}
    if len(lengths) > 1:
        raise DataError(
            f"to permute trials all must be equally long, theirs are {min(lengths)} to "
            f"{max(lengths)} samples (rows and shift stay within them)"
        )
    if len(places) < 2:
        raise DataError("by names 1 trial; to permute trials at least 2 are needed")
    table = np.array(places)

    def others(rng, strata):
        found = np.empty(len(samples), dtype=int)
        found[table] = table[rng.permutation(len(table))]
        return found

    return others


def _within(rng, strata):
    """A permutation of samples among those of the same stratum."""
    into = np.argsort(strata, kind="stable")
    found = np.empty(strata.size, dtype=int)
    found[into] = np.argsort(strata + rng.random(strata.size))
    return found


class _Test:
    """Informations of permuted samples, by the entropies that a permutation changes."""

    def __init__(self, samples, permute, in_strata):
        self._permute, self._in_strata = permute, in_strata
        m, at, n_sources = Margins(samples.events.codes), samples.event, samples.events.n_sources
        self._target = m.target[at], m.n_targets
        source = m.source[at]
        sets = {mask: (ids[source], n) for mask, (ids, n) in enumerate(m.sets, 1)}
        self._sets = [sets[mask] for mask in set_masks(n_sources)]
        #: each source with all others together
        every = 2**n_sources - 1
        self._pairs = [
            (sets[1 << k], sets[every ^ 1 << k]) for k in range(n_sources if n_sources > 1 else 0)
        ]
        counts = np.arange(len(samples) + 1.0)
        self._surprise = counts * np.log2(np.maximum(counts, 1)) / len(samples)
        self._known = [self._entropy(*one) for one in self._sets]
        self._of_target = self._entropy(*self._target)
        self._of_others = [self._told(others, self._target[0]) for _, others in self._pairs]
        self.observed = np.array(
            [self._told(one, self._target[0]) for one in self._sets]
            + [
                self._told(self._sets[-1], self._target[0]) - others for others in self._of_others
            ]
        )  # fmt: skip

    def permuted(self, rng):
        """The same of permuted samples: I(T:S) of each set, I(T:x | others) of each source."""
        moved = self._target[0][self._permute(rng, None)]
        found = [
            known + self._of_target - self._joint_entropy(one, moved)
            for known, one in zip(self._known, self._sets, strict=True)
        ]
        for (source, others), known in zip(self._pairs, self._of_others, strict=True):
            if self._in_strata:
                moved = self._target[0][self._permute(rng, others[0])]
                told = self._told(self._sets[-1], moved)
            else:
                told = self._told(
                    pairs(*others, source[0][self._permute(rng, None)]), self._target[0]
                )
            found.append(told - known)
        return found

    def _told(self, one, target):
        """I(target; values), values as (ids (N,), n)."""
        return self._entropy(*one) + self._of_target - self._joint_entropy(one, target)

    def _joint_entropy(self, one, target):
        ids, n = one
        n_both = n * self._target[1]
        if n_both > 4 * ids.size + 1000:  # sorting takes less than looking through the table
            both, n_both = pairs(ids, n, target)
        else:
            both = np.multiply(ids, self._target[1], dtype=np.int64) + target
        return self._entropy(both, n_both)

    def _entropy(self, ids, n):
        """H of values, from how often each is."""
        return self._surprise[-1] - self._surprise[np.bincount(ids, minlength=n)].sum()
