"""Deeper networks: one to three hidden layers, each neuron with its own goal.

The paper mentions that deeper networks were trained, without settings or results; so nothing
published is drawn here. Every hidden layer reads the one below, has the label as context and
lateral connections among all its neurons. The same architecture with backpropagation is beside it.
"""

import click
import numpy as np

from infosim import plotting
from scripts.drawing import seeds_found, spread
from scripts.iclr2025.models import BLUE, DASHDOT, DASHED, RED, about, iclr_script

#: name -> (presets with one, two and three hidden layers; goal, if not the presets'; look)
_INFOMORPHIC = "iclr/trivariate-optimized", "iclr/two-hidden-layers", "iclr/three-hidden-layers"
_BACKPROP = (
    "iclr/backprop", "iclr/backprop-two-hidden-layers", "iclr/backprop-three-hidden-layers"
)  # fmt: skip
MODELS = {
    "optimised goal": (_INFOMORPHIC, None, {"color": RED}),
    "heuristic goal": (
        _INFOMORPHIC, "iclr/trivariate-heuristic", {"color": RED, "linestyle": DASHED},
    ),
    "hierarchical goal": (_INFOMORPHIC, "iclr/hierarchical", {"color": RED, "linestyle": DASHDOT}),
    "backpropagation": (_BACKPROP, None, {"color": BLUE}),
}  # fmt: skip
SPLITS = {"train": "training error (%)", "test": "test error (%)"}


def run(work, model, depth, hidden, seed):
    """The Run of a model with so many hidden layers of so many neurons."""
    presets, goal, _ = MODELS[model]
    names = ["hidden"] if depth == 1 else [f"hidden{i}" for i in range(1, depth + 1)]
    settings = {f"layers.{name}.size": hidden for name in names}
    if goal is not None:
        settings |= {f"layers.{name}.goal": goal for name in names}
    return work.run(presets[depth - 1], settings | {"training.seed": seed})


@iclr_script
@click.option("--seeds", type=int, help="Seeds (laptop 2, paper 10).")
def main(work, seeds):
    """Run, summarise, draw."""
    seeds = seeds or work.pick(smoke=1, laptop=2, paper=10)
    sizes = (20,) if work.scale == "smoke" else (100, 500) if work.scale == "paper" else (100,)
    runs = {
        (model, depth, n, seed): run(work, model, depth, n, seed)
        for seed in range(10)
        for n in sizes
        for depth in (1, 2, 3)
        for model in MODELS
    }
    known = work.errors([one for key, one in runs.items() if key[3] < seeds], runs.values())
    rows, counts = [], []
    for model, depth, n, seed in runs:
        if seed:
            continue
        keys = [runs[model, depth, n, s].key for s in range(10)]
        found = [known[key] for key in keys if key in known]
        counts.append(len(found))
        for split in SPLITS:
            values = [getattr(one, split) for one in found]
            rows.append(
                {"model": model, "hidden_layers": depth, "neurons_each": n, "split": split}
                | {"n_seeds": len(found)}
                | spread(values)
            )
    with plotting.style():
        figure = draw(rows, sizes[0])
    each = " or ".join(map(str, sizes))
    work.save(
        "deeper_networks",
        figure,
        rows,
        f"""**Deeper networks.** Error (median, range) against the number of hidden layers,
        {about(work, each)} in each layer; {seeds_found(counts)}. Goals: the published optimised
        one, the heuristic {{F}}{{C}}, and the one named hierarchical in the later code of the
        authors, the same in all hidden layers. Drawn: {sizes[0]} neurons in each layer. No
        published values are known. Scale: {work.scale}.""",
    )


def draw(rows, n):
    """Training and test error against depth."""
    ticks = (1, 2, 5, 10, 20, 50, 100)
    figure = plotting.figure(7.0, 3.2)
    axes = figure.subplots(1, 2, sharey=True)
    for (split, label), ax in zip(SPLITS.items(), axes, strict=True):
        for i, (model, (_, _, look)) in enumerate(MODELS.items()):
            own = [
                r for r in rows
                if (r["model"], r["split"], r["neurons_each"]) == (model, split, n)
            ]  # fmt: skip
            x = np.array([r["hidden_layers"] for r in own]) + 0.03 * (i - 1.5)
            middle, low, high = (
                100 * np.array([r[name] for r in own]) for name in ("median", "min", "max")
            )
            ends = [middle - low, high - middle]
            ax.errorbar(x, middle, ends, marker="o", label=model, elinewidth=0.8, **look)
        ax.set(xlabel="hidden layers", ylabel=label, yscale="log", ylim=(1, 100))
        ax.set_xticks([1, 2, 3])
        ax.set_yticks(ticks, map(str, ticks))
        ax.minorticks_off()
    axes[0].legend(loc="upper left", handlelength=5)
    return figure


if __name__ == "__main__":
    main()
