"""How long a training step takes and what it spends its time on, beside its own matrix products.

`infosim bench` prints the short form; `python -m benchmarks.step` makes the tables and figures of
docs/performance.md.
"""

import os
import sys
import time
from dataclasses import dataclass

import numpy as np
from threadpoolctl import ThreadpoolController

from infosim.datasets import Dataset
from infosim.engine import Simulator
from infosim.engine.lessons import Lessons
from infosim.kernels import backend
from infosim.kernels.contract import KERNELS, STAGES
from infosim.kernels.workers import available
from infosim.machine.randomness import Purpose
from infosim.machine.sparse import Remainder

#: What is timed for neurons of two, three and four compartments.
PRESETS = {
    2: "iclr/bivariate-lateral-optimized",
    3: "iclr/trivariate-optimized",
    4: "demo/tetravariate",
}
#: Distance of the quartiles, in units of the median, above which a time means little.
_SPREAD = 0.2


class _Wrapped:
    """The kernels of a backend, each handed to `wrap(stage, function)`, which returns another."""

    def __init__(self, kernels, wrap):
        self._kernels, self._wrap = kernels, wrap

    def __getattr__(self, name):
        function = getattr(self._kernels, name)
        if name not in KERNELS or KERNELS[name].stage is None:
            return function
        stage = KERNELS[name].stage
        if KERNELS[name].made_of:
            return lambda *arguments: self._wrap(stage, function(*arguments))
        return self._wrap(stage, function)


class Step:
    """Training steps of an experiment, one call each.

    Parameters
    ----------
    experiment : Experiment
    dataset : Dataset; `noise(...)` has the shape of MNIST and needs no download
    threads : None takes every CPU
    kernels : the backend, by name or as an object
    replicas : trained side by side
    """

    def __init__(self, experiment, dataset, threads=None, kernels="cpu", replicas=1):
        self.simulator = Simulator(experiment.network(dataset), kernels, range(replicas), threads)
        self.samples, _, _ = experiment.samples(dataset)
        self.batch = experiment.config["training"]["batch"]
        self._lessons = Lessons(self.simulator, self.samples)
        self._rng = np.random.default_rng(0)
        self._number = 0

    def __call__(self):
        """Train on a random batch."""
        self.draw()
        self.train()

    def draw(self):
        """Choose a random batch."""
        self._positions = self._rng.integers(len(self.samples), size=self.batch)

    def train(self):
        """Train on the batch that was drawn."""
        simulator = self.simulator
        with simulator.workers.engaged():
            self.learn(simulator.rows(self.samples, self._positions))

    def learn(self, rows, then=None):
        """Train on the samples in these rows; then : those that come next."""
        with self.simulator.workers.engaged():
            self._lessons(rows, Purpose.FREE, self._number, then=then)
        self.inputs, _ = self.simulator.gathered
        self._number += 1


class Products:
    """The matrix products of a `Step`, one call for all of them, by BLAS on as many threads.

    They are those that the step needs: inputs held over the presentation are multiplied once,
    delayed sources once (they are silent at the first step), frozen weights get no gradient.
    """

    def __init__(self, step):
        rng = np.random.default_rng(0)
        simulator = step.simulator
        kernels, dtype = simulator.kernels, simulator.dtype
        self._blas = ThreadpoolController().select(user_api="blas")
        self._threads = simulator.workers.n_threads
        self.calls = []
        for layer in simulator.layers.values():
            n, b, replicas = layer.spec.size, step.batch, simulator.n_replicas
            for _, connection in layer.connections:
                if connection.index is not None:
                    continue
                source = connection.spec.source
                x = step.inputs.get(source)
                if isinstance(x, Remainder):
                    x = np.asarray(x)
                if x is None:
                    x = np.sign(rng.standard_normal((replicas, simulator.network.size(source), b)))
                    x = kernels.resident(x.astype(dtype))
                w = kernels.resident(connection.weights.reshape(replicas, n, -1).copy())
                u = kernels.xp.ones((replicas, n, b), dtype)
                self.calls.append((kernels.project, (w, x, u)))
                if connection.trainable:
                    self.calls.append((kernels.accumulate, (u.copy(), x, w.copy())))

    def __call__(self):
        """Multiply."""
        with self._blas.limit(limits=self._threads):
            for function, arguments in self.calls:
                function(*arguments)

    @property
    def operations(self):
        """Floating-point operations of one call."""
        return sum(2 * w.shape[2] * u.size for _, (w, _, u) in self.calls)


def noise(n, seed=0):
    """A Dataset of `n` random images and labels, shaped like MNIST."""
    rng = np.random.default_rng(seed)
    x, labels = rng.integers(0, 256, (n, 784), dtype=np.uint8), rng.integers(0, 10, n)
    return Dataset("noise", x, labels, x, labels, 10, (28, 28), "")


def alternate(calls, rounds=5, group=10, warm_up=0.15, pause=0.2):
    """Time several functions side by side in one process.

    Each is called in groups of `group` calls, in turn, `rounds` times. Before a group there is a
    pause of `pause` seconds, because idle BLAS and OpenMP threads keep their cores busy for a
    while, and then `warm_up` seconds (two calls or more) that do not count, because after a pause
    it takes the system a while to put two threads on two cores again.

    Parameters
    ----------
    calls : name -> function without arguments

    Returns
    -------
    name -> seconds, (rounds * group,)
    """
    now = time.perf_counter
    seconds = {name: [] for name in calls}
    for _ in range(rounds):
        for name, function in calls.items():
            time.sleep(pause)
            until = now() + warm_up
            function()
            function()
            while now() < until:
                function()
            for _ in range(group):
                began = now()
                function()
                seconds[name].append(now() - began)
    return {name: np.array(values) for name, values in seconds.items()}


@dataclass(frozen=True)
class Timing:
    """What `measure` found: medians in seconds, quartiles, shares of one thread's step.

    threads : how many; step, quartiles : of one step on as many
    products, operations : its matrix products, likewise, and their floating-point operations
    parts : part of a step (`contract.STAGES` and "event loop") -> median seconds, on one thread
    peak : largest memory of the process when it had done the steps, MB
    cells : occupied tuples of bins, mean over the neurons of the first layer
    """

    threads: int
    step: float
    quartiles: tuple[float, float]
    products: float
    operations: int
    parts: dict
    peak: float
    cells: float

    @property
    def ratio(self):
        """The step's time in units of its own matrix products'."""
        return self.step / self.products

    @property
    def speed(self):
        """Floating-point operations per second of the matrix products."""
        return self.operations / self.products


def measure(experiment, dataset, *, threads=None, warm_up=20, rounds=5, others=None):
    """Time an experiment's training step, beside its matrix products.

    Parameters
    ----------
    experiment : Experiment
    dataset : Dataset
    threads : None takes every CPU
    warm_up : steps before; neurons differentiate as they learn, so their cells become more
    rounds : groups of ten calls of each
    others : function of the Step -> further functions to time in turn, by name

    Returns
    -------
    Timing, and name -> seconds of each call of `others`
    """
    step = Step(experiment, dataset, threads)
    for _ in range(warm_up):
        step()
    peak = peak_memory()
    split = _split(experiment, dataset, warm_up, 10 * rounds)
    products = Products(step)
    seconds = alternate(
        {"step": step, "products": products, **(others(step) if others else {})}, rounds
    )
    steps = seconds.pop("step")
    timing = Timing(
        step.simulator.workers.n_threads,
        float(np.median(steps)),
        tuple(np.percentile(steps, [25, 75])),
        float(np.median(seconds.pop("products"))),
        products.operations,
        split,
        peak,
        occupied(step.simulator),
    )
    return timing, seconds


def load():
    """Processes that want a CPU, the mean of a minute; nan where the system does not tell."""
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):  # Windows
        return float("nan")


def doubts(timing, before):
    """Why not to trust a Timing, in words; none on an idle machine.

    before : `load` before it was measured
    """
    found, cpus = [], available()
    if before + timing.threads > cpus + 0.5:
        found.append(f"other work wants {before:.1f} of {cpus} CPUs")
    low, high = timing.quartiles
    if high - low > _SPREAD * timing.step:
        found.append(f"half of all steps differ by {(high - low) / timing.step:.0%}")
    return found


def peak_memory():
    """The largest memory this process has had, in MB; nan where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return float("nan")
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _split(experiment, dataset, warm_up, n):
    """Median seconds of each part of a step on one thread, of `n` steps.

    The event loop's are those of a step whose kernels do nothing: all that is not done in a kernel,
    the call of every kernel included.
    """
    now = time.perf_counter
    seconds = dict.fromkeys(STAGES, 0.0)

    def clocked(part, function):
        def call(*arguments):
            began = now()
            function(*arguments)
            seconds[part] += now() - began

        return call

    step = Step(experiment, dataset, 1, _Wrapped(backend.load("cpu"), clocked))
    empty = Step(experiment, dataset, 1, idle())
    rows = []
    for i in range(-warm_up, n):
        for part in seconds:
            seconds[part] = 0.0
        step()
        if i >= 0:
            rows.append(dict(seconds))
    for i in range(-warm_up, n):
        empty.draw()
        began = now()
        empty.train()
        if i >= 0:
            rows[i]["event loop"] = now() - began
    return {part: float(np.median([row[part] for row in rows])) for part in rows[0]}


def idle():
    """A backend whose kernels do nothing in a step, to see what else it takes."""
    return _Wrapped(backend.load("cpu"), lambda part, function: lambda *arguments: None)


def occupied(simulator):
    """Mean number of occupied tuples of bins over the neurons of the first layer."""
    name, layer = next(iter(simulator.layers.items()))
    bins = simulator.bins(name).astype(np.int64)
    keys = np.ravel_multi_index(tuple(bins), tuple(layer.bins_of))
    return float(np.mean([len(np.unique(row)) for row in keys]))
