"""Networks whose inputs are mostly a background: what they learn is what they would densely."""

import warnings

import numpy as np
import pytest
from bits import assert_same_bits
from sparse_images import IMAGES, LABELS, SCALING, D, N

from infosim import Activation, Compartment, Layer, Network, Simulator
from infosim.errors import DataError, InfosimError, ShapeError
from infosim.machine.samples import Samples
from infosim.machine.sparse import Remainder, Sparse
from infosim.network import Connection

RNG = np.random.default_rng(1)


def network(connection=None, rule=None, steps=2):
    parts = [
        Compartment("F", "image") if connection is None else connection,
        Compartment("C", "label", connectivity="one-to-one", weight=1.0, trainable=False),
    ]
    lateral = Compartment("L", "hidden", delay=1, connectivity="all-but-self")
    return Network(
        {"image": D, "label": 2},
        [
            Layer("hidden", 40, [Compartment("F", "image"), lateral], Activation("bivariate"),
                  goal="{F}{L}"),
            Layer("out", 2, parts, Activation("bivariate"), goal="{F}{C}"),
        ],
        readout="out", target="label", steps=steps, **({} if rule is None else {"rule": rule}),
    )  # fmt: skip


def samples(sparse=None, images=IMAGES, scaling=SCALING, **options):
    return Samples({"image": images, "label": LABELS}, scaling, sparse=sparse, **options)


def fitted(sparse, epochs=2, batch=150, dtype="float64", net=None, seed=1, **options):
    simulator = Simulator(net or network(), seed=seed, dtype=dtype, **options)
    simulator.fit(samples(sparse), epochs, batch=batch, validation=samples(sparse))
    return simulator


def test_a_gradient_is_the_dense_one():
    found = []
    for sparse in (False, True):
        simulator = Simulator(network(), seed=3, dtype="float64", threads=2)
        given = samples(sparse)
        with simulator.workers.engaged():
            simulator.gather(given, simulator.rows(given, np.arange(50, 450)))
        assert isinstance(simulator.gathered[0]["image"], Remainder) == sparse
        simulator.present(*simulator.gathered)
        simulator.run()
        slopes = simulator.gradient("hidden")
        hidden = simulator["hidden"]
        found.append([hidden.potentials, hidden["F"].gradient.copy(), *slopes])
    assert abs(found[0][1]).max() > 0
    for dense, sparse in zip(*found, strict=True):
        np.testing.assert_allclose(sparse, dense, rtol=0, atol=1e-12 * abs(dense).max())


@pytest.mark.parametrize("rule", [None, "backprop"])
def test_training_is_the_dense_one_but_for_last_bits(rule):
    dense, sparse = (fitted(one, net=network(rule=rule)) for one in (False, True))
    for name, array in dense.arrays().items():
        np.testing.assert_allclose(sparse.arrays()[name], array, rtol=1e-6, atol=1e-9)
    assert dense.histories[0].val_error == sparse.histories[0].val_error


def test_the_same_bits_on_any_number_of_threads_by_replicas_and_without_a_tape():
    one = fitted(True, threads=1, dtype="float32")
    for options in ({"threads": 2}, {"threads": 3, "tape": False}):
        assert_same_bits(fitted(True, dtype="float32", **options).arrays(), one.arrays())
    both = fitted(True, dtype="float32", seed=[5, 1])
    assert_same_bits(both.arrays(1), one.arrays())


def test_what_is_sparse_is_told_by_the_data():
    """Images are, and one-hot columns; signals of ±1, few samples or few inputs are not."""
    assert isinstance(samples().sparse("image"), Sparse) is (N * D >= 100_000)
    one_hot = np.eye(300)[RNG.integers(0, 300, N)]
    hot = Samples({"x": one_hot}).sparse("x")
    assert len(hot.values) == N
    assert not hot.background.any()
    assert Samples({"x": np.where(RNG.random((N, 300)) < 0.5, 1, -1)}).sparse("x") is None
    assert Samples({"x": RNG.normal(size=(N, 300))}).sparse("x") is None
    assert Samples({"x": one_hot[:300]}).sparse("x") is None
    assert Samples({"x": np.eye(100)[RNG.integers(0, 100, 2000)]}).sparse("x") is None
    late = np.zeros((N, 300))  # what the first look takes for sparse
    late[1::2] = RNG.normal(size=late[1::2].shape)
    late[np.linspace(0, N - 1, 101).astype(int)] = 0
    assert Samples({"x": late}).sparse("x") is None
    huge = np.zeros((N, 300), np.float32)
    huge[:400], huge[500, 0] = -3e38, 3e38  # whose difference is not a number any more
    assert Samples({"x": huge}).sparse("x") is None


def test_the_background_of_an_input_is_its_most_frequent_value():
    columns = [[0, 0, 3, 4, 5], [1, 2, 2, 2, 9], [7] * 5, [5, 4, 3, 2, 1], [9, 9, 8, 8, 8]]
    x = np.array(columns, np.uint8).T
    sparse = Sparse.of(x, 1.0)
    assert list(sparse.background[[0, 1, 2, 4]]) == [0, 2, 7, 8]
    np.testing.assert_array_equal(sparse.toarray(), x)
    assert len(sparse.values) == 3 + 2 + 0 + 4 + 2


def test_a_part_of_the_samples_is_as_sparse_as_all():
    """What is chosen is of the arrays, so that replicas and parts have the bits of the whole."""
    whole = samples()
    part = whole.subset(np.arange(5))
    assert part.sparse("image") is whole.sparse("image") is not None


@pytest.mark.parametrize("why", ["few", "rule", "sequence"])
def test_inputs_stay_dense_where_anything_reads_them_otherwise(why):
    images, net = IMAGES, network()
    if why == "few":
        net = network(Compartment("F", connections=[Connection("image", "sparse(5)")]))
    elif why == "sequence":
        images = np.stack([IMAGES, IMAGES], axis=1)
    simulator = Simulator(net, seed=0)
    given = samples(True, images)
    if why == "rule":
        for executor in simulator.executors.values():
            executor.reads_inputs = True
        simulator._feed.may_be_sparse = simulator._may_be_sparse()
    assert simulator.sparse_inputs(given) == []
    simulator.fit(given, 1, batch=200)
    shown = simulator.gathered[0]["image"]
    assert isinstance(shown, np.ndarray)


def test_what_was_gathered_waits_for_nothing_that_is_given_instead():
    """A batch that is gathered later does not overwrite what is presented in its place."""
    found = []
    for later in (False, True):
        simulator = Simulator(network(), seed=0)
        given = samples(True)
        with simulator.workers.engaged():
            simulator.gather(given, simulator.rows(given, np.arange(40)), later=later)
        inputs, _ = simulator.gathered
        label = np.tile([[1.0], [0.0]], 40)
        simulator.present({**inputs, "label": label}, learn=True)
        simulator.run()
        shown = simulator.gathered[0]["label"]
        np.testing.assert_array_equal(shown[0], label)
        found.append(simulator.arrays())
    assert_same_bits(*found)


@pytest.mark.parametrize("size", [9, 10])
def test_layers_of_few_neurons_multiply_densely(size):
    layer = Layer("h", size, [Compartment("F", "image")], Activation("feedforward"), goal="{F}")
    simulator = Simulator(Network({"image": D}, [layer]))
    assert simulator.sparse_inputs(Samples({"image": IMAGES}, SCALING)) == ["image"] * (size > 9)


def test_batches_by_hand_are_arrays():
    simulator = Simulator(network(), seed=0)
    inputs, _ = simulator.batch(samples(True), np.arange(10))
    expected = (IMAGES[:10].T - 30.0) / 60
    np.testing.assert_allclose(inputs["image"][0], expected, rtol=1e-6)
    with simulator.workers.engaged():
        simulator.gather(samples(True), simulator.rows(samples(True), np.arange(10)))
    shown = np.asarray(simulator.gathered[0]["image"])
    np.testing.assert_allclose(shown[0], expected, rtol=1e-6, atol=1e-7)


def test_data_sets_that_take_turns_are_not_mixed_up():
    """Of other backgrounds, widths and scalings, of batches of other sizes, and of one sample."""
    simulator = Simulator(network(), seed=2, dtype="float64")
    others = [
        samples(True), samples(False),
        samples(True, np.where(IMAGES == 7, 0, IMAGES).astype(np.uint8)),
        samples(True, (IMAGES[:, ::-1] / 3.0).astype(np.float32), {}),
        samples(True, IMAGES.astype(np.int64) * 10_000_000_000, {"image": (7e10, 1e-12)}),
        samples(True, np.full((N, D), 3, np.uint8)),
    ]  # fmt: skip
    for batch in (40, 1, 200, 40):
        for given in others:
            positions = RNG.integers(0, N, batch)
            with simulator.workers.engaged():
                simulator.gather(given, simulator.rows(given, positions))
            shift, scale = given.scaling.get("image", (0.0, 1.0))
            x = ((given.arrays["image"][positions] - shift) * scale).astype(np.float64)
            simulator.present(*simulator.gathered, learn=False)
            simulator.run()
            hidden = simulator["hidden"]
            u = hidden["F"].weights @ x.T + hidden["F"].bias[:, None]
            np.testing.assert_allclose(hidden.potentials[0], u, rtol=1e-6, atol=1e-6)


def test_what_draws_nothing_is_said_alike_of_a_sample_beside_any_others():
    simulator = fitted(True, dtype="float32")
    images = {"image": IMAGES}
    whole = simulator.predict_proba(Samples(images, SCALING), sampled=False)
    part = simulator.predict_proba(Samples({"image": IMAGES[30:33]}, SCALING), sampled=False)
    np.testing.assert_array_equal(whole[30:33], part)


def test_delayed_and_masked_connections_read_sparse_inputs():
    delayed = Compartment("F", connections=[Connection("image", delay=1)])
    found = []
    for sparse in (False, True):
        simulator = Simulator(network(delayed), seed=4, dtype="float64")
        mask = RNG.random((40, D)) < 2
        mask[:, 3:50] = False
        simulator["hidden"]["F"].mask = mask
        simulator.fit(samples(sparse), 1, batch=200)
        assert not simulator["hidden"]["F"].weights[:, 3:50].any()
        found.append(simulator.arrays())
    for name, array in found[0].items():
        np.testing.assert_allclose(found[1][name], array, rtol=1e-6, atol=1e-9)


def test_an_intervention_holds_of_sparse_inputs():
    for sparse in (False, True):
        simulator = Simulator(network(), seed=4)
        given = samples(sparse)
        with simulator.stimulate("hidden", [0, 3], 5.0, "F"), simulator.lesion("hidden", 7):
            simulator.fit(given, 1, batch=200)
        hidden = simulator["hidden"]
        assert np.isfinite(hidden["F"].weights).all()


# -- matrices of scipy ---------------------------------------------------------------------------


scipy_sparse = pytest.importorskip("scipy.sparse")
WORDS = np.where(RNG.random((N, D)) < 0.05, RNG.integers(1, 9, (N, D)), 0)


@pytest.mark.parametrize("form", ["csr_array", "csc_matrix", "coo_array", "lil_matrix"])
@pytest.mark.parametrize("kind", ["float64", "int64", "bool"])
def test_matrices_of_scipy_are_read_as_they_are(form, kind):
    words = WORDS.astype(kind)
    matrix = getattr(scipy_sparse, form)(words)
    given = samples(images=matrix, scaling={})
    assert isinstance(given.arrays["image"], Sparse)
    np.testing.assert_array_equal(given.arrays["image"].toarray(), words)
    simulator = Simulator(network(), seed=1, dtype="float64")
    simulator.fit(given, 1, batch=200)
    dense = Simulator(network(), seed=1, dtype="float64")
    dense.fit(samples(False, words, {}), 1, batch=200)
    for name, array in dense.arrays().items():
        np.testing.assert_allclose(simulator.arrays()[name], array, rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(
        simulator.predict({"image": matrix}, sampled=False),
        simulator.predict({"image": words}, sampled=False),
    )


def test_batches_are_dense_on_a_gpu(kernels):
    given = samples(images=scipy_sparse.csr_array(WORDS), scaling={})
    simulator = Simulator(network(), kernels, seed=0)
    assert simulator.sparse_inputs(given) == ([] if kernels.ON_DEVICE else ["image"])
    inputs, _ = simulator.batch(given, [0, 3])
    np.testing.assert_array_equal(kernels.host(inputs["image"])[0], WORDS[[0, 3]].T)


def test_a_matrix_of_few_zeros_is_made_dense():
    matrix = scipy_sparse.csr_array(RNG.normal(size=(N, D)))
    assert isinstance(samples(images=matrix).arrays["image"], np.ndarray)
    assert isinstance(samples(True, matrix).arrays["image"], Sparse)
    assert isinstance(samples(False, scipy_sparse.csr_array(WORDS)).arrays["image"], np.ndarray)


def test_explicit_zeros_and_repeated_entries_are_what_they_sum_to():
    coo = scipy_sparse.coo_array(
        ([1.0, 2.0, 0.0, 4.0], ([0, 0, 1, 2], [3, 3, 4, D - 1])), shape=(N, D)
    )
    sparse = samples(images=coo, scaling={}).arrays["image"]
    assert list(sparse.values) == [3.0, 4.0]
    assert sparse.toarray()[2, D - 1] == 4
    assert coo.nnz == 4  # the caller's own stays as it is


def damaged(change):
    matrix = scipy_sparse.csr_array(WORDS.astype(np.float64))
    change(matrix)
    return matrix


@pytest.mark.parametrize(
    ("matrix", "said"),
    [
        (damaged(lambda m: m.data.__setitem__(5, np.nan)), "holds nan at"),
        (damaged(lambda m: m.data.__setitem__(-1, np.inf)), "holds inf at"),
        (damaged(lambda m: m.indices.__setitem__(0, D)), "no sparse matrix"),
        (damaged(lambda m: m.indices.__setitem__(0, -1)), "no sparse matrix"),
        (damaged(lambda m: m.indptr.__setitem__(3, 10**6)), "no sparse matrix"),
        (damaged(lambda m: setattr(m, "data", m.data[:10])), "no sparse matrix"),
        (scipy_sparse.csr_array(WORDS.astype(complex)), "complex128"),
        (scipy_sparse.csr_array(WORDS.astype(np.longdouble)), "longdouble|float128"),
        (scipy_sparse.csr_array((0, D)), "at least 1"),
        (scipy_sparse.coo_array(np.arange(9)), "its shape is"),
        (scipy_sparse.csr_array(WORDS[:-1]), "same number of samples"),
    ],
)  # fmt: skip
def test_a_bad_matrix_is_told(matrix, said):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DataError, match=said):
            samples(True, matrix)


def test_a_matrix_of_another_width_or_beyond_the_range_is_told():
    with pytest.raises(ShapeError, match="209 units, the network expects 210"):
        Simulator(network()).fit(samples(images=scipy_sparse.csr_array(WORDS[:, 1:])), 1)
    big = scipy_sparse.csr_array(WORDS * 1e40)
    with pytest.raises(InfosimError, match="float32"):
        Simulator(network()).fit(samples(images=big), 1)
    with pytest.raises(DataError, match="sparse must be true, false or None, was 'yes'"):
        samples("yes")
