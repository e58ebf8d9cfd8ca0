"""Backpropagation against finite differences of a plain forward model with frozen noise."""

from dataclasses import replace

import naive
import numpy as np
import pytest
from bits import assert_same_bits, without_times
from presented import firings

from infosim.engine import Samples, Simulator, Training
from infosim.errors import ConfigError, DataError
from infosim.experiments import Experiment, train
from infosim.experiments.results import load_run
from infosim.machine.events import Fire, Learn
from infosim.network import SGD, Adam, Compartment, Connection, Layer, Masked, Network
from infosim.neuron import Activation

N_IN, N_CLASSES, N_SAMPLES = 4, 3, 7
CLIMB = SGD(1.0)  # what changes is the gradient
TRIVARIATE, SUM = Activation("trivariate"), Activation("sum")
F, C = Compartment("F", "image"), Compartment("C", "label")


def lateral(layer, connectivity="all-but-self", **options):
    return Compartment("L", layer, connectivity, delay=1, **options)


def hidden(name="h", compartments=None, activation=TRIVARIATE, size=5, **options):
    compartments = compartments or [F, C, lateral(name)]
    options = {"outputs": "binary", "optimizer": CLIMB} | options
    return Layer(name, size, compartments, activation, **options)


def readout(source="h", optimizer=CLIMB, more=(), skip=None, **options):
    forward = [Connection(one) for one in (source, skip) if one]
    compartments = [Compartment("F", connections=forward), *more]
    return Layer(
        "out", N_CLASSES, compartments, Activation("feedforward"), optimizer=optimizer, **options
    )


def network(*layers, steps=2, **options):
    layers = layers or (hidden(), readout())
    inputs = {"image": N_IN, "label": N_CLASSES}
    options = {"readout": "out", "target": "label", "rule": "backprop"} | options
    return Network(inputs, layers, steps, **options)


def batch(n_samples=N_SAMPLES, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, N_CLASSES, n_samples)
    return {"image": rng.normal(size=(N_IN, n_samples)), "label": np.eye(N_CLASSES)[labels].T}


def connections(simulator):
    """All connections, keyed as `naive.presentation` has it."""
    return {
        (name, compartment.spec.name, *(own.rstrip("/"),) * (own != "")): c
        for name, layer in simulator.layers.items()
        for compartment in layer.compartments
        for own, c in compartment.named
    }


def stored(simulator):
    """Copies of all weights and biases, by what `naive.presentation` calls them."""
    host, found = simulator.kernels.host, connections(simulator)
    weights = {key: np.array(host(c.weights)) for key, c in found.items()}
    biases = {key[:2]: np.array(host(simulator[key[0]][key[1]].bias)) for key in found}
    return weights, biases


def learnt(simulator, inputs):
    """By how much a presentation moves weights and biases, and θ and y of each of its firings."""
    before = stored(simulator)
    frozen = firings(simulator, inputs, learn=True)
    after = stored(simulator)
    moved = [
        {key: new[key] - old[key] for key in old} for old, new in zip(before, after, strict=True)
    ]
    return before, moved, frozen


def derivative(function, array, at, h=1e-3):
    """By the four-point formula, the array left as it was."""
    kept, values = array[at], []
    for step in (2, 1, -1, -2):
        array[at] = kept + step * h
        values.append(function())
    array[at] = kept
    return (8 * (values[1] - values[2]) - (values[0] - values[3])) / (12 * h)


def check(spec, inputs=None, backend="cpu", **options):
    """The gradient of a presentation is minus the derivative of the naive loss; returns it."""
    simulator = Simulator(spec, backend, 3, threads=1, dtype="float64", **options)
    for layer in simulator.layers.values():
        for _, c in layer.connections:
            c.weights = 3 * c.weights  # so that context and earlier steps matter
    inputs = inputs or batch()
    labels = inputs["label"].argmax(axis=-2)
    labels = labels if labels.ndim == 1 else labels[-1]
    (weights, biases), (gradient, bias_gradient), frozen = learnt(simulator, inputs)
    dense, index = {}, {}
    for key, c in connections(simulator).items():
        values = weights[key]
        n, n_in = len(values), spec.size(c.spec.source)
        index[key] = np.tile(np.arange(n_in), (n, 1)) if c.index is None else np.array(c.index)
        dense[key] = np.zeros((n, n_in))
        np.put_along_axis(dense[key], index[key], values, axis=1)
        if c.mask is not None:
            assert not gradient[key][~c.mask].any()
            assert c.mask.any()

    def theta():
        return naive.presentation(spec, dense, biases, inputs, frozen)[spec.steps - 1, "out"]

    def climbed():
        return -naive.cross_entropy(theta(), labels)

    np.testing.assert_allclose(theta(), frozen[spec.steps - 1, "out"][0], atol=1e-13)
    assert simulator.rule.loss == pytest.approx(-climbed(), rel=1e-13)
    for key, c in connections(simulator).items():
        found = gradient[key]
        if not c.trainable:
            assert not found.any()
            continue
        for (n, j), one in np.ndenumerate(found):
            if c.mask is None or c.mask[n, j]:
                expected = derivative(climbed, dense[key], (n, index[key][n, j]))
                assert one == pytest.approx(expected, rel=1e-6, abs=1e-10), (key, n, j)
    for key, found in bias_gradient.items():
        compartment = simulator[key[0]][key[1]]
        for n, one in enumerate(found):
            moves = compartment.spec.bias and compartment.trained
            expected = derivative(climbed, biases[key], n) if moves else 0.0
            assert one == pytest.approx(expected, rel=1e-6, abs=1e-10), (key, n)
    return gradient


SIGNED = {"outputs": "signed"}
FEEDBACK = Compartment("C", "out", delay=1)
FEEDBACKS = [Connection("label"), Connection("out", delay=1)]
SECOND = [Compartment("F", "h"), C, lateral("g")]
#: Reads one layer's present and past, and another's past.
BOTH = [Compartment("F", "h"), Compartment("D", "h", delay=1), lateral("g", "dense")]

CASES = {
    "the preset's": (network(), [("h", "L")]),
    "one step": (network(steps=1), []),
    "three steps": (network(steps=3), [("h", "L")]),
    "four steps, signed": (network(hidden(**SIGNED), readout(), steps=4), [("h", "L")]),
    "signed": (network(hidden(**SIGNED), readout()), [("h", "L")]),
    "mostly lateral": (network(hidden(activation=SUM), readout(), steps=3), [("h", "L")]),
    "likelier outputs": (network(hidden(sampled=False), readout(), steps=3), [("h", "L")]),
    "two hidden layers": (
        network(hidden(), hidden("g", SECOND, size=6), readout("g"), steps=3),
        [("h", "F"), ("h", "C"), ("h", "L"), ("g", "L")],
    ),
    "a layer read twice": (
        network(hidden(**SIGNED), hidden("g", BOTH), readout("g"), steps=3), [("h", "F")],
    ),
    "a readout of two layers": (
        network(
            hidden(), hidden("g", SECOND, **SIGNED), readout("g", more=[Compartment("S", "h")]),
            steps=3,
        ),
        [("h", "L"), ("g", "F")],
    ),
    "feedback": (
        network(hidden(compartments=[F, FEEDBACK, lateral("h")]), readout(), steps=3),
        [("h", "C"), ("h", "L")],
    ),
    "sparse": (
        network(
            hidden(compartments=[F, C, lateral("h", "sparse(2)")]),
            hidden("g", [Compartment("F", "h", "sparse(3)"), C, lateral("g", "one-to-one")]),
            readout("g"),
            steps=3,
        ),
        [("h", "F"), ("h", "L"), ("g", "F"), ("g", "L")],
    ),
    "masked": (
        network(
            hidden(compartments=[
                Compartment("F", "image", Masked(np.arange(20).reshape(5, 4) % 3 > 0)), C,
                lateral("h"),
            ]),
            readout(),
        ),
        [("h", "F"), ("h", "L")],
    ),
    "through frozen weights": (
        network(
            hidden(activation=Activation("bivariate"), compartments=[F, C]),
            hidden("g", [
                Compartment("F", "h", "sparse(3)", trainable=False),
                lateral("g", trainable=False, bias=False),
            ], SUM),
            readout("g"),
            steps=2,
        ),
        [("h", "F"), ("h", "C")],
    ),
    "no bias": (
        network(
            hidden(compartments=[Compartment("F", "image", bias=False), C, lateral("h")]),
            readout(),
        ),
        [("h", "F")],
    ),
    "a context of label and feedback": (
        network(hidden(compartments=[F, Compartment("C", connections=FEEDBACKS), lateral("h")]),
                readout(), steps=3),
        [("h", "C", "out"), ("h", "L")],
    ),
    "present and past, frozen, sparse": (
        network(hidden(**SIGNED), hidden("g", [
            Compartment("F", connections=[
                Connection("h"), Connection("h", "sparse(2)", delay=1), Connection("image"),
                Connection("g", "all-but-self", delay=1, trainable=False),
            ]),
            C, lateral("g"),
        ]), readout("g", skip="h"), steps=4),
        [("h", "F"), ("h", "L"), ("g", "F", "h@0"), ("g", "F", "h@1"), ("g", "F", "image"),
         ("out", "F", "h"), ("out", "F", "g")],
    ),
    "long delays": (
        network(
            hidden(activation=SUM, compartments=[
                F, FEEDBACK, Compartment("L", "h", "all-but-self", delay=3),
            ]),
            hidden("g", [Compartment("F", "h", "sparse(2)", delay=2), C, lateral("g")], **SIGNED),
            replace(readout(), compartments=[
                Compartment("F", connections=[Connection("g"), Connection("h", delay=4)]),
            ]),
            steps=6,
        ),
        [("h", "F"), ("h", "C"), ("h", "L"), ("g", "F"), ("g", "L"), ("out", "F", "h")],
    ),
    "delayed inputs": (
        network(
            hidden(compartments=[
                Compartment("F", connections=[Connection("image"), Connection("image", delay=2)]),
                Compartment("C", "label", "sparse(2)", delay=1), lateral("h"),
            ]),
            replace(readout(), compartments=[
                Compartment("F", connections=[Connection("h"), Connection("image", delay=3)]),
            ]),
            steps=4,
        ),
        [("h", "F", "image@0"), ("h", "F", "image@2"), ("h", "C"), ("h", "L"),
         ("out", "F", "image")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_gradient_is_that_of_the_loss_through_all_steps(case):
    spec, moving = CASES[case]
    gradient = check(spec)
    for key in [*moving, *(key for key in gradient if key[:2] == ("out", "F"))]:
        assert abs(gradient[key]).max() > 1e-4, key  # the tolerances above mean something


@pytest.mark.parametrize("case", ["the preset's", "sparse", "a context of label and feedback"])
def test_the_gradient_on_each_backend(kernels, case):
    check(CASES[case][0], batch(3), kernels)


@pytest.mark.parametrize(
    ("case", "kernels"),
    [("three steps", "cpu"), ("long delays", "cpu"), ("delayed inputs", "cpu"),
     ("delayed inputs", "cuda")],
    indirect=["kernels"],
)  # fmt: skip
def test_the_gradient_of_sequences(case, kernels):
    """Weights that read something else at each step follow it, with labels held or not."""
    spec = CASES[case][0]
    few = {"image": np.random.default_rng(1).normal(size=(spec.steps, N_IN, 3))}
    gradient = check(spec, batch(3) | few, kernels)
    image = next(key for key in gradient if key[:2] == ("h", "F") and "image@0" not in key)
    assert abs(gradient[image]).max() > 1e-4
    labels = np.eye(N_CLASSES)[np.random.default_rng(2).integers(0, N_CLASSES, (spec.steps, 3))]
    check(spec, few | {"label": labels.transpose(0, 2, 1)}, kernels)


def test_a_still_sequence_is_learnt_from_as_a_held_input():
    """To rounding: a held input's product is one for the sum of all steps."""
    spec, given = CASES["delayed inputs"][0], clouds(900)
    still = {"image": np.repeat(given["image"][:, None], spec.steps, axis=1)}
    (one, _), (other, _) = (
        trained(spec, samples=given | more, dtype="float64") for more in ({}, still)
    )
    for name, array in one.arrays().items():
        np.testing.assert_allclose(array, other.arrays()[name], rtol=1e-9, atol=1e-10, err_msg=name)


def test_a_silent_input_has_no_gradient():
    spec = network(hidden(), readout())
    spec = Network({**spec.inputs, "more": 2}, [
        hidden(compartments=[F, Compartment("C", "more"), lateral("h")]), readout(),
    ], 2, "out", "label", "backprop")  # fmt: skip
    gradient = check(spec)
    assert not gradient["h", "C"].any()


def test_replicas_follow_each_its_own_gradient(kernels):
    """Side by side, of other seeds, inputs and activations, to rounding what each is alone."""
    networks = [network(), network(hidden(activation=Activation("trivariate")), readout())]
    inputs = [batch(3, seed) for seed in (1, 2)]
    stacked = {name: np.stack([one[name] for one in inputs]) for name in inputs[0]}
    together = Simulator(networks, kernels, [4, 5], 1, "float64")
    _, (gradient, _), _ = learnt(together, stacked)
    losses = np.array(together.rule.loss)
    for r, seed in enumerate((4, 5)):
        alone = Simulator(networks[r], "cpu", seed, 1, "float64")
        _, (own, _), _ = learnt(alone, inputs[r])
        for key, expected in own.items():
            found = np.split(gradient[key], 2)[r]
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(losses[r], alone.rule.loss[0], rtol=1e-12)
    assert losses[0] != losses[1]


# -- training ------------------------------------------------------------------------------------

STEADY = Adam(0.02, 0.001)


def large(lateral_="all-but-self", rate=0.02, alpha=0.1, steps=2):
    """A network large enough to be cut into blocks and tiles."""
    optimizer = Adam(rate, 0.001)
    activation = Activation("trivariate", {"alpha": (alpha, 0.1)})
    first = hidden("h", [F, C, lateral("h", lateral_)], activation, 70, optimizer=optimizer)
    second = hidden(
        "g", [Compartment("F", "h"), C, lateral("g")], activation, 64, optimizer=optimizer, **SIGNED
    )
    return network(first, second, readout("g", optimizer), steps=steps)


def clouds(n=1300, seed=0):
    """Samples of three overlapping clouds of points."""
    rng = np.random.default_rng(seed)
    centres = 1.5 * np.random.default_rng(99).normal(size=(N_CLASSES, N_IN))
    labels = rng.integers(0, N_CLASSES, n)
    return {"image": centres[labels] + rng.normal(size=(n, N_IN)), "label": labels}


def trained(spec, seed=3, threads=1, samples=None, dtype="float32", epochs=2, **options):
    simulator = Simulator(spec, seed=seed, threads=threads, dtype=dtype)
    history = simulator.fit(samples or clouds(), epochs, batch=900, **options)
    return simulator, history


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("connectivity", ["all-but-self", "sparse(9)"])
def test_any_number_of_threads_gives_the_same_bits(connectivity, dtype):
    spec = large(connectivity, steps=3)
    one, *others = (trained(spec, threads=threads, dtype=dtype)[0] for threads in (1, 2, 3))
    assert len(one.workers.blocks(70, 900)) == len(one.workers.tiles(70, 900)) == 2
    fresh = Simulator(spec, seed=3, dtype=dtype)
    assert abs(fresh["h"]["L"].weights - one["h"]["L"].weights).max() > 0.01
    for other in others:
        assert_same_bits(one.arrays(), other.arrays())


def test_replicas_have_the_bits_of_each_alone():
    specs, seeds = [large(), large(rate=0.005, alpha=0.3)], [4, 2**32 - 1]
    given = clouds()
    index = np.array([np.arange(1250), np.arange(1299, 49, -1)])
    test = clouds(300, 1)
    together, histories = trained(specs, seeds, 2, Samples(given, index=index), test=test)
    for r, spec in enumerate(specs):
        single, history = trained(spec, seeds[r], 1, Samples(given, index=index[r]), test=test)
        assert_same_bits(together.arrays(r), single.arrays())
        assert history.test_error == histories[r].test_error
        assert together.rule.loss[r] == single.rule.loss[0]


def test_a_resumed_training_ends_with_the_same_bits():
    def training():
        return Training(
            Simulator(large(), seed=3, threads=1), clouds(), batch=600, test=clouds(300, 1)
        )

    one, other = training(), training()
    while len(one.history) < 3:
        if (one.epoch, one.position) == (1, 1):
            other.restore({name: np.array(array) for name, array in one.state().items()})
        one.advance()
    while len(other.history) < 3:
        other.advance()
    a, b = (without_times(training.state()) for training in (one, other))
    assert_same_bits(a, b)
    assert a["updates/h"] == 6


def test_it_learns_and_measures_no_goals():
    test = clouds(600, 1)
    simulator, history = trained(large(), epochs=12, validation=test, test=test)
    assert history.test_error[0] > 0.4
    assert history.test_error[-1] < 0.2
    assert history.mean_goal == history.atoms == {}
    assert simulator.rule.loss[0] < 0.8  # θ in (0, 1) as logits: not below log(1 + 2/e) = 0.55


def test_a_goal_is_measured_and_not_climbed():
    """So that a network trained by backpropagation can be looked at with the same eyes."""
    goal = {"goal": "{F}{C} - {L}", "size": 40, "optimizer": STEADY}
    plain, watched = (network(hidden(**g), readout(optimizer=STEADY)) for g in (
        {**goal, "goal": None}, goal,
    ))  # fmt: skip
    one, _ = trained(plain)
    other, history = trained(watched)
    assert_same_bits(one.arrays(), other.arrays())
    assert history.atoms["h"][0].shape == (40, 19)
    assert len(history.mean_goal["h"]) == 3


def test_float32_is_float64_rounded():
    inputs = batch(200)
    moved = []
    for dtype in ("float32", "float64"):
        simulator = Simulator(network(steps=3), seed=3, threads=1, dtype="float64")
        single = Simulator(network(steps=3), seed=3, threads=1, dtype=dtype)
        for name, array in simulator.arrays().items():
            single.arrays()[name][...] = array
        _, (gradient, _), _ = learnt(single, inputs)
        moved.append(gradient)
        assert single["h"].probabilities.dtype == dtype
    for key, expected in moved[1].items():
        np.testing.assert_allclose(moved[0][key], expected, atol=2e-6 + 1e-4 * abs(expected).max())


def test_weight_decay_and_the_mask_hold_in_updates():
    decay = 0.1
    inputs = batch()
    plain, decaying = (
        Simulator(
            network(hidden(optimizer=SGD(1.0, d)), readout()), seed=3, threads=1, dtype="float64"
        )
        for d in (0.0, decay)
    )
    (weights, biases), (gradient, bias_gradient), _ = learnt(plain, inputs)
    _, (moved, bias_moved), _ = learnt(decaying, inputs)
    for key in [("h", "F"), ("h", "C"), ("h", "L")]:
        np.testing.assert_allclose(moved[key], gradient[key] - decay * weights[key], atol=1e-15)
        np.testing.assert_allclose(
            bias_moved[key], bias_gradient[key] - decay * biases[key], atol=1e-15
        )
    np.testing.assert_array_equal(moved["out", "F"], gradient["out", "F"])
    trained_, _ = trained(large())
    assert not np.diag(trained_["h"]["L"].weights).any()


def test_what_the_loss_does_not_depend_on_stays_as_it_is():
    aside = hidden("aside", [F, C, lateral("aside")], optimizer=Adam(0.1, 0.1))
    spec = network(hidden(), aside, readout())
    simulator = Simulator(spec, seed=3, threads=1)
    assert simulator.rule.learning == ["h", "out"]
    _, (moved, _), _ = learnt(simulator, batch())
    assert moved["h", "F"].any()
    assert not moved["aside", "F"].any()
    assert simulator["aside"].clock.updates == 0


def test_nothing_trainable_is_nothing_to_do():
    frozen = [Compartment("F", "image", trainable=False)]
    spec = network(
        hidden(compartments=frozen, activation=SUM),
        Layer("out", N_CLASSES, [Compartment("F", "h", trainable=False)], Activation("sum")),
    )
    simulator = Simulator(spec, seed=3, threads=1)
    _, (moved, _), _ = learnt(simulator, batch())
    assert not any(array.any() for array in moved.values())
    assert simulator.rule.loss[0] > 0.5


def test_batches_of_any_size_and_masks_set_in_between():
    """What is recorded holds arrays: each new one must be noticed."""
    kept = Simulator(network(steps=3), seed=3, threads=1)
    for i, n_samples in enumerate((7, 20, 7, 3, 50, 50, 7)):
        if i == 4:
            kept["h"]["F"].mask = np.arange(20).reshape(5, 4) % 2 > 0
        fresh = Simulator(network(steps=3), seed=3, threads=1)
        for name in ("h", "out"):
            for c in kept[name].compartments:
                fresh[name][c.spec.name].mask = c.mask
                fresh[name][c.spec.name].weights = c.weights
                fresh[name][c.spec.name].bias = c.bias
        for simulator in (kept, fresh):
            simulator.present(batch(n_samples, i), learn=True, batch=i)
            simulator.run()
        assert_same_bits(kept.arrays(), fresh.arrays())
        np.testing.assert_array_equal(kept.rule.loss, fresh.rule.loss)


def test_a_run_directory_without_goals(tmp_path):
    """Trained, drawn, read back and gone on with, though no layer has any atoms."""
    settings = ["data.name=digits", "layers.hidden.size=10", "training.batch=300"]
    short, whole = (
        Experiment.load("iclr/backprop", [*settings, f"training.epochs={n}"]) for n in (1, 3)
    )
    results = load_run(train(whole, tmp_path / "whole"))
    assert results.complete
    assert results.atoms == results.labels == {}
    assert list(results.metrics) == ["epoch", "train_error", "val_error", "test_error", "seconds"]
    assert (tmp_path / "whole" / "summary.png").stat().st_size > 10_000
    train(short, tmp_path / "parts")
    parts = load_run(train(whole, tmp_path / "parts", resume=True))
    assert_same_bits(results.weights, parts.weights)
    np.testing.assert_array_equal(results.metrics["test_error"], parts.metrics["test_error"])


# -- events and bad input ------------------------------------------------------------------------


def test_one_event_learns_from_all_firings():
    simulator = Simulator(network(steps=3), threads=1)
    simulator.present(batch(), learn=True)
    events = []
    while simulator.events:
        events.append(simulator.advance())
    fired = [(e.time, e.layer, e.kept) for e in events if isinstance(e, Fire)]
    assert fired == [(0, "h", True), (1, "h", True), (2, "h", False), (2, "out", False)]
    assert [(e.time, e.layer) for e in events if isinstance(e, Learn)] == [(2, None)]
    simulator.present(batch())
    while simulator.events:
        assert not getattr(simulator.advance(), "kept", False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rule": "backpro"}, "unknown rule 'backpro'; did you mean backprop"),
        ({"rule": None}, "a rule is a Rule, its name or a mapping with its name, was None"),
        ({"readout": None}, "rule backprop needs a readout layer and a target input"),
        ({"target": None}, "rule backprop needs a readout layer and a target input"),
    ],
)
def test_bad_networks(options, message):
    with pytest.raises(ConfigError, match=message):
        network(**options)


def test_networks_of_another_rule_are_not_alike():
    with pytest.raises(ConfigError, match="rule is backprop in one and infomorphic in another"):
        network().check_alike(network(rule="infomorphic"))


def test_presentations_that_cannot_be_learnt_from():
    simulator = Simulator(network(), threads=1)
    inputs = batch()
    with pytest.raises(ConfigError, match="starts from silent layers, outputs of 'h' were given"):
        simulator.present(inputs, {"h": np.ones((5, N_SAMPLES))}, learn=True)
    with pytest.raises(DataError, match="rule backprop needs the target input 'label'"):
        simulator.present({"image": inputs["image"]}, learn=True)
    assert not simulator.events
    assert simulator["h"].clock.updates == 0


def test_the_published_network():
    """ICLR 2025: Adam at 0.001 without decay, 0 and 1 as hidden outputs, two steps, no goals."""
    config = Experiment.load("iclr/backprop").config
    assert (config["network"]["rule"], config["network"]["steps"]) == ("backprop", 2)
    for layer in config["layers"].values():
        assert layer["goal"] == ""
        assert layer["optimizer"] == {
            "name": "adam", "rate": 0.001, "weight_decay": 0.0, "betas": [0.9, 0.999],
            "epsilon": 1e-8, "decay_until": 0,
        }  # fmt: skip
    assert config["layers"]["hidden"]["outputs"] == "binary"
    assert list(config["layers"]["output"]["compartments"]) == ["F"]


def test_samples_that_clamp_a_layer_cannot_be_learnt_from():
    """In `fit` as in a presentation by hand: backprop would follow what was never computed."""
    simulator = Simulator(network(steps=2), threads=1)
    given, n = batch(10), simulator.network.size("h")
    samples = {name: values.T for name, values in given.items()} | {"h": np.ones((10, n))}
    with pytest.raises(ConfigError, match="backprop starts from silent layers, outputs of 'h'"):
        simulator.fit(samples, 1, batch=5)
