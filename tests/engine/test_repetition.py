"""Epochs of one batch, repeated without events and recorded rarely: the same bits as by events."""

import numpy as np
import pytest
from bits import assert_same_bits, assert_same_layers, without_times
from repetitions import count_repetitions

from infosim.engine import Simulator, Training
from infosim.errors import CheckpointError, ConfigError
from infosim.network import Adam, Compartment, Layer, Network
from infosim.neuron import Activation, Binning
from infosim.pid import Goal
from infosim.schedule import Schedule

SIZE, PATTERNS = 6, 9
BINS = {"hard": Binning("adaptive", (2, 8)), "soft": Binning("soft", (2, 8), softness=(1e-5, 0.5))}


def memory(binning="hard", steps=1, goal="{R}{C}", rate=0.05):
    """Neurons that read their bit of a pattern and, if it is clamped, the others'."""
    compartments = [
        Compartment("R", "pattern", "one-to-one", weight=2.3, trainable=False, bias=False),
        Compartment("C", "memory", "all-but-self", delay=1),
    ]
    binning = BINS[binning] if isinstance(binning, str) else binning
    layer = Layer(
        "memory", SIZE, compartments, Activation("sum"), binning,
        goal=Goal.of(goal, "RC"), optimizer=Adam(rate),
    )  # fmt: skip
    return Network({"pattern": SIZE}, [layer], steps=steps)


def patterns(n=PATTERNS, seed=0):
    x = np.random.default_rng(seed).choice([-1.0, 1.0], (n, SIZE))
    return {"pattern": x, "memory": x}


def trained(epochs, network=None, data=None, seeds=0, then=None, **options):
    """A Training after epochs, and what `then` did after the third of them."""
    kinds = {key: options.pop(key) for key in ("backend", "threads", "dtype") if key in options}
    simulator = Simulator(network or memory(), seed=seeds, **({"threads": 1} | kinds))
    data = data or patterns()
    options = {"batch": len(data["pattern"]), "shuffle": False, **options}
    training = Training(simulator, data, **options)
    while training.epoch <= epochs:
        if then is not None and training.epoch == 4 and training.position == 0:
            then(training)
        training.advance()
    return training


def always(state):
    """What of a training's state is recorded in every epoch."""
    rarely = "seconds", "atoms", "goal"
    return {name: array for name, array in state.items() if name.split("/")[0] not in rarely}


def assert_same(one, other):
    """All that training left is the same, to the bit, but for what was recorded rarely."""
    assert one.simulator.time == other.simulator.time
    assert_same_layers(one.simulator, other.simulator)
    for r in range(one.simulator.n_replicas):
        theirs = other.state(r)
        assert_same_bits(always(one.state(r)), always(theirs))
        for name, history in one.histories[r].atoms.items():
            recorded = one.histories[r].recorded(name)
            assert len(recorded) == len(history)
            np.testing.assert_array_equal(np.array(theirs[f"atoms/{name}"])[recorded], history)


CASES = {
    "hard": {},
    "soft": {"network": memory("soft"), "seeds": [3, 4]},
    "replicas on two threads": {"seeds": [3, 4, 5], "threads": 2},
    "two steps": {"network": memory(steps=2)},
    "one pattern": {"data": patterns(1)},
    "scheduled": {"network": memory(rate=Schedule([(0, 0.1), (8, 0.01)]), goal="{R}{C} + 0.1 {R}")},
    "bins that change": {"network": memory(Binning("adaptive", (2, Schedule([(0, 4), (8, 9)]))))},
}


@pytest.mark.parametrize("case", CASES)
def test_rarely_recorded_is_the_same_training(case, monkeypatch):
    played = count_repetitions(monkeypatch)
    rarely = trained(8, record_epochs=4, **CASES[case])
    # epoch 1 is presented, 4 and 8 with a probe; a second step's outputs overwrite what was clamped
    assert len(played) == (0 if case in ("two steps", "bins that change") else 5)
    always = trained(8, **CASES[case])
    assert rarely.history.recorded("memory") == [0, 4, 8]
    assert_same(rarely, always)


def _evaluates(training):
    training.simulator.recall(patterns(4, seed=3)["pattern"])


def _presents(training):
    shown = patterns(PATTERNS, seed=4)["pattern"].T
    training.simulator.present({"pattern": shown}, {"memory": -shown})
    training.simulator.run()


def _weighs(training):
    compartment = training.simulator["memory"]["C"]
    compartment.weights = 2 * compartment.weights


def _aims(training):
    training.simulator["memory"].goal = "{R} - 0.3 {RC}"


def _masks(training):
    compartment = training.simulator["memory"]["C"]
    compartment.mask = np.triu(np.ones((SIZE, SIZE), bool), 1)


def _imposes(training):
    training.simulator.stimulate("memory", [0, 2], 1.5)


def _freezes(training):
    training.simulator.freeze("memory", [1])


def _gathers(training):
    training.simulator.batch(training.samples, np.arange(PATTERNS)[::-1])


@pytest.mark.parametrize(
    "then", [_evaluates, _presents, _weighs, _aims, _masks, _imposes, _freezes, _gathers]
)
def test_what_is_done_in_between_counts(then, monkeypatch):
    played = count_repetitions(monkeypatch)
    rarely = trained(8, record_epochs=8, then=then)
    assert played
    assert_same(rarely, trained(8, then=then))


def test_it_goes_on_where_it_was_stopped():
    whole = trained(8, record_epochs=4)
    for stop in (2, 4, 5):
        part = trained(stop, record_epochs=4)
        simulator = Simulator(memory(), seed=9, threads=1)
        data = patterns()
        rest = Training(simulator, data, batch=PATTERNS, shuffle=False, record_epochs=4)
        rest.restore(part.state())
        while rest.epoch <= 8:
            rest.advance()
        assert rest.history.recorded("memory") == [0, 4, 8]
        assert_same_bits(without_times(whole.state()), without_times(rest.state()))


def test_shuffled_and_several_batches_are_presented(monkeypatch):
    played = count_repetitions(monkeypatch)
    for options in ({"shuffle": True}, {"batch": 4}):
        rarely = trained(4, record_epochs=4, **options)
        assert_same(rarely, trained(4, **options))
    assert not played


def test_what_diverges_is_told_in_the_same_epoch():
    from infosim.errors import DivergedError

    def breaks(training):
        training.simulator["memory"]["C"].connections[0].arrays.weights[0, 1] = np.nan

    said = []
    for options in ({"record_epochs": 8}, {}):
        with pytest.raises(DivergedError, match="epoch 4") as error:
            trained(8, then=breaks, **options)
        said.append(str(error.value))
    assert said[0] == said[1]


@pytest.mark.parametrize("value", [0, -1, 1.5, "2", None, True])
def test_bad_numbers_are_told(value):
    with pytest.raises(ConfigError, match="record_epochs must be an integer of at least 1"):
        trained(1, record_epochs=value)


def test_a_history_shows_what_it_has():
    history = trained(5, record_epochs=4).history
    assert np.isnan(history.mean_goal["memory"][5])
    assert "nan" not in history._repr_html_()
    assert len(history.atoms["memory"]) == 2
    with pytest.raises(CheckpointError):
        trained(1).restore()
