"""Which of the factors that images are made of the neurons of a layer have found."""

import numpy as np

from infosim.machine.randomness import Purpose, stream

#: A neuron tells a factor if the magnitude of the correlation of its output is at least this. (That
#: of θ may be as large where every θ is within a thousandth of one half, which tells nothing.)
TOLD = 0.9


class FactorError:
    """The fraction of factors that no neuron of a layer tells, as `Training` measures it.

    layer : its name; factors : purpose of samples -> (n, k) of +1 and -1 for their arrays' rows
    """

    def __init__(self, layer, factors):
        self.layer, self.factors = layer, factors

    def __call__(self, simulator, samples, *, purpose, epoch, **_):
        found = self.correlations(simulator, samples, purpose=purpose, epoch=epoch)
        return np.array([1 - told(one).mean() for one in found])

    def correlations(self, simulator, samples, *, purpose=Purpose.TEST, epoch=0):
        """Correlation of every neuron with every factor, for each replica, (R, N, k)."""
        shown = outputs(simulator, self.layer, samples, purpose, epoch)
        factors = np.broadcast_to(
            self.factors[purpose][samples.index],
            (len(shown), len(samples), self.factors[purpose].shape[1]),
        )
        return np.stack([correlations(*pair) for pair in zip(shown, factors, strict=True)])


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
