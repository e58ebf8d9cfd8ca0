"""The GPU check, on Numba's simulator: its program runs and says what it should."""

import importlib.util

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks import gpu
from infosim.datasets import Dataset
from infosim.experiments import timing
from infosim.kernels import backend

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("numba_cuda") is None, reason="needs numba-cuda"
)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Images of four pixels in two classes, and each function timed once."""

    def noise(n, seed=0):
        rng = np.random.default_rng(seed)
        x, y = rng.integers(0, 256, (n, 4), dtype=np.uint8), rng.integers(0, 2, n)
        return Dataset("noise", x, y, x, y, 2, (2, 2), "")

    def experiment(*arguments):
        return original(*arguments, "layers.output.size=2")

    original = gpu.experiment
    monkeypatch.setattr(gpu, "experiment", experiment)
    monkeypatch.setattr(timing, "noise", noise)
    monkeypatch.setattr(gpu, "median_time", lambda simulator, function, *rest: function() or 1e-3)
    monkeypatch.setattr(gpu, "STEPS", 2)


def test_two_runs_agree_to_the_bit_and_the_cpu_to_rounding():
    again, to_cpu = gpu.determinism(2, 6)
    assert again == 0
    assert 0 < to_cpu < 1e-5


def test_tables_have_a_number_in_every_column():
    (row,) = gpu.steps([2], 6)
    assert row[:4] == ["2", "1.000", "1.000", "1.00"]
    assert row[5] == "1.0 (1.0)"
    (row,) = gpu.replicas([2], 4, neurons=2)
    assert row == ["2", "1.000", "0.500", "2.0"]
    (row,) = gpu.score_kernel([2], 6)
    # two neurons of six samples: three bins, and in and out a float each
    assert row[2:4] == ["1.000", f"{2 * 6 * 11 / 1e-3 / 1e9:.0f}"]


def test_once_makes_three_steps_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(gpu.main, ["--once", "--neurons", "2", "--batch", "4"])
    assert (result.exit_code, result.output) == (0, "")
    assert not list(tmp_path.iterdir())


def test_without_a_gpu_it_says_so(monkeypatch):
    monkeypatch.delenv("NUMBA_ENABLE_CUDASIM")
    monkeypatch.setattr(backend, "_ask_driver", lambda found: None)
    backend.gpu.cache_clear()
    result = CliRunner().invoke(gpu.main, [])
    backend.gpu.cache_clear()
    assert result.exit_code == 2
    assert "the cuda backend is not ready: no NVIDIA driver was found" in result.output
