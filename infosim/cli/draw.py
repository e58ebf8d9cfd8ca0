"""`infosim draw RUN`."""

from pathlib import Path

import click

from infosim.errors import InfosimError


@click.command()
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Another file: .png, .pdf or .svg.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
def draw(runs, out, quiet):
    """Draw summary.png in each RUN, a run's directory, anew from what is in it.

    A run that has not ended is drawn as it was last saved.
    """
    from infosim.experiments import picture, store
    from infosim.experiments.results import load_run

    if out is not None:
        if len(runs) > 1:
            raise click.UsageError(f"--out is of one run, {len(runs)} were given")
        picture.kind_of(out)
    wrong = []
    for folder in runs:
        try:
            figure, path = picture.draw(load_run(folder)), out or folder / picture.SUMMARY
            if out is not None:
                picture.write(figure, path)
            else:
                with store.held(folder):
                    picture.write(figure, path)
        except InfosimError as error:
            wrong.append(error)
            continue
        if not quiet:
            click.echo(path)
    for error in wrong[:-1]:  # the last one is told as if it were the only one
        click.echo(f"infosim: {error}", err=True)
    if wrong:
        raise wrong[-1]
