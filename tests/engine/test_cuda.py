"""Whole networks on the cuda backend: as on the CPU, with the same random numbers.

On Numba's simulator; with INFOSIM_TEST_GPU=1 on a GPU.
"""

import dataclasses
import importlib.util

import device
import numpy as np
import pytest

from infosim.engine import Samples, Simulator, Training
from infosim.kernels import backend, cublas
from infosim.network import SGD, Adam, Compartment, Layer, Network
from infosim.neuron import Activation, Binning

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("numba_cuda") is None, reason="needs numba-cuda"
)
N_IN, N_CLASSES = 5, 3
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (40, N_IN), dtype=np.uint8)
LABELS = RNG.integers(0, N_CLASSES, 40)
GOAL = "{F}{C} - 0.3 {F} + 0.1 {F}{C}{L} - 0.2 {FC}{FL}{CL}"
#: With the usual ε Adam makes a whole step of the rounding errors of a gradient that vanishes.
STEADY = Adam(0.05, epsilon=1e-3)


def network(lateral="all-but-self", optimizer=None, goal=GOAL, kind="fixed", alpha=0.1):
    """The trivariate network of the papers, small."""
    compartments = [
        Compartment("F", "image"),
        Compartment("C", "label"),
        Compartment("L", "hidden", lateral, delay=1),
    ]
    activation = Activation("trivariate", {"alpha": (alpha, 0.1)})
    hidden = Layer(
        "hidden",
        4,
        compartments,
        activation,
        Binning(kind, 5, -3, 3),
        goal,
        optimizer or STEADY,
    )
    own = Compartment("C", "label", "one-to-one", trainable=False, bias=False, weight=1.0)
    output = Layer(
        "out",
        N_CLASSES,
        [Compartment("F", "hidden"), own],
        Activation("feedforward"),
        Binning("adaptive", 4),
        "{F}{C} + 0.1 {C} - 0.2 {F}",
        Adam(0.05, 0.01),
    )
    return Network({"image": N_IN, "label": N_CLASSES}, [hidden, output], 2, "out", "label")


def samples(index=None):
    return Samples({"image": IMAGES, "label": LABELS}, {"image": (128.0, 1 / 64)}, index)


def trained(backend, networks, seeds, dtype, index=None, batches=3):
    """A training of three batches (and the pass before it), on one backend."""
    simulator = Simulator(networks, backend, seeds, threads=1, dtype=dtype)
    chosen = samples(index)
    chosen = chosen.subset(np.arange(7 * batches - 2))  # the last batch is smaller
    training = Training(
        simulator, chosen, batch=7, test=samples().subset([1, 5, 7]), record_every=2
    )
    with simulator.workers.engaged():
        while len(training.history) < 2:
            training.advance()
    return training


def assert_equal(one, other, dtype):
    """Both trainings left the same, up to the rounding of `dtype`."""
    tolerance = {"float32": 2e-5, "float64": 1e-11}[dtype]
    for r in range(one.simulator.n_replicas):
        a, b = one.state(r), other.state(r)
        assert a.keys() == b.keys()
        for key in a.keys() - {"seconds"}:
            scale = max(1e-3, np.abs(a[key].astype(float)).max()) if a[key].size else 1
            np.testing.assert_allclose(b[key], a[key], rtol=0, atol=tolerance * scale, err_msg=key)


@pytest.mark.parametrize(
    ("options", "dtype"),
    [
        ({}, "float32"),
        ({"lateral": "sparse(2)", "optimizer": SGD(0.5, 0.1), "kind": "normalised"}, "float64"),
    ],
)
def test_three_batches_of_training_are_those_of_the_cpu(options, dtype):
    one, other = (trained(name, network(**options), 3, dtype) for name in ("cpu", "cuda"))
    assert_equal(one, other, dtype)
    fresh = Simulator(network(**options), seed=3, threads=1, dtype=dtype)
    moved = np.abs(fresh["hidden"]["F"].weights - one.simulator["hidden"]["F"].weights).max()
    assert moved > 0.05  # it did learn


def test_replicas_are_those_of_the_cpu():
    """Two replicas with goals, optimizers, activations and samples of their own."""
    networks = [
        network(),
        network(goal="{F}{L} - {C}", optimizer=Adam(0.01, epsilon=1e-3), alpha=0.3),
    ]
    index = np.array([np.arange(30), np.arange(39, 9, -1)])
    one, other = (
        trained(name, networks, [5, 6], "float64", index, batches=2) for name in ("cpu", "cuda")
    )
    assert_equal(one, other, "float64")
    assert one.histories[0].train_error != one.histories[1].train_error


@pytest.mark.parametrize(
    ("options", "seeds"), [({}, [3, 4]), ({"rule": "backprop"}, [3])], ids=["goals", "backprop"]
)
def test_what_was_recorded_and_is_launched_again_learns_as_the_cpu_does(
    monkeypatch, options, seeds
):
    """As on a device: plans recorded at their second run, products by cuBLAS's functions.

    A recording holds addresses. What is read from another place at another step would be missed.
    """
    if not backend.simulated():
        pytest.skip("a GPU does it without stand-ins, in the tests above")
    from infosim.kernels import device as real
    from infosim.kernels.update.cuda import _no_mask

    kernels, library = backend.load("cuda"), device.Library()
    blas = cublas.Cublas(library, 5, 512)
    gpu = device.Device(real)
    simulated, graphs = real.launch, []

    class Blas:
        def multiply(self, *arrays):
            gpu.launch(lambda: blas.multiply(*arrays))

    def launch(*arguments):
        def call():
            monkeypatch.setattr(real, "SIMULATED", True)
            simulated(*arguments)
            monkeypatch.setattr(real, "SIMULATED", False)

        gpu.launch(call)

    def record(plan):
        graphs.append(recording(plan))
        return graphs[-1]

    gpu.lanes = tuple(lane.__class__(**{**vars(lane), "blas": Blas()}) for lane in gpu.lanes)
    recording = real._Plan._record
    monkeypatch.setattr(real._Plan, "_record", record)
    monkeypatch.setattr(device.Array, "launch", staticmethod(gpu.launch))
    xp = device.module()
    monkeypatch.setattr(kernels, "xp", xp)
    for name, value in (
        ("SIMULATED", False), ("xp", xp), ("_made", gpu.lanes), ("launch", launch)
    ):  # fmt: skip
        monkeypatch.setattr(real, name, value)
    _no_mask.cache_clear()
    given = dataclasses.replace(network(), **options)
    other = trained("cuda", given, seeds, "float64")
    _no_mask.cache_clear()
    assert len(graphs) >= 3  # gathering, firing, learning
    assert all(graphs)
    assert {name[6:] for name, _ in library.calls} >= (
        {"Dgemm_v2"} if len(seeds) == 1 else {"DgemmStridedBatched"}
    )
    assert_equal(trained("cpu", given, seeds, "float64"), other, "float64")


def test_a_cuda_run_goes_on_from_a_cpu_runs_checkpoint():
    """Where a run is continued does not matter, so that a checkpoint can change machines."""
    half = trained("cpu", network(), 3, "float32")
    state = half.state()
    ends = []
    for name in ("cpu", "cuda"):
        simulator = Simulator(network(), name, 3, threads=1)
        training = Training(
            simulator, samples().subset(np.arange(19)), batch=7,
            test=samples().subset([1, 5, 7]), record_every=2,
        )  # fmt: skip
        training.restore(state)
        while training.position < 1:
            training.advance()
        ends.append(training)
    assert_equal(*ends, "float32")


def test_what_a_user_reads_and_sets():
    simulator = Simulator(network(), "cuda", 3)
    before = simulator["hidden"]["F"].weights
    np.testing.assert_array_equal(before, Simulator(network(), seed=3)["hidden"]["F"].weights)
    with pytest.raises(ValueError, match="read-only"):  # a change would be lost
        before[0, 0] = 1.0
    simulator["hidden"]["F"].weights = np.ones((4, N_IN))
    simulator["hidden"]["F"].mask = np.eye(4, N_IN, dtype=bool)
    np.testing.assert_array_equal(simulator["hidden"]["F"].weights, np.eye(4, N_IN))
    simulator["hidden"]["L"].bias = [1, 2, 3, 4]
    inputs = {"image": IMAGES[:6].T / 100.0, "label": np.eye(3)[LABELS[:6]].T}
    simulator.present(inputs)
    simulator.run()
    hidden = simulator["hidden"]
    np.testing.assert_allclose(
        hidden.potentials[0], inputs["image"][:4] + hidden["F"].bias[:, None], atol=1e-6
    )
    assert set(np.unique(hidden.output)) <= {-1.0, 1.0}
    assert hidden.probabilities.shape == (4, 6)
    assert simulator.predictions().shape == (6,)
    information = simulator.information("hidden")
    simulator.present(inputs)
    simulator.run()
    assert information.shape == (4, 19)  # and stays what it was
    evaluation = simulator.evaluate(samples().subset(np.arange(7)), batch=4)
    assert evaluation.predictions.shape == (7,)
    assert evaluation.error == np.mean(evaluation.predictions != LABELS[:7])
