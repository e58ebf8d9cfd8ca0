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
    helper.write_text(helper.read_text().replace("math.ceil(position) - 1)", "7)"))
    assert run() == 7
