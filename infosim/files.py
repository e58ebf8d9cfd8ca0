"""Files: written whole or not at all, and read with distrust of what stands under a name."""

import errno
import os
import secrets
import stat
import time
from contextlib import contextmanager
from pathlib import Path

import platformdirs

#: What opening asks for where the system has it: not to wait for whoever writes a pipe.
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_MADE = os.O_WRONLY | os.O_CREAT | os.O_EXCL
_MADE |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
#: Seconds to wait before a file is moved or removed again that another program has open. Windows
#: refuses both as long as one has, which virus scanners and indexers of a file that is new do.
_AGAIN = (0.02, 0.05, 0.1, 0.2, 0.4) if os.name == "nt" else ()


def user_cache():
    """The folder for what is kept for this user.

    It is pooch's, which takes longer to import than all kernels of a network to be read.

    Raises
    ------
    RuntimeError : the user has no home
    """
    return Path(platformdirs.user_cache_dir("infosim"))


def kernel_cache():
    """The folder for compiled kernels, None without a home; and whether it is the default one."""
    given = os.environ.get("NUMBA_CACHE_DIR")
    try:
        folder = Path(given or user_cache() / "kernels")
    except RuntimeError:
        return None, True
    if not given and not folder.is_absolute():  # a "~" that stands for nothing
        return None, True
    return folder, not given


def opened(path):
    """A regular file, open for reading bytes; a pipe or device would never end.

    Raises
    ------
    OSError : it cannot be opened, or is no regular file
    """
    handle = os.open(path, _READ)
    try:
        mode = os.fstat(handle).st_mode
        if stat.S_ISDIR(mode):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        return open(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_text(path, most):
    """The text of a regular UTF-8 file of at most `most` bytes, without a byte order mark.

    Raises
    ------
    OSError : it cannot be read, is larger, or no text; `strerror` says which
    """
    try:
        with opened(path) as file:
            content = file.read(most + 1)
    except ValueError as error:  # a null in its name
        raise OSError(errno.EINVAL, str(error), str(path)) from None
    if len(content) > most:
        raise OSError(errno.EFBIG, f"larger than {most // 2**20} MiB", str(path))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise OSError(errno.EILSEQ, "not UTF-8 text", str(path)) from None


@contextmanager
def atomic(path, mode=0o666):
    """A binary file to write that appears under `path` whole and on the disk, or not at all.

    Its name until then cannot be guessed and is new, so that nobody has put a link there.
    `mode` are its permissions, less the user's umask.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    handle = os.open(temporary, _MADE, mode)
    try:
        with open(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        replace(temporary, path)
    finally:
        _patiently(temporary.unlink, missing_ok=True)


def replace(path, target):
    """Move a file to where another may stand, whose place it takes.

    Raises
    ------
    OSError : it cannot be moved, on Windows after a moment of trying
    """
    _patiently(os.replace, path, target)


def _patiently(change, *given, **options):
    """Make a change of a file, which another program that has it open for a moment may keep us
    from."""
    for seconds in _AGAIN:
        try:
            return change(*given, **options)
        except PermissionError:
            time.sleep(seconds)
    return change(*given, **options)


def leftovers(folder, names):
    """The files of these names that whoever wrote them in `folder` was killed over."""
    return [left for name in names for left in Path(folder).glob(f".{name}.*.tmp")]
