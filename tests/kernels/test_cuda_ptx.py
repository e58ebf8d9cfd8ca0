"""CUDA kernels are compiled for a GPU where there is none: types, precision and shared memory."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infosim.kernels import backend

pytestmark = pytest.mark.ptx
PROGRAM = Path(__file__).parents[1] / "compile_cuda.py"
#: Those whose arguments are of the same types in both precisions, compiled once.
ALIKE = {"count_wrong", "invert"}
#: Those that add up in double precision, on purpose.
IN_DOUBLE = {
    "add_direct",
    "chain",
    "information",
    "mostly_firing",
    "tally",
    "invert",
    "accumulate_sparse",
}
#: Those whose quotients may be off by two units in the last place (docs/gpu.md says why).
APPROXIMATE = {"activate", "chain", "score", "information", "adam", "cross_entropy"}


@pytest.fixture(scope="module")
def compiled():
    """What was found of every kernel that training launches."""
    if importlib.util.find_spec("numba_cuda") is None:
        pytest.skip("needs numba-cuda")
    if None in (backend.library("nvvm"), backend.library("nvrtc")):
        pytest.skip("needs NVVM and NVRTC of the CUDA toolkit: pip install 'numba-cuda[cu13]'")
    variables = {k: v for k, v in os.environ.items() if k != "NUMBA_ENABLE_CUDASIM"}
    run = subprocess.run(
        [sys.executable, PROGRAM], capture_output=True, text=True, env=variables, check=False
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return [json.loads(line) for line in run.stdout.splitlines()]


def test_every_kernel_compiles_in_both_precisions(compiled):
    names = {c["kernel"] for c in compiled}  # of the whole contract, or the program had failed
    assert len(names) > 15
    for precision in ("float32", "float64"):
        found = {c["kernel"] for c in compiled if c["precision"] == precision}
        assert names - ALIKE <= found


def test_single_precision_stays_single(compiled):
    """A bare literal would make a kernel's arithmetic double, 64 times slower on most GPUs."""
    single = [c for c in compiled if c["precision"] == "float32" and c["float64"]]
    assert {c["kernel"] for c in single if c["network"] != "choosing"} <= IN_DOUBLE
    # what a measure chooses by is added up in double precision
    assert {c["kernel"] for c in single} <= IN_DOUBLE | {"score"}


def test_what_decides_on_a_bin_or_a_class_is_rounded_correctly(compiled):
    assert {c["kernel"] for c in compiled if c["approximate"]} <= APPROXIMATE
    assert all(c["approximate"] == 0 for c in compiled if c["precision"] == "float64")


def test_shared_memory_suffices_on_every_device(compiled):
    shared = {(c["kernel"], c["sources"], c["precision"]): c["shared"] for c in compiled}
    assert max(shared.values()) <= 48 * 1024
    # two tables of 2048 slots, and what 128 cells of three sources need
    expected = 2 * 4 * 2048 + 128 * (21 * 8 + 8 * 4 + 4) + 4
    ranges, weights = 2 * 4 * 128, 2 * 4 * 18
    assert expected <= shared["score", 3, "float32"] <= expected + ranges + weights + 64


def test_no_kernel_needs_more_registers_than_there_are(compiled):
    """A spilled number is kept in device memory."""
    if not any("spilled" in c for c in compiled):
        pytest.skip("needs ptxas of the CUDA toolkit")
    assert not [c for c in compiled if c["spilled"]]
