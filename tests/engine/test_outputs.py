"""What neurons say: signed or binary, drawn or the likelier; and layers that do not learn."""

import naive
import numpy as np
import pytest

import infosim
from infosim.engine import Simulator
from infosim.experiments import Experiment
from infosim.network import Compartment, Layer, Network
from infosim.neuron import Activation

SETTINGS = ["data.name=digits", "layers.hidden.size=30", "training.batch=500"]


def fired(backend="cpu", n_samples=40, **options):
    """A layer that has fired once."""
    layer = Layer("h", 6, [Compartment("F", "x")], Activation("sum"), **options)
    simulator = Simulator(Network({"x": 5}, [layer]), backend, 3, threads=1)
    x = np.random.default_rng(2).normal(size=(5, n_samples))
    simulator.present({"x": x})
    simulator.run()
    return simulator["h"]


@pytest.mark.parametrize("sampled", [True, False])
def test_binary_outputs_are_zero_where_signed_ones_are_negative(kernels, sampled):
    binary, signed = (
        fired(kernels, 8, sampled=sampled, outputs=outputs) for outputs in ("binary", "signed")
    )
    assert set(np.unique(binary.output)) == {0.0, 1.0}
    assert set(np.unique(signed.output)) == {-1.0, 1.0}
    np.testing.assert_array_equal(binary.output, (1 + np.array(signed.output)) / 2)


def test_neurons_that_are_not_sampled_say_what_is_likelier():
    layer = fired(sampled=False)
    np.testing.assert_array_equal(layer.output > 0, layer.probabilities > 0.5)
    drawn = fired()
    assert ((drawn.output > 0) != (drawn.probabilities > 0.5)).any()


def test_the_random_projection_is_a_step_function_that_never_moves():
    """ICLR 2025: hidden weights as they were drawn, 1 where the bivariate drive is positive."""
    experiment = Experiment.load("iclr/random-projection", SETTINGS)
    data = infosim.load("digits")
    train, _, test = experiment.samples(data)
    simulator = Simulator(experiment.network(data), seed=0, threads=1)
    before = {name: np.array(array) for name, array in simulator.arrays().items()}
    history = simulator.fit(train, 20, batch=500, test=test)
    for name, array in simulator.arrays().items():
        if name.startswith("hidden"):
            np.testing.assert_array_equal(array, before[name], err_msg=name)
    assert (simulator["output"]["F"].weights != before["output/F/weights"]).any()
    assert history.test_error[-1] < history.test_error[0]
    assert list(history.atoms) == list(history.mean_goal) == ["output"]
    hidden = simulator["hidden"]
    assert set(np.unique(hidden.output)) == {0.0, 1.0}
    drive = naive.DRIVES["bivariate"](*hidden.potentials.astype(float))
    clear = abs(drive) > 1e-5
    assert clear.mean() > 0.99
    np.testing.assert_array_equal(hidden.output[clear] == 1, drive[clear] > 0)


def test_a_goal_that_is_left_out_is_no_goal():
    table = Experiment.load("iclr/random-projection", SETTINGS).config
    assert table["layers"]["hidden"]["goal"] == ""
    network = Experiment.load("iclr/random-projection", SETTINGS).network(infosim.load("digits"))
    assert network.layer("hidden").goal is None
    assert network.learning == ["output"]
