"""Memory for batches: made for the largest, and as many views of it as there are sizes."""

import math
from functools import partial

#: Numbers of samples whose arrays are kept.
_MOST = 8


class Sizes:
    """What is made for each of a few numbers of samples, in memory for the largest of them.

    Parameters
    ----------
    xp : the array module; make : (n_samples, array) -> what is made for so many
    forgotten : called when what was made before is void
    """

    def __init__(self, xp, make, forgotten):
        self._xp, self._make, self._forgotten = xp, make, forgotten
        self._made, self._memory, self._most = {}, {}, 0

    def __getitem__(self, n_samples):
        if n_samples not in self._made:
            if n_samples > self._most or len(self._made) == _MOST:
                self._most = max(n_samples, self._most)
                self._made.clear()
                self._memory.clear()
                self._forgotten()
            self._made[n_samples] = self._make(n_samples, partial(self._array, n_samples))
        return self._made[n_samples]

    def _array(self, n_samples, name, shape, dtype):
        """A view of the memory kept under `name`, which has room for the most samples."""
        size = math.prod(shape)
        if name not in self._memory:
            self._memory[name] = self._xp.zeros(size // n_samples * self._most, dtype)
        return self._memory[name][:size].reshape(shape)
