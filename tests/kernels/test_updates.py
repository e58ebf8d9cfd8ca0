import naive
import numpy as np
import pytest

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


def updated(kernels, optimizers, weights, gradients, mask, dtype, spans=None):
    """Weights and moments after as many updates as there are gradients, by the kernel."""
    resident = kernels.resident
    w = resident(weights.astype(dtype))
    moments = resident(np.zeros((2, *w.shape), dtype))
    given = resident(NO_MASK if mask.all() else mask.astype(np.uint8))
    update = getattr(kernels, optimizers[0].kernel)
    for t, gradient in enumerate(gradients, 1):
        rates = resident(np.array([one.numbers(t) for one in optimizers], dtype))
        # the GPU's kernels take a whole layer
        for span in [(0, len(w))] if kernels.ON_DEVICE else spans or [(0, len(w))]:
            update(w, resident(gradient.astype(dtype)), given, moments, rates, *span)
    return kernels.host(w), kernels.host(moments)


def problem(masked, steps=5):
    rng = np.random.default_rng(20)
    weights = rng.normal(size=(4, 6))
    mask = rng.random((4, 6)) < 0.6 if masked else np.ones((4, 6), bool)
    weights *= mask
    gradients = rng.normal(size=(steps, 4, 6)) * 10.0 ** rng.integers(-6, 2, (4, 6))
    return weights, gradients, mask


@pytest.mark.parametrize("decay", [0.0, 0.05])
@MASKED
@DTYPES
def test_adam_follows_the_paper(kernels, dtype, masked, decay):
    optimizer = Adam(0.02, decay, (0.8, 0.95), 1e-6)
    weights, gradients, mask = problem(masked)
    expected, *moments = obvious_adam(weights, gradients, mask, 0.02, decay, (0.8, 0.95), 1e-6)
    assert optimizer.kernel == "adam"
    w, running = updated(kernels, [optimizer], weights, gradients, mask, dtype, [(0, 1), (1, 4)])
    tolerance = 1e-12 if dtype == "float64" else 2e-5
    np.testing.assert_allclose(w, expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(running[0], moments[0], rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(running[1], moments[1], rtol=10 * tolerance, atol=1e-30)
    assert not w[~mask].any()
    assert np.abs(expected - weights).max() > 0.05  # it did move


def test_adams_first_step_is_the_rate_uphill(kernels):
    gradients, mask = np.array([[[5.0, -0.1, 0.0]]]), np.ones((1, 3), bool)
    w, _ = updated(kernels, [Adam(0.01)], np.zeros((1, 3)), gradients, mask, "float64")
    np.testing.assert_allclose(w, [[0.01, -0.01, 0.0]], rtol=1e-6)


@pytest.mark.parametrize("decay", [0.0, 0.05])
@MASKED
@DTYPES
def test_sgd_is_the_gradient_times_the_rate(kernels, dtype, masked, decay):
    weights, gradients, mask = problem(masked)
    expected = weights.copy()
    for gradient in gradients:
        expected = expected + 0.1 * (gradient - decay * expected) * mask
    assert SGD(0.1, decay).kernel == "sgd"
    w, _ = updated(kernels, [SGD(0.1, decay)], weights, gradients, mask, dtype)
    tolerance = 1e-12 if dtype == "float64" else 2e-5
    np.testing.assert_allclose(w, expected, rtol=tolerance, atol=tolerance)
    assert not w[~mask].any()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Adam(0.02, 0.1, (0.8, 0.95), 1e-3), Adam(0.5, 0.0, (0.7, 0.9), 1e-6)),
        (SGD(0.1, 0.5), SGD(0.3)),
    ],
)
def test_replicas_learn_each_at_its_own_rates(kernels, one, other):
    weights, gradients, mask = problem(masked=True)
    spans = [(0, 1), (1, 2), (2, 4)]  # rows 2 and 3 are the second replica's
    w, moments = updated(kernels, [one, other], weights, gradients, mask, "float64", spans)
    for optimizer, rows in ((one, slice(0, 2)), (other, slice(2, 4))):
        alone, own = updated(
            kernels, [optimizer], weights[rows], gradients[:, rows], mask[rows], "float64"
        )
        np.testing.assert_array_equal(w[rows], alone)
        np.testing.assert_array_equal(moments[:, rows], own)


def in_order(kernels, x, order):
    """x (R, I, B) as layers hand their outputs on ("C") or as batches are gathered ("F")."""
    if order == "C":
        return kernels.resident(x)
    return kernels.resident(x.transpose(0, 2, 1).copy()).transpose(0, 2, 1)


@DTYPES
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(("n_replicas", "k"), [(1, 3), (2, 3), (2, 1)])
def test_sparse_products_equal_those_of_the_equivalent_dense_matrix(
    kernels, dtype, order, n_replicas, k
):
    rng = np.random.default_rng(21)
    n, n_in, n_samples = 5, 9, 17
    rows = n_replicas * n
    index = np.array([rng.permutation(n_in)[:k] for _ in range(rows)], np.int32)
    weights = rng.normal(size=(rows, k)).astype(dtype)
    x = rng.normal(size=(n_replicas, n_in, n_samples)).astype(dtype)
    delta = rng.normal(size=(rows, n_samples)).astype(dtype)
    dense, mask = np.zeros((rows, n_in), dtype), np.zeros((rows, n_in), bool)
    for i in range(rows):
        dense[i, index[i]] = weights[i]
        mask[i, index[i]] = True

    resident, host = kernels.resident, kernels.host
    given = in_order(kernels, x, order)
    tolerance = {"float32": 1e-5, "float64": 1e-13}[dtype]
    tiles, spans = [(0, rows, 0, n_samples)], [(0, rows)]
    if not kernels.ON_DEVICE:
        starts = range(0, rows, n)
        tiles = [(r, r + 2, 0, n_samples) for r in starts]
        tiles += [(r + 2, r + n, *samples) for r in starts for samples in ((0, 8), (8, n_samples))]
        spans = [span for r in starts for span in ((r, r + 2), (r + 2, r + n))]
    own = np.repeat(x, n, axis=0).astype(float)  # (N, n_in, B): what each neuron's source says
    expected = np.einsum("ni,nis->ns", dense.astype(float), own)
    for project in [kernels.project_sparse, *[kernels.project_single] * (k == 1)]:
        u = resident(np.full((rows, n_samples), np.nan, dtype))
        for tile in tiles:
            project(resident(weights), resident(index), given, tile, u)
        np.testing.assert_allclose(host(u), expected, atol=tolerance)

    gradient = resident(np.full((rows, k), np.nan, dtype))
    for start, stop in spans:
        kernels.accumulate_sparse(resident(delta), resident(index), given, start, stop, gradient)
        assert np.isnan(host(gradient)[stop:]).all()
    product = np.einsum("ns,nis->ni", delta.astype(float), own)
    expected = np.take_along_axis(product, index, 1)
    np.testing.assert_allclose(host(gradient), expected, atol=tolerance)
    np.testing.assert_allclose(host(gradient).sum(), product[mask].sum(), atol=10 * tolerance)


@DTYPES
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("n_replicas", [1, 3])
def test_dense_products_take_inputs_in_any_memory_order(kernels, dtype, order, n_replicas):
    rng = np.random.default_rng(22)
    weights = rng.normal(size=(n_replicas, 4, 6)).astype(dtype)
    x = rng.normal(size=(n_replicas, 6, 8)).astype(dtype)
    resident, host = kernels.resident, kernels.host
    given = in_order(kernels, x, order)
    u = resident(np.empty((n_replicas, 4, 8), dtype))
    gradient = resident(np.empty((n_replicas, 4, 6), dtype))
    kernels.project(resident(weights), given, u)
    np.testing.assert_allclose(host(u), np.einsum("rni,ris->rns", weights, x), atol=1e-5)
    kernels.accumulate(u, given, gradient)
    expected = np.einsum("rns,ris->rni", host(u), x)
    np.testing.assert_allclose(host(gradient), expected, atol=1e-4)


def test_dense_products_take_one_input_for_all_replicas(kernels):
    """As `present` hands on an input (units, B): without copies of it."""
    rng = np.random.default_rng(24)
    weights, x = rng.normal(size=(3, 4, 6)), rng.normal(size=(6, 8))
    resident, host = kernels.resident, kernels.host
    given = kernels.xp.broadcast_to(resident(x), (3, 6, 8))
    u, gradient = resident(np.empty((3, 4, 8))), resident(np.empty((3, 4, 6)))
    kernels.project(resident(weights), given, u)
    np.testing.assert_allclose(host(u), weights @ x, atol=1e-13)
    kernels.accumulate(u, given, gradient)
    np.testing.assert_allclose(host(gradient), host(u) @ x.T, atol=1e-12)


@DTYPES
def test_spread_makes_the_matrix_that_sparse_weights_stand_for(kernels, dtype):
    rng = np.random.default_rng(25)
    index = np.array([rng.permutation(7)[:3] for _ in range(5)], np.int32)
    weights = rng.normal(size=(5, 3)).astype(dtype)
    expected = np.zeros((5, 7), dtype)
    np.put_along_axis(expected, index, weights, axis=1)
    dense = kernels.resident(np.full((5, 7), np.nan, dtype))
    for span in [(0, 5)] if kernels.ON_DEVICE else [(0, 2), (2, 5)]:
        kernels.spread(kernels.resident(weights), kernels.resident(index), *span, dense)
    np.testing.assert_array_equal(kernels.host(dense), expected)


@DTYPES
def test_add_adds_a_multiple_of_a_tile(kernels, dtype):
    rng = np.random.default_rng(26)
    values, before = rng.normal(size=(2, 5, 30)).astype(dtype)
    total = kernels.resident(before.copy())
    kernels.add(kernels.resident(values), np.dtype(dtype).type(2), (1, 4, 3, 29), total)
    expected = before.copy()
    expected[1:4, 3:29] += 2 * values[1:4, 3:29]
    np.testing.assert_allclose(kernels.host(total), expected, rtol=1e-6)
    np.testing.assert_array_equal(kernels.host(total)[:, :3], before[:, :3])


@DTYPES
@pytest.mark.parametrize("n_replicas", [1, 2])
def test_cross_entropy_and_its_slope(kernels, dtype, n_replicas):
    rng = np.random.default_rng(27)
    n, n_samples = 4, 11
    theta = rng.uniform(size=(n_replicas * n, n_samples)).astype(dtype)
    theta[0, 0], theta[1, 0] = 0, 1
    labels = rng.integers(0, n, (n_replicas, n_samples))
    target = np.eye(n, dtype=dtype)[labels].transpose(0, 2, 1)  # as batches are gathered
    slope = kernels.resident(np.full(theta.shape, np.nan, dtype))
    loss = kernels.resident(np.full(labels.shape, np.nan, dtype))
    tiles = [(0, n_replicas, 0, n_samples)]
    if not kernels.ON_DEVICE:
        tiles = [(r, r + 1, *s) for r in range(n_replicas) for s in ((0, 4), (4, n_samples))]
    for tile in tiles:
        kernels.cross_entropy(
            kernels.resident(theta), in_order(kernels, target, "F"), tile, slope, loss
        )
    tolerance = {"float32": 1e-6, "float64": 1e-9}[dtype]
    for r in range(n_replicas):
        own = theta[r * n : (r + 1) * n].astype(float)
        mean = naive.cross_entropy(own, labels[r])
        assert kernels.host(loss)[r].mean() == pytest.approx(mean, rel=tolerance)
        for i, s in np.ndindex(own.shape):
            kept, values = own[i, s], []
            for own[i, s] in (kept + 1e-4, kept - 1e-4):
                values.append(naive.cross_entropy(own, labels[r]))
            own[i, s] = kept
            expected = -(values[0] - values[1]) / 2e-4
            assert kernels.host(slope)[r * n + i, s] == pytest.approx(expected, abs=tolerance)


@DTYPES
@pytest.mark.parametrize("kind", ["uint8", "int32", "float32", "float64", "bool"])
def test_take_scaled_gathers_shifts_and_scales(kernels, dtype, kind):
    rng = np.random.default_rng(23)
    data = rng.integers(0, 2 if kind == "bool" else 256, (7, 3)).astype(kind)
    index = np.array([6, 0, 0, 3])
    resident, host = kernels.resident, kernels.host
    out = resident(np.full((4, 3), np.nan, dtype))
    kinds = np.dtype(dtype).type
    arguments = resident(data), resident(index), kinds(33.5), kinds(0.25)
    if kernels.ON_DEVICE:
        kernels.take_scaled(*arguments, 0, 4, out)
    else:
        kernels.take_scaled(*arguments, 1, 4, out)
        assert np.isnan(out[0]).all()
        kernels.take_scaled(*arguments, 0, 1, out)
    np.testing.assert_allclose(host(out), (data[index].astype(float) - 33.5) * 0.25, rtol=1e-6)


@DTYPES
@pytest.mark.parametrize("kind", ["uint8", "int64"])
@pytest.mark.parametrize("values", [(0, 1), (-1, 1)])
def test_take_one_hot_writes_whole_rows(kernels, dtype, kind, values):
    off, on = map(np.dtype(dtype).type, values)
    labels, index = np.array([2, 0, 3, 1], kind), np.array([3, 3, 0, 2, 1])
    out = kernels.resident(np.full((5, 4), np.nan, dtype))
    kernels.take_one_hot(
        kernels.resident(labels), kernels.resident(index), off, on, 0, len(index), out
    )
    expected = np.where(np.eye(4)[[1, 1, 2, 3, 0]] > 0, on, off)
    np.testing.assert_array_equal(kernels.host(out), expected)


@DTYPES
@pytest.mark.parametrize("tile", [(0, 5, 0, 70), (1, 4, 64, 70)])
def test_rows_are_held_and_shifted_within_their_tile(kernels, dtype, tile):
    u = np.random.default_rng(27).normal(size=(5, 70)).astype(dtype)
    which, values = np.array([1, 0, 1, 0, 1], np.uint8), np.arange(5, dtype=dtype)
    own = np.zeros(u.shape, bool)
    own[tile[0] : tile[1], tile[2] : tile[3]] = True
    if kernels.ON_DEVICE and tile[0]:
        pytest.skip("there a call is of a whole layer")
    found = kernels.resident(u.copy())
    kernels.hold(*map(kernels.resident, (which, values)), tile, found)
    held = own & (which[:, None] > 0)
    np.testing.assert_array_equal(kernels.host(found), np.where(held, values[:, None], u))
    found = kernels.resident(u.copy())
    kernels.shift(kernels.resident(values), tile, found)
    np.testing.assert_array_equal(kernels.host(found), np.where(own, u + values[:, None], u))


@DTYPES
def test_neurons_that_are_absent_are_no_class(kernels, dtype):
    theta = np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]] * 2, dtype)
    both = kernels.resident(np.stack([theta, 1 - theta]))
    inverted = np.array([0, 0, 0, 0, 0, 1], np.uint8)
    for absent, expected in (
        ([1, 0, 0, 1, 0, 0], [[1, 2], [2, 1]]),
        ([1, 1, 0, 0, 0, 1], [[2, 2], [0, 1]]),
        ([1] * 6, [[0, 0]] * 2),
    ):
        predictions = kernels.resident(np.full((2, 2), -1))
        given = kernels.resident(inverted), kernels.resident(np.array(absent, np.uint8))
        kernels.classify(both, *given, predictions)
        np.testing.assert_array_equal(kernels.host(predictions), expected)


@DTYPES
@pytest.mark.parametrize("n_samples", [1, 17])
def test_the_class_is_that_of_the_surest_neuron(kernels, dtype, n_samples):
    """Some of which say so by being silent; of two that are equally sure the first."""
    rng = np.random.default_rng(25)
    theta = rng.choice([0.125, 0.25, 0.5, 0.75], (3 * 4, n_samples)).astype(dtype)
    inverted = rng.integers(0, 2, 12).astype(np.uint8)
    predictions = kernels.resident(np.full((3, n_samples), -1))
    both = kernels.resident(np.stack([theta, 1 - theta]))
    present = kernels.resident(np.zeros(12, np.uint8))
    kernels.classify(both, kernels.resident(inverted), present, predictions)
    sure = np.where(inverted[:, None], 1 - theta, theta).reshape(3, 4, n_samples)
    np.testing.assert_array_equal(kernels.host(predictions), sure.argmax(axis=1))


@pytest.mark.parametrize("inverted", [0, 1])
def test_probabilities_that_float32_rounds_to_1_are_told_apart(kernels, inverted):
    rest = np.array([[1e-9, 1e-12, 1e-12, 1e-10]], np.float32).T
    theta = np.stack([1 - rest, rest] if inverted == 0 else [rest, 1 - rest])
    assert (theta[inverted] == 1).all()
    predictions = kernels.resident(np.full((1, 1), -1))
    flags = kernels.resident(np.full(4, inverted, np.uint8))
    present = kernels.resident(np.zeros(4, np.uint8))
    kernels.classify(kernels.resident(theta), flags, present, predictions)
    assert kernels.host(predictions) == [[1]]


@DTYPES
def test_neurons_that_mostly_fire_are_found_batch_by_batch(kernels, dtype):
    theta = np.array([[0.25, 0.5], [0.5, 0.5], [0.5, 0.75], [0.0, 1.0]], dtype)
    inverted = kernels.resident(np.full(4, 7, np.uint8))
    kernels.mostly_firing(kernels.resident(np.stack([theta, 1 - theta])), inverted)
    np.testing.assert_array_equal(kernels.host(inverted), [0, 1, 1, 1])


@DTYPES
@pytest.mark.parametrize("n_samples", [1, 50])
def test_it_is_counted_how_often_each_neuron_is_right(kernels, dtype, n_samples):
    rng = np.random.default_rng(26)
    theta = rng.random((2 * 3, n_samples)).astype(dtype)
    labels, rows = rng.integers(0, 3, 80), rng.integers(0, 80, (2, n_samples))
    before = rng.random((6, 2))
    agreement = kernels.resident(before.copy())
    both = np.stack([theta, 1 - theta])
    kernels.tally(*map(kernels.resident, (both, labels, rows)), agreement)
    right = [
        sum(
            both[0, n, s] if labels[rows[n // 3, s]] == n % 3 else both[1, n, s]
            for s in range(n_samples)
        )
        for n in range(6)
    ]
    found = kernels.host(agreement) - before
    np.testing.assert_allclose(found, np.transpose([right, [n_samples] * 6]), rtol=1e-6)


def test_neurons_are_inverted_that_are_wrong_more_often_than_right(kernels):
    """What is half right, up to the rounding of the sum, is left to something else."""
    right = np.array([4.0, 6.0, 5.0, 5.0, 5.0 - 1e-13, 5.0 + 1e-13, 0.0, 0.0])
    agreement = np.transpose([right, [10, 10, 10, 10, 10, 10, 0, 0]])
    otherwise = np.array([0, 1, 0, 1, 0, 1, 0, 1], np.uint8)
    inverted = kernels.resident(np.full(8, 7, np.uint8))
    kernels.invert(*map(kernels.resident, (agreement, otherwise)), inverted)
    np.testing.assert_array_equal(kernels.host(inverted), [1, 0, 0, 1, 0, 1, 0, 1])


def test_mistakes_are_added_up_for_each_replica(kernels):
    predictions = np.array([[0, 1, 2, 1], [1, 1, 1, 1]])
    labels, rows = np.array([2, 1, 0], np.uint8), np.array([[2, 1, 0, 0], [0, 1, 1, 2]])
    wrong = kernels.resident(np.array([10, 20]))
    kernels.count_wrong(*map(kernels.resident, (predictions, labels, rows)), wrong)
    np.testing.assert_array_equal(kernels.host(wrong), [11, 22])
