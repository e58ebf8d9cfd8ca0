"""Firing one after the other, for recall: on the host, whatever the backend.

Each neuron waits for those before it; patterns do not, but there are few.
"""

from functools import cache

import numpy as np

from infosim.jit import kernel
from infosim.kernels.common import ONE, ZERO
from infosim.kernels.firing.scalar import potentials, probabilities

#: What a neuron does that is as likely to fire as not, by the numbers that kernels are given.
TIES = ("low", "keep", "zero")
_HALF = np.float32(0.5)


@cache
def sweep(scalar, n_compartments):
    """An activation's kernel: every neuron takes its output, one after the other.

    weights : (K, n, n), of compartment, neuron that is read and neuron that reads
    bias : (K, n); current : added to the drive A, (n,); p : packed parameters, (P,)
    clamp, off : as of `activate`; order : of the neurons, (n,)
    draws : uniform random numbers (patterns, n), a neuron fires where its is below θ; or (0, 0): it
        fires iff θ > ½
    ties, tolerance : number of the rule in `TIES`, for |θ - ½| up to this, (n,)
    states : changed, (patterns, n)
    """
    potential = potentials(n_compartments)

    @kernel
    def sweep(weights, bias, current, p, clamp, off, order, draws, ties, tolerance, states):
        n = states.shape[1]
        u = np.empty((n_compartments, n, 1), states.dtype)
        for s in range(len(states)):
            state = states[s]
            # anew in each step: what is added to a sum and taken from it again leaves its rounding
            u[...] = ZERO
            for i in range(n):
                for k in range(n_compartments):
                    for j in range(n):
                        u[k, j, 0] += weights[k, i, j] * state[i]
            for i in order:
                drive, _ = scalar(potential(u, bias, i, 0), p)
                fires, _ = probabilities(drive + current[i], clamp)
                if len(draws):
                    y = ONE if draws[s, i] < fires else off
                elif abs(fires - _HALF) > tolerance[i]:
                    y = ONE if fires > _HALF else off
                else:
                    y = off if ties == 0 else state[i] if ties == 1 else ZERO
                change = y - state[i]
                if change != ZERO:
                    state[i] = y
                    for k in range(n_compartments):
                        for j in range(n):
                            u[k, j, 0] += weights[k, i, j] * change

    return sweep
