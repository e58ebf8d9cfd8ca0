"""Training by schedules, and with goals set by hand, is that with the numbers of each moment."""

import importlib.util
from dataclasses import replace

import numpy as np
import pytest
from bits import assert_same_bits, without_times
from test_replicas import ONE, OTHER, classifier, clouds, memory

from infosim.engine import Simulator, Training
from infosim.errors import ConfigError
from infosim.network import SGD, Adam, Compartment, Layer, Network
from infosim.neuron import Activation, Binning
from infosim.pid import Goal
from infosim.schedule import Schedule

DATA = clouds(50)
BEFORE, AFTER = "{F}{C} + 0.1 {F}{C}{L} - 0.1 {F}", "{FCL} - 0.3 {L} + 0.05 H_res"


def changed(network, **changes):
    """The network with other parts of its hidden layer."""
    hidden, *others = network.layers
    return replace(network, layers=[replace(hidden, **changes), *others])


def numbers(rate=0.02, decay=1e-3, goal=BEFORE, bins=20, n=4, kind=Adam):
    """A small network whose hidden layer has these."""
    parts = {"optimizer": kind(rate, decay), "goal": goal, "binning": Binning("fixed", bins)}
    return changed(classifier(n=n), **parts)


def simulator(network, seed=3, **options):
    return Simulator(network, seed=seed, **{"threads": 1, **options})


def fitted(network, *epochs, batch=20, **options):
    net = simulator(network, **options)
    for one in epochs:
        net.fit(DATA, one, batch=batch)
    return net


def assert_same(one, other):
    """The same weights, moments and history to the bit."""
    for r in range(one.n_replicas):
        assert_same_bits(one.arrays(r), other.arrays(r))
        for name in ("train_error", "mean_goal", "in_force"):
            assert getattr(one.histories[r], name) == getattr(other.histories[r], name), name


def between(start, end, until, **how):
    return Schedule.between(start, end, until, **how)


#: A schedule of each number, and of all, by epochs and updates.
ALL = {
    "rate": between(0.03, 0.001, 3),
    "decay": between(0.0, 0.01, 5, shape="cosine", per="update"),
    "goal": {"{F}{C}": between(0.1, 1, 7, shape="exponential", per="update"), "{F}": -0.1,
             "{FCL}": Schedule([(1, 0.0), (2, 1.0)])},
    "bins": between(20, 5, 3),
}  # fmt: skip


# -- what a schedule comes to --------------------------------------------------------------------


@pytest.mark.parametrize("per", ["epoch", "update"])
def test_a_step_is_going_on_with_the_other_numbers(per):
    """All numbers at once: the state from before the step, restored where numbers are others."""
    first, then = (0.02, 1e-3, BEFORE, 20), (0.005, 0.0, AFTER, 7)
    until = 2 if per == "epoch" else 2 * 2
    stepping = [between(*pair, until, shape="step", per=per) for pair in zip(first, then, strict=1)]
    whole = fitted(numbers(*stepping), 4, batch=25)
    before, after = fitted(numbers(*first), 2, batch=25), simulator(numbers(*then))
    state = Training(before, DATA, batch=25).state()
    Training(after, DATA, batch=25).restore(state)
    after.fit(DATA, 2, batch=25)
    assert_same_bits(whole.arrays(), after.arrays())
    found, expected = (net.histories[0] for net in (whole, after))
    assert found.mean_goal["hidden"] == pytest.approx(expected.mean_goal["hidden"], rel=1e-12)
    assert found.in_force["rate_hidden"] == [0.02] * 3 + [0.005] * 2
    assert found.in_force["weight_decay_hidden"] == [1e-3] * 3 + [0.0] * 2
    assert found.in_force["bins_hidden/L"] == [20.0] * 3 + [7.0] * 2
    assert found.in_force["gamma_hidden/{F}{C}"] == [1.0] * 3 + [0.0] * 2
    assert found.in_force["gamma_hidden/H_res"] == [0.0] * 3 + [0.05] * 2
    unmoved = fitted(numbers(*first), 4, batch=25)
    assert (unmoved["hidden"]["F"].weights != whole["hidden"]["F"].weights).any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", [Adam, SGD])
def test_a_schedule_that_stays_is_the_number(dtype, kind):
    still = [between(x, x, 3, per=per) for x, per in ((0.02, "epoch"), (1e-3, "update"))]
    goal = {"{F}{C}": between(1, 1, 2), "{F}{C}{L}": 0.1, "{F}": -0.1}
    one = fitted(numbers(*still, goal, between(20, 20, 1), kind=kind), 3, dtype=dtype)
    other = fitted(numbers(kind=kind), 3, dtype=dtype)
    assert_same_bits(one.arrays(), other.arrays())
    assert one.histories[0].mean_goal == other.histories[0].mean_goal
    assert other.histories[0].in_force == {}


@pytest.mark.parametrize("shape", ["linear", "exponential", "cosine", "step"])
def test_by_epoch_is_by_hand_epoch_by_epoch(shape):
    whole = between("{F}{C} - 0.5 {F}", "0.1 {F}{C} - 4 {F}", 3, shape=shape)
    scheduled, by_hand = simulator(numbers(goal=whole)), simulator(numbers(goal=whole.points[0][1]))
    for _ in range(5):
        goal = scheduled["hidden"].goal
        by_hand["hidden"].goal = goal
        for net in (scheduled, by_hand):
            net.fit(DATA, 1, batch=20)
        assert net["hidden"].goal == goal
    assert_same(scheduled, by_hand)
    gammas = scheduled.histories[0].in_force["gamma_hidden/{F}"]
    assert (gammas[:2], gammas[4:]) == ([-0.5, -0.5], [-4.0, -4.0])


def test_decay_until_is_a_schedule_by_update():
    one = fitted(numbers(decay=between(0.02, 0, 5, per="update")), 3)
    parts = {"optimizer": Adam(0.02, 0.02, decay_until=5)}
    assert_same_bits(one.arrays(), fitted(changed(numbers(), **parts), 3).arrays())


def test_rates_of_updates():
    """Three updates in an epoch; the number of an update is that of the updates before it."""
    net = fitted(numbers(rate=between(0.0, 0.6, 6, per="update"), kind=SGD), 3)
    assert net.histories[0].in_force["rate_hidden"] == pytest.approx([0.0, 0.2, 0.5, 0.6])
    still = fitted(numbers(rate=between(0.0, 1.0, 2, shape="step"), kind=SGD), 2)
    begun = simulator(numbers())
    np.testing.assert_array_equal(still["hidden"]["F"].weights, begun["hidden"]["F"].weights)
    still.fit(DATA, 1, batch=20)
    assert (still["hidden"]["F"].weights != begun["hidden"]["F"].weights).all()


def test_by_hand_updates_count_and_epochs_do_not():
    """`step` is in the epoch that would be next; bins and goals are those of now."""
    net = simulator(numbers(bins=between(9, 5, 4, per="update"), goal=between(BEFORE, AFTER, 2)))
    x = {name: values[:20] for name, values in DATA.items()}
    for bins in (9, 8, 7, 6, 5, 5):
        net.step(x)
        assert net["hidden"].bins_of == (bins,) * 3
        assert net["hidden"].goal == Goal.parse(BEFORE, "FCL")
    net.fit(DATA, 1, batch=20)
    net.step(x)
    assert net["hidden"].goal.gamma == pytest.approx(
        (Goal.parse(BEFORE, "FCL").gamma + Goal.parse(AFTER, "FCL").gamma) / 2
    )
    assert net.bins("hidden").max() < 5


def test_the_gradient_is_that_of_the_goal_of_now():
    net = fitted(numbers(goal=between(BEFORE, AFTER, 3, per="update", shape="step")), 1)
    found = net.gradient("hidden")
    assert net["hidden"].goal == Goal.parse(AFTER, "FCL")
    net["hidden"].goal = AFTER
    for one, other in zip(found, net.gradient("hidden"), strict=True):
        np.testing.assert_array_equal(one, other)
    net["hidden"].goal = BEFORE
    assert (found[0] != net.gradient("hidden")[0]).any()


def test_backprop_follows_rates_and_measures_by_scheduled_goals():
    network = replace(numbers(rate=between(0.02, 0.0, 2)), rule="backprop", inversion=None)
    network = changed(network, goal=between(BEFORE, AFTER, 2))
    net = fitted(network, 2)
    weights = np.array(net["hidden"]["F"].weights)
    net.fit(DATA, 1, batch=20)
    np.testing.assert_array_equal(net["hidden"]["F"].weights, weights)
    history = net.histories[0]
    atoms = history.atoms["hidden"][-1]
    assert history.mean_goal["hidden"][-1] == (atoms @ Goal.parse(AFTER, "FCL").gamma).mean()


def test_one_sample_one_bin_less():
    """A memory of one pattern, batch 1, bins of one compartment scheduled."""
    layer = memory().layers[0]
    bins = Binning("fixed", (2, between(60, 2, 4)))
    net = simulator(Network({"pattern": 20}, [replace(layer, binning=bins)]), dtype="float64")
    pattern = np.sign(np.random.default_rng(0).normal(size=(1, 20)))
    history = net.fit({"pattern": pattern, "memory": pattern}, 5, batch=1)
    assert history.in_force["bins_memory/R"] == [2.0] * 6
    assert history.in_force["bins_memory/C"] == [60.0, 60.0, 46.0, 31.0, 17.0, 2.0]
    assert np.isfinite(net["memory"]["C"].weights).all()


# -- the same bits -------------------------------------------------------------------------------


@pytest.mark.parametrize("parts", [[3, 3], [1] * 6, [0, 5, 1]])
def test_in_parts_is_as_a_whole(parts):
    assert_same(fitted(numbers(**ALL), 6), fitted(numbers(**ALL), *parts))


@pytest.mark.parametrize("options", [{"threads": 3}, {"tape": False}])
def test_threads_and_tape_change_nothing(options):
    network = numbers(**ALL, n=40)
    assert_same(fitted(network, 4), fitted(network, 4, **options))


@pytest.mark.parametrize("advances", [1, 5, 9, 12])
def test_resumed_anywhere(advances):
    """Four advances an epoch: three batches and its end."""
    network = numbers(**ALL)
    whole, part, again = (Training(simulator(network), DATA, batch=20) for _ in range(3))
    for i in range(20):
        if i == advances:
            state = part.state()
        whole.advance()
        if i < advances:
            part.advance()
    again.simulator.fit(DATA, 3, batch=20)  # whatever it did before
    again.simulator["hidden"].goal = "{F}"
    again.restore(state)
    for _ in range(advances, 20):
        again.advance()
    assert_same(whole.simulator, again.simulator)
    assert_same_bits(without_times(whole.state()), without_times(again.state()))


@pytest.mark.parametrize("lateral", ["all-but-self", "sparse(3)"])
def test_replicas_have_schedules_of_their_own(lateral):
    goals = [between(BEFORE, AFTER, 3), {"{L}": between(0, 1, 4, per="update")}, ONE["goal"]]
    rates = [0.02, between(0.03, 0.01, 2, per="update"), between(0.01, 0.02, 3)]
    bins = between(20, 9, 2)
    networks = [
        changed(
            classifier(lateral), goal=goal, optimizer=Adam(rate), binning=Binning("fixed", bins)
        )
        for goal, rate in zip(goals, rates, strict=True)
    ]
    seeds = [4, 0, 9]
    together = fitted(networks, 2, 2, seed=seeds)
    for r, (network, seed) in enumerate(zip(networks, seeds, strict=True)):
        alone = fitted(network, 4, seed=seed)
        assert_same_bits(together.arrays(r), alone.arrays())
        for name in ("mean_goal", "in_force", "train_error"):
            assert getattr(together.histories[r], name) == getattr(alone.histories[0], name)
    assert "rate_hidden" not in together.histories[0].in_force
    now = [Goal.parse(goal, "FCL") for goal in (AFTER, "{L}", ONE["goal"])]
    assert together["hidden"].goal == now


def test_replicas_need_the_same_bins():
    with pytest.raises(ConfigError, match="replicas must be alike, but layer 'hidden': binning is"):
        Simulator([numbers(bins=between(20, 5, 3)), numbers(bins=between(20, 6, 3))])


# -- set by hand ---------------------------------------------------------------------------------


def test_a_goal_set_by_hand_holds_from_the_next_update_on():
    net, other = fitted(numbers(), 2), simulator(numbers(goal=AFTER))
    Training(other, DATA, batch=20).restore(Training(net, DATA, batch=20).state())
    assert other["hidden"].goal == Goal.parse(AFTER, "FCL")
    net["hidden"].goal = AFTER
    for one in (net, other):
        one.fit(DATA, 2, batch=20)
    assert_same_bits(net.arrays(), other.arrays())


@pytest.mark.skipif(importlib.util.find_spec("numba_cuda") is None, reason="needs numba-cuda")
def test_cuda_follows_too():
    """Two neurons: rate, decay, goal, and bins that change, then a goal set by hand."""
    goal = {"{F}": between(1, 0.5, 2), "{F}{C}": between(0, 1, 1, shape="step")}
    layer = Layer(
        "hidden",
        2,
        [Compartment("F", "x"), Compartment("C", "y")],
        Activation("sum"),
        Binning("fixed", between(4, 3, 1), -2, 2),
        goal,
        Adam(between(0.5, 0.2, 2, per="update"), between(0, 0.1, 1), epsilon=1e-2),
    )
    x, y = np.random.default_rng(5).normal(size=(2, 6, 2))
    found = []
    for backend in ("cpu", "cuda"):
        net = simulator(Network({"x": 2, "y": 2}, [layer]), backend=backend, dtype="float64")
        net.fit({"x": x, "y": y}, 2, batch=6)
        net["hidden"].goal = "{FC} - {C}"
        history = net.fit({"x": x, "y": y}, 1, batch=6)
        found.append((net, history))
    (cpu, expected), (cuda, history) = found
    assert history.in_force == expected.in_force
    assert history.in_force["bins_hidden/F"] == [4, 4, 3, 3]
    assert history.in_force["gamma_hidden/{F}{C}"] == [0, 0, 1, 0]
    np.testing.assert_allclose(history.mean_goal["hidden"], expected.mean_goal["hidden"], rtol=1e-9)
    for name, array in cpu.arrays().items():
        np.testing.assert_allclose(cuda.kernels.host(cuda.arrays()[name]), array, rtol=1e-7)


def test_forms_of_a_goal_set_by_hand():
    layer = simulator(numbers())["hidden"]
    assert layer.goal == Goal.parse(BEFORE, "FCL")
    for given in (AFTER, Goal.parse(AFTER, "FCL"), {"{FCL}": 1, "{L}": -0.3, "H": 0.05},
                  list(Goal.parse(AFTER, "FCL").gamma), [AFTER]):  # fmt: skip
        layer.goal = BEFORE
        layer.goal = given
        assert layer.goal == Goal.parse(AFTER, "FCL")
    layer.goal = "iclr/trivariate-heuristic"
    assert layer.goal == Goal.named("iclr/trivariate-heuristic")
    layer.goal = between(BEFORE, AFTER, 1)
    assert layer.goal == Goal.parse(BEFORE, "FCL")


def test_each_replica_is_set_its_own_goal():
    together = simulator([numbers()], seed=[3, 4])
    together.fit(DATA, 1, batch=20)
    together["hidden"].goal = [AFTER, {"{L}": 1}]
    together.fit(DATA, 2, batch=20)
    assert together["hidden"].goal == [Goal.parse(AFTER, "FCL"), Goal.parse("{L}", "FCL")]
    for r, goal in enumerate((AFTER, "{L}")):
        alone = fitted(numbers(), 1, seed=3 + r)
        alone["hidden"].goal = goal
        alone.fit(DATA, 2, batch=20)
        assert_same_bits(together.arrays(r), alone.arrays())
        assert together.histories[r].in_force == alone.histories[0].in_force
    together["hidden"].goal = BEFORE
    assert together["hidden"].goal == [Goal.parse(BEFORE, "FCL")] * 2


def test_history_says_which_goal_it_was():
    net = fitted(numbers(), 1)
    net["hidden"].goal = "{F}{C} + 0.5 {FC}"
    net.fit(DATA, 1, batch=20)
    net["hidden"].goal = BEFORE
    history = net.fit(DATA, 1, batch=20)
    assert history.in_force == {
        "gamma_hidden/{F}{C}{L}": [0.1, 0.1, 0.0, 0.1],
        "gamma_hidden/{F}": [-0.1, -0.1, 0.0, -0.1],
        "gamma_hidden/{FC}": [0.0, 0.0, 0.5, 0.0],
    }
    atoms = history.atoms["hidden"][2]
    assert (
        history.mean_goal["hidden"][2]
        == (atoms @ Goal.parse("{F}{C} + 0.5 {FC}", "FCL").gamma).mean()
    )


@pytest.mark.parametrize("goal", [AFTER, between(BEFORE, AFTER, 4), {"{L}": between(0, 1, 5)}])
def test_a_goal_set_by_hand_is_part_of_the_state(goal):
    net = fitted(numbers(), 1)
    net["hidden"].goal = goal
    state = Training(net, DATA, batch=20).state()
    again = simulator(numbers())
    Training(again, DATA, batch=20).restore(state)
    for one in (net, again):
        one.fit(DATA, 2, batch=20)
    assert_same(net, again)
    assert net["hidden"].goal == again["hidden"].goal
    fresh = Training(fitted(numbers(), 1), DATA, batch=20).state()
    assert not [name for name in fresh if name.startswith(("set_goal", "in_force"))]
    Training(again, DATA, batch=20).restore(fresh)
    assert again["hidden"].goal == Goal.parse(BEFORE, "FCL")
    again["hidden"].goal = goal
    again.reset()
    assert again["hidden"].goal == Goal.parse(BEFORE, "FCL")


def test_the_same_terms_need_no_new_recordings():
    net = fitted(numbers(), 1)
    recorded = len(net.tape)
    net["hidden"].goal = "2 {F}{C} + 0.1 {F}{C}{L} - 0.3 {F}"
    assert len(net.tape) == recorded
    net["hidden"].goal = AFTER
    assert len(net.tape) == 0


WRONG = {
    "label": ("{X}", "layer 'hidden': atom '{X}' has no source 'X'"),
    "name": ("nonsense", "layer 'hidden': no published goal 'nonsense'"),
    "none": (None, "layer 'hidden': a goal is not made from None"),
    "other sources": (Goal([1], "R"), "layer 'hidden': goal '{R}' is for sources R"),
    "too many": (["{F}", "{C}"], "list of one for each of 1 replicas, is needed; 2 given"),
    "too few numbers": ([1.0, 2.0], "has 18 parameters, or 19 with H_res; 2 given"),
    "too large": ({"{F}": 1e39}, "goal parameter 1e.39 is more than float32 can hold"),
    "too large once": (
        {"{F}": between(0, 1e39, 3)}, "layer 'hidden': goal parameter .* more than float32",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_set_is_said(case):
    given, message = WRONG[case]
    net = simulator(numbers())
    with pytest.raises(ConfigError, match=message):
        net["hidden"].goal = given
    assert net["hidden"].goal == Goal.parse(BEFORE, "FCL")
    net.fit(DATA, 1, batch=20)
    assert_same(net, fitted(numbers(), 1))


def test_a_layer_without_a_goal_is_given_none():
    net = simulator(changed(numbers(), goal=None))
    assert net["hidden"].goal is None
    with pytest.raises(ConfigError, match="'hidden': it was described without a goal"):
        net["hidden"].goal = OTHER["goal"]
