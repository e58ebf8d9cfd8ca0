"""Settings of time: steps to learn at, carried outputs, rows of images in sequence; their runs."""

import signal

import numpy as np
import pytest

import infosim
from infosim.experiments import Experiment, directory, run, train
from infosim.experiments.stopping import Interrupted

FILE = """
title = "What was shown two steps ago"
data = { name = "echo", options = { train = 720, test = 240, ago = 2, length = 4 } }
training = { epochs = 6, batch = 48, seed = 1 }

[network]
inputs = { symbol = "rows", label = "labels" }
steps = 4

[layers.output]
size = 4
activation = { name = "feedforward" }
goal = "{F}{C}"
optimizer = { name = "adam", rate = 0.1 }

[layers.output.compartments]
F = { source = "symbol", delay = 2 }
C = { source = "label", connectivity = "one-to-one", weight = 1, trainable = false, bias = false }
"""
CARRIED = [
    "layers.output.compartments.F.delay=0",
    "layers.output.compartments.L={source='output', delay=3}",
    "layers.output.goal='{F}{C} - {L}'", "layers.output.activation={name='sum'}",
    "network.learn_at=[1, -1]", "network.carry=true", "training.shuffle=false",
    "training.epochs=3",
]  # fmt: skip


@pytest.fixture
def file(tmp_path):
    (tmp_path / "echo.toml").write_text(FILE)
    return tmp_path / "echo.toml"


@pytest.mark.parametrize(("delay", "low", "high"), [(2, 0, 0.02), (1, 0.5, 1)])
def test_a_symbol_of_two_steps_ago_is_told_by_a_delay_of_two(file, tmp_path, delay, low, high):
    experiment = Experiment.load(file, [f"layers.output.compartments.F.delay={delay}"])
    out = train(experiment, tmp_path / "run")
    assert low <= infosim.load_run(out).metrics["test_error"][-1] <= high


def test_images_are_presented_row_by_row():
    more = ["network.inputs.image=rows", "network.steps=8", "layers.hidden.size=5"]
    experiment = Experiment.load("demo/digits", more)
    data = infosim.load("digits")
    network = experiment.network(data)
    assert (network.size("image"), network.steps) == (8, 8)
    samples = experiment.samples(data)[0]
    simulator = infosim.Simulator(network, threads=1)
    inputs, _ = simulator.batch(samples, np.arange(3))
    rows = (data.train_x[samples.index[:3]].reshape(3, 8, 8) - data.mean) / data.std
    np.testing.assert_allclose(inputs["image"][:, 0], rows.transpose(1, 2, 0), rtol=2e-6)


def test_planes_of_colour_are_no_rows(cifar_like):
    more = ["network.inputs.image=rows", "network.steps=3"]
    with pytest.raises(infosim.ConfigError, match=r"images of colours are \(3, 4, 4\), not rows"):
        Experiment.load("demo/digits", more).network(cifar_like)


@pytest.fixture
def cifar_like():
    x, y = np.zeros((5, 48), np.uint8), np.arange(5)
    return infosim.Dataset("colours", x, y, x, y, 5, (3, 4, 4), "")


def test_samples_that_keep_their_order_are_held_out_at_the_end():
    more = ["training.shuffle=false", "data.validation=0.25"]
    train_samples, validation, _ = Experiment.load("demo/digits", more).samples(
        infosim.load("digits")
    )
    order = np.concatenate([train_samples.index, validation.index])
    np.testing.assert_array_equal(order, np.arange(len(order)))
    assert len(validation) == -(-len(order) // 4)


def test_a_key_is_as_it_was_where_time_is_as_it_was():
    one = Experiment.load("iclr/trivariate-optimized", ["network.inversion=batch"])
    assert one.key == "280682f19a48b667"
    same = ["network.learn_at=last", "network.carry=false", "training.shuffle=true"]
    assert Experiment.load("iclr/trivariate-optimized", [*same, "network.inversion=batch"]).key == (
        one.key
    )
    others = ("network.learn_at=every", "network.learn_at=[0]", "network.carry=true",
              "training.shuffle=false", "layers.hidden.compartments.L.delay=2")  # fmt: skip
    keys = {Experiment.load("iclr/trivariate-optimized", [other]).key for other in others}
    assert len(keys) == len(others)


def test_a_run_that_carries_is_stopped_within_an_epoch_and_continued(file, tmp_path):
    """Two of them, side by side, to the bits of each alone."""
    experiments = [
        Experiment.load(file, [*CARRIED, f"layers.output.optimizer.rate={rate}"])
        for rate in (0.1, 0.02)
    ]
    expected = [
        infosim.load_run(train(one, tmp_path / f"{i}")) for i, one in enumerate(experiments)
    ]
    outs = [tmp_path / "a", tmp_path / "b"]

    def stop(training, epochs):
        if (training.epoch, training.position) == (2, 4):
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(Interrupted):
        run.train_together(experiments, outs, summary=False, report=stop)
    state = directory.read_state(outs[1])[1]
    assert tuple(state["progress"][:2]) == (2, 4)
    assert state["carried/output"].shape == (3, 4, 48)
    run.train_together(experiments, outs, summary=False, resume=True)
    for out, one in zip(outs, expected, strict=True):
        found = infosim.load_run(out)
        for name, array in one.weights.items():
            np.testing.assert_array_equal(found.weights[name], array, err_msg=name)
        assert list(found.metrics["test_error"]) == list(one.metrics["test_error"])
    assert (
        expected[0].weights["output/L/weights"] != expected[1].weights["output/L/weights"]
    ).all()
