"""Classification: the readout tells the class of an image."""

from functools import partial

import numpy as np

from infosim.tasks.task import Task


class Classification(Task):
    """Of networks with readout and target; measured by mistakes, drawn as confusions."""

    name = "classification"

    @classmethod
    def fits(cls, settings, dataset):
        """See `Task.fits`."""
        return bool(settings["network"]["readout"] and settings["network"]["target"])

    def measure(self, simulator, samples, **moment):
        """Fractions (R,) of the samples that the readout takes for another class."""
        return np.array([one.error for one in self.looked(simulator, samples, moment)])

    def record(self, simulator, samples, **moment):
        """The counts (C, C) of which class was taken for which, and the classes' names if any."""
        names = self.dataset.class_names
        named = {} if names is None else {"classes": np.array(names)}
        return [
            {"confusion": one.confusion(self.dataset.n_classes), **named}
            for one in self.looked(simulator, samples, moment, anew=False)
        ]

    def look(self, simulator, samples, **moment):
        """The `Evaluation` of each replica."""
        found = simulator.evaluate(samples, **moment)
        return found if simulator.n_replicas > 1 else [found]

    @staticmethod
    def panels(recorded):
        """See `Task.panels`."""
        from infosim.plotting import plots

        return [partial(plots.confusion, recorded["confusion"], names=recorded.get("classes"))]
