"""Partial information decomposition of discrete variables, in bits.

By shared exclusions, unless another measure is asked for (`pid.measures`), the redundancy of an
antichain α is I_∩(α) = Σ p(s, t) log2 [P(U_α(s), t) / (P(U_α(s)) p(t))], with
U_α(s) the event that at least one source set of α agrees with s (Makkeh, Gutknecht & Wibral 2021,
PRE 103, 032149). The atoms are its Möbius inverse (Gutknecht, Wibral & Makkeh 2021, Proc. R. Soc. A
477, 20210110).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from infosim.errors import ConfigError, DataError, ShapeError
from infosim.markup import bar, table
from infosim.pid.lattice import MAX_SOURCES, lattice, source_names
from infosim.pid.measures import measure_of, parts_of
from infosim.pid.outcomes import check_missing, coded_samples


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
    informative, misinformative : (A,), for shared exclusions the atoms' two parts, what excludes
        and what excludes wrongly: atoms = informative - misinformative; else None
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


def decompose(
    pmf=None, *, sources=None, target=None, names=None, local=False, missing="error",
    measure="shared-exclusions",
):  # fmt: skip
    """The decomposition of a pmf, or of samples by their relative frequencies.

    Parameters
    ----------
    pmf : (n_1, ..., n_K, n_target), K = 1 to 4, non-negative and summing to 1 within 1e-9
    sources : instead of `pmf`, K sequences of n_samples discrete values, or a mapping from names
    target : n_samples discrete values
    names : K source names for the labels; by default the keys of `sources`, else 1, 2, ...
    local : whether to keep the pointwise atoms as well; of shared exclusions alone
    missing : "error"; "drop" leaves out each sample in which a source or the target is missing;
        "value" counts missing as one more outcome of each variable
    measure : of redundancy, "shared-exclusions" (Makkeh et al. 2021),
        "minimum-mutual-information" (Barrett 2015), "williams-beer" (I_min, 2010), or a `Measure`

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
    check_missing(missing)
    measure = measure_of(measure)
    if local and not measure.pointwise:
        raise ConfigError(f"{measure.name} has no pointwise atoms; local needs shared-exclusions")
    if pmf is not None:
        pmf = _checked_pmf(pmf)
        kept = pmf > 0
        codes, mass = np.array(np.nonzero(kept)), pmf[kept]
    else:
        if isinstance(sources, Mapping):
            names = tuple(sources) if names is None else names
            sources = sources.values()
        if not isinstance(sources, Iterable):
            raise ShapeError(f"sources are not sequences of values, but a {type(sources).__name__}")
        codes, kept = coded_samples(list(sources), target, missing)
        mass = np.full(codes.shape[1], 1 / codes.shape[1])
    grid = lattice(len(codes) - 1)
    names = source_names(grid.n_sources, names)

    terms, candidates = parts_of(measure, grid)
    exclusions, wrong, entropy = _exclusions(terms, codes, mass)
    if not measure.pointwise:
        information = _by_target(exclusions - wrong, codes[-1], mass)
        redundancies = _chosen(measure, candidates, information)
        atoms = grid.moebius @ redundancies
        return Decomposition(names, redundancies, atoms, entropy, measure=measure.name)
    own = [t for (t,) in candidates]
    exclusions, wrong = exclusions[own], wrong[own]
    pointwise = exclusions - wrong
    redundancies = _by_target(pointwise, codes[-1], mass).sum(axis=1)
    atoms = grid.moebius @ redundancies
    parts = (grid.moebius @ (part @ mass) for part in (exclusions, wrong))
    events = None
    if local:
        pairs = zip(grid.labels(names), grid.moebius @ pointwise, strict=True)
        events = {label: _spread(values, kept) for label, values in pairs}
    return Decomposition(names, redundancies, atoms, entropy, events, measure.name, *parts)


def _exclusions(terms, codes, mass):
    """-log2 P(U_t) and log2 [p(y) / P(U_t, y)], (T, N) each, at N events, and H(target), in bits.

    Their difference is the information that U_t has of y. Events are the columns of `codes`
    (K+1, N), the target last, with probabilities `mass` (N,); only they are visited, never the grid
    of all value combinations. terms : U_t as sums of marginals, (T, 2**K - 1)
    """
    *sources, target = codes
    subsets = [np.zeros_like(target)]  # for each bitmask, an id of the joint value of its sources
    for mask in range(1, 2 ** len(sources)):
        k = mask.bit_length() - 1
        subsets.append(_joint_id(subsets[mask ^ 1 << k], sources[k]))
    p_target = _mass(target, mass)
    p_source = np.array([_mass(ids, mass) for ids in subsets[1:]])
    p_joint = np.array([_mass(_joint_id(ids, target), mass) for ids in subsets[1:]])
    # No marginal in the sum exceeds the union: adding and subtracting costs next to no digits.
    # A product of two small probabilities is 0 below 1e-323, the sum of their logarithms is not.
    log_target = np.log2(p_target)
    wrong = log_target - np.log2(terms @ p_joint)
    return -np.log2(terms @ p_source), wrong, float(-mass @ log_target)


def _by_target(pointwise, target, mass):
    """J_t(y), (T, n_y): the sum over the events of each value of the target."""
    _, numbers = np.unique(target, return_inverse=True)
    return np.array([np.bincount(numbers, mass * row) for row in pointwise])


def _chosen(measure, candidates, information):
    """I_∩ of each antichain, (A,), from J_t(y), (T, n_y), in bits, by the terms it chooses."""
    result = []
    for own in candidates:
        chosen = np.zeros_like(information)
        measure.select(information, own, 1.0, chosen)
        result.append((chosen * information).sum())
    return np.array(result)


def _joint_id(ids, codes):
    """Ids (N,) that differ where the pair differs; below N, so their products cannot overflow."""
    return np.unique(ids * (codes.max() + 1) + codes, return_inverse=True)[1]


def _mass(ids, mass):
    return np.bincount(ids, mass)[ids]


def _spread(values, kept):
    spread = np.full(kept.shape, np.nan)
    spread[kept] = values
    return spread


def _checked_pmf(pmf):
    try:
        masked = np.ma.is_masked(np.ma.asarray(pmf))
        pmf = _real(np.asarray(pmf))
    except (TypeError, ValueError):
        raise ShapeError("pmf is not an array of numbers") from None
    if masked:
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


def _real(array):
    """As float64; TypeError on what NumPy would convert, but is no probability: text, times, 0j."""
    if array.dtype.kind not in "buifO":
        raise TypeError
    if array.dtype == object and any(isinstance(value, str | bytes) for value in array.flat):
        raise TypeError
    return array.astype(float)
