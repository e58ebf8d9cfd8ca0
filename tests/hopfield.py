"""A small Hopfield network, and its recall written out."""

import numpy as np

from infosim.engine import Simulator
from infosim.network import Compartment, Layer, Network
from infosim.neuron import Activation

N = 60
PATTERNS = np.random.default_rng(0).choice([-1.0, 1.0], (3, N))


def hopfield(*gains):
    """A replica for each gain: Hebb's weights of the patterns, times it."""
    layer = Layer(
        "memory",
        N,
        [
            Compartment("R", "pattern", "one-to-one", trainable=False, bias=False, weight=2.0),
            Compartment("C", "memory", "all-but-self", delay=1, bias=False),
        ],
        Activation("sum"),
    )
    net = Simulator(Network({"pattern": N}, [layer]), seed=list(range(len(gains))), threads=1)
    hebb = PATTERNS.T @ PATTERNS / N
    net["memory"]["C"].weights = np.concatenate([gain * hebb for gain in gains])
    return net


def naive(cues, steps):
    """Recall with Hebb's weights, written out."""
    states = np.array(cues)
    weights = PATTERNS.T @ PATTERNS / N * (1 - np.eye(N))
    for _ in range(steps):
        states = np.where(states @ weights > 0, 1, -1)
    return states
