"""Choice of backend: the one place that imports a device's kernels and says what is missing."""

from importlib import import_module

from infosim.errors import BackendError, near

BACKENDS = {"cpu": "infosim.kernels.cpu"}


def load(name):
    """The kernel module of backend `name`; an object with the functions of one is handed through.

    Raises
    ------
    BackendError : there is no such backend
    """
    if not isinstance(name, str):
        return name
    if name not in BACKENDS:
        raise BackendError(f"unknown backend {name!r}; {near(name, BACKENDS)}")
    return import_module(BACKENDS[name])
