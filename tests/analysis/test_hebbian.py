"""What a Hebbian neuron tells: known values, formulas written out, limits, simulated networks."""

from fractions import Fraction
from math import erf, erfc, inf, lgamma, log, nan, pi, sqrt

import numpy as np
import pytest
from hopfield import PATTERNS, N, hopfield

from infosim import ConfigError, decompose
from infosim.analysis.hebbian import NAMES, hebbian_decomposition

LOADS = (0.14, 0.25, 0.5, 1.0, 1.6, 2.0)
LABELS = ("{R}{C}", "{R}", "{C}", "{RC}")


def bits(p):
    """Entropy of a binary variable."""
    return -p * np.log2(p) - (1 - p) * np.log2(1 - p)


def binomial(n):
    """P(k) of n fair coins, by factorials."""
    heads = [lgamma(k + 1) for k in range(n + 1)]
    return np.exp([heads[n] - heads[k] - heads[n - k] - n * log(2) for k in range(n + 1)])


def written_out(neurons, patterns):
    """ε and Π{R}{C} by the formula of docs/theory.md, outputs a function of the field."""
    noise = (neurons - 1) * (patterns - 1)
    mass = binomial(noise)
    field = neurons - 1 + 2 * np.arange(noise + 1) - noise
    error = mass[field < 0].sum()
    of = dict(zip(field.tolist(), mass.tolist(), strict=True))
    other = np.array([of.get(-c, 0.0) for c in field.tolist()])  # P(c | R = -1)
    same = np.where(field >= 0, 1 - error, error)
    return error, (mass * np.log2(2 * (same + other) / (1 + other)))[mass > 0].sum()


def network(neurons, patterns, seed):
    """Bits, fields and outputs of a Hopfield network that is shown its patterns, (M, N) each."""
    shown = np.random.default_rng(seed).choice([-1.0, 1.0], (patterns, neurons))
    weights = shown.T @ shown * (1 - np.eye(neurons))
    field = shown @ weights
    return shown, field, np.where(field == 0, shown, np.sign(field))


def pooled(neurons, patterns, seeds):
    """Plug-in atoms of all neurons together, mean over networks."""
    found = []
    for seed in range(seeds):
        bit, field, output = (one.ravel() for one in network(neurons, patterns, seed))
        found.append(decompose(sources=[bit, field], target=output).atoms)
    return np.mean(found, axis=0)


# -- a given number of neurons ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("load", "redundancy"),
    [(0.14, 0.9750), (0.25, 0.858), (0.5, 0.6227), (1.0, 0.3830), (1.6, 0.2601), (2.0, 0.2142)],
)
def test_redundancy_of_a_hundred_neurons(load, redundancy):
    # the known values have the outputs a function of the field also where that is 0
    assert hebbian_decomposition(load, 100)["{R}{C}"] == pytest.approx(redundancy, abs=2e-4)


@pytest.mark.parametrize(("neurons", "patterns"), [(100, 15), (100, 101), (20, 7), (6, 3)])
def test_odd_numbers_of_patterns_are_the_formula(neurons, patterns):
    """Then the field of an even number of neurons is never 0."""
    error, redundancy = written_out(neurons, patterns)
    found = hebbian_decomposition(patterns / neurons, neurons)
    expected = (
        redundancy,
        1 - bits(error) - redundancy,
        1 - redundancy,
        redundancy - 1 + bits(error),
    )
    np.testing.assert_allclose(found.atoms, expected, atol=1e-10)
    assert found.information == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(("neurons", "patterns"), [(2, 3), (3, 2), (4, 3), (5, 2)])
def test_small_networks_are_all_sets_of_patterns(neurons, patterns):
    """Exact are the atoms of a neuron and a pattern drawn from all networks that there are."""
    samples = []
    for code in range(2 ** (neurons * patterns)):
        shown = np.array([1 if code >> i & 1 else -1 for i in range(neurons * patterns)])
        shown = shown.reshape(patterns, neurons)
        field = shown @ (shown.T @ shown * (1 - np.eye(neurons, dtype=int)))
        samples.append((shown[0, 0], field[0, 0], np.sign(field[0, 0]) or shown[0, 0]))
    bit, field, output = np.transpose(samples)
    expected = decompose(sources=[bit, field], target=output)
    found = hebbian_decomposition(Fraction(patterns, neurons), neurons)
    np.testing.assert_allclose(found.atoms, expected.atoms, atol=1e-12)
    np.testing.assert_allclose(found.informative, expected.informative, atol=1e-12)
    assert found.residual_entropy == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("neurons", [2, 99, 100, None])
@pytest.mark.parametrize("load", [0.5, 1.0, 3.0])
def test_atoms_add_up(load, neurons):
    found = hebbian_decomposition(load, neurons)
    assert found.names == NAMES
    assert tuple(found) == LABELS
    assert found.atoms.sum() == pytest.approx(found.information, abs=1e-12)
    assert found.entropy == pytest.approx(1, abs=1e-12)
    assert found["{R}{C}"] + found["{R}"] == pytest.approx(found.redundancies[1], abs=1e-12)


def test_one_pattern_is_told_by_both():
    np.testing.assert_allclose(hebbian_decomposition(0.01, 100).atoms, [1, 0, 0, 0], atol=1e-12)


def test_loads_are_rounded_to_patterns():
    one, same = hebbian_decomposition(0.146, 100), hebbian_decomposition(0.154, 100)
    np.testing.assert_array_equal(one.atoms, same.atoms)
    # numbers of NumPy count as they are, and their products do not overflow
    small = hebbian_decomposition(np.float32(0.5), np.int16(1000))
    np.testing.assert_array_equal(small.atoms, hebbian_decomposition(0.5, 1000).atoms)


def test_fields_out_of_reach_have_no_weight():
    """The window of fields leaves out what is below rounding: all of them, by factorials."""
    neurons, patterns = 100, 201
    mass = binomial((neurons - 1) * (patterns - 1))
    error = mass[neurons - 1 + 2 * np.arange(len(mass)) - len(mass) + 1 < 0].sum()
    told = hebbian_decomposition(patterns / neurons, neurons).redundancies[1]
    assert told == pytest.approx(1 - bits(error), abs=1e-9)


# -- the limit of many neurons ---------------------------------------------------------------------


@pytest.mark.parametrize("load", LOADS)
def test_limit_is_approached(load):
    limit = hebbian_decomposition(load)
    error = erfc(1 / sqrt(2 * load)) / 2
    np.testing.assert_allclose(limit.atoms, [1 - bits(error), 0, bits(error), 0], atol=1e-9)
    far, near = (
        np.abs(hebbian_decomposition(load, neurons).atoms - limit.atoms).max()
        for neurons in (400, 6400)
    )
    assert near < far / 8  # as 1/N, and as 1/√(N M) where a value has its own probability
    assert near < 1e-3


def test_limit_is_that_of_ever_narrower_bins():
    """c / N, normal around R, cut into bins of equal width, of which one edge is 0."""
    load, differences = 0.5, []
    for bins in (200, 2000, 20000):
        edges = np.linspace(-8, 8, bins + 1)
        pmf = np.zeros((2, bins, 2))
        output = (edges[:-1] >= 0).astype(int)
        for r, bit in enumerate((-1, 1)):
            below = [(1 + erf((edge - bit) / sqrt(2 * load))) / 2 for edge in edges]
            pmf[r, np.arange(bins), output] = np.diff(below) / 2
        pmf /= pmf.sum()
        found = decompose(pmf, names=NAMES)
        assert found.information == pytest.approx(1, abs=1e-9)
        differences.append(np.abs(found.atoms - hebbian_decomposition(load).atoms).max())
    first, second, third = differences
    assert second == pytest.approx(first / 10, rel=0.2)
    assert third == pytest.approx(second / 10, rel=0.2)
    assert third < 1e-3


def test_redundancy_falls_from_one_bit_to_none():
    loads = np.geomspace(0.03, 1e6, 200)
    told = [hebbian_decomposition(load)["{R}{C}"] for load in loads]
    assert (np.diff(told) < 0).all()
    for tiny in (1e-2, 1e-9, 5e-324):
        assert hebbian_decomposition(tiny)["{R}{C}"] == pytest.approx(1, abs=1e-9)
    for large in (1e4, 1e6):
        told = hebbian_decomposition(large)["{R}{C}"]
        assert told * pi * large * log(2) == pytest.approx(1, rel=1e-3)
    np.testing.assert_allclose(hebbian_decomposition(1e300).atoms, [0, 0, 1, 0], atol=1e-12)


# -- networks --------------------------------------------------------------------------------------


def test_simulated_networks_agree():
    """Between networks redundancy scatters by 0.003, its mean of three by half of that."""
    neurons, patterns = 800, 401
    exact = hebbian_decomposition(patterns / neurons, neurons)
    found = pooled(neurons, patterns, 3)
    np.testing.assert_allclose(found, exact.atoms, atol=6e-3)
    unique, synergy = found[1], found[3]
    # these hardly scatter, and are 0 in the limit
    assert unique == pytest.approx(exact["{R}"], rel=0.1)
    assert synergy == pytest.approx(exact["{RC}"], rel=0.1)


def test_even_numbers_of_neurons_and_patterns():
    """One network then has every other value of the field, as docs/reproduction says."""
    _, field, _ = network(200, 100, 0)
    assert len(np.unique(field % 4)) == 1
    assert len(np.unique(network(200, 101, 0)[1] % 4)) == 2
    exact = hebbian_decomposition(0.5, 200)
    assert pooled(200, 100, 5)[1] == pytest.approx(2 * exact["{R}"], rel=0.1)


def test_fields_are_those_of_the_engine():
    """Of a pattern and with the weights of tests/hopfield.py, which are divided by N."""
    net = hopfield(1.0)
    recalled = net.recall(PATTERNS, max_steps=1).states
    field = PATTERNS @ (PATTERNS.T @ PATTERNS * (1 - np.eye(N)))
    np.testing.assert_array_equal(recalled, np.sign(field))
    aligned = (field * PATTERNS - (N - 1) + (N - 1) * (len(PATTERNS) - 1)) / 2
    assert (aligned == aligned.round()).all()  # k, a number of coins
    assert aligned.min() >= 0


# -- bad input -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "load",
    [
        0, -1, -0.0, nan, inf, -inf, "0.1", None, True, 1j, [0.1], np.array([0.1, 0.2]), 10**400,
        Fraction(1, 10**400),
    ],
)  # fmt: skip
@pytest.mark.parametrize("neurons", [None, 100])
def test_loads_that_are_none(load, neurons):
    with pytest.raises(ConfigError, match=r"^load must be a finite number above 0, was .+$"):
        hebbian_decomposition(load, neurons)


@pytest.mark.parametrize("neurons", [1, 0, -5, 2.5, "100", True, [100], inf, nan, 10**7, 10**400])
def test_numbers_of_neurons_that_are_none(neurons):
    with pytest.raises(ConfigError, match=r"^neurons must be an integer from 2 to 1000000, was"):
        hebbian_decomposition(0.1, neurons)


@pytest.mark.parametrize(
    ("load", "neurons", "message"),
    [
        (0.001, 100, "load 0.001 of 100 neurons is no pattern; 0.01 is one"),
        (5e-324, 2, "load 4.94066e-324 of 2 neurons is no pattern; 0.5 is one"),
        (1e308, 100, "more than 1000000 values of the field; neurons=None is the limit of many"),
        (2, 200_000, "more than 1000000 values of the field; neurons=None is the limit of many"),
    ],
)
def test_networks_that_cannot_be_decomposed(load, neurons, message):
    with pytest.raises(ConfigError, match=message.replace(".", r"\.") + "$"):
        hebbian_decomposition(load, neurons)
