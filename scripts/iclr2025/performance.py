"""Error against the number of hidden neurons, every model: ICLR 2025, Figs. 3B and 8.

Lines and bands are ours, median and range over seeds; circles with bars are the published medians
and ranges over ten seeds, read from the published vector figure. Training error is that of the last
training pass, test error is with the label withheld.
"""

import click
import numpy as np
from matplotlib.lines import Line2D

from infosim import plotting
from infosim.errors import ConfigError, near
from scripts.drawing import band
from scripts.files import published
from scripts.iclr2025.models import MODELS, about, iclr_script, run

SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
COLUMNS = {"bivariate": "two compartments", "trivariate": "three compartments"}
SPLITS = {"train": "training error", "test": "test error"}


def wanted(largest, n_seeds, names):
    """(model, size, seed) of all runs, small networks first."""
    for n in (0, *(n for n in SIZES if n <= largest)):
        for seed in range(n_seeds):
            for model in names:
                if (model == "Readout Only") == (n == 0):
                    yield model, n, seed


def reference():
    """Published (median, minimum, maximum) by model, size and split."""
    return {
        (row["model"], int(row["n_hidden"]), row["split"]): tuple(
            float(row[f"{name}_error"]) for name in ("median", "min", "max")
        )
        for row in published("iclr_mnist_performance")
    }


def row_of(model, n, split, values, theirs):
    """Ours and theirs of a model at a size, in one row.

    deviation : of the medians, in units of the published range
    """
    names = "median", "min", "max"
    ours = band(values)
    theirs = theirs.get((model, n, split), (np.nan,) * 3)
    return {
        "model": model,
        "n_hidden": n,
        "split": split,
        "n_seeds": len(values),
        **dict(zip(names, ours, strict=True)),
        **{f"published_{name}": value for name, value in zip(names, theirs, strict=True)},
        "deviation": (ours[0] - theirs[0]) / (theirs[2] - theirs[1]),
        "inside": _inside(ours[0], theirs),
    }


def theirs_of(row):
    """The published median, minimum and maximum in such a row."""
    return tuple(row[f"published_{name}"] for name in ("median", "min", "max"))


def _inside(value, theirs, slack=0.25):
    """Whether a median is inside the published range, or that range widened by a quarter."""
    _, low, high = theirs
    if not np.isfinite([value, low, high]).all():
        return ""
    more = slack * (high - low)
    if low <= value <= high:
        return "yes"
    return "widened" if low - more <= value <= high + more else "no"


def draw(rows):
    """The figure: training error above, test error below; two and three compartments."""
    figure = plotting.figure(7.0, 6.0)
    axes = figure.subplots(2, 2, sharex=True, sharey=True)
    for (split, label), row in zip(SPLITS.items(), axes, strict=True):
        for (group, title), ax in zip(COLUMNS.items(), row, strict=True):
            for name, model in MODELS.items():
                if model.group in (group, "baseline"):
                    _curve(
                        [r for r in rows if (r["model"], r["split"]) == (name, split)], model, ax
                    )
            ax.set(xscale="log", yscale="log", xlim=(0.85, 2500), ylim=(0.0018, 1.15))
            ax.set_title(f"{title}: {label}")
            ax.set_xticks([1, 10, 100, 1000], ["1", "10", "100", "1000"])
            ax.set_yticks([0.01, 0.1, 1], ["1", "10", "100"])
            ax.grid(axis="y")
        row[0].set_ylabel(f"{label} (%)")
    for ax, group in zip(axes[1], COLUMNS, strict=True):
        ax.set_xlabel("hidden neurons")
        shown = {n: m for n, m in MODELS.items() if m.group in (group, "baseline")}
        lines = [
            Line2D([], [], color=m.color, linestyle=m.linestyle, label=n) for n, m in shown.items()
        ]
        theirs = {"marker": "o", "markerfacecolor": "white", "linestyle": "none"}
        lines.append(Line2D([], [], color="#555555", label="published", **theirs))
        ax.legend(handles=lines, loc="lower left", fontsize=6.5, handlelength=3)
    return figure


def _curve(rows, model, ax):
    """One model's curve with its band, and the published points."""
    rows = sorted((r for r in rows), key=lambda r: r["n_hidden"])
    has = [r for r in rows if r["n_seeds"]]
    look = {"color": model.color, "linewidth": 1.2}
    if rows and rows[0]["n_hidden"] == 0:  # no hidden layer: a level
        if has:
            ax.axhline(has[0]["median"], linestyle=model.linestyle, **look)
            ax.axhspan(has[0]["min"], has[0]["max"], color=model.color, alpha=0.2, linewidth=0)
        n = [0.93]
    else:
        sizes = [r["n_hidden"] for r in has]
        ax.plot(sizes, [r["median"] for r in has], linestyle=model.linestyle, **look)
        low, high = [r["min"] for r in has], [r["max"] for r in has]
        ax.fill_between(sizes, low, high, color=model.color, alpha=0.2, linewidth=0)
        n = [r["n_hidden"] for r in rows]
    middle = np.array([r["published_median"] for r in rows])
    ends = [
        middle - [r["published_min"] for r in rows],
        [r["published_max"] for r in rows] - middle,
    ]
    mark = {"fmt": "o", "markersize": 3, "markerfacecolor": "white", "elinewidth": 0.6}
    ax.errorbar(n, middle, ends, color=model.color, markeredgewidth=0.7, **mark)


@iclr_script
@click.option("--seeds", type=int, help="Seeds (laptop 1, paper 10).")
@click.option("--largest", type=int, help="Largest size to run (smoke 5, laptop 100, paper 2000).")
@click.option("--models", help="Models to run, separated by commas (default: all).")
def main(work, seeds, largest, models):
    """Run, summarise, draw."""
    names = [name.strip() for name in models.split(",")] if models is not None else list(MODELS)
    for name in names:
        if name not in MODELS:
            raise ConfigError(f"unknown model {name!r}; {near(name, MODELS)}")
    runs = {key: run(work, *key) for key in wanted(max(SIZES), 10, MODELS)}
    asked = wanted(
        largest or work.pick(smoke=5, laptop=100, paper=2000),
        seeds or work.pick(smoke=1, laptop=1, paper=10),
        names,
    )
    known = work.errors([runs[key] for key in asked], runs.values())
    theirs = reference()
    found = {(model, n): [] for model, n, _ in theirs if model in MODELS}
    for (model, n, _), one in runs.items():
        if one.key in known:
            found[model, n].append(known[one.key])
    rows = [
        row_of(*key, split, [getattr(one, split) for one in errors], theirs)
        for key, errors in found.items()
        for split in SPLITS
    ]
    with plotting.style():
        figure = draw(rows)
    counts = {n: max(r["n_seeds"] for r in rows if r["n_hidden"] == n) for n in (0, *SIZES)}
    told = ", ".join(f"{n}: {count}" for n, count in counts.items() if count)
    work.save(
        "fig3_performance",
        figure,
        rows,
        f"""**Error against the number of hidden neurons.** {about(work, "1 to 2000")}. Lines: our
        median, bands: our range over seeds; circles and bars: published median and range over ten
        seeds (arXiv 2412.02482, read from the vector figure). Training error is that of the last
        training pass, with the label as context; test error is with the label withheld. Our seeds
        by number of hidden neurons (0: readout only; the most, some models have fewer): {told}.
        Scale: {work.scale}.""",
    )


if __name__ == "__main__":
    main()
