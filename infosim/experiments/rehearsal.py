"""What a run would be: where it goes, how large it is and how long it takes. Nothing is written.

All that a start checks is checked, and a few batches and an evaluation are carried out and timed.
"""

import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from infosim.bench.timing import peak_memory
from infosim.experiments import directory, run, store
from infosim.kernels import backend as backends

#: Seconds that batches are timed for, at least one of each kind, and batches at most.
SECONDS, BATCHES = 0.5, 50


@dataclass(frozen=True)
class Times:
    """How long a training takes, in seconds; compilation and pictures come on top.

    batch : of one batch, the mean of an epoch; evaluation : of what is measured after an epoch, the
        mean of many; epoch : both together; epochs : that are left; total : of these
    """

    batch: float
    evaluation: float
    epoch: float
    epochs: int
    total: float


@dataclass(frozen=True)
class Rehearsal:
    """What was found out: `lines` in words, and the `Times`.

    out : where the run would go; memory : the most this process has had, in MB, nan if unknown
    """

    out: Path
    lines: tuple[str, ...]
    times: Times
    memory: float


def rehearse(experiment, out=None, *, threads=None, backend="cpu", resume=False, force=False):
    """Find out what `train` with these arguments would do; a `Rehearsal`.

    Raises
    ------
    as `train`
    """
    out = Path(out) if out is not None else run.default_directory(experiment)
    backend, dataset = backends.resolve(backend), experiment.dataset()
    training, _, test = run.prepared([experiment], dataset, backend, threads)
    store.check_free(out)
    run.enter([out], [experiment.config], training, resume, force)
    there, begun = directory.files_in(out), (training.epoch, training.position)
    checkpoint = _checkpoint(training, experiment.config["training"]["epochs"])
    times = times_of(training, experiment.config["training"]["epochs"])
    memory = peak_memory()
    lines = [
        f"{experiment.name} on {dataset.name}, seed {training.simulator.seed}: a dry run, nothing "
        f"is written",
        f"the run would {_place(out, there, resume, *begun)}",
        *_sizes(training),
        *_samples(training, test),
        f"memory: {_memory(training, memory)}; a checkpoint grows to {_megabytes(checkpoint)}",
        *_words(times),
    ]
    return Rehearsal(out, tuple(lines), times, memory)


def _place(out, there, resume, epoch, position):
    """Where a run would go and what it would find there, in words."""
    if not there:
        return f"begin in {out}, where there is none"
    if not resume:
        return f"take the place of the run in {out}"
    if not epoch + position:
        return f"begin in {out}, where one was begun but not saved"
    return f"go on in {out}, {f'in epoch {epoch}' if position else f'after epoch {epoch - 1}'}"


def _sizes(training):
    """A line for each layer, and one for the weights of all."""
    simulator = training.simulator
    numbers = {True: 0, False: 0}  # whether they learn -> how many
    for layer in simulator.layers.values():
        reads = [
            f"{one.name} reads {' + '.join(_source(simulator, c) for c in one.connections)}"
            for one in layer.spec.compartments
        ]
        neurons = _count(layer.spec.size, "neuron")
        cells = f"; {_product(layer.bins_of)} bins" if layer.spec.has_goal else ""
        yield f"layer {layer.spec.name}: {neurons}, {', '.join(reads)}{cells}"
        learns = layer.spec.name in simulator.network.learning
        for compartment in layer.compartments:
            for c in compartment.connections:
                numbers[learns and c.trainable] += c.arrays.weights.size
            if compartment.spec.bias:
                numbers[learns and bool(compartment.trained)] += layer.spec.size
    yield f"weights and biases: {numbers[True]} that learn, {numbers[False]} that do not"


def _source(simulator, connection):
    return f"{connection.source} ({simulator.network.size(connection.source)})"


def _product(factors):
    if len(factors) == 1:
        return str(*factors)
    return f"{' x '.join(map(str, factors))} = {math.prod(factors)}"


def _samples(training, test):
    """A line on samples and batches."""
    others = {"validation": training.others.get("val_error"), "test": (test,)}
    words = [f"{len(one[0])} for {name}" for name, one in others.items() if one]
    n, batch, batches = len(training.samples), training.batch, training.n_batches
    in_batches = f"in {batches} batches of {batch}" if batches > 1 else "in one batch"
    yield f"samples: {n} {in_batches}, {', '.join(words)}"


def _checkpoint(training, epochs):
    """How large a checkpoint is after so many epochs, in MB; those recorded add their atoms."""
    left = -(-max(epochs + 1 - training.epoch, 0) // training.record_epochs)
    atoms = [one.information.nbytes for one in training.simulator.layers.values() if one.aim]
    now = sum(array.nbytes for array in training.state().values())
    return (now + left * sum(atoms)) / 2**20


def _memory(training, memory):
    """The memory that was taken, in words."""
    found = []
    if memory == memory:  # not nan
        found.append(f"{_megabytes(memory)} of this process at most, libraries among it")
    pool = getattr(training.simulator.kernels.xp, "get_default_memory_pool", None)
    if pool is not None:
        found.append(f"{_megabytes(pool().total_bytes() / 2**20)} of the GPU")
    return ", ".join(found) or "not known"


def times_of(training, epochs):
    """The `Times` of a training up to this epoch. It is trained on: nothing is needed of it later.

    Of epochs that are carried out several at once, only the last has anything measured after it.
    """
    begun = training.epoch or not training.measure_first  # the first epoch takes nothing
    left = epochs + 1 - max(training.epoch, int(begun)) - training.position / training.n_batches
    if left <= 0:
        return Times(0.0, 0.0, 0.0, 0, 0.0)
    if not training.epoch:  # as if the first epoch, which does not learn, were over
        for history in training.histories:
            history.seconds.append(0.0)
    every = training.evaluate_every
    batch, at_once = _time_of_batches(training)
    without, with_ = (_time_of_end(training, due) for due in (False, True))
    evaluation = max(with_ - without, 0.0) / every + (0.0 if at_once else without)
    epoch = batch * training.n_batches + evaluation
    return Times(batch, evaluation, epoch, math.ceil(left), left * epoch)


def _time_of_batches(training):
    """Seconds of a batch, the mean of those in which information is recorded and of others.

    And whether epochs are carried out several at once.
    """
    n, every, epochs = training.n_batches, training.record_every, training.record_epochs
    training.position, training.record_epochs = 0, 1  # to see what it takes
    for _ in range(min(n, 3)):  # to compile, and to record what is played from then on
        training.advance()
    training.position = 0
    took = {True: [], False: []}
    for _ in _for_a_while():
        recorded = training.position % every == 0
        took[recorded].append(_seconds(training))
        if training.position == n:
            training.position = 0
    at_once = False
    if epochs > 1 and not took[False]:
        took[False], at_once = _unrecorded(training)
    training.record_epochs = epochs
    of = {kind: median(some or took[not kind]) for kind, some in took.items()}
    share = -(-n // every) / n / epochs
    return share * of[True] + (1 - share) * of[False], at_once


def _unrecorded(training):
    """Seconds of batches of which nothing is recorded, and whether epochs are made at once."""
    every, took, at_once = training.evaluate_every, [], False
    training.record_epochs = training.evaluate_every = sys.maxsize
    for _ in _for_a_while():
        training.position, before = 0, training.epoch
        seconds = _seconds(training, sys.maxsize)
        took.append(seconds / (training.epoch - before + 1))
        at_once |= training.epoch > before
    training.evaluate_every = every
    return took, at_once and (every > 1 or not training.others)


def _for_a_while():
    """Once at least, then until `SECONDS` are over or there were `BATCHES`."""
    began = time.perf_counter()
    for made in range(BATCHES):
        if made and time.perf_counter() - began > SECONDS:
            break
        yield


def _time_of_end(training, evaluates):
    """Seconds of what follows an epoch's batches; the second time, if the first is not long."""
    for _ in range(2):
        training.evaluate_every = 1 if evaluates else training.epoch + 1
        training.position = training.n_batches
        took = _seconds(training)
        if took > SECONDS:
            break
    return took


def _seconds(training, last=None):
    """Seconds of what `advance` does next, until all of it is done."""
    simulator = training.simulator
    began = time.perf_counter()
    training.advance(last)
    for layer in simulator.layers.values():
        simulator.kernels.host(layer.rates)  # what a GPU was told to do before is done
    return time.perf_counter() - began


def _words(times):
    """The lines on time."""
    if not times.epochs:
        yield "time: none, all epochs are trained"
        return
    yield (
        f"time: {_duration(times.epoch)} an epoch, {_duration(times.batch)} a batch and "
        f"{_duration(times.evaluation)} what is measured after them"
    )
    yield f"in all {_duration(times.total)} for {_count(times.epochs, 'epoch')}"


def _duration(seconds):
    """A time in a unit that suits it."""
    if seconds < 1:
        return f"{1e3 * seconds:.3g} ms"
    if seconds < 100:
        return f"{seconds:.3g} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def _megabytes(n):
    return f"{n:.3g} MB" if n < 1000 else f"{n / 1024:.3g} GB"


def _count(n, what):
    return f"{n} {what}{'s' * (n != 1)}"
