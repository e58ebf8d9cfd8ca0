"""How long until the first batch: `python -m benchmarks.start`.

As after installing it is in an environment with what infosim needs and nothing else:

    python -m venv clean && clean/bin/pip install -e .
    python -m benchmarks.start --python clean/bin/python

Each line is `infosim train` on the bundled digits in a process of its own, from the start of Python
to the end of the first batch, which is shown and measured before anything is learned, and of the
first that weights learn from, and a whole `infosim demo`: with an empty kernel cache (as after
installing), with the cache it left, and where no cache can be kept. In brackets are the seconds of
the processor, which tell more than the others where it is not free; those of a second process that
compiles are among them. Python's own modules are kept compiled, as they are by an installation.
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
main(["train", "iclr/trivariate-optimized", "--dataset", {dataset!r}, "--set", "training.batch=256",
      "--out", {out!r}])
"""


#: Python may keep the modules it has compiled.
_ENVIRONMENT = {name: one for name, one in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

#: What is over when a run stops: nothing, and the epoch that only measures.
_ANY, _LEARNED = (0, 0), (1, 0)


def _seconds(python, code, cache):
    """Seconds by the clock, to its end or when it says it is, and of the processor."""
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    said = subprocess.run(
        [python, "-W", "ignore::UserWarning", "-c", code],
        env=_ENVIRONMENT | {"NUMBA_CACHE_DIR": str(cache)},
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    took = float(said or time.monotonic()) - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _first_batch(python, cache, folder, dataset, after):
    out = str(Path(folder) / f"run{time.monotonic_ns()}")
    return _seconds(python, _FIRST.format(dataset=dataset, out=out, after=after), cache)


def _demo(python, cache, folder):
    code = "import sys; from infosim.cli import main; main(['demo', '-q', '--out', {out!r}])"
    return _seconds(
        python, code.format(out=str(Path(folder) / f"demo{time.monotonic_ns()}")), cache
    )


@click.command()
@click.option("--dataset", default="digits", show_default=True)
@click.option("--repeats", default=3, show_default=True)
@click.option("--python", default=sys.executable, help="Of another environment.")
def main(dataset, repeats, python):
    """Print the table as Markdown, medians over repeats."""
    found = {"empty cache": [], "cache left by that": [], "no cache": []}
    with tempfile.TemporaryDirectory() as folder:
        _demo(python, os.devnull, folder)  # modules are compiled
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            caches = [Path(folder) / name for name in ("first", "learned", "demo")]
            for name in ("empty cache", "cache left by that"):
                found[name].append([
                    _first_batch(python, caches[0], folder, dataset, _ANY),
                    _first_batch(python, caches[1], folder, dataset, _LEARNED),
                    _demo(python, caches[2], folder),
                ])  # fmt: skip
            found["no cache"].append([
                _first_batch(python, os.devnull, folder, dataset, after)
                for after in (_ANY, _LEARNED)
            ] + [(float("nan"),) * 2])  # fmt: skip
            size = sum(file.stat().st_size for file in caches[1].rglob("*") if file.is_file())
    header = ["", f"first batch of {dataset}, s", "first that is learned from, s", "demo, s"]
    markdown(
        header,
        [
            [name, *(f"{wall:.1f} ({cpu:.1f})" if wall == wall else "-" for wall, cpu in medians)]
            for name, values in found.items()
            for medians in [np.median(values, axis=0)]
        ],
    )
    click.echo(f"\nThe cache takes {size / 1e6:.1f} MB.")


if __name__ == "__main__":
    main()
