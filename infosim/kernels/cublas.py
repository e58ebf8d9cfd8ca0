"""cuBLAS, by ctypes: dense products on one stream, which may be recording.

CuPy's binding sets the stream anew before every product, and refuses to while one is recording.
Here a handle is given its stream once, and memory of its own on it, so that a product does nothing
but launch its kernels.
"""

import ctypes

import numpy as np

from infosim.errors import BackendError
from infosim.kernels import backend

#: Bytes of device memory that NVIDIA recommends for the products of its largest GPUs; what is on
#: other ones too little for a kernel of cuBLAS only makes it choose another.
WORKSPACE = 2**25
_POINTER, _INT, _LONG = ctypes.c_void_p, ctypes.c_int, ctypes.c_longlong
#: Arguments by function, as in cublas_api.h.
_SIGNATURES = {
    "cublasCreate_v2": (_POINTER,),
    "cublasSetStream_v2": (_POINTER, _POINTER),
    "cublasSetWorkspace_v2": (_POINTER, _POINTER, ctypes.c_size_t),
    "cublasSetMathMode": (_POINTER, _INT),
    # handle, flips of A and B; m, n, k; α, A and its lead, B and its lead, β, C and its lead
    "cublas{}gemm_v2": (
        *(_POINTER, _INT, _INT, _INT, _INT, _INT),
        *(_POINTER, _POINTER, _INT, _POINTER, _INT, _POINTER, _POINTER, _INT),
    ),
    # likewise, each lead with the stride to the next matrix; how many
    "cublas{}gemmStridedBatched": (
        *(_POINTER, _INT, _INT, _INT, _INT, _INT),
        *(_POINTER, _POINTER, _INT, _LONG, _POINTER, _INT, _LONG, _POINTER, _POINTER, _INT, _LONG),
        _INT,
    ),
}
_LETTERS = {np.dtype(np.float32): "S", np.dtype(np.float64): "D"}
_NUMBERS = {"S": ctypes.c_float, "D": ctypes.c_double}
#: Arithmetic of the numbers' own precision: TF32 is used where it is asked for, which is nowhere.
_DEFAULT_MATH = 0
_ALLOC_FAILED = 3


class Cublas:
    """A handle of cuBLAS.

    Parameters
    ----------
    library : the path of cuBLAS, or an object with its functions
    stream, workspace : addresses; `workspace` is `WORKSPACE` bytes of the device, at a multiple of
        256. Handles whose work the device does one after the other may share it
    """

    def __init__(self, library, stream, workspace):
        if isinstance(library, str):
            # Not CDLL, which lets other threads of Python run meanwhile: a product of several
            # kernels, which hand on what they left in the workspace, must not mix with another.
            library = ctypes.PyDLL(library)
        self._describe = library.cublasGetStatusString
        self._describe.argtypes, self._describe.restype = [_INT], ctypes.c_char_p
        self._functions = {}
        for pattern, arguments in _SIGNATURES.items():
            for letter in _LETTERS.values() if "{}" in pattern else ("",):
                function = getattr(library, pattern.format(letter))
                function.argtypes, function.restype = arguments, _INT
                self._functions[pattern, letter] = function
        self._numbers = {
            letter: tuple(ctypes.byref(number(value)) for value in (1, 0))
            for letter, number in _NUMBERS.items()
        }
        self._handle = _POINTER()
        self._call("cublasCreate_v2", "", ctypes.byref(self._handle))
        self._call("cublasSetStream_v2", "", self._handle, stream)
        # after the stream, which would put back the memory that all handles share
        self._call("cublasSetWorkspace_v2", "", self._handle, workspace, WORKSPACE)
        self._call("cublasSetMathMode", "", self._handle, _DEFAULT_MATH)

    def _call(self, name, letter, *arguments):
        status = self._functions[name, letter](*arguments)
        if status == _ALLOC_FAILED:
            raise BackendError(backend.no_memory())
        if status:
            said = self._describe(status).decode()
            raise BackendError(f"the GPU stopped: {name.format(letter)} of cuBLAS: {said}")

    def multiply(self, a, b, out):
        """out[r] = a[r] b[r], without copies.

        a, b, out : arrays of the GPU, (R, m, k), (R, k, n) and (R, m, n), float32 or float64; each
            matrix lies by rows or by columns, those of `out` by rows
        """
        # cuBLAS thinks in columns: what lies by rows is a transposed matrix to it, so that it is
        # asked for outᵀ = bᵀ aᵀ
        (flip_a, lead_a), (flip_b, lead_b) = _by_columns(a), _by_columns(b)
        count, n_rows, n_columns = out.shape
        letter, size = _LETTERS[out.dtype], out.itemsize
        lead, (one, zero) = max(out.strides[1] // size, n_columns), self._numbers[letter]
        given = self._handle, flip_b, flip_a, n_columns, n_rows, a.shape[2], one
        if count == 1:
            factors = b.data.ptr, lead_b, a.data.ptr, lead_a
            self._call("cublas{}gemm_v2", letter, *given, *factors, zero, out.data.ptr, lead)
            return
        self._call(
            "cublas{}gemmStridedBatched", letter, *given,
            b.data.ptr, lead_b, b.strides[0] // size, a.data.ptr, lead_a, a.strides[0] // size,
            zero, out.data.ptr, lead, out.strides[0] // size, count,
        )  # fmt: skip


def _by_columns(x):
    """Whether each matrix of x (R, m, n) lies by columns, and how far apart its lines are."""
    _, step_row, step_column = x.strides
    if step_column == x.itemsize:
        return 0, max(step_row // x.itemsize, x.shape[2])
    return 1, max(step_column // x.itemsize, x.shape[1])
