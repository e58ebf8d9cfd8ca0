"""Products of inputs that are a background and a sparse remainder, against the dense ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infosim.jit import kernel
from infosim.kernels import cpu
from infosim.kernels.sparse.lanes import WIDTHS, add_rows
from infosim.kernels.tape import Tape
from infosim.kernels.workers import Workers
from infosim.machine.sparse import Remainder, Sparse


def data(rng, n, d, density, dtype):
    """Rows that differ from a background of their own in each input in so many numbers."""
    wide = np.dtype(dtype).kind == "f"
    x, background = rng.normal(0, 50, (n, d)), rng.normal(0, 50, d)
    if not wide:
        x, background = abs(x) % 100 + (rng.random((n, d)) < 0.5), abs(background) % 100
    return np.where(rng.random((n, d)) < density, x, background).astype(dtype)


def products(array, index, weights, delta, scale=1.0, threads=1):
    """Wx and δxᵀ by the sparse kernels, of R replicas: index (R, B), weights (R n, d)."""
    sparse = Sparse.of(array, 1.0)
    n_replicas, n_samples = index.shape
    dtype = weights.dtype

    def memory(name, shape, dtype):
        return np.zeros(shape, dtype)

    x = Remainder("x", sparse, n_replicas, n_samples, dtype, memory)
    x.background[...] = sparse.background.astype(np.float64) * scale
    u = np.full((len(weights), n_samples), np.nan, dtype)
    gradient = np.full_like(weights, np.nan)

    def step(k):
        x.take(sparse, index.reshape(-1), scale, k)
        x.turn(k)
        k.over(len(weights) // n_replicas, n_samples)
        x.project(weights, u, k)
        x.accumulate(delta, gradient, k)

    workers = Workers(threads)
    with workers.engaged():
        Tape(cpu, workers, n_replicas).play("step", step)
    return u, gradient, np.asarray(x)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", ["uint8", "float64", "bool"])
def test_sparse_products_are_the_dense_ones(dtype, kind):
    """Of sizes beside those of all blocks: of lanes, of inputs, of samples, of sums."""
    rng = np.random.default_rng(0)
    for n_replicas, n, d, n_samples, density in (
        (1, 100, 230, 300, 0.2), (2, 19, 113, 140, 0.3), (3, 1, 1, 1, 0.5), (1, 37, 5, 2, 0.0),
        (1, 3, 700, 130, 1.0), (1, 66, 112, 128, 0.05),
    ):  # fmt: skip
        array = data(rng, 50, d, density, kind)
        index = rng.integers(0, 50, (n_replicas, n_samples))
        weights = rng.normal(size=(n_replicas * n, d)).astype(dtype)
        delta = rng.normal(size=(n_replicas * n, n_samples)).astype(dtype)
        u, gradient, shown = products(array, index, weights, delta, 0.1)
        x = 0.1 * array[index].astype(np.float64)  # (R, B, d)
        np.testing.assert_allclose(shown, x.swapaxes(1, 2), rtol=1e-5, atol=1e-5)
        expected = np.einsum("rni,rbi->rnb", weights.reshape(n_replicas, n, d), x)
        back = np.einsum("rnb,rbi->rni", delta.reshape(n_replicas, n, -1), x)
        tolerance = 1e-12 if dtype == "float64" and kind != "float32" else 2e-6
        for found, wanted in ((u, expected), (gradient, back)):
            difference = abs(found.reshape(wanted.shape) - wanted).max()
            assert difference <= tolerance * max(abs(wanted).max(), 1e-9), (n, d, n_samples)


def test_a_number_has_the_same_bits_whatever_stands_beside_it():
    """Cut by neurons or samples as layers of other sizes are, on any number of threads."""
    rng = np.random.default_rng(1)
    array = data(rng, 400, 300, 0.2, "float32")
    index = rng.integers(0, 400, (1, 600))
    weights = rng.normal(size=(150, 300)).astype(np.float32)
    delta = rng.normal(size=(150, 600)).astype(np.float32)
    u, gradient, _ = products(array, index, weights, delta)
    for threads in (2, 3):
        again = products(array, index, weights, delta, threads=threads)
        np.testing.assert_array_equal(again[0], u)
        np.testing.assert_array_equal(again[1], gradient)
    some = slice(70, 87)
    alone = products(array, index, weights[some], delta[some])
    np.testing.assert_array_equal(alone[0], u[some])
    np.testing.assert_array_equal(alone[1], gradient[some])
    fewer = products(array, index[:, 130:133], weights, delta[:, :3])
    np.testing.assert_array_equal(fewer[0], u[:, 130:133])
    both = products(
        array, np.concatenate([index, index]), np.tile(weights, (2, 1)), np.tile(delta, (2, 1))
    )
    np.testing.assert_array_equal(both[0], np.tile(u, (2, 1)))
    np.testing.assert_array_equal(both[1], np.tile(gradient, (2, 1)))


@given(st.integers(0, 2**32 - 1), st.sampled_from(["uint8", "float32", "int64"]))
def test_background_and_remainder_are_the_array(seed, kind):
    rng = np.random.default_rng(seed)
    n, d, density = rng.integers(1, 30), rng.integers(1, 300), rng.random()
    array = data(rng, n, d, density, kind)
    sparse = Sparse.of(array, 1.0)
    np.testing.assert_allclose(sparse.toarray(), array, rtol=1e-6, atol=1e-5)
    assert sparse.shape == array.shape
    assert sparse.dtype == array.dtype
    low, high = sparse.ends()
    assert low <= array.min() + 1e-4
    assert high >= array.max() - 1e-4
    assert len(sparse.values) == np.count_nonzero(array != sparse.background)
    assert sparse.places[0, 0] == 0
    assert sparse.places[-1, -1] == len(sparse.values)
    assert (np.diff(sparse.places.ravel()) >= 0).all()


def test_rows_are_added_in_lanes_as_without():
    """What the compiler is handed does what its Python twin says."""
    for width in WIDTHS:
        rng = np.random.default_rng(width)
        values, index = rng.normal(size=9), rng.integers(3, 10, 9).astype(np.uint8)
        table, sums = rng.normal(size=7 * width), rng.normal(size=4 * width)
        expected = sums.copy()
        add_rows(values, index, 1, 8, table, 3, width, expected, 2)
        _added(values, index, table, width, sums)
        np.testing.assert_allclose(sums, expected, rtol=1e-14)


@kernel
def _added(values, index, table, width, sums):
    add_rows(values, index, 1, 8, table, 3, width, sums, 2)
