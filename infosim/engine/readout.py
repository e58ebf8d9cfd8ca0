"""The readout: which class its firing probabilities mean, and which of its neurons are inverted."""

import numpy as np

from infosim.errors import ShapeError
from infosim.machine.sizes import Sizes


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
    kernels, tape, n_replicas : of the simulator
    """

    def __init__(self, layer, inversion, kernels, tape, n_replicas):
        self.layer, self.inversion = layer, inversion
        self._kernels, self._tape, self._n_replicas = kernels, tape, n_replicas
        n, xp = layer.spec.size * n_replicas, kernels.xp
        self._inverted, self._never, self._now = (xp.zeros(n, np.uint8) for _ in range(3))
        #: how often each neuron was right, of how many samples: of this epoch, and as last decided
        self.agreement, self._withheld = (xp.zeros((n, 2), np.float64) for _ in range(2))

        def room(n_samples, array):
            return array("predictions", (n_replicas, n_samples), np.int64)

        def means(n_samples, array):
            return array("means", (2, n, n_samples), layer.dtype)

        self._predictions = Sizes(xp, room, tape.clear)
        self._means = Sizes(xp, means, tape.clear)

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

    def average(self, nth):
        """Take the last presentation, the nth of its samples from 0 on, into their mean."""
        mean, theta = self._means[self.layer.firing.n_samples], self.layer.firing.theta
        if nth:
            mean += (theta - mean) / (nth + 1)
        else:
            mean[...] = theta

    def read(self, averaged=False):
        """The class of each sample of the last presentation, int64 (R, B), where the kernels are.

        averaged : whether the mean of several presentations is read (`average`)

        The next call overwrites it.
        """
        n_samples, predictions = self._room()
        theta = self._theta(averaged)
        self._tape.play(("read", averaged, n_samples), self._read, theta, predictions)
        return predictions

    def sureness(self, averaged=False):
        """How surely each neuron says "mine", θ or 1 - θ, 0 if it is absent: float64 (R, B, C)."""
        theta = np.asarray(self._kernels.host(self._theta(averaged)))
        inverted, absent = self._inverted, self.layer.imposed.absent
        if self.inversion == "batch":
            self.read(averaged)
            inverted = self._now
        inverted, absent = (np.asarray(self._kernels.host(a))[:, None] for a in (inverted, absent))
        mine = np.where(absent, 0, np.where(inverted, theta[1], theta[0]))
        shape = self._n_replicas, -1, mine.shape[1]
        return mine.astype(np.float64).reshape(shape).transpose(0, 2, 1)

    def _theta(self, averaged):
        """What is read, (2, N, B): that of the last presentation, or the mean of several."""
        return self._means[self.layer.firing.n_samples] if averaged else self.layer.firing.theta

    def count_wrong(self, labels, rows, wrong, learning=False):
        """The same, and its mistakes are added to `wrong`, (R,).

        labels : of all samples; rows : of those presented, (R, B); both where the kernels are
        learning : whether to count, too, how often each neuron is right; those are inverted then
            that were wrong more often than right in this epoch so far
        """
        learning = learning and self.learned
        n_samples, predictions = self._room()
        count = self._count_learning if learning else self._count
        data = labels, rows, wrong
        self._tape.play(("count", learning, n_samples), count, predictions, *data, data=data)
        return predictions

    def begin_decision(self):
        """Begin to decide which neurons are inverted."""
        self._withheld.fill(0)

    def tally(self, labels, rows):
        """Count how often each neuron is right in what was presented last, label withheld."""
        n_samples, data = self.layer.firing.n_samples, (labels, rows)
        self._tape.play(("tally", n_samples), self._tally, *data, self._withheld, data=data)

    def decide(self):
        """Invert the neurons that were wrong more often than right since the decision was begun.

        One that was exactly as often wrong as right is decided by the epoch, with the label
        present, and not inverted if that cannot tell either.
        """
        before = self._inverted.copy()
        self._tape.play("decide", self._decide)
        # what fires as an intervention says tells nothing of the neuron
        self._inverted[...] = self.layer.imposed.kept(self._inverted, before)

    def _room(self):
        """The number of samples presented last, and where their predictions go, (R, B)."""
        n_samples = self.layer.firing.n_samples
        return n_samples, self._predictions[n_samples]

    # -- calls -----------------------------------------------------------------------------------

    def _classify(self, theta, inverted, predictions, k):
        absent = self.layer.imposed.absent
        k.classify(theta=theta, inverted=inverted, absent=absent, predictions=predictions)

    def _read(self, theta, predictions, k):
        inverted = self._inverted
        if self.inversion == "batch":
            inverted = self._now
            k.mostly_firing(theta=theta, inverted=inverted)
        self._classify(theta, inverted, predictions, k)

    def _count(self, predictions, labels, rows, wrong, k):
        self._read(self.layer.firing.theta, predictions, k)
        k.count_wrong(predictions=predictions, labels=labels, rows=rows, wrong=wrong)

    def _tally(self, labels, rows, agreement, k):
        k.tally(theta=self.layer.firing.theta, labels=labels, rows=rows, agreement=agreement)

    def _count_learning(self, predictions, labels, rows, wrong, k):
        self._tally(labels, rows, self.agreement, k)
        k.invert(agreement=self.agreement, otherwise=self._never, inverted=self._now)
        self._classify(self.layer.firing.theta, self._now, predictions, k)
        k.count_wrong(predictions=predictions, labels=labels, rows=rows, wrong=wrong)

    def _decide(self, k):
        k.invert(agreement=self.agreement, otherwise=self._never, inverted=self._now)
        k.invert(agreement=self._withheld, otherwise=self._now, inverted=self._inverted)
