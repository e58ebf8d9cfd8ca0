"""Prediction without labels: which class, how surely, and the same bits beside any others."""

from dataclasses import replace

import numpy as np
import pytest

from infosim import Activation, Adam, Compartment, Layer, Network, Samples, Simulator
from infosim.errors import ConfigError, DataError, ShapeError
from infosim.experiments import Experiment
from infosim.machine.randomness import Purpose, stream

N_IN, N_CLASSES = 6, 3


def network(size=8, n_in=N_IN, steps=2, delay=1, lateral="all-but-self", n_classes=N_CLASSES,
            **options):  # fmt: skip
    compartments = [
        Compartment("F", "x"),
        Compartment("C", "label"),
        Compartment("L", "h", lateral, delay=delay),
    ]
    hidden = Layer("h", size, compartments, Activation("trivariate"), goal="{F}{C}")
    own = Compartment("C", "label", "one-to-one", weight=1.0, trainable=False, bias=False)
    output = Layer(
        "out", n_classes, [Compartment("F", "h"), own], Activation("feedforward"), goal="{F}{C}",
        optimizer=Adam(0.05),
    )  # fmt: skip
    inputs = {"x": n_in, "label": n_classes}
    return Network(inputs, [hidden, output], steps, "out", "label", **options)


def clouds(n, n_in=N_IN, n_classes=N_CLASSES, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, n_classes, n)
    return 2 * np.eye(n_classes, n_in)[labels] + rng.normal(size=(n, n_in)), labels


def trained(given=None, seed=1, **options):
    net = Simulator(given or network(), seed=seed, **{"threads": 1} | options)
    x, labels = clouds(60)
    net.fit({"x": x, "label": labels}, 2, batch=60)
    return net


@pytest.fixture(scope="module")
def digits():
    experiment = Experiment.load("demo/digits")
    data = experiment.dataset()
    samples, _, test = experiment.samples(data)
    net = Simulator(experiment.network(data), seed=3, threads=1)
    net.fit(samples, 8, batch=288, record_every=1000)
    return net, data, test


# -- what is given and what comes back -----------------------------------------------------------


def test_an_array_a_mapping_and_samples_are_predicted_alike(kernels, slow):
    x, labels = clouds(7 if slow else 50, seed=2)
    net = Simulator(network(4 if slow else 8), kernels, 1, 1)
    found = net.predict(x)
    assert found.shape == (len(x),)
    assert found.dtype == np.int64
    shuffled = {"x": x, "label": np.roll(labels, 1)}
    for given in ({"x": x}, shuffled, Samples({"x": x}), Samples(shuffled), x.tolist()):
        np.testing.assert_array_equal(net.predict(given), found)
    # to the bit what is published: a single draw, the target withheld
    np.testing.assert_array_equal(net.evaluate({"x": x, "label": labels}).predictions, found)
    assert net.score(x, labels) == (found == labels).mean()
    assert isinstance(net.score(x, labels), float)
    assert net.score({"x": x, "label": labels}, labels) == net.score(x, labels)
    sure = net.predict_proba(x)
    assert sure.shape == (len(x), N_CLASSES)
    np.testing.assert_array_equal(sure.argmax(axis=1), found)


def test_labels_that_are_no_labels_are_withheld_too():
    x, _ = clouds(9)
    net = trained()
    np.testing.assert_array_equal(net.predict({"x": x, "label": [99] * 3}), net.predict(x))


def test_each_replica_says_its_own(kernels, slow):
    x, labels = clouds(6 if slow else 40, seed=2)
    both = Simulator(network(4), kernels, [1, 2], 1)
    alone = [Simulator(network(4), kernels, seed, 1) for seed in (1, 2)]
    options = {"presentations": 3}
    for ask in ("predict", "predict_proba"):
        expected = [getattr(one, ask)(x, **options) for one in alone]
        np.testing.assert_array_equal(getattr(both, ask)(x, **options), expected)
    np.testing.assert_array_equal(both.score(x, labels), [one.score(x, labels) for one in alone])
    each = np.stack([labels, np.roll(labels, 1)])
    expected = [one.score(x, own) for one, own in zip(alone, each, strict=True)]
    np.testing.assert_array_equal(both.score(x, each), expected)


def test_sequences_and_several_inputs():
    steps, size = 3, 4
    hidden = Layer(
        "h", size, [Compartment("F", "x"), Compartment("C", "more")], Activation("bivariate")
    )
    out = Layer("out", 2, [Compartment("F", "h")], Activation("feedforward"))
    net = Simulator(Network({"x": 2, "more": 3}, [hidden, out], steps, "out"), threads=1)
    rng = np.random.default_rng(0)
    x, more = rng.normal(size=(80, steps, 2)), 9 * rng.normal(size=(80, 3))
    found = net.predict({"x": x, "more": more})  # a network without a target
    assert found.shape == (80,)
    assert (net.predict_proba({"x": x}) != net.predict_proba({"x": x, "more": more})).any()
    with pytest.raises(DataError, match="predict needs arrays by name, of the inputs x, more"):
        net.predict(x)
    one = Simulator(Network({"x": 2, "label": 2}, [
        Layer("out", 2, [Compartment("F", "x"), Compartment("C", "label", "one-to-one")],
              Activation("feedforward"))
    ], steps, "out", "label"), threads=1)  # fmt: skip
    last = one.predict_proba(x)
    np.testing.assert_array_equal(last, one.predict_proba({"x": x}))
    np.testing.assert_allclose(last, one.predict_proba(x[:, -1]), rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("inversion", ["learned", "none", "batch"])
def test_probabilities_are_what_the_readout_says(dtype, inversion):
    net = trained(network(inversion=inversion), dtype=dtype)
    x, _ = clouds(30, seed=3)
    sure, found = net.predict_proba(x), net.predict(x)
    theta = net["out"].probabilities.astype(float)
    inverted = net.readout.inverted
    if inversion == "batch":
        inverted = theta.mean(axis=1) >= 0.5
    mine = np.where(inverted[:, None], net["out"].firing.theta[1], theta)
    np.testing.assert_allclose(sure, (mine / mine.sum(axis=0)).T, rtol=1e-12)
    np.testing.assert_allclose(sure.sum(axis=1), 1, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(sure[np.arange(30), found], sure.max(axis=1))


def test_of_neurons_that_are_equally_sure_a_largest_is_predicted():
    net = trained(replace(network(), inversion="none"))
    x, _ = clouds(5)
    net["out"]["F"].weights = np.zeros((N_CLASSES, 8))
    net["out"]["F"].bias = [-1.0, 0.5, 0.5]
    np.testing.assert_array_equal(net.predict(x), 1)
    sure = net.predict_proba(x)
    np.testing.assert_array_equal(sure[:, 1], sure[:, 2])
    net["out"]["F"].bias = [11.0, 12.0, 13.0]  # clamped alike
    assert (net.predict_proba(x).max(axis=1) == net.predict_proba(x)[:, net.predict(x)[0]]).all()


def test_where_no_neuron_says_anything_all_classes_are_as_likely():
    out = Layer("out", 2, [Compartment("F", "x")], Activation("feedforward", clamp=0))
    net = Simulator(Network({"x": 2}, [out], 1, "out", inversion="none"), threads=1)
    net["out"]["F"].bias = [-200.0, -200.0]  # below what float32 holds
    np.testing.assert_array_equal(net.predict_proba(np.ones((3, 2))), 0.5)


# -- which random numbers ------------------------------------------------------------------------


def test_presentations_are_independent_draws_of_which_the_first_is_the_published():
    net = trained()
    x, _ = clouds(40, seed=2)
    single = net.predict_proba(x)
    np.testing.assert_array_equal(net.predict_proba(x, presentations=1), single)
    thetas = []
    for again in range(4):
        samples = net.samples({"x": x})
        place = {"stream": stream(Purpose.TEST), "batch": again * 2**20}
        net.present(*net.batch(samples, np.arange(40)), **place)
        net.run()
        thetas.append(np.array(net["out"].firing.theta, float))
    inverted = net.readout.inverted[:, None]
    for n in (1, 2, 4):
        mean = np.mean(thetas[:n], axis=0)
        mine = np.where(inverted, mean[1], mean[0])
        sure = net.predict_proba(x, presentations=n)
        np.testing.assert_allclose(sure, (mine / mine.sum(axis=0)).T, rtol=1e-5)
        np.testing.assert_array_equal(net.predict(x, presentations=n), mine.argmax(axis=0))
    drawn = {tuple(np.where(inverted, one[1], one[0]).ravel()) for one in thetas}
    assert len(drawn) == 4


def test_many_presentations_come_close_to_their_mean():
    net = trained()
    x, _ = clouds(30, seed=2)
    far = net.predict_proba(x, presentations=2000, epoch=1)
    errors = [np.abs(net.predict_proba(x, presentations=n) - far).mean() for n in (1, 16, 256)]
    assert errors[1] < errors[0] / 2
    assert errors[2] < errors[1] / 2


@pytest.mark.parametrize("presentations", [1, 2])
def test_no_batch_size_and_no_number_of_threads_changes_a_bit(presentations):
    x, _ = clouds(2100, seed=2)
    net, other = trained(network(40)), trained(network(40), threads=2)
    whole = net.predict_proba(x, presentations=presentations)
    for batch in (1, 33, 5000):
        options = {"batch": batch, "presentations": presentations}
        np.testing.assert_array_equal(net.predict_proba(x, **options), whole)
        np.testing.assert_array_equal(other.predict_proba(x, **options), whole)


@pytest.mark.parametrize("inversion", ["learned", "none"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("size", "n_in", "options"),
    [
        (10, 784, {}),
        (37, 64, {"steps": 4, "delay": 3}),
        (100, 50, {"lateral": "sparse(7)", "n_classes": 2}),
    ],
)
def test_without_chance_a_sample_is_the_same_bits_wherever_it_stands(
    size, n_in, options, dtype, inversion
):
    given = network(size, n_in, inversion=inversion, **options)
    rng = np.random.default_rng(size)
    images = rng.integers(0, 256, (2500, n_in), dtype=np.uint8)
    samples = Samples({"x": images}, {"x": (33.0, 1 / 78)})
    one, two = (Simulator(given, seed=4, threads=threads, dtype=dtype) for threads in (1, 2))
    if inversion == "learned":
        for net in (one, two):
            net.readout.inverted = np.arange(given.layer("out").size) % 2 == 0
    sure, found = (
        getattr(one, ask)(samples, sampled=False) for ask in ("predict_proba", "predict")
    )
    np.testing.assert_array_equal(two.predict_proba(samples, sampled=False), sure)
    pieces = [np.arange(2499, 2500), np.arange(300, 1900), rng.permutation(2500)]
    pieces += [np.arange(i, i + n) for i, n in zip(
        rng.integers(0, 1000, 6), rng.integers(1, 700, 6), strict=True)]  # fmt: skip
    for net, rows in zip([one, two] * 5, pieces, strict=False):
        some = samples.subset(rows)
        np.testing.assert_array_equal(net.predict_proba(some, sampled=False), sure[rows])
        np.testing.assert_array_equal(net.predict(some, sampled=False), found[rows])


def test_evaluation_without_chance_is_the_same_for_a_sample_wherever_it_stands(digits):
    net, data, test = digits
    whole = net.evaluate(test, sampled=False).predictions
    np.testing.assert_array_equal(whole, net.predict(test, sampled=False))
    order = np.argsort(test.labels("label"), kind="stable")
    sorted_ = net.evaluate(test.subset(order), sampled=False).predictions
    np.testing.assert_array_equal(sorted_, whole[order])
    images = (data.test_x - data.mean) / data.std
    alone = [net.predict(images[i : i + 1], sampled=False)[0] for i in range(20)]
    np.testing.assert_array_equal(alone, whole[:20])


def test_inversion_by_batch_depends_on_the_batch_in_probabilities_too():
    net = trained(network(inversion="batch"))
    net["out"]["F"].bias = [0.1, 0.0, -0.1]
    x, _ = clouds(60, seed=3)
    for sampled in (True, False):
        for ask in (net.predict, net.predict_proba):
            whole = ask(x, sampled=sampled, batch=60)
            parts = ask(x, sampled=sampled, batch=1)
            assert (parts != whole).any()
        alone = net.predict_proba(x[:1], sampled=sampled, batch=60)
        assert alone.max() == alone[0, net.predict(x[:1], sampled=sampled)[0]]


def test_nothing_of_the_network_is_changed(kernels, slow):
    x, labels = clouds(5 if slow else 30)
    net = Simulator(network(4, carry=True), kernels, 1, 1)
    net.step({"x": x, "label": labels})
    before = {name: np.array(kernels.host(a)) for name, a in net.arrays().items()}
    carried = np.array(kernels.host(net["h"].carried))
    net.predict(x, presentations=2)
    if not slow:
        net.predict_proba(x, sampled=False)
    for name, array in before.items():
        np.testing.assert_array_equal(kernels.host(net.arrays()[name]), array)
    np.testing.assert_array_equal(kernels.host(net["h"].carried), carried)
    assert not net.events


# -- what cannot be predicted --------------------------------------------------------------------

BAD = [
    (lambda x: x[0], ShapeError, r"needs \(n, units\), or \(n, steps, units\) .* was float64 \(6,"),
    (lambda x: x[:, :4], ShapeError, "'x' has 4 units, the network expects 6"),
    (lambda x: x[:0], DataError, "at least 1; was x 0"),
    (lambda x: x[:, None].repeat(3, 1), ShapeError, "sequences of 3 steps, .* presents 2"),
    (lambda x: {"y": x}, DataError, "no input 'y'"),
    (lambda x: {"label": [1, 2]}, DataError, "an input beside the target 'label', was none"),
    (lambda x: Samples({"label": [1, 2]}), DataError, "an input beside the target 'label'"),
    (lambda x: {}, DataError, "an input beside the target"),
    (lambda x: [[1, 2], [3]], ShapeError, "rows must be of one length"),
    (lambda x: x.astype(str), DataError, "must be numbers"),
    (lambda x: np.where(x > 2, np.nan, x), DataError, "holds nan at"),
    (lambda x: x * 1e300, DataError, "which float32 cannot hold"),
    (lambda x: None, ShapeError, "was object"),
]


@pytest.mark.parametrize(("given", "error", "said"), BAD)
@pytest.mark.parametrize("ask", ["predict", "predict_proba"])
def test_what_cannot_be_predicted_is_said_in_a_line(given, error, said, ask):
    net = Simulator(network(), threads=1)
    with pytest.raises(error, match=said) as raised:
        getattr(net, ask)(given(clouds(40)[0]))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"batch": 0}, "batch must be an integer of at least 1, was 0"),
        ({"presentations": 0}, "presentations must be an integer from 1 to 4096, was 0"),
        ({"presentations": 4097}, "presentations must be an integer from 1 to 4096, was 4097"),
        ({"presentations": 2, "sampled": False}, "presentations must be 1 with sampled=False"),
    ],
)
def test_options_that_cannot_be(options, said):
    net, (x, labels) = Simulator(network(), threads=1), clouds(4)
    for ask in (net.predict, net.predict_proba, lambda x, **o: net.score(x, labels, **o)):
        with pytest.raises(ConfigError, match=said):
            ask(x, **options)


@pytest.mark.parametrize(
    "labels", [[0, 1], [0.0, 1.0, 2.0], ["a", "b", "c"], [0, 1, 3], [0, -1, 1], [[0, 1, 2]] * 2,
               [[0], [1, 2]], None],
)  # fmt: skip
def test_labels_that_cannot_be(labels):
    with pytest.raises(DataError, match="score"):
        Simulator(network(), threads=1).score(clouds(3)[0], labels)


def test_without_a_readout_nothing_is_predicted():
    layer = Layer("h", 2, [Compartment("F", "x")], Activation("sum"))
    net = Simulator(Network({"x": 2}, [layer]), threads=1)
    for what, ask in {
        "predict": net.predict, "predict_proba": net.predict_proba,
        "score": lambda x: net.score(x, [0, 1]),
    }.items():  # fmt: skip
        with pytest.raises(ConfigError, match=f"^{what} needs a network with a readout layer$"):
            ask(np.ones((2, 2)))
