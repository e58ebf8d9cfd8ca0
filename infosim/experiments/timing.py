"""How long a training step takes and what it spends its time on, beside its own matrix products.

`infosim bench` prints the short form; `python -m benchmarks.step` makes the tables and figures of
docs/performance.md.
"""

import sys
import time
from dataclasses import dataclass

import numpy as np
from threadpoolctl import ThreadpoolController

from infosim.datasets import Dataset
from infosim.engine import Simulator
from infosim.kernels import backend

#: The parts of a step and the kernels that do them; what is left is the event loop and Python.
PARTS = {
    "gather": ("take_scaled", "take_one_hot"),
    "project": ("project", "project_sparse", "silence"),
    "activate": ("activate",),
    "score": ("bin_potentials", "score"),
    "chain": ("chain",),
    "accumulate": ("accumulate", "accumulate_sparse"),
    "update": ("adam", "sgd"),
}
#: What is timed for neurons of two and of three compartments.
PRESETS = {2: "iclr/bivariate-lateral-optimized", 3: "iclr/trivariate-optimized"}
_PART_OF = {kernel: part for part, kernels in PARTS.items() for kernel in kernels}
_FACTORIES = ("activate", "chain")


class Stopwatch:
    """The kernels of a backend, each adding the time of its calls to `seconds` by part.

    Meant for one thread: with more, parts add up to more than the wall time.
    """

    def __init__(self, kernels):
        self._kernels = kernels
        self.seconds = dict.fromkeys(PARTS, 0.0)

    def reset(self):
        """Start from zero."""
        self.seconds.update(dict.fromkeys(PARTS, 0.0))

    def __getattr__(self, name):
        function = getattr(self._kernels, name)
        if name in _FACTORIES:
            return lambda *arguments: self._timed(name, function(*arguments))
        timed = self._timed(name, function) if name in _PART_OF else function
        setattr(self, name, timed)
        return timed

    def _timed(self, name, function):
        part, seconds, now = _PART_OF[name], self.seconds, time.perf_counter

        def timed(*arguments):
            began = now()
            function(*arguments)
            seconds[part] += now() - began

        return timed


class Step:
    """Training steps of an experiment, one call each.

    Parameters
    ----------
    experiment : Experiment
    dataset : Dataset; `noise(...)` has the shape of MNIST and needs no download
    threads : None takes every CPU
    stopwatch : time each kernel, in `self.stopwatch.seconds`
    """

    def __init__(self, experiment, dataset, threads=None, stopwatch=False):
        kernels = backend.load("cpu")
        self.stopwatch = Stopwatch(kernels) if stopwatch else None
        self.simulator = Simulator(
            experiment.network(dataset), self.stopwatch or kernels, 0, threads
        )
        self.samples, _, _ = experiment.samples(dataset)
        self.batch = experiment.config["training"]["batch"]
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
        self.inputs, outputs = self.simulator.batch(self.samples, self._positions)
        self.simulator.present(self.inputs, outputs, learn=True, batch=self._number)
        self.simulator.run()
        self._number += 1


class Products:
    """The matrix products of a `Step`, one call for all of them, by BLAS on as many threads.

    They are those that the step needs: inputs held over the presentation are multiplied once,
    delayed sources once (they are silent at the first step), frozen weights get no gradient.
    """

    def __init__(self, step):
        rng = np.random.default_rng(0)
        simulator = step.simulator
        self._blas = ThreadpoolController().select(user_api="blas")
        self._threads = simulator.workers.n_threads
        self._calls = []
        for layer in simulator.layers.values():
            n, b, dtype = layer.spec.size, step.batch, simulator.dtype
            for compartment in layer.compartments:
                if compartment.index is not None:
                    continue
                source = compartment.spec.source
                x = step.inputs.get(source)
                if x is None:
                    x = np.sign(rng.standard_normal((simulator.network.size(source), b)))
                    x = x.astype(dtype)
                w = compartment.weights.copy()
                self._calls.append((w, x, np.empty((n, b), dtype)))
                if compartment.trainable:
                    self._calls.append((np.ones((n, b), dtype), x.T, np.empty_like(w)))

    def __call__(self):
        """Multiply."""
        with self._blas.limit(limits=self._threads):
            for a, b, out in self._calls:
                np.matmul(a, b, out=out)

    @property
    def operations(self):
        """Floating-point operations of one call."""
        return sum(2 * a.shape[0] * a.shape[1] * b.shape[1] for a, b, _ in self._calls)


def noise(n, seed=0):
    """A Dataset of `n` random images and labels, shaped like MNIST."""
    rng = np.random.default_rng(seed)
    x, labels = rng.integers(0, 256, (n, 784), dtype=np.uint8), rng.integers(0, 10, n)
    return Dataset("noise", x, labels, x, labels, 10, (28, 28), "")


def alternate(calls, rounds=5, group=10, pause=0.2):
    """Time several functions side by side in one process.

    Each is called in groups of `group` after two calls that do not count, in turn, `rounds` times;
    after each group there is a pause of `pause` seconds, because idle BLAS and OpenMP threads keep
    their cores busy for a while.

    Parameters
    ----------
    calls : name -> function without arguments

    Returns
    -------
    name -> seconds, (rounds * group,)
    """
    seconds = {name: [] for name in calls}
    for _ in range(rounds):
        for name, function in calls.items():
            for i in range(group + 2):
                began = time.perf_counter()
                function()
                if i > 1:
                    seconds[name].append(time.perf_counter() - began)
            time.sleep(pause)
    return {name: np.array(values) for name, values in seconds.items()}


@dataclass(frozen=True)
class Timing:
    """What `measure` found: medians in seconds, quartiles, shares of one thread's step.

    threads : how many; step, quartiles : of one step on as many
    products, operations : its matrix products, likewise, and their floating-point operations
    parts : part of a step (`PARTS` and "event loop") -> median seconds, on one thread
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


def measure(experiment, dataset=None, *, threads=None, warm_up=20, rounds=5, others=None):
    """Time an experiment's training step, beside its matrix products.

    Parameters
    ----------
    experiment : Experiment
    dataset : Dataset, or None for noise
    threads : None takes every CPU
    warm_up : steps before; neurons differentiate as they learn, so their cells become more
    rounds : groups of ten calls of each
    others : function of the Step -> further functions to time in turn, by name

    Returns
    -------
    Timing, and name -> seconds of each call of `others`
    """
    dataset = noise(4096) if dataset is None else dataset
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
        _occupied(step.simulator),
    )
    return timing, seconds


def peak_memory():
    """The largest memory this process has had, in MB; nan where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return float("nan")
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _split(experiment, dataset, warm_up, n):
    """Median seconds of each part of a step on one thread."""
    step = Step(experiment, dataset, 1, stopwatch=True)
    for _ in range(warm_up):
        step()
    rows = []
    with step.simulator.workers.single_threaded_blas():
        for _ in range(n):
            step.draw()
            step.stopwatch.reset()
            began = time.perf_counter()
            step.train()
            whole = time.perf_counter() - began
            parts = step.stopwatch.seconds
            rows.append({**parts, "event loop": whole - sum(parts.values())})
    return {part: float(np.median([row[part] for row in rows])) for part in rows[0]}


def _occupied(simulator):
    """Mean number of occupied tuples of bins over the neurons of the first layer."""
    layer = next(iter(simulator.layers.values()))
    bins = layer.bins(simulator.workers).astype(np.int64)
    keys = np.ravel_multi_index(tuple(bins), tuple(layer.n_bins))
    return float(np.mean([len(np.unique(row)) for row in keys]))
