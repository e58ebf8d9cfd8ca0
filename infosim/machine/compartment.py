"""One compartment of a layer: the connections that it sums, and its biases."""

from types import SimpleNamespace

import numpy as np

from infosim.errors import ConfigError, InfosimError, near
from infosim.machine.checks import finite
from infosim.machine.connection import ConnectionState
from infosim.network.connection import only_of


def _of_the_only(name):
    """A property of the connection of a compartment that has no other, to read and set."""

    def read(compartment):
        return getattr(compartment.only(name), name)

    def set_(compartment, value):
        setattr(compartment.only(name), name, value)

    return property(read, set_, doc=getattr(ConnectionState, name).__doc__)


class CompartmentState:
    """One compartment's connections and biases, to read and set.

    `connections` are in the order in which they are summed; `self["hidden"]` is the one of that
    name (`Compartment.names`). `bias` (N,) is of all of them. With one connection its `weights`,
    `index`, `mask` and `gradient` can be had of the compartment, too.

    On the CPU `bias` is the array itself; elsewhere it is a read-only copy. `arrays` holds it where
    the kernels are and, if weights learn, its `moments`.

    Parameters
    ----------
    specs : of each replica
    where : what an error begins with
    n, sizes : neurons of a replica, units of all sources by name
    bias, bias_moments : the layer's, for this compartment
    rngs : number of a connection -> a generator for each replica
    reshaped : called when an array had to become another one
    """

    def __init__(self, specs, where, n, sizes, bias, bias_moments, rngs, kernels, dtype, reshaped):
        self.spec, self._kernels = specs[0], kernels
        self.arrays = SimpleNamespace(
            bias=bias, moments=bias_moments, no_mask=kernels.xp.empty((0, 0), np.uint8)
        )
        bounds = [_bound(spec, sizes) for spec in specs]
        generators = [rngs(i) for i in range(len(self.spec.connections))]
        self.connections = []
        for i, (name, one) in enumerate(zip(self.spec.names, self.spec.connections, strict=True)):
            alike = [spec.connections[i] for spec in specs]
            given = alike, n, sizes[one.source], bounds, generators[i], kernels, dtype, reshaped
            try:
                self.connections.append(ConnectionState(*given))
            except InfosimError as error:
                whose = f"{where}, connection {name!r}" if len(self.spec.names) > 1 else where
                raise type(error)(f"{whose}: {error}") from None
        biases = [
            rng.uniform(-bound, bound, n) if spec.bias and bound else np.zeros(n)
            for spec, bound, rng in zip(specs, bounds, generators[0], strict=True)
        ]
        bias[...] = kernels.resident(np.concatenate(biases).astype(dtype))
        #: the connections whose weights learn
        self.trained = [c for c in self.connections if c.trainable]

    def only(self, what):
        """The connection of a compartment that has no other, to be asked for `what`.

        Raises
        ------
        ConfigError : it has several, and says which
        """
        return only_of(self.spec.name, self.spec.names, self.connections, what)

    def __getitem__(self, name):
        if name not in self.spec.names:
            raise ConfigError(
                f"compartment {self.spec.name!r} has no connection {name!r}; "
                f"{near(name, self.spec.names)}"
            )
        return self.connections[self.spec.names.index(name)]

    weights, index, mask, gradient = map(_of_the_only, ("weights", "index", "mask", "gradient"))

    @property
    def bias(self):
        """(N,)"""
        return self._kernels.host(self.arrays.bias)

    @bias.setter
    def bias(self, value):
        value = finite("bias", value, self.arrays.bias.shape, self.arrays.bias.dtype)
        self.arrays.bias[...] = self._kernels.resident(value)

    def touch(self):
        """Say that weights were changed in place: what was computed from them is out of date."""
        for connection in self.connections:
            connection.touch()

    @property
    def named(self):
        """How files call its connections, each with what its arrays' names begin with."""
        if len(self.connections) == 1:
            return [("", self.connections[0])]
        return [(f"{name}/", c) for name, c in zip(self.spec.names, self.connections, strict=True)]


def _bound(spec, sizes):
    """Within which ± weights and biases are drawn, 1/√fan-in; None where all weights are given."""
    fan_in = sum(sizes[c.source] for c in spec.connections if c.weight is None)
    return 1 / np.sqrt(fan_in) if fan_in else None
