"""How kernels are compiled: the one place that knows Numba's flags and cache.

Numba's on-disk cache notices a change of the file a kernel stands in, not of the helpers it calls
(https://numba.readthedocs.io/en/stable/user/faq.html, "cache"). So our cache lives in a folder
named after a hash of every source file that kernels are made of: any edit or upgrade starts a
fresh one, and a stale kernel cannot be loaded.
"""

import hashlib
import os
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numba
import pooch
from numba.extending import register_jitable

#: Flags of every CPU kernel. `nogil`: our own threads run the same kernel on different neurons.
#: `error_model`: divisions do not raise, so that loops vectorise. `fastmath`: products and sums may
#: fuse and divisions become reciprocals; sums keep their order, because Σ(1-θ) would otherwise be
#: taken apart into a difference that cancels.
FLAGS = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "nsz", "arcp"},
}

_PACKAGE = Path(__file__).parent
_SOURCES = [
    Path(__file__),
    _PACKAGE / "elementary.py",
    *sorted((_PACKAGE / "neuron").glob("*.py")),
    *sorted((_PACKAGE / "kernels").glob("*.py")),
]


@cache
def _cache_dir():
    """The folder of compiled kernels for exactly these sources and this Numba."""
    digest = hashlib.sha256(numba.__version__.encode())
    for path in _SOURCES:
        digest.update(path.read_bytes())
    base = os.environ.get("NUMBA_CACHE_DIR") or Path(pooch.os_cache("infosim")) / "kernels"
    return str(Path(base) / digest.hexdigest()[:16])


@contextmanager
def _own_cache():
    """Numba reads its cache folder when a function is decorated; ours is set for that moment."""
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = _cache_dir()
    try:
        yield
    finally:
        numba.config.CACHE_DIR = before


def kernel(function):
    """Compile `function` lazily for the CPU with our flags, cached on disk."""
    with _own_cache():
        return numba.njit(cache=True, **FLAGS)(function)


def inline(function):
    """Let kernels call `function`, which stays a Python function.

    Not a compiled one: what a factory's kernel closes over is part of its key in the cache, and a
    compiled function has another identity in every process, so that nothing would ever be found.
    """
    return register_jitable(**FLAGS)(function)


def reduction(function):
    """The same for a helper that does nothing but add up, in vector lanes, so in another order."""
    return register_jitable(**FLAGS | {"fastmath": FLAGS["fastmath"] | {"reassoc"}})(function)
