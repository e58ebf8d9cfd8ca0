"""The JSON schema of experiment files takes what `resolve` takes, and refuses what it refuses."""

import json
import math
import subprocess
import sys
import tomllib
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infosim.cli import main
from infosim.datasets import generated
from infosim.errors import ConfigError
from infosim.experiments import Experiment, preset_names
from infosim.experiments.reading import override, parse
from infosim.experiments.resolve import resolve
from infosim.experiments.schema import schema

jsonschema = pytest.importorskip("jsonschema", reason="needs the extra test")

RUNS = Path(__file__).parents[1] / "runs"
KEYS = json.loads((Path(__file__).parent / "keys.json").read_text("utf-8"))
SCHEMA = json.loads(json.dumps(schema()))
VALID = jsonschema.Draft7Validator(SCHEMA)
WHOLE = """
[network]
[layers.output]
size = 10
activation = { name = "feedforward" }
compartments.F = { source = "image" }
"""


def faults(table):
    return [f"{list(one.path)}: {one.message}"[:200] for one in VALID.iter_errors(table)]


def test_it_is_a_schema():
    jsonschema.Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", preset_names())
def test_presets_are_taken_as_they_stand_and_resolved(name):
    text = (resources.files("infosim.experiments") / "presets" / f"{name}.toml").read_text("utf-8")
    assert not faults(tomllib.loads(text))
    assert not faults(Experiment.load(name).config)


@pytest.mark.parametrize(("name", "settings"), [one[:2] for one in KEYS])
def test_what_is_laid_over_a_preset_is_taken(name, settings):
    assert not faults(override({"extends": name}, settings))
    assert not faults(Experiment.load(name, settings).config)


@pytest.mark.parametrize("path", sorted(RUNS.rglob("config.toml")), ids=lambda one: one.parent.name)
def test_runs_of_an_earlier_version_are_taken(path):
    assert not faults(parse(path.read_text("utf-8")))


TAKEN = {
    "a whole file": WHOLE,
    "nothing but what it extends": "extends = 'mine.toml'",
    "groups in place of a size": WHOLE.replace(
        "size = 10", "groups = { a = { size = 3, goal = '{F}' }, b = { size = 7 } }"
    ),
    "a schedule by points": "extends = 'demo/digits'\n[layers.hidden.optimizer]\n"
    "rate = { points = [[0, 0.1], [30, 0.01]], shape = 'step' }",
    "an integer for a number": "extends = 'demo/digits'\ndata.validation = 0",
    "options without a name": "extends = 'pnas/bars'\ndata.options.probability = 0.1",
    "a parameter without a name": "extends = 'demo/digits'\nlayers.a.activation.alpha = [1, 2]",
    "a data set of one's own": "extends = 'demo/digits'\ndata.name = 'mine'",
    "a row of steps": "extends = 'demo/digits'\nnetwork.learn_at = [0, -1]",
}


@pytest.mark.parametrize("case", TAKEN)
def test_what_is_taken(case):
    assert not faults(tomllib.loads(TAKEN[case]))


H = "layers.hidden"
REFUSED = {
    "unknown key": f"{H}.siz=3",
    "unknown key above": "trainin.epochs=3",
    "unknown key of training": "training.epoch=3",
    "unknown key of data": "data.validate=0.1",
    "unknown key of an optimizer": f"{H}.optimizer.momentum=0.9",
    "unknown key of a compartment": f"{H}.compartments.F.delai=1",
    "unknown key of a connection": f"{H}.compartments.C.connections.label.bias=false",
    "unknown key of a group": f"{H}.groups.a={{size=3, siz=3}}",
    "unknown key of bins": f"{H}.binning.hi=3",
    "unknown key of a schedule": f"{H}.optimizer.rate={{from=0.1, too=0.01, until=2}}",
    "unknown option": "data={name='bars', options={length=3}}",
    "option of published data": "data={name='digits', options={size=8}}",
    "text for an integer": f"{H}.size=large",
    "number for an integer": f"{H}.size=10.5",
    "truth for an integer": f"{H}.size=true",
    "integer for truth": "training.shuffle=1",
    "number for text": "title=3",
    "text for a table": "training=fast",
    "number for a goal": f"{H}.goal=3",
    "schedule of a size": f"{H}.size={{from=20, to=30, until=2}}",
    "schedule of epsilon": f"{H}.optimizer.epsilon={{from=0, to=1, until=2}}",
    "table of a layer": "layers.more=3",
    "text for an option": "data={name='bars', options={size='x'}}",
    "no neurons": f"{H}.size=0",
    "no samples in a batch": "training.batch=0",
    "fewer than no epochs": "training.epochs=-1",
    "all held out": "data.validation=1",
    "less than nothing held out": "data.validation=-0.1",
    "one bin": f"{H}.binning.bins=1",
    "many bins": f"{H}.binning.bins=256",
    "many bins of one": f"{H}.binning.bins=[20, 256, 2]",
    "many bins in the end": f"{H}.binning.bins={{from=20, to=300, until=2}}",
    "delay": f"{H}.compartments.L.delay=1001",
    "rate": f"{H}.optimizer.rate=-0.1",
    "rate in the end": f"{H}.optimizer.rate={{from=0.1, to=-0.1, until=2}}",
    "a mean that keeps all": f"{H}.optimizer.betas=[0.9, 1.0]",
    "weight": f"{H}.compartments.F.weight=1e7",
    "seed": "training.seed=4294967296",
    "clamp": f"{H}.activation.clamp=0.5",
    "option out of range": "data={name='bars', options={probability=2}}",
    "schedule that ends at once": f"{H}.optimizer.rate={{from=0.1, to=0.01, until=0}}",
    "schedule in two ways": f"{H}.optimizer.rate={{until=3, points=[[0, 1], [2, 3]]}}",
    "shape": f"{H}.binning.bins={{from=9, to=5, until=3, shape='cos'}}",
    "scaling": "data.scaling=standart",
    "precision": "training.dtype=float16",
    "binning": f"{H}.binning.kind=normalized",
    "outputs": f"{H}.outputs=ternary",
    "measure": f"{H}.measure=williams",
    "measure of a group": f"{H}.groups.a={{size=3, measure='williams'}}",
    "rule": "network.rule=hebbb",
    "rule's number": "network.rule={name='hebb', rate=1}",
    "rule's number out of range": "network.rule={name='perceptron', stability=-1}",
    "activation": f"{H}.activation.name=trivariat",
    "parameters": f"{H}.activation={{name='trivariate', alpha=[0.1]}}",
    "parameter of another": f"{H}.activation={{name='bivariate', alpha=[0.1, 0.1]}}",
    "optimizer": f"{H}.optimizer.name=adamw",
    "input": "network.inputs.image=pixels",
    "clamped": "network.clamped.hidden=labels",
    "inversion": "network.inversion=some",
    "steps to learn at": "network.learn_at=first",
    "setting beside connections": f"{H}.compartments.C={{connections={{label={{}}}}, delay=1}}",
    "no preset": "extends=iclr/nothing",
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_resolve_refuses_is_refused(case):
    setting = REFUSED[case]
    assert faults(override({"extends": "demo/digits"}, [setting]))
    with pytest.raises(ConfigError) as told:
        Experiment.load("demo/digits", [setting])
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("gone", ["[network]", "size", 'name = "feedforward"', "compartments"])
def test_a_file_that_extends_none_is_whole(gone):
    lines = [line.replace(gone, "") for line in WHOLE.splitlines() if not line.startswith(gone)]
    table = tomllib.loads("\n".join(lines))
    assert faults(table)
    with pytest.raises(ConfigError):
        resolve(table)
    assert not faults(table | {"extends": "demo/digits"})


NUMBERS = st.one_of(
    st.integers(-3, 300), st.floats(-2, 2, allow_nan=False), st.booleans(), st.just("text"),
    st.lists(st.integers(0, 3), max_size=2),
)  # fmt: skip
PATHS = [
    "data.validation", "training.epochs", "training.batch", "training.record_every",
    "training.shuffle", "network.steps", "network.carry", "layers.hidden.size",
    "layers.hidden.sampled", "layers.hidden.binning.bins", "layers.hidden.binning.low",
    "layers.hidden.optimizer.rate", "layers.hidden.optimizer.epsilon",
    "layers.hidden.optimizer.decay_until", "layers.hidden.compartments.F.weight",
    "layers.hidden.compartments.F.delay", "layers.hidden.compartments.F.bias",
]  # fmt: skip


@given(st.sampled_from(PATHS), NUMBERS)
def test_both_refuse_the_same_numbers(path, value):
    """Whole numbers with a point apart, which to JSON are integers."""
    try:
        config = Experiment.load("demo/digits", [("training.evaluate_every", 1), (path, value)])
        taken = True
    except ConfigError:
        taken = False
    if taken:
        assert not faults(override({"extends": "demo/digits"}, [(path, value)]))
        assert not faults(config.config)
    elif not (isinstance(value, float) and value.is_integer()):
        assert faults(override({"extends": "demo/digits"}, [(path, value)]))


def test_options_without_ends_are_of_any_size(monkeypatch):
    """Of a data set of one's own; JSON has no infinity."""
    made = generated.Generator(None, {"size": generated.Option(2.5, -math.inf, math.inf)})
    monkeypatch.setitem(generated.GENERATED, "mine", made)
    text = json.dumps(schema(), allow_nan=False)
    check = jsonschema.Draft7Validator(json.loads(text))
    table = {"extends": "demo/digits", "data": {"name": "mine", "options": {"size": -1e30}}}
    assert check.is_valid(table)
    table["data"]["options"] = {"length": 3}
    assert not check.is_valid(table)


def test_the_command_prints_it_whole(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["presets", "schema"])
    assert stop.value.code == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(schema()))


def test_the_command_may_be_cut_short():
    text = f"'{sys.executable}' -m infosim presets schema | head -1"
    done = subprocess.run(["bash", "-c", text], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("{\n", "")
