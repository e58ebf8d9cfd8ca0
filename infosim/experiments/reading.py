"""Reading experiment files: TOML, presets, what extends what, and what is laid over it."""

import os
import re
import tomllib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import numpy as np

from infosim import datasets, files
from infosim.errors import ConfigError, brief, near
from infosim.experiments.tables import CONNECTION, SCHEDULED
from infosim.schedule import Schedule, is_table

#: Bytes, digits, depth and parts of a key of what is read: ten times what settings have.
MOST = 2**20
_LARGEST, _DEEPEST = 2**63, 32
_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+"""
_LONG_KEY = re.compile(rf"(?<![\w-])(?:{_PART}\.[ \t]*+){{{_DEEPEST}}}")


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
    return list(_presets())


@cache
def _presets():
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


class File(NamedTuple):
    """What a preset or file itself says.

    name : as it was asked for; table : its settings; sources : its [sources], path -> text
    """

    name: str
    table: dict
    sources: dict


def read_files(name, seen=()):
    """The `File` of a preset or file, last, after those of what it extends."""
    if name in seen:
        raise ConfigError(f"{' extends '.join((*seen, name))}: a cycle")
    if name in _presets():
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
    folder = "." if name in _presets() else Path(name).parent
    table = _located(table, folder)
    base, sources = table.pop("extends", None), table.pop("sources", {})
    if not isinstance(sources, dict):
        raise ConfigError(f"sources must be a table, was {brief(sources)}")
    if isinstance(base, str) and base.endswith(".toml") and name not in _presets():
        base = os.path.normpath(folder / base)  # from the folder of the file
    below = () if base is None else read_files(base, (*seen, name))
    return (*below, File(name, table, dict(flat(sources))))


def laid(files):
    """(the table that files make, each laid over those before, key path -> who says it)."""
    origin, table = {}, {}
    for file in files:
        table = merge(table, file.table)
        kept = {path for path, _ in flat(table)}
        said = {path: file.name for path, _ in flat(file.table)}
        origin = {path: one for path, one in (origin | said).items() if path in kept}
    return table, origin


def flat(table, prefix=""):
    """(key path, value) of every leaf of a nested table."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _located(table, folder):
    """A table in which paths of data, which are from `folder`, are absolute."""
    data = table.get("data")
    if not isinstance(data, dict):
        return table
    data, options = dict(data), data.get("options")
    if isinstance(data.get("name"), str):
        data["name"] = datasets.located(data["name"], folder)
    target = options.get("target") if isinstance(options, dict) else None
    if isinstance(target, str) and target.endswith(".npy"):  # classes in a file beside an array's
        data["options"] = options | {"target": os.path.abspath(os.path.join(folder, target))}
    return table | {"data": data}


def _other_form(before, value):
    """Whether schedules, or goals by atom, are told in other words: one takes the other's place."""
    forms = [table.keys() - {"shape", "per"} for table in (before, value)]
    return (is_table(before) or is_table(value)) and all(forms) and forms[0].isdisjoint(forms[1])


#: Options of patterns that say how many there are: one takes the other's place.
_HOW_MANY = {"patterns", "load"}


def _other_word(before, value):
    """[data] without how many patterns there are, if this is said anew."""
    known, given = before.get("options"), value.get("options")
    if not isinstance(known, dict) or not isinstance(given, dict) or not _HOW_MANY & given.keys():
        return before
    return before | {"options": {key: known[key] for key in known if key not in _HOW_MANY}}


def merge(base, changes):
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
            elif key in SCHEDULED and _other_form(before, value):
                before = {}
            elif key == "data" and before.get("name") == "patterns":
                before = _other_word(before, value)
            if isinstance(before.get("source"), str) and "connections" in value:
                # a compartment of several takes the place of one with its settings, and vice versa
                before = {name: one for name, one in before.items() if name not in CONNECTION}
            elif isinstance(before.get("connections"), dict) and "source" in value:
                before = {name: one for name, one in before.items() if name != "connections"}
            result[key] = merge(before, value)
        else:
            result[key] = value
    return result


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


def plain(value):
    """A setting given in Python as TOML would have it: NumPy's numbers and arrays are its own."""
    if isinstance(value, Schedule):
        value = value.table()
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list | tuple) else value


def override(table, assignments, folder="."):
    """Lay assignments, (key path, value) or texts `key.path=value`, over a table.

    folder : from which paths of data are that they name
    """
    pairs = [assignment(given) if isinstance(given, str) else given for given in assignments]
    # another data set drops the old one's options, not those that are given with it
    pairs.sort(key=lambda pair: pair[0].replace(" ", "") not in ("data", "data.name"))
    for path, change in pairs:
        if path.count(".") >= _DEEPEST:
            raise ConfigError(f"{path[:60]}... is a key of more than {_DEEPEST} parts")
        change = plain(change)
        for key in reversed(path.split(".")):
            change = {key.strip(): change}
        table = merge(table, _located(change, folder))
    how_many = {path for path, _ in pairs if path.removeprefix("data.options.") in _HOW_MANY}
    data = table.get("data")
    if len(how_many) > 1 and isinstance(data, dict) and data.get("name") == "patterns":
        raise ConfigError(f"{' and '.join(sorted(how_many))} say the same; give one of them")
    return table
