"""Everything that only a GPU can show: `make gpu-check`, or `python -m benchmarks.gpu`.

Writes benchmarks/results/gpu_<device>.md: whether kernels agree with the oracle and with the CPU,
whether two runs give the same bits, step times beside the CPU, the step's own cuBLAS products and a
dense PyTorch peer on the same GPU, replicas side by side, memory, the score kernel's bandwidth and
occupancy, and what is moved between host and device within an epoch. With --epochs also the errors
on MNIST. `--once` is the program to run under compute-sanitizer (docs/gpu.md).

PyTorch (extra `bench`) is needed for the peer and for the list of transfers.
"""

import os
import re
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import click
import numpy as np

from benchmarks.step import NATURAL, BadInput, integers
from infosim.errors import InfosimError
from infosim.experiments import Experiment, environment, timing
from infosim.kernels import backend

PRESET = timing.PRESETS[3]
#: Steps before what is looked at.
STEPS = 20
#: What the kernel tests run, on the GPU itself.
TESTS = ("tests/kernels", "tests/neuron", "tests/engine/test_cuda.py")


def experiment(neurons, batch=1024, *more):
    """The trivariate network of so many hidden neurons."""
    settings = [f"layers.hidden.size={neurons}", f"training.batch={batch}", "data.validation=0"]
    return Experiment.load(PRESET, [*settings, *more])


def synchronize(simulator):
    """Wait for the GPU."""
    if simulator.kernels.ON_DEVICE and not backend.simulated():
        simulator.kernels.xp.cuda.get_current_stream().synchronize()


def median_time(simulator, function, seconds=1.0, group=10):
    """Median seconds of a call, over groups of calls between two waits for the GPU."""
    with simulator.workers.engaged():
        function()
        function()  # recorded here; from now on launched as one
        synchronize(simulator)
        found, until = [], time.perf_counter() + seconds
        while len(found) < 3 or time.perf_counter() < until:
            began = time.perf_counter()
            for _ in range(group):
                function()
            synchronize(simulator)
            found.append((time.perf_counter() - began) / group)
    return float(np.median(found))


class Step(timing.Step):
    """Training steps on a backend, of one network or of several replicas, batches drawn there."""

    def __init__(self, neurons, batch, backend, replicas=1):
        super().__init__(
            experiment(neurons, batch), timing.noise(8 * batch), None, backend, replicas
        )
        self._rows = [self.simulator.rows(self.samples, self._random()) for _ in range(8)]

    def _random(self):
        return self._rng.integers(len(self.samples), size=(self.simulator.n_replicas, self.batch))

    def __call__(self):
        self.simulator.gather(self.samples, self._rows[self._number % len(self._rows)])
        self.inputs, outputs = self.simulator.gathered
        self.present(outputs)


def peer(step, form):
    """Median seconds of the PyTorch peer's step on the GPU, None if absent or too large."""
    try:
        import torch

        from benchmarks.torch_dense import TorchDense
    except ImportError:
        return None
    if not torch.cuda.is_available():
        return None
    try:
        other = TorchDense(step.simulator, form, device="cuda")
        values = {
            k: torch.as_tensor(v[0], device="cuda").contiguous() for k, v in step.inputs.items()
        }

        def group():
            for _ in range(5):
                other.step(values)
            torch.cuda.synchronize()

        group()
        found = []
        for _ in range(3):
            began = time.perf_counter()
            group()
            found.append((time.perf_counter() - began) / 5)
        return float(np.median(found))
    except torch.cuda.OutOfMemoryError:
        return None
    finally:
        torch.cuda.empty_cache()


def steps(neurons, batch):
    """Rows of the table of step times."""
    for n in neurons:
        step = Step(n, batch, "cuda")
        ours = median_time(step.simulator, step)
        products = timing.Products(step)
        own = median_time(step.simulator, products)
        used = _used_bytes(step.simulator)
        plain, tuned = peer(step, "plain"), peer(step, "tuned")
        cpu = Step(n, batch, "cpu")
        on_cpu = median_time(cpu.simulator, cpu, 0.5, 2)
        row = [str(n), _ms(ours), _ms(own), f"{ours / own:.2f}"]
        row += [f"{products.operations / own / 1e12:.1f}"]
        row += [_times(other, ours) for other in (on_cpu, plain, tuned)]
        yield [*row, f"{used / 1e6:.0f}"]


def replicas(numbers, batch, neurons=100):
    """Rows of the table of replicas side by side, with so many hidden neurons each."""
    step = Step(neurons, batch, "cuda")
    alone = median_time(step.simulator, step)
    for number in numbers:
        step = Step(neurons, batch, "cuda", number)
        ours = median_time(step.simulator, step)
        yield [str(number), _ms(ours), _ms(ours / number), f"{alone * number / ours:.1f}"]


def score_kernel(neurons, batch):
    """Rows of the table of the score kernel: time, bytes it must move over it, and occupancy."""
    for n in neurons:
        step = Step(n, batch, "cuda")
        for _ in range(STEPS):
            step()
        layer, kernels = step.simulator["hidden"], step.simulator.kernels
        plan = layer._scoring((0, n), layer.signals)
        arguments = next(arguments for function, arguments in plan if function is kernels.score)
        seconds = median_time(step.simulator, partial(kernels.score, *arguments))
        moved = n * batch * (len(layer.compartments) + 2 * layer.dtype.itemsize)
        row = [str(n), f"{timing.occupied(step.simulator):.0f}", _ms(seconds)]
        yield [*row, f"{moved / seconds / 1e9:.0f}", *_resources(kernels, layer)]


def _resources(kernels, layer):
    """Registers, shared memory and resident warps of the score kernel, as the driver tells them."""
    if backend.simulated():
        return "-", "-", "-"
    compiled = kernels._score(len(layer.compartments), layer.dtype.type)
    (definition,) = compiled.overloads.values()
    context = kernels.cuda.current_context()
    blocks = context.get_active_blocks_per_multiprocessor(
        definition._codelibrary.get_cufunc(), kernels._THREADS, 0
    )
    return (
        str(definition.regs_per_thread),
        f"{definition.shared_mem_per_block / 1024:.1f} KB",
        f"{blocks * kernels._THREADS // 32} of 64",
    )


def determinism(neurons, batch):
    """Largest difference of weights between two runs on the GPU, and to the CPU's."""
    found = []
    for name in ("cuda", "cuda", "cpu"):
        step = Step(neurons, batch, name)
        for _ in range(STEPS):
            step()
        found.append(
            {
                k: np.array(step.simulator.kernels.host(a))
                for k, a in step.simulator.arrays().items()
            }
        )
    keys = [key for key in found[0] if key.endswith("weights")]
    return [max(float(abs(found[0][k] - other[k]).max()) for k in keys) for other in found[1:]]


def transfers(neurons, batch):
    """What a profiler sees moved between host and device in STEPS steps: name -> (times, bytes)."""
    try:
        import torch
        from torch.profiler import ProfilerActivity, profile
    except ImportError:
        return None
    step = Step(neurons, batch, "cuda")
    with step.simulator.workers.engaged():
        for _ in range(STEPS):
            step()
        synchronize(step.simulator)
        torch.cuda.init()
        with profile(activities=[ProfilerActivity.CUDA]) as seen:
            for _ in range(STEPS):
                step()
            synchronize(step.simulator)
    counts = {event.key: event.count for event in seen.key_averages()}
    return {key: n for key, n in counts.items() if "HtoD" in key or "DtoH" in key}, sum(
        counts.values()
    )


def errors(epochs, data):
    """Rows of the table of errors: one training on both backends, and a large one on the GPU."""
    from infosim.datasets import load
    from infosim.engine import Simulator, Training

    dataset = load(data)
    for n, name in ((100, "cpu"), (100, "cuda"), (2000, "cuda")):
        model = experiment(n, 1024, "data.validation=0.2")
        samples, validation, test = model.samples(dataset)
        simulator = Simulator(model.network(dataset), name, 0)
        training = Training(simulator, samples, validation=validation, test=test)
        began = time.perf_counter()
        while len(training.history) <= epochs:
            training.advance()
        seconds = (time.perf_counter() - began) / (epochs + 1)
        h = training.history
        found = h.train_error[-1], h.val_error[-1], h.test_error[-1]
        yield [str(n), name, str(epochs), *(f"{e:.4f}" for e in found), f"{seconds:.2f}"]


def parity():
    """The last line of the kernel tests, run on the GPU."""
    variables = {**os.environ, "INFOSIM_TEST_GPU": "1"}
    command = [sys.executable, "-m", "pytest", "-k", "cuda", "-p", "no:cacheprovider", *TESTS]
    run = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    lines = [line for line in run.stdout.splitlines() if line.strip()]
    if run.returncode != 0:
        click.echo(run.stdout[-6000:] + run.stderr[-2000:], err=True)
    return lines[-1] if lines else f"no tests ran (exit {run.returncode})"


def _used_bytes(simulator):
    if backend.simulated():
        return 0
    return simulator.kernels.xp.get_default_memory_pool().used_bytes()


def _ms(seconds):
    return f"{1e3 * seconds:.3f}"


def _times(seconds, ours):
    return "-" if seconds is None else f"{1e3 * seconds:.1f} ({seconds / ours:.1f})"


def _table(header, rows):
    yield "| " + " | ".join(header) + " |"
    yield "|" + "---|" * len(header)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def page(neurons, batch, numbers, with_tests, epochs, data):
    """The lines of the page, as they are measured."""
    found = backend.inspect()
    device = "Numba's simulator" if backend.simulated() else found.devices[0][0]
    yield f"# GPU check: {device}\n"
    yield f"`python -m benchmarks.gpu --neurons {','.join(map(str, neurons))} --batch {batch}`"
    yield "on:\n"
    yield from (f"    {name:14}{text}".rstrip() for name, text in environment.report() if name)
    if with_tests:
        yield f"\n## Parity\n\nKernel tests on the GPU (`pytest -k cuda`): {parity()}\n"
    again, to_cpu = determinism(neurons[0], batch)
    yield f"\nLargest difference of a weight of {neurons[0]} neurons after {STEPS} steps: {again:g}"
    yield f"between two runs on the GPU, {to_cpu:.2g} to the CPU (where rounding draws an output"
    yield "otherwise, weights part).\n"
    yield f"\n## Training steps, batch {batch}, ms (times ours)\n"
    header = ["neurons", "step, ms", "its products, ms", "ratio", "products, TFLOP/s"]
    header += ["infosim on the CPU", "PyTorch, plain", "PyTorch, tuned", "memory, MB"]
    yield from _table(header, steps(neurons, batch))
    yield "\n## Replicas of 100 neurons side by side\n"
    header = ["replicas", "step, ms", "ms per replica", "times faster than one by one"]
    yield from _table(header, replicas(numbers, batch))
    yield "\n## The score kernel\n"
    header = ["neurons", "cells", "ms", "GB/s", "registers", "shared memory", "resident warps"]
    yield from _table(header, score_kernel(neurons, batch))
    moved = None if backend.simulated() else transfers(neurons[0], batch)
    if moved is not None:
        yield f"\n## Between host and device in {STEPS} steps (torch.profiler)\n"
        seen, activities = moved
        yield f"{seen or 'nothing'}, of {activities} activities on the device"
    if epochs:
        yield f"\n## Errors on {data}\n"
        header = ["neurons", "backend", "epochs", "train", "validation", "test", "s per epoch"]
        yield from _table(header, errors(epochs, data))


@click.command()
@click.option("--neurons", default="100,1000,2000,10000", show_default=True, callback=integers)
@click.option("--batch", default=1024, show_default=True, type=NATURAL)
@click.option("--replicas", "numbers", default="1,4,16,64", show_default=True, callback=integers)
@click.option("--tests/--no-tests", "with_tests", default=True, help="Run the kernel tests there.")
@click.option("--epochs", default=0, show_default=True, help="Also train so long on --data.")
@click.option("--data", default="mnist", show_default=True)
@click.option("--once", is_flag=True, help="Only make three steps, for compute-sanitizer.")
@click.option("--out", type=click.Path(path_type=Path), help="By default benchmarks/results/...")
def main(neurons, batch, numbers, with_tests, epochs, data, once, out):
    """Check and measure the cuda backend on this machine's GPU."""
    try:
        backend.gpu()
        if once:
            step = Step(neurons[0], batch, "cuda")
            for _ in range(3):
                step()
            synchronize(step.simulator)
            return
        lines = []
        for line in page(neurons, batch, numbers, with_tests, epochs, data):
            click.echo(line)
            lines.append(line)
    except InfosimError as error:
        raise BadInput(str(error)) from None
    if out is None:
        device = backend.inspect().devices[0][0]
        name = re.sub(r"[^a-z0-9]+", "_", device.lower()).strip("_")
        out = Path(__file__).parent / "results" / f"gpu_{name}.md"
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    click.echo(f"written to {out}", err=True)


if __name__ == "__main__":
    main()
