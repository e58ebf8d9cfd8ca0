"""Where random numbers come from: one independent stream for every purpose, none shared."""

import numpy as np

#: What random numbers are drawn for; part of every stream.
TRAIN, VALIDATION, TEST, FREE, INITIAL, SHUFFLE, SPLIT, INVERSION = range(8)


def generator(seed, *purpose):
    """A NumPy generator for (seed, purpose...), independent of all others."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, *purpose])))


def stream(purpose, epoch=0):
    """The number of the kernels' random stream for `purpose` in `epoch`."""
    return 8 * epoch + purpose
