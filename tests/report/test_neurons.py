"""What is found of single neurons, against obvious computations and networks changed by hand."""

import naive
import numpy as np
import pytest

from infosim import (
    Activation,
    Backprop,
    Compartment,
    ConfigError,
    DataError,
    Group,
    Layer,
    Network,
    ShapeError,
    Simulator,
)  # fmt: skip
from infosim.analysis.health import thresholds
from infosim.analysis.neurons import KINDS, Neurons, examine, names
from infosim.analysis.neurons.probe import probe_error
from infosim.analysis.neurons.statistics import statistics
from infosim.experiments import Experiment
from infosim.machine.randomness import Purpose

rng = np.random.default_rng(0)


def joint(theta, labels, n_classes):
    """p(y_1, ..., y_n, t) of outputs drawn from θ (n, S), sample by sample and output by output."""
    n, s = theta.shape
    pmf = np.zeros((2,) * n + (n_classes,))
    for i in range(s):
        for outputs in np.ndindex((2,) * n):
            p = [theta[k, i] if y else 1 - theta[k, i] for k, y in enumerate(outputs)]
            pmf[(*outputs, labels[i])] += np.prod(p) / s
    return pmf


def test_information_is_that_of_the_joint_distribution():
    theta, labels = rng.random((3, 40)), rng.integers(0, 4, 40)
    found = statistics(theta, labels, 5)  # a class of which there is no sample
    for n in range(3):
        pmf = joint(theta[[n]], labels, 5)
        assert found.information[n] == pytest.approx(naive.mutual_information(pmf), abs=1e-9)
        for c in range(5):
            binary = np.stack([pmf[:, c], pmf.sum(axis=1) - pmf[:, c]], axis=1)
            assert found.about[n, c] == pytest.approx(naive.mutual_information(binary), abs=1e-9)
        with np.errstate(invalid="ignore"):
            np.testing.assert_allclose(found.by_class[n], pmf[1] / pmf.sum(axis=0))
        p = theta[n].mean()
        assert found.firing[n] == pytest.approx(p)
        assert found.entropy[n] == pytest.approx(-p * np.log2(p) - (1 - p) * np.log2(1 - p))
        other = found.similar[n, 0]
        pair = joint(theta[[n, other]], labels, 5)
        redundant, unique, others, _ = found.parts[n]
        assert found.parts[n].sum() == pytest.approx(naive.mutual_information(pair), abs=1e-9)
        assert redundant + unique == pytest.approx(found.information[n], abs=1e-9)
        assert redundant + others == pytest.approx(found.information[other], abs=1e-9)


def test_the_most_similar_are_by_correlation(monkeypatch):
    monkeypatch.setattr("infosim.analysis.neurons.statistics._AT_ONCE", 3)
    theta = rng.random((8, 50))
    theta[5] = 1 - theta[2]
    found, r = statistics(theta), np.corrcoef(theta)
    assert found.similar.shape == (8, 5)
    assert found.similar[5, 0] == 2
    assert found.similarity[5, 0] == pytest.approx(-1)
    np.fill_diagonal(r, 0)
    for n in range(8):
        assert set(found.similar[n]) == set(np.argsort(-abs(r[n]))[:5])
        np.testing.assert_allclose(found.similarity[n], r[n, found.similar[n]])


def test_a_probe_is_least_squares():
    theta, labels = rng.random((6, 200)), rng.integers(0, 3, 200)
    x = np.vstack([theta, np.ones(200)]).T
    weights = np.linalg.lstsq(x, np.eye(3)[labels], rcond=None)[0]
    expected = ((x[:150] @ weights).argmax(axis=1) != labels[:150]).mean()
    found = probe_error(theta, labels, theta[:, :150], labels[:150], 3)
    assert found == pytest.approx(expected, abs=0.02)  # ridge moves few samples, if any
    separable = np.where(np.equal.outer(np.arange(3), labels), 0.9, 0.1)
    assert probe_error(separable, labels, separable, labels, 3) == 0
    copies = np.repeat(separable, 2, axis=0)  # singular without ridge
    assert probe_error(copies, labels, copies, labels, 3) == 0
    silent = np.zeros((2, 200))
    assert probe_error(silent, labels, silent, labels, 3) == pytest.approx(
        1 - np.bincount(labels).max() / 200
    )


def test_names_by_thresholds():
    labels = np.repeat(np.arange(4), 25)
    one, half = (labels == 3) * 0.98 + 0.01, (labels < 2) * 0.98 + 0.01
    noise = rng.permutation(np.repeat([0.1, 0.9], 50))
    theta = np.stack(
        [np.full(100, 0.0), np.ones(100), np.full(100, 0.5), one, half, 1 - half, noise]
    )
    found = statistics(theta, labels, 4)
    called = names(found)
    assert called[0] == (("silent", "silent"),)
    assert called[1] == (("silent", "always fires"),)
    assert called[2] == (("coin", "coin"),)
    assert called[3] == (("class", "class neuron of 3"),)
    assert called[4] == (("copy", "opposite of 5"), ("mixed", "mixed"))
    assert called[5][0] == ("copy", "opposite of 4")
    assert found.information[6] < thresholds.TOLD or called[6] == (("mixed", "mixed"),)
    assert names(found, ["a", "b", "c", "d"])[3][0][1] == "class neuron of d"
    assert {kind for one in called for kind, _ in one} <= KINDS.keys()
    unlabelled = names(statistics(theta))
    assert unlabelled[3] == ()
    assert unlabelled[4] == (("copy", "opposite of 5"),)


def test_one_neuron_and_one_sample():
    found = statistics(np.array([[0.3]]), np.array([1]), 2)
    assert found.similar.shape == (1, 0)
    assert found.information[0] == 0
    assert np.isnan(found.parts).all()
    assert names(found) == [(("unrelated", "unrelated to the class"),)]


# -- of a network ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits():
    """An experiment, its samples and a simulator that was trained a little."""
    settings = ["layers.hidden.size=8", "data.validation=0"]
    experiment = Experiment.load("demo/digits", settings)
    dataset = experiment.dataset()
    train, _, test = experiment.samples(dataset)
    simulator = Simulator(experiment.network(dataset), seed=0, threads=1)
    simulator.fit(train, 3, batch=288)
    return simulator, train, test


def test_an_examination_leaves_all_as_it_was(digits):
    simulator, train, test = digits
    before = {name: np.array(array) for name, array in simulator.arrays().items()}
    time, calls = simulator.time, []
    found = examine(simulator, test, train=train, epoch=3, report=lambda *n: calls.append(n))
    assert simulator.time == time
    assert not simulator.interventions
    for name, array in simulator.arrays().items():
        np.testing.assert_array_equal(array, before[name])
    assert calls == [(n + 1, 8) for n in range(8)]
    assert found.samples == found.lesioned == len(test)
    assert found.trained == len(train)
    assert found.error == simulator.evaluate(test, epoch=3).error
    labels = test.labels("label")
    assert found.counts.tolist() == np.bincount(labels, minlength=10).tolist()
    again = examine(simulator, test, train=train, epoch=3)
    for one, other in zip(found.layers.values(), again.layers.values(), strict=True):
        assert one.probe == other.probe
        np.testing.assert_array_equal(one.about, other.about)
    assert found.layers["output"].damage is None


def test_lesions_are_weights_that_are_zero(digits):
    """Who is not there is heard as 0: by the readout, and by the layer itself."""
    simulator, _, test = digits
    found = examine(simulator, test, epoch=3)
    options = {"purpose": Purpose.TEST, "epoch": 3}
    whole = {name: np.array(array) for name, array in simulator.arrays().items()}
    for n in (0, 5):
        without = {name: array.copy() for name, array in whole.items()}
        without["output/F/weights"][:, n] = 0
        without["hidden/L/weights"][:, n] = 0
        simulator.set_arrays(without)
        error = simulator.evaluate(test, **options).error
        simulator.set_arrays(whole)
        change = error - simulator.evaluate(test, **options).error
        assert found.layers["hidden"].damage[n] == pytest.approx(change, abs=1e-12)
    assert np.ptp(found.layers["hidden"].damage) > 0


def test_few_samples_are_spread_over_all(digits, monkeypatch):
    simulator, train, test = digits
    module = "infosim.analysis.neurons.examination"
    monkeypatch.setattr(f"{module}.MOST_SAMPLES", 100)
    monkeypatch.setattr(f"{module}.MOST_LESIONED", 8 * 40)
    monkeypatch.setattr(f"{module}.FEWEST_LESIONED", 10)
    found = examine(simulator, test, train=train)
    assert (found.samples, found.trained, found.lesioned) == (100, 100, 40)
    assert found.counts.sum() == 100


def test_explained_is_what_numpy_says(digits):
    simulator, _, test = digits
    n = 5
    found = simulator.explain("hidden", n, test, image_shape=(8, 8))
    inputs = {"image": test.arrays["image"][test.index].T}
    shift, scale = test.scaling["image"]
    theta = []
    for first in range(0, len(test), 1024):
        shown = {"image": (inputs["image"][:, first : first + 1024] - shift) * scale}
        epoch, place = 3, first // 1024
        simulator.present(shown, stream=8 * epoch + Purpose.TEST, batch=place)
        simulator.run()
        theta.append(np.array(simulator["hidden"].probabilities))
    theta = np.concatenate(theta, axis=1).astype(float)
    labels = test.labels("label")
    assert found.firing == pytest.approx(theta[n].mean(), rel=1e-5)
    for c in range(10):
        assert found.by_class[c] == pytest.approx(theta[n, labels == c].mean(), rel=1e-5)
    pmf = joint(theta[[n]], labels, 10)
    assert found.information == pytest.approx(naive.mutual_information(pmf), abs=1e-6)
    assert next(iter(found.similar)) == np.argsort(-abs(np.corrcoef(theta)[n]))[1]
    assert found.damage == pytest.approx(
        examine(simulator, test, epoch=3).layers["hidden"].damage[n]
    )
    assert found.gains.keys() == found.atoms.keys() == found.gammas.keys()
    for a, gain in found.gains.items():
        assert gain == found.gammas[a] * found.atoms[a]
    np.testing.assert_array_equal(found.fields["F"], simulator["hidden"]["F"].weights[n])
    text = str(found)
    assert text.startswith("hidden 5")
    assert text.count("\n") < 9
    html = found._repr_html_()
    assert "data:image/png" in html
    assert len(html) < 50_000


def test_replicas_are_explained_as_each_alone(digits):
    simulator, train, test = digits
    both = Simulator(simulator.network, seed=[0, 1], threads=1)
    both.fit(train, 3, batch=288)
    alone = simulator.explain("hidden", 2, test)
    first, second = both.explain("hidden", 2, test)
    assert first.information == alone.information
    assert first.damage == alone.damage
    assert first.atoms == alone.atoms
    assert second.information != alone.information
    found = examine(both, test, train=train, epoch=3)
    assert (
        found[0].layers["hidden"].probe
        == examine(simulator, test, train=train, epoch=3).layers["hidden"].probe
    )


def layer(name, size, source, **options):
    options = {"goal": "{F}{C} + 0.1 {F}", **options}
    compartments = [Compartment("F", source), Compartment("C", "label", weight=1, trainable=False)]
    return Layer(name, size, compartments, Activation("bivariate"), **options)


def samples(n=60, units=4, classes=2):
    x = rng.normal(size=(n, units))
    return {"image": x, "label": np.arange(n) % classes}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_two_classes_groups_and_constant_inputs(dtype):
    groups = [Group("big", 3), Group("small", 2, "{F} - {C}")]
    hidden = layer("hidden", 5, "image", groups=groups)
    network = Network(
        {"image": 4, "label": 2}, [hidden, layer("output", 2, "hidden")], readout="output",
        target="label",
    )  # fmt: skip
    simulator = Simulator(network, dtype=dtype, threads=1)
    simulator.fit(samples(), 1, batch=30)
    given = samples()
    whole = simulator.explain("hidden", 4, given)
    part = simulator.explain("hidden/small", 1, given)
    assert part.neuron == 1
    assert part.size == 2
    assert part.atoms == whole.atoms
    assert part.gammas["{C}"] == -1
    assert set(whole.similar) <= set(range(5))
    constant = {"image": np.zeros((6, 4)), "label": np.array([0, 1] * 3)}
    found = simulator.explain("hidden", 0, constant)
    assert found.information == pytest.approx(0, abs=1e-6)
    single = {"image": np.ones((1, 4)), "label": np.array([1])}
    assert simulator.explain("output", 1, single, batch=1).damage is None
    for bad in ("hiden", "hidden/large", 3, None):
        with pytest.raises(ConfigError, match="no layer"):
            simulator.explain(bad, 0, samples())
    for bad in (5, -1, 1.5, True, "1"):
        with pytest.raises(ConfigError, match="the neuron of 'hidden' must be an integer"):
            simulator.explain("hidden", bad, samples())
    for bad in (np.zeros(3, int), np.full(60, -1), np.zeros(60), "labels", [[1], [2, 3]]):
        with pytest.raises(DataError, match="labels must be 60 integers"):
            simulator.explain("hidden", 0, samples(), bad)
    with pytest.raises(ShapeError, match="image_shape must be"):
        simulator.explain("hidden", 0, samples(), image_shape=(1, 2, 3, 4))
    assert "<img" not in simulator.explain("hidden", 0, samples(), image_shape=(3, 3))._repr_html_()
    with pytest.raises(ConfigError, match="batch must be"):
        simulator.explain("hidden", 0, samples(), batch=0)


def test_networks_without_readout_are_told_labels():
    network = Network({"image": 4, "label": 2}, [layer("hidden", 3, "image")])
    simulator = Simulator(network, threads=1)
    given = {"image": samples()["image"], "label": np.arange(60) % 2}
    labels = (given["image"][:, 0] > 0).astype(int)
    without = examine(simulator, given)
    assert without.counts is without.error is without.layers["hidden"].information is None
    found = examine(simulator, given, labels, train=given, train_labels=labels)
    assert found.counts.tolist() == np.bincount(labels).tolist()
    assert found.layers["hidden"].probe < 0.5
    assert found.error is None
    with pytest.raises(DataError, match="both test and training"):
        examine(simulator, given, labels, train=given)


def test_backprop_and_binary_outputs():
    hidden = Layer(
        "hidden", 4, [Compartment("F", "image")], Activation("sum"), goal=None, outputs="binary"
    )
    output = Layer("output", 2, [Compartment("F", "hidden")], Activation("sum"))
    network = Network(
        {"image": 4, "label": 2}, [hidden, output], readout="output", target="label",
        rule=Backprop(),
    )  # fmt: skip
    simulator = Simulator(network, threads=1)
    simulator.fit(samples(), 1, batch=30)
    found = simulator.explain("hidden", 1, samples())
    assert found.atoms == found.gammas == {}
    assert found.damage is not None
    assert found._repr_html_()


def test_an_examination_of_sequences():
    recurrent = Compartment("L", "hidden", delay=1)
    hidden = Layer(
        "hidden", 3, [Compartment("F", "row"), recurrent], Activation("bivariate"),
        goal="{F}{L}",
    )  # fmt: skip
    simulator = Simulator(Network({"row": 2}, [hidden], steps=3), threads=1)
    found = examine(simulator, {"row": rng.normal(size=(20, 3, 2))})
    assert isinstance(found.layers["hidden"], Neurons)
    assert found.layers["hidden"].firing.shape == (3,)


def test_on_both_backends(kernels):
    network = Network(
        {"image": 4, "label": 2}, [layer("hidden", 3, "image"), layer("output", 2, "hidden")],
        readout="output", target="label",
    )  # fmt: skip
    given = samples(8)
    found, expected = (
        examine(Simulator(network, backend, threads=1), given, train=given)
        for backend in (kernels, "cpu")
    )
    for name, neurons in found.layers.items():
        other = expected.layers[name]
        for value in ("firing", "noise", "about", "similarity"):
            np.testing.assert_allclose(
                getattr(neurons, value), getattr(other, value), rtol=1e-3, atol=1e-5
            )
        assert neurons.probe == other.probe
    np.testing.assert_array_equal(found.layers["hidden"].damage, expected.layers["hidden"].damage)


def test_a_readout_of_two_classes_is_no_copy():
    theta = np.array([[0.1, 0.9] * 10, [0.9, 0.1] * 10])
    found = statistics(theta, np.array([0, 1] * 10), 2)
    assert [kind for kind, _ in names(found)[0]] == ["copy", "class"]
    assert [kind for kind, _ in names(found, readout=True)[0]] == ["class"]
