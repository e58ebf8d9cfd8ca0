"""Recall: a layer runs on by itself from cues, until its states do not change any more."""

from dataclasses import dataclass

import numpy as np

from infosim.engine.stepper import Stepper
from infosim.errors import ConfigError, ShapeError
from infosim.kernels.firing.sequential import TIES, sweep
from infosim.machine.events import Fire, Present
from infosim.machine.randomness import Purpose, generator
from infosim.settings import setting, settings, settle

UPDATES, ORDERS, STOPS = ("synchronous", "sequential"), ("random", "fixed"), ("pattern", "joint")


@dataclass(frozen=True)
class Recalling:
    """How recall goes on, and when it ends.

    A step updates every neuron once. Where outputs are drawn at random nothing ends it but
    `max_steps`, and there are no ties.

    Raises
    ------
    ConfigError : a value that is no choice or out of range
    """

    update: str = setting(
        "synchronous",
        "`synchronous`: all neurons at once; `sequential`: one after the other, each hears what "
        "those before it have just done",
        choices=UPDATES,
    )
    order: str = setting(
        "random", "of sequential updates: another `random` one in each step, or `fixed`, by number",
        choices=ORDERS,
    )  # fmt: skip
    sampled: bool = setting(
        False, "outputs are drawn at random, for all of `max_steps`; else each neuron takes its "
        "likelier one",
    )  # fmt: skip
    ties: str = setting(
        "low",
        "what a neuron does whose outputs are equally likely, to within rounding: it does not fire "
        "(`low`), does as before (`keep`), or counts as 0 until it is updated again (`zero`)",
        choices=TIES,
    )
    stop: str = setting(
        "pattern",
        "each pattern ends when its own state is that of one or two steps before (`pattern`), or "
        "all of them when all are (`joint`, as published)",
        choices=STOPS,
    )
    max_steps: int | None = setting(
        None, "where recall ends that does not settle; by default the number of neurons", low=0
    )

    def __post_init__(self):
        settle(self, "recall: ")
        most = settings(Recalling)["max_steps"].check("recall: max_steps", self.max_steps)
        object.__setattr__(self, "max_steps", most)


#: What recall does where nothing is said.
_USUAL = Recalling()
#: So many patterns go on side by side even if most of them have come to rest.
_FEW = 64


@dataclass(frozen=True)
class Recall:
    """Where recall ended.

    states : (n_patterns, n), +1 or -1; steps : how many were made
    converged : whether every pattern came to a fixed point or a cycle of two states
    taken : (n_patterns,), after how many steps it did, -1 if it did not
    """

    states: np.ndarray
    steps: int
    converged: bool
    taken: np.ndarray


class Recollection(Stepper):
    """What a `Simulator` recalls."""

    def recall(
        self, cues, layer=None, *, max_steps=None, sampled=False, update=_USUAL.update,
        order=_USUAL.order, ties=_USUAL.ties, stop=_USUAL.stop,
    ):  # fmt: skip
        """Let a recurrent layer run from `cues` with all inputs silent until it no longer changes.

        cues : (n_patterns, n) of +1 and -1; or (R, n_patterns, n), for each replica its own
        layer : its name, by default the only one
        max_steps, sampled, update, order, ties, stop : as of a `Recalling`

        Returns
        -------
        Recall, or one of each replica (arXiv 2511.02584: synchronous updates, stop at a fixed point
        or a cycle of two states; there all patterns stop together)

        Raises
        ------
        ConfigError : the layer reads itself with a delay above 1, so that one output is no state;
            sequential updates of neurons that fire or hear as an intervention says; an option that
            cannot be
        ShapeError : cues of another shape
        """
        how = Recalling(update, order, sampled, ties, stop, max_steps)
        state = self._recurrent_layer(layer)
        n, given = state.spec.size, np.shape(cues)
        cues = np.asarray(cues, self.dtype)
        cues = np.broadcast_to(cues, (self.n_replicas, *cues.shape)) if cues.ndim == 2 else cues
        if cues.ndim != 3 or cues.shape[::2] != (self.n_replicas, n) or not cues.size:
            raise ShapeError(f"cues have shape {given}, need (patterns, {n})")
        kind = _Together if how.update == "synchronous" else _OneByOne
        updates, began = kind(self, state, how), self.time
        most = n if how.max_steps is None else how.max_steps
        found = _until_they_end(updates, self._begin_from(cues, state), most, how)
        self.time = began + max(one.steps for one in found)
        return found if self.n_replicas > 1 else found[0]

    def _begin_from(self, states, layer):
        """Clamp a layer to states (R, P, n); returns them as whoever reads it hears them."""
        clamped = {layer.spec.name: states.transpose(0, 2, 1).copy()}
        self.events.schedule(Present(self.time, {}, clamped, Purpose.FREE, self.time))
        self.run()
        heard = np.array(self.kernels.host(layer.activity))
        return heard.reshape(self.n_replicas, layer.spec.size, -1).transpose(0, 2, 1)

    def _recurrent_layer(self, name):
        """The layer whose outputs of one step are a state."""
        if name is None:
            if len(self.layers) != 1:
                raise ConfigError(f"recall: name one of the layers {', '.join(self.layers)}")
            (name,) = self.layers
        state = self[name]
        for _, c in state.connections:
            if c.reads is state and c.spec.delay > 1:
                raise ConfigError(
                    f"recall: layer {name!r} reads itself with delay {c.spec.delay}, needed is 1"
                )
        return state


def recurrent_weights(state, replica=0):
    """By which weights a layer's neurons read each other, compartment by compartment, (K, n, n).

    Rows are the neurons that read; what is not connected is 0.
    """
    n, host = state.spec.size, state.kernels.host
    rows = slice(replica * n, (replica + 1) * n)
    weights = np.zeros((len(state.compartments), n, n), state.dtype)
    for own, compartment in zip(weights, state.compartments, strict=True):
        for c in compartment.connections:
            if c.reads is state and c.index is None:
                own += host(c.arrays.weights)[rows]
            elif c.reads is state:
                np.add.at(own, (np.arange(n)[:, None], c.index[rows]), c.weights[rows])
    return weights


def _until_they_end(updates, now, most, how):
    """The Recall of each replica from states (R, P, n).

    updates : function of states and the step's number -> those after it; its `only` is told when
        none but some go on
    """
    going = _Going(updates, np.array(now), most)
    while going.made < most and going.moving.any():
        before, now = going.step()
        if not how.sampled:
            # in another order a state leads elsewhere: that it came back is no cycle
            going.look(before, now, cycles=(how.update, how.order) != ("sequential", "random"))
    taken, states = going.taken, going.ended()
    if how.stop == "joint" and not how.sampled:
        _end_together(states, going.others, taken, going.fixed, most)
    return [
        Recall(own, int(ends.max() if ends.min() >= 0 else most), bool(ends.min() >= 0), ends)
        for own, ends in zip(states, taken, strict=True)
    ]


class _Going:
    """Patterns of which those that still change go on.

    taken, fixed : (R, P), after how many steps each came to rest or was as two steps before, -1 if
        it was not, and whether it had come to rest
    others : (R, P, n), what it was a step before
    whose, moving : (R, P'), which patterns go on side by side, and whether they are to

    Parameters
    ----------
    updates : as of `_until_they_end`; now : states (R, P, n); most : steps
    """

    def __init__(self, updates, now, most):
        shape, self._updates, self._most, self.made = now.shape[:2], updates, most, 0
        self.taken, self.fixed = np.full(shape, -1), np.zeros(shape, bool)
        self.whose, self.moving = np.tile(np.arange(shape[1]), (shape[0], 1)), np.ones(shape, bool)
        self._now, self._before, self._states, self.others = now, None, now, now.copy()
        # a cycle of more states does not end it, but once it is found so is what the last step
        # leads to, and after how many that is reached: (R, P)
        self._marked, self._mark, self._until = 0, now, np.full(shape, most)

    def step(self):
        """Update them once; returns states of before and now."""
        size = self.moving.shape[1]
        while size > _FEW and self.moving.sum(axis=1).max() <= size // 2:
            size = -(-size // 2)  # few numbers of patterns: each has recordings of its own
        if size < self.moving.shape[1]:
            self._only(np.argsort(~self.moving, axis=1, kind="stable")[:, :size])
        before, self._now = self._now, self._updates(self._now, self.made + 1)
        self.made += 1
        return before, self._now

    def _only(self, rows):
        """Go on with some of those that did."""
        self.whose, self.moving = (
            np.take_along_axis(one, rows, 1) for one in (self.whose, self.moving)
        )
        self._now, self._before, self._mark = (
            np.take_along_axis(one, rows[:, :, None], 1)
            for one in (self._now, self._before, self._mark)
        )
        self._updates.only(self._now)

    def look(self, before, now, cycles):
        """Find those that have come to an end, in a cycle if there are any."""
        still = (now == before).all(axis=2)
        back = (now == self._before).all(axis=2) if cycles and self.made > 1 else False
        which, rows = self._end(self.moving & (still | back))
        self.taken[which], self.fixed[which], self.others[which] = (
            self.made,
            still[rows],
            before[rows],
        )
        if cycles:
            r, i = np.nonzero(self.moving & (now == self._mark).all(axis=2))
            left = (self._most - self.made) % (self.made - self._marked)
            self._until[r, self.whose[r, i]] = self.made + left
            self._end(self.moving & (np.take_along_axis(self._until, self.whose, 1) <= self.made))
            if self.made >= 2 * self._marked:
                self._marked, self._mark = self.made, now
        self._before = before

    def _end(self, which):
        """Let some go on no more; returns where they stand among all, and among those that did."""
        r, i = np.nonzero(which)
        self._states[r, self.whose[r, i]] = self._now[r, i]
        self.moving[r, i] = False
        return (r, self.whose[r, i]), (r, i)

    def ended(self):
        """The states of all, (R, P, n)."""
        self._end(self.moving.copy())
        return self._states


def _end_together(states, others, taken, fixed, most):
    """Have all patterns of a replica end when all of them are fixed, or all as two steps before.

    states, others : changed, (R, P, n), what each ended in by itself, and was a step before
    taken : changed, (R, P), when it did, -1 if it did not; fixed : whether in a fixed point
    """
    for own, other, ends, rests in zip(states, others, taken, fixed, strict=True):
        last = ends.max() if ends.min() >= 0 else most + 1
        # one that has just come to rest is not as two steps before
        last += not rests.all() and (rests & (ends == last)).any()
        odd = (ends >= 0) & ((min(last, most) - ends) % 2 == 1)
        own[odd] = other[odd]
        ends[:] = last if last <= most else -1


def _tolerances(state):
    """How near θ is to ½, (N,), where both outputs are as likely to within rounding.

    A sum is rounded by some units in the last place of all that is added, here 4. However large
    that is, what surely fires is no tie.
    """
    read = [c for _, c in state.connections if c.reads is state]
    sums = [abs(np.asarray(c.weights, np.float64)).sum(axis=1) for c in read]
    rounded = 4 * np.finfo(state.dtype).eps * sum(sums, np.zeros(state.biases.shape[1]))
    return np.minimum(np.tanh(rounded / 2) / 2, 0.499)


class _Together:
    """Synchronous updates: every neuron fires from the states of the step before."""

    def __init__(self, simulator, state, how):
        self._simulator, self._state, self._how = simulator, state, how
        self._tolerances = _tolerances(state)[:, None]
        held, host = state.imposed.held, simulator.kernels.host
        self._free = True if held is None else host(held[0])[:, None] == 0

    def only(self, states):
        """Let states (R, P, n) alone be updated from now on."""
        self._simulator._begin_from(states, self._state)

    def __call__(self, now, made):
        sim, state, how = self._simulator, self._state, self._how
        shape = sim.n_replicas, state.spec.size, now.shape[1]
        time, sim.time = sim.time, sim.time + 1
        sim.events.schedule(Fire(time, state.spec.name, state.number, how.sampled))
        sim.run()
        after = state.output.reshape(shape).copy()
        if not how.sampled:
            tied = (abs(state.probabilities - 0.5) <= self._tolerances) & self._free
            if tied.any():
                tied = tied.reshape(shape)
                other = {"low": state.off, "keep": now.transpose(0, 2, 1), "zero": 0}[how.ties]
                after = np.where(tied, other, after).astype(after.dtype)
                state.clamp_output(time, sim.kernels.resident(after))
        return after.transpose(0, 2, 1)


class _OneByOne:
    """Sequential updates, on the host: a step is as many, each of one neuron."""

    def __init__(self, simulator, state, how):
        imposed = state.imposed
        if imposed.severed or imposed.shifts:
            raise ConfigError(
                f"recall: sequential updates of layer {state.spec.name!r} know no neurons that are "
                f"lesioned, clamped or cut off, nor stimulated compartments; 'synchronous' ones do"
            )
        self._simulator, self._state, self._how = simulator, state, how
        self._sweep, host = sweep(**state.form), simulator.kernels.host
        n, tolerances = state.spec.size, _tolerances(state).astype(simulator.dtype)
        self._numbers = []
        for r in range(simulator.n_replicas):
            rows = slice(r * n, (r + 1) * n)
            # the readers of a neuron stand in a row: all of them hear of its change
            weights = recurrent_weights(state, r).transpose(0, 2, 1).copy()
            biases = np.array(host(state.biases))[:, rows].copy()
            current = np.array(host(imposed.current))[rows]
            parameters = np.array(host(state.parameters))[r]
            self._numbers.append((weights, biases, current, parameters, tolerances[rows]))

    def only(self, states):
        """As of `_Together`: here none is kept from one update to the next."""

    def __call__(self, now, made):
        sim, state, how = self._simulator, self._state, self._how
        after, n = np.array(now), state.spec.size
        for r, (numbers, seed) in enumerate(zip(self._numbers, sim.seeds, strict=True)):
            order, draws = np.arange(n), np.empty((0, 0), sim.dtype)
            if how.order == "random":
                order = generator(seed, Purpose.RECALL, made, 0).permutation(n)
            if how.sampled and state.spec.sampled:
                draws = generator(seed, Purpose.RECALL, sim.time, 1)
                draws = draws.random(after.shape[1:], np.float32).astype(sim.dtype)
            *known, tolerances = numbers
            self._sweep(
                *known, state.clamp, state.off, order, draws, TIES.index(how.ties), tolerances,
                after[r],
            )  # fmt: skip
        sim.time += 1
        return after
