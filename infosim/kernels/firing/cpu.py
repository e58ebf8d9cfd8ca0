"""Firing on the CPU: from potentials to probabilities and outputs, and a gradient's way back."""

from functools import cache

import numpy as np

from infosim.jit import frugal, inline, kernel, shared
from infosim.kernels.common import ONE, replica_of, total
from infosim.kernels.firing.scalar import philox, potentials, probabilities, pull, spread, unit

#: Samples are numbered in blocks of 64, 16 Philox counters with four words each, so that the inner
#: loop over counters runs in vector lanes and writes contiguously.
_LANES = 16
_BLOCK = 4 * _LANES


@inline
def _random_row(seed, place, neuron, block, row):
    """Fill `row`, uint32 (a multiple of 64,), with a neuron's random words from `block` on."""
    c1 = np.uint64(neuron)
    c2, c3 = np.uint64(place[1]), np.uint64(place[2])
    k0, k1 = seed, place[0]
    for i in range(len(row) // _BLOCK):
        start = i * _BLOCK
        c0 = (block + i) * _LANES
        for lane in range(_LANES):
            x0, x1, x2, x3 = philox(np.uint64(c0 + lane), c1, c2, c3, k0, k1)
            row[start + lane] = np.uint32(x0)
            row[start + _LANES + lane] = np.uint32(x1)
            row[start + 2 * _LANES + lane] = np.uint32(x2)
            row[start + 3 * _LANES + lane] = np.uint32(x3)


@shared(makes_arrays=True)
def _draw(theta, off, sampled, seeds, place, tile, y):
    """Outputs of neurons with firing probabilities θ; all as `activate` takes and leaves it."""
    start, stop = tile[0], tile[1]
    first, last = np.uint64(tile[2]), np.uint64(tile[3])  # unsigned: an index is never negative
    if sampled:
        replica, origin = replica_of(start, y.shape[0], len(seeds))
        words = np.empty((tile[3] - tile[2] + _BLOCK - 1) // _BLOCK * _BLOCK, np.uint32)
        own, block = place[:, replica], tile[2] // _BLOCK
        for n in range(start, stop):
            _random_row(seeds[replica], own, n - origin, block, words)
            for s in range(first, last):
                y[n, s] = ONE if unit(words[s - first]) < theta[0, n, s] else off
    else:
        for n in range(start, stop):
            for s in range(first, last):
                y[n, s] = ONE if theta[0, n, s] > np.float32(0.5) else off


@cache
def activate(scalar, n_compartments):
    """An activation's kernel: potentials to probabilities and outputs.

    u : potentials without bias, (K, N, B); bias : (K, N); p : packed parameters, (R, P)
    current : added to the drive A, (N,)
    clamp : θ stays in [clamp, 1 - clamp]; off : the output of a neuron that does not fire, of the
        same precision; sampled : fire with probability θ, else iff θ > ½
    seeds : uint32 (R,); place : uint32 (3, R), stream, layer and step, and batch. With the neuron's
        number in its replica and the sample's they say which random numbers are meant
    tile : (start, stop, first, last), neurons and samples to compute; first is a multiple of 64
    theta : written, (2, N, B), the firing probability θ, then 1 - θ with digits of its own
    y : written, (N, B), 1 or `off`
    """
    potential = potentials(n_compartments)

    @kernel
    def activate(u, bias, current, p, clamp, off, sampled, seeds, place, tile, theta, y):
        first, last = np.uint64(tile[2]), np.uint64(tile[3])
        replica, _ = replica_of(tile[0], u.shape[1], len(p))
        parameters = p[replica]
        for n in range(tile[0], tile[1]):
            for s in range(first, last):
                drive, _ = scalar(potential(u, bias, n, s), parameters)
                theta[0, n, s], theta[1, n, s] = probabilities(drive + current[n], clamp)
        _draw(theta, off, sampled, seeds, place, tile, y)

    return activate


@cache
def chain(scalar, n_compartments):
    """An activation's kernel (u, bias, p, clamp, theta, slope, start, stop, delta, bias_gradient).

    p : (R, P); theta : as `activate` leaves it, (2, N, B); slope : ∂G/∂θ, (N, B)
    delta : written, ∂G/∂u_k = ∂G/∂θ θ(1-θ) ∂A/∂u_k, (K, N, B)
    bias_gradient : written, its sum over samples, (K, N)
    """
    potential, write = potentials(n_compartments), spread(n_compartments)

    @kernel
    def chain(u, bias, p, clamp, theta, slope, start, stop, delta, bias_gradient):
        n_samples = np.uint64(u.shape[2])
        replica, _ = replica_of(start, u.shape[1], len(p))
        parameters = p[replica]
        for n in range(start, stop):
            for s in range(n_samples):
                _, slopes = scalar(potential(u, bias, n, s), parameters)
                g = pull(slope[n, s], theta[0, n, s], theta[1, n, s], clamp)
                write(g, slopes, delta, n, s)
            _sum(delta, n, bias_gradient)

    return chain


@shared()
def _sum(delta, n, bias_gradient):
    """The gradient of neuron n's biases, ∂G/∂u_k summed over samples."""
    for k in range(delta.shape[0]):
        bias_gradient[k, n] = total(delta[k, n])


@frugal
def add_direct(direct, start, stop, delta, bias_gradient):
    """Add what potentials do to the goal beside what they do to θ, where bins are soft.

    direct : ∂G/∂u_k where θ is held, (K, N, B); delta, bias_gradient : as `chain` leaves them
    """
    for n in range(start, stop):
        for k in range(delta.shape[0]):
            for s in range(delta.shape[2]):
                delta[k, n, s] += direct[k, n, s]
        _sum(delta, n, bias_gradient)
