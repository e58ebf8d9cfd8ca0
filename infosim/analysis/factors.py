"""Which of the factors that images are made of the neurons of a layer have found."""

import numpy as np

from infosim.machine.randomness import Purpose, stream

#: A neuron tells a factor if the magnitude of the correlation of its output is at least this. (That
#: of θ may be as large where every θ is within a thousandth of one half, which tells nothing.)
TOLD = 0.9


def outputs(simulator, layer, samples, purpose=Purpose.TEST, epoch=0):
    """Outputs that a layer's neurons draw for all samples, (R, N, n)."""
    with simulator.workers.engaged():
        parts = [
            np.array(simulator[layer].output)
            for _ in simulator.passing(samples, stream=stream(purpose, epoch))
        ]
    drawn = np.concatenate(parts, axis=1)
    return drawn.reshape(simulator.n_replicas, -1, len(samples))


def correlations(values, factors):
    """Pearson correlation of values (N, B) with factors (B, k), (N, k); 0 if they never change."""
    values, factors = (_standardised(np.asarray(a, float)) for a in (values, np.transpose(factors)))
    return values @ factors.T


def _standardised(rows):
    """Rows without their mean, of length 1, or 0 where all values are equal."""
    rows = rows - rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    # rounding leaves something of equal values, too
    return rows / np.where(length > 1e-9 * np.sqrt(rows.shape[1]), length, np.inf)


def told(found):
    """Whether some neuron tells each factor, (k,); a neuron tells only the one it correlates most.

    found : correlations (N, k)
    """
    best = abs(found).argmax(axis=1)
    sure = abs(found).max(axis=1) >= TOLD
    return np.isin(np.arange(found.shape[1]), best[sure])
