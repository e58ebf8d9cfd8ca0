"""Which task an experiment is, and how one of one's own is registered."""

import numpy as np
import pytest
from reconstruction import Reconstruction

from infosim.errors import ConfigError
from infosim.experiments import Experiment
from infosim.tasks import Classification, Factors, Recall, Task, register, task, task_called

FEW = {"bars": "train=20, test=10", "patches": "train=20, test=10", "patterns": "patterns=3"}


@pytest.fixture(autouse=True)
def known(monkeypatch):
    """What is registered in a test is forgotten after it."""
    monkeypatch.setattr(task, "_TASKS", dict(task._TASKS))


def kind(preset, *settings):
    settings = list(settings)
    data = Experiment.load(preset, settings).config["data"]["name"]
    if data in FEW:
        settings.append(f"data.options={{{FEW[data]}}}")
    experiment = Experiment.load(preset, settings)
    return type(experiment.task(experiment.dataset()))


@pytest.mark.parametrize(
    ("preset", "settings", "expected"),
    [
        ("demo/digits", (), Classification),
        ("demo/digits", ("network.target=",), Task),
        ("demo/digits", ("network.readout=",), Task),
        ("pnas/memory-heuristic", (), Recall),
        ("pnas/memory-hopfield", (), Recall),
        ("pnas/memory-heuristic", ("network.clamped.memory=images", "data.name=digits"), Task),
        ("pnas/bars", (), Factors),
        ("pnas/bars", ("layers.hidden.goal=",), Task),
        ("pnas/patches", (), Task),
    ],
)
def test_which_task_an_experiment_is(preset, settings, expected):
    assert kind(preset, *settings) is expected


def test_one_that_is_registered_is_asked_first_and_may_be_registered_anew():
    assert register(Reconstruction) is Reconstruction
    assert kind("pnas/patches") is Reconstruction
    assert kind("pnas/bars") is Factors

    class Other(Reconstruction):
        name = "other"

    class Again(Reconstruction):
        """Of the same name, as in a notebook."""

    register(Other)
    assert kind("pnas/patches") is Other
    register(Again)
    assert kind("pnas/patches") is Again
    assert task_called("reconstruction") is Again
    assert task_called("nothing") is None


class Fitting(Task):
    fits = Reconstruction.fits


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (3, "a task is a subclass of Task, was 3"),
        (int, "a task is a subclass of Task, was <class 'int'>"),
        (Reconstruction({}, None), "a task is a subclass of Task, was"),
        (Fitting, "Fitting: there is a task 'unmeasured' already"),
        (type("R", (Fitting,), {"name": "recall"}), "R: there is a task 'recall' already"),
        (type("S", (Fitting,), {"name": "My task"}), "small letters, digits and hyphens, not 'My"),
        (type("S", (Fitting,), {"name": None}), "small letters, digits and hyphens, not None"),
        (type("S", (Task,), {"name": "s"}), r"S lacks the class method fits\(settings, dataset\)"),
        (type("T", (Recall,), {}), "T: there is a task 'recall' already"),
    ],
)
def test_what_cannot_be_registered_is_said(what, message):
    before = dict(task._TASKS)
    with pytest.raises(ConfigError, match=message) as told:
        register(what)
    assert "\n" not in str(told.value)
    assert before == task._TASKS


def test_the_end_of_a_run_is_looked_at_once_and_only_of_the_same_moment():
    looks = []

    class Looking(Task):
        def look(self, simulator, samples, **moment):
            looks.append(moment)
            return np.array([len(looks)])

    one, moment = Looking({}, None), {"epoch": 1}
    assert one.looked("net", "test", moment) == 1
    assert one.looked("net", "test", {"epoch": 1}, anew=False) == 1
    assert one.looked("net", "test", moment) == 2  # weights may be others: it measures
    for other in (
        ("net", "test", {"epoch": 2}),
        ("net", "other", moment),
        ("other", "test", moment),
    ):
        seen = len(looks)
        assert one.looked(*other, anew=False) == seen + 1
