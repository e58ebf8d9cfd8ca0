"""Networks as data: named inputs, named layers, and the compartments that join them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from infosim.errors import ConfigError, InfosimError, brief, integer, near
from infosim.network.connection import Compartment
from infosim.network.groups import Group, Population
from infosim.network.optimizers import SGD, Adam
from infosim.network.rules import Rule
from infosim.neuron import Activation, Binning
from infosim.pid import Goal, lattice
from infosim.pid.measures import MEASURES, Measure, measure_of, parts_of
from infosim.pid.scheduled import ScheduledGoal, goal_of
from infosim.schedule import Schedule
from infosim.settings import LARGEST, setting, settings, settle

#: Layers are numbered with 8 bits in the random numbers' counter.
_MOST_LAYERS = 256
#: What a neuron's output is while it does not fire; while it does, +1.
_SILENT = {"signed": -1.0, "binary": 0.0}
#: Which neurons of a readout are read as 1 - θ (`infosim.engine.readout`).
INVERSIONS = ("learned", "batch", "none")
#: The steps of a presentation at which layers learn, by name.
_LEARN_AT = {"last": lambda steps: range(steps - 1, steps), "every": range}


@dataclass(frozen=True)
class Layer:
    """Neurons that share their kinds of compartments, activation, binning, goal and optimizer.

    `goal` is a `Goal`, a formula or a published name (see `Goal.of`), or changes over training
    (`pid.scheduled.goal_of`); None makes a layer that does not learn by it. `outputs` are "signed"
    (+1 and -1) or "binary" (1 and 0). `sampled` neurons draw them from their firing probability,
    others always take the likelier one. `rule` is what this layer learns by, given as for
    `Network`, whose rule it is by default. `measure` is of redundancy (`infosim.pid.measures`), by
    name or a `Measure` of your own: the goal's atoms are those that it defines. `groups` cut the
    neurons, in this order, into some with goals and measures of their own; `size` is then the sum
    of theirs, or None.

    Raises
    ------
    ConfigError : a part that does not fit the others, in one line
    """

    name: str
    size: int | None = setting(
        doc="with groups it may be left out, it is the sum of theirs", low=1, high=LARGEST,
        unit="neurons",
    )  # fmt: skip
    compartments: Sequence[Compartment] = setting(
        doc="a table each, in order: the first drives", kinds=(dict,)
    )
    activation: Activation = setting(
        doc="how potentials drive a neuron", kinds=(dict,), varies=True
    )
    binning: Binning = setting(doc="of potentials", made=Binning, in_files={}, kinds=(dict,))
    goal: Goal | ScheduledGoal | str | Schedule | Mapping | Sequence | None = setting(
        None,
        "formula, published name, γ by atom or all γ in order ([goals.md](goals.md)), or a "
        '[schedule](#schedules); `""`: the layer does not learn by one',
        in_files="",
        varies=True,
    )
    optimizer: Adam | SGD = setting(
        doc="how a gradient changes weights", made=Adam, in_files={}, kinds=(dict,), varies=True
    )
    outputs: str = setting("signed", "+1 and -1, or 1 and 0", choices=_SILENT)
    sampled: bool = setting(True, "outputs are drawn; else the likelier one is taken")
    rule: Rule | str | Mapping | None = setting(
        None,
        'what this layer learns by, as `network.rule`, but not `backprop`; `""`: the network\'s',
        in_files="",
    )
    measure: Measure | str = setting(
        "shared-exclusions", "of redundancy ([measures.md](measures.md))", choices=MEASURES
    )
    groups: Sequence[Group] = setting(
        (),
        "a table each, in order ([networks.md](networks.md#groups-of-neurons)); without, all "
        "neurons are alike",
        in_files=None,
        kinds=(dict,),
    )

    def __post_init__(self):
        set_ = object.__setattr__
        where = f"layer {self.name!r}"
        set_(self, "groups", tuple(self.groups))
        if self.groups:
            set_(self, "size", self._size_of_groups(where))
        settle(self, f"{where}: ")
        set_(self, "compartments", tuple(self.compartments))
        for one in self.compartments:
            if not isinstance(one, Compartment):
                raise ConfigError(f"{where}: a Compartment is needed, was {brief(one)}")
        names = [c.name for c in self.compartments]
        if len(set(names)) != len(names):
            raise ConfigError(f"{where}: compartment names must differ, were {', '.join(names)}")
        try:
            self.activation.check(names)
            self.binning.check(len(names))
            set_(self, "measure", measure_of(self.measure))
            if self.goal is not None:
                set_(self, "goal", goal_of(self.goal, tuple(names)))
            set_(self, "groups", tuple(_with_goal(one, tuple(names)) for one in self.groups))
            for one in self.populations.values():
                parts_of(one.measure, lattice(len(names)))
            if self.rule is not None:
                set_(self, "rule", Rule.of(self.rule))
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from None
        if self.rule is not None and self.rule.whole:
            raise ConfigError(f"{where}: rule {self.rule} is of a whole network, not of a layer")
        goals = {name: one.goal for name, one in self.populations.items()}
        if self.has_goal and None in goals.values():
            without = ", ".join(name for name, goal in goals.items() if goal is None)
            raise ConfigError(
                f"{where}: {without} has no goal, but others have; the layer's would be that of "
                f"all groups without one"
            )
        if self.rule is not None and self.rule.goal and not self.has_goal:
            raise ConfigError(f"{where}: rule {self.rule} needs a goal")

    def _size_of_groups(self, where):
        for one in self.groups:
            if not isinstance(one, Group):
                raise ConfigError(f"{where}: groups must be of type Group, was {brief(one)}")
        names = [one.name for one in self.groups]
        if len(set(names)) != len(names):
            raise ConfigError(f"{where}: names of groups must differ, were {', '.join(names)}")
        total = sum(one.size for one in self.groups)
        if self.size not in (None, total):
            sizes = " + ".join(f"{one.size} ({one.name})" for one in self.groups)
            raise ConfigError(
                f"{where}: size must be that of its groups, {sizes} = {total}, was {self.size}"
            )
        return total

    @cached_property
    def populations(self):
        """What climbs, and is measured by, a goal of its own: name in results -> `Population`.

        The layer as a whole goes by its name, a group by "LAYER/GROUP".
        """
        if not self.groups:
            return {self.name: Population(slice(0, self.size), self.goal, self.measure)}
        found, first = {}, 0
        for one in self.groups:
            goal = self.goal if one.goal is None else one.goal
            neurons, first = slice(first, first + one.size), first + one.size
            population = Population(neurons, goal, one.measure or self.measure)
            found[f"{self.name}/{one.name}"] = population
        return found

    @property
    def has_goal(self):
        """Whether its neurons have goals."""
        return any(one.goal is not None for one in self.populations.values())

    @property
    def connections(self):
        """All connections of all compartments, each with its compartment's number: [(k, c)]."""
        return [(k, c) for k, one in enumerate(self.compartments) for c in one.connections]

    @property
    def silent(self):
        """The output of a neuron that does not fire; of one that does it is 1."""
        return _SILENT[self.outputs]


def _with_goal(group, sources):
    """A group whose goal, if it has one, is a Goal of these sources."""
    try:
        return group if group.goal is None else replace(group, goal=goal_of(group.goal, sources))
    except ConfigError as error:
        raise ConfigError(f"group {group.name!r}: {error}") from None


@dataclass(frozen=True)
class Network:
    """Inputs, layers in firing order, and how a sample is presented.

    Parameters
    ----------
    inputs : input name -> number of units
    layers : in the order in which they fire within a step
    steps : time steps of one presentation
    readout : the layer whose firing probabilities are the prediction, one neuron per class, or None
    target : the input that holds the label as one-hot; withheld (silent) at evaluation
    rule : what layers learn by that have none of their own: a `Rule`, its name ("infomorphic",
        each layer climbs its goal; "backprop"; "hebb", ...), or a mapping of its name and numbers
    inversion : which readout neurons tell their class by being silent: "learned" from training
        samples, "batch" (those that mostly fire in a batch, as published), "none"; by default
        what the rule says, "none" with backprop and "learned" else
    learn_at : the steps at which layers learn, "last", "every" or a tuple of them, from 0 on, or
        from the end if negative
    carry : whether a presentation goes on from the outputs that the one before it ended with,
        sample by sample; else it begins in silence

    Raises
    ------
    ConfigError : a compartment that names a missing source, reads a layer that has not yet fired
        in this step (a delay-0 cycle), or an input with a delay that no step is late enough for;
        sizes that do not fit; steps to learn at that there are not; rules that need readout and
        target where there are none, or that do not go together

    Examples
    --------
    >>> hidden = Layer(
    ...     "hidden", 20, [Compartment("F", "image"), Compartment("C", "label")],
    ...     Activation("bivariate"), goal="{F}{C}",
    ... )
    >>> network = Network({"image": 64, "label": 10}, [hidden])
    >>> [(step, layer.name) for step, layer in network.firings()], network.size("label")
    ([(0, 'hidden')], 10)
    """

    inputs: Mapping[str, int]
    layers: Sequence[Layer]
    steps: int = setting(1, "of a presentation", low=1, high=LARGEST, unit="time steps")
    readout: str | None = setting(
        None, 'the layer that tells the class; `""`: none', in_files="output"
    )
    target: str | None = setting(
        None, 'the input with the label, withheld at evaluation; `""`: none', in_files="label"
    )
    rule: Rule | str | Mapping = setting(
        "infomorphic",
        "what layers learn by that have no rule of their own: each climbs its goal; or `backprop`, "
        "`hebb`, ...; `{ name = ... }` with the numbers of a rule that has any "
        "([rules.md](rules.md))",
    )
    inversion: str | None = setting(
        None,
        "which readout neurons tell their class by being silent: by default `learned`, with "
        "`backprop` `none`",
        choices=INVERSIONS,
        before="batch",
    )
    learn_at: str | Sequence[int] = setting(
        "last",
        "the steps at which layers learn; a list has them from 0 on, or from the end if negative",
        choices=_LEARN_AT,
    )
    carry: bool = setting(
        False,
        "a presentation goes on from the outputs that the one before it ended with "
        "([networks.md](networks.md#time))",
    )

    def __post_init__(self):
        set_ = object.__setattr__
        inputs = self.inputs.items()
        sizes = {key: integer(f"input {key!r}: size", n, 1, LARGEST) for key, n in inputs}
        set_(self, "inputs", sizes)
        set_(self, "layers", tuple(self.layers))
        set_(self, "rule", Rule.of(self.rule))
        if self.inversion is None:
            set_(self, "inversion", self.rule.inversion)
        settle(self)
        set_(self, "learn_at", _checked_learn_at(self.learn_at, self.steps))
        if not self.layers:
            raise ConfigError("a network needs at least one layer")
        if len(self.layers) > _MOST_LAYERS:
            raise ConfigError(
                f"a network has at most {_MOST_LAYERS} layers, not {len(self.layers)}"
            )
        names = [*self.inputs, *(layer.name for layer in self.layers)]
        for name in names:
            if names.count(name) > 1:
                raise ConfigError(f"two inputs or layers are called {name!r}")
        names_of_goals = [name for layer in self.layers for name in layer.populations]
        for name in names_of_goals:
            if names_of_goals.count(name) > 1:
                raise ConfigError(f"a layer and a group of another are both called {name!r}")
        fired = set()
        for layer in self.layers:
            for compartment in layer.compartments:
                self._check(layer, compartment, names, fired)
            fired.add(layer.name)
        if self.readout is not None and self.readout not in fired:
            raise ConfigError(
                f"readout layer {self.readout!r} is missing; {near(self.readout, sorted(fired))}"
            )
        if self.target is not None:
            if self.target not in self.inputs:
                raise ConfigError(
                    f"target input {self.target!r} is missing; {near(self.target, self.inputs)}"
                )
            if self.readout and self.inputs[self.target] != self.layer(self.readout).size:
                raise ConfigError(
                    f"readout layer {self.readout!r} has {self.layer(self.readout).size} neurons "
                    f"for {self.inputs[self.target]} classes"
                )
        self._check_rules()

    def _check(self, layer, compartment, names, fired):
        for name, c in zip(compartment.names, compartment.connections, strict=True):
            where = f"layer {layer.name!r}, compartment {compartment.name!r}"
            if len(compartment.connections) > 1:
                where += f", connection {name!r}"
            source = c.source
            if source not in names:
                raise ConfigError(f"{where}: source {source!r} is missing; {near(source, names)}")
            if source in self.inputs:
                if c.delay >= self.steps:
                    raise ConfigError(
                        f"{where}: an input is heard from step {c.delay} on with delay {c.delay}, "
                        f"there are {self.steps} step(s)"
                    )
                if c.delay and self.carry:
                    raise ConfigError(
                        f"{where}: with carry the delay of an input must be 0, was {c.delay}: "
                        f"outputs of layers are carried, inputs are not"
                    )
            elif c.delay == 0 and source not in fired:
                raise ConfigError(
                    f"{where}: reads {source!r} with delay 0 before it fires (a cycle); "
                    f"use delay 1 or another order of layers"
                )
            try:
                c.connectivity.check(layer.size, self.size(source))
            except InfosimError as error:
                raise type(error)(f"{where}: {error}") from None

    def _check_rules(self):
        for where, rule in [
            ("", self.rule),
            *((f"layer {one.name!r}: ", one.rule) for one in self.layers if one.rule is not None),
        ]:
            if rule.labels and None in (self.readout, self.target):
                raise ConfigError(f"{where}rule {rule} needs a readout layer and a target input")
            if rule.whole or rule.once:
                if tuple(self.learning_steps) != (self.steps - 1,):
                    raise ConfigError(
                        f"{where}rule {rule} learns at the last step, learn_at must be 'last', was "
                        f"{self.learn_at!r}"
                    )
                if self.carry:
                    raise ConfigError(
                        f"{where}rule {rule} learns from presentations that begin in silence, "
                        f"carry must be false"
                    )
            if self.rule.whole and where:
                raise ConfigError(
                    f"{where}rule {rule} cannot be beside {self.rule}, which is of the whole "
                    f"network"
                )
        for layer in self.layers:
            rule = self.rule_of(layer)
            if rule.trains(layer):
                rule.check(layer, self)

    def check_alike(self, other):
        """Raise unless `other` differs from this network in numbers alone.

        So that both can be simulated side by side, they may differ in goals, activation parameters,
        optimizer rates and initial weights, and in schedules of goals and rates, but not in what is
        connected to what.

        Raises
        ------
        ConfigError : naming the first difference
        """
        mine, theirs = _form(self), _form(other)
        for key in [*mine, *(key for key in theirs if key not in mine)]:
            if mine.get(key) != theirs.get(key):
                raise ConfigError(
                    f"replicas must be alike, but {key} is {mine.get(key)} in one "
                    f"and {theirs.get(key)} in another"
                )

    def layer(self, name):
        """The layer called `name`."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ConfigError(f"no layer {name!r}; {near(name, [one.name for one in self.layers])}")

    def rule_of(self, layer):
        """What a `Layer` learns by: its own rule, or the network's."""
        return self.rule if layer.rule is None else layer.rule

    @property
    def learning(self):
        """The names of the layers that learn."""
        return [one.name for one in self.layers if self.rule_of(one).trains(one)]

    @property
    def learning_steps(self):
        """The steps of a presentation at which layers learn, in order."""
        if isinstance(self.learn_at, str):
            return _LEARN_AT[self.learn_at](self.steps)
        return sorted(step % self.steps for step in self.learn_at)

    def longest_delay(self, name):
        """The longest delay by which any layer reads an input or layer; 0 if none does."""
        read = (c for layer in self.layers for _, c in layer.connections if c.source == name)
        return max((c.delay for c in read), default=0)

    def size(self, name):
        """The number of units of an input or layer."""
        return self.inputs[name] if name in self.inputs else self.layer(name).size

    def firings(self):
        """What fires in a presentation, in order: [(step, layer)]."""
        return [
            (step, layer)
            for step, names in enumerate(self._needed())
            for layer in self.layers
            if layer.name in names
        ]

    def needed(self, step):
        """The names of the layers whose output matters at `step` of a presentation.

        At the last step all layers do, and where outputs are carried at every step. At any other a
        layer does if it learns then, or if one that matters reads it, d steps later with delay d.
        """
        return self._needed()[step]

    def _needed(self):
        """`needed` of every step."""
        everything = {layer.name for layer in self.layers}
        needed = [set(everything) if self.carry else set() for _ in range(self.steps)]
        for step in self.learning_steps:
            needed[step].update(self.learning)
        needed[-1] = everything
        for step in reversed(range(self.steps)):
            for layer in reversed(self.layers):
                for _, c in layer.connections if layer.name in needed[step] else ():
                    if c.delay <= step and c.source not in self.inputs:
                        needed[step - c.delay].add(c.source)
        return needed


def _checked_learn_at(learn_at, steps):
    """`learn_at` as the name, or the tuple of steps, that it is.

    Raises
    ------
    ConfigError : it is neither, names a step that there is not, or one twice
    """
    if isinstance(learn_at, str) and learn_at in _LEARN_AT:
        return learn_at
    if isinstance(learn_at, str) or not isinstance(learn_at, Sequence) or not len(learn_at):
        names = ", ".join(map(repr, _LEARN_AT))
        raise ConfigError(f"learn_at must be {names} or a list of steps, was {brief(learn_at)}")
    found = tuple(integer("learn_at: a step", one, -steps, steps - 1) for one in learn_at)
    if len({step % steps for step in found}) < len(found):
        raise ConfigError(f"learn_at names a step twice, was {brief(list(learn_at))}")
    return found


def _form(network):
    """What must be the same in networks that are simulated side by side, by name."""
    form = {"inputs": network.inputs} | _alike(network)
    form["learn_at"] = list(network.learning_steps)
    form["the order of layers"] = [layer.name for layer in network.layers]
    for layer in network.layers:
        where = f"layer {layer.name!r}:"
        form |= _alike(layer, where, but=("measure",))
        form[f"{where} activation"] = layer.activation.label
        form[f"{where} activation's function"] = layer.activation.name
        form[f"{where} number of parameters"] = len(layer.activation.packed(float))
        form[f"{where} clamp"] = layer.activation.clamp
        form[f"{where} optimizer"] = type(layer.optimizer).__name__
        form[f"{where} groups"] = ", ".join(f"{one.name} {one.size}" for one in layer.groups)
        for name, one in layer.populations.items():
            form[f"layer {name!r}: measure"] = one.measure
        form[f"{where} having a goal"] = layer.has_goal
        form[f"{where} rule"] = network.rule_of(layer)
        form[f"{where} compartments"] = [c.name for c in layer.compartments]
        for compartment in layer.compartments:
            whose, n = f"{where} compartment {compartment.name!r}:", len(compartment.connections)
            form[f"{whose} number of connections"] = n
            form |= _alike(compartment, whose, but=("connections",))
            for i, c in enumerate(compartment.connections):
                of = f"{whose} connection {i + 1}:" if n > 1 else whose
                form |= _alike(c, of)
    return form


def _alike(description, where="", but=()):
    """The settings of a description that replicas share, by name."""
    return {
        f"{where} {name}".strip(): getattr(description, name)
        for name, one in settings(type(description)).items()
        if not one.varies and name not in but
    }
