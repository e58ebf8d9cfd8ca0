"""What interventions impose on a layer: how its neurons fire, and what of it does not learn."""

import numpy as np


class Imposed:
    """What is imposed on the neurons of a layer, the same in each replica.

    It is made anew whenever that changes: interventions say in turn what they impose, by neurons'
    numbers in their replica, and `bring` brings it to where the kernels are. What fires and learns
    then reads, for the N neurons of all replicas,

    current : what is added to the drive A, (N,)
    absent : uint8 (N,), neurons that are lesioned
    held : (which, θ, 1 - θ, output), uint8 (N,) and (N,) each, of the neurons that fire as imposed;
        None without any
    shifts : number of a compartment -> what is added to its potentials, (N,)
    cuts : ConnectionState -> which neurons hear nothing through it, uint8 (N,), and what instead
    """

    def __init__(self, layer):
        self._layer, self._n = layer, layer.spec.size
        self._lesioned, self._clamped = (self._mark([]) for _ in range(2))
        self._fires, self._current = self._lesioned.copy(), np.zeros(self._n)
        self._shifts, self._cuts, self._weights, self._biases = {}, {}, {}, {}

    def _mark(self, neurons):
        marks = np.zeros(self._n, bool)
        marks[neurons] = True
        return marks

    # -- what interventions say ------------------------------------------------------------------

    def lesion(self, neurons):
        """Let neurons be as if they were not there."""
        self._lesioned[neurons] = True
        self.freeze_all(neurons)

    def clamp(self, neurons, fires):
        """Let neurons always fire, or never; of several that say so the last is right."""
        self._clamped[neurons], self._fires[neurons] = True, fires
        self.freeze_all(neurons)

    def drive(self, neurons, values):
        """Add to the neurons' drive."""
        self._current[neurons] += values

    def shift(self, number, neurons, values):
        """Add to the potentials of a compartment."""
        self._shifts.setdefault(number, np.zeros(self._n))[neurons] += values

    def cut(self, connection, neurons):
        """Let neurons hear nothing through a connection, whose weights do not learn."""
        self._cuts[connection] = self._cuts.get(connection, False) | self._mark(neurons)
        self.freeze(connection, neurons)

    def freeze(self, connection, neurons):
        """Let the neurons' weights of a connection stay as they are."""
        self._weights[connection] = self._weights.get(connection, False) | self._mark(neurons)

    def freeze_bias(self, compartment, neurons):
        """Let the neurons' biases of a compartment stay as they are."""
        self._biases[compartment] = self._biases.get(compartment, False) | self._mark(neurons)

    def freeze_all(self, neurons):
        """Let neurons not learn at all."""
        for compartment in self._layer.compartments:
            self.freeze_bias(compartment, neurons)
            for connection in compartment.connections:
                self.freeze(connection, neurons)

    # -- what is read of it ----------------------------------------------------------------------

    def bring(self):
        """Bring all of it to where the kernels are; returns self."""
        layer = self._layer
        which = self._lesioned | self._clamped
        fires = self._fires & ~self._lesioned
        heard = np.where(self._lesioned, 0, np.where(fires, 1, layer.off))
        self.absent = self._resident(self._lesioned, np.uint8)
        self.current = self._resident(self._current)
        self.held, self._rows = None, None
        if which.any():
            values = map(self._resident, (fires, ~fires, heard))
            self.held = self._resident(which, np.uint8), *values
            self._rows = self._index(which)
        self.shifts = {k: self._resident(values) for k, values in self._shifts.items()}
        nothing = layer.kernels.xp.zeros(self._n * layer.n_replicas, layer.dtype)
        self.cuts = {
            connection: (self._resident(which, np.uint8), nothing)
            for connection, which in self._cuts.items()
        }
        self._frozen = [(array, self._index(which)) for array, which in self._unmoved()]
        return self

    def _resident(self, values, dtype=None):
        """Numbers of a replica's neurons for all replicas, (N,)."""
        values = np.tile(values, self._layer.n_replicas).astype(dtype or self._layer.dtype)
        return self._layer.kernels.resident(values)

    def _index(self, which):
        """Where the neurons of all replicas stand that are marked in one."""
        marked = np.flatnonzero(np.tile(which, self._layer.n_replicas))
        return self._layer.kernels.resident(marked)

    def _unmoved(self):
        """Arrays of which rows, the last axis but inputs', stay as they are: (array, which)."""
        for connection, which in self._weights.items():
            if connection.trainable:
                yield connection.arrays.weights, which
                yield from ((one, which) for one in connection.arrays.moments)
        for compartment, which in self._biases.items():
            if compartment.trained:
                yield compartment.arrays.bias, which
                yield from ((one, which) for one in compartment.arrays.moments)

    @property
    def severed(self):
        """Whether neurons fire as imposed, or hear nothing through a connection."""
        return self.held is not None or bool(self.cuts)

    def hold(self, outputs):
        """Let outputs (N, B) that were given, not fired, be those that are imposed."""
        if self.held is not None:
            outputs[self._rows] = self.held[-1][self._rows, None]

    def kept(self, now, before):
        """Numbers of neurons, (N,), where neurons fire as imposed as they were before."""
        return now if self.held is None else self._layer.kernels.xp.where(self.held[0], before, now)

    def frozen(self):
        """A copy of what does not learn: [(array, rows, values)]."""
        return [(array, rows, array[rows].copy()) for array, rows in self._frozen]
