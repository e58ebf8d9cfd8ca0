"""--reckon tells how long a figure's networks take: which there are is right, none is trained."""

import csv
import re
from importlib import import_module

import pytest
from click.testing import CliRunner

from infosim.experiments import Experiment, rehearsal
from infosim.experiments.loads import Bisection
from infosim.experiments.sweep import Run
from scripts import reckoning, timing
from scripts.command import all_figures
from scripts.memory2025 import networks

pytest.importorskip("filelock", reason="needs the extra sweep")


@pytest.fixture(autouse=True)
def briefly(monkeypatch):
    monkeypatch.setattr(rehearsal, "SECONDS", 0.01)


@pytest.fixture
def a_second_each(monkeypatch):
    """Whatever is asked for takes a second."""
    monkeypatch.setattr(reckoning, "_seconds", lambda piece, threads: (piece, 1.0))


def started(script, folder, *options):
    places = ["--out", folder / "figures", "--runs", folder / "runs", "--jobs", 1]
    words = list(map(str, ["--scale", "smoke", *places, *options]))
    done = CliRunner().invoke(import_module(f"scripts.{script}").main, words)
    assert done.exit_code == 0, done.output
    return done.stdout


def files(folder):
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def rows(folder):
    """How -> networks, seconds."""
    return {one.how: (one.networks, one.seconds) for one in timing.times(folder / "figures")}


@pytest.mark.parametrize(
    ("script", "groups"),
    [
        ("iclr2025.cumulative", 4),
        ("memory2025.ablation", 8), ("memory2025.correlations", 4),
    ],
)  # fmt: skip
def test_as_many_are_reckoned_as_are_trained(script, groups, tmp_path, a_second_each):
    told = started(script, tmp_path, "--reckon")
    assert {one for one in files(tmp_path) if "lock" not in one and "holder" not in one} == {
        "figures/times.csv", "runs/reckoned/forms.csv",
    }  # fmt: skip
    ((n, _),) = rows(tmp_path).values()
    assert re.match(rf"{n} networks, about .* on {re.escape(timing.machine())}\n", told)
    counts = [int(line.split()[0]) for line in told.splitlines()[1:]]
    assert sum(counts) == n
    with open(tmp_path / "runs" / "reckoned" / "forms.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == groups
    started(script, tmp_path)
    trained, _ = rows(tmp_path)["measured"]
    if script.startswith("memory2025"):  # capacities are known now, and how many networks they took
        started(script, tmp_path, "--reckon")
        n, _ = rows(tmp_path)["reckoned"]
    assert n == trained


def test_what_was_timed_is_not_timed_again_and_shared(tmp_path, monkeypatch):
    started("iclr2025.cumulative", tmp_path, "--reckon")
    ((n, seconds),) = rows(tmp_path).values()
    assert 0.1 < seconds < 600

    def again(piece, threads):
        raise AssertionError(f"{piece.about} is timed again")

    monkeypatch.setattr(reckoning, "_seconds", again)
    started("iclr2025.cumulative", tmp_path, "--reckon")
    assert rows(tmp_path) == {"reckoned": (n, seconds)}
    # of the same network with another seed, and γ that differ, too
    started("iclr2025.sensitivity", tmp_path, "--reckon")


def test_a_search_ends_when_its_minutes_are_over(tmp_path, a_second_each):
    started("iclr2025.goals", tmp_path, "--reckon", "--trials", 500, "--minutes", 1, "--seeds", 1)
    # 60 trials of each of two searches side by side, then networks of 8 published goals and 2
    assert rows(tmp_path) == {"reckoned": (120 + 10, 60 + 10.0)}


def test_a_search_and_networks_of_what_it_finds(tmp_path, a_second_each):
    started("pnas2025.memory", tmp_path, "--reckon")
    assert rows(tmp_path) == {"reckoned": (6 + 4 * 4, 22.0)}


def test_points_are_begun_as_long_as_there_is_time(tmp_path, monkeypatch):
    monkeypatch.setattr(reckoning, "_seconds", lambda piece, threads: (piece, 30.0))
    main = import_module("scripts.memory2025.landscape")
    monkeypatch.setattr(main, "_AT_ONCE", 1)
    started("memory2025.landscape", tmp_path, "--reckon", "--minutes", 1)
    whole = rows(tmp_path)["reckoned"]
    started("memory2025.landscape", tmp_path, "--reckon")
    assert 60 < whole[1] < 200 < rows(tmp_path)["reckoned"][1]


def form_of(*settings):
    return reckoning.form(Experiment.load("iclr/trivariate-optimized", settings).config)


def test_time_depends_on_sizes_and_not_on_seeds_and_values():
    goal = "layers.hidden.goal"
    base = form_of()
    for same in ([("training.seed", 9)], [("layers.hidden.optimizer.rate", 0.5)]):
        assert form_of(*same) == base
    one, other = (form_of((goal, text)) for text in ("{F}{C} - {L}", "0.3 {F}{C} + 2 {L}"))
    assert one == other != base  # a goal of few antichains
    for another in (
        ("training.epochs", 7), ("layers.hidden.size", 7), ("training.batch", 7),
        ("data.name", "digits"), (goal, "{F}"), ("layers.hidden.binning.bins", 7),
    ):  # fmt: skip
        assert form_of(another) not in (base, one)


def test_a_capacity_takes_the_networks_that_lead_to_it():
    run = Run(Experiment.load("memory/redundancy-hard", [("data.options.load", 1.0)]), {})
    run.settings.update({"preset": "memory/redundancy-hard", "training.seed": 0})
    job = networks._Tries(run, Bisection(guess=1.0), "recall")
    guessed = networks._piece(job, None, None)
    # 100, 108 and back: 104, 102
    assert list(job.course(100)) == [100, 108, 104, 102]
    assert (guessed.networks, guessed.run.experiment.config["data"]["options"]["patterns"]) == (
        4,
        100,
    )
    assert guessed.weight == pytest.approx(0.1 + 1.04 + 1.02 + 1.01)
    known = networks._piece(job, None, {"capacity": "0.5"})
    tried = [100, 92, 76, 44, 60, 52, 48, 50]
    assert known.networks == len(tried)
    assert list(job.course(50)) == tried


def test_seconds_are_those_of_training(tmp_path):
    """Within a factor that other work on the machine may make of them."""
    run = Run(Experiment.load("demo/digits", [("training.epochs", 30)]), {"preset": "demo/digits"})
    piece = reckoning.Training(run)
    assert 0.02 < piece.seconds(1) < 60
    memory = Experiment.load("memory/redundancy-hard", [("data.options.load", 0.5)])
    found = networks._Piece("_train", Run(memory, {"preset": "x"})).seconds(1)
    assert 0.05 < found < 60


def test_what_cannot_be_is_one_line(tmp_path):
    main = import_module("scripts.iclr2025.cumulative").main
    words = ["--scale", "smoke", "--runs", str(tmp_path), "--out", str(tmp_path)]
    done = CliRunner().invoke(main, [*words, "--draw", "--reckon"])
    assert done.exit_code == 2
    assert "--draw and --reckon contradict each other" in done.output
    (tmp_path / "reckoned").mkdir()
    (tmp_path / "reckoned" / "forms.csv").write_text("form,machine\n1,2\n")
    done = CliRunner().invoke(main, [*words, "--reckon"])
    assert done.exit_code == 2
    assert "forms.csv is damaged" in done.output
    assert len(done.output.splitlines()) == 1


def test_nothing_is_entered_of_a_figure_without_networks(tmp_path):
    assert started("iclr2025.concepts", tmp_path, "--reckon") == "no networks are trained for it\n"
    assert rows(tmp_path) == {}


def test_all_figures_of_a_paper(tmp_path, a_second_each):
    main = all_figures("iclr2025", ("concepts", "cumulative"))
    places = ["--out", str(tmp_path / "figures"), "--runs", str(tmp_path / "runs"), "--jobs", "1"]
    done = CliRunner().invoke(main, ["--scale", "smoke", "--reckon", *places])
    assert done.exit_code == 0, done.output
    assert [one.script for one in timing.times(tmp_path / "figures")] == [
        "scripts.iclr2025.cumulative"
    ]
