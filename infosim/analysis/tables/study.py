"""Questions that were asked of a table, and their answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from infosim.analysis.tables.roles import Variable
from infosim.pid import Decomposition


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
