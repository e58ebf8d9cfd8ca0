"""Decompositions of tables, beside dit where it can: `python -m benchmarks.pid`.

Each line is a process of its own; seconds are medians, without imports but for the command, which
is all of a process; memory is the process's peak. dit is given the probabilities of the cells and
decomposes by shared exclusions, too (`dit.pid.PID_SX`); ours is given the rows.
"""

import csv
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import numpy as np

from benchmarks.step import NATURAL, in_own_process, markdown, new_file

COLUMNS = ["what", "rows", "sources", "values", "cells", "threads", "seconds", "peak_mb", "dit"]
#: of arrays and, to dit's limits, beside it: rows, sources, values
TABLES = [
    (10**6, 2, 2), (10**6, 2, 3), (10**6, 2, 4), (10**6, 2, 8), (10**6, 3, 2), (10**6, 3, 3),
    (10**6, 3, 20), (10**6, 4, 20),
]  # fmt: skip
#: cells beyond which dit is not asked, of two sources and of more
MOST_OF_DIT = 128, 16
STATISTICS = [
    ("bootstrap", 3, 4, "shared-exclusions"), ("bootstrap", 2, 4, "broja"),
    *(("bootstrap", 3, 10, measure)
      for measure in ("shared-exclusions", "minimum-mutual-information", "williams-beer")),
    ("permutations", 3, 4, "shared-exclusions"), ("permutations", 3, 10, "shared-exclusions"),
]  # fmt: skip


def table(rows, sources, values):
    """Sources (K, n) and a target of so many values, the sum of all and of noise."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, values, (sources, rows))
    return x, (x.sum(axis=0) + rng.integers(0, values, rows)) % values


def arrays(rows, sources, values, repeats):
    from infosim.pid import decompose

    x, t = table(rows, sources, values)
    seconds, d = _median(lambda: decompose(sources=list(x), target=t), repeats)
    found = _row("decompose", rows, sources, values, len(d.events), 1, seconds)
    if len(d.events) <= MOST_OF_DIT[sources > 2]:
        found["dit"] = in_own_process(of_dit, d.events.codes, d.events.mass, d.atoms)
    return found


def of_dit(codes, mass, atoms):
    """Seconds that dit takes, if it finds the same."""
    import dit.pid

    began = time.perf_counter()
    cells = ["".join(map(chr, 65 + event)) for event in codes.T]
    found = dit.pid.PID_SX(dit.Distribution(cells, list(mass)))
    theirs = [found.get_pi(node) for node in found._lattice]
    took = time.perf_counter() - began
    np.testing.assert_allclose(sorted(theirs), sorted(atoms), atol=1e-6)
    return took


def command(rows, sources, values, repeats):
    """`infosim pid` on a CSV file of numbers that are not whole, cut into bins."""
    rng = np.random.default_rng(0)
    x, t = table(rows, sources, values)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        names = "abcd"[:sources]
        with open(path, "w", encoding="utf-8") as file:
            print(*names, "y", sep=",", file=file)
            np.savetxt(file, np.vstack([x + rng.random(x.shape), t]).T, "%.6g", ",")
        call = [sys.executable, "-m", "infosim", "pid", path, "--sources", ",".join(names),
                "--target", "y", "--bins", str(values)]  # fmt: skip
        options = {"check": True, "capture_output": True, "text": True}
        seconds, done = _median(lambda: subprocess.run(call, **options), repeats)
    line = next(line for line in done.stdout.splitlines() if line.startswith("cells"))
    found = _row("infosim pid", rows, sources, values, int(line.split()[1]), 1, seconds)
    found["peak_mb"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3
    return found


def statistics(what, sources, values, measure, threads, repeats, n=1000, rows=10**4):
    from infosim.pid import decompose
    from infosim.pid.statistics import bootstrap, permutation_test

    x, t = table(rows, sources, values)
    d = decompose(sources=list(x), target=t, measure=measure)
    function = {"bootstrap": bootstrap, "permutations": permutation_test}[what]
    seconds, _ = _median(lambda: function(d, n, threads=threads), repeats)
    return _row(f"{n} {what}, {measure}", rows, sources, values, len(d.events), threads, seconds)


def pairs(threads, repeats, columns=50, rows=10**4, values=5):
    """Each two of 50 columns, and another one as the target."""
    from infosim.pid import decompose_many

    x, t = table(rows, columns, values)
    names = [f"x{i}" for i in range(columns)]
    asked = [((a, b), "t") for i, a in enumerate(names) for b in names[:i]]
    given = dict(zip(names, x, strict=True)) | {"t": t}
    seconds, found = _median(lambda: decompose_many(given, asked, threads=threads), repeats)
    cells = len(found[0].events)
    return _row(f"{len(asked)} pairs of {columns}", rows, 2, values, cells, threads, seconds)


def _median(call, repeats):
    took = []
    for _ in range(repeats):
        began = time.perf_counter()
        found = call()
        took.append(time.perf_counter() - began)
    return float(np.median(took)), found


def _row(what, rows, sources, values, cells, threads, seconds):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    given = what, rows, sources, values, cells, threads, seconds, peak, None
    return dict(zip(COLUMNS, given, strict=True))


PARTS = {
    "tables": lambda repeats: [(arrays, *one, repeats) for one in TABLES],
    "command": lambda repeats: [(command, 10**6, k, 20, repeats) for k in (3, 4)],
    "statistics": lambda repeats: [(statistics, *one, 1, repeats) for one in STATISTICS],
    "threads": lambda repeats: [(statistics, *STATISTICS[2], 2, repeats), (pairs, 2, repeats)],
    "pairs": lambda repeats: [(pairs, 1, repeats)],
}


@click.command()
@click.option("--part", "parts", type=click.Choice(list(PARTS)), multiple=True,
              help="Of what is measured; repeatable  [default: all]")  # fmt: skip
@click.option("--repeats", default=3, show_default=True, type=NATURAL)
@click.option("--csv", "path", callback=new_file, help="Write all numbers there.")
def main(parts, repeats, path):
    """Print seconds and memory of decompositions as a Markdown table."""
    rows = []
    for part in parts or PARTS:
        for function, *given in PARTS[part](repeats):
            rows.append(in_own_process(function, *given))
            click.echo(".", nl=False, err=True)
    click.echo(err=True)
    markdown(COLUMNS, [[_shown(row[name]) for name in COLUMNS] for row in rows])
    if path:
        with open(path, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows([_shown(row[name]) for name in COLUMNS] for row in rows)


def _shown(value):
    return "" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
