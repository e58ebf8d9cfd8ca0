"""Where settings come from: what files say in [sources], and of which settings that holds."""

import tomllib
from typing import NamedTuple

from infosim.errors import ConfigError, brief, near, one_of
from infosim.experiments.reading import flat, laid, preset_names, read_files
from infosim.experiments.resolve import resolve
from infosim.experiments.tables import DESCRIPTIONS

#: How sure it is that a setting is the published one, the surest first.
CERTAINTIES = {
    "paper": "the text of the paper says so",
    "released code": "code, configurations or notebooks that the authors released say so",
    "inferred": "concluded from published results, or told of the paper by others",
    "ours": "chosen here: the paper has no such thing, or what it says is not known",
}
#: What stands for all the rest of a table, or of a file.
ALL = "all"


class Source(NamedTuple):
    """Where a setting comes from.

    file : the preset or file that says it, "" if none does and its default holds
    certainty : one of `CERTAINTIES`, "" where nothing is said of it; note : more on that, or ""
    """

    file: str
    certainty: str
    note: str


def provenance(name):
    """Where the settings of a preset or file come from: key path -> `Source`.

    What a file says in [sources] holds for the settings that it says itself, and for the defaults
    of the tables that it begins.

    Raises
    ------
    ConfigError : as of `Experiment.load`; [sources] that name no setting, or no certainty
    """
    files = read_files(name)
    table, origin = laid(files)
    return _found(files, resolve(table), origin)


def check(files):
    """Raise ConfigError about the [sources] of the last of these files, as `provenance` does.

    Paths in presets are left to the tests, and those in a file that is not complete by itself.
    """
    file = files[-1]
    _check_words(file)
    if not file.sources or file.name in preset_names():
        return
    table, origin = laid(files)
    try:
        config = resolve(table)
    except ConfigError:  # it is said, or mended, when more is laid over the table
        return
    _found(files, config, origin)


def _check_words(file):
    for path, text in file.sources.items():
        _read(path, text)


def _found(files, config, origin):
    _check_words(files[-1])
    paths = [path for path, _ in flat(config) if path not in DESCRIPTIONS]
    for path in files[-1].sources:
        if not any(_within(one, path) for one in paths):
            hint = near(path, paths)
            if not hint.startswith("did"):  # a hundred names in a line tell nothing
                hint = "`infosim presets show` lists those of a file"
            raise ConfigError(f"{_shown(path)}: there is no such setting; {hint}")
    order = {file.name: i for i, file in enumerate(files)}
    found = {}
    for path in paths:
        said = [file for one, file in origin.items() if _same(one, path)]
        file = max(said, key=order.get) if said else min(_beside(path, origin), key=order.get)
        found[path] = Source(file if said else "", *_certainty(path, files[order[file]].sources))
    return found


def commented(text, found):
    """Settings in TOML with a comment behind each: where it comes from, by its path in `found`."""
    lines, table = [], ""
    for line in text.splitlines():
        key, equals, _ = line.partition(" = ")
        if line.startswith("["):
            table = _path(line)
        elif equals and not line.startswith(" "):
            source = found.get(f"{table}{_path(f'{key} = {{}}')}"[:-1])
            if source is not None and source.certainty:
                line = f"{line}  # {source.certainty}" + (f": {source.note}" if source.note else "")
        lines.append(line)
    return "\n".join(lines) + "\n"


def _path(line):
    """The key path of a table's head, or of a key, with a dot behind it."""
    path, table = "", tomllib.loads(line)
    while table:
        ((key, table),) = table.items()
        path += f"{key}."
    return path


def _beside(path, origin):
    """Names of the files that say anything of the table in which a default stands."""
    table = path.rpartition(".")[0]
    if table == "data.options":  # what they are depends on the data set
        table = "data.name"
    while True:
        found = {file for one, file in origin.items() if _within(one, table)}
        if found:
            return found
        table = table.rpartition(".")[0]


def _certainty(path, sources):
    """(certainty, note) of a setting, by the entry that tells most closely which it is."""
    entries = [one for one in sources if _within(path, one)]
    if not entries:
        return "", ""
    entry = max(entries, key=lambda one: len(_table(one)))
    return _read(entry, sources[entry])


def _read(path, text):
    """(certainty, note) of a text `certainty` or `certainty: note`."""
    if not isinstance(text, str):
        raise ConfigError(f"{_shown(path)} must be text, was {brief(text)}")
    certainty, _, note = text.partition(":")
    if "\n" in text:
        raise ConfigError(f"{_shown(path)} must be one line, was {brief(text)}")
    return one_of(_shown(path), certainty.strip(), CERTAINTIES), note.strip()


def _shown(path):
    """How an error message, which is one line, names an entry."""
    return f"sources.{path}" if path.isprintable() else f"sources.{brief(path)}"


def _table(entry):
    """The path of the table of which an entry is about all, or of the setting."""
    return entry.removesuffix(ALL).rstrip(".") if entry.split(".")[-1] == ALL else entry


def _within(path, entry):
    """Whether a setting is what an entry names, or in it."""
    table = _table(entry)
    return not table or path == table or path.startswith(f"{table}.")


def _same(said, path):
    """Whether what a file says at one path is resolved at another: a goal has a text or a table."""
    return _within(said, path) or _within(path, said)
