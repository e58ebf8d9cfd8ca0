"""Scalar mathematics of the readout, for every backend: what decides, and the loss's slope."""

import numpy as np

from infosim.jit import inline


@inline
def surer(mine, other, best, least):
    """Whether a neuron that says `mine`, else `other` (their sum is 1), is surer than the best.

    Close to 1, where float32 has few numbers, the small one of both tells them apart.
    """
    return mine > best or (mine == best and other < least)


@inline
def wrong_rather(right, n_samples, otherwise):
    """1 if fewer than half of so many samples are right, 0 if more; `otherwise` if it is half.

    A neuron that says the same of all samples would be decided by the rounding of the sum.
    """
    lead = right - 0.5 * n_samples
    if abs(lead) <= 1e-9 * n_samples:
        return otherwise
    return np.uint8(lead < 0.0)


@inline
def climb(share, target, n_samples):
    """-∂/∂logit of the mean cross-entropy of so many samples, from a class's softmax and target."""
    return (target - share) / np.float32(n_samples)
