"""Fixtures for the tests of every part."""

import inspect
import os
import re
import shutil
import signal
import threading
import warnings
from importlib.util import find_spec
from pathlib import Path

# Numba reads this when it is imported: without it the CUDA kernels would want a GPU. With
# INFOSIM_TEST_GPU=1 the same tests run on a real one.
if os.environ.get("INFOSIM_TEST_GPU") != "1":
    os.environ.setdefault("NUMBA_ENABLE_CUDASIM", "1")

import pytest
from hypothesis import settings

from infosim import datasets
from infosim.kernels import backend

# Most of what tests write is written through to the disk, every trial of a search many times: in
# memory that takes no time. It has to have room for them, and to let them run what they write.
MEMORY = Path("/dev/shm")
if (
    os.access(MEMORY, os.W_OK)
    and shutil.disk_usage(MEMORY).free > 4 * 2**30
    and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC
):
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
# Processes that tests start would compile the package's bytecode each for itself.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

#: What POSIX alone has, or does. Tests whose own lines ask for it are skipped elsewhere.
POSIX = re.compile(
    r"SIG(KILL|HUP|TERM|STOP)\b|\b(mkfifo|fork|killpg|geteuid|symlink_to|chmod|setrlimit)\(|/dev/"
)


def pytest_collection_modifyitems(items):
    for item in items if os.name != "posix" else ():
        if POSIX.search(inspect.getsource(item.function)):
            item.add_marker(pytest.mark.skip(reason="asks for what POSIX alone has"))


# How long an example takes says more about the machine than about us.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

# Where tests are started in the background these may be ignored, by processes of theirs as well;
# what infosim makes of them is tested.
if threading.current_thread() is threading.main_thread():
    for name, usual in (
        ("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL),
        ("SIGTERM", signal.SIG_DFL),
    ):  # fmt: skip
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, usual)


if find_spec("numba_cuda") is not None and backend.simulated():
    import simulator

    simulator.make_fast()


@pytest.fixture(params=["cpu", "cuda"])
def kernels(request):
    """The kernel module of each backend; its arrays are made by `resident`, read by `host`."""
    if request.param == "cuda" and find_spec("numba_cuda") is None:
        pytest.skip("needs numba-cuda")
    module = backend.load(request.param)
    with warnings.catch_warnings():
        # the simulator computes in NumPy, which warns of overflow, inf and nan; a GPU does not
        warnings.filterwarnings("ignore", ".* encountered in ", RuntimeWarning)
        yield module


@pytest.fixture
def slow(kernels):
    """Whether these kernels run in the CUDA simulator: an array access takes microseconds."""
    return kernels.ON_DEVICE and backend.simulated()


@pytest.fixture(scope="session")
def mnist_dir():
    """A folder in which MNIST lies; without one the test is skipped."""
    # A checkout may have the data beside it.
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = os.environ.get("INFOSIM_DATA") or beside
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INFOSIM_DATA", str(folder))
        if datasets.status("mnist").state == "absent":
            pytest.skip("needs MNIST: `infosim data fetch mnist`, then set INFOSIM_DATA")
    return Path(folder)


@pytest.fixture(scope="session")
def mnist(mnist_dir):
    """MNIST, loaded once and read-only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INFOSIM_DATA", str(mnist_dir))
        return datasets.load("mnist")
