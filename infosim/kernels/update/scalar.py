"""Scalar mathematics of updates, for every backend."""

import math

from infosim.jit import inline


@inline
def adam_step(w, gradient, m, v, rates):
    """A weight and its running moments after one ascending Adam step (Kingma & Ba 2015).

    gradient : after decay and mask
    rates : [rate / (1 - β₁ᵗ), 1/√(1 - β₂ᵗ), β₁, 1-β₁, β₂, 1-β₂, ε, ...]
    """
    m = rates[2] * m + rates[3] * gradient
    v = rates[4] * v + rates[5] * gradient * gradient
    return w + rates[0] * m / (math.sqrt(v) * rates[1] + rates[6]), m, v
