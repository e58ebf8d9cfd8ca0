"""All data sets by name: in the package, in the cache, made when asked for, or a file's path."""

import math
import os
import re
from pathlib import Path
from typing import NamedTuple

from infosim.datasets import cache, generated
from infosim.datasets.digits import SHAPE, load_digits
from infosim.datasets.generated import GENERATED, Generator, Option, generate
from infosim.datasets.own.options import Options
from infosim.datasets.own.reading import read_own
from infosim.datasets.sources import SOURCES, find_source, names
from infosim.errors import ConfigError, DataError, near

#: Names of data sets that `register` has added.
_registered = set()
#: What a name looks like; all else is a path.
NAME = re.compile("^[a-z][a-z0-9-]*$")


class Status(NamedTuple):
    """Where a data set stands: what `status` returns."""

    name: str
    state: str  # "in the package", "generated", "present", "absent" or "damaged"
    path: Path | None  # the folder of its files, if there are any
    size: int  # bytes on disk, 0 in the package
    problem: str  # one line, empty if there is none


def is_own(name):
    """Whether a data set is a user's own: its name a path, or "" if no file has it."""
    return not NAME.fullmatch(name)


def located(name, folder="."):
    """The name of a data set, with a path from `folder` made absolute.

    What looks like a name is a path if there is no such data set but such a file or folder.
    """
    path = os.path.abspath(os.path.join(folder, name))
    word = NAME.fullmatch(name) and (name in names() or not os.path.lexists(path))
    return name if word or not name else path


def complete(name, options):
    """All options of the data set `name`, those given and the others' defaults, checked.

    Raises
    ------
    ConfigError : an option it does not have, of another type, out of range
    """
    return Options.complete(options) if is_own(name) else generated.complete(name, options)


def chosen(name, options):
    """Those of all options of the data set `name` that are not defaults."""
    return Options.chosen(options) if is_own(name) else generated.chosen(name, options)


def load(name, options=None, seed=0):
    """Load the data set `name` (see `names`), verified, or make it; never downloads.

    name : or the path of data of one's own
    options : of a generated data set (`GENERATED` lists them), or of one's own (`read_own`)
    seed : of a generated data set

    Raises
    ------
    ConfigError : an unknown name or option
    DataError : the data set is absent or damaged, with the ways out; as of `read_own`
    """
    if is_own(name):
        if not os.path.lexists(name):
            raise DataError(
                f"there is no file {name}, nor a data set of this name; "
                f"{near(os.path.basename(name), names())}"
            )
        return read_own(name, **complete(name, options or {}))
    source = find_source(name)
    options = complete(name, options or {})
    if name in GENERATED:
        return generate(name, options, seed)
    return load_digits() if source is None else cache.read(source)


def image_shape(name, options):
    """The shape of an image of the data set `name` with these options, all of them; nothing is
    loaded or made. None if that would have to be, or there is no such data set here.
    """
    if name in GENERATED:
        shape = GENERATED[name].shape
        return None if shape is None else shape(**options)
    if name in SOURCES:
        return SOURCES[name].image_shape
    return SHAPE if name == "digits" else None


def status(name):
    """Say whether the data set `name` can be loaded; its files are read and verified.

    Raises
    ------
    ConfigError : an unknown name
    """
    source = find_source(name)
    if source is None:
        state = "generated" if name in GENERATED else "in the package"
        return Status(name, state, None, 0, "")
    paths = cache.find(source)
    folder = next((path.parent for path in paths.values()), None)
    size = sum(path.stat().st_size for path in paths.values() if path.is_file())
    state, problem = "present", ""
    try:
        cache.read(source)
    except DataError as error:
        state = "absent" if len(paths) < len(source.files) else "damaged"
        problem = str(error)
    return Status(name, state, folder, size, problem)


def register(name, make, options=None):
    """Let experiments find a data set of your own under `name`, in this process.

    Parameters
    ----------
    make : function of the seed, and of the options by name, that returns a `Dataset`; the same seed
        and options must give the same, for runs are known by these
    options : name -> default, which says its type; or (default, lowest, highest) for numbers

    Raises
    ------
    ConfigError : a name that is taken or no name, a default of another type
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ConfigError(
            f"a data set is called by small letters, digits and hyphens, not {name!r}"
        )
    if name in names() and name not in _registered:
        raise ConfigError(f"there is a data set {name!r} already")
    if not callable(make):
        raise ConfigError(f"data set {name!r} must be made by a function, not {make!r}")
    known = {}
    for key, given in (options or {}).items():
        default, *ends = given if isinstance(given, tuple) else (given,)
        if type(default) not in (bool, int, float) or len(ends) not in (0, 2):
            raise ConfigError(
                f"data set {name!r}: option {key} must be true, false or a number, or (default, "
                f"lowest, highest), was {given!r}"
            )
        known[key] = Option(default, *(ends or (-math.inf, math.inf)))
    GENERATED[name] = Generator(make, known)
    _registered.add(name)
