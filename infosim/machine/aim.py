"""What a layer climbs: the goals of its populations and replicas, where the kernels are."""

import numpy as np

from infosim.machine.checks import in_precision
from infosim.pid.scheduled import ScheduledGoal
from infosim.pid.terms import goal_terms
from infosim.schedule import Moment, Schedule


def resident_terms(terms, candidates, kernels, dtype):
    """Kernels' arguments, those of `pid.terms` where they are, signs in the network's precision."""
    starts, sets, signs = terms
    return {
        "terms": tuple(map(kernels.resident, (starts, sets, signs.astype(dtype)))),
        "candidates": tuple(map(kernels.resident, candidates)),
    }


def rows_by_measure(populations, size, n_replicas):
    """Measure -> which of its goals each neuron climbs, (N,), -1 where it is of another measure.

    Goals of one measure are counted replica by replica, and in each population by population.

    populations : of a layer (`Layer.populations`), of so many neurons
    """
    members = {}
    for one in populations.values():
        members.setdefault(one.measure, []).append(one.neurons)
    found = {}
    for measure, own in members.items():
        rows = np.full((n_replicas, size), -1)
        for i, neurons in enumerate(own):
            rows[:, neurons] = np.arange(n_replicas)[:, None] * len(own) + i
        found[measure] = rows.ravel()
    return found


class Aim:
    """The goals of a layer's populations, which may be set, and what kernels read of them.

    Parameters
    ----------
    goals : population -> of each replica, a Goal or ScheduledGoal
    populations : as of `Layer.populations`; rows : `rows_by_measure`, where the kernels are
    where : words that an error begins with
    clock : the layer's; reshaped : called when an array had to become another one

    Attributes
    ----------
    goals : as they are now; described : those it began with
    arrays : for each measure, arguments of the kernel `score`: the measure, terms of all antichains
        that ever have a weight and their candidates, weights and entropy_weights, and which rows of
        these neurons have; later weights are copied into the same memory
    """

    def __init__(self, goals, populations, rows, where, clock, kernels, dtype, reshaped):
        self.described, self._where, self._clock = goals, where, clock
        self._kernels, self._dtype, self._reshaped = kernels, dtype, reshaped
        self._rows = rows
        self._members = {
            measure: [name for name, one in populations.items() if one.measure == measure]
            for measure in rows
        }
        n_replicas = len(next(iter(goals.values())))
        self._n_goals = {one: n_replicas * len(own) for one, own in self._members.items()}
        self.goals, self._structure = goals, None
        self.set(goals)

    def _of(self, measure, goals):
        """The goals of a measure's populations, in the order of its rows."""
        by_replica = zip(*(goals[name] for name in self._members[measure]), strict=True)
        return [goal for one in by_replica for goal in one]

    def set(self, goals):
        """Let these be populations' goals from the next update on; others keep theirs.

        Raises
        ------
        ConfigError : a parameter that is too large for the network's precision
        """
        goals = self.goals | goals
        by_measure = {measure: self._of(measure, goals) for measure in self._rows}
        parts = {
            measure: [part for one in own for part in one.parts]
            for measure, own in by_measure.items()
        }
        factors = [factor for own in parts.values() for factor, _ in own]
        schedules = [one for one in factors if isinstance(one, Schedule)]
        ever = {measure: [goal for _, goal in own] for measure, own in parts.items()}

        def numbers(moment):
            """All weights of a moment, one after the other."""
            weights = []
            for measure, own in by_measure.items():
                now = [one.at(moment) for one in own]
                _, _, *found = goal_terms(now, measure, ever[measure])
                weights += [one.ravel() for one in found]
            where = f"{self._where} goal parameter"
            return in_precision(where, np.concatenate(weights), self._dtype)

        now = numbers(self._clock.coming)
        for time in {time for one in schedules for time, _ in one.points}:
            numbers(Moment(time, time))  # what is too large is said now
        self._make_room({measure: goal_terms(ever[measure], measure)[:2] for measure in ever})
        self.goals = goals
        self._clock.leave("goal")
        self._numbers[...] = self._kernels.resident(now)
        if schedules:
            by_epoch = any(one.per == "epoch" for one in schedules)
            self._clock.follow("goal", self._numbers, numbers, by_epoch, by_replica=False)

    def _make_room(self, structures):
        """Let `arrays` be for these terms and candidates of each measure."""
        structure = [array for one in structures.values() for part in one for array in part]
        if self._structure is not None:
            if all(map(np.array_equal, structure, self._structure)):
                return
            self._reshaped()
        self._structure = structure
        shapes = {
            measure: (self._n_goals[measure], len(candidates[0]) - 1)
            for measure, (_, candidates) in structures.items()
        }
        total = sum(n * (n_used + 1) for n, n_used in shapes.values())
        self._numbers, first = self._kernels.xp.zeros(total, self._dtype), 0
        self.arrays = []
        for measure, (n, n_used) in shapes.items():
            begin, first = first, first + n * n_used
            self.arrays.append(
                {
                    "measure": measure,
                    **resident_terms(*structures[measure], self._kernels, self._dtype),
                    "weights": self._numbers[begin:first].reshape(n, n_used),
                    "entropy_weights": self._numbers[first : first + n],
                    "rows": self._rows[measure],
                }
            )
            first += n

    @property
    def changes(self):
        """Whether goals are scheduled, or others than those described."""
        goals = [goal for own in self.goals.values() for goal in own]
        return self.goals != self.described or any(isinstance(g, ScheduledGoal) for g in goals)

    def set_by_hand(self, replica):
        """The goals of a replica that are others than those described: population -> goal."""
        return {
            name: own[replica]
            for name, own in self.goals.items()
            if own[replica] != self.described[name][replica]
        }

    def in_force(self, replica, moment):
        """γ of a replica at a moment.

        It is scheduled where the description says so, whatever was set since.

        Yields
        ------
        "POPULATION/ATOM", γ, and None if it is scheduled, else γ as it was described
        """
        for name, own in self.described.items():
            described = own[replica]
            moving = described.moving if isinstance(described, ScheduledGoal) else ()
            now, was = self.goals[name][replica].at(moment).gamma, described.at(Moment()).gamma
            for i, label in enumerate(described.labels):
                before = None if label in moving else float(was[i])
                yield f"{name}/{label}", float(now[i]), before
