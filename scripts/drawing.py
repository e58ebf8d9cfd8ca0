"""What figures of several seeds have in common: their spread, in numbers, words and dots."""

import numpy as np


def band(values):
    """Median, minimum and maximum of the finite values; nan if there are none."""
    values = np.asarray([value for value in values if np.isfinite(value)] or [np.nan])
    return float(np.median(values)), float(values.min()), float(values.max())


def spread(values):
    """Their median, minimum and maximum, by name, as columns of a figure's table."""
    return dict(zip(("median", "min", "max"), band(values), strict=True))


def seeds_of(n, first=0):
    """So many seeds in words."""
    return {0: "no seed", 1: f"seed {first}"}.get(n, f"seeds {first} to {first + n - 1}")


def seeds_found(counts, first=0):
    """How many seeds the points of a figure have, in words."""
    fewest, most = min(counts), max(counts)
    if fewest == most:
        return seeds_of(most, first)
    return f"{fewest} to {most} seeds a point, from {first} on"


def curve(ax, x, rows, label, color, **look):
    """A line through medians over seeds, shaded from the least to the largest (rows: `spread`)."""
    middle, low, high = ([row[name] for row in rows] for name in ("median", "min", "max"))
    ax.plot(x, middle, label=label, color=color, **look)
    ax.fill_between(x, low, high, alpha=0.2, linewidth=0, color=color)


def dots(rows, ax, ticks):
    """Test errors of one model a row: each seed a dot, the median a line; published ranges grey.

    rows : (label, colour, errors of the seeds, published (median, minimum, maximum) or None)
    ticks : of the logarithmic axis, %
    """
    for y, (_, color, errors, theirs) in enumerate(rows):
        values = 100 * np.array(errors)
        if theirs is not None and np.isfinite(theirs).all():
            middle, low, high = 100 * np.array(theirs)
            ax.plot([low, high], [y + 0.22] * 2, color="#999999", linewidth=3.5, alpha=0.5)
            ax.plot(middle, y + 0.22, "o", color="#444444", markerfacecolor="white")
        ax.plot(values, [y - 0.15] * len(values), "o", color=color, alpha=0.6, markersize=2.5)
        if len(values):
            ax.plot([np.median(values)] * 2, [y - 0.36, y + 0.06], color=color, linewidth=2)
    ax.plot([], [], "|", color="#222222", markersize=7, markeredgewidth=2, label="our median")
    ax.plot([], [], "o", color="#222222", alpha=0.6, markersize=2.5, label="our seeds")
    if any(row[3] is not None for row in rows):
        published_look = {"markerfacecolor": "white", "markeredgecolor": "#444444"}
        ax.plot([], [], "o-", color="#999999", label="published", **published_look)
    ax.set_xscale("log")
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set_xticks([], minor=True)
    ax.set_yticks(range(len(rows)), [row[0] for row in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.grid(axis="x")
    ax.set_xlabel("test error (%)")
    ax.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncol=3)
    return ax
