"""What an infomorphic neuron is and what it aims for, drawn from the lattice, for any goal."""

from collections.abc import Mapping
from itertools import cycle

import numpy as np
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Wedge
from matplotlib.ticker import FixedLocator, MaxNLocator
from matplotlib.transforms import ScaledTranslation

from infosim.errors import ConfigError
from infosim.pid import Goal, lattice
from infosim.pid.lattice import covers, levels, source_names
from infosim.plotting import ink
from infosim.plotting.circle import information_circle
from infosim.plotting.style import figure, style

#: Of the lattice diagram, where atoms of a level are 1 apart: height of a level by number of
#: sources, size of boxes.
_STEP = {1: 0.64, 2: 0.9, 3: 0.64}
_BOX = (0.86, 0.4)


# -- neuron ----------------------------------------------------------------------------------------


def neuron(layer, ax):
    """An infomorphic neuron: what its compartments read, its soma, its stochastic output.

    layer : a `Layer`, or the 1 to 4 names of its compartments

    Raises
    ------
    ConfigError : more compartments, or unusable names
    """
    inputs = _inputs(layer)
    n = len(inputs)
    unit = ink.canvas(ax, (-3.3, 2.9), (-1.45, 1.45))
    ax.set_title("infomorphic neuron")
    colours = ink.source_colours([name for name, _ in inputs])
    said = [f"{name}: {source}" if source else name for name, source in inputs]
    size = min(ink.fit(words, min(0.2 * unit, 9), 1.55 * unit) for words in said)
    size = ink.fit("P(Y = +1) = θ", size, 1.3 * unit)
    span = 165 / n if n > 1 else 90
    ax.add_patch(Circle((0, 0), 1, facecolor="#ECECEC", edgecolor="none"))
    for i, (name, _) in enumerate(inputs):
        aside, colour = i - (n - 1) / 2, colours[name]
        middle = 180 + aside * span
        look = {"facecolor": colour, "edgecolor": "white", "linewidth": 1.5, "gid": name}
        ax.add_patch(Wedge((0, 0), 1, middle - span / 2, middle + span / 2, width=0.45, **look))
        way = ink.cartesian(1, np.radians(middle))
        look = {"color": ink.on(colour), "weight": "bold"}
        ink.text(ax, 0.775 * way, name, 1.2 * size, 0.4 * unit, **look)
        row = -aside * 2.5 / max(n - 1, 1)
        bend = f"angle3,angleA=0,angleB={middle - 180:.0f}" if aside else "arc3"
        _arrow(ax, (-1.6, row), 1.05 * way, colour, bend)
        ink.text(ax, (-1.68, row), said[i], size, ha="right")
    ax.add_patch(Circle((0, 0), 1, facecolor="none", edgecolor=ink.DARK, linewidth=1.0, gid="soma"))
    ax.add_patch(Circle((0, 0), 0.55, facecolor="white", edgecolor=ink.DARK, linewidth=0.6))
    ink.text(ax, (0, 0), "θ = σ(A)", size, 0.95 * unit)
    _arrow(ax, (1.0, 0), (1.5, 0), ink.DARK, "arc3")
    ink.text(ax, (1.58, 0.17), "Y ∈ {−1, +1}", size, ha="left")
    ink.text(ax, (1.58, -0.17), "P(Y = +1) = θ", size, ha="left", color=ink.FAINT)
    return ax


def _inputs(layer):
    """(name, what it reads) of every compartment."""
    if hasattr(layer, "compartments"):
        inputs = [
            (
                one.name,
                " + ".join(c.source + f" (t−{c.delay})" * (c.delay > 0) for c in one.connections),
            )
            for one in layer.compartments
        ]
    else:
        try:
            names = source_names(len(layer), layer)
        except TypeError:
            raise ConfigError(f"a neuron is not drawn from {layer!r}") from None
        inputs = [(name, ink.USUAL.get(name, ("", ""))[1]) for name in names]
    if not 1 <= len(inputs) <= 4:
        raise ConfigError(f"{len(inputs)} compartments given, a neuron is drawn with 1 to 4")
    return inputs


def _arrow(ax, tail, head, colour, bend):
    look = {"color": colour, "linewidth": 1.3, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 8}
    arrow = FancyArrowPatch(tail, head, arrowstyle="-|>", connectionstyle=bend, **look)
    ax.add_patch(arrow)


# -- lattice ---------------------------------------------------------------------------------------


def lattice_diagram(goal_or_n_sources, ax):
    """The redundancy lattice as a Hasse diagram, the most redundant atom lowest, H_res apart.

    Boxes are filled by γ, round where it is positive, square and dashed where it is negative. Dots
    on a box name the sources k whose information I(Y:k) the atom is part of.

    goal_or_n_sources : a `Goal` of up to 3 sources, or a number of sources for the bare lattice

    Raises
    ------
    ConfigError : more sources, or neither
    """
    goal = ink.drawable(goal_or_n_sources)
    n_sources = len(goal.sources)
    level = levels(n_sources)
    columns = max(np.bincount(level).max(), 3)  # beside the highest atom is room for H_res
    step = _STEP[n_sources]
    unit = ink.canvas(ax, (-columns / 2, columns / 2), (-step / 2, (level.max() + 0.5) * step))
    ax.set_title(f"redundancy lattice, {len(level)} atom{'s' * (len(level) > 1)}")
    places = [place(a, n_sources) for a in range(len(level))]
    for a, b in zip(*np.nonzero(covers(n_sources)), strict=True):
        ends = np.transpose([places[a], places[b]])
        ax.plot(*ends, color="#9A9A9A", linewidth=0.8, zorder=1, gid=f"edge {a} {b}")
    places.append(((columns - 1) / 2, level.max() * step))
    colours = ink.source_colours(goal.sources)
    for at, row in zip(places, goal.table(), strict=True):
        _box(ax, at, row, ink.limit(goal), unit)
        parts = [name for name in goal.sources if row[f"I(Y:{name})"]]
        for i, name in enumerate(parts):
            dot = (at[0] + 0.11 * (i - (len(parts) - 1) / 2), at[1] + _BOX[1] / 2)
            ax.add_patch(_dot(dot, colours[name], gid=f"{row['atom']} in I(Y:{name})"))
    for i, name in enumerate(reversed(goal.sources)):
        corner = (0.08 - columns / 2, 0.17 * i - step / 2 + 0.1)
        ax.add_patch(_dot(corner, colours[name]))
        size = ink.between(4.5, 0.1 * unit, 7)
        ink.text(ax, corner + np.array([0.08, 0]), f"part of I(Y:{name})", size, unit, ha="left")
    return ax


def place(atom, n_sources):
    """(x, y) in the diagram: a level is a row, centred, sorted by the mean place of the sources."""
    antichains, level = lattice(n_sources).antichains, levels(n_sources)

    def sideways(a):
        sets = [[k for k in range(n_sources) if mask >> k & 1] for mask in antichains[a]]
        return np.mean([np.mean(members) for members in sets])

    row = sorted(np.flatnonzero(level == level[atom]), key=sideways)
    return row.index(atom) - (len(row) - 1) / 2, level[atom] * _STEP[n_sources]


def _box(ax, at, row, limit, unit):
    """One atom: a box with its label and γ."""
    fill = ink.fill(row["gamma"], limit)
    width, height = _BOX
    negative = row["gamma"] < 0
    shape = "square,pad=0" if negative else f"round,pad=0,rounding_size={height / 2}"
    look = {
        "facecolor": fill,
        "edgecolor": ink.DARK if row["gamma"] else "#9A9A9A",
        "linewidth": 0.8,
        "linestyle": (0, (2.5, 1.2)) if negative else "solid",
        "gid": row["atom"],
    }
    corner = (at[0] - width / 2, at[1] - height / 2)
    ax.add_patch(FancyBboxPatch(corner, width, height, boxstyle=shape, zorder=2, **look))
    words = "\n".join(ink.words(row))
    ink.text(
        ax, at, words, ink.between(4, 0.105 * unit, 9), 0.92 * width * unit, color=ink.on(fill)
    )


def _dot(at, colour, **look):
    return Circle(at, 0.042, facecolor=colour, edgecolor="white", linewidth=0.6, zorder=4, **look)


# -- bars ------------------------------------------------------------------------------------------


def goal_bars(goals, ax):
    """The γ of one or several goals side by side, atoms from top to bottom in lattice order.

    goals : a `Goal`, or name -> `Goal` of the same sources. One goal is coloured by sign, several
        have a colour of the style each.

    Raises
    ------
    ConfigError : no goals, or goals for different sources
    """
    named = {"": goals} if isinstance(goals, Goal) else goals
    if not isinstance(named, Mapping) or not named:
        raise ConfigError(f"goals must be a Goal, or name -> Goal, was {goals!r}")
    for name, goal in named.items():
        if not isinstance(goal, Goal):
            raise ConfigError(f"goal {name!r} is {goal!r}, not a Goal")
    first = next(iter(named.values()))
    for goal in named.values():
        Goal.of(goal, first.sources)
    rows = np.arange(len(first.labels))
    height = 0.8 / len(named)
    colours = cycle(ink.free_colours(ink.USUAL))  # those of the sources would mislead
    for i, ((name, goal), colour) in enumerate(zip(named.items(), colours, strict=False)):
        look = {"color": colour}
        if len(named) == 1:
            look = {
                "color": ink.fill(goal.gamma, ink.limit(goal)),
                "edgecolor": ink.DARK,
                "linewidth": 0.4,
            }
        at = rows + height * (i - (len(named) - 1) / 2)
        ax.barh(at, goal.gamma, height=height, label=name, **look)
    ax.axvline(0, color=ink.DARK, linewidth=0.6)
    level = [*levels(len(first.sources)).tolist(), -1]
    for row in rows[1:]:
        if level[row] != level[row - 1]:  # a faint line between levels of the lattice
            ax.axhline(row - 0.5, color="#DDDDDD", linewidth=0.5, zorder=0)
    ax.yaxis.set_major_locator(FixedLocator(rows))
    ax.set_yticklabels(first.labels)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("γ")
    ax.set_title("goal parameters")
    if len(named) > 1:
        below = ax.transAxes + ScaledTranslation(0, -0.42, ax.figure.dpi_scale_trans)
        ax.legend(loc="upper left", bbox_to_anchor=(0, 0), bbox_transform=below)
    return ax


# -- the page --------------------------------------------------------------------------------------


def goal_summary(goal, layer=None):
    """A page, 7 inches wide: neuron, goal parameters, lattice and information circle of `goal`.

    layer : the `Layer` whose neuron is drawn; None draws one with the sources of `goal`

    Returns
    -------
    matplotlib Figure, to be saved with its `savefig`

    Raises
    ------
    ConfigError : a goal that is no `Goal`, or for more than 3 sources
    """
    goal = ink.drawable(goal)
    layer = goal.sources if layer is None else layer
    with style():
        wide = len(goal.sources) < ink.MOST_DRAWN  # a small lattice goes beside the circle
        page = figure(7, 2.9 if wide else 6.9)
        left, right = page.subfigures(1, 2, width_ratios=[1, 1.6 if wide else 1.12])
        at_neuron, at_bars = left.subplots(2, 1, height_ratios=[1, 1 if wide else 3.3])
        at_lattice, at_circle = right.subplots(1, 2) if wide else right.subplots(2, 1)[::-1]
        goal_bars(goal, at_bars)
        neuron(layer, at_neuron)
        lattice_diagram(goal, at_lattice)
        information_circle(goal, at_circle)
        page.draw_without_rendering()
    return page
