"""Health: what is odd about neurons is named, and only that."""

import copy
import json

import numpy as np
import pytest

from infosim import (
    Activation,
    Binning,
    Compartment,
    ConfigError,
    DataError,
    Experiment,
    Group,
    Layer,
    Network,
    Samples,
    Simulator,
    Training,
)
from infosim.analysis.health import KINDS, Health, check, thresholds

N, WIDTH = 96, 4


def network(size=WIDTH, goal="{F}{C}", binning=None, **options):
    parts = [Compartment("F", "x"), Compartment("C", "label")]
    binning = binning or Binning("fixed", 20, -20.0, 20.0)
    layer = Layer("hidden", size, parts, Activation("bivariate"), binning, goal, **options)
    return Network({"x": WIDTH, "label": 2}, [layer], target="label", readout=None)


@pytest.fixture(scope="module")
def samples():
    """Numbers of deviation 1, the last of them +1 or -1, and two classes."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, WIDTH))
    x[:, -1] = np.sign(x[:, -1])
    return {"x": x, "label": rng.integers(0, 2, N)}


def healthy(simulator, scale=3.0):
    """Each neuron reads a number of its own, and which of the two classes it is."""
    layer, replicas = simulator["hidden"], simulator.n_replicas
    size = layer.spec.size
    own = np.resize(np.eye(WIDTH), (size, WIDTH)) * scale
    layer["F"].weights = np.tile(own, (replicas, 1))
    layer["F"].bias = np.zeros(size * replicas)
    layer["C"].weights = np.tile([[1.0, -1.0]], (size * replicas, 1))
    layer["C"].bias = np.zeros(size * replicas)
    return simulator


def found(health):
    """(kind, compartment) -> neurons"""
    return {(one.kind, one.compartment): one.neurons for one in health.findings}


def test_the_healthy_one_has_nothing(samples, kernels):
    health = check(healthy(Simulator(network(), kernels)), samples)
    assert health.findings == ()
    assert health.lines() == []
    assert health.warnings == []
    assert (health.samples, health.batch) == (N, N)
    measured = health.measured["hidden"]
    assert measured["neurons"] == WIDTH
    assert measured["compartments"]["C"]["reached"] == {"median": 2.0, "least": 2.0}
    assert 0.5 < measured["entropy"]["least"] <= 1
    assert measured["cells"]["most"] < 0.5


def dead(layer):
    layer["F"].weights[1] = 0


def never(layer):
    layer["F"].bias[1] = -15


def far(layer):
    layer["F"].bias[1] = -1000


def certain(layer):
    layer["F"].weights[3] *= 4


def narrow(layer):
    layer["F"].weights[1] *= 0.05
    layer["F"].bias[1] = 1


def twin(layer):
    layer["F"].weights[2] = layer["F"].weights[0]


def opposite(layer):
    layer["F"].weights[2] = -layer["F"].weights[0]


def wide(layer):
    layer["F"].weights[1] *= 100


def blind(layer):
    layer["C"].weights[2] = 0.3, 0.4


DAMAGE = {
    dead: {("constant", "F"): (1,), ("coin", None): (1,)},
    never: {("silent", None): (1,)},
    far: {("silent", None): (1,), ("outside", "F"): (1,)},
    certain: {("saturated", None): (3,)},
    narrow: {("one-bin", "F"): (1,)},
    twin: {("copy", None): (2,)},
    opposite: {("copy", None): (2,)},
    wide: {("outside", "F"): (1,)},
    blind: {("one-bin", "C"): (2,)},
}


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda one: one.__name__)
def test_what_is_odd_is_named_and_only_that(damage, samples):
    simulator = healthy(Simulator(network()))
    damage(simulator["hidden"])
    health = check(simulator, samples)
    assert found(health) == DAMAGE[damage]
    assert health.warnings == []  # one of four neurons
    assert Health.of(json.loads(json.dumps(health.table()))) == health
    assert health.lines()[0].startswith("hidden, of 4 neurons: ")


def spoiled(simulator, scale):
    healthy(simulator, scale)
    if not scale:
        simulator["hidden"]["C"].weights[...] = 0
    return simulator


@pytest.mark.parametrize(
    ("scale", "learnt", "words"),
    [
        (1000.0, False, "hidden/F: 3 of 4 neurons have over 50% of their potentials outside"),
        (1e-4, False, "hidden/F: 3 of 4 neurons have potentials that differ, but"),
        (0.0, False, "hidden/F: 4 of 4 neurons have the same potential in all samples"),
        (0.0, True, "hidden: 4 of 4 neurons fire by lot, whatever they read"),
    ],
)
def test_what_makes_training_senseless_is_a_warning(scale, learnt, words, samples, monkeypatch):
    monkeypatch.setattr(thresholds, "NEARLY_ALL", 0.75)  # the fourth number is +1 or -1
    told = check(spoiled(Simulator(network()), scale), samples, learnt=learnt).warnings
    assert any(one.startswith(words) for one in told)
    assert all(";" in one for one in told)  # and what to do


def test_columns_that_are_not_scaled_are_told_and_scaled_ones_are_not():
    """A table like those of wines: columns of 0.1 to 1680, three classes."""
    rng = np.random.default_rng(1)
    label = rng.integers(0, 3, 178)
    ends = np.geomspace(0.6, 1680, 13)
    x = ends * (0.6 + 0.15 * rng.normal(size=(178, 13)) + 0.2 * (label[:, None] == 1))
    parts = [Compartment("F", "x"), Compartment("C", "label")]
    layer = Layer("hidden", 20, parts, Activation("bivariate"), goal="{F}{C}")
    described = Network({"x": 13, "label": 3}, [layer], target="label", readout=None)
    for columns, told in ((x, True), ((x - x.mean(axis=0)) / x.std(axis=0), False)):
        data = {"x": columns, "label": label}
        simulator = Simulator(described)
        simulator.fit(data, 1, batch=89)
        health = check(simulator, data, batch=89, epoch=1, learnt=False)
        words = [one for one in health.warnings if one.startswith("hidden/F: ")]
        assert bool(words) is told
        assert all("data.scaling" in one for one in words)


def test_saturated_from_the_start_is_a_warning_and_at_the_end_is_not(samples):
    data = samples | {"x": np.sign(samples["x"])}
    simulator = healthy(Simulator(network()), 12.0)
    for learnt in (False, True):
        health = check(simulator, data, learnt=learnt)
        assert found(health) == {("saturated", None): (0, 1, 2, 3)}
        assert bool(health.warnings) is not learnt


def test_few_bins_of_data_are_a_warning_once_weights_have_grown(samples):
    simulator = healthy(Simulator(network(3, binning=Binning("fixed", 20, -200.0, 200.0))))
    for epoch, learnt, warned in ((1, False, False), (2, True, False), (60, True, True)):
        health = check(simulator, samples, epoch=epoch, learnt=learnt)
        assert {one.compartment for one in health.findings if one.kind == "two-bins"} >= {"F"}
        assert [one.split(":")[0] for one in health.warnings] == ["hidden/F"] * warned


def test_cells_of_their_own_are_a_warning_in_batches_of_any_size(samples):
    rng = np.random.default_rng(1)
    spread = {"x": rng.uniform(-2.9, 2.9, (N, WIDTH)), "label": samples["label"]}
    for batch, bins, warned in ((32, 255, True), (32, 10, False), (N, 10, False)):
        simulator = healthy(Simulator(network(3, binning=Binning("fixed", bins, -9.0, 9.0))))
        health = check(simulator, spread, batch=batch)
        assert any("training.batch" in one for one in health.warnings) is warned


def test_small_batches_tell_nothing_unless_they_are_all_samples(samples):
    simulator = healthy(Simulator(network(binning=Binning("fixed", 255, -9.0, 9.0))))
    health = check(simulator, samples, batch=4)
    assert (health.samples, health.batch) == (N, 4)
    assert found(health) == {("own-cells", None): (0, 1, 2)}
    health = check(simulator, samples, batch=1)
    assert found(health)["own-cells", None] == (0, 1, 2, 3)
    assert any("training.batch" in one for one in health.warnings)
    # all there is, as of a memory, is no estimate
    few = {name: array[:31] for name, array in samples.items()}
    assert check(simulator, few, batch=31).findings == ()


@pytest.mark.parametrize("batch", [1, 1000])
def test_a_single_sample_says_nothing(batch, samples):
    one = {name: array[:1] for name, array in samples.items()}
    health = check(Simulator(network()), one, batch=batch)
    assert (health.samples, health.findings) == (1, ())


def test_no_more_samples_are_presented_than_needed(samples, monkeypatch):
    many = {name: np.tile(array, (60, 1)[: array.ndim]) for name, array in samples.items()}
    simulator = Simulator(network())
    assert (health := check(simulator, many, batch=700)).samples == 700 == health.batch
    assert check(simulator, many, batch=5000).samples == 1024
    assert check(simulator, many, batch=1).samples == thresholds.MOST_BATCHES


@pytest.mark.parametrize("goal", ["{F}{C}", None])
def test_each_group_has_its_own(goal, samples):
    groups = [Group("first", 1), Group("second", 3)]
    simulator = healthy(Simulator(network(None, goal=goal, groups=groups)))
    never(simulator["hidden"])
    health = check(simulator, samples)
    (one,) = health.findings
    assert (one.population, one.kind, one.neurons, one.of) == ("hidden/second", "silent", (1,), 3)
    assert (health.measured["hidden/first"]["cells"] is None) == (goal is None)


def test_replicas_each_have_what_they_would_have_alone(samples):
    both = healthy(Simulator(network(), seed=[3, 4]))
    both["hidden"]["F"].bias[WIDTH + 1] = -15
    healths = check(both, samples, epoch=7)
    assert [found(one) for one in healths] == [{}, DAMAGE[never]]
    for seed, one in zip((3, 4), healths, strict=True):
        alone = healthy(Simulator(network(), seed=seed))
        if seed == 4:
            never(alone["hidden"])
        assert check(alone, samples, epoch=7) == one


@pytest.mark.parametrize("options", [{"outputs": "binary"}, {"sampled": False}])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_other_outputs_and_precision(options, dtype, samples):
    simulator = healthy(Simulator(network(**options), dtype=dtype))
    twin(simulator["hidden"])
    assert found(check(simulator, samples)) == DAMAGE[twin]


def test_readouts_of_two_classes_say_the_same_twice(samples):
    described = network(2)
    as_readout = Network(described.inputs, described.layers, target="label", readout="hidden")
    for net, expected in ((described, DAMAGE[twin]), (as_readout, {})):
        simulator = healthy(Simulator(net))
        simulator["hidden"]["F"].weights[1] = -simulator["hidden"]["F"].weights[0]
        assert len(found(check(simulator, samples))) == len(expected)


PRESETS = {
    "pnas/memory-heuristic": ["data.options.units=12", "data.options.patterns=40"],
    "iclr/backprop": ["data.name=digits", "training.batch=100"],
    "pnas/bars": ["data.options.train=200", "data.options.test=50", "training.batch=90"],
    "iclr/two-hidden-layers": ["data.name=digits", "training.batch=100", "training.dtype=float64"],
}


@pytest.mark.parametrize("name", PRESETS)
def test_training_is_not_disturbed(name):
    """Neither its random numbers nor those of what is presented by hand after it."""
    settings = [*PRESETS[name], "training.batch=40"] if "memory" in name else PRESETS[name]
    if "memory" in name:
        settings += ["layers.memory.size=12"]
    experiment = Experiment.load(name, settings)
    dataset, settings = experiment.dataset(), experiment.config["training"]
    samples, _, _ = experiment.samples(dataset)
    states = []
    for looks in (False, True):
        simulator = Simulator(experiment.network(dataset), dtype=settings["dtype"])
        training = Training(simulator, samples, batch=settings["batch"], record_every=1)
        while training.epoch < 3:
            if looks:
                before = copy.deepcopy(training.state())
                health = check(simulator, samples, batch=training.batch, epoch=training.epoch)
                after = training.state()
                assert all(np.array_equal(before[k], after[k], equal_nan=True) for k in before)
                assert health.warnings == [] or training.epoch == 0
                assert Health.of(json.loads(json.dumps(health.table()))) == health
            training.advance()
        state = training.state()
        del state["seconds"]
        if "memory" in name:
            cues = samples.arrays["memory"]
            state["recalled"] = simulator.recall(cues, max_steps=3, sampled=True).states
        states.append(state)
    for key, array in states[0].items():
        np.testing.assert_array_equal(array, states[1][key], err_msg=key)


def test_sequences(samples):
    """What an input shows at the last step is what its compartment has then."""
    parts = [Compartment("F", "x"), Compartment("C", "hidden", delay=1)]
    layer = Layer("hidden", 3, parts, Activation("bivariate"), goal="{F}{C}")
    simulator = Simulator(Network({"x": WIDTH}, [layer], steps=2))
    simulator["hidden"]["F"].weights[...] = 3 * np.eye(3, WIDTH)
    x = np.stack([samples["x"], 0 * samples["x"]], axis=1)
    assert found(check(simulator, {"x": x}))["constant", "F"] == (0, 1, 2)
    assert ("constant", "F") not in found(check(simulator, {"x": x[:, ::-1]}))


def test_in_words(samples):
    simulator = healthy(Simulator(network()))
    dead(simulator["hidden"])
    health = check(simulator, Samples(samples), batch=48)
    (told,) = [one for one in health.findings if one.kind == "constant"]
    assert str(told) == "hidden/F: 1 of 4 neurons have the same potential in all samples"
    assert "weights are 0" in told.advice
    assert health.lines() == ["hidden, of 4 neurons: F 1 constant, 1 random"]


def test_bad_arguments(samples):
    simulator = Simulator(network())
    with pytest.raises(ConfigError, match="batch must be an integer of at least 1, was 0"):
        check(simulator, samples, batch=0)
    with pytest.raises(DataError, match="no input 'y'"):
        check(simulator, {"y": samples["x"]})
    with pytest.raises(DataError, match="samples are arrays by input name"):
        check(simulator, samples["x"])


def without(path):
    def change(table):
        *keys, last = path
        for key in keys:
            table = table[key]
        del table[last]

    return change


def setting(path, value):
    def change(table):
        *keys, last = path
        for key in keys:
            table = table[key]
        table[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without(["epoch"]), "it has no epoch"),
        (setting(["samples"], True), "it has no samples"),
        (setting(["measured"], []), "it has no measured"),
        (setting(["measured", "hidden"], 3), "it has no neurons"),
        (setting(["findings", 0], "silent"), "it has no kind"),
        (setting(["findings", 0, "kind"], "ill"), "a finding 'ill' of 'hidden' cannot be"),
        (setting(["findings", 0, "population"], "other"), "a finding 'silent' of 'other'"),
        (setting(["findings", 0, "of"], 5), "a finding 'silent' of 'hidden' cannot be"),
        (setting(["findings", 0, "compartment"], 1), "a compartment 1 cannot be"),
        (setting(["findings", 0, "neurons"], "1-999999999"), "'1-999999999' are not neurons of 4"),
        (setting(["findings", 0, "neurons"], "1, x" * 99), "'x1' are no neurons"),
        (setting(["findings", 0, "neurons"], "0, 2, 1"), "'1' are not neurons of 4, in order"),
        (setting(["findings", 0, "neurons"], "7"), "'7' are not neurons of 4"),
        (setting(["findings", 0, "warning"], "no"), "it has no warning"),
        (setting(["findings"], {}), "it has no findings"),
    ],
)
def test_what_is_read_is_looked_at(change, message, samples):
    simulator = healthy(Simulator(network()))
    never(simulator["hidden"])
    table = json.loads(json.dumps(check(simulator, samples).table()))
    change(table)
    with pytest.raises(ValueError, match=message):
        Health.of(table)


def test_every_kind_has_its_words_and_is_in_the_page():
    from test_docs import ROOT

    page = (ROOT / "docs" / "runs.md").read_text()
    pages = page + (ROOT / "docs" / "report.md").read_text()
    for name, kind in KINDS.items():
        assert f"| `{name}` |" in page
        assert kind.says
        assert kind.short
        assert kind.advice
    for name, value in vars(thresholds).items():
        if name.isupper():
            assert f"`{name}` {value:g}" in pages, name
