import copy
import pickle
import re
import time

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infosim.errors import ConfigError, ShapeError
from infosim.pid import Goal, decompose, goal_names, lattice
from infosim.pid.goals import bivariate_goals

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
    paper, kind = re.match("(.*)/([^-]*)", name).groups()
    letters = {"context": "FC", "lateral": "FL", "output": "FC"}
    assert goal.sources == tuple(letters.get(kind, "FCL") if paper == "iclr" else "FC")
    assert Goal.of(name, goal.sources) == goal


def test_published_values():
    papers = [name.split("/")[0] for name in goal_names()]
    assert {paper: papers.count(paper) for paper in papers} == {
        "iclr": 18, "classical": 12, "pid": 4, "pnas": 3, "memory": 3,
    }  # fmt: skip
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


def shannon(terms, pmf):
    """Bits of a sum of classical terms such as "I(Y:F) - 0.5 H(Y|F,C)"; pmf [shape=(F, C, Y)]."""
    alone = {"F": naive.mutual_information(pmf.sum(1)), "C": naive.mutual_information(pmf.sum(0))}
    both, residual = naive.mutual_information(pmf), naive.residual_entropy(pmf)
    values = {
        "I(Y:F)": alone["F"],
        "I(Y:C)": alone["C"],
        "I(Y:F,C)": both,
        "I(Y:F|C)": both - alone["C"],
        "I(Y:F;C)": alone["F"] + alone["C"] - both,
        "H(Y)": both + residual,
        "H(Y|F,C)": residual,
    }
    written = re.findall(r"([+-]?) ?([\d.]*) ?([IH]\([^)]*\))", terms)
    assert "".join(map("".join, written)) == terms.replace(" ", "")
    return sum(float(f"{sign}{factor or 1}") * values[term] for sign, factor, term in written)


BIVARIATE = bivariate_goals()


@pytest.mark.parametrize("name", [name for name in BIVARIATE if BIVARIATE[name]["classical"]])
def test_classical_goals_are_what_their_definition_says(name):
    rng = np.random.default_rng(0)
    for _ in range(3):
        pmf = rng.dirichlet(np.full(24, 0.5)).reshape(3, 4, 2)
        found = decompose(pmf, names=("F", "C"))
        value = Goal.named(name).value(found.redundancies, found.entropy)
        assert value == pytest.approx(shannon(BIVARIATE[name]["classical"], pmf), abs=1e-12)


@pytest.mark.parametrize("name", BIVARIATE)
def test_classical_goals_and_no_others_are_in_the_classical_plane(name):
    goal = Goal.named(name)
    red, f, c, syn, _ = goal.gamma
    off = syn - (f + c - red)
    classical = bool(BIVARIATE[name]["classical"])
    assert (off == 0) == classical == name.startswith("classical/")
    # w of {F}{C}: what is in the goal beside mutual informations
    assert goal.coefficients()[0][0] == pytest.approx(off, abs=1e-15)


def test_weights_of_wibral_et_al():
    """Brain and Cognition 112 (2017), Eqs. 18 (Φ1 = 0.5), 22, 23 and 24: Γ of F, C, shared, syn."""
    published = {
        "contextual-guidance": [0.5, 0, 1, -0.5, 0],
        "infomax": [1, 0, 1, 0, 0],
        "predictive-coding": [-1, -1, -1, -1, -1],
        "coding-with-synergy": [1, -1, 1, 1, -1],
    }
    for name in BIVARIATE:
        if (short := name.split("/")[1]) in published:
            red, f, c, syn, residual = Goal.named(name).gamma
            assert [f, c, red, syn, residual] == published.pop(short)
    assert not published


def test_goals_of_two_sources_take_other_letters_by_position():
    goal = Goal.named("classical/redundancy-reduction", ("image", "others"))
    assert goal == Goal.parse("{image} - {others}", ("image", "others"))
    with pytest.raises(ConfigError, match="is for 2 sources"):
        Goal.named("classical/infomax", FCL)
    assert Goal.named("pnas/supervised") == Goal([1, 0.1, 0.1, 0.1, 0], "FC")
    assert Goal.named("pnas/unsupervised") == Goal.named("pid/unique")


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


@pytest.mark.parametrize(
    "text", [" ", "+", "- ", "1", "{F} ", "1 * ", "{F} + ", "{", "{F}{", "{F} {", "9e", "H", "1 \n"]
)
def test_any_text_is_read_in_no_time(text):
    """A text of 40,000 characters; twice as many blanks once took eight times as long."""
    began = time.perf_counter()
    long = text * (40_000 // len(text)) + "x"
    with pytest.raises(ConfigError) as error:
        Goal.of(long, FCL)
    assert len(str(error.value)) < 2000
    assert time.perf_counter() - began < 1  # 0.1 on a slow machine


def test_the_length_of_a_formula_is_bounded():
    assert Goal.parse("{F}" + " " * 99_997, FCL) == Goal.parse("{F}", FCL)
    with pytest.raises(ConfigError, match="at most 100000 characters, this one has 100001"):
        Goal.parse("{F}" + " " * 99_998, FCL)
    every = Goal(np.linspace(-1, 1, 167), "ABCD")
    assert Goal.parse(str(every), "ABCD") == every
