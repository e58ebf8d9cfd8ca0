"""Recall, beside loops that are written out: how neurons are updated, when it ends, ties."""

from importlib.util import find_spec

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from infosim.analysis.memory import accuracy, asymmetry, energy, overlap
from infosim.engine import Simulator
from infosim.engine import recall as recalling
from infosim.engine.recall import recurrent_weights
from infosim.errors import ConfigError
from infosim.machine.randomness import Purpose, generator
from infosim.network import Compartment, Connection, Layer, Network
from infosim.neuron import Activation

N = 8
RNG = np.random.default_rng(8)
CUES = RNG.choice([-1.0, 1.0], (7, N))
#: Full of ties; some states come to rest, others turn around. The second is not symmetric.
WEIGHTS = np.triu(RNG.integers(-2, 3, (2, N, N)), 1)
WEIGHTS += WEIGHTS.transpose(0, 2, 1)
WEIGHTS[1] += np.tril(RNG.integers(-1, 2, (N, N)), -1)
#: Each neuron does what the one before it did, the first what itself did.
CHAIN = np.eye(N, k=-1, dtype=int)
CHAIN[0, 0] = 1
#: By which real weights are other ones: sums of them are rounded, so that no tie is exact.
SCALE = 0.1 / 7


def network(lateral="all-but-self"):
    parts = [
        Compartment("R", "pattern", "one-to-one", trainable=False, bias=False, weight=2.0),
        Compartment("C", "memory", lateral, delay=1, bias=False),
    ]
    return Network({"pattern": N}, [Layer("memory", N, parts, Activation("sum"))])


def simulator(weights=WEIGHTS, scale=SCALE, lateral="all-but-self", **options):
    net = Simulator(network(lateral), seed=list(range(len(weights))), threads=1, **options)
    net["memory"]["C"].weights = np.concatenate(weights) * scale
    return net


@pytest.fixture(scope="module")
def net():
    return simulator()


def orders(seed, steps, order):
    if order == "fixed":
        return [np.arange(N)] * steps
    draw = (generator(seed, Purpose.RECALL, made, 0) for made in range(1, steps + 1))
    return [one.permutation(N) for one in draw]


@pytest.fixture(params=[1, 64], ids=["those that move alone", "all"])
def few(request, monkeypatch):
    """How many patterns go on side by side whether they have come to rest or not."""
    monkeypatch.setattr(recalling, "_FEW", request.param)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("ties", ["low", "keep", "zero"])
@pytest.mark.parametrize("stop", ["pattern", "joint"])
def test_synchronous_recall_is_the_loop(net, ties, stop):
    for steps in (1, 2, 12):
        for one, weights in zip(
            net.recall(CUES, ties=ties, stop=stop, max_steps=steps), WEIGHTS, strict=True
        ):
            states, taken = naive.recall(weights, CUES, steps, None, ties, stop == "joint")
            np.testing.assert_array_equal(one.states, states)
            np.testing.assert_array_equal(one.taken, taken)
            assert one.converged == (taken >= 0).all()
            assert one.steps == (max(taken) if one.converged else steps)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("ties", ["low", "keep", "zero"])
@pytest.mark.parametrize("order", ["random", "fixed"])
def test_sequential_recall_is_the_loop(net, ties, order):
    options = {"update": "sequential", "order": order, "ties": ties, "max_steps": 9}
    for seed, (one, weights) in enumerate(zip(net.recall(CUES, **options), WEIGHTS, strict=True)):
        cycles = order == "fixed"  # what came back in another order need not come back again
        given = weights, CUES, 9, orders(seed, 9, order), ties
        states, taken = naive.recall(*given, cycles=cycles)
        np.testing.assert_array_equal(one.states, states)
        np.testing.assert_array_equal(one.taken, taken)
    again = net.recall(CUES, **options)
    np.testing.assert_array_equal(again[1].states, one.states)


def test_loops_have_ties_cycles_and_ends(net):
    """Or the tests above would test little."""
    found = {(ties, stop): [one.states for one in net.recall(CUES, ties=ties, stop=stop)]
             for ties in ("low", "keep", "zero") for stop in ("pattern", "joint")}  # fmt: skip
    for one, other in (("low", "keep"), ("keep", "zero")):
        assert not np.array_equal(found[one, "pattern"], found[other, "pattern"])
    taken = np.array([one.taken for one in net.recall(CUES)])
    assert len(np.unique(taken)) > 2
    assert not all(
        np.array_equal(found[ties, "pattern"], found[ties, "joint"]) for ties in ("low", "keep")
    )


@pytest.mark.parametrize("update", ["synchronous", "sequential"])
def test_a_pattern_is_recalled_as_it_is_alone(net, update):
    both = net.recall(CUES, update=update)
    for row in range(3):
        for one, alone in zip(both, net.recall(CUES[row : row + 1], update=update), strict=True):
            np.testing.assert_array_equal(one.states[row], alone.states[0])
            assert one.taken[row] == alone.taken[0]


@pytest.mark.parametrize("update", ["synchronous", "sequential"])
def test_replicas_precision_and_threads_change_nothing(net, update):
    both = net.recall(CUES, update=update, ties="keep")
    alone = Simulator(network(), seed=1, threads=2, dtype="float64")
    alone["memory"]["C"].weights = WEIGHTS[1] * SCALE
    one = alone.recall(CUES, update=update, ties="keep")
    np.testing.assert_array_equal(one.states, both[1].states)
    np.testing.assert_array_equal(one.taken, both[1].taken)


@pytest.mark.parametrize("update", ["synchronous", "sequential"])
def test_outputs_drawn_at_random_fire_as_often_as_theta_says(update):
    """By weights of 0 half of the time; by large ones as the likelier output says."""
    cues = np.tile(CUES[:1], (500, 1))
    options = {"update": update, "sampled": True, "max_steps": 1}
    idle = simulator(np.zeros((1, N, N)))
    first, second = (idle.recall(cues, **options) for _ in range(2))
    assert abs(first.states.mean()) < 5 / np.sqrt(500 * N)
    assert not np.array_equal(first.states, second.states)
    assert (first.steps, first.converged) == (1, False)
    sure = simulator([CHAIN * 1000], 1.0, "dense")
    found = sure.recall(cues[:3], update=update, order="fixed", sampled=True)
    np.testing.assert_array_equal(found.states, np.full((3, N), cues[0, 0]))


def test_sequential_updates_hear_what_was_done_before_them():
    """A chain takes a step for each neuron at once, and one for all of them one by one."""
    net, cue = simulator([CHAIN], 1.0, "dense"), np.array([[1.0, *[-1.0] * (N - 1)]])
    together, one_by_one = net.recall(cue), net.recall(cue, update="sequential", order="fixed")
    np.testing.assert_array_equal(together.states, np.ones((1, N)))
    np.testing.assert_array_equal(one_by_one.states, np.ones((1, N)))
    assert (together.steps, one_by_one.steps) == (N, 2)


@pytest.mark.skipif(find_spec("numba_cuda") is None, reason="needs numba-cuda")
@pytest.mark.parametrize("update", ["synchronous", "sequential"])
def test_a_gpu_recalls_the_same(net, update):
    on_device = simulator(backend="cuda")
    expected = net.recall(CUES[:3], update=update, ties="zero", max_steps=3)
    for one, other in zip(
        on_device.recall(CUES[:3], update=update, ties="zero", max_steps=3), expected, strict=True
    ):
        np.testing.assert_array_equal(one.states, other.states)


@given(st.integers(0, 2**31))
@examples(max_examples=25)
def test_sequential_recall_never_climbs_in_energy(seed):
    """Where weights are symmetric; each step is one of many updates, of which none may."""
    rng = np.random.default_rng(seed)
    weights = rng.integers(-3, 4, (N, N))
    weights = np.triu(weights, 1) + np.triu(weights, 1).T
    net, states = simulator([weights], 1.0), rng.choice([-1.0, 1.0], (4, N))
    was = energy(weights, states)
    literal = [-sum(w * s[i] * s[j] for (i, j), w in np.ndenumerate(weights)) / 2 for s in states]
    np.testing.assert_allclose(was, literal)
    for _ in range(6):
        states = net.recall(states, update="sequential", ties="keep", max_steps=1).states
        now = energy(weights, states)
        assert (now <= was + 1e-9).all()
        was = now
    assert net.recall(states, update="sequential", ties="keep", max_steps=200).converged


def test_energy_is_of_symmetric_weights():
    weights = np.ones((3, 3)) - np.eye(3)
    assert asymmetry(weights) == 0
    assert asymmetry(np.triu(weights) - np.tril(weights)) == 1
    assert asymmetry(np.zeros((3, 3))) == 0
    assert 0 < asymmetry(np.triu(weights)) < 1
    np.testing.assert_allclose(energy(weights, [1.0, 1, 1], [1.0, 0, 0]), -3 - 1)
    with pytest.raises(ConfigError, match=r"weights are not symmetric, .* is 0\.71, at most 1e-06"):
        energy(np.triu(weights), np.ones(3))


def test_overlap_and_accuracy_at_their_threshold():
    """38 right bits of 40 minus 2: an overlap of 0.9 exactly; float32 falls short of it."""
    pattern = np.ones((1, 40), np.float32)
    state = pattern.copy()
    state[0, 0] = -1
    assert overlap(state, pattern)[0] == 0.95
    assert accuracy(overlap(state, pattern)) == 1
    assert accuracy([[0.95, 0.94], [1.0, 1.0]]).tolist() == [0.5, 1.0]


def test_weights_of_several_connections_are_one_matrix():
    layer = Layer(
        "memory",
        N,
        [
            Compartment("A", connections=[
                Connection("memory", "sparse(3)", delay=1), Connection("other", delay=1),
            ]),
            Compartment("B", "memory", "all-but-self", delay=1),
        ],
        Activation("sum"),
    )  # fmt: skip
    other = Layer("other", 2, [Compartment("F", "x")], Activation("feedforward"))
    net = Simulator(Network({"x": 1}, [layer, other]), seed=[3, 4], threads=1)
    state = net["memory"]
    for r in range(2):
        sparse, dense = recurrent_weights(state, r)
        c = state["A"].connections[0]
        for i in range(N):
            row = np.zeros(N)
            row[c.index[r * N + i]] = c.weights[r * N + i]
            np.testing.assert_array_equal(sparse[i], row)
        np.testing.assert_array_equal(dense, state["B"].weights[r * N : (r + 1) * N])
    # both kinds of updates read them all, with biases: the first neuron's output is the same
    together = net.recall(CUES, "memory", max_steps=1)
    one_by_one = net.recall(CUES, "memory", update="sequential", order="fixed", max_steps=1)
    for one, other in zip(together, one_by_one, strict=True):
        np.testing.assert_array_equal(one.states[:, 0], other.states[:, 0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"update": "both"}, "recall: update must be 'synchronous' or 'sequential', was 'both'"),
        ({"order": "up"}, "recall: order must be 'random' or 'fixed', was 'up'"),
        ({"ties": 0}, "recall: ties must be 'low' or 'keep' or 'zero', was 0"),
        ({"stop": None}, "recall: stop must be 'pattern' or 'joint', was None"),
        ({"sampled": 1}, "recall: sampled must be true or false, was 1"),
        ({"max_steps": -1}, "recall: max_steps must be an integer of at least 0, was -1"),
        ({"max_steps": 2.5}, "recall: max_steps must be an integer of at least 0, was 2.5"),
        ({"max_steps": True}, "recall: max_steps must be an integer of at least 0, was True"),
    ],
)
def test_options_that_cannot_be(net, options, message):
    with pytest.raises(ConfigError) as problem:
        net.recall(CUES, **options)
    assert str(problem.value) == message


def test_sequential_updates_know_no_interventions():
    net = simulator()
    with (
        net.lesion("memory", 3),
        pytest.raises(ConfigError, match="know no neurons that are lesioned"),
    ):
        net.recall(CUES, update="sequential")
    stimulated = simulator(np.zeros((1, N, N)))
    with stimulated.stimulate("memory", [2], [3.0]):  # of the drive, which both hear
        for update in ("synchronous", "sequential"):
            states = stimulated.recall(CUES, update=update).states
            np.testing.assert_array_equal(states[:, 2], 1)
            np.testing.assert_array_equal(np.delete(states, 2, axis=1), -1)


@pytest.mark.parametrize("update", ["synchronous", "sequential"])
def test_however_large_weights_are_what_fires_is_no_tie(update):
    large = simulator(WEIGHTS[:1], 2.0**30).recall(CUES, update=update, ties="keep", order="fixed")
    small = simulator(WEIGHTS[:1], 2.0**-30).recall(CUES, update=update, ties="keep", order="fixed")
    literal = [np.arange(N)] * N if update == "sequential" else None
    states, _ = naive.recall(WEIGHTS[0], CUES, N, literal, "keep")
    np.testing.assert_array_equal(large.states, states)
    assert not np.array_equal(small.states, states)  # θ is ½ to within rounding everywhere


def test_patterns_that_have_come_to_rest_are_left_alone(monkeypatch):
    """Fewer and fewer go on, at the same times, to where they come to beside all others."""
    weights = RNG.standard_normal((2, N, N)) + 2 * WEIGHTS
    net, cues, sizes = simulator(weights), RNG.choice([-1.0, 1.0], (100, N)), []
    fire = recalling._Together.__call__

    def counted(self, now, made):
        sizes.append(now.shape[1])
        return fire(self, now, made)

    monkeypatch.setattr(recalling._Together, "__call__", counted)
    found = [net.recall(cues, max_steps=40, stop=stop) for stop in ("pattern", "joint")]
    halved, time = sizes.copy(), net.time
    assert set(halved) == {100, 50}
    monkeypatch.setattr(recalling, "_FEW", 100)
    net.time, others = 0, []
    for stop, fewer in zip(("pattern", "joint"), found, strict=True):
        others.append(net.recall(cues, max_steps=40, stop=stop))
        for one, other in zip(fewer, others[-1], strict=True):
            np.testing.assert_array_equal(one.states, other.states)
            np.testing.assert_array_equal(one.taken, other.taken)
            assert (one.steps, one.converged) == (other.steps, other.converged)
    assert net.time == time


@pytest.mark.parametrize("stop", ["pattern", "joint"])
def test_what_a_long_cycle_leads_to_needs_no_steps(monkeypatch, stop):
    """A ring that passes its state on is as before after N steps, and found to be."""
    net = simulator([np.roll(np.eye(N, dtype=int), -1, axis=1)], 1.0, "dense")
    made, fire = [], recalling._Together.__call__
    monkeypatch.setattr(
        recalling._Together, "__call__", lambda *given: made.append(given[2]) or fire(*given)
    )
    cues = np.stack([np.r_[1.0, -np.ones(N - 1)], np.ones(N)])
    for steps in (*range(1, 40), 1000, 1001, 1005):
        made.clear()
        found = net.recall(cues, max_steps=steps, stop=stop)
        np.testing.assert_array_equal(found.states[0], np.roll(cues[0], steps))
        rests = 1 if stop == "pattern" else -1
        assert (found.steps, found.converged, *found.taken) == (steps, False, -1, rests)
        assert len(made) <= min(steps, 4 * N)


def test_no_step_is_no_change(net):
    one, _ = net.recall(CUES, max_steps=0)
    np.testing.assert_array_equal(one.states, CUES)
    assert (one.steps, one.converged, set(one.taken)) == (0, False, {-1})
