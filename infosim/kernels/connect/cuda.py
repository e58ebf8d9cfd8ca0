"""Connections on a GPU: what reaches neurons, and the gradients of weights."""

import numpy as np

from infosim.kernels import device
from infosim.kernels.device import MOST_BLOCKS, THREADS, block_sum, blocks_for, cuda


def project(weights, x, u):
    """Potentials of densely connected neurons, u = W x, by cuBLAS; as on the CPU."""
    _multiply(weights, x, u)


def accumulate(delta, x, gradient):
    """Gradient of the weights of densely connected neurons, δ xᵀ, by cuBLAS."""
    _multiply(delta, x.transpose(0, 2, 1), gradient)


def _multiply(a, b, out):
    if device.SIMULATED:
        for r in range(len(out)):
            device.xp.dot(a[r], b[r], out=out[r])
    else:
        device.lane_here().blas.multiply(a, b, out)


def silence(tile, u):
    """Potentials of neurons whose source is silent: zero. As on the CPU."""
    u[tile[0] : tile[1], tile[2] : tile[3]].fill(0)


@cuda.jit
def _hold(which, values, start, stop, first, last, u):
    n_samples = last - first
    for i in range(cuda.grid(1), (stop - start) * n_samples, cuda.gridsize(1)):
        n = start + i // n_samples
        if which[n]:
            u[n, first + i % n_samples] = values[n]


def hold(which, values, tile, u):
    """Let the rows of some neurons be what they are held at, as on the CPU."""
    device.launch(_hold, blocks_for(u.size), which, values, *tile, u)


@cuda.jit
def _shift(values, start, stop, first, last, u):
    n_samples = last - first
    for i in range(cuda.grid(1), (stop - start) * n_samples, cuda.gridsize(1)):
        n = start + i // n_samples
        u[n, first + i % n_samples] += values[n]


def shift(values, tile, u):
    """Add its number of `values` to each neuron's row, as on the CPU."""
    device.launch(_shift, blocks_for(u.size), values, *tile, u)


@cuda.jit
def _project_sparse(weights, index, x, start, stop, first, last, u):
    n_samples, size = last - first, weights.shape[0] // x.shape[0]
    for i in range(cuda.grid(1), (stop - start) * n_samples, cuda.gridsize(1)):
        n, s = start + i // n_samples, first + i % n_samples
        result = weights[n, 0] * x[n // size, index[n, 0], s]
        for j in range(1, weights.shape[1]):
            result += weights[n, j] * x[n // size, index[n, j], s]
        u[n, s] = result


def project_sparse(weights, index, x, tile, u):
    """Potentials of neurons with few inputs, as on the CPU: a thread per potential."""
    device.launch(_project_sparse, blocks_for(u.size), weights, index, x, *tile, u)


def project_single(weights, index, x, tile, u):
    """The same of neurons with one input each."""
    project_sparse(weights, index, x, tile, u)


@cuda.jit
def _accumulate_sparse(delta, index, x, start, stop, gradient):
    values = cuda.shared.array(THREADS, np.float64)
    size, k = delta.shape[0] // x.shape[0], gradient.shape[1]
    for i in range(cuda.blockIdx.x, (stop - start) * k, cuda.gridDim.x):
        n, j = start + i // k, i % k
        result = 0.0
        for s in range(cuda.threadIdx.x, delta.shape[1], cuda.blockDim.x):
            result += delta[n, s] * x[n // size, index[n, j], s]
        values[cuda.threadIdx.x] = result
        whole = block_sum(values)
        if cuda.threadIdx.x == 0:
            gradient[n, j] = whole
        cuda.syncthreads()


def accumulate_sparse(delta, index, x, start, stop, gradient):
    """Gradient of the weights of neurons with few inputs: a block of threads per weight."""
    n_blocks = min(gradient.size, 32 * MOST_BLOCKS)
    device.launch(_accumulate_sparse, n_blocks, delta, index, x, start, stop, gradient)


@cuda.jit
def _spread(weights, index, start, stop, dense):
    k = weights.shape[1]
    for i in range(cuda.grid(1), (stop - start) * k, cuda.gridsize(1)):
        n, j = start + i // k, i % k
        dense[n, index[n, j]] = weights[n, j]


def spread(weights, index, start, stop, dense):
    """The matrix that sparse weights stand for, as on the CPU."""
    dense[start:stop].fill(0)
    device.launch(_spread, blocks_for(weights.size), weights, index, start, stop, dense)


@cuda.jit
def _add(values, factor, start, stop, first, last, total):
    n_columns = last - first
    for i in range(cuda.grid(1), (stop - start) * n_columns, cuda.gridsize(1)):
        n, m = start + i // n_columns, first + i % n_columns
        total[n, m] += factor * values[n, m]


def add(values, factor, tile, total):
    """Add `factor` times `values` to `total`, as on the CPU."""
    device.launch(_add, blocks_for(total.size), values, factor, *tile, total)
