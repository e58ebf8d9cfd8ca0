"""What is read of a layer, on a GPU: classes and mistakes, and the loss of logits."""

import math

import numpy as np

from infosim.elementary import exp
from infosim.kernels import device
from infosim.kernels.common import ZERO
from infosim.kernels.device import MOST_BLOCKS, THREADS, block_sum, blocks_for, cuda
from infosim.kernels.readout.scalar import climb, surer, wrong_rather


@cuda.jit
def _classify(theta, inverted, absent, predictions):
    size, n_samples = theta.shape[1] // predictions.shape[0], theta.shape[2]
    for i in range(cuda.grid(1), predictions.size, cuda.gridsize(1)):
        r, s = i // n_samples, i % n_samples
        answer, first = 0, True
        best, least = theta[0, 0, s], theta[1, 0, s]
        for j in range(size):
            n = r * size + j
            if absent[n]:
                continue
            says = inverted[n]
            mine, other = theta[says, n, s], theta[1 - says, n, s]
            if first or surer(mine, other, best, least):
                best, least, answer, first = mine, other, j, False
        predictions[r, s] = answer


def classify(theta, inverted, absent, predictions):
    """The class of each sample, as on the CPU: a thread per sample."""
    device.launch(_classify, blocks_for(predictions.size), theta, inverted, absent, predictions)


@cuda.jit
def _mostly_firing(theta, inverted):
    values = cuda.shared.array(THREADS, np.float64)
    for n in range(cuda.blockIdx.x, inverted.size, cuda.gridDim.x):
        result = 0.0
        for s in range(cuda.threadIdx.x, theta.shape[2], cuda.blockDim.x):
            result += theta[0, n, s]
        values[cuda.threadIdx.x] = result
        whole = block_sum(values)
        if cuda.threadIdx.x == 0:
            inverted[n] = np.uint8(whole >= 0.5 * theta.shape[2])
        cuda.syncthreads()


def mostly_firing(theta, inverted):
    """Let neurons be inverted that fire in half of this batch or more, as on the CPU."""
    device.launch(_mostly_firing, min(inverted.size, MOST_BLOCKS), theta, inverted)


@cuda.jit
def _tally(theta, labels, rows, agreement):
    values = cuda.shared.array(THREADS, np.float64)
    size, n_samples = agreement.shape[0] // rows.shape[0], theta.shape[2]
    for n in range(cuda.blockIdx.x, agreement.shape[0], cuda.gridDim.x):
        replica, own = n // size, n % size
        right = 0.0
        for s in range(cuda.threadIdx.x, n_samples, cuda.blockDim.x):
            right += theta[0 if labels[rows[replica, s]] == own else 1, n, s]
        values[cuda.threadIdx.x] = right
        whole = block_sum(values)
        if cuda.threadIdx.x == 0:
            agreement[n, 0] += whole
            agreement[n, 1] += n_samples
        cuda.syncthreads()


def tally(theta, labels, rows, agreement):
    """Count how often each neuron is right, as on the CPU: a block of threads per neuron."""
    device.launch(_tally, min(len(agreement), MOST_BLOCKS), theta, labels, rows, agreement)


@cuda.jit
def _invert(agreement, otherwise, inverted):
    for n in range(cuda.grid(1), inverted.size, cuda.gridsize(1)):
        inverted[n] = wrong_rather(agreement[n, 0], agreement[n, 1], otherwise[n])


def invert(agreement, otherwise, inverted):
    """Let neurons be inverted that are wrong more often than right, as on the CPU."""
    device.launch(_invert, blocks_for(inverted.size), agreement, otherwise, inverted)


@cuda.jit
def _count_wrong(predictions, labels, rows, wrong):
    n_samples = predictions.shape[1]
    for i in range(cuda.grid(1), predictions.size, cuda.gridsize(1)):
        r, s = i // n_samples, i % n_samples
        if predictions[r, s] != labels[rows[r, s]]:
            cuda.atomic.add(wrong, r, 1)


def count_wrong(predictions, labels, rows, wrong):
    """Add to `wrong` how many predictions differ from their labels, as on the CPU."""
    device.launch(_count_wrong, blocks_for(predictions.size), predictions, labels, rows, wrong)


@cuda.jit
def _cross_entropy(theta, target, start, stop, first, last, slope, loss):
    size, n_samples = theta.shape[0] // target.shape[0], theta.shape[1]
    for i in range(cuda.grid(1), (stop - start) * (last - first), cuda.gridsize(1)):
        r, s = start + i // (last - first), first + i % (last - first)
        whole = chosen = theta[0, 0] * ZERO
        for j in range(size):
            t = theta[r * size + j, s]
            whole += exp(t)
            chosen += target[r, j, s] * t
        for j in range(size):
            n = r * size + j
            slope[n, s] = climb(exp(theta[n, s]) / whole, target[r, j, s], n_samples)
        loss[r, s] = math.log(whole) - chosen


def cross_entropy(theta, target, tile, slope, loss):
    """Each sample's loss and its slope, as on the CPU: a thread per sample."""
    device.launch(_cross_entropy, blocks_for(loss.size), theta, target, *tile, slope, loss)
