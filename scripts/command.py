"""The commands that make figures, all with the same options."""

import functools
import shlex
import sys
import time
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path

import click

from infosim.errors import InfosimError
from infosim.kernels.workers import available
from scripts import reckoning, timing
from scripts.files import ROOT
from scripts.reckoning import Reckoning
from scripts.work import Work

SCALES = ("smoke", "laptop", "paper")

#: Figures read the classes as the papers did (`infosim.engine.readout`).
_READING = {"network.inversion": "batch"}


@contextmanager
def told_in_a_line():
    """A context, or decorator, in which an error of infosim ends the script with one line."""
    try:
        yield
    except InfosimError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(getattr(error, "exit_code", 2))


def _options(command):
    """The options of every command that makes figures."""
    for option in reversed(
        (
            click.option(
                "--scale",
                type=click.Choice(SCALES),
                default="laptop",
                show_default=True,
                help="smoke: seconds, on bundled digits. laptop: below half an hour on two cores. "
                "paper: the published sizes, epochs and seeds.",
            ),
            click.option("--out", type=click.Path(path_type=Path), help="Folder of the figures."),
            click.option("--runs", type=click.Path(path_type=Path), help="Folder of the runs."),
            click.option("--jobs", type=int, help="Processes (default: the CPUs)."),
            click.option("--draw", is_flag=True, help="Draw what runs.csv holds and run nothing."),
            click.option(
                "--reckon", is_flag=True, help="Tell how long all its networks take, and enter it."
            ),
        )
    ):
        command = option(command)
    return command


def figure_script(paper, settings=None):
    """Turn a function of a `Work` (and of options of its own) into a command.

    settings : scale -> settings of all its runs
    """

    def decorate(function):
        @click.command(help=sys.modules[function.__module__].__doc__)
        @_options
        @functools.wraps(function)
        def command(scale, out, runs, jobs, draw, reckon, **own):
            if draw and reckon:
                raise click.UsageError("--draw and --reckon contradict each other")
            spec = sys.modules[function.__module__].__spec__  # its __name__ may be __main__
            typed = f"python -m {spec.name} --scale {scale}"
            given = ((f"--{k.replace('_', '-')}", str(v)) for k, v in own.items() if v is not None)
            typed += "".join(f" {shlex.join(words)}" for words in given)
            figures, folder = _folders(paper, scale)
            work = (Reckoning if reckon else Work)(
                paper=paper,
                scale=scale,
                command=typed,
                out=out or figures,
                runs=runs or folder,
                jobs=jobs or available(),
                draw=draw,
                settings=_READING | (settings or {}).get(scale, {}),
            )
            with told_in_a_line():
                if reckon:
                    reckoning.reckon(work, spec.name, partial(function, work, **own))
                else:
                    with _timed(work, spec.name):
                        function(work, **own)

        return command

    return decorate


@contextmanager
def _timed(work, script):
    """Enter how long it took, unless only to draw or it failed before anything was trained."""
    began, done = time.perf_counter(), False
    try:
        yield
        done = True
    finally:
        if not work.draw and (done or work.trained):
            took = time.perf_counter() - began
            lock = work.runs / ".times.lock"
            timing.record(work.out, script, len(set(work.trained)), took, lock)


def _folders(paper, scale):
    """Where the figures of a scale and their runs are kept unless the user says otherwise."""
    if scale == "smoke":
        return ROOT / "runs" / "smoke" / paper / "figures", ROOT / "runs" / "smoke" / paper
    return ROOT / "figures" / paper, ROOT / "runs" / paper


def all_figures(paper, names):
    """A command that makes the figures of these scripts one after another, then the paper's page.

    A figure that cannot be made does not stop the others; the exit code is 2 then.
    """

    @click.command(help=f"All figures of scripts/{paper}, each as its own script makes it.")
    @_options
    def command(scale, **options):
        words = ["--scale", scale]
        for option, value in options.items():
            if value is True:
                words.append(f"--{option}")
            elif value:
                words += [f"--{option}", str(value)]
        failed = False
        for name in names:
            script = import_module(f"scripts.{paper}.{name}").main
            try:
                script.main(words, standalone_mode=False)
            except SystemExit as ended:
                if ended.code != 2:  # stopped by the user
                    raise
                failed = True
        if scale != "smoke" and not options["out"] and not options["reckon"] and not failed:
            import_module(f"scripts.{paper}.report").main.main([], standalone_mode=False)
        sys.exit(2 if failed else 0)

    return command
