"""Classical goals beside redundancy: recall, what neurons tell, and a goal between the two.

Figure 3 B to D of arXiv 2511.02584: the goals redundancy, I(Y:R) and co-information.
"""

import numpy as np

from infosim import plotting
from scripts.drawing import curve, seeds_found
from scripts.memory2025 import networks

KINDS = {
    "redundancy": networks.SOFT,
    "I(Y:R)": networks.INFORMATION,
    "co-information": networks.COINFORMATION,
    "co-information, hard bins": networks.changed(
        networks.HARD, layers__memory__goal="{R}{C} - {RC}"
    ),
}
OVERLAP = {
    "co-information, hard bins": {"color": "#406ee1", "linestyle": ":"},
    "co-information": {"color": "#406ee1"},
    "I(Y:R)": {"color": "#30be80"},
    "redundancy": {"color": "#c93b9b"},
}
#: The published capacity of the goal I(Y:R).
CAPACITY_OF_INFORMATION = 1.62
#: γ of what is unique to R, in the goal γ {R} + {R}{C}.
GAMMAS = (np.arange(-10, 11) / 10).tolist()


@networks.figure()
def main(work, seeds):
    """Train, recall, find capacities, draw."""
    found = networks.memories(work, KINDS, networks.loads(work), seeds)
    rows = networks.measured(found, overlap=networks.overlap_at_end)
    rows += networks.measured(
        {"I(Y:R)": found["I(Y:R)"]},
        **{
            "{R}{C} + {R}": lambda one: one.atoms["{R}{C}"] + one.atoms["{R}"],
            "{R}{C}": lambda one: one.atoms["{R}{C}"],
            "{R}": lambda one: one.atoms["{R}"],
        },
    )
    gammas = work.pick(smoke=GAMMAS[::20], laptop=GAMMAS[::2], paper=GAMMAS)
    goals = {
        gamma: networks.changed(networks.HARD, layers__memory__goal=f"{gamma:g} {{R}} + {{R}}{{C}}")
        for gamma in gammas
    }
    known = networks.capacities(work, goals, seeds, networks.BEGIN)
    capacity = [
        {"memory": "γ {R} + {R}{C}", "load": row.pop("memory"), "quantity": "capacity"}
        | {name: value for name, value in row.items() if name != "standard_error"}
        for row in networks.capacity_rows(networks.of_same_seeds(known))
    ]
    with plotting.style():
        figure = draw(rows, capacity)
    work.save(
        "classical",
        figure,
        [*rows, *capacity],
        f"""**Classical goals.** **a** Mean overlap after recall of networks that learn by the goals
        redundancy, I(Y:R) and co-information (R: the neuron's bit of the pattern, T in the paper),
        soft bins; of the last also with hard ones. **b** After 5000 epochs with the goal I(Y:R):
        I(Y:R) itself (solid), and of it redundancy and what R alone tells (dashed). **c** Capacity
        (bisection to 0.02 N, here with 60 adaptive hard bins) by the goal γ{{R}} + {{R}}{{C}}, from
        redundancy less what is unique (γ = −1) over redundancy (0) to I(Y:R) (1); `load` of these
        rows of the table is γ. Lines: medians, shaded from the least to the largest of
        {seeds_found([row["n_seeds"] for row in [*rows, *capacity]])}. Dashed: published loads, α_H
        = {networks.HEBBIAN_LOAD} (black), the capacity {CAPACITY_OF_INFORMATION} of I(Y:R) (red).
        Scale: {work.scale}.""",
    )


def draw(rows, capacity):
    """Recall, information, capacity."""
    figure = plotting.figure(7.0, 2.4)
    recall, told, by_gamma = figure.subplots(1, 3)
    networks.curves(recall, rows, "overlap", OVERLAP)
    recall.set(title="a  recall", ylim=(-0.1, 1.08), ylabel="overlap")
    recall.legend(loc="center", bbox_to_anchor=(0.44, 0.55), fontsize=6)
    own = {"I(Y:R)": {"color": "#30be80"}}
    networks.curves(told, rows, "{R}{C} + {R}", own)
    for atom in ("{R}{C}", "{R}"):
        networks.curves(
            told, rows, atom, {"I(Y:R)": {"color": networks.LOOKS[atom], "linestyle": "--"}}
        )
    for line, name in zip(told.lines, ("I(Y:R)", "{R}{C}", "{R}"), strict=True):
        line.set_label(name)
    told.legend(loc="center left", bbox_to_anchor=(0.1, 0.55))
    told.set(title="b  goal I(Y:R)", ylim=(-0.5, 1.05), ylabel="bits")
    for ax in (recall, told):
        ax.set(xlim=(0, 2.05), xlabel="patterns per neuron")
        networks.mark(ax, networks.HEBBIAN_LOAD, CAPACITY_OF_INFORMATION)
    curve(by_gamma, [row["load"] for row in capacity], capacity, None, "#30be80", marker="o")
    by_gamma.axvline(0, color="#000000", linestyle="--", linewidth=0.8)
    by_gamma.set(title="c  goal γ{R} + {R}{C}", ylim=(0.8, 1.8), xlabel="γ")
    by_gamma.set_ylabel("capacity (patterns per neuron)")
    return figure


if __name__ == "__main__":
    main()
