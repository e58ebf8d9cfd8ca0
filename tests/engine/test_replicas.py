"""Replicas trained side by side are, to the bit, what each is alone."""

import weakref
from dataclasses import replace
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from bits import assert_same_bits, without_times

from infosim.engine import Recorder, Samples, Simulator, Training
from infosim.errors import CheckpointError, ConfigError, DataError, ShapeError
from infosim.kernels import cpu
from infosim.network import SGD, Adam, Compartment, Layer, Masked, Network
from infosim.neuron import Activation, Binning

N_IN, N_CLASSES = 12, 3
SEEDS = [4, 0, 2**32 - 1]

#: What replicas may differ in, twice.
ONE = {
    "goal": "{F}{C} + 0.1 {F}{C}{L} - 0.1 {F}",
    "alpha": (0.1, 0.1),
    "optimizer": Adam(0.02, 1e-4),
    "weight": None,
    "readout": "{F}{C} + 0.1 {C} - 0.2 {F}",
}
OTHER = {
    "goal": "{FCL} - 0.3 {L} + 0.05 H_res",
    "alpha": (0.3, 0.2),
    "optimizer": Adam(0.005, 0.0, (0.8, 0.95), 1e-5),
    "weight": 0.05,
    "readout": "{FC} + 0.3 H_res",
}


def classifier(lateral="all-but-self", n=8, binning="fixed", numbers=ONE):
    """The trivariate network of the papers, small."""
    hidden = Layer(
        "hidden",
        n,
        [
            Compartment("F", "image"),
            Compartment("C", "label", weight=numbers["weight"]),
            Compartment("L", "hidden", lateral, delay=1),
        ],
        Activation("trivariate", {"alpha": numbers["alpha"]}),
        Binning(binning, 20),
        numbers["goal"],
        numbers["optimizer"],
    )
    out = Layer(
        "out",
        N_CLASSES,
        [
            Compartment("F", "hidden"),
            Compartment("C", "label", "one-to-one", trainable=False, bias=False, weight=1.0),
        ],
        Activation("feedforward"),
        Binning("normalised", 20),
        numbers["readout"],
        numbers["optimizer"],
    )
    inputs = {"image": N_IN, "label": N_CLASSES}
    return Network(inputs, [hidden, out], 2, readout="out", target="label")


def memory(n=20, lateral="all-but-self"):
    layer = Layer(
        "memory",
        n,
        [
            Compartment("R", "pattern", "one-to-one", trainable=False, bias=False, weight=2.3),
            Compartment("C", "memory", lateral, delay=1, bias=False),
        ],
        Activation("sum"),
        Binning("fixed", (2, 60)),
        "{R}{C}",
        Adam(0.05),
    )
    return Network({"pattern": n}, [layer])


def clouds(n=300, seed=0):
    """Samples of three overlapping clouds of points."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(N_CLASSES, N_IN))
    labels = rng.integers(0, N_CLASSES, n)
    return {"image": centres[labels] + rng.normal(size=(n, N_IN)), "label": labels}


def trained(network, seed, samples, test, batch=100, epochs=2, **options):
    """A simulator after training, and what was measured of each replica."""
    simulator = Simulator(network, seed=seed, **options)
    histories = simulator.fit(
        samples, epochs, batch=batch, validation=test, test=test, record_every=2
    )
    evaluations = simulator.evaluate(test, batch=batch - 1)
    if simulator.n_replicas == 1:
        return simulator, [histories], [evaluations]
    return simulator, histories, evaluations


def assert_as_alone(together, alone):
    """`alone` : for each replica what `trained` returns."""
    simulator, histories, evaluations = together
    assert len(histories) == len(evaluations) == len(alone) == simulator.n_replicas
    for r, (single, (history,), (evaluation,)) in enumerate(alone):
        assert_same_bits(simulator.arrays(r), single.arrays())
        for name in ("train_error", "val_error", "test_error", "mean_goal"):
            assert getattr(histories[r], name) == getattr(history, name), name
        assert_same_bits(
            {k: np.array(v) for k, v in histories[r].atoms.items()},
            {k: np.array(v) for k, v in history.atoms.items()},
        )
        np.testing.assert_array_equal(evaluations[r].predictions, evaluation.predictions)
        np.testing.assert_array_equal(evaluations[r].labels, evaluation.labels)
        assert evaluations[r].error == evaluation.error
    # they are not all the same anyway, and did learn something
    weights = simulator["hidden"]["F"].weights.reshape(len(alone), -1)
    assert len(np.unique(weights, axis=0)) == len(alone)
    start = Simulator(simulator.networks, seed=simulator.seeds, threads=1)
    assert (start["hidden"]["F"].weights != simulator["hidden"]["F"].weights).mean() > 0.9


# -- training ------------------------------------------------------------------------------------


#: Layers of a single neuron, small ones, and such as are cut into parts that threads share out.
SHAPES = pytest.mark.parametrize(
    ("lateral", "n", "batch"),
    [
        ("dense", 1, 100),
        ("dense", 8, 100),
        ("one-to-one", 8, 100),
        ("all-but-self", 5, 64),
        ("sparse(3)", 8, 100),
        ("dense", 70, 400),
        ("all-but-self", 70, 400),
        ("sparse(9)", 70, 400),
        ("one-to-one", 70, 400),
    ],
)
THREADS = pytest.mark.parametrize("threads", [1, 2])


@THREADS
@SHAPES
def test_seeds_side_by_side_end_where_each_ends_alone(lateral, n, batch, threads):
    network = classifier(lateral, n)
    samples, test = clouds(3 * batch // 2), clouds(70, seed=1)
    alone = [trained(network, seed, samples, test, batch, threads=1) for seed in SEEDS]
    assert_as_alone(trained(network, SEEDS, samples, test, batch, threads=threads), alone)


@pytest.mark.parametrize("seed", [5, [5, 6]])
@THREADS
@SHAPES
def test_networks_side_by_side_end_where_each_ends_alone(lateral, n, batch, threads, seed):
    """They differ in goals, parameters, rates and initial weights; of one seed or of several."""
    networks = [classifier(lateral, n, numbers=numbers) for numbers in (ONE, OTHER)]
    samples, test = clouds(3 * batch // 2), clouds(70, seed=1)
    alone = [
        trained(network, own, samples, test, batch, threads=1)
        for network, own in zip(
            networks, seed if isinstance(seed, list) else [seed] * 2, strict=True
        )
    ]
    assert_as_alone(trained(networks, seed, samples, test, batch, threads=threads), alone)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("binning", ["fixed", "adaptive", "normalised"])
def test_every_binning_and_precision_is_as_alone(binning, dtype):
    network = classifier(binning=binning)
    arguments = clouds(150), clouds(70, seed=1)
    alone = [trained(network, seed, *arguments, threads=1, dtype=dtype) for seed in SEEDS]
    assert_as_alone(trained(network, SEEDS, *arguments, threads=2, dtype=dtype), alone)


@pytest.mark.parametrize("shared_test", [False, True])
def test_every_replica_may_have_samples_of_its_own(shared_test):
    arrays, rng = clouds(), np.random.default_rng(8)
    parts = np.array([rng.permutation(300) for _ in SEEDS])
    index, held_out = parts[:, :230], parts[:, 230:]
    if shared_test:
        held_out = np.broadcast_to(parts[0, 230:], held_out.shape)
    alone = [
        trained(
            classifier(), seed, Samples(arrays, index=index[r]),
            Samples(arrays, index=held_out[r]), threads=1,
        )
        for r, seed in enumerate(SEEDS)
    ]  # fmt: skip
    test = Samples(arrays, index=parts[0, 230:] if shared_test else held_out)
    together = trained(classifier(), SEEDS, Samples(arrays, index=index), test, threads=2)
    assert_as_alone(together, alone)
    labels = [evaluation.labels for evaluation in together[2]]
    np.testing.assert_array_equal(labels, arrays["label"][held_out])


def test_a_single_replica_is_spoken_of_as_none():
    simulator = Simulator([classifier()], seed=[3], threads=1)
    history = simulator.fit(clouds(60), 0, batch=30)
    assert len(history) == 1
    assert simulator.evaluate(clouds(60)).predictions.shape == (60,)
    assert simulator.predictions().shape == (60,)


# -- exact resume --------------------------------------------------------------------------------


def training(networks, seeds):
    simulator = Simulator(networks, seed=seeds, threads=1)
    samples, validation = clouds(70), clouds(40, seed=1)
    return Training(simulator, samples, batch=30, validation=validation, record_every=2)


def advanced(one, batches):
    for _ in range(batches):
        one.advance()
    return one


def finished(one):
    while len(one.history) < 4:
        one.advance()
    return one


#: Batches per epoch: 3, and measuring counts as one more. In and between epochs.
STOPS = pytest.mark.parametrize("stop_after", [2, 4, 7, 10])
KINDS = pytest.mark.parametrize("lateral", ["all-but-self", "sparse(3)"])


@STOPS
@KINDS
def test_a_replicas_state_is_what_it_would_leave_alone(lateral, stop_after):
    networks = [classifier(lateral, numbers=numbers) for numbers in (ONE, OTHER, ONE)]
    together = advanced(training(networks, SEEDS), stop_after)
    for r, (network, seed) in enumerate(zip(networks, SEEDS, strict=True)):
        alone = advanced(training(network, seed), stop_after)
        assert_same_bits(without_times(together.state(r)), without_times(alone.state()))
        assert len(together.histories[r].seconds) == len(alone.history.seconds)
    assert together.history is together.histories[0]


@STOPS
@KINDS
def test_a_replica_is_continued_alone(lateral, stop_after):
    networks = [classifier(lateral, numbers=numbers) for numbers in (ONE, OTHER)]
    stack = advanced(training(networks, SEEDS[:2]), stop_after)
    states = [stack.state(r) for r in (0, 1)]
    finished(stack)
    for r in (0, 1):
        alone = training(networks[r], SEEDS[r])
        alone.restore(states[r])
        assert_same_bits(without_times(alone.state()), without_times(states[r]))
        expected = without_times(stack.state(r))
        assert_same_bits(without_times(finished(alone).state()), expected)
        assert expected["progress"][0] == 4
        assert alone.simulator["hidden"].clock.updates == 9


@STOPS
@KINDS
def test_single_runs_are_continued_side_by_side(lateral, stop_after):
    networks = [classifier(lateral, numbers=numbers) for numbers in (ONE, OTHER)]
    singles = [
        advanced(training(network, seed), stop_after)
        for network, seed in zip(networks, SEEDS[:2], strict=True)
    ]
    stack = training(networks, SEEDS[:2])
    stack.restore(*(single.state() for single in singles))
    for r, single in enumerate(singles):
        assert_same_bits(without_times(stack.state(r)), without_times(single.state()))
    finished(stack)
    for r, single in enumerate(singles):
        assert_same_bits(without_times(stack.state(r)), without_times(finished(single).state()))


def test_masks_set_by_hand_are_part_of_each_replicas_state():
    networks = [classifier("dense")] * 2
    stack, other = training(networks, [1, 2]), training(networks, [1, 2])
    mask = np.random.default_rng(0).random((16, N_IN)) < 0.5
    stack.simulator["hidden"]["F"].mask = mask
    advanced(stack, 5)
    other.restore(*(stack.state(r) for r in (0, 1)))
    np.testing.assert_array_equal(other.simulator["hidden"]["F"].mask, mask)
    alone = training(networks[1], 2)
    alone.restore(stack.state(1))
    np.testing.assert_array_equal(alone.simulator["hidden"]["F"].mask, mask[8:])
    for one in (stack, other, alone):
        finished(one)
    for r in (0, 1):
        assert_same_bits(without_times(stack.state(r)), without_times(other.state(r)))
    assert_same_bits(without_times(stack.state(1)), without_times(alone.state()))
    assert not other.simulator["hidden"]["F"].weights[~mask].any()


def test_a_state_of_a_replica_does_not_change_when_training_goes_on():
    one = advanced(training(classifier(), [1, 2]), 6)
    state = one.state(1)
    before = {name: np.array(array) for name, array in state.items()}
    finished(one)
    assert_same_bits(state, before)


# -- presentations by hand -----------------------------------------------------------------------


def presented(simulator, inputs, outputs=None, **options):
    simulator.present(inputs, outputs, batch=7, **options)
    simulator.run()
    return simulator


@pytest.mark.parametrize("lateral", ["dense", "sparse(3)"])
def test_inputs_are_shared_or_each_replicas_own(lateral):
    rng = np.random.default_rng(12)
    own, shared = rng.normal(size=(3, N_IN, 40)), rng.normal(size=(N_IN, 40))
    label = np.eye(N_CLASSES)[rng.integers(0, N_CLASSES, (3, 40))].transpose(0, 2, 1)
    output = rng.choice([-1.0, 1.0], (3, 8, 40))
    network = classifier(lateral)
    for image, before in ((own, output), (shared, output[0])):
        simulator = Simulator(network, seed=SEEDS, threads=1)
        recorder = Recorder("hidden", ("potentials", "probabilities", "output", "atoms"))
        inputs = {"image": image, "label": label}
        presented(simulator, inputs, {"hidden": before}, learn=True, probes=[recorder])
        for r, seed in enumerate(SEEDS):
            alone = Simulator(network, seed=seed, threads=1)
            record = Recorder("hidden", tuple(recorder.values))
            inputs = {"image": image[r] if image is own else image, "label": label[r]}
            given = {"hidden": before[r] if image is own else before}
            presented(alone, inputs, given, learn=True, probes=[record])
            assert_same_bits(simulator.arrays(r), alone.arrays())
            rows = slice(8 * r, 8 * r + 8)
            for name in ("potentials", "probabilities", "output"):
                found = recorder.values[name][0][..., rows, :]
                np.testing.assert_array_equal(found, record.values[name][0], err_msg=name)
            found = recorder.values["atoms"][0][rows]
            np.testing.assert_array_equal(found, record.values["atoms"][0])
            np.testing.assert_array_equal(
                simulator.information("hidden")[rows], alone.information("hidden")
            )
            np.testing.assert_array_equal(simulator.predictions()[r], alone.predictions())
        assert not np.array_equal(*simulator["hidden"].output.reshape(3, -1)[:2])


def test_inputs_of_another_number_of_replicas_are_refused():
    simulator = Simulator(classifier(), seed=SEEDS, threads=1)
    for shape in ((2, N_IN, 4), (1, N_IN, 4), (3, 5, 4), (5, 4)):
        with pytest.raises(ShapeError, match=r"'image' has shape .*, the network expects"):
            presented(simulator, {"image": np.ones(shape)})


def test_weights_of_all_replicas_are_read_and_set_at_once():
    simulator = Simulator(classifier(), seed=SEEDS, threads=1)
    lateral = simulator["hidden"]["L"]
    assert lateral.weights.shape == lateral.mask.shape == (24, 8)
    lateral.weights = np.repeat([1.0, 2.0, 3.0], 8)[:, None] * np.ones(8)
    for r in range(3):
        weights = simulator.arrays(r)["hidden/L/weights"]
        np.testing.assert_array_equal(weights, (r + 1) * (1 - np.eye(8)))
    with pytest.raises(ShapeError, match=r"weights has shape \(8, 8\), .* needs \(24, 8\)"):
        lateral.weights = np.ones((8, 8))


def test_recall_of_replicas_ends_where_each_ends_alone():
    """In fixed points of its own: replica r writes its pattern r into every neuron's weights."""
    patterns = np.random.default_rng(13).choice([-1.0, 1.0], (3, 20))
    weights = 4 * patterns[:, :, None] * patterns[:, None, :]
    simulator = Simulator(memory(), seed=SEEDS, threads=1)
    simulator["memory"]["C"].weights = weights.reshape(60, 20)
    cues = patterns.copy()
    cues[:, :3] *= -1
    for r, (seed, found) in enumerate(zip(SEEDS, simulator.recall(cues), strict=True)):
        alone = Simulator(memory(), seed=seed, threads=1)
        alone["memory"]["C"].weights = weights[r]
        expected = alone.recall(cues)
        assert (found.steps, found.converged) == (expected.steps, True)
        np.testing.assert_array_equal(found.states, expected.states)
        np.testing.assert_array_equal(abs(found.states @ patterns[r]), [20, 20, 20])
        np.testing.assert_array_equal(found.states[r], patterns[r])


def test_a_replica_in_a_cycle_stops_in_the_phase_it_would_alone():
    """One replica turns its state around at every step, the other's neurons follow a chain."""
    n = 6
    around, chain = -4 * np.eye(n), 4 * np.eye(n, k=-1)
    chain[0, 0] = 4
    network = memory(n, lateral="dense")
    cue = np.array([[1.0, -1, -1, -1, -1, -1]])
    cues = np.array([cue, cue])
    simulator = Simulator(network, seed=[0, 1], threads=1)
    simulator["memory"]["C"].weights = np.concatenate([around, chain])
    cycle, fixed = simulator.recall(cues)
    assert (cycle.steps, cycle.converged) == (2, True)
    np.testing.assert_array_equal(cycle.states, cue)
    assert (fixed.steps, fixed.converged) == (6, True)
    np.testing.assert_array_equal(fixed.states, np.ones((1, n)))


# -- what cannot be ------------------------------------------------------------------------------

FORWARD = Compartment("F", "x")
LATERAL = Compartment("L", "h", "all-but-self", delay=1)
PLAIN = Layer("h", 4, [FORWARD, LATERAL], Activation("sum"), Binning("fixed", 20), "{F}", Adam())


def network(inputs=None, steps=1, readout=None, target=None, more=(), first=(), second=(), **layer):
    """A network of one layer, but for what is given: of itself, its compartments or the layer."""
    compartments = replace(FORWARD, **dict(first)), replace(LATERAL, **dict(second))
    layers = [replace(PLAIN, **{"compartments": compartments} | layer), *more]
    return Network(inputs or {"x": 4, "z": 4}, layers, steps, readout, target)


#: Layers that nothing reads.
FURTHER = [Layer(name, 4, [Compartment("F", "x")], Activation("sum")) for name in "ab"]

UNLIKE = {
    "inputs": (
        network(inputs={"x": 4}), r"inputs is {'x': 4, 'z': 4} in one and {'x': 4} in another",
    ),
    "steps": (network(steps=2), "steps is 1 in one and 2 in another"),
    "readout": (network(readout="h"), "readout is None in one and h in another"),
    "target": (network(target="z"), "target is None in one and z in another"),
    "size": (network(size=5), "layer 'h': size is 4 in one and 5 in another"),
    "name": (network(name="g", second={"source": "g"}), "'h'.* in one"),
    "binning": (network(binning=Binning("adaptive", 20)), "layer 'h': binning is .*'adaptive'"),
    "bins": (network(binning=Binning("fixed", 7)), "layer 'h': binning is .*20.* in one and .*7"),
    "activation": (
        network(activation=Activation("bivariate")), "activation is sum in one and bivariate in",
    ),
    "clamp": (network(activation=Activation("sum", {}, 0.1)), "clamp is 0.0 in one and 0.1 in"),
    "optimizer": (network(optimizer=SGD()), "layer 'h': optimizer is Adam in one and SGD in"),
    "outputs": (network(outputs="binary"), "outputs is signed in one and binary in another"),
    "sampled": (network(sampled=False), "'h': sampled is True in one and False in another"),
    "goal": (network(goal=None), "layer 'h': having a goal is True in one and False in another"),
    "order of compartments": (
        network(compartments=[LATERAL, FORWARD], goal="{F}"),
        r"compartments is \['F', 'L'\] in one and \['L', 'F'\] in another",
    ),
    "source": (network(first={"source": "z"}), "compartment 'F': source is x in one and z in"),
    "connectivity": (
        network(second={"connectivity": "sparse(2)"}),
        r"compartment 'L': connectivity is all-but-self in one and sparse\(2\) in another",
    ),
    "trainable": (
        network(first={"trainable": False}), "'F': trainable is True in one and False in another",
    ),
    "bias": (network(second={"bias": False}), "'L': bias is True in one and False in another"),
    "a layer more": (network(more=FURTHER[:1]), "'a'"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNLIKE)
def test_networks_that_differ_in_more_than_numbers_are_refused(case):
    other, message = UNLIKE[case]
    with pytest.raises(ConfigError, match=f"replicas must be alike, but .*{message}"):
        network().check_alike(other)
    with pytest.raises(ConfigError, match="replicas must be alike"):
        Simulator([network(), network(), other], threads=1)
    with pytest.raises(ConfigError, match="replicas must be alike"):
        other.check_alike(network())
    other.check_alike(other)


def test_networks_that_hear_the_same_at_another_time_are_refused():
    one, other = (
        Network(
            {"x": 4},
            [
                FURTHER[0],
                replace(PLAIN, compartments=[replace(FORWARD, source="a", delay=delay), LATERAL]),
            ],
        )
        for delay in (0, 1)
    )
    with pytest.raises(ConfigError, match="compartment 'F': delay is 0 in one and 1 in another"):
        one.check_alike(other)


def test_networks_whose_layers_come_in_another_order_are_refused():
    one, other = network(more=FURTHER), network(more=FURTHER[::-1])
    with pytest.raises(ConfigError, match="replicas must be alike"):
        one.check_alike(other)


@pytest.mark.parametrize(
    ("networks", "seeds", "message"),
    [
        ([network()] * 3, [1, 2], "as many networks as seeds .* were 3 and 2"),
        ([network()] * 2, [1, 2, 3], "were 2 and 3"),
        ([], 0, "were 0 and 1"),
        (network(), [], "were 1 and 0"),
        (network(), [1, -1], "seed must be an integer from 0 to .* was -1"),
        (network(), [2**32, 1], "was 4294967296"),
        (network(), [1, 2.0], "was 2.0"),
        (network(), (1, True), "was True"),
        (network(), [1, None], "was None"),
        (network(), np.array([1.0, 2.0]), "was .*1.0"),
    ],
)
def test_replicas_that_cannot_be_counted_are_refused(networks, seeds, message):
    with pytest.raises(ConfigError, match=message):
        Simulator(networks, seed=seeds, threads=1)


def test_seeds_come_in_any_sequence():
    for seeds in ([0, 1], (0, 1), range(2), np.arange(2)):
        assert Simulator(network(), seed=seeds, threads=1).seeds == [0, 1]
    assert Simulator([network()] * 2, seed=np.uint8(7), threads=1).seeds == [7, 7]


def test_states_that_cannot_be_restored():
    simulator = Simulator(classifier(), seed=[0, 1], threads=1)
    given = {"image": np.zeros((40, N_IN)), "label": np.zeros(40, int)}
    training, later = (Training(simulator, given, batch=20) for _ in range(2))
    later.advance()
    for states in ([], [training.state()], [training.state()] * 3):
        with pytest.raises(CheckpointError, match=r"2 replica\(s\) need as many states"):
            training.restore(*states)
    with pytest.raises(CheckpointError, match="moment, were epoch 0, batch 0, epoch 0, batch 1"):
        training.restore(training.state(), later.state(1))


@pytest.mark.parametrize("rows", [1, 3])
def test_samples_for_another_number_of_replicas(rows):
    simulator = Simulator(classifier(), seed=[0, 1], threads=1)
    index = np.tile(np.arange(10), (rows, 1))
    chosen = Samples({"image": np.zeros((10, N_IN)), "label": np.zeros(10, int)}, index=index)
    message = rf"index has shape \({rows}, 10\); for 2 replica\(s\) .* \(n,\) or \(2, n\)"
    with pytest.raises(ShapeError, match=message):
        simulator.fit(chosen, 1, batch=5)
    with pytest.raises(ShapeError, match=message):
        simulator.evaluate(chosen)


@pytest.mark.parametrize("index", [[0, 10], [-1], [[3, 4], [5, 12]]])
def test_samples_that_are_not_there(index):
    with pytest.raises(DataError, match=r"index (10|-1|12) is outside the 10 samples"):
        Samples({"image": np.zeros((10, N_IN))}, index=index)


def test_inputs_of_a_wrong_shape_are_told_as_they_were_given():
    one, two = (Simulator(classifier(), seed=seed, threads=1) for seed in (0, [0, 1]))
    for simulator, shape in ((one, (3, N_IN, 4)), (two, (3, N_IN, 4)), (two, (N_IN + 1, 4))):
        by_step = "; a sequence has 2 steps in front" if len(shape) == 3 else ""
        simulator.present({"image": np.zeros(shape)})
        with pytest.raises(ShapeError) as told:
            simulator.run()
        expected = f"'image' has shape {shape}, the network expects {(N_IN, 4)}{by_step}"
        assert str(told.value) == expected


def test_batches_of_the_past_are_not_kept():
    simulator = Simulator(classifier(), threads=1)
    kept = []
    for _ in range(30):
        images = np.random.default_rng(0).normal(size=(4, N_IN))
        kept.append(weakref.ref(images))
        simulator.step({"image": images, "label": np.zeros(4, int)})
        del images
    assert sum(reference() is not None for reference in kept) <= 8


def test_equal_masks_are_alike():
    array = np.random.default_rng(0).random((8, 8)) < 0.5
    one, other = classifier(Masked(array)), classifier(Masked(array.copy()))
    one.check_alike(other)
    with pytest.raises(ConfigError, match="connectivity is masked"):
        one.check_alike(classifier(Masked(~array)))


@pytest.mark.parametrize("networks", [None, "iclr", [classifier(), None], 3])
def test_only_networks_are_simulated(networks):
    with pytest.raises(ConfigError, match="a Network is needed, or several in a list, was "):
        Simulator(networks, seed=[0, 1], threads=1)


class Device(np.ndarray):
    """Arrays of a device that the host can only read by asking."""


def test_nothing_moves_between_host_and_device_within_an_epoch():
    moved = []

    def resident(array, dtype=None):
        if isinstance(array, Device):
            return array
        moved.append("there")
        return np.array(array, dtype).view(Device)

    def host(array):
        moved.append("back")
        return np.array(array)

    def on_device(function):
        return lambda *arguments: function(*arguments).view(Device)

    made = {name: on_device(getattr(np, name)) for name in ("zeros", "empty")}
    kernels = ModuleType("device")
    vars(kernels).update(vars(cpu), resident=resident, host=host, xp=SimpleNamespace(**made))
    simulator = Simulator(classifier(), kernels, threads=1)
    data = clouds()
    training = Training(simulator, data, batch=50, validation=data, test=data, record_every=2)
    while len(training.history) < 2:
        training.advance()
    per_epoch = []
    for _ in range(3):
        training.advance()  # the first batch brings the order of all
        before = len(moved)
        while training.position < training.n_batches:
            training.advance()
        assert len(moved) == before
        training.advance()  # measures
        per_epoch.append(len(moved))
    assert per_epoch[1] - per_epoch[0] == per_epoch[2] - per_epoch[1] <= 10
    expected = Simulator(classifier(), threads=1).fit(
        data, 4, batch=50, validation=data, test=data, record_every=2
    )
    assert training.history.test_error == expected.test_error
