"""A presentation carried out again and again, without its events."""

from functools import cached_property

import numpy as np

from infosim.kernels.contract import KERNELS

#: Where `activate` is told whether outputs are drawn.
_SAMPLED = KERNELS["activate"].arguments.index("sampled")


class Repetition:
    """The presentation that a simulator has just learnt from, to be learnt from again and again.

    But for the samples, which `Lessons` brings, only the place of random numbers and the numbers
    of the update differ from one presentation to the next. What was played from tape is then played
    again, to the same bits as by events, which take as long as the kernels of a small network.
    Replicas need nothing of each other, so each goes through several presentations at once, while
    its arrays are in the cache of the thread that it is of.

    Parameters
    ----------
    simulator : Stepper; played : what the presentation played (`Tape.log`), without any probe's
    """

    def __init__(self, simulator, played):
        self._simulator = simulator
        #: the calls of each replica, None where they are not apart
        stages = [stage for recording, _ in played for stage in recording]
        self._calls = simulator.workers.by_replica(stages, simulator.n_replicas)
        alone = self._calls is not None
        self._stages = [self._calls] if alone else simulator.workers.joined(played)
        layers, self._steps = simulator.layers, simulator.network.steps
        self._firings = [
            (layers[name], layers[name].number + 256 * step) for step, name, _ in simulator._firings
        ]
        self._clocks = [
            layers[name].clock for one in simulator.executors.values() for name in one.learning
        ]
        self._mark = self._now

    @classmethod
    def of(cls, simulator, played):
        """That presentation's, or None if more than its recordings is needed to repeat it."""
        executors, layers = simulator.executors.values(), simulator.layers.values()
        alike = (
            played
            and executors
            and len(simulator._learning_steps) == 1
            and all(one.played for one in executors)
            and not any(layer.changes_by_presentation for layer in layers)
        )
        return cls(simulator, played) if alike else None

    @property
    def _now(self):
        simulator = self._simulator
        return simulator.done, simulator.tape.cleared, len(simulator.events)

    @cached_property
    def _several(self):
        """The calls of each replica for several presentations at once, as `_alone` takes them."""
        return [_of_several(self._simulator, calls) for calls in self._calls]

    @property
    def holds(self):
        """Whether nothing was done with the simulator since."""
        return self._now == self._mark

    def renew(self):
        """Hold from now on, after the same presentation by events; whether recordings allow it."""
        _, cleared, _ = self._mark
        self._mark = self._now
        return self._mark[1] == cleared

    def ahead(self, stream):
        """What the next presentation is to be carried out with, in the epoch that has begun.

        stream : of its random numbers
        """
        return stream, [numbers for clock in self._clocks for numbers in clock.tick()]

    def __call__(self, presentations, batch):
        """Carry it out with what `ahead` returned, for each time anew.

        batch : the place of random numbers within their streams
        """
        n, run = len(presentations), self._simulator.workers.run
        if self._calls and n > 1 and all(clock.by_replica for clock in self._clocks):
            # the last one's, for all replicas; until then each writes its own
            places = self._place(presentations[-1][0], batch)
            run([[(_alone, (r, *c, presentations, places))] for r, c in enumerate(self._several)])
        else:
            for stream, numbers in presentations:
                self._place(stream, batch)
                for array, values in numbers if n > 1 else ():
                    array[...] = values
                for stage in self._stages:
                    run(stage)

    def later(self, n):
        """Let what was carried out have been n presentations, one after the other."""
        simulator = self._simulator
        simulator.time += n * self._steps
        for layer in simulator.layers.values():
            layer.later(n * self._steps)

    def _place(self, stream, batch):
        """Say which random numbers are drawn; returns where that stands, for each firing."""
        return [layer.place((stream, step, batch), self._steps)[1] for layer, step in self._firings]


def _alone(replica, first, others, last, presentations, places):
    """Carry a replica's calls out, once for each presentation, as `_of_several` has them."""
    final = len(presentations) - 1
    for i, (stream, numbers) in enumerate(presentations):
        for place in places:
            place[0, replica] = stream
        for array, values in numbers:
            array[replica] = values[replica]
        for function, arguments in last if i == final else others if i else first:
            function(*arguments)


def _of_several(simulator, calls):
    """The calls of the first of several presentations, of those between, and of the last one.

    Outputs that nobody reads are drawn in the last one alone, and what held inputs lead to by
    weights that do not learn is there from the first on.
    """
    first = [_undrawn(simulator, i, calls) for i in range(len(calls))]
    again = [i for i, call in enumerate(calls) if not _lasts(simulator, *call)]
    return first, [first[i] for i in again], [calls[i] for i in again]


def _undrawn(simulator, i, calls):
    """The i-th call, without random numbers if it draws outputs that no other call knows."""
    function, arguments = calls[i]
    layers, activate = simulator.layers.values(), simulator.kernels.activate
    if all(function is not activate(*layer.form.values()) for layer in layers):
        return calls[i]
    others = (one for call in (*calls[:i], *calls[i + 1 :]) for one in call[1])
    if any(_shared(arguments[-1], one) for one in others):
        return calls[i]
    return function, (*arguments[:_SAMPLED], False, *arguments[_SAMPLED + 1 :])


def _lasts(simulator, function, arguments):
    """Whether a call projects a held input by weights that do not learn, and nothing is added."""
    kernels = simulator.kernels
    multiplies = kernels.project, kernels.project_sparse, kernels.project_single
    if function not in multiplies or simulator._moves:
        return False
    for layer in simulator.layers.values():
        for number, compartment in enumerate(layer.compartments):
            c = compartment.connections[0]
            if _shared(arguments[0], c.arrays.weights):
                alone = len(compartment.connections) == 1 and number not in layer.imposed.shifts
                return alone and c.reads is None and not (c.trainable or c.spec.delay)
    return False


def _shared(one, other):
    """Whether both are arrays that may have memory in common."""
    both = isinstance(one, np.ndarray) and isinstance(other, np.ndarray)
    return both and np.may_share_memory(one, other)
