"""An optimizer's clock: which update it is, and the numbers of each, where the kernels are."""

import numpy as np

#: Updates whose numbers are computed and brought to where the kernels are at once.
_AHEAD = 256


class Clock:
    """Counts a layer's updates.

    Parameters
    ----------
    optimizers : of each replica, of one kind

    Attributes
    ----------
    updates : how many were made
    rates : (R, ...), the numbers of the update that is being made, always in the same array
    """

    def __init__(self, optimizers, kernels, dtype):
        self._optimizers, self._kernels, self._dtype = optimizers, kernels, dtype
        self.rates = kernels.resident(self._numbers(1))
        self.updates = 0
        self._ahead = range(0)

    def _numbers(self, update):
        return np.array([one.numbers(update) for one in self._optimizers], self._dtype)

    def tick(self):
        """Begin the next update."""
        self.look_ahead(1)
        self.updates += 1
        self.rates[...] = self._table[self.updates - self._ahead.start]

    def look_ahead(self, n):
        """Have the numbers of the next n updates where the kernels are."""
        first = self.updates + 1
        if first in self._ahead and first + n - 1 in self._ahead:
            return
        self._ahead = range(first, first + max(n, _AHEAD))
        table = np.stack([self._numbers(update) for update in self._ahead])
        self._table = self._kernels.resident(table)
