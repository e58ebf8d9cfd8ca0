"""Binning: how a compartment's potential becomes one of a few discrete values.

Bins are of equal width and closed on the right: bin k holds edge_k < u <= edge_{k+1}; what lies
outside the range falls into the first or last bin. No gradient flows through the bin index.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

import numpy as np

from infosim.errors import ConfigError
from infosim.schedule import Moment, Schedule
from infosim.settings import setting, settings, settle

#: The range of the bins: what the user gives; each neuron's own minimum and maximum over the
#: batch; or [-m, m] with m the neuron's own largest magnitude over the batch.
BINNINGS = ("fixed", "adaptive", "normalised")


@dataclass(frozen=True)
class Binning:
    """The binning of a layer's potentials, the same for all its compartments unless given per one.

    Parameters
    ----------
    kind : "fixed" (`low` to `high`), "adaptive" (each neuron's minimum to maximum over the batch)
        or "normalised" (potentials divided by their largest magnitude over the batch, then -1 to 1)
    bins : number of bins, 2 to 255; or one number per compartment. Of a `Schedule` the nearest
        integer, the larger one of two
    low, high : range of "fixed" bins, in units of the potential

    Raises
    ------
    ConfigError : unknown kind, bins outside 2-255, empty range
    """

    kind: str = setting(
        "fixed",
        "`low` to `high`; each neuron's range in the batch; or up to its largest magnitude there",
        choices=BINNINGS,
    )
    bins: int | tuple[int | Schedule, ...] | Schedule = setting(
        20, "or one number per compartment; or a [schedule](#schedules)", low=2, high=255
    )
    low: float = setting(-20.0, "where `fixed` bins begin", unit="potential")
    high: float = setting(20.0, "where they end", unit="potential")

    def __post_init__(self):
        settle(self, "binning ")
        check = settings(Binning)["bins"].check
        if isinstance(self.bins, Sequence | np.ndarray) and np.ndim(self.bins) == 1:
            bins = tuple(check("bins", n) for n in self.bins)
        else:
            bins = check("bins", self.bins)
        object.__setattr__(self, "bins", bins)
        if not (float(self.low) < float(self.high) and abs(self.low) + abs(self.high) < 1e30):
            raise ConfigError(
                f"binning range must be finite with low < high, was {self.low} to {self.high}"
            )

    @property
    def scheduled(self):
        """Whether the number of bins changes over training."""
        bins = self.bins if isinstance(self.bins, tuple) else (self.bins,)
        return any(isinstance(n, Schedule) for n in bins)

    def bins_of(self, n_compartments, moment=Moment()):
        """The number of bins of each compartment at a `Moment`, `n_compartments` integers."""
        return tuple(
            floor(n.at(moment) + 0.5) if isinstance(n, Schedule) else n
            for n in self._bins_of(n_compartments)
        )

    def _bins_of(self, n_compartments):
        if not isinstance(self.bins, tuple):
            return (self.bins,) * n_compartments
        if len(self.bins) != n_compartments:
            raise ConfigError(
                f"bins: {len(self.bins)} numbers were given for {n_compartments} compartments"
            )
        return self.bins
