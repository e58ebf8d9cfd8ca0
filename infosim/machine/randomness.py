"""Where random numbers come from: one independent stream for every purpose, none shared."""

import numpy as np

#: What random numbers are drawn for; part of every stream. Those that are made data's begin at 100.
TRAIN, VALIDATION, TEST, FREE, INITIAL, SHUFFLE, SPLIT, INVERSION, NOISE = range(9)


def generator(seed, *purpose):
    """A NumPy generator for (seed, purpose...), independent of those that begin otherwise.

    What is left out counts as 0, so all generators of one purpose are named by as many numbers.
    """
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, *purpose])))


def stream(purpose, epoch=0):
    """The number of the kernels' random stream for `purpose`, below 8, in `epoch`."""
    return 8 * epoch + purpose
