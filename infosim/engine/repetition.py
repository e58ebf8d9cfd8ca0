"""A presentation carried out once more, without its events, as in epochs of one batch."""


class Repetition:
    """The presentation that a simulator has just learnt from, to be learnt from again and again.

    Where a batch holds all samples in the same order each time, only the place of random numbers
    and the numbers of the update differ from one presentation to the next. What was played from
    tape is then played again, to the same bits as by events, which take as long as the kernels of
    a small network.

    Parameters
    ----------
    simulator : Stepper; played : the stages of the presentation (`Tape.log`), without any probe's
    """

    def __init__(self, simulator, played):
        self._simulator = simulator
        self._stages = simulator.workers.by_replica(played, simulator.n_replicas)
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

    @property
    def holds(self):
        """Whether nothing was done with the simulator since."""
        return self._now == self._mark

    def __call__(self, stream, batch):
        """Carry it out, with the random numbers of this place."""
        simulator = self._simulator
        for layer, step in self._firings:
            layer.place((stream, step, batch), self._steps)
        for clock in self._clocks:
            clock.tick()
        run = simulator.workers.run
        for stage in self._stages:
            run(stage)
        simulator.time += self._steps
        for layer in simulator.layers.values():
            layer.later(self._steps)
