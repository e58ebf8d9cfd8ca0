"""Samples are presented without learning, and every neuron of every layer is looked at."""

from dataclasses import dataclass, field

import numpy as np

from infosim.analysis.neurons.probe import probe_error
from infosim.analysis.neurons.statistics import statistics
from infosim.errors import DataError
from infosim.machine.randomness import Purpose, stream

#: Samples that are looked at, of test and of training.
MOST_SAMPLES = 10_000
#: Samples that are presented without a neuron, of all neurons together; but for each so many.
MOST_LESIONED, FEWEST_LESIONED = 500_000, 256


@dataclass(frozen=True, eq=False)
class Examination:
    """What was found of a network's neurons in samples without their target.

    epoch : after which; samples : how many; trained : how many training samples the probes read
    layers : name -> `Neurons`
    counts : (C,) samples of each class, None without labels
    error : of the network, fraction, in the `lesioned` samples in which neurons were left out;
        both None without a readout or a target
    """

    epoch: int
    samples: int
    trained: int = 0
    layers: dict = field(default_factory=dict, repr=False)
    counts: np.ndarray | None = field(default=None, repr=False)
    error: float | None = None
    lesioned: int | None = None


def examine(
    simulator, samples, labels=None, *, train=None, train_labels=None, epoch=0, lesions=None,
    report=None,
):  # fmt: skip
    """Present samples without learning and say what each neuron does: an `Examination`, or one of
    each replica.

    Random numbers are those of evaluation after that epoch, and nothing that training depends on
    changes. Of many samples, `MOST_SAMPLES` are taken, spread over all; of those that neurons are
    left out in, so many that their number times that of neurons is at most `MOST_LESIONED`.

    Parameters
    ----------
    simulator : Simulator; samples : Samples, or input name -> array
    labels : integers (n,), or (R, n); by default those of the network's target, if there are any
    train, train_labels : the same of training samples, for linear probes; without, there are none
    epoch : after which this is
    lesions : layer -> neurons to leave out, one by one; by default all of the layers that the
        readout reads
    report : called with how many of how many neurons were left out

    Raises
    ------
    DataError, ShapeError : samples or labels that do not fit
    """
    test = _Shown(simulator, samples, labels)
    known = None if train is None else _Shown(simulator, train, train_labels)
    if known is not None and (known.labels is None) != (test.labels is None):
        raise DataError("labels are needed of both test and training samples, or of neither")
    known = None if test.labels is None else known  # what only the probes read
    classes = max((one.classes for one in (test, known) if one is not None), default=0)
    time = simulator.time
    with simulator.workers.engaged():
        try:
            theta = test.theta(Purpose.TEST, epoch)
            trained = None if known is None else known.theta(Purpose.FREE, epoch)
            loss = _Loss(simulator, test, lesions, epoch, report)
        finally:
            simulator.time = time  # random numbers of what is presented by hand go by it
    found = []
    for replica in range(simulator.n_replicas):
        labels = None if test.labels is None else test.labels[replica]
        layers = {}
        for name in simulator.layers:
            own, probe = theta[name][replica], None
            if known is not None:
                of = trained[name][replica], known.labels[replica]
                probe = probe_error(*of, own, labels, classes)
            damage = loss.damage[name][replica] if name in loss.damage else None
            layers[name] = statistics(own, labels, classes, probe=probe, damage=damage)
        found.append(
            Examination(
                epoch=epoch,
                samples=len(test.samples),
                trained=0 if known is None else len(known.samples),
                layers=layers,
                counts=None if labels is None else np.bincount(labels, minlength=classes),
                error=None if loss.error is None else float(loss.error[replica]),
                lesioned=loss.samples,
            )
        )
    return found if simulator.n_replicas > 1 else found[0]


class _Shown:
    """Samples that neurons are looked at in, at most `MOST_SAMPLES`, and their labels.

    samples : Samples; labels : (R, S), or None; classes : how many there are
    """

    def __init__(self, simulator, samples, labels):
        self._simulator, samples = simulator, simulator.samples(samples)
        n, target = len(samples), simulator.network.target
        self.classes = 0
        if labels is None and target in samples.arrays:
            labels, self.classes = samples.labels(target), simulator.network.inputs[target]
        taken = _spread(n, MOST_SAMPLES)
        self.samples, self.labels = samples.subset(taken), None
        if labels is not None:
            labels = _checked(labels, n, simulator.n_replicas)
            self.labels = np.broadcast_to(labels, (simulator.n_replicas, n))[:, taken]
            self.classes = max(self.classes, 1 + int(self.labels.max()))
        #: a network that reads nothing else is shown the target
        self.withheld = (target,) if self.samples.arrays.keys() - {target} else ()

    def theta(self, purpose, epoch):
        """Firing probabilities at the last step: layer -> (R, n, S)."""
        simulator, n = self._simulator, len(self.samples)
        seen = {
            name: np.empty((simulator.n_replicas, layer.spec.size, n), simulator.dtype)
            for name, layer in simulator.layers.items()
        }
        place = stream(purpose, epoch)
        for span in simulator.passing(self.samples, self.withheld, stream=place):
            for name, values in seen.items():
                shape = *values.shape[:2], span.stop - span.start
                values[:, :, span] = np.reshape(simulator[name].probabilities, shape)
        return seen


class _Loss:
    """How much the error rises without each neuron of the layers that the readout reads.

    error : (R,) of the whole network, samples : in how many; both None where there is no error
    damage : layer -> (R, n), nan of neurons that were not left out
    """

    def __init__(self, simulator, test, lesions, epoch, report):
        self.error, self.samples, self.damage = None, None, {}
        network = simulator.network
        if network.readout is None or network.target not in test.samples.arrays:
            return
        if lesions is None:
            lesions = {name: range(network.size(name)) for name in _read_by_readout(network)}
        total = sum(map(len, lesions.values()))
        most = max(FEWEST_LESIONED, MOST_LESIONED // max(total, 1))
        samples = test.samples.subset(_spread(len(test.samples), most))
        moment = {"purpose": Purpose.TEST, "epoch": epoch}
        self.samples, self.error = len(samples), simulator.mistakes(samples, **moment)
        done = 0
        for name, neurons in lesions.items():
            self.damage[name] = np.full((simulator.n_replicas, network.size(name)), np.nan)
            for n in neurons:
                with simulator.lesion(name, n):
                    without = simulator.mistakes(samples, **moment)
                self.damage[name][:, n] = without - self.error
                done += 1
                if report is not None:
                    report(done, total)


def _read_by_readout(network):
    """The layers that the readout reads, but itself."""
    layer = network.layer(network.readout)
    sources = dict.fromkeys(c.source for _, c in layer.connections)
    return [one for one in sources if one not in network.inputs and one != layer.name]


def _spread(n, most):
    """At most so many of n positions, spread over all of them: samples may be sorted by class."""
    return np.linspace(0, n - 1, min(n, most)).round().astype(np.int64)


def _checked(labels, n, n_replicas):
    """Labels of n samples, integers (n,) or (R, n), if they are such."""
    try:
        labels = np.asarray(labels)
    except ValueError:
        labels = np.empty((0, 0))
    fits = labels.dtype.kind in "biu" and labels.shape in ((n,), (n_replicas, n))
    if not fits or (labels < 0).any():
        raise DataError(
            f"labels must be {n} integers from 0 on, one for each sample, were {labels.dtype} "
            f"{labels.shape}"
        )
    return labels
