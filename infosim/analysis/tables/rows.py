"""The rows of a table that count, and its variables in them."""

import numpy as np

from infosim.analysis.tables.bins import Bins
from infosim.analysis.tables.columns import outcomes
from infosim.errors import DataError, brief


class Rows:
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
