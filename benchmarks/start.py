"""How long until the first batch: `python -m benchmarks.start`.

As after installing it is in an environment with what infosim needs and nothing else:

    python -m venv clean && clean/bin/pip install -e .
    python -m benchmarks.start --python clean/bin/python

With `--before ../old` another checkout does the same in turn with this one, in changing order, and
medians of both stand beside the median of their ratios.

Each line is `infosim train` of a preset on the bundled digits in a process of its own, from the
start of Python to the end of the first batch, which is shown and measured before anything is
learned, and of the first that weights learn from, and a whole `infosim demo`: with an empty kernel
cache (as after installing), with the cache it left, and where no cache can be kept. In brackets are
the seconds of the processor, which tell more than the others where it is not free; those of a
second process that compiles are among them. Python's own modules are kept compiled, as they are by
an installation.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import numpy as np

from benchmarks.step import markdown

_FIRST = """
import time
from contextlib import nullcontext
from infosim.cli import main, train
def report(training, epochs):
    if (training.epoch, training.position) > {after}:
        print(time.monotonic(), flush=True)
        raise SystemExit
train.reporting = lambda *told: nullcontext(report)
main(["train", {preset!r}, "--dataset", {dataset!r}, "--set", "training.batch=256",
      "--out", {out!r}])
"""


#: Python may keep the modules it has compiled.
_ENVIRONMENT = {name: one for name, one in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

#: What is over when a run stops: nothing, and the epoch that only measures.
_ANY, _LEARNED = (0, 0), (1, 0)


class Installed:
    """A checkout, as an interpreter starts it."""

    def __init__(self, python, checkout):
        self._python, self._checkout = python, checkout

    def seconds(self, code, cache):
        """Seconds by the clock, to its end or when it says it is, and of the processor."""
        began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        said = subprocess.run(
            [self._python, "-W", "ignore", "-c", code],
            env=_ENVIRONMENT | {"NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(self._checkout)},
            cwd=self._checkout,
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
        took = float(said or time.monotonic()) - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def first_batch(self, cache, folder, after, **of):
        out = str(Path(folder) / f"run{time.monotonic_ns()}")
        return self.seconds(_FIRST.format(out=out, after=after, **of), cache)

    def demo(self, cache, folder):
        code = "import sys; from infosim.cli import main; main(['demo', '-q', '--out', {out!r}])"
        out = str(Path(folder) / f"demo{time.monotonic_ns()}")
        return self.seconds(code.format(out=out), cache)

    def all(self, folder, **of):
        """{what is kept: [(wall, cpu) of the first batch, the first learned from, a demo]}."""
        caches = [Path(folder) / name for name in ("first", "learned", "demo")]
        found = {
            name: [
                self.first_batch(caches[0], folder, _ANY, **of),
                self.first_batch(caches[1], folder, _LEARNED, **of),
                self.demo(caches[2], folder),
            ]
            for name in ("empty cache", "cache left by that")
        }
        found["no cache"] = [
            self.first_batch(os.devnull, folder, after, **of) for after in (_ANY, _LEARNED)
        ] + [(float("nan"),) * 2]
        return found


@click.command()
@click.option("--preset", default="iclr/trivariate-optimized", show_default=True)
@click.option("--dataset", default="digits", show_default=True)
@click.option("--repeats", default=3, show_default=True, type=click.IntRange(min=1))
@click.option("--python", default=sys.executable, help="Of another environment.")
@click.option("--before", type=click.Path(exists=True, path_type=Path), help="Another checkout.")
def main(preset, dataset, repeats, python, before):
    """Print the table as Markdown, medians over repeats."""
    here = Path(__file__).absolute().parents[1]
    checkouts = [Installed(python, path.absolute()) for path in filter(None, (before, here))]
    found = [[] for _ in checkouts]
    for repeat in range(repeats + 1):
        turn = list(enumerate(checkouts))
        for which, checkout in turn if repeat % 2 else turn[::-1]:
            with tempfile.TemporaryDirectory() as folder:
                if repeat == 0:  # modules are compiled
                    checkout.demo(os.devnull, folder)
                else:
                    found[which].append(checkout.all(folder, preset=preset, dataset=dataset))
    header = ["", f"first batch of {dataset}, s", "first that is learned from, s", "demo, s"]
    rows = []
    for name in found[0][0]:
        seconds = np.array([[one[name] for one in each] for each in found])  # (., repeats, 3, 2)
        rows.append([name, *map(_told, *np.median(seconds, axis=1), *_ratios(seconds))])
    markdown(header, rows)


def _ratios(seconds):
    """The median over repeats of what the last takes of the first one's time; none of one."""
    return [np.median(seconds[-1] / seconds[0], axis=0)] if len(seconds) > 1 else []


def _told(*numbers):
    """Seconds "wall (cpu)" of each checkout, and their ratio, for a field of the table."""
    if np.isnan(numbers[0][0]):
        return "-"
    before = f"{numbers[0][0]:.1f} ({numbers[0][1]:.1f})"
    if len(numbers) == 1:
        return before
    _, (now, now_cpu), (ratio, cpu_ratio) = numbers
    return f"{before} to {now:.1f} ({now_cpu:.1f}): {ratio:.2f} ({cpu_ratio:.2f})"


if __name__ == "__main__":
    main()
