"""Figures: functions(results, ax) -> ax, one style sheet, no display and no pyplot."""

import os
import sys
from contextlib import suppress

if "matplotlib" not in sys.modules:
    # MPLBACKEND, perhaps of a notebook that this process comes from, may name what is not here.
    # Then matplotlib cannot be imported, and our canvases do not need it.
    _wanted = os.environ.pop("MPLBACKEND", None)
    import matplotlib

    if _wanted is not None:
        os.environ["MPLBACKEND"] = _wanted
        with suppress(ValueError):
            matplotlib.rcParams["backend"] = _wanted

from infosim.plotting.circle import information_circle
from infosim.plotting.concepts import goal_bars, goal_summary, lattice_diagram, neuron
from infosim.plotting.decomposed import decomposition
from infosim.plotting.model import network_diagram, network_page
from infosim.plotting.plots import (
    atoms,
    comparison,
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
    "comparison",
    "confusion",
    "correlations",
    "decomposition",
    "errors",
    "figure",
    "goal_bars",
    "goal_summary",
    "information_circle",
    "lattice_diagram",
    "network_diagram",
    "network_page",
    "neuron",
    "recall",
    "receptive_fields",
    "save",
    "style",
    "summary",
]
