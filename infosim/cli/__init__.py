"""The command line: parse with click, make one library call, say errors in one line.

Libraries are imported inside the commands, so that `infosim --version` is immediate.
"""

import atexit
import gc
import os
import sys
import warnings
from contextlib import suppress
from functools import cache
from importlib import import_module

import click

import infosim
from infosim.errors import CheckpointError, InfosimError, near, tell_in_a_line

# What says that help is wanted instead; click before 8.2 prints it without raising.
_NO_ARGUMENTS = getattr(click.exceptions, "NoArgsIsHelpError", ())

#: Characters of an error's line, of which the middle is cut where what was given is longer.
_LONGEST = 2000

_COMMANDS = {
    "bench": "infosim.cli.bench",
    "capacity": "infosim.cli.capacity",
    "data": "infosim.cli.data",
    "demo": "infosim.cli.train",
    "draw": "infosim.cli.draw",
    "env": "infosim.cli.env",
    "goal": "infosim.cli.goal",
    "optimize": "infosim.cli.optimize",
    "pid": "infosim.cli.pid",
    "predict": "infosim.cli.predict",
    "presets": "infosim.cli.presets",
    "report": "infosim.cli.report",
    "sweep": "infosim.cli.sweep",
    "train": "infosim.cli.train",
}


class _Lazy(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, context):
        return sorted(_COMMANDS)

    def get_command(self, context, name):
        if name not in _COMMANDS:
            context.fail(f"unknown command {name!r}; {near(name, sorted(_COMMANDS))}")
        return _once(getattr(import_module(_COMMANDS[name]), name))


@cache
def _once(command):
    """`command`, made to refuse an option given twice, as all below it: click takes the last."""
    parse = command.parse_args

    def parse_args(context, arguments):
        _, _, given = command.make_parser(context).parse_args(args=list(arguments))
        for option in given if not context.resilient_parsing else ():
            times = given.count(option)
            if times > 1 and not (option.multiple or option.count or _switch(option)):
                name = "/".join([max(option.opts, key=len), *option.secondary_opts])
                context.fail(f"{name} is given {times} times, but takes one value")
        return parse(context, arguments)

    command.parse_args = parse_args
    for below in getattr(command, "commands", {}).values():
        _once(below)
    return command


def _switch(option):
    """Whether an option is a flag that can only be switched on."""
    return option.is_flag and not option.secondary_opts


@click.command(
    cls=_Lazy,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(infosim.__version__, prog_name="infosim")
def commands():
    """Simulate networks of neurons that learn locally by information theory.

    Try `infosim demo`: it trains a network on bundled images and draws what it learnt.
    """


def main(arguments=None):
    """Run the command line; bad input is one line on stderr and exit code 2, never a traceback.

    Where the reader of the output has gone (head, less), click ends in silence, with exit code 1.
    """
    # most of the first 200,000 objects stay: to look for garbage among them takes a tenth of the
    # start, and at the end a tenth of a second, where kernels were compiled three
    gc.set_threshold(200_000)
    atexit.register(gc.freeze)
    _open_what_is_closed()
    _escape_what_has_no_code()
    with warnings.catch_warnings():
        tell_in_a_line()
        sys.exit(_run(arguments))


def _run(arguments):
    """Run the command line; returns the exit code."""
    try:
        code = commands.main(arguments, prog_name="infosim", standalone_mode=False)
    except _NO_ARGUMENTS as error:
        click.echo(error.format_message())
        code = 0
    except click.ClickException as error:
        _fail(error.format_message())
        code = 2
    except InfosimError as error:
        _fail(error)
        code = getattr(error, "exit_code", 2)
    except (click.Abort, KeyboardInterrupt):
        _fail("interrupted")
        code = 130
    except MemoryError:
        _fail("out of memory; try fewer neurons, a smaller batch or fewer bins")
        code = 2
    except OSError as error:
        _fail(CheckpointError(f"{error.filename or 'input/output'}: {error.strerror or error}"))
        code = 2
    return code if isinstance(code, int) else 0


def _open_what_is_closed():
    """Give standard streams that the caller closed (`2>&-`) a place where nothing arrives.

    There is then something to write to, and no file of ours takes the closed one's number, into
    which libraries and our own processes would write.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115


def _escape_what_has_no_code():
    """Let standard output write what its encoding lacks (± in ASCII, θ in a Windows code page) as
    standard error does, by an escape: results would otherwise be lost to a word beside them.
    """
    if getattr(sys.stdout, "errors", None) == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


def _fail(message):
    line = " ".join(str(message).split())
    if len(line) > _LONGEST:
        line = f"{line[: _LONGEST // 2]} ... {line[-_LONGEST // 2 :]}"
    with suppress(OSError):  # nobody reads it; the exit code tells
        click.echo(f"infosim: {line}", err=True)
