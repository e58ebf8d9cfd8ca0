"""What the conceptual figures are drawn with: colours, numbers, and type that fits.

Type is as large as the Axes allow: lay the figure out before drawing on it.
"""

from dataclasses import dataclass
from functools import cache
from itertools import cycle
from numbers import Integral

import matplotlib
import numpy as np
from matplotlib.colors import LinearSegmentedColormap, Normalize, to_rgb
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from infosim.errors import ConfigError
from infosim.pid import Goal, lattice

#: The usual compartments: colour (Okabe and Ito 2008) and what the letter stands for.
USUAL = {
    "F": ("#0072B2", "feedforward"),
    "C": ("#E69F00", "context"),
    "L": ("#009E73", "lateral"),
}
DARK, FAINT = "#222222", "#6A6A6A"
MOST_DRAWN = 3
_SHADES = matplotlib.colormaps["RdBu_r"](np.linspace(0.14, 0.86, 9))
_SHADES[4] = 1
#: Blue for -, white for 0, red for +; without the darkest ends, on which no outline would show.
GAMMA = LinearSegmentedColormap.from_list("gamma", _SHADES)


def source_colours(names):
    """Source -> colour: F blue, C orange, L green, others the colours of the style still free."""
    free = cycle(free_colours(names))
    return {name: USUAL[name][0] if name in USUAL else next(free) for name in names}


def free_colours(names):
    """The colours of the style that no usual source among `names` has."""
    taken = [to_rgb(USUAL[name][0]) for name in names if name in USUAL]
    colours = matplotlib.rcParams["axes.prop_cycle"].by_key()["color"]
    return [colour for colour in colours if to_rgb(colour) not in taken]


@dataclass(frozen=True, eq=False)
class Atoms:
    """Atoms in bits, H_res last, drawn as the γ of a goal are.

    Attributes
    ----------
    sources : their names, as labels have them
    gamma : (A + 1,)
    """

    sources: tuple[str, ...]
    gamma: np.ndarray
    symbol = "bits"

    @property
    def labels(self):
        return (*lattice(len(self.sources)).labels(self.sources), "H_res")

    def table(self):
        """As `Goal.table`."""
        return Goal.table(self)


def drawable(goal):
    """`goal` itself, or the goal without any γ for a number of sources; at most three."""
    if isinstance(goal, Goal | Atoms):
        n_sources = len(goal.sources)
    elif isinstance(goal, Integral) and not isinstance(goal, bool):
        n_sources = goal
    else:
        raise ConfigError(f"a figure is drawn of a Goal or a number of sources, not of {goal!r}")
    if n_sources > MOST_DRAWN:
        raise ConfigError(
            f"{n_sources} sources are too many to draw: their lattice has {len(lattice(n_sources))}"
            f" atoms, figures show up to {MOST_DRAWN} sources"
        )
    return goal if isinstance(goal, Goal | Atoms) else Goal({}, "FCL"[:n_sources])


def limit(goal):
    """The |γ| at which colours end: 1, or the largest if that is larger; of atoms the largest."""
    most = float(np.abs(goal.gamma).max())
    return (most or 1.0) if isinstance(goal, Atoms) else max(1.0, most)


def symbol(goal):
    """What its numbers are."""
    return goal.symbol if isinstance(goal, Atoms) else "γ"


def fill(gamma, most):
    """The colour of γ where colours end at ±most."""
    return GAMMA(Normalize(-most, most)(gamma))


def on(colour):
    """Black or white, whichever is easier to read on that colour."""
    return DARK if np.dot(to_rgb(colour), (0.3, 0.59, 0.11)) > 0.5 else "white"


def words(row):
    """What is written of an atom: its label, and γ with a sign unless it is 0."""
    gamma = row["gamma"]
    if not gamma:
        return [row["atom"]]
    digits = ".2f" if 0.005 <= abs(gamma) < 100 else ".0e"
    return [row["atom"], f"{gamma:+{digits}}".replace("-", "−")]


def tick(value, _):
    """A number with its sign, as a tick's label."""
    return f"{value:+.3g}".replace("-", "−") if value else "0"


def between(low, value, high):
    """The nearest to value that is neither below low nor above high."""
    return min(max(low, value), high)


def canvas(ax, x, y):
    """Empty, undistorted Axes of these limits; returns how many points one unit is.

    The figure is laid out first, since type cannot be fitted otherwise.
    """
    ax.set(xlim=x, ylim=y, aspect="equal", anchor="N")
    ax.axis("off")
    ax.figure.canvas.figure.draw_without_rendering()
    box = ax.get_window_extent()
    scale = min(box.width / (x[1] - x[0]), box.height / (y[1] - y[0]))
    return scale * 72 / ax.figure.dpi


def text(ax, at, words, size, width=np.inf, color=DARK, ha="center", **look):
    """Text of that size in points, or smaller to be no wider than `width` points."""
    size = fit(words, size, width, look.get("weight"))
    return ax.text(*at, words, size=size, color=color, ha=ha, va="center", linespacing=1.1, **look)


def fit(words, size, width, weight=None):
    """`size`, or what is smaller and makes text no wider than `width`, in points."""
    return min(size, size * width / extent(words, size, weight)[0])


def extent(words, size, weight=None):
    """(width, height) of text in points."""
    lines = words.split("\n")
    return np.array([max(line_width(line, weight) for line in lines), 1.2 * len(lines)]) * size


@cache
def line_width(line, weight):
    """Width of a line of type, in units of its size."""
    font = FontProperties(weight=weight)
    return TextPath((0, 0), line, size=100, prop=font).get_extents().width / 100


def cartesian(radius, angle):
    """Points (..., 2) at these radii and angles (radians)."""
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
