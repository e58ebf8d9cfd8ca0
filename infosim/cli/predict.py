"""`infosim predict RUN DATA`."""

import os
from pathlib import Path

import click

from infosim.cli.shared import exclude


@click.command()
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.argument("data", metavar="DATA", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path, allow_dash=True),
    default="predictions.csv",
    show_default=True,
    help="Where the table goes; - for standard output.",
)
@click.option(
    "--presentations",
    type=int,
    default=1,
    help="Read the mean of so many presentations in which neurons fire at random, at most 4096.",
)
@click.option(
    "--sampled",
    is_flag=True,
    help="Let neurons fire at random in the one presentation, as in training. By default each "
    "takes its likelier output.",
)
@click.option(
    "--unknown",
    type=click.Choice(["error", "zeros"]),
    default="error",
    show_default=True,
    help="A category that no training row had: refuse it, or show none of those known.",
)
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
def predict(run, data, out, presentations, sampled, unknown, quiet):
    """Write what RUN, a run's directory, makes of DATA: the class of each row or image.

    DATA is like what the run was trained on: a table of the same columns, in any order, with or
    without the target; arrays; an image, or a folder of images. The table has the predicted class
    and how surely the readout says each class.
    """
    from infosim.errors import ConfigError
    from infosim.experiments import store
    from infosim.experiments.results import load_run

    exclude("presentations", "sampled")
    to_stdout = str(out) == "-"
    if not to_stdout and os.path.exists(out) and os.path.exists(data) and out.samefile(data):
        raise ConfigError(f"--out {out} is the data itself")
    if not to_stdout and (out.is_dir() or not out.absolute().parent.is_dir()):
        what = "is a folder" if out.is_dir() else "is in no folder that there is"
        raise ConfigError(f"--out {out} {what}")
    how = {"presentations": presentations, "sampled": sampled or None, "unknown": unknown}
    found = load_run(run).predict(data, **how)
    if to_stdout:
        click.echo(found.csv(), nl=False)
    else:
        store.write_text(out, found.csv())
    if not quiet:
        right, known = found.right
        words = f"{right} of {known} right ({100 * found.accuracy:.1f} %)" if known else ""
        n = len(found.classes)
        where = [] if to_stdout else [f"predictions of {n} {found.what}{'s' * (n != 1)} in {out}"]
        for line in (*where, *filter(None, [words])):
            click.echo(line, err=to_stdout)
