"""Figures: functions(results, ax) -> ax, one style sheet, no display and no pyplot."""

from infosim.plotting.plots import atoms, confusion, errors, receptive_fields
from infosim.plotting.style import STYLE, figure, style
from infosim.plotting.summary import summary

__all__ = [
    "STYLE",
    "atoms",
    "confusion",
    "errors",
    "figure",
    "receptive_fields",
    "style",
    "summary",
]
