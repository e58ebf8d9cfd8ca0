"""What an infomorphic neuron is and what it aims for, drawn from the lattice, for any goal.

Type is as large as the Axes allow: lay the figure out before drawing on it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import cycle

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize, to_rgb
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, PathPatch, Wedge
from matplotlib.path import Path
from matplotlib.patheffects import Normal, Stroke
from matplotlib.textpath import TextPath
from matplotlib.ticker import FixedLocator, MaxNLocator
from matplotlib.transforms import ScaledTranslation

from infosim.errors import ConfigError
from infosim.pid import Goal, lattice
from infosim.pid.lattice import covers, levels, members, source_names
from infosim.plotting.style import figure, style

#: The usual compartments: colour (Okabe and Ito 2008) and what the letter stands for.
_USUAL = {
    "F": ("#0072B2", "feedforward"),
    "C": ("#E69F00", "context"),
    "L": ("#009E73", "lateral"),
}
_INK, _FAINT = "#222222", "#6A6A6A"
_MOST_DRAWN = 3
_SHADES = matplotlib.colormaps["RdBu_r"](np.linspace(0.14, 0.86, 9))
_SHADES[4] = 1
#: Blue for -, white for 0, red for +; without the darkest ends, on which no outline would show.
_GAMMA = LinearSegmentedColormap.from_list("gamma", _SHADES)
#: By number of sources: the width of a ring of the circle, where its radius is 1; how far the
#: ovals' centres lie off its centre, as a share of how far the ovals reach.
_RING = {1: 0.16, 2: 0.14, 3: 0.075}
_OFFSET = {1: 0.0, 2: 0.36, 3: 0.385}
#: Regions in the same ovals have equal thickness at 1, equal area at 2; labels fit best here.
_PART = 1.5
_TYPE = 0.055  # the largest type, of the radius
_GAP = 0.03  # from the tips of the ovals to the first ring
_TURN = np.linspace(-np.pi, np.pi, 721)  # every half degree: all corners of regions are among them
_BELOW = -np.pi / 2
#: Of the lattice diagram, where atoms of a level are 1 apart: height of a level by number of
#: sources, size of boxes.
_STEP = {1: 0.64, 2: 0.9, 3: 0.64}
_BOX = (0.86, 0.4)
#: Points on the outline of a frame of width and height 1 around 0; by how much the frame of a label
#: is larger than it (points).
_FRAME = np.array(
    [(x, y) for x in np.linspace(-0.5, 0.5, 9) for y in (-0.5, 0.5)] + [(-0.5, 0), (0.5, 0)]
)
_MARGIN = np.array([3.6, 0.4])


# -- the numbers ---------------------------------------------------------------------------------


def goal_table(goal):
    """The numbers behind the figures of `goal`: a dictionary for every atom, and last for H_res.

    Its keys are atom, gamma, level (None for H_res) and for every source I(Y:source), a bool.
    """
    n_sources = len(goal.sources)
    names = [f"I(Y:{source})" for source in goal.sources]
    columns = (
        goal.labels,
        goal.gamma.tolist(),
        [*levels(n_sources).tolist(), None],
        members(n_sources).tolist(),
    )
    return [
        {"atom": atom, "gamma": gamma, "level": level, **dict(zip(names, parts, strict=True))}
        for atom, gamma, level, parts in zip(*columns, strict=True)
    ]


# -- neuron --------------------------------------------------------------------------------------


def neuron(layer, ax):
    """An infomorphic neuron: what its compartments read, its soma, its stochastic output.

    layer : a `Layer`, or the 1 to 4 names of its compartments

    Raises
    ------
    ConfigError : more compartments, or unusable names
    """
    inputs = _inputs(layer)
    n = len(inputs)
    unit = _canvas(ax, (-3.3, 2.9), (-1.45, 1.45))
    ax.set_title("infomorphic neuron")
    colours = source_colours([name for name, _ in inputs])
    said = [f"{name}: {source}" if source else name for name, source in inputs]
    size = min(_fit(words, min(0.2 * unit, 9), 1.55 * unit) for words in said)
    size = _fit("P(Y = +1) = θ", size, 1.3 * unit)
    span = 165 / n if n > 1 else 90
    ax.add_patch(Circle((0, 0), 1, facecolor="#ECECEC", edgecolor="none"))
    for i, (name, _) in enumerate(inputs):
        aside, colour = i - (n - 1) / 2, colours[name]
        middle = 180 + aside * span
        look = {"facecolor": colour, "edgecolor": "white", "linewidth": 1.5, "gid": name}
        ax.add_patch(Wedge((0, 0), 1, middle - span / 2, middle + span / 2, width=0.45, **look))
        way = _cartesian(1, np.radians(middle))
        ink = {"color": _ink_on(colour), "weight": "bold"}
        _text(ax, 0.775 * way, name, 1.2 * size, 0.4 * unit, **ink)
        row = -aside * 2.5 / max(n - 1, 1)
        bend = f"angle3,angleA=0,angleB={middle - 180:.0f}" if aside else "arc3"
        _arrow(ax, (-1.6, row), 1.05 * way, colour, bend)
        _text(ax, (-1.68, row), said[i], size, ha="right")
    ax.add_patch(Circle((0, 0), 1, facecolor="none", edgecolor=_INK, linewidth=1.0, gid="soma"))
    ax.add_patch(Circle((0, 0), 0.55, facecolor="white", edgecolor=_INK, linewidth=0.6))
    _text(ax, (0, 0), "θ = σ(A)", size, 0.95 * unit)
    _arrow(ax, (1.0, 0), (1.5, 0), _INK, "arc3")
    _text(ax, (1.58, 0.17), "Y ∈ {−1, +1}", size, ha="left")
    _text(ax, (1.58, -0.17), "P(Y = +1) = θ", size, ha="left", color=_FAINT)
    return ax


def _inputs(layer):
    """(name, what it reads) of every compartment."""
    if hasattr(layer, "compartments"):
        inputs = [(c.name, c.source + " (t−1)" * c.delay) for c in layer.compartments]
    else:
        try:
            names = source_names(len(layer), layer)
        except TypeError:
            raise ConfigError(f"a neuron is not drawn from {layer!r}") from None
        inputs = [(name, _USUAL.get(name, ("", ""))[1]) for name in names]
    if not 1 <= len(inputs) <= 4:
        raise ConfigError(f"{len(inputs)} compartments given, a neuron is drawn with 1 to 4")
    return inputs


def _arrow(ax, tail, head, colour, bend):
    look = {"color": colour, "linewidth": 1.3, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 8}
    arrow = FancyArrowPatch(tail, head, arrowstyle="-|>", connectionstyle=bend, **look)
    ax.add_patch(arrow)


# -- lattice -------------------------------------------------------------------------------------


def lattice_diagram(goal_or_n_sources, ax):
    """The redundancy lattice as a Hasse diagram, the most redundant atom lowest, H_res apart.

    Boxes are filled by γ, round where it is positive, square and dashed where it is negative. Dots
    on a box name the sources k whose information I(Y:k) the atom is part of.

    goal_or_n_sources : a `Goal` of up to 3 sources, or a number of sources for the bare lattice

    Raises
    ------
    ConfigError : more sources, or neither
    """
    goal = _drawable(goal_or_n_sources)
    n_sources = len(goal.sources)
    level = levels(n_sources)
    columns = max(np.bincount(level).max(), 3)  # beside the highest atom is room for H_res
    step = _STEP[n_sources]
    unit = _canvas(ax, (-columns / 2, columns / 2), (-step / 2, (level.max() + 0.5) * step))
    ax.set_title(f"redundancy lattice, {len(level)} atom{'s' * (len(level) > 1)}")
    place = [_place(a, n_sources) for a in range(len(level))]
    for a, b in zip(*np.nonzero(covers(n_sources)), strict=True):
        ends = np.transpose([place[a], place[b]])
        ax.plot(*ends, color="#9A9A9A", linewidth=0.8, zorder=1, gid=f"edge {a} {b}")
    place.append(((columns - 1) / 2, level.max() * step))
    colours = source_colours(goal.sources)
    for at, row in zip(place, goal_table(goal), strict=True):
        _box(ax, at, row, _limit(goal), unit)
        parts = [name for name in goal.sources if row[f"I(Y:{name})"]]
        for i, name in enumerate(parts):
            dot = (at[0] + 0.11 * (i - (len(parts) - 1) / 2), at[1] + _BOX[1] / 2)
            ax.add_patch(_dot(dot, colours[name], gid=f"{row['atom']} in I(Y:{name})"))
    for i, name in enumerate(reversed(goal.sources)):
        corner = (0.08 - columns / 2, 0.17 * i - step / 2 + 0.1)
        ax.add_patch(_dot(corner, colours[name]))
        size = _between(4.5, 0.1 * unit, 7)
        _text(ax, corner + np.array([0.08, 0]), f"part of I(Y:{name})", size, unit, ha="left")
    return ax


def _place(atom, n_sources):
    """(x, y) in the diagram: a level is a row, centred, sorted by the mean place of the sources."""
    antichains, level = lattice(n_sources).antichains, levels(n_sources)

    def sideways(a):
        sets = [[k for k in range(n_sources) if mask >> k & 1] for mask in antichains[a]]
        return np.mean([np.mean(members) for members in sets])

    row = sorted(np.flatnonzero(level == level[atom]), key=sideways)
    return row.index(atom) - (len(row) - 1) / 2, level[atom] * _STEP[n_sources]


def _box(ax, at, row, limit, unit):
    """One atom: a box with its label and γ."""
    fill = _fill(row["gamma"], limit)
    width, height = _BOX
    negative = row["gamma"] < 0
    shape = "square,pad=0" if negative else f"round,pad=0,rounding_size={height / 2}"
    look = {
        "facecolor": fill,
        "edgecolor": _INK if row["gamma"] else "#9A9A9A",
        "linewidth": 0.8,
        "linestyle": (0, (2.5, 1.2)) if negative else "solid",
        "gid": row["atom"],
    }
    corner = (at[0] - width / 2, at[1] - height / 2)
    ax.add_patch(FancyBboxPatch(corner, width, height, boxstyle=shape, zorder=2, **look))
    words = "\n".join(_words(row))
    _text(ax, at, words, _between(4, 0.105 * unit, 9), 0.92 * width * unit, color=_ink_on(fill))


def _dot(at, colour, **look):
    return Circle(at, 0.042, facecolor=colour, edgecolor="white", linewidth=0.6, zorder=4, **look)


# -- circle --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Region:
    """Where the information circle, of radius 1, shows an atom: between two radii at some angles.

    Attributes
    ----------
    angles : (n,) in radians, increasing; the label is at the middle one
    inner, outer : (n,) radii at these angles
    upright : whether the label is, which otherwise follows the ring
    """

    angles: np.ndarray
    inner: np.ndarray
    outer: np.ndarray
    upright: bool

    @property
    def path(self):
        """Its outline; a ring has two."""
        outer = _cartesian(self.outer, self.angles)
        inner = _cartesian(self.inner, self.angles)[::-1]
        if self.angles[-1] - self.angles[0] < 2 * np.pi - 1e-9:
            return Path(np.vstack([outer, inner, outer[:1]]), closed=True)
        loops = [outer, inner] if self.inner.any() else [outer]
        return Path.make_compound_path(*(Path(loop, closed=True) for loop in loops))

    def contains(self, points):
        """bool (...): whether points (..., 2) lie in it."""
        radius = np.hypot(points[..., 0], points[..., 1])
        start = self.angles[0]
        angle = start + (np.arctan2(points[..., 1], points[..., 0]) - start) % (2 * np.pi)
        inner = np.interp(angle, self.angles, self.inner, right=np.inf)
        outer = np.interp(angle, self.angles, self.outer, right=-np.inf)
        return (inner <= radius) & (radius < outer)


def regions(n_sources):
    """The regions of the information circle of 1 to 3 sources, in canonical order, H_res last.

    An oval around every source k holds the down-set of {k} and nothing else. Atoms within the same
    ovals follow one another outwards in canonical order. Those in no oval lie around them, each
    level of the lattice a ring, so that outwards is upwards. Areas mean nothing.
    """
    antichains, level = lattice(n_sources).antichains, levels(n_sources)
    inside = members(n_sources)[:-1]
    outside = ~inside.any(axis=1)
    rings, width = _rings(n_sources), _RING[n_sources]
    whole = np.ones(len(_TURN))
    found = []
    for atom, antichain in enumerate(antichains):
        angles = _direction(antichain, n_sources) + _TURN
        ovals = _ovals(n_sources, angles)
        if outside[atom]:
            ring = rings.index(level[atom])
            outer = (1 - width * (len(rings) - ring)) * whole
            inner = outer - width if ring else ovals.max(axis=0)
            alike = outside & (level == level[atom])
            keep = np.abs(_TURN) < np.pi / alike.sum() + 1e-9
        else:
            low = ovals[~inside[atom]].max(axis=0, initial=0) ** _PART
            high = ovals[inside[atom]].min(axis=0) ** _PART
            alike = (inside == inside[atom]).all(axis=1)
            before = alike[:atom].sum()
            keep = high - low > -1e-9  # ovals cross at angles of _TURN, so no corner is cut
            share = np.maximum(high - low, 0) / alike.sum()
            inner, outer = ((low + i * share) ** (1 / _PART) for i in (before, before + 1))
        found.append(Region(angles[keep], inner[keep], outer[keep], upright=not outside[atom]))
    return [*found, Region(_BELOW + _TURN, (1 - width) * whole, whole, upright=False)]


def information_circle(goal_or_n_sources, ax):
    """The disc of the entropy H(Y): a region for every atom and, outermost, H_res, filled by γ.

    Coloured ovals hold what is part of the information I(Y:k) from one source k; see `regions`.

    goal_or_n_sources : a `Goal` of up to 3 sources, or a number of sources

    Raises
    ------
    ConfigError : more sources, or neither
    """
    goal = _drawable(goal_or_n_sources)
    n_sources, limit = len(goal.sources), _limit(goal)
    unit = _canvas(ax, (-1.01, 1.01), (-1.01, 1.01))
    ax.set_title("information circle")
    found = regions(n_sources)
    for region, row in zip(found, goal_table(goal), strict=True):
        fill = _fill(row["gamma"], limit)
        look = {"edgecolor": "#8C8C8C", "linewidth": 0.5, "zorder": 1, "gid": row["atom"]}
        ax.add_patch(PathPatch(region.path, facecolor=fill, **look))
        _label_region(ax, region, row, unit, _ink_on(fill))
    every = "".join(goal.sources) if max(map(len, goal.sources)) == 1 else "all"
    whole = np.ones(len(_TURN))
    casing = [Stroke(linewidth=2.8, foreground="white"), Normal()]
    curves = {
        "H(Y)": (whole, {"color": _INK, "linewidth": 1.6}),
        f"I(Y:{every})": ((1 - _RING[n_sources]) * whole, {"color": _INK, "linewidth": 0.8}),
    }
    colours, ovals = source_colours(goal.sources), _ovals(n_sources, _TURN)
    for name, oval in zip(goal.sources, ovals, strict=True):
        look = {"color": colours[name], "linewidth": 1.6, "path_effects": casing}
        curves[f"I(Y:{name})"] = (oval, look)
    for name, (radius, look) in curves.items():
        outline = Path(_cartesian(radius, _TURN), closed=True)
        ax.add_patch(PathPatch(outline, fill=False, zorder=2, clip_on=False, gid=name, **look))
    size = _between(4.5, 0.048 * unit, 7)
    keys = [
        Line2D([], [], color=look["color"], linewidth=look["linewidth"], label=name)
        for name, (_, look) in curves.items()
    ]
    corner = {"borderaxespad": 0, "fontsize": size, "handlelength": 1.2}
    ax.add_artist(ax.legend(handles=keys[2:], loc="upper left", **corner))
    ax.legend(handles=keys[:2], loc="lower left", **corner)
    bar = ax.inset_axes([0.915, 0.0, 0.02, 0.13])
    colour = ScalarMappable(Normalize(-limit, limit), _GAMMA)
    ax.figure.colorbar(colour, cax=bar, ticks=[-limit, 0, limit], format=_tick)
    bar.tick_params(length=0, pad=2, labelsize=size)
    bar.set_title("γ", fontsize=size, pad=2, loc="center")
    return ax


def _label_region(ax, region, row, unit, ink):
    """Label and γ as large as the region allows, and as near its middle as they are largest."""
    largest = _between(5, _TYPE * unit, 9)
    words, size, written = _words(row), 0.0, []
    for i, share in _places(region):
        radius = region.inner[i] + share * (region.outer[i] - region.inner[i])
        while size < largest:
            larger = _between(2, 1.04 * size, largest)
            pieces = (_stacked if region.upright else _along)(
                words, radius, region.angles[i], larger / unit
            )
            if not all(region.contains(_frame(*piece, larger, unit)).all() for piece in pieces):
                break
            size, written = larger, pieces
    for said, at, slope in written:
        _text(ax, at, said, size, color=ink, rotation=slope)


def _places(region):
    """(sample of the angles, share of the thickness) where a label may be, the middle first."""
    middle = len(region.angles) // 2
    shares = (0.5, 0.45, 0.55, 0.4, 0.6, 0.35, 0.65, 0.3, 0.7)
    if not region.inner.any():
        return [(middle, 0.0)]  # the centre of the circle
    steps = (0, -20, 20, -30, 30, -40, 40, -50, 50) if region.upright else (0,)
    return [(middle + step, share) for step in steps if abs(step) < middle for share in shares]


def _stacked(words, radius, angle, _):
    """[(text, where, slope)]: the words in lines, upright."""
    return [("\n".join(words), _cartesian(radius, angle), 0.0)]


def _along(words, radius, angle, scale):
    """[(text, where, slope)]: the words bent along the ring in pieces, never upside down.

    scale : size of the type, where the circle has radius 1
    """
    pieces = re.findall("{[^}]*}|[^{}]+", " ".join(words))  # the sets, and last γ after a blank
    widths = scale * np.array([_width(f"|{piece}|", None) - _width("||", None) for piece in pieces])
    degrees = np.degrees(angle) % 360
    way = -1 if 0 < degrees < 180 else 1  # on top one reads clockwise
    turns = way * (np.cumsum(widths) - widths / 2 - widths.sum() / 2) / radius
    return [
        (piece, _cartesian(radius, angle + turn), degrees % 180 - 90 + np.degrees(turn))
        for piece, turn in zip(pieces, turns, strict=True)
    ]


def _frame(said, at, slope, size, unit):
    """Points (n, 2) around text of that size, and a margin: it must not touch the outlines."""
    turn = np.radians(slope)
    turned = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return (_extent(said, size) + _MARGIN) / unit * _FRAME @ turned + at


def _rings(n_sources):
    """The levels of the lattice that have atoms in no oval, lowest first."""
    return sorted(set(levels(n_sources)[~members(n_sources)[:-1].any(axis=1)].tolist()))


def _ovals(n_sources, angles):
    """Radii (K, n) at `angles` of the outline of every I(Y:k), circles that hold the centre."""
    rings = len(_rings(n_sources))
    reach = 1 - _RING[n_sources] * max(rings, 1) - (_GAP if rings else 0)
    offset = _OFFSET[n_sources] * reach
    off = angles - _source_angles(n_sources)[:, None]
    return offset * np.cos(off) + np.sqrt((reach - offset) ** 2 - (offset * np.sin(off)) ** 2)


def _source_angles(n_sources):
    """The directions (K,) of the ovals in radians: the first left of two, and on top otherwise."""
    first = np.pi if n_sources == 2 else np.pi / 2
    return first + 2 * np.pi * np.arange(n_sources) / n_sources


def _direction(antichain, n_sources):
    """Where an atom's region is centred, in radians: towards the sources of its smallest sets."""
    angles = _source_angles(n_sources)
    fewest = min(mask.bit_count() for mask in antichain)
    towards = sum(
        np.exp(1j * angles[k])
        for mask in antichain
        if mask.bit_count() == fewest
        for k in range(n_sources)
        if mask >> k & 1
    )
    # what favours no source runs all round
    return float(np.angle(towards)) if abs(towards) > 1e-9 and n_sources > 1 else _BELOW


def _cartesian(radius, angle):
    """Points (..., 2) of the circle."""
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)


# -- bars ----------------------------------------------------------------------------------------


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
    colours = cycle(_free_colours(_USUAL))  # those of the sources would mislead
    for i, ((name, goal), colour) in enumerate(zip(named.items(), colours, strict=False)):
        look = {"color": colour}
        if len(named) == 1:
            look = {"color": _fill(goal.gamma, _limit(goal)), "edgecolor": _INK, "linewidth": 0.4}
        at = rows + height * (i - (len(named) - 1) / 2)
        ax.barh(at, goal.gamma, height=height, label=name, **look)
    ax.axvline(0, color=_INK, linewidth=0.6)
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


# -- the page ------------------------------------------------------------------------------------


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
    goal = _drawable(goal)
    layer = goal.sources if layer is None else layer
    with style():
        wide = len(goal.sources) < _MOST_DRAWN  # a small lattice goes beside the circle
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


# -- colours, numbers, type ----------------------------------------------------------------------


def source_colours(names):
    """Source -> colour: F blue, C orange, L green, others the colours of the style still free."""
    free = cycle(_free_colours(names))
    return {name: _USUAL[name][0] if name in _USUAL else next(free) for name in names}


def _free_colours(names):
    """The colours of the style that no usual source among `names` has."""
    taken = [to_rgb(_USUAL[name][0]) for name in names if name in _USUAL]
    colours = matplotlib.rcParams["axes.prop_cycle"].by_key()["color"]
    return [colour for colour in colours if to_rgb(colour) not in taken]


def _drawable(goal):
    """`goal` itself, or the goal without any γ for a number of sources; at most three."""
    if isinstance(goal, Goal):
        n_sources = len(goal.sources)
    elif isinstance(goal, int) and not isinstance(goal, bool):
        n_sources = goal
    else:
        raise ConfigError(f"a figure is drawn of a Goal or a number of sources, not of {goal!r}")
    if n_sources > _MOST_DRAWN:
        raise ConfigError(
            f"{n_sources} sources are too many to draw: their lattice has {len(lattice(n_sources))}"
            f" atoms, figures show up to {_MOST_DRAWN} sources"
        )
    return goal if isinstance(goal, Goal) else Goal({}, "FCL"[:n_sources])


def _limit(goal):
    """The |γ| at which colours end: 1, or the largest if that is larger."""
    return max(1.0, float(np.abs(goal.gamma).max()))


def _fill(gamma, limit):
    return _GAMMA(Normalize(-limit, limit)(gamma))


def _ink_on(fill):
    """Black or white, whichever is easier to read on that colour."""
    return _INK if np.dot(to_rgb(fill), (0.3, 0.59, 0.11)) > 0.5 else "white"


def _words(row):
    """What is written of an atom: its label, and γ with a sign unless it is 0."""
    gamma = row["gamma"]
    if not gamma:
        return [row["atom"]]
    digits = ".2f" if 0.005 <= abs(gamma) < 100 else ".0e"
    return [row["atom"], f"{gamma:+{digits}}".replace("-", "−")]


def _tick(value, _):
    return f"{value:+.3g}".replace("-", "−") if value else "0"


def _between(low, value, high):
    return min(max(low, value), high)


def _canvas(ax, x, y):
    """Empty, undistorted Axes of these limits; returns how many points one unit is.

    The figure is laid out first, since type cannot be fitted otherwise.
    """
    ax.set(xlim=x, ylim=y, aspect="equal", anchor="N")
    ax.axis("off")
    ax.figure.canvas.figure.draw_without_rendering()
    box = ax.get_window_extent()
    scale = min(box.width / (x[1] - x[0]), box.height / (y[1] - y[0]))
    return scale * 72 / ax.figure.dpi


def _text(ax, at, words, size, width=np.inf, color=_INK, ha="center", **look):
    """Text of that size in points, or smaller to be no wider than `width` points."""
    size = _fit(words, size, width, look.get("weight"))
    return ax.text(*at, words, size=size, color=color, ha=ha, va="center", linespacing=1.1, **look)


def _fit(words, size, width, weight=None):
    """`size`, or what is smaller and makes text no wider than `width`, in points."""
    return min(size, size * width / _extent(words, size, weight)[0])


def _extent(words, size, weight=None):
    """(width, height) of text in points."""
    lines = words.split("\n")
    return np.array([max(_width(line, weight) for line in lines), 1.2 * len(lines)]) * size


@cache
def _width(line, weight):
    """Width of a line of type, in units of its size."""
    font = FontProperties(weight=weight)
    return TextPath((0, 0), line, size=100, prop=font).get_extents().width / 100
