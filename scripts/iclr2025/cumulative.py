"""Goal parameters removed one after another: ICLR 2025, cumulative ablation.

From the optimised three-source goal of 100 hidden neurons, parameters are set to 0 in the published
order, that of increasing importance, until none is left. Training error is that of the last pass.
"""

import click
import numpy as np

from infosim import plotting
from scripts.drawing import band, seeds_found
from scripts.files import published
from scripts.iclr2025.models import BLUE, GREEN, RED, about, iclr_script
from scripts.iclr2025.sensitivity import BASE, run

#: In the published order; each is removed in addition to those before it.
ORDER = (4, 16, 10, 17, 5, 9, 8, 14, 18, 13, 12, 6, 15, 3, 7, 1, 0, 2, 11)
SPLITS = {"test": ("test", RED), "val": ("validation", GREEN), "train": ("training", BLUE)}


def draw(rows):
    """The figure: error against the parameter removed last."""
    figure = plotting.figure(7.0, 3.4)
    ax = figure.subplots()
    for shift, (split, (label, color)) in zip((-0.18, 0, 0.18), SPLITS.items(), strict=True):
        chosen = [row for row in rows if row["split"] == split]
        x = np.array([row["n_removed"] for row in chosen])
        for prefix, look in (
            ("", {"fmt": "o-", "label": label, "linewidth": 1.0, "elinewidth": 0.8}),
            (
                "published_",
                {
                    "fmt": "o", "label": f"{label}, published", "markerfacecolor": "white",
                    "elinewidth": 0.5, "alpha": 0.75,
                },
            ),
        ):  # fmt: skip
            middle, low, high = (
                np.array([100 * row[f"{prefix}{name}"] for row in chosen])
                for name in ("median", "min", "max")
            )
            place = x + shift + (0.09 if prefix else 0)
            ax.errorbar(place, middle, [middle - low, high - middle], color=color, **look)
    ax.set_yscale("log")
    ax.set_yticks([3, 5, 10, 20, 50, 100], ["3", "5", "10", "20", "50", "100"])
    ax.set_yticks([], minor=True)
    ax.grid(axis="y")
    names = ["none", *(BASE.labels[a] for a in ORDER)]
    ax.set_xticks(range(len(names)), names, rotation=60, ha="right", rotation_mode="anchor")
    ax.set_xlabel("goal parameter set to 0 last, in addition to those before")
    ax.set_ylabel("error (%)")
    ax.legend(loc="upper left", ncol=2)
    return figure


@iclr_script
@click.option("--seeds", type=int, help="Seeds (laptop 3, paper 10).")
def main(work, seeds):
    """Run, summarise, draw."""
    seeds = seeds or work.pick(smoke=1, laptop=3, paper=10)
    hidden = work.pick(smoke=20, laptop=100)
    steps = (0, 15, 17, 19) if work.scale == "smoke" else range(len(ORDER) + 1)
    runs = {
        (k, seed): run(work, dict.fromkeys(ORDER[:k], 0.0), seed, hidden)
        for seed in range(10)
        for k in steps
    }
    known = work.errors([one for (_, seed), one in runs.items() if seed < seeds], runs.values())
    reference = {
        (int(row["n_zeroed"]), row["split"][:3]): row
        for row in published("iclr_cumulative_zero_gamma")
    }
    rows, counts = [], []
    for k in steps:
        found = [known[runs[k, s].key] for s in range(10) if runs[k, s].key in known]
        counts.append(len(found))
        for split in SPLITS:
            theirs = reference[k, split[:3]]
            ours = band([getattr(one, split) for one in found])
            rows.append(
                {
                    "n_removed": k,
                    "removed_last": BASE.labels[ORDER[k - 1]] if k else "",
                    "split": split,
                    "n_seeds": len(found),
                    **dict(zip(("median", "min", "max"), ours, strict=True)),
                    **{
                        f"published_{name}": float(theirs[f"{name}_error"])
                        for name in ("median", "min", "max")
                    },
                }
            )
    with plotting.style():
        figure = draw(rows)
    work.save(
        "cumulative_removal",
        figure,
        rows,
        f"""**Goal parameters removed one after another.** Error (median, range over seeds) of the
        three-source network with goal iclr/trivariate-optimized when its parameters are set to 0 in
        the published order; at the right none is left. {about(work, hidden)},
        {seeds_found(counts)}. Open circles: published (ten seeds). Scale: {work.scale}.""",
    )


if __name__ == "__main__":
    main()
