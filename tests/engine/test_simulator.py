import time
from dataclasses import replace

import numpy as np
import pytest
from bits import assert_same_bits, without_times
from threadpoolctl import ThreadpoolController

from infosim.engine import Evaluation, Fire, Present, Samples, Simulator, Training
from infosim.errors import ConfigError, DataError, ShapeError
from infosim.kernels import cpu
from infosim.kernels.tape import Tape
from infosim.kernels.workers import Workers, blocks, tiles
from infosim.machine.feed import Feed
from infosim.network import SGD, Adam, Compartment, Layer, Masked, Network
from infosim.neuron import Activation, Binning

N_IN, N_CLASSES = 12, 3

READOUT = Layer(
    "out",
    N_CLASSES,
    [
        Compartment("F", "hidden"),
        Compartment("C", "label", "one-to-one", trainable=False, bias=False, weight=1.0),
    ],
    Activation("feedforward"),
    Binning("normalised", 20),
    "{F}{C} + 0.1 {C} + 0.1 {FC} - 0.2 {F}",
    Adam(0.02),
)


def classifier(n=8, lateral="all-but-self", steps=2):
    """The trivariate network of the papers, small."""
    hidden = Layer(
        "hidden",
        n,
        [
            Compartment("F", "image"),
            Compartment("C", "label"),
            Compartment("L", "hidden", lateral, delay=1),
        ],
        Activation("trivariate"),
        Binning("fixed", 20),
        "{F}{C} + 0.1 {F}{C}{L} - 0.1 {F}",
        Adam(0.02, 1e-4),
    )
    return Network(
        {"image": N_IN, "label": N_CLASSES}, [hidden, READOUT], steps, readout="out", target="label"
    )


def readout_only():
    layer = Layer(
        "out",
        N_CLASSES,
        [Compartment("F", "image"), *READOUT.compartments[1:]],
        READOUT.activation,
        READOUT.binning,
        READOUT.goal,
        Adam(0.02),
    )
    return Network({"image": N_IN, "label": N_CLASSES}, [layer], readout="out", target="label")


def clouds(n=300, noise=1.0, seed=0):
    """Samples of three overlapping clouds of points."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(N_CLASSES, N_IN))
    labels = rng.integers(0, N_CLASSES, n)
    return {"image": centres[labels] + noise * rng.normal(size=(n, N_IN)), "label": labels}


# -- the same seed, the same bits ----------------------------------------------------------------


def test_layers_are_cut_into_whole_blocks():
    for n in (1, 31, 32, 70, 199, 200, 450, 999, 1000, 2000):
        for b in (1, 500, 1024):
            spans = blocks(n, b)
            assert [i for start, stop in spans for i in range(start, stop)] == list(range(n))
    assert [len(blocks(n, 1024)) for n in (31, 70, 450, 1000)] == [1, 2, 4, 8]
    assert len(blocks(100, 128)) == 1


def test_tiles_cover_every_neuron_and_sample_once():
    for n in (1, 70, 100, 250, 251, 1000):
        for b in (1, 63, 64, 512, 513, 1000, 1024, 5000):
            seen = np.zeros((n, b), int)
            for start, stop, first, last in tiles(n, b):
                seen[start:stop, first:last] += 1
                assert first % 64 == 0
                assert stop - start <= 250
                assert last - first <= max(512, 100_000 // n) + 64
            assert (seen == 1).all()
    assert len(tiles(100, 1024)) == 2
    assert len(tiles(1000, 1024)) == 8


@pytest.mark.parametrize(
    ("n", "lateral", "batch"),
    [
        (70, "all-but-self", 400),
        (70, "sparse(9)", 400),
        (450, "sparse(20)", 64),
        (120, "all-but-self", 1000),
    ],
)
def test_the_number_of_threads_does_not_change_a_bit(n, lateral, batch):
    samples = clouds(batch * 3 // 2)
    runs = []
    for threads in (1, 2, 3):
        simulator = Simulator(classifier(n, lateral), seed=5, threads=threads)
        history = simulator.fit(samples, 2, batch=batch, test=clouds(50, seed=1), record_every=1)
        runs.append((simulator, history))
    first, expected = runs[0]
    start = Simulator(classifier(n, lateral), seed=5, threads=1)
    assert not np.array_equal(first["hidden"]["L"].weights, start["hidden"]["L"].weights)
    for simulator, history in runs[1:]:
        assert_same_bits(simulator.arrays(), first.arrays())
        assert history.train_error == expected.train_error
        assert history.test_error == expected.test_error
        assert history.mean_goal == expected.mean_goal
        assert_same_bits(
            {k: np.array(v) for k, v in history.atoms.items()},
            {k: np.array(v) for k, v in expected.atoms.items()},
        )


def test_another_seed_gives_other_weights_and_outputs():
    image = clouds(64)["image"].T
    states = []
    for seed in (1, 1, 2):
        simulator = Simulator(classifier(), seed=seed, threads=1)
        for compartment in simulator["hidden"].compartments:
            compartment.weights = np.zeros_like(compartment.weights)
            compartment.bias = np.zeros_like(compartment.bias)
        initial = Simulator(classifier(), seed=seed, threads=1)["hidden"]["F"].weights
        simulator.present({"image": image})
        simulator.run()
        states.append((initial, simulator["hidden"].output.copy()))
    for part in (0, 1):
        np.testing.assert_array_equal(states[0][part], states[1][part])
        assert not np.array_equal(states[0][part], states[2][part])


def test_initial_weights_are_uniform_within_the_fan_in_and_zero_where_masked():
    simulator = Simulator(classifier(200), threads=1)
    hidden = simulator["hidden"]
    for name, n_in in {"F": N_IN, "C": N_CLASSES, "L": 200}.items():
        bound = 1 / np.sqrt(n_in)
        weights = hidden[name].weights
        mask = np.ones(weights.shape, bool) if hidden[name].mask is None else hidden[name].mask
        assert 0.99 * bound < abs(weights).max() <= bound
        sigma = bound / np.sqrt(3)
        assert abs(weights[mask].mean()) < 5 * sigma / np.sqrt(mask.sum())
        np.testing.assert_allclose(weights[mask].std(), sigma, rtol=0.05)
        assert 0.9 * bound < abs(hidden[name].bias).max() <= bound
    np.testing.assert_array_equal(hidden["L"].mask, ~np.eye(200, dtype=bool))
    assert not hidden["L"].weights.diagonal().any()
    np.testing.assert_array_equal(simulator["out"]["C"].weights, np.ones((3, 1)))
    np.testing.assert_array_equal(simulator["out"]["C"].bias, np.zeros(3))


def test_precisions_agree_on_the_first_batch():
    samples = clouds(100)
    single, double = (Simulator(classifier(), dtype=d, threads=1) for d in ("float32", "float64"))
    gradients = []
    for simulator in (single, double):
        simulator.step(samples, learn=False)
        simulator.gradient("hidden")
        gradients.append(simulator["hidden"]["F"].gradient)
    for layer in ("hidden", "out"):
        assert single[layer].potentials.dtype == np.float32
        assert double[layer].potentials.dtype == np.float64
        np.testing.assert_allclose(
            single[layer].potentials, double[layer].potentials, rtol=0, atol=1e-5
        )
        np.testing.assert_allclose(single.atoms(layer), double.atoms(layer), atol=1e-5)
    assert gradients[0].dtype == np.float32
    np.testing.assert_allclose(gradients[0], gradients[1], atol=1e-4 * abs(gradients[1]).max())


# -- weights as plain arrays ---------------------------------------------------------------------


def test_setting_copies_and_keeps_the_mask():
    simulator = Simulator(classifier(), threads=1)
    lateral = simulator["hidden"]["L"]
    given = np.full((8, 8), 2.0)
    lateral.weights = given
    given[0] = 77
    np.testing.assert_array_equal(lateral.weights, 2.0 * (1 - np.eye(8)))
    bias = np.arange(8.0)
    lateral.bias = bias
    bias[0] = 77
    np.testing.assert_array_equal(lateral.bias, np.arange(8))
    mask = np.arange(64).reshape(8, 8) % 3 == 0
    lateral.mask = mask
    expected = mask & ~np.eye(8, dtype=bool)
    mask[...] = True
    np.testing.assert_array_equal(lateral.weights, 2.0 * expected)
    lateral.mask = None
    lateral.weights = np.ones((8, 8))
    np.testing.assert_array_equal(lateral.weights, np.ones((8, 8)))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("weights", np.zeros((8, 11)), r"weights has shape \(8, 11\), .* needs \(8, 12\)"),
        ("weights", 1.0, r"shape \(\), .* needs \(8, 12\)"),
        ("weights", np.full((8, 12), np.nan), "weights must be finite"),
        ("bias", np.zeros(7), r"bias has shape \(7,\), .* needs \(8,\)"),
        ("bias", [np.inf] * 8, "bias must be finite"),
        ("mask", np.ones((12, 8)), r"mask has shape \(12, 8\), .* needs \(8, 12\)"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_and_change_nothing(name, value, message):
    compartment = Simulator(classifier(), threads=1)["hidden"]["F"]
    before = compartment.weights.copy(), compartment.bias.copy()
    with pytest.raises(ShapeError, match=message):
        setattr(compartment, name, value)
    np.testing.assert_array_equal(compartment.weights, before[0])
    np.testing.assert_array_equal(compartment.bias, before[1])
    assert compartment.mask is None


def test_masked_weights_stay_zero_and_frozen_ones_where_they_are():
    mask = np.random.default_rng(1).random((N_CLASSES, N_IN)) < 0.5
    layer = Layer(
        "out",
        N_CLASSES,
        [
            Compartment("F", "image", Masked(mask), bias=False),
            Compartment("C", "label", trainable=False),
        ],
        Activation("feedforward"),
        Binning("normalised", 20),
        "{F}{C}",
        Adam(0.05, 0.1),
    )
    simulator = Simulator(Network({"image": N_IN, "label": N_CLASSES}, [layer]), threads=1)
    before = {name: array.copy() for name, array in simulator.arrays().items()}
    for _ in range(3):
        simulator.step(clouds())
    assert not simulator["out"]["F"].weights[~mask].any()
    assert (simulator["out"]["F"].weights[mask] != before["out/F/weights"][mask]).all()
    for name in ("out/C/weights", "out/C/bias", "out/F/bias"):
        np.testing.assert_array_equal(simulator.arrays()[name], before[name])


def test_unknown_names_are_said():
    simulator = Simulator(classifier(), threads=1)
    with pytest.raises(ConfigError, match="no layer 'hiden'; did you mean hidden"):
        simulator["hiden"]
    with pytest.raises(ConfigError, match="no compartment"):
        simulator["hidden"]["X"]


# -- evaluation ----------------------------------------------------------------------------------


@pytest.mark.parametrize("network", [classifier(), readout_only()], ids=["hidden", "readout"])
def test_evaluation_withholds_the_target(network):
    simulator = Simulator(network, threads=1)
    samples = clouds(100)
    simulator.fit(samples, 2, batch=50)
    right = simulator.evaluate(samples, batch=30)
    wrong = simulator.evaluate({**samples, "label": (samples["label"] + 1) % N_CLASSES}, batch=30)
    np.testing.assert_array_equal(right.predictions, wrong.predictions)
    for layer in simulator.layers.values():  # the compartment that reads the label is silent
        bias = layer["C"].bias[:, None]
        np.testing.assert_array_equal(layer.potentials[1], np.repeat(bias, 100, axis=1))
    np.testing.assert_array_equal(right.labels, samples["label"])
    assert right.error == np.mean(right.predictions != samples["label"])
    assert wrong.error == np.mean(right.predictions != wrong.labels)
    before = {name: array.copy() for name, array in simulator.arrays().items()}
    simulator.evaluate(samples)
    assert_same_bits(simulator.arrays(), before)


@pytest.mark.parametrize("inversion", ["learned", "batch"])
def test_a_neuron_that_fires_for_all_other_classes_is_read_upside_down(inversion):
    network = replace(readout_only(), inversion=inversion)
    simulator = Simulator(network, dtype="float64", threads=1)
    one_hot = np.eye(3)[[0, 1, 2, 2, 1, 0]]
    weights = np.zeros((N_CLASSES, N_IN))
    weights[:, :3] = 6 * np.eye(3)
    weights[1] *= -1
    simulator["out"]["F"].weights = weights
    simulator["out"]["F"].bias = [-3, 3, -3]
    samples = {
        "image": np.hstack([one_hot, np.zeros((6, N_IN - 3))]), "label": [0, 1, 2, 2, 1, 0],
    }  # fmt: skip
    if inversion == "learned":
        simulator.learn_inversion(samples)
        np.testing.assert_array_equal(simulator.readout.inverted, [False, True, False])
    found = simulator.evaluate(samples, sampled=False)
    assert simulator["out"].probabilities[1].mean() > 0.5
    np.testing.assert_array_equal(found.predictions, samples["label"])
    np.testing.assert_array_equal(found.confusion(3), 2 * np.eye(3))


def test_confusion_counts_true_by_predicted():
    found = Evaluation(0.5, np.array([0, 1, 1, 2]), np.array([0, 0, 0, 1]))
    np.testing.assert_array_equal(found.confusion(3), [[1, 2, 0], [0, 0, 1], [0, 0, 0]])


def test_evaluation_needs_a_readout_and_labels():
    simulator = Simulator(memory(), threads=1)
    with pytest.raises(ConfigError, match="readout layer and a target"):
        simulator.evaluate({"pattern": np.ones((2, 50))})
    unlabelled = {"image": clouds(10)["image"]}
    simulator = Simulator(readout_only(), threads=1)
    with pytest.raises(DataError, match="lack the target input 'label'"):
        simulator.evaluate(unlabelled)
    with pytest.raises(DataError, match="lack the target input 'label'"):
        simulator.fit(unlabelled, 1, batch=10)
    with pytest.raises(ConfigError, match="batch must be an integer of at least 1, was 0"):
        simulator.evaluate(clouds(10), batch=0)


# -- training ------------------------------------------------------------------------------------


def test_training_learns_to_tell_three_clouds_apart():
    simulator = Simulator(readout_only(), threads=2, seed=1)
    history = simulator.fit(clouds(noise=0.5), 40, batch=100, test=clouds(noise=0.5, seed=1))
    assert history.test_error[0] > 0.3
    assert history.test_error[-1] < 0.02
    assert history.train_error[-1] < 0.02
    # H(label class) is 0.92 bits, what a neuron of three classes can at most share
    assert 0.7 < history.mean_goal["out"][-1] < 1.0
    assert abs(history.mean_goal["out"][0]) < 0.1


def test_hidden_neurons_learn_too():
    simulator = Simulator(classifier(20), threads=2, seed=1)
    history = simulator.fit(clouds(noise=0.5), 60, batch=150, test=clouds(noise=0.5, seed=1))
    assert history.test_error[0] > 0.5
    assert history.test_error[-1] < 0.05
    assert history.mean_goal["hidden"][-1] > history.mean_goal["hidden"][0] + 0.02
    assert history.mean_goal["out"][-1] > history.mean_goal["out"][0] + 0.6


def test_epoch_0_measures_and_changes_nothing():
    simulator = Simulator(classifier(), threads=1)
    before = {name: array.copy() for name, array in simulator.arrays().items()}
    history = simulator.fit(clouds(), 0, batch=100, validation=clouds(50, seed=1))
    assert_same_bits(simulator.arrays(), before)
    assert simulator["hidden"].clock.updates == 0
    assert len(history) == len(history.train_error) == len(history.val_error) == 1
    assert np.isnan(history.test_error).all()
    assert history.atoms["hidden"][0].shape == (8, 19)
    # at the start the two halves of the data are alike: errors far from certain either way
    assert 0.1 < history.train_error[0] < 1


def test_an_epoch_shows_every_sample_once_and_the_last_batch_is_smaller():
    network = readout_only()
    simulator = Simulator(network, threads=1)
    n = 25
    samples = clouds(n)
    samples["image"][:, 0] = np.arange(n)
    training = Training(simulator, samples, batch=10)
    shown = []

    def shown_by(epoch):
        shown.clear()
        while training.epoch == epoch:
            training.advance()
            if training.epoch == epoch:
                shown.append(simulator._inputs["image"][0, 0].astype(int))
        return np.concatenate(shown)

    first, second = shown_by(0), shown_by(1)
    assert [len(batch) for batch in shown] == [10, 10, 5]
    for order in (first, second):
        np.testing.assert_array_equal(np.sort(order), np.arange(n))
        assert not np.array_equal(order, np.arange(n))
    assert not np.array_equal(first, second)
    assert simulator["out"].clock.updates == 3


def test_every_batch_and_epoch_draws_its_own_random_numbers():
    layer = Layer("a", 4, [Compartment("F", "x", bias=False, weight=0.0)], Activation("sum"))
    simulator = Simulator(Network({"x": 1}, [layer]), threads=1)
    n = 4096
    training = Training(simulator, {"x": np.zeros((3 * n, 1))}, batch=n)
    outputs = []
    while training.epoch < 3:
        training.advance()
        if training.position:
            outputs.append(simulator["a"].output.copy())
    simulator.step({"x": np.zeros((n, 1))}, learn=False)
    outputs = np.concatenate([*outputs, simulator["a"].output])
    assert len(outputs) == 4 * (3 * 3 + 1)
    correlation = outputs @ outputs.T / n - np.eye(len(outputs))
    assert abs(correlation).max() < 5 / np.sqrt(n)


def test_the_training_error_is_that_of_the_passing_batches():
    simulator = Simulator(readout_only(), threads=1)
    samples = clouds(25)
    training = Training(simulator, samples, batch=10)
    wrong = 0
    for _ in range(3):
        training.advance()
        shown = simulator._inputs
        labels = shown["label"][0].argmax(axis=0)
        wrong += (simulator.predictions() != labels).sum()
    training.advance()
    assert training.history.train_error == [wrong / 25]


@pytest.mark.parametrize(("record_every", "recorded"), [(1, [0, 1, 2, 3]), (3, [0, 3]), (9, [0])])
def test_information_is_recorded_in_the_first_of_every_so_many_batches(record_every, recorded):
    simulator = Simulator(readout_only(), threads=1)
    training = Training(simulator, clouds(40), batch=10, record_every=record_every)
    expected = []
    for number in range(4):
        training.advance()
        if number in recorded:
            expected.append(simulator.atoms("out"))
    training.advance()
    np.testing.assert_allclose(training.history.atoms["out"][0], np.mean(expected, 0), atol=1e-12)
    goal = np.mean(expected, axis=(0, 1)) @ READOUT.goal.gamma
    np.testing.assert_allclose(training.history.mean_goal["out"][0], goal, atol=1e-12)


@pytest.mark.parametrize("stop_after", [1, 4, 7, 8, 10])
def test_a_resumed_run_ends_in_the_same_bits(stop_after):
    """Batches per epoch: 3, so these stops lie at borders of epochs and between batches."""

    def begin():
        simulator = Simulator(classifier(8, "sparse(3)"), seed=4, threads=1)
        return Training(
            simulator, clouds(70), batch=30, validation=clouds(40, seed=1), record_every=2
        )

    def finish(training):
        while len(training.history) < 4:
            training.advance()
        return without_times(training.state())

    whole = finish(begin())
    interrupted = begin()
    for _ in range(stop_after):
        interrupted.advance()
    state = {name: np.array(array) for name, array in interrupted.state().items()}
    resumed = begin()
    resumed.restore(state)
    assert_same_bits(without_times(resumed.state()), without_times(state))
    assert_same_bits(finish(resumed), whole)
    assert len(resumed.history.seconds) == 4
    assert whole["progress"][0] == 4


def test_a_mask_set_by_hand_is_part_of_the_state():
    """A simulator built without the mask goes on with it: its zeros neither decay nor learn."""
    first, second = (Simulator(classifier(), seed=3, threads=1) for _ in range(2))
    mask = np.random.default_rng(0).random(first["hidden"]["F"].weights.shape) < 0.5
    first["hidden"]["F"].mask = mask
    one, other = Training(first, clouds(), batch=64), Training(second, clouds(), batch=64)
    one.advance()
    other.restore(one.state())
    np.testing.assert_array_equal(second["hidden"]["F"].mask, mask)
    for training in (one, other):
        while len(training.history) < 3:
            training.advance()
    assert not second["hidden"]["F"].weights[~mask].any()
    assert_same_bits(without_times(one.state()), without_times(other.state()))


def test_a_state_does_not_change_when_training_goes_on():
    training = Training(Simulator(readout_only(), threads=1), clouds(20), batch=10)
    for _ in range(4):
        training.advance()
    state = training.state()
    before = {name: np.array(array) for name, array in state.items()}
    for _ in range(4):
        training.advance()
    assert_same_bits(state, before)


def test_samples_of_scaled_integers_train_like_their_values():
    rng = np.random.default_rng(6)
    pixels = rng.integers(0, 256, (40, N_IN)).astype(np.uint8)
    labels = rng.integers(0, 3, 40)
    scaled = Samples({"image": pixels, "label": labels}, {"image": (128.0, 1 / 64)})
    plain = {"image": (pixels.astype(np.float32) - 128) / 64, "label": labels}
    weights = []
    for samples in (scaled, plain):
        simulator = Simulator(readout_only(), threads=1)
        simulator.fit(samples, 2, batch=20)
        weights.append(simulator["out"]["F"].weights)
    np.testing.assert_array_equal(*weights)


# -- associative memory --------------------------------------------------------------------------


def memory(n=50, rate=0.05):
    layer = Layer(
        "memory",
        n,
        [
            Compartment("R", "pattern", "one-to-one", trainable=False, bias=False, weight=2.3),
            Compartment("C", "memory", "all-but-self", delay=1, bias=False),
        ],
        Activation("sum"),
        Binning("fixed", (2, 60)),
        "{R}{C}",
        Adam(rate),
    )
    return Network({"pattern": n}, [layer])


def test_an_associative_memory_recalls_what_it_was_taught():
    simulator = Simulator(memory(), seed=2)
    patterns = np.random.default_rng(7).choice([-1.0, 1.0], (10, 50))
    simulator["memory"]["C"].weights = 0.001 * simulator["memory"]["C"].weights
    untaught = simulator.recall(patterns)
    assert np.mean(untaught.states * patterns) < 0.6
    simulator.fit({"pattern": patterns, "memory": patterns}, 200, batch=10)
    found = simulator.recall(patterns)
    assert np.mean(found.states * patterns) >= 0.95
    assert found.converged
    # a cue with three of fifty bits wrong is put right
    cues = patterns.copy()
    cues[:, :3] *= -1
    assert np.mean(simulator.recall(cues).states * patterns) >= 0.95


def test_recall_stops_at_fixed_points_and_cycles_and_says_so():
    simulator = Simulator(memory(4), threads=1, dtype="float64")
    swap = np.zeros((4, 4))
    swap[0, 1] = swap[1, 0] = 20.0  # 0 and 1 copy each other
    swap[2, 3] = swap[3, 2] = 20.0
    simulator["memory"]["C"].weights = swap
    fixed = simulator.recall([[1, 1, -1, -1]])
    np.testing.assert_array_equal(fixed.states, [[1, 1, -1, -1]])
    assert (fixed.steps, fixed.converged) == (1, True)
    cycle = simulator.recall([[1, -1, 1, 1]])
    assert cycle.converged
    assert cycle.steps == 2
    np.testing.assert_array_equal(cycle.states, [[1, -1, 1, 1]])
    assert not simulator.recall([[1, -1, 1, 1]], max_steps=1).converged
    sampled = simulator.recall([[1, 1, -1, -1]], max_steps=3, sampled=True)
    np.testing.assert_array_equal(sampled.states, [[1, 1, -1, -1]])


def test_recall_says_what_is_wrong():
    simulator = Simulator(memory(4), threads=1)
    with pytest.raises(ShapeError, match=r"cues have shape \(2, 5\), need \(patterns, 4\)"):
        simulator.recall(np.ones((2, 5)))
    with pytest.raises(ShapeError, match="cues have shape"):
        simulator.recall(np.ones(4))
    with pytest.raises(ConfigError, match="name one of the layers hidden, out"):
        Simulator(classifier(), threads=1).recall(np.ones((2, 8)))


# -- recordings and memory are kept: what they were made from may change --------------------------


def test_each_presentation_reads_its_own_arrays():
    """Arrays come, go and are written into; what is recorded is of the machine's own."""
    kept, rng = Simulator(classifier(), seed=3, threads=1), np.random.default_rng(0)
    image = np.empty((N_IN, 40), np.float32)
    label = np.eye(N_CLASSES, dtype=np.float32)[rng.integers(0, N_CLASSES, 40)].T
    for i in range(60):
        if i % 3:
            image = rng.normal(size=image.shape).astype(np.float32)
        else:
            image[...] = rng.normal(size=image.shape)
        inputs = {"image": image} if i % 4 == 0 else {"image": image, "label": label}
        fresh = Simulator(classifier(), seed=3, threads=1)
        for name, array in kept.arrays().items():
            fresh.arrays()[name][...] = array
        for name, layer in kept.layers.items():
            fresh[name].clock.updates = layer.clock.updates
        for simulator in (kept, fresh):
            simulator.present(inputs, learn=True, batch=i)
            simulator.run()
        assert_same_bits(kept.arrays(), fresh.arrays())
    assert len(kept.tape) <= 10  # two ways to present: hidden layer fires twice, output, both learn


def test_a_mask_set_between_updates_holds_from_then_on():
    simulator = Simulator(classifier(), seed=3, threads=1)
    samples = clouds(40)
    simulator.step(samples)
    mask = np.ones((8, N_IN), bool)
    mask[:, ::2] = False
    simulator["hidden"]["F"].mask = mask
    for _ in range(3):
        simulator.step(samples)
        assert not simulator["hidden"]["F"].weights[:, ::2].any()
    assert simulator["hidden"]["F"].weights[:, 1::2].all()
    simulator["hidden"]["F"].mask = None
    simulator.step(samples)
    assert simulator["hidden"]["F"].weights[:, ::2].any()


def feed(n_replicas=1, threads=1):
    tape = Tape(cpu, Workers(threads), n_replicas)
    return Feed(classifier(), n_replicas, cpu, tape, np.dtype("float32"))


def fed(source, samples, positions, without=()):
    """The batch of these positions; what it should be is checked here."""
    rows = source.rows(samples, positions)
    gathered, names = source.gather(samples, rows, without)
    values = {name: gathered[name] for name in names}
    np.testing.assert_array_equal(gathered.rows, rows)
    for name, array in samples.arrays.items():
        assert (name in values) == (name not in without)
        if name in values:
            expected = np.eye(N_CLASSES)[array] if array.ndim == 1 else array
            expected = expected[rows].transpose(0, 2, 1).astype("float32")
            np.testing.assert_array_equal(values[name], expected)
            assert values[name].dtype == np.float32
    return values


def test_batches_are_the_same_objects_while_the_shape_is_the_same():
    """Recordings hold arrays: were they new each time, so would every recording be."""
    source, samples = feed(), Samples(clouds(30))
    first = fed(source, samples, np.arange(10))
    again = fed(source, samples, np.arange(20, 30))
    assert all(again[name] is first[name] for name in ("image", "label"))
    smaller = fed(source, samples, np.arange(5, 9))
    assert smaller["image"].shape == (1, N_IN, 4)
    for name, array in smaller.items():
        assert np.shares_memory(array, first[name])
    assert fed(source, samples, np.arange(10))["image"] is first["image"]
    assert not np.shares_memory(first["image"], first["label"])


def test_a_larger_batch_after_a_smaller_one_takes_new_memory_for_both():
    source, samples = feed(threads=2), Samples(clouds(9000))
    small = fed(source, samples, [3, 1])
    large = fed(source, samples, np.arange(8999, -1, -1))  # so large that two threads gather it
    assert not np.shares_memory(small["image"], large["image"])
    again = fed(source, samples, [2, 0])
    assert np.shares_memory(again["image"], large["image"])


def test_samples_that_take_turns_are_not_mixed_up():
    """Also where arrays come and go, so that another may take the place of one before."""
    source, kept = feed(threads=2), Samples(clouds(40, seed=1))
    for seed in range(40):
        scaled = Samples(clouds(40, seed=seed))
        positions = np.random.default_rng(seed).permutation(40)[: 10 + seed % 3]
        fed(source, scaled, positions)
        fed(source, kept, positions, without=("label",))
        fed(source, kept.subset(np.arange(5, 25)), positions % 20)
        fed(source, kept, positions)
    images = (np.random.default_rng(3).random((40, N_IN)) * 255).astype(np.uint8)
    for shift, scale in ((0.0, 1.0), (128.0, 1 / 64), (0.0, 1.0)):
        samples = Samples({"image": images}, {"image": (shift, scale)})
        values, _ = source.gather(samples, source.rows(samples, [1, 7]))
        np.testing.assert_array_equal(values["image"][0].T, (images[[1, 7]] - shift) * scale)


def test_what_is_left_out_of_a_batch_is_not_gathered():
    source, samples = feed(), Samples(clouds(30))
    whole = fed(source, samples, np.arange(10))
    label = whole["label"].copy()
    assert set(fed(source, samples, np.arange(10, 20), without=("label",))) == {"image"}
    np.testing.assert_array_equal(whole["label"], label)


def test_every_replica_has_a_batch_of_its_own():
    source, samples = feed(3, threads=2), Samples(clouds(30))
    values = fed(source, samples, np.arange(30).reshape(3, 10))
    assert values["image"].shape == (3, N_IN, 10)
    one = fed(source, samples, np.arange(10))
    np.testing.assert_array_equal(one["image"][0], one["image"][2])
    own = Samples(clouds(30), index=np.random.default_rng(0).integers(0, 30, (3, 7)))
    np.testing.assert_array_equal(source.rows(own, [6, 0]), own.index[:, [6, 0]])
    positions = np.array([[0, 1], [2, 3], [4, 5]])
    fed(source, own, positions)
    expected = np.take_along_axis(own.index, positions, axis=1)
    np.testing.assert_array_equal(source.rows(own, positions), expected)
    np.testing.assert_array_equal(
        own.subset([4, 2]).labels("label"), own.labels("label")[:, [4, 2]]
    )


def test_calls_of_a_part_are_made_in_order_and_errors_come_back():
    for threads in (1, 2):
        workers, made = Workers(threads), [[], [], []]
        workers.run([[(made[i].append, (j,)) for j in range(5)] for i in range(3)])
        assert made == [list(range(5))] * 3
        for failing in (0, 1, 2):
            plan = [[(time.sleep, (0.02,)), (made[i].append, (5,))] for i in range(3)]
            plan[failing].append((divmod, (1, 0)))
            with pytest.raises(ZeroDivisionError):
                workers.run(plan)
            count = sum(map(len, made))
            time.sleep(0.1)
            assert sum(map(len, made)) == count  # nobody is still at work


def test_blas_is_held_to_one_thread_within_and_let_go_after():
    workers = Workers(1)

    def threads():
        blas = ThreadpoolController().select(user_api="blas")
        return {library["num_threads"] for library in blas.info()}

    before = threads()
    with workers.engaged():
        with workers.engaged():
            assert threads() == {1}
        assert threads() == {1}
    assert threads() == before
    with pytest.raises(ZeroDivisionError), workers.engaged():
        1 / 0  # noqa: B018
    assert threads() == before
    with Workers(1).engaged():  # another simulation of the same process
        with workers.engaged():
            pass
        assert threads() == {1}
    assert threads() == before


def test_a_layer_heard_again_after_it_fired_twice_is_projected_anew():
    """Its output then lies where it lay before; only inputs may be taken as unchanged by that."""
    layers = [
        Layer("h", 6, [Compartment("F", "x")], Activation("sum"), goal="{F}"),
        Layer("out", 4, [Compartment("F", "h")], Activation("sum"), goal="{F}"),
    ]
    simulator = Simulator(Network({"x": 3}, layers), seed=2, threads=1)
    x = np.random.default_rng(1).normal(size=(3, 50)).astype(np.float32)
    simulator.events.schedule(Present(0, {"x": x}))
    for at, layer, order in (
        (0, "h", 0),
        (0, "out", 1),
        (1, "h", 0),
        (2, "h", 0),
        (2, "out", 1),
    ):
        simulator.events.schedule(Fire(at, layer, order))
    heard = []
    while simulator.events:
        if getattr(simulator.advance(), "layer", None) == "out":
            heard.append(simulator["h"].output.copy())
            w, b = simulator["out"]["F"].weights, simulator["out"]["F"].bias
            expected = w @ heard[-1] + b[:, None]
            np.testing.assert_allclose(simulator["out"].potentials[0], expected, atol=1e-5)
    assert len(heard) == 2
    assert not np.array_equal(*heard)


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_weight_decay_falls_to_zero_by_the_given_update(kind):
    decay = [kind(weight_decay=0.6, decay_until=3).numbers(step)[-1] for step in range(1, 6)]
    assert decay == pytest.approx([0.6, 0.4, 0.2, 0, 0])
    assert kind(weight_decay=0.6).numbers(10**6)[-1] == 0.6
