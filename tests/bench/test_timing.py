"""Timing: what is counted and what is asked for, not how long anything takes."""

import numpy as np
import pytest

from infosim.bench import timing
from infosim.errors import ConfigError
from infosim.experiments import Experiment


def experiment(sources=3, *overrides):
    settings = ["layers.hidden.size=40", "training.batch=70", "data.validation=0", *overrides]
    return Experiment.load(timing.PRESETS[sources], settings)


def test_products_are_those_a_step_needs():
    step = timing.Step(experiment(), timing.noise(100), threads=1)
    step()
    n, b = 40, 70
    hidden = 2 * (784 + 10 + n) * n * b  # image, label and lateral: potentials and gradients
    output = 2 * n * 10 * b  # the label is one-to-one and frozen
    assert timing.Products(step).operations == 2 * (hidden + output)
    sparse = experiment(3, "layers.hidden.compartments.L.connectivity='sparse(5)'")
    step = timing.Step(sparse, timing.noise(100), threads=1)
    step()
    assert timing.Products(step).operations == 2 * (hidden - 2 * n * n * b + output)


def test_products_leave_the_simulator_alone():
    step = timing.Step(experiment(), timing.noise(100), threads=1)
    step()
    before = {name: array.copy() for name, array in step.simulator.arrays().items()}
    timing.Products(step)()
    for name, array in step.simulator.arrays().items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize("sources", [2, 3, 4])
def test_measure_reports_every_part(sources):
    calls = []
    found, others = timing.measure(
        experiment(sources), timing.noise(100), threads=1, warm_up=2, rounds=1,
        others=lambda step: {"more": lambda: calls.append(step.batch)},
    )  # fmt: skip
    assert list(found.parts) == [*timing.STAGES, "event loop"]
    assert all(seconds > 0 for seconds in found.parts.values())
    low, high = found.quartiles
    assert 0 < low <= found.step <= high
    assert found.ratio == found.step / found.products
    assert found.speed == found.operations / found.products
    assert 1 <= found.cells <= 70
    assert found.peak > 50
    assert others["more"].shape == (10,)
    assert len(calls) >= 12
    assert set(calls) == {70}


def test_alternate_times_in_turns_and_not_the_warm_up():
    order = []
    seconds = timing.alternate(
        {"a": lambda: order.append("a"), "b": lambda: order.append("b")}, 3, 4, 0, 0
    )
    assert "".join(order) == ("a" * 6 + "b" * 6) * 3
    assert {name: values.shape for name, values in seconds.items()} == {"a": (12,), "b": (12,)}


def test_an_impossible_number_of_threads_is_refused():
    with pytest.raises(ConfigError, match="threads must be an integer of at least 1, was 0"):
        timing.measure(experiment(), timing.noise(100), threads=0)


@pytest.mark.parametrize(
    ("quartiles", "load", "expected"),
    [
        ((0.95, 1.1), 0.0, []),
        ((0.95, 1.1), float("nan"), []),
        ((0.9, 1.3), 0.0, ["half of all steps differ by 40%"]),
        ((0.9, 1.3), 12.34, ["other work wants 12.3 of 4 CPUs", "half of all steps differ by 40%"]),
        ((0.95, 1.1), 2.4, []),
        ((0.95, 1.1), 2.6, ["other work wants 2.6 of 4 CPUs"]),
    ],
)
def test_a_busy_machine_is_doubted(quartiles, load, expected, monkeypatch):
    monkeypatch.setattr(timing, "available", lambda: 4)
    found = timing.Timing(2, 1.0, quartiles, 1.0, 1, {}, 1.0, 1.0)
    assert timing.doubts(found, load) == expected
