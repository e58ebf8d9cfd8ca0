"""The JSON schema of an experiment file, by which editors complete and check what is written.

It is made of the settings' declarations, and says of a file alone what `resolve` says when what it
extends is there: a file that extends another may leave out anything.
"""

import math
import re
from dataclasses import MISSING, fields

from infosim.datasets import names
from infosim.datasets.catalogue import NAME
from infosim.datasets.generated import GENERATED
from infosim.datasets.own.options import Options
from infosim.experiments.provenance import CERTAINTIES
from infosim.experiments.reading import preset_names
from infosim.experiments.tables import (
    BINNING,
    COMPARTMENT,
    CONNECTION,
    DATA,
    DESCRIPTIONS,
    EXTENDS,
    GROUP,
    LAYER,
    NETWORK,
    OPTIMIZER,
    RECALL,
    SOURCES,
    SUM,
    TOP,
    TRAINING,
)
from infosim.network.connectivity import NAMED
from infosim.network.rules import RULES
from infosim.neuron import Activation
from infosim.neuron.activation import ACTIVATIONS
from infosim.pid import goal_names
from infosim.schedule import SHAPES, UNITS
from infosim.settings import settings

_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean"}
_NUMBER, _TEXT = {"type": "number"}, {"type": "string"}


def schema():
    """The schema (draft 7) as a dict."""
    top = {name: _value(TOP[name]) for name in DESCRIPTIONS}
    extends = _any({"enum": preset_names()}, {"type": "string", "pattern": r"\.toml$"})
    tables = {
        "data": _data(),
        "training": _table(TRAINING),
        "network": _table(NETWORK, rule=_rule(RULES)),
        "recall": _table(RECALL),
        "layers": _named(_layer()),
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "An experiment of infosim",
        **_object({
            "extends": extends | _said(EXTENDS),
            **top,
            **{name: one | _said(TOP[name]) for name, one in tables.items()},
            "sources": _sources() | _said(SOURCES),
        }),
        "if": {"not": {"required": ["extends"]}},
        "then": _whole(),
    }  # fmt: skip


def _sources():
    """Text for each setting, of which a table may be in tables, as keys with dots are."""
    words = "|".join(CERTAINTIES)
    text = {"type": "string", "pattern": rf"^({words}) *(:.*)?$"}
    return {"type": "object", "additionalProperties": _any(text, {"$ref": "#/properties/sources"})}


def _whole():
    """What must stand in a file that extends none."""
    compartment = _any({"required": ["source"]}, {"required": ["connections"]})
    layer = _any({"required": ["size"]}, {"required": ["groups"]}) | {
        "required": [one for one in _required(LAYER) if one != "size"],
        "properties": {
            "activation": {"required": ["name"]},
            "compartments": {"additionalProperties": compartment},
        },
    }
    return {
        "required": _required(TOP),
        "properties": {"layers": {"additionalProperties": layer}},
    }


def _required(known):
    return [name for name, one in known.items() if one.default is MISSING]


def _layer():
    parts = {
        "activation": _any(*(_activation(*one) for one in ACTIVATIONS.items())),
        "binning": _table(BINNING),
        "optimizer": _any(
            *(_table(known, name={"const": name}) for name, known in OPTIMIZER.items())
        ),
        "compartments": _named(_compartment()),
        "groups": _named(_table(GROUP, goal=_goal()), r"^[\w-]+$"),
        "goal": _goal(),
        "rule": _any({"const": ""}, _rule(name for name, one in RULES.items() if not one.whole)),
    }
    return _table(LAYER, **parts)


def _compartment():
    """A compartment of one connection, or of several."""
    sparse = {"type": "string", "pattern": r"^sparse\( *0*[1-9][0-9]* *\)$"}
    connectivity = _any({"enum": [*NAMED]}, sparse)
    alone = {name: one for name, one in COMPARTMENT.items() if name != "connections"}
    return _any(
        _table(alone, connectivity=connectivity),
        _table(SUM, connections=_named(_table(CONNECTION, connectivity=connectivity))),
    )


def _activation(name, form):
    numbers = {key: _numbers(default) for key, default in form.defaults.items()}
    clamp = _value(settings(Activation)["clamp"]) | {"default": form.clamp}
    return _object({"name": {"const": name}, **numbers, "clamp": clamp})


def _numbers(default):
    """So many numbers in a row; if it is one, it may stand alone."""
    row = {"type": "array", "items": _NUMBER, "minItems": len(default), "maxItems": len(default)}
    kinds = [row] if len(default) > 1 else [_NUMBER, row]
    return _any(*kinds) | {"default": list(default)}


def _rule(names):
    """A rule's name, or a table of it and the numbers that it has."""
    names = list(names)
    tables = []
    for name in names:
        known = settings(RULES[name])
        numbers = {
            one.name: _value(known[one.name]) if one.name in known else {}
            for one in fields(RULES[name])
        }
        tables.append(_object({"name": {"const": name}} | numbers))
    return _any({"enum": names}, *tables)


def _goal():
    """A formula or published name, γ by atom or in order, or a schedule of γ or of whole goals."""
    gamma = _any(_NUMBER, _schedule(_NUMBER))
    schedules = {"not": {"enum": [*_schedule({})["properties"]]}}
    by_atom = {"type": "object", "propertyNames": schedules, "additionalProperties": gamma}
    constant = {"type": "object", "propertyNames": schedules, "additionalProperties": _NUMBER}
    row = {"type": "array", "items": _NUMBER}
    formula = _any({"enum": list(goal_names())}, _TEXT)
    return _any(formula, by_atom, _schedule(_any(_TEXT, constant, row)), row)


def _schedule(value):
    """A table that says a schedule of values like this one."""
    time = {"type": "integer", "minimum": 0}
    ends = {"from": value, "to": value, "until": {"type": "integer", "minimum": 1}}
    point = {"type": "array", "items": [time, value], "minItems": 2, "maxItems": 2}
    both = {"points": {"not": _any(*({"required": [key]} for key in ends))}}
    return {"dependencies": both} | _object({
        **ends,
        "points": {"type": "array", "items": point, "minItems": 2},
        "shape": {"enum": [*SHAPES], "default": "linear"},
        "per": {"enum": [*UNITS], "default": "epoch"},
    })  # fmt: skip


def _data():
    """[data], with the options of the data set that it names, of data of one's own where the name
    is a path, or of any where it names none.
    """
    own = _table(settings(Options))
    made = {
        name: _object({key: _option(one) for key, one in generator.options.items()})
        for name, generator in GENERATED.items()
    }
    table = _table(DATA, name=_any({"enum": names()}, _TEXT), options=_any(*made.values(), own))
    path = {"required": ["name"], "properties": {"name": {"not": {"pattern": NAME.pattern}}}}
    of = [{"if": path, "then": {"properties": {"options": own}}}] + [
        {"if": {"required": ["name"], "properties": {"name": {"const": name}}},
         "then": {"properties": {"options": made.get(name, {"maxProperties": 0})}}}
        for name in names()
    ]  # fmt: skip
    return table | {"allOf": of}


def _option(option):
    """An option of a data set that is made."""
    kind = type(option.default)
    ends = {"minimum": option.low, "maximum": option.high} if kind is not bool else {}
    ends = {key: end for key, end in ends.items() if math.isfinite(end)}
    return {"type": _TYPES[kind], **ends, "default": option.default}


def _table(known, **parts):
    """A table of these settings; parts : those of which more is to be said, by their names."""
    own = {name: one for name, one in parts.items() if name not in known}
    return _object(own | {
        name: parts[name] | _said(one) if name in parts else _value(one)
        for name, one in known.items()
    })  # fmt: skip


def _value(setting):
    """What a setting may be."""
    found = _any(*(_kind(setting, kind) for kind in setting.kinds))
    return (found if len(setting.kinds) > 1 else found["anyOf"][0]) | _said(setting)


def _kind(setting, kind):
    """What a setting may be if it is of this type."""
    if kind is dict:
        if setting.number:
            return _schedule(_kind(setting, setting.number))
        return _named({"enum": [*setting.choices]}) if setting.choices else {"type": "object"}
    if kind is list:
        item = _kind(setting, setting.items) if setting.items else {}
        item = _any(item, _schedule(item)) if setting.scheduled else item
        ends = {"minItems": setting.length, "maxItems": setting.length} if setting.length else {}
        return {"type": "array", "items": item, **ends}
    if kind is str:
        choices = [*setting.choices]
        if choices and setting.default == "":
            choices = ["", *choices]
        return {"enum": choices} if choices else _TEXT
    ends = {"minimum": setting.low, "maximum": setting.high, "exclusiveMaximum": setting.below}
    return {"type": _TYPES[kind], **{key: end for key, end in ends.items() if end is not None}}


def _said(setting):
    """A setting's description, in words without links, and its default."""
    words = re.sub(r"\[(.*?)\]\(.*?\)", r"\1", setting.doc)
    words = ": ".join(part for part in (setting.unit, words) if part)
    said = {"description": words} if words else {}
    return said if setting.default in (MISSING, None) else said | {"default": setting.default}


def _any(*schemas):
    return {"anyOf": list(schemas)}


def _object(properties):
    """A table that has these keys and no others."""
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _named(schema, pattern=None):
    """A table of tables or texts like this one, by names of one's own."""
    if pattern is None:
        return {"type": "object", "additionalProperties": schema}
    return {"type": "object", "patternProperties": {pattern: schema}, "additionalProperties": False}
