"""Goals under every measure of redundancy, and samples split among bins, against the reference."""

import naive
import numpy as np
import pytest
from test_score import both, given, information, prepared, random_goal, score

from infosim.pid import Goal, decompose, lattice
from infosim.pid import score as plain
from infosim.pid.measures import MEASURES, Measure
from infosim.pid.terms import goal_terms

NAMES = "FCL"
KINDS = pytest.mark.parametrize("measure", MEASURES.values(), ids=list(MEASURES))
SOURCES = pytest.mark.parametrize("n_sources", [1, 2, 3])
DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])
TOLERANCE = {"float32": 1e-4, "float64": 1e-6}


def batch(n_sources, seed, n_samples=24, n_bins=3):
    """A neuron's bins and θ, which differ enough between bins that no two sets tell alike."""
    rng = np.random.default_rng(seed)
    bins = rng.integers(0, n_bins, (n_sources, 1, n_samples)).astype(np.uint8)
    drive = rng.normal(size=(n_sources, n_bins)) * np.arange(1, n_sources + 1)[:, None]
    total = sum(own[b] for own, b in zip(drive, bins[:, 0], strict=True))
    theta = 1 / (1 + np.exp(-total - rng.normal(size=n_samples)))
    return bins, theta[None].clip(0.02, 0.98)


def difference(value, theta, h=2e-5):
    """The derivative of `value` in each of `theta`, of fourth order."""
    result = np.empty(len(theta))
    for s in range(len(theta)):

        def at(step, s=s):
            moved = theta.copy()
            moved[s] += step
            return value(moved)

        result[s] = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
    return result


def assert_close(actual, expected, tolerance):
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * np.abs(expected).max())


@pytest.mark.parametrize("seed", [0, 1])
@DTYPES
@SOURCES
@KINDS
def test_slopes_are_finite_differences_of_the_reference(kernels, measure, n_sources, dtype, seed):
    bins, theta = batch(n_sources, seed)
    goal = random_goal(n_sources, np.random.default_rng(seed))
    expected = difference(
        lambda moved: plain.goal_value(goal, bins[:, 0], moved, 3, measure), theta[0]
    )
    found = score(kernels, goal, bins, theta, 3, dtype, measure=measure)[0]
    assert_close(found, expected, TOLERANCE[dtype])
    assert_close(plain.goal_gradient(goal, bins[:, 0], theta[0], 3, measure), expected, 1e-8)


@KINDS
@SOURCES
def test_the_reference_is_the_naive_sum_over_events(measure, n_sources):
    bins, theta = batch(n_sources, 4)
    pmf = naive.joint(bins[:, 0], theta[0], 3)
    chains = naive.antichains(n_sources)
    expected = [naive.redundancy_of(measure.name, pmf, a) for a in chains]
    found = information(kernels_on_cpu(), bins, theta, 3, measure=measure)[0]
    np.testing.assert_allclose(found[:-1], expected, atol=1e-12)
    for label, i in zip(lattice(n_sources).labels(NAMES[:n_sources]), range(99), strict=False):
        goal = Goal({label: 1}, NAMES[:n_sources])
        below = {a: expected[j] for j, a in enumerate(chains)}
        value = naive.atom(below, chains[i])
        assert plain.goal_value(goal, bins[:, 0], theta[0], 3, measure) == pytest.approx(
            value, abs=1e-12
        )


def kernels_on_cpu():
    from infosim.kernels import cpu

    return cpu


@pytest.mark.parametrize("case", ["one sample", "all alike", "a constant source", "sure"])
@DTYPES
@KINDS
def test_degenerate_batches(kernels, measure, dtype, case):
    """Where sets tell alike much, nothing at all, the first is chosen, and all is finite."""
    bins, theta = batch(2, 3, 1 if case == "one sample" else 20)
    if case == "all alike":
        bins[:] = 1
    if case == "a constant source":
        bins[1] = 2
    if case == "sure":
        theta = np.round(theta)
    goal = Goal([0.7, -0.4, 1.1, 0.3, 0.2], "FC")
    found = score(kernels, goal, bins, theta, 3, dtype, measure=measure)[0]
    assert np.isfinite(found).all()
    if case == "sure":  # where logarithms diverge, masses are floored, each precision at its own
        return
    expected = plain.goal_gradient(goal, bins[:, 0], theta[0], 3, measure)
    np.testing.assert_allclose(found, expected, atol=TOLERANCE[dtype] * np.abs(expected).max())


@DTYPES
@KINDS
def test_information_is_that_of_the_decomposition(kernels, measure, dtype):
    for n_sources in (2, 3):
        bins, theta = batch(n_sources, 5)
        found = information(kernels, bins, theta, 3, dtype, measure=measure)[0]
        pmf = naive.joint(bins[:, 0], theta[0], 3)
        expected = decompose(pmf, names=NAMES[:n_sources], measure=measure)
        np.testing.assert_allclose(
            found[:-1], expected.redundancies, atol=1e-12 if dtype == "float64" else 2e-6
        )


def test_of_equal_sets_the_first_is_chosen(kernels):
    """Two sources that are copies of each other tell equally much: the first one's J counts."""
    bins, theta = batch(1, 6)
    twice = np.concatenate([bins, bins])
    for measure in MEASURES.values():
        if measure.select is None:
            continue
        information_ = np.array([[0.2, 0.1], [0.2, 0.1], [0.5, 0.5]])
        chosen = np.zeros((3, 2))
        measure.select(information_, (0, 1), 1.0, chosen)
        np.testing.assert_array_equal(chosen, [[1, 1], [0, 0], [0, 0]])
        found = score(kernels, Goal.of("{F}{C}", "FC"), twice, theta, 3, measure=measure)
        alone = score(kernels, Goal.of("{F}", "F"), bins, theta, 3, measure=measure)
        assert_close(found, alone, 1e-9)


class Gaps(Measure):
    """The union of an antichain's first two sets: a measure from outside, of terms alone."""

    name = "first-two"

    def terms(self, lattice):
        rows = []
        for sets in lattice.antichains:
            row = np.zeros(2**lattice.n_sources, int)
            for mask in sets[:2]:
                row[mask] += 1
            if len(sets) > 1:
                row[sets[0] | sets[1]] -= 1
            rows.append(row[1:])
        return np.array(rows)


class Greatest(Measure):
    """The most informative set in place of the least, for each output: choosing, from outside."""

    name = "greatest"

    def terms(self, lattice):
        return np.eye(2**lattice.n_sources - 1, dtype=int)

    def candidates(self, lattice):
        return [tuple(mask - 1 for mask in sets) for sets in lattice.antichains]

    @staticmethod
    def select(information, candidates, weight, chosen):
        for y in range(information.shape[1]):
            best = candidates[0]
            for i in range(len(candidates)):
                if information[candidates[i], y] > information[best, y]:
                    best = candidates[i]
            chosen[best, y] += weight


class OfFiring(Greatest):
    """The set that tells least of firing: one that tells the target's values apart."""

    name = "of-firing"

    @staticmethod
    def select(information, candidates, weight, chosen):
        last = information.shape[1] - 1
        best = candidates[0]
        for i in range(len(candidates)):
            if information[candidates[i], last] < information[best, last]:
                best = candidates[i]
        for y in range(information.shape[1]):
            chosen[best, y] += weight


@pytest.mark.parametrize("measure", [Gaps(), Greatest(), OfFiring()])
@SOURCES
def test_measures_from_outside_the_package(kernels, measure, n_sources):
    bins, theta = batch(n_sources, 7)
    goal = random_goal(n_sources, np.random.default_rng(8))
    found = score(kernels, goal, bins, theta, 3, measure=measure)[0]
    expected = difference(
        lambda moved: plain.goal_value(goal, bins[:, 0], moved, 3, measure), theta[0]
    )
    assert_close(found, expected, 1e-6)
    pmf = naive.joint(bins[:, 0], theta[0], 3)
    redundancies = decompose(pmf, names=NAMES[:n_sources], measure=measure).redundancies
    found = information(kernels, bins, theta, 3, measure=measure)[0]
    np.testing.assert_allclose(found[:-1], redundancies, atol=1e-12)


def soft(u, centres, steepness):
    """Shares of normalised bumps around `centres` (n, B), and their slopes in u (B,)."""
    bump = np.exp(-steepness * (u - centres[:, None]) ** 2)
    slope = -2 * steepness * (u - centres[:, None]) * bump
    total, slopes = bump.sum(axis=0), slope.sum(axis=0)
    return bump / total, (slope * total - bump * slopes) / total**2


@KINDS
@DTYPES
@SOURCES
def test_split_samples_have_a_direct_gradient(kernels, measure, dtype, n_sources):
    """With prescribed shares a potential acts on the goal directly, as finite differences say."""
    rng = np.random.default_rng(9)
    n_samples, n_bins, name = 12, (3, 2, 3)[:n_sources], NAMES[:n_sources]
    u, theta = rng.normal(size=(n_sources, n_samples)), rng.uniform(0.1, 0.9, n_samples)
    centres = [np.linspace(-1, 1, n) for n in n_bins]
    goal = random_goal(n_sources, rng)

    def shares_at(u):
        pairs = [soft(u[k], centres[k], 1.5) for k in range(n_sources)]
        return [a for a, _ in pairs], [slope for _, slope in pairs]

    shares, slopes = shares_at(u)
    _, slope, direct = plain.score(goal, shares, theta, measure, slopes)
    expected = difference(lambda moved: plain.score(goal, shares, moved, measure)[0], theta)
    assert_close(slope, expected, 1e-7)
    flat = u.ravel()
    numeric = difference(
        lambda moved: plain.score(goal, shares_at(moved.reshape(u.shape))[0], theta, measure)[0],
        flat,
    ).reshape(u.shape)
    assert_close(direct, numeric, 1e-7)
    found = split_score(kernels, goal, shares, slopes, theta, n_bins, dtype, measure)
    assert_close(found[0], slope, TOLERANCE[dtype])
    assert_close(found[1], direct, TOLERANCE[dtype])
    assert np.abs(direct).max() > 1e-3
    assert goal.sources == tuple(name)


def split_score(kernels, goal, shares, slopes, theta, n_bins, dtype, measure):
    """∂G/∂θ (B,) and the direct ∂G/∂u (K, B) by the kernel, each sample in all bins."""
    resident, n_sources, n_samples, width = kernels.resident, len(shares), len(theta), max(n_bins)

    def packed(of):
        result = np.zeros((n_sources, 1, n_samples, width), dtype)
        for k, own in enumerate(of):
            result[k, 0, :, : len(own)] = own.T
        return resident(result)

    widths = np.repeat(np.array(n_bins, np.uint8), n_samples).reshape(n_sources, 1, n_samples)
    *terms, weights, entropy_weights = goal_terms([goal], measure)
    slope = resident(np.full((1, n_samples), np.nan, dtype))
    direct = resident(np.full((n_sources, 1, n_samples), np.nan, dtype))
    kernels.score("shares", measure)(
        direct, resident(np.zeros((n_sources, 1), dtype)),
        (
            resident(prepared(n_bins, n_sources)), np.dtype(dtype).type(1), resident(widths),
            packed(shares), packed(slopes),
        ),
        resident(both(theta[None], dtype)), *given(kernels, *terms, dtype),
        resident(weights.astype(dtype)), resident(entropy_weights.astype(dtype)),
        resident(np.zeros(1, np.int64)), 0, 1,
        kernels.scratch(1, n_bins, n_samples, dtype, 200, width),
        resident(np.zeros((n_sources, 1, n_samples), np.uint8)), slope, direct,
    )  # fmt: skip
    return kernels.host(slope)[0], kernels.host(direct)[:, 0]


@DTYPES
def test_whole_shares_are_hard_bins(kernels, dtype):
    """Samples with one share of 1 are those of hard bins, and on a plateau nothing is direct."""
    bins, theta = batch(2, 11)
    goal = random_goal(2, np.random.default_rng(1))
    sx = MEASURES["shared-exclusions"]
    shares = plain.assign(bins[:, 0], 3)
    found, direct = split_score(
        kernels, goal, shares, np.zeros_like(shares), theta[0], (3, 3), dtype, sx
    )
    assert_close(found, score(kernels, goal, bins, theta, 3, dtype)[0], TOLERANCE[dtype] / 10)
    assert not direct.any()
