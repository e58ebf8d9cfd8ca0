"""Soft bins: samples have shares of bins, and potentials act on the goal through them as well."""

import numpy as np
import pytest
from test_score import both, given, random_goal
from test_score_measures import TOLERANCE, assert_close, difference

from infosim.errors import ConfigError
from infosim.kernels import cpu
from infosim.machine.bins import Bins
from infosim.neuron import Binning
from infosim.pid import score as plain
from infosim.pid.lattice import lattice
from infosim.pid.measures import MEASURES, parts_of
from infosim.pid.terms import goal_terms

SX = MEASURES["shared-exclusions"]
DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])
UNIONS = pytest.mark.parametrize("union_gradient", [True, False], ids=["exact", "held"])
SOURCES = pytest.mark.parametrize("n_sources", [1, 2, 3])


def soft_score(kernels, goal, u, theta, binning, dtype="float64", bias=None, n_replicas=1,
               assignment="soft", measure=SX):  # fmt: skip
    """∂G/∂θ (N, B), the direct ∂G/∂u (K, N, B), bins and range, of potentials (K, N, B)."""
    resident, (n_sources, n_neurons, n_samples) = kernels.resident, u.shape
    n_bins = binning.bins_of(n_sources)
    bins_of = Bins(binning, n_sources, n_replicas, kernels, np.dtype(dtype))
    read = bins_of.read(n_bins)
    if kernels.ON_DEVICE:
        read += resident(np.zeros(u.shape, np.uint8)), resident(np.zeros((3, *u.shape), dtype))
    bias = np.zeros(u.shape[:2]) if bias is None else bias
    where = resident(u.astype(dtype)), resident(bias.astype(dtype))
    size = n_neurons // n_replicas
    for r in range(1 if kernels.ON_DEVICE else n_replicas):
        kernels.span(*where, r * size, (r + 1) * size, bins_of.spans)
    *terms, weights, entropy_weights = goal_terms([goal], measure)
    slope = resident(np.full(u.shape[1:], np.nan, dtype))
    direct = resident(np.full(u.shape, np.nan, dtype))
    bins = resident(np.zeros(u.shape, np.uint8))
    width = max(n_bins) if assignment == "soft" else 0
    work = kernels.scratch(n_neurons, n_bins, n_samples, dtype, 200, width)
    if assignment != "soft":
        kernels.assign(assignment)(*where, read, 0, n_neurons, work, bins)
        read, assignment = read[:1], "given"
    for r in range(n_replicas):  # a call stays within a replica
        kernels.score(assignment, measure)(
            *where, read, resident(both(theta, dtype)), *given(kernels, *terms, dtype),
            resident(weights.astype(dtype)), resident(entropy_weights.astype(dtype)),
            resident(np.zeros(n_neurons, np.int64)), r * size, (r + 1) * size, work, bins, slope,
            direct,
        )  # fmt: skip
    return tuple(map(kernels.host, (slope, direct, bins, bins_of.spans)))


def ranges(u, bias=0):
    """From where to where soft bins go, (2, K), of the potentials (K, N, B) of one replica."""
    low, high = (u + bias).min(axis=(1, 2)) - 1, (u + bias).max(axis=(1, 2)) + 1
    return np.array([low, high])


def shares_of(u, binning, span):
    """Shares and slopes of potentials (K, B), a list of each, by the reference."""
    n, softness = binning.bins_of(len(u)), binning.softness_of(len(u))
    pairs = [plain.soft_shares(u[k], *span[:, k], n[k], softness[k]) for k in range(len(u))]
    return [a for a, _ in pairs], [slope for _, slope in pairs]


def reference(goal, u, theta, binning, span, measure=SX):
    shares, slopes = shares_of(u, binning, span)
    return plain.score(goal, shares, theta, measure, slopes, binning.union_gradient)[1:]


def value_at(goal, u, theta, binning, span, held=None):
    """G where the masses U_t(c) of unions are `held` ones; and these masses as they would be."""
    cells, _, mass = plain.estimate(shares_of(u, binning, span)[0], theta)
    p_y = mass.sum(axis=1, keepdims=True)
    w, h = goal.coefficients()
    value, unions = -h * (p_y * np.log2(p_y)).sum(), []
    for weight, row in zip(w, parts_of(SX, lattice(len(u)))[0], strict=True):
        union = mass @ plain._reach(row, cells)
        unions.append(union.sum(axis=0))
        event = unions[-1] if held is None else held[len(unions) - 1]
        value += weight * (mass * np.log2(union / (event * p_y))).sum()
    return value, unions


def batch(n_sources, seed=0, n_neurons=3, n_samples=11):
    rng = np.random.default_rng(seed)
    u = rng.normal(size=(n_sources, n_neurons, n_samples)) * 2
    return u, rng.uniform(0.1, 0.9, u.shape[1:]), random_goal(n_sources, rng)


@UNIONS
@SOURCES
def test_the_reference_is_finite_differences(n_sources, union_gradient):
    """In u, at a range that is held, and where they are told so at masses of unions that are."""
    u, theta, goal = batch(n_sources)
    binning = Binning("soft", (2, 4, 3)[:n_sources], softness=0.5, union_gradient=union_gradient)
    span = ranges(u)
    slope, direct = reference(goal, u[:, 0], theta[0], binning, span)
    _, unions = value_at(goal, u[:, 0], theta[0], binning, span)
    held = None if union_gradient else unions
    numeric = difference(
        lambda x: value_at(goal, x.reshape(n_sources, -1), theta[0], binning, span, held)[0],
        u[:, 0].ravel(),
    )
    assert_close(direct.ravel(), numeric, 1e-7)
    in_theta = difference(lambda x: value_at(goal, u[:, 0], x, binning, span, held)[0], theta[0])
    # p(U) does not depend on θ, held or not
    assert_close(slope, in_theta, 1e-7)
    shares, slopes = shares_of(u[:, 0], binning, span)
    for own, change in zip(shares, slopes, strict=True):
        np.testing.assert_allclose(own.sum(axis=0), 1)
        np.testing.assert_allclose(change.sum(axis=0), 0, atol=1e-14)


@DTYPES
@UNIONS
@SOURCES
def test_kernels_are_the_reference(kernels, n_sources, dtype, union_gradient):
    u, theta, goal = batch(n_sources, 1)
    bias = np.random.default_rng(2).normal(size=u.shape[:2])
    softness = (1e-5, 0.5, 0.3)[:n_sources]
    binning = Binning(
        "soft", (2, 4, 3)[:n_sources], softness=softness, union_gradient=union_gradient
    )
    slope, direct, _, spans = soft_score(kernels, goal, u, theta, binning, dtype, bias)
    span = ranges(u, bias[..., None])
    np.testing.assert_allclose(spans[..., 0], span + np.array([[1], [-1]]), rtol=1e-6)
    moved = [
        reference(goal, u[:, n] + bias[:, n, None], theta[n], binning, span)
        for n in range(u.shape[1])
    ]
    assert_close(slope, np.array([one for one, _ in moved]), TOLERANCE[dtype])
    if n_sources > 1:  # of a single source with such bins nothing is direct
        assert_close(direct, np.stack([one for _, one in moved], axis=1), TOLERANCE[dtype])
        assert np.abs(direct).max() > 1e-4


def test_unions_that_are_held_are_another_gradient():
    u, theta, goal = batch(2, 3)
    found = [
        soft_score(cpu, goal, u, theta, Binning("soft", 5, union_gradient=one))
        for one in (True, False)
    ]
    np.testing.assert_array_equal(found[0][0], found[1][0])  # p(U) does not move with θ
    assert np.abs(found[0][1] - found[1][1]).max() > 0.01 * np.abs(found[0][1]).max()


@pytest.mark.parametrize(
    ("case", "n_bins"),
    [("one sample", (3, 4)), ("constant", (3, 4)), ("two bins", (2, 2)), ("many bins", (255,)),
     ("far", (3, 4)), ("wide", (3, 4))],
)  # fmt: skip
@DTYPES
def test_off_the_path(kernels, case, n_bins, dtype):
    n_samples = 1 if case == "one sample" else 5
    u, theta, goal = batch(len(n_bins), 4, 1, n_samples)
    if case == "constant":
        u[:] = 0.7
    if case == "far":
        u += 64
    binning = Binning("soft", n_bins, softness=1e6 if case == "wide" else 0.5)
    slope, direct, *_ = soft_score(kernels, goal, u, theta, binning, dtype)
    expected = reference(goal, u[:, 0], theta[0], binning, ranges(u))
    tolerance = TOLERANCE[dtype] * np.abs(np.concatenate([[expected[0]], expected[1]])).max()
    np.testing.assert_allclose(slope[0], expected[0], atol=max(tolerance, 1e-6), rtol=0)
    np.testing.assert_allclose(direct[:, 0], expected[1], atol=max(tolerance, 1e-6), rtol=0)


@pytest.mark.parametrize("value", [1e12, 1e30, np.inf, np.nan])
@DTYPES
def test_potentials_that_are_no_good_stay_within_the_arrays(kernels, dtype, value):
    u, theta, goal = batch(2, 5, 1, 4)
    u[0] = value
    _, _, bins, _ = soft_score(kernels, goal, u, theta, Binning("soft", (3, 4)), dtype)
    assert (bins[0] < 3).all()
    assert (bins[1] < 4).all()


@DTYPES
def test_what_is_hardly_soft_is_hard(kernels, dtype):
    u, theta, goal = batch(2, 6)
    binning = Binning("soft", (3, 5), softness=1e-6)
    slope, direct, *_ = soft_score(kernels, goal, u, theta, binning, dtype)
    hard, _, bins, _ = soft_score(kernels, goal, u, theta, binning, dtype, assignment="nearest")
    low, high = ranges(u)[..., None, None]
    n = np.array([3, 5])[:, None, None]
    np.testing.assert_array_equal(bins, np.ceil((u - low) / (high - low) * n) - 1)
    assert_close(slope, hard, TOLERANCE[dtype] / 10)
    assert not direct.any()


@DTYPES
@pytest.mark.parametrize("spread", [0.01, 30])
def test_what_is_left_out_changes_no_sum(kernels, dtype, spread):
    """At first samples have shares of all bins, later of those that are near."""
    u, theta, goal = batch(1, 8, 1, 6)
    u *= spread
    binning = Binning("soft", 60)
    _, _, first, _ = soft_score(kernels, goal, u, theta, binning, dtype)
    (shares,), _ = shares_of(u[:, 0], binning, ranges(u))
    left_out = np.arange(60)[:, None] < first[0, 0]
    assert (left_out * shares < np.finfo(dtype).eps * shares.max(axis=0)).all()
    assert left_out.any() == (spread == 30)


def test_each_replica_has_its_range(kernels):
    u, theta, goal = batch(2, 7, 4)
    u[:, 2:] *= 3
    binning = Binning("soft", (3, 4))
    side_by_side = soft_score(kernels, goal, u, theta, binning, n_replicas=2)
    for r in range(2):
        own = slice(2 * r, 2 * r + 2)
        alone = soft_score(kernels, goal, u[:, own], theta[own], binning)
        for part, one in zip(side_by_side[:3], alone[:3], strict=True):
            np.testing.assert_array_equal(part[..., own, :], one)
        np.testing.assert_array_equal(side_by_side[3][..., r], alone[3][..., 0])
    together = soft_score(kernels, goal, u, theta, binning)
    assert np.abs(together[0] - side_by_side[0]).max() > 1e-4  # neurons share one


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"softness": 0}, r"binning softness must be a number in \[1e-06, 1e\+06\], was 0"),
        ({"softness": -0.5}, "was -0.5"),
        ({"softness": np.nan}, "was nan"),
        ({"softness": "0.5"}, "was '0.5'"),
        ({"softness": (0.5, 0)}, "was 0"),
        ({"softness": True}, "was True"),
        ({"low": -3}, "binning low is read of 'fixed' bins alone, kind was 'soft'"),
        ({"high": 3.0}, "binning high is read of 'fixed' bins alone"),
        ({"union_gradient": 1}, "binning union_gradient must be true or false, was 1"),
        ({"kind": "fixed", "softness": 0.5}, "softness is read of 'soft' bins alone, .* 'fixed'"),
        ({"kind": "adaptive", "union_gradient": False}, "union_gradient is read of 'soft' bins"),
        ({"bins": 256}, "from 2 to 255, was 256"),
    ],
)
def test_what_cannot_be_is_said(arguments, message):
    with pytest.raises(ConfigError, match=message):
        Binning(**{"kind": "soft", **arguments})


def test_numbers_that_do_not_fit_to_the_compartments_are_said():
    with pytest.raises(ConfigError, match="softness: 3 numbers were given for 2 compartments"):
        Binning("soft", softness=(1, 2, 3)).check(2)
    with pytest.raises(ConfigError, match="at most 262144 tuples, were 65 x 64 x 64 = 266240"):
        Binning("soft", (65, 64, 64)).check(3)
    Binning("soft", 64).check(3)
    assert Binning("soft") == Binning("soft", softness=0.5, union_gradient=True)
    assert Binning("soft", softness=[1e-5, 0.5]).softness_of(2) == (1e-5, 0.5)
