"""Storkey's rule, exact and incremental.

Pattern by pattern, in the order in which they are shown,

    w_ij += 1/n (ξ_i ξ_j - ξ_i h_ji - h_ij ξ_j),  h_ij = Σ_{k ≠ i,j} w_ik ξ_k,

from w = 0 on (Storkey 1997). Weights that do not exist are 0 all the time.
"""

import numpy as np

from infosim.network.rules import Storkey
from infosim.rules.executor import executes
from infosim.rules.memory import MemoryExecutor


@executes(Storkey)
class StorkeyExecutor(MemoryExecutor):
    """Stores patterns one by one, in float64.

    stored : the weights that they make, (R, n, n + 1), with a column of biases, which are 0
    """

    def __init__(self, *arguments):
        super().__init__(*arguments)
        shape = self.layer.n_replicas, self.n, self.n + 1
        self.stored = self.kernels.xp.zeros(shape, np.float64)

    def learn(self, inputs):
        """Store the patterns of a presentation."""
        xp = self.kernels.xp
        weights, connected = self.stored[:, :, :-1], self.connected()[:, :, :-1]
        others = ~xp.eye(self.n, dtype=bool)
        z = self.patterns()[:, :-1]
        for s in range(z.shape[2]):
            column, row = z[:, :, s, None], z[:, None, :, s]  # ξ_i, ξ_j
            to_others = weights * others
            h = to_others @ column - to_others * row
            change = column * row - column * h.swapaxes(1, 2) - h * row
            weights += change * connected / self.n

    def conclude(self):
        """Let the weights be those stored."""
        self.become(self.stored)

    def arrays(self, replica):
        """The weights of a replica, live."""
        return {"stored": self.stored[replica]}
