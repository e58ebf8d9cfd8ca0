"""`infosim sweep FILE.toml` and `infosim sweep status DIR`."""

import sys
from pathlib import Path

import click

from infosim.cli.shared import DIRECTORY, Bar, exclude, reporting


class _RunByDefault(click.Group):
    """A group of which a first word that is no command is the sweep file to run."""

    def resolve_command(self, context, arguments):
        if arguments[0] not in self.commands:
            arguments = ["run", *arguments]
        return super().resolve_command(context, arguments)


@click.group(cls=_RunByDefault, options_metavar="FILE.toml [OPTIONS]", subcommand_metavar="")
def sweep():
    """Carry out the runs of FILE.toml: a preset, grids and lists of settings, and seeds.

    What is interrupted or killed goes on with --resume; nothing that is complete is run again.
    `infosim sweep status DIR` says how far a sweep is; `infosim sweep run --help` lists options.
    """


@sweep.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--out", type=DIRECTORY, help="Directory (sweeps/<file's name>).")
@click.option("--jobs", default=1, show_default=True, help="Processes on this machine.")
@click.option("--scheduler", metavar="ADDRESS", help="A Dask scheduler to use, tcp://host:port.")
@click.option("--threads", type=int, help="Threads of each run (default: CPUs / jobs).")
@click.option("--backend", default="cpu", show_default=True, help="cpu, cuda or auto.")
@click.option("--stack", default=1, show_default=True, help="Alike runs simulated side by side.")
@click.option("--resume", is_flag=True, help="Continue the sweep in the directory.")
@click.option("--retry", is_flag=True, help="Run again what has failed; implies --resume.")
@click.option("--timeout", type=float, metavar="SECONDS", help="Fail a run that takes longer.")
@click.option("--pictures", is_flag=True, help="Draw every run's summary.png.")
@click.option("--dry-run", is_flag=True, help="List the runs and do nothing.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors and failed runs.")
def run(
    file, out, jobs, scheduler, threads, backend, stack, resume, retry, timeout, pictures, dry_run,
    quiet,
):  # fmt: skip
    """Carry out the runs of FILE (what `infosim sweep FILE` does)."""
    from infosim.experiments.sweep import Sweep, run_sweep

    exclude("jobs", "scheduler")
    plan = Sweep.load(file)
    out = out if out is not None else Path("sweeps") / plan.name
    if dry_run:
        for key, settings in plan.plan:
            told = "  ".join(f"{name}={value}" for name, value in settings.items())
            click.echo(f"{key}  {told}".rstrip())
        click.echo(f"{len(plan.runs)} runs")
        return
    with reporting(quiet, _Bar, _Lines) as report:
        found = run_sweep(
            plan,
            out,
            jobs=jobs,
            scheduler=scheduler,
            threads=threads,
            backend=backend,
            stack=stack,
            resume=resume or retry,
            retry=retry,
            summary=pictures,
            timeout=timeout,
            report=report,
        )
    _tell_failed(found)
    if not quiet:
        click.echo(f"results in {out / 'results.csv'}")
    if found.failed:
        sys.exit(1)


@sweep.command()
@click.argument("directory", type=click.Path(path_type=Path))
def status(directory):
    """Say how far the sweep in DIRECTORY is, and write its results.csv anew."""
    from infosim.experiments.directory import begun as has_begun
    from infosim.experiments.plan import load_plan, write_table
    from infosim.experiments.plan import status as status_of

    plan = load_plan(directory)
    found = status_of(plan, directory)
    write_table(plan, directory)
    folders = [directory / "runs" / key for key in found.left]
    begun = sum((one / "started.json").exists() or has_begun(one) for one in folders)
    click.echo(
        f"{len(found.done)} of {len(plan)} done, {begun} begun, {len(found.left) - begun} waiting, "
        f"{len(found.failed)} failed"
    )
    _tell_failed(found)


def _tell_failed(found):
    for key, reason in found.failed.items():
        click.echo(f"failed: {key}  {reason}", err=True)
    if found.failed:
        click.echo("to run them again: --retry", err=True)


class _Bar(Bar):
    """A progress bar over all runs."""

    def __init__(self):
        super().__init__(unit="run")

    def __call__(self, done, running, failed, n):
        self.show(done + failed, n, f"failed={failed}, running={running}")


class _Lines:
    """A plain line whenever a run is finished, with the time left at the pace so far."""

    def __init__(self):
        self._last = self._began = None

    def __call__(self, done, running, failed, n):
        import time

        now = time.monotonic()
        if self._began is None:
            self._began = now, done + failed
        if (done, failed) == self._last:
            return
        self._last = done, failed
        made, waiting = done + failed - self._began[1], n - done - failed
        left = ""
        if made and waiting:
            left = f", {(now - self._began[0]) / made * waiting:.0f} s left"
        click.echo(f"{done} of {n} done, {running} running, {failed} failed{left}")
