"""What a Hebbian neuron's output tells of its pattern and of the recurrent field, without sampling.

A Hopfield network of N neurons stores M random patterns ξ = ±1 of fair bits, W = Σ_μ ξ^μ ξ^μᵀ with
zeros on the diagonal, and is shown one of them. A neuron's sources are R, its own bit of this
pattern, and C, the field c = Σ_j W_ij ξ_j that it receives from the others; its output is
y = sgn c, and its own bit where c = 0. The pattern shown contributes (N-1) R to c, each bit of the
other patterns a fair ±1, so that

    c = R (N - 1 + 2k - L),   L = (N-1) (M-1),   k ~ Binomial(L, 1/2),

which holds exactly for a neuron and a pattern over the ensemble of networks. (T and R in Blümel et
al. 2025, arXiv 2511.02584, which has the decomposition in closed form where c is not 0.)

In the limit of many neurons c / N is normal around R, with the load α = M/N as its variance, and
the output differs from the bit with the probability ε = 1/2 erfc(1/√(2α)). A single value of c has
no probability then, so that R or C agrees where R does, and all is known from ε:

    I_∩({R}{C}) = I(Y:R) = 1 - H(ε),   I(Y:C) = I(Y:R,C) = 1 bit,

Π{R}{C} = 1 - H(ε) and Π{C} = H(ε), the others 0.
"""

from math import erfc, isfinite, sqrt
from numbers import Real

import numpy as np

from infosim.analysis.binary import entropy
from infosim.errors import ConfigError, brief, integer
from infosim.pid.decomposition import Decomposition, decompose
from infosim.pid.lattice import lattice

NAMES = ("R", "C")

#: Field values that are visited: k within so many √L of its mean, outside with less than 1e-30.
_REACH = 6
#: At most so many, which take some 500 MB; beyond, the limit is within 1e-4 bit.
_MOST = 1_000_000


def hebbian_decomposition(load, neurons=None):
    """The decomposition of I(output; own bit R, recurrent field C) in a Hopfield network, in bits.

    By shared exclusions.

    Parameters
    ----------
    load : patterns per neuron, α = M/N, above 0
    neurons : N, at least 2, and M is α N rounded; None for the limit of many neurons

    Returns a Decomposition; without its two parts in the limit, where those of C are infinite.

    Raises
    ------
    ConfigError : no such load or number of neurons, less than one pattern, too many field values

    Examples
    --------
    >>> for neurons in (100, 800, None):
    ...     d = hebbian_decomposition(0.14, neurons)
    ...     print(round(d["{R}{C}"], 4), round(d["{C}"], 4))
    0.975 0.0245
    0.9658 0.0342
    0.9643 0.0357
    """
    if neurons is None:
        return _limit(_checked(load))
    return decompose(_joint(*_sizes(load, neurons)), names=NAMES)


def _sizes(load, neurons):
    """N and M, the load times N rounded, of a network that can be decomposed.

    Raises
    ------
    ConfigError : no such load or number of neurons, less than one pattern, too many field values
    """
    load, neurons = _checked(load), integer("neurons", neurons, 2, _MOST)
    patterns = load * neurons
    if neurons + 2 * _REACH * sqrt(neurons * patterns) > _MOST:
        raise ConfigError(
            f"load {load:.6g} of {neurons} neurons has more than {_MOST} values of the field; "
            "neurons=None is the limit of many"
        )
    if round(patterns) < 1:
        raise ConfigError(
            f"load {load:.6g} of {neurons} neurons is no pattern; {1 / neurons:.3g} is one"
        )
    return neurons, round(patterns)


def _checked(load):
    """A load as a float."""
    try:
        known = isinstance(load, Real) and not isinstance(load, bool) and isfinite(load)
    except OverflowError:  # an integer or fraction that is no float
        known = False
    if not known or not float(load) > 0:  # a fraction may be 0 as a float
        raise ConfigError(f"load must be a finite number above 0, was {brief(load)}")
    return float(load)


def _limit(load):
    """Of many neurons, from ε alone."""
    told = 1 - float(entropy(erfc(1 / sqrt(2 * load)) / 2))
    known = {"{R}{C}": told, "{R}": told, "{C}": 1.0, "{RC}": 1.0}
    grid = lattice(len(NAMES))
    redundancies = np.array([known[label] for label in grid.labels(NAMES)])
    return Decomposition(NAMES, redundancies, grid.moebius @ redundancies, entropy=1.0)


def _joint(neurons, patterns):
    """P(R, c, y), (2, n_c, 2), of R and y = -1, 1 and all c that occur, in ascending order."""
    aligned, mass = _aligned_field(neurons, patterns)
    lowest = min(aligned[0], -aligned[-1])
    n_values = (max(aligned[-1], -aligned[0]) - lowest) // 2 + 1
    pmf = np.zeros((2, n_values, 2))
    for r, bit in enumerate((-1, 1)):
        field = bit * aligned
        output = np.where(field == 0, bit, field) > 0
        pmf[r, (field - lowest) // 2, output.astype(int)] = mass / 2
    return pmf


def _aligned_field(neurons, patterns):
    """Values of c R, in steps of 2, and their probabilities, (n,) each."""
    others = (neurons - 1) * (patterns - 1)
    reach = _REACH * sqrt(others)
    first, last = max(0, int(others / 2 - reach)), min(others, int(others / 2 + reach) + 1)
    k = np.arange(first, last + 1)
    # relative to that of `first`, by the ratio of neighbours: no factorial need be known
    log_mass = np.cumsum(np.concatenate([[0.0], np.log((others - k[:-1]) / (k[:-1] + 1))]))
    mass = np.exp(log_mass - log_mass.max())
    return neurons - 1 + 2 * k - others, mass / mass.sum()
