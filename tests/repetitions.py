"""What is learnt from without events, for tests of when that is."""

from infosim.engine.repetition import Repetition


def count_repetitions(monkeypatch):
    """A list of how many presentations were repeated without events, each time that any were."""
    made, call = [], Repetition.__call__

    def counted(self, presentations, batch):
        made.append(len(presentations))
        return call(self, presentations, batch)

    monkeypatch.setattr(Repetition, "__call__", counted)
    return made
