"""The figure and the table of docs/measures.md: the same goals under each measure of redundancy.

Carries out the runs of scripts/measures.toml that were not made yet.
"""

from pathlib import Path

import click
import matplotlib.pyplot as plt
import numpy as np

from infosim import plotting
from infosim.experiments import store
from scripts.command import told_in_a_line
from scripts.files import ROOT
from scripts.files import table as as_csv
from scripts.goals import ATOMS, carried_out, minus
from scripts.pages import percent, put_table

SWEEP = ROOT / "scripts" / "measures.toml"
PAGE = ROOT / "docs" / "measures.md"
FIGURE = ROOT / "docs" / "measures"
COLORS = {
    "shared-exclusions": "#0072b2",
    "minimum-mutual-information": "#e69f00",
    "williams-beer": "#009e73",
}
_FOLDER = click.Path(path_type=Path)


def summed_up(runs):
    """A dict for each goal and measure: errors of its seeds, and hidden neurons' mean atoms."""
    found = {}
    for settings, one in runs:
        key = settings["layers.hidden.goal"], settings["layers.hidden.measure"]
        found.setdefault(key, []).append(one)
    for (goal, measure), some in found.items():
        labels = some[0].labels["hidden"]
        atoms = np.mean([one.atoms["hidden"][-1] for one in some], axis=(0, 1))
        yield {
            "goal": goal,
            "measure": measure,
            "errors": [float(one.metrics["test_error"][-1]) for one in some],
            **{label: float(atoms[labels.index(label)]) for label in ATOMS},
        }


def draw(rows):
    """Errors, a dot for each seed, beside atoms, a bar for each measure; a row for each goal."""
    goals = list(dict.fromkeys(row["goal"] for row in rows))
    figure, axes = plt.subplots(
        len(goals), 2, figsize=(8, 1.35 * len(goals) + 0.6), squeeze=False, sharex="col",
        width_ratios=(2, 3), layout="constrained",
    )  # fmt: skip
    for (left, right), goal in zip(axes, goals, strict=True):
        some = [row for row in rows if row["goal"] == goal]
        for i, row in enumerate(some):
            color, label = COLORS[row["measure"]], row["measure"]
            errors = 100 * np.array(row["errors"])
            left.plot(errors, [-i] * len(errors), "o", color=color, alpha=0.6, clip_on=False)
            left.plot(np.median(errors), -i, "|", color=color, markersize=14)
            places = np.arange(len(ATOMS)) + 0.25 * (i - 1)
            right.bar(places, [row[atom] for atom in ATOMS], 0.22, color=color, label=label)
        left.set(yticks=[], ylim=(-len(some) + 0.4, 0.6), title=goal)
        right.axhline(0, color="#555555", linewidth=0.6)
        right.set(ylabel="bits", xticks=range(len(ATOMS)), xticklabels=ATOMS)
    axes[-1, 0].set(xlabel="test error, %", xlim=(0, None))
    axes[0, 1].legend(fontsize="small")
    return figure


@click.command(help=__doc__)
@click.option("--sweep", type=_FOLDER, default=SWEEP, show_default=True, help="Its runs.")
@click.option("--page", type=_FOLDER, default=PAGE, show_default=True, help="Whose table it is.")
@click.option("--figure", type=_FOLDER, default=FIGURE, help="The figure's name, without ending.")
@click.option("--out", type=_FOLDER, default=ROOT / "runs" / "measures", help="Folder of the runs.")
@click.option("--jobs", type=int, help="Processes (default: the CPUs).")
@told_in_a_line()
def main(sweep, page, figure, out, jobs):
    """Run, draw, summarise, write."""
    rows = list(summed_up(carried_out(sweep, out, jobs)))
    head = ["goal", "measure", "test error", *ATOMS]
    lines = [
        [f"`{row['goal']}`", row["measure"], f"{percent(np.median(row['errors']), 1)} %"]
        + [minus(f"{row[atom]:.2f}") for atom in ATOMS]
        for row in rows
    ]
    put_table(page, head, lines, right=len(head) - 2)
    with plotting.style():
        drawn = draw(rows)
        with store.atomic(figure.with_suffix(".png")) as file:
            plotting.save(drawn, file, "png", dpi=200)
    flat = [{**row, "errors": " ".join(f"{e:.6g}" for e in row["errors"])} for row in rows]
    store.write_text(figure.with_suffix(".csv"), as_csv(flat, list(flat[0])))
    click.echo(page)


if __name__ == "__main__":
    main()
