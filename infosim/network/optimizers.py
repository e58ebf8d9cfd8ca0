"""Optimizers: how a gradient of the goal becomes a change of weights. All ascend.

What an optimizer's kernel reads of it at each update is `numbers`; `kernel` is that kernel's name.
Where fields may be a `Schedule`, `numbers` are those of `schedule.at` a moment.
"""

from dataclasses import dataclass
from functools import cache
from math import sqrt

from infosim.errors import ConfigError
from infosim.schedule import Schedule
from infosim.settings import LARGEST, setting, settings, settle

_SIZE = {"low": 0, "high": 1e6, "varies": True}
_RATE = {"doc": "or a [schedule](#schedules), as below"} | _SIZE
_WEIGHT_DECAY = {"doc": "L2, added to the gradient; or a schedule"} | _SIZE
_DECAY_UNTIL = {
    "doc": "when the weight decay has fallen to 0, as by a schedule; 0: it stays",
    "low": 0, "high": LARGEST, "unit": "updates", "varies": True,
}  # fmt: skip


def _check(spec):
    """Let the numbers that all optimizers have be Python's, and in their ranges."""
    settle(spec, "optimizer ")
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

    rate: float | Schedule = setting(0.001, **_RATE)
    weight_decay: float | Schedule = setting(0.0, **_WEIGHT_DECAY)
    betas: tuple[float, float] = setting(
        (0.9, 0.999), "how much the means of the gradient and of its square keep", low=0, below=1,
        varies=True,
    )  # fmt: skip
    epsilon: float = setting(
        1e-8, "least number that a step is divided by", low=0, high=1, varies=True
    )
    decay_until: int = setting(0, **_DECAY_UNTIL)

    def __post_init__(self):
        _check(self)
        known = settings(Adam)["betas"]
        betas = tuple(known.check("optimizer betas", beta) for beta in self.betas)
        if len(betas) != known.length:
            raise ConfigError(f"optimizer betas must be two numbers, was {list(betas)}")
        object.__setattr__(self, "betas", betas)

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

    rate: float | Schedule = setting(0.1, **_RATE)
    weight_decay: float | Schedule = setting(0.0, **_WEIGHT_DECAY)
    decay_until: int = setting(0, **_DECAY_UNTIL)

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
