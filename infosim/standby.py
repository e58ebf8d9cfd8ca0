"""A second process that is ready to compile kernels (`experiments.ahead`) when a training is.

To import what it takes is half a second of its work. Begun with the command, it does so while the
command does the same; it then waits for a training, or ends when the command does.
"""

import atexit
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from infosim import files
from infosim.cpus import available

# -P: whatever lies in the working folder is not taken for a module
_COMMAND = "-P", "-W", "ignore", "-m", "infosim.experiments.ahead"

#: The one that waits.
_waiting = None


def is_of_use(backend, threads):
    """Whether a training so carried out has a processor to spare, and Python can be started."""
    is_python = "python" in Path(sys.executable or "").name.lower()  # not within a program
    return backend == "cpu" and threads != 1 and available() > 1 and is_python


def begin(backend, threads):
    """Start one if it will be of use, which is if no kernels at all are kept yet."""
    global _waiting
    if _waiting is None and is_of_use(backend, threads) and not _kept():
        _waiting = start([sys.executable, *_COMMAND])
        atexit.register(end)


def taken():
    """The one that waits, or one that is started now; None if it cannot be."""
    global _waiting
    process, _waiting = _waiting, None
    return process or start([sys.executable, *_COMMAND])


def end():
    """End the one that waits, if there is one."""
    global _waiting
    process, _waiting = _waiting, None
    if process is not None:
        process.kill()  # it has not been given anything to do
        process.communicate()


def start(command):
    """A process with pipes to and from it; modules are looked for where they are looked for here.

    None if there is no memory for it, or no interpreter.
    """
    path = os.pathsep.join(filter(None, sys.path))
    try:
        return subprocess.Popen(
            command, env=os.environ | {"PYTHONPATH": path},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, encoding="utf-8",
        )  # fmt: skip
    except (OSError, ValueError):
        return None


def _kept():
    """Whether kernels are kept, of any version of anything, or cannot be."""
    folder, _ = files.kernel_cache()
    if folder is None:
        return True
    with suppress(OSError):
        return any(folder.glob("*/*.kernel"))
    return True
