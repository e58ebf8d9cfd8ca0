"""Shared exclusions: what all sets exclude together (Makkeh, Gutknecht & Wibral 2021).

PRE 103, 032149. The measure that infosim's neurons learn by unless they are given another; it has a
pointwise form, and may be negative.
"""

from infosim.pid.measures.measure import Measure


class SharedExclusions(Measure):
    """I_∩(α) = Σ_y J_α(y), with U_α the event that at least one set of α agrees."""

    name = "shared-exclusions"

    def terms(self, lattice):
        """One for each antichain, its union."""
        return lattice.inclusion_exclusion
