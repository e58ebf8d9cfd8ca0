"""What rules of recurrent memories have in common: a layer that reads itself, clamped to patterns.

A pattern ξ is seen with a unit more, which is always 1, and a neuron's bias as the weight of that
unit: h = W z, with z = (ξ, 1), is what the compartment hears.
"""

import numpy as np

from infosim.errors import DataError
from infosim.rules.executor import Executor


class MemoryExecutor(Executor):
    """Of R replicas of a layer of n neurons, in float64; a base (`network.rules.Memory`).

    n : neurons; connection : the one that learns; compartment : its
    """

    def __init__(self, *arguments):
        super().__init__(*arguments)
        ((number, self.connection),) = self.layer.trained
        self.compartment = self.layer.compartments[number]
        self.n = self.layer.spec.size

    def check(self, inputs, outputs):
        """See `Executor.check`.

        Raises
        ------
        DataError : the layer is not clamped, or to anything but 1 and -1
        """
        super().check(inputs, outputs)
        name = self.layer.spec.name
        if name not in outputs:
            raise DataError(f"rule {self.rule.name} needs layer {name!r} to be clamped to patterns")
        values = self.kernels.resident(outputs[name])
        strange = values[abs(values) != 1]
        if strange.size:
            raise DataError(
                f"rule {self.rule.name} learns patterns of 1 and -1, layer {name!r} was clamped to "
                f"{float(strange[0]):g}"
            )

    def patterns(self):
        """What the layer is clamped to, and a unit that is always 1, (R, n + 1, B)."""
        y = self.layer.activity
        z = self.kernels.xp.ones((self.layer.n_replicas, self.n + 1, y.shape[1]), np.float64)
        z[:, :-1] = y.reshape(-1, self.n, y.shape[1])
        return z

    def connected(self):
        """Which weights there are, boolean (R, n, n + 1), the last column that of the biases."""
        a, xp = self.connection.arrays, self.kernels.xp
        present = a.mask if a.mask.size else xp.ones(a.weights.shape, np.uint8)
        bias = xp.full(self.compartment.arrays.bias.shape, self.compartment.spec.bias)
        return self._joined(present, bias, bool)

    def weights(self):
        """A copy of weights and biases, (R, n, n + 1)."""
        bias = self.compartment.arrays.bias
        return self._joined(self.connection.arrays.weights, bias, np.float64)

    def _joined(self, weights, bias, dtype):
        xp, index = self.kernels.xp, self.connection.arrays.index
        joined = xp.zeros((len(weights), self.n + 1), dtype)
        joined[:, -1] = bias
        if index is None:
            joined[:, :-1] = weights
        else:
            joined[xp.arange(len(index))[:, None], index] = weights
        return joined.reshape(-1, self.n, self.n + 1)

    def become(self, weights):
        """Let weights and biases be these, (R, n, n + 1), where there are connections."""
        xp, a = self.kernels.xp, self.connection.arrays
        weights = xp.where(self.connected(), weights, 0.0).reshape(-1, self.n + 1)
        self.compartment.arrays.bias[...] = weights[:, -1]
        own = weights[:, :-1]
        a.weights[...] = own if a.index is None else xp.take_along_axis(own, a.index, axis=1)


class IteratedExecutor(MemoryExecutor):
    """Of a rule that learns in steps, from weights and biases 0 on (`network.rules.Iterated`)."""

    def learn(self, inputs):
        """Make the steps of a presentation."""
        weights, z, connected = self.weights(), self.patterns(), self.connected()
        if self.layer.clock.updates == 1:
            weights[...] = 0
        for _ in range(self.rule.steps):
            if not self.improve(weights, z, connected):
                break
        self.become(weights)

    def improve(self, weights, z, connected):
        """Make a step: change `weights` (R, n, n + 1) by patterns z (R, n + 1, B).

        Returns whether they changed, and thus may further.
        """
        raise NotImplementedError
