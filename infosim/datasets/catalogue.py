"""All data sets by name, whether they are in the package or in the cache."""

from pathlib import Path
from typing import NamedTuple

from infosim.datasets import cache
from infosim.datasets.digits import load_digits
from infosim.datasets.sources import find_source
from infosim.errors import DataError


class Status(NamedTuple):
    """Where a data set stands: what `status` returns."""

    name: str
    state: str  # "in the package", "present", "absent" or "damaged"
    path: Path | None  # the folder of its files, if there are any
    size: int  # bytes on disk, 0 in the package
    problem: str  # one line, empty if there is none


def load(name):
    """Load the data set `name` (see `names`), verified; never downloads.

    Raises ConfigError for an unknown name, DataError with the ways out if it is absent or damaged.
    """
    source = find_source(name)
    return load_digits() if source is None else cache.read(source)


def status(name):
    """Say whether the data set `name` can be loaded; its files are read and verified.

    Raises ConfigError for an unknown name.
    """
    source = find_source(name)
    if source is None:
        return Status(name, "in the package", None, 0, "")
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
