"""The event loop: a queue ordered by (time, order), and nothing else."""

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count

import numpy as np


@dataclass(slots=True)
class Present:
    """Clamp the inputs from `time` on, and silence every layer but those given an output.

    inputs : input name -> array (n_in, B), or (steps, n_in, B); a missing input is silent
    outputs : layer name -> array (n, B) that delayed connections read at `time`
    stream, batch : the random numbers' place beside step, layer, neuron and sample
    goes_on : whether layers go on from the outputs that were carried (`Carry`)
    """

    time: int
    inputs: Mapping[str, np.ndarray] = field(repr=False)
    outputs: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)
    stream: int = 0
    batch: int = 0
    goes_on: bool = False

    order = -1


@dataclass(slots=True)
class Fire:
    """Compute one layer from what its sources hold at `time`.

    `sampled` draws outputs from θ, unless the layer's never are; otherwise they are the likelier
    value. `kept` notes the firing for a rule that learns from all of a presentation.
    """

    time: int
    layer: str
    order: int
    sampled: bool = True
    kept: bool = False


@dataclass(slots=True)
class Record:
    """Call a probe, after all layers fired and before any learns."""

    time: int
    probe: Callable

    order = 1000


@dataclass(slots=True)
class Learn:
    """Have a layer learn by its rule; without a layer, the network as a whole."""

    time: int
    layer: str | None = None
    order: int = 2000


@dataclass(slots=True)
class Carry:
    """Keep what the next presentation is to go on from, when all of this one is done."""

    time: int

    order = 3000


class EventLoop:
    """A queue of events; earliest time first, then lowest order, then first come."""

    def __init__(self):
        self._queue = []
        self._arrivals = count()

    def __len__(self):
        return len(self._queue)

    def schedule(self, event):
        """Put `event` in the queue."""
        heapq.heappush(self._queue, (event.time, event.order, next(self._arrivals), event))

    def next(self):
        """Take the next event out of the queue."""
        return heapq.heappop(self._queue)[-1]

    def clear(self):
        """Forget what is scheduled."""
        self._queue.clear()
