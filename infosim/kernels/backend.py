"""Choice of backend: the one place that imports numba.cuda and CuPy and says what is missing."""

import ctypes
import os
import re
import sys
import warnings
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
_LIBRARIES = ("cudart", "nvvm", "nvrtc", "nvJitLink", "cublas")
#: The last version of numba-cuda that needs `numpy.row_stack`, which NumPy 2.5 no longer has.
_NEEDS_ROW_STACK = (0, 30, 4)
#: A function that does nothing, for NVVM.
_NOTHING = b"""target triple = "nvptx64-nvidia-cuda"
target datalayout = "e-p:64:64:64-i1:8:8-i8:8:8-i16:16:16-i32:32:32-i64:64:64-i128:128:128-\
f32:32:32-f64:64:64-v16:16:16-v32:32:32-v64:64:64-v128:128:128-n16:32:64"
define void @nothing() {
  ret void
}
!nvvmir.version = !{!0}
!0 = !{i32 2, i32 0}
"""
#: The modules of the exceptions of what talks to the GPU.
_OF_GPU = ("cuda", "cupy", "cupy_backends", "numba.cuda.cudadrv")


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
    releases : of the CUDA toolkit, those that the compiler NVVM and the linker nvJitLink are of
    problem, remedy : the first thing in the way and how to mend it; None if there is nothing
    """

    driver: tuple[int, int] | None = None
    devices: list = field(default_factory=list)
    packages: dict = field(default_factory=dict)
    libraries: dict = field(default_factory=dict)
    releases: tuple | None = None
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
    if gpu.devices and None not in (gpu.packages["numba-cuda"], *gpu.libraries.values()):
        gpu.releases = releases()
    gpu.problem, gpu.remedy = next(_problems(gpu, code), (None, None))
    return gpu


def _problems(gpu, code):
    """What is in the way and how to mend it, in the order in which it would have to be."""
    packages = gpu.packages
    if simulated():
        if packages["numba-cuda"] is None:
            yield "numba-cuda is not installed", "pip install numba-cuda"
        elif gpu.libraries["cudart"] is None:  # whose version numba-cuda asks for on import
            yield "the CUDA library cudart was not found", "pip install 'cuda-toolkit[cudart]'"
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
    numpy, numba = packages["numpy"], packages["numba-cuda"]
    if _numbers(numpy) >= (2, 5) and _numbers(numba) <= _NEEDS_ROW_STACK:
        found = f"numba-cuda {numba} needs NumPy before 2.5, {numpy} is installed"
        yield found, "pip install 'numpy<2.5'"
    for name, where in gpu.libraries.items():
        if where is None:
            yield f"the CUDA library {name} was not found", install
        elif (of := _major(where)) > major:
            found = f"the CUDA library {name} that is found first is of CUDA {of}"
            yield f"{found}, the driver supports {_dotted(gpu.driver)}: {where}", "uninstall it"
    if gpu.releases is not None:
        compiler, linker = gpu.releases
        if linker < compiler:
            suffix = "-cu12" if major == 12 else ""
            yield (
                f"nvJitLink of CUDA {_dotted(linker)} does not link what NVVM of CUDA "
                f"{_dotted(compiler)} compiles",
                f"pip install 'nvidia-nvjitlink{suffix}>={_dotted(compiler)}'",
            )


def _major(path):
    """The version of CUDA that a library is of, by its file's name; 0 where it does not say."""
    found = re.search(
        r"(?:cudart|nvrtc|nvJitLink|cublas)\w*?(?:\.so\.|64_|_)(\d\d)", Path(path).name
    )
    return int(found[1]) if found else 0


def _numbers(version):
    """A version to compare with others."""
    return tuple(int(n) for n in re.findall(r"\d+", version)[:3])


def _dotted(version):
    return ".".join(map(str, version))


def version(name):
    """The version of an installed package, or None.

    It is looked for among the first lines of what a package says of itself: to have all of that
    read takes milliseconds for each.
    """
    try:
        package = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None
    head, _, _ = (package.read_text("METADATA") or "").partition("\n\n")
    found = re.search(r"^Version: *(\S+) *$", head, re.MULTILINE)
    return found[1] if found else package.version


def library(name):
    """Where a library of the CUDA toolkit is, or None; it is loaded.

    The packages beside ours come first, then conda's, what the system's loader knows, and the
    toolkit in CUDA_PATH or CUDA_HOME.
    """
    try:
        from cuda.pathfinder import load_nvidia_dynamic_lib

        with warnings.catch_warnings():  # of two variables that differ: what it takes is told
            warnings.simplefilter("ignore")
            return str(load_nvidia_dynamic_lib(name).abs_path)
    except (ImportError, RuntimeError, OSError, ValueError):
        return None


def releases():
    """The releases of the CUDA toolkit that NVVM and nvJitLink are of, or None.

    A linker refuses the PTX of a later release's compiler ("Unsupported .version"). They come in
    packages of their own, one of which another package may have pinned, or from different toolkits.
    """
    try:
        from cuda.bindings import nvjitlink, nvvm

        program = nvvm.create_program()
        nvvm.add_module_to_program(program, _NOTHING, len(_NOTHING), "nothing")
        nvvm.compile_program(program, 1, ["-arch=compute_75"])
        ptx = bytearray(nvvm.get_compiled_result_size(program))
        nvvm.get_compiled_result(program, ptx)
        nvvm.destroy_program(program)
        linker = nvjitlink.version()
    except Exception:  # whatever it is, it is told where a kernel is compiled
        return None
    compiler = re.search(rb"release (\d+)\.(\d+)", ptx)
    return compiler and ((int(compiler[1]), int(compiler[2])), tuple(linker))


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
        line = Path("/proc/driver/nvidia/version").read_text(encoding="utf-8").splitlines()[0]
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


@contextmanager
def told_errors():
    """A context in which the GPU's errors become BackendErrors of one line."""
    try:
        yield
    except Exception as error:
        module = type(error).__module__
        if not any(module == name or module.startswith(f"{name}.") for name in _OF_GPU):
            raise
        said = " ".join(str(error).split())
        if "out of memory" in f"{type(error).__name__} {said}".lower().replace("_", " "):
            raise BackendError(no_memory()) from None
        raise BackendError(f"the GPU stopped: {said}") from None


def no_memory():
    """What is said where the GPU has no more memory."""
    try:
        free, whole = gpu()[1].cuda.runtime.memGetInfo()
        left = f" ({free / 1e9:.1f} of {whole / 1e9:.1f} GB are free)"
    except Exception:  # a GPU that has stopped tells nothing
        left = ""
    advice = "try fewer neurons, fewer replicas or a smaller batch"
    return f"the GPU's memory does not suffice{left}; {advice}"
