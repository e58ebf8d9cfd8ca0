"""Names of runs: what they were at c6bda09, or when a preset came: old runs are found again."""

import hashlib
import json
from pathlib import Path

import pytest
import tomli_w

from infosim.experiments import Experiment, preset_names

#: Preset, settings laid over it, its key, and a hash of the text that a run's config.toml is.
KEYS = json.loads((Path(__file__).parent / "keys.json").read_text("utf-8"))


@pytest.mark.parametrize(("name", "settings", "key", "text"), KEYS)
def test_a_run_is_called_and_written_down_as_ever(name, settings, key, text):
    one = Experiment.load(name, settings)
    assert one.key == key
    assert hashlib.sha256(tomli_w.dumps(one.config).encode()).hexdigest()[:16] == text


def test_every_preset_is_there():
    assert {name for name, *_ in KEYS} == set(preset_names())
