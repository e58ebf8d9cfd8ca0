"""The peers of small networks: their gradients are infosim's, and their table is made."""

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks import memory
from benchmarks.numpy_memory import NumpyMemory

NEURONS, PATTERNS = 12, 17


def _made(bins):
    """A training in float64 whose neurons differ in what they do, its patterns and weights."""
    made = memory.training(NEURONS, PATTERNS, bins, 1, 1, dtype="float64")
    compartment = made.simulator["memory"]["C"]
    weights = np.random.default_rng(3).normal(size=(NEURONS, NEURONS)) * (1 - np.eye(NEURONS))
    compartment.weights = weights
    return made, made.samples.arrays["memory"].astype(float), weights


@pytest.mark.parametrize("bins", memory.BINS)
def test_its_gradient_is_infosims(bins):
    made, patterns, weights = _made(bins)
    simulator = made.simulator
    simulator.present({"pattern": patterns.T}, {"memory": patterns.T})
    simulator.run()
    simulator.gradient("memory")
    found = np.array(simulator["memory"]["C"].gradient) * (1 - np.eye(NEURONS))
    expected = NumpyMemory(patterns, weights, bins == "soft", dtype=np.float64).gradient()
    assert abs(expected).max() > 1e-3
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("bins", memory.BINS)
def test_its_training_is_infosims(bins):
    made, patterns, weights = _made(bins)
    one = NumpyMemory(patterns, weights, bins == "soft", dtype=np.float64)
    while made.epoch < 6:  # the first does not learn
        made.advance()
    for _ in range(5):
        one.step()
    np.testing.assert_allclose(made.simulator["memory"]["C"].weights, one.weights, atol=1e-7)


@pytest.mark.parametrize("bins", memory.BINS)
def test_pytorch_agrees(bins):
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'infosim[bench]'")
    from benchmarks.torch_memory import TorchMemory

    _, patterns, weights = _made(bins)
    soft = bins == "soft"
    found = TorchMemory(patterns, weights, soft).gradient()
    assert found.dtype == torch.float64
    expected = NumpyMemory(patterns, weights, soft, dtype=np.float64).gradient()
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-12)


def test_the_table():
    few = ["--neurons", "5", "--patterns", "4", "--bins", "hard", "--replicas", "2"]
    few += [
        "--threads",
        "1",
        "--warm-up",
        "2",
        "--epochs",
        "1",
        "--rounds",
        "1",
        "--peer-epochs",
        "1",
    ]
    done = CliRunner().invoke(memory.main, [*few, "--peers", "numpy"])
    assert done.exit_code == 0, done.output
    row = [cell.strip() for cell in done.stdout.splitlines()[-1].strip("|").split("|")]
    assert row[:3] == ["hard", "2", "1"]
    assert float(row[3]) > 0
    assert row[-1].endswith(")")


@pytest.mark.parametrize(
    "option", [("--bins", "firm"), ("--peers", "jax"), ("--replicas", "two"), ("--rounds", "0")]
)
def test_bad_options_are_told(option):
    done = CliRunner().invoke(memory.main, list(option))
    assert done.exit_code == 2
    assert "Traceback" not in done.output
    assert repr(option[1])[1:-1] in done.output
