"""Numbers and goals that change over training: data, and a pure function of how far it is."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from math import cos, isfinite, pi
from numbers import Real
from typing import NamedTuple

from infosim.errors import ConfigError, brief, integer, near


class Moment(NamedTuple):
    """How far training is: how many epochs and updates were made."""

    epoch: int = 0
    update: int = 0


def _mean(f, a, b):
    return a * (1 - f) + b * f


#: How a value goes from a to b, by the fraction f of the way that lies behind it.
SHAPES = {
    "linear": _mean,
    "exponential": lambda f, a, b: (1 if a > 0 else -1) * abs(a) ** (1 - f) * abs(b) ** f,
    "cosine": lambda f, a, b: _mean((1 - cos(pi * f)) / 2, a, b),
    "step": lambda f, a, b: a,
}
#: What a schedule's times may count.
UNITS = Moment._fields
#: What a table that says a schedule may have.
_KEYS = ("from", "to", "until", "points", "shape", "per")


@dataclass(frozen=True)
class Schedule:
    """A value that changes over training.

    Parameters
    ----------
    points : (time, value) of two or more moments; before the first and after the last the value
        stays. Values are numbers, or goals where a whole goal is scheduled
    shape : how it goes from one to the next: "linear", "exponential" (a constant factor per unit of
        time), "cosine" (half a wave), or "step" (it stays until the next)
    per : the unit of time, "epoch" or "update"; the first one is at time 0

    Raises
    ------
    ConfigError : times that do not increase from 0 on, values of different kinds or not finite,
        exponentially through 0, an unknown shape or unit

    Examples
    --------
    >>> rate = Schedule.between(0.002, 0.0002, until=50)
    >>> [round(rate.value(time), 4) for time in (0, 25, 50, 1000)]
    [0.002, 0.0011, 0.0002, 0.0002]
    >>> Schedule([(0, 0.1), (30, 0.01), (60, 0.001)], "step").value(45)
    0.01
    """

    points: Sequence
    shape: str = "linear"
    per: str = "epoch"

    def __post_init__(self):
        set_ = object.__setattr__
        if self.shape not in tuple(SHAPES):
            raise ConfigError(
                f"unknown shape {brief(self.shape)} of a schedule; {near(self.shape, SHAPES)}"
            )
        if self.per not in UNITS:
            raise ConfigError(f"a schedule goes per epoch or per update, was {brief(self.per)}")
        given = self.points
        whole = isinstance(given, Sequence) and not isinstance(given, str) and len(given) > 1
        if not whole or not all(_is_pair(point) for point in given):
            raise ConfigError(
                f"points of a schedule are two or more pairs [time, value], were {brief(given)}"
            )
        points = tuple((integer("a schedule's time", time, 0), value) for time, value in given)
        for (before, _), (after, _) in pairwise(points):
            if after <= before:
                raise ConfigError(f"a schedule's times must increase, were {before} and {after}")
        set_(self, "points", points)
        self._check_values()

    def _check_values(self):
        values = [value for _, value in self.points]
        numbers = [isinstance(value, Real) and not isinstance(value, bool) for value in values]
        if any(numbers) and not all(numbers):
            raise ConfigError(
                f"a schedule goes from number to number or from goal to goal, was "
                f"{brief(values[0])} to {brief(values[numbers.index(not numbers[0])])}"
            )
        if not all(numbers):
            return  # goals, which are read where their sources are known
        for value in values:
            if not isfinite(value):
                raise ConfigError(f"a schedule's values must be finite, was {value}")
        if self.shape == "exponential" and min(values) <= 0 <= max(values):
            shown = ", ".join(f"{value:g}" for value in values)
            raise ConfigError(
                f"an exponential schedule needs values of one sign and not 0, were {shown}"
            )

    @classmethod
    def between(cls, start, end, until, shape="linear", per="epoch"):
        """From `start` at time 0 to `end` at time `until`, where it stays.

        Raises
        ------
        ConfigError : as of the class, `until` below 1
        """
        return cls(((0, start), (integer("until", until), end)), shape, per)

    @classmethod
    def of(cls, table):
        """The schedule that a table of settings says: from, to and until, or points; shape; per.

        Raises
        ------
        ConfigError : it says none
        """
        for key in table:
            if key not in _KEYS:
                raise ConfigError(f"unknown key {brief(key)} of a schedule; {near(key, _KEYS)}")
        how = {key: table[key] for key in ("shape", "per") if key in table}
        ends = [key for key in ("from", "to", "until") if key in table]
        if "points" in table:
            if ends:
                raise ConfigError(f"a schedule has points or {', '.join(ends)}, not both")
            return cls(table["points"], **how)
        for key in ("from", "to", "until"):
            if key not in ends:
                raise ConfigError(f"{key!r} of a schedule is missing; it needs from, to and until")
        return cls.between(*(table[key] for key in ends), **how)

    def table(self):
        """This schedule as a table of settings, always in the same form."""
        points = [[time, value] for time, value in self.points]
        return {"points": points, "shape": self.shape, "per": self.per}

    def map(self, function):
        """This schedule with `function` of its values."""
        return replace(self, points=[(time, function(value)) for time, value in self.points])

    def value(self, time):
        """The number at a time."""
        points = self.points
        i = bisect_right(points, time, key=lambda point: point[0])
        if i in (0, len(points)):
            return points[max(i - 1, 0)][1]
        (began, a), (ends, b) = points[i - 1 : i + 1]
        if a == b:  # to the bit
            return a
        return SHAPES[self.shape]((time - began) / (ends - began), a, b)

    def at(self, moment):
        """The number at a `Moment`."""
        return self.value(getattr(moment, self.per))


def _is_pair(point):
    return isinstance(point, Sequence) and not isinstance(point, str) and len(point) == 2


def is_table(value):
    """Whether `value` is a table that says a schedule, well or not."""
    return isinstance(value, Mapping) and not set(_KEYS).isdisjoint(value)


def checked(check, value):
    """`check(value)`; if it is a schedule, or a table that says one, a Schedule of its values."""
    if isinstance(value, Mapping):
        value = Schedule.of(value)
    return value.map(check) if isinstance(value, Schedule) else check(value)


def schedules(spec):
    """What is scheduled among the fields of a description: name -> Schedule."""
    values = {one.name: getattr(spec, one.name) for one in fields(spec)}
    return {name: value for name, value in values.items() if isinstance(value, Schedule)}


def at(spec, moment):
    """A description with the numbers that it has at a `Moment`."""
    found = schedules(spec)
    changes = {name: schedule.at(moment) for name, schedule in found.items()}
    return replace(spec, **changes) if changes else spec
