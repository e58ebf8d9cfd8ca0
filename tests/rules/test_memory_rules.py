"""Rules of recurrent memories: written out number by number, and what they are known to store."""

import re

import numpy as np
import pytest

from infosim.cli import main
from infosim.engine import Samples, Simulator, Training
from infosim.errors import ConfigError, DataError
from infosim.experiments import Experiment, train
from infosim.experiments.results import load_run
from infosim.network import Compartment, Layer, Masked, Network
from infosim.network.rules import RULES, Memory, Rule
from infosim.neuron import Activation

SUM = Activation("sum")
FLOW = "minimum-probability-flow"
ALL = ["storkey", "pseudo-inverse", "descent-l2", "perceptron", "krauth-mezard", FLOW]
ONCE = [name for name in ALL if RULES[name].once]


def spec(n, rule, connectivity="all-but-self", bias=None, steps=1, delay=1, **options):
    rule = Rule.of(rule)
    bias = bool(getattr(rule, "biases", None)) if bias is None else bias
    R = Compartment("R", "pattern", "one-to-one", weight=2.3, trainable=False, bias=False)
    C = Compartment("C", "memory", connectivity, delay=delay, bias=bias)
    layer = Layer("memory", n, [R, C], SUM, **options)
    return Network({"pattern": n}, [layer], steps, rule=rule)


def patterns(n_patterns, n, seed=0):
    return np.random.default_rng(seed).choice([-1, 1], (n_patterns, n))


def correlated(n_patterns, n, keep=0.8, seed=0):
    """Each bit is the one before it with probability `keep`, along the neurons."""
    turns = np.random.default_rng(seed).random((n_patterns, n)) > keep
    return np.cumprod(np.where(turns, -1, 1), axis=1)


def fit(net, x, epochs=1, batch=None):
    net.fit({"pattern": x, "memory": x}, epochs, batch=batch or len(x))
    return net


def stored(x, rule, epochs=1, batch=None, dtype="float64", backend="cpu", **options):
    """A simulator that has learnt patterns (P, n)."""
    net = spec(x.shape[1], rule, **options)
    return fit(Simulator(net, backend, threads=1, dtype=dtype), x, epochs, batch)


def learnt(net):
    """Weights (N, n) or (N, k), and biases (N,)."""
    return net["memory"]["C"].weights, net["memory"]["C"].bias


def stabilities(net, x):
    """ξ_i h_i / |W_i|, (P, n)."""
    w, b = learnt(net)
    return x * (x @ w.T + b) / np.sqrt((w**2).sum(axis=1) + b**2)


def in_order(net, x, batch):
    """One epoch of patterns as they stand, by hand."""
    for i in range(0, len(x), batch):
        net.step({"pattern": x[i : i + batch], "memory": x[i : i + batch]})
    net.conclude()
    return net


# -- Storkey ---------------------------------------------------------------------------------------


def storkey(x, present):
    """The paper's sums, with loops."""
    n = x.shape[1]
    w = np.zeros((n, n))
    for p in x:
        h = [
            [sum(w[i, k] * p[k] for k in range(n) if k not in (i, j)) for j in range(n)]
            for i in range(n)
        ]
        new = w.copy()
        for i in range(n):
            for j in range(n):
                new[i, j] += (p[i] * p[j] - p[i] * h[j][i] - h[i][j] * p[j]) / n * present[i, j]
        w = new
    return w


@pytest.mark.parametrize("connectivity", ["all-but-self", "dense", "sparse(2)", "masked"])
def test_storkey_written_out(kernels, connectivity):
    n = 5
    x = patterns(4, n)
    x[3] = x[1]  # one twice
    mask = np.arange(n * n).reshape(n, n) % 3 > 0
    given = Masked(mask) if connectivity == "masked" else connectivity
    net = Simulator(spec(n, "storkey", given), kernels, dtype="float64", seed=[0, 1])
    in_order(net, x, 3)
    c = net["memory"]["C"]
    for r in range(2):
        rows = slice(r * n, (r + 1) * n)
        present = np.ones((n, n), bool)
        if c.mask is not None:
            present = c.mask[rows]
        if c.index is not None:
            present = np.zeros((n, n), bool)
            np.put_along_axis(present, c.index[rows], True, axis=1)
        expected = storkey(x, present)
        if c.index is not None:
            expected = np.take_along_axis(expected, c.index[rows], axis=1)
        np.testing.assert_allclose(c.weights[rows], expected, atol=1e-14)
        assert expected.any()


def test_storkey_stores_more_than_hebb():
    """Of 200 neurons 40 patterns: 0.2 is between 0.138 and Storkey's capacity."""
    x = patterns(40, 200)
    kept = [(stored(x, rule).recall(x).states == x).mean() for rule in ("hebb", "storkey")]
    assert kept[0] < 0.9 < 0.999 < kept[1]


def test_storkey_goes_by_the_order_and_not_by_the_batch():
    x = patterns(9, 20)
    weights = [
        learnt(in_order(Simulator(spec(20, "storkey"), threads=t, dtype="float64"), one, b))[0]
        for one, b, t in ((x, 9, 1), (x, 2, 2), (x[::-1], 9, 1))
    ]
    np.testing.assert_array_equal(weights[0], weights[1])
    assert (weights[0] != weights[2]).any()


# -- closed forms of sums --------------------------------------------------------------------------


@pytest.mark.parametrize("make", [patterns, correlated])
@pytest.mark.parametrize("connectivity", ["dense", "all-but-self"])
@pytest.mark.parametrize(("load", "dtype"), [(0.1, "float64"), (0.5, "float64"), (0.5, "float32")])
def test_pseudo_inverse_keeps_all_up_to_half(make, connectivity, load, dtype):
    n = 60
    x = make(int(load * n), n)
    net = stored(x, "pseudo-inverse", batch=5, dtype=dtype, connectivity=connectivity)
    for one in (x, -x):
        np.testing.assert_array_equal(net.recall(one).states, one)
    expected = np.linalg.pinv(x) @ x
    if connectivity != "dense":
        np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(learnt(net)[0], expected, atol=1e-12 if dtype == "float64" else 1e-6)


def orthogonal(n_patterns, n=16):
    """Rows of Sylvester's matrix, without that of ones."""
    h = np.ones((1, 1), int)
    while len(h) < n:
        h = np.block([[h, h], [h, -h]])
    return h[1 : n_patterns + 1]


@pytest.mark.parametrize("n_patterns", [1, 2, 7])
def test_of_orthogonal_patterns_most_rules_are_hebb(n_patterns):
    """The projection and least squares alike, these up to scale: λ/(λ² n + α), without a bias.
    Storkey's is Hebb's of one pattern."""
    x = orthogonal(n_patterns)
    n = x.shape[1]
    hebb = x.T @ x / n
    (w, _) = learnt(stored(x, "pseudo-inverse", connectivity="dense"))
    np.testing.assert_allclose(w, hebb, atol=1e-14)
    rule = {"name": "descent-l2", "gain": 0.5, "penalty": 0.3}
    (w, _) = learnt(stored(x, rule, connectivity="dense"))
    np.testing.assert_allclose(w, hebb * n * 0.5 / (0.25 * n + 0.3), atol=1e-14)
    w, _ = learnt(stored(x[:1], "storkey"))
    np.testing.assert_array_equal(w, np.outer(x[0], x[0]) / n * ~np.eye(n, dtype=bool))


def test_more_patterns_than_neurons_span_all():
    """Of the identity nothing is left without its diagonal; least squares go on."""
    x = patterns(30, 12)
    np.testing.assert_array_equal(
        learnt(stored(x, "pseudo-inverse", connectivity="dense"))[0], np.eye(12)
    )
    assert not learnt(stored(x, "pseudo-inverse"))[0].any()
    w, _ = learnt(stored(x, {"name": "descent-l2", "penalty": 1e-6}))
    for i in range(12):
        others = np.delete(x, i, axis=1)
        expected = np.linalg.lstsq(others, x[:, i])[0]
        np.testing.assert_allclose(np.delete(w[i], i), expected, atol=1e-6)


def slopes(objective, at, step=1e-5):
    """Finite differences of a function of an array."""
    found = np.empty_like(at)
    for place in np.ndindex(at.shape):
        sides = [at.copy(), at.copy()]
        sides[0][place] += step
        sides[1][place] -= step
        found[place] = (objective(sides[0]) - objective(sides[1])) / (2 * step)
    return found


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("connectivity", ["all-but-self", "sparse(3)", "dense", "masked"])
def test_least_squares_has_no_slope(bias, connectivity, kernels):
    """The objective as it is written, by finite differences in all weights there are."""
    n, gain, penalty = 6, 0.7, 0.1
    x = patterns(8, n, seed=3)
    mask = np.arange(n * n).reshape(n, n) % 4 > 0
    mask[2] = False  # one hears nothing
    given = Masked(mask) if connectivity == "masked" else connectivity
    rule = {"name": "descent-l2", "gain": gain, "penalty": penalty}
    net = stored(x, rule, backend=kernels, batch=3, connectivity=given, bias=bias)
    (w, b), index = learnt(net), net["memory"]["C"].index
    index = np.tile(np.arange(n), (n, 1)) if index is None else index

    def objective(both):
        w, b = both[:, :-1], both[:, -1]
        h = np.einsum("ik,pik->pi", w, x[:, index]) + b
        return ((gain * h - x) ** 2).sum() / 2 + penalty / 2 * (both**2).sum()

    found = slopes(objective, np.column_stack([w, b]))
    there = np.ones(w.shape, bool)
    if net["memory"]["C"].mask is not None:
        there = net["memory"]["C"].mask
        assert not w[~there].any()
    assert abs(found[:, :-1][there]).max() < 1e-7
    if bias:
        assert abs(found[:, -1]).max() < 1e-7
    else:
        assert not b.any()
    assert abs(w).max() > 0.05


# -- perceptrons -----------------------------------------------------------------------------------


def perceptron(x, kappa, sweeps):
    """Gardner's sweeps over patterns as they stand, with loops, from weights 0; no self-weights."""
    n = x.shape[1]
    w = np.zeros((n, n))
    for _ in range(sweeps):
        for p in x:
            for i in range(n):
                others = np.delete(np.arange(n), i)
                if p[i] * (w[i] @ p) <= kappa * np.sqrt(w[i] @ w[i]) + 1e-12:
                    w[i, others] += p[i] * p[others] / n
    return w


@pytest.mark.parametrize("kappa", [0.0, 0.4])
def test_perceptron_written_out(kernels, slow, kappa):
    x = patterns(5, 6, seed=1)
    rule = {"name": "perceptron", "stability": kappa, "steps": 3}
    net = in_order(Simulator(spec(6, rule), kernels, threads=1, dtype="float64"), x, 5)
    np.testing.assert_allclose(learnt(net)[0], perceptron(x, kappa, 3), atol=1e-13)
    assert not learnt(net)[1].any()


def test_perceptron_goes_by_the_order_and_not_by_the_batch():
    """As long as it makes one step of each presentation."""
    x = patterns(9, 12)
    rule = {"name": "perceptron", "stability": 0.5}
    one, other = (Simulator(spec(12, rule, bias=True), threads=1, dtype="float64") for _ in "ab")
    for _ in range(3):
        in_order(one, x, 9)
        in_order(other, x, 2)
    for array, same in zip(learnt(one), learnt(other), strict=True):
        np.testing.assert_array_equal(array, same)
        assert array.any()


@pytest.mark.parametrize(("dtype", "kappa"), [("float64", 0.05), ("float32", 0.0)])
def test_perceptron_at_load_1_2(dtype, kappa):
    """N = 100, beyond all that Hebb's rule or the projection hold; below Gardner's 2."""
    x = patterns(120, 100)
    rule = {"name": "perceptron", "stability": kappa, "steps": 15}
    net = stored(x, rule, epochs=12, dtype=dtype)
    assert stabilities(net, x).min() >= kappa
    np.testing.assert_array_equal(net.recall(x).states, x)
    before = learnt(net)[0].copy()
    fit(net, x)
    np.testing.assert_array_equal(learnt(net)[0], before)  # it has come to its end


def krauth_mezard(x, margin, steps):
    n = x.shape[1]
    w, b = np.zeros((n, n)), np.zeros(n)
    for _ in range(steps):
        for i in range(n):
            aligned = x[:, i] * (x @ w[i] + b[i])
            p = x[aligned.argmin()]
            if aligned.min() <= margin:
                others = np.delete(np.arange(n), i)
                w[i, others] += p[i] * p[others] / n
                b[i] += p[i] / n
    return w, b


def test_krauth_mezard_written_out(kernels):
    x = patterns(3, 8, seed=2)
    rule = {"name": "krauth-mezard", "margin": 0.6, "steps": 4}
    net = in_order(Simulator(spec(8, rule, bias=True), kernels, dtype="float64"), x, 3)
    for one, expected in zip(learnt(net), krauth_mezard(x, 0.6, 4), strict=True):
        np.testing.assert_allclose(one, expected, atol=1e-13)


def test_krauth_mezard_is_the_more_stable():
    """Than any perceptron that has just come to its end, and nearly as stable as can be: of one
    pattern that is √(n - 1)."""
    x = patterns(20, 40)
    best = {"name": "krauth-mezard", "margin": 5.0, "steps": 4000}
    optimal = stabilities(stored(x, best), x).min(axis=0)
    for kappa in (0.0, 0.5):
        net = stored(x, {"name": "perceptron", "stability": kappa, "steps": 60})
        least = stabilities(net, x).min(axis=0)
        assert (optimal >= least).all()
        assert least.min() >= kappa
    one = x[:1]
    np.testing.assert_allclose(stabilities(stored(one, best), one), np.sqrt(39))


# -- minimum probability flow ----------------------------------------------------------------------


def test_flow_descends_its_objective(kernels):
    """Steps of the slopes of K in J and θ, found by finite differences of K as it is written."""
    n, rate = 4, 0.3
    x = patterns(3, n, seed=5)
    bits = (x + 1) / 2

    def objective(both):
        J, theta = both[:, :-1], both[:, -1]
        return np.exp(-x * (bits @ J.T - theta)).sum() / len(x)

    both = np.zeros((n, n + 1))
    for _ in range(3):
        found = slopes(objective, both)
        D = found[:, :-1]
        both[:, :-1] -= rate * (D + D.T) / 2 * ~np.eye(n, dtype=bool)
        both[:, -1] -= rate * found[:, -1] / 4
    net = Simulator(spec(n, {"name": FLOW, "rate": rate, "steps": 3}), kernels, dtype="float64")
    in_order(net, x, 3)
    w, b = learnt(net)
    np.testing.assert_allclose(w, both[:, :-1] / 2, atol=1e-9)
    np.testing.assert_allclose(b, both[:, :-1].sum(axis=1) / 2 - both[:, -1], atol=1e-9)
    assert abs(b).max() > 0.01


def test_flow_stores_symmetric_weights():
    """More than Hebb's rule, at load 0.5; steps of one presentation are steps of several."""
    x = patterns(20, 40)
    rule = {"name": FLOW, "steps": 400}
    net = stored(x, rule, epochs=5)
    w, _ = learnt(net)
    np.testing.assert_array_equal(w, w.T)
    np.testing.assert_array_equal(net.recall(x).states, x)
    assert (stored(x, "hebb").recall(x).states != x).mean() > 0.05
    other = stored(x, {"name": FLOW, "steps": 200}, epochs=10)
    np.testing.assert_allclose(learnt(other)[0], w, atol=1e-9)


def test_flow_has_no_weights_in_one_direction():
    x, mask = patterns(4, 6), np.triu(np.ones((6, 6), bool))
    mask[3, 1] = True
    net = stored(x, {"name": FLOW, "steps": 5}, connectivity=Masked(mask))
    w, _ = learnt(net)
    np.testing.assert_array_equal(np.argwhere(w), [[1, 3], [3, 1]])


# -- all of them -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ALL)
def test_one_pattern_and_one_twice(name, dtype):
    x = patterns(1, 20)
    assert "memory" in str(spec(20, name).layers)
    for data in (x, np.repeat(x, 2, axis=0)):
        net = stored(data, name, dtype=dtype, batch=1)
        np.testing.assert_array_equal(net.recall(x).states, x)
        assert not np.diag(learnt(net)[0]).any()
        cue = x.copy()
        cue[:, :3] *= -1
        np.testing.assert_array_equal(net.recall(cue).states, x)


@pytest.mark.parametrize("name", ALL)
def test_replicas_are_as_if_alone(name, kernels, slow):
    n, epochs = (4, 1) if slow else (10, 1)
    x = np.array([patterns(3, n, seed) for seed in (0, 1)])
    data = Samples({"pattern": x.reshape(-1, n), "memory": x.reshape(-1, n)})
    both = Samples.stacked([data.subset(np.arange(3) + 3 * r) for r in range(2)])
    net = Simulator(spec(n, name), kernels, seed=[0, 9], dtype="float64")
    net.fit(both, epochs, batch=2)
    for r, seed in enumerate((0, 9)):
        alone = Simulator(spec(n, name), kernels, seed=seed, dtype="float64")
        fit(alone, x[r], epochs, 2)
        for one, other in zip(learnt(net), learnt(alone), strict=True):
            np.testing.assert_array_equal(one[r * n : (r + 1) * n], other)


@pytest.mark.parametrize("name", ALL)
def test_what_was_before_does_not_matter(name):
    """Weights that are drawn are not begun from; `reset` begins anew."""
    x = patterns(4, 12)
    net = stored(patterns(3, 12, 1), name)
    net.reset()
    fit(net, x)
    other = Simulator(spec(12, name), dtype="float64", threads=2)
    other["memory"]["C"].weights = np.ones((12, 12))
    fit(other, x)
    for one, same in zip(learnt(net), learnt(other), strict=True):
        np.testing.assert_array_equal(one, same)


@pytest.mark.parametrize("after", [3, 5, 6])
@pytest.mark.parametrize("name", ALL)
def test_they_go_on_to_the_same_bits(name, after):
    x = patterns(7, 9)

    def training():
        net = Simulator(spec(9, name), seed=[3, 8], threads=1)
        return Training(net, {"pattern": x, "memory": x}, batch=2)

    whole, first, second = training(), training(), training()
    for one, times in ((whole, 11), (first, after)):
        for _ in range(times):
            one.advance()
    second.restore(first.state(0), first.state(1))
    for _ in range(11 - after):
        second.advance()
    for r in range(2):
        for array, expected in whole.simulator.arrays(r).items():
            np.testing.assert_array_equal(second.simulator.arrays(r)[array], expected, array)
        assert whole.simulator.arrays(r)["memory/C/weights"].any()


@pytest.mark.parametrize("name", ALL)
def test_neurons_that_are_frozen_stay(name):
    x = patterns(4, 8)
    net = Simulator(spec(8, name), threads=1, dtype="float64")
    before = learnt(net)[0].copy()
    with net.freeze("memory", neurons=[2, 5]):
        fit(net, x)
    same = (learnt(net)[0] == before).all(axis=1)
    assert set(np.flatnonzero(same)) == {2, 5}


@pytest.mark.parametrize("name", ONCE)
def test_there_is_one_epoch(name):
    x = patterns(3, 5)
    with pytest.raises(ConfigError, match=f"^rule {name} learns in closed form"):
        stored(x, name, epochs=2)


# -- runs ------------------------------------------------------------------------------------------


def test_a_run(tmp_path):
    settings = (
        "data.options={units=20, patterns=8, noise=0.1}", "layers.memory.size=20",
        "layers.memory.goal=", "training.batch=8", "training.epochs=3",
        "network.rule={name='perceptron', stability=0.2, steps=20}",
    )  # fmt: skip
    one = Experiment.load("pnas/memory-heuristic", settings)
    found = load_run(train(one, tmp_path / "run", threads=1))
    assert found.complete
    assert found.metrics["test_error"][-1] == 0
    x = one.dataset().train_x.astype(int)
    assert (stabilities(found.simulator(), x) >= 0.2).all()


# -- bad input -------------------------------------------------------------------------------------


def network(compartments, rule="storkey", **options):
    return Network({"pattern": 4}, [Layer("memory", 4, compartments, SUM, **options)], rule=rule)


def own(**options):
    return Compartment("C", "memory", **{"delay": 1, "bias": False, **options})


NEEDS = (
    "^layer 'memory': rule storkey needs one connection that learns, of the layer on itself with "
    "delay 1; there is "
)
WRONG = {
    "no recurrence": (
        lambda: network([Compartment("F", "pattern", bias=False)]),
        NEEDS + "from 'pattern' with delay 0$",
    ),
    "another that learns": (
        lambda: network([Compartment("F", "pattern", bias=False), own()]),
        NEEDS + "from 'pattern' with delay 0 and from 'memory' with delay 1$",
    ),
    "delay 2": (lambda: network([own(delay=2)]), NEEDS + "from 'memory' with delay 2$"),
    "of a layer": (
        lambda: Network(
            {"x": 2}, [Layer("memory", 4, [Compartment("F", "x")], SUM, rule="storkey")]
        ),
        NEEDS + "from 'x' with delay 0$",
    ),
    "biases": (
        lambda: network([own(bias=True)], "pseudo-inverse"),
        "^layer 'memory': rule pseudo-inverse has no biases, compartment 'C' must have bias false$",
    ),
    "no biases": (
        lambda: network([own()], FLOW),
        f"^layer 'memory': rule {FLOW} needs biases, compartment 'C' must have bias true$",
    ),
    "binary outputs": (
        lambda: network([own()], outputs="binary"),
        "^layer 'memory': rule storkey needs outputs 'signed', was 'binary'$",
    ),
    "several steps": (
        lambda: spec(4, "descent-l2", steps=2),
        "rule descent-l2 learns a clamped layer in presentations of one step, steps was 2$",
    ),
    "negative stability": (
        lambda: Rule.of({"name": "perceptron", "stability": -0.1}),
        r"^rule perceptron: stability must be a number in \[0, 1000\], was -0.1$",
    ),
    "stability of text": (
        lambda: Rule.of({"name": "perceptron", "stability": "1"}), "stability must be .* was '1'$"
    ),
    "no margin": (
        lambda: Rule.of({"name": "krauth-mezard", "margin": 0}), "margin must be .*, was 0$"
    ),
    "no steps": (lambda: Rule.of({"name": FLOW, "steps": 0}), "steps must be .* at least 1, was 0"),
    "half a step": (lambda: Rule.of({"name": FLOW, "steps": 1.5}), "steps must be an integer"),
    "infinite rate": (lambda: Rule.of({"name": FLOW, "rate": np.inf}), "rate must be .* was inf$"),
    "no penalty": (
        lambda: Rule.of({"name": "descent-l2", "penalty": 0.0}), "penalty must be .* was 0.0$"
    ),
    "gain of nan": (
        lambda: Rule.of({"name": "descent-l2", "gain": np.nan}), "gain must be .* was nan$"
    ),
    "number of another": (
        lambda: Rule.of({"name": "storkey", "rate": 1.0}),
        "^rule storkey has no number 'rate'; it has none$",
    ),
    "misspelt": (lambda: Rule.of("psuedo-inverse"), "unknown rule .* did you mean pseudo-inverse"),
    "a base": (lambda: Rule.of(Memory()), "rule Memory has no name of its own"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_bad_descriptions(case):
    make, message = WRONG[case]
    with pytest.raises(ConfigError, match=message) as error:
        make()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(("value", "said"), [(0, "0"), (0.5, "0.5"), (-2, "-2"), (1e30, "1e+30")])
def test_what_are_no_patterns(name, value, said):
    net = Simulator(spec(4, name), threads=1)
    before = [one.copy() for one in learnt(net)]
    x = patterns(3, 4).astype(float)
    x[1, 2] = value
    message = f"rule {name} learns patterns of 1 and -1, layer 'memory' was clamped to {said}"
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        net.step({"pattern": patterns(3, 4), "memory": x})
    with pytest.raises(DataError, match=f"^rule {name} needs layer 'memory' to be clamped"):
        net.step({"pattern": patterns(3, 4)})
    assert not net.events
    assert net["memory"].clock.updates == 0
    for one, was in zip(learnt(net), before, strict=True):
        np.testing.assert_array_equal(one, was)


def test_the_command_says_what_a_network_lacks(capsys, tmp_path):
    with pytest.raises(SystemExit) as stop:
        main(
            ["train", "demo/digits", "--set", "network.rule=storkey", "--out", str(tmp_path / "r")]
        )
    assert stop.value.code == 2
    assert not (tmp_path / "r").exists()
    (line,) = capsys.readouterr().err.splitlines()
    assert "layer 'hidden': rule storkey needs one connection that learns" in line
