"""Groups of a layer: each climbs and is measured by its own goal, beside the others."""

from dataclasses import replace

import numpy as np
import pytest
from bits import assert_same_bits, without_times
from test_replicas import N_IN, assert_as_alone, classifier, clouds, trained

from infosim.engine import Simulator, Training
from infosim.errors import ConfigError
from infosim.network import Adam, Compartment, Group, Layer, Network
from infosim.neuron import Activation, Binning
from infosim.pid import Goal
from infosim.schedule import Schedule

DATA = clouds(50)
ONE, OTHER = "{F}{C} + 0.1 {F}{C}{L} - 0.1 {F}", "{FCL} - 0.3 {L} + 0.05 H_res"
SX, MMI = "shared-exclusions", "minimum-mutual-information"


def grouped(*groups, network=None, **changes):
    """The classifier whose hidden layer has these groups."""
    hidden, *others = (network or classifier()).layers
    hidden = replace(hidden, size=None if groups else 8, groups=groups, **changes)
    return replace(classifier(), layers=[hidden, *others])


def cells(first=ONE, second=OTHER, sizes=(5, 3)):
    """Eight hidden neurons of two types."""
    return grouped(Group("e", sizes[0], first), Group("i-2", sizes[1], second))


def fitted(network, *epochs, batch=20, seed=3, data=DATA, **options):
    net = Simulator(network, seed=seed, **{"threads": 1, **options})
    for one in epochs:
        net.fit(data, one, batch=batch)
    return net


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("sizes", [(5, 3), (1, 7), (1, 1, 2, 1, 3)])
def test_groups_of_one_goal_are_a_layer(sizes, threads, dtype):
    how = {"threads": threads, "dtype": dtype, "seed": [3, 0]}
    whole = fitted(grouped(goal=ONE), 2, **how)
    parts = fitted(grouped(*(Group(f"g{i}", n) for i, n in enumerate(sizes)), goal=ONE), 2, **how)
    for r in (0, 1):
        assert_same_bits(whole.arrays(r), parts.arrays(r))
        one, other = whole.histories[r], parts.histories[r]
        assert one.train_error == other.train_error
        names = [f"hidden/g{i}" for i in range(len(sizes))]
        assert list(other.mean_goal) == list(other.atoms) == [*names, "out"]
        together = np.concatenate([other.atoms[name] for name in names], axis=1)
        np.testing.assert_array_equal(together, one.atoms["hidden"])
        mean = np.average([other.mean_goal[name] for name in names], axis=0, weights=sizes)
        np.testing.assert_allclose(mean, one.mean_goal["hidden"], rtol=1e-9)


def test_groups_of_one_measure_are_one_call():
    def calls(network):
        net = Simulator(network, threads=1)
        net.step(DATA)
        names = [
            call.__name__ for r in net.tape.recordings for stage in r for call in _calls(stage)
        ]
        return names.count("score")

    others = grouped(Group("e", 5, measure=MMI), Group("i", 3), goal=ONE)
    assert (calls(classifier()), calls(cells()), calls(others)) == (2, 2, 3)


def _calls(stage):
    return [function for part in stage for function, _ in part]


def test_on_a_gpu_groups_climb_what_they_do_on_the_cpu():
    data = {name: values[:6] for name, values in DATA.items()}
    groups = Group("e", 1, "{F}{C}"), Group("i", 2, "{FC}", MMI), Group("j", 1, "{FC}")
    one, other = (fitted(alone(groups=groups), 1, batch=3, data=data, dtype="float64", backend=name)
                  for name in ("cpu", "cuda"))  # fmt: skip
    for name, array in one.arrays().items():
        np.testing.assert_allclose(other.arrays()[name], array, rtol=1e-6, atol=1e-9)
    for name, atoms in one.histories[0].atoms.items():
        np.testing.assert_allclose(other.histories[0].atoms[name], atoms, atol=1e-9)


def test_on_a_gpu_groups_of_one_goal_are_a_layer():
    data = {name: values[:6] for name, values in DATA.items()}
    one, other = (
        fitted(network, 1, batch=3, data=data, backend="cuda")
        for network in (
            alone(3, "{F}{C}"),
            alone(goal="{F}{C}", groups=[Group("e", 1), Group("i", 2)]),
        )
    )
    assert_same_bits(one.arrays(), other.arrays())


# -- against layers of their own -------------------------------------------------------------------

KINDS = {
    "goals": ({"goal": "{F}{C} - 0.4 {FC}"}, {"goal": "{FC} + 0.3 H_res"}),
    "measures": ({"goal": "{F}{C}"}, {"goal": "{F}{C}", "measure": MMI}),
    "three measures": (
        {"goal": "{F} - {C}", "measure": "williams-beer"},
        {"goal": "{F}{C} - 0.4 {FC}", "measure": MMI},
        {"goal": "{FC}"},
    ),
    "a goal of nothing": ({"goal": "0 H_res"}, {"goal": "{F}{C}", "measure": MMI}),
}


def alone(size=None, goal=None, measure=SX, groups=()):
    compartments = [Compartment("F", "image"), Compartment("C", "label")]
    layer = Layer(
        "h", size, compartments, Activation("bivariate"), Binning("adaptive", 4), goal, Adam(0.02),
        measure=measure, groups=groups,
    )  # fmt: skip
    return Network({"image": N_IN, "label": 3}, [layer])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch", [50, 7])
def test_each_group_learns_as_a_layer_of_its_own(kind, batch):
    """There is nothing lateral: what a neuron learns depends on its inputs and weights alone."""
    kinds, nets = KINDS[kind], []
    sizes = (4, 1, 3)[: len(kinds)]
    groups = [Group(f"g{i}", sizes[i], **own) for i, own in enumerate(kinds)]
    together = Simulator(alone(groups=groups), dtype="float64")
    for i, own in enumerate(kinds):
        net = Simulator(alone(sizes[i], **own), dtype="float64")
        rows = together["h"].groups[f"g{i}"].neurons
        for name in "FC":
            net["h"][name].weights = together["h"][name].weights[rows]
            net["h"][name].bias = together["h"][name].bias[rows]
        net.fit(DATA, 3, batch=batch)
        nets.append(net)
    before = together["h"]["F"].weights.copy()
    history = together.fit(DATA, 3, batch=batch)
    for i, net in enumerate(nets):
        rows = together["h"].groups[f"g{i}"].neurons
        for name in "FC":
            found, expected = together["h"][name].weights[rows], net["h"][name].weights
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
        moved = np.abs(together["h"]["F"].weights - before)[rows].max()
        assert (moved > 0.01) == (kinds[i]["goal"] != "0 H_res")
        single = net.histories[0]
        np.testing.assert_allclose(history.atoms[f"h/g{i}"], single.atoms["h"], atol=1e-9)
        np.testing.assert_allclose(history.mean_goal[f"h/g{i}"], single.mean_goal["h"], atol=1e-9)


def test_gradient_and_atoms_are_each_neurons_own(kernels, slow):
    backend = "cuda" if kernels.ON_DEVICE else "cpu"
    n, seeds = (5, [1]) if slow else (40, [1, 2])
    given = {"image": DATA["image"][:n].T, "label": np.eye(3)[DATA["label"][:n]].T}
    groups = [Group("a", 1, "{F}{C}"), Group("b", 1, "{F}{C}", MMI), Group("c", 1, "{FC}")]
    layers = [(None, None, SX, groups), (3, "{F}{C}"), (3, "{F}{C}", MMI), (3, "{FC}")]
    found = []
    for layer in layers:
        net = Simulator(alone(*layer), backend, seeds, dtype="float64", threads=1)
        net.present(given)
        net.run()
        found.append((net.gradient("h")[0], net.atoms("h")))
    for n, of in enumerate([1, 2, 3] * len(seeds)):
        for one, other in zip(found[0], found[of], strict=True):
            np.testing.assert_allclose(one[n], other[n], rtol=1e-9, atol=1e-12)
    assert np.abs(found[1][1] - found[2][1]).max() > 1e-3  # measures do differ here


# -- replicas, schedules, by hand, resumed ---------------------------------------------------------


def test_replicas_whose_groups_have_other_goals_are_as_alone():
    data, test, seeds = clouds(40), clouds(20, 1), [3, 0, 9]
    networks = [
        cells(),
        cells(OTHER, ONE),
        cells({"{F}{C}": Schedule.between(0, 1, 4, per="update"), "{L}": 0.1}, "{F}"),
    ]
    singles = [
        trained(one, seed, data, test, batch=15, threads=1)
        for one, seed in zip(networks, seeds, strict=True)
    ]
    for threads in (1, 2):
        together = trained(networks, seeds, data, test, batch=15, threads=threads)
        assert_as_alone(together, singles)
    goals = together[0]["hidden"].groups["e"].goal
    assert [str(one) for one in goals[:2]] == [str(Goal.of(one, "FCL")) for one in (ONE, OTHER)]


def test_a_group_follows_its_schedule_and_the_other_stays():
    steps = [ONE, "{F}{L} - 0.2 {FCL}", OTHER]
    scheduled = fitted(cells(Schedule(list(enumerate(steps)), "step")), 3)
    by_hand = fitted(cells(), 1)
    for goal in steps[1:]:
        by_hand["hidden"].groups["e"].goal = goal
        by_hand.fit(DATA, 1, batch=20)
    assert_same_bits(scheduled.arrays(), by_hand.arrays())
    one, other = (net.histories[0] for net in (scheduled, by_hand))
    assert one.mean_goal == other.mean_goal
    labels = {name.rpartition("/")[0] for name in one.in_force}
    assert labels == {"gamma_hidden/e"}
    assert one.in_force["gamma_hidden/e/{F}{C}"] == [1.0, 1.0, 0.0, 0.0]
    assert {name: values for name, values in other.in_force.items() if any(values)} == {
        name: values for name, values in one.in_force.items() if any(values)
    }
    assert scheduled["hidden"].goal == dict.fromkeys(("e", "i-2"), Goal.of(OTHER, "FCL"))


def test_goals_set_by_hand_are_of_a_group_of_several_or_of_all():
    net, now = fitted(cells(), 1), Goal.of("{F}{L}", "FCL")
    hidden, first, second = net["hidden"], Goal.of(ONE, "FCL"), Goal.of(OTHER, "FCL")
    assert hidden.goal == {"e": first, "i-2": second}
    hidden.groups["i-2"].goal = "{F}{L}"
    assert hidden.goal == {"e": first, "i-2": now}
    hidden.goal = {"i-2": OTHER}
    assert hidden.goal == {"e": first, "i-2": second}
    hidden.goal = {"i-2": ONE, "e": now}
    assert hidden.goal == {"e": now, "i-2": first}
    hidden.goal = ONE
    assert hidden.goal == {"e": first, "i-2": first}
    hidden.goal = {"{F}{L}": 1.0}
    assert hidden.goal == {"e": now, "i-2": now}
    net.reset()
    assert net["hidden"].goal == {"e": first, "i-2": second}


def test_one_goal_set_for_all_is_one_group():
    def set_to(network):
        net = fitted(network)
        net["hidden"].goal = OTHER
        net.fit(DATA, 2, batch=20)
        return net

    parts = grouped(Group("e", 5), Group("i", 3), goal=ONE)
    assert_same_bits(set_to(grouped(goal=ONE)).arrays(), set_to(parts).arrays())


def test_the_same_terms_need_no_new_recordings():
    net = fitted(cells(), 1)
    recorded = len(net.tape)
    net["hidden"].groups["e"].goal = "2 {F}{C} + 0.1 {F}{C}{L} - 0.3 {F}"
    assert len(net.tape) == recorded > 0
    net["hidden"].groups["e"].goal = "{C}"
    assert len(net.tape) == 0


@pytest.mark.parametrize("at", [1, 4])
def test_resumed_to_the_same_bits(at):
    network = grouped(Group("e", 4, ONE), Group("i", 1, OTHER, MMI), Group("j", 3, "{F}{L}"))
    networks = [network, replace(network, layers=[
        replace(network.layers[0], groups=[Group("e", 4, "{F}{C}"), *network.layers[0].groups[1:]]),
        network.layers[1],
    ])]  # fmt: skip
    net = fitted(networks, 1, seed=[3, 5])
    net["hidden"].groups["i"].goal = {"{F}": Schedule.between(0, -1, 6, per="update"), "{L}": 0.5}
    net["hidden"].groups["e"].goal = [Goal.of("{FCL}", "FCL"), Goal.of("{F}{C}", "FCL")]
    training = Training(net, DATA, batch=20)
    for _ in range(at):
        training.advance()
    states = [training.state(r) for r in (0, 1)]
    assert {name for name in states[0] if name.startswith("set_goal/")} == {
        "set_goal/hidden/e", "set_goal/hidden/i",
    }  # fmt: skip
    assert "set_goal/hidden/e" not in states[1]  # the one it was described with
    again = Simulator(networks, seed=[3, 5], threads=2)
    other = Training(again, DATA, batch=20)
    other.restore(*states)
    for one in (training, other):
        while one.epoch < 4:
            one.advance()
    assert net["hidden"].goal == again["hidden"].goal
    for r in (0, 1):
        one, two = (without_times(t.state(r)) for t in (training, other))
        assert_same_bits(one, two)
        assert net.histories[r].in_force == again.histories[r].in_force


@pytest.mark.parametrize(("n", "batch"), [(1, 1), (3, 1), (50, 50)])
def test_one_sample_and_batches_of_one(n, batch):
    data = {name: values[:n] for name, values in DATA.items()}
    network = grouped(Group("e", 1, ONE, MMI), Group("i", 7, OTHER))
    net = fitted(network, 2, batch=batch, data=data)
    assert net.not_finite() is None
    assert net.histories[0].atoms["hidden/e"][-1].shape == (1, 19)


def test_two_classes():
    data = {"image": DATA["image"], "label": DATA["label"] % 2}
    given = cells()
    out = replace(given.layers[1], size=2)
    inputs = {"image": N_IN, "label": 2}
    network = replace(given, inputs=inputs, layers=[given.layers[0], out])
    parts = replace(out, size=None, groups=[Group("no", 1), Group("yes", 1)])
    split = replace(network, layers=[given.layers[0], parts])
    one, other = fitted(network, 2, data=data), fitted(split, 2, data=data)
    assert_same_bits(one.arrays(), other.arrays())
    assert list(other.histories[0].mean_goal)[2:] == ["out/no", "out/yes"]


def test_by_backpropagation_groups_are_measured_and_nothing_else():
    parts = replace(cells(), rule="backprop")
    whole = replace(grouped(goal=ONE), rule="backprop")
    one, other = fitted(whole, 2), fitted(parts, 2)
    assert_same_bits(one.arrays(), other.arrays())
    atoms = [net.histories[0].atoms for net in (one, other)]
    np.testing.assert_array_equal(
        atoms[0]["hidden"], np.concatenate([atoms[1]["hidden/e"], atoms[1]["hidden/i-2"]], axis=1)
    )
    expected = atoms[1]["hidden/i-2"][-1] @ Goal.of(OTHER, "FCL").gamma
    assert other.histories[0].mean_goal["hidden/i-2"][-1] == pytest.approx(expected.mean())


def test_groups_without_goals_are_measured_each_by_its_measure():
    net = fitted(grouped(Group("e", 5), Group("i", 3, measure=MMI), goal=None))
    net.present({"image": DATA["image"].T, "label": np.eye(3)[DATA["label"]].T})
    net.run()
    found = net.atoms("hidden")
    for measure, rows in ((SX, slice(5)), (MMI, slice(5, 8))):
        other = fitted(grouped(goal=None, measure=measure))
        other.present({"image": DATA["image"].T, "label": np.eye(3)[DATA["label"]].T})
        other.run()
        np.testing.assert_array_equal(found[rows], other.atoms("hidden")[rows])
    assert net["hidden"].goal is None
    assert net["hidden"].groups["e"].goal is None


# -- what is refused -------------------------------------------------------------------------------

WRONG = {
    "no group": ({"x": ONE, "e": ONE}, "layer 'hidden': no group 'x'; allowed: e, i-2"),
    "a group's label": ({"e": "{X}"}, "layer 'hidden/e': atom '{X}' has no source 'X'"),
    "too large": ({"i-2": {"{F}": 1e39}, "e": ONE}, "goal parameter 1e.39 is more than float32"),
    "all": ("nonsense", "layer 'hidden/e': no published goal 'nonsense'"),
    "too many": ({"e": [ONE, ONE]}, "one for each of 1 replicas, is needed; 2 given"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_set_is_said_and_sets_nothing(case):
    given, message = WRONG[case]
    net = fitted(cells())
    with pytest.raises(ConfigError, match=message) as told:
        net["hidden"].goal = given
    assert "\n" not in str(told.value)
    net.fit(DATA, 1, batch=20)
    assert_same_bits(net.arrays(), fitted(cells(), 1).arrays())


def test_a_group_without_a_goal_is_given_none():
    net = fitted(grouped(Group("e", 8), goal=None))
    with pytest.raises(ConfigError, match="'hidden': it was described without a goal"):
        net["hidden"].groups["e"].goal = ONE


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (cells(sizes=(3, 5)), "layer 'hidden': groups is e 5, i-2 3 in one and e 3, i-2 5 in ano"),
        (grouped(goal=ONE), "layer 'hidden': groups is e 5, i-2 3 in one and  in another"),
        (
            grouped(Group("e", 5, ONE, MMI), Group("i-2", 3, ONE)),
            "layer 'hidden/e': measure is shared-exclusions in one and minimum-mutual-information",
        ),
    ],
)
def test_replicas_have_the_same_groups(other, message):
    with pytest.raises(ConfigError, match=message):
        Simulator([cells(), other])
