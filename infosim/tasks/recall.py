"""Recall: an associative memory is to complete the patterns it was trained on."""

from functools import partial

import numpy as np

from infosim.analysis.memory import overlap_by_noise, recall
from infosim.machine.randomness import Purpose
from infosim.tasks.task import Task

#: Fractions of bits flipped in cues, of what is recorded.
FLIPPED = np.linspace(0, 0.5, 11)
#: Steps after which no more is recorded of deterministic recall that does not settle: of a large
#: memory beyond its capacity it would take longer than the training.
_MOST = 100


class Recall(Task):
    """Of networks without readout that clamp a layer, on a data set with cues. Measured by wrong
    bits after deterministic recall, drawn as overlap by noise.
    """

    name = "recall"

    @classmethod
    def fits(cls, settings, dataset):
        """See `Task.fits`."""
        network = settings["network"]
        return bool(not network["readout"] and network["clamped"] and dataset.cues is not None)

    def __init__(self, settings, dataset):
        super().__init__(settings, dataset)
        #: the name of the layer, the first one that is clamped
        self.layer = next(iter(settings["network"]["clamped"]))
        self._patterns = {Purpose.VALIDATION: dataset.train_x, Purpose.TEST: dataset.test_x}

    def measure(self, simulator, samples, *, purpose, **_):
        """Fractions (R,) of bits that are wrong after recall from what samples clamp the layer to.

        Recall is deterministic and ends as `Simulator.recall` does.
        """
        cues, patterns = samples.arrays[self.layer][samples.index], self._of(samples, purpose)
        wrong = (recall(simulator, cues, self.layer) > 0) != (patterns > 0)
        return wrong.mean(axis=(1, 2))

    def record(self, simulator, samples, *, purpose, **_):
        """Overlaps after recall from patterns of which bits were flipped, by curve.

        flipped : (n,), fractions of bits; curves : (c,), how was recalled; overlaps : (c, n, P)
        """
        patterns, overlaps = self._of(samples, purpose), []
        recalls = {
            "deterministic": {"max_steps": min(simulator[self.layer].spec.size, _MOST)},
            "stochastic, 20 steps": {"max_steps": 20, "sampled": True},
        }
        for options in recalls.values():
            simulator.time = 0  # outputs are drawn by it: whatever was simulated before, the same
            given = simulator, patterns, FLIPPED, simulator.seed, self.layer
            overlaps.append(overlap_by_noise(*given, **options))
        shared = {"flipped": FLIPPED, "curves": np.array(list(recalls))}
        return [shared | {"overlaps": own} for own in np.stack(overlaps).transpose(2, 0, 1, 3)]

    def _of(self, samples, purpose):
        """The patterns that samples are to be recalled as."""
        return self._patterns[purpose][samples.index]

    @staticmethod
    def panels(recorded):
        """See `Task.panels`."""
        from infosim.plotting import plots

        names = recorded["curves"].tolist()
        overlaps = dict(zip(names, recorded["overlaps"], strict=True))
        return [partial(plots.recall, recorded["flipped"], overlaps)]
