"""From the first infomorphic memory to the optimised one, step by step: capacities.

The ablation of arXiv 2511.02584, seven memories of which each is the one before it with one change,
and other readings of those steps that the sources leave open.
"""

from dataclasses import replace

import numpy as np

from infosim import plotting
from scripts.drawing import seeds_found
from scripts.memory2025 import networks

_PATTERN, _LATERAL = "layers__memory__compartments__R", "layers__memory__compartments__C"
_DESCENT = {"layers__memory__optimizer": {"name": "sgd", "rate": 0.1}}
_RANDOM = {"recall__sampled": True, "recall__max_steps": 20}
_FIRST = networks.changed(
    networks.HARD,
    **_DESCENT,
    **{f"{_PATTERN}__weight": 1.0, f"{_PATTERN}__trainable": True, f"{_LATERAL}__scale": 1.0},
)
_FROZEN = networks.changed(_FIRST, **{f"{_PATTERN}__trainable": False})

#: The published steps and their means; the capacity that bisection begins with.
LADDER = {
    "ablated": (_FIRST._replace(test="drawn"), 0.40),
    "+ determ. recall": (_FIRST, 0.89),
    "+ w_T frozen": (_FROZEN, 0.92),
    "+ w_T = 2.3": (networks.changed(networks.HARD, **_DESCENT), 1.35),
    "+ Adam": (networks.HARD, 1.65),
    "+ soft bins": (networks.SOFT, 1.60),
    "+ Optim (ii)": (networks.OPTIMISED_2, 1.69),
}
#: Other readings of a step: of which, what is read otherwise.
READINGS = {
    "drawn, against the pattern": ("ablated", networks.changed(_FIRST, **_RANDOM)),
    "small initial weights": (
        "+ determ. recall", networks.changed(_FIRST, **{f"{_LATERAL}__scale": 1e-3}),
    ),
    "small initial weights, frozen": (
        "+ w_T frozen", networks.changed(_FROZEN, **{f"{_LATERAL}__scale": 1e-3}),
    ),
    "initial weights not small": (
        "+ w_T = 2.3", networks.changed(networks.HARD, **_DESCENT, **{f"{_LATERAL}__scale": 1.0}),
    ),
}  # fmt: skip
#: Makkeh et al. 2025, as the paper quotes it.
BEFORE = 0.35


@networks.figure()
def main(work, seeds):
    """Find capacities, draw."""
    steps = {name: step for name, (step, _) in LADDER.items()}
    kinds: dict[str, networks.Kind] = steps | {name: kind for name, (_, kind) in READINGS.items()}
    guesses = {name: mean for name, (_, mean) in LADDER.items()}
    guesses |= {name: guesses[step] for name, (step, _) in READINGS.items()}
    tries = {name: replace(networks.BEGIN, guess=guess) for name, guess in guesses.items()}
    rows = [
        row
        | {"step": READINGS[row["memory"]][0] if row["memory"] in READINGS else row["memory"]}
        | {"published": guesses[row["memory"]]}
        for row in networks.capacity_rows(networks.capacities(work, kinds, seeds, tries))
    ]
    with plotting.style():
        figure = draw(rows)
    work.save(
        "ablation",
        figure,
        rows,
        f"""**From an ablated memory to the optimised one.** Capacity, the largest load with a mean
        overlap of at least 0.95 after recall (N = 100, bisection to 0.02 N), of memories each of
        which is the one before it with a change. Bars: our means, with their standard errors, over
        {seeds_found([row["n_seeds"] for row in rows])}; diamonds: published means of 20; grey
        dots: other readings of that step (`readings` in the table). Ablated: gradient ascent with
        rate 0.1, a trained weight of the pattern that begins with 1, initial weights up to 1/√N,
        adaptive hard bins, and the mean overlap of 20 steps in which neurons draw their outputs
        with a first such state.
        Dashed: the capacity of {BEFORE} that the paper quotes of the memory before it. Scale:
        {work.scale}.""",
    )


def draw(rows):
    """A bar for each step."""
    figure = plotting.figure(7.0, 2.5)
    ax = figure.subplots()
    names = list(LADDER)
    for row in rows:
        x = names.index(row["step"])
        if row["memory"] in READINGS:
            ax.plot(x + 0.3, row["mean"], "o", color="#777777", markersize=3)
            continue
        error = 0 if np.isnan(row["standard_error"]) else row["standard_error"]
        ax.bar(x, row["mean"], 0.55, yerr=error, color="#c93b9b", alpha=0.75)
        ax.plot(x, row["published"], "D", color="black", markerfacecolor="white", markersize=4)
        ax.text(x, 0.04, f"{row['mean']:.2f}", ha="center", color="white", fontsize=7)
    ax.plot([], [], "D", color="black", markerfacecolor="white", markersize=4, label="published")
    ax.plot([], [], "o", color="#777777", markersize=3, label="other readings")
    ax.axhline(BEFORE, color="#777777", linestyle="--", linewidth=0.8, label="Makkeh et al. 2025")
    ax.set_xticks(range(len(names)), names, fontsize=7)
    ax.set(ylabel="capacity (patterns per neuron)", ylim=(0, 1.9))
    ax.legend(loc="upper left")
    return figure


if __name__ == "__main__":
    main()
