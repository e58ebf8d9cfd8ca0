"""record.npz: what is found out about a run when it ends, for pictures without network or data."""

from dataclasses import dataclass, field

import numpy as np

from infosim.errors import CheckpointError, ConfigError, brief
from infosim.experiments import store
from infosim.machine.randomness import Purpose

RECORD = "record.npz"

#: Arrays of a task are told from others by what their names begin with.
_OF_TASK = "task/"


@dataclass(frozen=True)
class Record:
    """What a record.npz holds.

    experiment, dataset, task : names; image_shape : of the data set
    epoch : the last one then; the record is of no other
    found : name -> array, as the task recorded it (`Task.record`)
    """

    experiment: str
    dataset: str
    task: str
    image_shape: tuple[int, ...]
    epoch: int
    found: dict = field(repr=False)


def write_records(outs, experiments, task, training, test):
    """Write the record of each run that has come to its end; what goes wrong is an InfosimWarning.

    task : what all of them are; test : Samples
    """
    with store.picture(outs[0] / RECORD):
        simulator, epoch = training.simulator, training.epoch - 1
        moment = {"purpose": Purpose.TEST, "epoch": epoch, "batch": training.batch}
        found = task.record(simulator, test, **moment)
        arrays = _checked(task, found, simulator.n_replicas)
        dataset = task.dataset
        for out, experiment, own in zip(outs, experiments, arrays, strict=True):
            common = {
                "experiment": experiment.name, "dataset": dataset.name, "task": task.name,
                "image_shape": dataset.image_shape, "epoch": epoch,
            }  # fmt: skip
            common = {name: np.array(value) for name, value in common.items()}
            store.write_arrays(out / RECORD, common | own)


def _checked(task, found, n):
    """What a task recorded of n replicas, as arrays of a file."""
    tables = list(found) if isinstance(found, list | tuple) else []
    if len(tables) != n or not all(isinstance(one, dict) for one in tables):
        raise ConfigError(
            f"task {task.name!r} is to record a table of arrays for each of {n} replica(s), "
            f"was {brief(found)}"
        )
    arrays = [{f"{_OF_TASK}{k}": np.asarray(a) for k, a in one.items()} for one in tables]
    for name, array in (pair for one in arrays for pair in one.items()):
        if array.dtype.kind not in "biufU":
            raise ConfigError(
                f"task {task.name!r} is to record numbers and text, {name!r} was {array.dtype}"
            )
    return arrays


def read_record(path):
    """The `Record` in a file.

    Raises
    ------
    CheckpointError : missing or damaged
    """
    arrays = store.read_arrays(path)
    found = {
        name.removeprefix(_OF_TASK): arrays.pop(name)
        for name in list(arrays)
        if name.startswith(_OF_TASK)
    }
    kinds = {
        "experiment": ("U", 0), "dataset": ("U", 0), "task": ("U", 0), "image_shape": ("i", 1),
        "epoch": ("i", 0),
    }  # fmt: skip
    for name, (kind, ndim) in kinds.items():
        array = arrays.get(name)
        if array is None or array.dtype.kind != kind or array.ndim != ndim:
            raise CheckpointError(f"{path} is damaged: {name} is not there, or something else")
    try:
        values = {name: arrays[name].tolist() for name in kinds}
    except (ValueError, SystemError):  # no characters
        raise CheckpointError(f"{path} is damaged: names that are no text") from None
    return Record(**values | {"image_shape": tuple(values["image_shape"])}, found=found)
