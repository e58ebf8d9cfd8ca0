"""The models of ICLR 2025 as its figures name them: presets and looks, the same in every figure."""

from typing import NamedTuple

from scripts.command import figure_script

BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"
RED, PINK, SKY = "#D55E00", "#CC79A7", "#56B4E9"


#: Settings of every run. Epochs and batches are the presets' (the published ones) except for smoke,
#: which is some seconds of the digits in the package.
SCALES = {
    "smoke": {
        "data.name": "digits",
        "training.batch": 288,
        "training.epochs": 100,
        "training.evaluate_every": 50,
        "training.record_every": 4,
    },
    "laptop": {"training.evaluate_every": 10, "training.record_every": 47},
    "paper": {"training.evaluate_every": 10, "training.record_every": 47},
}
#: Makes a command of a function of a `Work`, as all figures of this paper are.
iclr_script = figure_script("iclr2025", SCALES)


def about(work, hidden):
    """Data, size and epochs of a scale's runs, for captions."""
    data = "bundled 8x8 digits" if work.scale == "smoke" else "MNIST"
    return f"{data}, {hidden} hidden neurons, 100 epochs"


class Model(NamedTuple):
    """A model: its preset, how it is drawn, and which panel of the published figure shows it."""

    preset: str
    color: str
    linestyle: object
    group: str  # "bivariate", "trivariate" or "baseline"


DASHED, DOTTED, DASHDOT = (0, (4, 1.6)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5))

#: By their names in reference/iclr_mnist_performance.csv.
MODELS = {
    "Lateral Heuristic": Model("iclr/bivariate-lateral-heuristic", ORANGE, DASHED, "bivariate"),
    "Lateral Optimized": Model("iclr/bivariate-lateral-optimized", ORANGE, "solid", "bivariate"),
    "Context Heuristic": Model("iclr/bivariate-context-heuristic", GREEN, DASHED, "bivariate"),
    "Context Optimized": Model("iclr/bivariate-context-optimized", GREEN, "solid", "bivariate"),
    "Trivariate Heuristic": Model("iclr/trivariate-heuristic", RED, DASHED, "trivariate"),
    "Trivariate Optimized": Model("iclr/trivariate-optimized", RED, "solid", "trivariate"),
    "Trivariate Optimized Sparse": Model("iclr/trivariate-sparse", RED, DASHDOT, "trivariate"),
    "Trivariate with Feedback": Model("iclr/trivariate-feedback", RED, DOTTED, "trivariate"),
    "Random Projection": Model("iclr/random-projection", PINK, "solid", "baseline"),
    "Backpropagation": Model("iclr/backprop", BLUE, "solid", "baseline"),
    "Readout Only": Model("iclr/readout", SKY, "solid", "baseline"),
}
#: A neuron reads at most this many others in the sparse models; up to one more they are dense.
SPARSE = 100


def preset(model, n_hidden):
    """The preset that stands for a model at this size: below 102 neurons sparse is dense."""
    if model == "Trivariate Optimized Sparse" and n_hidden <= SPARSE + 1:
        model = "Trivariate Optimized"
    return MODELS[model].preset


def run(work, model, n_hidden, seed, settings=None):
    """The Run of a model with so many hidden neurons (readout only has none)."""
    size = {} if model == "Readout Only" else {"layers.hidden.size": n_hidden}
    if model == "Trivariate with Feedback" and n_hidden == 1:  # it has nothing to choose from
        size["layers.hidden.compartments.L.connectivity"] = "all-but-self"
    return work.run(preset(model, n_hidden), size | {"training.seed": seed} | (settings or {}))
