"""One plot per result: each function draws on the Axes it is given and returns them."""

from itertools import cycle
from numbers import Integral

import matplotlib
import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from infosim.errors import ShapeError

#: History attribute -> name in legends, how it is drawn; what matters most is last, on top.
ERRORS = {
    "train_error": ("train", {"color": "#B0B0B0", "linewidth": 1.2}),
    "val_error": ("validation", {"color": "#56B4E9", "linewidth": 1.2}),
    "test_error": ("test", {"color": "#1A1A1A", "linewidth": 1.6}),
}
_RESIDUAL = {"color": "#555555", "linestyle": (0, (1, 1))}
_DASHES = ("solid", (0, (4, 1.5)), (0, (4, 1.5, 1, 1.5)))
_TEXT = {"color": "#222222", "fontsize": "small"}


def errors(history, ax, baseline=None, names=None):
    """Error against epoch, logarithmic, the last measured value of each curve in the legend.

    Where an error is zero the axis is linear from zero to the smallest other error, or throughout
    if the others are within a factor of three.

    history : with lists train_error, val_error, test_error: fractions, nan where not measured;
        entry 0 is before training. A curve without any value is left out.
    baseline : an error (fraction) to compare with, or name -> error; a horizontal line each
    names : attribute of history -> what the curve is called, by default train, validation and test
    """
    curves, names = [], names or {}
    for attribute, (name, look) in ERRORS.items():
        values = np.asarray(getattr(history, attribute), dtype=float)
        (epochs,) = np.nonzero(np.isfinite(values))
        if len(epochs):
            values = 100 * values[epochs]
            marker = "o" if len(epochs) <= 20 else None
            label = f"{names.get(attribute, name)} {_percent(values[-1])}"
            curves += ax.plot(epochs, values, marker=marker, label=label, **look)
    curves.reverse()
    if baseline is not None:
        named = baseline if hasattr(baseline, "items") else {"baseline": baseline}
        for (name, value), dash in zip(named.items(), cycle((*_DASHES[1:], ":")), strict=False):
            label = f"{name} {_percent(100 * value)}"
            look = {"color": "#777777", "linewidth": 1, "linestyle": dash}
            curves.append(ax.axhline(100 * value, label=label, **look))
    ax.set_title("error")
    ax.set_ylabel("error (%)")
    _epoch_axis(ax, len(history.train_error))
    if not curves:
        return _nothing(ax, "no error measured")
    _percent_axis(ax, np.concatenate([curve.get_ydata() for curve in curves]))
    ax.legend(handles=curves, loc="best")
    return ax


def comparison(curves, ax, what="test error"):
    """The same error of several runs against epoch, logarithmic, the last of each in the legend.

    curves : name -> fractions, nan where not measured, entry 0 before training; drawn in the
        colours of the style, beyond them dashed. A curve without any value is left out.
    what : which error, for the title
    """
    looks, drawn = cycle(_looks()), []
    for name, values in curves.items():
        values = np.asarray(values, dtype=float)
        (epochs,) = np.nonzero(np.isfinite(values))
        if len(epochs):
            values, marker = 100 * values[epochs], "o" if len(epochs) == 1 else None
            label = f"{name}  {_percent(values[-1])}"
            drawn += ax.plot(epochs, values, marker=marker, label=label, **next(looks))
    ax.set_title(what)
    ax.set_ylabel("error (%)")
    _epoch_axis(ax, max(map(len, curves.values()), default=0))
    if not drawn:
        return _nothing(ax, "no error measured")
    _percent_axis(ax, np.concatenate([curve.get_ydata() for curve in drawn]))
    ax.legend(handles=drawn, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax


def atoms(values, labels, ax, show=6, name="", looks=None, recorded=None):
    """Median over neurons of the largest atoms against epoch, with the band of the middle half.

    values : (E, N, A + 1) bits, the atoms and H_res of each neuron in the recorded epochs
    labels : the A + 1 names, such as {F}{C} and H_res
    show : how many are drawn: those whose last median is largest in magnitude, ties in lattice
        order. The legend, sorted by the last median, says how many there are. Or the labels of
        those to draw.
    name : of the layer, for the title
    looks : label -> line properties, for one colour per atom across plots; see `atom_looks`
    recorded : the epochs (E,), by default all from 0 on

    Raises
    ------
    ShapeError : values and labels, or epochs, do not fit
    """
    low, median, high = _quartiles(values, labels)
    recorded = np.arange(len(median)) if recorded is None else np.asarray(recorded)
    if len(recorded) != len(median):
        raise ShapeError(f"atoms of {len(median)} epochs, but {len(recorded)} were recorded")
    chosen = not isinstance(show, Integral)
    shown = [list(labels).index(one) for one in show] if chosen else _largest(median, show)
    if looks is None:
        looks = atom_looks([labels[a] for a in shown])
    single = len(median) == 1
    spread = np.linspace(-0.2, 0.2, len(shown)) if single and len(shown) > 1 else [0.0] * len(shown)
    lines = []
    for a, shift in zip(shown, spread, strict=True):
        look = looks[labels[a]]
        epochs = recorded + shift
        label = f"{labels[a]}  {_bits(median[-1, a])}"
        lines += ax.plot(epochs, median[:, a], label=label, marker="o" if single else None, **look)
        if single:
            ax.vlines(epochs, low[:, a], high[:, a], color=look["color"], alpha=0.4, linewidth=3)
        else:
            ax.fill_between(
                epochs, low[:, a], high[:, a], color=look["color"], alpha=0.15, linewidth=0
            )
    ax.axhline(0, color="#999999", linewidth=0.6, zorder=0.5)
    n = np.shape(values)[1]
    ax.set_title(f"information atoms: {name + ', ' * bool(name)}{n} neuron{'s' * (n > 1)}")
    ax.set_ylabel("information (bits)")
    ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    ax.margins(y=0.08)
    _epoch_axis(ax, recorded[-1] + 1)
    heading = f"{len(shown)}{'' if chosen else ' largest'} of {len(labels)}"
    heading = heading if len(shown) < len(labels) else None
    order = sorted(range(len(shown)), key=lambda i: -np.nan_to_num(median[-1, shown[i]]))
    ax.legend(
        handles=[lines[i] for i in order],
        title=heading,
        alignment="left",
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
    )
    return ax


def largest_atoms(values, labels, show=6):
    """The labels that `atoms` would draw, in lattice order."""
    return [labels[a] for a in _largest(_quartiles(values, labels)[1], show)]


def atom_looks(*plots):
    """A look for every atom: colours of the style in turn, then dashed; H_res is dotted grey.

    plots : the labels of each plot; one colour does not come twice in a plot if it can be avoided

    Returns
    -------
    label -> line properties
    """
    every = _looks()
    looks = {"H_res": _RESIDUAL}
    for labels in plots:
        for label in labels:
            if label not in looks:
                beside = [looks[other]["color"] for other in labels if other in looks]
                free = [look for look in every if look not in looks.values()] or every
                looks[label] = next((look for look in free if look["color"] not in beside), free[0])
    return looks


def _looks():
    """Line properties that can be told apart: the style's colours in turn, then dashed."""
    palette = matplotlib.rcParams["axes.prop_cycle"].by_key()["color"]
    return [{"color": colour, "linestyle": dash} for dash in _DASHES for colour in palette]


def image_planes(image_shape):
    """The shape of an image as (colours, height, width), and whether its colours come last.

    Raises
    ------
    ShapeError : it is not the shape of an image; see `receptive_fields`
    """
    shape = tuple(image_shape)
    if len(shape) == 1:
        return (1, 1, *shape), False
    if len(shape) == 2:
        return (1, *shape), False
    if len(shape) == 3 and shape[0] in (1, 3):
        return shape, False
    if len(shape) == 3 and shape[2] in (1, 3):
        return (shape[2], *shape[:2]), True
    raise ShapeError(
        f"image_shape must be (h, w), (c, h, w) or (h, w, c) with c = 1 or 3, or (d,), "
        f"was {image_shape}"
    )


def field_image(row, image_shape):
    """Weights (d,) as an image, divided by their largest magnitude: (h, w) of -1 to +1, or of three
    colours (h, w, 3) of 0 to 1. image_shape : as of `receptive_fields`
    """
    (colours, height, width), colours_last = image_planes(image_shape)
    largest = np.max(np.abs(row), initial=0, where=np.isfinite(row))
    field = row / (largest or 1)
    field = field.reshape(height, width, colours).transpose(2, 0, 1) if colours_last else field
    field = field.reshape(colours, height, width)
    if colours == 1:
        return field[0]
    return np.clip((np.nan_to_num(field).transpose(1, 2, 0) + 1) / 2, 0, 1)


def receptive_fields(weights, image_shape, ax, most=36, name="", columns=None):
    """Weights as a grid of images, each divided by its own largest magnitude.

    weights : (N, d); d is the number of pixels times colours, rows of pixels in order
    image_shape : (h, w), or (c, h, w) or (h, w, c) with c = 1 or 3, or (d,) for a row of pixels.
        One colour is drawn from blue (-1) over white to red (+1); three as red, green and blue,
        -1 dark and +1 bright.
    most : how many at most, the first ones; the title says how many of how many
    name : of the layer, for the title; the number of each row's first neuron stands at its left
    columns : of the grid, by default as many as make it nearly square

    Raises
    ------
    ShapeError : weights are not images of that shape
    """
    weights = np.asarray(weights)
    shape, _ = image_planes(image_shape)
    if weights.ndim != 2 or not len(weights) or weights.shape[1] != np.prod(shape):
        raise ShapeError(
            f"weights have shape {weights.shape}, images of {image_shape} need "
            f"(neurons, {np.prod(shape)})"
        )
    n = min(len(weights), most)
    colours, height, width = shape
    columns = columns or int(np.ceil(np.sqrt(n * height / width)))
    columns = min(columns, n)
    rows = -(-n // columns)
    gap = 0.08 * max(height, width)
    for i, row in enumerate(weights[:n]):
        image = field_image(row, image_shape)
        left = i % columns * (width + gap)
        top = i // columns * (height + gap)
        ax.imshow(
            image,
            cmap="RdBu_r",
            vmin=-1,
            vmax=1,
            interpolation="nearest",
            extent=(left, left + width, top + height, top),
        )
    right, bottom = columns * (width + gap) - gap / 2, rows * (height + gap) - gap / 2
    used = ((n - 1) % columns + 1) * (width + gap) - gap / 2
    ax.add_patch(Rectangle((used, bottom), right - used, -height - gap, color="white", linewidth=0))
    ax.set(
        xlim=(-gap / 2, right),
        ylim=(bottom, -gap / 2),
        facecolor="#D0D0D0" if colours == 1 else "white",
        aspect="equal",
        anchor="NW",
        xticks=[],
    )
    ax.set_yticks(
        np.arange(rows) * (height + gap) + height / 2, np.arange(rows) * columns, fontsize="small"
    )
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_title(f"receptive fields: {name + ', ' * bool(name)}{n} of {len(weights)}")
    key = "blue − / red +" if colours == 1 else "dark − / bright +"
    ax.set_xlabel(
        f"weights, {key}, each field to its own scale\nat the left: number of a row's first neuron",
        loc="left",
        fontsize="small",
    )
    return ax


#: Letters for which there is room below a confusion matrix.
_ROOM = 30


def confusion(counts, ax, names=None):
    """Which class was taken for which, % of the samples of the true class.

    counts : (C, C), rows true, columns predicted. The colour scale is that of the mistakes; the
        diagonal is grey. Numbers from 0.5 % on where there are at most 12 classes, else a bar.
    names : of the classes, shown where there are as few; by default their numbers

    Raises
    ------
    ShapeError : counts are not square
    """
    counts = np.asarray(counts)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not counts.size:
        raise ShapeError(f"counts have shape {counts.shape}, a confusion matrix is square")
    totals = counts.sum(axis=1, keepdims=True)
    percent = 100 * counts / np.where(totals > 0, totals, 1)
    n_classes = len(counts)
    right = np.eye(n_classes, dtype=bool)
    wrong = np.ma.masked_array(percent, right)
    worst = np.max(percent, initial=0, where=~right) or 1
    colours = matplotlib.colormaps["Oranges"].with_extremes(bad="#E6E6E6")
    image = ax.imshow(wrong, cmap=colours, vmin=0, vmax=worst, interpolation="nearest")
    if n_classes <= 12:
        for true, predicted in np.argwhere(percent >= 0.5):
            value = percent[true, predicted]
            dark = true != predicted and value > 0.6 * worst
            ax.text(
                predicted,
                true,
                f"{int(value + 0.5)}",
                ha="center",
                va="center",
                fontsize=7,
                color="white" if dark else "#777777" if true == predicted else "#222222",
            )
        labels = [] if names is None else [_short(name) for name in names]
        named = {"labels": labels, "parse_math": False} if labels else {}
        if sum(map(len, labels)) > _ROOM:
            ax.tick_params(axis="x", rotation=45)
        ax.set_xticks(range(n_classes), **named)
        ax.set_yticks(range(n_classes), **named)
    else:
        bar = ax.figure.colorbar(image, ax=ax, shrink=0.8, aspect=25)
        bar.outline.set_visible(False)
        bar.set_label("mistakes (% of class)")
        ax.xaxis.set_major_locator(MaxNLocator(10, integer=True))
        ax.yaxis.set_major_locator(MaxNLocator(10, integer=True))
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set(xlabel="predicted class", ylabel="true class", anchor="N")
    ax.set_title("confusion (% of true class)")
    return ax


def _short(name, most=12):
    """The name of a class where there is little room."""
    name = "".join(one if one.isprintable() else " " for one in str(name))
    return name if len(name) <= most else f"{name[: most - 1]}…"


def correlations(found, ax, name=""):
    """Correlation of each neuron with each factor of the images, blue -1 over white to red +1.

    found : (N, k), such as `analysis.factors.correlations` gives; name : of the layer, for the
        title. Neurons are in the order of the factors they correlate most with.

    Raises
    ------
    ShapeError : not a table
    """
    found = np.asarray(found)
    if found.ndim != 2 or not found.size:
        raise ShapeError(f"correlations have shape {found.shape}, need (neurons, factors)")
    best = abs(found).argmax(axis=1)
    order = np.lexsort((-abs(found).max(axis=1), best))
    image = ax.imshow(
        found[order], cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest", aspect="auto"
    )
    ax.figure.colorbar(image, ax=ax, label="correlation")
    for axis, n in ((ax.xaxis, found.shape[1]), (ax.yaxis, len(found))):
        axis.set_major_locator(MaxNLocator(min(n, 9), integer=True))
    if len(found) <= 40:
        ax.set_yticks(range(len(found)), order)
    ax.set_xlabel("factor")
    ax.set_ylabel("neuron")
    ax.set_title(f"correlation with factors{': ' * bool(name)}{name}")
    return ax


def recall(fractions, overlaps, ax):
    """Overlap after recall against the fraction of flipped bits, beside that of the cues.

    fractions : (n,), of bits flipped in the cues; overlaps : name of the curve -> (n, ...), the
        mean is drawn
    """
    fractions = np.asarray(fractions)
    for name, values in overlaps.items():
        means = np.reshape(values, (len(fractions), -1)).mean(axis=1)
        ax.plot(fractions, means, marker="o", label=name)
    ax.plot(fractions, 1 - 2 * fractions, label="cue", **_RESIDUAL)
    ax.set(xlabel="fraction of bits flipped", ylabel="overlap with the pattern", ylim=(-0.05, 1.05))
    ax.set_title("recall")
    ax.legend(loc="best")
    return ax


# -- axes, numbers, orders -----------------------------------------------------------------------


def _quartiles(values, labels):
    """(3, E + 1, A + 1): lower quartile, median, upper quartile over neurons; inf becomes nan."""
    values = np.asarray(values)
    if values.ndim != 3 or 0 in values.shape[:2] or values.shape[2] != len(labels):
        raise ShapeError(
            f"values have shape {values.shape}, {len(labels)} labels need "
            f"(epochs, neurons, {len(labels)})"
        )
    values = np.where(np.isfinite(values), values, np.nan)
    return np.quantile(values, [0.25, 0.5, 0.75], axis=1)


def _largest(median, show):
    """Positions of the `show` largest last medians, in lattice order."""
    rank = np.argsort(-np.abs(np.nan_to_num(median[-1])), kind="stable")
    return sorted(rank[:show].tolist())


def _percent(value):
    """`value` per cent to a tenth, small ones to a hundredth."""
    return f"{value:.{2 if 0 < value < 0.995 else 1}f} %"


def _bits(value):
    text = f"{value:.2f}"
    return text.replace("-0.00", "0.00").replace("-", "−")


def _epoch_axis(ax, entries):
    last = max(entries - 1, 0)
    ax.set_xlabel("epoch")
    ax.set_xlim((-0.02 * last, last * 1.02) if last else (-0.5, 0.5))
    whole = MaxNLocator(6, integer=True, steps=[1, 2, 5, 10])
    ax.xaxis.set_major_locator(whole if last else FixedLocator([0]))


def _percent_axis(ax, percent):
    """A logarithmic axis around `percent` with some three to eight labelled ticks.

    One from zero where the other numbers are close together: their logarithms tell nothing more.
    """
    positive = percent[percent > 0]
    low, high = (positive.min(), positive.max()) if len(positive) else (0.1, 1)
    if len(positive) < len(percent) and high <= 3 * low:
        ax.set_ylim(-0.03 * high, 1.08 * high)
        ax.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        ax.grid(axis="y")
        return
    pad = max((high / low) ** 0.06, 1.08)
    low, high = low / pad, high * pad
    ticks = _ticks(low, high)
    if len(positive) == len(percent):
        ax.set_ylim(low, high)
        ax.set_yscale("log")
    else:  # a logarithm has no place for zero: linear from there to the smallest error
        ax.set_ylim(-0.1 * low, high)
        ax.set_yscale("symlog", linthresh=low, linscale=0.3)
        ticks = np.append(0, ticks)
    ax.yaxis.set_major_locator(FixedLocator(ticks))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.6g}"))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.grid(axis="y")


def _ticks(low, high):
    decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    for steps in ([1], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 5, 7]):
        ticks = np.outer(decades, steps).ravel()
        ticks = ticks[(ticks >= low) & (ticks <= high)]
        if len(ticks) >= 4:
            return ticks
    ticks = MaxNLocator(4).tick_values(low, high)
    return ticks[(ticks >= low) & (ticks <= high)]


def _nothing(ax, why):
    ax.text(0.5, 0.5, why, ha="center", va="center", transform=ax.transAxes, **_TEXT)
    ax.set_yticks([])
    return ax
