"""The examples in docstrings say what happens."""

import doctest
from importlib import import_module

import pytest

MODULES = (
    "infosim.schedule", "infosim.pid.goals", "infosim.pid.scheduled",
    "infosim.pid.decomposition", "infosim.network.network", "infosim.engine.simulator",
    "infosim.engine.interventions", "infosim.engine.prediction", "infosim.analysis.hebbian",
    "infosim.estimators.classifier", "infosim.estimators.memory", "infosim.estimators.transformer",
)  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    if name.startswith("infosim.estimators"):
        pytest.importorskip("sklearn", reason="needs the extra sklearn")
    found = doctest.testmod(import_module(name))
    assert found.attempted > 0
    assert found.failed == 0
