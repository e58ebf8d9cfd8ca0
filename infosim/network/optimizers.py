"""Optimizers: how a gradient of the goal becomes a change of weights. All ascend.

What an optimizer's kernel reads of it at each update is `numbers`; `kernel` is that kernel's name.
"""

from dataclasses import dataclass
from math import sqrt

from infosim.errors import ConfigError, integer
from infosim.network.checks import LARGEST, number


def _check(spec):
    """Let the numbers that all optimizers have be Python's, and in their ranges."""
    set_ = object.__setattr__
    set_(spec, "rate", number("optimizer rate", spec.rate, 0, 1e6))
    set_(spec, "weight_decay", number("weight_decay", spec.weight_decay, 0, 1e6))
    set_(spec, "decay_until", integer("decay_until", spec.decay_until, 0, LARGEST))


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma & Ba 2015); `weight_decay` is L2, added to the gradient.

    It falls linearly to 0 over the first `decay_until` updates, or stays if that is 0.
    """

    rate: float = 0.001
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    decay_until: int = 0

    def __post_init__(self):
        set_ = object.__setattr__
        _check(self)
        set_(self, "epsilon", number("epsilon", self.epsilon, 0, 1))
        betas = tuple(number("betas", beta, 0, 1, closed=False) for beta in self.betas)
        if len(betas) != 2:
            raise ConfigError(f"betas must be two numbers, was {list(betas)}")
        set_(self, "betas", betas)

    kernel = "adam"

    def numbers(self, update):
        """What `kernels.update.cpu.adam` calls rates, of one update (counted from 1)."""
        beta1, beta2 = self.betas
        return (
            self.rate / (1 - beta1**update),
            1 / sqrt(1 - beta2**update),
            beta1,
            1 - beta1,
            beta2,
            1 - beta2,
            self.epsilon,
            _decay(self, update),
        )


@dataclass(frozen=True)
class SGD:
    """Plain gradient ascent; `weight_decay` and `decay_until` as for `Adam`."""

    rate: float = 0.1
    weight_decay: float = 0.0
    decay_until: int = 0

    def __post_init__(self):
        _check(self)

    kernel = "sgd"

    def numbers(self, update):
        """What `kernels.update.cpu.sgd` calls rates, of one update (counted from 1)."""
        return self.rate, _decay(self, update)


def _decay(optimizer, update):
    """The weight decay of an update."""
    if optimizer.decay_until == 0:
        return optimizer.weight_decay
    return optimizer.weight_decay * max(0.0, 1 - (update - 1) / optimizer.decay_until)


#: By the names that experiment files give.
OPTIMIZERS = {"adam": Adam, "sgd": SGD}
