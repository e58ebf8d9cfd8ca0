"""Recall as a task, on Hebbian weights set by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
from hopfield import PATTERNS, N, hopfield, naive

from infosim.analysis.memory import energy, overlap
from infosim.engine import Samples
from infosim.errors import ConfigError
from infosim.experiments import Experiment
from infosim.machine.randomness import Purpose
from infosim.tasks import Recall

SETTINGS = {"network": {"readout": "", "clamped": {"memory": "images"}}}
MOMENT = {"purpose": Purpose.TEST, "epoch": 0, "batch": 7}


@pytest.fixture
def task():
    data = SimpleNamespace(train_x=PATTERNS, test_x=PATTERNS, cues=PATTERNS)
    assert Recall.fits(SETTINGS, data)
    return Recall(SETTINGS, data)


def test_error_is_the_fraction_of_wrong_bits_of_each_replica(task):
    """One cue leads to the opposite of another pattern; the second replica has no weights."""
    net = hopfield(10.0, 0.0)
    cues = PATTERNS.copy()
    cues[0] = -PATTERNS[1]
    samples = Samples({"pattern": PATTERNS, "memory": cues})
    expected = (naive(cues, N) != PATTERNS).mean()
    silent = (PATTERNS > 0).mean()  # without weights no neuron is likelier to fire
    found = task.measure(net, samples, **MOMENT)
    np.testing.assert_allclose(found, [expected, silent])
    assert 0.1 < expected < 0.4
    last = samples.subset([2])
    moment = MOMENT | {"purpose": Purpose.VALIDATION}
    np.testing.assert_allclose(task.measure(net, last, **moment)[0], 0)


def test_curves_are_those_of_each_replica_alone_whatever_came_before(task):
    """Also of outputs drawn at random, and where replicas take more or fewer steps to settle."""
    samples = Samples({"pattern": PATTERNS, "memory": PATTERNS})
    both = task.record(hopfield(3.0, 0.0), samples, **MOMENT)
    assert len(both) == 2
    alone = hopfield(3.0)
    alone.recall(PATTERNS, max_steps=17, sampled=True)
    (one,) = task.record(alone, samples, **MOMENT)
    for name in ("flipped", "curves", "overlaps"):
        np.testing.assert_array_equal(both[0][name], one[name])
    assert one["curves"].tolist() == ["deterministic", "stochastic, 20 steps"]
    assert one["overlaps"].shape == (2, 11, 3)
    np.testing.assert_array_equal(one["flipped"][[0, 10]], [0, 0.5])
    # nothing is flipped: deterministic recall is naive's; it is surer than that at random
    np.testing.assert_allclose(one["overlaps"][0, 0], overlap(naive(PATTERNS, N), PATTERNS))
    assert one["overlaps"][1, 0].mean() < 1
    assert not np.array_equal(both[1]["overlaps"], one["overlaps"])


def test_recall_that_never_settles_is_given_up(task, monkeypatch):
    monkeypatch.setattr("infosim.tasks.recall._MOST", 3)
    net = hopfield(10.0)
    rng = np.random.default_rng(0)
    net["memory"]["C"].weights = rng.normal(size=(N, N))  # not symmetric: it wanders
    samples = Samples({"pattern": PATTERNS, "memory": PATTERNS})
    (found,) = task.record(net, samples, **MOMENT)
    after = [overlap(net.recall(PATTERNS, max_steps=n).states, PATTERNS) for n in (3, 50)]
    np.testing.assert_array_equal(found["overlaps"][0, 0], after[0])
    assert not np.array_equal(*after)


def asked(**how):
    """The task with settings of [recall]."""
    data = SimpleNamespace(train_x=PATTERNS, test_x=PATTERNS, cues=PATTERNS)
    return Recall(SETTINGS | {"recall": how}, data)


def test_recall_is_as_the_settings_say():
    net = hopfield(10.0, 3.0)
    samples = Samples({"pattern": PATTERNS, "memory": PATTERNS})
    validated = MOMENT | {"purpose": Purpose.VALIDATION}
    # nothing moves: the error is what was flipped, of test cues alone
    for flipped, wrong in ((0.25, 15 / 60), (7.0, 7 / 60), (60.0, 1.0), (0.0, 0.0)):
        task = asked(flipped=flipped, max_steps=0)
        np.testing.assert_allclose(task.measure(net, samples, **MOMENT), wrong)
        np.testing.assert_array_equal(task.measure(net, samples, **validated), 0)
    one_by_one = asked(flipped=0.4, update="sequential", max_steps=1)
    together = asked(flipped=0.4, max_steps=1)
    errors = [task.measure(net, samples, **MOMENT) for task in (one_by_one, together)]
    assert not np.array_equal(*errors)
    drawn = asked(sampled=True, max_steps=2)
    before = drawn.measure(net, samples, **MOMENT)
    net.recall(PATTERNS, sampled=True, max_steps=5)
    np.testing.assert_array_equal(drawn.measure(net, samples, **MOMENT), before)
    assert before.max() > 0


def test_what_recall_comes_to_is_recorded():
    net = hopfield(10.0, 10.0)
    net["memory"]["C"].weights[N:, 0] += 1.0  # of the second replica, not symmetric
    samples = Samples({"pattern": PATTERNS, "memory": PATTERNS})
    found, other = asked(flipped=20.0, threshold=0.99).record(net, samples, **MOMENT)
    assert (found["overlap"], found["accuracy"], found["asymmetry"]) == (1.0, 1.0, 0.0)
    expected = energy(net["memory"]["C"].weights[:N], PATTERNS)
    np.testing.assert_allclose(found["energy"], [expected, expected], rtol=1e-6)
    assert other["asymmetry"] > 0
    assert "energy" not in other
    found, _ = asked(flipped=20.0, max_steps=0).record(net, samples, **MOMENT)
    assert (found["overlap"], found["accuracy"]) == (pytest.approx(1 - 2 * 20 / 60), 0.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("recall.updat=x", "unknown key recall.updat; did you mean update?"),
        ("recall.update=x", "recall.update must be 'synchronous' or 'sequential', was 'x'"),
        ("recall.ties=1", "recall.ties must be text, was 1"),
        ("recall.max_steps=1.5", "recall.max_steps must be an integer, was 1.5"),
        ("recall.flipped=-0.1", "recall.flipped must be a number in [0, 1e+06], was -0.1"),
        ("recall.flipped=1.5", "a part below 1 or a whole number of bits up to 100, was 1.5"),
        ("recall.flipped=101", "a part below 1 or a whole number of bits up to 100, was 101"),
        ("recall.threshold=2", "recall.threshold must be a number in [-1, 1], was 2.0"),
        ("recall=sequential", "recall must be a table, was 'sequential'"),
    ],
)
def test_settings_that_cannot_be(settings, message):
    def task():
        one = Experiment.load("pnas/memory-hopfield", [settings])
        return one.task(one.dataset())

    with pytest.raises(ConfigError) as problem:
        task()
    assert message in str(problem.value)


def test_settings_of_recall_are_of_no_other_task():
    one = Experiment.load("demo/digits", ["recall.ties=keep"])
    with pytest.raises(ConfigError) as problem:
        one.task(one.dataset())
    assert str(problem.value) == (
        "[recall] is read of the task 'recall' alone, but this network on digits has the task "
        "'classification'"
    )


def test_what_is_said_of_recall_is_part_of_a_runs_name_if_it_is_no_default():
    keys = [Experiment.load("pnas/memory-hopfield", one).key for one in (
        [], ["recall={}"], ["recall.update=synchronous"], ["recall.update=sequential"],
    )]  # fmt: skip
    assert keys[0] == keys[1] == keys[2] != keys[3]
