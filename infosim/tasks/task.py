"""What a task is, and which one an experiment is: that of its settings and its data set.

    @register
    class Reconstruction(Task):
        name = "reconstruction"
        ...

docs/tasks.md has a whole one.
"""

import re
from typing import ClassVar

import numpy as np

from infosim.datasets.own.split import VALIDATION, stratified
from infosim.errors import ConfigError, brief
from infosim.machine.randomness import Purpose, generator
from infosim.machine.samples import Samples


class Task:
    """What a network is shown of a data set, how it is measured, and what is drawn of that.

    This one measures and draws nothing: it is the task of networks that no other fits.

    Parameters
    ----------
    settings : of an experiment, resolved (`Experiment.config`)
    dataset : Dataset

    Attributes
    ----------
    name : of the class, what files call the task
    table : of the class, the table of settings that no other task reads, or None
    """

    name = "unmeasured"
    table = None

    #: What errors are called where people read them, by attribute of `History`; others are called
    #: train, validation and test.
    error_names: ClassVar = {}

    #: Of a task that is measured, a method (simulator, samples, *, purpose, epoch, batch): error
    #: fractions (R,) of the replicas, as `Training(error=...)` takes it.
    measure = None

    def __init__(self, settings, dataset):
        self.settings, self.dataset = settings, dataset
        self._last = None

    @classmethod
    def fits(cls, settings, dataset):
        """Whether experiments of these settings on this data set are this task."""
        return True

    def samples(self):
        """Training, validation (or None) and test Samples; the seed draws the split.

        Where training does not shuffle, the last samples are held out. Where the data set has cues,
        the validation samples are the training samples, layers clamped to their cues.

        Raises
        ------
        ConfigError : samples held out although the data set has cues
        """
        dataset = self.dataset
        train = self._part(dataset.train_x, dataset.train_y, dataset.train_x)
        test = self._part(dataset.test_x, dataset.test_y, dataset.test_x)
        rows, held_out = self.split()
        if dataset.cues is not None:
            return train, self._part(dataset.train_x, dataset.train_y, dataset.cues), test
        if held_out is None:
            return train, None, test
        return train.subset(rows), train.subset(held_out), test

    def split(self):
        """Numbers of the training samples to learn from, and of those held out, or None.

        Of data of a user's own as many of each class are held out, for some are few.

        Raises
        ------
        ConfigError : as of `samples`
        """
        dataset, training = self.dataset, self.settings["training"]
        rows, part = np.arange(len(dataset.train_x)), self.settings["data"]["validation"]
        if dataset.cues is not None and part:
            raise ConfigError(
                f"data.validation must be 0, was {part}: the memory of {dataset.name} is "
                f"validated by its cues"
            )
        n = int(np.ceil(part * len(rows)))
        if n == 0:
            return rows, None
        if not training["shuffle"]:
            return rows[:-n], rows[-n:]
        if dataset.encoding is not None:
            rows, held_out = stratified(dataset.train_y, part, training["seed"], VALIDATION)
            return rows, held_out if len(held_out) else None
        order = generator(training["seed"], Purpose.SPLIT).permutation(len(rows))
        return order[n:], order[:n]

    def shown(self, x):
        """Samples of which no class is known, from the data set or not, to predict theirs.

        x : (n, d), as the data set has them

        Raises
        ------
        ConfigError : networks that read more than images
        """
        network = self.settings["network"]
        inputs = {k: v for k, v in network["inputs"].items() if k != network["target"]}
        other = [name for name, kind in inputs.items() if kind not in ("images", "rows")]
        if other or network["clamped"] or not inputs:
            what = ", ".join(other) or "the state of a memory"
            raise ConfigError(f"classes are predicted of images, but the network reads {what}")
        return self._part(x, None, None, inputs)

    def _part(self, x, y, state, inputs=None):
        """Samples of images, with their labels and what layers are clamped to."""
        dataset, network = self.dataset, self.settings["network"]
        inputs, clamped = inputs or network["inputs"], network["clamped"]
        scaling = {name: (0.5, 2.0) for name, kind in inputs.items() if kind == "signed-labels"}
        if self.settings["data"]["scaling"] == "standard":
            images = [name for name, kind in inputs.items() if kind in ("images", "rows")]
            scaling |= dict.fromkeys([*images, *clamped], (dataset.mean, 1 / (dataset.std or 1.0)))
        shown = {"images": x, "rows": x.reshape(len(x), dataset.image_shape[0], -1)}
        arrays = {name: shown.get(kind, y) for name, kind in inputs.items()}
        return Samples(arrays | dict.fromkeys(clamped, state), scaling)

    def record(self, simulator, samples, *, purpose, epoch, batch):
        """What `panels` draws from: for each replica, name -> array of numbers or text.

        It is written when a run ends, also where no picture is drawn. Replicas side by side are to
        record what each would alone. Arguments as of `measure`, which has just been called with
        these, unless a finished run was resumed.
        """
        return [{} for _ in range(simulator.n_replicas)]

    @staticmethod
    def panels(recorded):
        """Functions that each draw one panel on the Axes they are given.

        recorded : name -> array, what `record` returned for the replica, read from a file. There is
            neither network nor data set any more.
        """
        return []

    # -- for tasks whose error and record come of one look at the network ------------------------

    def look(self, simulator, samples, *, purpose, epoch, batch):
        """What such a task computes both from."""
        raise NotImplementedError

    def looked(self, simulator, samples, moment, anew=True):
        """`look` at this moment; unless `anew`, what was seen then if that was the last look."""
        asked = simulator, samples, moment
        if anew or self._last is None or self._last[0] != asked:
            self._last = asked, self.look(simulator, samples, **moment)
        return self._last[1]


#: Tasks by name, in the order in which they were registered; the last that fits is taken.
_TASKS = {Task.name: Task}


def register(kind):
    """Let experiments be a task of your own, in this process; also a decorator.

    The task registered last is asked first whether it fits, before those of this package.

    kind : a subclass of `Task`, with a name and `fits` of its own

    Returns
    -------
    kind

    Raises
    ------
    ConfigError : no such class, a name that is taken or no name, no `fits`
    """
    if not (isinstance(kind, type) and issubclass(kind, Task)):
        raise ConfigError(f"a task is a subclass of Task, was {brief(kind)}")
    name = kind.name
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        raise ConfigError(
            f"{kind.__name__}: a task is called by small letters, digits and hyphens, not {name!r}"
        )
    known = _TASKS.get(name)
    if known is not None and known.__module__.partition(".")[0] == "infosim":
        raise ConfigError(f"{kind.__name__}: there is a task {name!r} already")
    if getattr(kind.fits, "__func__", None) is Task.fits.__func__:
        raise ConfigError(
            f"{kind.__name__} lacks the class method fits(settings, dataset): it would be the task "
            f"of every experiment"
        )
    _TASKS.pop(name, None)  # registered anew, as in a notebook, it is the last
    _TASKS[name] = kind
    return kind


def task_of(settings, dataset):
    """The `Task` that an experiment of these settings, resolved, on this data set is.

    Raises
    ------
    ConfigError : settings of another task
    """
    kind = next(kind for kind in reversed(_TASKS.values()) if kind.fits(settings, dataset))
    for other in _TASKS.values():
        if other.table in settings and other.table != kind.table:
            raise ConfigError(
                f"[{other.table}] is read of the task {other.name!r} alone, but this network on "
                f"{dataset.name} has the task {kind.name!r}"
            )
    return kind(settings, dataset)


def task_called(name):
    """The class of the task of this name, None if none is registered."""
    return _TASKS.get(name)
