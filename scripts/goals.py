"""The table of docs/goals.md: what each classical goal teaches the same small network.

Carries out the runs of scripts/goals.toml that were not made yet and puts what they came to into
the page.
"""

from pathlib import Path

import click
import numpy as np

import infosim
from infosim.errors import ConfigError
from infosim.experiments.sweep import Sweep, run_sweep
from infosim.kernels.workers import available
from scripts.command import told_in_a_line
from scripts.files import ROOT
from scripts.pages import percent, put_table

SWEEP = ROOT / "scripts" / "goals.toml"
PAGE = ROOT / "docs" / "goals.md"
SPLITS = ("train", "test")
ATOMS = ("{F}", "{C}", "{F}{C}", "{FC}", "H_res")
_FOLDER = click.Path(path_type=Path)


def rows(found):
    """A row of the table for each goal.

    found : goal -> the `RunResults` of its seeds
    """
    for goal, some in found.items():
        errors = (np.median([one.metrics[f"{s}_error"][-1] for one in some]) for s in SPLITS)
        atoms = np.mean([one.atoms["hidden"][-1] for one in some], axis=(0, 1))
        labels = some[0].labels["hidden"]
        bits = (minus(f"{atoms[labels.index(label)]:.2f}") for label in ATOMS)
        yield [f"`{goal}`", *(f"{percent(e, 1)} %" for e in errors), *bits]


def minus(number):
    """With a proper minus, and without one before zero."""
    return number.replace("-", "−") if float(number) else number.lstrip("-")


def carried_out(sweep, out, jobs=None):
    """The runs of a sweep file, made in `out` unless they are there: (settings, `RunResults`).

    Raises
    ------
    ConfigError : a run failed
    """
    plan = Sweep.load(sweep)
    status = run_sweep(plan, out, jobs=jobs or available(), resume=True)
    if status.failed:
        raise ConfigError(f"runs failed: {', '.join(status.failed.values())}")
    return [(run.settings, infosim.load_run(out / "runs" / run.key)) for run in plan.runs]


@click.command(help=__doc__)
@click.option("--sweep", type=_FOLDER, default=SWEEP, show_default=True, help="Its runs.")
@click.option("--page", type=_FOLDER, default=PAGE, show_default=True, help="Whose table it is.")
@click.option("--out", type=_FOLDER, default=ROOT / "runs" / "goals", help="Folder of the runs.")
@click.option("--jobs", type=int, help="Processes (default: the CPUs).")
@told_in_a_line()
def main(sweep, page, out, jobs):
    """Run, summarise, write."""
    found = {}
    for settings, one in carried_out(sweep, out, jobs):
        found.setdefault(settings["layers.hidden.goal"], []).append(one)
    head = ["goal", "training error", "test error", *ATOMS]
    put_table(page, head, rows(found), right=len(head) - 1)
    click.echo(page)


if __name__ == "__main__":
    main()
