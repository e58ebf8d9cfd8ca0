"""Decompositions of what columns of a table tell of others."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from infosim.analysis.tables.bins import Bins
from infosim.analysis.tables.columns import outcomes
from infosim.analysis.tables.reading import Wanted, read
from infosim.analysis.tables.roles import EVERY, Part, Variable, bins_of, variables_of
from infosim.errors import ConfigError, DataError, brief, near
from infosim.pid import Decomposition, decompose, decompose_many
from infosim.pid.broja import Broja
from infosim.pid.decomposition import ALL_MEASURES
from infosim.pid.lattice import MAX_SOURCES
from infosim.pid.outcomes import check_missing

BROJA = Broja.name
ALL = "all"
#: The most decompositions of one call, and so few that each is told whole, with its cautions.
MOST_QUESTIONS, FEW = 10**6, 4


@dataclass(eq=False)
class Question:
    """What sources tell of a target, by one or several measures.

    Attributes
    ----------
    target : a `Variable`
    sources : 1 to 4 of them
    by : measure -> `Decomposition`
    intervals, bias : measure -> what `pid.statistics` found, if that was asked for
    test : of the informations, which no measure changes
    cautions : lines
    """

    target: Variable
    sources: tuple[Variable, ...]
    by: Mapping[str, Decomposition]
    intervals: dict = field(default_factory=dict)
    bias: dict = field(default_factory=dict)
    test: object = None
    cautions: list[str] = field(default_factory=list)

    @property
    def first(self):
        return next(iter(self.by.values()))


@dataclass(frozen=True, eq=False)
class Study:
    """The questions that were asked of a table, and their answers.

    Attributes
    ----------
    what : the table
    n_rows : of it that count
    total : what they weigh, `n_rows` without weights
    notes : what became of other rows, and of what holds for all questions, lines
    said : (variable, whether as target) -> how its columns became outcomes
    questions : list of `Question`
    lines : int (n_rows,), where the rows are in the table
    """

    what: str
    n_rows: int
    total: float
    notes: list[str]
    said: dict[tuple[str, bool], str]
    questions: list[Question]
    lines: np.ndarray = field(repr=False)
    of_text: bool
    asked: dict
    _labels: dict = field(repr=False)

    def values(self, variable, rows, as_target=False):
        """What a variable's outcomes in these of its rows are called."""
        found = self._labels[variable.name, as_target]
        parts = [(codes[rows].tolist(), labels) for codes, labels in found]
        columns = [[labels[code] for code in codes] for codes, labels in parts]
        return [", ".join(cells) for cells in zip(*columns, strict=True)]

    @property
    def remarks(self):
        """What became of rows, and what to be cautious of, in lines."""
        said = (line for one in self.questions for line in one.cautions)
        return [*self.notes, *dict.fromkeys(said)]

    def __str__(self):
        from infosim.analysis.tables.words import text

        return text(self)

    def _repr_html_(self):
        from infosim.analysis.tables.words import page

        return page(self)


def decompose_table(
    data, sources, target, *, bins=None, target_bins=None, missing="error", missing_cells=None,
    weights=None, by=None, measure="shared-exclusions", pairs=False, bootstrap=0, level=0.95,
    permutations=0, permute=None, block=None, bias=None, seed=0, threads=1, progress=False,
):  # fmt: skip
    """What columns of a table tell of another one, decomposed.

    Cells are text, without the blanks around them. In a column whose cells are all numbers, those
    of exactly the same value are the same: 1, 1.0 and +1e0, but not 9007199254740992 and ...993.

    Parameters
    ----------
    data : a file (CSV, TSV, maybe of gzip; Parquet; a spreadsheet), "-" for the standard input, a
        DataFrame, or a mapping from names to columns
    sources : 1 to 4 columns, "x,z" or a list; "F=x+y" makes one source of two columns, "x@-1" is x
        one row before; "every" column that has no other role
    target : a column, or several, each of which is decomposed; or "every"
    bins : for sources a number, or what `Bins.of` takes; for single columns "age=5,dose=quantile:4"
        or a mapping
    target_bins : the same for targets, which are else never cut
    missing : "error"; "drop" leaves out each row in which one of the columns is missing; "value"
        counts missing as one more outcome
    missing_cells : what a missing cell holds if it is not empty: texts, or numbers in any spelling;
        by default `cells.MISSING_CELLS` in small letters or capitals
    weights : a column of counts, how many rows each row stands for
    by : a column that says which trial a row belongs to; no lag reaches into another one
    measure : a name, several, or "all"
    pairs : whether to decompose each pair of sources, of which there may then be many
    bootstrap, permutations : how many; 0 is none
    permute : "rows", "shift" or "trials", by default "shift" of time series, of lags or blocks
    block : rows in a block that is resampled
    bias : "shuffle", "extrapolation" or "miller-madow"
    seed, threads, progress : of statistics, as `pid.statistics` has them

    Returns
    -------
    Study

    Raises
    ------
    DataError : unreadable file, ragged rows, missing cells, no rows; a column to be cut into bins
        that mixes numbers and text or is not finite
    ConfigError : no such column, one that is named twice, an option that cannot be
    """
    check_missing(missing)
    measures = measures_of(measure)
    if block is not None and not (bootstrap or permutations):
        raise ConfigError("--block is of --bootstrap and --permutations, of which there are none")
    if permute is not None and not permutations:
        raise ConfigError("--permute is of --permutations, of which there are none")
    plan = _Plan(sources, target, bins, target_bins, weights, by, pairs, missing_cells)
    frame = read(data, plan.wanted)
    table = _Rows(frame, plan, missing)
    asked = [(target, own) for target in plan.targets for own in plan.choices(target)]
    if measures == [ALL]:
        measures = [*ALL_MEASURES]
        if not all(len(own) == 2 for _, own in asked):
            measures.remove(BROJA)
            table.notes.append(f"{BROJA} is of 2 sources, and left out")
    keys = _keys(plan.sources)
    used = dict.fromkeys(v for _, own in asked for v in own)
    codes = {keys[v]: table.joint(v, as_target=False) for v in used}
    # its bins may be others than those of the same column as a source
    as_target = {target: f"{{{i}}}" for i, target in enumerate(plan.targets)}
    codes |= {key: table.joint(target, as_target=True) for target, key in as_target.items()}
    questions = [(tuple(keys[v] for v in own), as_target[target]) for target, own in asked]
    weighed = None if plan.weights is None else table.counts
    lagged = any(part.lag for v in plan.variables for part in v.parts)
    if permute is None:
        permute = "shift" if lagged or block is not None else "rows"
    # of many the order of rows is kept where statistics need it alone
    ordered = by is not None or block is not None or permute != "rows"
    whole = len(questions) == 1 or (ordered and bool(bootstrap or permutations or bias))

    def answers(measure):
        options = {"measure": measure, "weights": weighed}
        if whole:
            return [
                decompose(sources={name: codes[name] for name in own}, target=codes[t], **options)
                for own, t in questions
            ]
        return decompose_many(codes, questions, threads=threads, progress=progress, **options)

    by_measure = {one: answers(one) for one in measures}
    found = [
        Question(target, own, {one: by_measure[one][i] for one in measures})
        for i, (target, own) in enumerate(asked)
    ]
    if bootstrap and lagged and block is None and by is None:
        table.notes.append(
            "rows of a time series are not independent: without --block or --by intervals are too "
            "narrow"
        )
    if len(found) > FEW and not (table.counts % 1).any():
        own = {v: keys[v] for v in used} | as_target
        n_values = {v.name: np.unique(codes[key]).size for v, key in own.items()}
        table.notes.extend(_cautions_of_many(found, n_values))
    common = {"seed": seed, "threads": threads, "progress": progress}
    statistics = _Statistics(
        bootstrap, level, permutations, permute, block, bias, table.trials, common
    )
    statistics.fill(found)
    return Study(
        frame.what, len(table.kept), float(table.counts.sum()), table.notes, table.said, found,
        frame.lines[table.kept], frame.of_text,
        {"weights": weights, "by": by, "bootstrap": bootstrap, "level": level,
         "permutations": permutations, "permute": permute, "block": block, "bias": bias,
         "seed": seed, "missing": missing},
        table.labels,
    )  # fmt: skip


def _cautions_of_many(questions, n_values):
    """What `statistics.cautions` says of each question, of all together, in lines.

    n_values : variable -> how many values it has
    """
    from infosim.pid.statistics.cautions import are_few, looks_continuous

    total = questions[0].first.events.total
    many = [name for name, n in n_values.items() if looks_continuous(n, total)]
    if many:
        listed = ", ".join(many[:FEW]) + (f" and {len(many) - FEW} more" if many[FEW:] else "")
        yield f"of many distinct values, and cut into a few bins if continuous: {listed}"
    few = sum(are_few(total, len(one.first.events)) for one in questions)
    if few:
        yield (
            f"{few} of {len(questions)} decompositions have few rows for each cell that occurs: "
            "what they tell may be owed to chance; take fewer bins or more rows"
        )


def _keys(variables):
    """Variable -> what it is called in labels, which have no braces of their own."""
    keys = {v: v.name.replace("{", "(").replace("}", ")") for v in variables}
    if len(set(keys.values())) < len(keys):
        raise ConfigError("sources' names must differ in more than their braces")
    return keys


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


class _Plan:
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


class _Rows:
    """The rows of a table that count, and its variables in them.

    Attributes
    ----------
    kept : int, the rows in the table
    counts : float, what each of them weighs
    trials : int, which trial each is of, or None
    labels : variable -> (codes, labels) of each of its parts, in the rows kept
    """

    def __init__(self, frame, plan, missing):
        self._frame, self._plan, self._missing = frame, plan, missing
        self.notes, self.said, self.labels = [], {}, {}
        n, what = frame.n_rows, frame.what
        if missing == "error":
            for column in frame.columns:
                self._refuse_missing(column)
        groups = None
        if plan.by is not None:
            column = frame[plan.by]
            groups = outcomes(column, Bins(), ~column.unknown, np.ones(n), frame).codes
        self._at = {
            part.lag: _later(part.lag, groups, n) for v in plan.variables for part in v.parts
        }
        inside = np.ones(n, bool)
        for at in self._at.values():
            inside &= at >= 0
        if not inside.any():
            raise DataError(f"{what}: lags reach beyond all of its {n} rows")
        counts = np.ones(n)
        if plan.weights is not None:
            counts = self._weights(frame[plan.weights])
        known = np.ones(n, bool)
        if missing == "drop":
            for v in plan.variables:
                for part in v.parts:
                    known &= ~frame[part.column].unknown[self._at[part.lag]]
            for name in {plan.weights, plan.by} - {None}:
                known &= ~frame[name].unknown
            lost = np.count_nonzero(inside & ~known)
            self.notes.append(f"{lost} of {n} rows dropped: a cell is missing")
            if not (known & inside).any():
                columns = ", ".join(column.name for column in frame.columns)
                raise DataError(f"{what}: every row is missing one of {columns}")
        if not inside.all():
            over = "its trial" if groups is not None else "the table"
            self.notes.append(
                f"{n - np.count_nonzero(inside)} of {n} rows dropped: a lag reaches beyond {over}"
            )
        kept = known & inside & (counts > 0)
        if plan.weights is not None and not kept.all():
            nothing = np.count_nonzero(known & inside & ~(counts > 0))
            if nothing:
                self.notes.append(f"{nothing} of {n} rows dropped: they stand for no row")
        if not kept.any():
            raise DataError(f"{what}: no row is left")
        if missing == "value":
            cells = sum(int(np.count_nonzero(column.unknown)) for column in frame.columns)
            self.notes.append(f"{cells} missing cell{'s' * (cells != 1)} counted as a value")
        self.kept = np.flatnonzero(kept)
        self.counts = counts[self.kept]
        self._all_counts = counts
        self.trials = None if groups is None else groups[self.kept]
        self._found = {}

    def _refuse_missing(self, column):
        """Raise DataError about the first row whose cell is missing."""
        for row in np.flatnonzero(column.unknown)[:1]:
            cell = "" if column.codes is None else column.cells[column.codes[row]]
            held = f"{cell!r}, which counts as missing" if cell else "empty"
            what = f"is {held}; see --missing and --missing-tokens"
            raise self._frame.error(column.name, row, what)

    def _weights(self, column):
        """How many rows each row stands for, 0 where that is missing."""
        numbers = np.zeros(len(column.cells))
        for i, cell in enumerate(column.cells):
            if column.missing[i]:
                if self._missing == "value" and (column.codes == i).any():
                    raise DataError(
                        f"{self._frame.what}: weights in column {column.name!r} are missing, which "
                        "no value can stand for; --missing drop leaves such rows out"
                    )
                continue
            found = column.number(cell)
            if found is None or not found.is_finite() or found < 0 or float(found) == np.inf:
                row = int((column.codes == i).argmax())
                raise self._frame.error(
                    column.name,
                    row,
                    f"is of weights, which are numbers from 0 on, not {brief(cell)}",
                )
            numbers[i] = float(found)
        if not numbers.any():
            raise DataError(f"{self._frame.what}: weights in column {column.name!r} are all 0")
        return numbers[column.codes]

    def joint(self, variable, as_target):
        """The outcomes of a variable in the rows kept, int (n_kept,) from 0 on."""
        codes, labels, said = None, [], []
        for part in variable.parts:
            found, own, how = self._part(part, as_target)
            labels.append((found, own))
            said.append(how if len(variable.parts) == 1 else f"{part} {how}")
            if codes is None:
                codes = found
            else:
                codes = np.unique(codes.astype(np.int64) * len(own) + found, return_inverse=True)[
                    1
                ].astype(np.int32)
        self.labels[variable.name, as_target] = labels
        self.said[variable.name, as_target] = "; ".join(said)
        return codes

    def _part(self, part, as_target):
        """(codes, labels, how) of a column at its lag in the rows kept."""
        bins = self._plan.bins(part.column, as_target)
        key = part.column, bins
        if key not in self._found:
            used = np.zeros(self._frame.n_rows, bool)
            for v in self._plan.variables:
                for other in v.parts:
                    if other.column == part.column:
                        used[self._at[other.lag][self.kept]] = True
            optional = part.column not in self._plan.own and not as_target
            column = self._frame[part.column]
            self._found[key] = outcomes(column, bins, used, self._all_counts, self._frame, optional)
        found = self._found[key]
        codes, labels = found.codes[self._at[part.lag][self.kept]], found.labels
        said = found.said
        if (codes < 0).any():  # missing, as one more value
            codes = np.where(codes < 0, len(labels), codes).astype(np.int32)
            labels, said = [*labels, "missing"], f"{said}, and missing"
        return codes, labels, said


def _later(lag, groups, n):
    """For each row which one is so many later in its trial, int (n,), -1 where there is none.

    groups : int (n,), the trial of each row, -1 where that is missing, or None
    """
    rows = np.arange(n)
    if not lag:
        return rows
    order = rows if groups is None else np.argsort(groups, kind="stable")
    to = rows + lag
    inside = (to >= 0) & (to < n)
    to = np.where(inside, to, 0)
    if groups is not None:
        trial = groups[order]
        inside &= (trial[to] == trial) & (trial >= 0)
    found = np.full(n, -1)
    found[order] = np.where(inside, order[to], -1)
    return found


class _Statistics:
    """What is to be computed of each decomposition beside it."""

    def __init__(self, bootstrap, level, permutations, permute, block, bias, trials, common):
        self._bootstrap, self._level, self._permutations = bootstrap, level, permutations
        self._permute, self._block, self._bias = permute, block, bias
        self._trials, self._common = trials, common

    def fill(self, questions):
        """Compute it for all of these."""
        from infosim.pid import statistics

        by, common = self._trials, self._common
        counted = not any((q.first.events.weights % 1).any() for q in questions[:1])
        for question in questions if counted and len(questions) <= FEW else ():
            question.cautions.extend(statistics.cautions(question.first))
        for question in questions:
            for name, found in question.by.items():
                if self._bootstrap:
                    question.intervals[name] = statistics.bootstrap(
                        found, self._bootstrap, level=self._level, block=self._block, by=by,
                        **common,
                    )  # fmt: skip
                if self._bias is not None:
                    question.bias[name] = statistics.bias(found, self._bias, by=by, **common)
            if self._permutations:
                question.test = statistics.permutation_test(
                    question.first, self._permutations, how=self._permute, by=by, **common
                )
