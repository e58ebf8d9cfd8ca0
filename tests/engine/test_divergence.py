"""What leaves the finite numbers is stopped and told; what would lead there is refused."""

import csv

import numpy as np
import pytest

from infosim.cli import main
from infosim.engine import Samples, Simulator
from infosim.errors import ConfigError, DataError, DivergedError
from infosim.experiments import Experiment, train
from infosim.experiments.sweep import Sweep, run_sweep
from infosim.network import SGD, Compartment, Layer, Network
from infosim.neuron import Activation

DIVERGES = [
    ("layers.hidden.optimizer", {"name": "sgd", "rate": 1e6, "weight_decay": 10.0}),
    ("layers.hidden.size", 8),
    ("training.epochs", 8),
]


def small(dtype="float32", **options):
    layer = Layer("h", 3, [Compartment("F", "x")], Activation("sum"), goal="{F}", **options)
    return Simulator(Network({"x": 2}, [layer]), dtype=dtype, threads=1)


def x(n=50):
    return np.random.default_rng(0).normal(size=(n, 2))


def test_training_that_diverges_stops_with_the_epoch_the_layer_and_the_likely_cause():
    net = small(optimizer=SGD(rate=1e6, weight_decay=10.0))
    with pytest.raises(DivergedError) as stop:
        net.fit({"x": x()}, 20, batch=10)
    assert "training diverged in epoch" in str(stop.value)
    assert "of layer 'h' are no longer finite; a smaller optimizer rate (it is 1e+06)" in str(
        stop.value
    )
    assert len(net.histories[0]) < 20


def test_the_command_says_it_in_one_line_and_keeps_the_last_good_checkpoint(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("infosim.experiments.run.CHECKPOINT_SECONDS", 0)
    rate = "layers.hidden.optimizer={name='sgd', rate=1e6, weight_decay=10.0}"
    arguments = ["train", "demo/digits", "--set", rate, "--out", str(tmp_path / "run"), "-q"]
    with pytest.raises(SystemExit) as stop:
        main([*arguments, "--epochs", "30"])
    said = capsys.readouterr().err
    assert stop.value.code == 2
    assert said.count("\n") == 1
    assert "training diverged in epoch" in said
    assert not (tmp_path / "run" / "result.json").exists()
    weights = tmp_path / "run" / "weights.npz"
    with np.load(weights) as stored:
        assert all(np.isfinite(stored[name]).all() for name in stored.files)
    rows = list(csv.DictReader((tmp_path / "run" / "metrics.csv").read_text().splitlines()))
    assert np.isfinite([float(row["test_error"]) for row in rows]).all()
    with pytest.raises(SystemExit):  # and does so again from there
        main([*arguments, "--epochs", "30", "--resume"])
    assert "training diverged in epoch" in capsys.readouterr().err


def test_a_sweep_lists_it_as_failed_and_goes_on(tmp_path):
    file = tmp_path / "some.toml"
    file.write_text(
        'preset = "demo/digits"\n[set]\ntraining.epochs = 8\nlayers.hidden.size = 8\n'
        '[[runs]]\n[[runs]]\nlayers.hidden.optimizer = { name = "sgd", rate = 1e6, '
        "weight_decay = 10.0 }\n"
    )
    found = run_sweep(Sweep.load(file), tmp_path / "out")
    assert len(found.done) == 1
    (reason,) = found.failed.values()
    assert "training diverged in epoch" in reason


@pytest.mark.parametrize("goal", ["1e39 {F}{C}", "{F} - 1e300 H"])
def test_goals_beyond_the_precision_are_refused(goal, tmp_path):
    experiment = Experiment.load("demo/digits", [("layers.hidden.goal", goal)])
    with pytest.raises(ConfigError, match=r"'hidden': goal parameter .* is more than float32"):
        train(experiment, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_so_are_parameters_of_activations(tmp_path):
    experiment = Experiment.load("demo/digits", [("layers.hidden.activation.beta", [1e39, 2.0])])
    with pytest.raises(ConfigError, match=r"1e\+39 is more than float32 can hold"):
        train(experiment, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39])
def test_what_is_not_finite_cannot_be_presented(kernels, value):
    net = Simulator(small().network, kernels, threads=1)
    before = {name: np.array(array) for name, array in net.arrays().items()}
    one = x(6).T.copy()
    one[1, 4] = value
    with pytest.raises(DataError, match=r"'x' holds \S+ at \[1, 4\]; values must be finite"):
        net.present({"x": one}, learn=True)
    assert len(net.events) == 0
    for name, array in net.arrays().items():
        np.testing.assert_array_equal(array, before[name])


def test_more_than_the_precision_holds_is_refused_before_training():
    far = x().astype(np.float64)
    far[3, 1] = -1e200
    with pytest.raises(DataError, match=r"input 'x' holds -1e\+200, which float32 cannot hold"):
        small().fit({"x": far}, 1, batch=10)
    small("float64").fit({"x": x() * 1e100}, 0, batch=10)
    with pytest.raises(DataError, match="which float32 cannot hold after scaling by 1e"):
        small().fit(Samples({"x": x()}, {"x": (0.0, 1e39)}), 1, batch=10)
    for pair in ((0.0, np.inf), (np.nan, 1.0), (1.0,)):
        with pytest.raises(DataError, match="scaling of 'x' must be two finite numbers"):
            Samples({"x": x()}, {"x": pair})


def test_large_numbers_keep_their_digits_until_they_are_shifted():
    """Seconds since 1970: float32 holds them to two minutes."""
    seconds = 1.7e9 + np.arange(8.0).reshape(-1, 1) * [1, -2]
    for values in (seconds, seconds.astype(np.int64)):
        samples = Samples({"x": values}, {"x": (1.7e9, 0.5)})
        inputs, _ = small().batch(samples, np.arange(8))
        np.testing.assert_array_equal(inputs["x"][0].T, 0.5 * (seconds - 1.7e9))


def test_a_search_tells_that_its_start_diverges_and_goes_on_after_other_trials(
    tmp_path, monkeypatch
):
    pytest.importorskip("optuna")
    from infosim.experiments.optimize import optimize

    with pytest.raises(DivergedError, match="the goal the search begins with: training diverged"):
        optimize(Experiment.load("demo/digits", DIVERGES), tmp_path / "one", trials=2)

    def diverged(training, seen=[]):  # noqa: B006 - one list for all trials
        seen.append(training)
        if len(seen) > 4:  # the first trial's epochs
            raise DivergedError("training diverged")

    monkeypatch.setattr("infosim.engine.training.Training.check", diverged)
    experiment = Experiment.load("demo/digits", [*DIVERGES[1:], ("training.epochs", 3)])
    found = optimize(experiment, tmp_path / "other", trials=3)
    assert (found.complete, found.pruned, found.failed) == (1, 2, 0)
