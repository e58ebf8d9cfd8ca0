"""Factors: neurons find, unsupervised, what images are made of."""

from functools import partial

import numpy as np

from infosim.analysis.factors import correlations, outputs, told
from infosim.machine.randomness import Purpose
from infosim.tasks.task import Task


class Factors(Task):
    """Of networks without readout, on a data set with factors: the first layer with a goal is to
    tell them. Measured by factors that no neuron tells, drawn as correlations.
    """

    name = "factors"

    @classmethod
    def fits(cls, settings, dataset):
        """See `Task.fits`."""
        return (
            not settings["network"]["readout"]
            and dataset.test_factors is not None
            and _first_with_goal(settings["layers"]) is not None
        )

    def __init__(self, settings, dataset):
        super().__init__(settings, dataset)
        #: the name of the layer
        self.layer = _first_with_goal(settings["layers"])
        self._factors = {
            Purpose.VALIDATION: dataset.train_factors,
            Purpose.TEST: dataset.test_factors,
        }

    def measure(self, simulator, samples, **moment):
        """Fractions (R,) of the factors that no neuron of the layer tells."""
        found = self.looked(simulator, samples, moment)
        return np.array([1 - told(one).mean() for one in found])

    def record(self, simulator, samples, **moment):
        """The correlation of each neuron with each factor (N, k), and the layer's name."""
        found = self.looked(simulator, samples, moment, anew=False)
        return [{"correlations": one, "layer": np.array(self.layer)} for one in found]

    def look(self, simulator, samples, *, purpose=Purpose.TEST, epoch=0, **_):
        """Correlations of each replica, (R, N, k)."""
        shown = outputs(simulator, self.layer, samples, purpose, epoch)
        factors = self._factors[purpose][samples.index]
        factors = np.broadcast_to(factors, (len(shown), len(samples), factors.shape[-1]))
        return np.stack([correlations(*pair) for pair in zip(shown, factors, strict=True)])

    @staticmethod
    def panels(recorded):
        """See `Task.panels`."""
        from infosim.plotting import plots

        return [partial(plots.correlations, recorded["correlations"], name=str(recorded["layer"]))]


def _first_with_goal(layers):
    """The name of the first of the layers' settings with a goal, of its own or of a group."""
    for name, layer in layers.items():
        groups = layer.get("groups", {}).values()
        if any(one["goal"] or layer["goal"] for one in groups or [layer]):
            return name
    return None
