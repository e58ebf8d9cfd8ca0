"""The whole gradient of a layer against finite differences of a plain NumPy forward model.

Bins and inputs stay as they were in the firing: no gradient flows through either.
"""

import naive
import numpy as np
import pytest

from infosim.engine import Simulator
from infosim.network import Compartment, Layer, Network
from infosim.neuron import Activation, Binning
from infosim.pid import Goal, lattice
from infosim.pid.score import goal_value

N_SAMPLES = 30
N_BINS = 4
PARAMETERS = {
    "trivariate": {"alpha": (0.2, 0.3), "beta": (1.5, 0.8)},
    "tetravariate": {"alpha": (0.2, 0.3, 0.1), "beta": (1.5, 0.8, 2.2)},
    "bivariate": {"k": (0.4, 1.5)},
    "sum": {"beta": (0.7,)},
    "feedforward": {},
}


def sigma(x):
    return 1 / (1 + np.exp(-x))


def firing_probability(name, u):
    """θ (n, B) of potentials u (K, n, B), independent of the package."""
    r, *rest = u
    if name == "trivariate":
        return sigma(r * (0.5 + 0.2 * sigma(1.5 * r * rest[0]) + 0.3 * sigma(0.8 * r * rest[1])))
    if name == "tetravariate":
        c, l, t = rest  # noqa: E741
        modulated = 0.2 * sigma(1.5 * r * c) + 0.3 * sigma(0.8 * r * l) + 0.1 * sigma(2.2 * r * t)
        return sigma(r * (0.4 + modulated))
    if name == "bivariate":
        return sigma(r * (0.4 + 0.6 * 2 * sigma(1.5 * r * rest[0])))
    return sigma(0.7 * sum(u)) if name == "sum" else sigma(r)


def layer(name, n_compartments, connectivities=("dense",) * 4, kind="fixed"):
    rng = np.random.default_rng(n_compartments)
    letters = "FCLT"[:n_compartments]
    compartments = [
        Compartment(letter, f"x{letter}", connectivity)
        for letter, connectivity in zip(letters, connectivities, strict=False)
    ]
    goal = Goal(rng.normal(size=len(lattice(n_compartments)) + 1), letters)
    binning = Binning(kind, N_BINS, -1.5, 1.5)
    return Layer("h", 5, compartments, Activation(name, PARAMETERS[name]), binning, goal)


def fired(spec):
    """A float64 simulator of one layer that has fired on random inputs, and those inputs."""
    rng = np.random.default_rng(30)
    simulator = Simulator(
        Network({c.source: 5 for c in spec.compartments}, [spec]), dtype="float64", threads=1
    )
    inputs = {c.source: rng.normal(size=(5, N_SAMPLES)) for c in spec.compartments}
    for compartment in simulator["h"].compartments:
        compartment.bias = rng.normal(scale=0.3, size=5)
    simulator.present(inputs)
    simulator.run()
    return simulator, inputs


def obvious_bins(u, binning):
    """Bins (K, n, B), potentials (K, n, B)."""
    bins = np.empty(u.shape, int)
    for k, n in np.ndindex(u.shape[:2]):
        low, high = binning.low, binning.high
        if binning.kind == "adaptive":
            low, high = u[k, n].min(), u[k, n].max()
        if binning.kind == "normalised":
            high = abs(u[k, n]).max()
            low = -high
        bins[k, n] = np.searchsorted(np.linspace(low, high, N_BINS + 1)[1:-1], u[k, n], "left")
    return bins


def dense(compartment):
    """The (n, n_in) weights a compartment stands for."""
    if compartment.index is None:
        return compartment.weights.copy()
    weights = np.zeros((5, 5))
    np.put_along_axis(weights, compartment.index, compartment.weights, axis=1)
    return weights


def check(spec, neurons=range(5)):
    simulator, inputs = fired(spec)
    state = simulator["h"]
    weights = [dense(c) for c in state.compartments]
    biases = [c.bias.copy() for c in state.compartments]
    x = list(inputs.values())

    def potentials(weights, biases):
        return np.array([w @ x_ + b[:, None] for w, x_, b in zip(weights, x, biases, strict=True)])

    u = potentials(weights, biases)
    np.testing.assert_allclose(state.potentials, u, atol=1e-13)
    theta = firing_probability(spec.activation.name, u)
    np.testing.assert_allclose(state.probabilities, theta, atol=1e-13)
    bins = obvious_bins(u, spec.binning)

    def total(n):
        """G of neuron n, all that its weights can change."""
        theta = firing_probability(spec.activation.name, potentials(weights, biases))[n]
        return goal_value(spec.goal, bins[:, n], theta, N_BINS)

    np.testing.assert_allclose(
        total(2), naive.goal(spec.goal.gamma, bins[:, 2], theta[2], N_BINS), atol=1e-12
    )

    def derivative(array, at, n, h=1e-4):
        kept, values = array[at], []
        for step in (2, 1, -1, -2):
            array[at] = kept + step * h
            values.append(total(n))
        array[at] = kept
        return (8 * (values[1] - values[2]) - (values[0] - values[3])) / (12 * h)

    _, _, bias_gradient = simulator.gradient("h")
    for k, compartment in enumerate(state.compartments):
        exists = compartment.mask
        for n in neurons:
            expected = derivative(biases[k], n, n)
            np.testing.assert_allclose(bias_gradient[k, n], expected, rtol=1e-6, atol=1e-8)
            index = range(5) if compartment.index is None else compartment.index[n]
            for j, i in enumerate(index):
                # where there is no connection the gradient is computed but not applied
                if exists is None or exists[n, i]:
                    expected = derivative(weights[k], (n, i), n)
                    np.testing.assert_allclose(
                        compartment.gradient[n, j], expected, rtol=1e-6, atol=1e-8
                    )
    largest = max(abs(c.gradient).max() for c in state.compartments)
    assert largest > 1e-3  # the tolerances above mean something


@pytest.mark.parametrize(
    ("name", "n_compartments"),
    [("tetravariate", 4), ("trivariate", 3), ("bivariate", 2), ("sum", 1), ("sum", 2), ("sum", 3)]
    + [("feedforward", k) for k in (1, 2, 3)],
)
def test_the_gradient_of_a_layer_is_that_of_a_plain_forward_model(name, n_compartments):
    check(layer(name, n_compartments), range(5) if n_compartments < 4 else [3])


@pytest.mark.parametrize("kind", ["adaptive", "normalised"])
def test_bins_taken_from_the_batch_are_as_frozen_as_fixed_ones(kind):
    check(layer("bivariate", 2, kind=kind))


def test_sparse_masked_and_one_to_one_connections_have_the_same_gradient():
    check(layer("trivariate", 3, ("sparse(2)", "one-to-one", "all-but-self")))


@pytest.mark.parametrize("bias", [50.0, -50.0])
def test_a_clamped_neuron_does_not_learn(bias):
    spec = layer("feedforward", 2)
    simulator, inputs = fired(spec)
    state = simulator["h"]
    state["F"].bias = [bias, 0, 0, 0, 0]
    simulator.present(inputs)
    simulator.run()
    simulator.gradient("h")
    assert not state["F"].gradient[0].any()
    assert state["F"].gradient[1].any()
    assert not state["C"].gradient.any()  # the second compartment does not drive
