"""Which factors neurons have found, on firing probabilities made by hand."""

import numpy as np
import pytest

from infosim.analysis.factors import FactorError, correlations, told
from infosim.datasets import load
from infosim.engine import Samples, Simulator
from infosim.machine.randomness import Purpose
from infosim.network import Compartment, Layer, Network
from infosim.neuron import Activation


def test_correlations_are_those_of_numpy_and_zero_for_what_never_changes():
    rng = np.random.default_rng(0)
    factors = rng.choice([-1.0, 1.0], (200, 3))
    theta = np.vstack([0.5 + 0.3 * factors[:, 1], rng.random(200), np.full(200, 0.3)])
    found = correlations(theta.astype(np.float32), factors)
    expected = np.corrcoef(np.vstack([theta[:2], factors.T]))[:2, 2:]
    np.testing.assert_allclose(found[:2], expected, atol=1e-6)
    np.testing.assert_array_equal(found[2], 0)
    assert found[0, 1] == pytest.approx(1)
    still = np.hstack([factors, np.ones((200, 1))])
    np.testing.assert_array_equal(correlations(theta, still)[:, 3], 0)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([[1, 0], [0, -0.95]], [True, True]),  # the sign does not matter
        ([[0.95, 0], [-1, 0]], [True, False]),  # twice the same
        ([[0.89, 0], [0, 0.91]], [False, True]),
        ([[0.95, 0.92], [0, 0]], [True, False]),  # one neuron counts once, for its best
        ([[0.6, 0.6], [0.6, -0.6]], [False, False]),  # mixtures
    ],
)
def test_told(found, expected):
    np.testing.assert_array_equal(told(np.array(found)), expected)


def test_error_of_replicas_with_weights_set_by_hand():
    """A neuron that reads one bar tells it; replicas and batches are kept apart."""
    bars = load("bars", {"size": 3, "train": 50, "test": 333})
    layer = Layer("hidden", 3, [Compartment("F", "image", bias=False)], Activation("sum"))
    net = Simulator(Network({"image": 9}, [layer]), seed=[0, 1], threads=1)
    weights = np.zeros((2, 3, 3, 3))  # replica, neuron, row, column
    for bar in range(3):
        weights[0, bar, bar] = 2 * (-1) ** bar
    weights[1, :, 1] = 2  # all tell the second one
    net["hidden"]["F"].weights = weights.reshape(6, 9)
    error = FactorError("hidden", {Purpose.TEST: bars.test_factors})
    samples = Samples({"image": bars.test_x})
    place = {"purpose": Purpose.TEST, "epoch": 2}
    np.testing.assert_allclose(error(net, samples, **place), [0, 2 / 3])
    found = error.correlations(net, samples, **place)
    np.testing.assert_allclose(found[0], np.diag([1, -1, 1]), atol=0.2)
    net["hidden"]["F"].weights *= 0.01  # as correlated as before, but hardly ever the same output
    net["hidden"]["F"].touch()
    np.testing.assert_array_equal(error(net, samples, **place), [1, 1])
    net["hidden"]["F"].weights *= 100
    net["hidden"]["F"].touch()
    some = samples.subset(np.arange(200)[::-1])  # factors go with the rows
    np.testing.assert_allclose(error(net, some, **place), [0, 2 / 3])
