"""How long figures take: times.csv beside them, by script and machine.

What was measured is added up over the script's starts; what was reckoned is of all its networks.
"""

import csv
from typing import NamedTuple

from filelock import FileLock

from infosim.errors import CheckpointError
from infosim.experiments import store
from infosim.experiments.environment import cpu
from infosim.kernels.workers import available
from scripts.files import table

NAME = "times.csv"
COLUMNS = ("script", "machine", "how", "networks", "seconds")
MEASURED, RECKONED = "measured", "reckoned"


class Time(NamedTuple):
    """What a script took on a machine: networks that it trained, and seconds in which it did.

    how : `MEASURED`, or `RECKONED` from pieces (`scripts.reckoning`)
    """

    script: str
    machine: str
    how: str
    networks: int
    seconds: float


def machine():
    """What this one is, in words."""
    n = available()
    return f"{n} core{'s' * (n > 1)} of {cpu()}"


def times(folder):
    """Every `Time` in the folder's table, of a script what was measured before what was reckoned.

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
        return [Time(*known, int(n), float(s)) for *known, n, s in map(_checked, rows[1:])]
    except FileNotFoundError:
        return []
    except (csv.Error, IndexError, ValueError) as error:
        raise CheckpointError(f"{path} is damaged: {error}") from None


def _checked(row):
    if len(row) != len(COLUMNS) or row[2] not in (MEASURED, RECKONED):
        raise ValueError(f"it has a row {','.join(row)}")
    return row


def record(folder, script, networks, seconds, lock, how=MEASURED):
    """Enter a start of a script in the folder's table, while no other does: it holds a file `lock`.

    A start that trained nothing only drew: it is what the script takes unless another did train.
    What is reckoned takes the place of what was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock, timeout=60):
        known = {one[:3]: one for one in times(folder)}
        now = Time(script, machine(), how, networks, seconds)
        known[now[:3]] = _with(now, known.get(now[:3]))
        rows = [one._asdict() | {"seconds": round(float(one.seconds), 1)} for one in known.values()]
        store.write_text(folder / NAME, table(sorted(rows, key=lambda r: [*r.values()]), COLUMNS))


def _with(now, before):
    """What is entered of a start if this was entered before."""
    if now.how == RECKONED or not before or not before.networks:
        return now
    if not now.networks:
        return before
    return now._replace(
        networks=now.networks + before.networks, seconds=now.seconds + before.seconds
    )


def told(folder, script):
    """The `Time` of a script that says most, for each machine that it was started on.

    What was reckoned of all its networks says more than what was measured of some of them.
    """
    of_machine = {}
    for one in times(folder):
        if one.script == script:
            before = of_machine.get(one.machine)
            if before is None or one.networks > before.networks:
                of_machine[one.machine] = one
    return list(of_machine.values())
