"""What several commands have in common: the settings of an experiment, and telling progress."""

import sys
from contextlib import contextmanager
from pathlib import Path

import click


class _Directory(click.Path):
    """The name of a directory, which an empty text is not."""

    def convert(self, value, parameter, context):
        if not str(value):
            self.fail("a directory has a name, was ''", parameter, context)
        return super().convert(value, parameter, context)


DIRECTORY = _Directory(path_type=Path)

_SETTINGS = (
    click.option("--dataset", help="Data set instead of the preset's; see `infosim data list`."),
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
    """
    pairs = [(name.replace("_", ".", 1), value) for name, value in given.items()]
    return [*assignments, *((key, value) for key, value in pairs if value is not None)]


@contextmanager
def reporting(quiet, bar, lines):
    """What to tell progress to: nothing, a `bar` on a terminal, plain `lines` elsewhere."""
    if quiet:
        yield None
    elif sys.stderr.isatty():
        report = bar()
        try:
            yield report
        finally:
            report.close()
    else:
        yield lines()
