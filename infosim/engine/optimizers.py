"""Optimizers: how a gradient of the goal becomes a change of weights. All ascend."""

from functools import singledispatch

import numpy as np

from infosim.network import SGD, Adam


@singledispatch
def prepare(optimizer, step, dtype):
    """The numbers of one update, computed once per step: (kernel name, its last arguments)."""
    raise TypeError(f"not an optimizer: {optimizer!r}")


@prepare.register
def _(optimizer: Adam, step, dtype):
    beta1, beta2 = optimizer.betas
    rates = (
        optimizer.rate / (1 - beta1**step),
        1 / np.sqrt(1 - beta2**step),
        beta1,
        1 - beta1,
        beta2,
        1 - beta2,
        optimizer.epsilon,
        optimizer.weight_decay,
    )
    return "adam", np.array(rates, dtype)


@prepare.register
def _(optimizer: SGD, step, dtype):
    return "sgd", np.array((optimizer.rate, optimizer.weight_decay), dtype)
