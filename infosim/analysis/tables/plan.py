"""What is asked of a table, made sense of by the names of its columns."""

from itertools import combinations

from infosim.analysis.tables.bins import Bins
from infosim.analysis.tables.reading import Wanted
from infosim.analysis.tables.roles import EVERY, Part, Variable, bins_of, variables_of
from infosim.errors import ConfigError, DataError, brief, near
from infosim.pid.broja import Broja
from infosim.pid.decomposition import ALL_MEASURES
from infosim.pid.lattice import MAX_SOURCES

BROJA = Broja.name
ALL = "all"
#: The most decompositions of one call.
MOST_QUESTIONS = 10**6


def measures_of(given):
    """The names of measures that are asked for, "all" alone.

    Raises
    ------
    ConfigError : unknown ones, or one twice
    """
    if isinstance(given, str):
        given = given.split(",")
    names = [one.strip() if isinstance(one, str) else one for one in given]
    allowed = [*ALL_MEASURES, ALL]
    for name in names:
        if name not in allowed:
            raise ConfigError(f"unknown measure {brief(name)}; {near(name, allowed)}")
        if names.count(name) > 1:
            raise ConfigError(f"measure {name!r} is named twice")
    if ALL in names and len(names) > 1:
        raise ConfigError("'all' stands for every measure, and beside no other")
    return names


class Plan:
    """What is asked for, made sense of by the names of a table's columns."""

    def __init__(self, sources, target, bins, target_bins, weights, by, pairs, missing_cells):
        self._sources, self._target = sources, target
        self._bins, self._target_bins = bins, Bins.of(target_bins)
        self.weights, self.by, self.pairs = weights, by, pairs
        self._missing_cells = missing_cells

    def wanted(self, names, what):
        """Which columns are read; called with the names of all."""
        given = [*_listed(self._sources), *_listed(self._target)]
        for role, name in (("weights", self.weights), ("by", self.by)):
            if name is not None and name not in names:
                raise ConfigError(
                    f"--{role}: {what} has no column {brief(name)}; {near(name, names)}"
                )
        every = EVERY not in names and EVERY in given
        for name in names if every else ():
            if not name:
                raise DataError(f"{what}: a column has no name, {EVERY!r} would be of it, too")
            if names.count(name) > 1:
                raise DataError(f"{what} has {names.count(name)} columns called {brief(name)}")
        taken = {self.weights, self.by}
        sources = targets = None
        if not (every and EVERY in _listed(self._sources)):
            sources = variables_of(self._sources, names, what, "sources")
            taken |= {column for v in sources for column in v.columns}
        if not (every and EVERY in _listed(self._target)):
            targets = variables_of(self._target, names, what, "target")
            taken |= {column for v in targets for column in v.columns}
        free = [Variable(name, (Part(name),)) for name in names if name not in taken]
        self._every = every
        self.targets = free if targets is None else targets
        if sources is None:  # of a target that is one of several, the others are sources, too
            sources = [*free, *(v for v in self.targets if v not in free)] if self.pairs else free
        self.sources = sources
        if not self.sources or not self.targets:
            raise ConfigError(f"{what}: no column is left to be {EVERY!r}")
        self._check(names, what)
        self.general, self.own = bins_of(self._bins, names, what)
        columns = {c for v in self.variables for c in v.columns}
        for name in self.own:
            if name not in columns:
                raise ConfigError(f"--bins: column {brief(name)} is neither source nor target")
        rough = {
            c
            for v in self.variables
            for c in v.columns
            if all(
                self.bins(c, as_target).kind != "none"
                for as_target, group in ((False, self.sources), (True, self.targets))
                if any(c in v.columns for v in group)
            )
        }
        return Wanted(columns | {self.weights, self.by} - {None}, rough, self._missing_cells)

    def _check(self, names, what):
        """Raise ConfigError where one column has two roles that exclude each other."""
        parts = [part for v in self.sources for part in v.parts]
        for part in parts:
            if parts.count(part) > 1:
                raise ConfigError(f"column {str(part)!r} is named twice among sources")
            if not self._every and any(part in v.parts for v in self.targets):
                raise ConfigError(f"column {str(part)!r} is named twice among sources and target")
        called = [v.name for v in self.variables]
        for name in called:
            if called.count(name) > 1:
                raise ConfigError(f"{brief(name)} names a source and the target")
        parts += [part for v in self.targets for part in v.parts]
        for role, name in (("weights", self.weights), ("by", self.by)):
            if name is not None and any(part.column == name for part in parts):
                raise ConfigError(f"column {name!r} is of --{role}, and a source or target, too")
        if self.weights is not None and self.weights == self.by:
            raise ConfigError(f"column {self.by!r} is of --weights and --by")
        if self.weights is not None and any(part.lag for part in parts):
            raise ConfigError(
                "--weights counts rows that are equal, lags are of rows in order: not both"
            )
        if self.pairs and len(self.sources) < 2:
            raise ConfigError(f"--pairs are of 2 sources or more, {len(self.sources)} given")
        most = max(len(self._of(target)) for target in self.targets)
        if not self.pairs and not 1 <= most <= MAX_SOURCES:
            raise ConfigError(
                f"{most} sources given, a decomposition takes 1 to {MAX_SOURCES}; --pairs takes "
                "each two of them"
            )
        n = sum(self.count(target) for target in self.targets)
        if n > MOST_QUESTIONS:
            raise ConfigError(
                f"{n} decompositions are asked for, at most {MOST_QUESTIONS} are made"
            )
        if not n:
            raise ConfigError("there is no pair of sources beside the target")

    def _of(self, target):
        """The sources that are not part of the target."""
        return [v for v in self.sources if not set(v.parts) & set(target.parts)]

    def count(self, target):
        n = len(self._of(target))
        return n * (n - 1) // 2 if self.pairs else 1

    def choices(self, target):
        """The sources of each decomposition of a target."""
        own = self._of(target)
        return list(combinations(own, 2)) if self.pairs else [tuple(own)]

    @property
    def variables(self):
        return list(dict.fromkeys([*self.sources, *self.targets]))

    def bins(self, column, as_target):
        """What is asked of a column."""
        return self.own.get(column, self._target_bins if as_target else self.general)


def _listed(given):
    return [given.strip()] if isinstance(given, str) else list(given)
