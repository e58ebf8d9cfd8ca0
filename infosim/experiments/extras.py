"""Packages that only some commands need: imported where used, told by their extra if missing."""

import logging
import re
from contextlib import contextmanager
from importlib import import_module

from infosim.errors import BackendError, ConfigError

#: Seconds to wait for a Dask scheduler to answer, and for its first worker.
ANSWER, FIRST_WORKER = 5, 30

#: Addresses of a scheduler that can be connected to over a network; ws and wss are websockets.
_ADDRESS = re.compile(
    r"((?P<kind>tcp|tls|ws|wss)://)?([^\s:/\[\]]+|\[[^\s\]]+\]):(?P<port>\d{1,5})/?"
)


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
    problem = _unusable(distributed, address)
    if problem:
        raise BackendError(f"no Dask scheduler at {address}: {problem}")
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


def _unusable(distributed, address):
    """Why there cannot be a scheduler at this address, or None.

    Asked before: what a client that was not made leaves behind complains when Python ends.
    """
    known = _ADDRESS.fullmatch(address)
    if known is None or int(known["port"]) >= 2**16:
        return "an address is tcp://host:port"
    encrypted = known["kind"] in ("tls", "wss")
    if encrypted and not distributed.Security().get_connection_args("client").get("ssl_context"):
        return f"{known['kind']} needs certificates in Dask's configuration, distributed.comm.tls"
    return None
