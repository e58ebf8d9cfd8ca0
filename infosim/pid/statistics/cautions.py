"""What to beware of in a decomposition of samples, in words."""

import numpy as np

from infosim.pid.statistics.bias import miller_madow
from infosim.pid.statistics.samples import Samples

#: Samples for each cell that occurs below which a word is said.
_FEW = 5
#: Of so many samples a variable is said to look continuous if its values number ...
_LEAST = 20
#: ... more than one for so many samples.
_EACH = 5
#: Bits that are not 0 as they are printed.
_SAID = 0.005


def looks_continuous(n_values, n_samples):
    """Whether a variable has so many values that most samples have one of their own."""
    return n_samples >= _LEAST and n_values * _EACH > n_samples


def are_few(n_samples, n_cells):
    """Whether cells hold too few samples for an estimate to be taken at its word."""
    return n_samples < _FEW * n_cells


def cautions(d):
    """Lines on a Decomposition of samples that are too few for their values; none if all is well.

    No decomposition says them by itself: a warning at each of many would be read by nobody.

    Raises
    ------
    ConfigError, DataError : as of `bootstrap`
    """
    samples = Samples.of(d)
    events, lines = samples.events, []
    n = int(events.total)
    for name, codes in zip((*d.names, "the target"), events.codes, strict=True):
        n_values = np.unique(codes).size
        if looks_continuous(n_values, n):
            lines.append(
                f"{name} has {n_values} distinct values in {n} samples and looks continuous: cut "
                "it into a few bins"
            )
    if are_few(n, len(events)):
        excess, what = miller_madow(samples)[-1], "what they tell"
        if excess > _SAID and d.information > _SAID:
            part = "all" if excess >= d.information else f"at least {excess:.2f}"
            what = f"{part} of {d.information:.2f} bits of information"
        lines.append(
            f"{n / len(events):.1f} samples for each cell that occurs, {n} for {len(events)}: "
            f"{what} may be owed to chance; take fewer bins or more samples"
        )
    return lines
