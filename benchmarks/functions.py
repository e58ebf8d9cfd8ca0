"""The functions in the hot loops, compiled, per value: `python -m benchmarks.functions`.

exp and log2 in float32 beside the C library's in the same loop, and outputs drawn from Philox.
"""

import math
import time

import click
import numba
import numpy as np

from benchmarks.step import markdown
from infosim import elementary
from infosim.jit import FLAGS
from infosim.kernels import cpu
from infosim.neuron import Activation

N = 4096


def _loop(function):
    @numba.njit(**FLAGS)
    def loop(x, out):
        for i in range(len(x)):
            out[i] = function(x[i])

    return loop


def nanoseconds(function, n_values, repeats=500):
    """Median time of a call per value."""
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - began)
    return 1e9 * np.median(seconds) / n_values


def _elementary(ours, library):
    x = np.linspace(0.1, 10, N, dtype=np.float32)
    out = np.empty_like(x)
    loops = [_loop(ours), _loop(library)]
    return [nanoseconds(lambda loop=loop: loop(x, out), N) for loop in loops]


def _draws():
    """Time per drawn output: what sampling adds to a firing."""
    activation = Activation("sum")
    kernel = cpu.activate(activation.scalar(1), 1)
    u, bias = np.zeros((1, 1, N), np.float32), np.zeros((1, 1), np.float32)
    current = np.zeros(1, np.float32)
    seeds, place = np.zeros(1, np.uint32), np.zeros((3, 1), np.uint32)
    theta, y = np.empty((2, 1, N), np.float32), np.empty((1, N), np.float32)
    p, tile = activation.packed("float32")[None], (0, 1, 0, N)
    clamp, off = np.float32(0), np.float32(-1)

    def fire(sampled):
        return lambda: kernel(
            u, bias, current, p, clamp, off, sampled, seeds, place, tile, theta, y
        )

    return nanoseconds(fire(True), N) - nanoseconds(fire(False), N)


@click.command()
def main():
    """Print nanoseconds per value as a Markdown table."""
    rows = [
        [name, *(f"{ns:.2f}" for ns in _elementary(getattr(elementary, name), getattr(math, name)))]
        for name in ("exp", "log2")
    ]
    markdown(["", "ours, ns", "C library, ns"], [*rows, ["random output", f"{_draws():.2f}", "-"]])


if __name__ == "__main__":
    main()
