"""Files of run directories: written atomically, read with distrust, by one process at a time."""

import json
import math
import os
import socket
import warnings
import zipfile
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from textwrap import shorten

import numpy as np
from filelock import FileLock, Timeout

from infosim import files
from infosim.errors import CheckpointError, InfosimWarning

#: Bytes beyond which a file of text is not read: 100 000 epochs, or runs, take half of them.
MOST_RECORDS = 2**25


# -- one process at a time -------------------------------------------------------------------------


class Held:
    """A directory that this process alone writes to, until it is released.

    The operating system holds the lock and lets go of it when the process ends, however it ends.
    Who holds it stands in `.holder.json`, for others to tell.

    rotates : whether the newest checkpoint is whole, so that it may replace the one before
    """

    rotates = True

    def __init__(self, folder, lock):
        self.folder, self._lock = folder, lock
        self._same = _identity(folder)

    def check(self):
        """Raise CheckpointError if the directory was removed or replaced meanwhile."""
        if _identity(self.folder) != self._same:
            raise CheckpointError(
                f"cannot write {self.folder}: it was removed or replaced while this was running"
            )

    def release(self):
        with suppress(OSError):
            if _identity(self.folder) == self._same:
                (self.folder / ".holder.json").unlink(missing_ok=True)
        self._lock.release()


def _identity(folder):
    """What tells this directory from another one that takes its place, None if there is none."""
    try:
        status = os.stat(folder), os.stat(folder / ".lock")
    except OSError:
        return None
    return [(one.st_dev, one.st_ino) for one in status]


def hold(folder, wait=0):
    """Make `folder` if there is none, and keep other processes from writing to it.

    wait : seconds to wait for whoever holds it, -1 for as long as it takes

    Returns
    -------
    Held : to be released

    Raises
    ------
    CheckpointError : another process holds it, or it cannot be written to
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock", thread_local=False)
        lock.acquire(timeout=wait)
    except Timeout:
        raise CheckpointError(f"{folder} is in use by {_holder(folder)}") from None
    except (OSError, NotImplementedError) as error:
        raise CheckpointError(f"cannot write {folder}: {_reason(error)}") from None
    try:
        before = _read_holder(folder)
        if before and before["host"] != socket.gethostname():
            warnings.warn(
                f"{folder} was last in use by {_words(before)}, which did not say that it ended; "
                "if that still runs and the file system does not lock across machines, stop it",
                InfosimWarning,
                stacklevel=2,
            )
        now = datetime.now().astimezone().isoformat(" ", "seconds")
        me = {"pid": os.getpid(), "host": socket.gethostname(), "since": now}
        write_json(folder / ".holder.json", me)
        for left in files.leftovers(folder, [".holder.json"]):
            left.unlink(missing_ok=True)
        return Held(folder, lock)
    except BaseException:
        lock.release()
        raise


def check_free(folder):
    """Raise CheckpointError if `hold` would; makes and changes nothing."""
    folder = Path(folder)
    try:
        os.lstat(folder)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, ValueError) as error:  # a name that cannot be
        raise CheckpointError(f"cannot write {folder}: {_reason(error)}") from None
    place = next(one for one in (folder, *folder.parents) if os.path.lexists(one))
    if not place.is_dir():
        raise CheckpointError(f"cannot write {folder}: {place} is not a directory")
    if not os.access(place, os.W_OK | os.X_OK):
        raise CheckpointError(f"cannot write {folder}: no permission to write in {place}")
    if not (folder / ".lock").is_file():
        return  # nobody has held it
    lock = FileLock(folder / ".lock", thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise CheckpointError(f"{folder} is in use by {_holder(folder)}") from None
    except (OSError, NotImplementedError) as error:
        raise CheckpointError(f"cannot write {folder}: {_reason(error)}") from None
    lock.release()


def _reason(error):
    """Why something cannot be written, in words."""
    return getattr(error, "strerror", None) or error


@contextmanager
def held(*folders, wait=0):
    """A context in which this process alone writes to these directories; yields them `Held`."""
    with ExitStack() as stack:
        found = {}
        for folder in sorted({*map(Path, folders)}):  # in one order, so that none waits for another
            found[folder] = hold(folder, wait)
            stack.callback(found[folder].release)
        yield [found[Path(folder)] for folder in folders]


def _holder(folder):
    """Who holds the directory, in words."""
    holder = _read_holder(folder)
    return "another process" if holder is None else _words(holder)


def _words(holder):
    return f"process {holder['pid']} on {holder['host']} since {holder['since']}"


def _read_holder(folder):
    try:
        holder = read_json(folder / ".holder.json")
    except (CheckpointError, FileNotFoundError):
        return None
    kinds = {"pid": int, "host": str, "since": str}
    if not isinstance(holder, dict) or any(type(holder.get(k)) is not t for k, t in kinds.items()):
        return None
    return holder


def tidy(folder, names):
    """Remove what a killed process left of these files, unfinished; for who holds the directory."""
    for left in files.leftovers(folder, names):
        left.unlink(missing_ok=True)


# -- writing ---------------------------------------------------------------------------------------


@contextmanager
def atomic(path):
    """A binary file that appears under `path` whole, or not at all.

    Raises
    ------
    CheckpointError : the file cannot be written
    """
    try:
        with files.atomic(path) as file:
            yield file
    except OSError as error:
        raise CheckpointError(f"cannot write {path}: {error.strerror or error}") from None


@contextmanager
def picture(path):
    """A context in which what goes wrong with a picture, or with what it is drawn from, is an
    InfosimWarning: results go before.
    """
    try:
        yield
    except Exception as error:
        reason = shorten(f"{type(error).__name__}: {error}", 200)
        warnings.warn(f"no {path}, everything else is there: {reason}", InfosimWarning, 3)


def write_text(path, text):
    """Write `text` atomically."""
    try:
        content = text.encode()
    except UnicodeEncodeError as error:  # a name of a file that is no text
        word = text[max(0, error.start - 20) : error.end + 20]
        raise CheckpointError(f"cannot write {path}: {word!r} is not UTF-8") from None
    with atomic(path) as file:
        file.write(content)


def write_json(path, value):
    """Write `value` atomically as indented JSON; numbers that are not finite, as null."""
    write_text(path, json.dumps(_finite(value), indent=2, allow_nan=False) + "\n")


def _finite(value):
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_arrays(path, arrays):
    """Write name -> array atomically as .npz."""
    with atomic(path) as file:
        np.savez(file, **arrays)


# -- reading ---------------------------------------------------------------------------------------


def read_text(path, most=MOST_RECORDS):
    """The text of a UTF-8 file of at most so many bytes.

    Raises
    ------
    FileNotFoundError : there is none
    CheckpointError : it cannot be read: too large, not text, not a regular file
    """
    try:
        return files.read_text(path, most)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(2, "No such file or directory", str(path)) from None
    except OSError as error:
        raise CheckpointError(f"{path} is damaged: {error.strerror or error}") from None


def read_json(path):
    """What a JSON file holds.

    Raises
    ------
    FileNotFoundError : there is none
    CheckpointError : it cannot be read, or is not JSON
    """
    try:
        return json.loads(read_text(path), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        reason = "brackets too deep" if isinstance(error, RecursionError) else error
        raise CheckpointError(f"{path} is damaged: {reason}") from None


def _no_constant(name):
    """NaN and infinity, which JSON does not have but earlier versions wrote, read as null."""
    return None


def read_arrays(path):
    """Read an .npz file: name -> array.

    Only what `write_arrays` writes is one: arrays of plain types, stored as they are. So nothing
    is read, or memory taken, beyond the size of the file.

    Raises
    ------
    CheckpointError : missing or damaged
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # NumPy's of headers as Python 2 wrote them
            return _read_archive(path)
    except FileNotFoundError:
        raise CheckpointError(f"{path} is missing") from None
    except Exception as error:  # whatever libraries make of bytes that are damaged
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise CheckpointError(f"{path} is damaged: {shorten(reason, 200)}") from None


def _read_archive(path):
    arrays = {}
    with files.opened(path) as file, zipfile.ZipFile(file) as archive:
        left = os.fstat(file.fileno()).st_size
        for member in archive.infolist():
            left -= member.file_size
            if member.compress_type != zipfile.ZIP_STORED or left < 0:
                raise ValueError(f"{member.filename} is compressed, or larger than the file")
            name = member.filename.removesuffix(".npy")
            if name in arrays or name == member.filename:
                raise ValueError(f"{member.filename} is not an array, or there twice")
            with archive.open(member) as stored:
                arrays[name] = _array(stored, member.file_size)
    return arrays


def _array(stored, size):
    """The array in a .npy file of so many bytes."""
    if np.lib.format.read_magic(stored) != (1, 0):
        raise ValueError("an array in another format")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(stored)
    if dtype.kind not in "biufU":
        raise ValueError(f"an array of {dtype}")
    if math.prod(shape) * dtype.itemsize != size - stored.tell():
        raise ValueError(f"an array of {shape} that is longer or shorter")
    if not dtype.itemsize:
        return np.empty(shape, dtype)
    values = np.frombuffer(stored.read(), dtype)
    return values.reshape(shape, order="F" if fortran else "C").copy(order="K")
