"""The information circle: the entropy of a neuron's output as a disc of its atoms."""

import re
from dataclasses import dataclass

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.patheffects import Normal, Stroke

from infosim.pid import lattice
from infosim.pid.lattice import levels, members
from infosim.plotting import ink

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
#: Points on the outline of a frame of width and height 1 around 0; by how much the frame of a label
#: is larger than it (points).
_FRAME = np.array(
    [(x, y) for x in np.linspace(-0.5, 0.5, 9) for y in (-0.5, 0.5)] + [(-0.5, 0), (0.5, 0)]
)
_MARGIN = np.array([3.6, 0.4])


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
        outer = ink.cartesian(self.outer, self.angles)
        inner = ink.cartesian(self.inner, self.angles)[::-1]
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

    goal_or_n_sources : a `Goal` of up to 3 sources, `ink.Atoms`, or a number of sources

    Raises
    ------
    ConfigError : more sources, or neither
    """
    goal = ink.drawable(goal_or_n_sources)
    n_sources, limit = len(goal.sources), ink.limit(goal)
    unit = ink.canvas(ax, (-1.01, 1.01), (-1.01, 1.01))
    ax.set_title("information circle")
    found = regions(n_sources)
    for region, row in zip(found, goal.table(), strict=True):
        fill = ink.fill(row["gamma"], limit)
        look = {"edgecolor": "#8C8C8C", "linewidth": 0.5, "zorder": 1, "gid": row["atom"]}
        ax.add_patch(PathPatch(region.path, facecolor=fill, **look))
        _label_region(ax, region, row, unit, ink.on(fill))
    every = "".join(goal.sources) if max(map(len, goal.sources)) == 1 else "all"
    whole = np.ones(len(_TURN))
    casing = [Stroke(linewidth=2.8, foreground="white"), Normal()]
    curves = {
        "H(Y)": (whole, {"color": ink.DARK, "linewidth": 1.6}),
        f"I(Y:{every})": ((1 - _RING[n_sources]) * whole, {"color": ink.DARK, "linewidth": 0.8}),
    }
    colours, ovals = ink.source_colours(goal.sources), _ovals(n_sources, _TURN)
    for name, oval in zip(goal.sources, ovals, strict=True):
        look = {"color": colours[name], "linewidth": 1.6, "path_effects": casing}
        curves[f"I(Y:{name})"] = (oval, look)
    for name, (radius, look) in curves.items():
        outline = Path(ink.cartesian(radius, _TURN), closed=True)
        ax.add_patch(PathPatch(outline, fill=False, zorder=2, clip_on=False, gid=name, **look))
    size = ink.between(4.5, 0.048 * unit, 7)
    keys = [
        Line2D([], [], color=look["color"], linewidth=look["linewidth"], label=name)
        for name, (_, look) in curves.items()
    ]
    corner = {"borderaxespad": 0, "fontsize": size, "handlelength": 1.2}
    ax.add_artist(ax.legend(handles=keys[2:], loc="upper left", **corner))
    ax.legend(handles=keys[:2], loc="lower left", **corner)
    bar = ax.inset_axes([0.915, 0.0, 0.02, 0.13])
    colour = ScalarMappable(Normalize(-limit, limit), ink.GAMMA)
    ax.figure.colorbar(colour, cax=bar, ticks=[-limit, 0, limit], format=ink.tick)
    bar.tick_params(length=0, pad=2, labelsize=size)
    bar.set_title(ink.symbol(goal), fontsize=size, pad=2, loc="center")
    return ax


def _label_region(ax, region, row, unit, colour):
    """Label and γ as large as the region allows, and as near its middle as they are largest."""
    largest = ink.between(5, _TYPE * unit, 9)
    words, size, written = ink.words(row), 0.0, []
    for i, share in _places(region):
        radius = region.inner[i] + share * (region.outer[i] - region.inner[i])
        while size < largest:
            larger = ink.between(2, 1.04 * size, largest)
            pieces = (_stacked if region.upright else _along)(
                words, radius, region.angles[i], larger / unit
            )
            if not all(region.contains(_frame(*piece, larger, unit)).all() for piece in pieces):
                break
            size, written = larger, pieces
    for said, at, slope in written:
        ink.text(ax, at, said, size, color=colour, rotation=slope)


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
    return [("\n".join(words), ink.cartesian(radius, angle), 0.0)]


def _along(words, radius, angle, scale):
    """[(text, where, slope)]: the words bent along the ring in pieces, never upside down.

    scale : size of the type, where the circle has radius 1
    """
    pieces = re.findall("{[^}]*}|[^{}]+", " ".join(words))  # the sets, and last γ after a blank
    widths = scale * np.array(
        [ink.line_width(f"|{piece}|", None) - ink.line_width("||", None) for piece in pieces]
    )
    degrees = np.degrees(angle) % 360
    way = -1 if 0 < degrees < 180 else 1  # on top one reads clockwise
    turns = way * (np.cumsum(widths) - widths / 2 - widths.sum() / 2) / radius
    return [
        (piece, ink.cartesian(radius, angle + turn), degrees % 180 - 90 + np.degrees(turn))
        for piece, turn in zip(pieces, turns, strict=True)
    ]


def _frame(said, at, slope, size, unit):
    """Points (n, 2) around text of that size, and a margin: it must not touch the outlines."""
    turn = np.radians(slope)
    turned = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return (ink.extent(said, size) + _MARGIN) / unit * _FRAME @ turned + at


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
