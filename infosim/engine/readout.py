"""The readout: which class its firing probabilities mean, and which of its neurons are inverted."""

import numpy as np

from infosim.engine.threads import Plans
from infosim.errors import ShapeError


class Readout:
    """Reads classes from the firing probabilities of a layer with one neuron per class.

    Information is blind to sign: a neuron that tells its class by being silent has as good a goal
    as one that fires for it, and is read as 1 - θ. The predicted class is that of the neuron that
    says "mine" most surely. Which neurons are inverted is the network's `inversion`:

    * "learned": those that are wrong more often than right about whether a sample is of their
      class, in training samples, Σ (θ if it is, else 1 - θ) < n/2. So it is right for two classes
      and for unequal ones, and a sample's class does not depend on which others are in its batch.
    * "batch": those whose θ has a mean of at least ½ in the very batch that is read, as published
      (ICLR 2025); sensible only for many classes of equal size in batches that hold all of them.
    * "none": no neuron.

    Parameters
    ----------
    layer : LayerState
    inversion : of the `Network`
    kernels, workers, n_replicas : of the simulator
    """

    def __init__(self, layer, inversion, kernels, workers, n_replicas):
        self.layer, self.inversion = layer, inversion
        self._kernels, self._workers, self._n_replicas = kernels, workers, n_replicas
        n, xp = layer.spec.size * n_replicas, kernels.xp
        self._inverted, self._never, self._now = (xp.zeros(n, np.uint8) for _ in range(3))
        #: how often each neuron was right, of how many samples: of this epoch, and as last decided
        self.agreement, self._withheld = (xp.zeros((n, 2), np.float64) for _ in range(2))
        self._plans = Plans()

    @property
    def learned(self):
        """Whether the inverted neurons are something that is learnt."""
        return self.inversion == "learned"

    @property
    def inverted(self):
        """Which neurons are read as 1 - θ, boolean (N,), of all replicas side by side."""
        return self._kernels.host(self._inverted).astype(bool)

    @inverted.setter
    def inverted(self, value):
        value = np.asarray(value)
        if value.shape != self._inverted.shape or value.dtype != bool:
            raise ShapeError(
                f"inverted must be true or false for each of {len(self._inverted)} readout "
                f"neurons, was {value.dtype} {value.shape}"
            )
        self._inverted[...] = self._kernels.resident(value.astype(np.uint8))

    def arrays(self, replica):
        """What of a replica's readout is learnt, name -> array (live, not copies)."""
        if not self.learned:
            return {}
        return {f"{self.layer.spec.name}/inverted": self._inverted[self.rows(replica)]}

    def rows(self, replica):
        """Where a replica's neurons stand."""
        n = self.layer.spec.size
        return slice(replica * n, (replica + 1) * n)

    def begin_epoch(self):
        """Forget what was counted in the epoch before."""
        self.agreement.fill(0)

    def read(self):
        """The class of each sample of the last presentation, int64 (R, B), where the kernels are.

        The next call overwrites it.
        """
        return self._carry_out(self._reading)

    def count_wrong(self, labels, rows, wrong, learning=False):
        """The same, and its mistakes are added to `wrong`, (R,).

        labels : of all samples; rows : of those presented, (R, B); both where the kernels are
        learning : whether to count, too, how often each neuron is right; those are inverted then
            that were wrong more often than right in this epoch so far
        """
        build = self._counting_learning if learning and self.learned else self._counting
        return self._carry_out(build, labels, rows, wrong)

    def begin_decision(self):
        """Begin to decide which neurons are inverted."""
        self._withheld.fill(0)

    def tally(self, labels, rows):
        """Count how often each neuron is right in what was presented last, label withheld."""
        self._workers.run([[self._tallying(labels, rows, self._withheld)]])

    def decide(self):
        """Invert the neurons that were wrong more often than right since the decision was begun.

        One that was exactly as often wrong as right is decided by the epoch, with the label
        present, and not inverted if that cannot tell either.
        """
        invert = self._kernels.invert
        calls = [
            (invert, (self.agreement, self._never, self._now)),
            (invert, (self._withheld, self._now, self._inverted)),
        ]
        self._workers.run([calls])

    def _carry_out(self, build, *arrays):
        """Carry out the calls that `build` makes for these very arrays; returns the predictions."""
        variant = self.layer.theta, *arrays

        def made():
            shape = self._n_replicas, self.layer.n_samples
            predictions = self._kernels.xp.empty(shape, np.int64)
            return self._workers.prepared([build(predictions, *arrays)]), predictions

        plan, predictions = self._plans.made(build.__name__, variant, made)
        self._workers.run(plan)
        return predictions

    # -- calls -----------------------------------------------------------------------------------

    def _classifying(self, inverted, predictions):
        return self._kernels.classify, (self.layer.theta, inverted, predictions)

    def _tallying(self, labels, rows, agreement):
        return self._kernels.tally, (self.layer.theta, labels, rows, agreement)

    def _reading(self, predictions):
        if self.inversion != "batch":
            return [self._classifying(self._inverted, predictions)]
        return [
            (self._kernels.mostly_firing, (self.layer.theta, self._now)),
            self._classifying(self._now, predictions),
        ]

    def _counting(self, predictions, labels, rows, wrong):
        count = self._kernels.count_wrong, (predictions, labels, rows, wrong)
        return [*self._reading(predictions), count]

    def _counting_learning(self, predictions, labels, rows, wrong):
        return [
            self._tallying(labels, rows, self.agreement),
            (self._kernels.invert, (self.agreement, self._never, self._now)),
            self._classifying(self._now, predictions),
            (self._kernels.count_wrong, (predictions, labels, rows, wrong)),
        ]
