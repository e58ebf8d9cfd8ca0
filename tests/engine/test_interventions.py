"""Interventions: networks built by hand are the oracle, and what is undone leaves no trace."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from bits import assert_same_bits, without_times

from infosim import (
    Activation,
    Adam,
    Binning,
    Compartment,
    Connection,
    Group,
    Layer,
    Masked,
    Network,
    Simulator,
    Training,
)  # fmt: skip
from infosim.errors import ConfigError, DataError
from infosim.kernels.tape import Calls
from infosim.pid.measures import MEASURES

N_IN, N_CLASSES = 4, 3
OWN = Compartment("C", "label", "one-to-one", weight=1.0, trainable=False, bias=False)


def network(size=6, steps=3, delay=1, lateral="all-but-self", several=False, hidden=None,
            **options):  # fmt: skip
    """A trivariate network, whose hidden layer is read with and without delay."""
    parts = [Connection("h", lateral, delay=delay)]
    if several:
        parts += [Connection("out", delay=delay), Connection("x", "dense")]
    compartments = [
        Compartment("F", "x"), Compartment("C", "label"), Compartment("L", connections=parts)
    ]  # fmt: skip
    layer = Layer(
        "h", size, compartments, Activation("trivariate"), goal="{F}{C} - 0.3 {F} + 0.2 H",
        optimizer=Adam(0.02), **hidden or {},
    )  # fmt: skip
    output = Layer(
        "out", N_CLASSES, [Compartment("F", "h"), OWN], Activation("feedforward"),
        Binning("adaptive", 4), "{F}{C}", Adam(0.02),
    )  # fmt: skip
    return Network({"x": N_IN, "label": N_CLASSES}, [layer, output], steps, "out", "label",
                   **options)  # fmt: skip


def feedforward(rule=None, **hidden):
    """Hidden neurons that read inputs alone, so that none hears of another."""
    hidden = Layer(
        "h", 6, [Compartment("F", "x"), Compartment("C", "label")], Activation("bivariate"),
        goal="{F}{C}", optimizer=Adam(0.02, 0.01), **hidden,
    )  # fmt: skip
    out = Layer("out", N_CLASSES, [Compartment("F", "h"), OWN], Activation("feedforward"),
                goal="{F}{C}", optimizer=Adam(0.02))  # fmt: skip
    more = {} if rule is None else {"rule": rule}
    return Network({"x": N_IN, "label": N_CLASSES}, [hidden, out], 1, "out", "label", **more)


def samples(n=24, seed=0, steps=None):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, N_CLASSES, n)
    x = 2 * np.eye(N_CLASSES, N_IN)[labels] + rng.normal(size=(n, N_IN))
    x = x if steps is None else x[:, None] + rng.normal(size=(n, steps, N_IN))
    return {"x": x, "label": labels}


def simulator(given=None, backend="cpu", seed=3, **options):
    options = {"threads": 1, "dtype": "float64"} | options
    return Simulator(given or network(), backend, seed, **options)


def shown(net, given, **options):
    """Present once; copies of all layers' probabilities and outputs."""
    net.present(*net.batch(net.samples(given), np.arange(len(given["label"]))), **options)
    net.run()
    return {
        name: (np.array(layer.probabilities), np.array(layer.output))
        for name, layer in net.layers.items()
    }


def arrays(net, replica=0):
    host = net.kernels.host
    return {name: np.array(host(array)) for name, array in net.arrays(replica).items()}


def unheard(net, unit):
    """Let all weights by which the hidden unit is heard be 0, in each replica."""
    for layer in net.layers.values():
        for _, c in layer.connections:
            if c.spec.source != "h":
                continue
            weights = np.array(c.weights)
            if c.index is None:
                weights[:, unit] = 0
            else:
                weights[np.array(c.index) == unit] = 0
            c.weights = weights


FORMS = {
    "plain": {},
    "two steps late": {"delay": 2, "steps": 4},
    "sparse": {"lateral": "sparse(3)"},
    "several connections": {"several": True},
    "binary": {"hidden": {"outputs": "binary"}},
    "carried": {"carry": True, "steps": 1},
    "sequence": {"steps": 2},
}
SMALL = {"several connections", "carried"}


def cases(kernels, slow, form):
    if slow and form not in SMALL:
        pytest.skip("the kernels are the same")
    given = samples(6 if slow else 24, steps=2 if form == "sequence" else None)
    return network(**FORMS[form]), given


# -- lesions of neurons --------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_a_lesioned_neuron_is_one_whose_weights_to_all_readers_are_0(kernels, slow, form):
    given, data = cases(kernels, slow, form)
    net, other = (simulator(given, kernels, [3, 4]) for _ in range(2))
    before = arrays(net)
    unheard(other, 2)
    net.lesion("h", 2)
    for _ in range(2):  # what is carried from the first one is heard in the second
        found, expected = shown(net, data), shown(other, data)
    rest = np.delete(np.arange(12), [2, 8])
    for name, rows in (("h", rest), ("out", slice(None))):
        for one, two in zip(found[name], expected[name], strict=True):
            np.testing.assert_allclose(one[rows], two[rows], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(found["h"][1][[2, 8]], 0)
    np.testing.assert_array_equal(found["h"][0][[2, 8]], 0)
    np.testing.assert_array_equal(net.predict(data), other.predict(data))
    assert_same_bits(arrays(net), before)
    plain = shown(simulator(given, kernels, [3, 4]), data)
    assert np.abs(plain["out"][0] - found["out"][0]).max() > 1e-3


@pytest.mark.parametrize("form", ["plain", "several connections", "sequence"])
def test_the_others_learn_as_if_it_had_never_been_connected(form):
    """Of weights that are masked, not only 0: the oracle's must stay away."""
    given, data = network(**FORMS[form]), samples(steps=2 if form == "sequence" else None)
    if form == "sequence":
        given = replace(given, steps=2)
    net, other = simulator(given), simulator(given)
    masks = {"h": ~np.eye(6, dtype=bool), "out": np.ones((N_CLASSES, 6), bool)}
    reads = {"h": other["h"]["L"].connections[0], "out": other["out"]["F"].connections[0]}
    for name, c in reads.items():
        masks[name][:, 2] = False
        c.mask = masks[name]
    net.lesion("h", [2])
    start = arrays(net)
    for one in (net, other):
        one.fit(data, 3, batch=12)
    # its own stay to the bit, and nothing comes to those that hear it
    for name, array in arrays(net).items():
        if name.startswith("h/"):
            axis = array.ndim - 1 if "bias" in name else array.ndim - 2
            own = (*[slice(None)] * axis, 2)
            np.testing.assert_array_equal(array[own], start[name][own], err_msg=name)
        expected, hidden = arrays(other).get(name), name.startswith("h/")
        if expected is None:  # the mask is the oracle's
            continue
        for c_name, c in (("h/L", reads["h"]), ("out/F", reads["out"])):
            if name.startswith(c_name) and array.shape[-1:] == c.weights.shape[-1:]:
                array, expected = (np.delete(a, 2, -1) for a in (array, expected))
        if hidden:
            axis = -1 if "bias" in name else -2
            array, expected = (np.delete(a, 2, axis) for a in (array, expected))
        np.testing.assert_allclose(array, expected, rtol=0, atol=1e-12, err_msg=name)
    assert any((arrays(net)[name] != start[name]).any() for name in start if "h/F" in name)


@pytest.mark.parametrize(
    ("measure", "dtype"),
    [(measure, "float64") for measure in MEASURES] + [("shared-exclusions", "float32")],
)
def test_what_fires_as_imposed_tells_nothing_and_spoils_nothing(measure, dtype):
    net = simulator(feedforward(measure=measure), dtype=dtype)
    data = samples(200)
    net.lesion("h", 0)
    net.clamp("h", [1, 2], [True, False])
    shown(net, data)
    atoms = net.atoms("h")
    assert np.isfinite(atoms).all()
    np.testing.assert_allclose(atoms[:3], 0, atol=1e-6)
    assert np.abs(atoms[3:]).max() > 1e-3
    slope, delta, bias = net.gradient("h")
    np.testing.assert_array_equal(delta[:, :3], 0)
    np.testing.assert_array_equal(bias[:, :3], 0)
    assert np.isfinite(delta).all()
    assert np.isfinite(slope).all()
    history = net.fit(data, 2, batch=50, record_every=1)
    assert np.isfinite(history.mean_goal["h"]).all()


@pytest.mark.parametrize("inversion", ["learned", "none", "batch"])
def test_a_lesioned_readout_neuron_is_never_the_class(kernels, slow, inversion):
    data = samples(6 if slow else 60)
    net = simulator(network(4, 1 if slow else 3, inversion=inversion), kernels)
    if not slow:
        net.fit(data, 3, batch=60)
    if inversion == "learned":
        net.readout.inverted = np.array([True, True, False])
    plain = net.predict_proba(data)
    for lesioned in ([0], [1, 2], [0, 1, 2]):
        with net.lesion("out", lesioned):
            found, sure = net.predict(data), net.predict_proba(data)
            np.testing.assert_array_equal(net.evaluate(data).predictions, found)
        left = np.delete(np.arange(3), lesioned)
        if not left.size:
            np.testing.assert_array_equal(sure, 1 / 3)
            continue
        assert set(found) <= set(left)
        np.testing.assert_array_equal(sure[:, lesioned], 0)
        expected = plain[:, left] / plain[:, left].sum(axis=1, keepdims=True)
        np.testing.assert_allclose(sure[:, left], expected, rtol=1e-9)
        np.testing.assert_array_equal(found, left[expected.argmax(axis=1)])


def test_which_neurons_are_inverted_is_not_learnt_of_those_that_fire_as_imposed():
    net, data = simulator(), samples(90)
    net.fit(data, 2, batch=30)
    for inverted in ([True, True, False], [False, False, True]):
        net.readout.inverted = np.array(inverted)
        with net.lesion("out", 0), net.clamp("out", 1, 1):
            net.learn_inversion(data)
            net.fit(data, 1, batch=30)
        np.testing.assert_array_equal(net.readout.inverted[:2], inverted[:2])


# -- lesions of connections ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "where", "rows"),
    [
        ("plain", "h/L", None),
        ("plain", "h/F", [1, -1]),
        ("sparse", "h/L", [0]),
        ("several connections", "h/L", [4]),
        ("several connections", "h/L/h", None),
        ("several connections", "h/L/x", [0, 1]),
        ("several connections", "h/L/out", slice(2, 4)),
        ("carried", "out/F", 1),
    ],
)
def test_a_lesioned_connection_is_one_whose_weights_are_0(kernels, slow, form, where, rows):
    if slow and where != "h/L/x":
        pytest.skip("the kernels are the same")
    given, data = cases(kernels, slow, form)
    net, other = (simulator(given, kernels, [3, 4]) for _ in range(2))
    layer, compartment, *one = where.split("/")
    state = other[layer][compartment]
    n = other[layer].spec.size
    own = np.arange(n)[slice(None) if rows is None else rows]
    for c in [state[one[0]]] if one else state.connections:
        weights = np.array(c.weights)
        weights[np.append(own, own + n)] = 0
        c.weights = weights
    lesion = net.lesion(where, rows)
    for _ in range(2):
        found, expected = shown(net, data), shown(other, data)
    for name in net.layers:
        for a, b in zip(found[name], expected[name], strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)
    lesion.undo()
    assert np.abs(shown(net, data, stream=5, batch=0)["h"][0] - expected["h"][0]).max() > 1e-3


def test_the_weights_of_a_lesioned_connection_do_not_learn_and_the_bias_does():
    net, data = simulator(), samples()
    start = arrays(net)
    with net.lesion("h/F", [0, 3]):
        net.fit(data, 2, batch=12)
    found = arrays(net)
    for name in ("h/F/weights", "h/F/moments"):
        np.testing.assert_array_equal(found[name][..., [0, 3], :], start[name][..., [0, 3], :])
        assert (found[name][..., 1, :] != start[name][..., 1, :]).all()
    assert (found["h/F/bias"] != start["h/F/bias"]).all()


# -- clamps --------------------------------------------------------------------------------------


@pytest.mark.parametrize("outputs", ["signed", "binary"])
def test_clamped_neurons_always_fire_or_never(kernels, slow, outputs):
    data, off = samples(6 if slow else 24), {"signed": -1, "binary": 0}[outputs]
    net = simulator(network(5, 2, hidden={"outputs": outputs}), kernels, [3, 4])
    net.clamp("h", [0, 1], [1, off])
    net.clamp("h", slice(2, 4), [False, True])
    seen = []
    net.present(*net.batch(net.samples(data), np.arange(len(data["x"]))))
    while net.events:
        net.advance()
        if net["h"]._fired:
            seen.append((np.array(net["h"].output), np.array(net["h"].probabilities)))
    for y, theta in seen:
        for first in (0, 5):
            for n, fires in enumerate((True, False, False, True)):
                np.testing.assert_array_equal(y[first + n], 1 if fires else off)
                np.testing.assert_array_equal(theta[first + n], fires)
    # whoever reads them hears it
    weights = np.array(net["out"]["F"].weights)[:3]
    y = seen[-1][0][:5]
    np.testing.assert_allclose(
        net["out"].potentials[0][:3] - np.array(net["out"]["F"].bias)[:3, None], weights @ y
    )


def test_of_a_neuron_that_is_clamped_and_lesioned_the_lesion_is_true():
    net, data = simulator(), samples()
    for order in (("clamp", "lesion"), ("lesion", "clamp")):
        made = [
            net.clamp("h", 1, 1) if what == "clamp" else net.lesion("h", [1, 2]) for what in order
        ]
        np.testing.assert_array_equal(shown(net, data)["h"][1][1], 0)
        for one in made:
            one.undo()
    first, second = net.clamp("h", [1, 2], 1), net.clamp("h", 1, -1)
    np.testing.assert_array_equal(shown(net, data)["h"][1][[1, 2], 0], [-1, 1])
    second.undo()
    np.testing.assert_array_equal(shown(net, data)["h"][1][[1, 2], 0], [1, 1])
    first.undo()


def memory(n=12):
    R = Compartment("R", "pattern", "one-to-one", weight=2.3, trainable=False, bias=False)
    C = Compartment("C", "memory", "all-but-self", delay=1, bias=False)
    layer = Layer("memory", n, [R, C], Activation("sum"), goal="{R}{C}", optimizer=Adam(0.05))
    return Network({"pattern": n}, [layer], rule="hebb")


def test_recall_with_lesioned_and_clamped_units():
    net = simulator(memory())
    patterns = np.random.default_rng(0).choice([-1.0, 1.0], (2, 12))
    net.fit({"pattern": patterns, "memory": patterns}, 1, batch=2)
    plain = net.recall(patterns).states
    with net.lesion("memory", 3), net.clamp("memory", 5, 1):
        found = net.recall(patterns)
        np.testing.assert_array_equal(found.states[:, 3], 0)
        np.testing.assert_array_equal(found.states[:, 5], 1)
        assert found.converged
    # by hand: a state in which unit 3 says nothing and unit 5 fires, until it stays
    w, state = np.array(net["memory"]["C"].weights), patterns.copy()
    for _ in range(found.steps):
        state[:, 3], state[:, 5] = 0, 1
        state = np.where(state @ w.T > 0, 1.0, -1.0)
    state[:, 3], state[:, 5] = 0, 1
    np.testing.assert_array_equal(found.states, state)
    np.testing.assert_array_equal(net.recall(patterns).states, plain)


# -- stimuli -------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["plain", "several connections", "sequence"])
def test_a_stimulated_potential_is_one_of_another_bias(kernels, slow, form):
    given, data = cases(kernels, slow, form)
    net, other = (simulator(given, kernels, [3, 4]) for _ in range(2))
    for name, added in (("F", [1.5, -2.0]), ("L", [0.5, 0.5])):
        net.stimulate("h", [1, 4], added, name)
        bias = np.array(other["h"][name].bias)
        for first in (0, 6):
            bias[[first + 1, first + 4]] += added
        other["h"][name].bias = bias
    found, expected = shown(net, data), shown(other, data)
    for name in net.layers:
        for one, two in zip(found[name], expected[name], strict=True):
            np.testing.assert_allclose(one, two, rtol=0, atol=1e-12)
    np.testing.assert_allclose(net["h"].potentials, other["h"].potentials, atol=1e-12)
    np.testing.assert_array_equal(net.bins("h"), other.bins("h"))
    if slow:
        return
    np.testing.assert_allclose(net.information("h"), other.information("h"), atol=1e-9)
    for one, two in zip(net.gradient("h"), other.gradient("h"), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-6, atol=1e-9)


def test_a_stimulated_drive_adds_to_the_logit_of_theta(kernels, slow):
    data = samples(6 if slow else 50)
    net = simulator(network(5, 1), kernels, [3, 4])
    before = shown(net, data, stream=5, batch=0)["h"]
    net.stimulate("h", [0, 2], [0.75, -1.25])
    net.stimulate("h", [2], 0.25)
    theta, y = shown(net, data, stream=5, batch=0)["h"]
    logit = np.log(before[0] / (1 - before[0]))
    added = np.array([0.75, 0, -1.0, 0, 0] * 2)[:, None]
    np.testing.assert_allclose(np.log(theta / (1 - theta)), logit + added, rtol=1e-9, atol=1e-9)
    # the same random numbers: what fired fires still where θ has grown
    assert (y[[0, 5]] >= before[1][[0, 5]]).all()
    assert (y[[2, 7]] <= before[1][[2, 7]]).all()
    np.testing.assert_array_equal(y[[1, 3, 4]], before[1][[1, 3, 4]])


# -- freezing ------------------------------------------------------------------------------------


def rows(name, array, neurons):
    return array[..., neurons] if "bias" in name else array[..., neurons, :]


@pytest.mark.parametrize("seeds", [3, [3, 4]])
def test_frozen_neurons_stay_to_the_bit_and_the_others_learn_as_ever(seeds):
    data = samples()
    net, other = (simulator(feedforward(), seed=seeds) for _ in range(2))
    for one in (net, other):
        one.fit(data, 1, batch=12)  # so that moments are not 0
    start = [arrays(net, r) for r in range(net.n_replicas)]
    frozen, rest = [1, 4], [0, 2, 3, 5]
    net.freeze("h", frozen)
    for one in (net, other):
        one.fit(data, 2, batch=12)
    for r in range(net.n_replicas):
        found, expected = arrays(net, r), arrays(other, r)
        for name in (name for name in found if name.startswith("h/")):
            kept = rows(name, found[name], frozen)
            np.testing.assert_array_equal(kept, rows(name, start[r][name], frozen), err_msg=name)
            moved, as_ever = (rows(name, one[name], rest) for one in (found, expected))
            np.testing.assert_array_equal(moved, as_ever, err_msg=name)
            assert (moved != rows(name, start[r][name], rest)).any()
            assert (kept != rows(name, expected[name], frozen)).any()


@pytest.mark.parametrize(
    ("where", "stays"),
    [
        ("h/L", {"h/L/h/weights", "h/L/h/moments", "h/L/out/weights", "h/L/out/moments",
                 "h/L/x/weights", "h/L/x/moments", "h/L/bias", "h/L/bias_moments"}),
        ("h/L/out", {"h/L/out/weights", "h/L/out/moments"}),
        ("h/F", {"h/F/weights", "h/F/moments", "h/F/bias", "h/F/bias_moments"}),
        ("out", {"out/F/weights", "out/F/moments", "out/F/bias", "out/F/bias_moments"}),
    ],
)  # fmt: skip
def test_frozen_connections_stay_to_the_bit(where, stays):
    net, data = simulator(network(several=True)), samples()
    start = arrays(net)
    net.freeze(where)
    net.fit(data, 2, batch=12)
    fixed = {"out/C/weights", "out/C/bias", "out/inverted"}
    for name, array in arrays(net).items():
        if name in stays:
            np.testing.assert_array_equal(array, start[name], err_msg=name)
        elif not name.endswith(("mask", "index")) and name not in fixed:
            assert (array != start[name]).any(), name


def test_frozen_is_what_backprop_and_hebb_learn_too():
    net, data = simulator(feedforward("backprop")), samples()
    start = arrays(net)
    net.freeze("h", [0])
    net.freeze("out/F", 2)
    net.stimulate("h", 1, 0.5)
    net.fit(data, 2, batch=12)
    found = arrays(net)
    np.testing.assert_array_equal(found["h/F/weights"][0], start["h/F/weights"][0])
    np.testing.assert_array_equal(found["out/F/weights"][2], start["out/F/weights"][2])
    assert (found["h/F/weights"][1:] != start["h/F/weights"][1:]).all()
    assert (found["out/F/bias"][:2] != start["out/F/bias"][:2]).all()
    patterns = np.random.default_rng(0).choice([-1.0, 1.0], (3, 12))
    whole, part = (simulator(memory()) for _ in range(2))
    start = arrays(part)["memory/C/weights"]
    part.freeze("memory", [3])
    for one in (whole, part):
        one.fit({"pattern": patterns, "memory": patterns}, 1, batch=3)
    learnt, found = arrays(whole)["memory/C/weights"], arrays(part)["memory/C/weights"]
    np.testing.assert_array_equal(found[3], start[3])
    np.testing.assert_array_equal(np.delete(found, 3, 0), np.delete(learnt, 3, 0))


def test_backprop_evaluates_with_lesions_and_refuses_to_learn():
    net, data = simulator(feedforward("backprop")), samples()
    net.fit(data, 1, batch=12)
    other = simulator(feedforward("backprop"))
    other.set_arrays(arrays(net))
    unheard(other, 2)
    with net.lesion("h", 2):
        np.testing.assert_allclose(net.predict_proba(data), other.predict_proba(data), rtol=1e-12)
    for one in (net.lesion("h", 2), net.lesion("h/F", 0), net.clamp("out", 0, 1)):
        before = arrays(net)
        with (
            one,
            pytest.raises(ConfigError, match=r"backprop does not learn while .* in '(h|out)'"),
        ):
            net.fit(data, 1, batch=12)
        assert_same_bits(arrays(net), before)
        assert not net.events


# -- making and undoing --------------------------------------------------------------------------

MADE = {
    "lesion": lambda net: net.lesion("h", [0, 1]),
    "lesion of a connection": lambda net: net.lesion("h/L", 1),
    "clamp": lambda net: net.clamp("h", [1, 2], -1),
    "stimulus": lambda net: net.stimulate("h", slice(2, 5), 1.0),
}


def test_undone_in_any_order_nothing_is_left():
    net, data = simulator(dtype="float32"), samples(200)
    net.fit(data, 1, batch=100)
    plain, kept = net.predict_proba(data), arrays(net)
    alone = {}
    for name, make in MADE.items():
        with make(net):
            alone[name] = net.predict_proba(data)
        np.testing.assert_array_equal(net.predict_proba(data), plain)
        assert (alone[name] != plain).any()
    for order in permutations(MADE):
        made = {name: make(net) for name, make in MADE.items()}
        for name in order[:-1]:
            made[name].undo()
            made[name].undo()  # which has been undone
        np.testing.assert_array_equal(net.predict_proba(data), alone[order[-1]])
        made[order[-1]].undo()
        assert net.interventions == ()
        np.testing.assert_array_equal(net.predict_proba(data), plain)
    assert_same_bits(arrays(net), kept)


def test_a_with_undoes_after_an_error_too():
    net, data = simulator(), samples()
    plain = net.predict_proba(data)
    with pytest.raises(DataError), net.lesion("h", 0), net.clamp("h", 1, 1):
        net.step({"x": [["?"]]})
    assert net.interventions == ()
    np.testing.assert_array_equal(net.predict_proba(data), plain)


def test_reset_removes_all():
    net, data = simulator(), samples()
    plain = net.predict_proba(data)
    lesion = net.lesion("h", 0)
    net.reset()
    assert net.interventions == ()
    np.testing.assert_array_equal(net.predict_proba(data), plain)
    lesion.undo()
    np.testing.assert_array_equal(net.predict_proba(data), plain)


def test_they_are_told_in_words():
    groups = {"groups": [Group("excitatory", 4), Group("inhibitory", 2)]}
    net = simulator(network(hidden=groups, several=True))
    net.lesion("h/inhibitory", 1)
    net.clamp("h", [1, 3], [1, -1])
    net.stimulate("h/excitatory", None, 2.5, "F")
    net.freeze("h/L/out")
    net.lesion("h", np.arange(6) != 1)
    assert [repr(one) for one in net.interventions] == [
        "<lesion of h/inhibitory[1]>", "<clamp of h[1, 3] at 2 values>",
        "<stimulus of h/excitatory by 2.5 in F>", "<freeze of h/L/out>",
        "<lesion of h[0, 2, 3, 4, 5]>",
    ]  # fmt: skip
    assert [one.neurons.tolist() for one in net.interventions[:3]] == [[5], [1, 3], [0, 1, 2, 3]]
    many = simulator(network(40)).lesion("h", np.arange(0, 40, 2))
    assert repr(many) == "<lesion of h[0, 2, 4, 6, 8, 10, ...]>"


@pytest.mark.parametrize(
    ("neurons", "meant"),
    [
        (3, [3]), (-1, [5]), (np.int8(2), [2]), ([4, 1], [4, 1]), (range(2), [0, 1]),
        (slice(None, None, 2), [0, 2, 4]), (np.array([True] + [False] * 5), [0]), ([], []),
        (None, [0, 1, 2, 3, 4, 5]), (slice(9, 12), []), (np.array([2], np.uint64), [2]),
    ],
)  # fmt: skip
def test_neurons_are_named_as_in_numpy(neurons, meant):
    net, data = simulator(), samples()
    plain = shown(net, data, stream=5, batch=0)["h"][1]
    with net.lesion("h", neurons) as lesion:
        assert lesion.neurons.tolist() == meant
        y = shown(net, data, stream=5, batch=0)["h"][1]
    assert np.flatnonzero((y == 0).all(axis=1)).tolist() == sorted(meant)
    if not meant:
        np.testing.assert_array_equal(y, plain)


def test_what_they_do_holds_from_the_next_event_on():
    net, data = simulator(network(steps=2)), samples()
    net.present(*net.batch(net.samples(data), np.arange(24)))
    for _ in range(2):
        net.advance()
    first = np.array(net["h"].output)
    assert set(np.unique(first)) == {-1, 1}
    net.lesion("h", 0)
    net.run()
    np.testing.assert_array_equal(net["h"].output[0], 0)


# -- what is unused costs nothing, and what is recorded is what is called --------------------------


def test_without_interventions_nothing_more_is_called(monkeypatch):
    called = []
    call = Calls._call

    def noted(calls, name, **arguments):
        called.append(name)
        call(calls, name, **arguments)

    monkeypatch.setattr(Calls, "_call", noted)
    net, data = simulator(), samples()
    net.fit(data, 1, batch=12)
    plain = called.copy()
    assert {"activate", "project"} <= set(plain)
    assert not {"hold", "shift"} & set(plain)
    with net.lesion("h", 0), net.stimulate("h", 1, 1.0, "F"):
        net.fit(data, 1, batch=12)
    assert {"hold", "shift"} <= set(called)
    called.clear()
    net.reset()
    net.fit(data, 1, batch=12)
    assert called == plain


@pytest.mark.parametrize("threads", [1, 2])
def test_neither_tape_nor_threads_change_a_bit(threads):
    data, states = samples(600), []
    for tape in (True, False):
        net = simulator(network(70), tape=tape, threads=threads if tape else 1, dtype="float32")
        training = Training(net, data, batch=300)
        made = [
            net.lesion("h", slice(0, 70, 9)), net.clamp("h", [1, 2], 1), net.lesion("h/L", [4, 5]),
            net.stimulate("h", [7], 1.0), net.stimulate("h", [8], 1.0, "C"), net.freeze("h/F", 6),
        ]  # fmt: skip
        for _ in range(8):
            training.advance()
        for one in made[::2]:
            one.undo()
        for _ in range(3):
            training.advance()
        states.append(without_times(training.state()))
    assert_same_bits(*states)


def test_a_state_holds_none_and_goes_on_where_they_are_made_again():
    whole, data = simulator(network(), dtype="float32"), samples()
    one = Training(whole, data, batch=12)
    keys = one.state().keys()
    for net in (whole, other := simulator(network(), dtype="float32")):
        net.lesion("h", [0, 2])
        net.freeze("h/F", 1)
    for _ in range(4):
        one.advance()
    state = one.state()
    assert {key.partition("/")[0] for key in keys} <= {key.partition("/")[0] for key in state}
    assert {key for key in state if key.startswith("network/")} <= keys
    two = Training(other, data, batch=12)
    two.restore(state)
    for _ in range(5):
        one.advance()
        two.advance()
    assert_same_bits(without_times(one.state()), without_times(two.state()))


def test_on_the_gpu_training_under_interventions_is_that_of_the_cpu(kernels, slow):
    if not kernels.ON_DEVICE:
        pytest.skip("compared with the CPU")
    data, ends = samples(5 if slow else 24), []
    for backend in ("cpu", kernels):
        net = simulator(network(5, 2, several=True), backend)
        net.lesion("h", 0)
        net.clamp("h", 1, -1)
        net.lesion("h/L/out", [2])
        net.stimulate("h", [3], 1.5)
        net.stimulate("h", [4], -0.5, "C")
        net.freeze("h", [3])
        net.lesion("out", 2)
        for _ in range(2):
            net.step(data)
        ends.append(arrays(net))
    for name, array in ends[0].items():
        np.testing.assert_allclose(ends[1][name], array, rtol=0, atol=1e-9, err_msg=name)


def test_masked_connections_keep_their_masks():
    mask = np.random.default_rng(0).random((6, 6)) < 0.5
    net, data = simulator(network(lateral=Masked(mask))), samples()
    with net.lesion("h", 1), net.freeze("h/L", [0]):
        net.fit(data, 2, batch=12)
    np.testing.assert_array_equal(np.array(net["h"]["L"].weights)[~mask], 0)
    np.testing.assert_array_equal(net["h"]["L"].mask, mask)


# -- what cannot be ------------------------------------------------------------------------------

BAD = [
    (lambda net: net.lesion("hh", 0), "lesion: nothing is called 'hh'; did you mean h"),
    (lambda net: net.lesion("h/X"), "lesion: nothing is called 'h/X'; did you mean h/"),
    (lambda net: net.freeze("h/L/weights"), "freeze: nothing is called 'h/L/weights'"),
    (lambda net: net.lesion("x", 0), "lesion: 'x' is an input, not neurons or a connection"),
    (lambda net: net.lesion(3), "lesion: nothing is called 3; allowed: h/"),
    (lambda net: net.lesion(["h"]), r"lesion: nothing is called \['h'\]"),
    (lambda net: net.lesion("h", 6), "'h' has 6 neurons, there is no neuron 6"),
    (lambda net: net.lesion("h", [0, -7]), "'h' has 6 neurons, there is no neuron -7"),
    (lambda net: net.lesion("h", [1, 1]), "neuron 1 of 'h' is named twice"),
    (lambda net: net.lesion("h", [0, -6]), "neuron 0 of 'h' is named twice"),
    (lambda net: net.lesion("h", 1.0), "neurons of 'h' must be integers, .* were 1.0"),
    (lambda net: net.lesion("h", "1"), "neurons of 'h' must be integers, .* were '1'"),
    (lambda net: net.lesion("h", True), "neurons of 'h' must be integers, .* were True"),
    (lambda net: net.lesion("h", [True, False]), "true or false for each of 6"),
    (lambda net: net.lesion("h", [[1]]), "neurons of 'h' must be integers"),
    (lambda net: net.lesion("h", [[1], [1, 2]]), "neurons of 'h' must be integers"),
    (lambda net: net.lesion("h", {1}), "neurons of 'h' must be integers"),
    (lambda net: net.lesion("h", slice("a")), "neurons of 'h' must be integers"),
    (lambda net: net.clamp("h", 0, 0), "value must be 1 or -1, the outputs of layer 'h', was 0"),
    (lambda net: net.clamp("h", 0, "on"), "clamp: value must be a number, was 'on'"),
    (lambda net: net.clamp("h", [0, 1], [1, 1, 1]), r"one for each of 2 neurons, .* \(3,\)"),
    (lambda net: net.clamp("h", 0, np.nan), "clamp: value must be finite in float64, was nan"),
    (lambda net: net.clamp("h/F", 0, 1), "clamp is of a layer or group, 'h/F' is a connection"),
    (lambda net: net.stimulate("h", 0, np.inf), "stimulate: value must be finite"),
    (lambda net: net.stimulate("h", 0, 1e300), "must be finite in float32, was 1e.300"),
    (lambda net: net.stimulate("h", 0, None), "stimulate: value must be a number, was None"),
    (lambda net: net.stimulate("h", 0, 1.0, "X"), "has no compartment 'X'"),
    (lambda net: net.stimulate("h/L", 0, 1.0), "stimulate is of a layer or group, 'h/L' is a"),
]


@pytest.mark.parametrize(("make", "said"), BAD)
def test_what_cannot_be_done_is_said_in_a_line_and_not_done(make, said):
    net = simulator(dtype="float32")
    with pytest.raises(ConfigError, match=said) as raised:
        make(net)
    assert "\n" not in str(raised.value)
    assert net.interventions == ()
