"""Four sources: 166 antichains, of which other tests have no more than a few."""

from itertools import combinations

import naive
import numpy as np
import pytest
from kernels.test_score import agrees, assert_close, information, random_batch, reference, score

from infosim.engine import Samples, Simulator, Training
from infosim.network import Adam, Compartment, Layer, Network
from infosim.neuron import Activation, Binning
from infosim.pid import Goal, lattice
from infosim.pid.terms import atoms

NAMES = "FCLT"
DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])


def goal_of(rng):
    return Goal(rng.normal(size=167), NAMES)


def small(slow, seed, n_neurons=2):
    """A batch that the simulator can bear."""
    rng = np.random.default_rng(seed)
    return rng, *random_batch(4, rng, n_neurons, 12 if slow else 60, 3)


@pytest.mark.parametrize("seed", [0, 1])
@DTYPES
def test_slope_equals_the_reference_gradient(kernels, slow, dtype, seed):
    rng, bins, theta = small(slow, seed)
    theta = theta.astype(dtype).astype(float)
    goal = goal_of(rng)
    expected = reference(goal, bins, theta, 3)
    assert_close(score(kernels, goal, bins, theta, 3, dtype), expected, agrees(kernels, dtype))


@DTYPES
def test_slope_is_the_finite_difference_of_the_naive_goal(kernels, dtype):
    rng = np.random.default_rng(2)
    bins, theta = random_batch(4, rng, n_neurons=1, n_samples=6, n_bins=2)
    goal, h = goal_of(rng), 1e-3
    slope = score(kernels, goal, bins, theta, 2, dtype)
    for s in (0, 4):

        def shifted(step, s=s):
            moved = theta[0].copy()
            moved[s] += step
            return naive.goal(goal.gamma, bins[:, 0], moved, 2)

        # fourth order, so that what remains is h⁴
        near, far = (shifted(i * h) - shifted(-i * h) for i in (1, 2))
        expected = (8 * near - far) / (12 * h)
        scale = abs(slope).max()
        np.testing.assert_allclose(slope[0, s], expected, rtol=0, atol=scale * 1e-4)


@DTYPES
def test_atoms_add_up_to_what_every_set_of_sources_tells(kernels, slow, dtype):
    """I(Y:a) of all 15 sets by its definition: the sum of the atoms below {a}."""
    _, bins, theta = small(slow, 3)
    found = atoms(information(kernels, bins, theta, 3, dtype), 4)
    assert found.shape == (2, 167)
    structure, n_samples = lattice(4), theta.shape[1]
    for n in range(2):
        mean = theta[n].mean()
        for members in (m for size in (1, 2, 3, 4) for m in combinations(range(4), size)):
            cells = np.unique(bins[members, n], axis=1, return_inverse=True)[1].ravel()
            p = np.array([np.bincount(cells, t) for t in (theta[n], 1 - theta[n])]) / n_samples
            told = (p * np.log2(p / (p.sum(0) * [[mean], [1 - mean]]))).sum()
            top = structure.antichains.index((sum(1 << k for k in members),))
            of = found[n, :-1][structure.order[:, top]]
            np.testing.assert_allclose(of.sum(), told, atol=1e-5 if dtype == "float32" else 1e-9)
        entropy = -mean * np.log2(mean) - (1 - mean) * np.log2(1 - mean)
        np.testing.assert_allclose(found[n].sum(), entropy, atol=1e-5)


def test_a_goal_that_leaves_a_source_out_is_that_of_the_other_three(kernels, slow):
    """In redundancies they are the same; an atom of three sources is a sum of some of four."""
    rng, bins, theta = small(slow, 4)
    three = Goal([*rng.normal(size=18), 0.0], "FCL")
    weights = np.zeros(166)
    for antichain, weight in zip(lattice(3).antichains, three.coefficients()[0], strict=True):
        weights[lattice(4).antichains.index(antichain)] = weight
    four = Goal([*(weights @ np.linalg.inv(lattice(4).moebius)), 0.0], NAMES)
    expected = score(kernels, three, bins[:3], theta, 3)
    assert abs(expected).max() > 1e-3
    assert_close(score(kernels, four, bins, theta, 3), expected, agrees(kernels, "float64"))


# -- whole networks --------------------------------------------------------------------------------

RNG = np.random.default_rng(5)
SAMPLES = {"x": RNG.normal(size=(33, 4)), "y": RNG.integers(0, 2, 33)}


def network(goal="{F}{C} + {F}{C}{T} - {F}{L} + 0.1 {FC}{LT}", alpha=0.1, rule="infomorphic"):
    """Two classes; T hears from the output layer, a step later."""
    compartments = [
        Compartment("F", "x"), Compartment("C", "y"),
        Compartment("L", "h", "all-but-self", delay=1), Compartment("T", "out", delay=1),
    ]  # fmt: skip
    hidden = Layer(
        "h", 4, compartments, Activation("tetravariate", {"alpha": (alpha, 0.1, 0.2)}),
        Binning("adaptive", 3), goal, Adam(0.05, epsilon=1e-3),
    )  # fmt: skip
    own = Compartment("C", "y", "one-to-one", trainable=False, bias=False, weight=1.0)
    out = Layer(
        "out", 2, [Compartment("F", "h"), own], Activation("feedforward"), Binning("adaptive", 3),
        "{F}{C} - 0.2 {F}", Adam(0.05, epsilon=1e-3),
    )  # fmt: skip
    return Network({"x": 4, "y": 2}, [hidden, out], 2, "out", "y", rule)


def trained(networks, seeds, backend="cpu", epochs=2, threads=1, n=33, batch=16, dtype="float64"):
    simulator = Simulator(networks, backend, seeds, threads, dtype=dtype)
    simulator.fit({name: values[:n] for name, values in SAMPLES.items()}, epochs, batch=batch)
    return simulator


def arrays(simulator, replica=0):
    return {
        f"{name}/{key}": np.array(value)
        for name in ("h", "out")
        for key, value in simulator[name].arrays(replica).items()
    }


def assert_same(one, other, atol=0.0):
    assert one.keys() == other.keys()
    for key, value in one.items():
        np.testing.assert_allclose(other[key], value, rtol=0, atol=atol, err_msg=key)


@pytest.mark.parametrize("rule", ["infomorphic", "backprop"])
def test_training_on_a_gpu_is_that_on_the_cpu(kernels, rule):
    if not kernels.ON_DEVICE:
        pytest.skip("compares with the CPU")
    given = network(rule=rule)
    one, other = (trained(given, 1, name, epochs=1, n=8, batch=8) for name in ("cpu", "cuda"))
    before = Simulator(given, seed=1, dtype="float64")
    assert abs(one["h"]["T"].weights - before["h"]["T"].weights).max() > 0.001
    assert_same(*({k: np.asarray(v) for k, v in arrays(s).items()} for s in (one, other)), 1e-9)


def test_the_same_bits_on_any_number_of_threads_and_beside_another_replica():
    one, two = network(), network("{F}{C}{L}{T} - {FCLT} + 0.2 H", alpha=0.3)
    alone = trained(two, 7)
    beside = trained([one, two], [3, 7], threads=2)
    assert_same(arrays(alone), arrays(beside, 1))


def test_training_that_goes_on_is_training_that_never_ended():
    whole = Training(Simulator(network(), seed=2), Samples(SAMPLES), batch=16)
    parts = Training(Simulator(network(), seed=2), Samples(SAMPLES), batch=16)
    for _ in range(3):
        whole.advance()
    parts.advance()
    kept = {key: np.array(value) for key, value in parts.state().items()}
    resumed = Training(Simulator(network(), seed=2), Samples(SAMPLES), batch=16)
    resumed.restore(kept)
    for _ in range(2):
        resumed.advance()
    assert_same(arrays(whole.simulator), arrays(resumed.simulator))


@pytest.mark.parametrize("n_samples", [1, 2])
def test_hardly_any_samples(n_samples):
    simulator = trained(network(), 4, n=n_samples, batch=1, dtype="float32")
    for key, value in arrays(simulator).items():
        assert np.isfinite(value).all(), key
    assert simulator.atoms("h").shape == (4, 167)
