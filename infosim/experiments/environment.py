"""What a run ran on, and what this machine has for infosim to run on."""

import platform
import subprocess
import sys
from pathlib import Path

import infosim
from infosim.kernels import backend as backends
from infosim.kernels.workers import available

_PACKAGES = ("numpy", "numba", "llvmlite", "matplotlib")


def of_run(simulator, backend, replica=0):
    """What a replica runs on, for the record: name -> value, as JSON can hold it."""
    record = {
        "infosim": infosim.__version__,
        "git_commit": commit(),
        "python": platform.python_version(),
        "packages": {name: backends.version(name) for name in _PACKAGES},
        "platform": platform.platform(),
        "cpu": cpu(),
        "threads": simulator.workers.n_threads,
        "backend": backend,
        "dtype": simulator.dtype.name,
        "seed": simulator.seeds[replica],
        "replicas": simulator.n_replicas,
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
    }
    if backend == "cuda":
        gpu = backends.inspect()
        record["packages"] |= {name: found for name, found in gpu.packages.items() if found}
        record["gpu"] = "Numba's simulator" if backends.simulated() else _device(gpu)
        record["cuda_driver"] = _driver(gpu)
    return record


def report():
    """What there is: (name, text) of versions, the CPU, and all that the cuda backend needs."""
    gpu = backends.inspect()
    yield "infosim", infosim.__version__ + (f", commit {commit()}" if commit() else "")
    yield "Python", f"{platform.python_version()} on {platform.platform()}"
    for name in _PACKAGES:
        yield name, backends.version(name)
    yield "CPU", f"{cpu()}, {available()} for this process"
    yield "", ""
    yield "cpu backend", "ready"
    yield "cuda backend", f"not ready: {gpu.problem}" if gpu.problem else "ready"
    if gpu.remedy:
        yield "to mend it", gpu.remedy
    yield "auto", f"is {backends.resolve('auto')}"
    yield "", ""
    if backends.simulated():
        yield "simulator", "NUMBA_ENABLE_CUDASIM is set: CUDA kernels run on the CPU, for tests"
    yield "driver", _driver(gpu) or "not found"
    yield "GPU", _device(gpu) or "not found"
    for name, found in gpu.packages.items():
        if name not in _PACKAGES:
            yield name, found or "not installed"
    for name, where in gpu.libraries.items():
        yield name, where or "not found"


def cpu():
    """The processor's name."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _driver(gpu):
    """The NVIDIA driver in words, or None."""
    if gpu.driver is None:
        return None
    release = backends.driver_release()
    supports = "supports CUDA {}.{}".format(*gpu.driver)
    return f"{release}, {supports}" if release else supports


def _device(gpu):
    """The GPUs in words, or None."""
    return ", ".join(
        "{} (compute capability {}.{}, {:.0f} GB)".format(name, *capability, memory / 1e9)
        for name, capability, memory in gpu.devices
    )


def commit():
    """The commit of infosim's own checkout, if it runs from one."""
    root = Path(infosim.__file__).parent.parent
    if not (root / ".git").exists():
        return None
    try:
        result = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() or None
