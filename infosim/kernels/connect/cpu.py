"""Connections on the CPU: what reaches neurons, and the gradients of weights."""

import numpy as np

from infosim.jit import frugal
from infosim.kernels.common import ZERO, dot, replica_of


def project(weights, x, u):
    """Potentials of densely connected neurons, u = W x, by BLAS.

    weights : (r, n, I); x : (r, I, b), any memory order; u : written, (r, n, b), rows contiguous
    """
    np.matmul(weights, x, out=u)


def accumulate(delta, x, gradient):
    """Gradient of the weights of densely connected neurons, δ xᵀ, by BLAS.

    delta : (r, n, B); x : (r, I, B), any memory order; gradient : written, (r, n, I)
    """
    np.matmul(delta, x.transpose(0, 2, 1), out=gradient)


def silence(tile, u):
    """Potentials of neurons whose source is silent: zero. tile : as for `activate`; u : (N, B)"""
    start, stop, first, last = tile
    u[start:stop, first:last] = 0


@frugal
def hold(which, values, tile, u):
    """Let the rows of some neurons be what they are held at.

    which : uint8 (N,); values : (N,), of those; tile : as for `activate`; u : written there, (N, B)
    """
    first, last = np.uint64(tile[2]), np.uint64(tile[3])
    for n in range(tile[0], tile[1]):
        if which[n]:
            for s in range(first, last):
                u[n, s] = values[n]


@frugal
def shift(values, tile, u):
    """Add its number of `values` (N,) to each neuron's row of u (N, B), in a tile."""
    first, last = np.uint64(tile[2]), np.uint64(tile[3])
    for n in range(tile[0], tile[1]):
        for s in range(first, last):
            u[n, s] += values[n]


@frugal
def project_single(weights, index, x, tile, u):
    """Potentials of neurons with one input each, all as for `project_sparse`: nothing is summed."""
    start, stop = tile[0], tile[1]
    r, _ = replica_of(start, weights.shape[0], len(x))
    first, last = np.uint64(tile[2]), np.uint64(tile[3])
    for n in range(start, stop):
        source, w = index[n, 0], weights[n, 0]
        for s in range(first, last):
            u[n, s] = w * x[r, source, s]


@frugal
def project_sparse(weights, index, x, tile, u):
    """Potentials of neurons with few inputs: u_n = Σ_j weights[n, j] x[index[n, j]].

    weights, index : (N, k), int32; x : (R, n_in, B); tile : as for `activate`
    u : written, (N, B)
    """
    start, stop = tile[0], tile[1]
    r, _ = replica_of(start, weights.shape[0], len(x))
    first, last = np.uint64(tile[2]), np.uint64(tile[3])
    for n in range(start, stop):
        for s in range(first, last):
            u[n, s] = ZERO
        in_fours = weights.shape[1] // 4 * 4
        for j in range(0, in_fours, 4):  # four inputs for one look at the sum
            x0, x1, x2, x3 = index[n, j], index[n, j + 1], index[n, j + 2], index[n, j + 3]
            w0, w1, w2, w3 = weights[n, j], weights[n, j + 1], weights[n, j + 2], weights[n, j + 3]
            for s in range(first, last):
                u[n, s] += w0 * x[r, x0, s] + w1 * x[r, x1, s] + w2 * x[r, x2, s] + w3 * x[r, x3, s]
        for j in range(in_fours, weights.shape[1]):
            source, w = index[n, j], weights[n, j]
            for s in range(first, last):
                u[n, s] += w * x[r, source, s]


@frugal
def accumulate_sparse(delta, index, x, start, stop, gradient):
    """Gradient of the weights of neurons with few inputs: Σ_s delta[n, s] x[index[n, j], s].

    delta : (N, B); index : int32 (N, k); x : (R, n_in, B); gradient : written, (N, k)
    """
    replica, _ = replica_of(start, delta.shape[0], len(x))
    inputs = x[replica]
    for n in range(start, stop):
        for j in range(gradient.shape[1]):
            gradient[n, j] = dot(delta[n], inputs[index[n, j]])


@frugal
def spread(weights, index, start, stop, dense):
    """The matrix that sparse weights stand for.

    weights, index : (N, k), int32; dense : written, (N, n_in), 0 where there is no connection
    """
    for n in range(start, stop):
        for i in range(dense.shape[1]):
            dense[n, i] = ZERO
        for j in range(weights.shape[1]):
            dense[n, index[n, j]] = weights[n, j]


@frugal
def add(values, factor, tile, total):
    """Add `factor` times `values` to `total`, both (N, M), in tile (start, stop, first, last)."""
    for n in range(tile[0], tile[1]):
        for m in range(tile[2], tile[3]):
            total[n, m] += factor * values[n, m]
