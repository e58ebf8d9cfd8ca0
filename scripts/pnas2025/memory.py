"""Associative memory: recall against the number of patterns, beside the Hopfield network.

A hundred neurons learn random patterns, each neuron by its own goal, from its bit of the pattern
and the other neurons. A second figure shows recall from cues with flipped bits and what recall at
random, neurons drawing their outputs, does to it.
"""

import click
import numpy as np

import infosim
from infosim import plotting
from infosim.analysis.memory import overlap_by_noise, overlap_by_step
from scripts.command import figure_script
from scripts.drawing import curve, seeds_of, spread

PRESET, HEBBIAN = "pnas/memory-heuristic", "pnas/memory-hopfield"
GOAL = "layers.memory.goal"
LOADS = (5, 10, 14, 20, 27, 35, 50, 70, 90, 110, 130, 150, 170)
#: Patterns that the goal is searched for, and for which recall from noisy cues is shown.
SEARCHED, NOISY = 160, 35
FLIPPED = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
#: Of the preset. Recall is tried at the end alone: where it fails it takes longer than training.
EPOCHS = 300
#: Steps of recall at random, as in the code of the authors' group.
STEPS = 20
HEURISTIC, REDUNDANCY, FOUND, HOPFIELD = "heuristic", "{R}{C} alone", "optimised", "Hopfield"
LOOKS = {
    HEURISTIC: {"color": "#D55E00"},
    REDUNDANCY: {"color": "#E69F00"},
    FOUND: {"color": "#0072B2"},
    HOPFIELD: {"color": "#777777"},
}
#: Overlap that counts as recalled.
RECALLED = 0.95


def run(work, kind, goal, patterns, seed):
    """The Run of a network that stores so many patterns, by a goal or as Hopfield's.

    Hopfield's learns by Hebb's rule; at random its neurons fire with σ(c).
    """
    settings = {"data.options.patterns": patterns, "training.batch": patterns}
    if kind == HOPFIELD:
        return work.run(HEBBIAN, settings | {"training.seed": seed})
    settings["training.evaluate_every"] = EPOCHS
    if goal is not None:
        settings[GOAL] = goal
    return work.run(PRESET, settings | {"training.seed": seed})


def recalls(net, patterns):
    """Mean overlap of what is recalled from the patterns: at a fixed point, and at random."""
    settled = overlap_by_noise(net, patterns, [0.0]).mean()
    drawn = overlap_by_step(net, patterns, patterns, steps=STEPS, sampled=True)[1:].mean()
    return float(settled), float(drawn)


@figure_script("pnas2025")
@click.option("--seeds", type=int, help="Seeds (laptop 5, paper 20).")
@click.option("--trials", type=int, help="Of the search for a goal (laptop 100, paper 1000).")
def main(work, seeds, trials):
    """Search, run, recall, draw."""
    smoke = work.scale == "smoke"
    seeds = seeds or work.pick(smoke=1, laptop=5, paper=20)
    trials = trials or work.pick(smoke=6, laptop=100, paper=1000)
    loads = (10, 20, 35, 60) if smoke else LOADS
    searched = 20 if smoke else SEARCHED
    sizes = {
        "data.options.patterns": searched,
        "data.options.noise": 0.0,
        "training.batch": searched,
        "training.evaluate_every": 10 if smoke else 50,
    }
    epochs = 20 if smoke else EPOCHS
    if not work.draw:
        work.search(PRESET, ["cmaes"], trials, epochs, settings=sizes)
    best = work.found("cmaes", PRESET)
    goals = {HEURISTIC: None, HOPFIELD: None, REDUNDANCY: "{R}{C}", FOUND: str(best.goal)}
    runs = {
        (name, patterns, seed): run(work, name, goal, patterns, seed)
        for name, goal in goals.items()
        for patterns in loads
        for seed in range(seeds)
    }
    work.errors(runs.values())
    work.carry_out(runs.values())
    overlaps, noisy = {}, {}
    for (name, patterns, seed), one in runs.items():
        result = infosim.load_run(work.folder(one))
        stored, net = one.experiment.dataset().train_x, result.simulator()
        overlaps.setdefault((name, patterns), []).append(recalls(net, stored))
        if patterns == NOISY:
            for sampled in (False, True):
                steps = {"max_steps": STEPS, "sampled": True} if sampled else {}
                found = overlap_by_noise(net, stored, FLIPPED, seed, **steps)
                noisy.setdefault((name, sampled), []).append(found.mean(axis=(1, 2)))
    rows = [
        {"network": kind, "patterns": patterns, "load": patterns / 100, "recall": recall}
        | spread([v[i] for v in values])
        | {"mean": float(np.mean([v[i] for v in values])), "n_seeds": len(values)}
        for (kind, patterns), values in overlaps.items()
        for i, recall in enumerate(("settled", "at random"))
    ]
    with plotting.style():
        figure = draw(rows)
    capacities = "; ".join(f"{kind} {capacity(rows, kind):.2f}" for kind in LOOKS)
    work.save(
        "memory",
        figure,
        rows,
        f"""**Recall against load.** Mean overlap with the pattern that recall began from, over
        patterns (median and range over {seeds_of(seeds)}), N = 100 neurons. Left: after neurons
        have taken their likelier outputs until nothing changes. Right: mean over {STEPS} steps in
        which they draw them. Capacity, the largest load up to which the mean overlap on the left is
        at least {RECALLED}: {capacities} patterns per neuron. Dotted: published capacities, 0.35
        (of this paper, as quoted by a later one) and 0.14 (Hopfield, for many neurons). The
        optimised goal is the best of {best.trials} trials of a search at {searched} patterns: G =
        {best.goal}. Scale: {work.scale}.""",
    )
    noise_rows = [
        {"network": kind, "recall": "at random" if sampled else "settled", "flipped": fraction}
        | spread([one[i] for one in found])
        for (kind, sampled), found in noisy.items()
        for i, fraction in enumerate(FLIPPED)
    ]
    with plotting.style():
        figure = draw_noise(noise_rows)
    work.save(
        "memory_noise",
        figure,
        noise_rows,
        f"""**Recall from cues with flipped bits.** {NOISY} patterns in 100 neurons; overlap with
        the pattern after recall (median and range over {seeds_of(seeds)}) against the fraction of
        bits of the cue that were flipped. Left: settled; right: after {STEPS} steps in which
        neurons draw their outputs. Thin grey: the overlap of the cue itself. Scale:
        {work.scale}.""",
    )


def capacity(rows, kind):
    """The largest load up to which the mean overlap of settled recall is at least RECALLED."""
    best = 0.0
    for row in rows:
        if (row["network"], row["recall"]) == (kind, "settled"):
            if row["mean"] < RECALLED:
                break
            best = row["load"]
    return best


def draw(rows):
    """Overlap against load, settled and at random."""
    figure = plotting.figure(7.0, 2.8)
    axes = figure.subplots(1, 2, sharey=True)
    titles = {"settled": "settled", "at random": f"at random, {STEPS} steps"}
    for ax, (recall, title) in zip(axes, titles.items(), strict=True):
        for kind, look in LOOKS.items():
            own = [r for r in rows if (r["network"], r["recall"]) == (kind, recall)]
            curve(ax, [r["load"] for r in own], own, kind, marker="o", **look)
        for load, label in ((0.35, "0.35"), (0.14, "0.14")):
            ax.axvline(load, color="#AAAAAA", linestyle=":", linewidth=1)
            ax.text(load, 1.06, label, ha="center", size=6.5, color="#777777")
        ax.set(xlabel="patterns per neuron", ylim=(-0.1, 1.04))
        ax.set_title(title, pad=14)
    axes[0].set_ylabel("overlap")
    axes[1].legend(loc="center right")
    return figure


def draw_noise(rows):
    """Overlap against the fraction of flipped bits."""
    figure = plotting.figure(7.0, 2.8)
    axes = figure.subplots(1, 2, sharey=True)
    for ax, recall in zip(axes, ("settled", "at random"), strict=True):
        for kind, look in LOOKS.items():
            own = [r for r in rows if (r["network"], r["recall"]) == (kind, recall)]
            curve(ax, [r["flipped"] for r in own], own, kind, marker="o", **look)
        ax.plot([0, 0.5], [1, 0], color="#AAAAAA", linewidth=0.6)
        ax.set(xlabel="fraction of bits flipped", ylim=(-0.1, 1.04), title=recall)
    axes[0].set_ylabel("overlap after recall")
    axes[1].legend(loc="center right")
    return figure


if __name__ == "__main__":
    main()
