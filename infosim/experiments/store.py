"""Files of a run directory: written atomically, read with distrust."""

import json
import os
import zipfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from infosim.errors import CheckpointError


@contextmanager
def atomic(path):
    """A binary file that appears under `path` whole, or not at all.

    Raises
    ------
    CheckpointError : the file cannot be written
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        try:
            with open(temporary, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise CheckpointError(f"cannot write {path}: {error.strerror or error}") from None


def write_text(path, text):
    """Write `text` atomically."""
    with atomic(path) as file:
        file.write(text.encode())


def write_json(path, value):
    """Write `value` atomically as indented JSON."""
    write_text(path, json.dumps(value, indent=2) + "\n")


def write_arrays(path, arrays):
    """Write name -> array atomically as .npz."""
    with atomic(path) as file:
        np.savez(file, **arrays)


def read_arrays(path):
    """Read an .npz file: name -> array.

    Raises
    ------
    CheckpointError : missing or damaged
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except FileNotFoundError:
        raise CheckpointError(f"{path} is missing") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(f"{path} is damaged: {reason}") from None


def sweep(folder, names):
    """Remove what a killed run left of these files, unfinished."""
    for name in names:
        for left in folder.glob(f".{name}.*.tmp"):
            left.unlink(missing_ok=True)
