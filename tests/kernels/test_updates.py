import numpy as np
import pytest

from infosim.engine import optimizers
from infosim.kernels import cpu
from infosim.network import SGD, Adam

NO_MASK = np.empty((0, 0), np.uint8)
NO_MOMENTS = np.empty((0, 0, 0))
DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])
MASKED = pytest.mark.parametrize("masked", [False, True])


def obvious_adam(weights, gradients, mask, rate, decay, betas, epsilon):
    """Kingma & Ba 2015, algorithm 1, ascending, one line per line of the paper."""
    w, m, v = weights.copy(), 0.0, 0.0
    for t, gradient in enumerate(gradients, 1):
        g = (gradient - decay * w) * mask
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        m_hat = m / (1 - betas[0] ** t)
        v_hat = v / (1 - betas[1] ** t)
        w = w + rate * m_hat / (np.sqrt(v_hat) + epsilon)
    return w, m, v


def problem(masked, dtype="float64", steps=5):
    rng = np.random.default_rng(20)
    weights = rng.normal(size=(4, 6))
    mask = rng.random((4, 6)) < 0.6 if masked else np.ones((4, 6), bool)
    weights *= mask
    gradients = rng.normal(size=(steps, 4, 6)) * 10.0 ** rng.integers(-6, 2, (4, 6))
    return weights, gradients, mask


@pytest.mark.parametrize("decay", [0.0, 0.05])
@MASKED
@DTYPES
def test_adam_follows_the_paper(dtype, masked, decay):
    optimizer = Adam(0.02, decay, (0.8, 0.95), 1e-6)
    weights, gradients, mask = problem(masked)
    expected, *moments = obvious_adam(weights, gradients, mask, 0.02, decay, (0.8, 0.95), 1e-6)
    w = weights.astype(dtype)
    running = np.zeros((2, *w.shape), dtype)
    given = mask.astype(np.uint8) if masked else NO_MASK
    for t, gradient in enumerate(gradients, 1):
        assert optimizers.kernel(optimizer) == "adam"
        rates = np.array(optimizers.rates(optimizer, t), dtype)
        for block in ((0, 1), (1, len(w))):
            cpu.adam(w, gradient.astype(dtype), given, running, rates, *block)
    tolerance = 1e-12 if dtype == "float64" else 2e-5
    np.testing.assert_allclose(w, expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(running[0], moments[0], rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(running[1], moments[1], rtol=10 * tolerance, atol=1e-30)
    assert not w[~mask].any()
    assert np.abs(expected - weights).max() > 0.05  # it did move


def test_adams_first_step_is_the_rate_uphill():
    w = np.zeros((1, 3))
    moments = np.zeros((2, 1, 3))
    rates = np.array(optimizers.rates(Adam(0.01), 1))
    cpu.adam(w, np.array([[5.0, -0.1, 0.0]]), NO_MASK, moments, rates, 0, 1)
    np.testing.assert_allclose(w, [[0.01, -0.01, 0.0]], rtol=1e-6)


@pytest.mark.parametrize("decay", [0.0, 0.05])
@MASKED
@DTYPES
def test_sgd_is_the_gradient_times_the_rate(dtype, masked, decay):
    weights, gradients, mask = problem(masked)
    expected, w = weights.copy(), weights.astype(dtype)
    for t, gradient in enumerate(gradients, 1):
        expected = expected + 0.1 * (gradient - decay * expected) * mask
        assert optimizers.kernel(SGD(0.1, decay)) == "sgd"
        rates = np.array(optimizers.rates(SGD(0.1, decay), t), dtype)
        given = mask.astype(np.uint8) if masked else NO_MASK
        cpu.sgd(w, gradient.astype(dtype), given, NO_MOMENTS, rates, 0, len(w))
    tolerance = 1e-12 if dtype == "float64" else 2e-5
    np.testing.assert_allclose(w, expected, rtol=tolerance, atol=tolerance)
    assert not w[~mask].any()


@DTYPES
@pytest.mark.parametrize("order", ["C", "F"])
def test_sparse_products_equal_those_of_the_equivalent_dense_matrix(dtype, order):
    rng = np.random.default_rng(21)
    n, n_in, k, n_samples = 5, 9, 3, 17
    index = np.array([rng.permutation(n_in)[:k] for _ in range(n)], np.int32)
    weights = rng.normal(size=(n, k)).astype(dtype)
    x = np.asarray(rng.normal(size=(n_in, n_samples)), dtype, order=order)
    delta = rng.normal(size=(n, n_samples)).astype(dtype)
    dense, mask = np.zeros((n, n_in), dtype), np.zeros((n, n_in), bool)
    for i in range(n):
        dense[i, index[i]] = weights[i]
        mask[i, index[i]] = True

    tolerance = {"float32": 1e-5, "float64": 1e-13}[dtype]
    u = np.full((n, n_samples), np.nan, dtype)
    for tile in ((0, 2, 0, n_samples), (2, n, 0, 8), (2, n, 8, n_samples)):
        cpu.project_sparse(weights, index, x, tile, u)
    np.testing.assert_allclose(u, dense.astype(float) @ x.astype(float), atol=tolerance)

    gradient = np.full((n, k), np.nan, dtype)
    cpu.accumulate_sparse(delta, index, x, 0, 2, gradient)
    assert np.isnan(gradient[2:]).all()
    cpu.accumulate_sparse(delta, index, x, 2, n, gradient)
    product = delta.astype(float) @ x.astype(float).T
    np.testing.assert_allclose(gradient, np.take_along_axis(product, index, 1), atol=tolerance)
    np.testing.assert_allclose(gradient.sum(), product[mask].sum(), atol=10 * tolerance)


@DTYPES
@pytest.mark.parametrize("order", ["C", "F"])
def test_dense_products_take_inputs_in_any_memory_order(dtype, order):
    rng = np.random.default_rng(22)
    weights = rng.normal(size=(4, 6)).astype(dtype)
    x = np.asarray(rng.normal(size=(6, 8)), dtype, order=order)
    u, gradient = np.empty((4, 8), dtype), np.empty((4, 6), dtype)
    cpu.project(weights, x, u)
    np.testing.assert_allclose(u, np.einsum("ni,is->ns", weights, x), atol=1e-5)
    cpu.accumulate(u, x, gradient)
    np.testing.assert_allclose(gradient, np.einsum("ns,is->ni", u, x), atol=1e-4)


@DTYPES
@pytest.mark.parametrize("kind", ["uint8", "int32", "float32", "float64", "bool"])
def test_take_scaled_gathers_shifts_and_scales(dtype, kind):
    rng = np.random.default_rng(23)
    data = rng.integers(0, 2 if kind == "bool" else 256, (7, 3)).astype(kind)
    index = np.array([6, 0, 0, 3])
    out = np.full((4, 3), np.nan, dtype)
    kinds = np.dtype(dtype).type
    cpu.take_scaled(data, index, kinds(33.5), kinds(0.25), 1, 4, out)
    assert np.isnan(out[0]).all()
    cpu.take_scaled(data, index, kinds(33.5), kinds(0.25), 0, 1, out)
    np.testing.assert_allclose(out, (data[index].astype(float) - 33.5) * 0.25, rtol=1e-6)
