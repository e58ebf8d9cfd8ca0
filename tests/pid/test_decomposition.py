import warnings
from decimal import Decimal
from fractions import Fraction
from itertools import permutations, product

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infosim.errors import ConfigError, DataError, ShapeError
from infosim.pid import Goal, decompose, lattice
from infosim.pid.score import goal_gradient, goal_value


def gate(n, rule):
    """The pmf of `rule` applied to n independent fair bits."""
    pmf = np.zeros((2,) * (n + 1))
    for bits in product((0, 1), repeat=n):
        pmf[(*bits, int(rule(*bits)))] = 0.5**n
    return pmf


def symmetric(*atoms):
    """The 18 atoms of a gate that treats its three sources alike."""
    return np.repeat(atoms, [1, 3, 3, 3, 1, 3, 3, 1])


def random_pmf(rng, shape, occupied=0.7):
    pmf = rng.exponential(size=shape) * (rng.random(shape) < occupied)
    pmf.flat[0] += 0.01  # never empty
    return pmf / pmf.sum()


pmfs = st.builds(
    lambda seed, n, size: random_pmf(np.random.default_rng(seed), (size,) * n + (2,)),
    st.integers(0, 2**32 - 1),
    st.integers(1, 3),
    st.integers(2, 3),
)

# Atoms in canonical order, known to six digits (shared exclusions, arXiv 2412.02482).
GATES = {
    "AND": (gate(2, lambda a, b: a & b), [0.122556, 0.188722, 0.188722, 0.311278]),
    "XOR": (gate(2, lambda a, b: a ^ b), [-0.584963, 0.584963, 0.584963, 0.415037]),
    "COPY": (gate(2, lambda a, b: a), [0.415037, 0.584963, -0.415037, 0.415037]),
    "identical": (np.eye(2)[:, :, None] * np.eye(2)[:, None, :] / 2, [1, 0, 0, 0]),
    "parity": (
        gate(3, lambda a, b, c: a ^ b ^ c),
        symmetric(
            0.192645, -0.192645, -0.129283, 0.321928, -0.226861, 0.093109, 0.169925, 0.245112
        ),
    ),
    "majority": (
        gate(3, lambda a, b, c: a + b + c > 1),
        symmetric(0.192645, 0.014874, -0.001839, -0.031831, 0.018252, 0.093109, 0.127444, 0.183834),
    ),
}


@pytest.mark.parametrize("name", GATES)
def test_gates_have_their_known_atoms(name):
    pmf, atoms = GATES[name]
    np.testing.assert_allclose(decompose(pmf).atoms, atoms, atol=6e-7)


def test_and_of_three_bits_has_its_known_atoms():
    d = decompose(gate(3, lambda a, b, c: a & b & c))
    known = symmetric(0.0259, 0.0302, 0.0061, 0.0456, 0.0031, 0.0157, 0.0331, 0.1226)
    np.testing.assert_allclose(d.atoms, known, atol=6e-5)
    assert d.information == pytest.approx(0.5436, abs=6e-5)


@settings(max_examples=30, deadline=None)
@given(pmfs)
def test_atoms_match_the_naive_ones_and_sum_to_the_information(pmf):
    d = decompose(pmf)
    expected = naive.atoms(pmf)
    assert d.labels == tuple(expected)
    np.testing.assert_allclose(d.atoms, list(expected.values()), atol=1e-11)
    assert d.atoms.sum() == pytest.approx(d.information, abs=1e-11)
    assert d.information == pytest.approx(naive.mutual_information(pmf), abs=1e-11)
    assert d.residual_entropy == pytest.approx(naive.residual_entropy(pmf), abs=1e-11)


@settings(max_examples=20, deadline=None)
@given(pmfs)
def test_atoms_below_a_source_set_sum_to_its_information(pmf):
    d = decompose(pmf)
    grid = lattice(pmf.ndim - 1)
    for mask in range(1, 2**grid.n_sources):
        others = tuple(k for k in range(grid.n_sources) if not mask >> k & 1)
        known = decompose(pmf.sum(axis=others)).information
        below = grid.order[:, grid.antichains.index((mask,))]
        assert d.atoms[below].sum() == pytest.approx(known, abs=1e-11)


@settings(max_examples=20, deadline=None)
@given(pmfs, st.randoms())
def test_relabelling_the_sources_permutes_the_atoms(pmf, random):
    n = pmf.ndim - 1
    order = random.choice(list(permutations(range(n))))
    names = "abc"[:n]
    d = decompose(pmf, names=names)
    moved = decompose(pmf.transpose(*order, n), names=[names[k] for k in order])
    assert {label: moved[label] for label in d} == pytest.approx(dict(d), abs=1e-11)


@settings(max_examples=20, deadline=None)
@given(pmfs)
def test_local_atoms_average_to_the_atoms(pmf):
    d = decompose(pmf, local=True)
    for label, values in d.local.items():
        assert values.shape == pmf.shape
        np.testing.assert_array_equal(np.isnan(values), pmf == 0)
        assert np.nansum(values * pmf) == pytest.approx(d[label], abs=1e-11)


def test_four_sources_and_rare_events_agree_with_the_naive_ones():
    rng = np.random.default_rng(4)
    pmf = random_pmf(rng, (2, 2, 2, 2, 2), occupied=0.3)
    np.testing.assert_allclose(decompose(pmf).atoms, list(naive.atoms(pmf).values()), atol=1e-10)
    rare = gate(3, lambda a, b, c: a ^ b ^ c)
    rare[0, 0, 0] = [0.125 - 1e-30, 1e-30]
    np.testing.assert_allclose(decompose(rare).atoms, GATES["parity"][1], atol=6e-7)


@pytest.mark.parametrize("n", [1, 2, 4])
@pytest.mark.parametrize("exponent", [100, 162, 200, 300, 320])
def test_copies_with_a_cell_near_zero_share_all_they_tell(n, exponent):
    """The surprise of that cell is -log2 p; the square of p is 0 from 1e-162 on."""
    rare = float(f"1e-{exponent}")
    pmf = np.zeros((2,) * (n + 1))
    pmf[(0,) * (n + 1)], pmf[(1,) * (n + 1)] = 1, rare
    d = decompose(pmf, local=True)
    surprise = exponent * np.log2(10)
    shared, *others = d.labels
    # 1e-320 is stored as 2024 times the smallest number: to three digits
    assert d.local[shared][(1,) * (n + 1)] == pytest.approx(surprise, abs=1e-3)
    assert d[shared] == d.entropy == pytest.approx(rare * surprise, rel=1e-3)
    assert [d[label] for label in others] == pytest.approx([0] * len(others), abs=1e-12 * d.entropy)


def test_xor_of_a_nearly_certain_bit_is_finite():
    """b is 1 with a chance of 1e-200, y = a xor b: then a misleads by that many bits."""
    rare, far = 1e-200, 200 * np.log2(10)
    pmf = np.zeros((2, 2, 2))
    pmf[0, 0, 0] = pmf[1, 0, 1] = 0.5
    pmf[0, 1, 1] = pmf[1, 1, 0] = rare / 2
    d = decompose(pmf, local=True)
    alone = decompose(pmf.sum(axis=1), local=True)
    assert alone.local["{1}"][0, 1] == pytest.approx(1 - far, rel=1e-12)
    assert d.information == pytest.approx(1)
    assert all(np.isfinite(values[pmf > 0]).all() for values in d.local.values())
    # a or b agrees with probability 1/2, and with this y as well only in the cell itself
    assert d.local["{1}{2}"][0, 1, 1] == pytest.approx(np.log2(rare / 2 / 0.5 / 0.5), rel=1e-12)


@pytest.mark.parametrize(
    "pmf",
    [
        np.ma.array([[0.5, 0], [0, 0.5]], mask=False),
        np.array([[0.5, 0], [0, 0.5]], np.float16),
        [[Fraction(1, 2), 0], [0, Decimal("0.5")]],
    ],
)
def test_a_pmf_of_other_numbers_is_one_of_floats(pmf):
    assert decompose(pmf).information == 1
    assert decompose(np.array([[True, False]])).entropy == 0


def test_three_sources_agree_with_dit():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dit = pytest.importorskip("dit")
        pid = pytest.importorskip("dit.pid")
        rng = np.random.default_rng(7)
        for _ in range(2):
            pmf = random_pmf(rng, (2, 2, 2, 2))
            events = ["".join(map(str, index)) for index in np.argwhere(pmf)]
            theirs = pid.PID_SX(dit.Distribution(events, list(pmf[pmf > 0])))
            ours = decompose(pmf)
            assert len(list(theirs._lattice)) == len(ours)
            for node in theirs._lattice:
                label = "".join("{" + "".join(str(k + 1) for k in s) + "}" for s in node)
                assert ours[label] == pytest.approx(theirs[node], abs=1e-8)


def test_samples_give_what_their_frequencies_give():
    rng = np.random.default_rng(1)
    codes = rng.integers(0, [[2], [3], [2]], size=(3, 50))
    pmf = np.zeros((2, 3, 2))
    np.add.at(pmf, tuple(codes), 1 / 50)
    sources = {
        "sex": np.array(["f", "m"])[codes[0]],
        "age": [(None, "old", 3)[c] for c in codes[1]],  # mixed types have no order
    }
    d = decompose(sources=sources, target=codes[2] == 1, local=True, missing="value")
    assert d.names == ("sex", "age")
    np.testing.assert_allclose(d.atoms, decompose(pmf).atoms, atol=1e-12)
    assert d.local["{sex}"].shape == (50,)
    expected = decompose(pmf, local=True).local["{1}"][tuple(codes)]
    np.testing.assert_allclose(d.local["{sex}"], expected, atol=1e-12)
    assert decompose(sources=codes[:2], target=codes[2]).names == ("1", "2")


def test_samples_of_many_values_need_no_grid():
    values = np.arange(2000)  # four sources: a grid of 1e13 cells
    d = decompose(sources=[values] * 4, target=values)
    assert d["{1}{2}{3}{4}"] == pytest.approx(np.log2(2000))


def test_a_decomposition_reads_as_a_mapping_and_a_table():
    d = decompose(GATES["AND"][0], names=["age", "sex"])
    assert list(d) == ["{age}{sex}", "{age}", "{sex}", "{age,sex}"]
    assert d["{sex}{age}"] == d["{age}{sex}"] == d.atoms[0]
    assert "{sex, age}" in d
    assert "{sax}" not in d
    with pytest.raises(KeyError, match="no source 'sax' to name; did you mean sex"):
        d["{sax}"]
    assert d.local is None
    assert str(d).splitlines() == [
        "{age}{sex}          0.1226 bits",
        "{age}               0.1887 bits",
        "{sex}               0.1887 bits",
        "{age,sex}           0.3113 bits",
        "information         0.8113 bits",
        "residual entropy    0.0000 bits",
    ]
    assert "-0.0000" not in str(decompose([[0.5], [0.5 + 1e-10]]))  # H(target) < 0 by rounding


half = np.full((2, 2), 0.25)


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({}, ConfigError, "takes either a pmf, or both sources and target"),
        ({"pmf": half, "sources": [[1]], "target": [1]}, ConfigError, "takes either a pmf"),
        ({"sources": [[1]]}, ConfigError, "both sources and target"),
        ({"pmf": half, "target": [1]}, ConfigError, "takes either a pmf"),
        ({"pmf": [[-0.25, 0.75], [0.25, 0.25]]}, DataError, "negative entries, down to -0.25"),
        ({"pmf": half * 1.2}, DataError, "pmf sums to 1.2, must sum to 1"),
        ({"pmf": half + 1e-9}, DataError, "pmf sums to 1.000000004, must"),
        ({"pmf": half * np.nan}, DataError, "entries that are not finite"),
        ({"pmf": half * np.inf}, DataError, "entries that are not finite"),
        ({"pmf": [[1e308] * 9]}, DataError, "pmf sums to inf, must sum to 1"),
        ({"pmf": half + 0j}, ShapeError, "pmf is not an array of numbers"),
        ({"pmf": [["0.5", "0.5"]]}, ShapeError, "pmf is not an array of numbers"),
        ({"pmf": np.array([["0.5", 0.5]], object)}, ShapeError, "pmf is not an array of numbers"),
        ({"pmf": np.array([[0, 1]], "m8[s]")}, ShapeError, "pmf is not an array of numbers"),
        ({"pmf": [[1, None]]}, DataError, "entries that are not finite"),
        ({"pmf": np.ma.array(half, mask=np.eye(2))}, DataError, "pmf has masked entries"),
        ({"pmf": [np.ma.array([1, 0], mask=[0, 1])]}, DataError, "pmf has masked entries"),
        ({"pmf": [0.5, 0.5]}, ShapeError, r"pmf has shape \(2,\), needs 1 to 4 source axes"),
        ({"pmf": np.ones((1,) * 6)}, ShapeError, "needs 1 to 4 source axes"),
        ({"pmf": [[1], [1, 2]]}, ShapeError, "pmf is not an array of numbers"),
        ({"pmf": np.zeros((0, 2))}, DataError, "pmf sums to 0"),
        ({"pmf": half, "names": "ab"}, ConfigError, "2 source names given for 1 sources"),
        ({"sources": [], "target": [1]}, ConfigError, "0 sources given, .* takes 1 to 4"),
        ({"sources": [[1]] * 5, "target": [1]}, ConfigError, "5 sources given"),
        ({"sources": [[]], "target": []}, DataError, "there are no samples"),
        (
            {"sources": [[1, 2], [1]], "target": [1, 2]},
            ShapeError,
            "samples differ in length: source 1 2, source 2 1, target 2",
        ),
        ({"sources": [[[1]]], "target": [1]}, ShapeError, r"source 1 has shape \(1, 1\)"),
        ({"sources": [[1]], "target": 1}, ShapeError, r"target has shape \(\), must be one-dim"),
        ({"sources": [[1], [[1], 2]], "target": [1]}, ShapeError, "source 2 is not a flat seq"),
        ({"sources": [[np.nan]], "target": [1]}, DataError, "source 1 has missing values"),
        ({"sources": {"a{b": [1]}, "target": [1]}, ConfigError, "'a{b' must be a non-empty string"),
    ],
)
def test_bad_input_is_named(kwargs, error, message):
    with pytest.raises(error, match=message) as caught:
        decompose(**kwargs)
    assert "\n" not in str(caught.value)


def neuron(n_sources, batch, n_bins, seed):
    rng = np.random.default_rng(seed)
    sources = "FCLR"[:n_sources]
    goal = Goal(rng.uniform(-1, 1, len(lattice(n_sources)) + 1), sources)
    return goal, rng.integers(0, n_bins, (n_sources, batch)), rng.uniform(0.1, 0.9, batch)


@pytest.mark.parametrize(("n_sources", "batch"), [(1, 16), (2, 16), (3, 10), (4, 5)])
def test_reference_gradient_against_finite_differences_of_the_naive_goal(n_sources, batch):
    goal, bins, theta = neuron(n_sources, batch, 3, seed=n_sources)
    gamma = goal.gamma.tolist()
    value = goal_value(goal, bins, theta, 3)
    assert value == pytest.approx(naive.goal(gamma, bins, theta, 3), abs=1e-11)

    step = 2e-5
    expected = [
        (naive.goal(gamma, bins, theta + e, 3) - naive.goal(gamma, bins, theta - e, 3)) / (2 * step)
        for e in step * np.eye(batch)
    ]
    error = np.abs(goal_gradient(goal, bins, theta, 3) - expected).max()
    assert error < 1e-6 * np.abs(expected).max()


def test_reference_value_is_the_decomposition_weighted_by_the_goal():
    goal, bins, theta = neuron(3, 200, 4, seed=0)
    d = decompose(naive.joint(bins, theta, 4))
    expected = goal.gamma @ [*d.atoms, d.residual_entropy]
    assert goal_value(goal, bins, theta, 4) == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize("theta", [np.zeros(8), np.ones(8), np.arange(8) % 2])
def test_reference_is_finite_for_certain_outputs(theta):
    goal, bins, _ = neuron(3, 8, 2, seed=0)
    value = goal_value(goal, bins, theta, 2)
    d = decompose(naive.joint(bins, theta, 2))
    assert value == pytest.approx(goal.gamma @ [*d.atoms, d.residual_entropy], abs=1e-11)
    assert np.isfinite(goal_gradient(goal, bins, theta, 2)).all()


@pytest.mark.parametrize(
    ("bins", "theta", "error", "message"),
    [
        ([[0, 1]], [0.5, 0.5], ShapeError, r"\(1, 2\) and theta \(2,\) must be integers \(2, B\)"),
        ([[0.0], [1.0]], [0.5], ShapeError, "bins float64"),
        (np.zeros((2, 0), int), [], ShapeError, "B > 0"),
        ([[0], [3]], [0.5], DataError, "bins run from 0 to 3, must be 0 to 2"),
        ([[-1], [0]], [0.5], DataError, "bins run from -1"),
        ([[0], [0]], [1.5], DataError, "theta must be probabilities"),
        ([[0], [0]], [np.nan], DataError, "theta must be probabilities"),
    ],
)
def test_bad_neurons_are_named(bins, theta, error, message):
    with pytest.raises(error, match=message):
        goal_value(Goal({}, "FC"), bins, theta, 3)
