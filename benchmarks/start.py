"""How long until the first batch: `python -m benchmarks.start`.

Each line is `infosim train` on the bundled digits in a process of its own, from the start of Python
to the end of the first training batch, and to the end of a whole `infosim demo`: with an empty
kernel cache (as after installing), with the cache it left, and where no cache can be kept.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import numpy as np

from benchmarks.step import markdown

_FIRST = """
import infosim.experiments as e
class Done(Exception): pass
def report(training, epochs):
    raise Done
try:
    e.train(e.Experiment.load("iclr/trivariate-optimized", {overrides}), {out!r}, report=report)
except Done:
    pass
"""


def _seconds(code, cache):
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-W", "ignore::UserWarning", "-c", code],
        env=os.environ | {"NUMBA_CACHE_DIR": str(cache)},
        check=True,
    )
    return time.perf_counter() - began


def _first_batch(cache, folder, dataset):
    overrides = [f"data.name='{dataset}'", "training.batch=256"]
    out = str(Path(folder) / f"run{time.monotonic_ns()}")
    return _seconds(_FIRST.format(overrides=overrides, out=out), cache)


def _demo(cache, folder):
    code = "import sys; from infosim.cli import main; main(['demo', '-q', '--out', {out!r}])"
    return _seconds(code.format(out=str(Path(folder) / f"demo{time.monotonic_ns()}")), cache)


@click.command()
@click.option("--dataset", default="digits", show_default=True)
@click.option("--repeats", default=3, show_default=True)
def main(dataset, repeats):
    """Print the table as Markdown, medians over repeats."""
    found = {"empty cache": [], "cache left by that": [], "no cache": []}
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            cache = Path(folder) / "cache"
            found["empty cache"].append(
                (_first_batch(cache, folder, dataset), _demo(Path(folder) / "other", folder))
            )
            found["cache left by that"].append(
                (_first_batch(cache, folder, dataset), _demo(Path(folder) / "other", folder))
            )
            found["no cache"].append((_first_batch(os.devnull, folder, dataset), float("nan")))
            size = sum(file.stat().st_size for file in cache.rglob("*") if file.is_file())
    header = ["", f"first batch of `infosim train` on {dataset}, s", "`infosim demo`, s"]
    markdown(
        header,
        [
            [name, *(f"{v:.1f}" if v == v else "-" for v in np.median(values, axis=0))]
            for name, values in found.items()
        ],
    )
    click.echo(f"\nThe cache takes {size / 1e6:.1f} MB.")


if __name__ == "__main__":
    main()
