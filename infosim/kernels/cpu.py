"""The CPU's kernels under one roof: one call computes neurons start to stop of a layer.

Arrays have the neuron first and the sample last, so that one neuron's samples are contiguous. A
layer may hold several replicas of itself side by side: with N neurons in R replicas, replica r has
the rows from r N/R on. Loop letters: n neuron, s sample, k compartment, r replica, a antichain,
c cell (an occupied tuple of bins), m non-empty set of sources as a bitmask. A kernel trusts its
arguments (the engine checks them), draws no randomness beyond its counters and writes into its
last arguments. One call stays within one replica.
"""

import numpy as xp

from infosim.kernels.batch.cpu import take_one_hot, take_scaled
from infosim.kernels.connect.cpu import (
    accumulate,
    accumulate_sparse,
    add,
    hold,
    project,
    project_single,
    project_sparse,
    shift,
    silence,
    spread,
)
from infosim.kernels.firing.cpu import activate, add_direct, chain
from infosim.kernels.readout.cpu import (
    classify,
    count_wrong,
    cross_entropy,
    invert,
    mostly_firing,
    tally,
)
from infosim.kernels.score.cpu import assign, information, score, span
from infosim.kernels.score.estimate.cpu import scratch
from infosim.kernels.sparse.cpu import (
    accumulate_remainder,
    project_remainder,
    take_remainder,
    turn,
)
from infosim.kernels.update.cpu import adam, sgd

__all__ = [
    "ON_DEVICE",
    "accumulate",
    "accumulate_remainder",
    "accumulate_sparse",
    "activate",
    "adam",
    "add",
    "add_direct",
    "assign",
    "chain",
    "classify",
    "count_wrong",
    "cross_entropy",
    "hold",
    "host",
    "information",
    "invert",
    "mostly_firing",
    "project",
    "project_remainder",
    "project_single",
    "project_sparse",
    "resident",
    "score",
    "scratch",
    "sgd",
    "shift",
    "silence",
    "span",
    "spread",
    "take_one_hot",
    "take_remainder",
    "take_scaled",
    "tally",
    "turn",
    "xp",
]

#: Whether arrays live on a device of their own, to be moved there and back.
ON_DEVICE = False


def resident(array, dtype=None):
    """`array` where the kernels can read it: here, the array itself."""
    return xp.asarray(array, dtype)


def host(array):
    """A kernel's array for the user to read and write: here, the array itself."""
    return array
