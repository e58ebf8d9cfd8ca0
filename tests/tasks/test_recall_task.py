"""Recall as a task, on Hebbian weights set by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
from hopfield import PATTERNS, N, hopfield, naive

from infosim.analysis.memory import overlap
from infosim.engine import Samples
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
