"""Binning: how a compartment's potential becomes one of a few discrete values.

Bins are of equal width and closed on the right: bin k holds edge_k < u <= edge_{k+1}; what lies
outside the range falls into the first or last bin. No gradient flows through the bin index. A
sample has a share of every soft bin, and a gradient flows through these shares
(arXiv 2511.02584; docs/theory.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, prod

import numpy as np

from infosim.errors import ConfigError
from infosim.schedule import Moment, Schedule
from infosim.settings import setting, settings, settle

#: The range of bins that hold a sample each: what the user gives; each neuron's own minimum and
#: maximum over the batch; or [-m, m] with m the neuron's own largest magnitude over the batch.
HARD = ("fixed", "adaptive", "normalised")
BINNINGS = (*HARD, "soft")
#: What soft bins are where nothing is said; of others these say nothing.
SOFT = {"softness": 0.5, "union_gradient": True}
#: Cells that soft bins may have, all tuples of which a neuron's work has room for.
MOST_CELLS = 2**18


@dataclass(frozen=True)
class Binning:
    """The binning of a layer's potentials, the same for all its compartments unless given per one.

    Parameters
    ----------
    kind : "fixed" (`low` to `high`), "adaptive" (each neuron's minimum to maximum over the batch)
        or "normalised" (potentials divided by their largest magnitude over the batch, then -1 to
        1), or "soft" (from the least potential of all neurons of the layer over the batch, less 1,
        to the greatest, plus 1)
    bins : number of bins, 2 to 255; or one number per compartment. Of a `Schedule` the nearest
        integer, the larger one of two
    low, high : range of "fixed" bins, in units of the potential
    softness : of "soft" bins, s in the share σ((w/2 - |u - c|) / s) of a bin of width w around c,
        in units of the potential; or one number per compartment
    union_gradient : of "soft" bins, whether the gradient follows how the shares move the
        probabilities of unions; without, these are held, as published

    Raises
    ------
    ConfigError : unknown kind, bins outside 2-255, empty range, softness outside its own, numbers
        of another kind of bins
    """

    kind: str = setting(
        "fixed",
        "`low` to `high`; each neuron's range in the batch; up to its largest magnitude there; or "
        "[shares of bins](theory.md#soft-bins) over the range of all neurons",
        choices=BINNINGS,
    )
    bins: int | tuple[int | Schedule, ...] | Schedule = setting(
        20, "or one number per compartment; or a [schedule](#schedules)", low=2, high=255
    )
    low: float = setting(-20.0, "where `fixed` bins begin", unit="potential")
    high: float = setting(20.0, "where they end", unit="potential")
    softness: float | tuple[float, ...] | None = setting(
        None, "of `soft` bins' borders, or one number per compartment; 0.5 if not given",
        low=1e-6, high=1e6, unit="potential",
    )  # fmt: skip
    union_gradient: bool | None = setting(
        None,
        "of `soft` bins, whether the gradient follows the probabilities of unions; `true` if not "
        "given, `false` as published",
    )

    def __post_init__(self):
        settle(self, "binning ")
        self._refuse_unread()
        if self.soft:
            for name, default in SOFT.items():
                if getattr(self, name) is None:
                    object.__setattr__(self, name, default)
        for name, what in (("bins", "bins"), ("softness", "binning softness")):
            check, given = settings(Binning)[name].check, getattr(self, name)
            if isinstance(given, Sequence | np.ndarray) and np.ndim(given) == 1:
                checked = tuple(check(what, one) for one in given)
            else:
                checked = check(what, given)
            object.__setattr__(self, name, checked)
        if not (float(self.low) < float(self.high) and abs(self.low) + abs(self.high) < 1e30):
            raise ConfigError(
                f"binning range must be finite with low < high, was {self.low} to {self.high}"
            )

    def _refuse_unread(self):
        """Say which numbers are of bins of another kind, rather than not read them in silence."""
        names = ("low", "high") if self.soft else SOFT
        for name in names:
            default = settings(Binning)[name].default
            if getattr(self, name) != default:
                needed = "fixed" if self.soft else "soft"
                raise ConfigError(
                    f"binning {name} is read of {needed!r} bins alone, kind was {self.kind!r}"
                )

    @property
    def soft(self):
        """Whether samples have shares of several bins."""
        return self.kind == "soft"

    @property
    def scheduled(self):
        """Whether the number of bins changes over training."""
        bins = self.bins if isinstance(self.bins, tuple) else (self.bins,)
        return any(isinstance(n, Schedule) for n in bins)

    def bins_of(self, n_compartments, moment=Moment()):
        """The number of bins of each compartment at a `Moment`, `n_compartments` integers."""
        return tuple(
            floor(n.at(moment) + 0.5) if isinstance(n, Schedule) else n
            for n in self._each("bins", n_compartments)
        )

    def softness_of(self, n_compartments):
        """The softness of each compartment's bins."""
        return self._each("softness", n_compartments)

    def check(self, n_compartments):
        """Refuse numbers that do not fit to so many compartments.

        Raises
        ------
        ConfigError : numbers of bins, or softnesses, of other compartments; too many soft bins
        """
        bins = self._each("bins", n_compartments)
        self.softness_of(n_compartments)
        if self.soft:
            most = [_most(n) for n in bins]
            if prod(most) > MOST_CELLS:
                raise ConfigError(
                    f"soft bins may have at most {MOST_CELLS} tuples, were "
                    f"{' x '.join(map(str, most))} = {prod(most)}; take fewer bins"
                )

    def _each(self, name, n_compartments):
        given = getattr(self, name)
        if not isinstance(given, tuple):
            return (given,) * n_compartments
        if len(given) != n_compartments:
            raise ConfigError(
                f"{name}: {len(given)} numbers were given for {n_compartments} compartments"
            )
        return given


def _most(bins):
    """The largest number of bins that a compartment ever has."""
    if isinstance(bins, Schedule):
        return floor(max(value for _, value in bins.points) + 0.5)
    return bins
