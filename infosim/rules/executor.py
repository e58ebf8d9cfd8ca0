"""What carries out a rule: registered for the rule's type, by this package or by a user.

    @executes(Oja)
    class OjaExecutor(Executor):
        def learn(self, inputs): ...

docs/rules.md has whole ones.
"""

from infosim.errors import ConfigError, DataError, brief
from infosim.network.rules import Rule
from infosim.rules.connect import accumulate_all, update

_EXECUTORS = {}


class Executor:
    """Carries out a rule: for one layer, or for the whole network if the rule is of that.

    A rule by epochs has `learn`, which is called in each presentation that is to be learnt from, at
    the network's `learning_steps`, when all layers have fired; their next update is counted then.
    One that learns once has `conclude`, which is called when the first epoch has ended, and may
    have `learn` to note what it is shown until then.

    Parameters
    ----------
    rule : what is carried out; network : what in
    layers : name -> LayerState, of the layer that learns by it, or of all
    kernels, tape : the backend, and what carries its calls out

    Attributes
    ----------
    reads_inputs : of the class, whether `learn` reads `inputs` itself, beside the layers' signals;
        they are arrays then, and else each may be a `machine.sparse.Remainder`
    traced : of the class, whether it needs each firing of a presentation (`Firing.trace`); else the
        last one is there alone
    played : of the class, whether `learn` does nothing but play what is on tape, so that a
        presentation can be learnt from once more without calling it
    learning : the names of the layers that are updated
    layer : the LayerState of a rule that is of one layer
    """

    reads_inputs = True
    traced = False
    played = False

    def __init__(self, rule, network, layers, kernels, tape):
        self.rule, self.network, self.layers = rule, network, layers
        self.kernels, self.tape = kernels, tape
        self.learning = [name for name, layer in layers.items() if layer.trained]
        self.layer = None if rule.whole else next(iter(layers.values()))

    def check(self, inputs, outputs):
        """Raise unless it can learn from a presentation of these, name -> array each.

        Raises
        ------
        DataError : without the labels that the rule needs
        """
        if self.rule.labels and self.network.target not in inputs:
            raise DataError(f"rule {self.rule.name} needs the target input {self.network.target!r}")

    def learn(self, inputs):
        """Learn from, or note, the presentation that was just made.

        inputs : as presented, name -> (R, units, B), or (T, R, units, B) of what is another at each
            step, in the machine's arrays
        """

    def conclude(self):
        """Set the weights of a closed form."""

    def arrays(self, replica):
        """What of its own a replica needs to go on from a checkpoint, name -> array (live, so that
        what is copied into it is there)."""
        return {}

    @property
    def finished(self):
        """Whether it has learnt all it will, as a closed form has after its one update."""
        return self.rule.once and any(one.clock.updates for one in self.layers.values())

    # -- for rules of a layer --------------------------------------------------------------------

    def accumulate(self):
        """Leave gradients Σ_s δ_s x_s of what was presented: of each trained connection in its
        `arrays.gradient`, and of biases, Σ_s δ_s, in `layer.bias_gradient`.

        δ is what stands in `layer.firing.delta`, (K, N, B).
        """
        layer = self.layer
        keys, signals = layer.read
        layer.bias_gradient[...] = layer.firing.delta.sum(axis=2)
        key = "accumulate", layer.spec.name, layer.firing.n_samples, *keys
        self.tape.play(key, _accumulate, layer, signals)

    def update(self):
        """Move weights and biases along their gradients, as the layer's optimizer does."""
        layer = self.layer
        key = "update", layer.spec.name, layer.firing.n_samples
        self.tape.play(key, _update, layer)


def executes(kind):
    """A decorator: this class of Executor carries out rules of a kind, a subclass of `Rule`.

    Raises
    ------
    ConfigError : no such kind, or a class that does not have what it needs
    """
    if not (isinstance(kind, type) and issubclass(kind, Rule)):
        raise ConfigError(f"executes takes a subclass of Rule, was {brief(kind)}")

    def register(executor):
        if not (isinstance(executor, type) and issubclass(executor, Executor)):
            raise ConfigError(f"{kind.__name__} needs a class of Executor, was {brief(executor)}")
        needed = "conclude" if kind.once else "learn"
        if getattr(executor, needed) is getattr(Executor, needed):
            raise ConfigError(
                f"{executor.__name__} lacks the method {needed}, by which a rule learns "
                f"{'once' if kind.once else 'by epochs'}"
            )
        _EXECUTORS[kind] = executor
        return executor

    return register


def executor_of(rule):
    """The class of Executor that carries out a rule.

    Raises
    ------
    ConfigError : there is none
    """
    if type(rule) not in _EXECUTORS:
        raise ConfigError(
            f"nothing executes rule {rule.name}; infosim.rules.executes({type(rule).__name__}) "
            f"registers what does"
        )
    return _EXECUTORS[type(rule)]


def keep(firing, step, size, k):
    """Copy the firing of a step that is not the last, before the next overwrites it."""
    now = firing.u, firing.theta, firing.outputs[step % len(firing.outputs)]
    k.over(size, firing.n_samples)
    for target, source in zip(firing.trace.past[step], now, strict=True):
        k.copy(source=source, target=target)


def _accumulate(layer, signals, k):
    k.over(layer.spec.size, layer.firing.n_samples)
    accumulate_all(layer, signals, layer.firing.delta, k)


def _update(layer, k):
    k.over(layer.spec.size, layer.firing.n_samples)
    update(layer, k)
