"""Shuffled batches are learnt from by playing again what the one before played: the same bits."""

import numpy as np
import pytest
from bits import assert_same_bits, assert_same_layers, assert_same_training, without_times
from repetitions import count_repetitions

from infosim import Activation, Adam, Compartment, Layer, Network, Simulator
from infosim.engine import Training
from infosim.machine.samples import Samples
from infosim.schedule import Schedule

N, D, BATCH = 530, 210, 100
RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 2, N)
IMAGES = np.where(RNG.random((N, D)) < 0.2, RNG.integers(1, 256, (N, D)), 0).astype(np.uint8)


def network(rate=0.005, size=20):
    lateral = Compartment("L", "hidden", delay=1, connectivity="all-but-self")
    label = Compartment("C", "label", connectivity="one-to-one", weight=1.0, trainable=False)
    activation, optimizer = Activation("bivariate"), Adam(rate)
    return Network(
        {"image": D, "label": 2},
        [
            Layer("hidden", size, [Compartment("F", "image"), lateral], activation,
                  goal="{F}{L}", optimizer=optimizer),
            Layer("out", 2, [Compartment("F", "hidden"), label], activation, goal="{F}{C}",
                  optimizer=optimizer),
        ],
        readout="out", target="label", steps=2,
    )  # fmt: skip


def training(tape=True, net=None, seeds=1, threads=1, sparse=True, dtype="float32", **options):
    simulator = Simulator(net or network(), seed=seeds, threads=threads, dtype=dtype, tape=tape)
    samples = Samples({"image": IMAGES, "label": LABELS}, {"image": (0.0, 1 / 255)}, sparse=sparse)
    return Training(simulator, samples, **{"batch": BATCH, "validation": samples} | options)


def finished(one, batches=20, between=lambda one: None):
    """It, after so many advances, and something that is done after some of them."""
    for i in range(batches):
        one.advance()
        if i in (8, 9, 13):
            between(one)
    return one


@pytest.fixture
def made(monkeypatch):
    """A list that gets an entry for each batch that is learnt from without events."""
    return count_repetitions(monkeypatch)


CASES = {
    "sparse": {},
    "dense": {"sparse": False},
    "float64": {"dtype": "float64"},
    "replicas on two threads": {"seeds": [1, 2, 3], "threads": 2},
    "one neuron": {"net": network(size=1)},
    "single samples": {"batch": 1, "measure_first": False},
    "scheduled": {"net": network(Schedule([(0, 0.01), (9, 0.001)]))},
    "in order": {"shuffle": False},
    "recorded": {"record_every": 2},
}


@pytest.mark.parametrize("case", CASES)
def test_learning_is_that_by_events(case, made):
    by_events = finished(training(tape=False, **CASES[case]))
    assert not made
    again = finished(training(**CASES[case]))
    # of an epoch's six batches the first is measured, and the last, which is smaller, not repeated;
    # the second is presented in the first epoch
    assert len(made) == {"recorded": 3, "single samples": 16}.get(case, 7)
    assert_same_training(again, by_events)


def _predicts(one):
    one.simulator.predict({"image": IMAGES[:BATCH] // 2})


def _presents(one):
    one.simulator.present({"image": IMAGES[:7].T})
    one.simulator.run()


def _weighs(one):
    one.simulator["hidden"]["F"].weights = 0.5 * one.simulator["hidden"]["F"].weights


def _aims(one):
    one.simulator["hidden"].goal = "{F} - 0.3 {FL}"


def _masks(one):
    one.simulator["hidden"]["F"].mask = np.arange(20 * D).reshape(20, D) % 3 > 0


def _stimulates(one):
    one.simulator.stimulate("hidden", [0, 2], 1.5)


@pytest.mark.parametrize("between", [_predicts, _presents, _weighs, _aims, _masks, _stimulates])
def test_it_goes_on_from_whatever_was_done_between(between, made):
    by_events, again = (finished(training(tape=tape), between=between) for tape in (False, True))
    assert made
    assert_same_training(again, by_events)
    undisturbed = finished(training())
    weights = (t.simulator["hidden"]["F"].weights for t in (again, undisturbed))
    disturbs = between not in (_predicts, _presents)
    assert disturbs != np.array_equal(*weights)


def test_it_goes_on_from_a_checkpoint(made):
    whole, first, second = training(), training(), training()
    finished(first, 9)
    second.restore(first.state())
    finished(second, 11)
    finished(whole)
    assert_same_bits(without_times(second.state()), without_times(whole.state()))
    assert_same_layers(second.simulator, whole.simulator)
    assert made


def test_rows_on_disk_are_read_for_each_batch(tmp_path, made):
    np.save(tmp_path / "x.npy", IMAGES)
    on_disk = np.load(tmp_path / "x.npy", mmap_mode="r")
    found = []
    for images in (IMAGES, on_disk):
        simulator = Simulator(network(), seed=1)
        samples = Samples({"image": images, "label": LABELS}, {"image": (0.0, 1 / 255)})
        found.append(finished(Training(simulator, samples, batch=BATCH), 12))
    assert len(made) == 6
    assert_same_training(*found)
