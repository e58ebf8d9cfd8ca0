"""Many runs at once: `python -m benchmarks.sweep`.

Two tables. Replicas simulated side by side beside as many one after the other, by layer size and
number of threads; and the throughput of a sweep on one single-threaded Dask worker and on two.
"""

import tempfile
import time
from pathlib import Path

import click
import numpy as np

from benchmarks.step import BadInput, integers, markdown
from infosim.bench import timing
from infosim.errors import InfosimError
from infosim.experiments import Experiment
from infosim.experiments.sweep import Sweep, run_sweep
from infosim.extras import need

PRESET = "demo/digits"
SWEEP = """
preset = "demo/digits"
seeds = 16
[set]
training.epochs = 200
"""


def stacked(neurons, replicas, batch, threads):
    """Milliseconds of a training step per replica: one alone, and so many side by side."""
    from infosim.datasets import load

    settings = [f"layers.hidden.size={neurons}", f"training.batch={batch}"]
    experiment, dataset = Experiment.load(PRESET, settings), load("digits")
    steps = {n: timing.Step(experiment, dataset, threads, replicas=n) for n in (1, replicas)}
    seconds = timing.alternate(steps)
    return [1e3 * float(np.median(values)) / n for n, values in seconds.items()]


def throughput(workers):
    """Runs per second of a sweep on so many Dask workers of one thread each."""
    distributed = need("distributed", "cluster")
    options = {"threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with (
        tempfile.TemporaryDirectory() as folder,
        distributed.LocalCluster(n_workers=workers, silence_logs="ERROR", **options) as cluster,
    ):
        path = Path(folder) / "some.toml"
        path.write_text(SWEEP, "utf-8")
        sweep = Sweep.load(path)
        first = Sweep("first", sweep.runs[: 2 * workers], sweep.text)
        address = cluster.scheduler_address
        run_sweep(first, Path(folder) / "first", scheduler=address)  # compiles, loads
        began = time.perf_counter()
        run_sweep(sweep, Path(folder) / "whole", scheduler=address)
        return len(sweep.runs) / (time.perf_counter() - began)


@click.command()
@click.option("--neurons", default="5,20,100", show_default=True, callback=integers)
@click.option("--batch", default="32,288", show_default=True, callback=integers)
@click.option("--replicas", default=16, show_default=True)
@click.option("--dask/--no-dask", default=True, help="Also measure Dask workers.")
def main(neurons, batch, replicas, dask):
    """Print both tables as Markdown."""
    try:
        click.echo(f"{PRESET}, ms of a training step per replica, medians of 50:\n")
        rows = []
        for n in neurons:
            for b in batch:
                for threads in (1, 2):
                    alone, together = stacked(n, replicas, b, threads)
                    gain = f"{alone / together:.2f}"
                    rows.append(
                        [str(n), str(b), str(threads), f"{alone:.3f}", f"{together:.3f}", gain]
                    )
        side = f"{replicas} side by side"
        markdown(["neurons", "batch", "threads", "alone", side, "times faster"], rows)
        if dask:
            click.echo("\n16 runs of 200 epochs, 100 neurons, runs per second:\n")
            one, two = throughput(1), throughput(2)
            markdown(
                ["one worker", "two workers", "times"],
                [[f"{one:.2f}", f"{two:.2f}", f"{two / one:.2f}"]],
            )
    except InfosimError as error:
        raise BadInput(str(error)) from None


if __name__ == "__main__":
    main()
