import numba
import numpy as np
import pytest

from infosim.kernels import cpu
from infosim.kernels.firing.scalar import philox, unit
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


#: What numbers a draw beside its neuron and sample: stream, layer and step, and batch.
PLACE = (2, 3, 4)


def fire(kernels, u, seeds=(1,), place=PLACE, tiles=None):
    """(θ, y) of neurons with the potentials u (N, B), by the kernel."""
    activation = Activation("sum", clamp=0)
    resident, host = kernels.resident, kernels.host
    p = np.repeat(activation.packed(u.dtype)[None], len(seeds), axis=0)
    theta, y = (resident(np.full(shape, np.nan, u.dtype)) for shape in ((2, *u.shape), u.shape))
    n, n_samples = u.shape
    size = n // len(seeds)
    # a call of the CPU's stays within one replica
    spans = [(0, n)] if kernels.ON_DEVICE else [(r, r + size) for r in range(0, n, size)]
    for tile in tiles or [(*span, 0, n_samples) for span in spans]:
        kernels.activate(activation.scalar(1), 1)(
            resident(u[None]), resident(np.zeros((1, n), u.dtype)),
            resident(np.zeros(n, u.dtype)), resident(p), u.dtype.type(0),
            u.dtype.type(-1), True, resident(np.array(seeds, np.uint32)),
            resident(np.repeat(np.array(place, np.uint32)[:, None], len(seeds), 1)), tile, theta, y,
        )  # fmt: skip
    return host(theta)[0], host(y)


def outputs(kernels, theta, n_samples=4096, n_neurons=1, dtype="float32", **numbers):
    """Outputs (N, B) of neurons that fire with probability theta."""
    drive = {0: -1e4, 1: 1e4}.get(theta) or np.log(theta / (1 - theta))
    fired, y = fire(kernels, np.full((n_neurons, n_samples), drive, dtype), **numbers)
    np.testing.assert_allclose(fired, theta, rtol=1e-5, atol=1e-37)
    assert set(np.unique(y)) <= {-1.0, 1.0}
    return y


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("theta", [0.003, 0.25, 0.5, 0.9])
def test_mean_firing_is_theta(theta, dtype):
    n = 200_000
    mean = (outputs(cpu, theta, n, dtype=dtype) > 0).mean()
    assert abs(mean - theta) < 5 * np.sqrt(theta * (1 - theta) / n)


def test_sure_neurons_never_and_always_fire(kernels, slow):
    n = 100 if slow else 100_000
    assert (outputs(kernels, 0.0, n) == -1).all()
    assert (outputs(kernels, 1.0, n) == 1).all()


CHANGES = {
    "seed": {"seeds": (2,)},
    "stream": {"place": (3, 3, 4)},
    "layer": {"place": (2, 4, 4)},
    "step": {"place": (2, 3 + 256, 4)},
    "batch": {"place": (2, 3, 5)},
}


@pytest.mark.parametrize("changed", CHANGES)
def test_what_numbers_a_draw_makes_it_independent(changed):
    n = 65536
    one, other = outputs(cpu, 0.5, n), outputs(cpu, 0.5, n, **CHANGES[changed])
    assert abs((one * other).mean()) < 5 / np.sqrt(n)
    np.testing.assert_array_equal(one, outputs(cpu, 0.5, n))


def test_neurons_and_samples_are_independent_of_each_other():
    n = 65536
    y = outputs(cpu, 0.5, n, n_neurons=8)
    correlation = y @ y.T / n - np.eye(8)
    assert abs(correlation).max() < 5 / np.sqrt(n)
    for lag in (1, 2, 3, 16, 64):
        assert abs((y[0, lag:] * y[0, :-lag]).mean()) < 5 / np.sqrt(n - lag)


@pytest.mark.parametrize("seeds", [(7,), (7, 2**32 - 1)])
def test_a_draw_is_that_of_its_counter_on_every_backend(kernels, seeds):
    """Sample s has lane s % 16, word s // 16 % 4 and block s // 64; replicas number anew."""
    rng = np.random.default_rng(1)
    u = rng.normal(size=(2 * len(seeds), 75)).astype("float32")
    theta, y = fire(kernels, u, seeds)
    for r, seed in enumerate(seeds):
        key = np.array([seed, PLACE[0]], np.uint32)
        for n in (0, 1):
            words = np.empty(75, np.uint32)
            for s in range(75):
                counter = np.array([s // 64 * 16 + s % 16, n, *PLACE[1:]], np.uint32)
                words[s] = philox_block(counter, key)[s // 16 % 4] & 0xFFFFFFFF
            row = 2 * r + n
            expected = np.where(unit_of(words) < theta[row], 1, -1)
            np.testing.assert_array_equal(y[row], expected)
    assert 20 < (y > 0).sum() < y.size - 20


@pytest.mark.parametrize("n_samples", [1, 63, 64, 65, 100])
def test_a_draw_does_not_depend_on_how_many_other_samples_there_are(kernels, n_samples):
    several = outputs(kernels, 0.5, 130)
    np.testing.assert_array_equal(outputs(kernels, 0.5, n_samples), several[:, :n_samples])


def test_a_draw_does_not_depend_on_the_tile():
    u = np.random.default_rng(2).normal(size=(5, 300)).astype("float32")
    tiles = [(0, 2, 0, 128), (2, 5, 0, 128), (0, 5, 128, 300)]
    np.testing.assert_array_equal(fire(cpu, u), fire(cpu, u, tiles=tiles))


def test_both_precisions_draw_the_same(kernels, slow):
    n = 100 if slow else 4096
    single, double = (outputs(kernels, 0.3, n, dtype=dtype) for dtype in ("float32", "float64"))
    np.testing.assert_array_equal(single, double)
