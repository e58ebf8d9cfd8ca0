"""What a layer climbs: the goals of its replicas, and their weights where the kernels are."""

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


class Aim:
    """The goals of a layer's replicas, which may be set, and what kernels read of them.

    Parameters
    ----------
    goals : of each replica, a Goal or ScheduledGoal; measure : of redundancy; size : neurons of a
        replica; where : words that an error begins with
    clock : the layer's; reshaped : called when an array had to become another one

    Attributes
    ----------
    goals : as they are now; described : those it began with
    arrays : arguments of the kernel `score`: terms of all antichains that ever have a weight and
        their candidates, weights and entropy_weights, and which rows of these neurons have; later
        weights are copied into the same memory
    """

    def __init__(self, goals, measure, size, where, clock, kernels, dtype, reshaped):
        self.described, self._where, self._clock = tuple(goals), where, clock
        self._kernels, self._dtype, self._reshaped = kernels, dtype, reshaped
        self._measure = measure
        self._rows = kernels.resident(np.repeat(np.arange(len(goals)), size))
        self._structure = None
        self.set(goals)

    def set(self, goals):
        """Let these be the replicas' goals from the next update on.

        Raises
        ------
        ConfigError : a parameter that is too large for the network's precision
        """
        parts = [part for one in goals for part in one.parts]
        schedules = [factor for factor, _ in parts if isinstance(factor, Schedule)]
        ever = [goal for _, goal in parts]

        def numbers(moment):
            """All weights of a moment, one after the other."""
            _, _, *weights = goal_terms([one.at(moment) for one in goals], self._measure, ever)
            weights = np.concatenate([one.ravel() for one in weights])
            return in_precision(f"{self._where} goal parameter", weights, self._dtype)

        now = numbers(self._clock.coming)
        for time in {time for one in schedules for time, _ in one.points}:
            numbers(Moment(time, time))  # what is too large is said now
        terms, candidates, *_ = goal_terms(ever, self._measure)
        self._make_room(terms, candidates, len(goals))
        self.goals = tuple(goals)
        self._clock.leave("goal")
        self._numbers[...] = self._kernels.resident(now)
        if schedules:
            by_epoch = any(one.per == "epoch" for one in schedules)
            self._clock.follow("goal", self._numbers, numbers, by_epoch)

    def _make_room(self, terms, candidates, n_replicas):
        """Let `arrays` be for these terms."""
        structure = *terms, *candidates
        if self._structure is not None:
            if all(map(np.array_equal, structure, self._structure)):
                return
            self._reshaped()
        self._structure, n_used = structure, len(candidates[0]) - 1
        n_weights = n_replicas * n_used
        self._numbers = self._kernels.xp.zeros(n_weights + n_replicas, self._dtype)
        self.arrays = {
            **resident_terms(terms, candidates, self._kernels, self._dtype),
            "weights": self._numbers[:n_weights].reshape(n_replicas, n_used),
            "entropy_weights": self._numbers[n_weights:],
            "rows": self._rows,
        }

    @property
    def changes(self):
        """Whether the goals are scheduled, or others than those described."""
        scheduled = any(isinstance(one, ScheduledGoal) for one in self.goals)
        return scheduled or self.goals != self.described

    def in_force(self, replica, moment):
        """γ of a replica at a moment: yields label, γ, and as it was described, None if scheduled.

        It is scheduled where the description says so, whatever was set since.
        """
        described = self.described[replica]
        moving = described.moving if isinstance(described, ScheduledGoal) else ()
        now, was = self.goals[replica].at(moment).gamma, described.at(Moment()).gamma
        for i, label in enumerate(described.labels):
            yield label, float(now[i]), None if label in moving else float(was[i])
