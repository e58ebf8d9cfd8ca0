"""The simulator: what a user asks of a network, in one call each."""

from math import isfinite

import numpy as np

from infosim.engine.interventions import Interventions
from infosim.engine.prediction import Prediction
from infosim.engine.progress import may_skip
from infosim.engine.recall import Recollection
from infosim.engine.training import History, Training
from infosim.errors import integer
from infosim.machine.checks import check_array


class Simulator(Prediction, Recollection, Interventions):
    """Simulates an infomorphic network, or several replicas of one side by side.

    Parameters
    ----------
    network : Network; or several, alike in all but numbers (`Network.check_alike`)
    backend : "cpu", "cuda" (an NVIDIA GPU), "auto" (cuda if it is there), or an object with the
        functions of a kernel module
    seed : 0 to 2**32 - 1; the same seed gives the same bits on any number of threads. Several seeds
        simulate as many replicas, each as it would be alone
    threads : of the CPU; None takes every one this process may use
    dtype : "float32" or "float64"
    tape : whether steps are recorded and played again; without, every call is put together anew,
        which is slower and gives the same bits

    With R replicas (as many as networks or seeds), each of their layers' arrays has the replicas'
    neurons one after the other, inputs may be (R, units, B), and what is returned for a network is
    returned for each.

    Raises
    ------
    ConfigError : seed, threads or dtype out of range; replicas that are not alike
    BackendError : a backend that is not there

    Examples
    --------
    A neuron that learns to say whether the sum of two numbers is positive, what it then knows, and
    one presentation by hand:

    >>> import numpy as np
    >>> from infosim import Activation, Adam, Compartment, Layer, Network, Simulator
    >>> F, C = Compartment("F", "numbers"), Compartment("C", "answer", weight=1.0, trainable=False)
    >>> neuron = Activation("bivariate")
    >>> layer = Layer("neuron", 1, [F, C], neuron, goal="{F}{C}", optimizer=Adam(0.01))
    >>> net = Simulator(Network({"numbers": 2, "answer": 1}, [layer]))
    >>> x = np.random.default_rng(0).normal(size=(1000, 2))
    >>> samples = {"numbers": x, "answer": np.sign(x.sum(axis=1, keepdims=True))}
    >>> history = net.fit(samples, epochs=200, batch=500)
    >>> bool(history.mean_goal["neuron"][-1] > 0.5)
    True
    >>> net["neuron"]["F"].weights.shape, net.atoms("neuron").shape
    ((1, 2), (1, 5))
    >>> net.present({"numbers": x[:3].T}, learn=False)
    >>> while net.events:
    ...     print(type(net.advance()).__name__)
    Present
    Fire
    """

    def _begin(self):
        super()._begin()
        #: what `Training` measured in each epoch so far, of each replica
        self.histories = [History() for _ in range(self.n_replicas)]

    def step(self, inputs, *, learn=True):
        """Present one batch (input name -> (B, units), or (B,) labels) and, by default, learn."""
        samples = self.samples(inputs)
        self.present(*self.batch(samples, np.arange(len(samples))), learn=learn)
        self.run()

    def fit(
        self, inputs, epochs, *, batch=1024, validation=None, test=None, report=None, **options
    ):
        """Train for `epochs` more; returns the `History`, or one of each replica in a list.

        The history is that of all epochs so far: `fit(10)` twice is `fit(20)`, to the same bits if
        samples and batch are the same. `reset` starts anew. Arguments as for `Training`.

        report : called with the Training and its last epoch after every batch; without one, or if
            its `may_skip` is true as that of `Progress()` is, several epochs may be made at once

        Raises
        ------
        ConfigError : epochs below 0, or more than one for rules that learn once
        DivergedError : weights are no longer finite
        """
        epochs = integer("epochs", epochs, 0)
        training = Training(self, inputs, batch=batch, validation=validation, test=test, **options)
        until = max(len(training.history), 1) + epochs
        if epochs:
            training.check_epochs(until - 1)
        with self.workers.engaged():
            while len(training.history) < until:
                training.advance(until - 1 if may_skip(report) else None)
                if report is not None:
                    report(training, until - 1)
        return training.histories if self.n_replicas > 1 else training.history

    def explain(
        self, layer, neuron, inputs, labels=None, *, batch=1024, image_shape=None, features=None
    ):
        """What one neuron does in samples that it is shown without learning; an
        `experiments.explanation.Explanation`, or one of each replica.

        Its firing is looked at with the target withheld, its atoms with it, as in training.

        layer : its name, or that of a group; neuron : its number there
        inputs : Samples, or input name -> array
        labels : integers (n,), by default those of the target
        batch : samples in which atoms are measured at once
        image_shape : of what it reads, for a picture of its weights
        features : names of the units of what it reads, for a table of its weights

        Raises
        ------
        ConfigError : no such neuron; DataError, ShapeError : samples, labels or an image_shape
            that do not fit
        """
        from infosim.experiments.explain import explain

        options = {"batch": batch, "image_shape": image_shape, "features": features}
        return explain(self, layer, neuron, inputs, labels, **options)

    def arrays(self, replica=0):
        """Everything that training changes in a replica, name -> live array."""
        arrays = {k: v for layer in self.layers.values() for k, v in layer.arrays(replica).items()}
        return arrays | (self.readout.arrays(replica) if self.readout else {})

    def set_arrays(self, *given):
        """Copy each replica's arrays, named as by `arrays`, into its own; others stay.

        Nothing is copied unless everything fits: the arrays may come from a file.

        Raises
        ------
        KeyError, ValueError : a name that the network does not have, a shape that does not fit, a
            value that cannot be (ShapeError)
        """
        known = [self.arrays(replica) for replica in range(len(given))]
        for own, one in zip(known, given, strict=True):
            for name, array in one.items():
                if not name.endswith("/mask"):
                    check_array(name, array, own[name])
        checked = {}
        for name, layer in self.layers.items():
            for compartment in layer.compartments:
                for own, connection in compartment.named:
                    prefix = f"{name}/{compartment.spec.name}/{own}"
                    for one in given:
                        if f"{prefix}index" in one:
                            connection.check_index(one[f"{prefix}index"])
                    if connection.index is None:
                        masks = [one.get(f"{prefix}mask") for one in given]
                        checked[connection] = connection.checked_mask(masks)
        for connection, mask in checked.items():
            connection.mask = mask
        for replica, one in enumerate(given):
            own = self.arrays(replica)
            for name, array in one.items():
                own[name][...] = self.kernels.resident(array)
        for layer in self.layers.values():
            layer.touch()

    def not_finite(self):
        """Which array of the network holds a number that is not finite, by name; None if all are.

        The sum of an array is not finite if an element is not, and it is read once; one of finite
        numbers may be too large for their precision, but not for another.
        """
        sums = (array.sum() for layer in self.layers.values() for array in layer.numbers())
        if all(isfinite(one) for one in sums):
            return None
        for replica in range(self.n_replicas):
            for name, array in self.arrays(replica).items():
                if array.dtype.kind == "f" and not isfinite(array.sum(dtype=np.float64)):
                    return name
        return None
