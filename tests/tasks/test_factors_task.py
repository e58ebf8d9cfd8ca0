"""Factors as a task, on weights set by hand."""

import numpy as np

from infosim.datasets import load
from infosim.engine import Samples, Simulator
from infosim.machine.randomness import Purpose
from infosim.network import Compartment, Layer, Network
from infosim.neuron import Activation
from infosim.tasks import Factors

SETTINGS = {"network": {"readout": ""}, "layers": {"hidden": {"goal": "{F}"}}}


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
    assert Factors.fits(SETTINGS, bars)
    task = Factors(SETTINGS, bars)
    samples = Samples({"image": bars.test_x})
    moment = {"purpose": Purpose.TEST, "epoch": 2, "batch": 7}
    np.testing.assert_allclose(task.measure(net, samples, **moment), [0, 2 / 3])
    found = task.record(net, samples, **moment)
    np.testing.assert_allclose(found[0]["correlations"], np.diag([1, -1, 1]), atol=0.2)
    assert found[1]["layer"] == "hidden"
    net["hidden"]["F"].weights *= 0.01  # as correlated as before, but hardly ever the same output
    net["hidden"]["F"].touch()
    np.testing.assert_array_equal(task.measure(net, samples, **moment), [1, 1])
    net["hidden"]["F"].weights *= 100
    net["hidden"]["F"].touch()
    some = samples.subset(np.arange(200)[::-1])  # factors go with the rows
    np.testing.assert_allclose(task.measure(net, some, **moment), [0, 2 / 3])


def test_the_layer_is_the_first_with_a_goal_of_its_own_or_of_a_group():
    bars = load("bars", {"size": 3, "train": 5, "test": 5})

    def layer(**layers):
        settings = SETTINGS | {"layers": layers}
        return Factors(settings, bars).layer if Factors.fits(settings, bars) else None

    none, goal = {"goal": ""}, {"goal": "{F}"}
    assert layer(a=none, b=goal, c=goal) == "b"
    assert layer(a=none | {"groups": {"x": none, "y": goal}}, b=goal) == "a"
    assert layer(a=goal | {"groups": {"x": none}}, b=goal) == "a"
    assert layer(a=none | {"groups": {"x": none}}) is None
    assert layer(a=none) is None
    assert not Factors.fits(SETTINGS, load("patches", {"train": 5, "test": 5}))
