"""Recall: an associative memory is to complete the patterns it was trained on."""

from dataclasses import dataclass, fields, replace
from functools import partial
from typing import ClassVar

import numpy as np

from infosim.analysis.memory import (
    SYMMETRIC,
    accuracy,
    asymmetry,
    energy,
    overlap,
    overlap_by_noise,
    recall,
)
from infosim.datasets.generated import flip
from infosim.engine.recall import Recalling, recurrent_weights
from infosim.errors import ConfigError
from infosim.machine.randomness import Purpose, generator
from infosim.settings import setting
from infosim.tasks.task import Task

#: Fractions of bits flipped in cues, of what is recorded.
FLIPPED = np.linspace(0, 0.5, 11)
#: Steps after which no more is recorded of deterministic recall that does not settle: of a large
#: memory beyond its capacity it would take longer than the training.
_MOST = 100
#: The seed's stream of flipped bits that `overlap_by_noise` does not draw from.
_TESTED = 2**20


@dataclass(frozen=True)
class Recalled(Recalling):
    """[recall]: how a memory is asked, and what counts as recalled."""

    flipped: float = setting(
        0.0,
        "bits of each pattern that are flipped in the cues of the test error: the part of them, "
        "below 1; or how many, from 1 on",
        low=0, high=1e6,
    )  # fmt: skip
    threshold: float = setting(0.95, "the overlap from which a pattern is recalled", low=-1, high=1)

    @property
    def options(self):
        """What `Simulator.recall` takes of it."""
        return {one.name: getattr(self, one.name) for one in fields(Recalling)}

    def check(self, n):
        """Raise ConfigError unless bits that are flipped are whole, and of n at most."""
        if self.flipped >= 1 and (self.flipped % 1 or self.flipped > n):
            raise ConfigError(
                f"recall.flipped must be a part below 1 or a whole number of bits up to {n}, was "
                f"{self.flipped:g}"
            )

    def ask(self, simulator, layer, patterns):
        """The states (R, P, n) that recall ends in from patterns, of each replica or of all."""
        shape = simulator.n_replicas, *patterns.shape[-2:]
        cues = np.broadcast_to(patterns, shape)
        if self.flipped:
            part = self.flipped / shape[2] if self.flipped >= 1 else self.flipped
            streams = (generator(seed, Purpose.NOISE, _TESTED) for seed in simulator.seeds)
            pairs = zip(cues, streams, strict=True)
            cues = np.stack([flip(own, part, stream) for own, stream in pairs])
        if self.sampled:
            simulator.time = 0  # outputs are drawn by it: whatever was simulated before, the same
        return recall(simulator, cues, layer, **self.options)


class Recall(Task):
    """Of networks without readout that clamp a layer, on a data set with cues. Measured by wrong
    bits after recall, drawn as overlap by noise.
    """

    name = "recall"
    table = "recall"
    error_names: ClassVar = {"val_error": "noisy cues", "test_error": "recall"}

    @classmethod
    def fits(cls, settings, dataset):
        """See `Task.fits`."""
        network = settings["network"]
        return bool(not network["readout"] and network["clamped"] and dataset.cues is not None)

    def __init__(self, settings, dataset):
        super().__init__(settings, dataset)
        #: the name of the layer, the first one that is clamped
        self.layer = next(iter(settings["network"]["clamped"]))
        #: how it is asked, `Recalled`
        self.how = Recalled(**settings.get("recall", {}))
        self.how.check(dataset.train_x.shape[1])
        self._patterns = {Purpose.VALIDATION: dataset.train_x, Purpose.TEST: dataset.test_x}

    def measure(self, simulator, samples, *, purpose, **_):
        """Fractions (R,) of bits that are wrong after recall from what samples clamp the layer to.

        Of test samples bits are flipped before, as the settings say.
        """
        cues, patterns = samples.arrays[self.layer][samples.index], self._of(samples, purpose)
        how = self.how if purpose is Purpose.TEST else replace(self.how, flipped=0.0)
        states = how.ask(simulator, self.layer, cues)
        return ((states > 0) != (patterns > 0)).mean(axis=(1, 2))

    def record(self, simulator, samples, *, purpose, **_):
        """Overlaps after recall from patterns of which bits were flipped, by curve, and more.

        flipped : (n,), fractions of bits; curves : (c,), how was recalled; overlaps : (c, n, P)
        overlap, accuracy : of recall as the settings say, the mean and the fraction of patterns
            with at least the threshold
        asymmetry : of the weights; energy : (2, P) of patterns and of the states they end in, where
            weights are symmetric
        """
        patterns, overlaps = self._of(samples, purpose), []
        usual = self.how.options | {"sampled": False}
        most = simulator[self.layer].spec.size if usual["max_steps"] is None else usual["max_steps"]
        recalls = {
            "deterministic": usual | {"max_steps": min(most, _MOST)},
            "stochastic, 20 steps": {"max_steps": 20, "sampled": True},
        }
        for options in recalls.values():
            simulator.time = 0  # outputs are drawn by it: whatever was simulated before, the same
            given = simulator, patterns, FLIPPED, simulator.seed, self.layer
            overlaps.append(overlap_by_noise(*given, **options))
        shared = {"flipped": FLIPPED, "curves": np.array(list(recalls))}
        return [
            shared | {"overlaps": own} | found
            for own, found in zip(
                np.stack(overlaps).transpose(2, 0, 1, 3),
                self._found(simulator, patterns), strict=True,
            )
        ]  # fmt: skip

    def _found(self, simulator, patterns):
        """What recall as the settings say comes to, of each replica."""
        for r, own in enumerate(self.how.ask(simulator, self.layer, patterns)):
            overlaps = overlap(own, patterns)
            state, rows = simulator[self.layer], slice(r * own.shape[1], (r + 1) * own.shape[1])
            weights = recurrent_weights(state, r).sum(axis=0)
            found = {
                "overlap": overlaps.mean(), "accuracy": accuracy(overlaps, self.how.threshold),
                "asymmetry": asymmetry(weights),
            }  # fmt: skip
            if state.spec.activation.label == "sum" and found["asymmetry"] <= SYMMETRIC:
                bias = np.array(state.kernels.host(state.biases))[:, rows].sum(axis=0)
                found["energy"] = energy(weights, np.stack([patterns, own]), bias)
            yield found

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
