"""What is said where something that the cuda backend needs is missing."""

import ctypes
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infosim.cli import main
from infosim.errors import BackendError
from infosim.kernels import backend, cpu

GB = 10**9
GOOD = {
    "driver": (13, 0),
    "devices": [("Test GPU", (9, 0), 80 * GB)],
    "code": 0,
    "versions": {"numpy": "2.4.6", "numba-cuda": "0.30.4", "cupy-cuda13x": "14.2.0"},
    "missing": (),
    "libraries": {},
    "releases": ((13, 1), (13, 1)),
}
CASES = [
    ({"driver": None, "devices": [], "code": None}, "no NVIDIA driver was found; .*--backend cpu"),
    ({"driver": (11, 8)}, r"driver supports CUDA 11\.8, 12\.0 is needed; update it"),
    ({"devices": [], "code": 100}, "NVIDIA driver finds no GPU; check with nvidia-smi"),
    ({"devices": []}, "NVIDIA driver finds no GPU; check with nvidia-smi"),
    ({"devices": [], "code": 999}, r"NVIDIA driver does not start \(error 999\); check with"),
    (
        {"devices": [("Old GPU", (6, 1), GB)]},
        r"Old GPU has compute capability 6\.1, 7\.5 is needed; use --backend cpu",
    ),
    (
        {"driver": (12, 4), "devices": [("Old GPU", (3, 5), GB)]},
        r"Old GPU has compute capability 3\.5, 5\.0 is needed",
    ),
    (
        {"versions": {"numpy": "2.4.6"}},
        r"numba-cuda is not installed; pip install 'infosim\[cuda13\]'",
    ),
    (
        {"driver": (12, 4), "versions": {"numpy": "2.4.6", "cupy-cuda12x": "14.2"}},
        r"numba-cuda is not installed; pip install 'infosim\[cuda12\]'",
    ),
    (
        {"versions": {"numpy": "2.4.6", "numba-cuda": "0.30.4"}},
        r"CuPy is not installed; pip install 'infosim\[cuda13\]'",
    ),
    (
        {"versions": {**GOOD["versions"], "cupy-cuda12x": "14.2"}},
        "cupy-cuda12x and cupy-cuda13x are both installed; pip uninstall cupy-cuda12x",
    ),
    (
        {"driver": (12, 9)},
        r"cupy-cuda13x needs a driver for CUDA 13, this one supports 12\.9; .*\[cuda12\]",
    ),
    (
        {"versions": {**GOOD["versions"], "numpy": "2.5.2"}},
        r"numba-cuda 0\.30\.4 needs NumPy before 2\.5, 2\.5\.2 is installed; .*'numpy<2\.5'",
    ),
    ({"missing": ("nvrtc", "cublas")}, r"CUDA library nvrtc was not found; pip install .*cuda13"),
    ({"missing": ("nvJitLink",)}, r"CUDA library nvJitLink was not found; pip install .*cuda13"),
    ({"missing": ("cudart",)}, r"CUDA library cudart was not found; pip install .*cuda13"),
    (
        {
            "driver": (12, 4),
            "versions": {"numpy": "2.4.6", "numba-cuda": "0.30.4", "cupy-cuda12x": "14.2"},
            "libraries": {"cublas": "/lib/libcublas.so.13"},
        },
        r"cublas that is found first is of CUDA 13, the driver supports 12\.4: .*\.so\.13; uninst",
    ),
    (
        {"releases": ((13, 5), (13, 0))},
        r"nvJitLink of CUDA 13\.0 does not link what NVVM of CUDA 13\.5 compiles; "
        r"pip install 'nvidia-nvjitlink>=13\.5'",
    ),
    (
        {
            "driver": (12, 9),
            "versions": {"numpy": "2.4.6", "numba-cuda": "0.30.4", "cupy-cuda12x": "14.2"},
            "releases": ((12, 9), (12, 8)),
        },
        r"pip install 'nvidia-nvjitlink-cu12>=12\.9'",
    ),
]


@pytest.fixture
def machine(monkeypatch):
    """A function that makes this machine one with such a GPU, driver and packages."""
    monkeypatch.delenv("NUMBA_ENABLE_CUDASIM", raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def make(**changes):
        found = GOOD | changes

        def ask(gpu):
            gpu.driver, gpu.devices = found["driver"], found["devices"]
            return found["code"]

        monkeypatch.setattr(backend, "_ask_driver", ask)
        monkeypatch.setattr(backend, "version", found["versions"].get)
        monkeypatch.setattr(
            backend,
            "library",
            lambda name: (
                None if name in found["missing"] else found["libraries"].get(name, f"lib{name}.so")
            ),
        )
        monkeypatch.setattr(backend, "releases", lambda: found["releases"])
        backend.gpu.cache_clear()

    yield make
    backend.gpu.cache_clear()


@pytest.mark.parametrize(("changes", "message"), CASES)
def test_the_first_thing_missing_is_named_with_its_remedy(machine, changes, message):
    machine(**changes)
    with pytest.raises(BackendError, match=f"the cuda backend is not ready: .*{message}") as told:
        backend.gpu()
    assert "\n" not in str(told.value)
    assert backend.resolve("auto") == "cpu"


@pytest.mark.parametrize(("changes", "message"), CASES)
def test_training_without_it_leaves_nothing(
    machine, monkeypatch, tmp_path, capfd, changes, message
):
    machine(**changes)
    monkeypatch.chdir(tmp_path)
    for module in ("infosim.kernels.cuda", "infosim.kernels.device"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    with pytest.raises(SystemExit) as stopped:
        main(["train", "demo/digits", "--backend", "cuda"])
    assert stopped.value.code == 2
    assert capfd.readouterr().err.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "changes",
    [
        # a numba-cuda to come may do without what NumPy 2.5 no longer has
        {"versions": {**GOOD["versions"], "numpy": "2.5.2", "numba-cuda": "0.30.5"}},
        {"releases": ((13, 0), (13, 5))},
        {"releases": ((12, 9), (13, 0))},
        {"releases": None},
        {"libraries": {"cublas": "/lib/libcublas.so.12"}},
    ],
)
def test_what_works_is_not_refused(machine, changes):
    machine(**changes)
    assert backend.inspect().problem is None


@pytest.mark.parametrize(
    ("name", "major"),
    [
        ("libcublas.so.13", 13),
        ("libcudart.so.13", 13),
        ("cudart64_12.dll", 12),
        ("libcublas.so.12.9.2.10", 12),
        ("cublas64_12.dll", 12),
        ("libnvJitLink.so.12", 12),
        ("nvJitLink_130_0.dll", 13),
        ("nvrtc64_120_0.dll", 12),
        ("libnvvm.so.4", 0),
        ("nvvm64_40_0.dll", 0),
    ],
)
def test_a_librarys_version_of_cuda_is_in_its_name(name, major):
    assert backend._major(f"/usr/local/cuda-11.8/lib64/{name}") == major


@pytest.mark.ptx
def test_releases_are_asked_of_the_libraries():
    if None in map(backend.library, ("nvvm", "nvJitLink")):
        pytest.skip("needs NVVM and nvJitLink of the CUDA toolkit")
    compiler, linker = backend.releases()
    assert (12, 0) <= compiler <= linker < (20, 0)


@pytest.mark.parametrize("variable", ["CUDA_PATH", "CUDA_HOME"])
def test_a_toolkit_in_cuda_path_is_found(tmp_path, variable):
    """In a process of its own, for what was found is kept."""
    if importlib.util.find_spec("cuda") is None or sys.platform != "linux":
        pytest.skip("needs numba-cuda on Linux")
    if backend.library("curand") is not None:
        pytest.skip("this machine has a toolkit, which comes first")
    # any library of C stands in for one of a toolkit's that needs no other
    loaded = Path("/proc/self/maps").read_text().splitlines()
    c = next(line.split()[-1] for line in loaded if "libc.so" in line)
    (tmp_path / "lib64").mkdir()
    (tmp_path / "lib64" / "libcurand.so.10").symlink_to(c)
    program = (
        "import warnings; warnings.simplefilter('error'); from infosim.kernels import backend; "
        "print(backend.library('curand'))"
    )
    others = {"CUDA_PATH": "CUDA_HOME", "CUDA_HOME": "CUDA_PATH"}
    variables = {**os.environ, variable: str(tmp_path), others[variable]: ""}
    run = subprocess.run(
        [sys.executable, "-c", program], env=variables, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == str(tmp_path / "lib64" / "libcurand.so.10")


def test_a_hidden_gpu_is_told_by_its_variable(machine, monkeypatch):
    machine(devices=[], code=100)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert "finds no GPU (CUDA_VISIBLE_DEVICES is '-1')" in backend.inspect().problem


def test_a_machine_with_all_of_it_is_ready(machine, capfd):
    machine()
    assert backend.inspect().problem is None
    assert backend.resolve("auto") == "cuda"
    lines = told(capfd)
    assert lines["cuda backend"] == "ready"
    assert lines["auto"] == "is cuda"
    assert lines["GPU"] == "Test GPU (compute capability 9.0, 80 GB)"
    assert lines["driver"].endswith("supports CUDA 13.0")
    assert "to mend it" not in lines


def told(capfd):
    """What `infosim env` prints, by name."""
    with pytest.raises(SystemExit) as stopped:
        main(["env"])
    assert stopped.value.code == 0
    lines = [line.split("  ", 1) for line in capfd.readouterr().out.splitlines() if line]
    return {name: text.strip() for name, text in lines}


def test_env_says_what_is_missing_and_what_mends_it(machine, capfd):
    machine(versions={"numpy": "2.4.6"}, missing=("cublas",))
    lines = told(capfd)
    assert lines["cuda backend"] == "not ready: numba-cuda is not installed"
    assert lines["to mend it"] == "pip install 'infosim[cuda13]'"
    assert lines["auto"] == "is cpu"
    assert lines["cupy-cuda13x"] == "not installed"
    assert lines["cublas"] == "not found"
    assert lines["nvvm"] == "libnvvm.so"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"driver": None, "devices": [], "code": None}, None),
        ({"versions": {"numpy": "2.4.6"}}, "numba-cuda is not installed"),
        ({"missing": ("cudart",)}, "the CUDA library cudart was not found"),
    ],
)
def test_numbas_simulator_needs_no_gpu_but_the_runtime_library(
    machine, monkeypatch, changes, problem
):
    machine(**changes)
    monkeypatch.setenv("NUMBA_ENABLE_CUDASIM", "1")
    assert backend.inspect().problem == problem


def test_a_package_that_does_not_load_is_told(machine, monkeypatch):
    if importlib.util.find_spec("numba_cuda") is None:
        pytest.skip("needs numba-cuda")
    machine()
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(BackendError, match=r"cuda backend does not load: .*cupy.*\[cuda13\]"):
        backend.gpu()


def test_the_driver_is_asked_through_its_own_library(monkeypatch):
    """A stand-in for the driver's library, of one device."""

    class Driver:
        def cuDriverGetVersion(self, number):
            number._obj.value = 12040
            return 0

        def cuInit(self, flags):
            return 0

        def cuDeviceGetCount(self, number):
            number._obj.value = 1
            return 0

        def cuDeviceGetName(self, text, length, device):
            text.value = b"A GPU"
            return 0

        def cuDeviceTotalMem_v2(self, memory, device):
            memory._obj.value = 24 * GB
            return 0

        def cuDeviceGetAttribute(self, number, attribute, device):
            number._obj.value = {75: 8, 76: 6}[attribute]
            return 0

    gpu = backend.Gpu()
    monkeypatch.setattr(ctypes, "CDLL", lambda name: Driver())
    assert backend._ask_driver(gpu) == 0
    assert gpu.driver == (12, 4)
    assert gpu.devices == [("A GPU", (8, 6), 24 * GB)]
    assert gpu.extra == "cuda12"


def test_unknown_backends_are_refused_and_objects_handed_through():
    with pytest.raises(BackendError, match="unknown backend 'xla'; allowed: cpu, cuda, auto"):
        backend.load("xla")
    with pytest.raises(BackendError, match=r"unknown backend 'cudo'; did you mean cuda"):
        backend.load("cudo")
    assert backend.load(cpu) is cpu


def test_without_a_gpu_nothing_of_cuda_is_imported():
    program = (
        "import sys, infosim.kernels.backend as b; b.load('cpu'); import infosim.engine; "
        "assert not any('cuda' in name.split('.') or name == 'cupy' for name in sys.modules)"
    )
    variables = {k: v for k, v in os.environ.items() if k != "NUMBA_ENABLE_CUDASIM"}
    subprocess.run([sys.executable, "-c", program], check=True, env=variables)
