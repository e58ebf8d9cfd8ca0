"""Groups as data: what a layer makes of them, and what is refused."""

import math
from dataclasses import replace

import pytest

from infosim.errors import ConfigError
from infosim.network import Backprop, Compartment, Group, Hebb, Infomorphic, Layer, Network
from infosim.neuron import Activation
from infosim.pid import Goal
from infosim.pid.measures import MEASURES

E, I = Group("e", 3), Group("i", 4, "{F}", "williams-beer")  # noqa: E741


def layer(*groups, size=None, goal="{C}", name="h", **options):
    compartments = [Compartment("F", "x"), Compartment("C", "y")]
    activation = Activation("bivariate")
    return Layer(name, size, compartments, activation, goal=goal, groups=groups, **options)


def network(*layers, **options):
    return Network({"x": 2, "y": 7}, layers, **options)


def test_groups_lie_beside_each_other_and_have_what_the_layer_has():
    given = layer(E, I, measure="minimum-mutual-information")
    assert given.size == 7
    assert given == layer(E, I, size=7, measure="minimum-mutual-information")
    first, second = given.populations.values()
    assert list(given.populations) == ["h/e", "h/i"]
    assert (first.neurons, second.neurons) == (slice(0, 3), slice(3, 7))
    assert (first.size, second.size) == (3, 4)
    assert (first.goal, second.goal) == (Goal.of("{C}", "FC"), Goal.of("{F}", "FC"))
    assert first.measure == MEASURES["minimum-mutual-information"]
    assert second.measure == MEASURES["williams-beer"]
    # what they have from the layer is the layer's
    changed = replace(given, goal="{F}{C}", measure="shared-exclusions").populations["h/e"]
    assert changed.goal == Goal.of("{F}{C}", "FC")
    assert changed.measure == MEASURES["shared-exclusions"]


def test_a_layer_without_groups_is_one_population():
    given = layer(size=5)
    assert given.populations == {"h": (slice(0, 5), Goal.of("{C}", "FC"), given.measure)}
    assert given.has_goal
    assert not layer(size=5, goal=None).has_goal


def test_a_layer_learns_by_the_goals_of_its_groups():
    own = [replace(E, goal="{F}"), I]
    for rule in (None, Infomorphic()):
        assert network(layer(*own, goal=None, rule=rule)).learning == ["h"]
    assert network(layer(E, replace(I, goal=None), goal=None)).learning == []
    by_labels = {"readout": "h", "target": "y", "rule": Backprop()}
    assert network(layer(*own, goal=None), **by_labels).learning == ["h"]
    assert network(layer(E, goal=None, rule=Hebb())).learning == ["h"]


WRONG = {
    "blank": (lambda: Group("a b", 3), "letters, digits, - and _, was 'a b'"),
    "slash": (lambda: Group("a/b", 3), "letters, digits, - and _, was 'a/b'"),
    "dot": (lambda: Group("a.b", 3), "letters, digits, - and _, was 'a.b'"),
    "line": (lambda: Group("a\n", 3), r"letters, digits, - and _, was 'a\\n'"),
    "nothing": (lambda: Group("", 3), "letters, digits, - and _, was ''"),
    "no text": (lambda: Group(7, 3), "letters, digits, - and _, was 7"),
    "labels": (lambda: Group("labels", 3), "no group can be called 'labels'"),
    "empty": (lambda: Group("e", 0), "group 'e': size must be an integer of at least 1, was 0"),
    "part": (lambda: Group("e", 2.5), "group 'e': size must be an integer of at least 1, was 2.5"),
    "nan": (lambda: Group("e", math.nan), "group 'e': size must be an integer of at least 1"),
    "measure": (
        lambda: Group("e", 1, measure="williams"),
        r"group 'e': unknown measure 'williams'; did you mean williams-beer\?",
    ),
    "goal": (
        lambda: layer(E, Group("i", 1, "{L}")),
        "layer 'h': group 'i': atom '{L}' has no source 'L'",
    ),
    "goal of others": (
        lambda: layer(Group("i", 1, "iclr/trivariate-heuristic")),
        "layer 'h': group 'i': goal 'iclr/trivariate-heuristic' is for 3 sources",
    ),
    "names": (lambda: layer(E, I, E), "layer 'h': names of groups must differ, were e, i, e"),
    "sizes": (
        lambda: layer(E, I, size=8),
        r"layer 'h': size must be that of its groups, 3 \(e\) \+ 4 \(i\) = 7, was 8",
    ),
    "no size": (lambda: layer(), "layer 'h': size must be an integer of at least 1, was None"),
    "no group": (lambda: layer(("e", 3)), r"layer 'h': groups must be of type Group, was \('e', 3"),
    "without a goal": (
        lambda: layer(E, I, Group("j", 1), goal=None),
        "layer 'h': h/e, h/j has no goal, but others have; the layer's would be that of",
    ),
    "rule": (
        lambda: layer(E, goal=None, rule=Infomorphic()),
        "layer 'h': rule infomorphic needs a goal",
    ),
    "one name twice": (
        lambda: network(layer(E), layer(size=2, name="h/e")),
        "a layer and a group of another are both called 'h/e'",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_is_said_in_a_line(case):
    make, message = WRONG[case]
    with pytest.raises(ConfigError, match=message) as told:
        make()
    assert "\n" not in str(told.value)
