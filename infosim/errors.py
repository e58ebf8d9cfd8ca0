"""What can go wrong, as exceptions whose one-line message a user can act on."""

import sys
import warnings


class InfosimError(Exception):
    """Base of every error infosim raises on purpose; the message is one clear line."""


class ConfigError(InfosimError):
    """A setting, goal, network or preset that cannot be."""


class ShapeError(InfosimError):
    """An array whose shape or type does not fit where it is put."""


class DataError(InfosimError):
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
            print(f"infosim: warning: {' '.join(str(message).split())}", file=sys.stderr)
        else:
            others(message, category, *where, **how)

    show.in_a_line = True
    warnings.showwarning = show
    warnings.simplefilter("default", InfosimWarning)


def near(name, choices):
    """The tail of an error message about `name`: near matches if there are any, else all."""
    from difflib import get_close_matches

    close = get_close_matches(str(name), [str(c) for c in choices], n=3, cutoff=0.5)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"allowed: {', '.join(str(c) for c in choices)}"
