"""Decompositions of what columns of a table tell of others."""

import numpy as np

from infosim.analysis.tables.plan import ALL, BROJA, Plan, measures_of
from infosim.analysis.tables.reading import read
from infosim.analysis.tables.rows import Rows
from infosim.analysis.tables.study import Question, Study
from infosim.analysis.tables.words import FEW
from infosim.errors import ConfigError, one_of
from infosim.pid import decompose, decompose_many
from infosim.pid.decomposition import ALL_MEASURES
from infosim.pid.outcomes import check_missing


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
    if permute is not None:
        from infosim.pid.statistics.permutation import HOW

        one_of("permute", permute, HOW)
    if bias is not None:
        from infosim.pid.statistics.bias import METHODS

        one_of("bias", bias, METHODS)
    if permute == "trials" and by is None:
        raise ConfigError("--permute trials needs to know them: --by")
    plan = Plan(sources, target, bins, target_bins, weights, by, pairs, missing_cells)
    frame = read(data, plan.wanted)
    table = Rows(frame, plan, missing)
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
