"""Groups in settings, in runs and sweeps, in searches, and on the command line."""

from pathlib import Path

import numpy as np
import pytest
import tomli_w
from torture import same_results

import infosim
from infosim.cli import main
from infosim.errors import ConfigError, InfosimWarning
from infosim.experiments import Experiment, directory, run
from infosim.experiments.optimize import optimize
from infosim.experiments.reading import parse
from infosim.experiments.sweep import Sweep, run_sweep
from infosim.pid import Goal

GROUPS = "layers.hidden.groups"
SMALL = ["layers.hidden.size=8", "training.epochs=2", "training.batch=400"]
CELLS = [
    f"{GROUPS}.excitatory.size=6", f"{GROUPS}.excitatory.goal='{{F}}{{C}} - 0.5 {{F}}{{L}}'",
    f"{GROUPS}.inhibitory.size=2", f"{GROUPS}.inhibitory.measure='williams-beer'",
]  # fmt: skip


def train(experiment, out, **options):
    run.train_together([experiment], [out], summary=False, **options)
    return out


@pytest.fixture(scope="module")
def experiment():
    return Experiment.load("demo/digits", [*SMALL, *CELLS])


@pytest.fixture(scope="module")
def finished(experiment, tmp_path_factory):
    return train(experiment, tmp_path_factory.mktemp("finished") / "run")


def test_settings_and_what_they_make(experiment):
    groups = experiment.config["layers"]["hidden"]["groups"]
    assert groups == {
        "excitatory": {"size": 6, "goal": "{F}{C} - 0.5 {F}{L}", "measure": ""},
        "inhibitory": {"size": 2, "goal": "", "measure": "williams-beer"},
    }
    layer = experiment.network(experiment.dataset()).layer("hidden")
    first, second = layer.populations.values()
    assert first.goal == Goal.of("{F}{C} - 0.5 {F}{L}", "FCL")
    assert second.goal == layer.goal
    assert (first.measure.name, second.measure.name) == ("shared-exclusions", "williams-beer")
    without = Experiment.load("demo/digits", [*SMALL, f"{GROUPS}={{}}"])
    assert "groups" not in without.config["layers"]["hidden"]
    assert without.key == Experiment.load("demo/digits", SMALL).key


def test_a_file_says_the_size_by_its_groups(tmp_path):
    plain = Experiment.load("demo/digits").config
    del plain["layers"]["hidden"]["size"]
    plain["layers"]["hidden"]["groups"] = {"b": {"size": 3}, "a": {"size": 1, "goal": "{F}"}}
    (tmp_path / "mine.toml").write_text(tomli_w.dumps(plain))
    found = Experiment.load(tmp_path / "mine.toml")
    hidden = found.config["layers"]["hidden"]
    assert (hidden["size"], next(iter(hidden)), list(hidden["groups"])) == (4, "size", ["b", "a"])
    (tmp_path / "again.toml").write_text(tomli_w.dumps(found.config))
    again = Experiment.load(tmp_path / "again.toml", [f"{GROUPS}.a.goal={{F}}{{C}} - {{L}}"])
    assert again.config["layers"]["hidden"]["groups"]["a"]["goal"] == "{F}{C} - {L}"
    assert Experiment.load(tmp_path / "again.toml").key == found.key


def test_the_key_is_of_groups_in_their_order(experiment):
    def key(*changes):
        return Experiment.load("demo/digits", [*SMALL, *changes]).key

    other = [*CELLS[2:], *CELLS[:2]]
    keys = {key(), key(*CELLS), key(*other), key(*CELLS, f"{GROUPS}.inhibitory.goal='{{F}}'")}
    assert len(keys) == 4
    assert key(*CELLS) == experiment.key
    assert key(*CELLS, f"{GROUPS}.excitatory.measure=''") == experiment.key


def test_files_of_a_run_are_by_group(experiment, finished):
    found = infosim.load_run(finished)
    names = ["hidden/excitatory", "hidden/inhibitory", "output"]
    goals = [f"mean_goal_{name}" for name in names]
    assert list(found.metrics)[4:] == [*goals, "seconds"]
    assert [found.atoms[name].shape for name in names] == [(3, 6, 19), (3, 2, 19), (3, 10, 5)]
    assert found.labels["hidden/inhibitory"] == list(Goal({}, "FCL").labels)
    gamma = Goal.of("{F}{C} - 0.5 {F}{L}", "FCL").gamma
    expected = (found.atoms["hidden/excitatory"] @ gamma).mean(axis=1)
    np.testing.assert_allclose(found.metrics[goals[0]], expected, rtol=1e-12)
    assert directory.read_result(finished)[goals[1]] == found.metrics[goals[1]][-1]
    assert parse((finished / "config.toml").read_text()) == experiment.config
    assert found.simulator()["hidden"].groups["inhibitory"].neurons == slice(6, 8)


def test_the_picture_shows_each_group(experiment, tmp_path, monkeypatch):
    from infosim import plotting

    def summary(history, labels, fields, *others):
        shown.append((history, labels, fields))
        return drawn(history, labels, fields, *others)

    shown, drawn = [], plotting.summary
    monkeypatch.setattr(plotting, "summary", summary)
    other = Experiment.load("demo/digits", [*SMALL, *CELLS, "training.seed=1"])
    run.train_together([experiment, other], [tmp_path / "a", tmp_path / "b"])
    for (history, labels, fields), out in zip(shown, "ab", strict=True):
        assert list(labels) == ["hidden/excitatory", "hidden/inhibitory", "output"]
        assert list(history.atoms) == list(labels)
        weights = infosim.load_run(tmp_path / out).weights["hidden/F/weights"]
        np.testing.assert_array_equal(fields["hidden/excitatory"], weights[:6])
        np.testing.assert_array_equal(fields["hidden/inhibitory"], weights[6:])


def test_resumed_in_between(experiment, finished, tmp_path, monkeypatch):
    def stop(training, epochs):
        if (training.epoch, training.position) == (2, 2):
            raise KeyboardInterrupt

    monkeypatch.setattr(run, "CHECKPOINT_SECONDS", 0)
    with pytest.raises(KeyboardInterrupt):
        train(experiment, tmp_path / "run", report=stop)
    same_results(train(experiment, tmp_path / "run", resume=True, threads=2), finished)


def test_a_run_goes_on_with_the_goal_of_a_group_set_by_hand(experiment, tmp_path):
    def aim(training, epochs):
        if (training.epoch, training.position) == (1, 1):
            training.simulator["hidden"].groups["inhibitory"].goal = "{F} - 0.2 {C}"

    whole = train(experiment, tmp_path / "whole", report=aim)
    shorter = Experiment.load("demo/digits", [*SMALL, *CELLS, "training.epochs=1"])
    part = train(shorter, tmp_path / "part", report=aim)
    with pytest.warns(InfosimWarning) as told:
        train(experiment, part, resume=True)
    assert [str(one.message) for one in told] == [
        f"{part} goes on with the goal of layer 'hidden/inhibitory' that was set by hand, "
        "{F} - 0.2 {C}, not with that of its config.toml"
    ]
    same_results(part, whole)
    metrics = infosim.load_run(whole).metrics
    assert metrics["gamma_hidden/inhibitory/{C}"][1:].tolist() == [-0.2, -0.2]
    assert not [name for name in metrics if name.startswith("gamma_hidden/excitatory")]


def test_a_sweep_trains_goals_of_groups_side_by_side(tmp_path):
    (tmp_path / "sweep.toml").write_text(
        'preset = "demo/digits"\nseeds = 1\n[set]\nlayers.hidden.size = 3\n'
        "training.epochs = 2\ntraining.batch = 600\nlayers.hidden.groups.a.size = 2\n"
        "layers.hidden.groups.b.size = 1\n[grid]\n"
        "layers.hidden.groups.b.goal = ['{F}', '{C} + {F}{C}', '']\n"
    )
    sweep = Sweep.load(tmp_path / "sweep.toml")
    for name, options in (("alone", {}), ("together", {"stack": 3})):
        run_sweep(sweep, tmp_path / name, **options)
    alone, together = (infosim.load_sweep(tmp_path / name) for name in ("alone", "together"))
    assert together.columns["layers.hidden.groups.b.goal"] == ["{F}", "{C} + {F}{C}", ""]
    assert len(set(together.array("mean_goal_hidden/b"))) == 3
    for key in alone.columns["key"]:
        assert together.run(key).environment["replicas"] == 3
        same_results(*(tmp_path / name / "runs" / key for name in ("alone", "together")))


def test_a_group_is_searched_by_its_name(tmp_path):
    pytest.importorskip("optuna")
    given = Experiment.load("demo/digits", [*SMALL, *CELLS])
    with pytest.raises(
        ConfigError, match=r"'hidden' has groups, of which one goal .* hidden/excit"
    ):
        optimize(given, tmp_path / "none", trials=1)
    with pytest.raises(ConfigError, match=r"no layer 'hidden/excitory'; did you mean hidden/excit"):
        optimize(given, tmp_path / "none", trials=1, layer="hidden/excitory")
    found = optimize(given, tmp_path / "found", trials=2, layer="hidden/inhibitory")
    best = Experiment.load(tmp_path / "found" / "best.toml").config["layers"]["hidden"]
    assert Goal.of(best["groups"]["inhibitory"]["goal"], "FCL") == found.goal
    hidden = given.config["layers"]["hidden"]
    assert best["groups"]["excitatory"] == hidden["groups"]["excitatory"]
    assert best["goal"] == hidden["goal"]
    assert found.start is not None


@pytest.fixture
def cells_toml(tmp_path, monkeypatch):
    """A file with groups, in the current directory."""
    monkeypatch.chdir(tmp_path)
    Path("cells.toml").write_text("extends = 'demo/digits'\n" + "\n".join([*SMALL, *CELLS]))
    return "cells.toml"


def command(*arguments):
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    return stop.value.code


def test_from_the_command_line_and_back(cells_toml):
    settings = "--set", f"{GROUPS}.inhibitory.goal={{F}} - 0.5 {{L}}"
    assert command("train", cells_toml, *settings, "--out", "one", "-q") == 0
    found = infosim.load_run("one").config["layers"]["hidden"]["groups"]
    assert found["inhibitory"] == {
        "size": 2, "goal": "{F} - 0.5 {L}", "measure": "williams-beer",
    }  # fmt: skip
    assert command("train", "one/config.toml", "--out", "two", "-q") == 0
    same_results(Path("one"), Path("two"))


WRONG = {
    "unknown key": ("excitatory.siz=3", "unknown key {}.excitatory.siz; did you mean size"),
    "misspelt group": ("exitatory.goal={F}", "unknown group 'exitatory'; did you mean excitatory"),
    "no table": ("excitatory=3", "{}.excitatory must be a table, was 3"),
    "no size": ("x.measure=williams-beer", "(a new group needs a size)"),
    "text as size": ("excitatory.size=all", "{}.excitatory.size must be an integer, was 'all'"),
    "empty": ("excitatory.size=0", "{}.excitatory.size must be an integer of at least 1"),
    "sizes": ("excitatory.size=5", "5 (excitatory) + 2 (inhibitory) = 7, was 8"),
    "goal": ("excitatory.goal={X}", "{}.excitatory.goal: atom '{X}' has no source 'X'"),
    "measure": (
        "excitatory.measure=wiliams",
        "{}.excitatory.measure must be 'shared-",
    ),
    "name": ("a/b.size=3", "a group must be of letters, digits, - and _, was 'a/b'"),
    "goals": ("inhibitory.goal=", "hidden/inhibitory has no goal, but others have"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_ends_the_command_with_a_line(case, cells_toml, capsys):
    given, message = WRONG[case]
    settings = ["--set", f"{GROUPS}.{given}"]
    settings += ["--set", "layers.hidden.goal="] if case == "goals" else []
    assert command("train", cells_toml, *settings, "--out", "run") == 2
    told = capsys.readouterr().err
    assert message.replace("{}", GROUPS) in told
    assert told.count("\n") == 1
    assert not Path("run").exists()
