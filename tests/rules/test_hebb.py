"""Hebb's rule: its sums, what a Hopfield network is known to store, and learning once."""

from itertools import pairwise

import numpy as np
import pytest
from bits import assert_same_bits

from infosim.cli import main
from infosim.engine import Samples, Simulator, Training
from infosim.errors import ConfigError
from infosim.experiments import Experiment, run, train
from infosim.experiments.results import load_run
from infosim.network import Adam, Compartment, Layer, Masked, Network
from infosim.neuron import Activation, Binning

SUM = Activation("sum")


def memory(n, rule="hebb", connectivity="all-but-self", steps=1, bias=False, **options):
    R = Compartment("R", "pattern", "one-to-one", weight=2.3, trainable=False, bias=False)
    C = Compartment("C", "memory", connectivity, delay=1, bias=bias)
    layer = Layer("memory", n, [R, C], SUM, Binning(bins=(2, 20)), **options)
    return Network({"pattern": n}, [layer], steps, rule=rule)


def patterns(n_patterns, n, seed=0):
    return np.random.default_rng(seed).choice([-1, 1], (n_patterns, n))


def stored(x, n=None, spec=None, batch=3, **options):
    """A simulator that has learnt patterns (P, n) in one epoch."""
    net = Simulator(spec or memory(x.shape[1]), **{"threads": 1, **options})
    net.fit({"pattern": x, "memory": x}, 1, batch=batch)
    return net


def hebbian(x):
    """Σ_p x_p x_pᵀ / n without a diagonal, number by number."""
    n = x.shape[1]
    return np.array(
        [[sum(p[i] * p[j] for p in x) / n * (i != j) for j in range(n)] for i in range(n)]
    )


# -- what is learnt --------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weights_are_mean_products_without_self_connections(kernels, slow, dtype):
    """To the bit, for sums of products are integers, in batches of which the last is smaller."""
    x = patterns(5, 4 if slow else 7)
    net = stored(x, backend=kernels, dtype=dtype)
    np.testing.assert_array_equal(net["memory"]["C"].weights, hebbian(x).astype(dtype))
    np.testing.assert_array_equal(net["memory"]["R"].weights, np.dtype(dtype).type(2.3))
    assert not net["memory"]["C"].bias.any()


@pytest.mark.parametrize(
    ("n_patterns", "batch", "seed"), [(1, 1, 0), (12, 1, 3), (12, 5, 2**32 - 1)]
)
def test_neither_batch_nor_seed_nor_threads_change_it(n_patterns, batch, seed):
    x = patterns(n_patterns, 70, seed)
    one, other = stored(x, batch=n_patterns), stored(x, batch=batch, seed=seed, threads=2)
    assert_same_bits(one.arrays(), other.arrays())
    np.testing.assert_array_equal(one["memory"]["C"].weights, hebbian(x).astype(np.float32))


@pytest.mark.parametrize(("load", "kept"), [(0.05, True), (0.3, False)])
def test_patterns_are_fixed_points_below_the_known_capacity_only(load, kept):
    """Capacity 0.138 n for large n (Amit, Gutfreund, Sompolinsky 1985)."""
    x = patterns(int(load * 200), 200)
    overlap = (stored(x).recall(x).states * x).mean()
    assert (overlap > 0.99) == kept
    assert overlap > 0.3


def test_connections_that_do_not_exist_stay_away():
    x = patterns(5, 8)
    mask = np.arange(64).reshape(8, 8) % 3 == 0
    net = stored(x, spec=memory(8, connectivity=Masked(mask)))
    np.testing.assert_array_equal(net["memory"]["C"].weights, (x.T @ x / 8) * mask)
    sparse = stored(x, spec=memory(8, connectivity="sparse(3)"))["memory"]["C"]
    expected = np.take_along_axis(x.T @ x / 8, sparse.index, axis=1)
    np.testing.assert_array_equal(sparse.weights, expected)


@pytest.mark.parametrize("outputs", ["signed", "binary"])
def test_a_layer_that_is_not_clamped_learns_what_it_fires(kernels, slow, outputs):
    """Driven by a label that it cannot but follow; its bias is of a unit that is always 1."""
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(6, 3)), np.array([0, 1, 1, 0, 1, 1])
    F = Compartment("F", "x", weight=0.0)
    T = Compartment("T", "label", "one-to-one", weight=200.0, trainable=False, bias=False)
    compartments = [F, T]
    layer = Layer("out", 2, compartments, SUM, rule="hebb", outputs=outputs)
    net = Simulator(Network({"x": 3, "label": 2}, [layer]), kernels, dtype="float64")
    net.fit({"x": x, "label": 2 * np.eye(2)[labels] - 1}, 1, batch=4)
    y = np.eye(2)[labels] if outputs == "binary" else 2 * np.eye(2)[labels] - 1
    np.testing.assert_allclose(net["out"]["F"].weights, y.T @ x / 3, atol=1e-12)
    np.testing.assert_allclose(net["out"]["F"].bias, y.sum(axis=0) / 3, atol=1e-12)


def test_replicas_store_their_own(kernels, slow):
    x = np.array([patterns(4, 5, seed) for seed in (0, 1)])
    samples = [Samples({"pattern": x.reshape(8, 5), "memory": x.reshape(8, 5)}) for _ in x]
    both = Samples.stacked(
        [one.subset(np.arange(4) + 4 * r) for r, one in enumerate(samples[:1] * 2)]
    )
    net = Simulator(memory(5), kernels, seed=[0, 9])
    net.fit(both, 1, batch=3)
    weights = np.split(net["memory"]["C"].weights, 2)
    for r in (0, 1):
        np.testing.assert_array_equal(weights[r], hebbian(x[r]).astype(np.float32))
    assert (weights[0] != weights[1]).any()


# -- once ------------------------------------------------------------------------------------------


def test_there_is_one_epoch():
    x = patterns(5, 7)
    samples = {"pattern": x, "memory": x}
    net = Simulator(memory(7), threads=1)
    why = (
        "rule hebb learns in closed form, from all samples in the first epoch: there can be 1 epoch"
    )
    with pytest.raises(ConfigError, match=f"^{why}, not 2$"):
        net.fit(samples, 2, batch=5)
    assert not len(net.histories[0])
    net.fit(samples, 0, batch=5)
    net.fit(samples, 1, batch=5)
    with pytest.raises(ConfigError, match=why):
        net.fit(samples, 1, batch=5)
    assert len(net.fit(samples, 0, batch=5)) == 2
    other = patterns(5, 7, 1)
    net.reset()
    net.fit({"pattern": other, "memory": other}, 1, batch=5)
    np.testing.assert_array_equal(net["memory"]["C"].weights, hebbian(other).astype(np.float32))


def test_nothing_that_learns_is_no_closed_form():
    layer = Layer("h", 3, [Compartment("F", "x", trainable=False)], SUM, rule="hebb")
    net = Simulator(Network({"x": 2}, [layer]), threads=1)
    assert len(net.fit({"x": np.ones((4, 2))}, 3, batch=2)) == 4
    assert net.executors == {}


def test_by_hand_it_concludes_when_asked():
    x = patterns(5, 7)
    net = Simulator(memory(7), threads=1)
    before = net["memory"]["C"].weights.copy()
    for one in x:
        net.step({"pattern": one[None], "memory": one[None]})
    net.step({"pattern": -x, "memory": x}, learn=False)
    np.testing.assert_array_equal(net["memory"]["C"].weights, before)
    for _ in range(2):
        net.conclude()
        np.testing.assert_array_equal(net["memory"]["C"].weights, hebbian(x).astype(np.float32))
        net.step({"pattern": x, "memory": x})  # it has learnt


def test_it_is_recorded_as_it_is_called():
    x = patterns(5, 7)
    assert_same_bits(stored(x).arrays(), stored(x, tape=False).arrays())


def mixed(goal="{F}{C}"):
    """A hidden layer by goal, a memory of what it does by Hebb's rule, a readout by goal."""
    F, C = Compartment("F", "x"), Compartment("C", "label")
    hidden = Layer("hidden", 6, [F, C], Activation("bivariate"), goal=goal, optimizer=Adam(0.01))
    kept = Layer("kept", 6, [Compartment("F", "hidden")], SUM, rule={"name": "hebb"})
    label = Compartment("C", "label", "one-to-one", weight=1.0, trainable=False, bias=False)
    out = Layer(
        "out", 2, [Compartment("F", "kept"), label], Activation("feedforward"), goal="{F}{C}"
    )
    return Network({"x": 3, "label": 2}, [hidden, kept, out], readout="out", target="label")


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, 3))
    return {"x": x, "label": (x.sum(axis=1) > 0).astype(int)}


def test_beside_layers_by_epochs_it_learns_in_the_first_and_stays(data):
    net = Simulator(mixed(), seed=3, threads=1)
    assert net.network.learning == ["hidden", "kept", "out"]
    weights = [{name: a.copy() for name, a in net.arrays().items()}]
    for _ in range(3):
        net.fit(data, 1, batch=20)
        weights.append({name: a.copy() for name, a in net.arrays().items()})
    changed = [
        {name for name in one if (one[name] != other[name]).any() and name.endswith("weights")}
        for one, other in pairwise(weights)
    ]
    by_goal = {"hidden/F/weights", "hidden/C/weights", "out/F/weights"}
    assert changed == [by_goal | {"kept/F/weights"}, by_goal, by_goal]
    assert net["kept"].clock.updates == 1
    assert net["hidden"].clock.updates == 9
    whole = Simulator(mixed(), seed=3, threads=2)
    whole.fit(data, 3, batch=20)
    assert_same_bits(whole.arrays(), net.arrays())


@pytest.mark.parametrize("seeds", [[3], [3, 8]])
@pytest.mark.parametrize("after", [1, 4, 6, 8, 11])
def test_what_it_has_noted_is_part_of_a_checkpoint(data, after, seeds):
    """In epoch 0, within the first, at its end, and when it has learnt."""

    def training():
        return Training(Simulator(mixed(), seed=seeds, threads=1), data, batch=20)

    whole, first, second = training(), training(), training()
    for _ in range(16):
        whole.advance()
    for _ in range(after):
        first.advance()
    assert set(first.simulator.noted()) == {"kept/sums", "kept/F/products"}
    second.restore(*(first.state(r) for r in range(len(seeds))))
    for _ in range(16 - after):
        second.advance()
    for r in range(len(seeds)):
        for name, array in whole.simulator.arrays(r).items():
            np.testing.assert_array_equal(array, second.simulator.arrays(r)[name], err_msg=name)


# -- runs ------------------------------------------------------------------------------------------

SMALL = (
    "data.options={units=30, patterns=3, noise=0.1}",
    "layers.memory.size=30",
    "training.batch=2",
)


def test_a_run(tmp_path):
    one = Experiment.load("pnas/memory-hopfield", SMALL)
    found = load_run(train(one, tmp_path / "run", threads=1))
    assert found.complete
    assert found.metrics["test_error"][-1] == 0 < found.metrics["test_error"][0]
    expected = hebbian(one.dataset().train_x.astype(int)).astype(np.float32)
    np.testing.assert_array_equal(found.weights["memory/C/weights"], expected)
    np.testing.assert_array_equal(found.simulator()["memory"]["C"].weights, expected)


def test_a_run_resumed_within_its_epoch(tmp_path, monkeypatch):
    one = Experiment.load("pnas/memory-hopfield", SMALL)
    whole = load_run(train(one, tmp_path / "whole", threads=1))

    def stop(training, epochs):
        if (training.epoch, training.position) == (1, 1):
            raise RuntimeError

    monkeypatch.setattr(run, "CHECKPOINT_SECONDS", -1)
    with pytest.raises(RuntimeError):
        train(one, tmp_path / "run", threads=1, report=stop)
    monkeypatch.undo()
    resumed = load_run(train(one, tmp_path / "run", threads=1, resume=True))
    for name, array in whole.weights.items():
        np.testing.assert_array_equal(array, resumed.weights[name], err_msg=name)


def test_the_command_says_that_there_is_one_epoch(capsys, tmp_path):
    with pytest.raises(SystemExit) as stop:
        main(
            [
                "train",
                "pnas/memory-heuristic",
                "--set",
                "network.rule=hebb",
                "--out",
                str(tmp_path / "r"),
            ]
        )
    assert stop.value.code == 2
    assert not (tmp_path / "r").exists()
    (line,) = capsys.readouterr().err.splitlines()
    assert "rule hebb learns in closed form" in line
    assert line.endswith("there can be 1 epoch, not 300")


def test_a_clamped_layer_moves_on_in_several_steps():
    x = patterns(5, 7)
    net = Simulator(memory(7, steps=2), threads=1)
    with pytest.raises(
        ConfigError, match="hebb learns a clamped layer in presentations of one step, steps was 2"
    ):
        net.fit({"pattern": x, "memory": x}, 1, batch=5)
