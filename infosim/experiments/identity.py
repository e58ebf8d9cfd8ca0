"""What makes runs the same: the key by which they are found, and what replicas have in common."""

import hashlib
import json
from dataclasses import fields

from infosim import datasets
from infosim.experiments.reading import flat, merge
from infosim.experiments.resolve import connections
from infosim.experiments.tables import (
    BINNING,
    COMPARTMENT,
    CONNECTION,
    GROUP,
    LAYER,
    OPTIMIZER,
    OPTIONAL,
    TABLES,
)
from infosim.network.rules import Rule
from infosim.settings import Setting

#: The version of the defaults: a key names settings by how they differ from these. Where a default
#: changes it is raised by 1, so that a run is never taken for one of other settings.
DEFAULTS_VERSION = 1

#: Those of a layer's settings that stand in its key by themselves; all others where they are no
#: defaults.
_OWN = ("size", "activation", "binning", "goal", "optimizer", "compartments", "groups")
_LATER = {name: one for name, one in LAYER.items() if name not in _OWN}


def key(config):
    """A name for resolved settings: a hash of all that is no default and no description.

    So it stays what it is when a later version has more settings. Data of a user's own are known by
    their content, wherever they lie.
    """
    said = _chosen(config)
    if DEFAULTS_VERSION > 1:
        said.append(DEFAULTS_VERSION)
    return hashlib.sha256(json.dumps(said, separators=(",", ":")).encode()).hexdigest()[:16]


def recorded(table):
    """`table`, the config.toml of a run, with what later settings were when it was made."""
    was = {
        key: {name: one.before for name, one in known.items() if one.before is not None}
        for key, known in TABLES.items()
        if key in table
    }
    return merge(was, table)


def _chosen(config):
    """What a resolved configuration says beyond defaults, in an order that does not matter.

    The order of layers, of compartments and of groups does: these are lists of pairs.
    """
    data, network = config["data"], config["network"]
    own, options = datasets.is_own(data["name"]), datasets.chosen(data["name"], data["options"])
    if own and data["name"].endswith(".npy"):
        options.pop("target", None)  # a file; the hash is of its content, too
    known = {"name": "" if own else data["name"], "options": options}
    tables = config | {"data": data | known, "network": _with_rule(network)}
    optional = {name: _beyond(config.get(name, {}), known) for name, known in OPTIONAL.items()}
    return [
        *(_beyond(tables[name], known) for name, known in TABLES.items()),
        [_layer(name, layer) for name, layer in config["layers"].items()],
        *([name, said] for name, said in optional.items() if said),
    ]


def _beyond(table, known):
    """The (key, value) of a table that are not what they are if nothing is said, sorted."""
    return sorted(
        (name, value)
        for name, value in table.items()
        if name not in known or value != known[name].unsaid
    )


def _with_rule(table):
    """The table, with its rule in the numbers that are not its defaults, if it has any."""
    given = table["rule"]
    if not isinstance(given, dict):
        return table
    known = {one.name: Setting(one.name, (), one.default) for one in fields(Rule.of(given))}
    return table | {"rule": _beyond(given, known)}


def _layer(name, layer):
    groups = [(one, _beyond(group, GROUP)) for one, group in layer.get("groups", {}).items()]
    return (
        name,
        layer["size"],
        sorted(layer["activation"].items()),
        _beyond(layer["binning"], BINNING),
        layer["goal"],
        _beyond(layer["optimizer"], OPTIMIZER[layer["optimizer"]["name"]]),
        [(one, _compartment(table)) for one, table in layer["compartments"].items()],
        *_beyond(_with_rule({one: layer[one] for one in _LATER}), _LATER),
        *(["groups", *groups] if groups else []),
    )


def _compartment(table):
    if "connections" in table:
        parts = [_beyond(one, CONNECTION) for one in connections(table)]
        table = table | {"connections": parts}
    return _beyond(table, COMPARTMENT)


def alike(config):
    """The resolved settings that experiments share which are trained side by side."""
    return {
        **{
            name: _shared(config.get(name, {}), known)
            for name, known in (TABLES | OPTIONAL).items()
        },
        "layers": {name: _shared_of_layer(layer) for name, layer in config["layers"].items()},
    }


def _shared(table, known):
    return {name: one for name, one in table.items() if not known[name].varies}


def _shared_of_layer(layer):
    groups = layer.get("groups", {}).items()
    return _shared(layer, LAYER) | {
        "activation": (layer["activation"]["name"], layer["activation"]["clamp"]),
        "optimizer": layer["optimizer"]["name"],
        "groups": {name: _shared(one, GROUP) for name, one in groups},
        "compartments": {
            name: _shared_of_compartment(one) for name, one in layer["compartments"].items()
        },
    }


def _shared_of_compartment(table):
    if "connections" not in table:
        return _shared(table, COMPARTMENT)
    parts = table["connections"].items()
    return table | {"connections": {name: _shared(one, CONNECTION) for name, one in parts}}


def differences(before, now, free=()):
    """In which settings two tables differ, in words; "" if in none but the `free` ones."""
    before, now = dict(flat(before)), dict(flat(now))
    changed = sorted(
        key for key in (before.keys() | now.keys()) - set(free) if before.get(key) != now.get(key)
    )
    was = ", ".join(f"{k} was {before.get(k)!r}, now {now.get(k)!r}" for k in changed[:3])
    return was + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
