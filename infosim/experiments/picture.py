"""summary.png: the picture of a run, a function of what its directory holds.

Neither network nor data set is needed: a task draws what it recorded when the run ended.
"""

import shlex
import warnings
from math import isfinite
from pathlib import Path
from textwrap import shorten

from infosim.errors import CheckpointError, ConfigError, InfosimWarning
from infosim.experiments import store
from infosim.experiments.encoded import called
from infosim.experiments.neurons import populations, receptive_fields
from infosim.experiments.record import RECORD
from infosim.experiments.results import load_run
from infosim.tasks import task_called

SUMMARY = "summary.png"


def draw(results):
    """The picture of a run as it was last saved, a matplotlib Figure.

    What the directory does not hold, as that of a run which has not ended or of an earlier version,
    is left out; an InfosimWarning says so, and what adds it.

    results : RunResults, as of `load_run`

    Raises
    ------
    CheckpointError : files that are damaged
    """
    try:
        return _draw(results)
    except CheckpointError:
        raise
    except Exception as error:  # whatever comes of arrays that are damaged, or of a user's panel
        reason = shorten(f"{type(error).__name__}: {error}", 200)
        raise CheckpointError(f"{results.path} cannot be drawn: {reason}") from error


def _draw(results):
    from infosim import plotting

    config, history, record = results.config, results.history, results.record
    last = len(history) - 1
    if record is not None and record.epoch != last:
        record = None  # the run went on since
    if record is not None:
        experiment, dataset = record.experiment, record.dataset
    else:
        experiment, dataset = results.path.absolute().name, called(config)
    shape = results.image_shape
    fields = _fields(config, results.weights, results.path)
    moment = f"epoch {last} of {config['training']['epochs']}" if last >= 0 else "before any epoch"
    moment = "" if results.complete else moment
    _tell(results.path, moment, _lacking(history, fields, shape, record))
    title = f"{experiment} on {dataset}, seed {config['training']['seed']}"
    title = ", ".join(filter(None, (title, moment)))
    panels, names = () if record is None else _panels(results.path, record), results.error_names
    return plotting.summary(history, results.labels, fields, shape, title, panels, names)


def write_summaries(folders):
    """Draw summary.png of each run; what goes wrong with a picture is an InfosimWarning."""
    for folder in folders:
        path = Path(folder) / SUMMARY
        with store.picture(path):
            write(draw(load_run(folder)), path)


def write(figure, path):
    """Write a Figure atomically, as `kind_of` its name.

    Raises
    ------
    CheckpointError : the file cannot be written
    """
    from infosim.plotting import save

    kind = kind_of(path)
    with store.atomic(path) as file:
        save(figure, file, kind)


def kind_of(path):
    """The kind of picture that the name of a file says.

    Raises
    ------
    ConfigError : none that is written
    """
    from infosim.plotting.style import UNDATED

    kind = Path(path).suffix[1:].lower()
    if kind not in UNDATED:
        raise ConfigError(f"a picture is called NAME.{', NAME.'.join(UNDATED)}, not {str(path)!r}")
    return kind


# -- what there is, and what there is not ----------------------------------------------------------


def _panels(path, record):
    """What the task of a run draws of what it recorded."""
    kind = task_called(record.task)
    try:
        if kind is not None:
            return kind.panels(record.found)
    except KeyError as error:
        raise CheckpointError(
            f"{path / RECORD} is damaged: it has no {error} of its task {record.task!r}"
        ) from error
    warnings.warn(
        f"{path} is drawn without the panels of its task {record.task!r}, which is not known here: "
        f"draw it from Python, where the module that registers it was imported",
        InfosimWarning,
        stacklevel=4,
    )
    return ()


def _lacking(history, fields, shape, record):
    """What would be drawn if the directory said it, in words."""
    measured = map(isfinite, [*history.train_error, *history.val_error, *history.test_error])
    if fields and shape is None:
        yield "receptive fields"
    if record is None and any(measured):
        yield "the panels of its task"


def _tell(path, moment, lacking):
    """Say in a line what a picture is of and what it lacks, unless it is all there can be."""
    without = " and ".join(lacking)
    if not moment and not without:
        return
    told = [
        f"drawn as it was last saved, {moment}"
        if moment
        else f"there is no {RECORD} of its last epoch"
    ]
    told += [f"left out: {without}"] if without else []
    config, out = (shlex.quote(str(one)) for one in (path / "config.toml", path))
    warnings.warn(
        f"{path}{' is not complete' if moment else ''}: {'; '.join(told)}; `infosim train {config} "
        f"--out {out} --resume` {'goes on' if moment else 'adds it'}",
        InfosimWarning,
        stacklevel=4,
    )


def _fields(config, weights, path):
    """The dense weights (n, d) that read images, by population; of several each with its name in
    files.
    """
    fields, of = receptive_fields(config, weights, path), populations(config)
    return {
        name + place: rows[neurons]
        for layer, places in fields.items()
        for place, rows in places.items()
        for name, neurons in of[layer].items()
    }
