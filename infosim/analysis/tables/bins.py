"""How a column of numbers is cut into bins, which become its outcomes."""

from bisect import bisect_left
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from math import lcm

import numpy as np

from infosim.cells import number
from infosim.errors import ConfigError, brief

#: More bins than anyone reads, and fewer than could fill memory.
MOST = 2**16
_FORMS = "a number of bins, width:N, quantile:N, edges:A;B;... or none"


@dataclass(frozen=True)
class Bins:
    """What is asked of a column.

    kind : "none"; "width", bins of equal width from the least to the greatest number; "quantile",
        of equally many rows; "edges", which of them a number lies between
    n : how many bins, of "width" and "quantile"
    edges : increasing numbers, exactly, of "edges"

    A bin has its upper edge and not its lower one; the lowest bin has all below its upper edge,
    the highest all above its lower one. Columns of no more than n distinct numbers are left alone.
    """

    kind: str = "none"
    n: int = 0
    edges: tuple[Decimal, ...] = ()

    @classmethod
    def of(cls, given):
        """Bins as they are written: 5, "5", "width:5", "quantile:5", "edges:0;1.5", "none", None.

        Raises
        ------
        ConfigError : anything else
        """
        if isinstance(given, cls):
            return given
        if given is None:
            return cls()
        text = str(given).strip() if not isinstance(given, bool) else ""
        kind, colon, rest = text.partition(":")
        if text == "none":
            return cls()
        if not colon:
            kind, rest = "width", text
        if kind in ("width", "quantile"):
            return cls(kind, _count(rest, given))
        if kind == "edges":
            return cls(kind, edges=_edges(rest))
        raise ConfigError(f"bins are {_FORMS}, were {brief(given)}")

    def cut(self, cells, numbers, counts):
        """Which bin each distinct cell falls into.

        cells, numbers : (C,) texts, and what they spell exactly
        counts : (C,) of rows, or of what rows weigh

        Returns
        -------
        codes : int (C,), from 0 on
        labels : of each code, what it says
        said : of all, in words
        """
        if self.kind == "edges":
            edges = list(self.edges)
            said = f"cut at {'; '.join(map(str, edges))}"
        elif self.kind == "quantile":
            edges = quantiles(numbers, counts, self.n)
            said = f"{len(edges) + 1} bins of equally many rows"
            if len(edges) + 1 < self.n:
                said += f" instead of {self.n}, as equal numbers are not parted"
        else:
            values = np.array([float(one) for one in numbers])
            codes, edges = equal_width(values, cells, numbers, self.n)
            return np.array(codes), _intervals(edges), self.said_of_width(values)
        codes = np.array([bisect_left(edges, one) for one in numbers])
        return codes, _intervals(edges), said

    def cut_floats(self, values, counts):
        """The same of float64 (n,) that stand for themselves."""
        if self.kind == "width":
            edges = np.linspace(values.min(), values.max(), self.n + 1)[1:-1].tolist()
            said = self.said_of_width(values)
        elif self.kind == "quantile":
            distinct, inverse = np.unique(values, return_inverse=True)
            edges = quantiles(distinct.tolist(), np.bincount(inverse, counts), self.n)
            said = f"{len(edges) + 1} bins of equally many rows"
        else:
            edges = [float(edge) for edge in self.edges]
            said = f"cut at {'; '.join(map(str, self.edges))}"
        return np.searchsorted(edges, values, side="left"), _intervals(edges), said

    def said_of_width(self, values):
        return f"{self.n} bins of equal width from {values.min():g} to {values.max():g}"


def _count(text, given):
    if not text.strip().lstrip("+-").isdecimal() or not text.isascii():
        raise ConfigError(f"bins are {_FORMS}, were {brief(given)}")
    n = int(text) if len(text) < 20 else MOST + 1
    if not 2 <= n <= MOST:
        raise ConfigError(f"bins must be at least 2 and at most {MOST}, was {text.strip()[:40]}")
    return n


def _edges(text):
    edges = [number(edge.strip()) for edge in text.split(";")]
    if None in edges or not all(edge.is_finite() for edge in edges):
        raise ConfigError(f"edges of bins are numbers, as in edges:0;1.5, were {brief(text)}")
    if any(a >= b for a, b in pairwise(edges)):
        raise ConfigError(f"edges of bins must increase, were {brief(text)}")
    return tuple(edges)


def _intervals(edges):
    """What bins between these edges are called."""
    said = [f"{edge:g}" if isinstance(edge, float) else str(edge) for edge in edges]
    if len(set(said)) < len(said):  # alike in six digits
        said = [repr(edge) for edge in edges]
    if not said:
        return ["all"]
    between = [f"({a}, {b}]" for a, b in pairwise(said)]
    return [f"≤ {said[0]}", *between, f"> {said[-1]}"]


def quantiles(numbers, counts, n):
    """The upper edges of n bins of equally many rows, but the last one's.

    Edge i is the least number that i/n of all rows do not exceed. The same rows given twice, or by
    their counts, have the same bins; equal numbers always share one.

    numbers : (C,) distinct; counts : (C,) how many rows have each
    """
    order = sorted(range(len(numbers)), key=numbers.__getitem__)
    below = np.cumsum(np.asarray(counts)[order])
    total = below[-1]
    # i/n of the rows, but for what rounding may have added to sums of weights
    wanted = np.arange(1, n) * (total / n) * (1 - 1e-12)
    at = np.unique(np.searchsorted(below, wanted, side="left"))
    return [numbers[order[i]] for i in at if i < len(order) - 1]


def equal_width(values, cells, numbers, bins):
    """The bin of each value, of `bins` of equal width from the least to the greatest, and edges.

    values : float64, rounded from `numbers`, which `cells` spell
    """
    with np.errstate(over="ignore", invalid="ignore"):
        edges = np.linspace(values.min(), values.max(), bins + 1)
        rising = (np.diff(edges) > 0).all()
    # They do not rise if the range overflows, or is that of a few neighbouring floats.
    large = zip(cells, numbers, strict=True) if abs(values).max() >= 2**53 else ()
    if not rising or any(abs(n) > 2**53 and cell.lstrip("+-").isdigit() for cell, n in large):
        return equal_width_exactly(numbers, bins)
    return np.searchsorted(edges[1:-1], values, side="left").tolist(), edges[1:-1].tolist()


def equal_width_exactly(numbers, bins):
    """The same in integers, for what floats do not tell apart."""
    ratios = [number.as_integer_ratio() for number in numbers]
    unit = lcm(*{denominator for _, denominator in ratios})
    values = [bins * numerator * (unit // denominator) for numerator, denominator in ratios]
    least = min(values)
    width = (max(values) - least) // bins  # without a remainder: all are multiples of it
    edges = [least + i * width for i in range(1, bins)]
    shown = [Decimal(edge) / (bins * unit) for edge in edges]
    return [bisect_left(edges, value) for value in values], shown
