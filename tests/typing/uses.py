"""Typical uses, as a type checker sees them (`make types`); a test runs them, too."""

from typing import assert_type

import infosim
from infosim import (
    Activation,
    Adam,
    Binning,
    Compartment,
    Decomposition,
    Experiment,
    Goal,
    Layer,
    Network,
    Simulator,
)  # fmt: skip

F = Compartment("F", "image")
C = Compartment("C", "label", "one-to-one", weight=1.0, trainable=False, bias=False)
goal = Goal.of("{F}{C} - 0.5 H_res", ("F", "C"))
output = Layer("output", 10, [F, C], Activation("bivariate"), Binning("adaptive"), goal, Adam(0.01))
network = Network({"image": 64, "label": 10}, [output], readout="output", target="label")
assert_type(output.size, int | None)
assert_type(output.optimizer, infosim.Adam | infosim.SGD)
assert_type(network.steps, int)
assert_type(network.readout, str | None)

net = Simulator(network, seed=1)
assert_type(net, Simulator)
experiment: Experiment = Experiment.load("demo/digits", ["training.epochs=1"])
assert_type(experiment.config, dict)
data: infosim.Dataset = experiment.dataset()
assert_type(data.n_classes, int)
found: Decomposition = infosim.decompose(sources={"a": [0, 1], "b": [0, 1]}, target=[0, 1])
net.fit({"image": data.train_x, "label": data.train_y}, epochs=1, batch=250)


# What a checker has to refuse; an ignore that is not needed is an error, too.
def refused() -> None:
    Layer("output", "ten", [F])  # type: ignore[arg-type]
    Layer("output", 10, [F], neurons=3)  # type: ignore[call-arg]
    Network({"image": "64"}, [output])  # type: ignore[dict-item]
    infosim.Simulater(network)  # type: ignore[attr-defined]
