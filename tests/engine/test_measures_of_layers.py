"""Layers whose goals are of another measure of redundancy: trained, recorded, resumed, refused."""

from dataclasses import replace

import naive
import numpy as np
import pytest

from infosim.engine import Simulator
from infosim.errors import ConfigError
from infosim.experiments import Experiment
from infosim.network import Adam, Compartment, Layer, Network
from infosim.neuron import Activation, Binning
from infosim.pid import decompose
from infosim.pid.measures import MEASURES, Measure
from infosim.pid.score import goal_gradient

OTHERS = pytest.mark.parametrize("measure", ["minimum-mutual-information", "williams-beer"])


class LeastOfFiring(Measure):
    """From outside the package: the set counts that tells least of firing (docs/measures.md)."""

    name = "least-of-firing"

    def terms(self, lattice):
        return np.eye(2**lattice.n_sources - 1, dtype=int)

    def candidates(self, lattice):
        return [[mask - 1 for mask in sets] for sets in lattice.antichains]

    @staticmethod
    def select(information, candidates, weight, chosen):
        fires, best = information.shape[1] - 1, candidates[0]
        for i in range(len(candidates)):
            if information[candidates[i], fires] < information[best, fires]:
                best = candidates[i]
        for y in range(information.shape[1]):
            chosen[best, y] += weight


def network(measure, goal="{F}{C}", size=5):
    compartments = [Compartment("F", "x"), Compartment("C", "context")]
    layer = Layer("h", size, compartments, Activation("bivariate"), Binning("adaptive", 4), goal,
                  Adam(0.02), measure=measure)  # fmt: skip
    return Network({"x": 6, "context": 2}, [layer])


def inputs(n_samples=60):
    rng = np.random.default_rng(2)
    context = rng.integers(0, 2, n_samples)
    x = rng.normal(size=(n_samples, 6)) + context[:, None] * np.arange(6) / 3
    return {"x": x, "context": np.eye(2)[context] * 2 - 1}


@pytest.mark.parametrize("measure", [*MEASURES, LeastOfFiring()])
def test_a_layer_climbs_the_goal_of_its_measure(kernels, slow, measure):
    given = {name: values[: 20 if slow else 60] for name, values in inputs().items()}
    backend = "cuda" if kernels.ON_DEVICE else "cpu"
    net = Simulator(network(measure, "{F}{C} - 0.4 {FC}"), backend, 3, dtype="float64")
    net.present({name: values.T for name, values in given.items()})
    net.run()
    slope, _, _ = net.gradient("h")
    bins, goal = net.bins("h"), net.network.layer("h").goal
    for n in range(5):
        theta = net["h"].probabilities[n]
        expected = goal_gradient(goal, bins[:, n], theta, 4, measure)
        np.testing.assert_allclose(slope[n], expected, atol=1e-8 * np.abs(expected).max())
        pmf = naive.joint(bins[:, n], theta, 4)
        atoms = decompose(pmf, names="FC", measure=measure).atoms
        np.testing.assert_allclose(net.atoms("h")[n, :-1], atoms, atol=1e-9)


@OTHERS
def test_training_raises_the_goal(measure):
    net = Simulator(network(measure), seed=0)
    history = net.fit(inputs(), 60, batch=60)
    redundancy = np.array(history.atoms["h"])[:, :, 0].mean(axis=1)
    assert redundancy[-1] > redundancy[0] + 0.1


@OTHERS
def test_any_number_of_threads_and_of_replicas_gives_the_same_bits(measure):
    def weights(net):
        return net["h"]["F"].weights

    one, two = (Simulator(network(measure), seed=1, threads=n) for n in (1, 2))
    both = Simulator(network(measure), seed=[0, 1])
    for net in (one, two, both):
        net.fit(inputs(), 3, batch=20)
    np.testing.assert_array_equal(weights(one), weights(two))
    np.testing.assert_array_equal(weights(both)[5:], weights(one))


def test_replicas_have_one_measure():
    with pytest.raises(ConfigError, match="measure is shared-exclusions in one and williams-beer"):
        Simulator([network("shared-exclusions"), network("williams-beer")])


def test_a_measure_in_an_experiment_is_part_of_its_key():
    preset = Experiment.load("demo/digits")
    default = Experiment.load("demo/digits", ["layers.hidden.measure=shared-exclusions"])
    other = Experiment.load("demo/digits", ["layers.hidden.measure=williams-beer"])
    assert preset.key == default.key != other.key
    assert other.config["layers"]["hidden"]["measure"] == "williams-beer"
    with pytest.raises(ConfigError, match=r"layers.hidden.measure must be 'shared.* was 'sx'"):
        Experiment.load("demo/digits", ["layers.hidden.measure=sx"])


class Strange(Measure):
    """Returns what it is told to."""

    name = "strange"

    def __init__(self, terms=((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, -1)), candidates=None):
        self._terms, self._candidates = terms, candidates

    def terms(self, lattice):
        return np.array(self._terms)

    def candidates(self, lattice):
        return self._candidates or [(0,), (1,), (2,), (3,)]


@pytest.mark.parametrize(
    ("measure", "message"),
    [
        ("shared", r"unknown measure 'shared'; did you mean shared-exclusions\?"),
        (3, "unknown measure 3; "),
        (Strange([[0.5, 0.5, 0]]), r"terms must be integers \(T, 3\) for 2 sources, were float64"),
        (Strange([[1, 0]]), r"terms must be integers \(T, 3\) for 2 sources, were int64\(1, 2\)"),
        (Strange([[1, 1, 0]]), "term 0 sums to 2; that of an event sums to 1"),
        (Strange(candidates=[(0,)]), "candidates of 4 antichains are needed, were 1"),
        (Strange(candidates=[(0,), (1,), (2,), (9,)]), r"\{12\} must be terms from 0 to 3, were"),
        (Strange(candidates=[(0, 1), (1,), (2,), (3,)]), r"\{1\}\{2\} has 2 candidates, but no s"),
    ],
)
def test_what_is_no_measure_is_said_in_a_line(measure, message):
    with pytest.raises(ConfigError, match=message) as told:
        network(measure)
    assert "\n" not in str(told.value)
    if isinstance(measure, Measure):
        with pytest.raises(ConfigError, match=message):
            decompose(np.full((2, 2, 2), 1 / 8), measure=measure)


def choosing(select):
    """A measure that chooses by this function."""
    return type("Own", (LeastOfFiring,), {"name": "own", "select": staticmethod(select)})()


def of_others(information, candidates, weight, chosen):
    chosen[0, 0] += weight
    chosen[2, 1] += weight


def of_more(information, candidates, weight, chosen):
    chosen[candidates[0], 0] += weight
    chosen[candidates[0], 1] += 2 * weight


def out_of_bounds(information, candidates, weight, chosen):
    chosen[99, 0] += weight


def not_numbers(information, candidates, weight, chosen):
    chosen[candidates[0], 0] += weight * len(chosen.tolist()) / len(chosen)
    chosen[candidates[0], 1] += weight


@pytest.mark.parametrize(
    ("select", "message"),
    [
        (of_others, r"must add the weight, 0.5, for each output to candidates, \(0, 1\); it left"),
        (of_more, "must add the weight, 0.5, for each output to candidates"),
        (out_of_bounds, "cannot be called: IndexError: index 99 is out of bounds"),
        (lambda chosen: None, "cannot be called: TypeError: "),
        (not_numbers, "select cannot be compiled: "),
    ],
)
def test_a_choice_is_tried_before_it_writes_into_a_kernel(select, message):
    with pytest.raises(ConfigError, match=message) as told:
        network(choosing(select))
    assert "\n" not in str(told.value)


def test_a_layer_of_another_measure_differs_in_nothing_else():
    given = network("shared-exclusions")
    layer = replace(given.layers[0], measure="williams-beer")
    assert layer != given.layers[0]
    assert replace(layer, measure="shared-exclusions") == given.layers[0]
