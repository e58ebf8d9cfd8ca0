"""`infosim optimize`."""

import shlex
from pathlib import Path

import click

from infosim.cli.shared import DIRECTORY, Bar, overrides, reporting, settings


@click.command()
@click.argument("preset_or_file")
@click.option(
    "--layer",
    help="Layer, or LAYER/GROUP, whose goal is searched (default: the first that learns).",
)
@click.option(
    "--trials", default=100, show_default=True, help="Trials of the whole study, pruned ones too."
)
@click.option("--minutes", type=float, help="Begin no more trials after so long; resumable.")
@click.option("--epochs", type=int, help="Passes over the training data in each trial.")
@click.option(
    "--metric", default="val_error", show_default=True, help="val_error or train_error, at the end."
)
@click.option("--sampler", default="tpe", show_default=True, help="tpe or cmaes.")
@click.option("--seed", default=0, show_default=True, help="Seed of the sampler.")
@click.option("--storage", metavar="URL", help="Database (default: SQLite in the directory).")
@click.option("--name", help="Name of the study in the database.")
@click.option("--out", type=DIRECTORY, help="Directory of the results.")
@settings
@click.option("--threads", type=int, help="Threads of each trial (default: all CPUs).")
@click.option("--backend", default="cpu", show_default=True, help="cpu, cuda or auto.")
@click.option(
    "--prune/--no-prune", default=True, show_default=True, help="Stop trials that lag behind."
)
@click.option("--scheduler", metavar="ADDRESS", help="A Dask scheduler to use, tcp://host:port.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
def optimize(preset_or_file, epochs, dataset, assignments, quiet, **options):
    """Search the goal of a layer of PRESET_OR_FILE, a preset or a .toml file.

    γ of every atom and of H_res, in [-1, 1], for the smallest error on samples held out from
    training. The same command goes on where a search was stopped, and does nothing when it is done.
    """
    from infosim.experiments import Experiment, preset_names
    from infosim.experiments.optimize import optimize as search

    changes = overrides(assignments, data_name=dataset, training_epochs=epochs)
    experiment = Experiment.load(preset_or_file, changes)
    known = preset_or_file in preset_names()
    source = preset_or_file if known else str(Path(preset_or_file).absolute())
    with reporting(quiet, _Bar, _Lines) as report:
        found = search(experiment, source=source, report=report, **options)
    if not quiet:
        began = "" if found.start is None else f"; the search began at {100 * found.start:.2f}%"
        click.echo(
            f"best: {options['metric']} {100 * found.value:.2f}% in trial {found.trial}{began}"
        )
        done = found.complete + found.pruned
        if done < options["trials"]:
            click.echo(f"{done} of {options['trials']} trials; to continue: the same command")
        # a directory for each goal: there may be a run of another study's, or of an earlier trial's
        best, run = str(found.out / "best.toml"), str(found.out / f"trial-{found.trial}")
        following = shlex.join(["infosim", "train", best, "--out", run])
        click.echo(f"results in {found.out}; next: {following}")


def _describe(progress):
    """The numbers of trials and the best value in words."""
    words = [f"{progress.complete} complete", f"{progress.pruned} pruned"]
    if progress.failed:
        words.append(f"{progress.failed} failed")
    if progress.best is not None:
        number, value = progress.best
        words.append(f"best {100 * value:.2f}% in trial {number}")
    return ", ".join(words)


class _Bar(Bar):
    """A progress bar over all trials."""

    def __init__(self):
        bar_format = "{desc}{percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"
        super().__init__(unit="trial", bar_format=bar_format)

    def __call__(self, progress):
        self.show(progress.finished, progress.wanted, _describe(progress))


class _Lines:
    """A plain line after every trial, for logs."""

    def __init__(self):
        self._last = None

    def __call__(self, progress):
        if progress != self._last:
            self._last = progress
            click.echo(f"{progress.finished} of {progress.wanted}: {_describe(progress)}")
