"""The simulator: what a user asks of a network, in one call each."""

from dataclasses import dataclass
from math import isfinite

import numpy as np

from infosim.engine.interventions import Interventions
from infosim.engine.prediction import Prediction
from infosim.engine.training import History, Training
from infosim.errors import ConfigError, ShapeError, integer
from infosim.machine.checks import check_array
from infosim.machine.events import Fire, Present
from infosim.machine.randomness import Purpose


@dataclass(frozen=True)
class Recall:
    """Where recall ended.

    states : (n_patterns, n), +1 or -1; steps : how many were made
    converged : whether it came to a fixed point (or a cycle of two states)
    """

    states: np.ndarray
    steps: int
    converged: bool


class Simulator(Prediction, Interventions):
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

        report : called with the Training and its last epoch after every batch, such as `Progress()`

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
                training.advance()
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

    def recall(self, cues, layer=None, *, max_steps=None, sampled=False):
        """Let a recurrent layer run from `cues` with all inputs silent until it no longer changes.

        cues : (n_patterns, n) of +1 and -1; or (R, n_patterns, n), for each replica its own
        layer : its name, by default the only one
        max_steps : by default the number of neurons; sampled : draw outputs at random

        Returns
        -------
        Recall, or one of each replica (Memory 2025, section "Recall": synchronous updates, stop at
        a fixed point or a cycle of two states)

        Raises
        ------
        ConfigError : the layer reads itself with a delay above 1, so that one output is no state
        """
        if layer is None:
            if len(self.layers) != 1:
                raise ConfigError(f"recall: name one of the layers {', '.join(self.layers)}")
            (layer,) = self.layers
        state = self[layer]
        for _, c in state.connections:
            if c.reads is state and c.spec.delay > 1:
                raise ConfigError(
                    f"recall: layer {layer!r} reads itself with delay {c.spec.delay}, needed is 1"
                )
        n, given = state.spec.size, np.shape(cues)
        cues = np.asarray(cues, self.dtype)
        cues = np.broadcast_to(cues, (self.n_replicas, *cues.shape)) if cues.ndim == 2 else cues
        if cues.ndim != 3 or cues.shape[::2] != (self.n_replicas, n) or not cues.size:
            raise ShapeError(f"cues have shape {given}, need (patterns, {n})")
        max_steps = n if max_steps is None else integer("max_steps", max_steps, 0)
        now = cues.transpose(0, 2, 1).copy()
        self.events.schedule(Present(self.time, {}, {layer: now}, Purpose.FREE, self.time))
        self.run()
        now = np.array(self.kernels.host(state.activity)).reshape(now.shape)  # as it is heard
        before, found = [None] * self.n_replicas, [None] * self.n_replicas
        for made in range(1, max_steps + 1):
            self.events.schedule(Fire(self.time, layer, state.number, sampled))
            self.run()
            self.time += 1
            after = state.output.reshape(now.shape).copy()
            for r in range(self.n_replicas):  # each stops where it would alone
                known = (now[r], before[r])
                if found[r] is None and not sampled and _among(after[r], known):
                    found[r] = Recall(after[r].T, made, True)
            before, now = now, after
            if None not in found:
                break
        found = [one or Recall(now[r].T, max_steps, False) for r, one in enumerate(found)]
        return found if self.n_replicas > 1 else found[0]

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


def _among(state, known):
    """Whether `state` is one of the known ones."""
    return any(one is not None and np.array_equal(state, one) for one in known)
