import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infosim.errors import ConfigError, ShapeError
from infosim.pid import Goal, goal_names, lattice

FCL = ("F", "C", "L")
finite = st.floats(allow_nan=False, allow_infinity=False, width=64)
source_names = st.sampled_from(
    [("F",), ("F", "C"), FCL, ("age", "sex"), ("a", "b-1", "H_res"), ("F", "C", "L", "R")]
)


@st.composite
def goals(draw, numbers=finite):
    sources = draw(source_names)
    size = len(lattice(len(sources))) + 1
    few = st.one_of(st.just(0.0), st.sampled_from([1.0, -1.0]), numbers)
    return Goal(draw(st.lists(few, min_size=size, max_size=size)), sources)


@given(goals())
def test_a_printed_goal_parses_back_to_itself(goal):
    assert Goal.parse(str(goal), goal.sources) == goal
    assert Goal.of(str(goal), goal.sources) == goal
    assert hash(Goal.parse(str(goal), goal.sources)) == hash(goal)
    assert eval(repr(goal), {"Goal": Goal}) == goal


def test_a_formula_means_what_it_says():
    goal = Goal.parse("{F}{C} - {L}{F} + 0.33*{F}{C}{L} -1e-1 H + .5{LC} {F} - 2 {F}{C}", FCL)
    assert dict(zip(goal.labels, goal.gamma, strict=True)) == {
        **dict.fromkeys(goal.labels, 0),
        "{F}{C}": -1,
        "{F}{L}": -1,
        "{F}{C}{L}": 0.33,
        "{F}{CL}": 0.5,
        "H_res": -0.1,
    }
    assert str(goal) == "0.33 {F}{C}{L} - {F}{C} - {F}{L} + 0.5 {F}{CL} - 0.1 H_res"


def test_typographic_and_repeated_signs():
    assert Goal.parse("− {F} + -2 {C}", "FC") == Goal.parse("-{F} - 2{C}", "FC")


def test_the_zero_goal_prints_as_a_formula():
    assert str(Goal({}, "FC")) == "0 H_res"
    assert Goal([-0.0] * 5, "FC") == Goal({}, "FC")
    assert hash(Goal([-0.0] * 5, "FC")) == hash(Goal({}, "FC"))


def test_mapping_vector_and_formula_agree():
    vector = [0.0, 1.0, 0.0, -0.25]
    for h_res in ("H", "Hres", "H_res"):
        goal = Goal({"{F}": 1, "{C,F}": np.float32(-0.25), h_res: 3}, "FC")
        assert goal == Goal([*vector, 3], "FC") == Goal.of(f"{{F}} - 0.25 {{FC}} + 3 {h_res}", "FC")
    assert Goal(vector, "FC") == Goal(np.array([*vector, 0]), "FC")
    assert Goal.of(goal, "FC") is goal
    assert Goal.of({"{F}": 1}, "FC") == Goal.of([0, 1, 0, 0], "FC")
    assert Goal.of("H", "FC") == Goal([0, 0, 0, 0, 1], "FC")
    assert Goal(vector, "FC") != Goal(vector, "FL")
    assert Goal(vector, "FC") != "a goal"


@given(goals(st.floats(-2, 2)), st.integers(0, 2**32 - 1))
def test_coefficients_give_the_same_goal_as_the_sum_over_atoms(goal, seed):
    rng = np.random.default_rng(seed)
    information = rng.normal(size=(3, 2, len(goal.gamma) - 1))
    entropy = rng.uniform(size=(3, 2))
    atoms = goal.atoms(information, entropy)
    assert atoms.shape == (3, 2, len(goal.gamma))
    top = lattice(len(goal.sources)).top
    np.testing.assert_allclose(atoms[..., :-1].sum(-1), information[..., top], atol=1e-11)
    np.testing.assert_allclose(atoms[..., -1], entropy - information[..., top], atol=1e-11)
    w, h = goal.coefficients()
    expected = (atoms * goal.gamma).sum(-1)
    np.testing.assert_allclose(goal.value(information, entropy), expected, atol=1e-10)
    np.testing.assert_allclose(information @ w + h * entropy, expected, atol=1e-10)


def test_information_of_the_wrong_size_is_named():
    with pytest.raises(ShapeError, match=r"shape \(3,\), its last axis must hold the 4 antichains"):
        Goal({}, "FC").value(np.zeros(3), 1.0)


def test_a_goal_cannot_be_changed_but_copied():
    goal = Goal.named("iclr/output")
    with pytest.raises(AttributeError):
        goal.gamma = None
    with pytest.raises(ValueError, match="read-only"):
        goal.gamma[0] = 1
    assert copy.deepcopy(goal) == goal == pickle.loads(pickle.dumps(goal))


@pytest.mark.parametrize("name", goal_names())
def test_published_goals_load(name):
    goal = Goal.named(name)
    assert len(goal.gamma) == {2: 5, 3: 19}[len(goal.sources)]
    assert np.any(goal.gamma)
    letters = {"context": "FC", "lateral": "FL", "output": "FC"}
    assert goal.sources == tuple(letters.get(name.split("/")[1].split("-")[0], "FCL"))
    assert Goal.of(name, goal.sources) == goal


def test_published_values():
    assert len(goal_names()) == 18
    assert Goal.named("iclr/trivariate-heuristic") == Goal.parse("{F}{C}", FCL)
    assert Goal.named("iclr/context-heuristic") == Goal.parse("{F}{C}", "FC")
    assert Goal.named("iclr/lateral-heuristic") == Goal.parse("{F}", "FL")
    modified = "0.33 {F}{C}{L} + {F}{C} - {F}{L} - {FC}{FL}"
    assert Goal.named("iclr/trivariate-opt_1_100_modified") == Goal.parse(modified, FCL)
    gamma = Goal.named("iclr/trivariate-optimized").gamma
    assert gamma[[0, 1, 6]].tolist() == [
        0.3307283306516516,
        0.9780761799548087,
        0.47128370476190684,
    ]
    assert gamma[-1] == 0.035001249394734923
    output = Goal.named("iclr/output", ["hidden", "label"])
    expected = "{hidden}{label} - 0.2 {hidden} + 0.1 {label} + 0.1 {hidden,label}"
    assert output == Goal.parse(expected, ["hidden", "label"])


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("{F}{C} 2 {L}", r"cannot read '2 \{L\}' in goal '\{F\}\{C\} 2 \{L\}'"),
        ("{F} + banana", r"cannot read '\+ banana' in goal"),
        ("{F} + {C", r"cannot read '\+ \{C' in goal"),
        ("0.1.2 {F}", "cannot read '0.1.2 {F}'"),
        ("{F} + 2", "terms are"),
        ("{F}{FC}", "not an antichain"),
        ("{F}{X}", "no source 'X'"),
        ("{F} + 1e999 {C}", r"goal parameter of \{C\} is inf, must be a finite number"),
        (
            "iclr/trivariate-optimised",
            "no published goal 'iclr/trivariate-optimised'; did you mean",
        ),
        ("iclr/output", r"goal 'iclr/output' is for 2 sources \(F, C\), 3 given: F, C, L"),
        ([1.0] * 5, "a goal for 3 sources has 18 parameters, or 19 with H_res; 5 given"),
        ([float("nan")] * 18, r"goal parameter of \{F\}\{C\}\{L\} is nan, must be a finite"),
        ({"{F}": "1"}, r"goal parameter of \{F\} is 1, must be a finite number"),
        ({"Hrs": 1}, "unknown atom 'Hrs' in a goal; did you mean H_res"),
        ({4: 1}, "atom 4 is not source sets"),
        (4, "a goal is not made from 4"),
        (Goal({}, "FC"), "is for sources F, C, not F, C, L"),
    ],
)
def test_bad_goals_are_named(spec, message):
    with pytest.raises(ConfigError, match=message) as error:
        Goal.of(spec, FCL)
    assert "\n" not in str(error.value)


def test_empty_formulas_and_sources_are_refused():
    with pytest.raises(ConfigError, match="formula is empty"):
        Goal.parse("  ", FCL)
    with pytest.raises(ConfigError, match="0 sources given"):
        Goal({}, ())
    with pytest.raises(ConfigError, match="5 sources given"):
        Goal({}, "ABCDE")
