"""Redundancy of each event as what least specifies it less what is least ambiguous of it.

Finn & Lizier 2018, Entropy 20:297. What the value of a set a tells of y is its specificity
-log2 p(a), less its ambiguity -log2 p(a | y). Of several sets each is taken where it is least,
event by event, and not always of the same set. Measures that neurons learn by choose one set for
all events of an output, so that this is none of them.
"""

import numpy as np

from infosim.pid.evaluation import Evaluation
from infosim.pid.events import entropy
from infosim.pid.measures import MinimumMutualInformation


class SpecificityAmbiguity:
    """I_∩(α) = Σ p(s, y) [min_{a ∈ α} -log2 p(a) - min_{a ∈ α} -log2 p(a | y)]."""

    name = "specificity-ambiguity"
    pointwise = True

    def evaluation(self, codes):
        """What `Measure.evaluation` gives for others."""
        return _Evaluation(codes)


class _Evaluation(Evaluation):
    def __init__(self, codes):
        super().__init__(codes, MinimumMutualInformation())  # it, too, has a term for each set
        self._target = codes[-1]

    def redundancies(self, masses):
        """I_∩ of all antichains, (R, A), of R distributions `masses` (R, M), in bits."""
        specificities, ambiguities, _ = self.parts(masses)
        return specificities - ambiguities

    def parts(self, masses):
        """Specificity and ambiguity of antichains, (R, A) each, and H(Y), (R,), in bits."""
        found = [[each @ mass[mass > 0] for each in self.pointwise(mass)] for mass in masses]
        of_target = [entropy(np.bincount(self._target, mass)) for mass in masses]
        return *np.array(found).transpose(1, 0, 2), np.array(of_target)

    def pointwise(self, mass):
        """Specificity and ambiguity of antichains, (A, M) each, of events that have a mass."""
        return tuple(
            np.array([of_sets[list(own)].min(axis=0) for own in self._candidates])
            for of_sets in super().pointwise(mass)
        )
