"""What a task is, and which one an experiment is: that of its settings and its data set.

    @register
    class Reconstruction(Task):
        name = "reconstruction"
        ...

docs/tasks.md has a whole one.
"""

import re

import numpy as np

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
    """

    name = "unmeasured"

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
        dataset, network = self.dataset, self.settings["network"]
        inputs, clamped = network["inputs"], network["clamped"]
        held_out, training = self.settings["data"]["validation"], self.settings["training"]
        scaling = {name: (0.5, 2.0) for name, kind in inputs.items() if kind == "signed-labels"}
        if self.settings["data"]["scaling"] == "standard":
            images = [name for name, kind in inputs.items() if kind in ("images", "rows")]
            scaling |= dict.fromkeys([*images, *clamped], (dataset.mean, 1 / (dataset.std or 1.0)))

        def part(x, y, state):
            shown = {"images": x, "rows": x.reshape(len(x), dataset.image_shape[0], -1)}
            arrays = {name: shown.get(kind, y) for name, kind in inputs.items()}
            return Samples(arrays | dict.fromkeys(clamped, state), scaling)

        train = part(dataset.train_x, dataset.train_y, dataset.train_x)
        test = part(dataset.test_x, dataset.test_y, dataset.test_x)
        if dataset.cues is not None:
            if held_out:
                raise ConfigError(
                    f"data.validation must be 0, was {held_out}: the memory of {dataset.name} is "
                    f"validated by its cues"
                )
            return train, part(dataset.train_x, dataset.train_y, dataset.cues), test
        held_out = int(np.ceil(held_out * len(train)))
        if held_out == 0:
            return train, None, test
        if not training["shuffle"]:
            order = np.arange(len(train))
            return train.subset(order[:-held_out]), train.subset(order[-held_out:]), test
        order = generator(training["seed"], Purpose.SPLIT).permutation(len(train))
        return train.subset(order[held_out:]), train.subset(order[:held_out]), test

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
    """The `Task` that an experiment of these settings, resolved, on this data set is."""
    kind = next(kind for kind in reversed(_TASKS.values()) if kind.fits(settings, dataset))
    return kind(settings, dataset)


def task_called(name):
    """The class of the task of this name, None if none is registered."""
    return _TASKS.get(name)
