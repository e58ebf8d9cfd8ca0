"""`infosim pid`."""

from pathlib import Path

import click


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--sources", required=True, help="Columns of the sources, comma-separated, 1 to 4.")
@click.option("--target", required=True, help="Column of the target.")
@click.option(
    "--bins", type=int, help="Cut sources of more distinct numbers into bins of equal width."
)
@click.option("--target-bins", type=int, help="The same for the target, which --bins leaves alone.")
@click.option(
    "--missing",
    type=click.Choice(["error", "drop", "value"]),
    default="error",
    show_default=True,
    help="Rows in which a cell is missing: refuse them, drop them, or count missing as a value.",
)
@click.option(
    "--missing-tokens",
    metavar="A,B,...",
    help="What says that a cell is missing, which an empty one always is  [default: nan, na, n/a, "
    "null, none, nat, <na>, #n/a, in capitals or not]",
)
@click.option(
    "--measure",
    default="shared-exclusions",
    show_default=True,
    help="Of redundancy: shared-exclusions, minimum-mutual-information or williams-beer.",
)
def pid(file, sources, target, bins, target_bins, missing, missing_tokens, measure):
    """Decompose the information that columns of a CSV FILE carry about another column.

    Every distinct value counts as one outcome unless bins are asked for. Where all cells of a
    column are numbers, 1, 1.0 and 1e0 are one value.
    """
    from infosim.analysis.tables import read_columns
    from infosim.pid import decompose

    names = [name.strip() for name in sources.split(",")]
    tokens = missing_tokens
    if tokens is not None:
        tokens = [token.strip() for token in tokens.split(",")]
    sources, target, dropped = read_columns(
        file, names, target.strip(), bins, target_bins, missing, tokens
    )
    if missing == "drop":
        kept = len(target)
        click.echo(f"{dropped} of {dropped + kept} rows dropped: a cell is missing", err=True)
    click.echo(decompose(sources=sources, target=target, missing=missing, measure=measure))
