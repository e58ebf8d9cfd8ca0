"""Activation functions: how a neuron's compartment potentials drive its firing probability.

Every activation is a total drive A(u) of K potentials u with its partial derivatives; the firing
probability is θ = σ(A), clamped to [clamp, 1 - clamp]. The scalar functions stand here once,
(u, p) -> (A, dA) with tuples u and dA of K numbers: the kernels of every backend compile these same
functions.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from numbers import Real

import numpy as np

from infosim.elementary import exp
from infosim.errors import ConfigError, near
from infosim.jit import inline

# float32 on purpose: it leaves the precision of the other operand as it is, while a bare Python
# literal would turn float32 arithmetic into float64.
ZERO = np.float32(0)
ONE = np.float32(1)
#: e to this is still a float64, with room for its products. (In float32 `exp` itself holds it.)
_LARGEST = np.float32(700)


@inline
def logistic(x):
    """σ(x) = 1 / (1 + exp(-x)) and 1 - σ(x) = σ(-x), in the precision of `x`.

    Mirror images of each other: the smaller one keeps all its digits, where a difference from 1
    would be rounded to 0.
    """
    e = exp(min(-x, _LARGEST))
    result = ONE / (ONE + e)
    return result, e * result


@inline
def trivariate(u, p):
    """A = r [(1-α₁-α₂) + α₁ σ(β₁ r c) + α₂ σ(β₂ r l)] and ∂A/∂(r, c, l) (ICLR 2025).

    `p` holds 1-α₁-α₂, α₁, β₁, α₂, β₂.
    """
    r, c, l = u  # noqa: E741 - the potentials' names
    sc, sc_rest = logistic(p[2] * r * c)
    sl, sl_rest = logistic(p[4] * r * l)
    gain = p[0] + p[1] * sc + p[3] * sl
    dc = p[1] * p[2] * sc * sc_rest
    dl = p[3] * p[4] * sl * sl_rest
    return r * gain, (gain + r * (c * dc + l * dl), r * r * dc, r * r * dl)


@inline
def bivariate(u, p):
    """A = r [k₁ + (1-k₁) 2σ(k₂ r z)] and ∂A/∂(r, z) (PNAS 2025: k₁=½, k₂=2; ICLR 2025: k₁=0.9).

    `p` holds k₁, 2(1-k₁), k₂.
    """
    r, z = u
    s, s_rest = logistic(p[2] * r * z)
    gain = p[0] + p[1] * s
    dz = p[1] * p[2] * s * s_rest
    return r * gain, (gain + r * z * dz, r * r * dz)


@cache
def linear(n_compartments):
    """The function with A = β Σ_k u_k: the sum of the potentials (memory models). `p` holds β."""
    slopes = _copies(n_compartments)

    @inline
    def linear(u, p):
        total = u[0]
        for k in range(1, n_compartments):
            total += u[k]
        return p[0] * total, slopes(p[0])

    return linear


@cache
def feedforward(n_compartments):
    """The function with A = u_0: the first compartment drives, others enter the goal (readouts)."""
    slopes = (ONE,) + (ZERO,) * (n_compartments - 1)

    @inline
    def feedforward(u, p):
        return u[0], slopes

    return feedforward


@cache
def _copies(n):
    """A function that makes a tuple of n times its argument, of a length that compilers know."""
    if n == 1:
        return inline(lambda x: (x,))
    fewer = _copies(n - 1)
    return inline(lambda x: (*fewer(x), x))


@dataclass(frozen=True)
class _Form:
    """A kind of activation: number of compartments -> its scalar function, and its parameters."""

    scalar: Callable
    sources: tuple[int, ...]
    defaults: Mapping[str, tuple[float, ...]]
    pack: Callable
    clamp: float


ACTIVATIONS = {
    "trivariate": _Form(
        lambda n_compartments: trivariate,
        (3,),
        {"alpha": (0.1, 0.1), "beta": (2.0, 2.0)},
        lambda alpha, beta: (1 - alpha[0] - alpha[1], alpha[0], beta[0], alpha[1], beta[1]),
        0.0,
    ),
    "bivariate": _Form(
        lambda n_compartments: bivariate,
        (2,),
        {"k": (0.9, 2.0)},
        lambda k: (k[0], 2 * (1 - k[0]), k[1]),
        1e-6,
    ),
    "sum": _Form(linear, (1, 2, 3, 4), {"beta": (1.0,)}, lambda beta: (beta[0],), 0.0),
    "feedforward": _Form(feedforward, (1, 2, 3, 4), {}, lambda: (1.0,), 1e-6),
}


def _numbers(value):
    """A number or a flat sequence of numbers as a tuple of floats; () for anything else."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    values = value if isinstance(value, (list, tuple)) else (value,)
    if any(isinstance(v, bool) or not isinstance(v, Real) for v in values):
        return ()
    return tuple(float(v) for v in values)


@dataclass(frozen=True)
class Activation:
    """The activation of a layer's neurons, by name, with its parameters.

    Parameters
    ----------
    name : one of `ACTIVATIONS`: "trivariate", "bivariate", "sum", "feedforward"
    parameters : parameter name -> sequence of numbers; what is not given takes its default
    clamp : firing probabilities stay in [clamp, 1 - clamp]; None takes the published value

    Raises
    ------
    ConfigError : unknown name or parameter, wrong number of values, value not finite
    """

    name: str
    parameters: Mapping[str, Sequence[float]] = field(default_factory=dict)
    clamp: float | None = None

    def __post_init__(self):
        if self.name not in ACTIVATIONS:
            raise ConfigError(f"unknown activation {self.name!r}; {near(self.name, ACTIVATIONS)}")
        form = ACTIVATIONS[self.name]
        for key in self.parameters:
            if key not in form.defaults:
                allowed = ", ".join(form.defaults) or "none"
                raise ConfigError(
                    f"activation {self.name!r} has no parameter {key!r}; allowed: {allowed}"
                )
        values = {}
        for key, default in form.defaults.items():
            given = self.parameters.get(key, default)
            values[key] = _numbers(given)
            if len(values[key]) != len(default) or not np.isfinite(values[key]).all():
                raise ConfigError(
                    f"activation {self.name!r}: {key} needs {len(default)} finite number(s), "
                    f"was {list(values[key]) or given!r}"
                )
        clamp = form.clamp if self.clamp is None else self.clamp
        if len(_numbers(clamp)) != 1 or isinstance(clamp, (list, tuple)) or not 0 <= clamp < 0.5:
            raise ConfigError(
                f"activation {self.name!r}: clamp must be in [0, 0.5), was {self.clamp!r}"
            )
        object.__setattr__(self, "parameters", values)
        object.__setattr__(self, "clamp", float(clamp))

    @property
    def sources(self):
        """The numbers of compartments this activation can have."""
        return ACTIVATIONS[self.name].sources

    def scalar(self, n_compartments):
        """The scalar function (u, packed) -> (A, dA), u and dA tuples of so many numbers."""
        return ACTIVATIONS[self.name].scalar(n_compartments)

    def packed(self, dtype):
        """The parameters as the scalar function takes them, shape (P,)."""
        return np.array(ACTIVATIONS[self.name].pack(**self.parameters), dtype=dtype)
