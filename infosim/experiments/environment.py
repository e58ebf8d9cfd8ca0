"""What a run ran on, and what this machine has for infosim to run on."""

import platform
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
from llvmlite import binding as llvm
from threadpoolctl import threadpool_info

import infosim
from infosim.errors import CheckpointError
from infosim.experiments import store
from infosim.kernels import backend as backends
from infosim.kernels.workers import available

#: Of what is recorded, that on which the last bits of a result depend; see docs/runs.md.
_DECIDING = (
    "infosim", "packages", "libc", "blas", "compiler", "backend", "gpu", "cuda_driver", "task",
    "sparse_inputs",
)  # fmt: skip
#: What is known of a record that says nothing of it: how runs were before it was recorded.
_BEFORE = {"sparse_inputs": []}
#: Packages whose version changes pictures only.
_PICTURES = ("matplotlib",)
_PACKAGES = ("numpy", "numba", "llvmlite", "matplotlib")


def of_run(training, backend, task, replica=0):
    """What a replica runs on, and as what, for the record: name -> value, as JSON can hold it."""
    simulator = training.simulator
    record = {
        "infosim": infosim.__version__,
        "git_commit": commit(),
        "python": platform.python_version(),
        "packages": {name: backends.version(name) for name in _PACKAGES},
        "platform": platform.platform(),
        "cpu": cpu(),
        "libc": " ".join(platform.libc_ver()).strip() or platform.release(),
        "blas": blas(),
        "compiler": compiler(),
        "threads": simulator.workers.n_threads,
        "backend": backend,
        "dtype": simulator.dtype.name,
        "sparse_inputs": simulator.sparse_inputs(training.samples),
        "task": task.name,
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


def read(path):
    """The record of what a run is on, as `of_run` made it.

    Raises
    ------
    FileNotFoundError : there is none
    CheckpointError : it is damaged
    """
    record = store.read_json(path)
    if not isinstance(record, dict) or not isinstance(record.get("packages", {}), dict):
        raise CheckpointError(f"{path} is damaged: no table of names")
    return record


def following(before, record):
    """`record` with those of what the run was on before, where it was another, under "earlier"."""
    earlier = before.get("earlier", [])
    earlier = list(earlier) if isinstance(earlier, list) else []
    last = {name: value for name, value in before.items() if name != "earlier"}
    if last != record:
        earlier.append(last)
    return record | {"earlier": earlier} if earlier else record


def changes(before, record):
    """What of the deciding has changed between two records, in words; "" if nothing has."""
    was, now = ({**_BEFORE, **one, **one.get("packages", {})} for one in (before, record))
    names = [name for name in _DECIDING if name != "packages"]
    names += [name for name in record["packages"] if name not in _PICTURES]
    told = []
    for name in names:
        one, other = was.get(name), now.get(name)
        if one is None or one == other:  # what an earlier version did not record is not known
            continue
        if name == "compiler" and isinstance(one, dict) and one.get("cpu") == other["cpu"]:
            sets = [set(str(of.get("features")).split(",")) for of in (one, other)]
            missing, more = sets[0] - sets[1], sets[1] - sets[0]
            words = [f"without {', '.join(sorted(missing)[:4])}"] if missing else []
            words += [f"with {', '.join(sorted(more)[:4])}"] if more else []
            told.append(f"the processor is {' and '.join(words)}")
        else:
            what = "processor" if name == "compiler" else name
            told.append(f"{what} was {_word(one)}, is {_word(other)}")
    return "; ".join(told)


def _word(value):
    """A recorded value, shortly."""
    if isinstance(value, list):
        return " and ".join(map(_word, value)) or "none"
    if isinstance(value, dict):
        return " ".join(str(one) for name, one in value.items() if name != "features")
    return str(value)[:100]


def blas():
    """The libraries that compute matrix products, and for which processors: what decides bits."""
    found = [one for one in threadpool_info() if one["user_api"] == "blas"]
    found = [one for one in found if "scipy" not in Path(one["filepath"]).parent.name]
    if not found:  # a system's own, which threadpoolctl does not know
        built = np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
        return [{name: built[name] for name in ("name", "version") if name in built}]
    names = ("internal_api", "version", "architecture")
    records = [{name: one.get(name) for name in names} for one in found]
    return sorted(
        ({k: v for k, v in one.items() if v is not None} for one in records),
        key=lambda one: sorted(one.items()),
    )


def compiler():
    """The processor that Numba compiles for, and what it can do."""
    features = numba.config.CPU_FEATURES
    if features is None:
        try:
            host = llvm.get_host_cpu_features()
        except RuntimeError:  # LLVM does not know on every system
            host = {}
        features = ",".join(sorted(name for name, there in host.items() if there))
    return {"cpu": numba.config.CPU_NAME or llvm.get_host_cpu_name(), "features": features}


def cpu():
    """The processor's name."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
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
