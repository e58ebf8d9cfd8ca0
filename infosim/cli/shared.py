"""What several commands have in common: the settings of an experiment, and telling progress."""

import sys
from contextlib import contextmanager
from pathlib import Path

import click

from infosim.errors import ConfigError


class _Directory(click.Path):
    """The name of a directory, which an empty text is not."""

    def convert(self, value, parameter, context):
        if not str(value):
            self.fail("a directory has a name, was ''", parameter, context)
        return super().convert(value, parameter, context)


DIRECTORY = _Directory(path_type=Path)

_SETTINGS = (
    click.option(
        "--dataset",
        metavar="NAME|PATH",
        help="Data set instead of the preset's: see `infosim data list`; or a file or folder of "
        "your own.",
    ),
    click.option(
        "--set",
        "assignments",
        multiple=True,
        metavar="KEY=VALUE",
        help="Change any setting, e.g. layers.hidden.size=500; repeatable.",
    ),
)


def settings(command):
    """Give a command the options that change an experiment's settings."""
    for option in reversed(_SETTINGS):
        command = option(command)
    return command


def overrides(assignments, **given):
    """The assignments of --set, then those of options that have one of their own, by their keys.

    given : `table_key` -> value, or None if the option was not used

    Raises
    ------
    ConfigError : a setting that is given twice, of which the first would be lost in silence
    """
    from infosim.experiments.reading import assignment

    pairs = [(name.replace("_", ".", 1), value) for name, value in given.items()]
    pairs = [pair for pair in pairs if pair[1] is not None]
    pairs = [one if isinstance(one, tuple) else assignment(one) for one in assignments] + pairs
    found = []
    for path, value in pairs:
        leaves = list(_leaves(tuple(key.strip() for key in path.split(".")), value))
        for leaf, one in leaves:
            for known, other in found:
                if all(a == b for a, b in zip(known, leaf, strict=False)):
                    raise ConfigError(
                        f"{'.'.join(min(known, leaf, key=len))} is given twice, as {other!r} and "
                        f"{one!r}"
                    )
        found += leaves
    return pairs


def _leaves(path, value):
    """(path, value) of all that a value, maybe a table, sets."""
    if not isinstance(value, dict):
        yield path, value
        return
    for key, one in value.items():
        yield from _leaves((*path, key), one)


def tell(notes):
    """Say what became of data of a user's own, on stderr, for it is no result."""
    for line in notes:
        click.echo(f"infosim: {line}", err=True)


def telling(notes, report):
    """`report`, which says `notes` when it is first called: all that could be wrong was not."""
    if report is None or not notes:
        return report
    left = [notes]

    def told(*given):
        if left:
            tell(left.pop())
        report(*given)

    return told


def exclude(*names):
    """Raise if the command line gives more than one of these parameters, which contradict."""
    context = click.get_current_context()
    on_line = click.core.ParameterSource.COMMANDLINE
    given = [f"--{name}" for name in names if context.get_parameter_source(name) is on_line]
    if len(given) > 1:
        context.fail(f"{' and '.join(given)} contradict each other")


def tell_of_compilation():
    """Let whoever watches a terminal know what the first start on a machine takes its time for."""
    from infosim import jit

    def say():
        click.echo("compiling kernels, once on this machine: some seconds", err=True)

    if sys.stderr.isatty():
        jit.before_compiling = say


@contextmanager
def reporting(quiet, bar, lines):
    """What to tell progress to: nothing, a `bar` on a terminal, plain `lines` elsewhere."""
    if quiet:
        yield None
    elif sys.stderr.isatty():
        tell_of_compilation()
        report = bar()
        try:
            yield report
        finally:
            report.close()
    else:
        yield lines()


class Bar:
    """A progress bar that begins when it is first told how far things are.

    look : tqdm's options
    """

    def __init__(self, **look):
        self._look, self._bar = look, None

    def show(self, finished, n, words):
        """So many of n are finished; words : what stands behind the bar."""
        from tqdm import tqdm

        if self._bar is None:
            self._bar = tqdm(total=n, initial=finished, dynamic_ncols=True, **self._look)
        self._bar.update(finished - self._bar.n)
        self._bar.set_postfix_str(words)

    def close(self):
        if self._bar is not None:
            self._bar.close()
