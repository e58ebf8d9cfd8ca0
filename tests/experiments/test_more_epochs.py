"""A finished run goes on to more epochs, to the bits of one that was asked for them at once."""

import csv
import shutil
import signal
import tomllib
import warnings
from pathlib import Path

import numpy as np
import pytest

import infosim
from infosim.cli import main
from infosim.errors import CheckpointError, ConfigError
from infosim.experiments import Experiment, Interrupted, health, run, store

RUNS = Path(__file__).parents[1] / "runs"
SMALL = ["layers.hidden.size=12", "layers.hidden.optimizer.rate=0.01"]
PATTERNS = ["layers.memory.size=12", "data.options.units=12", "data.options.patterns=4"]
BARS = ["data.options.size=4", "layers.hidden.size=4"]
BARS += ["data.options.train=400", "data.options.test=100"]
LINEAR = {"from": 0.02, "to": 0.001, "until": 5}

#: What may depend on how long a run is, each with the epochs it has first and then.
CASES = {
    "digits": ("demo/digits", SMALL, 1, 3),
    "rarely evaluated": ("demo/digits", [*SMALL, "training.evaluate_every=2"], 2, 6),
    "schedules": (
        "demo/digits",
        [
            *SMALL,
            ("layers.hidden.optimizer.rate", LINEAR),
            ("layers.hidden.optimizer.weight_decay", LINEAR | {"per": "update", "until": 14}),
            ("layers.hidden.binning.bins", {"from": 4, "to": 9, "until": 4}),
            ("layers.hidden.goal", {"{F}{C}": {"from": 1, "to": 0.2, "until": 4}, "{F}": 0.1}),
        ],
        2,
        5,
    ),
    "backprop": ("iclr/backprop", ["data.name=digits", "training.batch=200", *SMALL[:1]], 2, 4),
    "memory": (
        "pnas/memory-heuristic",
        [*PATTERNS, "training.batch=4"],
        3,
        8,
    ),
    "factors": (
        "pnas/bars",
        [*BARS, "training.batch=120"],
        2,
        5,
    ),
    "in order": ("demo/digits", [*SMALL, "training.shuffle=false", "training.seed=3"], 1, 2),
    "from nothing": ("demo/digits", SMALL, 0, 2),
}


def experiments(case, seeds=(None,)):
    """The short and the long Experiment of a case, of each seed."""
    name, settings, *epochs = CASES[case]
    with_seed = [[] if seed is None else [("training.seed", seed)] for seed in seeds]
    return [
        [Experiment.load(name, [*settings, *more, ("training.epochs", n)]) for more in with_seed]
        for n in epochs
    ]


def plainly(some, outs, **options):
    run.train_together(some, outs, summary=False, tell=False, **options)


def same_runs(a, b):
    """Whether two directories hold the same but for the seconds."""
    for name in ("weights.npz", "atoms.npz", "checkpoint.npz"):
        one, other = (store.read_arrays(folder / name) for folder in (a, b))
        assert one.keys() == other.keys()
        for key in one.keys() - {"seconds", "digest"}:
            np.testing.assert_array_equal(one[key], other[key], err_msg=f"{name} {key}")
    for name in ("config.toml", "result.json", "health.json"):
        assert (a / name).read_text() == (b / name).read_text()
    rows = [
        [row[:-1] for row in csv.reader((folder / "metrics.csv").read_text().splitlines())]
        for folder in (a, b)
    ]
    assert rows[0] == rows[1]


@pytest.mark.parametrize("case", CASES)
def test_a_finished_run_goes_on_to_more(case, tmp_path):
    short, long = experiments(case)
    plainly(short, [tmp_path / "run"])
    assert infosim.load_run(tmp_path / "run").complete
    plainly(long, [tmp_path / "run"], resume=True)
    plainly(long, [tmp_path / "at once"])
    same_runs(tmp_path / "run", tmp_path / "at once")
    last = long[0].config["training"]["epochs"]
    results = infosim.load_run(tmp_path / "run")
    assert [one.epoch for one in results.health] == [1, last]
    assert len(results.metrics["epoch"]) == last + 1
    plainly(long, [tmp_path / "run"], resume=True)  # once more: nothing is left to do
    same_runs(tmp_path / "run", tmp_path / "at once")


def test_runs_that_are_trained_together_go_on_together(tmp_path):
    outs = [tmp_path / name for name in "ab"]
    short, long = experiments("digits", (4, 9))
    plainly(short, outs)
    plainly(long, outs, resume=True)
    for (one,), out in zip(zip(long, strict=True), outs, strict=True):
        plainly([one], [tmp_path / "alone"], force=True)
        same_runs(out, tmp_path / "alone")


def test_an_interrupted_run_may_be_asked_for_more_and_not_for_less(tmp_path):
    """Within epoch 2: a run of one epoch is not what is there any more."""
    short, long = experiments("digits")
    out = tmp_path / "run"

    def stop(training, epochs):
        if (training.epoch, training.position) == (2, 2):
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted):
        plainly(long, [out], report=stop)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(CheckpointError, match="already trained 1 epoch and part of the next, mo"):
        plainly(short, [out], resume=True)
    after = {path.name: path.read_bytes() for path in out.iterdir()}
    assert before == after
    plainly(long, [out], resume=True)
    plainly(long, [tmp_path / "at once"])
    same_runs(out, tmp_path / "at once")


@pytest.mark.parametrize("name", ["classification", "recall", "factors"])
def test_runs_of_before_go_on(name, tmp_path):
    out = tmp_path / name
    shutil.copytree(RUNS / name, out)
    config = tomllib.loads((out / "config.toml").read_text())
    epochs = config["training"]["epochs"]
    assert infosim.load_run(out).health == ()
    longer = Experiment.load(str(out / "config.toml"), [("training.epochs", epochs + 2)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of another machine
        plainly([longer], [out], resume=True)
    results = infosim.load_run(out)
    assert results.complete
    assert len(results.metrics["epoch"]) == epochs + 3
    assert [one.epoch for one in results.health] == [epochs + 2]


def test_what_learns_once_says_so(tmp_path):
    settings = [*PATTERNS, "training.batch=4"]
    out = tmp_path / "run"
    plainly([Experiment.load("pnas/memory-hopfield", settings)], [out])
    with pytest.raises(ConfigError, match="there can be 1 epoch, not 2"):
        plainly(
            [Experiment.load("pnas/memory-hopfield", [*settings, "training.epochs=2"])],
            [out],
            resume=True,
        )
    assert infosim.load_run(out).complete


def test_from_the_command_line_without_naming_the_directory(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command = ["train", "demo/digits", "--set", "layers.hidden.size=12", "-q", "--epochs"]
    folders = []
    for more in (["2"], ["4", "--resume"]):
        with pytest.raises(SystemExit) as stop:
            main([*command, *more])
        assert (stop.value.code, capsys.readouterr().err) == (0, "")
        (folder,) = (tmp_path / "runs").iterdir()
        folders.append(folder)
    assert folders[0] == folders[1]
    assert len(infosim.load_run(folder).metrics["epoch"]) == 5
    for epochs, words in (
        ("3", "has already trained 4 epochs, more than the 3 asked for"),
        ("-1", "training.epochs must be an integer of at least 0, was -1"),
    ):
        with pytest.raises(SystemExit) as stop:
            main([*command, epochs, "--resume"])
        told = capsys.readouterr().err
        assert stop.value.code == 2
        assert words in told
        assert told.count("\n") == 1
    assert infosim.load_run(folder).complete


def test_evaluations_must_end_with_the_run(tmp_path):
    with pytest.raises(ConfigError, match=r"evaluate_every must divide training\.epochs") as told:
        Experiment.load("demo/digits", ["training.evaluate_every=500", "training.epochs=300"])
    assert str(told.value).endswith("were 500 and 300, training.evaluate_every=100 would do")


@pytest.mark.parametrize("content", ["", "{}", '{"checks": [{}]}', "[" * 9999, None])
def test_a_damaged_check_is_told_and_the_run_goes_on(content, tmp_path):
    short, long = experiments("rarely evaluated")
    out = tmp_path / "run"
    plainly(short, [out])
    if content is None:
        (out / "health.json").unlink()
    else:
        (out / "health.json").write_text(content)
        with pytest.raises(CheckpointError, match=r"health\.json is damaged"):
            _ = infosim.load_run(out).health
        told = pytest.warns(infosim.InfosimWarning, match="the check of the first epoch is lost")
    with told if content is not None else warnings.catch_warnings():
        plainly(long, [out], resume=True)
    assert [one.epoch for one in infosim.load_run(out).health] == [6]


def test_a_check_that_fails_leaves_a_complete_run(tmp_path, monkeypatch):
    def fails(*arguments, **options):
        raise MemoryError("too large")

    monkeypatch.setattr(health, "check", fails)
    short, _ = experiments("digits")
    with pytest.warns(infosim.InfosimWarning, match=r"no .*health\.json.*MemoryError: too large"):
        plainly(short, [tmp_path / "run"])
    results = infosim.load_run(tmp_path / "run")
    assert results.complete
    assert results.health == ()


def test_no_result_depends_on_being_looked_at(tmp_path, monkeypatch):
    _, long = experiments("memory")
    plainly(long, [tmp_path / "looked at"])
    monkeypatch.setattr(health, "note", lambda *arguments, **options: None)
    plainly(long, [tmp_path / "unseen"])
    (tmp_path / "unseen" / "health.json").write_bytes(
        (tmp_path / "looked at" / "health.json").read_bytes()
    )
    same_runs(tmp_path / "looked at", tmp_path / "unseen")
