"""What kernels read of a layer's binning, and the range that soft bins share."""

import math

import numpy as np

from infosim.neuron.binning import HARD


class Bins:
    """A layer's bins as the kernels have them.

    assignment : what makes the kernels that score and measure
    nearest : what makes the kernel that says which bin a potential is in
    spans : of soft bins, the range of potentials in each replica, (2, K, R); else None

    Parameters
    ----------
    binning : Binning; n_compartments, n_replicas : K and R; dtype : of potentials
    """

    def __init__(self, binning, n_compartments, n_replicas, kernels, dtype):
        self._binning, self._kernels, self._dtype = binning, kernels, dtype
        self.assignment, self.nearest, self.spans = "hard", "hard", None
        if binning.soft:
            self.assignment, self.nearest = "soft", "nearest"
            self.spans = kernels.xp.zeros((2, n_compartments, n_replicas), dtype)

    def read(self, bins):
        """What the assignment reads where compartments have so many bins."""
        given, real, resident = self._binning, self._dtype.type, self._kernels.resident
        n_bins = resident(np.array(bins, np.int64))
        if not given.soft:
            return n_bins, HARD.index(given.kind), real(given.low), real(given.high)
        softness = np.array(given.softness_of(len(bins)), self._dtype)
        eps = np.finfo(self._dtype).eps  # of the largest share: less changes no sum
        # of a potential eight units in the last place are lost in distances to bins
        return (
            n_bins, real(given.union_gradient), resident(softness), real(8 * eps),
            real(math.log(2 / eps)), self.spans,
        )  # fmt: skip
