"""Activations of a user's own: what they may be, and what is said of those that cannot be."""

import math
from dataclasses import replace

import naive
import numba
import numpy as np
import pytest

from infosim.engine import Samples, Simulator, Training
from infosim.errors import ConfigError
from infosim.experiments import Experiment
from infosim.network import Adam, Compartment, Layer, Network
from infosim.neuron import Activation
from infosim.neuron.activation import logistic

RNG = np.random.default_rng(0)
SAMPLES = {"x": RNG.normal(size=(40, 4)), "y": RNG.integers(0, 2, 40)}
GOALS = {1: "{F}", 2: "{F}{C}", 3: "{F}{C} - {F}{L}", 4: "{F}{C} - {F}{L} + {F}{T}"}


def gated(u, p):
    """The first compartment drives, the second one's tanh is its gain."""
    r, c = u
    t = math.tanh(c)
    gain = 1 + p[0] * t
    return r * gain, (gain, r * p[0] * (1 - t * t))


def other_gated(u, p):
    return gated_by_hand(u[0], u[1], p[0])


@numba.njit
def gated_by_hand(r, c, strength):
    t = math.tanh(c)
    return r * (1 + strength * t), (1 + strength * t, r * strength * (1 - t * t))


def as_the_papers_do(u, p):
    """The trivariate activation, written anew."""
    r, c, l = u  # noqa: E741
    sc, sl = logistic(p[1] * r * c)[0], logistic(p[3] * r * l)[0]
    dc, dl = p[0] * p[1] * sc * (1 - sc), p[2] * p[3] * sl * (1 - sl)
    gain = 1 - p[0] - p[2] + p[0] * sc + p[2] * sl
    return r * gain, (gain + r * c * dc + r * l * dl, r * r * dc, r * r * dl)


def one(u, p):
    return 2 * u[0], (2.0,)


def four(u, p):
    r, c, l, t = u  # noqa: E741
    return r + c * l + t, (np.float32(1), l, c, np.float32(1))


def layer(activation, n=2, name="h", size=3):
    lateral, feedback = Compartment("L", name, "all-but-self", 1), Compartment("T", name, delay=1)
    compartments = [Compartment("F", "x"), Compartment("C", "y"), lateral, feedback][:n]
    optimizer = Adam(0.05, epsilon=1e-3)
    return Layer(name, size, compartments, activation, goal=GOALS[n], optimizer=optimizer)


def network(*layers):
    return Network({"x": 4, "y": 2}, layers, 2)


def trained(given, backend="cpu", seed=1, dtype="float64", n=40, epochs=2, threads=1):
    simulator = Simulator(given, backend, seed, threads, dtype=dtype)
    simulator.fit({key: value[:n] for key, value in SAMPLES.items()}, epochs, batch=min(n, 16))
    return simulator


def weights(simulator, rows=slice(None)):
    return [np.array(c.weights)[rows] for c in simulator["h"].compartments]


def assert_same(simulator, other, atol=0.0, rows=slice(None)):
    for mine, theirs in zip(weights(simulator, rows), weights(other), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=atol)


OWN = [
    (one, (), 1), (gated, 0.3, 2), (other_gated, [0.3], 2),
    (as_the_papers_do, np.array([0.1, 2, 0.1, 2]), 3), (four, (), 4),
]  # fmt: skip


@pytest.mark.parametrize(("function", "parameters", "n"), OWN)
def test_both_backends_compute_what_it_says(kernels, function, parameters, n):
    simulator = Simulator(
        network(layer(Activation(function, parameters), n)), kernels, 1, dtype="float64"
    )
    simulator.present({"x": SAMPLES["x"][:6].T, "y": np.eye(2)[SAMPLES["y"][:6]].T})
    simulator.run()
    u, theta = simulator["h"].potentials, simulator["h"].probabilities
    p = np.atleast_1d(parameters)
    slope, delta, _ = simulator.gradient("h")
    for i, s in np.ndindex(theta.shape):
        drive, slopes = function(tuple(u[:, i, s]), p)
        np.testing.assert_allclose(theta[i, s], naive.sigma(drive), rtol=1e-12)
        expected = slope[i, s] * theta[i, s] * (1 - theta[i, s]) * np.array(slopes)
        np.testing.assert_allclose(delta[:, i, s], expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("rule", ["infomorphic", "backprop"])
def test_what_is_written_anew_trains_as_what_is_there(rule):
    named = Activation("trivariate")
    own = Activation(as_the_papers_do, (0.1, 2, 0.1, 2))
    label = Compartment("C", "y", "one-to-one", trainable=False, bias=False, weight=1.0)
    out = Layer("out", 2, [Compartment("F", "h"), label], Activation("feedforward"), goal="{F}{C}")

    def of(activation):
        layers = [layer(activation, 3), out]
        return trained(Network({"x": 4, "y": 2}, layers, 2, "out", "y", rule))

    assert_same(of(own), of(named), 1e-9)


def test_replicas_share_a_function_and_have_each_their_parameters():
    networks = [network(layer(Activation(gated, p))) for p in (0.3, -0.5)]
    beside = trained(networks, seed=[1, 2], threads=2)
    for r, seed in enumerate((1, 2)):
        assert_same(beside, trained(networks[r], seed=seed), rows=slice(3 * r, 3 * r + 3))


def test_training_that_goes_on_is_training_that_never_ended():
    given = network(layer(Activation(gated, 0.3)))
    whole, first, second = (
        Training(Simulator(given, seed=5), Samples(SAMPLES), batch=16) for _ in range(3)
    )
    for _ in range(3):
        whole.advance()
    first.advance()
    second.restore({key: np.array(value) for key, value in first.state().items()})
    for _ in range(2):
        second.advance()
    assert_same(whole.simulator, second.simulator)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_single_sample(dtype):
    simulator = trained(network(layer(Activation(four), 4)), dtype=dtype, n=1)
    assert all(np.isfinite(one).all() for one in weights(simulator))


def test_equal_are_those_of_one_function():
    mine, same = Activation(gated, 0.3), Activation(gated, (0.3,))
    assert mine == same
    assert hash(mine) == hash(same)
    assert Activation(gated_by_hand.py_func) == Activation(gated_by_hand)  # compiled or not
    for other in (
        Activation(other_gated, 0.3), Activation(gated, 0.4), replace(mine, clamp=0.1),
        Activation("bivariate"),
    ):  # fmt: skip
        assert mine != other
    assert replace(mine, clamp=0.1).name is gated
    assert len({mine, same, Activation("sum"), Activation("sum", {"beta": 1})}) == 2


@pytest.mark.parametrize(
    ("activation", "message"),
    [
        (Activation(other_gated, 0.3), "activation is gated in one and other_gated in another"),
        (Activation("bivariate"), "activation is gated in one and bivariate in another"),
        (Activation(gated, (0.3, 1.0)), "number of parameters is 1 in one and 2 in another"),
    ],
)
def test_replicas_of_different_functions_are_refused(activation, message):
    with pytest.raises(ConfigError, match=message):
        Simulator([network(layer(a)) for a in (Activation(gated, 0.3), activation)], seed=[0, 1])


def test_replicas_of_functions_of_one_name_are_told_apart():
    functions = [lambda u, p: (u[0], (1.0, 0.0)), lambda u, p: (u[0] + u[1], (1.0, 1.0))]
    with pytest.raises(
        ConfigError, match=r"activation's function is <function .*> in one and <fun"
    ):
        Simulator([network(layer(Activation(f))) for f in functions], seed=[0, 1])


def broken(u, p):
    raise ZeroDivisionError("on the\nway")


def writes(u, p):
    p[0] += 1
    return u[0], (1.0, 0.0)


def negative_root(u, p):
    s = math.sqrt(u[0]) if u[0] > 0 else math.nan
    return s, (0.5 / s, 0.0)


def unknown(u, p):
    return u[0] if u[0] > -1e9 else Unknown.value, (1.0, 0.0)


class Unknown:
    value = 1.0


def mixed(u, p):
    kind = u[0] if u[0] > -1e9 else "a"
    return (0.0 if kind == "a" else u[0]), (1.0, 0.0)


WRONG = {
    "no u and p": (lambda u: u, (), "'.*<lambda>' must take .u, p., .*: too many positional"),
    "no arguments": (lambda: 0, (), "must take .u, p., a tuple of potentials and the parameters"),
    "other compartments": (gated, 0.3, "with 3 potentials and 1 parameter.s.: ValueError: too", 3),
    "too few parameters": (gated, (), "with 2 potentials and 0 parameter.s.: IndexError: index 0"),
    "raises": (broken, (), "ZeroDivisionError: on the way$"),
    "writes": (writes, (0.3,), "ValueError: assignment destination is read-only"),
    "no pair": (lambda u, p: u[0], (), "must return .A, dA., the drive and a tuple of 2 der.*; it"),
    "a list": (lambda u, p: (u[0], [1.0, 0.0]), (), "a tuple of 2 derivatives; it returned"),
    "count": (lambda u, p: (u[0], (1.0,)), (), "a tuple of 2 derivatives; it returned 1$"),
    "more": (lambda u, p: (u[0], (1.0,) * 3), (), "a tuple of 2 derivatives; it returned 3$"),
    "a text": (lambda u, p: (u[0], (1.0, "a")), (), "one of these numbers was 'a'"),
    "complex": (lambda u, p: (1j * u[0], (1j, 0.0)), (), r"one of these numbers was .*j\)?$"),
    "not finite": (negative_root, (), "'negative_root': A is nan at F = -.*, C = .*; it must be f"),
    "slope not finite": (lambda u, p: (u[0], (1.0, math.nan)), (), "∂A/∂C is nan at F = "),
    "first derivative": (
        lambda u, p: (3 * u[0], (2.0, 0.0)), (), "∂A/∂F is 2 as it says, but 3 by finite differen",
    ),
    "second derivative": (
        lambda u, p: (u[0] + u[1], (1.0, 0.0)), (),
        r"∂A/∂C is 0 as it says, but 1 by finite differences, at F = 0\.2515, C = -0\.2642$",
    ),
    "unknown to Numba": (unknown, (), "'unknown' cannot be compiled: .*Unknown"),
    "not of one type": (mixed, (), "'mixed' cannot be compiled: Cannot unify"),
    "five compartments": (gated, 0.3, "'gated' takes 1 or 2 or 3 or 4 compartments, 5 were", 5),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_is_said_in_a_line(case):
    function, parameters, message, *n = WRONG[case]
    compiled = "compiled" in message
    if compiled and numba.config.DISABLE_JIT:
        pytest.skip("asks the compiler")
    compartments = [Compartment(name, "x") for name in "FCLTU"[: n[0] if n else 2]]
    with pytest.raises(ConfigError, match=message) as error:
        Layer("h", 3, compartments, Activation(function, parameters))
    assert str(error.value).startswith("layer 'h': activation ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((math.exp,), "an activation is a name or a Python function, not <built-in function exp>"),
        ((Unknown,), "a name or a Python function, not <class"),
        ((gated, {"alpha": 1}), "'gated': parameters of a function are finite numbers in a row"),
        ((gated, (0.3, "a")), "finite numbers in a row, were .0.3, 'a'"),
        ((gated, math.inf), "finite numbers in a row, were inf"),
        ((gated, [[1], [2, 3]]), "finite numbers in a row"),
        ((gated, 0.3, 0.7), "'gated': clamp must be a number in .0, 0.5., was 0.7"),
    ],
)
def test_what_is_no_activation_is_said_at_once(arguments, message):
    with pytest.raises(ConfigError, match=message):
        Activation(*arguments)


def test_settings_hold_no_function():
    message = "layers.hidden.activation.name: settings hold no function; give it to an Activation"
    with pytest.raises(ConfigError, match=message):
        Experiment.load("demo/digits", [("layers.hidden.activation.name", gated)])
