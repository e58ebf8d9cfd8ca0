"""The style of every figure, and canvases that need neither display nor pyplot."""

from pathlib import Path

import matplotlib
import matplotlib.style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

#: The style sheet, for `matplotlib.style.use` or `matplotlib.style.context`.
STYLE = Path(__file__).with_name("infosim.mplstyle")

#: Kinds of files that `save` writes -> metadata without which they would tell when they were made.
UNDATED = {"png": {"Software": None}, "pdf": {"CreationDate": None}, "svg": {"Date": None}}


def style():
    """A context in which figures are made, drawn on and saved in the style of this package.

    >>> with style():                                             # doctest: +SKIP
    ...     fig = figure()
    ...     errors(history, fig.subplots())
    ...     fig.savefig("errors.pdf")
    """
    return matplotlib.style.context(STYLE)


def save(made, file, kind, **options):
    """Write a Figure to an open file as "png", "pdf" or "svg": the same figure, the same bytes.

    options : of `Figure.savefig`, such as dpi
    """
    with matplotlib.rc_context({"svg.hashsalt": "infosim"}):
        made.savefig(file, format=kind, metadata=UNDATED[kind], **options)


def figure(width=3.5, height=2.6):
    """An empty Figure of `width` x `height` inches (one column) that pyplot does not know of."""
    made = Figure(figsize=(width, height))
    FigureCanvasAgg(made)
    return made
