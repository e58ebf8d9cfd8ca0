"""What a run keeps of its network's health: how it was after the first epoch and after the last."""

import warnings
from pathlib import Path

from infosim.analysis.health import Health, check
from infosim.errors import CheckpointError, InfosimWarning
from infosim.experiments import store

FILE = "health.json"


def note(holds, training, *, last, tell=True):
    """Check a training whose epoch has just ended, and write down what is found, of each replica.

    The check of the first epoch is kept beside that of the last; a run that goes on to more epochs
    has the last one anew. What goes wrong with a check is an InfosimWarning: results go before.

    holds : `store.Held` of each directory
    last : whether no epoch follows; tell : whether what makes a run senseless is an InfosimWarning
    """
    epoch, files = training.epoch - 1, [held.folder / FILE for held in holds]
    found = None
    with store.picture(files[0]):
        found = check(
            training.simulator,
            training.samples,
            batch=training.batch,
            epoch=epoch,
            learnt=last and epoch > 0,
        )
    if found is None:
        return
    several = isinstance(found, list)
    for held, path, now in zip(holds, files, found if several else [found], strict=True):
        held.check()
        kept = [one for one in _kept(path) if one.epoch == 1 and epoch > 1]
        store.write_json(path, {"checks": [one.table() for one in (*kept, now)]})
        for words in now.warnings if tell else ():
            whose = f"{held.folder}, " if several else ""
            warnings.warn(f"{whose}after epoch {epoch}: {words}", InfosimWarning, stacklevel=5)


def _kept(path):
    try:
        return read(path)
    except CheckpointError as error:
        warnings.warn(
            f"{error}; the check of the first epoch is lost", InfosimWarning, stacklevel=5
        )
        return ()


def read(path):
    """The checks of health in a file that `note` wrote, by epoch; none if there is no file.

    Raises
    ------
    CheckpointError : it is damaged
    """
    try:
        table = store.read_json(path)
    except FileNotFoundError:  # a run of before there were any, or in its first epoch
        return ()
    try:
        if not isinstance(table, dict) or not isinstance(table.get("checks"), list):
            raise ValueError("it has no checks")
        return tuple(map(Health.of, table["checks"]))
    except ValueError as error:
        raise CheckpointError(f"{path} is damaged: {error}") from None


def described(folder):
    """What the last check of a run found, in short: a few lines, none where all is well."""
    path = Path(folder) / FILE
    checks = read(path)
    lines = checks[-1].lines() if checks else []
    return [f"health of {line}" for line in lines] + (
        [f"what that means, and what helps: {path}"] if lines else []
    )
