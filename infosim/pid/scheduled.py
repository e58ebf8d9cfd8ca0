"""Goals that change over training: each γ by a schedule of its own, or from goal to goal."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from infosim.errors import ConfigError
from infosim.pid.goals import Goal
from infosim.pid.lattice import source_names
from infosim.schedule import Schedule, checked, is_table


@dataclass(frozen=True)
class ScheduledGoal:
    """A goal whose parameters γ change over training.

    Parameters
    ----------
    gammas : atom label -> number, or `Schedule` of numbers; or a `Schedule` of goals, between which
        every γ goes its way. Schedules may be given as tables
    sources : the K source names in order

    Raises
    ------
    ConfigError : what `Goal` or `Schedule` refuses; an atom that is given twice

    Examples
    --------
    >>> from infosim.schedule import Moment
    >>> goal = goal_of({"{F}{C}": 1, "{F}": {"from": 0, "to": -1, "until": 10}}, "FC")
    >>> [str(goal.at(Moment(epoch))) for epoch in (0, 5, 10)]
    ['{F}{C}', '{F}{C} - 0.5 {F}', '{F}{C} - {F}']
    >>> goal = goal_of({"from": "{F}", "to": "{C}", "until": 10}, "FC")
    >>> str(goal.at(Moment(epoch=5)))
    '0.5 {F} + 0.5 {C}'
    """

    gammas: tuple | Schedule
    sources: tuple[str, ...]

    def __post_init__(self):
        set_, given = object.__setattr__, self.gammas
        sources = source_names(len(self.sources), self.sources)
        set_(self, "sources", sources)
        if isinstance(given, Schedule):
            set_(self, "gammas", given.map(lambda one: Goal.of(one, sources)))
        else:
            set_(self, "gammas", tuple(_by_atom(given, sources).items()))
        _ = self.parts  # what cannot be exponential is said now

    @cached_property
    def parts(self):
        """((factor, Goal), ...) whose sum it is; factors are numbers or schedules of numbers."""
        if not isinstance(self.gammas, Schedule):
            by_atom = dict(self.gammas)
        elif self.gammas.shape == "exponential":  # each γ has its own way from goal to goal
            by_atom = _way_of_each(self.gammas, self.sources)
        else:
            goals = [goal for _, goal in self.gammas.points]
            return tuple((self._turn(i), goal) for i, goal in enumerate(goals))
        constant = {label: one for label, one in by_atom.items() if not isinstance(one, Schedule)}
        moving = {label: one for label, one in by_atom.items() if isinstance(one, Schedule)}
        return (
            (1.0, Goal(constant, self.sources)),
            *((one, Goal({label: 1.0}, self.sources)) for label, one in moving.items()),
        )

    def _turn(self, i):
        """How much of the i-th goal there is: 1 when it is its turn, 0 when it is another's."""
        turns = [(time, float(i == j)) for j, (time, _) in enumerate(self.gammas.points)]
        return Schedule(turns, self.gammas.shape, self.gammas.per)

    @property
    def labels(self):
        """The atoms' labels in canonical order, then H_res."""
        return self.parts[0][1].labels

    def at(self, moment):
        """The `Goal` at a `Moment` of training."""
        factors = [one.at(moment) if isinstance(one, Schedule) else one for one, _ in self.parts]
        gamma = sum(f * goal.gamma for f, (_, goal) in zip(factors, self.parts, strict=True))
        if isinstance(self.gammas, Schedule):  # what is the same in all goals is so to the bit
            ends = [goal.gamma for _, goal in self.gammas.points]
            gamma = np.clip(gamma, np.min(ends, axis=0), np.max(ends, axis=0))
        return Goal(gamma, self.sources)

    @property
    def moving(self):
        """The labels of the atoms whose γ changes."""
        if not isinstance(self.gammas, Schedule):
            return tuple(label for label, one in self.gammas if isinstance(one, Schedule))
        moves = np.ptp([goal.gamma for _, goal in self.gammas.points], axis=0) > 0
        return tuple(label for label, one in zip(self.labels, moves, strict=True) if one)

    def table(self):
        """This goal as a table of settings, always in the same form."""
        if isinstance(self.gammas, Schedule):
            return self.gammas.map(str).table()
        return {
            label: one.table() if isinstance(one, Schedule) else one for label, one in self.gammas
        }


def goal_of(spec, sources):
    """What `spec` means: what it does to `Goal.of`, or where there are schedules a ScheduledGoal.

    Raises
    ------
    ConfigError : it means none, or is one for other sources
    """
    if is_table(spec):
        spec = Schedule.of(spec)
    if isinstance(spec, ScheduledGoal):
        if spec.sources != tuple(sources):
            raise ConfigError(
                f"a goal is for sources {', '.join(spec.sources)}, not {', '.join(sources)}"
            )
        return spec
    values = spec.values() if isinstance(spec, Mapping) else [spec]
    if any(isinstance(one, Schedule | Mapping) for one in values):
        return ScheduledGoal(spec, sources)
    return Goal.of(spec, sources)


def written(goal):
    """A Goal or ScheduledGoal as settings have it: a formula or a table, which `goal_of` reads."""
    return goal.table() if isinstance(goal, ScheduledGoal) else str(goal)


def _by_atom(given, sources):
    """Label -> number or Schedule, in canonical order, without numbers that are 0."""
    found = {}
    for atom, one in given.items() if isinstance(given, Mapping) else given:

        def gamma(value, atom=atom):
            return float(Goal({atom: value}, sources).gamma.sum())

        label = str(Goal({atom: 1.0}, sources))
        if label in found:
            raise ConfigError(f"goal parameter of {label} is given twice")
        found[label] = checked(gamma, one)
    labels = Goal({}, sources).labels
    return {label: found[label] for label in labels if found.get(label, 0.0) != 0.0}


def _way_of_each(goals, sources):
    """Label -> γ, or the Schedule by which it goes from goal to goal."""
    by_atom = {}
    for i, label in enumerate(goals.points[0][1].labels):
        way = [(time, float(goal.gamma[i])) for time, goal in goals.points]
        still = len({gamma for _, gamma in way}) == 1
        try:
            by_atom[label] = way[0][1] if still else Schedule(way, goals.shape, goals.per)
        except ConfigError as error:
            raise ConfigError(f"goal parameter of {label}: {error}") from None
    return by_atom
