"""Goals that change over training: γ by γ, or from goal to goal."""

import numpy as np
import pytest

from infosim.errors import ConfigError
from infosim.network import Compartment, Layer, Network
from infosim.neuron import Activation
from infosim.pid import Goal
from infosim.pid.measures import MEASURES
from infosim.pid.scheduled import ScheduledGoal, goal_of, written
from infosim.pid.terms import goal_terms
from infosim.schedule import Moment, Schedule

SX = MEASURES["shared-exclusions"]

RISING = {"from": 0.0, "to": 1.0, "until": 4}


def whole(shape="linear", **more):
    return {"from": "{F}{C} - 0.2 H", "to": "{F} - H", "until": 4, "shape": shape, **more}


def test_each_gamma_by_its_own_schedule():
    given = {"{C}{F}": RISING, "{FC}": -0.5, "Hres": {**RISING, "per": "update"}, "{C}": 0}
    goal = goal_of(given, "FC")
    assert goal.at(Moment(1, 2)) == Goal.parse("0.25 {F}{C} - 0.5 {FC} + 0.5 H", "FC")
    assert goal.at(Moment(9, 9)) == Goal.parse("{F}{C} - 0.5 {FC} + H", "FC")
    assert goal.labels == Goal.parse("H", "FC").labels
    assert list(goal.table()) == ["{F}{C}", "{FC}", "H_res"]
    assert goal == goal_of(goal.table(), "FC")
    assert hash(goal) == hash(goal_of(goal.table(), "FC"))


@pytest.mark.parametrize(
    ("shape", "at_2"),
    [
        ("linear", "0.5 {F}{C} + 0.5 {F} - 0.6 H"),
        ("cosine", "0.5 {F}{C} + 0.5 {F} - 0.6 H"),
        ("step", "{F}{C} - 0.2 H"),
    ],
)
def test_from_goal_to_goal(shape, at_2):
    goal = goal_of(whole(shape), "FC")
    assert goal.at(Moment()) == Goal.parse(whole()["from"], "FC")
    expected = Goal.parse(at_2, "FC").gamma
    np.testing.assert_allclose(goal.at(Moment(2)).gamma, expected, rtol=0, atol=1e-15)
    assert goal.at(Moment(4)) == Goal.parse(whole()["to"], "FC")
    assert goal.table()["points"] == [[0, "{F}{C} - 0.2 H_res"], [4, "{F} - H_res"]]
    assert goal_of(written(goal), "FC") == goal


def test_what_is_the_same_in_both_goals_stays_to_the_bit():
    goal = goal_of({"from": "0.3 {F} - 0.7 H", "to": "0.3 {F} + {C} - 0.7 H", "until": 7}, "FC")
    for epoch in range(8):
        now = dict(zip(goal.labels, goal.at(Moment(epoch)).gamma, strict=True))
        assert (now["{F}"], now["H_res"]) == (0.3, -0.7)
    assert goal.moving == ("{C}",)
    assert goal_of({"{F}": RISING, "{C}": 1}, "FC").moving == ("{F}",)


def test_exponentially_each_gamma_keeps_its_sign():
    given = {"from": "{F} - 0.01 H + {C}", "to": "4 {F} - H + {C}", "until": 2}
    goal = goal_of({**given, "shape": "exponential"}, "FC")
    expected = Goal.parse("2 {F} + {C} - 0.1 H", "FC").gamma
    np.testing.assert_allclose(goal.at(Moment(1)).gamma, expected, rtol=1e-14)


def test_three_goals_by_name_and_formula():
    points = [(0, "classical/infomax"), (5, "{F}{C}"), (9, Goal.parse("- {C}", "FC"))]
    goal = goal_of(Schedule(points, "step"), "FC")
    found = [str(goal.at(Moment(epoch))) for epoch in (4, 5, 8, 9)]
    assert found == [str(Goal.named("classical/infomax")), "{F}{C}", "{F}{C}", "- {C}"]


def test_kernels_are_given_what_is_ever_needed_and_no_more():
    """Infomax is one antichain, {F}, for all its atoms; mixtures of it and another are two."""
    goal = goal_of({"from": "classical/infomax", "to": "{F}{C}", "until": 3}, "FC")
    ever = [part for _, part in goal.parts]
    for epoch in range(4):
        (starts, _, _), _, weights, _ = goal_terms([goal.at(Moment(epoch))], SX, ever)
        assert len(starts) == 3
        assert weights.shape == (1, 2)
        np.testing.assert_allclose(sorted(weights[0]), sorted([epoch / 3, 1 - epoch / 3]))
    assert len(goal_terms([goal.at(Moment(3))], SX)[0][0]) == 2


def test_what_is_not_scheduled_is_a_goal():
    for given in ("{F}", {"{F}": 1.0}, [1, 0, 0, 0], Goal.parse("{F}", "FC"), "classical/infomax"):
        assert goal_of(given, "FC") == Goal.of(given, "FC")
    goal = Goal.parse("{F}", "FC")
    assert goal.at(Moment(3)) is goal
    assert written(goal) == "{F}"


WRONG = {
    "goals through 0": (
        whole("exponential"), r"parameter of {F}{C}: an exponential .* not 0, were 1, 0",
    ),
    "gamma of goals": ({"{F}": whole()}, "goal parameter of {F} is .*, must be a finite number"),
    "numbers for a goal": ({**RISING}, "a goal is not made from 0.0"),
    "label": ({"{X}": RISING}, "no source 'X'"),
    "no atom": ({"F": RISING}, "unknown atom 'F'"),
    "twice": ({"H": RISING, "H_res": 1}, "goal parameter of H_res is given twice"),
    "number": ({"{F}": RISING, "{C}": "1"}, "goal parameter of {C} is 1, must be"),
    "mixed": ({"{F}": 1.0, **RISING}, "unknown key '{F}' of a schedule; allowed: from"),
    "formula": (whole(to="{F} +"), "cannot read '\\+'"),
    "of others": (goal_of(whole(), "FC"), "a goal is for sources F, C, not F, L"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_is_said(case):
    given, message = WRONG[case]
    sources = "FL" if case == "of others" else "FC"
    with pytest.raises(ConfigError, match=message):
        goal_of(given, sources)
    compartments = [Compartment(name, "x") for name in sources]
    with pytest.raises(ConfigError, match=f"layer 'h': .*{message}"):
        Layer("h", 3, compartments, Activation("sum"), goal=given)


def test_a_layer_takes_one():
    compartments = [Compartment("F", "x"), Compartment("C", "y")]
    layer = Layer("h", 3, compartments, Activation("sum"), goal={"{F}{C}": RISING})
    assert isinstance(layer.goal, ScheduledGoal)
    assert Network({"x": 1, "y": 1}, [layer]).learning == ["h"]
