"""Which goal parameters matter: ICLR 2025, Figs. 4 and 9.

Each of the 19 parameters γ of the optimised three-source goal is set to 0 or changed by 10 % or by
0.1, alone, in a network of 100 hidden neurons that is then trained anew. What counts is the
validation accuracy after the last epoch.
"""

import click
import numpy as np

from infosim import plotting
from infosim.pid import Goal
from scripts.drawing import band, seeds_found
from scripts.files import published
from scripts.iclr2025.models import BLUE, GREEN, RED, about, iclr_script

BASE = Goal.named("iclr/trivariate-optimized")
#: name in reference/iclr_gamma_sensitivity.csv -> (new γ, colour, short name)
CHANGES = {
    "Set 0": (lambda gamma: 0.0, RED, "γ = 0"),
    "Reduced by 10%": (lambda gamma: 0.9 * gamma, "#56B4E9", "0.9 γ"),
    "Increased by 10%": (lambda gamma: 1.1 * gamma, BLUE, "1.1 γ"),
    "Reduced by 0.1": (lambda gamma: gamma - 0.1, "#5DBB8A", "γ − 0.1"),
    "Increased by 0.1": (lambda gamma: gamma + 0.1, GREEN, "γ + 0.1"),
}
UNCHANGED = "(unmodified)"
#: By the published medians, the five parameters whose removal costs most.
PUBLISHED_FIVE = ("{F}{L}", "{F}{C}{L}", "{F}{C}", "{F}", "{FC}{FL}")


def goal(changes):
    """The optimised goal with some parameters changed, position -> γ, as a formula."""
    gamma = BASE.gamma.copy()
    for position, value in changes.items():
        gamma[position] = value
    return str(Goal(gamma, BASE.sources))


def run(work, changes, seed, hidden):
    """The Run of the optimised network with some parameters changed."""
    settings = {"layers.hidden.goal": goal(changes)} if changes else {}
    size = {"layers.hidden.size": hidden}
    return work.run("iclr/trivariate-optimized", size | {"training.seed": seed} | settings)


def importance(rows):
    """Parameters by what setting them to 0 costs, most first: (label, ours, published)."""
    zero = [row for row in rows if row["change"] == "Set 0" and row["n_seeds"]]
    ranked = sorted(zero, key=lambda row: -row["loss"])
    return [(row["atom"], row["loss"], row["published_loss"]) for row in ranked]


def draw_importance(rows):
    """What setting each parameter to 0 costs (Fig. 4)."""
    figure = plotting.figure(3.5, 3.9)
    ax = figure.subplots()
    zero = [row for row in rows if row["change"] == "Set 0"]
    y = np.arange(len(zero))
    loss = np.array([100 * row["loss"] for row in zero])
    ends = 100 * np.array([[r["loss"] - r["loss_min"], r["loss_max"] - r["loss"]] for r in zero]).T
    ax.barh(y, loss, 0.62, color=[RED if row["atom"] == "{F}{C}" else "#999999" for row in zero])
    ax.errorbar(loss, y, xerr=np.abs(ends), fmt="none", ecolor="#444444", elinewidth=0.6)
    theirs = [100 * row["published_loss"] for row in zero]
    ax.plot(theirs, y, "o", color="#222222", markerfacecolor="white", label="published")
    ax.set_yticks(y, [row["atom"] for row in zero])
    ax.invert_yaxis()
    ax.axvline(0, color="#444444", linewidth=0.6)
    ax.set_xlabel("loss of validation accuracy (percentage points)")
    ax.set_title("a goal parameter set to 0 (orange: the heuristic's)")
    ax.legend(loc="lower right")
    return figure


def draw_changes(rows, unchanged):
    """Every change of every parameter (Fig. 9)."""
    figure = plotting.figure(7.0, 7.6)
    ax = figure.subplots()
    atoms = list(dict.fromkeys(row["atom"] for row in rows))
    offsets = np.linspace(-0.32, 0.32, len(CHANGES))
    for (name, (_, color, label)), shift in zip(CHANGES.items(), offsets, strict=True):
        chosen = [row for row in rows if row["change"] == name]
        y = np.array([atoms.index(row["atom"]) for row in chosen]) + shift
        middle = np.array([100 * row["median"] for row in chosen])
        ends = [
            middle - [100 * row["min"] for row in chosen],
            [100 * row["max"] for row in chosen] - middle,
        ]
        ax.errorbar(middle, y, xerr=ends, fmt="o", color=color, elinewidth=0.8, label=label)
        theirs = {"color": color, "linewidth": 3.5, "alpha": 0.28}
        low = [100 * row["published_q1"] for row in chosen]
        high = [100 * row["published_q3"] for row in chosen]
        ax.hlines(y, low, high, label="published quartiles" if shift > 0.3 else None, **theirs)
    middle, low, high = (100 * value for value in unchanged)
    ax.axvline(middle, color="#444444", linestyle=(0, (4, 2)), linewidth=0.8)
    ax.axvspan(low, high, color="#000000", alpha=0.07, linewidth=0, label="unmodified")
    ax.set_yticks(range(len(atoms)), atoms)
    ax.set_ylim(len(atoms) - 0.4, -0.6)
    for edge in np.arange(0.5, len(atoms) - 1):
        ax.axhline(edge, color="#DDDDDD", linewidth=0.5)
    ax.set_xlabel("validation accuracy after training (%)")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 1.06), ncol=7)
    return figure


@iclr_script
@click.option("--seeds", type=int, help="Seeds of each change (laptop 1, paper 10).")
@click.option("--zero-seeds", type=int, help="Seeds where a parameter is 0 (as --seeds).")
def main(work, seeds, zero_seeds):
    """Run, summarise, draw."""
    seeds = seeds or work.pick(smoke=1, laptop=1, paper=10)
    zero_seeds = max(seeds, zero_seeds or seeds)
    hidden = work.pick(smoke=20, laptop=100)
    positions = (1, 11) if work.scale == "smoke" else range(len(BASE.gamma))
    runs = {(UNCHANGED, None): [run(work, {}, seed, hidden) for seed in range(10)]}
    for name, (change, _, _) in CHANGES.items():
        for a in positions:
            value = float(change(BASE.gamma[a]))
            runs[name, a] = [run(work, {a: value}, seed, hidden) for seed in range(10)]
    asked = [
        some[seed]
        for seed in range(zero_seeds)
        for (name, _), some in runs.items()
        if name in ("Set 0", UNCHANGED) or seed < seeds
    ]
    known = work.errors(asked, [one for some in runs.values() for one in some])
    accuracies = {
        key: [1 - known[run.key].val for run in some if run.key in known]
        for key, some in runs.items()
    }
    unchanged = band(accuracies[UNCHANGED, None])
    rows = summarise(accuracies, accuracies[UNCHANGED, None])
    counts = {}
    for (name, _), values in accuracies.items():
        counts.setdefault(name, []).append(len(values))
    told = {name: seeds_found(some) for name, some in counts.items()}
    common = f"""Three-source network, goal iclr/trivariate-optimized, {about(work, hidden)}.
        Unmodified: {told[UNCHANGED]}; with a parameter at 0: {told["Set 0"]};
        other changes: {told["Increased by 0.1"]} (published: ten seeds).
        Scale: {work.scale}."""
    with plotting.style():
        importances, changes = draw_importance(rows), draw_changes(rows, unchanged)
    work.save(
        "fig4_importance",
        importances,
        [row for row in rows if row["change"] == "Set 0"],
        f"""**What setting one goal parameter to 0 costs.** Median validation accuracy of the
        unmodified network minus the median with the parameter at 0, of the same seeds; positive is
        a loss. Lines: range over seeds. Circles: published, relative to the published mean of
        unmodified runs. {common}""",
    )
    work.save(
        "fig9_sensitivity",
        changes,
        rows,
        f"""**Validation accuracy when one goal parameter is changed.** Points and lines: our median
        and range over seeds. Broad bars: published quartiles. Grey band and dashed line: our range
        and median of unmodified networks. {common}""",
    )


def summarise(accuracies, unmodified):
    """A row for each parameter and change, ours beside the published one.

    Its deviation is that of the medians, in units of the range of the published whiskers.

    accuracies : (change, parameter) -> of seeds 0, 1, ...; unmodified : likewise
    """
    reference = {
        (row["modification"], int(row["gamma_index"])): row
        for row in published("iclr_gamma_sensitivity")
    }
    base = next(float(r["median_val_acc"]) for (_, a), r in reference.items() if a < 0)
    rows = []
    for (name, a), values in accuracies.items():
        if a is None:
            continue
        theirs = reference[name, a]
        median, low, high = band(values)
        # of the same seeds, or the luck of one would count for all parameters
        before = np.median(unmodified[: len(values)]) if values else np.nan
        middle = float(theirs["median_val_acc"])
        width = float(theirs["whisker_high"]) - float(theirs["whisker_low"])
        rows.append(
            {
                "atom": BASE.labels[a],
                "change": name,
                "gamma": float(CHANGES[name][0](BASE.gamma[a])),
                "n_seeds": len(values),
                "median": median,
                "min": low,
                "max": high,
                "loss": before - median,
                "loss_min": before - high,
                "loss_max": before - low,
                "published_median": middle,
                "published_q1": float(theirs["q1_val_acc"]),
                "published_q3": float(theirs["q3_val_acc"]),
                "published_loss": base - middle,
                "deviation": (median - middle) / width,
            }
        )
    return rows


if __name__ == "__main__":
    main()
