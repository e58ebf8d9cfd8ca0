"""A run's directory: which files it has, and how they are read, whoever wrote them."""

import hashlib
import os
import warnings
from pathlib import Path

import numpy as np

from infosim.errors import CheckpointError, ConfigError, InfosimWarning
from infosim.experiments import examination, health, store
from infosim.experiments.encoded import ENCODING
from infosim.experiments.identity import recorded
from infosim.experiments.reading import parse
from infosim.experiments.record import RECORD
from infosim.experiments.resolve import resolve

#: The newest checkpoint and the one before it, for when the newest turns out to be damaged.
CHECKPOINTS = ("checkpoint.npz", "checkpoint.previous.npz")
#: Files of a run, removed in reverse: what says whose the others are goes last.
FILES = (
    "config.toml", ENCODING, "environment.json", "metrics.csv", "atoms.npz", "weights.npz",
    *reversed(CHECKPOINTS), health.FILE, RECORD, examination.FILE, "summary.png", "result.json",
)  # fmt: skip
#: Of `History`.
ERRORS = ("train_error", "val_error", "test_error")


def files_in(folder):
    """The names of a run's files that are in `folder`, whole or not."""
    return [name for name in FILES if os.path.lexists(Path(folder) / name)]


def begun(folder):
    """Whether there is a checkpoint in `folder`, whole or not."""
    return any(os.path.lexists(Path(folder) / name) for name in CHECKPOINTS)


def read_config(folder):
    """The resolved settings of the run in `folder`, as they were meant when it was made.

    Raises
    ------
    FileNotFoundError : it holds no run
    CheckpointError : they are damaged
    """
    path = Path(folder) / "config.toml"
    try:
        return resolve(recorded(parse(store.read_text(path))))
    except ConfigError as error:
        raise CheckpointError(f"{path} is damaged: {error}") from None


def read_result(folder):
    """What the run in `folder` came to, or None if it is not complete.

    A result.json that is damaged is none: the run is to be finished again.
    """
    try:
        result = store.read_json(Path(folder) / "result.json")
    except (FileNotFoundError, CheckpointError):
        return None
    if not isinstance(result, dict) or not isinstance(result.get("key"), str):
        return None
    epochs = result.get("epochs")
    numbers = [value for name, value in result.items() if name not in ("key", "epochs")]
    fits = (
        type(epochs) is int
        and epochs >= 0
        and set(ERRORS) <= result.keys()
        and all(
            value is None or (type(value) in (int, float) and np.isfinite(float(value)))
            for value in numbers
        )
    )
    return result if fits else None


def why_failed(folder):
    """Why the run in this directory failed; None if it did not."""
    try:
        error = store.read_json(folder / "error.json")
        return " ".join(error["reason"].split())
    except FileNotFoundError:
        return None
    except (CheckpointError, KeyError, TypeError, AttributeError):
        return "error.json cannot be read"


def read_state(out):
    """The newest checkpoint of a run that is whole: its file's name, and name -> array.

    Raises
    ------
    CheckpointError : none can be read; of one that is not the newest an InfosimWarning tells
    """
    faults = []
    for name in CHECKPOINTS:
        if not os.path.lexists(out / name):
            continue
        try:
            state = store.read_arrays(out / name)
            digest = state.pop("digest", None)
            if digest is None or str(digest) != str(digest_of(state)):
                raise CheckpointError(
                    f"{out / name} is damaged: its contents do not match their hash"
                )
        except CheckpointError as error:
            faults.append(str(error))
            continue
        if faults or name != CHECKPOINTS[0]:
            why = faults[0] if faults else f"{out / CHECKPOINTS[0]} is missing"
            warnings.warn(f"{why}; goes on from {name}, the one before", InfosimWarning, 6)
        return name, state
    raise CheckpointError(f"{faults[0]}; --force starts anew")


def digest_of(arrays):
    """A hash of everything in a checkpoint, so that damage cannot pass for a result."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode())
        # as bytes, not copied to bytes: some are large
        digest.update(np.ascontiguousarray(arrays[name]).reshape(-1).view(np.uint8))
    return np.array(digest.hexdigest())
