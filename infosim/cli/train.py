"""`infosim train` and `infosim demo`."""

import shlex
from importlib.util import find_spec
from math import isfinite
from pathlib import Path

import click

from infosim import standby
from infosim.cli import own
from infosim.cli.shared import DIRECTORY, exclude, overrides, reporting, settings, tell, telling

_RUN_OPTIONS = (
    click.option("--seed", type=int, help="Seed of everything random (default: the preset's)."),
    click.option("--epochs", type=int, help="Passes over the training data."),
    click.option(
        "--threads", type=int, help="Threads (default: all CPUs); results do not depend on it."
    ),
    click.option("--out", type=DIRECTORY, help="Run directory."),
    click.option(
        "--resume", is_flag=True, help="Continue the run in the run directory, or begin it."
    ),
    click.option("--force", is_flag=True, help="Start anew where there is a run already."),
    click.option(
        "--dry-run",
        is_flag=True,
        help="Only check, and say where it goes, how large it is and how long it takes.",
    ),
    click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors."),
)


def _run_options(command):
    for option in reversed(_RUN_OPTIONS):
        command = option(command)
    return command


@click.command()
@click.argument("preset_or_file")
@settings
@own.own_data
@click.option(
    "--backend",
    default="cpu",
    show_default=True,
    help="Where to compute: cpu, cuda (an NVIDIA GPU; see `infosim env`) or auto.",
)
@_run_options
def train(
    preset_or_file, dataset, assignments, backend, seed, epochs, threads, out, resume, force,
    dry_run, quiet, **options,
):  # fmt: skip
    """Train PRESET_OR_FILE: a preset (`infosim presets`) or a .toml file.

    The data set may be a file or folder of your own, as of `infosim data describe`, which has the
    options of its columns, too.
    """
    _train(
        preset_or_file, [*assignments, *own.assignments(options)], backend, dataset=dataset,
        seed=seed, epochs=epochs, threads=threads, out=out, resume=resume, force=force,
        dry_run=dry_run, quiet=quiet,
    )  # fmt: skip


@click.command()
@_run_options
def demo(out, dry_run, quiet, **options):
    """Train the ICLR 2025 network on bundled 8x8 digits and draw what it learnt."""
    out = Path("infosim-demo") if out is None else out
    _train("demo/digits", [], "cpu", out=out, dry_run=dry_run, quiet=quiet, **options)
    if not quiet and not dry_run:
        needs = "" if find_spec("jinja2") else "pip install 'infosim[report]' and "
        click.echo(
            f"Open {out / 'summary.png'}; all numbers are beside it. Next: {needs}"
            f"infosim report {shlex.quote(str(out))} --examine, which explains every neuron; "
            f"infosim data fetch mnist and infosim train iclr/trivariate-optimized"
        )


def _train(
    name, changes, backend, *, dataset=None, seed, epochs, out, dry_run, quiet, **options
):  # fmt: skip
    """Train, or find out what that would be. options : threads, resume, force"""
    if not dry_run:
        standby.begin(backend, options["threads"])
    from infosim.engine.progress import Progress
    from infosim.experiments import Experiment, health, train

    exclude("resume", "force")
    changes = overrides(
        changes, data_name=dataset, training_seed=seed, training_epochs=epochs
    )  # fmt: skip
    experiment = Experiment.load(name, changes)
    options["backend"] = backend
    if dry_run:
        from infosim.experiments import rehearsal

        lines = rehearsal.rehearse(experiment, out, **options).lines
        tell(() if quiet else experiment.notes)
        click.echo("\n".join(() if quiet else lines), nl=not quiet)
        return
    with reporting(quiet, Progress, _Lines) as report:
        report = telling(experiment.notes, report)
        directory = train(experiment, out, report=report, **options)
    if not quiet:
        click.echo(f"results in {directory}")
        for line in health.described(directory):
            click.echo(line)


class _Lines:
    """Plain lines for logs: of many epochs those with an error, some others, and the last."""

    MOST = 100
    may_skip = True

    def __init__(self):
        self._told = None

    def __call__(self, training, epochs):
        from infosim.engine.progress import described

        history = training.history
        if self._told is None:  # the first call is of one batch
            self._told = len(history) - (training.position == 0)
        every = max(1, -(-epochs // self.MOST))
        for epoch in range(self._told, len(history)):
            errors = history.train_error[epoch], history.val_error[epoch], history.test_error[epoch]
            if any(map(isfinite, errors)) or epoch % every == 0 or epoch == epochs:
                click.echo(
                    f"epoch {epoch}/{epochs}  {'; '.join(described(training, epoch))}  "
                    f"({history.seconds[epoch]:.2f} s)"
                )
        self._told = len(history)
