"""Whole epochs, side by side: `python -m benchmarks.epoch`.

Two tables. An epoch of training with everything that belongs to it (shuffling, gathering, metrics,
atoms of every tenth batch, evaluation of validation and test images with the label withheld) beside
as many steps of a dense PyTorch peer, which does none of that. And the throughput of several
processes at once: two processes of one thread should train about as many steps as one of two.

    python -m benchmarks.epoch --neurons 100,500 --peer plain
"""

import multiprocessing
import time

import click
import numpy as np

from benchmarks.step import NATURAL, BadInput, integers, markdown, peer_step, peers
from infosim.bench import timing
from infosim.errors import InfosimError

PRESET = timing.PRESETS[3]


def _experiment(neurons):
    from infosim.experiments import Experiment

    return Experiment.load(PRESET, [f"layers.hidden.size={neurons}"])


def _dataset(data):
    from infosim.datasets import load

    return timing.noise(60_000) if data == "noise" else load(data)


def epochs(neurons, threads, data, n_epochs, chosen):
    """Seconds of each of `n_epochs` epochs by name, infosim and peers in turn."""
    from infosim.engine import Simulator, Training

    experiment, dataset = _experiment(neurons), _dataset(data)
    samples, validation, test = experiment.samples(dataset)
    simulator = Simulator(experiment.network(dataset), threads=threads)
    training = Training(simulator, samples, validation=validation, test=test)

    def epoch():
        until = len(training.history) + 1
        while len(training.history) < until:
            training.advance()

    epoch()  # measures without learning
    calls = {"infosim": epoch}
    step = timing.Step(experiment, dataset, threads)
    for name in chosen:
        one = peer_step(step, name)
        calls[name] = lambda one=one: [one() for _ in range(training.n_batches)]
    seconds = timing.alternate(calls, n_epochs, 1, 0, 0.5)
    return {name: np.median(values) for name, values in seconds.items()}


def _train(neurons, threads, data, start, seconds, steps):
    """Train from `start` on; leaves how many steps it made per second."""
    step = timing.Step(_experiment(neurons), _dataset(data), threads)
    for _ in range(20):
        step()
    start.wait()
    began = time.perf_counter()
    made = 0
    while time.perf_counter() - began < seconds:
        step()
        made += 1
    steps.put(made / (time.perf_counter() - began))


def throughput(processes, threads, neurons, data, seconds):
    """Steps per second of several processes at once."""
    context = multiprocessing.get_context("spawn")
    start, steps = context.Barrier(processes), context.Queue()
    arguments = neurons, threads, data, start, seconds, steps
    started = [context.Process(target=_train, args=arguments) for _ in range(processes)]
    for process in started:
        process.start()
    total = sum(steps.get() for _ in started)
    for process in started:
        process.join()
    return total


@click.command()
@click.option("--neurons", default="100", show_default=True, callback=integers)
@click.option("--threads", default=2, show_default=True)
@click.option("--peer", default="", callback=peers, help="plain, tuned, plain+compile, ...")
@click.option("--data", default="noise", show_default=True, help="Data set; noise: like MNIST.")
@click.option("--epochs", "n_epochs", default=5, show_default=True, type=NATURAL)
@click.option(
    "--seconds",
    default=10.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="Of each throughput.",
)
def main(neurons, threads, peer, data, n_epochs, seconds):
    """Print both tables as Markdown."""
    try:
        _print_tables(neurons, threads, peer, data, n_epochs, seconds)
    except InfosimError as error:
        raise BadInput(str(error)) from None


def _print_tables(neurons, threads, peer, data, n_epochs, seconds):
    click.echo(f"{PRESET}, data {data}, {threads} threads, medians of {n_epochs} epochs, s:\n")
    rows = []
    for n in neurons:
        found = epochs(n, threads, data, n_epochs, peer)
        ours = found.pop("infosim")
        others = [f"{value:.1f} ({value / ours:.1f})" for value in found.values()]
        rows.append([str(n), f"{ours:.2f}", *others])
    markdown(
        ["neurons", "infosim, evaluation included", *(f"{p} (times ours)" for p in peer)], rows
    )
    click.echo("\nTraining steps per second, all processes together:\n")
    rows = []
    for n in neurons:
        shapes = [(1, 1), (1, threads), (threads, 1)]
        found = [throughput(*shape, n, data, seconds) for shape in shapes]
        rows.append([str(n), *(f"{value:.0f} ({value / found[0]:.2f})" for value in found)])
    shapes = [f"{p} x {t}" for p, t in shapes]
    markdown(["neurons", *(f"{shape} (times 1 x 1)" for shape in shapes)], rows)


if __name__ == "__main__":
    main()
