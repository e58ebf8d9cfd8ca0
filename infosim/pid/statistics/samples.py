"""The samples of a decomposition, as they are drawn anew, permuted and divided."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from infosim.errors import ConfigError, DataError, ShapeError, integer
from infosim.pid.decomposition import conditional, of_sets
from infosim.pid.events import Events
from infosim.pid.outcomes import coded_columns
from infosim.pid.terms import inverted

#: Samples that are looked at one by one, at most: some arrays of them must be held.
_MOST = 10**8
#: Replicates and permutations at most.
MOST_DRAWN = 10**6


@dataclass(frozen=True, eq=False)
class Samples:
    """N samples in order.

    Attributes
    ----------
    events : the `Events` of the decomposition
    of_rows : int (N,), the event of each, where their order matters, else None
    trial : int (N,), numbers from 0, or None
    """

    events: Events
    of_rows: np.ndarray | None = None
    trial: np.ndarray | None = None

    @classmethod
    def of(cls, d, by=None, series=False):
        """The samples of a Decomposition.

        by : (n_samples,) the trial of each, those that were left out included
        series : whether their order matters, so that none may count more than once

        Raises
        ------
        ConfigError : it is of no samples, or of some whose order is not known
        DataError, ShapeError : weights are no counts; no trials of these samples
        """
        events = d.events
        if events is None or events.first is None:
            raise ConfigError("this decomposition is of no samples, which statistics are made of")
        weights, needed = events.weights, series or by is not None
        if (weights % 1).any():
            odd = weights[weights % 1 > 0][0]
            raise DataError(f"statistics need weights that are counts, one event has {odd:.6g}")
        if not needed:
            return cls(events)
        if events.rows is None:
            raise ConfigError("the samples' order is not known: decompose_many does not keep it")
        kept = events.rows >= 0
        event = events.rows[kept].astype(int)
        if event.size != events.total:
            raise DataError("samples with weights have no order in time and are of no trials")
        if by is None:
            return cls(events, event)
        trial = coded_columns({"by": by})["by"]
        if trial.size != kept.size:
            raise ShapeError(f"by has {trial.size} values for {kept.size} samples")
        trial = trial[kept]
        if (trial < 0).any():
            raise DataError("by has missing values")
        return cls(events, event, np.unique(trial, return_inverse=True)[1])

    def __len__(self):
        return int(self.events.total)

    @cached_property
    def event(self):
        """The event of each sample, int (N,)."""
        if self.of_rows is not None:
            return self.of_rows
        if self.events.total > _MOST:
            total = self.events.total
            raise DataError(f"{total:.6g} samples are too many to be permuted or divided")
        return np.repeat(np.arange(len(self.events)), self.events.weights.astype(int))

    @property
    def places(self):
        """Where the samples of each trial are, a list of (n,); of all where there are no trials."""
        if self.trial is None:
            return [np.arange(len(self))]
        order = np.argsort(self.trial, kind="stable")
        return np.split(order, np.flatnonzero(np.diff(self.trial[order])) + 1)

    def counts(self, which):
        """How often each event is among some samples, (M,)."""
        return np.bincount(self.event[which], minlength=len(self.events))


def generator(seed, purpose, number):
    """The generator of one replicate, whatever the threads."""
    return np.random.default_rng([integer("seed", seed, 0), purpose, number])


def batches(n, size):
    """The numbers 0 to n - 1 in ranges of at most `size`."""
    return [range(start, min(n, start + size)) for start in range(0, n, size)]


def all_of(redundancies, n_sources):
    """Atoms, I(T:S) and I(T:x | others), (..., A), (..., 2**K - 1), (..., K), from I_∩ (..., A)."""
    informations = of_sets(redundancies, n_sources)
    return inverted(redundancies, n_sources), informations, conditional(informations, n_sources)


def named(d, values):
    """Dicts by label of atoms, I(T:S) and I(T:x | others), from what `all_of` gives of each."""
    labels = d.labels, d.set_labels, d.names
    values = [v.tolist() if isinstance(v, np.ndarray) else v for v in values]
    return [
        dict(zip(own, some, strict=True)) if some else {}
        for own, some in zip(labels, values, strict=True)
    ]
