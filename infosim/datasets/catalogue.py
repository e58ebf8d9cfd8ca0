"""All data sets by name, whether they are in the package, in the cache or made when asked for."""

from pathlib import Path
from typing import NamedTuple

from infosim.datasets import cache
from infosim.datasets.digits import load_digits
from infosim.datasets.generated import GENERATED, complete, generate
from infosim.datasets.sources import find_source
from infosim.errors import DataError


class Status(NamedTuple):
    """Where a data set stands: what `status` returns."""

    name: str
    state: str  # "in the package", "generated", "present", "absent" or "damaged"
    path: Path | None  # the folder of its files, if there are any
    size: int  # bytes on disk, 0 in the package
    problem: str  # one line, empty if there is none


def load(name, options=None, seed=0):
    """Load the data set `name` (see `names`), verified, or make it; never downloads.

    options, seed : of a generated data set (`GENERATED` lists its options); others have neither

    Raises
    ------
    ConfigError : an unknown name or option
    DataError : the data set is absent or damaged, with the ways out
    """
    source = find_source(name)
    options = complete(name, options or {})
    if name in GENERATED:
        return generate(name, options, seed)
    return load_digits() if source is None else cache.read(source)


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
