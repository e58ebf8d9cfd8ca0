"""The cache of published data sets: find and verify them, download them, import them.

The cache is the folder in the environment variable INFOSIM_DATA, or else the user's cache folder;
each data set has a sub-folder of its name. Reading needs no permission to write. Only `fetch`
uses the network and only `fetch` and `import_dir` write to it; nothing unverified is ever returned.
What takes long to decode is kept in the user's cache folder, if that can be written to.
"""

import gzip
import os
import shutil
import tempfile
import threading
from pathlib import Path
from textwrap import shorten

from infosim import files
from infosim.datasets.dataset import Dataset
from infosim.datasets.sources import SOURCES, find_source
from infosim.errors import DataError
from infosim.files import atomic, opened

#: Seconds in which a mirror has to answer, and bytes a second that it has to send on the whole.
_SILENT, _SLOWEST = 60, 20_000


def cache_dir():
    """The folder in which data sets are looked for and kept."""
    return Path(os.environ.get("INFOSIM_DATA") or files.user_cache()).expanduser()


def find(source):
    """The paths of the files of `source` that are there, by file; their content is unchecked."""
    return _find(source, cache_dir())


def read(source):
    """Load and verify a published data set from the cache.

    Raises
    ------
    DataError : a file is missing or its content is not the published, with the ways out
    """
    paths = find(source)
    missing = [file.name for file in source.files if file not in paths]
    if missing:
        what = source.name if not paths else f"{source.name}: {', '.join(missing)}"
        raise DataError(f"{what} not found in {cache_dir()}; {_remedies(source)}")
    try:
        arrays = [array for file in source.files for array in file.read(paths[file], file.sha256)]
    except DataError as problem:
        raise DataError(f"{problem}; delete the file or {_remedies(source)}") from None
    train_x, train_y, test_x, test_y = arrays
    return Dataset(
        name=source.name,
        train_x=train_x.reshape(len(train_x), -1),
        train_y=train_y,
        test_x=test_x.reshape(len(test_x), -1),
        test_y=test_y,
        n_classes=10,
        image_shape=source.image_shape,
        source=source.citation,
    )


def fetch(name, progress=False):
    """Download what the cache lacks of the data set `name`, replacing files that are damaged.

    `progress` shows a bar on standard error. Returns the paths of the files, none for a data set
    without any.

    Raises
    ------
    ConfigError : an unknown name
    DataError : a download fails
    """
    source = find_source(name)
    if source is None:
        return []
    paths = find(source)
    for file in source.files:
        if file not in paths or _fault(file, paths[file]):
            paths[file] = _download(source, file, progress)
    return [paths[file] for file in source.files]


def import_dir(directory):
    """Copy every data set whose files lie in `directory` (or its sub-folder of the name).

    All files are verified before the first is copied. Returns the names of the data sets. Raises
    DataError if a file is damaged, if one of a data set is missing, or if there is none.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise DataError(f"{directory}: not a directory")
    found, strangers = {}, {}
    for source in SOURCES.values():
        for file, path in _find(source, directory, flat=True).items():
            if problem := _fault(file, path):
                strangers.setdefault(path, problem)
            else:
                found.setdefault(source.name, {})[file] = path
    # MNIST and Fashion-MNIST share their file names: a file may be foreign to one of them.
    known = {path for paths in found.values() for path in paths.values()}
    for path, problem in strangers.items():
        if path not in known:
            raise DataError(f"nothing imported: {problem}")
    if not found:
        wanted = sorted({file.name for source in SOURCES.values() for file in source.files})
        raise DataError(f"{directory}: no data set in it, expected {', '.join(wanted)}")
    for name, paths in found.items():
        missing = [file.name for file in SOURCES[name].files if file not in paths]
        if missing:
            raise DataError(f"{directory}: of {name}, {', '.join(missing)} not found")
    for name, paths in found.items():
        folder = _writable_folder(name)
        for file, path in paths.items():
            _copy(path, folder / file.name)
    return list(found)


def _find(source, root, flat=None):
    """The paths of the files of `source` in root/name or, if `flat`, in root itself."""
    if flat is None:
        flat = source.name != "fashion-mnist"  # by name its files could be those of MNIST
    folders = [root / source.name, *([root] if flat else [])]
    paths = {}
    for file in source.files:
        candidates = (folder / name for folder in folders for name in file.names)
        path = next((path for path in candidates if os.path.lexists(path)), None)
        if path:
            paths[file] = path
    return paths


def _fault(file, path):
    """What is wrong with the file at `path`, in one line; empty if it is the published one."""
    try:
        file.read(path, file.sha256)
    except DataError as problem:
        return str(problem)
    return ""


def _download(source, file, progress):
    """The path of `file`, downloaded from the first mirror that serves what was published."""
    if not source.mirrors:
        raise DataError(f"{source.name} cannot be fetched; {_remedies(source)}")
    import pooch  # which imports much, and is needed for downloads alone

    folder = _writable_folder(source.name)
    for mirror in source.mirrors:
        try:
            path = pooch.retrieve(
                mirror + file.name,
                file.served,
                file.name,
                folder,
                downloader=_Bounded(file.size, progress),
            )
            return Path(path)
        # No network is an OSError (of requests), wrong content a ValueError (of pooch).
        except (OSError, ValueError) as error:
            problem = error
    reason = shorten(str(problem), 200, placeholder=" ...") or type(problem).__name__
    raise DataError(
        f"{source.name}: {file.name} could not be downloaded; "
        f"{_remedies(source)} (last problem: {reason})"
    )


class _Bounded:
    """A downloader, as pooch takes it, of at most so many bytes in the time that these may take."""

    def __init__(self, size, progress):
        self._size, self._progress = size, progress

    def __call__(self, url, output, asking):
        failed = []

        def download():
            try:
                self._download(url, output)
            except BaseException as error:
                failed.append(error)

        # A server that sends a byte now and then keeps whoever reads from it waiting: that can be
        # left to itself, but not be interrupted.
        seconds = _SILENT + self._size / _SLOWEST
        thread = threading.Thread(target=download, daemon=True)
        thread.start()
        thread.join(seconds)
        if thread.is_alive():
            raise OSError(f"{url} took longer than {seconds:.0f} s")
        if failed:
            raise failed[0]

    def _download(self, url, output):
        import requests
        from tqdm import tqdm

        with (
            requests.get(url, stream=True, timeout=_SILENT) as response,
            open(output, "wb") as file,
            tqdm(total=self._size, unit="B", unit_scale=True, disable=not self._progress) as bar,
        ):
            response.raise_for_status()
            for chunk in response.iter_content(2**16):
                bar.update(len(chunk))
                if file.tell() + len(chunk) > self._size:
                    raise OSError(f"{url} is larger than the {self._size} bytes published")
                file.write(chunk)


def _writable_folder(name):
    """The sub-folder of the cache for the data set `name`, made and seen to be writable."""
    folder = cache_dir() / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as problem:
        raise DataError(
            f"{folder}: cannot be written to ({problem.strerror}); "
            "set INFOSIM_DATA to a folder that can"
        ) from None


def _copy(path, target):
    """Copy a file whole or not at all, compressing it if the name of `target` says so."""
    try:
        with opened(path) as source, atomic(target, 0o644) as file:
            if path.suffix == target.suffix:
                shutil.copyfileobj(source, file)
            else:
                with gzip.GzipFile("", "wb", compresslevel=1, fileobj=file, mtime=0) as packed:
                    shutil.copyfileobj(source, packed)
    except OSError as problem:
        raise DataError(f"{target}: cannot be written ({problem.strerror})") from None


def _remedies(source):
    if not source.mirrors:
        files = ", ".join(file.name for file in source.files)
        return (
            f"put {files}, which is served nowhere, into {cache_dir() / source.name}, or run "
            "`infosim data import DIR` with it in DIR; "
            f"the original, {source.original}, can be fetched"
        )
    return (
        f"run `infosim data fetch {source.name}` on a machine with a network, "
        "or `infosim data import DIR` with its files in DIR"
    )
