"""Experiment files: TOML to network, data and training, with nothing misread in silence.

A preset or a user's file is a table of settings; `extends = "NAME"` starts from another one.
`resolve` fills in every default and refuses unknown keys, so that a run's config.toml says all.
"""

import copy
import hashlib
import json
import os
import re
import tomllib
from dataclasses import asdict, dataclass, fields
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import numpy as np

from infosim import datasets, files
from infosim.datasets import generated
from infosim.errors import ConfigError, InfosimError, brief, near
from infosim.network import Compartment, Connection, Group, Layer, Network
from infosim.network.optimizers import OPTIMIZERS
from infosim.network.rules import Rule
from infosim.neuron import Activation, Binning
from infosim.neuron.activation import ACTIVATIONS
from infosim.pid.measures import measure_of
from infosim.pid.scheduled import goal_of, written
from infosim.schedule import Schedule, is_table
from infosim.tasks import task_of

_REQUIRED = object()
_KINDS = {
    str: "text", int: "an integer", float: "a number", bool: "true or false", dict: "a table",
    list: "a list",
}  # fmt: skip

#: Bytes, digits, depth and parts of a key of what is read: ten times what settings have.
MOST = 2**20
_LARGEST, _DEEPEST = 2**63, 32
_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+"""
_LONG_KEY = re.compile(rf"(?<![\w-])(?:{_PART}\.[ \t]*+){{{_DEEPEST}}}")

#: Settings that change nothing.
DESCRIPTIONS = ("title", "paper", "doi", "notes")

#: What settings were before they could be chosen, where that is not their default: a run made
#: then does not name them, and keeps its key.
_BEFORE = {"network": {"inversion": "batch"}}

#: key -> (types, default) of each table of an experiment file
_TOP = {
    "title": ((str,), ""),
    "paper": ((str,), ""),
    "doi": ((str,), ""),
    "notes": ((str,), ""),
    "data": ((dict,), {}),
    "training": ((dict,), {}),
    "network": ((dict,), _REQUIRED),
    "layers": ((dict,), _REQUIRED),
}
_DATA = {
    "name": ((str,), "mnist"),
    "validation": ((float,), 0.2),
    "options": ((dict,), {}),
    "scaling": ((str,), "standard"),
}
_TRAINING = {
    "epochs": ((int,), 100),
    "batch": ((int,), 1024),
    "seed": ((int,), 0),
    "dtype": ((str,), "float32"),
    "record_every": ((int,), 10),
    "evaluate_every": ((int,), 1),
    "shuffle": ((bool,), True),
}
_NETWORK = {
    "inputs": ((dict,), {"image": "images", "label": "labels"}),
    "steps": ((int,), 1),
    "readout": ((str,), "output"),
    "target": ((str,), "label"),
    "rule": ((str, dict), "infomorphic"),
    "clamped": ((dict,), {}),
    "inversion": ((str,), None),
    "learn_at": ((str, list), "last"),
    "carry": ((bool,), False),
}
_LAYER = {
    "size": ((int,), _REQUIRED),
    "activation": ((dict,), _REQUIRED),
    "binning": ((dict,), {}),
    "goal": ((str, dict, list), ""),
    "optimizer": ((dict,), {}),
    "compartments": ((dict,), _REQUIRED),
    "outputs": ((str,), "signed"),
    "sampled": ((bool,), True),
    "rule": ((str, dict), ""),
    "measure": ((str,), "shared-exclusions"),
    "groups": ((dict,), None),
}
#: Settings that may be tables which say a schedule.
_SCHEDULED = ("goal", "bins", "rate", "weight_decay")
_INPUTS = ("images", "rows", "labels", "signed-labels")
_SCALINGS = ("standard", "none")
#: Those of a layer's settings that came later: in a run's key only where they are no defaults.
_LATER = {key: _LAYER[key] for key in ("outputs", "sampled", "rule", "measure")}
_BINNING = {
    "kind": ((str,), "fixed"),
    "bins": ((int, list, dict), 20),
    "low": ((float,), -20.0),
    "high": ((float,), 20.0),
}
_GROUP = {
    "size": ((int,), _REQUIRED),
    "goal": ((str, dict, list), ""),
    "measure": ((str,), ""),
}
_COMPARTMENT = {
    "source": ((str,), _REQUIRED),
    "connectivity": ((str,), "dense"),
    "delay": ((int,), 0),
    "trainable": ((bool,), True),
    "bias": ((bool,), True),
    "weight": ((float,), None),
    "connections": ((dict,), None),
}
#: Those of a compartment of several connections; all others are each connection's.
_SUM = {key: _COMPARTMENT[key] for key in ("bias", "connections")}
_CONNECTION = {key: one for key, one in _COMPARTMENT.items() if key not in _SUM}
_OPTIMIZER = {
    name: {
        one.name: ((list,), list(one.default))
        if isinstance(one.default, tuple)
        else ((type(one.default), dict) if one.metadata else (type(one.default),), one.default)
        for one in fields(kind)
    }
    for name, kind in OPTIMIZERS.items()
}


def _check(table, schema, where):
    """`table` with defaults filled in, in the schema's order; unknown keys and types are errors."""
    prefix = f"{where}." if where else ""
    for key in table:
        if key not in schema:
            shown = key if key.isprintable() else brief(key)  # an error is one line
            raise ConfigError(f"unknown key {prefix}{shown}; {near(key, schema)}")
    result = {}
    for key, (kinds, default) in schema.items():
        if key not in table:
            if default is _REQUIRED:
                raise ConfigError(f"{prefix}{key} is missing")
            if default is not None:
                result[key] = copy.deepcopy(default)
            continue
        value = table[key]
        if float in kinds and type(value) is int:
            value = float(value)
        if type(value) not in kinds:
            wanted = " or ".join(_KINDS[kind] for kind in kinds)
            raise ConfigError(f"{prefix}{key} must be {wanted}, was {brief(value)}")
        result[key] = value
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
    numbers = {key: _plain(value) for key, value in asdict(rule).items() if value is not None}
    return {"name": rule.name, **numbers} if numbers else rule.name


def _spelled(value, where):
    """A setting that may be a table which says a schedule, or a list of such, in one form."""
    if isinstance(value, list):
        return [_spelled(one, where) for one in value]
    if not isinstance(value, dict):
        return value
    try:
        return Schedule.of(value).table()
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


def _with_groups(table, where):
    """A layer's table with its groups' filled in, and its size if they alone say it."""
    given = table.get("groups")
    if not isinstance(given, dict):
        return table
    if not given:  # as without
        return {key: value for key, value in table.items() if key != "groups"}
    _refuse_strangers(given, ("size",), f"{where}.groups", "group", "a size")
    groups = {
        name: _check(one, _GROUP, f"{where}.groups.{name}")
        for name, one in _tables(given, f"{where}.groups")
    }
    return {"size": sum(one["size"] for one in groups.values()), **table, "groups": groups}


def _resolve_layer(table, where):
    layer = _check(_with_groups(table, where), _LAYER, where)
    name, rest = _named(layer["activation"], ACTIVATIONS, f"{where}.activation")
    clamp = {} if "clamp" not in rest else {"clamp": rest.pop("clamp")}
    activation = Activation(name, rest, **clamp)
    layer["activation"] = {
        "name": name,
        **{key: list(value) for key, value in activation.parameters.items()},
        "clamp": activation.clamp,
    }
    layer["binning"] = _check(layer["binning"], _BINNING, f"{where}.binning")
    name, rest = _named(layer["optimizer"], _OPTIMIZER, f"{where}.optimizer")
    layer["optimizer"] = {"name": name, **_check(rest, _OPTIMIZER[name], f"{where}.optimizer")}
    for part, keys in (("binning", ["bins"]), ("optimizer", _OPTIMIZER[name])):
        for key in keys:
            layer[part][key] = _spelled(layer[part][key], f"{where}.{part}.{key}")
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
        try:
            measure_of(one["measure"] or layer["measure"])
        except ConfigError as error:
            raise ConfigError(f"{at}.measure: {error}") from None
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
        return _check(table, _COMPARTMENT, where)
    for key in _CONNECTION:
        if key in table:
            raise ConfigError(
                f"{where}.{key}: beside connections there is none, it is said of each of them: "
                f"{where}.connections.NAME.{key}"
            )
    compartment, where = _check(table, _SUM, where), f"{where}.connections"
    compartment["connections"] = {
        name: _check({"source": name} | value, _CONNECTION, f"{where}.{name}")
        for name, value in _tables(compartment["connections"], where)
    }
    return compartment


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
    read |= {network["target"], *_NETWORK["inputs"][1]}
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


def resolve(table):
    """`table` with every default filled in and goals spelled out; see `Experiment`.

    Raises
    ------
    ConfigError : unknown or missing key (with near matches), wrong type, value out of range
    """
    config = _check(table, _TOP, "")
    for key, schema in (("data", _DATA), ("training", _TRAINING), ("network", _NETWORK)):
        config[key] = _check(config[key], schema, key)
    if not 0 <= config["data"]["validation"] < 1:
        raise ConfigError(f"data.validation must be in [0, 1), was {config['data']['validation']}")
    config["data"]["options"] = generated.complete(
        config["data"]["name"], config["data"]["options"]
    )
    if config["data"]["scaling"] not in _SCALINGS:
        allowed = " or ".join(map(repr, _SCALINGS))
        raise ConfigError(f"data.scaling must be {allowed}, was {config['data']['scaling']!r}")
    for key in ("epochs", "batch", "record_every", "evaluate_every"):
        low = 0 if key == "epochs" else 1
        if config["training"][key] < low:
            raise ConfigError(
                f"training.{key} must be at least {low}, was {config['training'][key]}"
            )
    epochs, every = config["training"]["epochs"], config["training"]["evaluate_every"]
    if epochs % every:
        raise ConfigError(
            f"training.evaluate_every must divide training.epochs, or the end would not be "
            f"measured; were {every} and {epochs}"
        )
    config["network"]["rule"] = _resolve_rule(config["network"]["rule"], "network.rule")
    config["network"].setdefault("inversion", Rule.of(config["network"]["rule"]).inversion)
    for name, kind in config["network"]["inputs"].items():
        if kind not in _INPUTS:
            allowed = " or ".join(map(repr, _INPUTS))
            raise ConfigError(f"network.inputs.{name} must be {allowed}, was {kind!r}")
    _refuse_unread(config["network"], config["layers"])
    for name, kind in config["network"]["clamped"].items():
        if name not in config["layers"]:
            raise ConfigError(f"network.clamped: no layer {name!r}; {near(name, config['layers'])}")
        if kind != "images":
            raise ConfigError(f"network.clamped.{name} must be 'images', was {kind!r}")
    needed = "activation", "compartments"
    _refuse_strangers(config["layers"], needed, "layers", "layer", " and ".join(needed))
    config["layers"] = {
        name: _resolve_layer(layer, f"layers.{name}")
        for name, layer in _tables(config["layers"], "layers")
    }
    return config


def recorded(table):
    """`table`, the config.toml of a run, with what later settings were when it was made."""
    return _merge({key: value for key, value in _BEFORE.items() if key in table}, table)


def _other_form(before, value):
    """Whether schedules, or goals by atom, are told in other words: one takes the other's place."""
    forms = [table.keys() - {"shape", "per"} for table in (before, value)]
    return (is_table(before) or is_table(value)) and all(forms) and forms[0].isdisjoint(forms[1])


def _merge(base, changes):
    """`base` with `changes` laid over it, table by table."""
    result = dict(base)
    for key, value in changes.items():
        if key == "rule" and isinstance(value, dict) and isinstance(result.get(key), str):
            result[key] = {"name": result[key]}  # its name alone
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            before = result[key]
            if value.get("name", before.get("name")) != before.get("name"):
                # another activation, optimizer or rule does not inherit the parameters of the old
                # one, nor another data set the old one's options
                if key in ("activation", "optimizer", "rule"):
                    before = {}
                elif key == "data":
                    before = {name: one for name, one in before.items() if name != "options"}
            elif key in _SCHEDULED and _other_form(before, value):
                before = {}
            if isinstance(before.get("source"), str) and "connections" in value:
                # a compartment of several takes the place of one with its settings, and vice versa
                before = {name: one for name, one in before.items() if name not in _CONNECTION}
            elif isinstance(before.get("connections"), dict) and "source" in value:
                before = {name: one for name, one in before.items() if name != "connections"}
            result[key] = _merge(before, value)
        else:
            result[key] = value
    return result


def _chosen(config):
    """What a resolved configuration says beyond defaults, in an order that does not matter.

    The order of layers, of compartments and of groups does: these are lists of pairs.
    """

    def chosen(table, schema, before=()):
        defaults = {key: default for key, (_, default) in schema.items()} | dict(before)
        return sorted(
            (key, value)
            for key, value in table.items()
            if key not in defaults or value != defaults[key]
        )

    def rule(table):
        """The table, with its rule in the numbers that are not its defaults, if it has any."""
        given = table["rule"]
        if not isinstance(given, dict):
            return table
        defaults = {one.name: one.default for one in fields(Rule.of(given))}
        return table | {"rule": chosen(given, {key: ((), defaults[key]) for key in defaults})}

    def of_compartment(one):
        if "connections" in one:
            one = one | {"connections": [chosen(c, _CONNECTION) for c in connections(one)]}
        return chosen(one, _COMPARTMENT)

    def groups(layer):
        return [(name, chosen(one, _GROUP)) for name, one in layer["groups"].items()]

    layers = [
        (
            name,
            layer["size"],
            sorted(layer["activation"].items()),
            chosen(layer["binning"], _BINNING),
            layer["goal"],
            chosen(layer["optimizer"], _OPTIMIZER[layer["optimizer"]["name"]]),
            [(key, of_compartment(one)) for key, one in layer["compartments"].items()],
            *chosen(rule({key: layer[key] for key in _LATER}), _LATER),
            *(["groups", *groups(layer)] if "groups" in layer else []),
        )
        for name, layer in config["layers"].items()
    ]
    data = config["data"]
    data = data | {"options": generated.chosen(data["name"], data["options"])}
    network = rule(config["network"]), _NETWORK, _BEFORE["network"]
    tables = (data, _DATA), (config["training"], _TRAINING), network
    return [*(chosen(*table) for table in tables), layers]


def parse(text):
    """The table that a text in TOML says, in numbers and depths that settings have.

    Raises
    ------
    ConfigError : it says none
    """
    if _LONG_KEY.search(text):
        raise ConfigError(f"is not valid TOML: a key of {_DEEPEST} parts or more")
    try:
        table = tomllib.loads(text)
    except RecursionError:
        raise ConfigError("is not valid TOML: brackets in brackets, too deep") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"is not valid TOML: {' '.join(str(error).split())}") from None
    except ValueError:
        raise ConfigError("is not valid TOML: a number of thousands of digits") from None
    _check_size(table)
    return table


def _check_size(value, depth=0):
    """Raise ConfigError of numbers and depths that no setting has and not every function takes."""
    if depth > _DEEPEST:
        raise ConfigError(f"is not valid: more than {_DEEPEST} tables or lists in each other")
    if type(value) is int and not -_LARGEST <= value < _LARGEST:
        raise ConfigError("is not valid TOML: an integer of more than 64 bits")
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            _check_size(one, depth + 1)


def preset_names():
    """The names of all presets, such as "iclr/trivariate-optimized"."""
    root = resources.files("infosim.experiments") / "presets"
    return sorted(
        f"{folder.name}/{file.name[:-5]}"
        for folder in root.iterdir()
        if folder.is_dir()
        for file in folder.iterdir()
        if file.name.endswith(".toml")
    )


def read(path):
    """The text of a file of settings.

    Raises
    ------
    ConfigError : it cannot be read
    """
    try:
        return files.read_text(path, MOST)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror or error}") from None


def _read(name, seen=()):
    """The table of a preset or file, with what it extends under it."""
    if name in seen:
        raise ConfigError(f"{' extends '.join((*seen, name))}: a cycle")
    if name in preset_names():
        folder = resources.files("infosim.experiments") / "presets"
        text = (folder / f"{name}.toml").read_text("utf-8")
    elif str(name).endswith(".toml"):
        text = read(name)
    else:
        raise ConfigError(f"unknown preset {brief(name)}; {near(name, preset_names())}")
    try:
        table = parse(text)
    except ConfigError as error:
        raise ConfigError(f"{name} {error}") from None
    base = table.pop("extends", None)
    if isinstance(base, str) and base.endswith(".toml") and name not in preset_names():
        base = os.path.normpath(Path(name).parent / base)  # from the folder of the file
    return table if base is None else _merge(_read(base, (*seen, name)), table)


def assignment(text):
    """(key path, value) of a text `key.path=value`; the value is TOML, or plain text if it is not.

    Raises
    ------
    ConfigError : no key or no value
    """
    path, equals, value = text.partition("=")
    if not equals or not all(key.strip() for key in path.split(".")):
        raise ConfigError(f"--set needs key=value, was {brief(text)}")
    try:
        text.encode()
    except UnicodeEncodeError:  # bytes of the command line that are no text
        raise ConfigError(f"--set needs text in UTF-8, was {text!r}") from None
    try:
        return path, parse(f"value = {value}")["value"]
    except ConfigError:
        return path, value.strip()


def _plain(value):
    """A setting given in Python as TOML would have it: NumPy's numbers and arrays are its own."""
    if isinstance(value, Schedule):
        value = value.table()
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def override(table, assignments):
    """Lay assignments, (key path, value) or texts `key.path=value`, over a table."""
    pairs = [assignment(given) if isinstance(given, str) else given for given in assignments]
    # another data set drops the old one's options, not those that are given with it
    pairs.sort(key=lambda pair: pair[0].replace(" ", "") not in ("data", "data.name"))
    for path, change in pairs:
        if path.count(".") >= _DEEPEST:
            raise ConfigError(f"{path[:60]}... is a key of more than {_DEEPEST} parts")
        change = _plain(change)
        for key in reversed(path.split(".")):
            change = {key.strip(): change}
        table = _merge(table, change)
    return table


def _compartment(name, settings):
    """The Compartment of resolved settings."""
    if "connections" not in settings:
        return Compartment(name, **settings)
    try:
        several = [Connection(**one) for one in connections(settings)]
    except InfosimError as error:
        raise type(error)(f"compartment {name!r}: {error}") from None
    return Compartment(name, connections=several, bias=settings["bias"])


def _check_rows(where, dataset, steps):
    """Raise unless images have as many rows as there are steps to show one each."""
    n_rows, *columns = dataset.image_shape
    if len(columns) != 1:
        raise ConfigError(f"{where}: images of {dataset.name} are {dataset.image_shape}, not rows")
    if n_rows != steps:
        raise ConfigError(
            f"{where}: images of {dataset.name} have {n_rows} rows, one is shown at each step, but "
            f"network.steps was {steps}"
        )


@dataclass(frozen=True)
class Experiment:
    """A resolved experiment: what to train, on what, and how.

    name : preset name or file stem; config : the resolved settings, a plain table
    """

    name: str
    config: dict

    @classmethod
    def load(cls, name, overrides=()):
        """Read a preset or a .toml file and lay overrides over it.

        overrides : texts `key.path=value`, or pairs (key path, value)

        Raises
        ------
        ConfigError : unknown preset (with near matches), unreadable file, unknown key, bad value
        """
        return cls.loader(name)(overrides)

    @classmethod
    def loader(cls, name):
        """A function of overrides that is `load` of this file, which is read once."""
        table = _read(str(name))
        label = str(name) if str(name) in preset_names() else Path(name).stem
        return lambda overrides=(): cls(label, resolve(override(table, overrides)))

    @property
    def key(self):
        """A name for these very settings: a hash of all that is not a default or a description.

        So it stays what it is when a later version has more settings. (A default never changes.)
        """
        text = json.dumps(_chosen(self.config), separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def dataset(self):
        """The data set, loaded, or made from the seed of training. Errors as of `load`."""
        data = self.config["data"]
        return datasets.load(data["name"], data["options"], self.config["training"]["seed"])

    def network(self, dataset):
        """The Network for `dataset`'s image size and classes."""
        settings = self.config["network"]
        for name, kind in settings["inputs"].items():
            if kind == "rows":
                _check_rows(f"network.inputs.{name}", dataset, settings["steps"])
        units = {"images": int(np.prod(dataset.image_shape)), "rows": dataset.image_shape[-1]}
        layers = []
        for name, table in self.config["layers"].items():
            activation, optimizer = dict(table["activation"]), dict(table["optimizer"])
            clamp, kind = activation.pop("clamp"), OPTIMIZERS[optimizer.pop("name")]
            try:
                layers.append(
                    Layer(
                        name=name,
                        size=table["size"],
                        compartments=[
                            _compartment(key, value) for key, value in table["compartments"].items()
                        ],
                        activation=Activation(activation.pop("name"), activation, clamp),
                        binning=Binning(**table["binning"]),
                        goal=table["goal"] or None,
                        optimizer=kind(**optimizer),
                        outputs=table["outputs"],
                        sampled=table["sampled"],
                        rule=table["rule"] or None,
                        measure=table["measure"],
                        groups=[
                            Group(key, one["size"], one["goal"] or None, one["measure"] or None)
                            for key, one in table.get("groups", {}).items()
                        ],
                    )
                )
            except InfosimError as error:
                where = f"layer {name!r}"
                where = "" if where in str(error) else f"{where}: "
                raise type(error)(f"{where}{error}") from None
        return Network(
            inputs={
                name: units.get(kind, dataset.n_classes)
                for name, kind in settings["inputs"].items()
            },
            layers=layers,
            steps=settings["steps"],
            readout=settings["readout"] or None,
            target=settings["target"] or None,
            rule=settings["rule"],
            inversion=settings["inversion"],
            learn_at=settings["learn_at"],
            carry=settings["carry"],
        )

    def task(self, dataset):
        """The `Task` that it is on its data set."""
        return task_of(self.config, dataset)

    def samples(self, dataset):
        """Training, validation (or None) and test Samples (`Task.samples`)."""
        return self.task(dataset).samples()

    def error(self, dataset):
        """What it is measured by, as `Training` takes it, or None (`Task.measure`)."""
        return self.task(dataset).measure
