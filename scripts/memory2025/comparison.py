"""The goals beside classical rules: recall, patterns recalled, and stability against noise.

Figure 5 of arXiv 2511.02584: Hebb, Descent L2, minimum probability flow, the goal redundancy and
the optimised goal (i), with soft bins as published.
"""

from infosim import plotting
from scripts.drawing import seeds_found
from scripts.memory2025 import networks

KINDS = {
    "Hebb": networks.HEBB,
    "Descent L2": networks.DESCENT,
    "Descent L2, λ = 0.5": networks.changed(networks.DESCENT, network__rule__gain=0.5),
    "MPF": networks.FLOW,
    "redundancy": networks.SOFT,
    "Optim (i)": networks.OPTIMISED_1,
}
LOOKS = {
    "Hebb": {"color": "#1a1a1a"},
    "Descent L2": {"color": "#d0a807"},
    "MPF": {"color": "#406ee1"},
    "redundancy": {"color": "#c93b9b"},
    "Optim (i)": {"color": "#1dbd68"},
}
#: What noise is tried with: λ of Descent L2 is another one there, and networks of goals are trained
#: `for_noise`. Beside these the networks of the other panels are drawn.
NOISY = {
    "Hebb": LOOKS["Hebb"],
    "Descent L2, λ = 0.5": LOOKS["Descent L2"],
    "MPF": LOOKS["MPF"],
    **{f"{name}, for noise": LOOKS[name] for name in ("redundancy", "Optim (i)")},
}
QUIET = {name: LOOKS[name] | {"linestyle": ":"} for name in ("redundancy", "Optim (i)")}


def for_noise(kind, units, crowded):
    """The kind as the paper trains networks of goals for its figure of noise stability.

    Neurons learn from states that are drawn once, in batches of as many patterns as there are
    neurons if there are more of them (`crowded`). The paper's initial weights are symmetric and
    normal, (A + Aᵀ) / 2N; ours have their standard deviation, 1 / √2 N.
    """
    batches = {"training__batch": units, "training__shuffle": True} if crowded else {}
    scale = round((1.5 / units) ** 0.5, 4)  # of weights that are drawn up to 1 / √N
    initial = {"layers__memory__compartments__C__scale": scale}
    return networks.changed(kind, network__steps=2, **initial, **batches)


@networks.figure()
def main(work, seeds):
    """Train, recall, draw."""
    kinds, at = KINDS, networks.loads(work)
    if work.scale == "smoke":
        kinds = KINDS | {"MPF": networks.changed(networks.FLOW, training__epochs=1)}
    found = networks.memories(work, kinds, at, seeds)
    units = work.settings.get("data.options.units", 100)
    found |= {name: {} for name in NOISY if name not in KINDS}
    for crowded in work.pick(laptop=(False,), paper=(False, True)):
        noisy = {f"{name}, for noise": for_noise(KINDS[name], units, crowded) for name in QUIET}
        own = networks.memories(work, noisy, [load for load in at if (load > 1) == crowded], seeds)
        for name, by_load in own.items():
            found[name] |= by_load
    rows = networks.measured(
        found,
        overlap=networks.overlap_at_end,
        accuracy=networks.accuracy_at_end,
        stability=lambda one: one.stability,
    )
    with plotting.style():
        figure = draw(rows)
    work.save(
        "comparison",
        figure,
        rows,
        f"""**Goals beside classical rules.** 100 neurons. **a** Mean overlap after recall from the
        patterns. **b** Part of the patterns that are recalled with an overlap of at least 0.95.
        **c** The largest part of its bits that may be flipped for a pattern to be recalled, by the
        published protocol (50 synchronous steps, a pattern drawn for each number of bits). For this
        panel the paper trains Descent L2 with λ = 0.5 instead of 1, and networks of goals from
        states that are drawn at random once, in batches of N patterns, from larger initial weights;
        so are these (solid{"" if work.scale == "paper" else ", up to a load of 1"}), and dotted are
        those of a. Lines: medians, shaded from the least to the largest of
        {seeds_found([row["n_seeds"] for row in rows])}. Dashed: published loads, α_H =
        {networks.HEBBIAN_LOAD} (black) and α_c = {networks.CAPACITY} of the goal redundancy (red).
        Scale: {work.scale}.""",
    )


def draw(rows):
    """The three panels."""
    figure = plotting.figure(7.0, 2.4)
    panels = (
        ("overlap", LOOKS, "a  recall", "overlap", (-0.1, 1.08)),
        ("accuracy", LOOKS, "b  patterns recalled", "part of patterns", (-0.05, 1.05)),
        ("stability", NOISY, "c  noise stability", "part of bits flipped", (0, 0.5)),
    )
    axes = figure.subplots(1, 3)
    for ax, (quantity, looks, title, said, limits) in zip(axes, panels, strict=True):
        networks.curves(ax, rows, quantity, looks)
        if quantity == "stability":
            networks.curves(ax, rows, quantity, QUIET)
        networks.mark(
            ax, networks.HEBBIAN_LOAD, *([networks.CAPACITY] if quantity != "stability" else [])
        )
        ax.set(title=title, xlim=(0, 2.05), ylim=limits, xlabel="patterns per neuron", ylabel=said)
    axes[2].legend(loc="upper right")
    return figure


if __name__ == "__main__":
    main()
