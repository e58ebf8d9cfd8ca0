"""Where settings come from: of every preset, of files of one's own, and what is refused."""

import tomllib

import pytest
from click.testing import CliRunner

from infosim.cli import commands
from infosim.errors import ConfigError
from infosim.experiments import Experiment, preset_names
from infosim.experiments.provenance import CERTAINTIES, Source, provenance
from infosim.experiments.reading import flat, read_files
from infosim.experiments.tables import DESCRIPTIONS

RELEASED = "released code"


def refusal(tmp_path, text, load=Experiment.load):
    path = tmp_path / "mine.toml"
    path.write_text(f'extends = "demo/digits"\n{text}')
    with pytest.raises(ConfigError) as error:
        load(str(path))
    return str(error.value)


def shown(name):
    result = CliRunner().invoke(commands, ["presets", "show", name])
    assert result.exit_code == 0
    return result.output


@pytest.mark.parametrize("name", preset_names())
def test_of_every_setting_of_every_preset_it_is_said(name):
    found = provenance(name)
    # every preset's own entries, those of what it extends are theirs
    assert read_files(name)[-1].sources
    if Experiment.load(name).config["data"]["name"]:
        config = Experiment.load(name).config
        assert found.keys() == {one for one, _ in flat(config) if one not in DESCRIPTIONS}
    assert {one.certainty for one in found.values()} <= CERTAINTIES.keys()


def test_what_a_preset_changes_is_its_own_and_the_rest_is_not():
    found = provenance("iclr/trivariate-feedback")
    assert found["layers.hidden.compartments.C.source"].file == "iclr/trivariate-feedback"
    assert found["layers.hidden.compartments.L.connectivity"].file == "iclr/trivariate-sparse"
    assert found["training.batch"] == Source("iclr/trivariate-optimized", RELEASED, "")
    assert found["training.epochs"][:2] == ("iclr/trivariate-optimized", "inferred")
    assert found["training.epochs"].note.startswith("the released study's name")
    assert found["network.inversion"][:2] == ("", "ours")  # by default, and not the published one
    assert found["layers.hidden.optimizer.betas"] == Source("", RELEASED, "")


def test_defaults_of_a_table_belong_to_the_file_that_begins_it():
    found = provenance("demo/tetravariate")
    assert found["layers.hidden.compartments.T.trainable"] == Source("", "ours", "")
    assert found["layers.hidden.compartments.L.trainable"] == Source("", RELEASED, "")
    # another activation begins with its own defaults
    assert found["layers.hidden.activation.clamp"].certainty == "ours"
    assert found["layers.output.activation.clamp"].certainty == RELEASED
    # and another data set with its own options, though the table is the one before
    assert provenance("pnas/patches")["data.options.train"].certainty == "ours"
    assert provenance("pnas/bars")["data.options.size"].certainty == "inferred"


def test_a_file_of_ones_own_does_not_call_its_changes_published(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('extends = "iclr/trivariate-optimized"\n[layers.hidden]\nsize = 500\n')
    found = provenance(str(path))
    assert found["layers.hidden.size"] == Source(str(path), "", "")
    assert found["layers.hidden.goal"].certainty == "inferred"
    path.write_text(path.read_text() + '[sources]\nlayers.all = "ours"\n')
    assert provenance(str(path))["layers.hidden.size"] == Source(str(path), "ours", "")


def test_the_entry_that_tells_most_closely_counts(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        'extends = "demo/digits"\n[training]\nepochs = 3\nbatch = 7\n[layers.hidden]\nsize = 9\n'
        '[sources]\nall = "ours"\ntraining.all = "inferred: a: b"\n"training.epochs" = "paper"\n'
        '"layers.hidden" = "released code:"\n'
    )
    found = provenance(str(path))
    assert found["training.epochs"] == Source(str(path), "paper", "")
    assert found["training.batch"] == Source(str(path), "inferred", "a: b")
    assert found["layers.hidden.size"] == Source(str(path), RELEASED, "")


def test_a_goal_by_atom_or_in_words_and_a_rule_with_numbers_are_settings(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        'extends = "demo/digits"\n[layers.hidden.goal]\n"{F}{C}" = 1.0\n"{F}{L}" = -1.0\n'
        '[sources]\nall = "ours"\n'
    )
    found = provenance(str(path))
    assert found["layers.hidden.goal"] == Source(str(path), "ours", "")
    found = provenance("memory/perceptron")
    assert found["network.rule.name"][:2] == ("memory/perceptron", "paper")
    assert found["network.rule.stability"][:2] == ("memory/perceptron", "ours")


def test_sources_change_nothing_and_are_in_no_resolved_settings(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('extends = "demo/digits"\n[training]\nepochs = 3\n[sources]\nall = "ours"\n')
    one = Experiment.load(str(path))
    assert "sources" not in one.config
    assert one.key == Experiment.load("demo/digits", ["training.epochs=3"]).key


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sources = 3", "sources must be a table, was 3"),
        ("[sources]\nall = 3", "sources.all must be text, was 3"),
        (
            '[sources]\nall = "published"',
            "sources.all must be 'paper' or 'released code' or 'inferred' or 'ours', was "
            "'published'",
        ),
        ('[sources]\ntraining.epochs = ""', "or 'inferred' or 'ours', was ''"),
        ('[sources]\ntraining.epochs = ": a note"', "or 'inferred' or 'ours', was ''"),
        ('[sources]\ntraining.epochs = "Paper"', "was 'Paper'"),
        ('[sources]\nall = "ours: a\\nb"', r"sources.all must be one line, was 'ours: a\nb'"),
        (
            '[sources]\ntraining.epoch = "ours"',
            "sources.training.epoch: there is no such setting; did you mean training.epochs",
        ),
        ('[sources]\nlayers.hiden.all = "ours"', "sources.layers.hiden.all: there is no such"),
        ('[sources]\nlayers.hidden.size.all = ["ours"]', "size.all must be text, was ['ours']"),
        ('[sources]\n"a\\nb" = "ours"', r"sources.'a\nb': there is no such setting"),
        ('[sources]\ntitle = "ours"', "sources.title: there is no such setting"),
    ],
)
def test_what_is_refused(text, message, tmp_path):
    for load in (Experiment.load, provenance):
        said = refusal(tmp_path, text, load)
        assert message in said
        assert "\n" not in said
        assert len(said) < 200


def test_a_file_that_others_complete_is_judged_when_it_is_complete(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('extends = "demo/digits"\n[training]\nepoch = 3\n[sources]\nall = "ours"\n')
    with pytest.raises(ConfigError, match=r"^unknown key training\.epoch; did you mean epochs"):
        Experiment.load(str(path))


def test_a_preset_is_shown_with_its_sources_and_still_is_what_it_was():
    for name in ("iclr/trivariate-optimized", "memory/redundancy", "pnas/bars-reliable"):
        text = shown(name)
        assert tomllib.loads(text) == Experiment.load(name).config
        said = [line for line in text.splitlines() if "  # " in line]
        assert len(said) == len(provenance(name))
    assert "weight_decay = 0.15  # ours\n" in text
    assert "k = [  # inferred\n    0.5,\n" in text


def test_names_that_need_quotes_are_shown_with_theirs(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        'extends = "demo/digits"\n[layers."a b"]\nsize = 3\nactivation = { name = "feedforward" }\n'
        'compartments.F = { source = "image" }\n[sources]\nlayers."a b".all = "inferred: why"\n'
    )
    text = shown(str(path))
    assert '[layers."a b"]\nsize = 3  # inferred: why\n' in text
    assert tomllib.loads(text) == Experiment.load(str(path)).config
