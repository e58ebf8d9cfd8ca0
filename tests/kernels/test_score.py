import naive
import numpy as np
import pytest

from infosim.kernels import cpu
from infosim.pid import Goal, decompose, lattice
from infosim.pid.measures import MEASURES
from infosim.pid.score import goal_gradient, goal_value
from infosim.pid.terms import all_terms, atoms, goal_terms

NAMES = "FCL"
SX = MEASURES["shared-exclusions"]
SOURCES = pytest.mark.parametrize("n_sources", [1, 2, 3])
DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])


def agrees(kernels, dtype):
    """How far off, relative to the largest entry: kernels sum in the precision they are given."""
    if kernels.ON_DEVICE:  # in fixed point, which is finer than float32 and coarser than float64
        return {"float32": 1e-5, "float64": 1e-10}[dtype]
    return {"float32": 1e-4, "float64": 1e-12}[dtype]


def random_goal(n_sources, rng):
    return Goal(rng.normal(size=len(lattice(n_sources)) + 1), NAMES[:n_sources])


def random_batch(n_sources, rng, n_neurons=2, n_samples=60, n_bins=4):
    bins = rng.integers(0, n_bins, (n_sources, n_neurons, n_samples)).astype(np.uint8)
    return bins, rng.uniform(0.02, 0.98, (n_neurons, n_samples))


def prepared(n_bins, n_sources):
    return np.broadcast_to(n_bins, n_sources).astype(np.int64)


def given(kernels, terms, candidates, dtype):
    """A measure's terms and candidates as the kernels take them."""
    starts, sets, signs = terms
    terms = starts, sets, signs.astype(dtype)
    return tuple(map(kernels.resident, terms)), tuple(map(kernels.resident, candidates))


def score(
    kernels, goal, bins, theta, n_bins, dtype="float64", spans=None, work=None, measure=SX,
    rows=None,
):  # fmt: skip
    """∂G/∂θ (N, B) by the kernel; `goal` may be several, one for each replica or as `rows` say."""
    n_sources, n_neurons, n_samples = bins.shape
    resident = kernels.resident
    n_bins = prepared(n_bins, n_sources)
    goals = goal if isinstance(goal, list) else [goal]
    *terms, weights, entropy_weights = goal_terms(goals, measure)
    if rows is None:
        rows = np.repeat(np.arange(len(goals)), n_neurons // len(goals))
    if work is None:
        work = kernels.scratch(n_neurons, tuple(n_bins.tolist()), n_samples, dtype, 200)
    if kernels is cpu:
        work.table[:] = 2**32 - 1  # whatever is left there must not matter
    slope = resident(np.full((n_neurons, n_samples), np.nan, dtype))
    nothing = resident(np.zeros((n_sources, 0, n_samples), dtype))
    for start, stop in spans or [(0, n_neurons)]:
        kernels.score("given", measure)(
            nothing, resident(np.zeros((n_sources, n_neurons), dtype)), (resident(n_bins),),
            resident(both(theta, dtype)), *given(kernels, *terms, dtype),
            resident(weights.astype(dtype)), resident(entropy_weights.astype(dtype)),
            resident(np.array(rows)), start, stop, work, resident(bins), slope, nothing,
        )  # fmt: skip
    return kernels.host(slope)


def both(theta, dtype):
    """θ and 1 - θ as the kernels take them, (2, N, B)."""
    theta = np.asarray(theta, dtype)
    return np.stack([theta, 1 - theta])


def information(kernels, bins, theta, n_bins, dtype="float64", measure=SX, rows=None):
    """I_∩ of all antichains and H(Y), (N, A + 1), by the kernel."""
    n_sources, n_neurons, n_samples = bins.shape
    resident = kernels.resident
    n_bins = prepared(n_bins, n_sources)
    work = kernels.scratch(n_neurons, tuple(n_bins.tolist()), n_samples, dtype, 200)
    result = resident(np.full((n_neurons, len(lattice(n_sources)) + 1), np.nan))
    nothing = resident(np.zeros((n_sources, 0, n_samples), dtype))
    kernels.information("given", measure)(
        nothing, resident(np.zeros((n_sources, n_neurons), dtype)), (resident(n_bins),),
        resident(both(theta, dtype)), *given(kernels, *all_terms(n_sources, measure), dtype),
        resident(np.array([0] * n_neurons if rows is None else rows)), 0, n_neurons, work,
        resident(bins), result,
    )  # fmt: skip
    return kernels.host(result)


def assert_close(actual, expected, tolerance):
    scale = np.abs(expected).max()
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * scale)


def reference(goal, bins, theta, n_bins):
    n_bins = int(np.max(n_bins))
    return np.array(
        [goal_gradient(goal, bins[:, n], theta[n], n_bins) for n in range(bins.shape[1])]
    )


def test_neurons_without_a_row_are_passed_over(kernels):
    """They are of another call, and what that call left is as it was."""
    rng = np.random.default_rng(5)
    bins, theta = random_batch(2, rng, 4, n_samples=12)
    goals = [random_goal(2, rng) for _ in range(2)]
    rows = [-1, 1, -1, 0]
    found = score(kernels, goals, bins, theta, 4, rows=rows)
    all_of_them = score(kernels, goals, bins, theta, 4, rows=[0, 1, 1, 0])
    np.testing.assert_array_equal(found[[1, 3]], all_of_them[[1, 3]])
    assert np.isfinite(all_of_them).all()
    assert np.isnan(found[[0, 2]]).all()
    found = information(kernels, bins, theta, 4, rows=rows)
    np.testing.assert_array_equal(found[[1, 3]], information(kernels, bins, theta, 4)[[1, 3]])
    assert np.isnan(found[[0, 2]]).all()


@pytest.mark.parametrize("seed", [0, 1])
@DTYPES
@SOURCES
def test_slope_is_the_finite_difference_of_the_naive_goal(kernels, n_sources, dtype, seed):
    rng = np.random.default_rng(seed)
    bins, theta = random_batch(n_sources, rng, n_neurons=1, n_samples=9, n_bins=3)
    goal = random_goal(n_sources, rng)
    slope = score(kernels, goal, bins, theta, 3, dtype)
    h = 1e-4
    expected = np.empty_like(theta)
    for s in range(theta.shape[1]):

        def shifted(step, s=s):
            moved = theta[0].copy()
            moved[s] += step
            return naive.goal(goal.gamma, bins[:, 0], moved, 3)

        # fourth order, so that what remains is rounding
        expected[0, s] = (8 * (shifted(h) - shifted(-h)) - (shifted(2 * h) - shifted(-2 * h))) / (
            12 * h
        )
    assert_close(slope, expected, 1e-6 if dtype == "float64" else 1e-4)


@pytest.mark.parametrize(
    ("n_samples", "n_bins"),
    [(60, 4), (1, 20), (200, 255), (120, (3, 17, 6)), (1024, 20), (333, 2), (50, (2, 60, 255))],
)
@DTYPES
@SOURCES
def test_slope_equals_the_reference_gradient(kernels, slow, n_sources, dtype, n_samples, n_bins):
    n_samples = min(n_samples, 40) if slow else n_samples
    rng = np.random.default_rng(n_samples)
    n_bins = prepared(np.resize(n_bins, n_sources), n_sources)
    bins = np.array([rng.integers(0, width, (2, n_samples)) for width in n_bins], np.uint8)
    theta = rng.beta(0.5, 0.5, (2, n_samples)).clip(1e-4, 1 - 1e-4)
    theta = theta.astype(dtype).astype(float)  # rounding changes 1 - θ more than the kernel does
    goal = random_goal(n_sources, rng)
    expected = reference(goal, bins, theta, n_bins)
    if n_samples == 1:  # one event holds no information: only its entropy has a slope
        theta_ = theta[:, 0]
        entropy_slope = goal.gamma[-1] * np.log2((1 - theta_) / theta_)
        np.testing.assert_allclose(expected[:, 0], entropy_slope, rtol=1e-9)
    assert_close(score(kernels, goal, bins, theta, n_bins, dtype), expected, agrees(kernels, dtype))


@DTYPES
@SOURCES
def test_every_single_atom_has_the_reference_gradient(kernels, n_sources, dtype):
    """One atom at a time: a random goal could hide two atoms that are swapped."""
    rng = np.random.default_rng(5)
    bins, theta = random_batch(n_sources, rng, n_neurons=1, n_samples=40, n_bins=3)
    for gamma in np.eye(len(lattice(n_sources)) + 1):
        goal = Goal(gamma, NAMES[:n_sources])
        assert_close(
            score(kernels, goal, bins, theta, 3, dtype),
            reference(goal, bins, theta, 3),
            agrees(kernels, dtype),
        )


@DTYPES
@SOURCES
def test_with_all_samples_in_one_bin_only_the_entropy_has_a_slope(kernels, n_sources, dtype):
    rng = np.random.default_rng(6)
    theta = rng.uniform(0.1, 0.9, (1, 30))
    bins = np.full((n_sources, 1, 30), 3, np.uint8)
    goal = random_goal(n_sources, rng)
    mean = theta.mean()
    expected = np.full((1, 30), goal.gamma[-1] * np.log2((1 - mean) / mean) / 30)
    # the atoms' slopes are differences of equal numbers, so the error is relative to their weights
    size = np.abs(goal.coefficients()[0]).sum() / 30
    np.testing.assert_allclose(
        score(kernels, goal, bins, theta, 20, dtype),
        expected,
        atol=size * agrees(kernels, dtype) / 10,
    )


@pytest.mark.parametrize("constant", [0, 1, 2])
@DTYPES
def test_a_source_that_never_varies(kernels, dtype, constant):
    rng = np.random.default_rng(7)
    bins, theta = random_batch(3, rng)
    bins[constant] = 2
    goal = random_goal(3, rng)
    assert_close(
        score(kernels, goal, bins, theta, 4, dtype),
        reference(goal, bins, theta, 4),
        agrees(kernels, dtype),
    )


@DTYPES
@SOURCES
def test_firing_probabilities_at_their_clamps(kernels, n_sources, dtype):
    rng = np.random.default_rng(8)
    bins, _ = random_batch(n_sources, rng)
    clamp = np.dtype(dtype).type(1e-6)
    theta = np.where(rng.random(bins.shape[1:]) < 0.5, clamp, 1 - clamp).astype(dtype)
    goal = random_goal(n_sources, rng)
    # Σ(1-θ) must not be computed as a difference: next to 1, float32 knows 1e-6 to one digit
    expected = reference(goal, bins, theta.astype(np.float64), 4)
    assert_close(score(kernels, goal, bins, theta, 4, dtype), expected, agrees(kernels, dtype))


@DTYPES
@SOURCES
@pytest.mark.parametrize("theta_of", ["zero", "one", "both", "by bin"])
def test_sure_outputs_give_finite_numbers(kernels, slow, n_sources, dtype, theta_of):
    rng = np.random.default_rng(9)
    bins, theta = random_batch(n_sources, rng, n_samples=20 if slow else 60)
    theta[...] = {
        "zero": 0.0,
        "one": 1.0,
        "both": rng.integers(0, 2, theta.shape),
        "by bin": bins[0] % 2,
    }[theta_of]
    goal = random_goal(n_sources, rng)
    assert np.isfinite(score(kernels, goal, bins, theta, 4, dtype)).all()
    result = information(kernels, bins, theta, 4, dtype)
    for n in range(bins.shape[1]):
        found = decompose(naive.joint(bins[:, n], theta[n], 4))
        np.testing.assert_allclose(result[n, :-1], found.redundancies, atol=2e-6)
        np.testing.assert_allclose(result[n, -1], found.entropy, atol=2e-6)


@DTYPES
def test_blocks_of_neurons_do_not_influence_each_other(dtype):
    rng = np.random.default_rng(10)
    bins, theta = random_batch(3, rng, n_neurons=7)
    goal = random_goal(3, rng)
    whole = score(cpu, goal, bins, theta, 4, dtype)
    for spans in ([(0, 3), (3, 7)], [(6, 7), (2, 6), (0, 2)]):
        np.testing.assert_array_equal(score(cpu, goal, bins, theta, 4, dtype, spans), whole)


def test_scratch_may_be_used_again_by_another_goal(kernels, slow):
    rng = np.random.default_rng(11)
    bins, theta = random_batch(3, rng, n_samples=20 if slow else 60)
    first, second = random_goal(3, rng), random_goal(3, rng)
    work = kernels.scratch(len(theta), (4, 4, 4), theta.shape[1], "float64", 200)
    alone = score(kernels, second, bins, theta, 4)
    score(kernels, first, bins[:, ::-1].copy(), theta, 4, work=work)
    np.testing.assert_array_equal(score(kernels, second, bins, theta, 4, work=work), alone)


@DTYPES
def test_a_goal_of_zero_has_no_slope(kernels, dtype):
    bins, theta = random_batch(2, np.random.default_rng(12))
    assert not score(kernels, Goal([0] * 5, "FC"), bins, theta, 4, dtype).any()


@DTYPES
@SOURCES
def test_information_equals_the_naive_redundancies(kernels, n_sources, dtype):
    rng = np.random.default_rng(13)
    bins, theta = random_batch(n_sources, rng, n_samples=25, n_bins=3)
    result = information(kernels, bins, theta, 3, dtype)
    for n in range(2):
        pmf = naive.joint(bins[:, n], theta[n], 3)
        expected = [naive.redundancy(pmf, a) for a in naive.antichains(n_sources)]
        np.testing.assert_allclose(
            result[n, :-1], expected, atol=1e-12 if dtype == "float64" else 2e-6
        )
        mean = theta[n].mean()
        entropy = -mean * np.log2(mean) - (1 - mean) * np.log2(1 - mean)
        np.testing.assert_allclose(result[n, -1], entropy, rtol=1e-6)


@pytest.mark.parametrize(("n_samples", "n_bins"), [(1024, 20), (300, 255)])
@DTYPES
@SOURCES
def test_atoms_sum_to_the_information_and_make_up_the_goal(
    kernels, slow, n_sources, dtype, n_samples, n_bins
):
    n_samples = 40 if slow else n_samples
    rng = np.random.default_rng(14)
    bins, theta = random_batch(n_sources, rng, n_samples=n_samples, n_bins=n_bins)
    goal = random_goal(n_sources, rng)
    found = atoms(information(kernels, bins, theta, n_bins, dtype), n_sources)
    tolerance = {"float64": 1e-9, "float32": 1e-4}[dtype]
    for n in range(2):
        # all sources together are one variable: the mutual information by its definition
        cells = np.unique(bins[:, n], axis=1, return_inverse=True)[1].ravel()
        fired = np.bincount(cells, theta[n]) / n_samples
        silent = np.bincount(cells, 1 - theta[n]) / n_samples
        p = np.array([fired, silent])
        mutual = (p * np.log2(p / (p.sum(0) * p.sum(1, keepdims=True)))).sum()
        np.testing.assert_allclose(found[n, :-1].sum(), mutual, atol=tolerance)
        np.testing.assert_allclose(
            found[n] @ goal.gamma, goal_value(goal, bins[:, n], theta[n], n_bins), atol=tolerance
        )


def test_the_xor_gate_has_its_known_atoms(kernels):
    bins = np.array([[[0, 0, 1, 1]], [[0, 1, 0, 1]]], np.uint8)
    theta = np.array([[0.0, 1.0, 1.0, 0.0]])
    found = atoms(information(kernels, bins, theta, 2), 2)
    # the published table: {1} = {2} = .584963, {1}{2} = -.584963, {12} = .415037
    expected = [-0.584963, 0.584963, 0.584963, 0.415037]
    np.testing.assert_allclose(found[0], [*expected, 0.0], atol=1e-6)


@pytest.mark.parametrize(
    ("n_sources", "n_bins"), [(2, 255), (3, 255), (3, (90, 255, 140)), (4, 90)]
)
def test_only_which_bins_agree_matters(kernels, slow, n_sources, n_bins):
    """With so many bins that keys of bins are renumbered on the way."""
    rng = np.random.default_rng(17)
    n_samples = 12 if slow else 300
    bins, theta = random_batch(n_sources, rng, n_samples=n_samples, n_bins=5)
    goal = Goal(rng.normal(size=len(lattice(n_sources)) + 1), "FCLM"[:n_sources])
    widths = prepared(n_bins, n_sources)
    if kernels is cpu:
        limit = cpu.scratch(2, tuple(widths.tolist()), n_samples, "float64", 200).table.size
        assert (n_sources == 2) == (limit == np.prod(widths, dtype=float))
    renamed = np.empty_like(bins)
    for k, width in enumerate(widths):
        renamed[k] = rng.permutation(width)[:5].astype(np.uint8)[bins[k]]
    few, many = (score(kernels, goal, b, theta, n) for b, n in ((bins, 5), (renamed, n_bins)))
    assert_close(many, few, 1e-13)
    few, many = (information(kernels, b, theta, n) for b, n in ((bins, 5), (renamed, n_bins)))
    assert_close(many, few, 1e-13)


@DTYPES
def test_replicas_side_by_side_have_each_its_own_goal(kernels, dtype):
    """Also where one's goal has antichains that the other's lacks."""
    rng = np.random.default_rng(18)
    bins, theta = random_batch(2, rng, n_neurons=4, n_samples=20)
    goals = [Goal.of(text, ("F", "C")) for text in ("{F} + 0.3 H_res", "2 {F}{C} - {FC}")]
    spans = None if kernels.ON_DEVICE else [(0, 1), (1, 2), (2, 4)]
    found = score(kernels, goals, bins, theta, 4, dtype, spans)
    for goal, rows in zip(goals, (slice(0, 2), slice(2, 4)), strict=True):
        expected = reference(goal, bins[:, rows], theta[rows], 4)
        assert_close(found[rows], expected, agrees(kernels, dtype))
