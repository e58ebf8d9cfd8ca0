"""`infosim capacity`."""

import sys

import click

from infosim.cli.shared import DIRECTORY, Bar, overrides, reporting, settings


@click.command()
@click.argument("preset_or_file")
@click.option("--seeds", default=5, show_default=True, help="How many networks, of seeds 0, 1, ...")
@click.option(
    "--sweep", help="Try the loads of a published sweep: paper, optimize, exact, extensive, basic "
    "or correlation (default: bisection).",
)  # fmt: skip
@click.option("--start", type=float, help="First load of a sweep, patterns per neuron.")
@click.option("--step", type=float, help="From load to load of a sweep.")
@click.option("--stop", type=float, help="Load that a sweep tries no longer.")
@click.option(
    "--interrupt/--no-interrupt", default=None, help="Whether a sweep ends at its first failure."
)
@click.option("--guess", type=float, help="Load that bisection begins with (default: its own).")
@click.option("--within", type=float, help="Load to which bisection is exact (default: 0.02).")
@click.option("--recalled", type=float, help="Mean overlap that counts as recall (default: 0.95).")
@click.option("--until", type=float, help="Mean overlap at which training stops (default: 0.95).")
@click.option("--epochs", type=int, help="Passes over the patterns.")
@click.option("--out", type=DIRECTORY, help="Directory (capacities/<name>-<hash>).")
@settings
@click.option("--jobs", type=int, help="Processes on this machine (default: one for each CPU).")
@click.option("--stack", default=1, show_default=True, help="Seeds simulated side by side.")
@click.option("--threads", type=int, help="Threads of each process (default: CPUs / jobs).")
@click.option("--backend", default="cpu", show_default=True, help="cpu, cuda or auto.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors and failed seeds.")
def capacity(
    preset_or_file, dataset, assignments, epochs, out, sweep, start, step, stop, interrupt, guess,
    within, recalled, until, quiet, **options,
):  # fmt: skip
    """Find how many patterns per neuron the memory PRESET_OR_FILE recalls after training.

    The largest load at which the mean overlap with the patterns is at least 0.95 after recall, seed
    by seed. The same command goes on where it was stopped, also with more seeds.
    """
    from infosim.experiments import Experiment
    from infosim.experiments import capacity as search

    of_sweep = {"start": start, "step": step, "stop": stop, "interrupt": interrupt}
    of_bisection = {"guess": guess, "within": within}
    of_both = {"recalled": recalled, "until": until}
    changes = overrides(assignments, data_name=dataset, training_epochs=epochs)
    experiment = Experiment.loader(preset_or_file, measured=False)(changes)
    loads = search.chosen(experiment, sweep, of_sweep, of_bisection, of_both)
    with reporting(quiet, _Bar, _Lines) as report:
        found = search.capacity(experiment, out, loads=loads, report=report, **options)
    for seed, why in found.failed.items():
        click.echo(f"failed: seed {seed}  {why}", err=True)
    if not quiet:
        click.echo(str(found))
        click.echo(f"results in {found.out}")
    if found.failed:
        sys.exit(1)


def _so_far(found):
    """What is known, in words."""
    n = len(found.loads) + len(found.left) + len(found.failed)
    of_all = f", {len(found.loads)} of {n} seeds done"
    return f"{found}{' so far' if found.left and found.loads else ''}{of_all}"


class _Bar(Bar):
    """A progress bar over all seeds."""

    def __init__(self):
        super().__init__(unit="seed")

    def __call__(self, found):
        done = len(found.loads) + len(found.failed)
        self.show(done, done + len(found.left), str(found) if found.loads else "")


class _Lines:
    """A plain line whenever seeds are done, for logs."""

    def __init__(self):
        self._last = None

    def __call__(self, found):
        line = _so_far(found)
        if line != self._last:
            self._last = line
            click.echo(line)
