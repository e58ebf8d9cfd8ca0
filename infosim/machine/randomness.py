"""Where random numbers come from: one independent stream for every purpose, none shared."""

from enum import IntEnum, unique

import numpy as np

#: Purposes that the kernels' streams have room for.
_STREAMS = 8


@unique
class Purpose(IntEnum):
    """What random numbers are drawn for; part of every stream, so that none is drawn twice.

    The first eight may be purposes of the kernels' streams (`stream`); made data begin at 100.
    """

    TRAIN = 0
    VALIDATION = 1
    TEST = 2
    FREE = 3
    INITIAL = 4
    SHUFFLE = 5
    SPLIT = 6
    INVERSION = 7
    NOISE = 8
    RECALL = 9


def generator(seed, *purpose):
    """A NumPy generator for (seed, purpose...), independent of those that begin otherwise.

    What is left out counts as 0, so all generators of one purpose are named by as many numbers.
    """
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, *purpose])))


def stream(purpose, epoch=0):
    """The number of the kernels' random stream for one of the first eight purposes in `epoch`."""
    if purpose >= _STREAMS:
        raise ValueError(f"{Purpose(purpose).name} is not drawn by kernels")
    return _STREAMS * epoch + purpose
