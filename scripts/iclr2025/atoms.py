"""Atoms over training: what hidden neurons come to encode, for the heuristic and optimised goals.

Median and middle half over the neurons of all seeds, measured in the training pass, with the label
as context, in the first batch of every epoch; epoch 0 is before training.
"""

import click
import numpy as np

import infosim
from infosim import plotting
from infosim.pid import Goal
from infosim.plotting.plots import atom_looks, atoms
from scripts.drawing import seeds_of
from scripts.iclr2025.models import about, iclr_script, run

MODELS = {"Trivariate Heuristic": "heuristic goal", "Trivariate Optimized": "optimised goal"}
#: The atoms that are largest at the end in either network, and those that the goals name first.
SHOWN = ("{F}{C}{L}", "{F}{C}", "{F}{L}", "{F}", "{FC}{FL}", "{FC}", "{L}", "H_res")


@iclr_script
@click.option("--seeds", type=int, help="Seeds (laptop 3, paper 10).")
def main(work, seeds):
    """Run, read the atoms from the runs' directories, draw."""
    seeds = seeds or work.pick(smoke=1, laptop=3, paper=10)
    hidden = work.pick(smoke=20, laptop=100)
    runs = {name: [run(work, name, hidden, seed) for seed in range(seeds)] for name in MODELS}
    if not work.draw:
        work.carry_out([one for some in runs.values() for one in some])
    values, rows = {}, []
    for name, some in runs.items():
        found = [infosim.load_run(work.folder(one)) for one in some]
        labels = found[0].labels["hidden"]
        # neurons of all seeds side by side: (epochs + 1, seeds * neurons, atoms)
        values[name] = np.concatenate([one.atoms["hidden"] for one in found], axis=1)
        quantiles = np.quantile(values[name], [0.25, 0.5, 0.75], axis=1)
        for epoch in range(quantiles.shape[1]):
            if epoch > 10 and epoch % 10:
                continue  # enough to draw it from the table
            for a, label in enumerate(labels):
                low, median, high = map(float, quantiles[:, epoch, a])
                rows.append(
                    {
                        "model": name, "epoch": epoch, "atom": label, "median_bits": median,
                        "lower_quartile_bits": low, "upper_quartile_bits": high,
                    }
                )  # fmt: skip
    with plotting.style():
        figure = plotting.figure(7.0, 5.6)
        axes = figure.subplots(2, 1, sharex=True)
        looks = atom_looks(SHOWN)
        for ax, (name, title) in zip(axes, MODELS.items(), strict=True):
            atoms(values[name], labels, ax, SHOWN, title, looks)
            ax.set_title(f"{title}: {heading(name)}")
        axes[0].set_xlabel("")
    work.save(
        "atoms_over_training",
        figure,
        rows,
        f"""**Atoms over training.** Median (lines) and middle half (bands) over all hidden neurons
        of {seeds_of(seeds)}, {about(work, hidden)}; of the 18 atoms and the residual entropy H_res
        those that are largest at the end and those that weigh most in the goals. Measured in the
        training pass, label present. No published values are known for this figure. Scale:
        {work.scale}.""",
    )


def heading(name):
    """The largest terms of a model's goal."""
    goal = Goal.named(f"iclr/{name.lower().replace(' ', '-')}")
    order = np.argsort(-np.abs(goal.gamma), kind="stable")[:4]
    terms = [f"{goal.gamma[a]:+.2f} {goal.labels[a]}" for a in order if goal.gamma[a]]
    more = " …" if np.count_nonzero(goal.gamma) > len(terms) else ""
    return "G = " + " ".join(terms).replace("-", "−") + more


if __name__ == "__main__":
    main()
