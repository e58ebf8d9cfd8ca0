"""Columns of tables as discrete variables, and what they tell of each other."""

from infosim.analysis.tables.study import Question, Study, decompose_table

__all__ = ["Question", "Study", "decompose_table"]
