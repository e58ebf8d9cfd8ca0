"""Interventions: what is done to neurons and connections from outside, and can be undone.

An intervention says what it imposes on a layer (`machine.imposed`); whenever one is made or undone,
those that are left say so anew. So they may be undone in any order, and no weight is touched.
"""

from dataclasses import dataclass

import numpy as np

from infosim.engine.stepper import Stepper
from infosim.errors import ConfigError, brief, near
from infosim.machine.imposed import Imposed
from infosim.machine.layer import LayerState


@dataclass(frozen=True, eq=False)
class _Place:
    """What an intervention is at: a layer, a group, or some of their connections.

    neurons : their numbers in a replica, a slice
    connections : those that are meant; None: the neurons themselves
    compartment : the one that is meant as a whole, and so its bias; None of a single connection
    """

    name: str
    layer: LayerState
    neurons: slice
    connections: tuple | None = None
    compartment: object = None


class Intervention:
    """Something done to neurons or connections, until `undo` or the end of its `with`.

    where : the name of the layer, group, compartment or connection
    neurons : (m,), by their numbers in a replica of the layer
    """

    def __init__(self, simulator, place, neurons):
        self._simulator, self._place, self._all = simulator, place, neurons is None
        self.where, self.neurons = place.name, _numbers(neurons, place)

    def impose(self, imposed):
        """Say to an `Imposed` what it does."""
        raise NotImplementedError

    def undo(self):
        """Let all be as if it had not been made, but for what was learnt since."""
        self._simulator._undo(self)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.undo()

    def __repr__(self):
        chosen = self.neurons - self._place.neurons.start
        which = ", ".join(map(str, chosen[:6])) + (", ..." if len(chosen) > 6 else "")
        if len(chosen) > 2 and (np.diff(chosen) == 1).all():
            which = f"{chosen[0]}:{chosen[-1] + 1}"
        which = "" if self._all else f"[{which}]"
        return f"<{type(self).__name__.lower()} of {self.where}{which}{self._how()}>"

    def _how(self):
        return ""


class Lesion(Intervention):
    """Neurons that are not there, or connections through which nothing is heard."""

    def impose(self, imposed):
        if self._place.connections is None:
            imposed.lesion(self.neurons)
        for connection in self._place.connections or ():
            imposed.cut(connection, self.neurons)


class Clamp(Intervention):
    """Neurons that always fire, or never; `values` (m,) are their outputs."""

    def __init__(self, simulator, place, neurons, value):
        super().__init__(simulator, place, neurons)
        off = place.layer.spec.silent
        self.values = _values("clamp: value", value, self.neurons)
        if np.asarray(value).dtype == bool:
            self.values = np.where(self.values, 1.0, off)
        wrong = self.values[~np.isin(self.values, (1, off))]
        if wrong.size:
            raise ConfigError(
                f"clamp: value must be 1 or {off:g}, the outputs of layer "
                f"{place.layer.spec.name!r}, was {wrong[0]:g}"
            )

    def impose(self, imposed):
        imposed.clamp(self.neurons, self.values == 1)

    def _how(self):
        return f" at {_shown(self.values)}"


class Stimulus(Intervention):
    """Neurons to whose drive, or potential of a compartment, `values` (m,) are added."""

    def __init__(self, simulator, place, neurons, value, compartment):
        super().__init__(simulator, place, neurons)
        layer, self.compartment = place.layer, compartment
        self.values = _values("stimulate: value", value, self.neurons, layer.dtype)
        at = None if compartment is None else layer[compartment]
        self._number = None if at is None else layer.compartments.index(at)

    def impose(self, imposed):
        if self._number is None:
            imposed.drive(self.neurons, self.values)
        else:
            imposed.shift(self._number, self.neurons, self.values)

    def _how(self):
        where = "" if self.compartment is None else f" in {self.compartment}"
        return f" by {_shown(self.values)}{where}"


class Freeze(Intervention):
    """Neurons or connections that do not learn."""

    def impose(self, imposed):
        place = self._place
        if place.connections is None:
            imposed.freeze_all(self.neurons)
        for connection in place.connections or ():
            imposed.freeze(connection, self.neurons)
        if place.compartment is not None:
            imposed.freeze_bias(place.compartment, self.neurons)


class Interventions(Stepper):
    """What a `Simulator` offers to be done to its neurons and connections.

    Each takes effect with the next event, in training as in evaluation, and until its `undo`, the
    end of a `with` or `reset`. Places are called as arrays are: a layer "hidden", a group of it
    "hidden/excitatory", a compartment "hidden/L", and where that has several connections one of
    them, "hidden/L/output". `neurons` are a number, several in a list or array, a slice, or true
    and false for each; None means all. They are numbered within the layer, or within the group,
    from the end if negative; in each replica the same are meant.
    """

    def _begin(self):
        super()._begin()
        self._interventions = []

    @property
    def interventions(self):
        """Those that are in force, in the order in which they were made."""
        return tuple(self._interventions)

    def lesion(self, where, neurons=None):
        """Let neurons, or what neurons hear through connections, be as if they were not there.

        A lesioned neuron is heard as 0 and does not learn; in the readout its class is never
        predicted. Its θ is 0, and so are its atoms. Through a lesioned connection nothing is heard
        and its weights do not learn; the compartment's bias stays.

        where, neurons : see `Interventions`

        Raises
        ------
        ConfigError : no such place, or no such neurons

        Examples
        --------
        >>> from infosim import Activation, Compartment, Layer, Network, Simulator
        >>> layer = Layer("hidden", 5, [Compartment("F", "image")], Activation("sum"))
        >>> net = Simulator(Network({"image": 2}, [layer]))
        >>> with net.lesion("hidden", [0, 3]):
        ...     net.step({"image": [[0.5, 1.0]]}, learn=False)
        >>> net["hidden"].output[[0, 3], 0].tolist(), net.interventions
        ([0.0, 0.0], ())
        >>> other = net.clamp("hidden", 4, 1), net.stimulate("hidden", slice(0, 3), 2.5, "F")
        >>> net.interventions
        (<clamp of hidden[4] at 1>, <stimulus of hidden[0:3] by 2.5 in F>)
        """
        return self._intervene(Lesion, "lesion", where, neurons)

    def clamp(self, where, neurons, value):
        """Let neurons always fire, or never: their θ is 1 or 0, and they do not learn.

        where, neurons : see `Interventions`; of a layer or group
        value : 1 to fire; what the layer's neurons put out while they do not (-1, or 0 if its
            outputs are binary); or true and false. For all neurons, or for each

        Raises
        ------
        ConfigError : no such place or neurons, another value
        """
        return self._intervene(Clamp, "clamp", where, neurons, value)

    def stimulate(self, where, neurons, value, compartment=None):
        """Add to the drive A of neurons, or to their potentials of a compartment.

        where, neurons : see `Interventions`; of a layer or group
        value : what is added, for all neurons, or for each; several stimuli add up

        Raises
        ------
        ConfigError : no such place, neurons or compartment, a value that is not finite
        """
        return self._intervene(Stimulus, "stimulate", where, neurons, value, compartment)

    def freeze(self, where, neurons=None):
        """Let neurons, or connections of neurons, not learn: all that is theirs stays to the bit.

        That of neurons is all weights, biases and moments, of a compartment its own, of one of
        several connections its weights and their moments.

        where, neurons : see `Interventions`

        Raises
        ------
        ConfigError : no such place, or no such neurons
        """
        return self._intervene(Freeze, "freeze", where, neurons)

    def _intervene(self, kind, what, where, neurons, *more):
        known = {name: place for layer in self.layers.values() for name, place in _places(layer)}
        if not isinstance(where, str) or where not in known:
            if isinstance(where, str) and where in self.network.inputs:
                raise ConfigError(f"{what}: {where!r} is an input, not neurons or a connection")
            raise ConfigError(f"{what}: nothing is called {brief(where)}; {near(where, known)}")
        if more and known[where].connections is not None:
            raise ConfigError(f"{what} is of a layer or group, {where!r} is a connection")
        one = kind(self, known[where], neurons, *more)
        self._interventions.append(one)
        self._impose(one._place.layer)
        return one

    def _undo(self, one):
        if one in self._interventions:  # not after a reset
            self._interventions.remove(one)
            self._impose(one._place.layer)

    def _impose(self, layer):
        with self.workers.engaged():
            imposed = Imposed(layer)
            for one in self._interventions:
                if one._place.layer is layer:
                    one.impose(imposed)
            layer.impose(imposed)


def _places(layer):
    """All that of a layer can be named: (name, `_Place`) each."""
    whole, everyone = layer.spec.name, slice(0, layer.spec.size)
    for name, group in layer.groups.items():
        name = f"{whole}/{name}"
        yield name, _Place(name, layer, group.neurons)
    for compartment in layer.compartments:
        of = f"{whole}/{compartment.spec.name}"
        for name, connection in compartment.named if len(compartment.connections) > 1 else ():
            name = f"{of}/{name[:-1]}"
            yield name, _Place(name, layer, everyone, (connection,))
        yield of, _Place(of, layer, everyone, tuple(compartment.connections), compartment)
    yield whole, _Place(whole, layer, everyone)


def _numbers(neurons, place):
    """The numbers of neurons in a replica of their layer, integers (m,).

    Raises
    ------
    ConfigError : they are no numbers of neurons, there are not so many, or one is named twice
    """
    first, size = place.neurons.start, place.neurons.stop - place.neurons.start
    try:
        if neurons is None or isinstance(neurons, slice):
            return first + np.arange(size)[slice(None) if neurons is None else neurons]
        given = np.asarray(neurons)
    except (TypeError, ValueError):
        given = np.empty((0, 0))
    if given.dtype == bool and given.shape == (size,):
        return first + np.flatnonzero(given)
    if given.shape == (0,):
        return np.empty(0, int)
    if given.dtype.kind not in "iu" or given.ndim > 1:
        raise ConfigError(
            f"neurons of {place.name!r} must be integers, a slice, or true or false for each of "
            f"{size}, were {brief(neurons)}"
        )
    given = np.atleast_1d(given)
    for one in given[(given < -size) | (given >= size)][:1]:
        raise ConfigError(f"{place.name!r} has {size} neurons, there is no neuron {one}")
    given = given.astype(int) % size
    if len(np.unique(given)) < len(given):
        twice = next(int(n) for n, many in enumerate(np.bincount(given)) if many > 1)
        raise ConfigError(f"neuron {twice} of {place.name!r} is named twice")
    return first + given


def _values(what, value, neurons, dtype=np.float64):
    """A finite number for each neuron, (m,), of one for all or of one each."""
    try:
        with np.errstate(over="ignore"):
            given = np.asarray(value)
            numbers = given.dtype.kind in "biuf"
            finite = numbers and np.isfinite(given.astype(dtype)).all()
    except ValueError:
        numbers = False
    if not numbers:
        raise ConfigError(f"{what} must be a number, was {brief(value)}")
    if given.shape not in ((), neurons.shape):
        raise ConfigError(
            f"{what} must be one number, or one for each of {len(neurons)} neurons, was of shape "
            f"{given.shape}"
        )
    if not finite:
        raise ConfigError(f"{what} must be finite in {np.dtype(dtype)}, was {brief(value)}")
    return np.broadcast_to(given, neurons.shape).astype(np.float64)


def _shown(values):
    """How one value, or several, are told."""
    different = np.unique(values)
    return f"{different[0]:g}" if len(different) == 1 else f"{len(values)} values"
