"""Compartments that sum several connections: forward, gradients, files, replicas, resumption."""

import importlib.util
from dataclasses import dataclass, replace

import naive
import numpy as np
import pytest
from bits import assert_same_bits, without_times
from presented import firings

from infosim.engine import Samples, Simulator, Training
from infosim.errors import ConfigError, ShapeError
from infosim.machine.events import Fire
from infosim.network import (
    SGD,
    Adam,
    Compartment,
    Connection,
    Connectivity,
    Layer,
    Masked,
    Network,
    OneToOne,
)
from infosim.neuron import Activation, Binning

N_IN, N_CLASSES = 4, 3
BINNING = Binning("fixed", 5, -3, 3)
STEADY = Adam(0.02, 0.001, epsilon=1e-3)


def network(size=6, steps=3, connectivity="sparse(2)", rate=0.02, n_classes=N_CLASSES, **options):
    """Inputs, feedback and past beside each other, skipped layers, a source read twice."""
    hidden = Layer("h", size, [
        Compartment("F", "image"),
        Compartment("C", connections=[Connection("label"), Connection("out", delay=1)]),
        Compartment("L", connections=[
            Connection("h", "all-but-self", delay=1), Connection("g", connectivity, delay=1),
        ]),
    ], Activation("trivariate"), BINNING, "{F}{C} - 0.3 {L} + 0.1 {FCL}",
        replace(STEADY, rate=rate))  # fmt: skip
    second = Layer("g", 5, [
        Compartment("F", connections=[
            Connection("h"), Connection("h", delay=1),
            Connection("image", Masked(np.arange(20).reshape(5, N_IN) % 3 > 0)),
        ]),
        Compartment("C", connections=[
            Connection("label"), Connection("image", weight=0.5, trainable=False),
        ], bias=False),
    ], Activation("bivariate"), BINNING, "{F}{C} + 0.1 {FC}", STEADY)  # fmt: skip
    out = Layer("out", n_classes, [
        Compartment("F", connections=[Connection("g"), Connection("h")]),
        Compartment("C", "label", "one-to-one", trainable=False, bias=False, weight=1.0),
    ], Activation("feedforward"), BINNING, "{F}{C} - 0.2 {F}", STEADY)  # fmt: skip
    inputs = {"image": N_IN, "label": n_classes}
    return Network(inputs, [hidden, second, out], steps, "out", "label", **options)


def batch(n_samples=7, seed=0, n_classes=N_CLASSES):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, n_classes, n_samples)
    return {"image": rng.normal(size=(N_IN, n_samples)), "label": np.eye(n_classes)[labels].T}


def clouds(n=60, seed=0, n_classes=N_CLASSES):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, n_classes, n)
    return {"image": rng.normal(size=(n, N_IN)) + labels[:, None], "label": labels}


def dense(c, n_in):
    """The (n, n_in) weights of a connection."""
    weights = np.array(c.weights)
    if c.index is None:
        return weights
    full = np.zeros((len(weights), n_in))
    np.put_along_axis(full, np.array(c.index), weights, axis=1)
    return full


def forward(simulator, inputs, learn=False):
    """θ of each firing, as found and by the plain forward model with the same outputs."""
    spec, weights, biases = simulator.network, {}, {}
    for name, layer in simulator.layers.items():
        for compartment in layer.compartments:
            key = name, compartment.spec.name
            biases[key] = np.array(compartment.bias)
            for own, c in compartment.named:
                n_in = spec.size(c.spec.source)
                weights[(*key, own[:-1]) if own else key] = dense(c, n_in)
    frozen = firings(simulator, inputs, learn=learn)
    found = {at: theta for at, (theta, _) in frozen.items()}
    return found, naive.presentation(spec, weights, biases, inputs, frozen)


# -- what is computed ------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [1, 2, 4])
@pytest.mark.parametrize("without", [(), ("label",)])
def test_potentials_are_sums_over_all_steps(kernels, slow, steps, without):
    if slow and (steps, without) != (2, ()):
        pytest.skip("slow")
    simulator = Simulator(network(steps=steps), kernels, 3, threads=1, dtype="float64")
    for number in range(2):  # the second time from what is recorded and was held
        inputs = {k: v for k, v in batch(seed=number).items() if k not in without}
        found, expected = forward(simulator, inputs, learn=number == 0)
        assert len(found) >= 3
        for at, theta in found.items():
            np.testing.assert_allclose(theta, expected[at], atol=1e-13, err_msg=str(at))


def test_gradients_are_of_each_connection_what_it_heard():
    """∂G/∂W is δ xᵀ, with the compartment's one δ: sparse, masked, delayed or an input."""
    simulator = Simulator(network(steps=2), seed=3, threads=1, dtype="float64")
    inputs = batch()
    y = {at: output for at, (_, output) in firings(simulator, inputs).items()}
    for name, layer in simulator.layers.items():
        _, delta, bias_gradient = simulator.gradient(name)
        np.testing.assert_allclose(bias_gradient, delta.sum(axis=2), atol=1e-15)
        for k, c in layer.connections:
            if not c.trainable:
                continue
            x = inputs.get(c.spec.source)
            if x is None:
                x = y.get((1 - c.spec.delay, c.spec.source))
            size = simulator.network.size(c.spec.source)
            expected = np.zeros((layer.spec.size, size)) if x is None else delta[k] @ x.T
            if c.index is not None:
                expected = np.take_along_axis(expected, np.array(c.index), axis=1)
            np.testing.assert_allclose(c.gradient, expected, atol=1e-14)
    assert abs(simulator["h"]["C"]["label"].gradient).max() > 1e-4


def joined(connections, inputs, rule):
    """A network whose first compartment reads these."""
    options = {"readout": "out", "target": "label"}
    hidden = Layer("h", 5, [Compartment("F", connections=connections), Compartment("C", "label")],
                   Activation("bivariate"), BINNING, "{F}{C} + 0.2 {F}", SGD(0.5))  # fmt: skip
    out = Layer("out", 3, [Compartment("F", "h")], Activation("sum"), BINNING, "{F}", STEADY)
    return Network(inputs | {"label": 3}, [hidden, out], 2, rule=rule, **options)


@pytest.mark.parametrize("rule", ["infomorphic", "backprop"])
def test_two_connections_are_one_from_both_sources(kernels, slow, rule):
    """In all that they lead to and learn, to rounding."""
    two = joined([Connection("a"), Connection("b")], {"a": 3, "b": 2}, rule)
    one = joined([Connection("ab")], {"ab": 5}, rule)
    two, one = (Simulator(n, kernels, 4, threads=1, dtype="float64") for n in (two, one))
    host = one.kernels.host
    start = np.array(host(one["h"]["F"].weights))
    two["h"]["F"]["a"].weights, two["h"]["F"]["b"].weights = start[:, :3], start[:, 3:]
    assert not np.array_equal(start, np.zeros_like(start))
    np.testing.assert_array_equal(host(one["h"]["C"].weights), host(two["h"]["C"].weights))
    # biases are drawn after the first connection's weights, which are fewer
    two["h"]["F"].bias = np.array(host(one["h"]["F"].bias))
    rng = np.random.default_rng(5)
    for number in range(1 if slow else 4):
        x, label = rng.normal(size=(5, 9)), np.eye(3)[rng.integers(0, 3, 9)].T
        two.present({"a": x[:3], "b": x[3:], "label": label}, learn=True, batch=number)
        one.present({"ab": x, "label": label}, learn=True, batch=number)
        two.run()
        one.run()
        np.testing.assert_allclose(one["h"].potentials, two["h"].potentials, atol=1e-12)
    found = np.hstack([host(two["h"]["F"][name].weights) for name in "ab"])
    np.testing.assert_allclose(found, host(one["h"]["F"].weights), atol=1e-10)
    np.testing.assert_allclose(host(two["h"]["F"].bias), host(one["h"]["F"].bias), atol=1e-10)
    assert abs(found - start).max() > 1e-3


def test_hebbs_rule_makes_of_two_what_it_makes_of_one():
    """In closed form, by the units of both sources, beside frozen weights that it leaves alone."""
    frozen = Connection("h", delay=1, trainable=False)
    two = joined([Connection("a"), frozen, Connection("b", "sparse(1)")], {"a": 3, "b": 2}, "hebb")
    one = joined([Connection("ab"), frozen], {"ab": 5}, "hebb")
    rng = np.random.default_rng(5)
    x, outputs = rng.normal(size=(30, 5)), rng.choice([-1.0, 1.0], (30, 5))
    given = {"label": rng.integers(0, 3, 30), "h": outputs}
    two, one = (Simulator(replace(n, steps=1), seed=4, threads=1, dtype="float64")
                for n in (two, one))  # fmt: skip
    kept = two["h"]["F"]["h"].weights.copy()
    two.fit(given | {"a": x[:, :3], "b": x[:, 3:]}, 1, batch=12)
    one.fit(given | {"ab": x}, 1, batch=12)
    expected = outputs.T @ x / 5
    np.testing.assert_allclose(one["h"]["F"]["ab"].weights, expected, atol=1e-12)
    np.testing.assert_allclose(two["h"]["F"]["a"].weights, expected[:, :3], atol=1e-12)
    of_b = np.take_along_axis(expected[:, 3:], np.array(two["h"]["F"]["b"].index), axis=1)
    np.testing.assert_allclose(two["h"]["F"]["b"].weights, of_b, atol=1e-12)
    np.testing.assert_allclose(two["h"]["F"].bias, outputs.sum(axis=0) / 5, atol=1e-12)
    np.testing.assert_array_equal(two["h"]["F"]["h"].weights, kept)
    assert {"h/sums", "h/F/a/products", "h/F/b/products", "h/C/products"} <= two.noted().keys()
    assert "h/F/h/products" not in two.noted()


@pytest.mark.parametrize("rule", ["infomorphic", "backprop"])
@pytest.mark.parametrize("more", [
    Connection("b", weight=0.0, trainable=False),
    Connection("b", "sparse(1)", weight=0.0, trainable=False),
    Connection("h", "all-but-self", delay=1, weight=0.0, trainable=False),
])  # fmt: skip
def test_frozen_weights_of_zero_change_no_bit(more, rule):
    """Neither what is drawn in the beginning nor anything later."""
    inputs = {"a": 3, "b": 2}
    specs = (joined(c, inputs, rule) for c in ([Connection("a")], [Connection("a"), more]))
    alone, beside = (Simulator(spec, seed=4, threads=1) for spec in specs)
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 3, 40)
    samples = {"a": rng.normal(size=(40, 3)), "b": rng.normal(size=(40, 2)), "label": labels}
    for simulator in (alone, beside):
        simulator.fit(samples, 2, batch=15)
    one, other = alone.arrays(), beside.arrays()
    of_a = {f"h/F/{kind}": other[f"h/F/a/{kind}"] for kind in ("weights", "moments")}
    assert_same_bits(one, {name: other[name] for name in one if name not in of_a} | of_a)
    np.testing.assert_array_equal(alone["h"].probabilities, beside["h"].probabilities)
    assert not beside["h"]["F"].connections[1].weights.any()


@pytest.mark.parametrize("n_samples", [1, 3])
def test_few_samples_and_two_classes(n_samples):
    simulator = Simulator(network(n_classes=2), seed=1, threads=1)
    samples = clouds(n_samples, n_classes=2)
    history = simulator.fit(samples, 2, batch=1)
    assert len(history) == 3
    assert np.isfinite(simulator["h"]["C"]["label"].weights).all()
    assert simulator.evaluate(samples).predictions.shape == (n_samples,)


def test_held_inputs_are_projected_once_beside_what_changes(monkeypatch):
    """Of each presentation; with other weights in between they are projected anew."""
    simulator = Simulator(network(steps=4), seed=3, threads=1, dtype="float64", tape=False)
    projected, project = [], simulator.kernels.project

    def noted(weights, x, u):
        projected.append(x.shape[1])
        project(weights, x, u)

    monkeypatch.setattr(simulator.kernels, "project", noted)
    simulator.present(batch(5))
    simulator.run()
    # the image by F of h, F of g and C of g; the label by C of h and C of g; sparse weights aside
    assert projected.count(N_IN) == 3
    assert projected.count(N_CLASSES) == 2 + 3  # the feedback from three classes at three steps
    projected.clear()
    simulator.present(batch(5))
    while simulator.events:
        if isinstance(simulator.advance(), Fire):
            simulator["g"]["F"]["image"].touch()
    assert projected.count(N_IN) == 2 + 4


# -- bits ------------------------------------------------------------------------------------------


def trained(spec, seed=3, threads=1, samples=None, **options):
    simulator = Simulator(spec, seed=seed, threads=threads, **options)
    history = simulator.fit(samples or clouds(), 2, batch=25, test=clouds(20, 1))
    return simulator, history


@pytest.mark.parametrize("rule", ["infomorphic", "backprop"])
def test_threads_and_the_tape_change_no_bit(rule):
    spec = network(70, steps=2, rule=rule)
    samples = clouds(1300)
    simulators = [
        Simulator(spec, seed=3, threads=threads, tape=tape)
        for threads, tape in ((1, True), (2, True), (1, False))
    ]
    for simulator in simulators:
        simulator.fit(samples, 1, batch=900)
    one, *others = simulators
    assert len(one.workers.tiles(70, 900)) == 2
    fresh = Simulator(spec, seed=3, threads=1)
    for name in ("h/L/g/weights", "h/C/out/weights", "g/F/h@1/weights", "g/F/image/weights"):
        assert abs(fresh.arrays()[name] - one.arrays()[name]).max() > 0.002, name
    for other in others:
        assert_same_bits(one.arrays(), other.arrays())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_replicas_have_the_bits_of_each_alone(dtype):
    specs, seeds = [network(), network(rate=0.005)], [4, 2**32 - 1]
    given = clouds()
    index = np.array([np.arange(50), np.arange(59, 9, -1)])
    together, histories = trained(specs, seeds, 2, Samples(given, index=index), dtype=dtype)
    for r, spec in enumerate(specs):
        single, history = trained(spec, seeds[r], 1, Samples(given, index=index[r]), dtype=dtype)
        assert_same_bits(together.arrays(r), single.arrays())
        assert history.test_error == histories[r].test_error
    assert not np.array_equal(*(together.arrays(r)["h/L/g/index"] for r in (0, 1)))


@pytest.mark.parametrize("rule", ["infomorphic", "backprop"])
def test_a_resumed_training_ends_with_the_same_bits(rule):
    def training():
        simulator = Simulator(network(rule=rule), seed=3, threads=1)
        return Training(simulator, clouds(), batch=25, test=clouds(20, 1))

    one, other = training(), training()
    while len(one.history) < 3:
        if (one.epoch, one.position) == (1, 1):
            other.restore({name: np.array(array) for name, array in one.state().items()})
        one.advance()
    while len(other.history) < 3:
        other.advance()
    a, b = (without_times(t.state()) for t in (one, other))
    assert_same_bits(a, b)
    assert abs(a["network/h/C/out/moments"]).max() > 0
    assert "network/g/C/image/moments" not in a


@pytest.mark.skipif(importlib.util.find_spec("numba_cuda") is None, reason="needs numba-cuda")
def test_replicas_learn_the_same_on_a_gpu():
    feedback = Connection("out", "sparse(2)", delay=1)
    spec = joined([Connection("a"), Connection("h", delay=1), feedback], {"a": 2}, "infomorphic")
    cpu, cuda = (Simulator(spec, backend, [3, 4], threads=1) for backend in ("cpu", "cuda"))
    rng = np.random.default_rng(0)
    inputs = {"a": rng.normal(size=(2, 2, 3)), "label": np.eye(3)}
    for simulator in (cpu, cuda):
        simulator.present(inputs, learn=True)
        simulator.run()
    for r in (0, 1):
        found = cuda.arrays(r)
        for name, array in cpu.arrays(r).items():
            on_host = cuda.kernels.host(found[name])
            np.testing.assert_allclose(on_host, array, rtol=1e-4, atol=2e-5, err_msg=name)


# -- weights by name -------------------------------------------------------------------------------


def test_names_of_arrays_are_those_of_connections_where_there_are_several():
    names = Simulator(network(), threads=1).arrays().keys()
    assert {name for name in names if name.startswith("h/L/")} == {
        "h/L/h/weights", "h/L/h/mask", "h/L/h/moments", "h/L/g/weights", "h/L/g/index",
        "h/L/g/moments", "h/L/bias", "h/L/bias_moments",
    }  # fmt: skip
    assert {name for name in names if name.startswith(("h/F/", "g/F/h"))} == {
        "h/F/weights", "h/F/moments", "h/F/bias", "h/F/bias_moments",
        "g/F/h@0/weights", "g/F/h@0/moments", "g/F/h@1/weights", "g/F/h@1/moments",
    }  # fmt: skip


def test_all_arrays_are_set_and_checked_by_name():
    one, other = (Simulator(network(), seed=seed, threads=1) for seed in (1, 2))
    given = {name: np.array(array) for name, array in one.arrays().items()}
    other.set_arrays(given)
    assert_same_bits(one.arrays(), other.arrays())
    index = given["h/L/g/index"].copy()
    index[0] = 1
    for name, value, error, message in (
        ("h/L/g/index", index, ShapeError, "names the same unit twice"),
        ("h/L/g/weights", np.zeros((6, 3)), ShapeError, r"h/L/g/weights has shape \(6, 3\)"),
        ("h/L/weights", np.zeros((6, 6)), KeyError, "h/L/weights"),
    ):
        with pytest.raises(error, match=message):
            other.set_arrays({name: value})
    assert_same_bits(one.arrays(), other.arrays())


def test_a_compartment_is_asked_for_a_connection_or_has_but_one():
    simulator = Simulator(network(), threads=1)
    one, several = simulator["h"]["F"], simulator["h"]["L"]
    assert one["image"].weights is one.connections[0].weights is one.weights
    one.weights = 2 * one.weights
    several["h"].mask = np.tri(6, dtype=bool)
    assert np.count_nonzero(several["h"].weights) == 15  # itself was not read before
    assert several["g"].index.shape == (6, 2)
    assert several.bias.shape == (6,)
    for what in ("weights", "mask", "index", "gradient"):
        message = f"'L' has several connections, ask one of them for its {what}: h, g"
        with pytest.raises(ConfigError, match=message):
            getattr(several, what)
    with pytest.raises(ConfigError, match="'L' has several connections"):
        several.weights = 0
    with pytest.raises(ConfigError, match="compartment 'L' has no connection 'gg'; did you mean g"):
        several["gg"]
    with pytest.raises(ConfigError, match="compartment 'F' has no connection 'F'; allowed: image"):
        one["F"]


def test_weights_are_drawn_within_the_fan_in_of_all_that_are_drawn():
    hidden = Layer("h", 400, [Compartment("F", connections=[
        Connection("a"), Connection("b", "sparse(3)"), Connection("c", weight=1.0),
    ])], Activation("sum"))  # fmt: skip
    state = Simulator(Network({"a": 9, "b": 16, "c": 75}, [hidden]), seed=5, threads=1)["h"]["F"]
    for drawn in (state["a"].weights, state["b"].weights, state.bias):
        assert 0.19 < abs(drawn).max() <= 0.2
    assert (state["c"].weights == 1).all()
    alone = replace(hidden, compartments=[Compartment("F", "a")])
    alone = Simulator(Network({"a": 9}, [alone]), seed=5, threads=1)["h"]["F"]
    np.testing.assert_allclose(0.6 * alone.weights, state["a"].weights, rtol=1e-6)
    assert not np.allclose(state["a"].weights[:, :3], state["b"].weights)


# -- connectivities of one's own -------------------------------------------------------------------


@dataclass(frozen=True)
class Ring(Connectivity):
    """Each neuron reads the `width` units around its own place, on a ring."""

    width: int

    def check(self, n, n_in):
        if self.width > n_in:
            raise ConfigError(f"{self} needs a source of as many units, this one has {n_in}")

    def index(self, n, n_in, rng):
        middle = np.arange(n)[:, None] * n_in // n
        return (middle + np.arange(self.width) - self.width // 2) % n_in

    def __str__(self):
        return f"ring of {self.width}"


@dataclass(frozen=True)
class Told(Connectivity):
    """Answers what it is told."""

    told_index: object = None
    told_mask: object = None

    def index(self, n, n_in, rng):
        return self.told_index

    def mask(self, n, n_in):
        return self.told_mask


def of_one(connectivity, n=4, n_in=8):
    return Network({"x": n_in}, [Layer("h", n, [
        Compartment("F", connections=[Connection("x", connectivity), Connection("h", delay=1)])
    ], Activation("sum"), BINNING, "{F}", STEADY)])  # fmt: skip


def test_a_ring_from_outside_is_a_mask_of_the_same_units(kernels):
    ring = Simulator(of_one(Ring(3)), kernels, 1, threads=1, dtype="float64")
    expected = [[7, 0, 1], [1, 2, 3], [3, 4, 5], [5, 6, 7]]
    np.testing.assert_array_equal(ring["h"]["F"]["x"].index, expected)
    assert ring.arrays()["h/F/x/index"].dtype == np.int32
    mask = np.zeros((4, 8), bool)
    np.put_along_axis(mask, np.array(expected), True, axis=1)
    masked = Simulator(of_one(Told(None, mask)), kernels, 1, threads=1, dtype="float64")
    host = ring.kernels.host
    masked["h"]["F"]["x"].weights = dense(ring["h"]["F"]["x"], 8)
    masked["h"]["F"].bias = np.array(host(ring["h"]["F"].bias))
    np.testing.assert_array_equal(host(masked["h"]["F"]["h"].weights),
                                  host(ring["h"]["F"]["h"].weights))  # fmt: skip
    for simulator in (ring, masked):
        simulator.present({"x": np.random.default_rng(0).normal(size=(8, 6))}, learn=True)
        simulator.run()
    found, expected = dense(ring["h"]["F"]["x"], 8), host(masked["h"]["F"]["x"].weights)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_its_own_check_is_made_with_the_network():
    message = "'h', compartment 'F', connection 'x': ring of 9 needs .* has 8"
    with pytest.raises(ConfigError, match=message):
        of_one(Ring(9))
    of_one(Ring(3)).check_alike(of_one(Ring(3)))
    with pytest.raises(ConfigError, match="connection 1: connectivity is ring of 3 in one and"):
        of_one(Ring(3)).check_alike(of_one(Ring(5)))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Told([[0], [1], [2], [8]]), "index 8 is outside the source's units 0 to 7"),
        (Told([[0], [1], [2], [-1]]), "index -1 is outside"),
        (Told([[0, 0]] * 4), "names the same unit twice for one neuron"),
        (Told([[0]] * 3), r"index must be integers of shape \(4, k\), were int64 \(3, 1\)"),
        (Told([0, 1, 2, 3]), r"\(4, k\), were int64 \(4,\)"),
        (Told([[]] * 4), r"\(4, k\), were float64 \(4, 0\)"),
        (Told(np.zeros((4, 1))), "were float64"),
        (Told([[0, 1], [1], [2], [3]]), "rows of an index or a mask must be of one length"),
        (Told(None, np.ones((4, 7))), r"mask has shape \(4, 7\), .* needs \(4, 8\)"),
        (Told(None, np.full((4, 8), 0.5)), "mask must be true or false, 0 or 1"),
        (Told(None, [["a"] * 8] * 4), "mask must be true or false, 0 or 1"),
        (Told([[0]] * 4, np.ones((4, 8))), "an index or a mask, not both"),
    ],
)
def test_what_it_answers_is_checked_before_a_kernel_sees_it(answer, message):
    where = "layer 'h', compartment 'F', connection 'x': "
    with pytest.raises(ShapeError, match=f"^{where}.*{message}") as error:
        Simulator(of_one(answer), threads=1)
    assert "\n" not in str(error.value)


@dataclass(frozen=True)
class Drawn(Connectivity):
    """As many units as it draws."""

    def index(self, n, n_in, rng):
        return np.tile(np.arange(rng.integers(1, n_in)), (n, 1))


def test_replicas_read_as_many_units_each():
    assert Simulator(of_one(Drawn()), threads=1)["h"]["F"]["x"].index.shape[0] == 4
    with pytest.raises(ShapeError, match=r"replicas need an index of one shape, were \(4, \d\), "):
        Simulator(of_one(Drawn()), seed=range(5), threads=1)


def test_a_single_connection_is_named_by_its_compartment():
    hidden = Layer("h", 3, [Compartment("F", "x", Told([[5]] * 3))], Activation("sum"))
    with pytest.raises(ShapeError, match=r"^layer 'h', compartment 'F': index 5 is outside"):
        Simulator(Network({"x": 5}, [hidden]), threads=1)
    fine = replace(hidden, compartments=[Compartment("F", "x", OneToOne())])
    Simulator(Network({"x": 3}, [fine]), threads=1)
