"""Defaults of settings: a run is known by how its settings differ from them, so they stay."""

import json
from pathlib import Path

import pytest

from infosim.errors import ConfigError
from infosim.experiments import Experiment, directory, identity, store
from infosim.experiments.identity import DEFAULTS_VERSION
from infosim.experiments.reading import flat, parse
from scripts import settings

RUNS = Path(__file__).parents[1] / "runs"
FOLDERS = sorted(path.parent for path in RUNS.rglob("config.toml"))
KNOWN = json.loads(settings.DEFAULTS.read_text("utf-8"))


def test_defaults_of_this_version_are_what_they_were():
    settings.check(KNOWN, settings.defaults())  # says what to do


def test_the_table_of_defaults_has_all():
    assert settings.defaults() == KNOWN, "settings are new: python -m scripts.settings"
    assert settings.DEFAULTS.name == f"defaults-{DEFAULTS_VERSION}.json"


def test_a_changed_default_is_told_and_a_new_setting_is_none():
    new = settings.defaults()
    settings.check(KNOWN, new | {"training": new["training"] | {"momentum": 0.9}})
    with pytest.raises(ConfigError, match=r"batch was 1024 and is 512 now, .* raise DEFAULTS"):
        settings.check(KNOWN, new | {"training": new["training"] | {"batch": 512}})
    with pytest.raises(ConfigError, match='network: the default of inversion was "batch" and is'):
        settings.check(KNOWN, new | {"network": new["network"] | {"inversion": "none"}})


def test_the_version_of_the_defaults_is_part_of_a_key_from_the_second_on(monkeypatch):
    one = Experiment.load("demo/digits")
    first = one.key
    monkeypatch.setattr(identity, "DEFAULTS_VERSION", 2)
    second = one.key
    monkeypatch.setattr(identity, "DEFAULTS_VERSION", 3)
    assert len({first, second, one.key}) == 3


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda one: one.name)
def test_runs_of_an_earlier_version_have_their_names(folder):
    config = directory.read_config(folder)
    named = dict(flat(parse(store.read_text(folder / "config.toml"))))
    assert named.items() <= dict(flat(config)).items()
    result = directory.read_result(folder)
    if result is not None:
        assert Experiment("", config).key == result["key"]
    if "sweep" in folder.parts:
        assert Experiment("", config).key == folder.name


def test_what_an_earlier_run_did_not_name_is_as_it_was(tmp_path):
    text = store.read_text(RUNS / "classification" / "config.toml")
    lines = text.splitlines(keepends=True)
    gone = ("inversion", "outputs", "sampled", "rule", "measure", "carry", "learn_at", "shuffle")
    old = "".join(line for line in lines if not line.startswith(gone))
    assert len(old.splitlines()) < len(lines) - 8
    store.write_text(tmp_path / "config.toml", old)
    config = directory.read_config(tmp_path)
    whole = directory.read_config(RUNS / "classification")
    assert identity.differences(whole, config) == "network.inversion was 'learned', now 'batch'"
    assert Experiment("", config).key != Experiment("", whole).key
