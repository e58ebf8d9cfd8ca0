"""Columns of tables as discrete variables, and what they tell of each other."""

from infosim.analysis.tables.decompose import decompose_table
from infosim.analysis.tables.study import Question, Study

__all__ = ["Question", "Study", "decompose_table"]
