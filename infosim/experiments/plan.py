"""How far a sweep is, and what it came to, from the files in its directory alone."""

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

from infosim.errors import CheckpointError
from infosim.experiments import store
from infosim.experiments.directory import read_result, why_failed


def load_plan(out):
    """(key, settings) of every run that a sweep's directory was made for.

    Raises
    ------
    CheckpointError : it holds none
    """
    path = Path(out) / "runs.json"
    try:
        planned = store.read_json(path)
    except (FileNotFoundError, CheckpointError) as error:
        why = f": {error}" if isinstance(error, CheckpointError) else ""
        raise CheckpointError(f"{out} holds no sweep{why}") from None
    fits = isinstance(planned, list) and all(
        isinstance(one, dict)
        and isinstance(one.get("key"), str)
        and re.fullmatch("[0-9a-f]{16}", one["key"])
        and isinstance(one.get("settings"), dict)
        for one in planned
    )
    if not fits:
        raise CheckpointError(f"{out} holds no sweep: {path} is damaged, is no list of runs")
    return [(one["key"], one["settings"]) for one in planned]


@dataclass
class Status:
    """How far a sweep is: keys of runs that are done, failed (with the reason), or left."""

    done: list
    failed: dict
    left: list


def status(plan, out):
    """The `Status` of the planned runs in a sweep's directory, from its files alone."""
    found = Status([], {}, [])
    for key, _ in plan:
        folder = Path(out) / "runs" / key
        if read_result(folder) is not None:
            found.done.append(key)
        elif (reason := why_failed(folder)) is not None:
            found.failed[key] = reason
        else:
            found.left.append(key)
    return found


def table(plan, out):
    """The complete ones of the planned runs, in their order: column names, and rows name -> value.

    Columns: key, the settings in which runs differ, epochs, errors and mean goals.
    """
    columns = dict.fromkeys(["key", *(name for _, settings in plan for name in settings)])
    rows = []
    for key, settings in plan:
        result = read_result(Path(out) / "runs" / key)
        if result is None:
            continue
        rows.append({"key": key, **settings, **result})
        columns |= dict.fromkeys(result)
    return list(columns), rows


def write_table(plan, out):
    """Write results.csv, the `table` of a sweep."""
    columns, rows = table(plan, out)
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    store.write_text(Path(out) / "results.csv", text.getvalue())
