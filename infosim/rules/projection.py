"""Closed forms of the sums Σ_s z_s z_sᵀ alone: the pseudo-inverse, and penalised least squares.

Patterns may come in any order and in any batches; sums of products of 1 and -1 are exact.
"""

import numpy as np

from infosim.network.rules import DescentL2, PseudoInverse
from infosim.rules.executor import executes
from infosim.rules.memory import MemoryExecutor


class ProjectionExecutor(MemoryExecutor):
    """Adds up products; a base.

    products : Σ_s z_s z_sᵀ, (R, n + 1, n + 1), the last row and column of the unit that is 1
    """

    def __init__(self, *arguments):
        super().__init__(*arguments)
        shape = self.layer.n_replicas, self.n + 1, self.n + 1
        self.products = self.kernels.xp.zeros(shape, np.float64)

    def learn(self, inputs):
        """Add the products of a presentation."""
        z = self.patterns()
        self.products += z @ z.swapaxes(1, 2)

    def conclude(self):
        """Let weights and biases be what the sums make of each replica."""
        host = self.kernels.host
        pairs = zip(host(self.products), host(self.connected()), strict=True)
        self.become(self.kernels.resident(np.array([self.solution(*one) for one in pairs])))

    def solution(self, products, connected):
        """Weights and biases (n, n + 1) of a replica, there `connected` or not."""
        raise NotImplementedError

    def arrays(self, replica):
        """The sums of a replica, live."""
        return {"products": self.products[replica]}


@executes(PseudoInverse)
class PseudoInverseExecutor(ProjectionExecutor):
    """W = X X⁺ of the patterns in columns of X: the projection on what they span.

    Personnaz, Guyon, Dreyfus 1985. Connections that do not exist are left out of it. As many
    independent patterns as neurons span all, and W is the identity.
    """

    def solution(self, products, connected):
        """See `ProjectionExecutor.solution`."""
        values, vectors = np.linalg.eigh(products[:-1, :-1])
        # what is left by the rest, for which there is nothing where they span all
        rest = vectors[:, values <= values[-1] * self.n * np.finfo(np.float64).eps]
        return np.pad(np.eye(self.n) - rest @ rest.T, ((0, 0), (0, 1)))


@executes(DescentL2)
class DescentL2Executor(ProjectionExecutor):
    """The least of 1/2 Σ_s (λ h_is - ξ_is)² + α/2 (|w_i|² + b_i²) of each neuron i.

    Tolmachev and Manton 2020 descend it; it is a ridge regression, and solved as one: what gradient
    descent ends in.
    """

    def solution(self, products, connected):
        """See `ProjectionExecutor.solution`."""
        gain, penalty = self.rule.gain, self.rule.penalty
        inverse = np.linalg.inv(gain**2 * products + penalty * np.eye(self.n + 1))
        found = inverse @ (gain * products[:, :-1])  # of all connections, neurons in columns
        for weights, present in zip(found.T, connected, strict=True):
            # the least where some are 0: Lagrange's multipliers of these
            absent = np.flatnonzero(~present)
            shares = np.linalg.solve(inverse[np.ix_(absent, absent)], weights[absent])
            weights -= inverse[:, absent] @ shares
        return found.T
