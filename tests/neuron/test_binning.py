import numpy as np
import pytest

from infosim.errors import ConfigError
from infosim.kernels import cpu
from infosim.neuron import Binning
from infosim.neuron.binning import HARD

KINDS = pytest.mark.parametrize("kind", HARD)
DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bins": 1}, "bins must be an integer from 2 to 255, was 1"),
        ({"bins": 256}, "from 2 to 255, was 256"),
        ({"bins": 0}, "was 0"),
        ({"bins": -3}, "was -3"),
        ({"bins": 2.5}, "was 2.5"),
        ({"bins": True}, "was True"),
        ({"bins": (20, 1)}, "was 1"),
        ({"kind": "adaptative"}, "'soft', was 'adaptative'$"),
        ({"kind": "kde"}, "must be 'fixed' or 'adaptive' or 'normalised' or 'soft', was 'kde'$"),
        ({"low": 1.0, "high": 1.0}, "low < high, was 1.0 to 1.0"),
        ({"low": 2.0, "high": -2.0}, "low < high"),
        ({"low": np.nan}, "finite"),
        ({"high": np.inf}, "finite"),
    ],
)
def test_what_cannot_be_is_said(arguments, message):
    with pytest.raises(ConfigError, match=message):
        Binning(**arguments)


def test_bins_of_one_number_or_one_per_compartment():
    assert Binning(bins=7).bins_of(3) == (7, 7, 7)
    assert Binning(bins=[2, 255]).bins_of(2) == (2, 255)
    with pytest.raises(ConfigError, match="bins: 2 numbers were given for 3 compartments"):
        Binning(bins=(2, 60)).bins_of(3)


def binned(kernels, u, kind="fixed", n_bins=20, low=-20.0, high=20.0, bias=None, dtype="float32"):
    """Bins (K, N, B) of potentials u (K, N, B), by the kernel."""
    u = np.asarray(u, dtype)
    kinds = np.dtype(dtype).type
    n_bins = np.broadcast_to(n_bins, len(u)).astype(np.int64)
    bias = np.zeros(u.shape[:2], dtype) if bias is None else np.asarray(bias, dtype)
    resident = kernels.resident
    bins = resident(np.full(u.shape, 255, np.uint8))
    binning = resident(n_bins), HARD.index(kind), kinds(low), kinds(high)
    work = kernels.scratch(u.shape[1], tuple(n_bins.tolist()), u.shape[2], dtype, 1)
    kernels.assign("hard")(resident(u), resident(bias), binning, 0, u.shape[1], work, bins)
    return kernels.host(bins)


def obvious(u, kind, n_bins, low=-20.0, high=20.0):
    """The bin of each potential u (B,) of one neuron: the number of inner edges below it."""
    if kind == "adaptive":
        low, high = min(u), max(u)
    if kind == "normalised":
        high = max(abs(u))
        low = -high
    edges = np.linspace(low, high, n_bins + 1)[1:-1]
    return [sum(edge < value for edge in edges) if high > low else 0 for value in u]


@DTYPES
@KINDS
def test_random_potentials_fall_into_the_bins_of_an_obvious_loop(kernels, kind, dtype):
    rng = np.random.default_rng(3)
    u = rng.normal(scale=9, size=(2, 3, 200)).astype(dtype)  # some beyond the range
    bias = rng.normal(scale=3, size=(2, 3)).astype(dtype)
    n_bins = (20, 7)
    bins = binned(kernels, u, kind, n_bins, bias=bias, dtype=dtype)
    total = (u + bias[:, :, None]).astype(np.float64)
    expected = [[obvious(total[k, n], kind, n_bins[k]) for n in range(3)] for k in range(2)]
    np.testing.assert_array_equal(bins, expected)
    assert bins.max() == 19  # the outermost bins are in use
    assert bins.min() == 0


@DTYPES
def test_bins_are_closed_on_the_right_and_open_ended_outside(kernels, dtype):
    edges = np.arange(-20.0, 21, 2)
    np.testing.assert_array_equal(
        binned(kernels, [[edges]], dtype=dtype)[0, 0],
        [0, *range(20)],  # the lowest edge joins bin 0
    )
    # a step that still shows in the float32 distance from -20
    np.testing.assert_array_equal(
        binned(kernels, [[edges + 1e-5]], dtype=dtype)[0, 0], [*range(20), 19]
    )
    np.testing.assert_array_equal(
        binned(kernels, [[edges - 1e-5]], dtype=dtype)[0, 0], [0, *range(20)]
    )
    beyond = [[[-1e30, -21, -20.001, 20.001, 300, 1e30]]]
    np.testing.assert_array_equal(binned(kernels, beyond, dtype=dtype)[0, 0], [0, 0, 0, 19, 19, 19])


@DTYPES
def test_adaptive_bins_span_each_neurons_own_range(kernels, dtype):
    u = np.array([[[0.0, 1, 2, 3, 4], [100, 101, 102, 103, 104], [-7, 1, 1, 1, 1]]])
    expected = [[[0, 0, 1, 2, 3], [0, 0, 1, 2, 3], [0, 3, 3, 3, 3]]]
    np.testing.assert_array_equal(binned(kernels, u, "adaptive", 4, dtype=dtype), expected)


@DTYPES
def test_normalised_bins_are_symmetric_about_zero(kernels, dtype):
    u = np.array([[[-1.0, -0.5, -0.25, 0.25, 0.5], [0.0, 1, 2, 3, 4]]])
    expected = [[[0, 0, 1, 2, 2], [1, 2, 2, 3, 3]]]
    np.testing.assert_array_equal(binned(kernels, u, "normalised", 4, dtype=dtype), expected)


@DTYPES
@pytest.mark.parametrize("kind", ["adaptive", "normalised"])
def test_the_range_of_a_batch_includes_the_bias(kernels, kind, dtype):
    rng = np.random.default_rng(4)
    u = rng.integers(-8, 9, (1, 1, 50)).astype(dtype)
    shifted = binned(kernels, u, kind, 8, bias=[[3.0]], dtype=dtype)
    np.testing.assert_array_equal(shifted, binned(kernels, u + 3, kind, 8, dtype=dtype))
    if kind == "normalised":
        assert not np.array_equal(shifted, binned(kernels, u, kind, 8, dtype=dtype))


@DTYPES
@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0, (9, 0, 0)), (3.7, (11, 0, 19)), (-3.7, (8, 0, 0)), (1e30, (19, 0, 19))],
)
def test_constant_potentials_share_one_bin(kernels, value, expected, dtype):
    for kind, bin_ in zip(HARD, expected, strict=True):
        bins = binned(kernels, np.full((1, 2, 9), value), kind, dtype=dtype)
        np.testing.assert_array_equal(bins, np.full((1, 2, 9), bin_), err_msg=kind)


@DTYPES
@KINDS
@pytest.mark.parametrize("scale", [1e30, 1e-30, 3e-39, np.inf, np.nan])
def test_no_potential_leaves_the_range_of_bins(kernels, kind, scale, dtype):
    """A bin beyond the last would make later kernels write outside their arrays."""
    with np.errstate(invalid="ignore"):
        u = scale * np.array([[[-1.0, 0.0, 0.3, 1.0]]])
        assert binned(kernels, u, kind, 5, dtype=dtype).max() < 5


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_huge_potentials_still_use_all_adaptive_bins(kernels, dtype):
    u = 1e30 * np.linspace(-1, 1, 11)[None, None]
    assert set(binned(kernels, u, "adaptive", 5, dtype=dtype).flat) == set(range(5))


def test_only_the_neurons_asked_for_are_written():
    u = np.zeros((1, 4, 3), np.float32)
    bins = np.full(u.shape, 77, np.uint8)
    bias = np.zeros((1, 4), np.float32)
    binning = np.array([20]), 0, np.float32(-20), np.float32(20)
    work = cpu.scratch(4, (20,), 3, np.float32, 1)
    cpu.assign("hard")(u, bias, binning, 1, 3, work, bins)
    np.testing.assert_array_equal(bins[0, :, 0], [77, 9, 9, 77])
