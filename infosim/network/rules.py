"""Rules of learning as data: what a network, or a layer of it, learns by.

A rule says what it needs and when it is done; how it learns stands in `infosim.rules`, in the
executor that is registered for its type. A subclass of `Rule` with a name is known by that name.
"""

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields

from infosim.errors import ConfigError, brief, near
from infosim.settings import LARGEST, setting, settle

#: By the names that experiment files give.
RULES = {}


@dataclass(frozen=True)
class Rule:
    """Base of all rules; one of your own is a frozen dataclass whose fields are its numbers.

    What descriptions and training are checked by are attributes of the class:

    name : by which it is asked for; a class without one is a base of others
    whole : whether it is of the network as a whole, not of each layer
    goal : whether a layer learns by it only if it has a goal
    labels : whether it needs a readout layer and a target input, given where it is to learn
    once : whether it learns in closed form, once, when the first epoch ends; else by epochs
    inversion : the network's default (`Network`)

    Raises
    ------
    ConfigError : (of a subclass) a name that another rule has, or that is no text
    """

    whole = False
    goal = False
    labels = False
    once = False
    inversion = "learned"

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        name = vars(cls).get("name")
        if name is None:
            return
        if not isinstance(name, str):
            raise ConfigError(f"the name of {cls.__qualname__} must be text, was {brief(name)}")
        other, home = RULES.get(name), (cls.__module__, cls.__qualname__)
        if other is not None and (other.__module__, other.__qualname__) != home:
            raise ConfigError(f"rule {name!r} is {other.__module__}.{other.__qualname__} already")
        RULES[name] = cls  # one that is defined anew, as in a notebook, takes its own place

    def __str__(self):
        numbers = ", ".join(f"{key}={value!r}" for key, value in asdict(self).items())
        return f"{self.name}({numbers})" if numbers else self.name

    @staticmethod
    def of(spec):
        """A rule from itself, its name, or a mapping of its name and its numbers.

        Raises
        ------
        ConfigError : none of these, an unknown name, a number that the rule does not have or lacks
        """
        if isinstance(spec, Rule):
            if "name" not in vars(type(spec)):
                raise ConfigError(f"rule {type(spec).__qualname__} has no name of its own")
            return spec
        if isinstance(spec, Mapping):
            numbers = dict(spec)
            name = numbers.pop("name", None)
        else:
            name, numbers = spec, {}
        if not isinstance(name, str):
            raise ConfigError(
                f"a rule is a Rule, its name or a mapping with its name, was {brief(spec)}"
            )
        if name not in RULES:
            raise ConfigError(f"unknown rule {brief(name)}; {near(name, RULES)}")
        known = {one.name: one.default is MISSING for one in fields(RULES[name])}
        for key in numbers:
            if key not in known:
                allowed = near(key, known) if known else "it has none"
                raise ConfigError(f"rule {name} has no number {brief(key)}; {allowed}")
        for key, needed in known.items():
            if needed and key not in numbers:
                raise ConfigError(f"rule {name} needs the number {key!r}")
        return RULES[name](**numbers)

    def trains(self, layer):
        """Whether a `Layer` learns by this rule."""
        return any(c.trainable for _, c in layer.connections) and (not self.goal or layer.has_goal)

    def check(self, layer, network):
        """Raise ConfigError if a `Layer` that it trains, of a `Network`, is not as it needs it."""


@dataclass(frozen=True)
class Infomorphic(Rule):
    """Each neuron climbs the goal of its layer (`infosim.rules.infomorphic`)."""

    name = "infomorphic"
    goal = True


@dataclass(frozen=True)
class Backprop(Rule):
    """All weights that the readout depends on descend its cross-entropy (`rules.backprop`).

    Goals are measured, but not climbed. By default no readout neuron is inverted, for the loss asks
    each to fire for its class.
    """

    name = "backprop"
    whole = True
    labels = True
    inversion = "none"


@dataclass(frozen=True)
class Hebb(Rule):
    """Weights are the mean product of what they join: W = 1/n Σ_s y_s x_sᵀ (`rules.hebb`)."""

    name = "hebb"
    once = True


# -- of recurrent memories -------------------------------------------------------------------------


@dataclass(frozen=True)
class Memory(Rule):
    """Base of rules of a layer that reads itself, and is clamped to patterns of 1 and -1.

    Its fields are settings. One connection learns, the layer's on itself.

    biases : (of the class) whether the compartment has to have them, None if it may
    """

    biases = None

    def __post_init__(self):
        settle(self, f"rule {getattr(self, 'name', type(self).__name__)}: ")

    def check(self, layer, network):
        """See `Rule.check`.

        Raises
        ------
        ConfigError : anything but one connection that learns, on the layer itself, with delay 1, or
            biases that are not as the rule has them; outputs that are not signed; several steps
        """
        where = f"layer {layer.name!r}: rule {self.name}"
        learning = [(k, c) for k, c in layer.connections if c.trainable]
        if [(c.source, c.delay) for _, c in learning] != [(layer.name, 1)]:
            found = " and ".join(f"from {c.source!r} with delay {c.delay}" for _, c in learning)
            raise ConfigError(
                f"{where} needs one connection that learns, of the layer on itself with delay 1; "
                f"there is {found}"
            )
        compartment = layer.compartments[learning[0][0]]
        if self.biases is not None and compartment.bias != self.biases:
            raise ConfigError(
                f"{where} {'needs' if self.biases else 'has no'} biases, compartment "
                f"{compartment.name!r} must have bias {str(self.biases).lower()}"
            )
        if layer.outputs != "signed":
            raise ConfigError(f"{where} needs outputs 'signed', was {layer.outputs!r}")
        if network.steps > 1:
            raise ConfigError(
                f"{where} learns a clamped layer in presentations of one step, steps was "
                f"{network.steps}"
            )


@dataclass(frozen=True)
class Storkey(Memory):
    """Hebb's rule that takes account of what is stored, pattern by pattern (`rules.storkey`).

    Storkey 1997, "Increasing the capacity of a Hopfield network without sacrificing functionality".
    """

    name = "storkey"
    once = True
    biases = False


@dataclass(frozen=True)
class PseudoInverse(Memory):
    """Weights project on what patterns span (`rules.projection`).

    Personnaz, Guyon, Dreyfus 1985, "Information storage and retrieval in spin-glass like neural
    networks".
    """

    name = "pseudo-inverse"
    once = True
    biases = False


@dataclass(frozen=True)
class DescentL2(Memory):
    """What each neuron hears of a pattern comes as near to its bit as it can (`rules.projection`).

    Least squares with a penalty, as of Tolmachev and Manton 2020, "New insights on learning rules
    for Hopfield networks: memory and objective function minimisation".
    """

    gain: float = setting(1.0, "λ, what a potential is multiplied by", low=1e-3, high=1e3)
    penalty: float = setting(0.001, "α, of squared weights and biases", low=1e-6, high=1e6)

    name = "descent-l2"
    once = True


@dataclass(frozen=True)
class Iterated(Memory):
    """Base of those that learn in steps, from weights and biases 0 on."""

    steps: int = setting(1, "made from each presentation", low=1, high=LARGEST)


@dataclass(frozen=True)
class Perceptron(Iterated):
    """A pattern that a neuron holds less firmly than κ is added to its weights (`rules.stability`).

    Gardner 1988, "The space of interactions in neural network models".
    """

    stability: float = setting(0.0, "κ, that every pattern is to have", low=0, high=1e3)

    name = "perceptron"


@dataclass(frozen=True)
class KrauthMezard(Iterated):
    """The pattern that a neuron holds least firmly is added to its weights (`rules.stability`).

    Krauth and Mézard 1987, "Learning algorithms with optimal stability in neural networks".
    """

    margin: float = setting(1.0, "c, at which a neuron has learnt", low=1e-3, high=1e6)

    name = "krauth-mezard"


@dataclass(frozen=True)
class MinimumProbabilityFlow(Iterated):
    """Patterns become as stable as they can in the flow of probability (`rules.flow`).

    Hillar, Sohl-Dickstein, Koepsell 2012, "Efficient and optimal binary Hopfield associative memory
    storage using minimum probability flow".
    """

    rate: float = setting(0.08, "of gradient descent", low=0, high=1e3)

    name = "minimum-probability-flow"
    biases = True
