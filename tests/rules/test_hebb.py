"""Hebb's rule, by its sums and by what a Hopfield network is known to store."""

import numpy as np
import pytest

from infosim.engine import Simulator
from infosim.errors import ShapeError
from infosim.network import Compartment, Layer, Network
from infosim.neuron import Activation, Binning
from infosim.rules.hebb import hebbian


def test_weights_are_mean_products_without_self_connections():
    patterns = np.array([[1, -1, 1], [1, 1, -1]])
    expected = np.array([[0, 0, 0], [0, 0, -2], [0, -2, 0]]) / 3
    np.testing.assert_array_equal(hebbian(patterns), expected)


@pytest.mark.parametrize(("load", "kept"), [(0.05, True), (0.3, False)])
def test_patterns_are_fixed_points_below_the_known_capacity_only(load, kept):
    """Capacity 0.138 n for large n (Amit, Gutfreund, Sompolinsky 1985)."""
    n = 200
    patterns = np.random.default_rng(0).choice([-1.0, 1.0], (int(load * n), n))
    R = Compartment("R", "pattern", "one-to-one", weight=1.0, trainable=False, bias=False)
    C = Compartment("C", "memory", "all-but-self", delay=1, bias=False)
    layer = Layer("memory", n, [R, C], Activation("sum"), Binning(bins=(2, 20)))
    net = Simulator(Network({"pattern": n}, [layer]), threads=1)
    net["memory"]["C"].weights = hebbian(patterns)
    overlap = (net.recall(patterns).states * patterns).mean()
    assert (overlap > 0.99) == kept
    assert overlap > 0.3


@pytest.mark.parametrize("patterns", [[[0, 1]], [1, -1], np.ones((0, 3))])
def test_anything_but_patterns_is_refused(patterns):
    with pytest.raises(ShapeError, match="patterns must be"):
        hebbian(patterns)
