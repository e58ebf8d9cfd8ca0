"""What the simulator cannot show, on stand-ins for CuPy and cuBLAS: calls, recording, errors.

They run on a GPU as well, which they do not use.
"""

import ctypes
import importlib.util
import threading
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
from device import Device, Library, on_device

from infosim.errors import BackendError
from infosim.kernels import backend, cublas

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("numba_cuda") is None, reason="needs numba-cuda"
)


@pytest.fixture
def cuda(monkeypatch):
    """kernels.device as on a real one, with NumPy's arrays and lanes to be stood in for."""
    from infosim.kernels import device

    monkeypatch.setattr(device, "SIMULATED", False)
    monkeypatch.setattr(device, "xp", np)
    monkeypatch.setattr(device, "_made", None)
    monkeypatch.setattr(backend, "told_errors", nullcontext)
    return device


# -- cuBLAS ----------------------------------------------------------------------------------------


@pytest.fixture
def products(cuda, monkeypatch):
    """What multiplies arrays of the GPU, and the stand-in library that does it."""
    library = Library()
    blas = cublas.Cublas(library, 5, 512)
    monkeypatch.setattr(cuda, "lane_here", lambda: SimpleNamespace(blas=blas))
    return backend.load("cuda"), library


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize(("m", "k", "n"), [(3, 5, 4), (1, 5, 4), (3, 1, 4), (3, 5, 1), (1, 1, 1)])
def test_products_are_one_call_without_copies(products, m, k, n, replicas, dtype):
    """W x, δ xᵀ and Wᵀδ, as the rules ask for them: of inputs that all replicas share, too."""
    cuda, library = products
    rng = np.random.default_rng(0)

    def made(*shape):
        return rng.normal(size=(replicas, *shape)).astype(dtype)

    def flipped(*shape):
        return made(*shape[::-1]).transpose(0, 2, 1)

    def some_columns(rows, columns):
        return made(columns + 2, rows)[:, 1:-1].transpose(0, 2, 1)

    def shared(*shape):
        return np.broadcast_to(made(*shape)[:1], (replicas, *shape))

    tolerance = {"float32": 1e-5, "float64": 1e-12}[dtype]
    for left in (made, flipped, some_columns):
        for right in (made, flipped, shared):
            a, b, out = left(m, k), right(k, n), np.full((replicas, m, n), np.nan, dtype)
            before = len(library.calls)
            cuda.project(*map(on_device, (a, b, out)))
            np.testing.assert_allclose(out, a @ b, rtol=tolerance, atol=tolerance)
            assert len(library.calls) == before + 1


def test_the_gradient_of_weights_is_a_product_with_the_transpose(products):
    cuda, library = products
    rng = np.random.default_rng(0)
    delta, x = rng.normal(size=(1, 3, 7)), rng.normal(size=(1, 4, 7))
    gradient = np.full((1, 3, 4), np.nan)
    cuda.accumulate(*map(on_device, (delta, x, gradient)))
    np.testing.assert_allclose(gradient[0], delta[0] @ x[0].T, rtol=1e-12)
    assert library.calls[-1][0] == "cublasDgemm_v2"


def test_a_handle_has_its_stream_and_memory_before_any_product():
    """In this order: to set a stream takes the memory away."""
    library = Library()
    cublas.Cublas(library, 5, 512)
    assert [name for name, _ in library.calls] == [
        "cublasCreate_v2", "cublasSetStream_v2", "cublasSetWorkspace_v2", "cublasSetMathMode"
    ]  # fmt: skip
    assert [values for _, values in library.calls[1:]] == [
        (77, 5), (77, 512, cublas.WORKSPACE), (77, 0)
    ]  # fmt: skip


def test_what_cublas_says_is_told_in_one_line(products, monkeypatch):
    cuda, library = products
    arrays = [on_device(np.ones((1, 2, 2))) for _ in range(3)]
    library.status = 13
    with pytest.raises(
        BackendError, match=r"stopped: cublasDgemm_v2 of cuBLAS: what the manual says"
    ):
        cuda.project(*arrays)
    monkeypatch.setattr(backend, "gpu", lambda: (None, None, False))
    library.status = 3
    with pytest.raises(BackendError, match="memory does not suffice; try fewer neurons"):
        cuda.project(*arrays)


@pytest.mark.ptx
def test_cublas_has_these_functions():
    """The library itself, which has no handle to give where there is no GPU."""
    path = backend.library("cublas")
    if path is None:
        pytest.skip("needs cuBLAS of the CUDA toolkit")
    real = ctypes.CDLL(path)
    stand_in = Library()
    names = {name for name in vars(stand_in) if name.startswith("cublas")}
    assert all(hasattr(real, name) for name in names)
    assert len(names) == 9
    real.cublasGetStatusString.restype = ctypes.c_char_p
    assert real.cublasGetStatusString(13) == b"the function failed to launch on the GPU"
    for name in names - {"cublasCreate_v2", "cublasGetStatusString"}:
        function = getattr(real, name)
        function.argtypes = getattr(stand_in, name).argtypes
        nothing = [0] * len(function.argtypes)
        assert function(*nothing) == 1, name  # a handle that was not made


# -- recording -------------------------------------------------------------------------------------


@pytest.fixture
def device(cuda, monkeypatch):
    """A function that makes the device that `cuda` works on."""

    def make(fail=None):
        made = Device(cuda, fail)
        monkeypatch.setattr(cuda, "_made", made.lanes)
        return made

    return make


def test_a_plan_is_run_then_recorded_then_launched(cuda, device):
    fake, stream = device(), cuda.Stream()
    (plan,) = stream.prepared([[[(fake.kernel, (1,))], [(fake.kernel, (2,))]]])
    for runs in (1, 2, 3, 4):
        stream.run(plan)
        assert fake.made == [1, 2] * runs
        assert bool(plan.graph) == (runs > 1)
    own = ["enter work", "exit work"]
    recorded = ["enter work", "enter recording", "exit recording", "exit work"]
    assert fake.log == own + recorded + own + own


def test_other_plans_are_never_recorded(cuda, device):
    fake, stream = device("kernel"), cuda.Stream()
    for _ in range(3):
        stream.run([[(fake.kernel, (1,))], [(fake.kernel, (2,))]])
    assert fake.made == [1, 2] * 3


@pytest.mark.parametrize(
    ("fail", "reason"), [("kernel", "not permitted"), ("end", "capture invalidated")]
)
def test_where_recording_fails_kernels_are_launched_singly(cuda, device, fail, reason):
    fake, stream = device(fail), cuda.Stream()
    (plan,) = stream.prepared([[[(fake.kernel, (1,))]]])
    stream.run(plan)
    with pytest.warns(UserWarning, match=f"recording failed: {reason}"):
        stream.run(plan)
    stream.run(plan)
    assert fake.made == [1, 1, 1]
    assert all(lane.stream.recording is None for lane in fake.lanes)


def test_while_one_simulator_records_another_goes_on(cuda, device):
    """What the other gives to the device in the meantime is carried out, and not recorded."""
    fake, streams = device(), [cuda.Stream(), cuda.Stream()]

    def another():
        streams[1].run([[(fake.kernel, ("another's",))]])

    def meanwhile():
        if cuda.lane_here().stream.recording is not None:
            thread = threading.Thread(target=another)
            thread.start()
            thread.join(10)
            assert not thread.is_alive()

    calls = [(fake.kernel, (1,)), (meanwhile, ()), (fake.kernel, (2,))]
    (plan,) = streams[0].prepared([[calls]])
    streams[0].run(plan)
    fake.made.clear()
    streams[0].run(plan)
    assert fake.made == ["another's", 1, 2]
    streams[0].run(plan)
    assert fake.made == ["another's", 1, 2, 1, 2]


def test_two_threads_that_begin_at_once_share_their_lanes(cuda, monkeypatch):
    """A stream for all work, and one of another kind to record; cuBLAS on both, one memory."""
    streams, handles, multiplied, found = [], [], [], []

    class Stream:
        def __init__(self, non_blocking=False):
            self.ptr, self.non_blocking = len(streams), non_blocking
            streams.append(self)

    class Blas:
        def __init__(self, *arguments):
            handles.append(arguments)

        def multiply(self, a, b, out):
            multiplied.append((len(handles), a.shape, out.dtype.char))

    runtime = SimpleNamespace(deviceSynchronize=lambda: multiplied.append("waited"))
    module = SimpleNamespace(
        Stream=Stream, alloc=lambda size: SimpleNamespace(ptr=512), runtime=runtime
    )
    monkeypatch.setattr(cuda, "xp", SimpleNamespace(cuda=module, zeros=np.zeros))
    monkeypatch.setattr(cuda, "cuda", SimpleNamespace(external_stream=lambda ptr: ("numba's", ptr)))
    monkeypatch.setattr(backend, "library", lambda name: f"lib{name}.so")
    monkeypatch.setattr(cublas, "Cublas", Blas)
    barrier = threading.Barrier(2)

    def begin():
        barrier.wait(10)
        found.append(cuda.lane_here())

    threads = [threading.Thread(target=begin) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert [stream.non_blocking for stream in streams] == [False, True]
    assert found[0] is found[1]
    assert found[0].stream is streams[0]
    assert found[0].numba == ("numba's", 0)
    assert handles == [("libcublas.so", 0, 512), ("libcublas.so", 1, 512)]
    # a product with each before anything is recorded, on memory that is not given away meanwhile
    first, second = ([(n, (1, 1, 1), char) for char in "fd"] for n in (1, 2))
    assert multiplied == [*first, "waited", *second, "waited"]


def test_the_stream_is_entered_once(cuda, device):
    fake, stream = device(), cuda.Stream()
    with stream.engaged(), stream.engaged():
        stream.run([])
    assert fake.log == ["enter work", "exit work"]


def test_arguments_reach_kernels_as_numbas_arrays(cuda, device, monkeypatch):
    launched = {}

    class Kernel:
        def __getitem__(self, configuration):
            launched["configuration"] = configuration
            return lambda *arguments: launched.update(arguments=arguments)

    device()
    array = np.ones(3)
    fake_numba = SimpleNamespace(as_cuda_array=lambda a, sync: ("on the device", a is array, sync))
    monkeypatch.setattr(cuda, "cuda", fake_numba)
    cuda.launch(Kernel(), 7, array, 2, np.float32(3))
    assert launched["configuration"] == (7, cuda.THREADS, "work")
    # without waiting for CuPy's stream, which is the same one
    assert launched["arguments"] == (("on the device", True, False), 2, 3)


def test_what_comes_to_the_device_lies_by_rows(cuda):
    """cuBLAS reads rows or columns of a step, so that an array with gaps is copied."""
    rows = np.arange(24.0).reshape(4, 6)
    assert cuda.resident(rows) is rows
    for gaps in (rows[:, ::2], rows.T):
        there = cuda.resident(gaps)
        np.testing.assert_array_equal(there, gaps)
        assert there.flags.c_contiguous


# -- errors ----------------------------------------------------------------------------------------


@pytest.fixture
def errors(monkeypatch):
    """backend.told_errors as with CuPy and a GPU."""
    runtime = SimpleNamespace(memGetInfo=lambda: (1.5e9, 8e9))
    cupy = SimpleNamespace(cuda=SimpleNamespace(runtime=runtime))
    monkeypatch.setattr(backend, "gpu", lambda: (None, cupy, False))
    return backend.told_errors


def of_module(module, name, base=Exception):
    """A class of exceptions as a module has it."""
    return type(name, (base,), {"__module__": module})


@pytest.mark.parametrize(
    "error",
    [
        of_module("cupy.cuda.memory", "OutOfMemoryError", MemoryError)("Out of memory allocating"),
        of_module("cupy_backends.cuda.api.runtime", "CUDARuntimeError")(
            "cudaErrorMemoryAllocation: out of memory"
        ),
        of_module("cuda.core._utils.cuda_utils", "CUDAError")("CUDA_ERROR_OUT_OF_MEMORY: The API"),
        of_module("numba.cuda.cudadrv.driver", "CudaAPIError")("[2] CUDA_ERROR_OUT_OF_MEMORY"),
    ],
)
def test_a_full_device_is_told_in_one_line(errors, error):
    with pytest.raises(BackendError) as told, errors():
        raise error
    assert str(told.value) == (
        "the GPU's memory does not suffice (1.5 of 8.0 GB are free); try fewer neurons, fewer "
        "replicas or a smaller batch"
    )


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("cuda.core._utils.cuda_utils", "CUDAError"),
        ("cuda.bindings.nvjitlink", "nvJitLinkError"),
        ("cuda.bindings.nvvm", "nvvmError"),
        ("cupy.cuda.compiler", "CompileException"),
        ("cupy_backends.cuda.libs.nvrtc", "NVRTCError"),
        ("numba.cuda.cudadrv.driver", "LinkerError"),
        ("numba.cuda.cudadrv.error", "CudaSupportError"),
    ],
)
def test_other_errors_of_the_device_are_told_in_one_line(errors, module, name):
    with pytest.raises(BackendError, match="GPU stopped: illegal address at 0"), errors():
        raise of_module(module, name)("illegal\n address  at 0")


def test_errors_of_ours_are_not_the_gpus(errors):
    with pytest.raises(KeyError), errors():
        raise KeyError("ours")
    with pytest.raises(BackendError, match=r"^of ours$"), errors():
        raise BackendError("of ours")
    error = of_module("cudan", "Error")
    with pytest.raises(error), errors():
        raise error("another's")


@pytest.mark.parametrize(
    ("module", "name"),
    [("cuda.core._utils.cuda_utils", "CUDAError"), ("cuda.bindings.nvjitlink", "nvJitLinkError")],
)
def test_the_installed_versions_exceptions_are_known(errors, module, name):
    """Packages move their exceptions."""
    error = getattr(pytest.importorskip(module), name)
    with pytest.raises(BackendError, match="GPU stopped"), errors():
        raise error(1)
