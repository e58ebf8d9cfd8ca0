"""The search for goals: what it looks at, what it writes, and that nothing is lost."""

import csv
import dataclasses
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest

from infosim import datasets
from infosim.engine import Simulator, Training
from infosim.errors import BackendError, CheckpointError, ConfigError
from infosim.experiments import Experiment, Interrupted, search, searched, train
from infosim.experiments.optimize import optimize
from infosim.machine.randomness import Purpose
from infosim.pid import Goal

optuna = pytest.importorskip("optuna", reason="needs Optuna: pip install 'infosim[optimize]'")

SETTINGS = (
    "layers.hidden.size=5",
    "layers.hidden.optimizer.rate=0.05",
    "layers.output.optimizer.rate=0.05",
    "training.batch=50",
    "training.epochs=2",
)
LABELS = Goal.named("iclr/trivariate-heuristic").labels


@pytest.fixture(scope="module")
def experiment():
    return Experiment.load("demo/digits", SETTINGS)


@pytest.fixture(scope="module")
def finished(experiment, tmp_path_factory):
    """An undisturbed search of six trials, and what it returned."""
    out = tmp_path_factory.mktemp("finished") / "study"
    return out, optimize(experiment, out, trials=6)


@pytest.fixture(autouse=True)
def no_picture(request, monkeypatch):
    """Drawing takes longer than all the rest: only where it is what is tested."""
    if "finished" not in request.fixturenames:
        monkeypatch.setattr(searched.Results, "draw", lambda self, ranked: _Blank())


class _Blank:
    def savefig(self, file, **options):
        file.write(b"")


def rows(out):
    with open(out / "trials.csv", newline="") as file:
        return list(csv.DictReader(file))


def gammas(row):
    return [float(row[label]) for label in LABELS]


def states(out):
    return [row["state"] for row in rows(out)]


def process(out, *options, before=""):
    """Start a search in a process of its own."""
    code = (
        "import os, signal, sys, time\n"
        "from infosim.experiments import Experiment, optimize, search\n"
        f"{before}\n"
        f"experiment = Experiment.load('demo/digits', {SETTINGS!r})\n"
        f"optimize.optimize(experiment, {str(out)!r}, {', '.join(options)})\n"
    )
    return subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)


# -- what is searched ------------------------------------------------------------------------------


def test_the_best_trial_is_returned_and_written(finished):
    out, found = finished
    assert sorted(path.name for path in out.iterdir()) == [
        ".lock", "best.toml", "search.png", "study.db", "trials.csv",
    ]  # fmt: skip
    table = rows(out)
    assert list(table[0]) == ["number", "state", "value", "epochs", *LABELS]
    assert [row["number"] for row in table] == [str(i) for i in range(6)]
    complete = [row for row in table if row["state"] == "complete"]
    assert found.complete == len(complete) == 6 - found.pruned
    best = min(complete, key=lambda row: float(row["value"]))
    assert (found.trial, found.value) == (int(best["number"]), float(best["value"]))
    assert found.goal.gamma.tolist() == gammas(best)
    assert found.value <= found.start == float(table[0]["value"]) < 0.85
    assert (out / "search.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_gammas_of_every_trial_are_within_bounds(finished):
    values = np.array([gammas(row) for row in rows(finished[0])])
    assert values.shape == (6, 19)
    assert np.abs(values).max() <= 1
    assert len(np.unique(values[1:])) == 5 * 19


def test_the_first_trial_is_the_goal_of_the_experiment(experiment, finished):
    goal = Goal.of(experiment.config["layers"]["hidden"]["goal"], "FCL")
    assert gammas(rows(finished[0])[0]) == goal.gamma.tolist()


def test_a_goal_that_is_too_large_is_scaled_down(tmp_path):
    doubled = Experiment.load(
        "demo/digits", [*SETTINGS, "layers.hidden.goal='2 {F}{C} - 4 {F}{L} + H'"]
    )
    found = optimize(doubled, tmp_path, trials=1)
    assert str(found.goal) == "0.5 {F}{C} - {F}{L} + 0.25 H_res"


def test_best_toml_trains_to_the_value_that_was_found(experiment, finished, tmp_path):
    out, found = finished
    text = (out / "best.toml").read_text()
    assert text.startswith(f"# Trial {found.trial}, the best of {found.complete} complete and ")
    assert f"val_error {found.value:.6g} after epoch 2" in text
    assert tomllib.loads(text)["extends"] == "demo/digits"
    best = Experiment.load(str(out / "best.toml"))
    expected = {**experiment.config, "title": best.config["title"]}
    expected["layers"] = {
        **expected["layers"],
        "hidden": {**expected["layers"]["hidden"], "goal": str(found.goal)},
    }
    assert best.config == expected
    with open(train(best, tmp_path / "run") / "metrics.csv", newline="") as file:
        assert float(list(csv.DictReader(file))[-1]["val_error"]) == found.value


def test_best_toml_of_a_file_and_of_no_file(tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text("extends = 'demo/digits'\n[training]\nbatch = 50\nepochs = 7\n")
    activation = "layers.output.activation={name='sum'}"
    one = Experiment.load(str(mine), [*SETTINGS, activation])
    found = optimize(one, tmp_path / "a", trials=1, source=mine)
    assert tomllib.loads((tmp_path / "a" / "best.toml").read_text())["extends"] == str(mine)
    for out in ("a", "b"):
        best = Experiment.load(str(tmp_path / out / "best.toml"))
        assert best.key == one.key
        found = optimize(one, tmp_path / "b", trials=1)
    assert "extends" not in tomllib.loads((found.out / "best.toml").read_text())


def test_the_test_split_has_no_influence(experiment, finished, tmp_path, monkeypatch):
    """With other test samples, and other ones in number, every value of every trial is the same."""
    digits = datasets.load("digits")
    other = dataclasses.replace(
        digits, test_x=255 - digits.test_x[:7], test_y=(digits.test_y[:7] + 1) % 10
    )
    monkeypatch.setattr(Experiment, "dataset", lambda self: other)
    predict = Simulator.predict

    def only_validation(self, samples, **options):
        assert options["purpose"] == Purpose.VALIDATION
        return predict(self, samples, **options)

    monkeypatch.setattr(Simulator, "predict", only_validation)
    optimize(experiment, tmp_path, trials=6)
    assert rows(tmp_path) == rows(finished[0])


def test_validation_samples_decide(experiment, finished, tmp_path, monkeypatch):
    """The counterpart: other validation samples give other values."""
    samples = Experiment.samples

    def swapped(self, dataset):
        train, validation, test = samples(self, dataset)
        return train, validation.subset(np.arange(len(validation) // 2)), test

    monkeypatch.setattr(Experiment, "samples", swapped)
    optimize(experiment, tmp_path, trials=6)
    assert [row["value"] for row in rows(tmp_path)] != [row["value"] for row in rows(finished[0])]


def test_training_error_needs_no_validation(tmp_path):
    all_train = Experiment.load("demo/digits", [*SETTINGS, "data.validation=0"])
    found = optimize(all_train, tmp_path, trials=2, metric="train_error")
    assert 0 < found.value < 0.9
    with pytest.raises(ConfigError, match=r"data\.validation is 0: set it or use --metric train"):
        optimize(all_train, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_pruning_stops_trials_but_never_the_start(tmp_path):
    longer = Experiment.load("demo/digits", [*SETTINGS, "training.epochs=4"])
    found = optimize(longer, tmp_path / "pruned", trials=10)
    table = rows(tmp_path / "pruned")
    assert found.pruned > 0
    for row in table:
        assert (row["state"] == "pruned") == (int(row["epochs"]) < 4)
    assert table[0]["state"] == "complete"
    assert optimize(longer, tmp_path / "all", trials=8, prune=False).pruned == 0
    assert {row["epochs"] for row in rows(tmp_path / "all")} == {"4"}


def test_cmaes_searches_around_the_start(experiment, tmp_path):
    optimize(experiment, tmp_path, trials=5, sampler="cmaes")
    values = np.array([gammas(row) for row in rows(tmp_path)])
    distance = np.abs(values[1:] - values[0]).mean()
    assert 0.05 < distance < 0.45  # at random it is 0.67


@pytest.mark.parametrize(
    ("settings", "layer", "found"),
    [
        ((), None, "hidden"),
        ((), "output", "output"),
        (("layers.hidden.compartments.F.trainable=false",), None, "hidden"),
    ],
)
def test_layer(settings, layer, found):
    assert search.layer_of(Experiment.load("demo/digits", settings), layer) == found


def test_layer_that_cannot_be_searched():
    for preset in ("iclr/readout", "iclr/random-projection"):
        with pytest.raises(ConfigError, match="no layer but the readout learns"):
            search.layer_of(Experiment.load(preset), None)
    with pytest.raises(ConfigError, match="layer 'hidden' does not learn: it has no goal"):
        search.layer_of(Experiment.load("iclr/random-projection"), "hidden")
    with pytest.raises(ConfigError, match=r"network\.rule 'backprop' no layer learns by a goal"):
        search.layer_of(Experiment.load("iclr/backprop"), None)


def test_the_goal_of_the_readout_has_five_parameters(experiment, tmp_path):
    found = optimize(experiment, tmp_path, trials=2, layer="output")
    assert found.goal.labels == ("{F}{C}", "{F}", "{C}", "{FC}", "H_res")


# -- going on --------------------------------------------------------------------------------------


def test_resumed_search_is_the_undisturbed_one(experiment, finished, tmp_path):
    assert optimize(experiment, tmp_path, trials=2).complete == 2
    again = optimize(experiment, tmp_path, trials=6)
    assert rows(tmp_path) == rows(finished[0])
    assert again.goal == finished[1].goal


def test_when_its_minutes_are_over_a_search_ends_with_the_trial_under_way(
    experiment, finished, tmp_path
):
    for done in (1, 2):
        found = optimize(experiment, tmp_path, trials=6, minutes=1e-6)
        assert found.complete + found.pruned == done
    optimize(experiment, tmp_path, trials=6, minutes=60)
    assert rows(tmp_path) == rows(finished[0])


def test_another_seed_is_another_search(experiment, finished, tmp_path):
    optimize(experiment, tmp_path, trials=2, seed=1)
    assert gammas(rows(tmp_path)[1]) != gammas(rows(finished[0])[1])


def test_a_finished_search_only_makes_its_files_anew(experiment, finished, monkeypatch):
    out, found = finished
    before = {name: (out / name).read_bytes() for name in ("best.toml", "trials.csv")}
    for name in before:
        (out / name).unlink()
    monkeypatch.setattr(search.Search, "run", None)
    assert optimize(experiment, out, trials=6) == found
    assert {name: (out / name).read_bytes() for name in before} == before


def interrupt(monkeypatch, after):
    """Send this process SIGINT when it has trained on `after` batches."""
    advance, calls = Training.advance, []

    def counted(self, *given):
        calls.append(self)
        if len(calls) == after:
            signal.raise_signal(signal.SIGINT)
        advance(self, *given)

    monkeypatch.setattr(Training, "advance", counted)


def test_an_interrupted_trial_is_the_next_one(experiment, finished, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt(patch, after=100)
        with pytest.raises(Interrupted, match="stopped with 1 of 4 trials; to continue: the same"):
            optimize(experiment, tmp_path, trials=4)
    assert states(tmp_path) == ["complete", "failed"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert optimize(experiment, tmp_path, trials=4).failed == 1
    table, undisturbed = rows(tmp_path), rows(finished[0])
    assert states(tmp_path) == ["complete", "failed", *["complete"] * 3]
    assert gammas(table[2]) == gammas(table[1]) == gammas(undisturbed[1])
    assert table[2]["value"] == undisturbed[1]["value"]


def test_an_interrupted_start_is_tried_again(experiment, finished, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt(patch, after=10)
        with pytest.raises(Interrupted):
            optimize(experiment, tmp_path, trials=2)
    found = optimize(experiment, tmp_path, trials=2)
    assert found.start == finished[1].start
    assert [path.name for path in tmp_path.glob(".*")] == [".lock"]


KILL = """
run = search.Search.run
def killed(self, trial, arrived=()):
    if trial.number == {number}:
        for label in self.start.labels:
            trial.suggest_float(label, -1.0, 1.0)
        time.sleep(0.5)
        signal.raise_signal(signal.SIGKILL)
    return run(self, trial, arrived)
search.Search.run = killed
"""


def test_a_killed_trial_is_not_counted_and_tried_again(experiment, tmp_path, monkeypatch):
    from infosim.experiments import study

    killed = process(tmp_path, "trials=4", before=KILL.format(number=1))
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    monkeypatch.setattr(study, "BEAT", 1)
    monkeypatch.setattr(study, "GRACE", 1)
    time.sleep(2.5)
    found = optimize(experiment, tmp_path, trials=4)
    assert (found.complete + found.pruned, found.failed) == (4, 1)
    table = rows(tmp_path)
    assert table[1]["state"] == "failed"
    assert gammas(table[2]) == gammas(table[1])


def test_a_start_that_was_killed_just_now_is_made_up_for(experiment, finished, tmp_path):
    """Nobody knows yet that its process is gone; it neither blocks nor counts."""
    process(tmp_path, "trials=1", before=KILL.format(number=0)).communicate()
    found = optimize(experiment, tmp_path, trials=2)
    assert states(tmp_path) == ["running", *["complete"] * 3]
    assert found.start == finished[1].start


def test_a_trial_that_others_took_for_lost(experiment, tmp_path, monkeypatch):
    """As after a suspended laptop wakes up: it is theirs now, and the search goes on."""
    run = search.Search.run

    def late(self, trial, arrived=()):
        if trial.number == 1:
            trial.suggest_float(LABELS[0], -1.0, 1.0)
            others = optuna.load_study(storage=self.storage, study_name=self.name)
            others.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        return run(self, trial, arrived)

    monkeypatch.setattr(search.Search, "run", late)
    optimize(experiment, tmp_path, trials=3)
    assert states(tmp_path) == ["complete", "failed", "complete", "complete"]


def test_two_processes_share_a_study(tmp_path):
    both = [process(tmp_path, "trials=8", "threads=1") for _ in range(2)]
    for one in both:
        _, errors = one.communicate()
        assert one.returncode == 0, errors
    table = rows(tmp_path)
    assert [row["number"] for row in table] == [str(i) for i in range(len(table))]
    assert set(states(tmp_path)) <= {"complete", "pruned"}
    assert 8 <= len(table) <= 9
    assert len({tuple(gammas(row)) for row in table}) == len(table)


@pytest.mark.filterwarnings("ignore")
def test_trials_on_dask_workers(experiment, finished, tmp_path):
    distributed = pytest.importorskip("distributed", reason="needs infosim[cluster]")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        address = cluster.scheduler_address
        found = optimize(experiment, tmp_path, trials=5, scheduler=address, prune=False)
        assert found.complete == len(rows(tmp_path)) == 5
        assert found.start == finished[1].start
        late = {"minutes": 1e-6, "scheduler": address, "prune": False}
        assert optimize(experiment, tmp_path, trials=50, **late).complete == 7  # one on each

        def no_driver():
            from infosim.errors import BackendError
            from infosim.experiments import search

            def run(self, trial):
                raise BackendError("no GPU on this worker")

            search.Search.run = run

        with distributed.Client(cluster) as client:
            client.run(no_driver)
        with pytest.raises(BackendError, match="no GPU on this worker"):
            optimize(experiment, tmp_path, trials=8, scheduler=address)


# -- other people's studies ------------------------------------------------------------------------


def test_a_study_of_other_settings_is_not_continued(experiment, finished):
    out, _ = finished
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    slower = Experiment.load("demo/digits", [*SETTINGS, "layers.hidden.optimizer.rate=0.01"])
    with pytest.raises(
        CheckpointError, match=r"layers\.hidden\.optimizer\.rate was 0\.05, now 0\.01; use another"
    ):
        optimize(slower, out, trials=8)
    with pytest.raises(CheckpointError, match="metric was 'val_error', now 'train_error'"):
        optimize(experiment, out, trials=8, metric="train_error")
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_another_goal_may_continue_a_study(finished, tmp_path):
    """It is γ that is searched; the first trial is what the study was made with."""
    out, found = finished
    heuristic = [*SETTINGS, "layers.hidden.goal=iclr/trivariate-heuristic"]
    again = optimize(Experiment.load("demo/digits", heuristic), out, trials=6)
    assert again.start == found.start


def test_a_study_that_is_not_ours(experiment, tmp_path):
    url = f"sqlite:///{tmp_path / 'other.db'}"
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    theirs = optuna.create_study(storage=url, study_name="theirs")
    theirs.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    with pytest.raises(CheckpointError, match="was not made by infosim optimize; use another name"):
        optimize(experiment, tmp_path / "out", storage=url, name="theirs")
    assert not (tmp_path / "out").exists()
    assert optimize(experiment, tmp_path / "out", storage=url, name="ours", trials=1).complete == 1
    assert [path.name for path in (tmp_path / "out").iterdir() if "db" in path.name] == []


def test_a_directory_with_odd_characters(experiment, tmp_path):
    out = tmp_path / "50% {of} what? #1"
    optimize(experiment, out, trials=1)
    assert optimize(experiment, out, trials=2).complete == 2
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


def test_relative_paths(experiment, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = optimize(experiment, trials=1, storage="sqlite:///mine.db")
    assert found.out == Path("studies/demo-digits-digits")
    assert Path("mine.db").exists()


def test_only_epochs_that_are_evaluated_are_reported(tmp_path):
    experiment = Experiment.load(
        "demo/digits",
        ["training.epochs=6", "training.evaluate_every=3", "layers.hidden.size=4"],
    )
    found = optimize(experiment, tmp_path, trials=2, threads=1)
    assert 0 < found.value < 1
    (study,) = optuna.get_all_study_names(f"sqlite:///{tmp_path / 'study.db'}")
    trials = optuna.load_study(
        study_name=study, storage=f"sqlite:///{tmp_path / 'study.db'}"
    ).trials
    assert [sorted(trial.intermediate_values) for trial in trials] == [[3, 6], [3, 6]]
