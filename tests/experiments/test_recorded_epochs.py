"""Runs whose atoms are recorded in some epochs alone: what is kept, drawn, told and resumed."""

import json
import shutil
import signal

import numpy as np
import pytest
from command_lines import told

import infosim
from infosim.errors import ConfigError
from infosim.experiments import Experiment, Interrupted, picture, rehearsal, train
from infosim.plotting import plots

SETTINGS = [
    "data.options.units=10", "data.options.patterns=4", "layers.memory.size=10",
    "training.batch=4", "training.epochs=8", "training.evaluate_every=8",
    "training.shuffle=false",
]  # fmt: skip


def memory(record_epochs, *more):
    given = [*SETTINGS, f"training.record_epochs={record_epochs}", *more]
    return Experiment.load("pnas/memory-heuristic", given)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The same run, recorded in each epoch and in every fourth."""
    folder = tmp_path_factory.mktemp("runs")
    return [
        infosim.load_run(train(memory(every), folder / str(every), threads=1)) for every in (1, 4)
    ]


def test_what_is_recorded_is_as_if_always(runs):
    always, rarely = runs
    for name, array in always.weights.items():
        np.testing.assert_array_equal(rarely.weights[name], array)
    assert rarely.history.recorded("memory") == [0, 4, 8]
    np.testing.assert_array_equal(rarely.atoms["memory"], always.atoms["memory"][[0, 4, 8]])
    goals = rarely.metrics["mean_goal_memory"]
    np.testing.assert_array_equal(np.isnan(goals), [False, *3 * [True]] * 2 + [False])
    np.testing.assert_array_equal(goals[::4], always.metrics["mean_goal_memory"][::4])
    ends = [json.loads((one.path / "result.json").read_text()) for one in runs]
    assert ends[0].pop("key") != ends[1].pop("key")
    assert ends[0] == ends[1]


def test_it_is_drawn_by_the_epochs_that_are_known(runs, monkeypatch):
    drawn = []
    atoms = plots.atoms

    def noted(*arguments, **options):
        ax = atoms(*arguments, **options)
        drawn.append(ax.get_lines()[0].get_xdata().tolist())
        return ax

    monkeypatch.setattr(plots, "atoms", noted)
    for one in runs:
        picture.draw(one)
    assert drawn == [[*range(9)], [0, 4, 8]]
    assert told("report", runs[1].path)[0] == 0
    assert runs[1].explain("memory", 3).atoms == runs[0].explain("memory", 3).atoms


def test_it_is_resumed_to_the_same_bits(runs, tmp_path):
    def stops(training, epochs):
        if (training.epoch, training.position) == (6, 0):
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted):
        train(memory(4), tmp_path / "run", threads=1, report=stops)
    found = infosim.load_run(tmp_path / "run")
    assert found.history.recorded("memory") == [0, 4]
    assert told("report", found.path)[0] == 0
    train(memory(4), tmp_path / "run", threads=1, resume=True)
    found = infosim.load_run(tmp_path / "run")
    for name, array in runs[1].weights.items():
        np.testing.assert_array_equal(found.weights[name], array)
    np.testing.assert_array_equal(found.atoms["memory"], runs[1].atoms["memory"])


def test_a_dry_run_knows_of_it(tmp_path):
    sizes = []
    for every in (1, 4):
        found = rehearsal.rehearse(memory(every), tmp_path / "run", threads=1)
        assert 0 < found.times.batch < 1
        sizes.append(next(line for line in found.lines if line.startswith("memory")))
    assert sizes[0].split("grows to")[1] != sizes[1].split("grows to")[1]


@pytest.mark.parametrize("value", ["0", "-4", "3", "2.5", "'4'", "true", "[4]", "16"])
def test_bad_numbers_are_told_in_a_line(value, tmp_path):
    settings = [part for one in SETTINGS for part in ("--set", one)]
    settings += ["--set", f"training.record_epochs={value}", "--out", str(tmp_path / "run")]
    code, said = told("train", "pnas/memory-heuristic", *settings)
    assert code == 2
    assert "Traceback" not in said
    assert "training.record_epochs" in said
    assert not list(tmp_path.iterdir())


def test_the_end_is_recorded():
    with pytest.raises(ConfigError, match=r"record_epochs must divide training\.epochs"):
        memory(5)
    assert memory(8).key != memory(1).key == memory(1, "training.record_every=1").key


def test_metrics_that_lack_goals_are_told(runs, tmp_path):
    for damaged in ("goal", "column"):
        copied = shutil.copytree(runs[1].path, tmp_path / damaged)
        rows = [line.split(",") for line in (copied / "metrics.csv").read_text().splitlines()]
        at = rows[0].index("mean_goal_memory")
        for row in rows[1:] if damaged == "goal" else ():
            row[at] = "nan"
        for row in rows if damaged == "column" else ():
            del row[at]
        (copied / "metrics.csv").write_text("\n".join(map(",".join, rows)) + "\n")
        for command in ("draw", "report"):
            code, said = told(command, copied)
            assert code == 2, (damaged, command)
            assert "Traceback" not in said
            assert str(copied) in said
