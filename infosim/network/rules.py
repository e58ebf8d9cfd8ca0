"""Rules of learning as data: what a network, or a layer of it, learns by.

A rule says what it needs and when it is done; how it learns stands in `infosim.rules`, in the
executor that is registered for its type. A subclass of `Rule` with a name is known by that name.
"""

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields

from infosim.errors import ConfigError, brief, near

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
