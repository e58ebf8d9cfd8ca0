"""Epochs of one batch, carried out several at once: what each would have been by itself."""

import numpy as np
import pytest
from bits import assert_same_training
from repetitions import count_repetitions

from infosim.engine import Simulator, Training
from infosim.engine import training as engine
from infosim.engine.progress import Progress
from infosim.errors import DivergedError
from infosim.network import SGD, Adam, Compartment, Connection, Layer, Network
from infosim.neuron import Activation, Binning
from infosim.schedule import Schedule

BINS = {"hard": Binning("adaptive", (2, 8)), "soft": Binning("soft", (2, 8), softness=(1e-5, 0.5))}
LAST = 24


def memory(binning="hard", size=6, rate=0.05, goal="{R}{C}", optimizer=None):
    """Neurons that read their bit of a pattern and, clamped, those of the others."""
    compartments = [
        Compartment("R", "pattern", "one-to-one", weight=2.3, trainable=False, bias=False),
        Compartment("C", "memory", "all-but-self", delay=1),
    ]
    layer = Layer(
        "memory", size, compartments, Activation("sum"), BINS[binning],
        goal=goal, optimizer=optimizer or Adam(rate),
    )  # fmt: skip
    return Network({"pattern": size}, [layer])


def stack():
    """A layer that reads the pattern by weights that do not learn, beside itself, and one above."""
    first = Layer(
        "memory", 6,
        [
            Compartment("R", connections=[
                Connection("pattern", "one-to-one", weight=2.3, trainable=False),
                Connection("memory", "all-but-self", delay=1),
            ]),
            Compartment("C", "pattern", trainable=False),
        ],
        Activation("sum"), BINS["hard"], goal="{R}{C}", optimizer=Adam(0.05),
    )  # fmt: skip
    parts = [Compartment("F", "memory"), Compartment("P", "pattern", trainable=False)]
    above = Layer(
        "above", 5, parts, Activation("sum"), BINS["hard"], goal="{F}{P}", optimizer=Adam(0.05)
    )
    return Network({"pattern": 6}, [first, above])


def prepared(network=None, n=9, seeds=0, options=None, **kinds):
    network = network or memory()
    first = network[0] if isinstance(network, list) else network
    simulator = Simulator(network, seed=seeds, **({"threads": 1} | kinds))
    x = np.random.default_rng(1).choice([-1.0, 1.0], (n, first.size("memory")))
    given = {"batch": n, "shuffle": False, "record_epochs": 1000} | (options or {})
    return Training(simulator, {"pattern": x, "memory": x}, **given)


@pytest.fixture(autouse=True)
def however_long(monkeypatch):
    """Epochs go together as far as they may, however long they take."""
    monkeypatch.setattr(engine, "_AT_ONCE", 1e9)


@pytest.fixture
def made(monkeypatch):
    """A list of how many presentations were carried out at once, each time."""
    return count_repetitions(monkeypatch)


def finished(training, last=LAST, at_once=True):
    while training.epoch <= last:
        training.advance(last if at_once else None)
    return training


CASES = {
    "one": {},
    "one pattern": {"n": 1},
    "in float64": {"dtype": "float64", "seeds": [1, 2]},
    "replicas on two threads": {"seeds": range(5), "threads": 2},
    "soft bins on two threads": {"network": memory("soft"), "seeds": [3, 4, 5], "threads": 2},
    "rates by replica": {
        "network": [memory(rate=0.1), memory(rate=Schedule([(0, 1), (20, 0.1)], per="update"))]
    },
    "a rate by epoch": {"network": memory(rate=Schedule([(2, 0.1), (20, 0.01)], per="epoch"))},
    "a goal that changes": {
        "network": memory(goal={"{R}{C}": 1.0, "{R}": Schedule([(0, 0.1), (20, -0.1)])}),
        "seeds": [3, 4],
    },
    "a layer above": {"network": stack(), "seeds": [1, 2]},
    "cut into parts": {"network": memory(size=40), "n": 700, "seeds": [1, 2], "threads": 2},
    "cut for more threads": {"network": memory(size=40), "n": 700, "seeds": [1], "threads": 2},
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_several_at_once_are_as_they_were_singly(case, made):
    singly = finished(prepared(**CASES[case]), at_once=False)
    assert set(made) == {1}
    made.clear()
    together = finished(prepared(**CASES[case]))
    assert made == [1, LAST - 2]  # epoch 1 is presented, epoch 2 shows how long it takes
    assert_same_training(together, singly)
    if case in ("rates by replica", "a rate by epoch", "a goal that changes"):
        in_force = together.histories[-1].in_force.values()
        assert all(len(set(values)) > 15 for values in in_force)


def test_what_nobody_reads_is_drawn_once_and_what_stays_is_projected_once():
    """Of two layers the upper one's outputs are read by none, and two compartments hear the same
    in every presentation."""
    for network, drawn, projected in (
        (memory(), [0, 0, 1], [2, 1, 1]),
        (stack(), [1, 1, 2], [5, 3, 3]),
    ):
        training = finished(prepared(network), 2)
        kernels = training.simulator.kernels
        lists = training._lessons.again(training._rows)._several[0]
        fires = [kernels.activate(*one.form.values()) for one in training.simulator.layers.values()]
        projects = kernels.project, kernels.project_sparse, kernels.project_single
        found = [[a[6] for f, a in calls if f in fires].count(True) for calls in lists]
        assert found == drawn
        assert [sum(f in projects for f, _ in calls) for calls in lists] == projected


def test_on_a_gpu_they_are_as_on_the_cpu(made):
    pytest.importorskip("numba_cuda")
    weights = []
    for backend in ("cpu", "cuda"):
        network = memory(size=2, rate=Schedule([(0, 0.1), (4, 0.01)], per="update"))
        training = finished(prepared(network, 2, backend=backend, dtype="float64"), 4)
        weights.append(training.simulator["memory"]["C"].weights)
    assert made == [1, 2] * 2
    np.testing.assert_allclose(weights[1], weights[0], rtol=1e-9)


def test_they_end_where_something_is_due(made):
    def error(simulator, samples, *, batch, purpose, epoch):
        simulator.step({"pattern": np.ones((1, 6))}, learn=False)  # all is presented anew
        return [epoch / 100]

    def trained(last):
        x = {"pattern": np.ones((2, 6)), "memory": np.ones((2, 6))}
        options = {"record_epochs": 11, "evaluate_every": 8, "validation": x, "error": error}
        return finished(prepared(options=options), LAST, at_once=last)

    together = trained(True)
    # 2, 3 to 8, 10, 12 to 16, 18 to 21, 23 and 24: the others are recorded, or follow what was
    # measured, and so are presented
    assert made == [1, 6, 1, 5, 4, 2]
    assert together.history.recorded("memory") == [0, 11, 22]
    validated = np.flatnonzero(np.isfinite(together.history.val_error))
    np.testing.assert_array_equal(validated, [0, 8, 16, 24])
    assert_same_training(together, trained(False))


def test_they_end_where_asked_and_after_about_a_tenth_of_a_second(made, monkeypatch):
    training = finished(prepared(), 10)
    assert (training.epoch, made) == (11, [1, 8])
    training.advance(11)  # the last of those asked for
    training.advance(11)
    assert training.epoch == 12
    training.advance()  # none was
    training.advance()
    monkeypatch.setattr(engine, "_AT_ONCE", 0.1)
    made.clear()
    training._pace = 0.0301
    training.advance(1000)
    assert made == [3]
    training.advance(1000)
    training._pace = 0.2
    training.advance(1000)
    assert made == [3, 1]


def test_what_is_done_between_calls_holds_from_then_on():
    def weighs(at_once):
        training = finished(prepared(), 9, at_once)
        weights = training.simulator["memory"]["C"].weights
        training.simulator["memory"]["C"].weights = 2 * weights
        training.simulator["memory"].goal = "{R}{C} - 0.1 {RC}"
        return finished(training, LAST, at_once)

    assert_same_training(weighs(True), weighs(False))


#: The weights of the second replica grow a hundredfold in each epoch, those of the first do not.
DIVERGING = [memory(optimizer=SGD(0.1, decay)) for decay in (0.0, 1000.0)]


def test_what_diverges_is_told_in_its_epoch_with_all_as_it_was_then(made):
    found = []
    for at_once in (False, True):
        training = prepared(DIVERGING, seeds=0)
        with np.errstate(all="ignore"), pytest.raises(DivergedError) as error:
            finished(training, 100, at_once)
        found.append((str(error.value), training))
    (said, singly), (also, together) = found
    assert said == also
    epoch = int(said.split("epoch ")[1].split(":")[0])
    assert 15 < epoch < 30
    assert max(made) == 98  # all that was asked for, and was then undone
    assert_same_training(together, singly)
    assert np.isfinite(together.simulator["memory"]["C"].weights[:6]).all()


def test_what_is_interrupted_leaves_what_was_there_before(monkeypatch):
    from infosim.engine import repetition

    training, alone = finished(prepared(seeds=[1, 2], threads=2), 5), repetition._alone

    def stops(replica, first, others, last, presentations, places):
        alone(replica, first, others, last, presentations[:9], places)
        if replica:
            raise KeyboardInterrupt

    before = [{k: np.array(v) for k, v in training.state(r).items()} for r in range(2)]
    monkeypatch.setattr(repetition, "_alone", stops)
    with pytest.raises(KeyboardInterrupt):
        training.advance(LAST)
    monkeypatch.setattr(repetition, "_alone", alone)
    for r in range(2):
        for name, array in training.state(r).items():
            np.testing.assert_array_equal(array, before[r][name], err_msg=name)
    assert_same_training(finished(training), finished(prepared(seeds=[1, 2]), at_once=False))


@pytest.mark.parametrize("stop", [2, 3, 11])
def test_it_goes_on_from_a_checkpoint(stop):
    whole = finished(prepared(seeds=[1, 2]))
    part = finished(prepared(seeds=[1, 2]), stop)
    part.advance(LAST)  # an epoch whose batch is over, several later
    rest = prepared(seeds=[8, 9])
    rest.restore(*(part.state(r) for r in range(2)))
    assert rest.position == rest.n_batches
    finished(rest)
    for r in range(2):
        mine, theirs = rest.state(r), whole.state(r)
        for name in mine.keys() - {"seconds"}:
            np.testing.assert_array_equal(mine[name], theirs[name], err_msg=name)


def test_each_epoch_has_its_share_of_the_time():
    training = prepared()
    finished(training, 4)
    seconds = sum(training.history.seconds)
    training.advance(LAST)
    shares = training.history.seconds[5:]
    assert len(shares) == LAST - 5
    assert len(set(shares)) == 1
    assert sum(training.history.seconds[:5]) == seconds
    assert training._seconds == shares[0] > 0


def test_a_report_sees_every_batch_unless_it_says_otherwise(made):
    def fitted(report):
        x = np.random.default_rng(1).choice([-1.0, 1.0], (9, 6))
        simulator = Simulator(memory(), threads=1)
        made.clear()
        given = {"pattern": x, "memory": x}
        simulator.fit(given, LAST, batch=9, shuffle=False, record_epochs=1000, report=report)
        return list(made)

    seen = []
    assert set(fitted(lambda training, last: seen.append((training.epoch, last)))) == {1}
    assert seen == [(epoch, LAST) for e in range(LAST + 1) for epoch in (e, e + 1)]
    assert fitted(None) == [1, LAST - 2]

    class Rarely:
        may_skip = True

        def __call__(self, training, last):
            seen.append(training.epoch)

    seen.clear()
    assert fitted(Rarely()) == [1, LAST - 2]
    assert seen[-2:] == [LAST, LAST + 1]
    assert Progress.may_skip
