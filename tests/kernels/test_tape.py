"""The tape: plain calls become stages of parts, are recorded once, and change no bit."""

import numpy as np
import pytest

from infosim.engine import Simulator
from infosim.kernels.tape import Calls, Tape
from infosim.kernels.workers import Workers
from infosim.network import Compartment, Layer, Network
from infosim.neuron import Activation


class Log:
    """A backend of a few kernels that note what they were called with."""

    ON_DEVICE = False
    xp = np

    def __init__(self):
        self.made = []

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *arguments: self.made.append((name, *arguments))


def taken(write, threads=2, n_replicas=1):
    calls = Calls(Log(), Workers(threads), n_replicas)
    write(calls)
    return calls.stages


def test_calls_that_are_cut_alike_are_one_stage():
    y, no = np.zeros((300, 1000)), np.zeros((0, 0))

    def write(k):
        k.over(300, 1000).silence(u=y)
        k.silence(u=y)
        k.clear(u=y)
        k.accumulate_sparse(delta=y, index=no, x=no, gradient=y)
        k.add(values=y, factor=1, total=y)

    firing, learning, back = taken(write)
    assert len(firing) == len(back) > 1
    assert all(len(calls) == 2 for calls in firing)
    # both of a part's calls are of its neurons, in order
    assert [[arguments[-3:-1] for _, arguments in calls[1:]] for calls in learning] == [
        [(start, stop)] for start, stop in Workers.blocks(300, 1000)
    ]
    tiles = [calls[0][1][0] for calls in firing]
    assert tiles == Workers.tiles(300, 1000)


def test_another_layer_waits_unless_they_are_joined():
    y = np.zeros((300, 1000))

    def write(k):
        for _ in range(2):
            k.over(300, 1000).clear(u=y)

    def joined(k):
        with k.together():
            write(k)
        with k.together():
            pass

    apart, (together,) = taken(write), taken(joined)
    assert len(apart) == 2
    assert len(together) == sum(map(len, apart))


def test_replicas_have_their_calls_apart_in_the_order_of_the_stages():
    y, spans = np.zeros((6, 10)), np.zeros((2, 1, 3))

    def write(k):
        k.over(2, 10).silence(u=y)  # by tiles
        k.clear(u=y)  # by neurons
        k.span(u=y, bias=y, spans=spans)  # by replicas
        k.clear(u=y)

    stages = taken(write, n_replicas=3)
    assert [len(stage) for stage in stages] == [3, 3, 3, 3]
    for n_threads in (1, 2, 5):
        apart = Workers(n_threads).by_replica(stages, 3)
        by_replica = zip(*stages, strict=True)
        assert apart == [[call for calls in own for call in calls] for own in by_replica]
    assert [len(calls) for stage in stages for calls in stage] == [1] * 12  # these are as they were


@pytest.mark.parametrize(
    ("n_threads", "n_replicas", "apart"),
    [(1, 1, True), (2, 1, False), (2, 2, True), (2, 3, False), (2, 4, True), (2, 5, True),
     (4, 3, False), (4, 5, False), (4, 16, True)],
)  # fmt: skip
def test_large_replicas_are_apart_if_there_are_enough_for_the_threads(n_threads, n_replicas, apart):
    large = np.zeros((300 * n_replicas, 1000))

    def write(k):
        k.over(300, 1000).silence(u=large)
        k.clear(u=large)

    stages = taken(write, n_replicas=n_replicas)
    assert all(len(stage) > n_replicas for stage in stages)
    found = Workers(n_threads).by_replica(stages, n_replicas)
    assert (found is not None) == apart
    if apart:
        for r, calls in enumerate(found):
            n = len(stages[0]) // n_replicas
            parts = [part for stage in stages for part in stage[r * n : (r + 1) * n]]
            assert calls == [call for part in parts for call in part]


def test_what_is_of_several_replicas_keeps_them_together():
    y = np.zeros((6, 10))

    def write(k):
        k.over(2, 10).clear(u=y)
        k.mostly_firing(theta=y, inverted=y)

    assert Workers(1).by_replica(taken(write, n_replicas=3), 3) is None


def test_recordings_are_joined_by_their_samples():
    """Two layers fire, twice: a thread goes on with its samples and waits once."""
    y, small = np.zeros((300, 1000)), np.zeros((10, 1000))

    def fire(k):
        k.over(300, 1000).silence(u=y)
        k.over(10, 1000).silence(u=small)

    def learn(k):
        k.over(300, 1000).clear(u=y)

    firing, learning = taken(fire), taken(learn)
    given = [
        (firing, False),
        (firing, False),
        (learning, True),
        (learning, True),
        (learning, False),
    ]
    together, apart, after = Workers(2).joined(given)
    assert together.chains == [(0, 0, 512), (0, 512, 1000)]
    for part, samples in zip(together, ((0, 512), (512, 1000)), strict=True):
        tiles = [arguments[0] for _, arguments in part]
        assert [tile[2:] for tile in tiles] == [samples] * 6
        assert [tile[:2] for tile in tiles] == [(0, 150), (150, 300), (0, 10)] * 2
    assert apart == [*learning[0], *learning[0]]
    assert after == learning[0]
    # a third thread would have nothing to do: layers of more parts keep them, small ones have one
    assert [len(stage) for stage in Workers(3).joined([(firing, False)] * 2)] == [4, 1, 4, 1]
    # and of little that is to be done all is one thread's, of each replica
    (alone,) = Workers(2).joined([(firing[1:], False)] * 2)
    assert [len(calls) for calls in alone] == [4]
    several = taken(lambda k: k.over(10, 1000).silence(u=np.zeros((30, 1000))), n_replicas=3)
    (each,) = Workers(2).joined([(several, False)])
    assert each.replicas == [0, 1, 2]
    # what was given is as it was
    assert [len(stage) for stage in (*firing, *learning)] == [4, 2, 4]
    assert all(len(calls) == 1 for stage in (*firing, *learning) for calls in stage)


def test_what_may_wait_is_carried_out_in_order_before_anything_else():
    log = Log()
    tape = Tape(log, Workers(2), 1)

    def play(value, **options):
        def write(k):
            k.mostly_firing(theta=value, inverted=0)

        tape.play(("kind", value), write, **options)

    for later in ("a", "b"):
        play(later, later=True)
    assert not log.made
    play("c")
    tape.catch_up()
    play("d", later=True)
    tape.clear()
    tape.may_wait = False
    play("e", later=True)
    assert [made[1] for made in log.made] == list("abcde")


def test_calls_that_the_contract_does_not_know_are_errors():
    with pytest.raises(AttributeError, match="no kernel 'scores'"):
        taken(lambda k: k.scores())
    with pytest.raises(TypeError, match=r"silence takes u; wrong are v"):
        taken(lambda k: k.over(1, 1).silence(u=0, v=1))
    with pytest.raises(TypeError, match="wrong are theta"):
        taken(lambda k: k.mostly_firing(inverted=0))


def test_what_is_recorded_is_written_once():
    log, written = Log(), []
    tape = Tape(log, Workers(1), 1)

    def write(value, k):
        written.append(value)
        k.mostly_firing(theta=value, inverted=0)

    for value in "aab":
        tape.play(("kind", value), write, value)
    assert written == ["a", "b"]
    assert [made[1] for made in log.made] == ["a", "a", "b"]
    assert len(tape) == 2
    tape.clear()
    tape.play(("kind", "a"), write, "a")
    assert written == ["a", "b", "a"]


def test_without_a_tape_everything_is_written_anew():
    log, written = Log(), []
    tape = Tape(log, Workers(1), 1, kept=False)
    for _ in range(3):
        tape.play("key", lambda k: (written.append(1), k.mostly_firing(theta=0, inverted=0)))
    assert len(written) == len(log.made) == 3
    assert not len(tape)


def test_data_are_known_by_identity_and_the_last_used_are_kept():
    tape, written = Tape(Log(), Workers(1), 1), []

    def play(data):
        tape.play(("gather", 3), lambda k: written.append(data[0]), data=(data,))

    kept = [0]
    for i in range(1, 30):
        play(kept)
        play([i])
    assert written.count(0) == 1
    assert len(tape) == 8
    tape.play(("count", 3), lambda k: None, data=(kept,))
    assert len(tape) == 9


@pytest.mark.parametrize("rule", ["infomorphic", "backprop"])
def test_with_and_without_a_tape_bits_are_the_same(rule):
    F, C = Compartment("F", "x"), Compartment("C", "y")
    L = Compartment("L", "h", "all-but-self", delay=1)
    hidden = Layer("h", 40, [F, C, L], Activation("trivariate"), goal="{F}{C}")
    out = Layer("out", 3, [Compartment("F", "h"), Compartment("C", "y")], Activation("feedforward"),
                goal="{F}{C}")  # fmt: skip
    network = Network({"x": 7, "y": 3}, [hidden, out], 2, "out", "y", rule)
    rng = np.random.default_rng(0)
    samples = {"x": rng.normal(size=(700, 7)), "y": rng.integers(0, 3, 700)}
    found = []
    for tape in (True, False):
        net = Simulator(network, threads=2, seed=3, tape=tape)
        net.fit(samples, 2, batch=300)
        mask = np.ones((40, 7), bool)
        mask[::2, 3] = False
        net["h"]["F"].mask = mask
        net.fit(samples, 1, batch=200)
        net["h"]["F"].mask = None
        net.fit(samples, 1, batch=200)
        assert bool(len(net.tape)) == tape
        found.append(net.arrays())
    for name, array in found[0].items():
        np.testing.assert_array_equal(array, found[1][name], err_msg=name)


def test_a_mask_is_one_array_from_its_first_setting_on():
    spec = Layer("h", 4, [Compartment("F", "x")], Activation("sum"), goal="{F}")
    net = Simulator(Network({"x": 3}, [spec]))
    x = np.random.default_rng(0).normal(size=(3, 50))
    for i, kept in enumerate((None, 0, 1, 2, None, 1)):
        before = len(net.tape)
        mask = None if kept is None else np.arange(3) != np.full((4, 1), kept)
        net["h"]["F"].mask = mask
        assert (len(net.tape) == 0) == (i in (0, 1, 4, 5)), before
        net.present({"x": x}, learn=True)
        net.run()
        if kept is not None:
            assert not net["h"]["F"].weights[:, kept].any()
