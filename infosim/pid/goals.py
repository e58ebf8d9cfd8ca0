"""Goal functions G = Σ_a γ_a Π_a + γ_res H_res: what one infomorphic neuron climbs.

Goals are written by atom label, as formulas, as vectors in canonical order, or taken by name: the
published ones (ICLR 2025, "What should a neuron aim for?", arXiv 2412.02482; PNAS 2025, arXiv
2306.02149) and the classical ones of two sources, see docs/goals.md.
"""

import csv
import math
import re
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from functools import cache, partial
from importlib import resources
from numbers import Real

import numpy as np

from infosim.errors import ConfigError, ShapeError, brief, near
from infosim.markup import bar, table
from infosim.pid.lattice import lattice, levels, members, source_names

H_RES = "H_res"
_H_ALIASES = (H_RES, "Hres", "H")

#: Characters of a formula; that of all 166 atoms of four sources has some thousands.
_LONGEST = 100_000

# What repeats is possessive (++, *+, ?+): tried in one way alone, in a time that is linear.
_TERM = re.compile(
    r"\s*+(?P<signs>(?:[+-]\s*+)*+)"
    r"(?P<number>(?:\d++\.?\d*+|\.\d++)(?:[eE][+-]?\d++)?+)?+\s*+(?:\*\s*+)?+"
    rf"(?P<atom>(?:{{[^{{}}]*+}}\s*+)++|(?:{'|'.join(_H_ALIASES)})\b)\s*+"
)


@dataclass(frozen=True, eq=False, repr=False)
class Goal:
    """A goal: one parameter γ per atom of K sources, and one for the residual entropy H_res.

    Parameters
    ----------
    gammas : mapping of atom labels to numbers, those left out being 0 (H_res is also called Hres or
        H); or a sequence of A or A+1 numbers in canonical order, H_res last
    sources : the K source names in order; a string gives one-letter names

    Attributes
    ----------
    gamma : float64 (A+1,), canonical order of the lattice, then H_res; read-only
    labels : tuple of A+1 strings

    Raises
    ------
    ConfigError : unknown labels, a wrong number of entries, values that are not finite

    Examples
    --------
    >>> goal = Goal({"{F}{C}": 1, "{F}": -0.5}, "FC")
    >>> goal == Goal.of("{F}{C} - 0.5 {F}", "FC")
    True
    >>> dict(zip(goal.labels, goal.gamma.tolist()))
    {'{F}{C}': 1.0, '{F}': -0.5, '{C}': 0.0, '{FC}': 0.0, 'H_res': 0.0}
    """

    gammas: InitVar[Mapping | list]
    sources: tuple[str, ...]
    gamma: np.ndarray = field(init=False)

    def __post_init__(self, gammas):
        sources = source_names(len(self.sources), self.sources)
        gamma = _gamma(gammas, sources)
        gamma.setflags(write=False)
        object.__setattr__(self, "sources", sources)
        object.__setattr__(self, "gamma", gamma)

    @property
    def labels(self):
        """The atoms' labels in canonical order, then H_res."""
        return (*self._lattice.labels(self.sources), H_RES)

    @property
    def _lattice(self):
        return lattice(len(self.sources))

    @property
    def parts(self):
        """What it is made of, as of a `ScheduledGoal`: itself, once."""
        return ((1.0, self),)

    def at(self, moment):
        """The goal at a `Moment` of training: always this one."""
        return self

    def coefficients(self):
        """(w, h): float64 (A,) and float with G = w @ I_∩ + h H(Y), in bits.

        w = Mᵀγ with M the Möbius inverse; H_res = H(Y) - I(Y; all sources) adds -γ_res at the top.
        """
        w = self.gamma[:-1] @ self._lattice.moebius
        w[self._lattice.top] -= self.gamma[-1]
        return w, float(self.gamma[-1])

    def value(self, information, entropy):
        """G (...) in bits, from the redundancies I_∩ (..., A) and the entropies H(Y) (...) in bits.

        Raises
        ------
        ShapeError : the last axis of `information` is not the A antichains
        """
        w, h = self.coefficients()
        return self._information(information) @ w + h * np.asarray(entropy)

    def atoms(self, information, entropy):
        """Atoms and H_res (..., A+1) in bits, from I_∩ (..., A) and H(Y) (...) in bits.

        Raises
        ------
        ShapeError : the last axis of `information` is not the A antichains
        """
        information = self._information(information)
        residual = np.asarray(entropy) - information[..., self._lattice.top]
        return np.concatenate([information @ self._lattice.moebius.T, residual[..., None]], axis=-1)

    def _information(self, information):
        information = np.asarray(information, dtype=float)
        if information.shape[-1:] != (len(self._lattice),):
            raise ShapeError(
                f"information has shape {information.shape}, its last axis must hold the "
                f"{len(self._lattice)} antichains of {len(self.sources)} sources"
            )
        return information

    @classmethod
    def parse(cls, text, sources):
        """The goal a formula such as "{F}{C} - 0.5 {F}{CL} + 0.1 H" describes; repeated atoms add.

        Raises
        ------
        ConfigError : a piece cannot be read, naming it
        """
        sources = source_names(len(sources), sources)
        text = text.replace("−", "-")  # the typographic minus of a formula copied from a paper
        if len(text) > _LONGEST:
            raise ConfigError(
                f"a goal formula has at most {_LONGEST} characters, this one has {len(text)}"
            )
        if not text.strip():
            raise ConfigError("the goal formula is empty; write 0 H_res for a goal without terms")
        gammas = {}
        position = 0
        while position < len(text):
            term = _TERM.match(text, position)
            if term is None or (position and not term["signs"]):
                raise ConfigError(
                    f"cannot read {brief(text[position:].strip())} in goal "
                    f"{brief(text.strip())}: "
                    f"terms are [+|-] [number] atom, an atom being sets in braces or {H_RES}"
                )
            value = float(term["number"] or 1) * (-1) ** term["signs"].count("-")
            atom = term["atom"].strip()
            gammas[atom] = gammas.get(atom, 0.0) + value
            position = term.end()
        return cls(gammas, sources)

    @classmethod
    def named(cls, name, sources=None):
        """The published goal called `name`; `sources` replace the published letters by position.

        Raises
        ------
        ConfigError : a name not in `goal_names()` or another number of sources
        """
        if name not in _published():
            raise ConfigError(f"no published goal {brief(name)}; {near(name, goal_names())}")
        published = _published()[name]()
        if sources is None:
            return published
        if len(sources) != len(published.sources):
            raise ConfigError(
                f"goal {name!r} is for {len(published.sources)} sources "
                f"({', '.join(published.sources)}), {len(sources)} given: {', '.join(sources)}"
            )
        return cls(published.gamma, sources)

    @classmethod
    def of(cls, spec, sources):
        """The goal `spec` means: a Goal, a formula, a published name, a mapping or a vector.

        Raises
        ------
        ConfigError : it means none, or is a Goal for other sources
        """
        if isinstance(spec, Goal):
            if spec.sources != tuple(sources):
                raise ConfigError(
                    f"goal {str(spec)!r} is for sources {', '.join(spec.sources)}, "
                    f"not {', '.join(sources)}"
                )
            return spec
        if isinstance(spec, str):
            formula = "{" in spec or not spec.strip() or _TERM.match(spec)
            return cls.parse(spec, sources) if formula else cls.named(spec, sources)
        return cls(spec, sources)

    def table(self):
        """All that is to say about every atom, and last about H_res: a list of dictionaries.

        Their keys are atom, gamma, level in the lattice (None for H_res) and, for every source,
        I(Y:source), whether the atom is part of that information.
        """
        n_sources = len(self.sources)
        names = [f"I(Y:{source})" for source in self.sources]
        columns = (
            self.labels,
            self.gamma.tolist(),
            [*levels(n_sources).tolist(), None],
            members(n_sources).tolist(),
        )
        return [
            {"atom": atom, "gamma": gamma, "level": level, **dict(zip(names, parts, strict=True))}
            for atom, gamma, level, parts in zip(*columns, strict=True)
        ]

    def __str__(self):
        """A formula that parses back to the same goal."""
        formula = ""
        for label, gamma in zip(self.labels, self.gamma.tolist(), strict=True):
            if gamma:
                number = "" if abs(gamma) == 1 else f"{abs(gamma)!r} "
                formula += f" {'-' if gamma < 0 else '+'} {number}{label}"
        return formula.removeprefix(" + ").strip() or f"0 {H_RES}"

    def __repr__(self):
        return f"Goal.parse({str(self)!r}, {self.sources!r})"

    def _repr_html_(self):
        most = max(map(abs, self.gamma.tolist()))
        pairs = zip(self.labels, self.gamma.tolist(), strict=True)
        return table([(a, g, bar(g, most)) for a, g in pairs], ("atom", "γ", ""), str(self))

    def __eq__(self, other):
        if not isinstance(other, Goal):
            return NotImplemented
        return self.sources == other.sources and np.array_equal(self.gamma, other.gamma)

    def __hash__(self):
        return hash((self.sources, self.gamma.tobytes()))


def goal_names():
    """The names of the published and classical goals, as a tuple."""
    return tuple(_published())


def bivariate_goals():
    """Name -> what is known of a goal of two sources F and C: a dict of texts.

    Its keys are goal (a formula), classical (the same in Shannon's terms, "" if there are none) and
    source (who proposed it).
    """
    return {row.pop("name"): row for row in _rows("bivariate_goals.csv")}


def _gamma(gammas, sources):
    n_atoms = len(lattice(len(sources)))
    labels = (*lattice(len(sources)).labels(sources), H_RES)
    if not isinstance(gammas, Mapping):
        try:
            gammas = list(gammas)
        except TypeError:
            raise ConfigError(f"a goal is not made from {gammas!r}") from None
        if len(gammas) not in (n_atoms, n_atoms + 1):
            raise ConfigError(
                f"a goal for {len(sources)} sources has {n_atoms} parameters, or {n_atoms + 1} "
                f"with {H_RES}; {len(gammas)} given"
            )
        entries = zip(labels, gammas, range(n_atoms + 1), strict=False)
    else:
        entries = ((label, value, None) for label, value in gammas.items())
    gamma = np.zeros(n_atoms + 1)  # adding to it leaves no negative zeros: equal goals hash equal
    for label, value, position in entries:
        if not isinstance(value, Real) or not math.isfinite(value):
            raise ConfigError(f"goal parameter of {label} is {value}, must be a finite number")
        gamma[_position(label, sources) if position is None else position] += value
    return gamma


def _position(label, sources):
    if label in _H_ALIASES:
        return -1
    if isinstance(label, str) and "{" not in label:
        raise ConfigError(
            f"unknown atom {brief(label)} in a goal; "
            f"{near(label, (*lattice(len(sources)).labels(sources), H_RES))}"
        )
    return lattice(len(sources)).index(label, sources)


@cache
def _published():
    """Functions that make goals, by name; to make all would take as long as a network does.

    Of a goal in γ by γ the first row, {F}{C}..., also gives the sources.
    """
    gammas = {}
    for row in _rows("published_goals.csv"):
        gammas.setdefault(row["name"], {})[row["atom"]] = float(row["gamma"])
    listed = {
        name: cache(partial(Goal, one, re.findall(r"\w", next(iter(one)))))
        for name, one in gammas.items()
    }
    formulas = bivariate_goals().items()
    return listed | {name: cache(partial(Goal.parse, row["goal"], "FC")) for name, row in formulas}


def _rows(table):
    """The rows of a table in this folder, dicts of texts."""
    text = resources.files("infosim.pid").joinpath(table).read_text("utf-8")
    yield from csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
