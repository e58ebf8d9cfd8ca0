"""Schedules as data: their values, what says them, and what cannot be."""

from math import nan, sqrt

import numpy as np
import pytest

import infosim
from infosim.errors import ConfigError
from infosim.network import SGD, Adam
from infosim.neuron import Binning
from infosim.schedule import Moment, Schedule, at, checked, schedules


def table(**given):
    """A table of settings: from 0.1 to 0.4 until 4, but for what is given; None leaves it out."""
    whole = {"from": 0.1, "to": 0.4, "until": 4} | {k.rstrip("_"): v for k, v in given.items()}
    return {key: value for key, value in whole.items() if value is not None}


VALUES = {
    "linear": [0.1, 0.175, 0.25, 0.325, 0.4],
    "exponential": [0.1, 0.1 * sqrt(2), 0.2, 0.2 * sqrt(2), 0.4],
    "cosine": [0.1, 0.25 - 0.15 / sqrt(2), 0.25, 0.25 + 0.15 / sqrt(2), 0.4],
    "step": [0.1, 0.1, 0.1, 0.1, 0.4],
}


@pytest.mark.parametrize("shape", VALUES)
def test_values(shape):
    schedule = Schedule.of(table(shape=shape))
    found = [schedule.value(time) for time in range(5)]
    assert found == pytest.approx(VALUES[shape], rel=1e-14)
    assert (found[0], found[4], schedule.value(10**9)) == (0.1, 0.4, 0.4)  # to the bit
    back = Schedule.of(table(from_=-0.4, to=-0.1, shape=shape))
    if shape != "step":
        mirrored = [-schedule.value(4 - time) for time in range(5)]
        assert [back.value(time) for time in range(5)] == pytest.approx(mirrored, rel=1e-14)


@pytest.mark.parametrize("shape", VALUES)
def test_what_stays_does_so_to_the_bit(shape):
    schedule = Schedule([(0, 0.3), (7, 0.3), (9, 0.1)], shape)
    assert {schedule.value(time) for time in range(8)} == {0.3}


def test_points():
    schedule = Schedule([(2, 1.0), (4, 3.0), (10, 0.0)])
    assert [schedule.value(time) for time in (0, 2, 3, 4, 7, 10, 11)] == [1, 1, 2, 3, 1.5, 0, 0]
    steps = Schedule([[30, 0.1], [60, 0.01], [90, 0.001]], "step")
    assert [steps.value(time) for time in (0, 59, 60, 89, 90)] == [0.1, 0.1, 0.01, 0.01, 0.001]


def test_time_is_of_epochs_or_updates():
    moment = Moment(epoch=1, update=3)
    assert Schedule.of(table()).at(moment) == pytest.approx(0.175)
    assert Schedule.of(table(per="update")).at(moment) == pytest.approx(0.325)
    adam = Adam(table(), table(per="update"), (0.8, 0.95))
    assert set(schedules(adam)) == {"rate", "weight_decay"}
    now = at(adam, moment)
    assert (now.rate, now.weight_decay) == (pytest.approx(0.175), pytest.approx(0.325))
    assert (now.betas, schedules(now)) == ((0.8, 0.95), {})
    assert at(SGD(0.3), moment) == SGD(0.3)
    assert schedules(SGD(0.3)) == {}


def test_one_schedule_has_one_form():
    same = [
        Schedule.between(0.1, 0.4, until=4),
        Schedule.of(table()),
        Schedule.of({"points": [[0, 0.1], [4, 0.4]], "per": "epoch"}),
        Schedule(((np.int64(0), 0.1), (4, 0.4))),
    ]
    assert len(set(same)) == 1
    expected = {"points": [[0, 0.1], [4, 0.4]], "shape": "linear", "per": "epoch"}
    assert same[1].table() == expected
    assert Schedule.of(expected) == same[0]
    assert infosim.Schedule is Schedule


def test_bins_are_the_nearest_integers():
    binning = Binning(bins=(20, {"from": 10, "to": 5, "until": 4}))
    found = [binning.bins_of(2, Moment(epoch)) for epoch in range(6)]
    assert found == [(20, 10), (20, 9), (20, 8), (20, 6), (20, 5), (20, 5)]
    assert binning.scheduled
    assert not Binning(bins=(20, 5)).scheduled
    assert Binning(bins=Schedule.between(2, 255, 9)).bins_of(1) == (2,)


WRONG = {
    "until 0": (table(until=0), "until must be an integer of at least 1, was 0"),
    "until negative": (table(until=-3), "at least 1, was -3"),
    "until half": (table(until=2.5), "at least 1, was 2.5"),
    "until a text": (table(until="soon"), "at least 1, was 'soon'"),
    "until true": (table(until=True), "at least 1, was True"),
    "no until": (table(until=None), "'until' of a schedule is missing"),
    "no from": (table(from_=None), "'from' of a schedule is missing; it needs from, to and until"),
    "shape": (table(shape="lin"), "unknown shape 'lin' of a schedule; did you mean linear?"),
    "shape a list": (table(shape=["step"]), "unknown shape"),
    "unit": (table(per="batch"), "per epoch or per update, was 'batch'"),
    "key": (table(untill=3), "unknown key 'untill' of a schedule; did you mean until?"),
    "kinds": (table(to="{F}"), "from number to number or from goal to goal, was 0.1 to '{F}'"),
    "kinds, the other way": (table(from_="{F}"), "was '{F}' to 0.4"),
    "nan": (table(from_=nan), "a schedule's values must be finite, was nan"),
    "through 0": (
        table(to=0, shape="exponential"), "of one sign and not 0, were 0.1, 0",
    ),
    "signs": (table(from_=-1, shape="exponential"), "of one sign and not 0, were -1, 0.4"),
    "both": (table(points=[[0, 1], [1, 2]]), "a schedule has points or from, to, until, not both"),
    "one point": ({"points": [[0, 1.0]]}, r"two or more pairs .*, were \[\[0, 1.0\]\]"),
    "no pairs": ({"points": [0, 1]}, "two or more pairs"),
    "ends before it begins": (
        {"points": [[5, 1.0], [3, 2.0]]}, "times must increase, were 5 and 3",
    ),
    "negative time": ({"points": [[-1, 1.0], [3, 2.0]]}, "time must be an integer of at least 0"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_is_said(case):
    given, message = WRONG[case]
    with pytest.raises(ConfigError, match=message) as error:
        checked(float, given)
    assert "\n" not in str(error.value)


MISPLACED = {
    "rate": (lambda: Adam(table(from_=-0.1)), r"rate must be a number in \[0, .* was -0.1"),
    "rate from goals": (lambda: Adam(table(from_="{F}", to="{C}")), "rate must .* was '{F}'"),
    "decay": (lambda: SGD(weight_decay=table(to=1e9)), "weight_decay must be .* was 1000000000"),
    "decay of both kinds": (
        lambda: Adam(weight_decay=table(), decay_until=9), "decay_until must be 0, was 9",
    ),
    "epsilon": (lambda: Adam(epsilon=table()), "epsilon must be a number .* was {'from'"),
    "one bin": (lambda: Binning(bins=table(from_=1, to=9)), "bins must be .* 2 to 255, was 1"),
    "256 bins": (lambda: Binning(bins=table(from_=9, to=256)), "2 to 255, was 256"),
    "half bins": (lambda: Binning(bins=table(from_=9, to=10.5)), "an integer .* was 10.5"),
    "bins of goals": (lambda: Binning(bins=table(from_="a", to="b")), "integer .* was 'a'"),
}  # fmt: skip


@pytest.mark.parametrize("case", MISPLACED)
def test_where_a_schedule_does_not_fit_it_is_said(case):
    build, message = MISPLACED[case]
    with pytest.raises(ConfigError, match=message):
        build()
