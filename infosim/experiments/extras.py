"""Packages that only some commands need: imported where used, told by their extra if missing."""

import logging
from contextlib import contextmanager
from importlib import import_module

from infosim.errors import BackendError, ConfigError

#: Seconds to wait for a Dask scheduler to answer, and for its first worker.
ANSWER, FIRST_WORKER = 5, 30


def need(package, extra, why=None):
    """Import an optional package, or say why it is needed and which extra brings it.

    Raises
    ------
    ConfigError : it is not installed
    """
    try:
        return import_module(package)
    except ImportError:
        why = f"this needs {package}, which is not installed" if why is None else why
        raise ConfigError(f"{why}: pip install 'infosim[{extra}]'") from None


@contextmanager
def dask_client(address):
    """A client of a Dask scheduler that has workers.

    Raises
    ------
    ConfigError : Dask is not installed
    BackendError : there is no scheduler at that address, it has no workers, or it goes away
    """
    distributed = need("distributed", "cluster", "--scheduler needs Dask")
    try:
        client = distributed.Client(address, timeout=ANSWER, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BackendError(f"no Dask scheduler at {address}: {reason}") from None
    with client, client.as_current():
        try:
            client.wait_for_workers(1, timeout=FIRST_WORKER)
        except TimeoutError:
            raise BackendError(f"the Dask scheduler at {address} has no workers") from None
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # we say it
        try:
            yield client
        except (OSError, distributed.CancelledError):
            raise BackendError(
                f"the Dask scheduler at {address} is gone; what is done is kept, to be continued"
            ) from None
