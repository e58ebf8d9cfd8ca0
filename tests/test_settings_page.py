"""docs/settings.md: made of the settings' declarations, and true of what they do."""

import re
import tomllib

import pytest
from click.testing import CliRunner

from infosim.errors import ConfigError
from infosim.experiments import Experiment
from infosim.experiments.resolve import resolve
from infosim.neuron import Activation
from infosim.schedule import Schedule
from scripts import settings

PAGE = settings.PAGE.read_text("utf-8")
WHOLE = """
[network]
[layers.NAME]
size = 10
activation = { name = "feedforward" }
[layers.NAME.compartments.NAME]
source = "image"
[layers.more]
groups.NAME.size = 3
activation = { name = "feedforward" }
optimizer.name = "sgd"
[layers.more.compartments.NAME]
connections.NAME.source = "NAME"
"""


def rows(title):
    """The rows of the first table under a heading, as head -> cell."""
    table = re.search(r"(^\|.*\n)+", PAGE.partition(f"# {title}\n")[2], re.MULTILINE)[0]
    lines = ([cell.strip() for cell in line[1:-1].split("|")] for line in table.splitlines())
    head, _, *found = lines
    return [dict(zip(head, cells, strict=True)) for cells in found]


def value(cell):
    """The value that a cell spells in TOML, None for an empty one."""
    return tomllib.loads(f"x = {cell.strip('`')}")["x"] if cell else None


def test_the_page_is_what_the_script_makes():
    assert settings.written(PAGE) == PAGE, "docs/settings.md is old: python -m scripts.settings"


@pytest.mark.parametrize(
    ("title", "path"),
    [
        ("Top level", ""),
        ("[data]", ""),
        ("[training]", ""),
        ("[network]", ""),
        ("[layers.NAME]", "layers.NAME"),
        ("[layers.NAME.binning]", "layers.NAME.binning"),
        ("[layers.NAME.compartments.NAME]", "layers.NAME.compartments.NAME"),
        ("[layers.NAME.compartments.NAME.connections.NAME]",
         "layers.more.compartments.NAME.connections.NAME"),
        ("[layers.NAME.groups.NAME]", "layers.more.groups.NAME"),
    ],
)  # fmt: skip
def test_defaults_are_what_is_filled_in(title, path):
    config = resolve(tomllib.loads(WHOLE))
    for row in rows(title):
        if row.get("default"):
            table = config
            *keys, last = [*filter(None, path.split(".")), *row["setting"].strip("`").split(".")]
            for key in keys:
                table = table[key]
            filled = value(row["default"]) or table[last]  # empty tables have settings of their own
            assert table[last] == filled, row


def test_defaults_of_optimizers_and_options_are_what_is_filled_in():
    layers = resolve(tomllib.loads(WHOLE))["layers"].values()
    filled = {one["optimizer"]["name"]: one["optimizer"] for one in layers}
    found = {"adam": {"name": "adam"}, "sgd": {"name": "sgd"}}
    for row in rows("[layers.NAME.optimizer]"):
        found[row["optimizer"].strip("`")][row["setting"].strip("`")] = value(row["default"])
    assert found == filled
    made = {}
    lines = re.findall(r"^\| `([a-z]+)` \| `([a-z]+)` \| .*? \| `(.*?)` \|", PAGE, re.MULTILINE)
    for name, option, default in lines:
        made.setdefault(name, {})[option] = value(default)
    for name in made.keys() & settings.GENERATED.keys():
        table = tomllib.loads(WHOLE) | {"data": {"name": name}}
        filled = resolve(table)["data"]["options"]
        assert filled.items() <= made[name].items()
        left_out = {"load", "repeat"} if name == "patterns" else set()
        assert made[name].keys() - filled.keys() == left_out
    assert len(made.keys() & settings.GENERATED.keys()) == 4


def test_activations():
    for row in rows("[layers.NAME.activation]"):
        activation = Activation(row["name"].strip("`"))
        assert re.findall(r"\d", row["compartments"]) == [str(n) for n in activation.sources]
        given = dict(re.findall(r"`(\w+) = (.*?)`", row["parameters and defaults"]))
        parameters = {key: tuple(one) for key, one in activation.parameters.items()}
        assert {key: tuple(value(one)) for key, one in given.items()} == parameters
        assert value(row["`clamp`"]) == activation.clamp


ENDS = [
    (row["setting"].strip("`")[9:], *re.findall(r"\d+(?:\*\*32 - 1)?", row["allowed"]))
    for row in rows("[training]")
    if row["type"].startswith("integer")
]


@pytest.mark.parametrize("ends", ENDS)
def test_what_is_allowed_is_taken_and_nothing_beyond(ends):
    key, low, *high = ends
    training = {"epochs": 0, "evaluate_every": 1}
    within = [int(low), *(2**32 - 1 for _ in high)]
    for end, beyond in zip(within, (within[0] - 1, 2**32), strict=False):
        resolve(tomllib.loads(WHOLE) | {"training": training | {key: end}})
        with pytest.raises(ConfigError, match=f"training.{key} must be an .* was {beyond}"):
            resolve(tomllib.loads(WHOLE) | {"training": training | {key: beyond}})
    assert len(ENDS) == 6


def run(folder, page=PAGE, known=None):
    (folder / "page.md").write_text(page)
    if known is not None:
        (folder / "known.json").write_text(known)
    words = ["--page", str(folder / "page.md"), "--known", str(folder / "known.json")]
    return CliRunner().invoke(settings.main, words)


def test_the_script_makes_the_page_and_the_defaults(tmp_path):
    old = re.sub(r"\| `training.batch`.*", "| `training.batsh` | |", PAGE)
    assert old != PAGE
    assert run(tmp_path, old).exit_code == 0
    assert (tmp_path / "page.md").read_text("utf-8") == PAGE
    assert (tmp_path / "known.json").read_text("utf-8") == settings.DEFAULTS.read_text("utf-8")


@pytest.mark.parametrize(
    ("page", "known", "message"),
    [
        (
            PAGE.replace("<!-- settings: training -->", ""),
            None,
            "page has places for top, sources, data, ",
        ),
        (PAGE.replace("settings: data", "settings: date"), None, "places for top, sources, date, "),
        ("nothing\n", None, "the page has places for nothing"),
        (PAGE, '{"training": {"batch": 512}}', "the default of batch was 512 and is 1024 now, but"),
        (PAGE, '{"training": {"bach": 512}}', "the default of bach was 512 and is gone"),
        (PAGE, '{"old": {"x": null}}', "old: the default of x was null and is gone"),
        (PAGE, "{", "is damaged"),
        (PAGE, "[]", "known.json is no table of defaults"),
        (PAGE, '{"training": 3}', "known.json is no table of defaults"),
    ],
)
def test_what_cannot_be_is_a_line_and_changes_nothing(tmp_path, page, known, message):
    done = run(tmp_path, page, known)
    assert done.exit_code == 2
    assert message in done.output
    assert done.output.startswith("error: ")
    assert done.output.count("\n") == 1
    assert (tmp_path / "page.md").read_text("utf-8") == page
    assert (tmp_path / "known.json").exists() == (known is not None)


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
    for text in re.findall(r"```toml\n(# .*?)```", PAGE, re.DOTALL):
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
