"""Prediction: which class the readout gives samples, with or without labels to compare with."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from infosim.engine.readout import Readout
from infosim.engine.stepper import Stepper
from infosim.errors import ConfigError, DataError, ShapeError, brief, integer
from infosim.machine.mapped import Mapped
from infosim.machine.randomness import Purpose, stream
from infosim.machine.samples import Samples

#: Samples that are presented at once to be evaluated. A sample's random numbers are those of its
#: place among so many, and BLAS rounds by the size of a product: with a number that nobody chooses
#: the results are the same bits in batches of any size.
_AT_ONCE = 1024
#: And where nothing is random: always exactly so many, whatever is asked for, filled up with the
#: last sample. A sample is then rounded alike beside any others, in any place, and alone.
_BLOCK = 256
#: Presentations of the same samples are as many batches apart in their random numbers.
_APART = 2**20
_MOST_PRESENTATIONS = 2**32 // _APART


@dataclass(frozen=True)
class Evaluation:
    """What the readout made of some samples.

    error : fraction of wrong predictions; predictions, labels : (n,) integers
    """

    error: float
    predictions: np.ndarray
    labels: np.ndarray

    def confusion(self, n_classes):
        """Counts (n_classes, n_classes): rows true, columns predicted."""
        counts = np.zeros((n_classes, n_classes), np.int64)
        np.add.at(counts, (self.labels, self.predictions), 1)
        return counts


class Prediction(Stepper):
    """What a `Simulator` says of samples.

    A sample's random numbers are those of its row: no batch size changes a bit. With
    `sampled=False` nothing is random, and what is said of a sample is the same bits beside any
    others, so that `predict(x)[i:j]` is `predict(x[i:j])`; but of a network whose inversion is
    "batch", where a class depends on which others are in the batch.
    """

    def _begin(self):
        super()._begin()
        self.readout = None
        if self.network.readout is not None:
            layer = self.layers[self.network.readout]
            self.readout = Readout(
                layer, self.network.inversion, self.kernels, self.tape, self.n_replicas
            )

    def predict(
        self, x, *, batch=1024, sampled=True, presentations=1, purpose=Purpose.TEST, epoch=0
    ):
        """The class of each sample, int64 (n,), or (R, n) of replicas; no labels are needed.

        x : Samples, or input name -> array; or (n, units), or (n, steps, units) of a sequence, if
            there is one input beside the target. The target is withheld
        batch : changes nothing, unless the network's inversion is "batch"
        sampled : neurons fire at random as in training; else each takes its likelier output
        presentations : with independent random numbers each, the mean of whose firing
            probabilities is read; 1 is the single draw by which results are published
        purpose, epoch : of the random numbers

        Raises
        ------
        ConfigError : the network has no readout layer; batch or presentations out of range
        DataError, ShapeError : x is not what the network reads

        Examples
        --------
        >>> import numpy as np
        >>> from infosim import Activation, Compartment, Layer, Network, Simulator
        >>> layer = Layer("out", 2, [Compartment("F", "x", bias=False)], Activation("feedforward"))
        >>> net = Simulator(Network({"x": 2}, [layer], readout="out"))
        >>> net["out"]["F"].weights = np.eye(2)
        >>> x = [[1.0, -1.0], [-3.0, 3.0], [0.0, 2.0]]
        >>> net.predict(x), net.score(x, [0, 1, 1])
        (array([0, 1, 1]), 1.0)
        >>> net.predict_proba(x).round(2)
        array([[0.73, 0.27],
               [0.05, 0.95],
               [0.36, 0.64]])
        """
        samples = self._unlabelled("predict", x)
        classes = np.empty((self.n_replicas, len(samples)), np.int64)
        options = batch, sampled, presentations, purpose, epoch
        with self.workers.engaged():
            for span, averaged in self._to_read(samples, *options):
                found = self.kernels.host(self.readout.read(averaged))
                classes[:, span] = found[:, : span.stop - span.start]
        return classes if self.n_replicas > 1 else classes[0]

    def predict_proba(
        self, x, *, batch=1024, sampled=True, presentations=1, purpose=Purpose.TEST, epoch=0
    ):
        """How surely the readout says each class, float64 (n, C), or (R, n, C) of replicas.

        These are the firing probabilities θ of its neurons, 1 - θ where they are inverted and 0
        where they are lesioned, divided by their sum; where all are 0, 1/C each. What `predict`
        says has the largest; of several that are equal it is the one whose 1 - θ (θ) has the
        smallest, or else the first. Arguments and errors as for `predict`.
        """
        samples = self._unlabelled("predict_proba", x)
        n_classes = self.readout.layer.spec.size
        sure = np.empty((self.n_replicas, len(samples), n_classes))
        options = batch, sampled, presentations, purpose, epoch
        with self.workers.engaged():
            for span, averaged in self._to_read(samples, *options):
                sure[:, span] = self.readout.sureness(averaged)[:, : span.stop - span.start]
        total = sure.sum(axis=2, keepdims=True)
        shares = np.divide(sure, total, out=np.full_like(sure, 1 / n_classes), where=total > 0)
        return shares if self.n_replicas > 1 else shares[0]

    def score(
        self, x, y, *, batch=1024, sampled=True, presentations=1, purpose=Purpose.TEST, epoch=0
    ):
        """The fraction of samples whose class is that of y, of each replica (R,) if several.

        y : integer labels (n,), or (R, n) for each replica its own. Else as `predict`

        Raises
        ------
        DataError : labels of another number or type, or outside the classes; and as `predict`
        """
        samples = self._unlabelled("score", x)
        labels = _labels(y, self.n_replicas, len(samples), self.readout.layer.spec.size)
        classes = self.predict(
            samples, batch=batch, sampled=sampled, presentations=presentations, purpose=purpose,
            epoch=epoch,
        )  # fmt: skip
        right = (classes == labels).mean(axis=-1)
        return right if self.n_replicas > 1 else float(np.ravel(right)[0])

    def evaluate(self, inputs, *, batch=1024, sampled=True, purpose=Purpose.TEST, epoch=0):
        """Predict labels with the target input withheld; an `Evaluation`, or one of each replica.

        inputs : Samples, or input name -> array, with the target's labels to compare with. Else as
            `predict`

        Raises
        ------
        ConfigError : the network has no readout layer or no target input, batch below 1
        DataError : the samples lack the target input
        """
        self._check_readout("evaluate")
        samples = self.samples(inputs)
        integer("batch", batch)
        labels = samples.labels(self.network.target)
        classes = self.predict(samples, batch=batch, sampled=sampled, purpose=purpose, epoch=epoch)
        classes = np.atleast_2d(classes)
        labels = np.broadcast_to(labels, classes.shape)
        wrong = (classes != labels).sum(axis=1)
        evaluations = [
            Evaluation(float(wrong[r] / len(samples)), classes[r].copy(), labels[r].copy())
            for r in range(self.n_replicas)
        ]
        return evaluations if self.n_replicas > 1 else evaluations[0]

    def mistakes(self, samples, *, batch=1024, purpose=Purpose.TEST, epoch=0):
        """The fraction of samples (R,) whose class `evaluate` finds wrong, and nothing else."""
        self._check_readout("mistakes")
        samples = self.samples(samples)
        labels = samples.resident_labels(self.network.target, self.kernels)
        at_once = batch if self.network.inversion == "batch" else _AT_ONCE
        withheld = (self.network.target,)
        with self.workers.engaged():
            self._wrong.fill(0)
            place = stream(purpose, epoch)
            for _ in self.passing(samples, withheld, stream=place, at_once=at_once):
                self.readout.count_wrong(labels, self._rows, self._wrong)
            return np.array(self.kernels.host(self._wrong)) / len(samples)

    def predictions(self):
        """The readout's class for each sample of the last presentation, (B,) or (R, B).

        Neurons that tell their class by being silent are read as such (`Readout`).

        Raises
        ------
        ConfigError : the network has no readout layer
        DataError : nothing was presented yet
        """
        self._check_readout("predictions", labels=False)
        self[self.network.readout].check_fired()
        with self.workers.engaged():
            predictions = np.array(self.kernels.host(self.readout.read()))
        return predictions if self.n_replicas > 1 else predictions[0]

    def learn_inversion(self, inputs, *, epoch=0):
        """Learn which readout neurons tell their class by being silent (`Readout`).

        `fit` does this in every epoch; do it where weights were set or learnt by hand, before
        `evaluate`. `simulator.readout.inverted` says which they are.

        inputs : training samples, with their labels, which are withheld from the network

        Raises
        ------
        ConfigError : the network has no readout or target, or another `inversion` than "learned"
        """
        self._check_readout("learn_inversion")
        if not self.readout.learned:
            raise ConfigError(
                f"learn_inversion needs inversion 'learned', was {self.network.inversion!r}"
            )
        samples = self.samples(inputs)
        self.decide_inversion(samples, np.arange(len(samples)), epoch)

    def decide_inversion(self, samples, positions, epoch):
        """`learn_inversion` from the samples at `positions`, (n,) or (R, n)."""
        target = self.network.target
        labels = samples.resident_labels(target, self.kernels)
        with self.workers.engaged():
            self.readout.begin_decision()
            passing = self.passing(
                samples, (target,), stream=stream(Purpose.INVERSION, epoch), positions=positions
            )
            for _ in passing:
                self.readout.tally(labels, self._rows)
            self.readout.decide()

    def count_wrong(self, labels, wrong):
        """Add the mistakes in the batch that was learnt from last to `wrong` (R,).

        labels : of all rows of the samples' arrays; both where the kernels are
        """
        self.readout.count_wrong(labels, self._rows, wrong, learning=True)

    # -- what presents samples -------------------------------------------------------------------

    def passing(
        self,
        samples,
        without=(),
        sampled=True,
        stream=Purpose.FREE,
        at_once=_AT_ONCE,
        positions=None,
    ):
        """Present samples without learning, so many at once; yields the slice of each batch.

        without : inputs that are withheld
        stream : of the random numbers, of which a sample has those of its place
        positions : (n,) or (R, n), which samples; by default all, in their order
        """
        for number, span in self._gathered(samples, without, at_once, positions):
            self._pass(sampled, stream, number)
            yield span

    def _to_read(self, samples, batch, sampled, presentations, purpose, epoch):
        """Present samples for the readout; yields each part's slice, and whether to read a mean."""
        batch = integer("batch", batch)
        presentations = integer("presentations", presentations, 1, _MOST_PRESENTATIONS)
        if presentations > 1 and not sampled:
            raise ConfigError(
                f"presentations must be 1 with sampled=False, which draws nothing, was "
                f"{presentations}"
            )
        without, place = (self.network.target,), stream(purpose, epoch)
        by_batch = self.network.inversion == "batch"
        filled = not sampled and not by_batch
        at_once = _BLOCK if filled else batch if by_batch else _AT_ONCE
        for number, span in self._gathered(samples, without, at_once, filled=filled):
            for again in range(presentations):
                self._pass(sampled, place, number + again * _APART)
                if presentations > 1:
                    self.readout.average(again)
            yield span, presentations > 1

    def _gathered(self, samples, without, at_once, positions=None, filled=False):
        """Gather samples, so many at once; yields the number and the slice of each part.

        filled : whether the last part is filled up with its last sample
        """
        rows = self.rows(samples, np.arange(len(samples)) if positions is None else positions)
        n, xp = rows.shape[1], self.kernels.xp
        spans = [slice(first, min(first + at_once, n)) for first in range(0, n, at_once)]

        def part(span):
            if filled and span.stop - span.start < at_once:
                return rows[:, xp.minimum(xp.arange(span.start, span.start + at_once), n - 1)]
            return rows[:, span]

        for number, span in enumerate(spans):
            then = part(spans[number + 1]) if number + 1 < len(spans) else None
            # whether it is sparse would depend on the other samples
            given = {"without": without, "dense": filled, "later": True, "then": then}
            self.gather(samples, part(span), **given)
            yield number, span

    def _pass(self, sampled, stream, number):
        """Present what was gathered, without learning."""
        self.present(*self.gathered, sampled=sampled, stream=stream, batch=number, carry=False)
        self.run()

    def _check_readout(self, what, labels=True):
        if self.network.readout is None or (labels and self.network.target is None):
            target = " and a target input" if labels else ""
            raise ConfigError(f"{what} needs a network with a readout layer{target}")

    def _unlabelled(self, what, x):
        """What is given to be predicted, as Samples that fit this network."""
        self._check_readout(what, labels=False)
        target = self.network.target
        inputs = [name for name in self.network.inputs if name != target]
        if isinstance(x, Mapping):
            x = {name: array for name, array in x.items() if name != target}
        elif not isinstance(x, Samples):
            if len(inputs) != 1:
                raise DataError(
                    f"{what} needs arrays by name, of the inputs {', '.join(inputs) or 'none'}, "
                    f"was a {type(x).__name__}"
                )
            x = {inputs[0]: _rows(what, x)}
        if not (x.arrays if isinstance(x, Samples) else x).keys() - {target}:
            raise DataError(f"{what} needs an input beside the target {target!r}, was none")
        return self.samples(x)


def _rows(what, x):
    """x as an array of samples, one a row."""
    try:
        array = x if isinstance(x, Mapped) else np.asarray(x)
    except ValueError:
        raise ShapeError(f"{what}: rows must be of one length, was {brief(x)}") from None
    if array.ndim not in (2, 3):
        raise ShapeError(
            f"{what} needs (n, units), or (n, steps, units) of sequences, was {array.dtype} "
            f"{array.shape}"
        )
    return array


def _labels(y, n_replicas, n, n_classes):
    """Labels to compare with, integers (n,) or (R, n)."""
    try:
        labels = np.asarray(y)
    except ValueError:
        labels = np.empty((0, 0))
    if labels.dtype.kind not in "biu" or labels.shape not in ((n,), (n_replicas, n)):
        raise DataError(
            f"score needs {n} integer labels, one for each sample, was {labels.dtype} "
            f"{labels.shape}"
        )
    wrong = labels[(labels < 0) | (labels >= n_classes)]
    if wrong.size:
        raise DataError(f"score: label {wrong[0]} is outside 0 to {n_classes - 1}")
    return labels
