"""Minimum mutual information: what the least informative set tells (Barrett 2015).

PRE 91, 052802. An upper bound of most others, whatever it is that the sets tell.
"""

import numpy as np


class MinimumMutualInformation:
    """I_∩(α) = min_{a ∈ α} I(Y:a); of sets that tell equally much any."""

    name = "minimum-mutual-information"
    pointwise = False

    def terms(self, lattice):
        """One for each set of sources, its marginal: int (2**K - 1, 2**K - 1)."""
        return np.eye(2**lattice.n_sources - 1, dtype=int)

    def redundancies(self, lattice, information):
        """I_∩ of each antichain, (A,), from J_a(y), (2**K - 1, n_y), in bits."""
        whole = information.sum(axis=1)
        return np.array([min(whole[a - 1] for a in sets) for sets in lattice.antichains])
