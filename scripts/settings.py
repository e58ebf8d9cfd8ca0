"""The tables of docs/settings.md, and the defaults that a version of them may not change.

Both are made of the settings' declarations. A setting that is new is added to the defaults in
tests/experiments/defaults-VERSION.json. What stands there stays: a run is found by how its settings
differ from the defaults.
"""

import json
import re
from dataclasses import MISSING
from pathlib import Path

import click

from infosim.datasets.generated import GENERATED
from infosim.datasets.own.options import Options
from infosim.errors import ConfigError
from infosim.experiments import store, tables
from infosim.experiments.identity import DEFAULTS_VERSION
from infosim.experiments.provenance import CERTAINTIES
from infosim.neuron.activation import ACTIVATIONS
from infosim.settings import WORDS, settings
from scripts.command import told_in_a_line
from scripts.files import ROOT
from scripts.pages import table

PAGE = ROOT / "docs" / "settings.md"
DEFAULTS = ROOT / "tests" / "experiments" / f"defaults-{DEFAULTS_VERSION}.json"
_FILE = click.Path(path_type=Path)


_HEAD = ["type", "default", "allowed", "unit", "what it is"]


def sections():
    """The tables of the page, by the names that its markers give."""
    descriptions = {name: tables.TOP[name] for name in tables.DESCRIPTIONS}
    top = {"extends": tables.EXTENDS, **descriptions, "sources": tables.SOURCES}
    optimizers = [
        [f"`{name}`", *row] for name, known in tables.OPTIMIZER.items() for row in _rows(known)
    ]
    return {
        "top": _settings(top),
        **{
            name: _settings(known, f"{name}.")
            for name, known in (tables.TABLES | tables.OPTIONAL).items()
        },
        "options": _table(["data set", "option", *_HEAD], list(_options())),
        "own": _settings(settings(Options), "data.options."),
        "layer": _settings(tables.LAYER),
        "activation": _activations(),
        "binning": _settings(tables.BINNING),
        "optimizer": _table(["optimizer", "setting", *_HEAD], optimizers),
        "compartment": _settings(tables.COMPARTMENT),
        "connection": _settings(tables.CONNECTION),
        "group": _settings(tables.GROUP),
        "sources": table(
            ["certainty", ""], [[f"`{key}`", doc] for key, doc in CERTAINTIES.items()]
        ),
    }


def _settings(known, prefix=""):
    return _table(["setting", *_HEAD], _rows(known, prefix))


def _table(head, rows):
    """A table without the columns in which nothing stands."""
    kept = [i for i in range(len(head)) if any(row[i] for row in rows)]
    return table([head[i] for i in kept], [[row[i] for i in kept] for row in rows])


def _rows(known, prefix=""):
    """A row for each setting."""
    return [
        [
            f"`{prefix}{name}`",
            _or(WORDS[kind][0] for kind in one.kinds),
            "" if one.default in (MISSING, None) else f"`{toml(one.default)}`",
            _or(filter(None, [one.range, *(f"`{text}`" for text in _choices(one))])),
            one.unit,
            one.doc,
        ]
        for name, one in known.items()
    ]


def _choices(one):
    return one.choices if str in one.kinds else ()


def _options():
    """A row for each option of a data set that is made."""
    for name, generator in GENERATED.items():
        for key, one in generator.options.items():
            kind = type(one.default)
            ends = "" if kind is bool else f"{one.low} to {one.high}"
            yield [f"`{name}`", f"`{key}`", WORDS[kind][0], f"`{toml(one.default)}`", ends, "", ""]


def _activations():
    rows = []
    for name, form in ACTIVATIONS.items():
        numbers = [f"`{key} = {toml(list(one))}`" for key, one in form.defaults.items()]
        sources = _or(map(str, form.sources))
        rows.append([f"`{name}`", sources, ", ".join(numbers) or "none", f"`{form.clamp}`"])
    return table(["name", "compartments", "parameters and defaults", "`clamp`"], rows)


def _or(words):
    *most, last = list(words) or [""]
    return f"{', '.join(most)} or {last}" if most else last


def toml(value):
    """A value as it is written in a file."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(one)}" for key, one in value.items()) + "}"
    return repr(value) if type(value) is float else json.dumps(value)


def written(text):
    """The text of the page with its tables made anew.

    Raises
    ------
    ConfigError : its places are not those of the tables
    """
    found, marked = sections(), r"(<!-- settings: (\w+) -->\n).*?(<!-- end -->\n)"
    places = [name for _, name, _ in re.findall(marked, text, re.DOTALL)]
    if sorted(places) != sorted(found):
        raise ConfigError(
            f"the page has places for {', '.join(places) or 'nothing'}, but the tables are "
            f"{', '.join(found)}"
        )
    return re.sub(marked, lambda m: f"{m[1]}{found[m[2]]}\n{m[3]}", text, flags=re.DOTALL)


def defaults():
    """Table -> setting -> what it is where nothing is said, null if it is left out."""
    known = {
        "top": tables.TOP, **tables.TABLES, **tables.OPTIONAL,
        "layer": tables.LAYER, "binning": tables.BINNING,
        "compartment": tables.COMPARTMENT, "connection": tables.CONNECTION, "group": tables.GROUP,
        **{f"optimizer {name}": one for name, one in tables.OPTIMIZER.items()},
        "own data": settings(Options),
    }  # fmt: skip
    found = {
        where: {name: one.unsaid for name, one in some.items() if one.default is not MISSING}
        for where, some in known.items()
    }
    made = {
        f"data set {name}": {key: one.default for key, one in generator.options.items()}
        for name, generator in GENERATED.items()
    }
    return found | made


def check(old, new):
    """Raise unless all defaults that were are what they were.

    Raises
    ------
    ConfigError : says which, and what is to be done
    """
    for where, some in old.items():
        for name, value in some.items():
            now = new.get(where, {})
            if name not in now or now[name] != value:
                is_ = f"is {json.dumps(now[name])} now" if name in now else "is gone"
                raise ConfigError(
                    f"{where}: the default of {name} was {json.dumps(value)} and {is_}, but runs "
                    f"that were made with it are known by not naming it: raise DEFAULTS_VERSION "
                    f"(infosim/experiments/identity.py) and make its table (python -m "
                    f"scripts.settings), or leave it as it was"
                )


@click.command(help=__doc__)
@click.option("--page", type=_FILE, default=PAGE, help="Whose tables they are.")
@click.option("--known", type=_FILE, default=DEFAULTS, help="The defaults of this version.")
@told_in_a_line()
def main(page, known):
    """Check, then write both."""
    new = defaults()
    if known.exists():
        old = store.read_json(known)
        if not isinstance(old, dict) or not all(isinstance(one, dict) for one in old.values()):
            raise ConfigError(f"{known} is no table of defaults")
        check(old, new)
    text = written(page.read_text("utf-8"))
    store.write_text(known, json.dumps(new, indent=2, ensure_ascii=False) + "\n")
    store.write_text(page, text)
    click.echo(page)


if __name__ == "__main__":
    main()
