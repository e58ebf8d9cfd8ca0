"""What can go wrong, as exceptions whose one-line message a user can act on."""

import reprlib
import sys
import warnings
from numbers import Integral


class InfosimError(Exception):
    """Base of every error infosim raises on purpose; the message is one clear line."""


class ConfigError(InfosimError, ValueError):
    """A setting, goal, network or preset that cannot be."""


class ShapeError(InfosimError, ValueError):
    """An array whose shape or type does not fit where it is put."""


class DataError(InfosimError, ValueError):
    """Data that is missing, damaged or outside its range."""


class BackendError(InfosimError):
    """A backend that is not there or cannot do what is asked."""


class DivergedError(InfosimError):
    """Training that has left the finite numbers; it cannot be continued from there."""


class CheckpointError(InfosimError):
    """A run directory that cannot be written, or cannot be continued."""


class InfosimWarning(UserWarning):
    """Something worth a line that does not stop anything."""


def tell_in_a_line():
    """From now on an InfosimWarning is a line on stderr, as errors of the command line are."""
    others = warnings.showwarning
    if getattr(others, "in_a_line", False):
        return

    def show(message, category, *where, **how):
        if issubclass(category, InfosimWarning):
            line = f"infosim: warning: {' '.join(str(message).split())}"
            bars = sys.modules.get("tqdm")  # where there are any, it stands above them
            say = print if bars is None else bars.tqdm.write
            say(line, file=sys.stderr)
        else:
            others(message, category, *where, **how)

    show.in_a_line = True
    warnings.showwarning = show
    warnings.simplefilter("default", InfosimWarning)


def near(name, choices):
    """The tail of an error message about `name`: near matches if there are any, else all."""
    from difflib import get_close_matches

    # longer ones would take long to compare, and are no slips of the pen
    name = str(name)[:100]
    close = get_close_matches(name, [str(c) for c in choices], n=3, cutoff=0.5)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"allowed: {', '.join(str(c) for c in choices)}"


def one_of(what, value, choices, others=()):
    """`value`, a text that is one of few `choices`.

    others : what else it might have been, in words

    Raises
    ------
    ConfigError : about `what`, none of them
    """
    if isinstance(value, str) and value in choices:
        return value
    allowed = " or ".join([*map(repr, choices), *others])
    raise ConfigError(f"{what} must be {allowed}, was {brief(value)}")


def brief(value, most=60):
    """How an error message shows what was given, cut where it is long."""
    shown = repr(value) if isinstance(value, str) else reprlib.repr(value)
    return shown if len(shown) <= most else f"{shown[:most]}..."


def integer(what, value, low=1, high=None):
    """`value`, an integer of Python, NumPy or the like from `low` (to `high`), as an int.

    Raises
    ------
    ConfigError : about `what`, no integer, as true and false are none, or out of range
    """
    whole = type(value) is int or (isinstance(value, Integral) and not isinstance(value, bool))
    if not whole or value < low or (high is not None and value > high):
        if high is None or (high == 2**31 - 1 and not (whole and value > high)):
            allowed = f"of at least {low}"
        elif high == 2**31 - 1:
            allowed = f"of at most {high}"
        else:
            allowed = f"from {low} to {'2**32 - 1' if high == 2**32 - 1 else high}"
        raise ConfigError(f"{what} must be an integer {allowed}, was {value!r}")
    return int(value)
