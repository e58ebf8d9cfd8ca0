"""Type-check every CUDA kernel without a GPU, by compiling it to PTX for compute capability 9.0.

A program, not a test (tests/kernels/test_cuda_ptx.py runs it): the process must not use Numba's
simulator, which the tests' process does. Networks are trained on NumPy arrays, and where a kernel
would be launched it is compiled for the types of its arguments: just what would run on a GPU.
Prints a line of JSON for each: kernel, network, precision, float64 instructions, bytes of shared
memory, approximate divisions, and where there is an assembler, registers and what does not fit.
Fails if there is a kernel in the contract that was never launched.
"""

import json
import re
import shutil
import subprocess
import tempfile
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from numba import cuda, typeof
from numba.cuda import dispatcher

from infosim.kernels import backend

# what Numba and we would ask a device
dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=(9, 0))
backend.gpu = lambda: (cuda, np, False)
backend.told_errors = nullcontext

from infosim.engine import Simulator  # noqa: E402
from infosim.kernels import device  # noqa: E402
from infosim.kernels.connect import cuda as connect  # noqa: E402
from infosim.kernels.contract import KERNELS  # noqa: E402
from infosim.network import SGD, Adam, Compartment, Layer, Network  # noqa: E402
from infosim.neuron import Activation, Binning  # noqa: E402

device._made = (SimpleNamespace(stream=nullcontext()),) * 2
device._Plan._record = lambda self: False
device.host = lambda array: array
connect._multiply = lambda a, b, out: None
compiled, launched, precision, case = set(), set(), [], []
#: What CuPy does: cuBLAS's products, and filling with zeros.
LIBRARIES = {"project", "accumulate", "silence"}


def compile_instead(kernel, n_blocks, *arguments):
    """Stands in for the launch of a kernel."""
    types = tuple(map(typeof, arguments))
    name = kernel.py_func.__qualname__.partition(".")[0].strip("_")
    if (kernel, types) in compiled:
        return
    compiled.add((kernel, types))
    launched.add(name)
    ptx, _ = cuda.compile_ptx(kernel.py_func, types, cc=(9, 0))
    shared = re.findall(r"\.shared \.align \d+ \.b8 \S+\[(\d+)\]", ptx)
    found = {
        "kernel": name,
        "network": case[-1],
        "precision": precision[-1],
        "sources": len(arguments[0]) if name in ("score", "information") else None,
        "float64": len(re.findall(r"\.f64", ptx)),
        "shared": sum(map(int, shared)),
        **of_assembler(ptx),
        "approximate": len(re.findall(r"\b(?:div|rcp|sqrt)\.approx(?:\.ftz)?\.f32", ptx)),
    }
    print(json.dumps(found), flush=True)


def of_assembler(ptx):
    """A thread's registers, and its bytes that do not fit into them, where there is `ptxas`."""
    if shutil.which("ptxas") is None:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "kernel.ptx")
        # an older assembler reads what is for a later one, as long as it knows the instructions
        source.write_text(re.sub(r"\.version \S+", ".version 8.0", ptx))
        told = subprocess.run(
            ["ptxas", "-v", "-arch=sm_90", source, "-o", Path(folder, "kernel.cubin")],
            capture_output=True, text=True, check=True,
        ).stderr  # fmt: skip
    spilled = sum(map(int, re.findall(r"(\d+) bytes spill", told)))
    return {"registers": int(re.search(r"Used (\d+) registers", told)[1]), "spilled": spilled}


device.launch = compile_instead


def network(activation, lateral, optimizer, kind):
    """A small network of neurons with as many compartments as the activation takes."""
    lateral = Compartment("L", "h", lateral, delay=1)
    feedback = Compartment("T", "out", delay=1)
    compartments = [Compartment("F", "x"), lateral, Compartment("C", "y"), feedback]
    compartments = compartments[: activation.sources[-1]]
    hidden = Layer("h", 6, compartments, activation, Binning(kind, 5), "{F}{L} + {FL}", optimizer)
    own = Compartment("C", "y", "one-to-one", trainable=False, bias=False, weight=1.0)
    output = Layer(
        "out", 3, [Compartment("F", "h"), own], Activation("feedforward"), goal="{F}{C} - {F}"
    )
    return Network({"x": 4, "y": 3}, [hidden, output], 2, "out", "y")


def choosing(activation, lateral, optimizer, kind):
    """The same network, whose hidden neurons' measure chooses between sets."""
    given = network(activation, lateral, optimizer, kind)
    hidden = replace(given.layers[0], measure="williams-beer")
    return replace(given, layers=(hidden, *given.layers[1:]))


def backprop(activation, lateral, optimizer, kind):
    """The same network, all of it trained by backpropagation through three steps."""
    given = network(activation, lateral, optimizer, kind)
    return replace(given, steps=3, rule="backprop")


def read_by_batch(activation, lateral, optimizer, kind):
    """The same network, whose neurons are inverted by what they do in a batch."""
    return replace(network(activation, lateral, optimizer, kind), inversion="batch")


def main():
    rng = np.random.default_rng(0)
    inputs = {"x": rng.normal(size=(40, 4)).astype("float32"), "y": rng.integers(0, 3, 40)}
    images = {**inputs, "x": rng.integers(0, 256, (40, 4), dtype=np.uint8)}
    np.seterr(all="ignore")  # nothing is computed
    for dtype in ("float32", "float64"):
        precision.append(dtype)
        for given, of, form in (
            (images, network, (Activation("trivariate"), "all-but-self", Adam(), "fixed")),
            (inputs, network, (Activation("bivariate"), "dense", SGD(), "adaptive")),
            (inputs, read_by_batch, (Activation("sum"), "sparse(2)", Adam(), "normalised")),
            (inputs, choosing, (Activation("bivariate"), "dense", SGD(), "adaptive")),
            (inputs, backprop, (Activation("sum"), "sparse(2)", Adam(), "normalised")),
            (inputs, network, (Activation("bivariate"), "dense", SGD(), "soft")),
        ):
            case.append(of.__name__)
            for seeds in (0, [0, 1]):
                simulator = Simulator(of(*form), "cuda", seeds, dtype=dtype)
                simulator.fit(given, 1, batch=20, test=given)
                simulator.bins("h")
                with simulator.lesion("h", 0), simulator.stimulate("h", 1, 1.0, "F"):
                    simulator.predict(given)
    names = {n for n, one in KERNELS.items() if one.function is None and one.on_device} - LIBRARIES
    if different := names ^ launched:
        raise SystemExit(f"in the contract or launched, but not both: {sorted(different)}")


if __name__ == "__main__":
    main()
