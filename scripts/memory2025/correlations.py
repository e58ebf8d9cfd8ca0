"""Capacity for patterns whose bits are not independent, by a goal and by Hebb's rule.

The appendix on correlations of arXiv 2511.02584: along the neurons a pattern is a Markov chain, in
which a bit repeats the one before it with a probability p.
"""

from infosim import plotting
from infosim.experiments.loads import Bisection
from scripts.drawing import curve, seeds_found
from scripts.memory2025 import networks

#: p, the probability that a bit repeats the one before.
REPEATS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85)
#: Memory -> colour, what is published for p = 0.5, limits of the axis.
LOOKS = {
    "redundancy": ("#c93b9b", networks.CAPACITY, (0, 3.4)),
    "Hebb": ("#1a1a1a", networks.HEBBIAN_LOAD, (0, 0.2)),
}


@networks.figure()
def main(work, seeds):
    """Find capacities, draw."""
    repeats = REPEATS[::7] if work.scale == "smoke" else REPEATS
    kinds, tries = {}, {}
    for repeat in repeats:
        kinds["redundancy", repeat] = networks.changed(networks.HARD, data__options__repeat=repeat)
        kinds["Hebb", repeat] = networks.changed(networks.HEBB, data__options__repeat=repeat)
        tries["redundancy", repeat] = networks.BEGIN
        tries["Hebb", repeat] = Bisection(guess=networks.HEBBIAN_LOAD, within=0.01)
    rows = [
        {"memory": row["memory"][0], "repeat": row["memory"][1]}
        | {key: value for key, value in row.items() if key != "memory"}
        for row in networks.capacity_rows(networks.capacities(work, kinds, seeds, tries))
    ]
    with plotting.style():
        figure = draw(rows)
    work.save(
        "correlations",
        figure,
        rows,
        f"""**Capacity for correlated patterns.** The bits of a pattern are a Markov chain along the
        neurons: each is that of the neuron before it with probability p. Medians and ranges of
        {seeds_found([row["n_seeds"] for row in rows])}, N = 100; goal redundancy with 60 adaptive
        hard bins (bisection to 0.02 N), and Hebb's rule (to a pattern). Dashed: published
        capacities for p = 0.5, {networks.CAPACITY} (soft bins) and {networks.HEBBIAN_LOAD}. Scale:
        {work.scale}.""",
    )


def draw(rows):
    """Capacity against p, both memories."""
    figure = plotting.figure(5.0, 2.3)
    for ax, (name, (color, known, limits)) in zip(
        figure.subplots(1, 2), LOOKS.items(), strict=True
    ):
        own = [row for row in rows if row["memory"] == name]
        curve(ax, [row["repeat"] for row in own], own, name, color, marker="o", markersize=3)
        ax.axhline(known, color="#777777", linestyle="--", linewidth=0.8)
        ax.set(title=name, ylim=limits, xlabel="p, a bit repeats the one before")
        ax.set_ylabel("capacity (patterns per neuron)")
    return figure


if __name__ == "__main__":
    main()
