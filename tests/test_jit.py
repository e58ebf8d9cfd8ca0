"""The kernel cache cannot serve a kernel compiled from other sources."""

import shutil
import subprocess
import sys
from pathlib import Path

import infosim

CODE = """
import numpy as np
from infosim.kernels import cpu
x, out = np.ones((1, 1)), np.zeros((1, 1))
cpu.take_scaled(x, np.zeros(1, np.int64), 0.0, 2.0, 0, 1, out)
bins = np.zeros((1, 1, 1), np.uint8)
u = np.full((1, 1, 1), 0.6)
cpu.bin_potentials(u, np.zeros((1, 1)), 0, np.array([10]), 0.0, 1.0, 0, 1, bins)
print(int(bins[0, 0, 0]))
"""


def test_editing_a_helper_recompiles_what_calls_it(tmp_path):
    package = tmp_path / "infosim"
    shutil.copytree(Path(infosim.__file__).parent, package)
    environment = {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PATH": ""}

    def run():
        result = subprocess.run(
            [sys.executable, "-c", CODE], cwd=tmp_path, env=environment, capture_output=True,
            text=True,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        return int(result.stdout)

    assert run() == 5
    assert run() == 5
    helper = package / "kernels" / "scalar.py"
    before = helper.read_text()
    after = before.replace("np.int32(math.ceil(position)) - np.int32(1))", "7)")
    assert after != before
    helper.write_text(after)
    assert run() == 7


TRAINS = """
import numba
from numba.core.dispatcher import Dispatcher
from infosim.experiments import Experiment, timing
from infosim.kernels import cpu
step = timing.Step(
    Experiment.load("demo/digits", ["layers.hidden.size=5", "data.validation=0"]),
    timing.noise(300), threads=1,
)
step()
simulator = step.simulator
kernels = [k for k in vars(cpu).values() if isinstance(k, Dispatcher)]
kernels += [k for layer in simulator.layers.values() for k in (layer._activate, layer._chain)]
used = [k for k in kernels if k.signatures]
assert len(used) > 8
print(sum(sum(k.stats.cache_misses.values()) for k in used))
"""


def test_a_second_process_compiles_nothing(tmp_path):
    """Kernels made by a factory are found in the cache too, and add nothing to it."""
    environment = {"NUMBA_CACHE_DIR": str(tmp_path), "PATH": ""}
    misses, files = [], []
    for _ in range(2):
        result = subprocess.run(
            [sys.executable, "-c", TRAINS], env=environment, capture_output=True, text=True
        )
        assert result.returncode == 0, result.stderr
        misses.append(int(result.stdout))
        files.append({path.name for path in tmp_path.rglob("*") if path.is_file()})
    assert misses[0] > 8
    assert misses[1] == 0
    assert files[0] == files[1]
