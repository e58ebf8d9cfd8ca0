"""The tape: a step is written as plain calls, recorded once, and played again and again.

Planning a step's calls, cut into parts for threads, takes longer than most kernels run for a
hundred neurons. So what is recorded is the calls with all their arguments: arrays that stay where
they are (`machine`), in which whatever differs from one batch to the next stands as well. A key
says for which presentation a recording is good; what changes a shape clears the tape.
"""

from contextlib import contextmanager
from functools import partial

from infosim.kernels.contract import KERNELS, NEURONS, REPLICAS, ROWS, TILES, Part
from infosim.kernels.workers import Stage, spans

#: Recordings that are kept: of shapes alone, and of each kind that holds data of the user's.
_MOST, _MOST_OF_DATA = 256, 8
#: Ways to cut the work on a layer (`Calls.over`).
_OF_LAYER = NEURONS, TILES, REPLICAS


class Calls:
    """Takes a step's calls down: `k.over(size, n_samples).score(bins=..., ...)`, by contract.

    Consecutive calls that are cut alike become one stage, whose parts need not wait for each other
    between them: a thread scores, chains and updates some neurons after the other.

    Attributes
    ----------
    stages : `Stage` each; a part's calls, (function, arguments), are made in their order
    """

    def __init__(self, kernels, workers, n_replicas):
        self._kernels, self._workers, self._n_replicas = kernels, workers, n_replicas
        self.stages = []
        self._over = None
        self._cut = self._parts = None
        self._joining = False

    def over(self, size, n_samples):
        """Say that what follows is of another layer, of so many neurons (a replica) and samples."""
        self._over, self._cut = (size, n_samples), None
        return self

    @contextmanager
    def together(self):
        """A context whose calls are one stage: what is of one layer needs nothing of another."""
        self.stages.append(Stage())
        self._cut, self._joining = None, True
        yield
        self._cut, self._joining = None, False
        if not self.stages[-1]:
            self.stages.pop()

    def __getattr__(self, name):
        if name not in KERNELS:
            raise AttributeError(f"no kernel {name!r}")
        return partial(self._call, name)

    def _call(self, name, **arguments):
        kernel = KERNELS[name]
        if arguments.keys() != kernel.keywords:
            wrong = ", ".join(sorted(arguments.keys() ^ kernel.keywords))
            raise TypeError(f"{name} takes {', '.join(sorted(kernel.keywords))}; wrong are {wrong}")
        where = self._kernels.xp if kernel.function == "copyto" else self._kernels
        function = getattr(where, kernel.function or name)
        if kernel.made_of:
            function = function(*(arguments.pop(of) for of in kernel.made_of))
        for part, calls in self._stage(kernel, arguments):
            calls.append((function, kernel.given(part, arguments)))

    def _stage(self, kernel, arguments):
        """The parts of this call's stage, each with the calls of its thread so far."""
        how = kernel.cut, self._over if kernel.cut in _OF_LAYER else None
        if kernel.cut == ROWS or how != self._cut:
            self._cut = how
            self._parts = [(part, []) for part in self._cutting(kernel, arguments)]
            if not self._joining:
                self.stages.append(Stage())
            self.stages[-1].take(self._parts, *self._chains(kernel, arguments))
        return self._parts

    def _chains(self, kernel, arguments):
        """Of which samples each part is, and nothing but, and how many numbers those of a replica
        write; nothing if it is of all samples."""
        parts = [part for part, _ in self._parts]
        if kernel.cut == TILES:
            size, n_samples = self._over
            return [(p.start // size, p.first, p.last) for p in parts], size * n_samples
        if kernel.cut == ROWS and self._n_replicas == 1:
            n, out = kernel.samples, arguments["out"]
            last = arguments.get("n_samples", len(out))
            return [(0, p.first * n, min(p.last * n, last)) for p in parts], out.size // 2
        return ()

    def _cutting(self, kernel, arguments):
        workers, n_replicas, how = self._workers, self._n_replicas, kernel.cut
        if how == ROWS:
            n, of = kernel.samples, len(arguments["out"])
            rows = [(0, of)] if self._kernels.ON_DEVICE else spans(of * n)
            return [Part(0, 0, first // n, -(-last // n), 0, 0) for first, last in rows]
        if how not in _OF_LAYER:
            return [None]
        size, n_samples = self._over
        if how == TILES:
            tiles = workers.tiles(size, n_samples, n_replicas)
            return [Part(*tile, size, n_replicas) for tile in tiles]
        blocks = (
            workers.replicas(size, n_replicas)
            if how == REPLICAS
            else workers.blocks(size, n_samples, n_replicas)
        )
        return [Part(*block, 0, n_samples, size, n_replicas) for block in blocks]


class Tape:
    """Recordings of steps, by key.

    Parameters
    ----------
    kernels, workers : the backend's functions, and what carries their calls out
    n_replicas : of the network
    kept : whether recordings are; without, all calls are put together anew each time
    """

    def __init__(self, kernels, workers, n_replicas, kept=True):
        self._kernels, self._workers, self._n_replicas = kernels, workers, n_replicas
        self._kept = kept
        self._recorded, self._of_data, self._plans = {}, {}, {}
        self._waiting = []  # (stages, apart) of what was played and is not carried out yet
        #: whether what may wait does
        self.may_wait = True
        #: how often it was cleared, and a list of (stages, apart) of what is played, or None
        self.cleared, self.log = 0, None

    def __len__(self):
        return len(self._recorded) + sum(map(len, self._of_data.values()))

    @property
    def recordings(self):
        """What `workers.prepared` made of each step."""
        groups = self._recorded, *self._of_data.values()
        return [recording for group in groups for recording, _ in group.values()]

    def clear(self):
        """Forget all recordings: an array they hold is another now."""
        self.catch_up()
        self.cleared += 1
        self._plans.clear()
        self._recorded.clear()
        self._of_data.clear()

    def play(self, key, write, *arguments, data=(), later=False, apart=False):
        """Carry out the calls that `write(*arguments, k)` makes, or made under this key before.

        key : hashable, says all that the calls depend on but `data`, objects by identity that are
            not the machine's own; its first entry says of which kind it is
        later : whether that may wait for what is played next, or `catch_up`, so that threads go on
            from one to the other without waiting for each other
        apart : whether it needs nothing of what is played beside it and is apart, too
        """
        recordings = self._recorded
        if data:
            recordings = self._of_data.setdefault(key[0], {})
            key = key, *map(id, data)
        recording = recordings.get(key)
        if recording is None:
            calls = Calls(self._kernels, self._workers, self._n_replicas)
            write(*arguments, calls)
            if not self._kept:
                for stage in calls.stages:
                    self._workers.run(stage)
                return
            if len(recordings) == (_MOST_OF_DATA if data else _MOST):
                self._forget(recordings)
            # data are kept, so that their identity is not given away
            recordings[key] = recording = self._workers.prepared(calls.stages), data
        elif data:  # those used last are kept
            recordings[key] = recordings.pop(key)
        stages, _ = recording
        if self.log is not None:
            self.log.append((stages, apart))
        self._waiting.append((stages, apart))
        if not (later and self.may_wait) or self._kernels.ON_DEVICE:
            self.catch_up()

    def _forget(self, recordings):
        """Forget the recording that was used longest ago, and plans that it is part of."""
        self.catch_up()
        stages, _ = recordings.pop(next(iter(recordings)))
        self._plans = {key: plan for key, plan in self._plans.items() if id(stages) not in key}

    def catch_up(self):
        """Carry out what waits, as one."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        key = tuple([id(stages) for stages, _ in waiting])
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) == _MOST:
                del self._plans[next(iter(self._plans))]
            # recordings are kept as long, so that their identity is not given away
            self._plans[key] = plan = self._workers.joined(waiting), waiting
        with self._workers.engaged():
            for stage in plan[0]:
                self._workers.run(stage)
