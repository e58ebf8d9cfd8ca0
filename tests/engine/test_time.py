"""Time within and between presentations: delays, sequences, steps to learn at, carried outputs."""

from dataclasses import replace
from importlib.util import find_spec

import naive
import numpy as np
import pytest
from bits import assert_same_bits, without_times
from presented import firings

from infosim import datasets
from infosim.engine import Samples, Simulator, Training
from infosim.engine.probes import Probe
from infosim.errors import ConfigError, DataError, ShapeError
from infosim.machine.events import Carry, Fire, Learn, Present, Record
from infosim.network import SGD, Adam, Compartment, Connection, Layer, Network
from infosim.neuron import Activation, Binning

N_IN, N, N_CLASSES, B = 4, 6, 3, 5
SUM = Activation("sum")
F, C = Compartment("F", "x"), Compartment("C", "label")
#: With the usual ε Adam makes a whole step of the rounding errors of a gradient that vanishes.
STEADY = Adam(0.05, epsilon=1e-3)


def lateral(delay, connectivity="all-but-self"):
    return Compartment("L", "h", connectivity, delay=delay)


def hidden(*compartments, **options):
    options = {"optimizer": STEADY, "goal": "{F}{C} - {L}"} | options
    return Layer(
        "h", N, compartments or [F, C, lateral(3)], SUM, Binning("fixed", 5, -3, 3), **options
    )


def readout(delay=2, **options):
    own = Compartment("C", "label", "one-to-one", trainable=False, bias=False, weight=1.0)
    options = {"optimizer": STEADY, "goal": "{F}{C}"} | options
    compartments = [Compartment("F", "h", delay=delay), own]
    return Layer("out", N_CLASSES, compartments, Activation("feedforward"), **options)


def network(*layers, steps=5, **options):
    layers = layers or (hidden(), readout())
    options = {"readout": "out", "target": "label"} | options
    return Network({"x": N_IN, "label": N_CLASSES}, layers, steps, **options)


#: Without anything drawn, so that presentations are the same at any place in the random numbers.
SURE = hidden(sampled=False), readout(sampled=False)


def samples(n=4 * B, steps=None, seed=0):
    rng = np.random.default_rng(seed)
    shape = (n, N_IN) if steps is None else (n, steps, N_IN)
    return {"x": rng.normal(size=shape), "label": rng.integers(0, N_CLASSES, n)}


def parameters(simulator):
    """Weights and biases as `naive.presentation` takes them."""
    host = simulator.kernels.host
    weights, biases = {}, {}
    for name, layer in simulator.layers.items():
        for compartment in layer.compartments:
            for own, c in compartment.named:
                key = (name, compartment.spec.name, *(own.rstrip("/"),) * (own != ""))
                index = c.index
                dense = np.zeros((len(layer.biases[0]), simulator.network.size(c.spec.source)))
                if index is None:
                    dense[...] = host(c.weights)
                else:
                    np.put_along_axis(dense, index.astype(int), np.array(c.weights), axis=1)
                weights[key] = dense
            biases[name, compartment.spec.name] = np.array(host(compartment.bias))
    return weights, biases


# -- delays --------------------------------------------------------------------------------------


def test_a_delay_of_three_written_out_by_hand():
    """h(t) hears x and h(t-3), out hears h(t-2) alone; before anything fired there is silence."""
    h = hidden(F, Compartment("L", "h", delay=3), goal=None)
    out = Layer("out", N_CLASSES, [Compartment("F", "h", delay=2)], SUM)
    net = Simulator(Network({"x": N_IN}, [h, out], steps=8), seed=1, threads=1, dtype="float64")
    x = np.random.default_rng(0).normal(size=(N_IN, B))
    found = firings(net, {"x": x})
    W, V = net["h"]["F"].weights, net["h"]["L"].weights
    b, c = net["h"]["F"].bias[:, None], net["h"]["L"].bias[:, None]
    fired = [t for t, name in found if name == "h"]
    assert fired == [1, 2, 4, 5, 7]  # what the last step reads, and what that reads
    for t in fired:
        drive = W @ x + b + c + (V @ found[t - 3, "h"][1] if t >= 3 else 0)
        np.testing.assert_allclose(found[t, "h"][0], 1 / (1 + np.exp(-drive)), rtol=1e-13)
    drive = net["out"]["F"].weights @ found[5, "h"][1] + net["out"]["F"].bias[:, None]
    np.testing.assert_allclose(found[7, "out"][0], 1 / (1 + np.exp(-drive)), rtol=1e-13)
    assert {key for key in found if key[1] == "out"} == {(7, "out")}
    assert abs(V @ (found[1, "h"][1] - found[2, "h"][1])).max() > 0.1  # which step is heard matters
    assert len(net["h"].firing.outputs) == 4
    assert len(net["out"].firing.outputs) == 2


DELAYS = {
    "long": network(),
    "of several layers": network(
        hidden(F, Compartment("C", "out", delay=4), lateral(2, "sparse(2)")), readout(delay=0)
    ),
    "with several of one source": network(
        hidden(F, C, Compartment("L", connections=[
            Connection("h", delay=1), Connection("h", "sparse(3)", delay=4), Connection("x"),
            Connection("out", delay=2),
        ])), readout(),
    ),
    "of inputs": network(
        hidden(Compartment("F", connections=[Connection("x"), Connection("x", delay=2)]),
               Compartment("C", "label", delay=4),
               Compartment("L", connections=[Connection("h", delay=2), Connection("x", delay=1)])),
        readout(),
    ),
    "longer than there are steps": network(hidden(F, C, lateral(9)), readout(7), steps=3),
}  # fmt: skip


@pytest.mark.parametrize("moves", [False, True])
@pytest.mark.parametrize("case", DELAYS)
def test_every_firing_is_that_of_a_plain_presentation(case, moves, kernels):
    spec, rng = DELAYS[case], np.random.default_rng(3)
    net = Simulator(spec, kernels, 2, threads=1, dtype="float64")
    n_samples = 2
    x = rng.normal(size=(spec.steps, N_IN, n_samples))
    inputs = {"x": x if moves else x[0], "label": np.eye(N_CLASSES)[:, :n_samples]}
    found = firings(net, inputs)
    expected = naive.presentation(spec, *parameters(net), inputs, found)
    for key, (theta, _) in found.items():
        np.testing.assert_allclose(theta, expected[key], rtol=0, atol=1e-12, err_msg=key)


@pytest.mark.parametrize(("steps", "hears"), [(2, False), (3, True)])
def test_clamped_outputs_are_heard_when_the_delay_is_over(steps, hears):
    """They are those of the step before the first."""
    spec = Network({"x": N_IN}, [hidden(F, lateral(3), goal=None)], steps)
    net = Simulator(spec, seed=1, threads=1, dtype="float64")
    y = np.sign(np.random.default_rng(0).normal(size=(N, B)))
    net.present({"x": np.zeros((N_IN, B))}, {"h": y})
    net.run()
    L = net["h"]["L"]
    expected = L.weights @ (y if hears else 0 * y) + L.bias[:, None]
    np.testing.assert_allclose(net["h"].potentials[1], expected, rtol=1e-13)


def stepped(net):
    while net.events:
        yield net.advance()


def test_recall_needs_a_state_of_one_step():
    net = Simulator(Network({"x": N_IN}, [hidden(F, lateral(2), goal="{F}{L}")]), threads=1)
    with pytest.raises(ConfigError, match="recall: layer 'h' reads itself with delay 2"):
        net.recall(np.ones((2, N)))


# -- sequences -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"learn_at": "every"},
        {"learn_at": (0, -2), "dtype": "float64", "case": "of inputs"},
        {"case": "with several of one source", "batch": 1, "n": 3},
        {"seed": [5, 6], "batch": 7},
    ],
)
def test_a_still_sequence_has_the_bits_of_a_held_input(options):
    options = {"learn_at": "last", "case": "long", "seed": 3, "batch": B, "n": 4 * B} | options
    spec = replace(DELAYS[options["case"]], learn_at=options["learn_at"])
    held, nets = samples(options["n"]), []
    still = held | {"x": np.repeat(held["x"][:, None], spec.steps, axis=1)}
    for given in (held, still):
        dtype = options.get("dtype", "float32")
        net = Simulator(spec, seed=options["seed"], threads=1, dtype=dtype)
        net.fit(given, 2, batch=options["batch"], test=given)
        nets.append(net)
    one, other = nets
    fresh = Simulator(spec, seed=options["seed"], threads=1, dtype=one.dtype.name)
    weights = [net["h"]["F"].connections[0].weights for net in (fresh, one)]
    assert abs(weights[1] - weights[0]).max() > (0.01 if options["batch"] > 1 else 0)
    for r in range(one.n_replicas):
        assert_same_bits(one.arrays(r), other.arrays(r))
        assert one.histories[r].test_error == other.histories[r].test_error
    np.testing.assert_array_equal(one["h"].output, other["h"].output)


def test_samples_of_a_sequence_are_gathered_step_by_step():
    """Scaled, of any type, of a subset, each replica its own; present takes the same by hand."""
    spec = network(steps=3)
    x = np.random.default_rng(0).integers(0, 255, (8, 3, N_IN), dtype=np.uint8)
    index = np.array([[0, 2, 4], [7, 6, 5]])
    chosen = Samples({"x": x, "label": np.zeros(8, int)}, {"x": (100.0, 0.5)}, index)
    net = Simulator(spec, seed=[1, 2], threads=1)
    inputs, _ = net.batch(chosen, [0, 2])
    expected = ((x[index[:, [0, 2]]].astype(np.float32) - 100) * 0.5).transpose(2, 0, 3, 1)
    np.testing.assert_array_equal(inputs["x"], expected)
    found = firings(net, inputs, batch=0)
    by_hand = firings(net, {name: np.array(a) for name, a in inputs.items()}, batch=0)
    for key, (theta, y) in found.items():
        np.testing.assert_array_equal(theta, by_hand[key][0])
        np.testing.assert_array_equal(y, by_hand[key][1])
    for r, seed in enumerate((1, 2)):
        one = firings(
            Simulator(spec, seed=seed, threads=1), {k: a[..., r, :, :] for k, a in inputs.items()},
            batch=0,
        )  # fmt: skip
        for key, (theta, _) in one.items():
            np.testing.assert_array_equal(np.split(found[key][0], 2)[r], theta)


def test_the_label_of_a_sequence_is_that_of_its_last_step():
    spec, given = network(steps=2), samples(steps=2)
    labels = np.random.default_rng(4).integers(0, N_CLASSES, (len(given["x"]), 2))
    moving = given | {"label": np.eye(N_CLASSES)[labels]}
    np.testing.assert_array_equal(Samples(moving).labels("label"), labels[:, -1])
    net = Simulator(spec, threads=1)
    history = net.fit(moving, 1, batch=B, test=moving)
    assert history.test_error[-1] == net.evaluate(given | {"label": labels[:, -1]}, epoch=1).error


BAD_INPUTS = {
    "steps": ({"x": np.zeros((4, N_IN, B))}, {}, r"\(4, 4, 5\), the .* expects \(4, 5\); a seq"),
    "one step": ({"x": np.zeros((2, 1, N_IN, B))}, {}, "a sequence has 3 steps in front"),
    "units": ({"x": np.zeros((3, 2, B))}, {}, r"'x' has shape \(3, 2, 5\), .* has 3 steps"),
    "outputs": (
        {"x": np.zeros((N_IN, B))}, {"h": np.zeros((3, N, B))}, r"'h' has shape \(3, 6, 5\)",
    ),
    "not finite": ({"x": np.full((3, N_IN, B), np.nan)}, {}, r"'x' holds nan at \[0, 0, 0\]"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_INPUTS)
def test_what_cannot_be_presented_is_said(case):
    inputs, outputs, message = BAD_INPUTS[case]
    net = Simulator(network(steps=3), threads=1)

    def shown():
        net.present(inputs, outputs)
        net.run()

    with pytest.raises((ShapeError, DataError), match=message) as problem:
        shown()
    assert "\n" not in str(problem.value)


# -- learning at chosen steps --------------------------------------------------------------------


def test_all_fire_and_probes_look_before_any_learns_at_a_step():
    net = Simulator(network(*SURE, steps=3, learn_at=(-1, 0)), threads=1)
    seen = []

    class Look(Probe):
        def record(self, simulator):
            seen.append(simulator["h"].clock.updates)

    net.present({"x": np.zeros((N_IN, B)), "label": np.zeros((N_CLASSES, B))}, learn=True,
                probes=[Look()])  # fmt: skip
    events = [(e.time, type(e), getattr(e, "layer", None)) for e in stepped(net)]
    assert events == [
        (0, Present, None), (0, Fire, "h"), (0, Fire, "out"), (0, Learn, "h"), (0, Learn, "out"),
        (2, Fire, "h"), (2, Fire, "out"), (2, Record, None), (2, Learn, "h"), (2, Learn, "out"),
    ]  # fmt: skip
    assert seen == [1]
    assert net["h"].clock.updates == net["out"].clock.updates == 2


@pytest.mark.parametrize("moves", [False, True])
def test_learning_at_every_step_is_learning_from_every_step(moves):
    """Where nothing is delayed or drawn, each step is a presentation, still inputs too."""
    layers = hidden(F, C, goal="{F}{C}", sampled=False), readout(0, sampled=False)
    steps = 3
    x = np.random.default_rng(1).normal(size=(steps, N_IN, 3))
    label = np.eye(N_CLASSES)
    one, other = (
        Simulator(network(*layers, steps=n, learn_at="every"), "cpu", 1, 1, "float64")
        for n in (steps, 1)
    )
    for _ in range(2):
        one.present({"x": x if moves else x[0], "label": label}, learn=True)
        one.run()
        for t in range(steps):
            other.present({"x": x[t] if moves else x[0], "label": label}, learn=True)
            other.run()
    assert one["h"].clock.updates == other["h"].clock.updates == 2 * steps
    assert_same_bits(
        {k: np.array(one.kernels.host(a)) for k, a in one.arrays().items()},
        {k: np.array(one.kernels.host(a)) for k, a in other.arrays().items()},
    )


def test_a_chosen_step_is_the_last_of_a_shorter_presentation():
    given = samples()
    short = Simulator(network(*SURE, steps=4), threads=1)
    long = Simulator(network(*SURE, steps=6, learn_at=[3]), threads=1)
    for net in (short, long):
        net.fit(given, 2, batch=B)
    assert short["h"].clock.updates == 8
    assert_same_bits(short["h"].arrays(), long["h"].arrays())
    assert_same_bits(short["out"].arrays(), long["out"].arrays())


def test_replicas_differ_in_no_step_that_they_learn_at():
    specs = [network(learn_at="every"), network(learn_at=(0, 1))]
    with pytest.raises(ConfigError, match=r"learn_at is \[0, 1, 2, 3, 4\] in one and \[0, 1\]"):
        Simulator(specs)
    assert Simulator([network(steps=1), network(steps=1, learn_at="every")]).n_replicas == 2


# -- outputs that are carried --------------------------------------------------------------------


@pytest.mark.parametrize(("steps", "learn_at"), [(1, "last"), (2, "every"), (3, "every")])
def test_carried_presentations_are_parts_of_a_long_one(steps, learn_at):
    """Six steps in one, or in two, three or six presentations, learning at each step or none."""
    x, label = np.random.default_rng(1).normal(size=(6, N_IN, 2)), np.eye(N_CLASSES)[:, :2]
    whole = Simulator(network(*SURE, steps=6, learn_at="every"), "cpu", 1, 1, "float64")
    spec = network(*SURE, steps=steps, learn_at=learn_at, carry=True)
    parts = Simulator(spec, "cpu", 1, 1, "float64")
    for learn in (False, True):
        whole.present({"x": x, "label": label}, learn=learn)
        whole.run()
        parts.forget()
        for t in range(0, 6, steps):
            parts.present({"x": x[t : t + steps], "label": label}, learn=learn)
            parts.run()
        for name in ("h", "out"):
            np.testing.assert_array_equal(whole[name].output, parts[name].output)
            for key, array in whole[name].arrays().items():
                host = whole.kernels.host
                np.testing.assert_array_equal(host(array), host(parts[name].arrays()[key]))
    assert whole["h"].clock.updates == parts["h"].clock.updates == 6
    fresh = Simulator(spec, "cpu", 1, 1, "float64")
    assert abs(fresh["h"]["L"].weights - parts["h"]["L"].weights).max() > 0.01


def carrying(seed=3, steps=2, threads=1, **options):
    spec = network(steps=steps, learn_at="every", carry=True)
    return Simulator(spec, seed=seed, threads=threads, **options)


def test_rows_keep_their_place_in_fit_and_epochs_begin_in_silence():
    given = samples(steps=2)
    fitted, by_hand = carrying(), carrying()
    fitted.fit(given, 1, batch=B, shuffle=False)
    labels = np.eye(N_CLASSES)[given["label"]].T
    by_hand.begin_epoch(0)
    for t in range(0, len(given["x"]), B):
        rows = slice(t, t + B)
        x = given["x"][rows].transpose(1, 2, 0)
        by_hand.present({"x": x, "label": labels[:, rows]}, learn=True, stream=8, batch=t // B)
        by_hand.run()
    for name in ("h", "out"):
        assert_same_bits(fitted[name].arrays(), by_hand[name].arrays())
    plain = Simulator(replace(fitted.network, carry=False), seed=3, threads=1)
    plain.fit(given, 1, batch=B, shuffle=False)
    assert not np.array_equal(plain["h"]["L"].weights, fitted["h"]["L"].weights)
    twice, at_once = carrying(), carrying()
    for _ in range(2):
        twice.fit(given, 2, batch=B, shuffle=False)
    at_once.fit(given, 4, batch=B, shuffle=False)
    assert_same_bits(twice.arrays(), at_once.arrays())


def test_what_is_carried_is_neither_read_nor_spoilt_by_evaluation():
    given, test = samples(steps=2), samples(2 * B + 1, steps=2, seed=1)
    one, other = carrying(), carrying()
    trainings = [Training(net, given, batch=B, shuffle=False) for net in (one, other)]
    for i in range(13):  # measured, then trained on, to the middle of the third epoch
        for training in trainings:
            training.advance()
        if i % 2:
            found = one.evaluate(test).predictions
            one.learn_inversion(given)
            one.present({"x": np.ones((N_IN, 2))}, carry=False)
            one.run()
            np.testing.assert_array_equal(one.evaluate(test).predictions, found)
    assert (trainings[0].epoch, trainings[0].position) == (2, 3)
    assert one["h"].carried.shape == (3, N, B)
    one.readout.inverted = other.readout.inverted
    assert_same_bits(one.arrays(), other.arrays())
    one.forget()
    np.testing.assert_array_equal(one.evaluate(test).predictions, found)


def restored(state, given, **options):
    training = Training(carrying(**options), given, batch=B, shuffle=False)
    training.restore(*state)
    return training


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_training_that_carries_is_resumed_to_the_bit(dtype):
    """Before three outputs were there to carry, and after; replicas, each as it is alone."""
    given = samples(3 * B, steps=2)
    options = {"seed": [3, 4], "dtype": dtype}
    whole = Training(carrying(**options), given, batch=B, shuffle=False)
    states = []
    for _ in range(6):
        states.append([{k: a.copy() for k, a in whole.state(r).items()} for r in (0, 1)])
        whole.advance()
    assert "carried/h" not in states[4][0]  # an epoch begins
    assert states[5][1]["carried/h"].shape == (2, N, B)
    for begun in (5, 2):
        resumed = restored(states[begun], given, **options)
        for _ in range(6 - begun):
            resumed.advance()
        for r in (0, 1):
            assert_same_bits(without_times(whole.state(r)), without_times(resumed.state(r)))
    alone = Training(carrying(4, dtype=dtype), given, batch=B, shuffle=False)
    for _ in range(6):
        alone.advance()
    one, other = alone.state(), whole.state(1)
    for name in one.keys() - {"seconds"}:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


@pytest.mark.skipif(find_spec("numba_cuda") is None, reason="needs numba-cuda")
def test_all_of_it_on_a_gpu_is_as_on_the_cpu():
    """Sequences, delays of inputs and layers, updates at each step, outputs carried and resumed."""
    n, n_samples = 3, 4
    layer = Layer(
        "h", n, [Compartment("F", "x"), Compartment("L", "h", "sparse(2)", delay=3)], SUM,
        Binning("fixed", 4, -3, 3), "{F}{L} - {L}", STEADY,
    )  # fmt: skip
    spec = Network({"x": 2}, [layer], 2, learn_at="every", carry=True)
    given = {"x": np.random.default_rng(5).normal(size=(3 * n_samples, 2, 2))}
    trainings = []
    for backend in ("cpu", "cuda"):
        net = Simulator(spec, backend, 1, 1, "float64")
        training = Training(net, given, batch=n_samples, shuffle=False, record_every=100)
        for _ in range(6):  # a pass that is measured, and two batches
            training.advance()
        state = training.state()
        training = Training(net, given, batch=n_samples, shuffle=False, record_every=100)
        training.restore(state)
        training.advance()
        trainings.append(training)
    one, other = (training.state() for training in trainings)
    assert one["carried/h"].shape == (3, n, n_samples)
    for key in one.keys() - {"seconds"}:
        np.testing.assert_allclose(other[key], one[key], rtol=0, atol=1e-10, err_msg=key)


def test_a_checkpoint_without_what_was_carried_is_refused():
    given = samples(steps=2)
    training = Training(carrying(), given, batch=B, shuffle=False)
    for _ in range(2):
        training.advance()
    state = training.state()
    assert state["carried/h"].shape == (3, N, B)
    for damaged in (
        {k: a for k, a in state.items() if k != "carried/h"},
        state | {"carried/h": state["carried/h"][:2]},
        state | {"carried/h": state["carried/h"][..., :-1]},
        state | {"carried/h": np.full_like(state["carried/h"], np.nan)},
    ):
        with pytest.raises((KeyError, ShapeError), match="carried/h"):
            restored([damaged], given)


@pytest.mark.parametrize("tape", [True, False])
def test_any_number_of_threads_gives_the_same_bits(tape):
    """Of a layer that is cut into blocks and tiles, and of sequences that are gathered in parts."""
    big = replace(hidden(F, C, lateral(2, "sparse(9)")), size=70)
    spec = network(big, readout(), steps=2, learn_at="every", carry=True)
    given = samples(2 * 900, steps=2)
    nets = [Simulator(spec, seed=3, threads=threads, tape=tape) for threads in (1, 2)]
    assert len(nets[0].workers.blocks(70, 900)) == 2
    for net in nets:
        net.fit(given, 1, batch=900, shuffle=False)
    assert_same_bits(*(net.arrays() for net in nets))
    assert nets[0]["h"].clock.updates == 4


BAD_CARRIES = {
    "shuffled": ({}, "a network that carries outputs needs shuffle to be false, was true"),
    "unequal": ({"shuffle": False, "batch": 7}, "but 20 training samples are not batches of 7"),
    "no truth": ({"shuffle": 0}, "shuffle must be true or false, was 0"),
    "clamped": ({"shuffle": False, "h": np.ones((4 * B, N))}, "outputs of 'h' were given, but"),
}


@pytest.mark.parametrize("case", BAD_CARRIES)
def test_what_cannot_be_carried_is_said(case):
    options, message = BAD_CARRIES[case]
    options = {"batch": B} | options
    given = samples(steps=2) | {k: options.pop(k) for k in ("h",) if k in options}
    with pytest.raises(ConfigError, match=message) as problem:
        carrying().fit(given, 1, **options)
    assert "\n" not in str(problem.value)


def test_other_samples_do_not_go_on_from_what_was_carried():
    net = carrying()
    net.step(samples(B, steps=2))
    with pytest.raises(ShapeError, match=r"3 sample\(s\) cannot go on from the outputs of 5 that"):
        net.step(samples(3, steps=2))
    net.forget()
    net.step(samples(3, steps=2))
    assert net["h"].carried.shape == (2, N, 3)
    net.present({"x": np.zeros((N_IN, 3))})
    assert isinstance(list(stepped(net))[-1], Carry)
    net.reset()
    assert net["h"].carried is None


# -- what was to be told -------------------------------------------------------------------------


@pytest.mark.parametrize(("delay", "errors"), [(2, (0, 0.05)), (1, (0.5, 1))])
def test_a_symbol_of_two_steps_ago_is_told_by_a_delay_of_two(delay, errors):
    data = datasets.load("echo", {"train": 600, "test": 200})
    x = data.train_x.reshape(-1, 4, 4), data.test_x.reshape(-1, 4, 4)
    F = Compartment("F", "x", delay=delay)
    own = Compartment("C", "label", "one-to-one", trainable=False, bias=False, weight=1.0)
    out = Layer("out", 4, [F, own], Activation("feedforward"), goal="{F}{C}", optimizer=Adam(0.1))
    spec = Network({"x": 4, "label": 4}, [out], 4, "out", "label")
    net = Simulator(spec, threads=1)
    net.fit({"x": x[0], "label": data.train_y}, 10, batch=60)
    low, high = errors
    assert low <= net.evaluate({"x": x[1], "label": data.test_y}).error <= high


def test_optimizers_learn_as_often_as_there_are_steps_to_learn_at():
    """Numbers that are looked ahead for an epoch are those of each update."""
    spec = network(learn_at="every", steps=2)
    layers = [replace(one, optimizer=SGD(0.1)) for one in spec.layers]
    net = Simulator(replace(spec, layers=layers), threads=1)
    net.fit(samples(), 1, batch=B)
    assert net["h"].clock.updates == 8
