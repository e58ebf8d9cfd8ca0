"""Which readout neurons are inverted: all models read as published and as infosim reads by itself.

Published, a readout neuron counts as inverted where its firing probabilities have a mean of at
least 1/2 in the very batch that is read; by default infosim learns on training samples which are
inverted (backpropagation inverts none). Training does not depend on it: the same seeds end with
the same weights, and only the errors read from them may differ.
"""

import click

from infosim import plotting
from scripts.common import dots, seeds_found, spread
from scripts.iclr2025.comparison import ordered
from scripts.iclr2025.models import MODELS, about, iclr_script, run
from scripts.iclr2025.performance import reference

_KEY = "network.inversion"


def readings(model):
    """The published setting and infosim's default for this model."""
    return "batch", "none" if model == "Backpropagation" else "learned"


@iclr_script
@click.option("--seeds", type=int, help="Seeds (smoke 1, laptop 3, paper 10).")
def main(work, seeds):
    """Run, summarise, draw."""
    seeds = seeds or work.pick(smoke=1, laptop=3, paper=10)
    hidden = work.pick(smoke=20, laptop=100)
    models = ordered()
    runs = {
        (model, reading, seed): run(work, model, hidden, seed, {_KEY: reading})
        for seed in range(10)
        for model in models
        for reading in readings(model)
    }
    known = work.errors([one for key, one in runs.items() if key[-1] < seeds], runs.values())
    theirs, rows, drawn = reference(), [], []
    for model in models:
        n = 0 if model == "Readout Only" else 100
        both = [
            [known.get(runs[model, reading, seed].key) for reading in readings(model)]
            for seed in range(10)
        ]
        both = list(zip(*(pair for pair in both if all(pair)), strict=True))  # the same seeds
        for reading, found in zip(readings(model), both, strict=False):
            for split in ("train", "test"):
                values = [getattr(one, split) for one in found]
                row = {"model": model, "inversion": reading, "split": split}
                rows.append(row | {"n_seeds": len(values)} | spread(values))
            published = theirs.get((model, n, "test"))
            color = MODELS[model].color
            drawn.append((f"{model}: {reading}", color, [e.test for e in found], published))
    with plotting.style():
        figure = plotting.figure(4.2, 4.6)
        dots(drawn, figure.subplots(), [4, 6, 8, 10, 15, 20])
    work.save(
        "inversion",
        figure,
        rows,
        f"""**Which readout neurons are inverted.** Test error with the label withheld, the same
        networks read in both ways; {about(work, hidden)}, {
            seeds_found([row["n_seeds"] for row in rows])
        }. batch: those that mostly fire in the batch that is read, as published; learned: those
        that are wrong more often than right in training samples; none: no neuron. Grey: published
        median and range, ten seeds. Scale: {work.scale}.""",
    )


if __name__ == "__main__":
    main()
