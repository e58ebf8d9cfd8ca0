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


def cautions(d):
    """Lines on a Decomposition of samples that are too few for their values; none if all is well.

    Raises
    ------
    ConfigError, DataError : as of `bootstrap`
    """
    samples = Samples.of(d)
    n, events, lines = len(samples), samples.events, []
    for name, codes in zip((*d.names, "the target"), events.codes, strict=True):
        n_values = np.unique(codes).size
        if n >= _LEAST and n_values * _EACH > n:
            lines.append(
                f"{name} has {n_values} distinct values in {n} samples and looks continuous: cut "
                "it into a few bins"
            )
    if n < _FEW * len(events):
        excess = miller_madow(samples)[-1]
        part = "all" if excess >= d.information else f"at least {max(excess, 0):.2f}"
        lines.append(
            f"{n} samples for {len(events)} cells that occur, {n / len(events):.1f} for each: of "
            f"{d.information:.2f} bits of information {part} may be owed to chance; take fewer "
            "bins or more samples"
        )
    return lines
