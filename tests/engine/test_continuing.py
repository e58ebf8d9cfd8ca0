"""`fit` again goes on; `reset` starts anew."""

import numpy as np
import pytest
from bits import assert_same_bits
from test_readout import apart, network

from infosim.engine import Simulator, Training
from infosim.errors import ConfigError


def simulator(seed=4, **options):
    return Simulator(network(3, hidden=8), seed=seed, threads=1, **options)


@pytest.mark.parametrize("parts", [[10, 10], [1] * 20, [0, 20], [13, 0, 7]])
def test_twice_ten_epochs_are_twenty(parts):
    data, test = apart([60, 40, 30]), apart([20, 20, 20], 1)
    options = {"batch": 50, "validation": test, "record_every": 2}
    whole, in_parts = simulator(), simulator()
    expected = whole.fit(data, 20, **options)
    for epochs in parts:
        history = in_parts.fit(data, epochs, **options)
    assert_same_bits(whole.arrays(), in_parts.arrays())
    assert len(history) == 21
    for name in ("train_error", "val_error", "mean_goal"):
        assert getattr(history, name) == getattr(expected, name)
    np.testing.assert_array_equal(history.atoms["hidden"], expected.atoms["hidden"])
    assert history is in_parts.histories[0]


def test_the_order_of_samples_is_another_in_every_epoch():
    data, net, seen = apart([40, 40, 40]), simulator(), []
    for _ in range(6):
        training = Training(net, data, batch=120)
        training.advance()
        seen.append(np.array(net.gathered[0]["image"]))
        training.advance()
    for i, one in enumerate(seen):
        assert not any((one == other).all() for other in seen[:i])


def test_replicas_go_on_too():
    data = apart([60, 40, 30])
    both = simulator(seed=[4, 5])
    both.fit(data, 2, batch=50)
    histories = both.fit(data, 3, batch=50)
    for seed, history in zip((4, 5), histories, strict=True):
        alone = simulator(seed)
        alone.fit(data, 5, batch=50)
        assert history.train_error == alone.histories[0].train_error


def test_other_samples_go_on_from_the_same_weights():
    net = simulator()
    net.fit(apart([60, 40, 30]), 2, batch=50)
    history = net.fit(apart([30, 30, 30], 5), 2, batch=90, validation=apart([9, 9, 9]))
    assert len(history) == 5
    assert np.isnan(history.val_error[:3]).all()
    assert np.isfinite(history.val_error[3:]).all()


@pytest.mark.parametrize("preset", ["demo/digits", "iclr/backprop"])
def test_reset_starts_anew(preset):
    data = apart([60, 40, 30])
    net = Simulator(network(3, preset, hidden=8), seed=4, threads=1)
    fresh = Simulator(network(3, preset, hidden=8), seed=4, threads=1)
    net.fit(data, 4, batch=50)
    assert (net["hidden"]["F"].weights != fresh["hidden"]["F"].weights).any()
    net.reset()
    assert_same_bits(net.arrays(), fresh.arrays())
    assert len(net.histories[0]) == 0
    assert not net.readout.inverted.any()
    one, other = net.fit(data, 3, batch=50), fresh.fit(data, 3, batch=50)
    assert_same_bits(net.arrays(), fresh.arrays())
    assert one.train_error == other.train_error


@pytest.mark.parametrize("epochs", [-1, 2.0, True, "3", None])
def test_epochs_are_a_natural_number(epochs):
    with pytest.raises(ConfigError, match="epochs must be an integer of at least 0, was"):
        simulator().fit(apart([5, 5, 5]), epochs, batch=5)
