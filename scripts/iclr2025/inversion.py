"""Which readout neurons are inverted: trained networks read by default and as published.

Published, a readout neuron counts as inverted where its firing probabilities have a mean of at
least 1/2 in the very batch that is read; by default infosim learns on training samples which are
inverted (backpropagation inverts none). Training does not depend on it: each trained network is
read in both ways, with the same random numbers.
"""

import click

import infosim
from infosim import plotting
from infosim.machine.randomness import Purpose
from scripts.drawing import dots, seeds_found, spread
from scripts.iclr2025.comparison import ordered
from scripts.iclr2025.models import MODELS, about, iclr_script, run
from scripts.iclr2025.performance import reference

_KEY = "network.inversion"


def default(model):
    """How infosim reads a model unless told otherwise."""
    return "none" if model == "Backpropagation" else "learned"


def as_published(folder):
    """The test error of a run's network, read as published."""
    results = infosim.load_run(folder)
    experiment = infosim.Experiment.load(folder / "config.toml")
    *_, test = experiment.samples(experiment.dataset())
    net = results.simulator([f"{_KEY}=batch"])
    training = experiment.config["training"]
    options = {"batch": training["batch"], "purpose": Purpose.TEST, "epoch": training["epochs"]}
    return net.evaluate(test, **options).error


@iclr_script
@click.option("--seeds", type=int, help="Seeds (smoke 1, laptop 3, paper 10).")
def main(work, seeds):
    """Run, read, draw."""
    seeds = seeds or work.pick(smoke=1, laptop=3, paper=10)
    hidden = work.pick(smoke=20, laptop=100)
    runs = {
        model: [run(work, model, hidden, seed, {_KEY: default(model)}) for seed in range(seeds)]
        for model in ordered()
    }
    work.carry_out([one for some in runs.values() for one in some])  # their weights are needed
    known = work.errors([one for some in runs.values() for one in some])
    theirs, rows, drawn = reference(), [], []
    for model, some in runs.items():
        both = {
            default(model): [known[one.key].test for one in some],
            "batch": [as_published(work.folder(one)) for one in some],
        }
        for reading, errors in both.items():
            row = {"model": model, "inversion": reading, "n_seeds": len(errors)}
            rows.append(row | spread(errors))
            published = theirs.get((model, 0 if model == "Readout Only" else 100, "test"))
            drawn.append((f"{model}: {reading}", MODELS[model].color, errors, published))
    with plotting.style():
        figure = plotting.figure(4.2, 4.6)
        dots(drawn, figure.subplots(), [4, 6, 8, 10, 15, 20])
    work.save(
        "inversion",
        figure,
        rows,
        f"""**Which readout neurons are inverted.** Test error with the label withheld of the same
        networks, read in two ways; {about(work, hidden)}, {seeds_found([seeds])}. learned: inverted
        are neurons that are wrong more often than right in training samples; none: no neuron;
        batch: those that mostly fire in the batch that is read, as published. Grey: published
        median and range, ten seeds. Scale: {work.scale}.""",
    )


if __name__ == "__main__":
    main()
