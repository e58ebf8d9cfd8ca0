import numba
import numpy as np
import pytest

from infosim.kernels import cpu
from infosim.kernels.scalar import philox, unit
from infosim.neuron import Activation


@numba.njit
def philox_block(counter, key):
    c0, c1 = np.uint64(counter[0]), np.uint64(counter[1])
    c2, c3 = np.uint64(counter[2]), np.uint64(counter[3])
    return philox(c0, c1, c2, c3, key[0], key[1])


@numba.njit
def unit_of(words):
    return np.array([unit(w) for w in words])


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ("00000000 00000000 00000000 00000000", "00000000 00000000",
         "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff",
         "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0",
         "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)  # fmt: skip
def test_known_answers_of_random123(counter, key, expected):
    counter, key, expected = (
        np.array([int(word, 16) for word in text.split()], np.uint32)
        for text in (counter, key, expected)
    )
    words = np.array(philox_block(counter, key), np.uint64) & 0xFFFFFFFF
    np.testing.assert_array_equal(words, expected)


def test_unit_covers_zero_to_just_below_one():
    words = np.array([0, 255, 256, 2**31, 2**32 - 1], np.uint32)
    values = unit_of(words)
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, [0, 0, 2.0**-24, 0.5, 1 - 2.0**-24])


def outputs(theta, n_samples=4096, key=(1, 2), counter=(3, 4), n_neurons=1, dtype="float32"):
    """Outputs (N, B) of neurons that fire with probability theta."""
    activation = Activation("sum", clamp=0)
    drive = {0: -1e4, 1: 1e4}.get(theta) or np.log(theta / (1 - theta))
    u = np.full((1, n_neurons, n_samples), drive, dtype)
    fired, y = np.empty((2, n_neurons, n_samples), dtype)
    cpu.activate(activation.scalar, 1)(
        u, np.zeros((1, n_neurons), dtype), activation.packed(dtype), u.dtype.type(0), True,
        np.array(key, np.uint32), np.array(counter, np.uint32), (0, n_neurons, 0, n_samples),
        fired, y,
    )  # fmt: skip
    np.testing.assert_allclose(fired, theta, rtol=1e-5, atol=1e-37)
    assert set(np.unique(y)) <= {-1.0, 1.0}
    return y


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("theta", [0.003, 0.25, 0.5, 0.9])
def test_mean_firing_is_theta(theta, dtype):
    n = 200_000
    mean = (outputs(theta, n, dtype=dtype) > 0).mean()
    assert abs(mean - theta) < 5 * np.sqrt(theta * (1 - theta) / n)


def test_sure_neurons_never_and_always_fire():
    assert (outputs(0.0, 100_000) == -1).all()
    assert (outputs(1.0, 100_000) == 1).all()


BASE = {"key": (1, 2), "counter": (3, 4)}
CHANGES = {
    "seed": {"key": (2, 2)},
    "stream": {"key": (1, 3)},
    "layer": {"counter": (4, 4)},
    "step": {"counter": (3 + 256, 4)},
    "batch": {"counter": (3, 5)},
}


@pytest.mark.parametrize("changed", CHANGES)
def test_what_numbers_a_draw_makes_it_independent(changed):
    n = 65536
    one, other = outputs(0.5, n, **BASE), outputs(0.5, n, **{**BASE, **CHANGES[changed]})
    assert abs((one * other).mean()) < 5 / np.sqrt(n)
    np.testing.assert_array_equal(one, outputs(0.5, n, **BASE))


def test_neurons_and_samples_are_independent_of_each_other():
    n = 65536
    y = outputs(0.5, n, n_neurons=8)
    correlation = y @ y.T / n - np.eye(8)
    assert abs(correlation).max() < 5 / np.sqrt(n)
    for lag in (1, 2, 3, 16, 64):
        assert abs((y[0, lag:] * y[0, :-lag]).mean()) < 5 / np.sqrt(n - lag)


@pytest.mark.parametrize("n_samples", [1, 63, 64, 65, 100])
def test_a_draw_does_not_depend_on_how_many_other_samples_there_are(n_samples):
    np.testing.assert_array_equal(outputs(0.5, n_samples), outputs(0.5, 200)[:, :n_samples])


def test_a_draw_does_not_depend_on_the_tile():
    activation, rng = Activation("sum", clamp=0), np.random.default_rng(2)
    u = rng.normal(size=(1, 5, 300)).astype("float32")
    results = []
    for tiles in ([(0, 5, 0, 300)], [(0, 2, 0, 128), (2, 5, 0, 128), (0, 5, 128, 300)]):
        theta, y = np.full((2, 5, 300), np.nan, "float32")
        for tile in tiles:
            cpu.activate(activation.scalar, 1)(
                u, np.zeros((1, 5), "float32"), activation.packed("float32"), u.dtype.type(0), True,
                np.array([1, 2], np.uint32), np.array([3, 4], np.uint32), tile, theta, y,
            )  # fmt: skip
        results.append((theta, y))
    np.testing.assert_array_equal(results[0], results[1])


def test_both_precisions_draw_the_same():
    np.testing.assert_array_equal(outputs(0.3, dtype="float32"), outputs(0.3, dtype="float64"))
