"""How long figures take: times.csv beside them, by script and machine, added up over its starts."""

import csv
from typing import NamedTuple

from filelock import FileLock

from infosim.errors import CheckpointError
from infosim.experiments import store
from infosim.experiments.environment import cpu
from infosim.kernels.workers import available
from scripts.files import table

NAME = "times.csv"
COLUMNS = ("script", "machine", "networks", "seconds")


class Time(NamedTuple):
    """What a script took on a machine: networks that it trained, and seconds in which it did."""

    script: str
    machine: str
    networks: int
    seconds: float


def machine():
    """What this one is, in words."""
    n = available()
    return f"{n} core{'s' * (n > 1)} of {cpu()}"


def times(folder):
    """The `Time` of each script and machine in the folder's table.

    Raises
    ------
    CheckpointError : the table is damaged
    """
    path = folder / NAME
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
        if tuple(rows[0]) != COLUMNS:
            raise ValueError(f"its columns are {rows[0]}")
        return [Time(script, where, int(n), float(s)) for script, where, n, s in rows[1:]]
    except FileNotFoundError:
        return []
    except (csv.Error, IndexError, ValueError) as error:
        raise CheckpointError(f"{path} is damaged: {error}") from None


def record(folder, script, networks, seconds, lock):
    """Add a start of a script to the folder's table, while no other does: it holds a file `lock`.

    A start that trained nothing only drew: it is what the script takes unless another did train.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock, timeout=60):
        known = {(one.script, one.machine): one for one in times(folder)}
        before = known.get((script, machine()))
        if networks and before and before.networks:
            networks, seconds = networks + before.networks, seconds + before.seconds
        if networks or not (before and before.networks):
            now = Time(script, machine(), networks, round(float(seconds), 1))
            known[script, machine()] = now
        rows = [one._asdict() for _, one in sorted(known.items())]
        store.write_text(folder / NAME, table(rows, COLUMNS))
