"""The picture of a search for goals: its course, its best goals, and which atoms mattered."""

import matplotlib
import numpy as np
from matplotlib.ticker import FixedLocator, MaxNLocator

from infosim.errors import ShapeError
from infosim.plotting.plots import _percent, _percent_axis
from infosim.plotting.style import figure, style

_NAMES = {"val_error": "validation error", "train_error": "training error"}


def course(numbers, values, complete, ax, start=None, metric="error"):
    """Values of trials against their number, with the best so far.

    numbers, values : (T,) of the trials; values are fractions, of a pruned trial the last one
    complete : (T,) whether a trial is complete; pruned ones are drawn small, and are never the best
    start : value of the goal the search began with, a horizontal line; None for none
    metric : its name

    Raises
    ------
    ShapeError : numbers, values and complete of unequal lengths
    """
    numbers, values = np.asarray(numbers), 100 * np.asarray(values)
    complete = np.asarray(complete, bool)
    if not numbers.shape == values.shape == complete.shape or numbers.ndim != 1:
        raise ShapeError(
            f"numbers, values and complete have shapes {numbers.shape}, {values.shape} and "
            f"{complete.shape}, must be equally long"
        )
    name = _NAMES.get(metric, metric)
    ax.set_title(f"{name} of {complete.sum()} complete and {(~complete).sum()} pruned trials")
    ax.set(xlabel="trial", ylabel=f"{name} (%)")
    handles = []
    if (~complete).any():
        look = {"color": "#B0B0B0", "marker": "x", "markersize": 3, "linestyle": "none"}
        handles += ax.plot(numbers[~complete], values[~complete], label="pruned", **look)
    if complete.any():
        look = {"color": "#56B4E9", "marker": "o", "linestyle": "none"}
        handles += ax.plot(numbers[complete], values[complete], label="complete", **look)
        so_far = np.minimum.accumulate(np.where(complete, values, np.inf))
        known = np.isfinite(so_far)
        label = f"best {_percent(so_far[-1])}"
        handles += ax.step(
            numbers[known], so_far[known], where="post", color="#1A1A1A", linewidth=1.2, label=label
        )
    if start is not None:
        look = {"color": "#777777", "linewidth": 1, "linestyle": (0, (4, 1.5)), "zorder": 1}
        handles.append(ax.axhline(100 * start, label=f"start {_percent(100 * start)}", **look))
    if len(values):
        given = [100 * start] if start is not None else []
        _percent_axis(ax, np.concatenate([values, given]))
        ax.legend(
            handles=handles, loc="upper left", bbox_to_anchor=(-0.02, -0.1), ncols=len(handles)
        )
    ax.margins(x=0.03)
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True, steps=[1, 2, 5, 10]))
    return ax


def goals(gammas, names, labels, ax):
    """Goals as a heat map, a column each, γ written in; blue -1, white 0, red +1.

    gammas : (n, A + 1) within [-1, 1]; names : of the n goals; labels : of the A + 1 parameters

    Raises
    ------
    ShapeError : gammas, names and labels do not fit
    """
    gammas = np.asarray(gammas, dtype=float)
    if gammas.shape != (len(names), len(labels)):
        raise ShapeError(
            f"gammas have shape {gammas.shape}, {len(names)} names and {len(labels)} labels need "
            f"({len(names)}, {len(labels)})"
        )
    ax.imshow(gammas.T, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto", interpolation="nearest")
    for column, row in np.ndindex(*gammas.shape):
        value = gammas[column, row]
        text = f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−")
        if value == 0:
            text = "0"
        look = {"color": "white" if abs(value) > 0.6 else "#222222", "fontsize": 6}
        ax.text(column, row, text, ha="center", va="center", **look)
    ax.xaxis.set_major_locator(FixedLocator(range(len(names))))
    ax.set_xticklabels(names)
    _rows(ax, labels)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_xlabel("trial, best first")
    ax.set_title("γ of the start and the best trials" if "start" in names else "γ of best trials")
    return ax


def importance(values, labels, ax):
    """How much each γ matters for being among the best trials, a bar each.

    values : (A + 1,) shares of 1, or None where there are too few trials to tell

    Raises
    ------
    ShapeError : values and labels do not fit
    """
    ax.set_title("importance of γ")
    if values is None:
        ax.text(0.5, 0.5, "needs 10 complete trials", ha="center", transform=ax.transAxes)
        ax.set(xticks=[], yticks=[])
        return ax
    values = 100 * np.asarray(values, dtype=float)
    if values.shape != (len(labels),):
        raise ShapeError(f"values have shape {values.shape}, {len(labels)} labels need as many")
    colour = matplotlib.rcParams["axes.prop_cycle"].by_key()["color"][0]
    ax.barh(range(len(labels)), values, height=0.7, color=colour)
    _rows(ax, labels)
    ax.set_xlabel("share (%), PED-ANOVA")
    ax.xaxis.set_major_locator(MaxNLocator(4))
    return ax


def search(
    numbers, values, complete, start, gammas, names, labels, importances, metric="error", title=""
):
    """The picture of a search, 10 inches wide: `course`, `goals` and `importance` side by side.

    Arguments as for these.

    Returns
    -------
    matplotlib Figure, to be saved with its `savefig`

    Raises
    ------
    ShapeError : arrays and labels that do not fit
    """
    with style():
        page = figure(12, max(3.2, 0.9 + 0.19 * len(labels)))
        page.suptitle(title, x=0.01, ha="left", fontsize=8, color="#555555")
        left, middle, right = page.subplots(1, 3, width_ratios=[1.1, 1.5, 0.6])
        course(numbers, values, complete, left, start, metric)
        goals(gammas, names, labels, middle)
        importance(importances, labels, right)
        if importances is not None:
            right.set_yticklabels([])  # the rows are those of the heat map
        page.draw_without_rendering()
    return page


def _rows(ax, labels):
    """The parameters from top to bottom."""
    ax.yaxis.set_major_locator(FixedLocator(range(len(labels))))
    ax.set_yticklabels(labels)
    ax.set_ylim(len(labels) - 0.5, -0.5)
