"""I_min: for each value of the target what the least informative set tells (Williams & Beer 2010).

arXiv 1004.2515, which introduced the decomposition. Never negative; sets may tell unlike things of
a value alike much, and count as redundant.
"""

import numpy as np


class WilliamsBeer:
    """I_∩(α) = Σ_y p(y) min_{a ∈ α} I(Y=y:a), the specific informations being J_a(y) / p(y)."""

    name = "williams-beer"
    pointwise = False

    def terms(self, lattice):
        """One for each set of sources, its marginal: int (2**K - 1, 2**K - 1)."""
        return np.eye(2**lattice.n_sources - 1, dtype=int)

    def redundancies(self, lattice, information):
        """I_∩ of each antichain, (A,), from J_a(y), (2**K - 1, n_y), in bits."""
        rows = [information[np.array(sets) - 1].min(axis=0) for sets in lattice.antichains]
        return np.sum(rows, axis=1)
