"""Figures: functions(results, ax) -> ax, one style sheet, no display and no pyplot."""

from infosim.plotting.circle import information_circle
from infosim.plotting.concepts import goal_bars, goal_summary, lattice_diagram, neuron
from infosim.plotting.plots import (
    atoms,
    confusion,
    correlations,
    errors,
    recall,
    receptive_fields,
)
from infosim.plotting.style import STYLE, figure, save, style
from infosim.plotting.summary import summary

__all__ = [
    "STYLE",
    "atoms",
    "confusion",
    "correlations",
    "errors",
    "figure",
    "goal_bars",
    "goal_summary",
    "information_circle",
    "lattice_diagram",
    "neuron",
    "recall",
    "receptive_fields",
    "save",
    "style",
    "summary",
]
