"""Firing on a GPU: from potentials to probabilities and outputs, and a gradient's way back."""

from functools import cache

import numpy as np

from infosim.kernels import device
from infosim.kernels.common import ONE
from infosim.kernels.device import THREADS, block_sum, blocks_for, cuda
from infosim.kernels.firing.scalar import philox, potentials, probabilities, pull, spread, unit


@cache
def activate(scalar, n_compartments):
    """An activation's kernel, as on the CPU: a thread draws the four samples of a counter."""
    potential = potentials(n_compartments)

    @cuda.jit
    def kernel(
        u, bias, current, p, clamp, off, sampled, seeds, place, start, stop, first, last, theta, y
    ):
        n_counters = (last - first + 63) // 64 * 16
        size = u.shape[1] // seeds.shape[0]
        for i in range(cuda.grid(1), (stop - start) * n_counters, cuda.gridsize(1)):
            n, counter = start + i // n_counters, i % n_counters
            replica = n // size
            words = philox(
                np.uint64(first // 4 + counter),
                np.uint64(n - replica * size),
                np.uint64(place[1, replica]),
                np.uint64(place[2, replica]),
                seeds[replica],
                place[0, replica],
            )
            for lane in range(4):
                s = first + counter // 16 * 64 + lane * 16 + counter % 16
                if s < last:
                    drive, _ = scalar(potential(u, bias, n, s), p[replica])
                    fires, silent = probabilities(drive + current[n], clamp)
                    theta[0, n, s] = fires
                    theta[1, n, s] = silent
                    threshold = unit(np.uint32(words[lane])) if sampled else np.float32(0.5)
                    y[n, s] = ONE if threshold < fires else off

    def activate(u, bias, current, p, clamp, off, sampled, seeds, place, tile, theta, y):
        n_blocks = blocks_for(-(-y.size // 4))
        numbers = u, bias, current, p, clamp, off, sampled, seeds, place
        device.launch(kernel, n_blocks, *numbers, *tile, theta, y)

    return activate


@cache
def chain(scalar, n_compartments):
    """An activation's kernel, as on the CPU: a block of threads per neuron."""
    potential, write = potentials(n_compartments), spread(n_compartments)

    @cuda.jit
    def kernel(u, bias, p, clamp, theta, slope, start, stop, delta, bias_gradient):
        values = cuda.shared.array(THREADS, np.float64)
        sums = cuda.local.array(n_compartments, np.float64)
        n_samples, size = u.shape[2], u.shape[1] // p.shape[0]
        t = cuda.threadIdx.x
        for n in range(start + cuda.blockIdx.x, stop, cuda.gridDim.x):
            for k in range(n_compartments):
                sums[k] = 0.0
            for s in range(t, n_samples, cuda.blockDim.x):
                _, slopes = scalar(potential(u, bias, n, s), p[n // size])
                g = pull(slope[n, s], theta[0, n, s], theta[1, n, s], clamp)
                write(g, slopes, delta, n, s)
                for k in range(n_compartments):
                    sums[k] += delta[k, n, s]
            for k in range(n_compartments):
                values[t] = sums[k]
                whole = block_sum(values)
                if t == 0:
                    bias_gradient[k, n] = whole
                cuda.syncthreads()  # before the next sum overwrites this one

    def chain(u, bias, p, clamp, theta, slope, start, stop, delta, bias_gradient):
        arguments = u, bias, p, clamp, theta, slope, start, stop, delta, bias_gradient
        device.launch(kernel, stop - start, *arguments)

    return chain


@cuda.jit
def _add_direct(direct, start, stop, delta, bias_gradient):
    values = cuda.shared.array(THREADS, np.float64)
    t = cuda.threadIdx.x
    for n in range(start + cuda.blockIdx.x, stop, cuda.gridDim.x):
        for k in range(delta.shape[0]):
            own = 0.0
            for s in range(t, delta.shape[2], cuda.blockDim.x):
                delta[k, n, s] += direct[k, n, s]
                own += delta[k, n, s]
            values[t] = own
            whole = block_sum(values)
            if t == 0:
                bias_gradient[k, n] = whole
            cuda.syncthreads()  # before the next sum overwrites this one


def add_direct(direct, start, stop, delta, bias_gradient):
    """Add what potentials do to the goal beside what they do to θ, as on the CPU."""
    device.launch(_add_direct, stop - start, direct, start, stop, delta, bias_gradient)
