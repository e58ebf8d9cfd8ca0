"""Files of data sets: verified before they are read."""

import hashlib
import lzma
import tarfile
import zlib
from contextlib import contextmanager

from infosim.errors import DataError
from infosim.files import opened


@contextmanager
def verified(path, sha256, kind):
    """The file at `path`, open at its start; its SHA-256 must be `sha256`.

    Raises
    ------
    DataError : it is missing or another, or turns out, while the block reads it, not to be a `kind`
        of archive
    """
    try:
        with opened(path) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            if digest != sha256:
                raise DataError(f"{path}: its SHA-256 is {digest}, expected {sha256}")
            file.seek(0)
            yield file
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError) as problem:
        raise DataError(f"{path}: damaged, expected {kind} ({problem})") from None
    except OSError as problem:
        raise DataError(f"{path}: cannot be read ({problem.strerror or problem})") from None
