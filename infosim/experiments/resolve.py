"""Resolving settings: every default filled in, goals spelled out, nothing misread in silence."""

import copy
from dataclasses import MISSING, asdict
from math import gcd
from typing import NamedTuple

from infosim import datasets
from infosim.errors import ConfigError, brief, near
from infosim.experiments.reading import plain
from infosim.experiments.tables import (
    BINNING,
    COMPARTMENT,
    CONNECTION,
    GROUP,
    LAYER,
    NETWORK,
    OPTIMIZER,
    OPTIONAL,
    SUM,
    TABLES,
    TOP,
)
from infosim.network.rules import Rule
from infosim.neuron import Activation
from infosim.neuron.activation import ACTIVATIONS
from infosim.neuron.binning import SOFT
from infosim.pid.scheduled import goal_of, written


def resolve(table, measured=True):
    """`table` with every default filled in and goals spelled out; see `Experiment`.

    measured : whether training is measured as `table` says, and so at its end

    Raises
    ------
    ConfigError : unknown or missing key (with near matches), wrong type, value out of range
    """
    config = _check(table, TOP, "")
    for key, known in (TABLES | OPTIONAL).items():
        if key in config:
            config[key] = _check(config[key], known, key)
    data = config["data"]
    data["options"] = datasets.complete(data["name"], data["options"])
    if measured:
        _refuse_unmeasured(config["training"])
    config["network"]["rule"] = _resolve_rule(config["network"]["rule"], "network.rule")
    config["network"].setdefault("inversion", Rule.of(config["network"]["rule"]).inversion)
    _refuse_unread(config["network"], config["layers"])
    for name in config["network"]["clamped"]:
        if name not in config["layers"]:
            raise ConfigError(f"network.clamped: no layer {name!r}; {near(name, config['layers'])}")
    needed = "activation", "compartments"
    _refuse_strangers(config["layers"], needed, "layers", "layer", " and ".join(needed))
    config["layers"] = {
        name: _resolve_layer(layer, f"layers.{name}")
        for name, layer in _tables(config["layers"], "layers")
    }
    return config


def _check(table, known, where):
    """`table` checked by its settings, with their defaults filled in and in their order."""
    prefix = f"{where}." if where else ""
    if not table.keys() <= known.keys():
        key = next(key for key in table if key not in known)
        shown = key if key.isprintable() else brief(key)  # an error is one line
        raise ConfigError(f"unknown key {prefix}{shown}; {near(key, known)}")
    result = {}
    for key, one in known.items():
        if key in table:
            result[key] = one.read(f"{prefix}{key}", table[key])
        elif one.default is MISSING:
            raise ConfigError(f"{prefix}{key} is missing")
        elif one.default is not None:
            changes = type(one.default) in (dict, list)
            result[key] = copy.deepcopy(one.default) if changes else one.default
    return result


def _named(table, choices, where):
    """The table's `name`, one of `choices`, and the rest of the table."""
    name = table.get("name", "adam" if "adam" in choices else None)
    if callable(name):
        raise ConfigError(
            f"{where}.name: settings hold no function; give it to an Activation of a Network"
        )
    if not isinstance(name, str) or name not in choices:
        raise ConfigError(f"{where}.name {name!r} is unknown; {near(name, choices)}")
    return name, {key: value for key, value in table.items() if key != "name"}


def _resolve_rule(given, where):
    """A rule spelled out: its name, with its numbers in a table if it has any."""
    try:
        rule = Rule.of(given)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
    numbers = {key: plain(value) for key, value in asdict(rule).items() if value is not None}
    return {"name": rule.name, **numbers} if numbers else rule.name


def _refuse_unmeasured(training):
    """Raise unless the end of a training is measured."""
    for name in ("evaluate_every", "record_epochs"):
        if training["epochs"] % training.get(name, 1):
            divides = gcd(training[name], training["epochs"])
            raise ConfigError(
                f"training.{name} must divide training.epochs, or the end would not be "
                f"measured; were {training[name]} and {training['epochs']}, "
                f"training.{name}={divides} would do"
            )
    if not training["epochs"] and not training["measure_first"]:
        raise ConfigError(
            "training.measure_first must be true where training.epochs is 0, or nothing would be "
            "measured; was false"
        )


def _with_groups(table, where):
    """A layer's table with its groups' filled in, and its size if they alone say it."""
    given = table.get("groups")
    if not isinstance(given, dict):
        return table
    if not given:  # as without
        return {key: value for key, value in table.items() if key != "groups"}
    _refuse_strangers(given, ("size",), f"{where}.groups", "group", "a size")
    groups = {
        name: _check(one, GROUP, f"{where}.groups.{name}")
        for name, one in _tables(given, f"{where}.groups")
    }
    return {"size": sum(one["size"] for one in groups.values()), **table, "groups": groups}


def _resolve_layer(table, where):
    layer = _check(_with_groups(table, where), LAYER, where)
    name, rest = _named(layer["activation"], ACTIVATIONS, f"{where}.activation")
    clamp = {} if "clamp" not in rest else {"clamp": rest.pop("clamp")}
    activation = Activation(name, rest, **clamp)
    layer["activation"] = {
        "name": name,
        **{key: list(value) for key, value in activation.parameters.items()},
        "clamp": activation.clamp,
    }
    layer["binning"] = _check(layer["binning"], BINNING, f"{where}.binning")
    if layer["binning"]["kind"] == "soft":
        layer["binning"] = SOFT | layer["binning"]
    name, rest = _named(layer["optimizer"], OPTIMIZER, f"{where}.optimizer")
    layer["optimizer"] = {"name": name, **_check(rest, OPTIMIZER[name], f"{where}.optimizer")}
    _refuse_strangers(
        layer["compartments"], ("source", "connections"), f"{where}.compartments", "compartment",
        "a source",
    )  # fmt: skip
    layer["compartments"] = {
        key: _resolve_compartment(value, f"{where}.compartments.{key}")
        for key, value in _tables(layer["compartments"], f"{where}.compartments")
    }
    sources, groups = tuple(layer["compartments"]), layer.get("groups", {})
    for at, one in [(where, layer), *((f"{where}.groups.{key}", groups[key]) for key in groups)]:
        if one["goal"] != "":  # it does not learn by one, or a group by the layer's
            try:
                one["goal"] = written(goal_of(one["goal"], sources))
            except ConfigError as error:
                raise ConfigError(f"{at}.goal: {error}") from None
    if layer["rule"] != "":  # it has one of its own
        layer["rule"] = _resolve_rule(layer["rule"], f"{where}.rule")
    return layer


def _resolve_compartment(table, where):
    if "connections" not in table:
        return _check(table, COMPARTMENT, where)
    for key in CONNECTION:
        if key in table:
            raise ConfigError(
                f"{where}.{key}: beside connections there is none, it is said of each of them: "
                f"{where}.connections.NAME.{key}"
            )
    compartment, where = _check(table, SUM, where), f"{where}.connections"
    compartment["connections"] = {
        name: _check({"source": name} | value, CONNECTION, f"{where}.{name}")
        for name, value in _tables(compartment["connections"], where)
    }
    return compartment


def _refuse_strangers(tables, known_by, where, kind, needed):
    """Raise about a table that has none of what it is known by, where others do: misspelt."""

    def known(one):
        return isinstance(one, dict) and any(key in one for key in known_by)

    whole = [name for name, one in tables.items() if known(one)]
    for name, one in tables.items():
        if isinstance(one, dict) and whole and not known(one):
            raise ConfigError(
                f"{where}.{name}: unknown {kind} {name!r}; {near(name, whole)} "
                f"(a new {kind} needs {needed})"
            )


def _refuse_unread(network, layers):
    """Raise about an input that no compartment reads, unless it is one by default or the target."""
    tables = [table.get("compartments") for _, table in _tables(layers, "layers")]
    compartments = [one for table in tables if isinstance(table, dict) for one in table.values()]
    read = {name for one in compartments if isinstance(one, dict) for name in _read_by(one)}
    read |= {network["target"], *NETWORK["inputs"].default}
    for name in network["inputs"]:
        if name not in read:
            raise ConfigError(
                f"network.inputs.{name}: no compartment reads it; "
                f"{near(name, [one for one in network['inputs'] if one in read])}"
            )


def _read_by(compartment):
    """The sources that a compartment's table names, which nothing has been checked of."""
    several = compartment.get("connections")
    if not isinstance(several, dict):
        return [str(compartment.get("source"))]
    tables = [(name, one) for name, one in several.items() if isinstance(one, dict)]
    return [str(one.get("source", name)) for name, one in tables]


def _tables(table, where):
    for key, value in table.items():
        if not isinstance(value, dict):
            raise ConfigError(f"{where}.{key} must be a table, was {brief(value)}")
        yield key, value


def connections(compartment):
    """The settings of each connection of a compartment's resolved settings."""
    return compartment["connections"].values() if "connections" in compartment else [compartment]


class GoalSetting(NamedTuple):
    """Where a goal stands in resolved settings.

    layer : its name; keys : that lead to the goal's text or table; goal : that, or the layer's, ""
        if there is none
    """

    layer: str
    keys: tuple[str, ...]
    goal: object


def goals(config):
    """The goals of layers, or of their groups: name in results -> `GoalSetting`."""
    found = {}
    for name, layer in config["layers"].items():
        path = "layers", name
        if "groups" not in layer:
            found[name] = GoalSetting(name, (*path, "goal"), layer["goal"])
        for key, one in layer.get("groups", {}).items():
            goal = one["goal"] or layer["goal"]
            found[f"{name}/{key}"] = GoalSetting(name, (*path, "groups", key, "goal"), goal)
    return found
