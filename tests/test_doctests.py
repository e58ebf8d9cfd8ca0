"""The examples in docstrings say what happens."""

import doctest
from importlib import import_module

import pytest

MODULES = (
    "infosim.schedule", "infosim.pid.goals", "infosim.pid.scheduled",
    "infosim.pid.decomposition", "infosim.network.network", "infosim.engine.simulator",
    "infosim.engine.interventions", "infosim.engine.prediction",
)  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    found = doctest.testmod(import_module(name))
    assert found.attempted > 0
    assert found.failed == 0
