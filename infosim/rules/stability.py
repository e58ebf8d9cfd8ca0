"""Perceptrons that make patterns stable: Gardner's with a least stability κ, Krauth and Mézard's.

A neuron holds a pattern with the stability ξ_i h_i / |W_i|, its bias among its weights W_i. Both
add ξ_i z / n to the weights for patterns that are not stable enough; which, they differ in.
"""

import numpy as np

from infosim.network.rules import KrauthMezard, Perceptron
from infosim.rules.executor import executes
from infosim.rules.memory import IteratedExecutor


@executes(Perceptron)
class PerceptronExecutor(IteratedExecutor):
    """Adds, pattern by pattern, each whose stability is not above κ (Gardner 1988).

    It comes to an end if weights of such stability exist.
    """

    def improve(self, weights, z, connected):
        """See `IteratedExecutor.improve`."""
        changed = False
        # a potential of 0 must not pass for more by rounding
        least = self.rule.stability + self.n * np.finfo(self.layer.dtype).eps
        for s in range(z.shape[2]):
            column, row = z[:, :-1, s, None], z[:, None, :, s]  # ξ_i, z_j
            h = weights @ z[:, :, s, None]
            length = self.kernels.xp.sqrt((weights * weights).sum(axis=2, keepdims=True))
            unstable = column * h <= least * length
            weights += unstable * column * row * connected / self.n
            changed |= unstable.any()
        return changed


@executes(KrauthMezard)
class KrauthMezardExecutor(IteratedExecutor):
    """Adds the pattern of least ξ_i h_i, of those presented, unless that is above c.

    Krauth and Mézard 1987: the stability that neurons end with comes the nearer to the largest
    possible, the larger c.
    """

    def improve(self, weights, z, connected):
        """See `IteratedExecutor.improve`."""
        xp, bits = self.kernels.xp, z[:, :-1]
        aligned = bits * (weights @ z)
        worst = aligned.argmin(axis=2)[:, :, None]
        weak = xp.take_along_axis(aligned, worst, axis=2) <= self.rule.margin
        patterns = xp.take_along_axis(z.swapaxes(1, 2), worst, axis=1)
        own = xp.take_along_axis(bits, worst, axis=2)
        weights += weak * own * patterns * connected / self.n
        return weak.any()
