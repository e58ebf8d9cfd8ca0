"""Optimizers: how a gradient of the goal becomes a change of weights. All ascend."""

from functools import singledispatch
from math import sqrt

from infosim.network import SGD, Adam


def kernel(optimizer):
    """The name of the kernel that makes this optimizer's updates."""
    return type(optimizer).__name__.lower()


@singledispatch
def rates(optimizer, step):
    """The numbers of update `step` (from 1), as the optimizer's kernel takes them."""
    raise TypeError(f"not an optimizer: {optimizer!r}")


@rates.register
def _(optimizer: Adam, step):
    beta1, beta2 = optimizer.betas
    return (
        optimizer.rate / (1 - beta1**step),
        1 / sqrt(1 - beta2**step),
        beta1,
        1 - beta1,
        beta2,
        1 - beta2,
        optimizer.epsilon,
        _decay(optimizer, step),
    )


@rates.register
def _(optimizer: SGD, step):
    return optimizer.rate, _decay(optimizer, step)


def _decay(optimizer, step):
    """The weight decay of update `step`."""
    if optimizer.decay_until == 0:
        return optimizer.weight_decay
    return optimizer.weight_decay * max(0.0, 1 - (step - 1) / optimizer.decay_until)
