"""A training step of two checkouts, in turn: `python -m benchmarks.paired --before ../old`.

Each checkout has a process of its own that waits while the other works. A pair is a group of steps
of one and then of the other, in changing order; what is compared is the ratio of their medians.
The interval is that of the median ratio over pairs, by bootstrap (2000 resamples, 95 %).
"""

import json
import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import click
import numpy as np

from benchmarks.step import BadInput, integers, markdown

_COLUMNS = [
    "neurons", "sources", "batch", "threads", "before, ms", "now, ms", "ratio", "95 %",
    "pairs",
]  # fmt: skip

#: What a process does: make its step, and then a group of steps for every line it is sent.
_PROGRAM = """
import json, sys, time
from infosim.datasets import load
from infosim.experiments import Experiment
try:
    from infosim.bench import timing
except ImportError:  # before it had a package of its own
    from infosim.experiments import timing
neurons, sources, batch, threads, group = map(int, sys.argv[2:])
settings = [f"layers.hidden.size={neurons}", f"training.batch={batch}", "data.validation=0"]
experiment = Experiment.load(timing.PRESETS[sources], settings)
data = timing.noise(4 * batch) if sys.argv[1] == "noise" else load(sys.argv[1])
step = timing.Step(experiment, data, threads)
for _ in range(30):
    step()
print(json.dumps(timing.__file__), flush=True)
for _ in sys.stdin:
    seconds = []
    step()
    step()
    for _ in range(group):
        step.draw()
        began = time.perf_counter()
        step.train()
        seconds.append(time.perf_counter() - began)
    print(json.dumps(sorted(seconds)[group // 2]), flush=True)
"""


class _Process:
    """A checkout's step in a process of its own."""

    def __init__(self, checkout, *settings):
        environment = {**os.environ, "PYTHONPATH": str(checkout)}
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, *map(str, settings)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=checkout,
        )  # fmt: skip
        self._checkout = checkout

    def __enter__(self):
        try:
            found = Path(self._answer())
            if self._checkout.resolve() not in found.resolve().parents:
                raise BadInput(f"{self._checkout} is no checkout: {found} was used")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error):
        with self._process:  # closes its pipes and waits
            pass

    def _answer(self):
        line = self._process.stdout.readline()
        if not line:
            raise BadInput(f"the process of {self._checkout} ended; what it said is above")
        return json.loads(line)

    def __call__(self):
        """The median seconds of a group of steps."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._answer()


def interval(ratios, resamples=2000):
    """The 95 % bootstrap interval of the median of `ratios`."""
    rng = np.random.default_rng(0)
    drawn = rng.choice(ratios, (resamples, len(ratios)))
    return np.percentile(np.median(drawn, axis=1), [2.5, 97.5])


@click.command()
@click.option("--before", type=click.Path(exists=True, path_type=Path), required=True,
              help="The other checkout.")  # fmt: skip
@click.option("--neurons", default="100", callback=integers)
@click.option("--sources", default="3", callback=integers, help="Compartments, 2 to 4.")
@click.option("--batch", default="1024", callback=integers)
@click.option("--threads", default="2", callback=integers)
@click.option("--data", default="noise", show_default=True, help="noise, dense, or a data set.")
@click.option("--pairs", default=40, show_default=True, type=click.IntRange(min=5))
@click.option("--group", default=15, show_default=True, help="Steps of a group.")
def main(before, neurons, sources, batch, threads, data, pairs, group):
    """Time a training step of this checkout and of another one in turn, and compare."""
    here, rows = Path(__file__).parents[1], []
    for settings in product(neurons, sources, batch, threads):
        seconds = np.empty((pairs, 2))
        with (
            _Process(before.absolute(), data, *settings, group) as old,
            _Process(here, data, *settings, group) as new,
        ):
            for pair in range(pairs):
                for which in (0, 1) if pair % 2 else (1, 0):
                    seconds[pair, which] = (old, new)[which]()
        ratios = seconds[:, 1] / seconds[:, 0]
        low, high = interval(ratios)
        medians = 1e3 * np.median(seconds, axis=0)
        rows.append([
            *map(str, settings), *(f"{one:.3f}" for one in medians), f"{np.median(ratios):.3f}",
            f"{low:.3f} to {high:.3f}", str(pairs),
        ])  # fmt: skip
        click.echo(f"{settings}: {rows[-1][-3]} ({rows[-1][-2]})", err=True)
    markdown(_COLUMNS, rows)


if __name__ == "__main__":
    main()
