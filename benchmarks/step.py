"""One training step against its own matrix products: `python -m benchmarks.step`.

Both are timed in one process in alternating groups of ten, after warm-up, on random inputs shaped
like MNIST. The products are those the step makes, with BLAS free to use all threads; after them
there is a pause, because idle BLAS threads keep their cores busy for a while. Medians over all.
"""

import resource
import time

import click
import numpy as np
from threadpoolctl import threadpool_limits

from infosim.datasets import Dataset
from infosim.engine import Simulator
from infosim.experiments import Experiment


def _random_mnist(rng, n):
    x = rng.integers(0, 256, (n, 784), dtype=np.uint8)
    return Dataset("random", x, rng.integers(0, 10, n), x, rng.integers(0, 10, n), 10, (28, 28), "")


def products(simulator, values):
    """The matrix products of one training step, as closures without arguments.

    Held inputs are multiplied once, lateral inputs once (they are silent at the first step).
    """
    calls = []
    rng = np.random.default_rng(0)
    for layer in simulator.layers.values():
        n, b = layer.spec.size, next(iter(values.values())).shape[1]
        for compartment in layer.compartments:
            if compartment.index is not None:
                continue
            source = compartment.spec.source
            x = values.get(source)
            if x is None:
                x = np.sign(rng.standard_normal((simulator.network.size(source), b)))
                x = x.astype(np.float32)
            w = np.ascontiguousarray(compartment.weights)
            u, delta, g = (
                np.empty((n, b), np.float32),
                np.ones((n, b), np.float32),
                np.empty_like(w),
            )
            calls.append(lambda w=w, x=x, u=u: np.dot(w, x, out=u))
            if compartment.trainable:
                calls.append(lambda d=delta, x=x, g=g: np.dot(d, x.T, out=g))
    return calls


def measure(preset, neurons, batch, threads, rounds):
    """Median seconds of a step and of its products, the step's spread and the peak memory in MB."""
    overrides = ["data.validation=0"] + ([f"layers.hidden.size={neurons}"] if neurons else [])
    experiment = Experiment.load(preset, overrides)
    dataset = _random_mnist(np.random.default_rng(0), 4 * batch)
    simulator = Simulator(experiment.network(dataset), threads=threads)
    samples, _, _ = experiment.samples(dataset)

    def step(i):
        positions = np.arange(i % 4 * batch, (i % 4 + 1) * batch)
        inputs, outputs = simulator.batch(samples, positions)
        simulator.present(inputs, outputs, learn=True, batch=i)
        simulator.run()
        return inputs

    calls = products(simulator, step(0))

    def multiply(i):
        for call in calls:
            call()

    steps, matmuls = [], []
    for _ in range(rounds):
        steps += _timed(step)
        with threadpool_limits(threads, user_api="blas"):
            matmuls += _timed(multiply)
        time.sleep(0.2)
    return {
        "step": np.median(steps),
        "spread": np.subtract(*np.percentile(steps, [75, 25])),
        "products": np.median(matmuls),
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _timed(function):
    """Seconds of ten calls, after two that are not counted."""
    times = []
    for i in range(12):
        began = time.perf_counter()
        function(i)
        times.append(time.perf_counter() - began)
    return times[2:]


@click.command()
@click.option("--preset", default="iclr/trivariate-optimized", show_default=True)
@click.option("--neurons", default="100", show_default=True, help="Comma-separated sizes.")
@click.option("--batch", default=1024, show_default=True)
@click.option("--threads", default=2, show_default=True)
@click.option("--rounds", default=5, show_default=True, help="Groups of ten of each.")
def main(preset, neurons, batch, threads, rounds):
    """Print a table of step times."""
    click.echo(f"{preset}, batch {batch}, {threads} thread(s), medians of {10 * rounds}")
    click.echo("neurons  step ms (IQR)      its products ms  ratio  peak memory MB")
    for n in map(int, neurons.split(",")):
        m = measure(preset, n, batch, threads, rounds)
        click.echo(
            f"{n:7d}  {1e3 * m['step']:7.2f} ({1e3 * m['spread']:.2f}) {1e3 * m['products']:18.2f} "
            f"{m['step'] / m['products']:6.2f}  {m['peak']:.0f}"
        )


if __name__ == "__main__":
    main()
