"""I_min: for each value of the target what the least informative set tells (Williams & Beer 2010).

arXiv 1004.2515, which introduced the decomposition. Never negative; sets may tell unlike things of
a value alike much, and count as redundant.
"""

from infosim.pid.measures.measure import OfSingleSets


class WilliamsBeer(OfSingleSets):
    """I_∩(α) = Σ_y p(y) min_{a ∈ α} I(Y=y:a), the specific informations being J_a(y) / p(y)."""

    name = "williams-beer"

    @staticmethod
    def select(information, candidates, weight, chosen):
        """Give each y's weight to the set that tells least of it, of equals to the first."""
        for y in range(information.shape[1]):
            best = candidates[0]
            for i in range(len(candidates)):
                if information[candidates[i], y] < information[best, y]:
                    best = candidates[i]
            chosen[best, y] += weight
