"""Stand-ins for a GPU: its arrays and streams as CuPy has them, cuBLAS's library, on the CPU."""

import ctypes
from types import SimpleNamespace

import numpy as np


class Array(np.ndarray):
    """A NumPy array with CuPy's way to its address; what writes to it may be recorded."""

    #: of all such arrays: what carries out, or records, a call (`Device.launch`)
    launch = staticmethod(lambda call: call())

    @property
    def data(self):
        return SimpleNamespace(ptr=self.ctypes.data)

    def fill(self, value):
        self.launch(lambda: np.ndarray.fill(self, value))


def on_device(array):
    """A view of a NumPy array, as CuPy would have it."""
    return array.view(Array)


def module():
    """What of CuPy the engine uses."""

    def making(function):
        return lambda *arguments, **options: on_device(function(*arguments, **options))

    names = ("array", "asarray", "zeros", "ones", "empty", "empty_like")
    return SimpleNamespace(
        ndarray=Array,
        copyto=lambda to, array: Array.launch(lambda: np.copyto(to, array)),
        broadcast_to=lambda array, shape: np.broadcast_to(array, shape, subok=True),
        asnumpy=lambda array: np.array(array, subok=False),
        **{name: making(getattr(np, name)) for name in names},
    )


class Library:
    """cuBLAS's functions that we use, as cublas_api.h declares them, computed by LAPACK's BLAS.

    `calls` are the names and arguments of those that set a handle up; `status` is what all return.
    """

    def __init__(self, status=0):
        self.calls, self.status = [], status
        pointer, integer, wide = ctypes.c_void_p, ctypes.c_int, ctypes.c_longlong
        handle, shape = [pointer], [integer] * 3
        flips = [integer, integer]

        def function(name, arguments, call):
            def called(*values):
                self.calls.append((name, values))
                if not self.status:
                    call(*values)
                return self.status

            setattr(self, name, ctypes.CFUNCTYPE(integer, *arguments)(called))

        def create(place):
            pointer.from_address(place).value = 77

        function("cublasCreate_v2", [pointer], create)
        for name, more in (
            ("SetStream_v2", [pointer]),
            ("SetWorkspace_v2", [pointer, ctypes.c_size_t]),
            ("SetMathMode", [integer]),
        ):
            function(f"cublas{name}", handle + more, lambda *values: None)
        for letter, number in (("S", ctypes.c_float), ("D", ctypes.c_double)):
            arguments = handle + flips + shape
            plain = [pointer, pointer, integer, pointer, integer, pointer, pointer, integer]
            strided = [pointer, pointer, integer, wide, pointer, integer, wide, pointer, pointer]
            strided += [integer, wide, integer]
            product = self.product(number)
            function(f"cublas{letter}gemm_v2", arguments + plain, self.single(product))
            function(f"cublas{letter}gemmStridedBatched", arguments + strided, product)
        text = ctypes.create_string_buffer(b"what the manual says")
        described = ctypes.CFUNCTYPE(pointer, integer)(lambda status: ctypes.addressof(text))
        self.cublasGetStatusString = described

    @staticmethod
    def product(number):
        """gemmStridedBatched of numbers of this type, on memory by columns."""
        from scipy.linalg import blas

        gemm = blas.sgemm if number is ctypes.c_float else blas.dgemm
        size = ctypes.sizeof(number)

        def matrix(address, rows, columns, lead):
            assert lead >= rows  # or cuBLAS refuses
            length = lead * (columns - 1) + rows  # nothing beyond it may be touched
            flat = np.ctypeslib.as_array((number * length).from_address(address))
            steps = flat.itemsize, lead * flat.itemsize
            return np.lib.stride_tricks.as_strided(flat, (rows, columns), steps)

        def multiply(
            handle, flip_a, flip_b, m, n, k, alpha, a, lda, stride_a, b, ldb, stride_b, beta, c,
            ldc, stride_c, count,
        ):  # fmt: skip
            assert handle == 77
            alpha, beta = (number.from_address(place).value for place in (alpha, beta))
            for i in range(count):
                shape_a, shape_b = (k, m) if flip_a else (m, k), (n, k) if flip_b else (k, n)
                left = matrix(a + i * stride_a * size, *shape_a, lda)
                right = matrix(b + i * stride_b * size, *shape_b, ldb)
                out = matrix(c + i * stride_c * size, m, n, ldc)
                assert beta == 0  # what is there, be it NaN, does not count
                out[...] = gemm(alpha, left, right, trans_a=flip_a, trans_b=flip_b)

        return multiply

    @staticmethod
    def single(multiply):
        """gemm, by gemmStridedBatched."""

        def one(handle, flip_a, flip_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc):
            rest = alpha, a, lda, 0, b, ldb, 0, beta, c, ldc, 0, 1
            multiply(handle, flip_a, flip_b, m, n, k, *rest)

        return one


class FakeStream:
    """Records what is called between begin and end of a capture, and carries out nothing then."""

    def __init__(self, log, name, fail=None):
        self.recording, self.fail, self.log, self.name = None, fail, log, name

    def __enter__(self):
        self.log.append(f"enter {self.name}")

    def __exit__(self, *error):
        self.log.append(f"exit {self.name}")

    def begin_capture(self):
        self.recording = []

    def end_capture(self):
        recorded, self.recording = self.recording, None
        if self.fail:
            raise RuntimeError("capture invalidated")
        return SimpleNamespace(launch=lambda: [call() for call in recorded])


class Device:
    """Two lanes of the cuda backend's, and what launches on them.

    cuda : `kernels.device`; fail : what spoils a recording, "kernel" or "end"; blas : of the lanes
    """

    def __init__(self, cuda, fail=None, blas=None):
        self._cuda, self.log, self.made = cuda, [], []
        self.lanes = tuple(
            SimpleNamespace(stream=FakeStream(self.log, name, failing), numba=name, blas=blas)
            for name, failing in (("work", None), ("recording", fail))
        )

    def launch(self, call):
        """Carry out a call, or record it: whatever this thread's lane does."""
        stream = self._cuda.lane_here().stream
        if stream.recording is None:
            assert stream.name == "work"
            call()
        elif stream.fail == "kernel":
            raise RuntimeError("not permitted")
        else:
            stream.recording.append(call)

    def kernel(self, value):
        """What a plan calls: leaves `value` in `made`."""
        self.launch(lambda: self.made.append(value))
