"""What is read of a layer, on the CPU: classes and mistakes, and the loss of logits.

What NumPy does as well need not be compiled.
"""

import math

import numpy as np

from infosim.elementary import exp
from infosim.jit import frugal, kernel
from infosim.kernels.common import ZERO, total
from infosim.kernels.readout.scalar import climb, surer, wrong_rather


@kernel
def classify(theta, inverted, absent, predictions):
    """The class of each sample: the neuron that says "mine" most surely.

    theta : θ and 1 - θ, (2, N, B); inverted : uint8 (N,), neurons that say it by being silent
    absent : uint8 (N,), neurons whose class is none; predictions : written, int64 (R, B); of
    neurons that are equally sure the first, and 0 where all are absent
    """
    _, n_neurons, n_samples = theta.shape
    n_replicas = len(predictions)
    size = n_neurons // n_replicas
    best, least = np.empty(n_samples, theta.dtype), np.empty(n_samples, theta.dtype)
    for r in range(n_replicas):
        first = True
        for s in range(n_samples):
            predictions[r, s] = 0
        for i in range(size):
            if absent[r * size + i]:
                continue
            says = inverted[r * size + i]
            mine, other = theta[says, r * size + i], theta[1 - says, r * size + i]
            for s in range(n_samples):
                if first or surer(mine[s], other[s], best[s], least[s]):
                    best[s], least[s] = mine[s], other[s]
                    predictions[r, s] = i
            first = False


@frugal
def mostly_firing(theta, inverted):
    """Let neurons be inverted that fire in half of this batch or more (ICLR 2025).

    theta : (2, N, B); inverted : written, uint8 (N,)
    """
    n_samples = theta.shape[2]
    for n in range(len(inverted)):
        inverted[n] = np.uint8(total(theta[0, n]) >= 0.5 * n_samples)


def tally(theta, labels, rows, agreement):
    """Count how often each neuron is expected to say rightly whether a sample is of its class.

    theta : (2, N, B); labels : any integers; rows : of them, int64 (R, B)
    agreement : float64 (N, 2), to whose columns Σ (θ if it is, else 1 - θ) and B are added
    """
    size = len(agreement) // len(rows)
    for r, samples in enumerate(rows):
        own = slice(r * size, (r + 1) * size)
        is_it = labels[samples] == np.arange(size)[:, np.newaxis]
        right = np.where(is_it, theta[0, own], theta[1, own])
        # a sum in the order of samples
        agreement[own, 0] += np.cumsum(right, axis=1, dtype=np.float64)[:, -1]
        agreement[own, 1] += len(samples)


def invert(agreement, otherwise, inverted):
    """Let neurons be inverted that are wrong more often than right.

    agreement : as `tally` leaves it; otherwise : uint8 (N,), what to write of a neuron that is as
    often wrong as right; inverted : written, uint8 (N,)
    """
    for n in range(len(inverted)):
        inverted[n] = wrong_rather(agreement[n, 0], agreement[n, 1], otherwise[n])


def count_wrong(predictions, labels, rows, wrong):
    """Add to `wrong`, int64 (R,), how many predictions (R, B) differ from labels[rows], (R, B)."""
    for r, samples in enumerate(rows):
        wrong[r] += np.count_nonzero(predictions[r] != labels[samples])


@frugal
def cross_entropy(theta, target, tile, slope, loss):
    """Each sample's loss, log Σ_n exp θ_n - Σ_n target_n θ_n: firing probabilities as logits.

    theta : (N, B); target : one-hot, (R, N/R, B), any memory order
    tile : (start, stop, first, last), replicas and samples to compute
    slope : written, -∂/∂θ of its mean over samples, (N, B); loss : written, in nats, (R, B)
    """
    size, n_samples = theta.shape[0] // len(target), theta.shape[1]
    first, last = tile[2], tile[3]
    for r in range(tile[0], tile[1]):
        for s in range(first, last):
            loss[r, s] = ZERO
        for i in range(size):
            n = r * size + i
            for s in range(first, last):
                slope[n, s] = exp(theta[n, s])
                loss[r, s] += slope[n, s]
        for i in range(size):
            n = r * size + i
            for s in range(first, last):
                slope[n, s] = climb(slope[n, s] / loss[r, s], target[r, i, s], n_samples)
        for s in range(first, last):
            loss[r, s] = math.log(loss[r, s])
        for i in range(size):
            for s in range(first, last):
                loss[r, s] -= target[r, i, s] * theta[r * size + i, s]
