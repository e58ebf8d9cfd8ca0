"""The style of every figure, and canvases that need neither display nor pyplot."""

from pathlib import Path

import matplotlib.style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

#: The style sheet, for `matplotlib.style.use` or `matplotlib.style.context`.
STYLE = Path(__file__).with_name("infosim.mplstyle")


def style():
    """A context in which figures are made, drawn on and saved in the style of this package.

    >>> with style():                                             # doctest: +SKIP
    ...     fig = figure()
    ...     errors(history, fig.subplots())
    ...     fig.savefig("errors.pdf")
    """
    return matplotlib.style.context(STYLE)


def figure(width=3.5, height=2.6):
    """An empty Figure of `width` x `height` inches (one column) that pyplot does not know of."""
    made = Figure(figsize=(width, height))
    FigureCanvasAgg(made)
    return made
