"""Hebb's rule in closed form: the Hopfield network that infomorphic memories are beside.

A weight becomes the mean product of what it joins, W = 1/n Σ_s y_s x_sᵀ over the samples s of one
epoch, n the units that its compartment may read by weights that learn (Hopfield 1982): x is what
the connection reads, y the output that the layer is clamped to, or else has at the last step. A
bias is the weight of a unit that is always 1. Until the epoch ends weights are what they were.
"""

import numpy as np

from infosim.errors import ConfigError
from infosim.network.rules import Hebb
from infosim.rules.executor import Executor, executes


@executes(Hebb)
class HebbExecutor(Executor):
    """Adds up products, in float64, and makes weights of them; for rules like it as well.

    products : Σ_s y_s x_s of each trained connection, shaped as its weights; sums : Σ_s y_s, (N,)
    """

    def __init__(self, *arguments):
        super().__init__(*arguments)
        zeros, trained = self.kernels.xp.zeros, self.layer.trained
        self.products = [zeros(c.arrays.weights.shape, np.float64) for _, c in trained]
        self.sums = zeros(self.layer.biases.shape[1], np.float64)

    def check(self, inputs, outputs):
        """See `Executor.check`.

        Raises
        ------
        ConfigError : a clamped layer in presentations of several steps, in which it moves on
        """
        super().check(inputs, outputs)
        if self.layer.spec.name in outputs and self.network.steps > 1:
            raise ConfigError(
                f"rule {self.rule.name} learns a clamped layer in presentations of one step, "
                f"steps was {self.network.steps}"
            )

    def learn(self, inputs):
        """Add the products of a presentation."""
        self.layer.firing.delta[...] = self.layer.activity
        self.accumulate()
        for total, (_, c) in zip(self.products, self.layer.trained, strict=True):
            total += c.arrays.gradient
        self.sums += self.layer.bias_gradient[0]

    def conclude(self):
        """Set weights and biases by what was added up."""
        host = self.kernels.host
        units = [
            sum(self.network.size(c.spec.source) for c in compartment.trained)
            for compartment in self.layer.compartments
        ]
        for total, (k, c) in zip(self.products, self.layer.trained, strict=True):
            c.weights = self.weights(host(total), units[k])
        for n, compartment in zip(units, self.layer.compartments, strict=True):
            if n and compartment.spec.bias:
                compartment.bias = host(self.sums) / n

    def weights(self, products, n):
        """The weights that a connection's products make; what there are no connections for is
        left out of them."""
        return products / n

    def arrays(self, replica):
        """The sums of a replica, live."""
        size = self.layer.spec.size
        rows = slice(replica * size, (replica + 1) * size)
        names = [
            f"{compartment.spec.name}/{own}products"
            for compartment in self.layer.compartments
            for own, c in compartment.named
            if c.trainable
        ]
        products = {name: total[rows] for name, total in zip(names, self.products, strict=True)}
        return {"sums": self.sums[rows]} | products
