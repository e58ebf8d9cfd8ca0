"""Rules from outside the package: those of docs/rules.md, and what is refused."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from infosim.engine import Simulator, Training
from infosim.errors import ConfigError, DataError
from infosim.network import SGD, Backprop, Compartment, Hebb, Infomorphic, Layer, Network, Rule
from infosim.network.rules import RULES
from infosim.neuron import Activation
from infosim.rules import Executor, executes, executor_of

PAGE = (Path(__file__).parents[2] / "docs" / "rules.md").read_text("utf-8")
SUM, FORWARD = Activation("sum"), Activation("feedforward")


@pytest.fixture(scope="module")
def own():
    """What the page defines, by name: its imports and classes, without what it trains."""
    text = "\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
    parts = re.split(r"\n(?=\S)", text)
    names = {"__name__": __name__}
    exec("\n".join(p for p in parts if p.startswith(("import", "from", "class", "@"))), names)
    return names


def test_they_are_short(own):
    for name in ("Clipped", "Delta"):
        start = PAGE.index(f"class {name}(Rule)")
        text = PAGE[start : PAGE.index("\n\n\n", PAGE.index(f"@executes({name})"))]
        assert len(text.splitlines()) <= 30


# -- in closed form --------------------------------------------------------------------------------


def memory(n, rule):
    R = Compartment("R", "pattern", "one-to-one", weight=2.3, trainable=False, bias=False)
    C = Compartment("C", "memory", "all-but-self", delay=1, bias=False)
    return Network({"pattern": n}, [Layer("memory", n, [R, C], SUM)], rule=rule)


def test_a_rule_in_closed_form(own, kernels, slow):
    """Signs of sums, written out; of a few patterns each stays as it is."""
    n, n_patterns = (6, 2) if slow else (60, 3)
    x = np.random.default_rng(2).choice([-1.0, 1.0], (n_patterns, n))
    net = Simulator(memory(n, "clipped"), kernels, seed=[0, 1], dtype="float64")
    net.fit({"pattern": x, "memory": x}, 1, batch=2)
    expected = np.sign(x.T @ x) / n
    np.fill_diagonal(expected, 0)
    np.testing.assert_array_equal(net["memory"]["C"].weights, np.tile(expected, (2, 1)))
    for one in net.recall(x) if not slow else ():
        np.testing.assert_array_equal(one.states, x)


def test_it_is_refused_a_second_epoch(own):
    x = np.ones((2, 4))
    with pytest.raises(ConfigError, match="rule clipped learns in closed form"):
        Simulator(memory(4, "clipped")).fit({"pattern": x, "memory": x}, 2, batch=2)


# -- by epochs -------------------------------------------------------------------------------------


def readout(rule, optimizer=None, n_classes=3, connectivity="dense", **options):
    compartments = [Compartment("F", "x", connectivity)]
    layer = Layer(
        "out", n_classes, compartments, FORWARD, optimizer=optimizer or SGD(0.5), rule=rule
    )
    inputs = {"x": 4, "label": n_classes}
    return Network(inputs, [layer], readout="out", target="label", inversion="none", **options)


def classes(n=60, n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, n_classes, n)
    return {"x": rng.normal(size=(n, 4)) + 3 * np.eye(4)[labels], "label": labels}


@pytest.mark.parametrize("margin", [0.0, 0.4])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_rule_by_epochs(own, kernels, slow, n_classes, margin):
    """One step of the delta rule, written out."""
    data = classes(5, n_classes)
    spec = readout({"name": "delta", "margin": margin}, n_classes=n_classes)
    net = Simulator(spec, kernels, 3, dtype="float64")
    w, b = net["out"]["F"].weights.copy(), net["out"]["F"].bias.copy()
    net.step(data)
    error = np.eye(n_classes)[data["label"]] - 1 / (1 + np.exp(-(data["x"] @ w.T + b)))
    error *= abs(error) > margin
    assert (error == 0).any() == (margin > 0)
    np.testing.assert_allclose(
        net["out"]["F"].weights, w + 0.5 * error.T @ data["x"] / 5, atol=1e-6
    )
    np.testing.assert_allclose(net["out"]["F"].bias, b + 0.5 * error.mean(axis=0), atol=1e-6)


def test_it_learns_and_goes_on_to_the_same_bits(own):
    data, delta = classes(), own["Delta"]
    alone = [Simulator(readout(delta(0.1)), seed=seed, threads=1) for seed in (4, 5)]
    for net in alone:
        net.fit(data, 6, batch=25)
        assert net.evaluate(data).error < 0.1
    both = Simulator(readout(delta(0.1)), seed=[4, 5], threads=2)
    training = Training(both, data, batch=25)
    for _ in range(9):  # within the second epoch
        training.advance()
    resumed = Training(Simulator(readout(delta(0.1)), seed=[4, 5], threads=1), data, batch=25)
    resumed.restore(training.state(0), training.state(1))
    while len(resumed.history) < 7:
        resumed.advance()
    for r, net in enumerate(alone):
        for name, array in net.arrays().items():
            np.testing.assert_array_equal(array, resumed.simulator.arrays(r)[name], err_msg=name)


def test_sparse_connections_and_recordings(own):
    data, bits = classes(), []
    for tape in (True, False):
        net = Simulator(readout(own["Delta"](), connectivity="sparse(2)"), threads=1, tape=tape)
        net.fit(data, 3, batch=25)
        bits.append(net["out"]["F"].weights.tobytes())
    assert bits[0] == bits[1]
    assert net["out"]["F"].weights.shape == (3, 2)


def test_without_labels_it_is_refused(own):
    net = Simulator(readout("delta"))
    with pytest.raises(DataError, match=r"^rule delta needs the target input 'label'$"):
        net.step({"x": np.ones((3, 4))})
    assert not net.events
    with pytest.raises(DataError, match="samples lack the target input 'label'"):
        net.fit({"x": np.ones((3, 4))}, 1, batch=3)


# -- what an executor is called with ---------------------------------------------------------------


class Traced(Rule):
    name = "traced"


@executes(Traced)
class TracedExecutor(Executor):
    """Notes how far each step's potentials were from the last one's."""

    traced = True

    def learn(self, inputs):
        firing = self.layer.firing
        past = [u.copy() for u, _, _ in firing.trace.past]
        self.seen = [*past, firing.u.copy()], sorted(inputs), firing.n_samples


def test_each_firing_of_a_presentation_is_there_if_asked_for():
    F, L = Compartment("F", "x"), Compartment("L", "h", "all-but-self", delay=1)
    layer = Layer("h", 4, [F, L], SUM, rule="traced")
    other = Layer("aside", 2, [Compartment("F", "x")], SUM, goal="{F}")
    net = Simulator(Network({"x": 3}, [layer, other], steps=3), threads=1)
    assert net["aside"].firing is None
    net.step({"x": np.random.default_rng(0).normal(size=(5, 3))})
    potentials, inputs, n_samples = net.executors["h"].seen
    assert (len(potentials), inputs, n_samples) == (3, ["x"], 5)
    assert not potentials[0][1].any()  # the others had not fired yet
    assert potentials[1][1].any()
    for u in potentials:
        np.testing.assert_array_equal(u[0], potentials[0][0])
    assert net["aside"].firing.trace is None
    assert net["h"].clock.updates == net["aside"].clock.updates == 1


# -- bad input -------------------------------------------------------------------------------------


def hidden(**options):
    return Layer("h", 4, [Compartment("F", "x")], SUM, **options)


def network(*layers, **options):
    return Network({"x": 3, "y": 4}, layers or [hidden(goal="{F}")], **options)


class Nameless(Rule):
    """A base of others."""


class Unexecuted(Rule):
    name = "unexecuted"


@dataclass(frozen=True)
class Needy(Rule):
    strength: float

    name = "needy"


class Labelled(Rule):
    name = "labelled"
    labels = True


class Closed(Rule):
    name = "closed"
    once = True


WRONG = {
    "unknown": (lambda: network(rule="hebbb"), "unknown rule 'hebbb'; did you mean hebb?"),
    "unknown of a layer": (
        lambda: hidden(rule={"name": "storky"}), "layer 'h': unknown rule 'storky'"
    ),
    "no rule": (
        lambda: network(rule=3), "a rule is a Rule, its name or a mapping with its name, was 3$"
    ),
    "a class": (lambda: network(rule=Hebb), "a rule is a Rule, its name or a mapping"),
    "a mapping without name": (lambda: hidden(rule={}), "layer 'h': a rule is .* its name, was {}"),
    "a number of none": (
        lambda: network(rule={"name": "hebb", "rate": 1}),
        "rule hebb has no number 'rate'; it has none",
    ),
    "another number": (
        lambda: network(rule={"name": "needy", "strenght": 1.0}),
        "rule needy has no number 'strenght'; did you mean strength?",
    ),
    "a missing number": (lambda: network(rule="needy"), "rule needy needs the number 'strength'"),
    "nameless": (lambda: network(rule=Nameless()), "rule Nameless has no name of its own"),
    "backprop of a layer": (
        lambda: hidden(rule="backprop"),
        "layer 'h': rule backprop is of a whole network, not of a layer",
    ),
    "beside backprop": (
        lambda: network(hidden(rule="hebb"), rule=Backprop(), readout="h", target="y"),
        "layer 'h': rule hebb cannot be beside backprop, which is of the whole network",
    ),
    "no labels": (lambda: network(rule=Backprop()), "rule backprop needs a readout layer and a"),
    "no labels for a layer": (
        lambda: network(hidden(rule=Labelled())), "layer 'h': rule labelled needs a readout layer"
    ),
    "no goal": (lambda: hidden(rule=Infomorphic()), "layer 'h': rule infomorphic needs a goal"),
    "not executed": (
        lambda: Simulator(network(rule="unexecuted")),
        r"nothing executes rule unexecuted; infosim.rules.executes\(Unexecuted\) registers",
    ),
    "no executor": (lambda: executes(Closed)(int), "Closed needs a class of Executor, was <class"),
    "nothing to execute": (lambda: executes(Hebb()), "executes takes a subclass of Rule, was Hebb"),
    "no conclusion": (
        lambda: executes(Closed)(type("Late", (Executor,), {})),
        "Late lacks the method conclude, by which a rule learns once",
    ),
    "nothing learnt": (
        lambda: executes(Needy)(type("Idle", (Executor,), {})),
        "Idle lacks the method learn, by which a rule learns by epochs",
    ),
    "a name that is taken": (
        lambda: type("Other", (Rule,), {"name": "hebb"}),
        r"rule 'hebb' is infosim\.network\.rules\.Hebb already",
    ),
    "a name that is no text": (
        lambda: type("Other", (Rule,), {"name": 3}), "the name of Other must be text, was 3"
    ),
    "replicas of two rules": (
        lambda: Simulator([network(rule="hebb"), network()]),
        "replicas must be alike, but rule is hebb in one and infomorphic in another",
    ),
    "replicas of two numbers": (
        lambda: network(rule=Needy(1.0)).check_alike(network(rule=Needy(2.0))),
        r"rule is needy\(strength=1.0\) in one and needy\(strength=2.0\) in another",
    ),
    "replicas with layers of two rules": (
        lambda: Simulator([network(hidden(rule="hebb")), network(hidden())]),
        "layer 'h': rule is hebb in one and infomorphic in another",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_bad_input(case):
    make, message = WRONG[case]
    with pytest.raises(ConfigError, match=message) as error:
        make()
    assert "\n" not in str(error.value)


def test_rules_are_values():
    assert network(rule="hebb") == network(rule=Hebb()) == network(rule={"name": "hebb"})
    assert network() == network(rule="infomorphic")
    assert network(hidden(rule="hebb")).rule_of(hidden(rule="hebb")) == Hebb()
    assert network(rule="hebb").rule_of(hidden()) == Hebb()
    assert network(rule={"name": "needy", "strength": 2.0}).rule == Needy(2.0) != Needy(3.0)
    assert network(hidden(), rule="hebb").learning == ["h"]
    assert network(hidden()).learning == []


def test_a_rule_that_is_defined_anew_takes_its_own_place():
    """As in a notebook, whose cells are run again."""
    made = [type("Again", (Rule,), {"name": "again"}) for _ in range(2)]
    assert RULES["again"] is made[1]
    assert executor_of(Hebb()).__name__ == "HebbExecutor"
