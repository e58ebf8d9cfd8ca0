"""Activation functions: how a neuron's compartment potentials drive its firing probability.

Every activation is a total drive A(u) of K potentials u with its partial derivatives; the firing
probability is θ = σ(A), clamped to [clamp, 1 - clamp]. The scalar functions stand here once,
(u, p) -> (A, dA) with tuples u and dA of K numbers: the kernels of every backend compile these same
functions.
"""

from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from functools import cache
from numbers import Real

import numpy as np

from infosim.elementary import exp
from infosim.errors import ConfigError, brief, near
from infosim.jit import inline
from infosim.neuron import own
from infosim.settings import setting, settle

# float32 on purpose: it leaves the precision of the other operand as it is, while a bare Python
# literal would turn float32 arithmetic into float64.
ZERO = np.float32(0)
ONE = np.float32(1)
#: The numbers of compartments that a neuron may have.
_ANY = (1, 2, 3, 4)
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
def _modulation(r, v, alpha, beta):
    """α σ(β r v), one compartment's part in the gain of r, and its derivative in r v."""
    s, rest = logistic(beta * r * v)
    return alpha * s, alpha * beta * s * rest


@inline
def trivariate(u, p):
    """A = r [1-Σα + α₁ σ(β₁ r c) + α₂ σ(β₂ r l)] and ∂A/∂(r, c, l) (ICLR 2025).

    `p` holds 1-Σα, α₁, β₁, α₂, β₂.
    """
    r, c, l = u  # noqa: E741 - the potentials' names
    by_c, dc = _modulation(r, c, p[1], p[2])
    by_l, dl = _modulation(r, l, p[3], p[4])
    gain = p[0] + by_c + by_l
    return r * gain, (gain + r * (c * dc + l * dl), r * r * dc, r * r * dl)


@inline
def tetravariate(u, p):
    """A = r [1-Σα + α₁ σ(β₁ r c) + α₂ σ(β₂ r l) + α₃ σ(β₃ r t)] and ∂A/∂(r, c, l, t).

    `p` holds 1-Σα, α₁, β₁, α₂, β₂, α₃, β₃.
    """
    r, c, l, t = u  # noqa: E741
    by_c, dc = _modulation(r, c, p[1], p[2])
    by_l, dl = _modulation(r, l, p[3], p[4])
    by_t, dt = _modulation(r, t, p[5], p[6])
    gain = p[0] + by_c + by_l + by_t
    d_gain = c * dc + l * dl + t * dt
    return r * gain, (gain + r * d_gain, r * r * dc, r * r * dl, r * r * dt)


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


def _packed_gains(alpha, beta):
    rest = 1.0
    for one in alpha:
        rest -= one
    return (rest, *(number for pair in zip(alpha, beta, strict=True) for number in pair))


ACTIVATIONS = {
    "trivariate": _Form(
        lambda n_compartments: trivariate,
        (3,),
        {"alpha": (0.1, 0.1), "beta": (2.0, 2.0)},
        _packed_gains,
        0.0,
    ),
    "tetravariate": _Form(
        lambda n_compartments: tetravariate,
        (4,),
        {"alpha": (0.1, 0.1, 0.1), "beta": (2.0, 2.0, 2.0)},
        _packed_gains,
        0.0,
    ),
    "bivariate": _Form(
        lambda n_compartments: bivariate,
        (2,),
        {"k": (0.9, 2.0)},
        lambda k: (k[0], 2 * (1 - k[0]), k[1]),
        1e-6,
    ),
    "sum": _Form(linear, _ANY, {"beta": (1.0,)}, lambda beta: (beta[0],), 0.0),
    "feedforward": _Form(feedforward, _ANY, {}, lambda: (1.0,), 1e-6),
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
    """The activation of a layer's neurons, by name or as a function, with its parameters.

    A function of one's own takes (u, p), the tuple of the K potentials and an array of parameters,
    and returns (A, dA), the drive and a tuple of its K derivatives. It is compiled by Numba, for
    CPU and GPU, and its derivatives are checked when a layer is made of it (docs/activations.md).

    Parameters
    ----------
    name : one of `ACTIVATIONS`: "trivariate", "tetravariate", "bivariate", "sum", "feedforward";
        or a function
    parameters : parameter name -> sequence of numbers; what is not given takes its default. For a
        function a sequence of numbers, its p
    clamp : firing probabilities stay in [clamp, 1 - clamp]; None takes the published value, and for
        a function 0

    Raises
    ------
    ConfigError : unknown name or parameter, wrong number of values, value not finite
    """

    name: str | Callable
    parameters: Mapping[str, Sequence[float]] | Sequence[float] = field(default_factory=dict)
    clamp: float | None = setting(None, low=0, below=0.5)

    def __post_init__(self):
        if callable(self.name):
            parameters, published = self._own_parameters(), 0.0
        else:
            parameters, published = self._named_parameters(), ACTIVATIONS[self.name].clamp
        object.__setattr__(self, "parameters", parameters)
        if self.clamp is None:
            object.__setattr__(self, "clamp", published)
        settle(self, f"activation {self.label!r}: ")

    def _own_parameters(self):
        function = own.plain(self.name)
        if function is None:
            raise ConfigError(f"an activation is a name or a Python function, not {self.name!r}")
        object.__setattr__(self, "name", function)
        values = _numbers(self.parameters)
        none = isinstance(self.parameters, Sized) and not len(self.parameters)
        if not np.isfinite(values).all() or not (values or none):
            raise ConfigError(
                f"activation {self.label!r}: parameters of a function are finite numbers in a row, "
                f"were {brief(self.parameters)}"
            )
        return values

    def _named_parameters(self):
        if self.name not in ACTIVATIONS:
            raise ConfigError(f"unknown activation {self.name!r}; {near(self.name, ACTIVATIONS)}")
        form = ACTIVATIONS[self.name]
        if not isinstance(self.parameters, Mapping):
            raise ConfigError(
                f"activation {self.name!r}: parameters must be by name, were "
                f"{brief(self.parameters)}; allowed: {', '.join(form.defaults) or 'none'}"
            )
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
        return values

    def __hash__(self):
        return hash((self.name, str(self.parameters), self.clamp))

    @property
    def label(self):
        """Its name, also if it is a function."""
        return self.name if isinstance(self.name, str) else self.name.__qualname__

    @property
    def sources(self):
        """The numbers of compartments this activation can have."""
        return _ANY if callable(self.name) else ACTIVATIONS[self.name].sources

    def check(self, names):
        """Raise unless neurons with compartments of these names can have it.

        Raises
        ------
        ConfigError : it is for another number of compartments; or a function that cannot be called
            or compiled, or whose derivatives are others than it says
        """
        if len(names) not in self.sources:
            allowed = " or ".join(str(n) for n in self.sources)
            raise ConfigError(
                f"activation {self.label!r} takes {allowed} compartments, {len(names)} were given"
            )
        if callable(self.name):
            own.check(self.name, self.parameters, tuple(names))

    def scalar(self, n_compartments):
        """The scalar function (u, packed) -> (A, dA), u and dA tuples of so many numbers."""
        if callable(self.name):
            return own.scalar(self.name)
        return ACTIVATIONS[self.name].scalar(n_compartments)

    def packed(self, dtype):
        """The parameters as the scalar function takes them, shape (P,)."""
        if callable(self.name):
            return own.packed(self.parameters, dtype)
        return np.array(ACTIVATIONS[self.name].pack(**self.parameters), dtype)
