"""Updates of weights, on a GPU."""

from functools import cache

import numpy as np

from infosim.kernels import device
from infosim.kernels.device import blocks_for, cuda
from infosim.kernels.update.scalar import adam_step


@cache
def _no_mask():
    return device.xp.ones((1, 1), np.uint8)


@cuda.jit
def _adam(weights, gradient, mask, masked, moments, rates, start, stop):
    n_inputs, size = weights.shape[1], weights.shape[0] // rates.shape[0]
    for i in range(cuda.grid(1), (stop - start) * n_inputs, cuda.gridsize(1)):
        n, j = start + i // n_inputs, i % n_inputs
        numbers = rates[n // size]
        g = gradient[n, j] - numbers[7] * weights[n, j]
        if masked:
            g *= np.float32(mask[n, j])
        weights[n, j], moments[0, n, j], moments[1, n, j] = adam_step(
            weights[n, j], g, moments[0, n, j], moments[1, n, j], numbers
        )


def adam(weights, gradient, mask, moments, rates, start, stop):
    """One ascending Adam step, as on the CPU."""
    masked = mask.size > 0
    mask = mask if masked else _no_mask()
    n_blocks = blocks_for(weights.size)
    device.launch(_adam, n_blocks, weights, gradient, mask, masked, moments, rates, start, stop)


@cuda.jit
def _sgd(weights, gradient, mask, masked, rates, start, stop):
    n_inputs, size = weights.shape[1], weights.shape[0] // rates.shape[0]
    for i in range(cuda.grid(1), (stop - start) * n_inputs, cuda.gridsize(1)):
        n, j = start + i // n_inputs, i % n_inputs
        rate, decay = rates[n // size, 0], rates[n // size, 1]
        g = gradient[n, j] - decay * weights[n, j]
        if masked:
            g *= np.float32(mask[n, j])
        weights[n, j] += rate * g


def sgd(weights, gradient, mask, moments, rates, start, stop):
    """One ascending gradient step, as on the CPU."""
    masked = mask.size > 0
    mask = mask if masked else _no_mask()
    n_blocks = blocks_for(weights.size)
    device.launch(_sgd, n_blocks, weights, gradient, mask, masked, rates, start, stop)
