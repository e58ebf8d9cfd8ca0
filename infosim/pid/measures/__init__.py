"""Measures of redundancy: what several sets of sources are said to tell alike, a file each."""

import numpy as np

from infosim.errors import ConfigError, near
from infosim.pid.measures.measure import Measure
from infosim.pid.measures.minimum_mutual_information import MinimumMutualInformation
from infosim.pid.measures.shared_exclusions import SharedExclusions
from infosim.pid.measures.williams_beer import WilliamsBeer

__all__ = [
    "MEASURES",
    "Measure",
    "MinimumMutualInformation",
    "SharedExclusions",
    "WilliamsBeer",
    "measure_of",
    "parts_of",
]

#: By the names they are asked for.
MEASURES = {
    measure.name: measure
    for measure in (SharedExclusions(), MinimumMutualInformation(), WilliamsBeer())
}


def measure_of(spec):
    """The measure that `spec` names or is.

    Raises
    ------
    ConfigError : it is none, with near matches
    """
    if isinstance(spec, Measure):
        return spec
    if not isinstance(spec, str) or spec not in MEASURES:
        raise ConfigError(f"unknown measure {spec!r}; {near(spec, MEASURES)}")
    return MEASURES[spec]


def parts_of(measure, lattice):
    """A measure's terms, int (T, 2**K - 1), and candidates, a tuple for each antichain, checked.

    Raises
    ------
    ConfigError : what somebody's measure returns is not that
    """
    where, n_antichains = f"measure {measure.name!r}", len(lattice)
    terms = np.asarray(measure.terms(lattice))
    shape = len(terms) if terms.ndim else 0, 2**lattice.n_sources - 1
    if terms.shape != shape or terms.dtype.kind not in "iu" or not len(terms):
        raise ConfigError(
            f"{where}: terms must be integers (T, {shape[1]}) for {lattice.n_sources} sources, "
            f"were {terms.dtype}{terms.shape}"
        )
    sums = terms.sum(axis=1)
    if (sums != 1).any():  # where all events agree, each marginal is 1, and so is any union
        t = int(np.flatnonzero(sums != 1)[0])
        raise ConfigError(f"{where}: term {t} sums to {sums[t]}; that of an event sums to 1")
    candidates = [tuple(map(int, own)) for own in measure.candidates(lattice)]
    if len(candidates) != n_antichains:
        raise ConfigError(
            f"{where}: candidates of {n_antichains} antichains are needed, were {len(candidates)}"
        )
    for label, own in zip(lattice.labels(), candidates, strict=True):
        if not own or not all(0 <= t < len(terms) for t in own):
            raise ConfigError(
                f"{where}: candidates of {label} must be terms from 0 to {len(terms) - 1}, "
                f"were {own}"
            )
        if measure.select is None and len(own) > 1:
            raise ConfigError(f"{where}: {label} has {len(own)} candidates, but no select")
    if measure.select is not None and measure not in MEASURES.values():
        from infosim.pid.measures.own import check  # Numba, which decompositions do without

        check(measure.name, measure.select, max(candidates, key=len), len(terms))
    return terms, candidates
