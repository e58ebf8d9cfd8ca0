"""The table of docs/prediction.md: a single draw, the mean of several, and no chance at all.

Carries out the runs of scripts/predictions.toml that were not made yet.
"""

from pathlib import Path

import click
import numpy as np

from infosim.experiments import Experiment, store
from scripts.command import told_in_a_line
from scripts.files import ROOT
from scripts.files import table as as_csv
from scripts.goals import carried_out
from scripts.pages import percent, put_table

SWEEP = ROOT / "scripts" / "predictions.toml"
PAGE = ROOT / "docs" / "prediction.md"
TABLE = ROOT / "docs" / "prediction.csv"
#: What is said of a reading -> how it is asked for.
READINGS = {
    "a single draw": {},
    **{f"the mean of {n}": {"presentations": n} for n in (4, 16, 64)},
    "no chance": {"sampled": False},
}
_FOLDER = click.Path(path_type=Path)


def errors(runs):
    """Test errors of every reading, of each run: (settings, reading, error)."""
    for settings, run in runs:
        experiment = Experiment(run.path.name, run.config)
        test, simulator = experiment.samples(experiment.dataset())[2], run.simulator()
        labels = test.labels(simulator.network.target)
        for reading, options in READINGS.items():
            yield settings, reading, 1 - simulator.score(test, labels, **options)


@click.command(help=__doc__)
@click.option("--sweep", type=_FOLDER, default=SWEEP, show_default=True, help="Its runs.")
@click.option("--page", type=_FOLDER, default=PAGE, show_default=True, help="Whose table it is.")
@click.option("--table", type=_FOLDER, default=TABLE, show_default=True, help="All errors, as CSV.")
@click.option("--out", type=_FOLDER, default=ROOT / "runs" / "predictions", help="Of the runs.")
@click.option("--jobs", type=int, help="Processes (default: the CPUs).")
@told_in_a_line()
def main(sweep, page, table, out, jobs):
    """Run, predict, write."""
    found, flat = {}, []
    for settings, reading, error in errors(carried_out(sweep, out, jobs)):
        goal = settings["layers.hidden.goal"]
        found.setdefault(goal, {}).setdefault(reading, []).append(error)
        seed = settings["training.seed"]
        flat.append({"goal": goal, "seed": seed, "reading": reading, "error": f"{error:.6g}"})
    lines = [
        [f"`{goal}`", *(_shown(by_reading[reading]) for reading in READINGS)]
        for goal, by_reading in found.items()
    ]
    put_table(page, ["goal", *READINGS], lines, right=len(READINGS))
    store.write_text(table, as_csv(flat, list(flat[0])))
    click.echo(page)


def _shown(errors):
    """The median of some errors, and their range, in %."""
    median, least, most = np.median(errors), min(errors), max(errors)
    return f"{percent(median)} ({percent(least)}–{percent(most)})"


if __name__ == "__main__":
    main()
