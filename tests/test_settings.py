"""Settings are declared once: what a field says is what is checked, read and derived."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infosim.errors import ConfigError
from infosim.experiments import Experiment, run, tables
from infosim.experiments.identity import alike
from infosim.network import (
    SGD,
    Adam,
    Compartment,
    Connection,
    Group,
    Layer,
    Network,
)
from infosim.neuron import Activation, Binning
from infosim.schedule import Schedule
from infosim.settings import LARGEST, setting, settings, settle


@dataclass(frozen=True)
class Described:
    """One of everything."""

    name: str
    needed: int = setting(doc="of neurons", low=1, high=LARGEST, unit="neurons")
    whole: int = setting(3, low=0, high=10)
    part: float = setting(0.5, low=0, below=1)
    any: float = setting(-1.0)
    maybe: float | None = setting(None, low=-1, high=1, varies=True)
    on: bool = setting(True)
    which: str = setting("a", choices=("a", "b"))
    free: str = setting("x")
    moving: float | Schedule = setting(1.0, low=0, high=5)
    row: tuple[float, float] = setting((0.1, 0.2), low=0, below=1)
    many: int | tuple[int | Schedule, ...] | Schedule = setting(2, low=2, high=9)
    either: str | Sequence[int] = setting("all", choices=("all", "none"))
    table: Mapping = setting({"a": "x"}, choices=("x", "y"))
    hidden: str | None = setting(None, in_files="out")

    def __post_init__(self):
        settle(self, "it: ")


KNOWN = settings(Described)


def test_annotations_tell_the_types():
    kinds = {name: one.kinds for name, one in KNOWN.items()}
    assert kinds == {
        "needed": (int,), "whole": (int,), "part": (float,), "any": (float,), "maybe": (float,),
        "on": (bool,), "which": (str,), "free": (str,), "moving": (float, dict), "row": (list,),
        "many": (int, list, dict), "either": (str, list), "table": (dict,), "hidden": (str,),
    }  # fmt: skip
    assert (KNOWN["row"].items, KNOWN["row"].length) == (float, 2)
    assert (KNOWN["many"].items, KNOWN["many"].length) == (int, None)
    assert {name for name, one in KNOWN.items() if one.scheduled} == {"moving", "many"}
    assert {name for name, one in KNOWN.items() if not one.simple} == {
        "free", "row", "many", "either", "table", "hidden",
    }  # fmt: skip


def test_defaults_are_of_python_and_of_files():
    one = Described("it", 1)
    assert (one.hidden, one.table, one.row) == (None, {"a": "x"}, (0.1, 0.2))
    assert one.table is not Described("it", 1).table
    assert (KNOWN["hidden"].default, KNOWN["row"].default) == ("out", [0.1, 0.2])
    assert KNOWN["needed"].default is MISSING


def test_ranges_in_words():
    found = {name: one.range for name, one in KNOWN.items() if one.range}
    assert found == {
        "needed": "at least 1", "whole": "0 to 10", "part": "[0, 1)", "maybe": "[-1, 1]",
        "moving": "[0, 5]", "row": "[0, 1)", "many": "2 to 9",
    }  # fmt: skip


def test_numbers_become_pythons_own():
    one = Described(
        "it", np.int32(4), part=np.float32(0.25), any=2, moving={"from": 1, "to": 2, "until": 3}
    )
    assert [type(one.needed), type(one.part), type(one.any)] == [int, float, float]
    assert one.moving == Schedule([(0, 1.0), (3, 2.0)])


WRONG = {
    "none": ({"needed": None}, "it: needed must be an integer of at least 1, was N"),
    "below": ({"needed": 0}, "it: needed must be an integer of at least 1, was 0"),
    "far above": ({"needed": 2**31}, "it: needed must be an integer of at most 2147483647"),
    "above": ({"whole": 11}, "it: whole must be an integer from 0 to 10, was 11"),
    "half": ({"whole": 0.5}, "it: whole must be an integer from 0 to 10, was 0.5"),
    "truth": ({"whole": True}, "it: whole must be an integer from 0 to 10, was True"),
    "end": ({"part": 1}, "it: part must be a number in [0, 1), was 1"),
    "not a number": ({"part": np.nan}, "it: part must be a number in [0, 1), was nan"),
    "endless": ({"any": np.inf}, "it: any must be a finite number, was inf"),
    "text": ({"any": "1"}, "it: any must be a finite number, was '1'"),
    "none again": ({"any": None}, "it: any must be a finite number, was None"),
    "maybe, but": ({"maybe": 2}, "it: maybe must be a number in [-1, 1], was 2"),
    "number for truth": ({"on": 1}, "it: on must be true or false, was 1"),
    "choice": ({"which": "c"}, "it: which must be 'a' or 'b', was 'c'"),
    "choice of a list": ({"which": ["a"]}, "it: which must be 'a' or 'b', was ['a']"),
    "schedule": (
        {"moving": {"from": 1, "to": 6, "until": 3}},
        "it: moving must be a number in [0, 5], was 6",
    ),
    "schedule of one that has none": (
        {"part": {"from": 0, "to": 0.5, "until": 3}},
        "it: part must be a number in [0, 1), was {'from': 0, 'to': 0.5, 'until': 3}",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_a_description_refuses(case):
    given, message = WRONG[case]
    with pytest.raises(ConfigError) as told:
        Described(**{"name": "it", "needed": 1} | given)
    assert str(told.value).startswith(message)
    assert "\n" not in str(told.value)


READ = {
    "integer for a number": ("part", 0, 0.0),
    "list": ("row", [0.5, 0], [0.5, 0]),
    "list of more": ("many", [2, 3, 4], [2, 3, 4]),
    "schedule": (
        "moving",
        {"from": 1, "to": 2, "until": 3},
        {"points": [[0, 1], [3, 2]], "shape": "linear", "per": "epoch"},
    ),
    "schedule in a list": (
        "many",
        [2, {"from": 3, "to": 9, "until": 1}],
        [2, {"points": [[0, 3], [1, 9]], "shape": "linear", "per": "epoch"}],
    ),
    "list beside choices": ("either", [5], [5]),
    "texts": ("table", {"a": "x", "b": "y"}, {"a": "x", "b": "y"}),
}


@pytest.mark.parametrize("case", READ)
def test_what_is_read(case):
    name, value, expected = READ[case]
    found = KNOWN[name].read("what", value)
    assert found == expected
    assert type(found) is type(expected)


UNREADABLE = {
    "number for an integer": ("whole", 1.0, "must be an integer, was 1.0"),
    "truth for a number": ("part", True, "must be a number, was True"),
    "none": ("maybe", None, "must be a number, was None"),
    "text for a table": ("table", "x", "must be a table, was 'x'"),
    "schedule of one that has none": ("part", {"from": 1}, "must be a number, was {'from': 1}"),
    "of several types": ("many", "x", "must be an integer or a list or a table, was 'x'"),
    "in a list": ("many", [2, 10], "must be an integer from 2 to 9, was 10"),
    "in a row": ("row", [0.5, 1.5], "must be a number in [0, 1), was 1.5"),
    "in a schedule of a list": (
        "many",
        [2, {"from": 3, "to": 10, "until": 1}],
        "must be an integer from 2 to 9, was 10",
    ),
    "no schedule": ("moving", {"from": 1}, ": 'to' of a schedule is missing; it needs from, to"),
    "choice beside a list": ("either", "some", "must be 'all' or 'none' or a list, was 'some'"),
    "choice in a table": ("table", {"a": "z"}, ".a must be 'x' or 'y', was 'z'"),
    "huge": ("whole", 2**62, "must be an integer from 0 to 10, was 4611686018427387904"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_is_not_read(case):
    name, value, message = UNREADABLE[case]
    with pytest.raises(ConfigError) as told:
        KNOWN[name].read("training.it", value)
    assert str(told.value).startswith(f"training.it{'' if message[0] in ':.' else ' '}{message}")


@given(st.one_of(st.integers(), st.floats(), st.booleans(), st.text(), st.none()))
def test_files_and_python_refuse_the_same(value):
    for one in KNOWN.values():
        if one.simple and not one.scheduled and not (value is None and one.default is None):
            try:
                read = one.read("it", value)
            except ConfigError:
                read = None
            try:
                checked = one.check("it", value)
            except ConfigError:
                assert read is None
            else:
                assert read == checked


def test_a_misspelt_word_of_a_declaration_is_an_error():
    @dataclass(frozen=True)
    class Wrong:
        size: int = setting(1, lowest=0)

    with pytest.raises(TypeError, match="lowest"):
        settings(Wrong)


# -- what follows from what is declared of networks and files ----------------------------------


def layer(**other):
    given = {
        "name": "h",
        "size": 4,
        "compartments": [Compartment("F", "x"), Compartment("C", "y")],
        "activation": Activation("bivariate"),
        "goal": "{F}{C}",
    }
    return Layer(**given | other)


def network(**other):
    return Network(**{"inputs": {"x": 3, "y": 4}, "layers": [layer()], "steps": 2} | other)


BESIDE = [Compartment("C", "y")]
#: What settings may be beside their defaults, where that is not the next number or choice.
OTHER = {
    Network: {"steps": 3, "readout": "h", "target": "y", "rule": "hebb", "inversion": "batch"},
    Layer: {
        "size": 5, "compartments": [Compartment("C", "y"), Compartment("F", "x")],
        "binning": Binning(bins=9), "rule": "hebb", "measure": "williams-beer",
        "groups": [Group("a", 3), Group("b", 1)], "optimizer": Adam(0.5), "goal": "{F}",
        "activation": Activation("bivariate", {"k": (0.5, 1.0)}),
    },
    Connection: {"source": "y", "connectivity": "sparse(2)", "weight": 0.5, "scale": 2.0},
    Compartment: {"connections": [Connection("x"), Connection("y")]},
    Adam: {"rate": 0.5, "betas": (0.5, 0.5), "epsilon": 0.1},
    Group: {"size": 2, "goal": "{F}", "measure": "williams-beer"},
}  # fmt: skip


def another(kind, name):
    """What a setting may be that is not its default."""
    one = settings(kind)[name]
    if name in OTHER.get(kind, ()):
        return OTHER[kind][name]
    if one.choices:
        return next(choice for choice in one.choices if choice != one.default)
    return not one.default if bool in one.kinds else one.default + 1


WHERE = {
    Network: lambda other: network(**other),
    Layer: lambda other: network(layers=[layer(**other)]),
    Connection: lambda other: network(
        layers=[layer(compartments=[Compartment("F", **{"source": "x"} | other), *BESIDE])]
    ),
    Compartment: lambda other: network(layers=[layer(compartments=[
        Compartment("F", **other if "connections" in other else {"source": "x"} | other), *BESIDE
    ])]),
    Adam: lambda other: network(layers=[layer(optimizer=Adam(**other))]),
    SGD: lambda other: network(layers=[layer(optimizer=SGD(**other))]),
    Group: lambda other: network(
        layers=[layer(size=None, groups=[Group("a", **{"size": 3} | other), Group("b", 2)])]
    ),
}  # fmt: skip
EVERY = [(kind, name) for kind in WHERE for name in settings(kind)]


@pytest.mark.parametrize(("kind", "name"), EVERY, ids=lambda one: getattr(one, "__name__", one))
def test_replicas_share_what_does_not_vary(kind, name):
    one, other = WHERE[kind]({}), WHERE[kind]({name: another(kind, name)})
    if settings(kind)[name].varies:
        one.check_alike(other)
    else:
        with pytest.raises(ConfigError, match=r"replicas must be alike, but .* in another"):
            one.check_alike(other)


TOGETHER = {
    "data.name": "mnist", "data.validation": 0.1, "data.options": {"x": 1},
    "data.scaling": "none", "training.epochs": 2, "training.batch": 100, "training.seed": 3,
    "training.dtype": "float64", "training.record_every": 2, "training.record_epochs": 2,
    "training.evaluate_every": 2,
    "training.measure_first": False, "training.shuffle": False, "network.inputs": {"image": "rows"},
    "network.clamped": {"hidden": "images"}, "recall.update": "sequential",
    "recall.order": "fixed", "recall.sampled": True, "recall.ties": "keep", "recall.stop": "joint",
    "recall.max_steps": 5, "recall.flipped": 0.1, "recall.threshold": 0.9,
}  # fmt: skip
OF_FILES = {
    "data": tables.DATA, "training": tables.TRAINING, "network": tables.SHOWN,
    "recall": tables.RECALL,
}  # fmt: skip


@pytest.mark.parametrize("path", [f"{key}.{name}" for key, one in OF_FILES.items() for name in one])
def test_experiments_share_what_does_not_vary(path):
    table, name = path.split(".")
    one = Experiment.load("demo/digits").config
    other = one | {table: one.get(table, {}) | {name: TOGETHER[path]}}
    assert (alike(one) == alike(other)) is OF_FILES[table][name].varies
    if OF_FILES[table][name].varies:
        run._check_together(one, other)
    else:
        with pytest.raises(ConfigError, match=f"trained together need the same {path}, were"):
            run._check_together(one, other)


def test_every_setting_has_a_line_that_says_it():
    known = [tables.TOP, *tables.TABLES.values(), tables.LAYER, tables.BINNING, tables.COMPARTMENT]
    known += [*tables.OPTIMIZER.values(), {"goal": tables.GROUP["goal"]}]
    silent = {name for some in known for name, one in some.items() if not one.doc}
    assert silent == {"doi", "notes"}  # they go by the name


def test_a_description_is_replaced_as_ever():
    one = layer()
    assert replace(one, size=5).size == 5
    assert replace(Adam(0.1), epsilon=0.1).rate == 0.1
