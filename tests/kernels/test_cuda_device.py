"""What the simulator cannot show, on stand-ins for CuPy and cuBLAS: calls, recording, errors."""

import importlib.util
import sys
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest

from infosim.errors import BackendError
from infosim.kernels import backend

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("numba_cuda") is None, reason="needs numba-cuda"
)


@pytest.fixture
def cuda(monkeypatch):
    """kernels.cuda as on a real device, its array module and streams to be stood in for."""
    kernels = backend.load("cuda")
    monkeypatch.setattr(kernels, "_SIMULATED", False)
    monkeypatch.setattr(backend, "told_errors", nullcontext)
    return kernels


# -- cuBLAS ----------------------------------------------------------------------------------------


class Array:
    """A NumPy array with CuPy's way to its address."""

    def __init__(self, array):
        self.array = array
        self.data = SimpleNamespace(ptr=array)
        self.shape, self.strides, self.dtype = array.shape, array.strides, array.dtype
        self.itemsize = array.itemsize

    def __len__(self):
        return len(self.array)


class Blas:
    """gemmStridedBatched as its manual defines it: by columns, on flat memory."""

    def sgemmStridedBatched(
        self, handle, flip_a, flip_b, m, n, k, alpha, a, lda, stride_a, b, ldb, stride_b, beta, c,
        ldc, stride_c, count,
    ):  # fmt: skip
        def matrix(array, flip, rows, columns, lead, stride, i):
            """Matrix i of `array`, after its flip (rows, columns): lines `lead` apart."""
            base = array if array.base is None else array.base
            flat = np.lib.stride_tricks.as_strided(base, (base.size,), (base.itemsize,))
            offset = (array.ctypes.data - base.ctypes.data) // array.itemsize + i * stride
            shape = (columns, rows) if flip else (rows, columns)
            assert lead >= shape[0]  # or cuBLAS refuses
            steps = array.itemsize, lead * array.itemsize
            stored = np.lib.stride_tricks.as_strided(flat[offset:], shape, steps)
            return stored.T if flip else stored

        for i in range(count):
            left = matrix(a, flip_a, m, k, lda, stride_a, i)
            right = matrix(b, flip_b, k, n, ldb, stride_b, i)
            matrix(c, 0, m, n, ldc, stride_c, i)[...] = left @ right

    dgemmStridedBatched = sgemmStridedBatched


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("b_by", ["rows", "columns"])
@pytest.mark.parametrize("a_by", ["rows", "columns"])
@pytest.mark.parametrize(("m", "k", "n"), [(3, 5, 4), (1, 5, 4), (3, 1, 4), (3, 5, 1), (1, 1, 1)])
def test_products_of_replicas_are_one_call_without_copies(
    cuda, monkeypatch, m, k, n, a_by, b_by, dtype
):
    rng = np.random.default_rng(0)

    def matrices(by, rows, columns):
        if by == "rows":
            return rng.normal(size=(2, rows, columns)).astype(dtype)
        return rng.normal(size=(2, columns, rows)).astype(dtype).transpose(0, 2, 1)

    a, b, out = matrices(a_by, m, k), matrices(b_by, k, n), np.full((2, m, n), np.nan, dtype)
    device = SimpleNamespace(get_cublas_handle=lambda: None)
    monkeypatch.setattr(cuda, "xp", SimpleNamespace(cuda=SimpleNamespace(device=device)))
    monkeypatch.setattr(backend, "cublas", Blas)
    cuda._multiply(Array(a), Array(b), Array(out))
    np.testing.assert_allclose(out, a @ b, rtol=1e-5 if dtype == "float32" else 1e-12)


# -- recording -------------------------------------------------------------------------------------


class FakeStream:
    """Records what is called between begin and end of a capture, and carries out nothing then."""

    def __init__(self, fail=None):
        self.recording, self.fail, self.log = None, fail, []

    def __enter__(self):
        self.log.append("enter")

    def __exit__(self, *error):
        self.log.append("exit")

    def begin_capture(self):
        self.recording = []

    def end_capture(self):
        recorded, self.recording = self.recording, None
        if self.fail:
            raise RuntimeError("capture invalidated")
        return SimpleNamespace(launch=lambda: [call() for call in recorded])

    def kernel(self, made, value):
        """What a plan calls."""
        if self.recording is None:
            made.append(value)
        elif self.fail == "kernel":
            raise RuntimeError("not permitted")
        else:
            self.recording.append(lambda: made.append(value))


def test_a_plan_is_run_then_recorded_then_launched(cuda, monkeypatch):
    fake, made = FakeStream(), []
    monkeypatch.setattr(cuda, "_streams", lambda: (fake, None))
    stream = cuda.Stream()
    (plan,) = stream.prepared([[[(fake.kernel, (made, 1))], [(fake.kernel, (made, 2))]]])
    for runs in (1, 2, 3, 4):
        stream.run(plan)
        assert made == [1, 2] * runs
        assert bool(plan.graph) == (runs > 1)
    assert fake.log == ["enter", "exit"] * 4


def test_other_plans_are_never_recorded(cuda, monkeypatch):
    fake, made = FakeStream(fail="kernel"), []
    monkeypatch.setattr(cuda, "_streams", lambda: (fake, None))
    stream = cuda.Stream()
    for _ in range(3):
        stream.run([[(fake.kernel, (made, 1))], [(fake.kernel, (made, 2))]])
    assert made == [1, 2] * 3


@pytest.mark.parametrize(
    ("fail", "reason"), [("kernel", "not permitted"), ("end", "capture invalidated")]
)
def test_where_recording_fails_kernels_are_launched_singly(cuda, monkeypatch, fail, reason):
    fake, made = FakeStream(fail), []
    monkeypatch.setattr(cuda, "_streams", lambda: (fake, None))
    stream = cuda.Stream()
    (plan,) = stream.prepared([[[(fake.kernel, (made, 1))]]])
    stream.run(plan)
    with pytest.warns(UserWarning, match=f"recording failed: {reason}"):
        stream.run(plan)
    stream.run(plan)
    assert made == [1, 1, 1]
    assert fake.recording is None


def test_the_stream_is_entered_once(cuda, monkeypatch):
    fake = FakeStream()
    monkeypatch.setattr(cuda, "_streams", lambda: (fake, None))
    stream = cuda.Stream()
    with stream.engaged(), stream.engaged():
        stream.run([])
    assert fake.log == ["enter", "exit"]


def test_arguments_reach_kernels_as_numbas_arrays(cuda, monkeypatch):
    launched = {}

    class Kernel:
        def __getitem__(self, configuration):
            launched["configuration"] = configuration
            return lambda *arguments: launched.update(arguments=arguments)

    array = np.ones(3)
    fake_numba = SimpleNamespace(as_cuda_array=lambda a, sync: ("on the device", a is array, sync))
    monkeypatch.setattr(cuda, "cuda", fake_numba)
    monkeypatch.setattr(cuda, "_streams", lambda: (None, "Numba's stream"))
    cuda._launch(Kernel(), 7, array, 2, np.float32(3))
    assert launched["configuration"] == (7, cuda._THREADS, "Numba's stream")
    # without waiting for CuPy's stream, which is the same one
    assert launched["arguments"] == (("on the device", True, False), 2, 3)


# -- errors ----------------------------------------------------------------------------------------


class OutOfMemoryError(MemoryError):
    pass


class CudaError(Exception):
    pass


@pytest.fixture
def errors(monkeypatch):
    """backend.told_errors as with CuPy and a GPU."""
    runtime = SimpleNamespace(CUDARuntimeError=CudaError, memGetInfo=lambda: (1.5e9, 8e9))
    cupy = SimpleNamespace(
        cuda=SimpleNamespace(
            memory=SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
            runtime=runtime,
            driver=SimpleNamespace(CUDADriverError=CudaError),
        )
    )
    monkeypatch.setattr(backend, "gpu", lambda: (None, cupy, False))
    name = "numba.cuda.cudadrv.driver"
    monkeypatch.setitem(sys.modules, name, SimpleNamespace(CudaAPIError=CudaError))
    return backend.told_errors


def test_a_full_device_is_told_in_one_line(errors):
    with pytest.raises(BackendError) as told, errors():
        raise OutOfMemoryError
    assert str(told.value) == (
        "the GPU's memory does not suffice (1.5 of 8.0 GB are free); try fewer neurons, fewer "
        "replicas or a smaller batch"
    )


def test_other_errors_of_the_device_are_told_in_one_line(errors):
    with pytest.raises(BackendError, match="GPU stopped: illegal address at 0"), errors():
        raise CudaError("illegal\n address  at 0")
    with pytest.raises(KeyError), errors():
        raise KeyError("ours")
