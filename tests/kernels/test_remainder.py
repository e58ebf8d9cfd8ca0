"""Products of inputs that are a background and a sparse remainder, against the dense ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infosim.jit import kernel
from infosim.kernels import cpu
from infosim.kernels.sparse.lanes import LANES, WIDTHS, add_rows, aligned, transpose
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
    x.begin(sparse.background.astype(np.float64) * scale, scale)
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
    fewer = products(array, index[:, 130:133], weights, np.ascontiguousarray(delta[:, :3]))
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


def test_code_for_registers_does_what_its_python_twin_says():
    """Sums of rows of every width, and blocks that are transposed, whole and in part."""
    rng = np.random.default_rng(0)
    begins, ends = np.array([1, 8, 0]), np.array([8, 8, 9])
    for width in WIDTHS:
        for values in (rng.normal(size=9), rng.integers(0, 256, 9).astype(np.uint8)):
            index, sums = rng.integers(3, 10, 9).astype(np.uint8), rng.normal(size=4 * width)
            given = values, index, begins, ends, rng.normal(size=7 * width), 3, width
            expected = sums.copy()
            add_rows(*given, expected)
            _added(*given, sums)
            np.testing.assert_allclose(sums, expected, rtol=1e-13, atol=1e-13)
    for dtype in ("float32", "float64"):
        source = rng.normal(size=20 * LANES).astype(dtype)
        for n_rows, n_columns in ((16, 16), (3, 16), (16, 5), (1, 1)):
            found, expected = np.zeros((2, 18 * LANES + 3), dtype)
            _transposed(source, n_rows, found, n_columns)
            transpose(source, 2, 19, n_rows, expected, 3, 18, n_columns)
            np.testing.assert_array_equal(found, expected)
            block = source[2 : 2 + 16 * 19].reshape(16, 19)[:n_rows, :n_columns]
            there = found[3 : 3 + 16 * 18].reshape(16, 18)[:n_columns, :n_rows]
            np.testing.assert_array_equal(there, block.T)


@kernel
def _added(values, index, begins, ends, table, origin, width, sums):
    add_rows(values, index, begins, ends, table, origin, width, sums)


@kernel
def _transposed(source, n_rows, target, n_columns):
    transpose(source, 2, 19, n_rows, target, 3, 18, n_columns)


def test_tables_begin_with_a_line_of_memory():
    for dtype in (np.float32, np.float64):
        places = np.zeros(9, np.int64)
        _begin(np.zeros(1, dtype), places)
        assert (places % 64 == 0).all()


@kernel
def _begin(like, places):
    for i in range(len(places)):
        places[i] = aligned(40 + i, like.dtype).ctypes.data
