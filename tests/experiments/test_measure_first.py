"""Runs that learn at once: epoch 0 is not measured, and all else is as if it were."""

import signal

import numpy as np
import pytest
from command_lines import told

import infosim
from infosim.engine import Simulator, Training
from infosim.errors import ConfigError
from infosim.experiments import Experiment, Interrupted, picture, rehearsal, train

SETTINGS = [
    "data.options.units=10", "data.options.patterns=4", "layers.memory.size=10",
    "training.batch=4", "training.epochs=8", "training.evaluate_every=4",
    "training.record_epochs=4", "training.shuffle=false",
]  # fmt: skip


def memory(first, *more):
    given = [*SETTINGS, f"training.measure_first={str(first).lower()}", *more]
    return Experiment.load("pnas/memory-heuristic", given)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The same run, measured before learning and not."""
    folder = tmp_path_factory.mktemp("runs")
    return [
        infosim.load_run(train(memory(one), folder / str(one), threads=1)) for one in (True, False)
    ]


def test_all_but_epoch_0_is_the_same(runs):
    measured, at_once = runs
    assert measured.weights.keys() == at_once.weights.keys()
    for name, array in measured.weights.items():
        np.testing.assert_array_equal(at_once.weights[name], array)
    assert measured.history.recorded("memory") == [0, 4, 8]
    assert at_once.history.recorded("memory") == [4, 8]
    np.testing.assert_array_equal(at_once.atoms["memory"], measured.atoms["memory"][1:])
    for name, values in measured.metrics.items():
        if name not in ("epoch", "seconds"):
            assert np.isnan(at_once.metrics[name][0])
            np.testing.assert_array_equal(at_once.metrics[name][1:], values[1:], err_msg=name)
    assert np.isfinite(measured.metrics["val_error"][0] + measured.metrics["mean_goal_memory"][0])
    assert at_once.metrics["seconds"][0] == 0


def test_it_is_drawn_and_told(runs):
    for one in runs:
        picture.draw(one)
        code, said = told("report", one.path)
        assert code == 0, said
    code, said = told("report", *(one.path for one in runs), "--out", runs[0].path / "both.html")
    assert code == 0, said


def test_it_is_resumed_to_the_same_bits(runs, tmp_path):
    for stop in (1, 3, 6):  # two of them before anything was recorded
        out = tmp_path / str(stop)

        def stops(training, epochs, stop=stop):
            if (training.epoch, training.position) == (stop, 0):
                signal.raise_signal(signal.SIGINT)

        with pytest.raises(Interrupted):
            train(memory(False), out, threads=1, report=stops)
        found = infosim.load_run(out)
        assert ("memory" in found.atoms) == (stop > 4)
        assert told("report", out)[0] == 0
        train(memory(False), out, threads=1, resume=True)
        found = infosim.load_run(out)
        for name, array in runs[1].weights.items():
            np.testing.assert_array_equal(found.weights[name], array)
        np.testing.assert_array_equal(found.atoms["memory"], runs[1].atoms["memory"])


def test_a_run_from_before_there_was_the_setting_goes_on(tmp_path):
    short = memory(True, "training.epochs=4")
    train(short, tmp_path / "run", threads=1)
    path = tmp_path / "run" / "config.toml"
    lines = path.read_text().splitlines(keepends=True)
    kept = [line for line in lines if "measure_first" not in line]
    assert len(kept) == len(lines) - 1
    path.write_text("".join(kept))
    train(memory(True), tmp_path / "run", threads=1, resume=True)
    assert infosim.load_run(tmp_path / "run").history.recorded("memory") == [0, 4, 8]
    assert memory(True).key == Experiment.load("pnas/memory-heuristic", SETTINGS).key
    assert memory(False).key != memory(True).key


def test_a_dry_run_knows_of_it(tmp_path):
    epochs = [
        rehearsal.rehearse(memory(one), tmp_path / "run", threads=1).times.epochs
        for one in (True, False)
    ]
    assert epochs == [9, 8]


def test_with_labels_and_several_batches():
    from infosim.network import Adam, Compartment, Layer, Network
    from infosim.neuron import Activation

    compartments = [Compartment("F", "x"), Compartment("C", "label", weight=1.0, trainable=False)]
    layer = Layer(
        "out", 3, compartments, Activation("bivariate"), goal="{F}{C}", optimizer=Adam(0.05)
    )
    network = Network({"x": 4, "label": 3}, [layer], readout="out", target="label")
    rng = np.random.default_rng(0)
    data = {"x": rng.normal(size=(50, 4)), "label": rng.integers(0, 3, 50)}
    found = []
    for first in (True, False):
        simulator = Simulator(network, seed=[1, 2], threads=1)
        simulator.fit(data, 3, batch=16, validation=data, measure_first=first)
        found.append(simulator)
    one, other = found
    np.testing.assert_array_equal(one["out"]["F"].weights, other["out"]["F"].weights)
    for mine, theirs in zip(one.histories, other.histories, strict=True):
        assert len(theirs) == 4
        assert np.isnan(
            [theirs.train_error[0], theirs.val_error[0], theirs.mean_goal["out"][0]]
        ).all()
        assert theirs.val_error[1:] == mine.val_error[1:]
        assert theirs.mean_goal["out"][1:] == mine.mean_goal["out"][1:]
        assert "nan" not in theirs._repr_html_()
    other.fit(data, 1, batch=16, measure_first=False)
    assert len(other.histories[0]) == 5


@pytest.mark.parametrize("value", [0, 1, "no", None, 2.5])
def test_what_is_no_answer_is_told(value):
    with pytest.raises(ConfigError, match="measure_first must be true or false"):
        Training(*prepared(), batch=4, measure_first=value)


def prepared():
    experiment = memory(True)
    dataset = experiment.dataset()
    samples, *_ = experiment.samples(dataset)
    return Simulator(experiment.network(dataset), threads=1), samples


def test_nothing_would_be_measured():
    with pytest.raises(ConfigError, match=r"measure_first must be true where training.epochs is 0"):
        memory(False, "training.epochs=0")
    with pytest.raises(ConfigError, match="measure_first"):
        Experiment.load("pnas/memory-heuristic", ["training.measure_first=maybe"])
