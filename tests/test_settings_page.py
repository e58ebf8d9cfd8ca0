"""docs/settings.md: every setting with its type and default, as the code has them."""

import re
import tomllib
from pathlib import Path

import pytest

from infosim.datasets.generated import GENERATED
from infosim.errors import ConfigError
from infosim.experiments import Experiment, config
from infosim.neuron.activation import ACTIVATIONS
from infosim.schedule import Schedule

PAGE = (Path(__file__).parents[1] / "docs" / "settings.md").read_text("utf-8")
WORDS = {str: "text", int: "integer", float: "number", bool: "true or false", dict: "table",
         list: "list"}  # fmt: skip
TOP = {key: one for key, one in config._TOP.items() if one[0] == (str,)}


def rows(title):
    """The cells of the rows of the table under a heading that begins so."""
    section = re.split(r"^#+ ", PAGE.partition(f"# {title}")[2], maxsplit=1, flags=re.MULTILINE)[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def kind(kinds):
    *most, last = [WORDS[one] for one in kinds]
    return f"{', '.join(most)} or {last}" if most else last


def value(cell):
    """The value that a cell spells in TOML, None for an empty one."""
    return tomllib.loads(f"x = {cell.strip('`')}")["x"] if cell else None


def said(found):
    return {name.strip("`"): (kinds, value(default)) for name, kinds, default, *_ in found}


def true(schema, prefix=""):
    required = config._REQUIRED
    return {
        prefix + name: (kind(kinds), None if default is required else default)
        for name, (kinds, default) in schema.items()
    }


TABLES = {
    "Top level": ("", TOP | {"extends": ((str,), None)}),
    "[training]": ("training.", config._TRAINING),
    "[network]": ("network.", config._NETWORK),
    "[layers.NAME]": ("", config._LAYER),
    "[layers.NAME.binning]": ("", config._BINNING),
    "[layers.NAME.compartments.NAME]": ("", config._COMPARTMENT),
    "[layers.NAME.compartments.NAME.connections.NAME]": ("", config._CONNECTION),
    "[layers.NAME.groups.NAME]": ("", config._GROUP),
}


@pytest.mark.parametrize("title", TABLES)
def test_settings_are_those_there_are(title):
    prefix, schema = TABLES[title]
    assert said(rows(title)) == true(schema, prefix)


def test_settings_of_data_and_options():
    found = rows("[data]")
    assert said(row for row in found if row[0].startswith("`data.")) == true(config._DATA, "data.")
    options = [row for row in found if not row[0].startswith("`data.")]
    assert {(row[0], row[1]): (row[2], value(row[3])) for row in options} == {
        (f"`{name}`", f"`{option}`"): (WORDS[type(one.default)], one.default)
        for name, generator in GENERATED.items()
        for option, one in generator.options.items()
    }


def test_settings_of_optimizers():
    found = [(name.strip("`"), cells) for name, *cells in rows("[layers.NAME.optimizer]")]
    for name, schema in config._OPTIMIZER.items():
        assert said(cells for one, cells in found if one == name) == true(schema)
    assert {name for name, _ in found} == set(config._OPTIMIZER)


def test_activations():
    found = {name.strip("`"): cells for name, *cells in rows("[layers.NAME.activation]")}
    assert found.keys() == ACTIVATIONS.keys()
    for name, (compartments, parameters, clamp) in found.items():
        form = ACTIVATIONS[name]
        assert re.findall(r"\d", compartments) == [str(n) for n in form.sources]
        given = dict(re.findall(r"`(\w+) = (.*?)`", parameters))
        assert {key: tuple(value(one)) for key, one in given.items()} == dict(form.defaults)
        assert value(clamp) == form.clamp


def test_extends_is_from_the_folder_of_the_file(tmp_path, monkeypatch):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "base.toml").write_text("extends = 'demo/digits'\ntraining.epochs = 7")
    (folder / "more.toml").write_text("extends = 'base.toml'\ntraining.batch = 20")
    (folder / "turn.toml").write_text("extends = '../mine/turn.toml'")
    monkeypatch.chdir(tmp_path)
    for name in ("mine/more.toml", str(folder / "more.toml")):
        training = Experiment.load(name).config["training"]
        assert (training["epochs"], training["batch"]) == (7, 20)
    with pytest.raises(ConfigError, match="a cycle"):
        Experiment.load("mine/turn.toml")


def examples(folder):
    """The page's files, written to a folder."""
    for text in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL):
        (folder / re.match(r"# (\S+)\n", text)[1]).write_text(text)


def test_the_example_of_schedules_is_what_it_says(tmp_path):
    examples(tmp_path)
    found = Experiment.load(tmp_path / "scheduled.toml").config["layers"]
    hidden, decay = found["hidden"], found["hidden"]["optimizer"]["weight_decay"]
    assert decay == {"points": [[0, 0.001], [1000, 0]], "shape": "linear", "per": "update"}
    assert hidden["binning"]["bins"]["points"] == [[0, 20], [50, 10]]
    assert hidden["goal"]["{F}{C}"] == 1.0
    assert found["output"]["goal"]["points"] == [[0, "{F}{C} + 0.5 {C}"], [10, "{F}{C}"]]


def test_defaults_of_schedules():
    section = PAGE.partition("## Schedules")[2]
    default = Schedule([(0, 1), (1, 2)])
    for name in ("shape", "per"):
        assert value(re.search(rf"^\| `{name}` \| (.*?) \|", section, re.M)[1]) == getattr(
            default, name
        )


def test_the_example_is_what_it_says(tmp_path):
    examples(tmp_path)
    found = Experiment.load(tmp_path / "shorter.toml").config
    base = Experiment.load("iclr/trivariate-heuristic").config
    hidden = found["layers"]["hidden"]
    assert (hidden["size"], hidden["activation"]["alpha"]) == (50, [0.2, 0.1])
    assert hidden["activation"]["beta"] == base["layers"]["hidden"]["activation"]["beta"]
    assert found["layers"]["output"] == base["layers"]["output"]
