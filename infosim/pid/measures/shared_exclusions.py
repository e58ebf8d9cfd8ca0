"""Shared exclusions: what all sets exclude together (Makkeh, Gutknecht & Wibral 2021).

PRE 103, 032149. The measure that infosim's neurons learn by; it has a pointwise form, and may be
negative.
"""


class SharedExclusions:
    """I_∩(α) = Σ_y J_α(y), with U_α the event that at least one set of α agrees."""

    name = "shared-exclusions"
    #: Whether there is a redundancy of each event, whose expectation is the measure.
    pointwise = True

    def terms(self, lattice):
        """U_t as sums of marginals, int (T, 2**K - 1): here one for each antichain."""
        return lattice.inclusion_exclusion

    def redundancies(self, lattice, information):
        """I_∩ of each antichain, (A,), from J_t(y), (T, n_y), in bits."""
        return information.sum(axis=1)
