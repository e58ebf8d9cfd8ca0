"""Batches that are learnt from, one after the other: what the last one played is played again."""

from infosim.engine.repetition import Repetition
from infosim.rules.executor import Executor


class Lessons:
    """Has a simulator learn from one batch of samples after the other.

    From one batch to the next of its size nothing differs but which samples it has, the place of
    random numbers and the numbers of the update. What events have played is therefore played again,
    with these written to where recordings read them: to the same bits, in a fraction of Python's
    time. Events carry out what is measured by probes, and what comes after anything else was done
    with the simulator.

    Parameters
    ----------
    simulator : Stepper; samples : `Samples` that fit it
    fixed : whether all batches are the same samples in the same order
    """

    def __init__(self, simulator, samples, fixed=False):
        self._simulator, self._samples, self._fixed = simulator, samples, fixed
        self._known = {}  # shape of rows -> `Repetition` of such a batch, None if there is none

    def __call__(self, rows, stream, batch, *, learn=True, probes=(), then=None):
        """Present the samples in these rows and learn.

        rows : (R, B), of the samples' arrays; stream, batch : the place of random numbers
        learn, probes : as for `present`
        then : the rows that are presented next, if that is known
        """
        alike = learn and not probes
        if alike and (repetition := self.again(rows)):
            if not self._fixed:
                self._simulator.gather_again(rows, then)
            repetition([repetition.ahead(stream)], batch)
            repetition.later(1)
            return
        played = self._by_events(rows, stream, batch, learn, probes, then)
        known = self._known.get(rows.shape)
        if learn and known is not None and known.renew():
            return  # the same was presented, if with probes
        may = alike and self._may()
        self._known[rows.shape] = Repetition.of(self._simulator, played) if may else None

    def again(self, rows):
        """The `Repetition` of the last batch, if those in these rows can be learnt from by it."""
        known = self._known.get(rows.shape)
        return known if known is not None and known.holds else None

    def _may(self):
        """Whether other samples differ in nothing that events would look at."""
        _, outputs = self._simulator.gathered  # these are copied to layers, not played
        executors = self._simulator.executors.values()
        looks = any(type(one).check is not Executor.check for one in executors)
        return self._fixed or not (outputs or looks)

    def _by_events(self, rows, stream, batch, learn, probes, then):
        """Carry that out event by event; returns what is played to do it again."""
        sim, played = self._simulator, []
        try:
            # samples that stay the same need not be gathered again
            sim.tape.log = None if self._fixed else played
            sim.gather(self._samples, rows, later=True, then=then)
            sim.tape.log = played
            sim.present(*sim.gathered, learn=learn, probes=probes, stream=stream, batch=batch)
            sim.run()
        finally:
            sim.tape.log = None
        return played
