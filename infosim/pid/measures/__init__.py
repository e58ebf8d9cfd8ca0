"""Measures of redundancy: what several sets of sources are said to tell alike, a file each.

All of them are made of J_t(y) = Σ_b p(b,y) log2 [p(U_t(b),y) / (p(U_t(b)) p(y))], in which U_t is a
sum of marginals. A measure says which sums it needs, and what becomes of their J.
"""

from infosim.errors import ConfigError, near
from infosim.pid.measures.minimum_mutual_information import MinimumMutualInformation
from infosim.pid.measures.shared_exclusions import SharedExclusions
from infosim.pid.measures.williams_beer import WilliamsBeer

#: By the names they are asked for.
MEASURES = {
    measure.name: measure
    for measure in (SharedExclusions(), MinimumMutualInformation(), WilliamsBeer())
}


def named(name):
    """The measure of this name.

    Raises
    ------
    ConfigError : there is none, with near matches
    """
    if not isinstance(name, str) or name not in MEASURES:
        raise ConfigError(f"unknown measure {name!r}; {near(name, MEASURES)}")
    return MEASURES[name]
