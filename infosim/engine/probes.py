"""Probes: what to record during a simulation, and how often."""

import numpy as np

from infosim.errors import ConfigError, integer, near

#: What a `Recorder` can record of a layer.
QUANTITIES = "potentials", "probabilities", "output", "atoms"


class Probe:
    """Something called at `Record` events, every `every` presentations.

    Subclasses implement `record(simulator)`.
    """

    def __init__(self, every=1):
        self.every = integer("every", every)
        self._presentation = 0

    def __call__(self, simulator):
        if self._presentation % self.every == 0:
            self.record(simulator)
        self._presentation += 1

    def record(self, simulator):
        """Look at the simulator; called after all layers fired and before any learns."""
        raise NotImplementedError


class Recorder(Probe):
    """Keeps copies of named quantities of a layer.

    Parameters
    ----------
    layer : the layer's name
    quantities : of `QUANTITIES`; each becomes a list of arrays
    every : record each so many presentations

    Raises
    ------
    ConfigError : another quantity, every below 1
    """

    def __init__(self, layer, quantities=("probabilities",), every=1):
        super().__init__(every)
        for name in quantities:
            if name not in QUANTITIES:
                raise ConfigError(f"unknown quantity {name!r}; {near(name, QUANTITIES)}")
        self.layer = layer
        self.values = {name: [] for name in quantities}

    def record(self, simulator):
        state = simulator[self.layer]
        for name, values in self.values.items():
            value = simulator.atoms(self.layer) if name == "atoms" else getattr(state, name)
            values.append(np.array(value))
