"""`infosim data`: what data sets there are, and how to get and check them."""

import sys
from pathlib import Path

import click

from infosim.cli.own import given, own_data


@click.group()
def data():
    """List, download, verify and import data sets.

    They are kept in the folder INFOSIM_DATA if that is set, else in the user's cache folder.
    """


@data.command("list")
def list_():
    """Show every data set, where it is and whether it is intact, or that it is generated."""
    from infosim import datasets

    for name in datasets.names():
        click.echo(_line(datasets.status(name)))
    click.echo(f"cache: {datasets.cache_dir()}")


@data.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def fetch(names):
    """Download data sets, unless they are there and intact."""
    from infosim import datasets

    for name in names:
        datasets.fetch(name, progress=sys.stderr.isatty())
        click.echo(_line(datasets.status(name)))


@data.command()
@click.argument("names", nargs=-1, metavar="[NAME...]")
def verify(names):
    """Check the content of data sets, by default of all that are there."""
    from infosim import datasets
    from infosim.errors import DataError

    problems = []
    for name in names or datasets.names():
        status = datasets.status(name)
        click.echo(_line(status))
        if status.state == "damaged" or (names and status.problem):
            problems.append(status.problem)
    if problems:
        raise DataError(" | ".join(problems))


@data.command("import")
@click.argument("directory", metavar="DIR")
def import_(directory):
    """Copy the data sets whose files lie in DIR into the cache."""
    from infosim import datasets

    for name in datasets.import_dir(directory):
        click.echo(_line(datasets.status(name)))


@data.command()
@click.argument("path", metavar="FILE_OR_FOLDER", type=click.Path(path_type=Path))
@own_data
def describe(path, **options):
    """Say what a table, array or folder of images of your own holds, and what becomes of it.

    A table is CSV, with the names of its columns in the first row, or Parquet; arrays are .npz of x
    and y, .npy or IDX; images lie in a folder for each class.
    """
    from infosim.datasets.own.describe import describe

    for line in describe(path, **given(options)):
        click.echo(line)


def _line(status):
    """One line of a table: name, state, size and folder."""
    size = f"{status.size / 1e6:.1f} MB" if status.size else ""
    return f"{status.name:<14}{status.state:<16}{size:>9}  {status.path or ''}".rstrip()
