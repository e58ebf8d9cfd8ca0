"""Updates of weights, on the CPU."""

import numpy as np

from infosim.jit import frugal
from infosim.kernels.common import replica_of
from infosim.kernels.update.scalar import adam_step


@frugal
def adam(weights, gradient, mask, moments, rates, start, stop):
    """One ascending Adam step (Kingma & Ba 2015), with L2 decay added to the gradient, in place.

    weights, gradient : (N, I); mask : uint8, (N, I), or (0, 0) for none
    moments : running first and second moments, (2, N, I)
    rates : [rate / (1 - β₁ᵗ), 1/√(1 - β₂ᵗ), β₁, 1-β₁, β₂, 1-β₂, ε, decay] of each replica, (R, 8)
    """
    replica, _ = replica_of(start, weights.shape[0], len(rates))
    own = rates[replica]
    numbers = own[0], own[1], own[2], own[3], own[4], own[5], own[6]
    decay = own[7]
    masked = mask.shape[0] > 0
    for n in range(start, stop):
        for i in range(weights.shape[1]):
            g = gradient[n, i] - decay * weights[n, i]
            if masked:
                g *= np.float32(mask[n, i])
            weights[n, i], moments[0, n, i], moments[1, n, i] = adam_step(
                weights[n, i], g, moments[0, n, i], moments[1, n, i], numbers
            )


@frugal
def sgd(weights, gradient, mask, moments, rates, start, stop):
    """One ascending gradient step with L2 decay, in place.

    Arguments as for `adam`; moments : unused; rates : [rate, decay] of each replica, (R, 2)
    """
    replica, _ = replica_of(start, weights.shape[0], len(rates))
    own = rates[replica]
    rate, decay = own[0], own[1]
    masked = mask.shape[0] > 0
    for n in range(start, stop):
        for i in range(weights.shape[1]):
            g = gradient[n, i] - decay * weights[n, i]
            if masked:
                g *= np.float32(mask[n, i])
            weights[n, i] += rate * g
