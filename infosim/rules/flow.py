"""Minimum probability flow: what flows from patterns to their neighbours becomes least.

With bits x = (ξ + 1)/2 in {0, 1}, symmetric couplings J without self-couplings and thresholds θ, of
M patterns

    K = 1/M Σ_s Σ_i exp(-ξ_is (Σ_j J_ij x_js - θ_i)),

by gradient descent: J by the derivative made symmetric, θ by a quarter of the derivative, since θ
is the diagonal of what is descended (Hillar, Sohl-Dickstein, Koepsell 2012; these numbers are those
of the released code of arXiv:2511.02584). In potentials of bits 1 and -1 it is W = J/2 and
b_i = 1/2 Σ_j J_ij - θ_i, and thus K = 1/M Σ exp(-ξ_is h_is).
"""

from infosim.network.rules import MinimumProbabilityFlow
from infosim.rules.executor import executes
from infosim.rules.memory import IteratedExecutor

#: The exponent's bound, ±.
CLAMP = 40.0


@executes(MinimumProbabilityFlow)
class FlowExecutor(IteratedExecutor):
    """Descends K; where there is no connection in both directions, there is none."""

    def improve(self, weights, z, connected):
        """See `IteratedExecutor.improve`."""
        xp, bits = self.kernels.xp, z[:, :-1]
        pairs = connected[:, :, :-1] & connected[:, :, :-1].swapaxes(1, 2)
        pairs &= ~xp.eye(self.n, dtype=bool)
        exponent = -bits * (weights @ z)
        flow = bits * xp.exp(xp.clip(exponent, -CLAMP, CLAMP)) / z.shape[2]
        descent = flow @ ((bits + 1) / 2).swapaxes(1, 2)  # -∂K/∂J
        moved = self.rule.rate / 4 * (descent + descent.swapaxes(1, 2)) * pairs
        weights[:, :, :-1] += moved
        weights[:, :, -1] += self.rule.rate / 4 * flow.sum(axis=2) + moved.sum(axis=2)
        return True
