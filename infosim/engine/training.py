"""Training: epochs of shuffled batches, measured as they pass, resumable between batches."""

import json
import time
from dataclasses import dataclass, field
from math import isfinite

import numpy as np

from infosim.engine.lessons import Lessons
from infosim.engine.probes import Probe
from infosim.errors import CheckpointError, ConfigError, DivergedError, brief, integer
from infosim.machine.checks import check_array
from infosim.machine.randomness import Purpose, generator, stream
from infosim.markup import curves, element, percent, table
from infosim.pid.scheduled import goal_of, written
from infosim.pid.terms import atoms
from infosim.schedule import at

#: Training samples that show in every epoch which readout neurons are inverted: an eighth of all
#: within these bounds, drawn anew each time.
_FEWEST, _MOST = 256, 2048
#: Seconds, about, of epochs that are carried out at once: who looks on waits no longer.
_AT_ONCE = 0.1
_ERRORS = "train_error", "val_error", "test_error"


@dataclass
class History:
    """What was measured in each epoch; entry 0 is before training.

    train_error, val_error, test_error : fractions, nan where there is nothing to measure
    seconds : wall time of each epoch; of those that are carried out at once, the mean
    mean_goal : layer -> goal in bits, mean over neurons, nan in epochs that are not recorded;
        groups are measured each for itself, here and in what follows, and called "LAYER/GROUP"
    atoms : layer -> (n, A + 1) arrays, atoms and H_res in bits, mean over the recorded batches, of
        the epochs that are `recorded`
    in_force : "rate_LAYER", "weight_decay_LAYER", "bins_LAYER/COMPARTMENT" or "gamma_LAYER/ATOM" ->
        its value at the epoch's last update, of all that a schedule changes or a goal set by hand
        has changed; mean_goal is of this γ
    """

    train_error: list = field(default_factory=list)
    val_error: list = field(default_factory=list)
    test_error: list = field(default_factory=list)
    seconds: list = field(default_factory=list)
    mean_goal: dict = field(default_factory=dict)
    atoms: dict = field(default_factory=dict)
    in_force: dict = field(default_factory=dict)

    def __len__(self):
        return len(self.seconds)

    def recorded(self, name):
        """The epochs whose information was recorded of a layer or group, those of its `atoms`."""
        goals = self.mean_goal.get(name, ())
        return [epoch for epoch, goal in enumerate(goals) if goal == goal]

    def _repr_html_(self):
        rows, drawn = [], {}
        for name, colour in (("train", "#777777"), ("val", "#56B4E9"), ("test", "#1A1A1A")):
            values = list(map(float, getattr(self, f"{name}_error")))
            known = list(filter(isfinite, values))
            if known:
                drawn[colour] = values
                rows.append((f"{name} error", percent(known[-1], 2), percent(min(known), 2)))
        for name, values in self.mean_goal.items():
            known = list(filter(isfinite, map(float, values)))
            if known:
                rows.append((f"goal of {name}, bits", known[-1], max(known)))
        made = table(rows, ("", "last", "best"), f"{max(len(self) - 1, 0)} epochs")
        words = "errors by epoch: training grey, validation blue, test black"
        picture = element("div", curves(drawn, words), element("div", words)) if drawn else ""
        return element("div", made, picture)

    def note(self, in_force):
        """Add the numbers of the epoch that ends (`LayerState.in_force`) to those that change."""
        for name, now, was in in_force:
            if name in self.in_force or was is None or now != was:
                self.in_force.setdefault(name, [was] * len(self)).append(now)


class _Information(Probe):
    """Sums the information of every learning layer over the recorded batches of an epoch."""

    def __init__(self, simulator):
        super().__init__()
        self.layers = [layer.name for layer in simulator.network.layers if layer.has_goal]
        self.forget()

    def forget(self):
        """Begin anew."""
        self.sums = {}  # where the kernels are
        self.count = 0

    def record(self, simulator):
        for name in self.layers:
            information = simulator.measure(name)
            if name in self.sums:
                self.sums[name] += information
            else:
                self.sums[name] = information.copy()
        self.count += 1


class Training:
    """One training run, advanced batch by batch; epoch 0 measures without learning, if anything.

    It goes on where the simulator's last one ended, with the epoch after its last whole one.
    Replicas are trained together, each on the batches it would have alone; `histories` has one
    `History` for each, `history` is the first. The training error is measured in the training pass
    (target present, weights moving) and needs a readout; the others after each epoch, with the
    target withheld or by `error`.

    Parameters
    ----------
    simulator : Simulator
    inputs : Samples, or input name -> array
    batch : samples per batch; the last of an epoch may be smaller
    validation, test : further samples, or None
    error : (simulator, samples, *, batch, purpose, epoch) -> fractions (R,), what to measure in
        validation and test samples; by default the readout's mistakes, if there is a readout
    error_names : what errors are called in lines and bars of progress, by attribute of `History`
    shuffle : whether each epoch has the samples in another order. A network that carries outputs
        needs them in theirs: sample s goes on where sample s - batch ended, and each epoch begins
        in silence
    record_every : information is measured in the first of every so many batches
    record_epochs : of every so manyth epoch, from 0 on
    evaluate_every : validation and test error are measured in every so manyth epoch, from 0 on
    measure_first : whether epoch 0 measures; if not, nothing is presented in it, all of it is nan,
        and weights become the same

    Raises
    ------
    ConfigError : batch not in 1 to the number of samples, record_every, record_epochs or
        evaluate_every below 1; samples shuffled, or batches of unequal size, where outputs are
        carried
    DivergedError : raised by `advance` at the end of an epoch that left the finite numbers
    """

    def __init__(
        self, simulator, inputs, *, batch=1024, validation=None, test=None, error=None,
        error_names=None, shuffle=True, record_every=10, record_epochs=1, evaluate_every=1,
        measure_first=True,
    ):  # fmt: skip
        self.simulator = simulator
        self.samples = simulator.samples(inputs)
        n = len(self.samples)
        batch = integer("batch", batch)
        if batch > n:
            raise ConfigError(f"batch of {batch} is larger than the {n} training samples")
        self.batch = batch
        self.n_batches = -(-n // batch)
        for name, value in (("shuffle", shuffle), ("measure_first", measure_first)):
            if not isinstance(value, bool):
                raise ConfigError(f"{name} must be true or false, was {brief(value)}")
        self.shuffle = shuffle
        if simulator.network.carry and shuffle:
            raise ConfigError("a network that carries outputs needs shuffle to be false, was true")
        if simulator.network.carry and n % batch:
            raise ConfigError(
                f"a network that carries outputs needs batches of one size, but {n} training "
                f"samples are not batches of {batch}"
            )
        self.measured = (
            simulator.network.readout is not None and simulator.network.target is not None
        )
        self.error = error or (type(simulator).mistakes if self.measured else None)
        self.error_names = dict(error_names or {})
        self.others = {
            name: (simulator.samples(samples), purpose)
            for name, samples, purpose in (
                ("val_error", validation, Purpose.VALIDATION),
                ("test_error", test, Purpose.TEST),
            )
            if samples is not None and self.error is not None
        }
        if self.measured:
            for samples in (self.samples, *(s for s, _ in self.others.values())):
                samples.all_labels(simulator.network.target)
        self.record_every = integer("record_every", record_every)
        self.record_epochs = integer("record_epochs", record_epochs)
        self.evaluate_every = integer("evaluate_every", evaluate_every)
        self.measure_first = measure_first
        self._rows, self._probe = None, _Information(simulator)
        #: whether every epoch is one batch, always in the same order
        self._fixed = self.n_batches == 1 and not shuffle
        self._lessons = Lessons(simulator, self.samples, self._fixed)
        #: seconds that it takes again, and up to which epoch each is carried out by itself
        self._pace, self._singly = np.inf, 0
        with simulator.workers.engaged():
            self._wrong = simulator.kernels.xp.zeros(simulator.n_replicas, np.int64)
            simulator.reserve(self.samples, batch)
            if self.measured:
                target = simulator.network.target
                self._labels = self.samples.resident_labels(target, simulator.kernels)
            self._begin()

    @property
    def histories(self):
        """The simulator's history of each replica."""
        return self.simulator.histories

    @property
    def history(self):
        """The first replica's history."""
        return self.histories[0]

    @property
    def epoch(self):
        """The epoch that is under way; epoch 0 is before training."""
        return len(self.history)

    def _begin(self):
        self.simulator.begin_epoch(max(self.epoch - 1, 0))
        self.position = 0
        self._wrong.fill(0)
        self._seconds = 0.0
        self._probe.forget()
        self._rows = self._rows if self._fixed else None
        self.simulator.forget()
        if self.measured:
            self.simulator.readout.begin_epoch()

    def advance(self, last=None):
        """Train on one batch or, if the epoch's batches are done, measure and begin the next.

        Where epochs repeat one batch they may be carried out several at once, about a tenth of a
        second, as long as nothing is to be recorded or measured between them: to the same bits.

        last : the epoch with which these end at the latest; None carries each out by itself
        """
        with self.simulator.workers.engaged():
            if self.epoch == 0 and not self.measure_first:
                self._pass_over()
            elif self.position == self.n_batches:
                self._finish_epoch()
            elif (n := self._at_once(last)) > 1:
                self._train_several(n)
            else:
                self._train()

    def _train(self):
        began = time.perf_counter()
        sim = self.simulator
        repeats = self._repeats
        self._present()
        if repeats:
            self._pace = time.perf_counter() - began
        if self.measured:
            sim.count_wrong(self._labels, self._wrong)
        self.position += 1
        self._seconds += time.perf_counter() - began

    @property
    def _repeats(self):
        """Whether the next batch is the one that was just presented, and is learnt from alike."""
        known = self._fixed and self._rows is not None and self._lessons.again(self._rows)
        return bool(known) and not self._records(self.epoch)

    def _at_once(self, last):
        """How many epochs are carried out next, of which only the last has anything at its end."""
        if last is None or self.measured or self.epoch <= self._singly or not self._repeats:
            return 1
        most = int(min(last - self.epoch + 1, _AT_ONCE / self._pace))
        for n, epoch in enumerate(range(self.epoch, self.epoch + most)):
            if self._records(epoch):
                return n
            if self._evaluates(epoch):
                return n + 1
        return most

    def _train_several(self, n):
        """Train for n epochs, all but what follows the last one's batch.

        Whether numbers are still finite is asked once, since none becomes finite again. If not, or
        if this is interrupted, it is undone; then each epoch is carried out by itself.
        """
        began = time.perf_counter()
        sim, first, repetition = self.simulator, self.epoch, self._lessons.again(self._rows)
        learnt = [array for layer in sim.layers.values() for array in layer.numbers()]
        learnt += [array for r in range(sim.n_replicas) for array in sim.noted(r).values()]
        before = [array.copy() for array in learnt]
        updates = {layer.clock: layer.clock.updates for layer in sim.layers.values()}
        changing, ahead, in_force = self._changing(), [], []
        whole = False
        try:
            for epoch in range(first, first + n):
                sim.begin_epoch(epoch - 1)
                ahead.append(repetition.ahead(stream(Purpose.TRAIN, epoch)))
                in_force.append(_in_force(changing))
            repetition(ahead, self.position)
            whole = sim.not_finite() is None
        finally:
            if not whole:
                for array, values in zip(learnt, before, strict=True):
                    array[...] = values
                for clock, made in updates.items():
                    clock.updates = made
                sim.begin_epoch(first - 1)
                self._singly = first + n - 1
        if whole:
            repetition.later(n)
            self._pace = (time.perf_counter() - began) / n
            for one in in_force[:-1]:
                self._note({}, one, self._pace)
            self.position, self._seconds = self.n_batches, self._pace

    def _present(self):
        """Present the batch that is next."""
        sim, records = self.simulator, self._records(self.epoch)
        if self._rows is None:
            # the whole epoch's at once: nothing else is brought to the kernels until it ends
            orders = self._orders() if self.shuffle else np.arange(len(self.samples))
            self._rows = sim.rows(self.samples, orders)
            sim.look_ahead(self.n_batches)
        spans = [
            slice(i * self.batch, (i + 1) * self.batch) for i in (self.position, self.position + 1)
        ]
        rows, then = (self._rows[:, span] for span in spans)
        self._lessons(
            rows,
            stream(Purpose.TRAIN, self.epoch),
            self.position,
            learn=self.epoch > 0,
            probes=[self._probe] if records else [],
            then=then if then.size else None,
        )

    def _records(self, epoch):
        """Whether information is measured in the batch at this position of an epoch."""
        return epoch % self.record_epochs == 0 == self.position % self.record_every

    def _evaluates(self, epoch):
        """Whether validation and test errors are measured when an epoch ends."""
        return bool(self.others) and epoch % self.evaluate_every == 0

    def _orders(self):
        """A random order of the samples for this epoch, of each replica, (R, n)."""
        n, seeds = len(self.samples), self.simulator.seeds
        return np.array(
            [generator(seed, Purpose.SHUFFLE, self.epoch).permutation(n) for seed in seeds]
        )

    def check_epochs(self, last):
        """Raise if this epoch, or one before it, would learn nothing.

        Raises
        ------
        ConfigError : all that learns does so in closed form, in the first epoch
        """
        rules = [executor.rule for executor in self.simulator.executors.values()]
        if last > 1 and rules and all(rule.once for rule in rules):
            names = " and ".join(sorted({rule.name for rule in rules}))
            raise ConfigError(
                f"rule {names} learns in closed form, from all samples in the first epoch: there "
                f"can be 1 epoch, not {last}"
            )

    def check(self):
        """Raise unless all weights are finite.

        Raises
        ------
        DivergedError : naming layer, epoch and likely cause
        """
        name = self.simulator.not_finite()
        if name is None:
            return
        layer, _, what = name.partition("/")
        optimizer = at(
            self.simulator.network.layer(layer).optimizer, self.simulator[layer].clock.last
        )
        raise DivergedError(
            f"training diverged in epoch {self.epoch}: {what} of layer {layer!r} are no longer "
            f"finite; a smaller optimizer rate (it is {optimizer.rate:g}), weight decay "
            f"({optimizer.weight_decay:g}), goal or inputs may help"
        )

    def _finish_epoch(self):
        began = time.perf_counter()
        sim, n = self.simulator, len(self.samples)
        host = sim.kernels.host
        if self.epoch > 0:
            sim.conclude()
        self.check()
        if self.measured and sim.readout.learned:
            shown = max(_FEWEST, min(_MOST, n // 8))
            sim.decide_inversion(self.samples, self._orders()[:, :shown], self.epoch)
        errors = {"train_error": host(self._wrong) / n if self.measured else None}
        evaluated = self.others if self._evaluates(self.epoch) else {}
        for name, (samples, purpose) in evaluated.items():
            errors[name] = self.error(
                sim, samples, batch=self.batch, purpose=purpose, epoch=self.epoch
            )
        for name, total in self._probe.sums.items():
            layer = sim[name]
            values = atoms(host(total) / self._probe.count, len(layer.compartments))
            values = values.reshape(sim.n_replicas, layer.spec.size, -1)
            for r, history in enumerate(self.histories):
                for population, one in layer.spec.populations.items():
                    own = values[r, one.neurons]
                    history.atoms.setdefault(population, []).append(own)
                    goal = own @ layer.aim.goals[population][r].at(layer.clock.last).gamma
                    history.mean_goal.setdefault(population, []).append(float(goal.mean()))
        in_force = _in_force(self._changing())
        self._note(errors, in_force, self._seconds + time.perf_counter() - began)
        self._begin()

    def _pass_over(self):
        """End epoch 0 with nothing measured."""
        for layer in self.simulator.network.layers:
            for name in layer.populations if layer.has_goal else ():
                for history in self.histories:
                    history.atoms[name], history.mean_goal[name] = [], []
        self._note({}, _in_force(self._changing()), 0.0)
        self._begin()

    def _changing(self):
        """Of each replica, the layers whose numbers in force are to be noted."""
        layers = list(self.simulator.layers.values())
        changing = [layer for layer in layers if layer.changes]
        return [layers if history.in_force else changing for history in self.histories]

    def _note(self, errors, in_force, seconds):
        """Add to the histories what there is of an epoch beside its information."""
        for r, history in enumerate(self.histories):
            for name in _ERRORS:
                error = errors.get(name)
                getattr(history, name).append(np.nan if error is None else float(error[r]))
            for values in history.mean_goal.values():
                if len(values) == len(history):
                    values.append(np.nan)
            history.note(in_force[r])
            history.seconds.append(seconds)

    # -- exact resume ----------------------------------------------------------------------------

    def state(self, replica=0):
        """Everything a replica needs to go on from here to the same bits: name -> array.

        It is what the replica would leave if it were trained alone.
        """
        h, sim = self.histories[replica], self.simulator
        host = sim.kernels.host
        state = {f"network/{k}": np.array(host(a)) for k, a in sim.arrays(replica).items()}
        for name, layer in sim.layers.items():
            state[f"updates/{name}"] = np.array(layer.clock.updates)
            for population, goal in layer.aim.set_by_hand(replica).items() if layer.aim else ():
                state[f"set_goal/{population}"] = np.array(json.dumps(written(goal)))
        for name, array in sim.noted(replica).items():
            state[f"rule/{name}"] = np.array(host(array))
        for name, layer in sim.layers.items():
            if layer.carried is not None:
                rows = slice(replica * layer.spec.size, (replica + 1) * layer.spec.size)
                state[f"carried/{name}"] = np.array(host(layer.carried)[:, rows])
        wrong = int(host(self._wrong)[replica])
        state["progress"] = np.array([self.epoch, self.position, wrong, self._probe.count])
        state["seconds"] = np.array([*h.seconds, self._seconds])
        state["errors"] = np.array([h.train_error, h.val_error, h.test_error], np.float64)
        for name, total in self._probe.sums.items():
            size = sim[name].spec.size
            state[f"sums/{name}"] = np.array(host(total)[replica * size : (replica + 1) * size])
        if self.measured and sim.readout.learned:
            state["agreement"] = np.array(host(sim.readout.agreement)[sim.readout.rows(replica)])
        for name in h.atoms:
            state[f"atoms/{name}"] = np.array(h.atoms[name])
            state[f"goal/{name}"] = np.array(h.mean_goal[name])
        for name, values in h.in_force.items():
            state[f"in_force/{name}"] = np.array(values)
        return state

    def restore(self, *states):
        """Go on from what `state` returned, of each replica.

        Raises
        ------
        CheckpointError : not one state for each replica, or of different moments
        """
        sim = self.simulator
        moments = [tuple(map(int, state["progress"][:2])) for state in states]
        if len(states) != sim.n_replicas or len(set(moments)) != 1:
            at = ", ".join(f"epoch {epoch}, batch {batch}" for epoch, batch in moments) or "none"
            raise CheckpointError(
                f"{sim.n_replicas} replica(s) need as many states of the same moment, were {at}"
            )
        first = states[0]
        resident = sim.kernels.resident
        names = [key.removeprefix("network/") for key in first if key.startswith("network/")]
        sim.set_arrays(*({name: state[f"network/{name}"] for name in names} for state in states))
        if sim.arrays().keys() - names:
            raise KeyError(f"no {min(sim.arrays().keys() - names)}")
        for name, layer in sim.layers.items():
            layer.clock.updates = int(first[f"updates/{name}"])
            if layer.aim:
                goals = _goals(states, layer.aim.described)
                if goals != layer.aim.goals:
                    layer.aim.set(goals)
        for replica, state in enumerate(states):
            for name, array in sim.noted(replica).items():
                check_array(name, state[f"rule/{name}"], array)
                array[...] = resident(state[f"rule/{name}"])
        progress = np.array([state["progress"] for state in states])
        epoch, position, _, count = map(int, progress[0])
        histories = [_history(state) for state in states]
        if not 0 <= position <= self.n_batches or {len(one) for one in histories} != {epoch}:
            raise ValueError(f"epoch {epoch}, batch {position} of {self.n_batches} cannot be")
        sim.histories[:] = histories
        self._begin()
        self.position, self._probe.count = position, count
        self._wrong[...] = resident(progress[:, 2])
        self._seconds = float(first["seconds"][-1])
        for key in first:
            kind, _, name = key.partition("/")
            if kind == "sums":
                self._probe.sums[name] = self._joined(states, key, sim[name].information)
        for name, layer in sim.layers.items() if sim.network.carry and position else ():
            depth = min(layer.longest_delay, position * sim.network.steps)
            shape = depth, layer.biases.shape[1], self.batch
            like = np.broadcast_to(layer.off, shape)
            layer.carried = self._joined(states, f"carried/{name}", like, axis=1)
        if self.measured and sim.readout.learned:
            agreement = sim.readout.agreement
            agreement[...] = self._joined(states, "agreement", agreement)

    def _joined(self, states, key, like, axis=0):
        """An array of all replicas in one, where the kernels are, if it is shaped like `like`."""
        joined = np.concatenate([state[key] for state in states], axis)
        check_array(key, joined, like)
        return self.simulator.kernels.resident(joined)


def _in_force(changing):
    """What `LayerState.in_force` says now, of each replica's layers."""
    return [
        [one for layer in layers for one in layer.in_force(replica)]
        for replica, layers in enumerate(changing)
    ]


def _goals(states, described):
    """A layer's goals in what `Training.state` returned: as described, or as set by hand."""
    return {
        population: tuple(
            goal_of(json.loads(str(state[f"set_goal/{population}"])), goal.sources)
            if f"set_goal/{population}" in state
            else goal
            for state, goal in zip(states, own, strict=True)
        )
        for population, own in described.items()
    }


def _history(state):
    """The History in what `Training.state` returned."""
    errors = [list(map(float, row)) for row in state["errors"]]
    history = History(*errors, list(map(float, state["seconds"][:-1])))
    for key, value in state.items():
        kind, _, name = key.partition("/")
        if kind == "atoms":
            history.atoms[name] = list(value)
        elif kind == "goal":
            history.mean_goal[name] = list(map(float, value))
        elif kind == "in_force":
            history.in_force[name] = list(map(float, value))
    return history
