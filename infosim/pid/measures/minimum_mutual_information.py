"""Minimum mutual information: what the least informative set tells (Barrett 2015).

PRE 91, 052802. An upper bound of most others, whatever it is that the sets tell.
"""

from infosim.pid.measures.measure import OfSingleSets


class MinimumMutualInformation(OfSingleSets):
    """I_∩(α) = min_{a ∈ α} I(Y:a)."""

    name = "minimum-mutual-information"

    @staticmethod
    def select(information, candidates, weight, chosen):
        """Give the weight to the set that tells least, of equals to the first."""
        best = candidates[0]
        for i in range(len(candidates)):
            more = 0.0
            for y in range(information.shape[1]):
                more += information[candidates[i], y] - information[best, y]
            if more < 0:
                best = candidates[i]
        for y in range(information.shape[1]):
            chosen[best, y] += weight
