"""A decomposition drawn: its lattice, with atoms as large as they are, and its circle."""

import numpy as np
from matplotlib.patches import Circle, Rectangle

from infosim.pid.lattice import covers, levels
from infosim.plotting import ink
from infosim.plotting.circle import information_circle
from infosim.plotting.concepts import place
from infosim.plotting.style import figure, style

#: Letters of all sources' names together from which on they are numbered.
_LONG = 8
#: Of the lattice: height of a level, the largest radius of an atom, where atoms are 1 apart.
_STEP, _LARGEST = 0.85, 0.25


def decomposition(found, intervals=None, target="target"):
    """A page, 7 inches wide: the atoms in their lattice and in the information circle.

    found : a `Decomposition` of up to 3 sources
    intervals : what `pid.statistics.bootstrap` said of it, or None
    target : its name

    Returns
    -------
    matplotlib Figure, to be saved with its `savefig`

    Raises
    ------
    ConfigError : more sources
    """
    n = len(found.names)
    ink.drawable(n)
    numbered = n > 1 and sum(map(len, found.names)) > _LONG
    names = tuple(str(i + 1) for i in range(n)) if numbered else found.names
    atoms = ink.Atoms(names, np.append(found.atoms, found.residual_entropy))
    with style():
        beside = n < ink.MOST_DRAWN
        page = figure(7, 3.9 if beside else 10)
        legend = [f"{i + 1} = {name}" for i, name in enumerate(found.names)] if numbered else []
        words = f"Y = {target}, H(Y) = {found.entropy:.3g} bits, by {found.measure}"
        page.suptitle("\n".join([words, *legend]), fontsize=7.5, x=0.01, ha="left")
        if beside:
            at_lattice, at_circle = page.subplots(1, 2)
        else:
            at_lattice, at_circle = page.subplots(2, 1, height_ratios=[1.5, 1])
        atom_lattice(atoms, at_lattice, _spans(found, intervals))
        information_circle(atoms, at_circle)
        page.draw_without_rendering()
    return page


def _spans(found, intervals):
    """The interval of each atom, or None."""
    if intervals is None:
        return [None] * len(found.atoms)
    return [intervals.atoms[label] for label in found.labels]


def atom_lattice(atoms, ax, intervals=None):
    """The lattice of atoms, the most redundant lowest, with areas as their absolute values.

    Round and red is positive, square and blue negative. An interval that holds 0 is faint.

    atoms : `ink.Atoms`
    intervals : (low, high) or None for each
    """
    n_sources, limit = len(atoms.sources), ink.limit(atoms)
    level = levels(n_sources)
    columns = max(np.bincount(level).max(), 2)
    top = level.max() * _STEP
    unit = ink.canvas(ax, (-columns / 2, columns / 2), (-0.75 * _STEP, top + 0.45 * _STEP))
    ax.set_title("atoms in bits" + (", with intervals" if intervals and intervals[0] else ""))
    places = [np.array((place(a, n_sources)[0], level[a] * _STEP)) for a in range(len(level))]
    for a, b in zip(*np.nonzero(covers(n_sources)), strict=True):
        ends = np.transpose([places[a], places[b]])
        ax.plot(*ends, color="#C4C4C4", linewidth=0.7, zorder=1, gid=f"edge {a} {b}")
    size = ink.between(4, 0.1 * unit, 7.5)
    values = atoms.gamma[:-1].tolist()
    for a, (bits, label) in enumerate(zip(values, atoms.labels, strict=False)):
        span = None if intervals is None else intervals[a]
        doubtful = span is not None and span[0] <= 0 <= span[1]
        ax.add_patch(_mark(places[a], bits, limit, label, doubtful))
        said = [label, _signed(bits)]
        if span is not None:
            said.append(f"[{_signed(span[0])}, {_signed(span[1])}]")
        radius = _LARGEST * np.sqrt(abs(bits) / limit)
        drop = radius + (0.6 * len(said) * size * 1.25 + 1) / unit
        box = {
            "boxstyle": "square,pad=0.05",
            "facecolor": "white",
            "edgecolor": "none",
            "alpha": 0.75,
        }
        colour = ink.FAINT if doubtful else ink.DARK
        ink.text(
            ax, places[a] - (0, drop), "\n".join(said), size, 0.98 * unit, color=colour, zorder=3,
            bbox=box,
        )  # fmt: skip
    return ax


def _mark(at, bits, limit, label, doubtful):
    """A disc or a square, of an area as |bits|."""
    radius = _LARGEST * np.sqrt(abs(bits) / limit)
    look = {
        "facecolor": ink.fill(0.8 * limit * np.sign(bits), limit),
        "edgecolor": ink.DARK,
        "linewidth": 0.6,
        "linestyle": (0, (2.5, 1.2)) if doubtful else "solid",
        "alpha": 0.5 if doubtful else None,
        "zorder": 2,
        "gid": label,
    }
    if bits >= 0:
        return Circle(at, radius, **look)
    half = radius * np.sqrt(np.pi) / 2
    return Rectangle(at - half, 2 * half, 2 * half, **look)


def _signed(value):
    """Three digits, with a sign that is one."""
    shown = f"{value:+z.3f}"
    return shown.replace("-", "−") if float(shown) else "0.000"
