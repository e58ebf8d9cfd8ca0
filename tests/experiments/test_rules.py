"""Rules of learning in experiment files, and what runs of before rules were tables become."""

from dataclasses import dataclass

import pytest

from infosim.errors import ConfigError
from infosim.experiments import Experiment, directory, run, search, store, train
from infosim.network import Backprop, Hebb, Infomorphic, Rule
from infosim.rules import Executor, executes


@dataclass(frozen=True)
class Still(Rule):
    """Learns nothing, with numbers to be said in files."""

    strength: float = 1.0
    powers: tuple = (1, 2)
    limit: float | None = None

    name = "still"


@executes(Still)
class StillExecutor(Executor):
    def learn(self, inputs):
        pass


def load(*settings, preset="demo/digits"):
    return Experiment.load(preset, settings)


def rules(experiment):
    network = experiment.network(experiment.dataset())
    return network.rule, {layer.name: layer.rule for layer in network.layers}


def test_a_rule_is_its_name_or_a_table():
    one, other = load("network.rule='hebb'"), load("network.rule={name='hebb'}")
    assert one.config == other.config
    assert one.config["network"]["rule"] == "hebb"
    assert one.config["network"]["inversion"] == "learned"
    assert one.key == other.key != load().key
    assert rules(one) == (Hebb(), {"hidden": None, "output": None})
    assert load("network.rule.name=hebb").config == one.config
    assert load("network.rule={name='backprop'}").config["network"]["inversion"] == "none"
    assert rules(load("network.rule=backprop"))[0] == Backprop()


def test_a_layer_has_one_of_its_own():
    one = load("layers.output.rule=hebb")
    assert rules(one) == (Infomorphic(), {"hidden": None, "output": Hebb()})
    assert one.key not in (load().key, load("network.rule=hebb").key)
    assert load("layers.output.rule=''").key == load().key
    assert load("layers.output.rule=infomorphic").key != load().key  # whatever the network's is


def test_numbers_are_spelled_out_and_those_of_another_rule_are_not_inherited():
    whole = {"name": "still", "strength": 2.0, "powers": [1, 2]}
    one = load("network.rule={name='still', strength=2.0}")
    assert one.config["network"]["rule"] == whole
    assert load("network.rule=still", "network.rule.strength=2.0").config == one.config
    assert load("network.rule=still").key == load("network.rule={name='still', strength=1.0}").key
    assert one.key != load("network.rule=still").key
    other = load("network.rule={name='still', strength=2.0}", "network.rule.name=hebb")
    assert other.config["network"]["rule"] == "hebb"
    layer = load("layers.hidden.rule={name='still', strength=2.0}")
    assert layer.config["layers"]["hidden"]["rule"] == whole
    assert layer.key != load("layers.hidden.rule=still").key


@pytest.mark.parametrize("name", ["demo/digits", "iclr/backprop"])
def test_a_run_of_before_layers_had_rules_goes_on(name, tmp_path):
    """Its config.toml has no `rule` in its layers."""
    settings = ["data.name=digits", "layers.hidden.size=5", "training.batch=500"]
    one = load(*settings, "training.epochs=1", preset=name)
    out = train(one, tmp_path / "run", threads=1)
    text = store.read_text(out / "config.toml")
    old = "".join(line for line in text.splitlines(keepends=True) if line != 'rule = ""\n')
    assert text.count('rule = ""\n') == 2
    store.write_text(out / "config.toml", old)
    assert directory.read_config(out) == one.config
    longer = load(*settings, "training.epochs=2", preset=name)
    train(longer, out, threads=1, resume=True)
    assert store.read_text(out / "config.toml").count('rule = ""\n') == 2


def test_the_numbers_of_a_run_are_those_it_goes_on_with(tmp_path):
    settings = ["training.epochs=1", "training.batch=1000", "layers.hidden.size=3"]
    one = load(*settings, "network.rule={name='still', strength=2.0}")
    out = train(one, tmp_path / "run", threads=1)
    assert directory.read_config(out)["network"]["rule"]["strength"] == 2.0
    train(one, out, threads=1, resume=True)
    with pytest.raises(run.CheckpointError, match=r"network.rule.strength was 2.0, now 3.0"):
        train(load(*settings, "network.rule={name='still', strength=3.0}"), out, resume=True)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("network.rule=hebbb", r"^network\.rule: unknown rule 'hebbb'; did you mean hebb"),
        (
            "network.rule=''",
            r"^network\.rule: unknown rule ''; allowed: infomorphic, backprop, hebb",
        ),
        ("network.rule=1", r"^network\.rule must be text or a table, was 1"),
        ("network.rule={rate=1}", r"^network\.rule: a rule is .* with its name, was {'rate': 1}"),
        ("network.rule=hebb network.rule.rate=1", "rule hebb has no number 'rate'; it has none"),
        ("layers.hidden.rule={rate=1}", r"^layers\.hidden\.rule: a rule is a Rule, its name"),
        ("layers.hidden.rule={name='still',powr=1}", r"^layers\.hidden\.rule: rule still has no"),
        ("layers.hidden.rule=backprop", "^layer 'hidden': rule backprop is of a whole network"),
        (
            "layers.hidden.goal= layers.hidden.rule=infomorphic",
            "^layer 'hidden': rule infomorphic needs a goal$",
        ),
        (
            "network.rule=backprop layers.hidden.rule=hebb",
            "^layer 'hidden': rule hebb cannot be beside backprop",
        ),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(ConfigError, match=message):
        rules(load(*settings.split()))


def test_goals_are_searched_of_layers_that_climb_them():
    pytest.importorskip("optuna", reason="needs Optuna: pip install 'infosim[optimize]'")
    assert search.layer_of(load(), None) == "hidden"
    one = load("network.rule=hebb", "layers.hidden.rule=infomorphic")
    assert search.layer_of(one, None) == "hidden"
    with pytest.raises(ConfigError, match="layer 'output' does not learn by its goal"):
        search.layer_of(one, "output")
    with pytest.raises(ConfigError, match=r"network\.rule 'hebb' no layer learns by a goal"):
        search.layer_of(load("network.rule=hebb"), None)
