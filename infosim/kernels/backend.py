"""Choice of backend: the one place that imports numba.cuda and CuPy and says what is missing."""

import ctypes
import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module, metadata
from pathlib import Path

from infosim.errors import BackendError, near

BACKENDS = {"cpu": "infosim.kernels.cpu", "cuda": "infosim.kernels.cuda"}

#: The oldest driver that the packages of the extras run on, as the CUDA version it supports.
_OLDEST_DRIVER = (12, 0)
#: Oldest compute capability of a device by the major version of CUDA (its release notes).
_OLDEST_DEVICE = {12: (5, 0), 13: (7, 5)}
_CUPY = {12: "cupy-cuda12x", 13: "cupy-cuda13x"}
_LIBRARIES = ("nvvm", "nvrtc", "cublas")


def load(name):
    """The kernel module of backend `name`; an object with the functions of one is handed through.

    Raises
    ------
    BackendError : there is no such backend, or something it needs is missing (says what and how to
        mend it)
    """
    if not isinstance(name, str):
        return name
    return import_module(BACKENDS[resolve(name)])


def resolve(name):
    """The backend that `name` means: itself, or for "auto" cuda if it is ready and else cpu."""
    choices = [*BACKENDS, "auto"]
    if name not in choices:
        raise BackendError(f"unknown backend {name!r}; {near(name, choices)}")
    if name == "auto":
        return "cpu" if simulated() or inspect().problem else "cuda"
    return name


def simulated():
    """Whether CUDA kernels run in Numba's simulator, by the variable that Numba reads."""
    return os.environ.get("NUMBA_ENABLE_CUDASIM", "0") not in ("", "0")


@dataclass
class Gpu:
    """What was found of all that the cuda backend needs.

    driver : the CUDA version that the driver supports; devices : [(name, capability, bytes)]
    packages : name -> version, None if missing; libraries : name -> where it is, None if missing
    problem, remedy : the first thing in the way and how to mend it; None if there is nothing
    """

    driver: tuple[int, int] | None = None
    devices: list = field(default_factory=list)
    packages: dict = field(default_factory=dict)
    libraries: dict = field(default_factory=dict)
    problem: str | None = None
    remedy: str | None = None

    @property
    def extra(self):
        """The extra of infosim that fits the driver."""
        return "cuda12" if self.driver is not None and self.driver[0] < 13 else "cuda13"


def inspect():
    """Look for everything that the cuda backend needs; loads the driver, but runs nothing on it."""
    gpu = Gpu()
    code = _ask_driver(gpu)
    names = ("numpy", "numba-cuda", *_CUPY.values())
    gpu.packages = {name: version(name) for name in names}
    gpu.libraries = {name: library(name) for name in _LIBRARIES}
    gpu.problem, gpu.remedy = next(_problems(gpu, code), (None, None))
    return gpu


def _problems(gpu, code):
    """What is in the way and how to mend it, in the order in which it would have to be."""
    packages = gpu.packages
    if simulated():
        if packages["numba-cuda"] is None:
            yield "numba-cuda is not installed", "pip install numba-cuda"
        return
    on_cpu = "or use --backend cpu"
    if gpu.driver is None:
        where = "macOS has none" if sys.platform == "darwin" else "install NVIDIA's driver"
        yield "no NVIDIA driver was found", f"{where}, {on_cpu}"
        return
    if gpu.driver < _OLDEST_DRIVER:
        found, needed = _dotted(gpu.driver), _dotted(_OLDEST_DRIVER)
        yield f"the driver supports CUDA {found}, {needed} is needed", f"update it, {on_cpu}"
    if not gpu.devices:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        hidden = f" (CUDA_VISIBLE_DEVICES is {visible!r})" if visible is not None else ""
        said = "finds no GPU" if code in (0, 100) else f"does not start (error {code})"
        yield f"the NVIDIA driver {said}{hidden}", f"check with nvidia-smi, {on_cpu}"
        return
    major = 12 if gpu.driver[0] < 13 else 13
    name, capability, _ = gpu.devices[0]
    if capability < _OLDEST_DEVICE[major]:
        found, needed = _dotted(capability), _dotted(_OLDEST_DEVICE[major])
        yield f"{name} has compute capability {found}, {needed} is needed", "use --backend cpu"
    install = f"pip install 'infosim[{gpu.extra}]'"
    if packages["numba-cuda"] is None:
        yield "numba-cuda is not installed", install
    cupy = [name for name in _CUPY.values() if packages[name] is not None]
    if not cupy:
        yield "CuPy is not installed", install
    if len(cupy) > 1:
        yield f"{' and '.join(cupy)} are both installed", f"pip uninstall {_CUPY[25 - major]}"
    if _CUPY[13] in cupy and major < 13:
        found = _dotted(gpu.driver)
        yield f"{_CUPY[13]} needs a driver for CUDA 13, this one supports {found}", install
    if tuple(map(int, packages["numpy"].split(".")[:2])) >= (2, 5):
        found = packages["numpy"]
        yield f"numba-cuda needs NumPy before 2.5, {found} is installed", "pip install 'numpy<2.5'"
    for name, where in gpu.libraries.items():
        if where is None:
            yield f"the CUDA library {name} was not found", install


def _dotted(version):
    return ".".join(map(str, version))


def version(name):
    """The version of an installed package, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def library(name):
    """Where a library of the CUDA toolkit is, or None."""
    try:
        from cuda.pathfinder import load_nvidia_dynamic_lib

        return str(load_nvidia_dynamic_lib(name).abs_path)
    except (ImportError, RuntimeError, OSError, ValueError):
        return None


def _ask_driver(gpu):
    """Fill in the driver's version and its devices; returns its error code, 0 if all is well.

    By ctypes, for without the extras there is no package to ask, and which extra is right depends
    on the answer.
    """
    names = ("nvcuda.dll",) if sys.platform == "win32" else ("libcuda.so.1", "libcuda.so")
    for name in names:
        try:
            driver = ctypes.CDLL(name)
            break
        except OSError:
            continue
    else:
        return None
    number = ctypes.c_int()
    if driver.cuDriverGetVersion(ctypes.byref(number)) != 0:
        return None
    gpu.driver = number.value // 1000, number.value % 1000 // 10
    code = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(number))
    for i in range(number.value if code == 0 else 0):
        text, memory, capability = ctypes.create_string_buffer(100), ctypes.c_size_t(), []
        driver.cuDeviceGetName(text, len(text), i)
        driver.cuDeviceTotalMem_v2(ctypes.byref(memory), i)
        for attribute in (75, 76):  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, _MINOR
            driver.cuDeviceGetAttribute(ctypes.byref(number), attribute, i)
            capability.append(number.value)
        gpu.devices.append((text.value.decode(), tuple(capability), memory.value))
    return code


def driver_release():
    """The installed driver's own version, as far as the system tells; None otherwise."""
    try:
        line = Path("/proc/driver/nvidia/version").read_text().splitlines()[0]
    except (OSError, IndexError):
        return None
    return next((word for word in line.split() if word[0].isdigit() and "." in word), None)


@cache
def gpu():
    """(numba.cuda, the array module of its arrays, whether it is Numba's simulator).

    Raises
    ------
    BackendError : naming the first thing that is missing and how to mend it
    """
    found = inspect()
    if found.problem:
        raise BackendError(f"the cuda backend is not ready: {found.problem}; {found.remedy}")
    try:
        from numba import cuda

        if simulated():
            import numpy

            return cuda, numpy, True
        import cupy
    except ImportError as error:
        install = f"pip install 'infosim[{found.extra}]'"
        raise BackendError(f"the cuda backend does not load: {error}; {install}") from None
    # our grids are as small as the networks
    cuda.config.CUDA_LOW_OCCUPANCY_WARNINGS = 0
    return cuda, cupy, False


def cublas():
    """CuPy's binding of cuBLAS."""
    from cupy_backends.cuda.libs import cublas

    return cublas


@contextmanager
def told_errors():
    """A context in which the GPU's errors become BackendErrors of one line."""
    _, array_module, is_simulated = gpu()
    if is_simulated:
        yield
        return
    from numba.cuda.cudadrv.driver import CudaAPIError

    memory, runtime = array_module.cuda.memory, array_module.cuda.runtime
    try:
        yield
    except memory.OutOfMemoryError:
        free, whole = runtime.memGetInfo()
        raise BackendError(
            f"the GPU's memory does not suffice ({free / 1e9:.1f} of {whole / 1e9:.1f} GB are "
            "free); try fewer neurons, fewer replicas or a smaller batch"
        ) from None
    except (runtime.CUDARuntimeError, array_module.cuda.driver.CUDADriverError, CudaAPIError) as e:
        raise BackendError(f"the GPU stopped: {' '.join(str(e).split())}") from None
