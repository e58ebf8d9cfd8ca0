"""The GPU's kernels under one roof: those of `kernels.cpu`, over the same scalar mathematics.

Signatures, arrays and loop letters are those of `kernels.cpu`. What differs:

* Arrays live on the GPU (CuPy's). `resident` brings them there, `host` back; nothing else does.
* One call computes a whole layer, all replicas of it: `Stream` cuts no work into blocks.
* A block of threads shares one neuron, or a loop strides over all numbers; dense products are
  cuBLAS's (`kernels.cublas`).
* Sums over samples or cells to which many threads add are made of 64-bit integers (fixed point).
  Integers add up to the same in any order, so that results have the same bits in every run.

How work is given to the GPU, or to Numba's simulator of one, is in `kernels.device`.
"""

from infosim.kernels.batch.cuda import take_one_hot, take_scaled
from infosim.kernels.connect.cuda import (
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
from infosim.kernels.device import Stream, host, resident, xp
from infosim.kernels.firing.cuda import activate, add_direct, chain
from infosim.kernels.readout.cuda import (
    classify,
    count_wrong,
    cross_entropy,
    invert,
    mostly_firing,
    tally,
)
from infosim.kernels.score.cuda import assign, information, score, span
from infosim.kernels.score.estimate.cuda import scratch
from infosim.kernels.update.cuda import adam, sgd

__all__ = [
    "ON_DEVICE",
    "Stream",
    "accumulate",
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
    "take_scaled",
    "tally",
    "xp",
]

ON_DEVICE = True
