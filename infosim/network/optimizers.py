"""Optimizers: how a gradient of the goal becomes a change of weights. All ascend.

What an optimizer's kernel reads of it at each update is `numbers`; `kernel` is that kernel's name.
Fields marked `SCHEDULED` may be a `Schedule`; `numbers` are those of `schedule.at` a moment.
"""

from dataclasses import dataclass, field
from functools import cache
from math import sqrt

from infosim.errors import ConfigError, integer
from infosim.network.checks import LARGEST, number
from infosim.schedule import Schedule, checked

#: Of a field that may change over training.
SCHEDULED = {"scheduled": True}


def _check(spec):
    """Let the numbers that all optimizers have be Python's, and in their ranges."""
    set_ = object.__setattr__
    for name, what in (("rate", "optimizer rate"), ("weight_decay", "weight_decay")):
        set_(spec, name, checked(lambda v, w=what: number(w, v, 0, 1e6), getattr(spec, name)))
    set_(spec, "decay_until", integer("decay_until", spec.decay_until, 0, LARGEST))
    if spec.decay_until and isinstance(spec.weight_decay, Schedule):
        raise ConfigError(
            f"weight_decay is a schedule, which says until when: decay_until must be 0, "
            f"was {spec.decay_until}"
        )


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma & Ba 2015); `weight_decay` is L2, added to the gradient.

    It falls linearly to 0 over the first `decay_until` updates, or stays if that is 0.
    """

    rate: float | Schedule = field(default=0.001, metadata=SCHEDULED)
    weight_decay: float | Schedule = field(default=0.0, metadata=SCHEDULED)
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

    rate: float | Schedule = field(default=0.1, metadata=SCHEDULED)
    weight_decay: float | Schedule = field(default=0.0, metadata=SCHEDULED)
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
    return _falling(optimizer.weight_decay, optimizer.decay_until).value(update - 1)


@cache
def _falling(weight_decay, until):
    return Schedule.between(weight_decay, 0.0, until, per="update")


#: By the names that experiment files give.
OPTIMIZERS = {"adam": Adam, "sgd": SGD}
