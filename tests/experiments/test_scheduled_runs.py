"""Schedules in settings, and what a run leaves of them."""

import csv
import warnings

import numpy as np
import pytest
from torture import same_results

import infosim
from infosim.errors import CheckpointError, ConfigError, InfosimWarning
from infosim.experiments import Experiment, optimize, run
from infosim.experiments.sweep import Sweep, run_sweep
from infosim.pid import Goal
from infosim.schedule import Schedule

HIDDEN = "layers.hidden"
SMALL = [
    f"{HIDDEN}.size=8", f"{HIDDEN}.goal='{{F}}{{C}}'", "training.epochs=4", "training.batch=400",
]  # fmt: skip
SCHEDULES = [
    f"{HIDDEN}.optimizer.rate={{ from = 0.02, to = 0.002, until = 3, shape = 'exponential' }}",
    f"{HIDDEN}.optimizer.weight_decay={{ from = 0.001, to = 0, until = 6, per = 'update' }}",
    f"{HIDDEN}.goal={{ '{{F}}{{C}}' = {{ from = 0, to = 1, until = 2 }}, '{{F}}' = -0.1 }}",
    f"{HIDDEN}.binning.bins=[20, {{ points = [[0, 20], [1, 20], [3, 6]] }}, 20]",
    "layers.output.goal={ from = '{F}{C}', to = '{F}', until = 2 }",
]


def plainly(experiment, out, **options):
    run.train_together([experiment], [out], summary=False, **options)
    return out


@pytest.fixture(scope="module")
def experiment():
    return Experiment.load("demo/digits", [*SMALL, *SCHEDULES])


@pytest.fixture(scope="module")
def finished(experiment, tmp_path_factory):
    return plainly(experiment, tmp_path_factory.mktemp("finished") / "run")


def test_settings_have_one_form(experiment):
    hidden = experiment.config["layers"]["hidden"]
    decay = {"points": [[0, 0.001], [6, 0]], "shape": "linear", "per": "update"}
    assert hidden["optimizer"]["weight_decay"] == decay
    assert hidden["goal"]["{F}{C}"]["points"] == [[0, 0.0], [2, 1.0]]
    in_python = [
        (f"{HIDDEN}.optimizer.rate", Schedule.between(0.02, 0.002, 3, "exponential")),
        (f"{HIDDEN}.optimizer.weight_decay", decay),
        (f"{HIDDEN}.goal", {"{F}": np.float64(-0.1), "{C}{F}": Schedule([(0, 0), (2, 1)])}),
    ]
    again = Experiment.load("demo/digits", [*SMALL, *in_python, *SCHEDULES[3:]])
    assert again.config == experiment.config
    assert again.key == experiment.key
    without = Experiment.load("demo/digits", [*SMALL, *SCHEDULES[1:]])
    assert without.key != experiment.key


def test_a_schedule_in_other_words_takes_the_place_of_the_one_before(finished):
    """In the same words they are laid over each other key by key, as all tables are."""
    changes = {
        "optimizer.rate": {"from": 0.1, "to": 0.2, "until": 7},
        "optimizer.weight_decay": {"shape": "cosine"},
        "goal": {"from": "{F}", "to": "{L}", "until": 3},
    }
    pairs = [(f"{HIDDEN}.{key}", value) for key, value in changes.items()]
    hidden = Experiment.load(str(finished / "config.toml"), pairs).config["layers"]["hidden"]
    assert hidden["optimizer"]["rate"]["points"] == [[0, 0.1], [7, 0.2]]
    assert hidden["optimizer"]["rate"]["shape"] == "linear"
    assert hidden["optimizer"]["weight_decay"]["points"] == [[0, 0.001], [6, 0]]
    assert hidden["optimizer"]["weight_decay"]["shape"] == "cosine"
    assert hidden["goal"]["points"] == [[0, "{F}"], [3, "{L}"]]
    pairs = [(f"{HIDDEN}.goal", goal) for goal in (changes["goal"], {"{C}": 1.0})]
    over = Experiment.load("demo/digits", pairs)
    assert over.config["layers"]["hidden"]["goal"] == "{C}"


def test_metrics_say_what_was_in_force(finished):
    with open(finished / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[6:] == [
        "rate_hidden", "weight_decay_hidden", "bins_hidden/F", "bins_hidden/C", "bins_hidden/L",
        "gamma_hidden/{F}{C}", "gamma_output/{F}{C}", "gamma_output/{F}", "seconds",
    ]  # fmt: skip
    metrics = infosim.load_run(finished).metrics
    assert metrics["rate_hidden"] == pytest.approx(
        [0.02] * 2 + [0.02 * 0.1 ** (k / 3) for k in (1, 2, 3)]
    )
    np.testing.assert_allclose(  # three updates in an epoch
        metrics["weight_decay_hidden"], [1e-3, 1e-3 * 4 / 6, 1e-3 / 6, 0, 0], rtol=1e-12
    )
    assert metrics["bins_hidden/C"].tolist() == [20, 20, 20, 13, 6]
    assert metrics["bins_hidden/L"].tolist() == [20] * 5
    assert metrics["gamma_hidden/{F}{C}"].tolist() == [0, 0, 0.5, 1, 1]
    assert metrics["gamma_output/{F}"].tolist() == [0, 0, 0.5, 1, 1]
    found = infosim.load_run(finished)
    assert found.metrics["mean_goal_output"][3] == pytest.approx(
        (found.atoms["output"][3] @ Goal.parse("{F}", "FC").gamma).mean(), rel=1e-12
    )
    assert found.simulator()["output"].goal == Goal.parse("{F}", "FC")


def test_config_makes_the_same_run(experiment, finished, tmp_path):
    again = Experiment.load(str(finished / "config.toml"))
    assert again.config == experiment.config
    same_results(plainly(again, tmp_path / "run", threads=2), finished)


def test_resumed_in_between(experiment, finished, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "CHECKPOINT_SECONDS", 0)

    def stop(training, epochs):
        if (training.epoch, training.position) == (3, 2):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        plainly(experiment, tmp_path / "run", report=stop)
    same_results(plainly(experiment, tmp_path / "run", resume=True), finished)


def test_other_schedules_are_another_configuration(finished):
    other = Experiment.load("demo/digits", [*SMALL, *SCHEDULES, f"{HIDDEN}.optimizer.rate.until=9"])
    with pytest.raises(CheckpointError, match=r"layers\.hidden\.optimizer\.rate\.points was"):
        plainly(other, finished, resume=True)


def test_a_goal_set_by_hand_goes_on_and_is_told(tmp_path):
    """By what is called after every batch, as nothing else has a run's simulator."""
    experiment = Experiment.load("demo/digits", SMALL)

    def aim(training, epochs):
        if training.epoch == 2 and training.position == 0:
            training.simulator["hidden"].goal = "{F}{C} - 0.5 {L}"

    whole = plainly(experiment, tmp_path / "whole", report=aim)
    shorter = Experiment.load("demo/digits", [*SMALL, "training.epochs=2"])
    part = plainly(shorter, tmp_path / "part", report=aim)
    with pytest.warns(InfosimWarning) as told:
        plainly(experiment, part, resume=True)
    assert [str(one.message) for one in told] == [
        f"{part} goes on with the goal of layer 'hidden' that was set by hand, "
        "{F}{C} - 0.5 {L}, not with that of its config.toml"
    ]
    same_results(part, whole)
    gammas = infosim.load_run(whole).metrics["gamma_hidden/{L}"]
    assert gammas.tolist() == [0, 0, -0.5, -0.5, -0.5]
    other = plainly(experiment, tmp_path / "other")
    assert "gamma_hidden/{L}" not in infosim.load_run(other).metrics


def test_runs_of_a_sweep_differ_in_schedules_side_by_side(tmp_path):
    (tmp_path / "sweep.toml").write_text(
        'preset = "demo/digits"\nseeds = 1\n[set]\nlayers.hidden.size = 5\n'
        "training.epochs = 2\ntraining.batch = 600\n[grid]\nlayers.hidden.optimizer.rate = "
        "[0.01, { from = 0.02, to = 0.01, until = 1 }]\nlayers.hidden.goal = "
        "['{F}{C}', { from = '{F}', to = '{F}{C}', until = 2 }, {'{F}{C}' = 1.0, '{L}' = "
        "{ from = 0, to = -1, until = 1 }}]\n"
    )
    sweep = Sweep.load(tmp_path / "sweep.toml")
    for name, options in (("alone", {}), ("together", {"stack": 6})):
        run_sweep(sweep, tmp_path / name, **options)
    alone, together = (infosim.load_sweep(tmp_path / name) for name in ("alone", "together"))
    assert len(alone) == len(together) == 6
    for key in alone.columns["key"]:
        one, other = alone.run(key), together.run(key)
        assert one.environment["replicas"] < other.environment["replicas"] == 6
        assert one.metrics.keys() == other.metrics.keys()
        for name in set(one.metrics) - {"seconds"}:
            np.testing.assert_array_equal(one.metrics[name], other.metrics[name], err_msg=name)


def test_a_search_is_for_a_goal_that_does_not_change(experiment, tmp_path):
    pytest.importorskip("optuna")
    with pytest.raises(ConfigError, match="goal of layer 'hidden' changes over training; a search"):
        optimize.optimize(experiment, tmp_path / "study", trials=1)
    assert not (tmp_path / "study").exists()


def test_no_warning_without_a_goal_set_by_hand(experiment, finished, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error", InfosimWarning)
        plainly(experiment, finished, resume=True)
