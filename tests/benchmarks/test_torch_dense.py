"""The dense PyTorch peer computes what the simulator computes, by other formulas."""

import importlib
import sys

import numpy as np
import pytest
from presented import firings

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'infosim[bench]'")

from benchmarks.torch_dense import FORMS, TorchDense  # noqa: E402 - skipped above without torch
from infosim.datasets import Dataset  # noqa: E402
from infosim.engine import Simulator  # noqa: E402
from infosim.errors import ConfigError  # noqa: E402
from infosim.experiments import Experiment  # noqa: E402
from infosim.network import SGD, Compartment, Layer, Network  # noqa: E402
from infosim.neuron import Activation, Binning  # noqa: E402
from infosim.pid import Goal, lattice  # noqa: E402

BATCH = 64
SPARSE = "layers.hidden.compartments.L.connectivity='sparse(5)'"
PRESETS = {
    "trivariate-optimized": (),
    "trivariate-heuristic": (),
    "trivariate-sparse": (SPARSE,),
    "trivariate-feedback": (SPARSE,),
    "bivariate-context-heuristic": (),
    "bivariate-context-optimized": (),
    "bivariate-lateral-heuristic": (),
    "bivariate-lateral-optimized": (),
    "readout": (),
}


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def spread(simulator):
    """Enlarge the weights, which at their start would put all samples into a few bins."""
    rng = np.random.default_rng(5)
    for layer in simulator.layers.values():
        for compartment in layer.compartments:
            if compartment.trained:
                compartment.weights = 8 * compartment.weights
                compartment.bias = rng.normal(size=layer.spec.size)
    return simulator


def from_preset(name, dtype):
    """A simulator with 12 hidden neurons, and three batches of random bytes for it."""
    rng = np.random.default_rng(7)
    x, y = rng.integers(0, 256, (3 * BATCH, 36), dtype=np.uint8), rng.integers(0, 10, 3 * BATCH)
    dataset = Dataset("random", x, y, x, y, 10, (6, 6), "")
    size = () if name == "readout" else ("layers.hidden.size=12",)
    experiment = Experiment.load(f"iclr/{name}", ("data.validation=0", *size, *PRESETS[name]))
    simulator = Simulator(experiment.network(dataset), seed=1, threads=1, dtype=dtype)
    # samples come first and are transposed, as the simulator reads them
    values = {"image": ((x - dataset.mean) / dataset.std).astype(dtype), "label": np.eye(10)[y]}
    batches = [
        {name: v[first : first + BATCH].astype(dtype).T for name, v in values.items()}
        for first in range(0, 3 * BATCH, BATCH)
    ]
    return spread(simulator), batches


def from_activation(name, n_compartments, kind, dtype):
    """A simulator of one layer whose every compartment has its own input, and one batch for it."""
    rng = np.random.default_rng(n_compartments)
    letters = "FCL"[:n_compartments]
    goal = Goal(rng.normal(size=len(lattice(n_compartments)) + 1), letters)
    layer = Layer(
        "h",
        6,
        [Compartment(letter, letter) for letter in letters],
        Activation(name),
        Binning(kind, (7, 5, 6)[:n_compartments], -1.5, 1.5),
        goal,
    )
    simulator = Simulator(Network(dict.fromkeys(letters, 4), [layer]), threads=1, dtype=dtype)
    return simulator, {k: rng.normal(size=(4, BATCH)).astype(dtype) for k in letters}


def present(simulator, values, learn):
    """Present one batch; (layer, step) -> outputs."""
    found = firings(simulator, values, learn=learn)
    return {(layer, step): y for (step, layer), (_, y) in found.items()}


def assert_close(actual, expected, tolerance):
    assert actual.shape == expected.shape
    assert np.isfinite(actual).all()
    assert abs(actual - expected).max() <= tolerance * abs(expected).max()


def check_gradients(simulator, values, tolerance):
    outputs = present(simulator, values, learn=False)
    for form in FORMS:
        check_form(simulator, TorchDense(simulator, form).gradients(values, outputs), tolerance)
    return outputs


def check_form(simulator, gradients, tolerance):
    trained = 0
    for name, state in simulator.layers.items():
        _, _, bias_gradient = simulator.gradient(name)
        for k, compartment in enumerate(state.compartments):
            if compartment.trained:
                trained += 1
                exists = 1 if compartment.mask is None else compartment.mask
                weights, bias = gradients[f"{name}/{compartment.spec.name}"]
                assert_close(weights, compartment.gradient * exists, tolerance)
                assert_close(bias, bias_gradient[k], tolerance)
        # what is compared is neither zero nor made by a handful of bins
        assert abs(state.compartments[0].gradient).max() > 1e-3
        binning = state.spec.binning
        if binning.kind == "fixed":
            width = (binning.high - binning.low) / binning.bins_of(len(state.compartments))[0]
            assert np.ptp(state.potentials[0]) > 4 * width
    assert trained == len(gradients)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-4), ("float64", 1e-10)])
@pytest.mark.parametrize("preset", PRESETS)
def test_gradients_are_those_of_the_simulator(preset, dtype, tolerance):
    simulator, (values, *_) = from_preset(preset, dtype)
    outputs = check_gradients(simulator, values, tolerance)
    two_steps = preset.startswith(("trivariate", "bivariate-lateral"))
    assert (("hidden", 0) in outputs and ("hidden", 1) in outputs) == two_steps


@pytest.mark.parametrize("kind", ["fixed", "adaptive", "normalised"])
@pytest.mark.parametrize(
    ("name", "n_compartments"),
    [("sum", 1), ("sum", 2), ("sum", 3), ("bivariate", 2), ("trivariate", 3)],
)
def test_every_activation_and_binning_has_the_gradient_of_the_simulator(name, n_compartments, kind):
    for dtype, tolerance in (("float32", 1e-4), ("float64", 1e-10)):
        check_gradients(*from_activation(name, n_compartments, kind, dtype), tolerance)


@pytest.mark.parametrize("kind", ["adaptive", "normalised"])
def test_a_silent_compartment_has_one_bin_and_no_gradient_on_its_weights(kind):
    simulator, values = from_activation("sum", 3, kind, "float64")
    check_gradients(simulator, {k: values[k] for k in "FL"}, 1e-10)
    assert not TorchDense(simulator).gradients({k: values[k] for k in "FL"})["h/C"][0].any()


def test_gradients_change_nothing_and_depend_on_the_outputs_of_both_steps():
    simulator, (values, *_) = from_preset("trivariate-optimized", "float64")
    outputs = present(simulator, values, learn=False)
    dense = TorchDense(simulator)
    before = dense.gradients(values, outputs)
    for key in (("hidden", 0), ("hidden", 1)):
        changed = dense.gradients(values, outputs | {key: -outputs[key]})
        reader = "hidden/L" if key[1] == 0 else "output/F"
        assert abs(changed[reader][0] - before[reader][0]).max() > 1e-3
    again = dense.gradients(values, outputs)
    for name, (weights, _) in before.items():
        np.testing.assert_array_equal(again[name][0], weights)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-10)])
@pytest.mark.parametrize("preset", ["trivariate-optimized", "trivariate-sparse", "readout"])
def test_three_training_steps_end_at_the_weights_of_the_simulator(preset, dtype, tolerance):
    simulator, batches = from_preset(preset, dtype)
    dense = TorchDense(simulator)
    for values in batches:
        dense.step(values, present(simulator, values, learn=True))
    for name, (weights, bias) in dense.arrays().items():
        layer, compartment = name.split("/")
        np.testing.assert_allclose(weights, simulator[layer][compartment].weights, 0, tolerance)
        np.testing.assert_allclose(bias, simulator[layer][compartment].bias, 0, tolerance)


def test_outputs_are_drawn_with_the_firing_probabilities():
    simulator, (values, *_) = from_preset("readout", "float32")
    present(simulator, values, learn=False)
    dense = TorchDense(simulator)
    torch.manual_seed(0)
    draws = []
    for _ in range(300):
        dense.gradients(values)
        draws.append(dense.outputs["output", 0].numpy())
    assert set(np.unique(draws)) == {-1, 1}
    theta = simulator["output"].probabilities.astype(float)
    deviation = np.mean(draws, axis=0) - (2 * theta - 1)
    standard = 2 * np.sqrt(theta * (1 - theta) / len(draws))
    assert (abs(deviation) <= 5.5 * standard + 1e-2).all()
    assert abs(deviation.mean()) < 5 * standard.mean() / np.sqrt(theta.size)


def test_without_pytorch_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "benchmarks.torch_dense")
    with pytest.raises(ConfigError, match=r"pip install 'infosim\[bench\]'"):
        importlib.import_module("benchmarks.torch_dense")


def test_another_optimizer_than_adam_is_refused():
    layer = Layer("h", 3, [Compartment("F", "x")], Activation("sum"), goal="{F}", optimizer=SGD())
    with pytest.raises(ConfigError, match="Adam"):
        TorchDense(Simulator(Network({"x": 3}, [layer]), threads=1))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"binning": Binning("soft", 5)}, "soft bins"),
        ({"measure": "minimum-mutual-information"}, "measure but shared-exclusions"),
        ({"outputs": "binary"}, "outputs but signed ones"),
        ({"activation": Activation(lambda u, p: (u[0], (p[0], 0 * p[0])), (1.0,))}, "a user's own"),
    ],
)
def test_what_is_not_computed_is_refused(changes, told):
    """Else it would be compared with something else, in silence."""
    parts = {"activation": Activation("sum"), "binning": Binning("fixed", 5), "goal": "{F}{C}"}
    layer = Layer("h", 6, [Compartment("F", "F"), Compartment("C", "C")], **{**parts, **changes})
    simulator = Simulator(Network({"F": 4, "C": 4}, [layer]), threads=1)
    with pytest.raises(ConfigError, match=told):
        TorchDense(simulator)
