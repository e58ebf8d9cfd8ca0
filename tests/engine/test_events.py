import numpy as np
import pytest

from infosim.engine import EventLoop, Fire, Learn, Present, Probe, Record, Recorder, Simulator
from infosim.errors import ConfigError, ShapeError
from infosim.network import Compartment, Layer, Network
from infosim.neuron import Activation, Binning

SUM = Activation("sum")
N_SAMPLES = 12


def lateral(steps=3, goal="{F}{L}", connectivity="all-but-self"):
    compartments = [Compartment("F", "x"), Compartment("L", "h", connectivity, delay=1)]
    return Network({"x": 4}, [Layer("h", 6, compartments, SUM, Binning(bins=5), goal)], steps)


def feedback(steps=2):
    hidden = Layer(
        "h", 5, [Compartment("F", "x"), Compartment("C", "out", delay=1)], SUM, goal="{F}{C}"
    )
    out = Layer("out", 3, [Compartment("F", "h")], SUM, goal="{F}")
    return Network({"x": 4}, [hidden, out], steps)


@pytest.fixture
def x():
    return np.random.default_rng(40).normal(size=(4, N_SAMPLES))


def event_names(simulator):
    names = []
    while simulator.events:
        event = simulator.advance()
        names.append((event.time, type(event).__name__, getattr(event, "layer", None)))
    return names


def test_the_queue_goes_by_time_then_order_then_arrival():
    loop = EventLoop()
    events = [
        Learn(1, "a"), Record(1, print), Fire(1, "b", 1), Fire(1, "a", 0), Present(1, {}),
        Learn(0, "a"), Learn(1, "b"), Fire(0, "a", 0),
    ]  # fmt: skip
    for event in events:
        loop.schedule(event)
    assert len(loop) == 8
    order = [loop.next() for _ in events]
    assert [events.index(event) for event in order] == [7, 5, 4, 3, 2, 1, 0, 6]
    loop.schedule(Fire(0, "a", 0))
    loop.clear()
    assert not loop


def test_a_presentation_is_present_fire_record_learn(x):
    simulator = Simulator(feedback(), threads=1)
    simulator.present({"x": x}, learn=True, probes=[lambda _: None])
    assert event_names(simulator) == [
        (0, "Present", None), (0, "Fire", "h"), (0, "Fire", "out"),
        (1, "Fire", "h"), (1, "Fire", "out"),
        (1, "Record", None), (1, "Learn", "h"), (1, "Learn", "out"),
    ]  # fmt: skip
    simulator.present({"x": x})
    assert simulator.events
    assert event_names(simulator)[0] == (2, "Present", None)


def test_layers_nothing_reads_in_time_do_not_fire_early(x):
    forward = Network(
        {"x": 4},
        [
            Layer("a", 3, [Compartment("F", "x")], SUM),
            Layer("b", 3, [Compartment("F", "a"), Compartment("L", "b", delay=1)], SUM),
            Layer("out", 3, [Compartment("F", "b")], SUM),
        ],
        steps=3,
    )
    simulator = Simulator(forward, threads=1)
    simulator.present({"x": x})
    fired = [(time, layer) for time, _, layer in event_names(simulator) if layer]
    assert fired == [
        (0, "a"), (0, "b"), (1, "a"), (1, "b"), (2, "a"), (2, "b"), (2, "out"),
    ]  # fmt: skip


def test_lateral_input_is_silent_first_and_then_the_previous_output(x):
    simulator = Simulator(lateral(), dtype="float64", threads=1, seed=3)
    state = simulator["h"]
    weights, bias = state["L"].weights, state["L"].bias
    simulator.present({"x": x})
    before = None
    while simulator.events:
        event = simulator.advance()
        if not isinstance(event, Fire):
            continue
        feedforward, recurrent = state.potentials
        np.testing.assert_allclose(
            feedforward, state["F"].weights @ x + state["F"].bias[:, None], atol=1e-14
        )
        expected = bias[:, None] + (weights @ before if event.time else np.zeros((6, N_SAMPLES)))
        np.testing.assert_allclose(recurrent, expected, atol=1e-14)
        if event.time:
            assert abs(recurrent - bias[:, None]).max() > 0.1
        before = state.output.copy()
        np.testing.assert_array_equal(abs(before), 1)


def test_the_next_presentation_remembers_nothing_of_the_last(x):
    simulator = Simulator(lateral(), threads=1)
    simulator.present({"x": x}, batch=0)
    simulator.run()
    first = simulator["h"].potentials
    simulator.present({"x": x}, batch=0)
    simulator.run()
    np.testing.assert_array_equal(simulator["h"].potentials, first)
    simulator.present({"x": x})  # by default, other random numbers
    simulator.run()
    assert (simulator["h"].potentials != first).any()


def test_feedback_reads_what_the_output_layer_said_a_step_ago(x):
    simulator = Simulator(feedback(3), dtype="float64", threads=1)
    hidden, out = simulator["h"], simulator["out"]
    simulator.present({"x": x})
    before = np.zeros((3, N_SAMPLES))
    while simulator.events:
        event = simulator.advance()
        match event:
            case Fire(layer="h"):
                expected = hidden["C"].weights @ before + hidden["C"].bias[:, None]
                np.testing.assert_allclose(hidden.potentials[1], expected, atol=1e-14)
                shown = hidden.output.copy()
            case Fire(layer="out"):
                expected = out["F"].weights @ shown + out["F"].bias[:, None]
                np.testing.assert_allclose(out.potentials[0], expected, atol=1e-14)
                before = out.output.copy()
    assert event.time == 2


def test_a_given_output_is_what_delayed_connections_read_first(x):
    simulator = Simulator(lateral(1), dtype="float64", threads=1)
    state = simulator["h"]
    given = np.random.default_rng(41).choice([-1.0, 1.0], (6, N_SAMPLES))
    simulator.present({"x": x}, {"h": given})
    simulator.run()
    expected = state["L"].weights @ given + state["L"].bias[:, None]
    np.testing.assert_allclose(state.potentials[1], expected, atol=1e-14)


@pytest.mark.parametrize("connectivity", ["all-but-self", "sparse(2)"])
def test_projecting_a_held_input_once_changes_no_bit(x, connectivity, monkeypatch):
    def history(touched):
        simulator = Simulator(lateral(4, connectivity=connectivity), threads=1)
        projections = []
        original = simulator.kernels.project
        monkeypatch.setattr(
            simulator.kernels, "project", lambda w, x, u: (projections.append(x), original(w, x, u))
        )
        for batch in range(3):
            simulator.present({"x": x + batch}, learn=True, batch=batch)
            while simulator.events:
                if touched:
                    for compartment in simulator["h"].compartments:
                        compartment.touch()
                simulator.advance()
        monkeypatch.undo()
        held = sum(x.shape[1] == 4 for x in projections)
        return held, simulator["h"].potentials, simulator.arrays()

    once, potentials, arrays = history(touched=False)
    always, expected_potentials, expected_arrays = history(touched=True)
    assert (once, always) == (3, 12)
    np.testing.assert_array_equal(potentials, expected_potentials)
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, expected_arrays[name], err_msg=name)


@pytest.mark.parametrize("how", ["set", "in place"])
def test_weights_changed_between_presentations_are_used(x, how):
    simulator = Simulator(lateral(2), dtype="float64", threads=1)
    simulator.present({"x": x})
    simulator.run()
    feedforward = simulator["h"]["F"]
    if how == "set":
        feedforward.weights = 2 * feedforward.weights
    else:
        feedforward.weights[0] = 3.0
    simulator.present({"x": x})  # the very same array
    simulator.run()
    expected = feedforward.weights @ x + feedforward.bias[:, None]
    np.testing.assert_allclose(simulator["h"].potentials[0], expected, atol=1e-14)


def test_a_delayed_reader_that_fires_later_in_the_step_also_hears_the_previous_step(x):
    network = Network(
        {"x": 4},
        [
            Layer("a", 5, [Compartment("F", "x")], SUM),
            Layer("b", 3, [Compartment("F", "a", delay=1)], SUM),
        ],
    )
    simulator = Simulator(network, dtype="float64", threads=1)
    a, b = simulator["a"], simulator["b"]
    bias = b["F"].bias[:, None]
    for _ in range(2):  # what the first presentation left behind must not be heard in the second
        start = simulator.time
        simulator.events.schedule(Present(start, {"x": x}))
        expected = np.broadcast_to(bias, (3, N_SAMPLES))
        for time in range(start, start + 3):
            simulator.events.schedule(Fire(time, "a", 0))
            simulator.events.schedule(Fire(time, "b", 1))
            simulator.run()
            np.testing.assert_allclose(b.potentials[0], expected, atol=1e-14)
            expected = b["F"].weights @ a.output + bias
        simulator.time = start + 3


def test_every_step_and_layer_draws_its_own_random_numbers():
    compartments = [Compartment("F", "x"), Compartment("L", "a", delay=1)]
    silent = Network(
        {"x": 4},
        [Layer("a", 4, compartments, SUM), Layer("b", 4, [Compartment("F", "a")], SUM)],
        steps=3,
    )
    simulator = Simulator(silent, threads=1)
    for layer in ("a", "b"):
        for compartment in simulator[layer].compartments:
            compartment.weights = 0 * compartment.weights
            compartment.bias = 0 * compartment.bias
    n = 8192
    simulator.present({"x": np.zeros((4, n))})
    outputs = []
    while simulator.events:
        event = simulator.advance()
        if isinstance(event, Fire):
            outputs.append(simulator[event.layer].output.copy())
    outputs = np.concatenate(outputs)
    assert len(outputs) == 4 * (3 + 1)
    correlation = outputs @ outputs.T / n - np.eye(len(outputs))
    assert abs(correlation).max() < 5 / np.sqrt(n)


def test_a_missing_input_is_silent(x):
    simulator = Simulator(lateral(1), threads=1)
    simulator.present({}, {"h": np.ones((6, 5))})
    simulator.run()
    bias = simulator["h"]["F"].bias
    np.testing.assert_array_equal(
        simulator["h"].potentials[0], np.broadcast_to(bias[:, None], (6, 5))
    )


def test_bins_are_those_of_the_potentials(x):
    """Closed on the right, and what lies outside is in the first or last."""
    simulator = Simulator(lateral(2), threads=1)
    simulator["h"]["F"].weights[...] *= 30
    simulator.present({"x": x})
    simulator.run()
    edges = np.linspace(-20, 20, 6)[1:-1]
    expected = np.searchsorted(edges, simulator["h"].potentials, side="left")
    assert set(expected[0].ravel()) == set(range(5))
    np.testing.assert_array_equal(simulator.bins("h"), expected)


def test_batches_of_changing_size_equal_fresh_simulators(x):
    """Memory is kept between batches; what lies in it must not show."""
    simulator = Simulator(lateral(2), threads=1)
    for size in (12, 5, 1, 9, 12):
        fresh = Simulator(lateral(2), threads=1)
        for one in (simulator, fresh):
            one.present({"x": x[:, :size]}, batch=0)
            one.run()
        np.testing.assert_array_equal(simulator["h"].potentials, fresh["h"].potentials)
        np.testing.assert_array_equal(simulator["h"].output, fresh["h"].output)
        np.testing.assert_array_equal(simulator.information("h"), fresh.information("h"))
        for kept, new in zip(simulator.gradient("h"), fresh.gradient("h"), strict=True):
            np.testing.assert_array_equal(kept, new)


def test_a_recorder_keeps_copies_from_before_learning(x):
    simulator = Simulator(lateral(2), threads=1)
    recorder = Recorder("h", ("potentials", "probabilities", "output", "atoms"), every=2)
    weights = []
    for batch in range(5):
        weights.append(simulator["h"]["F"].weights.copy())
        simulator.present({"x": x}, learn=True, probes=[recorder], batch=batch)
        simulator.run()
    assert [len(values) for values in recorder.values.values()] == [3, 3, 3, 3]  # 0, 2, 4
    for recorded, w in zip(recorder.values["potentials"], weights[::2], strict=True):
        bias = recorded[0] - w @ x.astype(np.float32)
        np.testing.assert_allclose(bias, np.repeat(bias[:, :1], N_SAMPLES, 1), atol=1e-5)
    assert not np.array_equal(recorder.values["output"][0], recorder.values["output"][1])
    theta = recorder.values["probabilities"][-1]
    np.testing.assert_array_equal(theta, simulator["h"].probabilities)
    values = recorder.values["atoms"][0]
    assert values.shape == (6, 5)
    mean = recorder.values["probabilities"][0].mean(axis=1, dtype=float)
    entropy = -mean * np.log2(mean) - (1 - mean) * np.log2(1 - mean)
    np.testing.assert_allclose(values.sum(axis=1), entropy, atol=1e-5)  # I(Y; F, L) + H_res


def test_a_probe_of_ones_own_must_say_what_it_records(x):
    simulator = Simulator(lateral(1), threads=1)
    simulator.present({"x": x}, probes=[Probe()])
    with pytest.raises(NotImplementedError):
        simulator.run()


@pytest.mark.parametrize(
    ("inputs", "outputs", "error", "message"),
    [
        ({"x": np.ones((5, 3))}, {}, ShapeError, r"'x' has shape \(5, 3\), .* expects \(4, 3\)"),
        ({"x": np.ones((4, 3))}, {"h": np.ones((6, 4))}, ShapeError, r"were \[3, 4\]"),
        ({}, {}, ShapeError, "same number of samples"),
        ({"y": np.ones((4, 3))}, {}, ConfigError, "no input 'y'"),
    ],
)
def test_a_wrong_presentation_is_refused_and_forgotten(x, inputs, outputs, error, message):
    simulator = Simulator(lateral(2), threads=1)
    simulator.present(inputs, outputs)
    with pytest.raises(error, match=message):
        simulator.run()
    # the rest of it must not run into the next one
    simulator.present({"x": x})
    assert event_names(simulator)[0][1] == "Present"
