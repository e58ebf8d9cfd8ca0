"""--dry-run finds out what a start would, and leaves nothing."""

import os
import re
from pathlib import Path

import pytest

import infosim
from infosim.cli import main
from infosim.errors import CheckpointError
from infosim.experiments import Experiment, rehearsal, run, store
from infosim.experiments.memories import prepared

SMALL = ["--set", "layers.hidden.size=12"]


@pytest.fixture(autouse=True)
def empty(tmp_path, monkeypatch):
    """An empty working directory."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(rehearsal, "SECONDS", 0.01)
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("finished") / "run"
    settings = ["layers.hidden.size=12", "training.epochs=2"]
    plainly(Experiment.load("demo/digits", settings), out)
    return out


def plainly(experiment, out, **options):
    """Train without a picture."""
    run.train_together([experiment], [out], summary=False, **options)


def contents(folder):
    """Everything that is in a folder, with all that tells whether it was touched.

    Of the empty file that is locked it is not told: old versions of filelock open it for writing.
    """
    paths = [folder, *Path(folder).rglob("*")]
    return {
        path: (path.name == ".lock" or path.stat().st_mtime_ns, path.is_dir() or path.read_bytes())
        for path in paths
    }


def called(arguments, capsys):
    """Exit code, output and errors of a command."""
    with pytest.raises(SystemExit) as stop:
        main([str(one) for one in arguments])
    told = capsys.readouterr()
    return stop.value.code, told.out, told.err


def test_a_start(empty, capsys):
    code, out, err = called(["train", "demo/digits", *SMALL, "--dry-run"], capsys)
    assert (code, err, list(empty.iterdir())) == (0, "", [])
    lines = out.splitlines()
    assert lines[0] == "demo/digits on digits, seed 0: a dry run, nothing is written"
    assert re.fullmatch(
        "the run would begin in runs/demo-digits-digits-seed0-[0-9a-f]{6}, where there is none",
        lines[1],
    )
    assert lines[2].startswith("layer hidden: 12 neurons, F reads image (64), C reads label (10)")
    assert lines[2].endswith("20 x 20 x 20 = 8000 bins")
    # 12 (64 + 10 + 12 + 3) and 10 (12 + 2), of which the label's weights do not learn
    assert lines[4] == "weights and biases: 1198 that learn, 10 that do not"
    assert lines[5] == "samples: 1149 in 4 batches of 288, 288 for validation, 360 for test"
    assert re.match(r"memory: \S+ MB of this process.*; a checkpoint grows to \S+ MB$", lines[6])
    assert re.match(r"time: \S+ ms an epoch, \S+ (ms|s) a batch and \S+ ms what", lines[7])
    assert re.match(r"in all \S+ (ms|s) for 151 epochs$", lines[8])


def test_quiet(empty, capsys):
    assert called(["demo", "--dry-run", "-q"], capsys) == (0, "", "")
    assert list(empty.iterdir()) == []


def test_the_demo_does_not_say_what_to_open(empty, capsys):
    code, out, _ = called(["demo", "--epochs", 1, "--dry-run"], capsys)
    assert code == 0
    assert "begin in infosim-demo, where there is none" in out
    assert "summary.png" not in out
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize(
    ("preset", "settings", "words"),
    [
        ("pnas/memory-heuristic", ["layers.memory.size=100"], "samples: 35 in one batch"),
        ("pnas/memory-hopfield", ["training.epochs=1"], "for 2 epochs"),
        ("iclr/backprop", ["data.name=digits", "training.batch=1149"], "in one batch, 288 for"),
        ("pnas/bars", ["data.options.train=300", "training.batch=100"], "in 3 batches of 100"),
        ("demo/digits", ["training.evaluate_every=50", "training.record_every=3"], "151 epochs"),
        ("demo/digits", ["training.epochs=0", "data.validation=0"], "360 for test"),
    ],
)
def test_of_all_kinds(preset, settings, words, empty, capsys):
    given = [part for one in settings for part in ("--set", one)]
    code, out, err = called(["train", preset, *given, "--dry-run", "--out", "x/y/z"], capsys)
    assert (code, err, list(empty.iterdir())) == (0, "", [])
    assert words in out
    assert "the run would begin in x/y/z, where there is none" in out


@pytest.mark.parametrize(
    ("options", "words", "epochs"),
    [
        (["--resume", "--epochs", 2], "time: none, all epochs are trained", 0),
        (["--resume", "--epochs", 5], "for 3 epochs", 3),
        (["--force", "--epochs", 5], "for 6 epochs", 6),
    ],
)
def test_where_there_is_a_run(options, words, epochs, finished, capsys):
    before = contents(finished)
    command = ["train", "demo/digits", *SMALL, "--out", finished, "--dry-run", *options]
    code, out, err = called(command, capsys)
    assert (code, err) == (0, "")
    assert words in out
    place = f"go on in {finished}, after epoch 2" if "--resume" in options else "take the place of"
    assert place in out
    assert contents(finished) == before


def test_nothing_to_resume_is_told_as_it_is_by_a_start(empty, capsys):
    code, _, err = called(["demo", "--epochs", 1, "--resume", "--dry-run"], capsys)
    assert code == 0
    assert err == "infosim: warning: infosim-demo holds no run to resume, begins one\n"
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "demo/digit"], "unknown preset 'demo/digit'; did you mean demo/digits"),
        (
            ["train", "demo/digits", "--epochs", -1],
            "training.epochs must be an integer of at least 0, was -1",
        ),
        (["train", "demo/digits", "--set", "training.batch=5000"], "batch of 5000 is larger than"),
        (["train", "demo/digits", "--threads", 0], "threads must be an integer of at least 1"),
        (["train", "demo/digits", "--backend", "gpu"], "unknown backend 'gpu'"),
        (["train", "demo/digits", "--resume", "--force"], "contradict each other"),
        (["train", "demo/digits", "--out", "{run}"], "already holds a run; use --resume"),
        (
            ["train", "demo/digits", *SMALL, "--out", "{run}", "--resume", "--epochs", 1],
            "has already trained 2 epochs, more than the 1 asked for",
        ),
        (
            ["train", "demo/digits", "--out", "{run}", "--resume"],
            "with another configuration: layers.hidden.size was 12, now 100",
        ),
        (["train", "demo/digits", "--out", "{run}/config.toml/x"], "config.toml is not a dir"),
        (["train", "demo/digits", "--out", "x" * 300], "File name too long"),
        (["train", "pnas/memory-hopfield", "--epochs", 2], "there can be 1 epoch, not 2"),
        (["train", "demo/digits", "--dataset", "minst"], "did you mean mnist"),
        (["demo", "--out", ""], "a directory has a name"),
    ],
)
def test_what_a_start_refuses_is_refused(arguments, words, finished, empty, capsys):
    before = contents(finished)
    given = [str(one).replace("{run}", str(finished)) for one in arguments]
    code, out, err = called([*given, "--dry-run"], capsys)
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1
    assert list(empty.iterdir()) == []
    assert contents(finished) == before


def test_a_directory_in_use_is_refused_and_a_damaged_checkpoint_told(finished, tmp_path):
    experiment = Experiment.load("demo/digits", ["layers.hidden.size=12", "training.epochs=4"])
    with store.held(finished):
        before = contents(finished)
        with pytest.raises(CheckpointError, match=f"in use by process {os.getpid()}"):
            rehearsal.rehearse(experiment, finished, resume=True)
        assert contents(finished) == before
    broken = tmp_path / "broken"
    broken.mkdir()
    for name in ("config.toml", "checkpoint.npz"):
        (broken / name).write_bytes(
            (finished / name).read_bytes()[: 10**6 if "toml" in name else 99]
        )
    with pytest.raises(CheckpointError, match=r"checkpoint\.npz is damaged.*--force starts anew"):
        rehearsal.rehearse(experiment, broken, resume=True)


def test_times_are_those_of_a_run(empty, monkeypatch):
    """Within a factor that other work on the machine may make of them."""
    monkeypatch.setattr(rehearsal, "SECONDS", 0.2)
    settings = ["layers.hidden.size=60", "training.epochs=30"]
    experiment = Experiment.load("demo/digits", settings)
    found = rehearsal.rehearse(experiment, empty / "run", threads=1)
    assert not (empty / "run").exists()
    times = found.times
    assert times.epochs == 31
    assert times.epoch == pytest.approx(4 * times.batch + times.evaluation)
    assert times.total == pytest.approx(31 * times.epoch)
    plainly(experiment, empty / "run", threads=1)
    seconds = infosim.load_run(empty / "run").metrics["seconds"]
    assert 0.1 < times.epoch / sorted(seconds)[15] < 10


@pytest.mark.parametrize(("every", "at_once"), [(1, False), (50, True)])
def test_epochs_that_are_carried_out_several_at_once_are_timed_so(every, at_once, monkeypatch):
    """Nothing follows each of their batches, if information is recorded rarely enough."""
    monkeypatch.setattr(rehearsal, "_time_of_end", lambda training, evaluates: 1 + 2 * evaluates)
    memory = Experiment.load("memory/redundancy-hard", [("data.options.load", 0.2)])
    training, *_ = prepared(memory, 20, [0], 1, "cpu")
    training.record_epochs = every
    times = rehearsal.times_of(training, 1000)
    assert times.evaluation == (2 if at_once else 3)
    assert times.epochs == 1000
    assert times.total == pytest.approx(1000 * times.epoch)
    assert (training.record_epochs, training.evaluate_every) == (every, 1)


def test_durations():
    told = [rehearsal._duration(s) for s in (0.01234, 1.5, 99, 600, 5999, 7500, 86400)]
    assert told == ["12.3 ms", "1.5 s", "99 s", "10 min", "1 h 40 min", "2 h 5 min", "24 h 0 min"]
