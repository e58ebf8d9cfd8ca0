"""Partial information decomposition of discrete variables, in bits.

By shared exclusions, unless another measure is asked for (`pid.measures`), the redundancy of an
antichain α is I_∩(α) = Σ p(s, t) log2 [P(U_α(s), t) / (P(U_α(s)) p(t))], with
U_α(s) the event that at least one source set of α agrees with s (Makkeh, Gutknecht & Wibral 2021,
PRE 103, 032149). The atoms are its Möbius inverse (Gutknecht, Wibral & Makkeh 2021, Proc. R. Soc. A
477, 20210110).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from infosim.errors import ConfigError, DataError, ShapeError, near
from infosim.markup import bar, table
from infosim.pid.broja import Broja
from infosim.pid.events import Events, entropy, merged
from infosim.pid.lattice import MAX_SOURCES, lattice, set_masks, source_names
from infosim.pid.measures import MEASURES, Measure
from infosim.pid.outcomes import (
    check_missing,
    checked_weights,
    coded_columns,
    known_samples,
    real_numbers,
)
from infosim.pid.specificity_ambiguity import SpecificityAmbiguity

#: All measures by name: those that neurons learn by, and two that they do not.
ALL_MEASURES = MEASURES | {one.name: one for one in (SpecificityAmbiguity(), Broja())}


@dataclass(frozen=True, eq=False)
class Decomposition(Mapping):
    """The atoms of I(target; sources) by label, all in bits.

    As a mapping it takes a label in any order of sets and sources, and raises KeyError for others.

    Attributes
    ----------
    names : the K source names
    redundancies : (A,) I_∩ of each antichain, in canonical order
    atoms : (A,) Π of each antichain, in canonical order
    entropy : H(target)
    measure : the name of the measure of redundancy
    informative, misinformative : (A,), of measures with pointwise atoms the atoms' two parts, what
        excludes and what excludes wrongly (specificity and ambiguity): atoms = informative -
        misinformative; else None
    events : the distinct events that it is of, None if it was not made of any
    local : None, or label -> pointwise atom of each event, whose expectation is the atom: shaped
        like the pmf and nan where that is zero, or (n_samples,) and nan where a sample was dropped

    Examples
    --------
    Two sources whose logical and is the target:

    >>> pmf = np.zeros((2, 2, 2))
    >>> for a, b in np.ndindex(2, 2):
    ...     pmf[a, b, a & b] = 1 / 4
    >>> d = decompose(pmf, names="FC")
    >>> {label: round(atom, 4) for label, atom in d.items()}
    {'{F}{C}': 0.1226, '{F}': 0.1887, '{C}': 0.1887, '{FC}': 0.3113}
    >>> round(d.information, 4)
    0.8113
    """

    names: tuple[str, ...]
    redundancies: np.ndarray
    atoms: np.ndarray
    entropy: float
    local: Mapping[str, np.ndarray] | None = None
    measure: str = "shared-exclusions"
    informative: np.ndarray | None = None
    misinformative: np.ndarray | None = None
    events: Events | None = field(default=None, repr=False)
    definition: Measure | None = field(default=None, repr=False)

    @property
    def labels(self):
        """The atoms' labels in canonical order."""
        return lattice(len(self.names)).labels(self.names)

    @property
    def information(self):
        """I(target; all sources) in bits."""
        return float(self.redundancies[lattice(len(self.names)).top])

    @property
    def residual_entropy(self):
        """H(target | all sources) in bits."""
        return self.entropy - self.information

    @property
    def informations(self):
        """I(target; S) of each set of sources S by label, {F}, {C}, {FC}, in bits."""
        return dict(zip(self.set_labels, self._of_sets().tolist(), strict=True))

    @property
    def set_labels(self):
        """The labels of the sets of sources, single ones first."""
        structure = lattice(len(self.names))
        labels = structure.labels(self.names)
        return tuple(
            labels[structure.antichains.index((mask,))] for mask in set_masks(len(self.names))
        )

    @property
    def conditional(self):
        """I(target; source | all others) of each source by name, in bits."""
        return dict(
            zip(self.names, conditional(self._of_sets(), len(self.names)).tolist(), strict=True)
        )

    @property
    def co_information(self):
        """What sources and target share as one quantity, Σ_S (-1)^(|S|+1) I(target; S), in bits.

        Of two sources redundancy less synergy, by whichever measure.
        """
        signs = [(-1) ** (mask.bit_count() + 1) for mask in set_masks(len(self.names))]
        return float(np.dot(signs, self._of_sets()))

    @property
    def total_correlation(self):
        """Σ H(variable) - H(all), of sources and target together, in bits."""
        codes, mass = self._known_events().codes, self.events.mass
        alone = sum(entropy(np.bincount(row, mass)) for row in codes)
        return alone - entropy(mass)

    def pointwise(self):
        """The `Pointwise` atoms of each event.

        Raises
        ------
        ConfigError : the measure has none, or the events are not known
        """
        events, grid = self._known_events(), lattice(len(self.names))
        check_pointwise(self.definition)
        parts = self.definition.evaluation(events.codes).pointwise(events.mass)
        informative, misinformative = (grid.moebius @ part for part in parts)
        return Pointwise(informative - misinformative, informative, misinformative)

    def _known_events(self):
        if self.events is None:
            raise ConfigError("this decomposition was not made of events: only its atoms are known")
        return self.events

    def _of_sets(self):
        return of_sets(self.redundancies, len(self.names))

    def __getitem__(self, label):
        try:
            return float(self.atoms[lattice(len(self.names)).index(label, self.names)])
        except ConfigError as unknown:  # what the Mapping methods `get` and `in` expect
            raise KeyError(str(unknown)) from None

    def __iter__(self):
        return iter(self.labels)

    def __len__(self):
        return len(self.atoms)

    def __str__(self):
        rows = [
            *self.items(),
            ("information", self.information),
            ("residual entropy", self.residual_entropy),
        ]
        width = max(len(label) for label, _ in rows)
        return "\n".join(f"{label:{width}}  {value:z8.4f} bits" for label, value in rows)

    def _repr_html_(self):
        most = max(map(abs, self.atoms.tolist()))
        rows = [(label, bits, bar(bits, most)) for label, bits in self.items()]
        rows += [("information", self.information, ""), ("H_res", self.residual_entropy, "")]
        return table(rows, ("atom", "bits", ""), f"by {self.measure}")


@dataclass(frozen=True, eq=False)
class Pointwise:
    """The atoms of each of M events, whose expectations are the atoms, in bits.

    Attributes
    ----------
    atoms, informative, misinformative : (A, M); atoms = informative - misinformative, what an event
        excludes less what it excludes wrongly (Makkeh, Gutknecht & Wibral 2021), or its specificity
        less its ambiguity (Finn & Lizier 2018)
    """

    atoms: np.ndarray
    informative: np.ndarray
    misinformative: np.ndarray


def decompose(
    pmf=None, *, sources=None, target=None, names=None, local=False, missing="error",
    measure="shared-exclusions", weights=None,
):  # fmt: skip
    """The decomposition of a pmf, or of samples by their relative frequencies.

    Parameters
    ----------
    pmf : (n_1, ..., n_K, n_target), K = 1 to 4, non-negative and summing to 1 within 1e-9
    sources : instead of `pmf`, K sequences of n_samples discrete values, or a mapping from names or
        a DataFrame
    target : n_samples discrete values
    names : K source names for the labels, texts without braces; by default the keys of `sources`,
        else 1, 2, ...
    local : whether to keep the pointwise atoms as well, of a measure that has some
    missing : "error"; "drop" leaves out each sample in which a source or the target is missing;
        "value" counts missing as one more outcome of each variable
    measure : of redundancy, "shared-exclusions" (Makkeh et al. 2021),
        "minimum-mutual-information" (Barrett 2015), "williams-beer" (I_min, 2010),
        "specificity-ambiguity" (Finn & Lizier 2018), "broja" (of two sources; Bertschinger et al.
        2014), or a `Measure`
    weights : (n_samples,) how often each sample counts, finite and not negative

    Values that are equal in Python, such as 1, 1.0 and True, are one outcome. Missing are None, nan
    of any type, NaT, the NA of pandas and what is masked; text never is. Columns of pandas must
    have the same index.

    Returns a Decomposition.

    Raises
    ------
    ConfigError : unusable arguments or names
    ShapeError : arrays that do not fit each other
    DataError : values that are no probabilities or are missing
    """
    if (pmf is None) == (sources is None) or (sources is None) != (target is None):
        raise ConfigError("decompose takes either a pmf, or both sources and target")
    if pmf is not None and weights is not None:
        raise ConfigError("weights are of samples; a pmf has its own")
    check_missing(missing)
    measure = measure_for(measure)
    if local:
        check_pointwise(measure)
    if pmf is not None:
        pmf = _checked_pmf(pmf)
        kept = pmf > 0
        events = Events(np.array(np.nonzero(kept)), pmf[kept])
    else:
        if isinstance(sources, Mapping) or hasattr(sources, "columns"):
            pairs = list(sources.items())  # of a DataFrame more than one may have a name
            names = tuple(name for name, _ in pairs) if names is None else names
            sources = [values for _, values in pairs]
        if not isinstance(sources, Iterable):
            raise ShapeError(f"sources are not sequences of values, but a {type(sources).__name__}")
        sources = list(sources)
        lattice(len(sources))  # the number of sources first: it is the likelier slip
        columns = {f"source {k + 1}": values for k, values in enumerate(sources)}
        codes = coded_columns(columns | {"target": target}, weights)
        weights = checked_weights(weights, len(codes["target"]))
        codes, kept = known_samples(codes, missing)
        events = merged(codes, kept, weights)
        kept = events.rows >= 0
    names = source_names(events.n_sources, names, text=True)
    d = decomposed(events, names, measure)
    if not local:
        return d
    atoms, rows = d.pointwise().atoms, events.rows
    of_rows = atoms if rows is None else atoms[:, rows[kept]]
    local = {label: _spread(own, kept) for label, own in zip(d.labels, of_rows, strict=True)}
    return replace(d, local=local)


def decomposed(events, names, measure):
    """The Decomposition of events, with checked names and a measure."""
    mass, grid = events.mass[None], lattice(events.n_sources)
    evaluation = measure.evaluation(events.codes)
    exclusions = wrong = None
    if measure.pointwise:
        (exclusions,), (wrong,), (of_target,) = evaluation.parts(mass)
        redundancies = exclusions - wrong
        exclusions, wrong = grid.moebius @ exclusions, grid.moebius @ wrong
    else:
        (redundancies,) = evaluation.redundancies(mass)
        of_target = entropy(np.bincount(events.codes[-1], mass[0]))
    return Decomposition(
        names, redundancies, grid.moebius @ redundancies, float(of_target), None, measure.name,
        exclusions, wrong, events, measure,
    )  # fmt: skip


def measure_for(spec):
    """The measure that `spec` names or is, also those that neurons do not learn by.

    Raises
    ------
    ConfigError : it is none, with near matches
    """
    if isinstance(spec, Measure | SpecificityAmbiguity | Broja):
        return spec
    if not isinstance(spec, str) or spec not in ALL_MEASURES:
        raise ConfigError(f"unknown measure {spec!r}; {near(spec, ALL_MEASURES)}")
    return ALL_MEASURES[spec]


def check_pointwise(measure):
    """Raise ConfigError if a measure has no pointwise atoms."""
    if not measure.pointwise:
        known = " or ".join(one.name for one in ALL_MEASURES.values() if one.pointwise)
        raise ConfigError(f"{measure.name} has no pointwise atoms; take {known}")


def of_sets(redundancies, n_sources):
    """I(target; S), (..., 2**K - 1), in the order of `set_masks`, from I_∩ of all antichains."""
    antichains = lattice(n_sources).antichains
    return redundancies[..., [antichains.index((mask,)) for mask in set_masks(n_sources)]]


def conditional(informations, n_sources):
    """I(target; source | all others), (..., K), from those of all sets (..., 2**K - 1)."""
    masks = set_masks(n_sources)
    every = informations[..., masks.index(2**n_sources - 1)]
    result = np.empty((*informations.shape[:-1], n_sources))
    for k in range(n_sources):
        others = 2**n_sources - 1 - (1 << k)
        result[..., k] = every - (informations[..., masks.index(others)] if others else 0)
    return result


def _spread(values, kept):
    spread = np.full(kept.shape, np.nan)
    spread[kept] = values
    return spread


def _checked_pmf(pmf):
    pmf, masked = real_numbers(pmf, "pmf is not an array of numbers")
    if masked.any():
        raise DataError("pmf has masked entries")
    if not 2 <= pmf.ndim <= MAX_SOURCES + 1:
        raise ShapeError(
            f"pmf has shape {pmf.shape}, needs 1 to {MAX_SOURCES} source axes, then the target axis"
        )
    if not np.isfinite(pmf).all():
        raise DataError("pmf has entries that are not finite")
    if (pmf < 0).any():
        raise DataError(f"pmf has negative entries, down to {pmf.min():.6g}")
    with np.errstate(over="ignore"):
        total = pmf.sum()
    if abs(total - 1) > 1e-9:
        raise DataError(f"pmf sums to {total:.12g}, must sum to 1")
    return pmf
