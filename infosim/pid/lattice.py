"""The redundancy lattice: antichains of source sets, their order and its Möbius inverse.

A set of sources is a bitmask in which bit i stands for source i. An antichain is a tuple of such
masks, none inside another; each names one redundancy I_∩ and one atom Π of the partial information
decomposition (Williams & Beer 2010, arXiv 1004.2515).
"""

import re
from dataclasses import dataclass
from functools import cache

import numpy as np

from infosim.errors import ConfigError, brief, near

MAX_SOURCES = 4


@dataclass(frozen=True, eq=False, repr=False)
class Lattice:
    """The A antichains of K sources, in canonical order: size of the down-set, then by sources.

    The order is a linear extension of ≼ (what lies below comes before) and, for three sources, the
    one of the published goal functions (ICLR 2025, arXiv 2412.02482).

    Attributes
    ----------
    n_sources : int, K
    antichains : tuple of A tuples of bitmasks
    order : bool (A, A), order[a, b] is a ≼ b: every set of b contains a set of a
    moebius : int (A, A), atoms = moebius @ redundancies
    inclusion_exclusion : int (A, 2**K - 1), P(U_a) = Σ_m inclusion_exclusion[a, m-1] P(S_m = s_m),
        where U_a is the event that at least one set of a agrees and m runs over source subsets
    top : int, index of the antichain whose only set holds every source
    """

    n_sources: int
    antichains: tuple[tuple[int, ...], ...]
    order: np.ndarray
    moebius: np.ndarray
    inclusion_exclusion: np.ndarray

    @property
    def top(self):
        return len(self.antichains) - 1

    def __len__(self):
        return len(self.antichains)

    def __repr__(self):
        return f"lattice({self.n_sources})"

    def labels(self, names=None):
        """The A labels, such as {F}{CL}, or {height}{age,sex} where names are longer than a letter.

        Without `names` the sources are called 1, 2, ...

        Raises
        ------
        ConfigError : unusable names
        """
        return _labels(self.n_sources, source_names(self.n_sources, names, text=True))

    def index(self, label, names=None):
        """The position of the antichain called `label`, its sets and sources in any order.

        Raises
        ------
        ConfigError : the label cannot be read, names an unknown source or is no antichain
        """
        names = source_names(self.n_sources, names, text=True)
        if label in (labels := self.labels(names)):
            return labels.index(label)
        sets = re.findall(r"{([^{}]*)}", label) if isinstance(label, str) else []
        if not sets or re.sub(r"{[^{}]*}|[\s,]", "", label):
            example = self.labels(names)[len(self) // 2]
            raise ConfigError(
                f"atom {brief(label)} is not source sets in braces, such as {example}"
            )
        masks = (sum(1 << names.index(s) for s in _members(text, label, names)) for text in sets)
        antichain = _antichain(masks)
        if antichain not in self.antichains:
            raise ConfigError(
                f"atom {brief(label)} is not an antichain: one of its sets is empty or lies within "
                f"another; {near(label, self.labels(names))}"
            )
        return self.antichains.index(antichain)


@cache
def lattice(n_sources):
    """The redundancy lattice of 1 to 4 sources (1, 4, 18 or 166 antichains).

    Raises
    ------
    ConfigError : any other number of sources
    """
    if n_sources not in range(1, MAX_SOURCES + 1):
        raise ConfigError(f"{n_sources} sources given, a decomposition takes 1 to {MAX_SOURCES}")
    found = [a for a in _antichains(sorted(range(1, 2**n_sources), key=_set_key)) if a]
    order = np.array([[_below(a, b) for b in found] for a in found])
    rank = sorted(range(len(found)), key=lambda a: (order[:, a].sum(), [*map(_set_key, found[a])]))
    antichains = tuple(found[a] for a in rank)
    order = order[np.ix_(rank, rank)]

    # Π(b) = I_∩(b) - Σ_{a ≺ b} Π(a); a precedes b in canonical order, so its row is finished.
    moebius = np.eye(len(antichains), dtype=int)
    for b in range(len(antichains)):
        moebius[b] -= order[:b, b] @ moebius[:b]

    inclusion_exclusion = np.array([_inclusion_exclusion(a, n_sources) for a in antichains])
    for array in (order, moebius, inclusion_exclusion):
        array.setflags(write=False)  # one cached lattice serves every caller
    return Lattice(n_sources, antichains, order, moebius, inclusion_exclusion)


@cache
def set_masks(n_sources):
    """The bitmasks of all sets of sources, smaller sets first."""
    return tuple(sorted(range(1, 2**n_sources), key=_set_key))


def covers(n_sources):
    """The edges of the Hasse diagram: bool (A, A), [a, b] if b is above a with nothing between."""
    order = lattice(n_sources).order
    below = order & ~np.eye(len(order), dtype=bool)
    return below & ~(below @ below)


def levels(n_sources):
    """int (A,): how many edges of the Hasse diagram each atom is above the lowest one."""
    edges = covers(n_sources)
    found = np.zeros(len(edges), dtype=int)
    for b in range(1, len(found)):  # what lies below b precedes it, so it is finished
        found[b] = 1 + found[edges[:, b]].max()
    return found


def members(n_sources):
    """bool (A + 1, K): whether each atom, and last H_res, is part of the information I(Y:k).

    These are the consistency equations: I(Y:k) is the sum of the atoms in the down-set of {k}.
    """
    one = lattice(n_sources)
    singles = [one.antichains.index((1 << k,)) for k in range(n_sources)]
    return np.vstack([one.order[:, singles], np.zeros(n_sources, dtype=bool)])


def source_names(n_sources, names=None, text=False):
    """`names` as a tuple of `n_sources` distinct strings that labels can hold; 1, 2, ... for None.

    text : whether they may hold blanks and commas, as columns of tables are called

    Raises
    ------
    ConfigError : they cannot be, naming why
    """
    if names is None:
        return tuple(str(k + 1) for k in range(n_sources))
    names = tuple(names)
    if len(names) != n_sources:
        raise ConfigError(f"{len(names)} source names given for {n_sources} sources: {names}")
    for name in names:
        if text and not (isinstance(name, str) and name.isprintable()
                         and re.fullmatch(r"(?! )[^{}]+(?<! )", name)):  # fmt: skip
            raise ConfigError(
                f"source name {name!r} must be a non-empty string without braces, and without a "
                "blank at either end"
            )
        if not text and not (isinstance(name, str) and re.fullmatch(r"[^\s,{}]+", name)):
            raise ConfigError(
                f"source name {name!r} must be a non-empty string without blanks, commas or braces"
            )
    if len(set(names)) < n_sources:
        raise ConfigError(f"source names must differ, given: {', '.join(names)}")
    if text and len(set(_labels(n_sources, names))) < len(lattice(n_sources)):
        raise ConfigError(
            f"source names must not be those of others with a comma between, given: {names}"
        )
    return names


@cache
def _labels(n_sources, names):
    comma = "" if all(len(name) == 1 for name in names) else ","

    def member(mask):
        return "{" + comma.join(names[k] for k in _sources(mask)) + "}"

    return tuple("".join(map(member, antichain)) for antichain in lattice(n_sources).antichains)


def _members(text, label, names):
    """The distinct source names inside one pair of braces."""
    words = [word for word in re.split(r"[\s,]+", text) if word]
    if all(len(name) == 1 for name in names):
        words = list("".join(words))
    elif not set(words) <= set(names):
        words = _texts(text.split(","), names)
    for word in words:
        if word not in names:
            raise ConfigError(
                f"atom {brief(label)} has no source {brief(word)} to name; {near(word, names)}"
            )
    return set(words)


def _texts(pieces, names):
    """Pieces between commas as names that may hold blanks and commas, the longest first."""
    found = []
    while pieces:
        ends = range(len(pieces), 0, -1)
        known = (n for n in ends if ",".join(pieces[:n]).strip() in names)
        n = next(known, 1)
        found.append(",".join(pieces[:n]).strip())
        pieces = pieces[n:]
    return [one for one in found if one]


def _antichain(masks):
    return tuple(sorted(masks, key=_set_key))


def _sources(mask):
    return [k for k in range(mask.bit_length()) if mask >> k & 1]


def _set_key(mask):
    return mask.bit_count(), _sources(mask)


def _antichains(sets):
    """Every antichain of `sets`, the empty one included; members keep the order of `sets`."""
    yield ()
    for i, first in enumerate(sets):
        apart = [other for other in sets[i + 1 :] if first & other not in (first, other)]
        for rest in _antichains(apart):
            yield (first, *rest)


def _below(alpha, beta):
    """α ≼ β: every set of β contains a set of α (Williams & Beer 2010)."""
    return all(any(a & b == a for a in alpha) for b in beta)


def _inclusion_exclusion(antichain, n_sources):
    row = np.zeros(2**n_sources, dtype=int)
    for mask in antichain:
        # P(U ∪ S) = P(U) + P(S) - P(U ∩ S); agreeing on m and on S is agreeing on m | S.
        overlap = np.zeros_like(row)
        np.add.at(overlap, np.arange(row.size) | mask, row)
        row -= overlap
        row[mask] += 1
    return row[1:]
