"""`infosim train` and `infosim demo`."""

from pathlib import Path

import click

from infosim.cli.shared import DIRECTORY, overrides, reporting, settings

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
    click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors."),
)


def _run_options(command):
    for option in reversed(_RUN_OPTIONS):
        command = option(command)
    return command


@click.command()
@click.argument("preset_or_file")
@settings
@click.option(
    "--backend",
    default="cpu",
    show_default=True,
    help="Where to compute: cpu, cuda (an NVIDIA GPU; see `infosim env`) or auto.",
)
@_run_options
def train(
    preset_or_file, dataset, assignments, backend, seed, epochs, threads, out, resume, force, quiet
):
    """Train PRESET_OR_FILE: a preset (`infosim presets`) or a .toml file."""
    changes = overrides(assignments, data_name=dataset)
    _train(preset_or_file, changes, backend, seed, epochs, threads, out, resume, force, quiet)


@click.command()
@_run_options
def demo(seed, epochs, threads, out, resume, force, quiet):
    """Train the ICLR 2025 network on bundled 8x8 digits and draw what it learnt."""
    out = Path("infosim-demo") if out is None else out
    _train("demo/digits", [], "cpu", seed, epochs, threads, out, resume, force, quiet)
    if not quiet:
        click.echo(
            f"Open {out / 'summary.png'}; all numbers are beside it. "
            "Next: infosim train iclr/trivariate-optimized"
        )


def _train(name, changes, backend, seed, epochs, threads, out, resume, force, quiet):
    from infosim.experiments import Experiment, train

    changes = overrides(changes, training_seed=seed, training_epochs=epochs)
    experiment = Experiment.load(name, changes)
    with reporting(quiet, _Bar, _Lines) as report:
        directory = train(
            experiment,
            out,
            threads=threads,
            backend=backend,
            resume=resume,
            force=force,
            report=report,
        )
    if not quiet:
        click.echo(f"results in {directory}")


def _describe(history):
    """The last epoch's errors and goals in words."""
    words = [
        f"{name} {100 * values[-1]:.2f}%"
        for name, values in (
            ("train", history.train_error),
            ("val", history.val_error),
            ("test", history.test_error),
        )
        if values[-1] == values[-1]  # nan: not measured
    ]
    if words:
        words[0] = f"error: {words[0]}"
    goals = [f"{name} {values[-1]:.3f}" for name, values in history.mean_goal.items()]
    parts = [", ".join(words), f"goal in bits: {', '.join(goals)}" if goals else ""]
    return "; ".join(part for part in parts if part)


class _Bar:
    """A progress bar over all batches, with the last epoch's measures."""

    def __init__(self):
        self._bar = None

    def __call__(self, training, epochs):
        from tqdm import tqdm

        done = training.epoch * training.n_batches + training.position
        if self._bar is None:
            self._bar = tqdm(
                total=(epochs + 1) * training.n_batches,
                initial=done,
                unit="batch",
                dynamic_ncols=True,
                leave=True,
                bar_format="{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}",
            )
        self._bar.update(done - self._bar.n)
        history = training.history
        if training.position == 0 and len(history):
            self._bar.set_description_str(f"epoch {len(history) - 1}/{epochs}", refresh=False)
            self._bar.set_postfix_str(_describe(history))

    def close(self):
        if self._bar is not None:
            self._bar.close()


class _Lines:
    """A plain line per epoch, for logs."""

    def __call__(self, training, epochs):
        history = training.history
        if training.position == 0 and len(history):
            click.echo(
                f"epoch {len(history) - 1}/{epochs}  {_describe(history)}  "
                f"({history.seconds[-1]:.2f} s)"
            )
