"""Everything that only a GPU can show: `make gpu-check`, or `python -m benchmarks.gpu`.

Writes benchmarks/results/gpu_<device>.md: whether kernels agree with the oracle and with the CPU,
whether two runs give the same bits, step times beside the CPU, the step's own cuBLAS products and a
dense PyTorch peer on the same GPU, replicas side by side, memory, the score kernel's bandwidth and
occupancy, and what is moved between host and device within an epoch. With --epochs also the errors
on MNIST. `--once` is the program to run under compute-sanitizer (docs/gpu.md).

Every row is written as soon as it is measured. What is on the page already stays there, unless the
same row is measured again, so that a page can be made in parts of a few minutes:

    python -m benchmarks.gpu --no-tests --parts agreement,steps --neurons 100
    python -m benchmarks.gpu --parts steps,score --neurons 1000,2000

Nothing is installed: that infosim and the packages of its extra can be imported is enough. The
parity of the kernels needs pytest, the peer and the list of transfers PyTorch (extra `bench`).
"""

import gc
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
import numpy as np

from benchmarks.step import NATURAL, BadInput, integers, names, new_file
from infosim.bench import timing
from infosim.errors import InfosimError, near
from infosim.experiments import Experiment, environment
from infosim.files import atomic
from infosim.kernels import backend
from infosim.kernels.tape import Calls
from infosim.rules import infomorphic

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


def median_time(simulator, function, *, seconds=1.0, group=10, calls=20, warm_up=0.3):
    """Median seconds of a call, over groups of calls between two waits for the GPU.

    Before, so many calls are made, for so many seconds at least, that do not count: the first ones
    compile kernels and record them, of each plan by itself, and a GPU that was idle runs slowly.
    """
    now = time.perf_counter
    with simulator.workers.engaged():
        made, until = 0, now() + warm_up
        while made < calls or now() < until:
            function()
            made += 1
            synchronize(simulator)
        found, until = [], now() + seconds
        while len(found) < 3 or now() < until:
            began = now()
            for _ in range(group):
                function()
            synchronize(simulator)
            found.append((now() - began) / group)
    return float(np.median(found))


def recorded(simulator, calls):
    """A function that makes these calls as the simulator does those of a layer: launched as one."""
    (plan,) = simulator.workers.prepared([[calls]])
    return partial(simulator.workers.run, plan)


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
        self.learn(self._rows[self._number % len(self._rows)])


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

        return median_time(step.simulator, group, group=1, calls=4) / 5
    except torch.cuda.OutOfMemoryError:
        return None
    finally:
        torch.cuda.empty_cache()


# -- what is measured: a row each --------------------------------------------------------------


@dataclass(frozen=True)
class Settings:
    """What the page is asked for."""

    neurons: list
    batch: int
    replicas: list
    epochs: int
    data: str


def parity(settings, tests):
    """The last line of the kernel tests, run on the GPU."""
    variables = {**os.environ, "INFOSIM_TEST_GPU": "1"}
    command = [sys.executable, "-m", "pytest", "-k", "cuda", "-p", "no:cacheprovider", tests]
    root = Path(__file__).parents[1]
    run = subprocess.run(
        command, env=variables, capture_output=True, text=True, check=False, cwd=root
    )
    lines = [line for line in (run.stdout or run.stderr).splitlines() if line.strip()]
    if run.returncode != 0:
        click.echo(run.stdout[-6000:] + run.stderr[-2000:], err=True)
    return [lines[-1].strip("= ") if lines else f"no tests ran (exit {run.returncode})"]


def agreement(settings, neurons):
    """Largest difference of weights between two runs on the GPU, and to the CPU's; what launches.

    After STEPS steps. Where rounding draws an output otherwise, weights part.
    """
    found = []
    for name in ("cuda", "cuda", "cpu"):
        step = Step(neurons, settings.batch, name)
        for _ in range(STEPS):
            step()
        host = step.simulator.kernels.host
        arrays = {k: np.array(host(a)) for k, a in step.simulator.arrays().items()}
        found.append({k: a for k, a in arrays.items() if k.endswith("weights")})
        if name == "cuda":
            plans = [plan for made in step.simulator.tape.recordings for plan in made]
    again, to_cpu = (
        max(float(abs(found[0][k] - other[k]).max()) for k in found[0]) for other in found[1:]
    )
    as_one = sum(bool(plan.graph) for plan in plans)
    return [f"{again:g}", f"{to_cpu:.2g}", f"{as_one} of {len(plans)}"]


def step_times(settings, neurons):
    """A step, its products and the peers; and the memory of the network and its step alone."""
    _clear()
    before = _used_bytes()
    step = Step(neurons, settings.batch, "cuda")
    simulator = step.simulator
    ours = median_time(simulator, step)
    used = _used_bytes() - before
    products = timing.Products(step)
    own = median_time(simulator, recorded(simulator, products.calls))
    row = [_ms(ours), _ms(own), f"{ours / own:.2f}", f"{products.operations / own / 1e12:.1f}"]
    del products
    _clear()
    plain, tuned = peer(step, "plain"), peer(step, "tuned")
    cpu = Step(neurons, settings.batch, "cpu")
    on_cpu = median_time(cpu.simulator, cpu, seconds=0.5, group=1, calls=3, warm_up=0.0)
    row += [_times(other, ours) for other in (on_cpu, plain, tuned)]
    return [*row, f"{used / 1e6:.0f}"]


def replicas(settings, number, neurons=100):
    """Replicas side by side, with so many hidden neurons each, beside one alone."""
    found = []
    for n in (1, number):
        _clear()
        step = Step(neurons, settings.batch, "cuda", n)
        found.append(median_time(step.simulator, step))
    alone, ours = found
    return [_ms(ours), _ms(ours / number), f"{alone * number / ours:.1f}"]


def score_kernel(settings, neurons):
    """The score kernel: its cells, time, the bytes it must move over it, and occupancy."""
    _clear()
    step = Step(neurons, settings.batch, "cuda")
    for _ in range(STEPS):
        step()
    layer, kernels = step.simulator["hidden"], step.simulator.kernels
    calls = Calls(kernels, step.simulator.workers, 1)
    infomorphic.score(layer, layer.firing, layer.read[1], calls)
    parts = [part for stage in calls.stages for part in stage]
    [own] = layer.aim.arrays  # one measure of redundancy
    score = kernels.score(layer.bins.assignment, own["measure"])
    call = next(call for part in parts for call in part if call[0] is score)
    seconds = median_time(step.simulator, recorded(step.simulator, [call]))
    # potentials are read, θ and 1 - θ, and bins and the slope written
    size, n_compartments = layer.dtype.itemsize, len(layer.compartments)
    moved = neurons * settings.batch * (n_compartments * (size + 1) + 3 * size)
    row = [f"{timing.occupied(step.simulator):.0f}", _ms(seconds)]
    return [*row, f"{moved / seconds / 1e9:.0f}", *_resources(layer)]


def _resources(layer):
    """Registers, shared memory and resident warps of the score kernel, as the driver tells them."""
    if backend.simulated():
        return "-", "-", "-"
    from infosim.kernels.device import THREADS
    from infosim.kernels.score import cuda

    [own] = layer.aim.arrays
    n_terms = len(own["terms"][0]) - 1
    compiled = cuda._score(
        layer.bins.assignment, own["measure"], len(layer.compartments), n_terms, layer.dtype.type
    )
    try:
        definition = next(iter(compiled.overloads.values()))
        occupancy = definition._codelibrary.get_cufunc().kernel.occupancy
        blocks = occupancy.max_active_blocks_per_multiprocessor(THREADS, 0)
        return (
            str(definition.regs_per_thread),
            f"{definition.shared_mem_per_block / 1024:.1f} KB",
            f"{blocks * THREADS // 32}",
        )
    except (AttributeError, TypeError) as problem:  # names of numba-cuda's and cuda.core's own
        click.echo(f"no resources of the score kernel: {problem}", err=True)
        return "-", "-", "-"


def transfers(settings, neurons):
    """What a profiler sees moved between host and device in STEPS steps, of how many activities."""
    if backend.simulated():
        return ["-", "-"]
    try:
        import torch
        from torch.profiler import ProfilerActivity, profile
    except ImportError:
        return ["needs PyTorch", "-"]
    step = Step(neurons, settings.batch, "cuda")
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
    moved = {key: n for key, n in counts.items() if "HtoD" in key or "DtoH" in key}
    said = ", ".join(f"{n} {key}" for key, n in moved.items())
    return [said or "nothing", str(sum(counts.values()))]


def errors(settings, key):
    """The errors of a training on a backend, "neurons backend"."""
    from infosim.datasets import load
    from infosim.engine import Simulator, Training

    neurons, name = key.split()
    dataset = load(settings.data)
    model = experiment(int(neurons), 1024, "data.validation=0.2")
    samples, validation, test = model.samples(dataset)
    simulator = Simulator(model.network(dataset), name, 0)
    training = Training(simulator, samples, validation=validation, test=test)
    began = time.perf_counter()
    while len(training.history) <= settings.epochs:
        training.advance()
    seconds = (time.perf_counter() - began) / (settings.epochs + 1)
    h = training.history
    found = h.train_error[-1], h.val_error[-1], h.test_error[-1]
    return [str(settings.epochs), *(f"{e:.4f}" for e in found), f"{seconds:.2f}"]


def _clear():
    """Let go of what other rows needed; what stays for good, the memory of cuBLAS, is taken."""
    gc.collect()
    if not backend.simulated():
        from infosim.kernels import device

        device.lanes()
        device.xp.get_default_memory_pool().free_all_blocks()


def _used_bytes():
    if backend.simulated():
        return 0
    return backend.load("cuda").xp.get_default_memory_pool().used_bytes()


def _ms(seconds):
    return f"{1e3 * seconds:.3f}"


def _times(seconds, ours):
    return "-" if seconds is None else f"{1e3 * seconds:.1f} ({seconds / ours:.1f})"


# -- the page --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """A table of the page.

    title : may name settings; header : of the columns, the first is what tells rows apart
    keys : of the Settings -> the rows' first cells; measure : of Settings and such a cell -> others
    """

    title: str
    header: list
    keys: Callable
    measure: Callable


PARTS = {
    "tests": Part(
        "Kernel tests on the GPU (`pytest -k cuda`)",
        ["tests", "result"],
        lambda settings: TESTS,
        parity,
    ),
    "agreement": Part(
        f"Largest difference of a weight after {STEPS} steps, batch {{0.batch}}",
        ["neurons", "between two runs on the GPU", "to the CPU", "plans launched as one"],
        lambda settings: settings.neurons[:1],
        agreement,
    ),
    "steps": Part(
        "Training steps, batch {0.batch}, ms (times ours)",
        [
            "neurons", "step, ms", "its products, ms", "ratio", "products, TFLOP/s",
            "infosim on the CPU", "PyTorch, plain", "PyTorch, tuned", "memory, MB",
        ],
        lambda settings: settings.neurons,
        step_times,
    ),
    "replicas": Part(
        "Replicas of 100 neurons side by side, batch {0.batch}",
        ["replicas", "step, ms", "ms per replica", "times faster than one by one"],
        lambda settings: settings.replicas,
        replicas,
    ),
    "score": Part(
        "The score kernel, batch {0.batch}",
        ["neurons", "cells", "ms", "GB/s", "registers", "shared memory", "resident warps"],
        lambda settings: settings.neurons,
        score_kernel,
    ),
    "transfers": Part(
        f"Between host and device in {STEPS} steps, batch {{0.batch}} (torch.profiler)",
        ["neurons", "moved", "activities on the device"],
        lambda settings: settings.neurons[:1],
        transfers,
    ),
    "errors": Part(
        "Errors on {0.data}",
        ["neurons and backend", "epochs", "train", "validation", "test", "s per epoch"],
        lambda settings: ["100 cpu", "100 cuda", "2000 cuda"] if settings.epochs else [],
        errors,
    ),
}  # fmt: skip


class Page:
    """A file of tables, written anew after every row; rows of an earlier run stay.

    head : lines above the tables; tables : title -> (lines of its header, first cell -> line)
    """

    def __init__(self, path, head):
        self._path, self._head, self._tables = path, head, {}
        table = None
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            if line.startswith("## "):
                table = self._tables[line[3:]] = [], {}
            elif table is not None and line.startswith("|"):
                if len(table[0]) < 2:
                    table[0].append(line)
                else:
                    table[1][line.split("|")[1].strip()] = line

    def add(self, title, header, cells):
        """Enter a row into a table, and write the page."""
        lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
        known, rows = self._tables.get(title, (lines, {}))
        rows = rows if known == lines else {}  # another version's columns
        rows[cells[0]] = "| " + " | ".join(cells) + " |"
        ordered = dict(sorted(rows.items(), key=lambda row: _natural(row[0])))
        self._tables[title] = lines, ordered
        text = list(self._head)
        for name, (header_lines, table) in self._tables.items():
            text += ["", f"## {name}", "", *header_lines, *table.values()]
        with atomic(self._path) as file:
            file.write(("\n".join(text) + "\n").encode())
        return rows[cells[0]]


def _natural(text):
    """A key that sorts 100 after 20."""
    return [int(word) if word.isdigit() else word for word in re.split(r"(\d+)", text)]


def measure(page, parts, settings):
    """Measure the parts row by row; yields what is said of each."""
    commit = (environment.commit() or "-")[:7]
    for part in parts:
        title, header = part.title.format(settings), [*part.header, "commit"]
        for key in part.keys(settings):
            try:
                cells = part.measure(settings, key)
            except InfosimError as error:  # the next may fit
                said = " ".join(str(error).split()).replace("|", "/")
                cells = [f"- ({said})", *["-"] * (len(part.header) - 2)]
            yield page.add(title, header, [str(key), *cells, commit])


def head(device):
    """The lines above the tables."""
    yield f"# GPU check: {device}"
    yield ""
    yield "`python -m benchmarks.gpu`, last on:"
    yield ""
    yield from (f"    {name:14}{text}".rstrip() for name, text in environment.report() if name)


def naturals(context, parameter, value):
    """A comma-separated option as a list of numbers of at least 1, one at least."""
    found = integers(context, parameter, value)
    if not found or min(found) < 1:
        raise click.BadParameter(f"needs numbers of at least 1, was {value!r}")
    return found


def chosen_parts(context, parameter, value):
    """A comma-separated option as a list of parts."""
    chosen = names(context, parameter, value)
    for name in chosen:
        if name not in PARTS:
            raise click.BadParameter(f"unknown part {name!r}; {near(name, PARTS)}")
    return chosen


@click.command()
@click.option("--neurons", default="100,1000,2000,10000", show_default=True, callback=naturals)
@click.option("--batch", default=1024, show_default=True, type=NATURAL)
@click.option("--replicas", "numbers", default="1,4,16,64", show_default=True, callback=naturals)
@click.option("--parts", default=",".join(PARTS), show_default=True, callback=chosen_parts)
@click.option("--tests/--no-tests", "with_tests", default=True, help="Run the kernel tests there.")
@click.option("--epochs", default=0, show_default=True, help="Also train so long on --data.")
@click.option("--data", default="mnist", show_default=True)
@click.option("--once", is_flag=True, help="Only make three steps, for compute-sanitizer.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), callback=new_file,
              help="By default benchmarks/results/gpu_<device>.md.")  # fmt: skip
def main(neurons, batch, numbers, parts, with_tests, epochs, data, once, out):
    """Check and measure the cuda backend on this machine's GPU."""
    try:
        backend.gpu()
        if once:
            step = Step(neurons[0], batch, "cuda")
            for _ in range(3):
                step()
            synchronize(step.simulator)
            return
        device = "Numba's simulator" if backend.simulated() else backend.inspect().devices[0][0]
        if out is None:
            name = re.sub(r"[^a-z0-9]+", "_", device.lower()).strip("_")
            out = Path(__file__).parent / "results" / f"gpu_{name}.md"
        settings = Settings(neurons, batch, numbers, epochs, data)
        chosen = [PARTS[name] for name in parts if with_tests or name != "tests"]
        for line in measure(Page(out, list(head(device))), chosen, settings):
            click.echo(line)
    except InfosimError as error:
        raise BadInput(str(error)) from None
    click.echo(f"written to {out}", err=True)


if __name__ == "__main__":
    main()
