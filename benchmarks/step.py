"""A training step, its own matrix products and a dense PyTorch peer: `python -m benchmarks.step`.

Every combination of the listed settings is one configuration, measured in a process of its own: all
that is compared is timed in turns there, after warm-up (`infosim.bench.timing`); memory is
that of the process before any peer is built.

    python -m benchmarks.step --neurons 100,500,1000,2000 --threads 1,2
    python -m benchmarks.step --neurons 100,500 --peer plain,tuned
    python -m benchmarks.step --sparse 10,100,500,dense --neurons 2000
"""

import csv
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path

import click
import numpy as np

from infosim.bench import timing
from infosim.errors import InfosimError

PEERS = ("plain", "tuned", "plain+compile", "tuned+compile")
NATURAL = click.IntRange(min=1)
COLUMNS = [
    "neurons", "sources", "batch", "bins", "lateral", "threads", "cells", "step_ms", "low_ms",
    "high_ms", "products_ms", "ratio", "gflop", "peak_mb",
]  # fmt: skip


def measure(neurons, sources, batch, bins, sparse, threads, data, warm_up, rounds, chosen):
    """One configuration as a row of numbers by column name."""
    from infosim.datasets import load
    from infosim.experiments import Experiment

    overrides = [
        f"layers.hidden.size={neurons}",
        f"layers.hidden.binning.bins={bins}",
        f"layers.output.binning.bins={bins}",
        f"training.batch={batch}",
        "data.validation=0",
    ]
    if sparse != "dense":
        overrides.append(f"layers.hidden.compartments.L.connectivity='sparse({sparse})'")
    experiment = Experiment.load(timing.PRESETS[sources], overrides)
    dataset = timing.noise(4 * batch) if data == "noise" else load(data)

    def others(step):
        return {peer: peer_step(step, peer) for peer in chosen}

    found, seconds = timing.measure(
        experiment, dataset, threads=threads, warm_up=warm_up, rounds=rounds, others=others
    )
    low, high = found.quartiles
    row = [
        neurons, sources, batch, bins, sparse, found.threads, found.cells, 1e3 * found.step,
        1e3 * low, 1e3 * high, 1e3 * found.products, found.ratio, found.operations / 1e9,
        found.peak,
    ]  # fmt: skip
    row = dict(zip(COLUMNS, row, strict=True))
    row |= {f"{part}_ms": 1e3 * value for part, value in found.parts.items()}
    for peer, values in seconds.items():
        row[f"{peer}_ms"] = 1e3 * float(np.median(values))
        row[f"{peer}_ratio"] = float(np.median(values)) / found.step
    return row


def peer_step(step, name):
    """A function that makes one training step of PyTorch peer `name`: a form, or form+compile."""
    from benchmarks.torch_dense import TorchDense, torch

    torch.set_num_threads(step.simulator.workers.n_threads)
    form, _, compiled = name.partition("+")
    peer = TorchDense(step.simulator, form, compile=bool(compiled))
    step.draw()
    step.train()
    # always the same batch, in the simulator's memory order: gathering it is not the peer's work
    values = {name: np.asarray(value)[0].T.copy().T for name, value in step.inputs.items()}
    return lambda: peer.step(values)


def in_own_process(function, *arguments):
    """The result of a function, called in a fresh process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


class BadInput(click.ClickException):
    """One line on stderr, exit code 2."""

    exit_code = 2


def names(context, parameter, value):
    """A comma-separated option as a list."""
    return [v for v in value.split(",") if v]


def peers(context, parameter, value):
    """A comma-separated option as a list of PyTorch peers."""
    chosen = names(context, parameter, value)
    unknown = [name for name in chosen if name not in PEERS]
    if unknown:
        raise click.BadParameter(f"unknown peer {unknown[0]!r}; allowed: {', '.join(PEERS)}")
    return chosen


def new_file(context, parameter, value):
    """A file that can be made, found out before anything is measured."""
    if value is not None and not os.access(Path(value).absolute().parent, os.W_OK):
        raise click.BadParameter(f"cannot write {value}: no such folder, or not ours to write")
    return value


def sources(context, parameter, value):
    """A comma-separated option as a list of numbers of compartments."""
    chosen = integers(context, parameter, value)
    unknown = [n for n in chosen if n not in timing.PRESETS]
    if unknown:
        raise click.BadParameter(f"needs 2, 3 or 4, was {unknown[0]}")
    return chosen


def integers(context, parameter, value):
    """A comma-separated option as a list of numbers."""
    try:
        return [int(v) for v in names(context, parameter, value)]
    except ValueError:
        raise click.BadParameter(f"needs whole numbers between commas, was {value!r}") from None


def _option(name, default, text, callback=integers):
    return click.option(name, default=default, show_default=True, callback=callback, help=text)


@click.command()
@_option("--neurons", "100", "Neurons of the hidden layer; all lists are comma-separated.")
@_option("--sources", "3", "Compartments per neuron, 2 to 4.", sources)
@_option("--batch", "1024", "Samples per step.")
@_option("--bins", "20", "Bins per compartment.")
@_option("--sparse", "dense", "Lateral connections per neuron, or dense.", names)
@_option("--threads", "2", "Threads of infosim, BLAS and PyTorch alike.")
@_option("--peer", "", "Peers to time beside: plain, tuned, plain+compile, tuned+compile.", peers)
@click.option("--data", default="noise", show_default=True, help="Data set; noise: like MNIST.")
@click.option("--warm-up", default=20, show_default=True, type=NATURAL, help="Steps before timing.")
@click.option("--rounds", default=5, show_default=True, type=NATURAL, help="Groups of ten of each.")
@click.option("--csv", "table", callback=new_file, help="Write all numbers there.")
@click.option("--plot", callback=new_file, help="Draw time against work there.")
def main(neurons, sources, batch, bins, sparse, threads, peer, data, warm_up, rounds, table, plot):
    """Print step times as Markdown tables."""
    rows = []
    try:
        for settings in product(neurons, sources, batch, bins, sparse, threads):
            rows.append(in_own_process(measure, *settings, data, warm_up, rounds, peer))
            click.echo(".", nl=False, err=True)
    except InfosimError as error:
        raise BadInput(str(error)) from None
    click.echo(err=True)
    click.echo(f"data {data}, after {warm_up} steps, medians of {10 * rounds}\n")
    _print_steps(rows, peer)
    click.echo("\nParts of a step on one thread, ms:\n")
    _print_parts(rows)
    if table:
        write_numbers(table, rows, 5)
    if plot:
        draw_growth(rows, plot)


def write_numbers(path, rows, digits):
    """Rows (dicts) as CSV, floats with so many significant digits."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(
            {k: f"{v:.{digits}g}" if isinstance(v, float) else v for k, v in row.items()}
            for row in rows
        )


def markdown(header, rows):
    """Print a Markdown table."""
    click.echo("| " + " | ".join(header) + " |")
    click.echo("|" + "---|" * len(header))
    for row in rows:
        click.echo("| " + " | ".join(row) + " |")


def _print_steps(rows, chosen):
    header = ["neurons", "sources", "batch", "bins", "lateral", "threads", "cells", "step, ms"]
    header += ["quartiles", "its products, ms", "ratio", "peak memory, MB"]
    header += [f"{peer}, ms (times ours)" for peer in chosen]
    markdown(
        header,
        [
            [
                *(str(row[name]) for name in COLUMNS[:6]),
                f"{row['cells']:.0f}",
                f"{row['step_ms']:.2f}",
                f"{row['low_ms']:.2f} to {row['high_ms']:.2f}",
                f"{row['products_ms']:.2f}",
                f"{row['ratio']:.2f}",
                f"{row['peak_mb']:.0f}",
                *(f"{row[f'{peer}_ms']:.1f} ({row[f'{peer}_ratio']:.1f})" for peer in chosen),
            ]
            for row in rows
        ],
    )


def _print_parts(rows):
    parts = [*timing.STAGES, "event loop"]
    markdown(
        ["neurons", "sources", "batch", "bins", "lateral", *parts, "event loop, share"],
        [
            [
                *(str(row[name]) for name in COLUMNS[:5]),
                *(f"{row[f'{part}_ms']:.2f}" for part in parts),
                f"{row['event loop_ms'] / sum(row[f'{part}_ms'] for part in parts):.1%}",
            ]
            for row in rows
        ],
    )


def exponent(rows):
    """The exponent a of the fit time = c workᵃ over layers of 100 to 2000 neurons, if there are."""
    fitted = [row for row in rows if 100 <= row["neurons"] <= 2000]
    fitted = fitted if len(fitted) > 1 else rows
    work, step = ([row[name] for row in fitted] for name in ("gflop", "step_ms"))
    return float(np.polyfit(np.log(work), np.log(step), 1)[0])


def draw_growth(rows, path):
    """Step time against the floating-point work of its products, with the fitted exponent."""
    from infosim.plotting import figure, style

    with style():
        made = figure(5.0, 3.4)
        ax = made.subplots()
        for threads in sorted({row["threads"] for row in rows}):
            chosen = [row for row in rows if row["threads"] == threads]
            work, step = ([row[name] for row in chosen] for name in ("gflop", "step_ms"))
            label = f"step on {threads} thread{'s' * (threads > 1)}"
            if len(chosen) > 1:
                label += f", ∝ work^{exponent(chosen):.2f}"
            (line,) = ax.loglog(work, step, "o-", label=label)
            products = [row["products_ms"] for row in chosen]
            ax.loglog(work, products, ":", color=line.get_color(), label="its matrix products")
            for i, (row, x, y) in enumerate(zip(chosen, work, step, strict=True)):
                said = f"{row['neurons']}{' neurons' * (row is chosen[-1])}"
                where, side = ((-4, 5), "right") if i else ((-2, 7), "left")  # off the axis
                ax.annotate(said, (x, y), where, textcoords="offset points", ha=side)
        ax.set_xlabel("work of the matrix products (GFLOP)")
        ax.set_ylabel("time per training step (ms)")
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(lambda value, position: f"{value:g}")
        ax.legend(loc="upper left")
        made.savefig(path)


if __name__ == "__main__":
    main()
