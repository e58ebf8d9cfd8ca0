"""What a neuron reads: connections from sources, and the compartments that sum them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from infosim.errors import ConfigError, InfosimError, brief
from infosim.network.connectivity import Connectivity
from infosim.settings import setting, settings, settle

#: Steps that a connection may look back: a layer keeps as many outputs as it is read back.
LONGEST_DELAY = 1000

#: Where something is not given, since None may be.
_LEFT_OUT = object()


@dataclass(frozen=True)
class Connection:
    """The weights by which a compartment reads one source.

    Parameters
    ----------
    source : the input or layer that is read
    connectivity : which units of the source each neuron reads
    delay : 0 reads the source's value of this step, d that of d steps before, up to 1000
    trainable : whether the weights learn
    weight : initial value of all weights; None draws them uniformly from ±1/√fan-in, of all the
        units that the compartment reads by weights that are drawn
    scale : what weights that are drawn are multiplied by; None is 1

    Raises
    ------
    ConfigError : what cannot be, in one line; a scale of weights that are not drawn
    """

    source: str = setting(doc="the input or layer that is read")
    connectivity: Connectivity | str = setting(
        "dense", "`dense`, `one-to-one`, `all-but-self` or `sparse(k)`"
    )
    delay: int = setting(
        0, "0: this step's value; d: that of d steps before", low=0, high=LONGEST_DELAY,
        unit="steps",
    )  # fmt: skip
    trainable: bool = setting(True, "whether the weights learn")
    weight: float | None = setting(
        None, "all weights begin as this; without it they are drawn", low=-1e6, high=1e6,
        varies=True,
    )  # fmt: skip
    scale: float | None = setting(
        None, "what weights that are drawn are multiplied by; 1 if not given", low=0, high=1e6,
        varies=True,
    )  # fmt: skip

    def __post_init__(self):
        if not isinstance(self.source, str):
            raise ConfigError(f"a connection's source must be a name, was {brief(self.source)}")
        object.__setattr__(self, "connectivity", Connectivity.of(self.connectivity))
        where = f"connection from {self.source!r}: "
        settle(self, where)
        scale = settings(Connection)["scale"].check(f"{where}scale", self.scale)
        object.__setattr__(self, "scale", scale)
        if scale is not None and self.weight is not None:
            raise ConfigError(
                f"{where}scale is of weights that are drawn, but all begin as {self.weight:g}"
            )


class _Said(tuple):
    """The connection of a compartment that was made from its settings.

    `dataclasses.replace` hands it on beside the settings that are to change.
    """


def _of_the_only(name):
    """A property of the connection of a compartment that has no other."""
    doc = f"The connection's `{name}`, of a compartment that has no other."
    return property(lambda compartment: getattr(compartment.only(name), name), doc=doc)


@dataclass(frozen=True, init=False)
class Compartment:
    """One class of inputs of a layer's neurons: its potential sums connections and a bias.

    `Compartment("F", "image")` has one connection, whose settings are given with it and can be
    read from it: `source`, `connectivity`, `delay`, `trainable`, `weight`, `scale` as of a
    `Connection`.
    `Compartment("L", connections=[Connection("hidden", delay=1), ...])` sums several; `names` are
    what they are called, each by its source, or as source@delay where a source is read repeatedly.

    Parameters
    ----------
    name : how goals and results call it; one letter keeps goal labels short ("F", "C", "L")
    bias : whether there are biases; they learn if any of the weights do
    connections : in the order in which they are summed

    Raises
    ------
    ConfigError : no connection, two alike, or settings of one beside several
    """

    name: str
    connections: tuple[Connection, ...] = setting(
        doc="in place of all of these but `bias`: a table each, see below", kinds=(dict,),
        in_files=None,
    )  # fmt: skip
    bias: bool = setting(True, "whether there are biases; they learn if any of the weights do")

    def __init__(
        self, name, source=_LEFT_OUT, connectivity=_LEFT_OUT, delay=_LEFT_OUT,
        trainable=_LEFT_OUT, bias=True, weight=_LEFT_OUT, *, scale=_LEFT_OUT, connections=None,
    ):  # fmt: skip
        said = {"source": source, "connectivity": connectivity, "delay": delay,
                "trainable": trainable, "weight": weight, "scale": scale}  # fmt: skip
        said = {key: value for key, value in said.items() if value is not _LEFT_OUT}
        try:
            connections = _one(said) if connections is None else _several(connections, said)
        except InfosimError as error:
            raise type(error)(f"compartment {name!r}: {error}") from None
        for key, value in (("name", name), ("connections", connections), ("bias", bias)):
            object.__setattr__(self, key, value)
        if len(set(self.names)) < len(connections):
            called = ", ".join(self.names)
            raise ConfigError(f"compartment {name!r}: two connections are called alike: {called}")

    @property
    def names(self):
        """What its connections are called, in their order."""
        read = Counter(one.source for one in self.connections)
        return tuple(
            one.source if read[one.source] == 1 else f"{one.source}@{one.delay}"
            for one in self.connections
        )

    def only(self, what):
        """The connection of a compartment that has no other, to be asked for `what`.

        Raises
        ------
        ConfigError : it has several, and says which
        """
        return only_of(self.name, self.names, self.connections, what)

    source, connectivity, delay, trainable, weight, scale = map(
        _of_the_only, ("source", "connectivity", "delay", "trainable", "weight", "scale")
    )


def _one(said):
    """The connection of these settings."""
    if "source" not in said:
        raise ConfigError("needs a source, or connections")
    return _Said([Connection(**said)])


def _several(connections, said):
    """`connections` as a tuple, where nothing else is said."""
    if isinstance(connections, _Said):
        return _Said([replace(*connections, **said)])
    if said:
        raise ConfigError(f"{next(iter(said))} is said of a connection, not beside connections")
    if not isinstance(connections, Iterable) or isinstance(connections, str):
        raise ConfigError(f"connections must be a list, were {brief(connections)}")
    connections, read = tuple(connections), set()
    for one in connections:
        if not isinstance(one, Connection):
            raise ConfigError(f"a Connection is needed, was {brief(one)}")
        if (one.source, one.delay) in read:
            raise ConfigError(f"two connections read {one.source!r} with delay {one.delay}")
        read.add((one.source, one.delay))
    if not connections:
        raise ConfigError("needs at least one connection")
    return connections


def only_of(compartment, names, connections, what):
    """The one of `connections`, unless there are several, whose names are told.

    Raises
    ------
    ConfigError : there are several
    """
    if len(connections) > 1:
        raise ConfigError(
            f"compartment {compartment!r} has several connections, ask one of them for its {what}: "
            f"{', '.join(names)}"
        )
    return connections[0]
