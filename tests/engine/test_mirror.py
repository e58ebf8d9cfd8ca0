"""Firing and silence are mirror images: u -> -u turns θ over and changes nothing else."""

import numpy as np
import pytest

from infosim.engine import Simulator
from infosim.network import Adam, Compartment, Layer, Network
from infosim.neuron import Activation, Binning
from infosim.neuron.activation import logistic

DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])


def neurons(goal, activation, weight, bias, backend="cpu", dtype="float32", binning="adaptive"):
    """Four neurons whose compartments, all but the first silent, read one number each."""
    names = "FCL"[: activation.sources[-1]]
    layer = Layer(
        "h", 4, [Compartment(name, f"x{name}") for name in names], activation,
        Binning(binning, 20), goal, Adam(0.01),
    )  # fmt: skip
    net = Simulator(Network({f"x{name}": 1 for name in names}, [layer]), backend, 0, 1, dtype=dtype)
    for k, name in enumerate(names):
        net["h"][name].weights = np.full((4, 1), weight * (1 + 0.1 * k))
        net["h"][name].bias = bias if k == 0 else np.zeros(4)
    return net


def signals(net, n_samples):
    """The same numbers for every network, none of which comes to lie on a bin's edge."""
    rng = np.random.default_rng(3)
    return {name: rng.normal(size=(1, n_samples)) for name in net.network.inputs}


#: Half firing, nearly always firing, so nearly that float32 rounds θ to 1, beyond all numbers.
BIASES = np.array([0.3, 5.0, 20.0, 22.0])


@DTYPES
@pytest.mark.parametrize("name", ["sum", "bivariate", "trivariate"])
def test_neurons_that_mostly_fire_learn_as_those_that_are_mostly_silent(kernels, slow, name, dtype):
    activation = Activation(name, clamp=0)
    goal = {1: "{F}", 2: "{F}{C} - 0.3 {F} + 0.2 H", 3: "{F}{C} - 0.4 {FL} + 0.2 {C}{L}"}
    options = {"backend": kernels, "dtype": dtype}
    found = []
    for sign in (1, -1):
        net = neurons(goal[activation.sources[-1]] if name != "sum" else "{F}{C}{L} + {F}",
                      activation, 0.5 * sign, BIASES * sign, **options)  # fmt: skip
        net.present(signals(net, 40 if slow else 500))
        net.run()
        slope, delta, bias = net.gradient("h")
        found.append((np.array(net["h"].probabilities), slope, delta, bias, net.information("h")))
    up, down = found
    # on a GPU masses are fixed-point numbers, of which θ = 1e-10 has few digits
    rtol = {"float32": 2e-3, "float64": 1e-6 if kernels.ON_DEVICE else 1e-9}[dtype]
    np.testing.assert_allclose(up[0], 1 - down[0], rtol=0, atol=1e-6)
    for one, other in zip(up[1:4], down[1:4], strict=True):
        for n in np.ndindex(one.shape[:-1]):
            scale = abs(other[n]).max()
            assert scale > 0
            np.testing.assert_allclose(one[n], -other[n], rtol=0, atol=rtol * scale)
    np.testing.assert_allclose(
        up[4], down[4], rtol=1e-3, atol=1e-12 if dtype == "float64" else 1e-7
    )


@DTYPES
def test_a_neuron_that_always_fires_learns(dtype):
    """Its gradient was exactly zero for ever in float32."""
    ended = []
    for sign in (1, -1):
        net = neurons("{F}", Activation("sum"), 0.5 * sign, np.full(4, 20.0) * sign, dtype=dtype)
        x = signals(net, 500)
        for _ in range(2000):
            net.present({"xF": x["xF"]}, learn=True)
            net.run()
        ended.append((net.atoms("h")[0], net["h"]["F"].weights[0, 0]))
    (atoms, weight), (other_atoms, other_weight) = ended
    assert weight > 5
    assert weight == pytest.approx(-other_weight, rel=1e-3)
    np.testing.assert_allclose(atoms, other_atoms, atol=1e-3)


@DTYPES
def test_both_sides_of_the_logistic_function_keep_their_digits(dtype):
    x = np.linspace(-80, 80, 1601).astype(dtype)
    up, down = np.transpose([logistic(one) for one in x])
    rtol = {"float32": 2e-6, "float64": 1e-12}[dtype]
    np.testing.assert_allclose(up, 1 / (1 + np.exp(-x.astype(float))), rtol=rtol)
    np.testing.assert_allclose(down, 1 / (1 + np.exp(x.astype(float))), rtol=rtol)
    np.testing.assert_allclose(up, down[::-1], rtol=rtol)
    for far in (1e4, -1e4):
        assert sorted(logistic(np.dtype(dtype).type(far))) == pytest.approx([0, 1], abs=1e-30)
