"""Files of data sets: verified before they are read, whole when they are written."""

import hashlib
import lzma
import os
import tarfile
import tempfile
import zlib
from contextlib import contextmanager
from pathlib import Path

from infosim.errors import DataError


@contextmanager
def verified(path, sha256, kind):
    """The file at `path`, open at its start; its SHA-256 must be `sha256`.

    Raises DataError if it is missing or another; and if it turns out, while the block reads it, not
    to be a `kind` of archive.
    """
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            if digest != sha256:
                raise DataError(f"{path}: its SHA-256 is {digest}, expected {sha256}")
            file.seek(0)
            yield file
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError) as problem:
        raise DataError(f"{path}: damaged, expected {kind} ({problem})") from None
    except OSError as problem:
        raise DataError(f"{path}: cannot be read ({problem.strerror or problem})") from None


@contextmanager
def atomic(target):
    """A binary file to write that appears under the path `target` whole, or not at all."""
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=target.suffix)
    try:
        with open(handle, "wb") as file:
            yield file
        os.chmod(temporary, 0o644)  # mkstemp made it private; a cache may be shared
        os.replace(temporary, target)
    finally:
        Path(temporary).unlink(missing_ok=True)
