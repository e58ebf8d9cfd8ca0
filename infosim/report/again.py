"""How a run is made again: its command, what differs from its preset, what it ran on."""

import shlex

from infosim.errors import ConfigError
from infosim.experiments import Experiment, preset_names
from infosim.experiments.reading import flat
from infosim.experiments.tables import DESCRIPTIONS

#: What is shown of an environment, in this order, beside the packages.
_ENVIRONMENT = ("infosim", "git_commit", "python", "platform", "cpu", "backend", "gpu", "threads")


def commands(results):
    """Commands that make a run: as it was given, if that is known, and from its settings."""
    given = results.environment.get("command")
    if isinstance(given, list) and given and all(isinstance(one, str) for one in given):
        yield shlex.join(["infosim", *given[1:]])
    yield f"infosim train {shlex.quote(str(results.path / 'config.toml'))} --out NEW"


def preset(results):
    """The name of the preset that a run was made of, None if that is not known."""
    record, given = results.record, results.environment.get("command")
    words = [] if record is None else [record.experiment]
    words += [one for one in given if isinstance(one, str)] if isinstance(given, list) else []
    if "demo" in words[:3]:
        words.append("demo/digits")
    known = set(preset_names())
    return next((one for one in words if one in known), None)


def changes(results):
    """(key, value in the preset, value here) of all settings that differ, None without a preset."""
    name = preset(results)
    if name is None:
        return None
    try:
        before = Experiment.load(name).config
    except ConfigError:
        return None
    before, now = dict(flat(before)), dict(flat(results.config))
    return [
        (key, text(before.get(key)), text(now.get(key)))
        for key in sorted(before.keys() | now.keys())
        if key not in DESCRIPTIONS and before.get(key) != now.get(key)
    ]


def differing(configs):
    """Keys of the settings in which configurations differ -> their values, in the same order."""
    flats = [dict(flat(one)) for one in configs]
    keys = sorted({key for one in flats for key in one} - set(DESCRIPTIONS))
    found = {key: [one.get(key) for one in flats] for key in keys}
    return {key: own for key, own in found.items() if any(one != own[0] for one in own)}


def environment(results):
    """(name, text) of what a run was on."""
    record = results.environment
    for name in _ENVIRONMENT:
        if record.get(name) is not None:
            yield name, text(record[name])
    for name, version in record.get("packages", {}).items():
        yield text(name), text(version)
    if record.get("earlier"):
        yield "before", "it began elsewhere; environment.json has both"


def text(value):
    """A setting as it is read."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    shown = value if isinstance(value, str) else str(value)
    return shown if len(shown) <= 300 else f"{shown[:300]}..."
