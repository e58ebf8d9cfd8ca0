"""Layers with soft bins: their whole gradient, what is measured, and what must not matter."""

import numpy as np
import pytest

from infosim import Group, Schedule
from infosim.engine import Simulator
from infosim.errors import ConfigError
from infosim.experiments.experiment import Experiment
from infosim.network import SGD, Compartment, Layer, Network
from infosim.neuron import Activation, Binning
from infosim.pid import Goal, lattice
from infosim.pid import score as plain

N_SAMPLES = 8
SOFT = Binning("soft", (3, 4), softness=(0.4, 0.7))
GOAL = Goal([0.7, -0.4, 1.1, 0.3, 0.2], "FC")


def network(binning=SOFT, size=3, rate=1.0, **options):
    """Neurons that read one input and another, both with biases."""
    options = {"goal": GOAL, **options}
    compartments = [Compartment("F", "x"), Compartment("C", "z")]
    layer = Layer(
        "h", size, compartments, Activation("bivariate"), binning, optimizer=SGD(rate), **options
    )
    return Network({"x": 2, "z": 3}, [layer])


def inputs(seed=0, n_samples=N_SAMPLES):
    rng = np.random.default_rng(seed)
    return {"x": rng.normal(size=(n_samples, 2)) * 2, "z": rng.normal(size=(n_samples, 3))}


def fired(kernels, spec=None, seed=1, dtype="float64", given=None, **options):
    backend = "cuda" if kernels.ON_DEVICE else "cpu"
    simulator = Simulator(spec or network(), backend, seed, dtype=dtype, threads=1, **options)
    simulator.step(given or inputs(), learn=False)
    return simulator


def ranges(u):
    """The range of soft bins, (2, K), of the potentials (K, N, B) of one replica."""
    return np.array([u.min(axis=(1, 2)) - 1, u.max(axis=(1, 2)) + 1])


def value(goal, u, theta, span, binning=SOFT):
    """G of one neuron with potentials (K, B), by the reference."""
    n, softness = binning.bins_of(2), binning.softness_of(2)
    shares = [plain.soft_shares(u[k], *span[:, k], n[k], softness[k])[0] for k in range(2)]
    return plain.score(goal, shares, theta)[0]


def probability(u):
    def sigma(x):
        return 1 / (1 + np.exp(-x))

    a, b = Activation("bivariate").parameters["k"]
    return sigma(u[0] * (a + (1 - a) * 2 * sigma(b * u[0] * u[1])))


def test_weights_and_biases_climb_through_theta_and_through_the_shares(kernels):
    """Finite differences of the plain goal of the plain forward model, at a range that is held."""
    simulator = fired(kernels)
    state, (x, z) = simulator["h"], inputs().values()
    weights = [np.array(c.weights) for c in state.compartments]
    biases = np.random.default_rng(3).normal(size=(2, 3))
    for own, compartment in zip(biases, state.compartments, strict=True):
        compartment.bias = own
    simulator.step(inputs(), learn=False)

    def potentials(n, moved=0, k=0, j=None):
        u = np.array([w[n] @ a.T for w, a in zip(weights, (x, z), strict=True)])
        u += biases[:, n, None]
        u[k] += moved * (1 if j is None else (x, z)[k][:, j])
        return u

    u = np.stack([potentials(n) for n in range(3)], axis=1)
    np.testing.assert_allclose(state.potentials, u, atol=1e-12)
    span = ranges(u)
    _, _, bias_gradient = simulator.gradient("h")

    def derivative(n, k, j=None, h=2e-6):  # small: shares have a kink at the centres
        def at(step):
            moved = potentials(n, step, k, j)
            return value(GOAL, moved, probability(moved), span)

        return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)

    for k, compartment in enumerate(state.compartments):
        for n in range(3):
            assert bias_gradient[k, n] == pytest.approx(derivative(n, k), rel=1e-6, abs=1e-8)
            for j in range(weights[k].shape[1]):
                expected = derivative(n, k, j)
                assert compartment.gradient[n, j] == pytest.approx(expected, rel=1e-6, abs=1e-8)


def test_atoms_are_measured_with_the_same_shares(kernels):
    simulator = fired(kernels)
    u, theta = np.array(simulator["h"].potentials), np.array(simulator["h"].probabilities)
    found, span = simulator.atoms("h"), ranges(u)
    for i, label in enumerate([*lattice(2).labels("FC"), "H_res"]):
        goal = Goal(np.eye(5)[i], "FC")
        expected = [value(goal, u[:, n], theta[n], span) for n in range(3)]
        np.testing.assert_allclose(found[:, i], expected, atol=1e-9, err_msg=label)
    low, high = span[..., None, None]
    n_bins = np.array([3, 4])[:, None, None]
    nearest = np.ceil((u - low) / (high - low) * n_bins) - 1
    np.testing.assert_array_equal(simulator.bins("h"), nearest)


def learnt(*arguments, steps=3, **options):
    simulator = Simulator(*arguments, dtype="float64", **options)
    for seed in range(steps):
        simulator.step(inputs(seed, 60))
    return simulator


def weights(simulator):
    return np.concatenate([np.array(c.weights).ravel() for c in simulator["h"].compartments])


def test_threads_tape_and_neighbours_change_no_bit():
    spec = network(size=40)
    alone = weights(learnt(spec, seed=1, threads=1))
    np.testing.assert_array_equal(alone, weights(learnt(spec, seed=1, threads=2)))
    np.testing.assert_array_equal(alone, weights(learnt(spec, seed=1, threads=1, tape=False)))
    both = learnt(spec, seed=[0, 1], threads=2)
    second = [np.array(c.weights)[40:] for c in both["h"].compartments]
    np.testing.assert_array_equal(alone, np.concatenate([one.ravel() for one in second]))


def test_groups_share_the_range_of_their_layer():
    groups = [Group("a", 2, goal="{F}{C}"), Group("b", 1, goal="{F}")]
    simulator = fired(cpu_kernels(), network(size=3, groups=groups, goal=None))
    u, theta = np.array(simulator["h"].potentials), np.array(simulator["h"].probabilities)
    slope, _, _ = simulator.gradient("h")
    for n, label in ((0, "{F}{C}"), (2, "{F}")):
        shares = [
            plain.soft_shares(u[k, n], *ranges(u)[:, k], SOFT.bins[k], SOFT.softness[k])[0]
            for k in range(2)
        ]
        expected = plain.score(Goal.of(label, "FC"), shares, theta[n])[1]
        np.testing.assert_allclose(slope[n], expected, atol=1e-10)


def cpu_kernels():
    from infosim.kernels import cpu

    return cpu


def test_bins_may_be_scheduled_and_batches_differ_in_size():
    bins = (3, Schedule([(0, 2), (2, 6)], per="update"))
    simulator = learnt(network(Binning("soft", bins)), seed=1, steps=2)
    assert simulator["h"].bins_of == (3, 4)
    simulator.step(inputs(5, 1))
    assert simulator["h"].bins_of == (3, 6)
    assert np.isfinite(weights(simulator)).all()


def test_backpropagation_has_no_use_for_them():
    """It follows a loss, not a goal: nothing direct is added to its gradients."""
    found = []
    for binning in (SOFT, Binning()):
        hidden = Layer(
            "h", 3, [Compartment("F", "x"), Compartment("C", "z")], Activation("sum"), binning
        )
        out = Layer("o", 2, [Compartment("F", "h")], Activation("feedforward"))
        spec = Network(
            {"x": 2, "z": 3, "y": 2}, [hidden, out], readout="o", target="y", rule="backprop"
        )
        simulator = Simulator(spec, seed=1, dtype="float64")
        simulator.step({**inputs(), "y": np.arange(N_SAMPLES) % 2})
        found.append(weights(simulator))
    np.testing.assert_array_equal(*found)


def test_files_say_what_soft_bins_are():
    """A run's settings have them spelled out; of other bins they say nothing, as ever."""
    plainly = Experiment.load("pnas/memory-heuristic")
    assert not {"softness", "union_gradient"} & plainly.config["layers"]["memory"]["binning"].keys()
    soft = Experiment.load(
        "pnas/memory-heuristic", [("layers.memory.binning", {"kind": "soft", "bins": [2, 60]})]
    )
    said = soft.config["layers"]["memory"]["binning"]
    assert (said["softness"], said["union_gradient"]) == (0.5, True)
    again = {"kind": "soft", "bins": [2, 60], "softness": 0.5, "union_gradient": True}
    same = Experiment.load("pnas/memory-heuristic", [("layers.memory.binning", again)])
    assert same.key == soft.key != plainly.key


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"kind": "soft", "softness": [1, 2, 3]}, "softness: 3 numbers .* 2 compartments"),
        ({"kind": "soft", "softness": 0}, r"softness must be a number in \[1e-06, 1e\+06\]"),
        ({"kind": "soft", "softness": "half"}, "softness must be a number or a list, was 'half'"),
        ({"kind": "soft", "softness": {"from": 1}}, "softness must be a number or a list"),
        ({"kind": "soft", "low": -3.0}, "low is read of 'fixed' bins alone"),
        ({"kind": "soft", "union_gradient": "no"}, "union_gradient must be true or false"),
        ({"kind": "sofd"}, "'soft', was 'sofd'"),
        ({"kind": "adaptive", "softness": 0.5}, "softness is read of 'soft' bins alone"),
        ({"kind": "soft", "softnes": 0.5}, "softness"),
    ],
)
def test_what_files_cannot_say_is_told(given, message):
    def loaded():
        experiment = Experiment.load("pnas/memory-heuristic", [("layers.memory.binning", given)])
        experiment.network(experiment.dataset())

    with pytest.raises(ConfigError, match=message) as told:
        loaded()
    assert "\n" not in str(told.value)
