"""How long each preset trains on this machine, as `infosim train NAME --dry-run` estimates it.

Written to scripts/site/times.csv, row by row, for the presets that have none there; `--again`
measures those that have one, too. Presets whose data are not there are left out.
"""

import csv
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from infosim.errors import DataError
from infosim.experiments import Experiment, preset_names, store
from infosim.experiments.rehearsal import rehearse
from scripts.command import told_in_a_line
from scripts.files import ROOT, table
from scripts.timing import machine

PATH = ROOT / "scripts" / "site" / "times.csv"
COLUMNS = ("preset", "epochs", "seconds", "machine")


def known(path):
    """Preset -> what was measured."""
    if not path.exists():
        return {}
    with open(path, newline="", encoding="utf-8") as file:
        return {row["preset"]: row for row in csv.DictReader(file)}


@click.command(help=__doc__)
@click.option("--again", is_flag=True, help="Measure all of them.")
@click.option("--only", help="A preset, and no other.")
@click.option("--path", type=click.Path(path_type=Path), default=PATH, help="The table.")
@told_in_a_line()
def main(again, only, path):
    """Measure and write."""
    rows = known(path)
    for name in [only] if only else preset_names():
        experiment = Experiment.load(name)
        if not experiment.config["data"]["name"] or (name in rows and not (again or only)):
            continue
        with TemporaryDirectory() as folder:
            try:
                times = rehearse(experiment, Path(folder) / "run").times
            except DataError as error:
                click.echo(f"{name}: {error}")
                continue
        rows[name] = dict(
            zip(COLUMNS, (name, times.epochs - 1, round(times.total, 1), machine()), strict=True)
        )
        store.write_text(path, table([rows[one] for one in sorted(rows)], COLUMNS))
        click.echo(f"{name}: {times.total:.1f} s")


if __name__ == "__main__":
    main()
