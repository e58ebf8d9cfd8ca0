"""Data too large for this machine are refused before memory is taken."""

import os

from infosim.errors import DataError


def check_memory(what, n_bytes):
    """Raise DataError if `what` takes more than half of the machine's memory."""
    try:
        there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # no such system: it will tell itself
        return
    if n_bytes > there / 2:
        raise DataError(
            f"{what} would take {_size(n_bytes)} of memory, more than half of this machine's "
            f"{_size(there)}"
        )


def _size(n_bytes):
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.0f} MB"
