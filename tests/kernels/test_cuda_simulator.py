"""What tests make of Numba's simulator (`simulator`): threads, barriers and errors as they were."""

from importlib.util import find_spec

import numpy as np
import pytest

from infosim.kernels import backend

if find_spec("numba_cuda") is None or not backend.simulated():
    pytest.skip("needs numba-cuda and its simulator", allow_module_level=True)
from numba import cuda

WIDTH = 8
WENT_ON = []


@cuda.jit(device=True)
def place():
    return cuda.threadIdx.x


@cuda.jit
def total(numbers, sums, left):
    """Sums of blocks, by halves: half of the threads end at each step."""
    shared = cuda.shared.array(WIDTH, np.float64)
    n = place()
    shared[n] = numbers[cuda.grid(1)]
    cuda.syncthreads()
    half = WIDTH // 2
    while half:
        if n >= half:
            return
        shared[n] += shared[n + half]
        half //= 2
        cuda.syncthreads()
    cuda.atomic.add(left, 0, 1)
    sums[cuda.blockIdx.x] = shared[0]


@cuda.jit
def ends(numbers):
    """The last thread of all fails while the others wait for it."""
    if cuda.grid(1) == numbers.shape[0] - 1:
        raise ValueError("no more")
    cuda.syncthreads()
    WENT_ON.append(cuda.grid(1))


@cuda.jit
def parts(rows, found):
    n = cuda.grid(1)
    own = rows[n, 1:]
    own[0] = rows[n, 0] + own[1]
    found[n] = cuda.syncthreads_count(own[0] > 2)


def test_threads_wait_for_all_that_have_not_ended():
    numbers = np.arange(3.0 * WIDTH)
    sums, left = np.zeros(3), np.zeros(1)
    for _ in range(20):
        total[3, WIDTH](numbers, sums, left)
        assert sums.tolist() == numbers.reshape(3, WIDTH).sum(axis=1).tolist()
    assert left[0] == 20 * 3


def test_an_error_ends_a_launch_and_no_thread_goes_on():
    numbers = np.zeros(2 * WIDTH)
    with pytest.raises(ValueError, match=r"tid=\[7, 0, 0\] ctaid=\[1, 0, 0\]: no more"):
        ends[2, WIDTH](numbers)
    assert sorted(WENT_ON) == list(range(WIDTH))  # of the block before
    sums = np.zeros(1)
    total[1, WIDTH](np.ones(WIDTH), sums, np.zeros(1))  # and the next launch is as any
    assert sums[0] == WIDTH


def test_parts_of_arrays_are_the_arrays():
    rows, found = np.arange(12.0).reshape(4, 3), np.zeros(4)
    parts[1, 4](rows, found)
    assert rows[:, 1].tolist() == [0 + 2, 3 + 5, 6 + 8, 9 + 11]
    assert found.tolist() == [3] * 4


def test_functions_know_the_launch_they_are_of():
    """The real module is back in their globals when it has ended."""
    assert place.py_func.__globals__["cuda"] is cuda
