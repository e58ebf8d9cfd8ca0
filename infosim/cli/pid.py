"""`infosim pid`."""

from pathlib import Path

import click


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--sources", required=True, help="Columns of the sources, comma-separated, 1 to 4.")
@click.option("--target", required=True, help="Column of the target.")
@click.option("--bins", type=int, help="Cut numeric columns into this many bins of equal width.")
def pid(file, sources, target, bins):
    """Decompose the information that columns of a CSV FILE carry about another column.

    Every distinct value counts as one outcome unless --bins is given.
    """
    from infosim.analysis.tables import read_columns
    from infosim.pid import decompose

    names = [name.strip() for name in sources.split(",")]
    columns = read_columns(file, [*names, target], bins)
    click.echo(decompose(sources={name: columns[name] for name in names}, target=columns[target]))
