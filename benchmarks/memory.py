"""Small networks: an associative memory's training, by network: `python -m benchmarks.memory`.

Seconds of training 100 neurons on 160 patterns, 5000 epochs of one batch, measured on some epochs
after a few hundred: by then soft bins have the width that they have for most of a training. What is
printed are medians of groups of epochs, each configuration and each peer in a process of its own.
Python's share is that of an epoch whose kernels do nothing, timed in turn with the others.

    python -m benchmarks.memory --bins hard --replicas 1,16 --threads 1,2 --peers numpy
    python -m benchmarks.memory --bins soft --peers numpy,torch
"""

import time
from itertools import product

import click
import numpy as np

from benchmarks.numpy_memory import SOFTNESS, NumpyMemory
from benchmarks.step import (
    NATURAL,
    BadInput,
    in_own_process,
    integers,
    markdown,
    names,
    new_file,
    write_numbers,
)
from infosim.bench import timing
from infosim.errors import InfosimError

EPOCHS = 5000
BINS = {
    "hard": {"kind": "adaptive", "bins": [2, 60]},
    "soft": {"kind": "soft", "bins": [2, 60], "softness": [1e-5, SOFTNESS]},
}
PEERS = ("numpy", "torch")
COLUMNS = ["neurons", "patterns", "bins", "replicas", "threads", "seconds", "python", "peak_mb"]


def experiment(neurons, patterns, bins, seed=0, dtype="float32"):
    """The memory that climbs redundancy, as an Experiment."""
    from infosim.experiments import Experiment

    settings = {
        "data.options.units": neurons, "data.options.patterns": patterns,
        "training.batch": patterns, "training.shuffle": False, "training.epochs": EPOCHS,
        "training.evaluate_every": EPOCHS, "training.record_epochs": EPOCHS,
        "training.seed": seed, "training.dtype": dtype,
        "layers.memory.size": neurons, "layers.memory.goal": "{R}{C}",
        "layers.memory.binning": BINS[bins],
    }  # fmt: skip
    return Experiment.load("pnas/memory-heuristic", list(settings.items()))


def training(neurons, patterns, bins, replicas, threads, kernels="cpu", dtype="float32"):
    """Its Training, of replicas that have the patterns in common and weights of their own."""
    from infosim.engine import Simulator, Training

    one = experiment(neurons, patterns, bins, dtype=dtype)
    dataset = one.dataset()
    simulator = Simulator(one.network(dataset), kernels, range(replicas), threads, dtype)
    return Training(simulator, one.samples(dataset)[0], **one.training)


def measure(neurons, patterns, bins, replicas, threads, warm_up, epochs, rounds):
    """One configuration as a row of numbers by column name; times are of 5000 epochs, in s."""
    made = training(neurons, patterns, bins, replicas, threads)
    idle = training(neurons, patterns, bins, replicas, threads, timing.idle())
    _train(made, warm_up)
    peak = timing.peak_memory()
    _train(idle, warm_up)
    calls = {"seconds": lambda: _train(made, epochs), "python": lambda: _train(idle, epochs)}
    row = dict(zip(COLUMNS, [neurons, patterns, bins, replicas, threads], strict=False))
    with made.simulator.workers.engaged(), idle.simulator.workers.engaged():  # as a run is
        found = _timed(calls, rounds)
    for name, seconds in found.items():
        row[name] = EPOCHS * seconds / epochs / replicas
    return row | {"peak_mb": peak}


def peer(name, neurons, patterns, bins, threads, epochs, rounds):
    """Seconds of 5000 epochs of a peer, on the same patterns and from the same weights."""
    made = training(neurons, patterns, bins, 1, threads)
    shown = made.samples.arrays["memory"].astype(np.float32)
    given = shown, np.array(made.simulator["memory"]["C"].weights), bins == "soft"
    if name == "numpy":
        step = NumpyMemory(*given).step
    else:
        from benchmarks.torch_memory import TorchMemory, torch

        torch.set_num_threads(threads)
        step = TorchMemory(*given).step

    def train():
        for _ in range(epochs):
            step()

    with made.simulator.workers.engaged():  # BLAS keeps to one thread
        return EPOCHS * _timed({name: train}, rounds)[name] / epochs


def _timed(calls, rounds):
    """Median seconds of functions by name, called in turn; the first call does not count."""
    took = {name: [] for name in calls}
    for i in range(rounds + 1):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            if i:
                took[name].append(time.perf_counter() - began)
    return {name: float(np.median(values)) for name, values in took.items()}


def _train(made, epochs):
    until = made.epoch + epochs
    while made.epoch < until:
        made.advance(until - 1)


def _one_of(allowed):
    def check(context, parameter, value):
        unknown = [name for name in names(context, parameter, value) if name not in allowed]
        if unknown:
            raise click.BadParameter(f"unknown {unknown[0]!r}; allowed: {', '.join(allowed)}")
        return names(context, parameter, value)

    return check


@click.command()
@click.option("--neurons", default=100, show_default=True, type=NATURAL)
@click.option("--patterns", default=160, show_default=True, type=NATURAL)
@click.option("--bins", default="hard,soft", show_default=True, callback=_one_of(BINS))
@click.option("--replicas", default="1,16", show_default=True, callback=integers,
              help="Networks side by side.")  # fmt: skip
@click.option("--threads", default="1,2", show_default=True, callback=integers)
@click.option("--peers", default="", callback=_one_of(PEERS), help="numpy, torch.")
@click.option("--warm-up", default=300, show_default=True, type=NATURAL, help="Epochs before.")
@click.option("--epochs", default=100, show_default=True, type=NATURAL, help="Epochs of a round.")
@click.option("--peer-epochs", default=5, show_default=True, type=NATURAL)
@click.option("--rounds", default=7, show_default=True, type=NATURAL)
@click.option("--csv", "table", callback=new_file, help="Write all numbers there.")
def main(
    neurons, patterns, bins, replicas, threads, peers, warm_up, epochs, peer_epochs, rounds, table
):
    """Print seconds of a training by network as a Markdown table."""
    size, rows = (neurons, patterns), []
    try:
        for one, n in product(bins, threads):
            beside = {
                name: in_own_process(peer, name, *size, one, n, peer_epochs, rounds)
                for name in peers
            }
            for many in replicas:
                given = *size, one, many, n, warm_up, epochs, rounds
                rows.append(in_own_process(measure, *given) | beside)
                click.echo(".", nl=False, err=True)
    except InfosimError as error:
        raise BadInput(str(error)) from None
    click.echo(err=True)
    header = ["bins", "replicas", "threads", "a network, s", "Python, share", "peak memory, MB"]
    markdown(header + [f"{name}, s (times ours)" for name in peers], [_cells(row) for row in rows])
    if table:
        write_numbers(table, rows, 4)


def _cells(row):
    ours = row["seconds"]
    return [
        *(str(row[name]) for name in ("bins", "replicas", "threads")),
        f"{ours:.2f}", f"{row['python'] / ours:.0%}", f"{row['peak_mb']:.0f}",
        *(f"{row[name]:.1f} ({row[name] / ours:.1f})" for name in row if name not in COLUMNS),
    ]  # fmt: skip


if __name__ == "__main__":
    main()
