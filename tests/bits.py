"""Whether two networks, or two trainings, are the same to the bit."""

import numpy as np


def assert_same_bits(one, other):
    """Assert that arrays by name are the same."""
    assert one.keys() == other.keys(), one.keys() ^ other.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name], err_msg=name)


def without_times(state):
    """A copy of all that a training's state has but how long it took."""
    return {name: np.array(array) for name, array in state.items() if name != "seconds"}


def assert_same_layers(one, other):
    """Assert that the layers of two simulators hold the same outputs and potentials."""
    for name, layer in one.layers.items():
        np.testing.assert_array_equal(layer.output, other[name].output, err_msg=name)
        np.testing.assert_array_equal(layer.potentials, other[name].potentials, err_msg=name)


def assert_same_training(one, other):
    """Assert that two trainings, neither of which was resumed, left the same."""
    assert one.simulator.time == other.simulator.time
    for r in range(one.simulator.n_replicas):
        mine, theirs = one.state(r), other.state(r)
        assert mine["seconds"].shape == theirs["seconds"].shape
        assert_same_bits(without_times(mine), without_times(theirs))
    assert_same_layers(one.simulator, other.simulator)
