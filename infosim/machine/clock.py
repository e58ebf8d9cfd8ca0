"""A layer's clock: how far training is, and the numbers of each update, where the kernels are."""

import numpy as np

from infosim.schedule import Moment

#: Updates whose numbers are computed and brought to where the kernels are at once.
_AHEAD = 256


class _Followed:
    """An array that is to hold the numbers of an update, and a table of those of the next ones."""

    def __init__(self, array, numbers, by_epoch, by_replica):
        self.array, self.numbers = array, numbers
        self.by_epoch, self.by_replica = by_epoch, by_replica
        self.ahead, self.table = range(0), None  # of how many updates made, and the numbers then


class Clock:
    """Counts a layer's epochs and updates, and keeps what changes with them as it is to be.

    Attributes
    ----------
    updates : how many were made; epochs : of training, likewise
    """

    def __init__(self, kernels):
        self._kernels, self._followed = kernels, {}
        self.updates, self._epochs = 0, 0

    @property
    def epochs(self):
        """How many epochs of training were made."""
        return self._epochs

    @epochs.setter
    def epochs(self, made):
        if made != self._epochs:
            self._epochs = made
            for one in self._followed.values():
                if one.by_epoch:
                    one.ahead = range(0)

    @property
    def coming(self):
        """The `Moment` of the next update."""
        return Moment(self._epochs, self.updates)

    @property
    def last(self):
        """The `Moment` of the last update, of the first if none was made."""
        return Moment(self._epochs, max(self.updates - 1, 0))

    @property
    def by_replica(self):
        """Whether each row of every array that is followed is of one replica alone."""
        return all(one.by_replica for one in self._followed.values())

    def follow(self, name, array, numbers, by_epoch, by_replica):
        """From the next update on, let `array` hold `numbers(moment)` of each.

        array : where the kernels are; numbers : to what is copied into it
        by_epoch : whether the numbers of an update depend on its epoch
        by_replica : whether row r of the array is read by replica r alone
        """
        self._followed[name] = _Followed(array, numbers, by_epoch, by_replica)

    def leave(self, name):
        """Follow no more what is called so, if it was followed."""
        self._followed.pop(name, None)

    def tick(self):
        """Begin the next update; returns each array that follows it, and what it holds now."""
        numbers = self.bring()
        self.updates += 1
        return numbers

    def bring(self):
        """Let the arrays hold the numbers of the next update; returns as `tick` does."""
        numbers = []
        for one in self._followed.values():
            if self.updates not in one.ahead:
                self._look_ahead(one, 1)
            numbers.append((one.array, one.table[self.updates - one.ahead.start]))
        for array, values in numbers:
            array[...] = values
        return numbers

    def look_ahead(self, n):
        """Have the numbers of the next n updates where the kernels are."""
        for one in self._followed.values():
            if self.updates not in one.ahead or self.updates + n - 1 not in one.ahead:
                self._look_ahead(one, n)

    def _look_ahead(self, one, n):
        # what the epoch decides is void when it ends
        n = n if one.by_epoch else max(n, _AHEAD)
        one.ahead = range(self.updates, self.updates + n)
        table = [one.numbers(Moment(self._epochs, update)) for update in one.ahead]
        one.table = self._kernels.resident(np.stack(table))
