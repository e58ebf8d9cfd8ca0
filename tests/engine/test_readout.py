"""Which class θ means: right for two classes and unequal ones, the same with any neighbours."""

import numpy as np
import pytest

import infosim
from infosim import load_run
from infosim.engine import Samples, Simulator, Training
from infosim.errors import ConfigError, ShapeError
from infosim.experiments import Experiment, train

N_IN = 6


def network(n_classes, preset="demo/digits", hidden=20, n_in=N_IN, **settings):
    """A preset's network for so many inputs and classes."""
    sizes = {"layers.hidden.size": hidden, "layers.output.size": n_classes}
    experiment = Experiment.load(preset, [*(sizes | settings).items()])

    class Data:
        image_shape = (n_in,)

    Data.n_classes = n_classes
    return experiment.network(Data)


def apart(counts, seed=0):
    """Classes of these sizes, far apart, in random order."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    x = rng.normal(size=(len(labels), N_IN))
    x[np.arange(len(labels)), labels] += 6
    return {"image": x - x.mean(axis=0), "label": labels}


def trained(counts, seed=0, epochs=40, batch=None, **options):
    data = apart(counts)
    net = Simulator(network(len(counts), **options), seed=seed, threads=1)
    net.fit(data, epochs, batch=batch or min(100, sum(counts)), record_every=1000)
    return net


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("preset", ["demo/digits", "iclr/backprop"])
def test_two_classes_that_are_far_apart_are_told_apart(preset, seed):
    """Where the mean of θ over a batch decides, some seeds end at 0.8 and more."""
    net = trained([500, 500], seed, preset=preset)
    assert net.evaluate(apart([500, 500], 1)).error < 0.02


@pytest.mark.parametrize("counts", [[900, 100], [800, 100, 100]])
@pytest.mark.parametrize("preset", ["demo/digits", "iclr/backprop"])
def test_a_large_class_does_not_spoil_the_others(preset, counts):
    net = trained(counts, preset=preset, epochs=60)
    found = net.evaluate(apart(counts, 1))
    assert found.error < 0.05
    recalls = np.diag(found.confusion(len(counts))) / counts
    assert recalls.min() > 0.7


@pytest.fixture(scope="module")
def digits():
    """The demo's network, trained for a while, and its test samples."""
    experiment = Experiment.load("demo/digits")
    data = experiment.dataset()
    samples, _, test = experiment.samples(data)
    net = Simulator(experiment.network(data), seed=3, threads=1)
    net.fit(samples, 30, batch=288, record_every=1000)
    return net, samples, test


@pytest.mark.parametrize("sampled", [True, False])
def test_any_batch_gives_the_same_bits(digits, sampled):
    net, _, test = digits
    whole = net.evaluate(test, sampled=sampled)
    assert whole.error < 0.3
    for batch in (1, 2, 5, 7, 36, 360, 5000):
        found = net.evaluate(test, batch=batch, sampled=sampled)
        np.testing.assert_array_equal(found.predictions, whole.predictions)


def test_more_samples_than_are_presented_at_once_give_the_same_bits_in_any_batch():
    net = trained([500, 500], epochs=3)
    data = apart([1300, 1300], 1)
    whole = net.evaluate(data, batch=4000)
    for batch in (1000, 1024, 33):
        np.testing.assert_array_equal(
            net.evaluate(data, batch=batch).predictions, whole.predictions
        )


def test_the_class_of_a_sample_does_not_depend_on_the_others(digits):
    """Sorted by class, a batch holds one class alone."""
    net, _, test = digits
    labels = test.labels("label")
    order = np.argsort(labels, kind="stable")
    found = net.evaluate(test.subset(order), batch=36, sampled=False)
    expected = net.evaluate(test, sampled=False).predictions[order]
    np.testing.assert_array_equal(found.predictions, expected)
    alone = [net.evaluate(test.subset([i]), sampled=False).predictions[0] for i in range(40)]
    np.testing.assert_array_equal(alone, net.evaluate(test, sampled=False).predictions[:40])


def test_a_sample_has_the_random_numbers_of_its_row(digits):
    net, _, test = digits
    some = net.evaluate(test.subset(np.arange(100))).predictions
    whole = net.evaluate(test).predictions
    assert (some != whole[:100]).mean() < 0.01
    moved = net.evaluate(test.subset(np.arange(1, 101))).predictions
    assert (moved[:-1] != whole[1:100]).any()


def test_published_is_the_mean_over_the_very_batch():
    net = Simulator(network(4, **{"network.inversion": "batch"}), seed=1, threads=1)
    assert list(net.arrays()) == [key for key in net.arrays() if "inverted" not in key]
    data = apart([50] * 4)
    net.fit(data, 3, batch=50)
    found, rows = net.evaluate(data, batch=50).predictions, np.arange(200)
    samples = net.samples(data)
    for number in range(4):
        part = rows[50 * number : 50 * (number + 1)]
        place = {"stream": 8 * 0 + 2, "batch": number}  # the test samples' of epoch 0
        net.present(*net.batch(samples, part, ["label"]), **place)
        net.run()
        theta = net["output"].probabilities.astype(float)
        sure = np.where(theta.mean(axis=1, keepdims=True) >= 0.5, 1 - theta, theta)
        np.testing.assert_array_equal(found[part], sure.argmax(axis=0))
        np.testing.assert_array_equal(net.predictions(), sure.argmax(axis=0))


def test_none_is_the_plain_argmax():
    net = trained([60, 60], preset="iclr/backprop", epochs=2)
    assert net.network.inversion == "none"
    net["output"]["F"].bias = [3.0, 3.0]  # both mostly fire
    net.present({"image": apart([60, 60])["image"].T})
    net.run()
    theta = net["output"].probabilities
    assert theta.mean() > 0.8
    np.testing.assert_array_equal(net.predictions(), theta.argmax(axis=0))


def test_neurons_that_are_rather_wrong_are_inverted():
    """By hand: the readout's weights decide what its neurons say, label withheld."""
    net = Simulator(network(3), seed=0, threads=1)
    data = apart([40, 30, 30])
    net["output"]["F"].weights = np.zeros((3, 20))
    net["output"]["F"].bias = [-1.0, 2.0, 0.0]
    net.learn_inversion(data)
    # right in 60 %, in 12 % + ..., exactly half: of which the last is not inverted
    np.testing.assert_array_equal(net.readout.inverted, [False, True, False])
    assert (net.evaluate(data).predictions == 2).all()  # θ = 0.27, 1 - 0.88, 0.5
    net.readout.inverted = np.array([True, True, False])
    assert (net.evaluate(data).predictions == 0).all()  # 1 - 0.27


def test_what_neurons_say_without_the_label_decides():
    """Neurons that follow the label where it is shown, and say the opposite where it is not."""
    net = Simulator(network(2, "iclr/bivariate-context-heuristic", hidden=2), seed=0, threads=1)
    data = apart([128, 128])
    training = Training(net, data, batch=64, record_every=1000)
    hidden, output = net["hidden"], net["output"]
    hidden["F"].weights = np.zeros((2, N_IN))
    hidden["F"].weights = 8 * np.eye(2, N_IN)
    while training.position < training.n_batches:
        training.advance()
    with_label = np.array(net.readout.agreement)
    output["F"].weights = -output["F"].weights  # all that was counted is now the other way round
    output["F"].bias = -output["F"].bias
    training.advance()
    agreement, half = np.array(with_label), with_label[:, 1] / 2
    np.testing.assert_array_equal(agreement[:, 1], 256)
    np.testing.assert_array_equal(net.readout.inverted, agreement[:, 0] > half)


def test_it_is_saved_with_weights_and_goes_on_from_a_checkpoint(tmp_path):
    settings = [("training.epochs", 6), ("layers.hidden.size", 12)]
    experiment = Experiment.load("demo/digits", settings)
    train(experiment, tmp_path / "whole", threads=1)
    run = load_run(tmp_path / "whole")
    inverted = run.weights["output/inverted"]
    assert inverted.shape == (10,)
    assert 0 < inverted.sum() < 10
    test = experiment.samples(experiment.dataset())[2]
    place = {"purpose": 2, "epoch": 6}
    assert run.simulator(threads=1).evaluate(test, **place).error == run.metrics["test_error"][-1]

    half = Experiment.load("demo/digits", [*settings, ("training.epochs", 3)])
    train(half, tmp_path / "parts", threads=1)
    train(experiment, tmp_path / "parts", threads=1, resume=True)
    for name, array in load_run(tmp_path / "parts").weights.items():
        np.testing.assert_array_equal(array, run.weights[name], err_msg=name)


def test_the_middle_of_an_epoch_is_restored_to_the_same_decisions():
    data = apart([120, 60, 60])
    whole, parts = (Simulator(network(3), seed=5, threads=1) for _ in range(2))
    one, other = Training(whole, data, batch=50), Training(parts, data, batch=50)
    for _ in range(9):
        one.advance()
    other.restore(one.state())
    for training in (one, other):
        for _ in range(20):
            training.advance()
    assert one.history.train_error == other.history.train_error
    np.testing.assert_array_equal(whole.readout.inverted, parts.readout.inverted)
    np.testing.assert_array_equal(whole.readout.agreement, parts.readout.agreement)


def test_replicas_decide_each_for_itself(kernels, slow):
    counts = [6, 4] if slow else [60, 40]
    data = apart(counts)
    options = {"backend": kernels, "threads": 1}
    both = Simulator(network(2, hidden=3), seed=[1, 2], **options)
    both.fit(data, 2, batch=sum(counts))
    alone = [Simulator(network(2, hidden=3), seed=seed, **options) for seed in (1, 2)]
    for net in alone:
        net.fit(data, 2, batch=sum(counts))
    expected = np.concatenate([net.readout.inverted for net in alone])
    np.testing.assert_array_equal(both.readout.inverted, expected)
    found = [one.predictions for one in both.evaluate(data)]
    for one, net in zip(found, alone, strict=True):
        np.testing.assert_array_equal(one, net.evaluate(data).predictions)


def test_what_cannot_be_is_said():
    net = Simulator(network(2, **{"network.inversion": "batch"}))
    with pytest.raises(ConfigError, match="learn_inversion needs inversion 'learned', was 'batch'"):
        net.learn_inversion(apart([5, 5]))
    with pytest.raises(
        ConfigError, match=r"inversion must be 'learned' or .* or 'none', was 'learnt'"
    ):
        network(2, **{"network.inversion": "learnt"})
    net = Simulator(network(2))
    for value in ([True], [1, 0], "yes"):
        with pytest.raises(ShapeError, match="true or false for each of 2 readout neurons"):
            net.readout.inverted = value
    layer = infosim.network.Layer(
        "h", 2, [infosim.network.Compartment("F", "x")], infosim.neuron.Activation("sum")
    )
    net = Simulator(infosim.network.Network({"x": 2}, [layer]))
    for ask in (lambda: net.learn_inversion({"x": np.ones((2, 2))}), net.predictions):
        with pytest.raises(ConfigError, match="needs a network with a readout layer"):
            ask()


def test_runs_of_before_keep_their_key_and_their_reading():
    """What is now chosen by network.inversion was "batch" for all."""
    now, before = (
        Experiment.load("demo/digits", settings)
        for settings in ([], [("network.inversion", "batch")])
    )
    assert now.config["network"]["inversion"] == "learned"
    assert Experiment.load("iclr/backprop").config["network"]["inversion"] == "none"
    assert before.key != now.key
    assert before.key == "eecb004fd4c6abe1"


def test_samples_are_labels_that_stay_as_they_were():
    labels = np.array([0, 1, 0, 1])
    samples = Samples({"image": np.ones((4, N_IN)), "label": labels})
    labels[0] = 10**9  # would have been written through
    assert samples.labels("label")[0] == 0
    for array in (samples.index, samples.arrays["label"], samples.subset([1]).index):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
