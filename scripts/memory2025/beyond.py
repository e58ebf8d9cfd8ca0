"""What raises the capacity of an associative memory beyond the published one, and what does not.

Memories that learn by redundancy with hard bins, each with one change, goals of the published
search, and a search of our own whose value is the capacity; beside the loads that theory allows.
"""

import click
import numpy as np
from scipy.stats import binom, norm

from infosim import plotting
from infosim.experiments.loads import Bisection
from infosim.extras import need
from scripts.drawing import seeds_found
from scripts.memory2025 import networks

#: Goals that the published search came to, γ in the order of `GAMMAS`.
CANDIDATES = {
    "a": (0.06, -0.16, 0.78, -0.08, -0.37),
    "b": (0.43, -0.51, 0.72, -0.65, -0.05),
    "c": (0.84, 0.16, 0.92, 0.36, -0.46),
    "Optim (i)": (-0.27, -0.68, 0.68, -0.77, -0.80),
    "e": (0.41, -0.08, 0.80, -0.17, 0.04),
    "f": (0.26, -0.38, 0.78, -0.40, -0.34),
    "Optim (ii)": (0.48, -0.16, 0.25, 0.04, -0.63),
    "Optim (iii)": (-0.07, -0.31, 0.41, -0.17, -0.65),
    "i": (0.52, -0.41, 0.94, -0.31, 0.57),
    "j": (0.18, -0.36, 0.68, -0.51, -0.17),
}
REDUNDANCY = (0.0, 0.0, 1.0, 0.0, 0.0)
BINNING, OPTIMIZER = "layers__memory__binning__bins", "layers__memory__optimizer__rate"


def _more(bins):
    """A number of bins that grows to 60 in the first half of training: they become narrower."""
    return {"from": bins, "to": 60, "until": 2500}


CHANGES = {
    "as it is": networks.HARD,
    "recall one by one": networks.changed(networks.HARD, recall__update="sequential"),
    "learning after a random step": networks.changed(networks.HARD, network__steps=2),
    "learning after 4 random steps": networks.changed(networks.HARD, network__steps=5),
    "initial weights × 1000": networks.changed(
        networks.HARD, layers__memory__compartments__C__scale=1.0
    ),
    "weight of the pattern 1.5": networks.changed(
        networks.HARD, layers__memory__compartments__R__weight=1.5
    ),
    "weight of the pattern 3": networks.changed(
        networks.HARD, layers__memory__compartments__R__weight=3.0
    ),
    "15 bins": networks.changed(networks.HARD, **{BINNING: [2, 15]}),
    "240 bins": networks.changed(networks.HARD, **{BINNING: [2, 240]}),
    "rate 0.01": networks.changed(networks.HARD, **{OPTIMIZER: 0.01}),
    "rate falls to 0.001": networks.changed(
        networks.HARD, **{OPTIMIZER: {"from": 0.05, "to": 0.001, "until": 5000, "shape": "cosine"}}
    ),
    "20000 epochs": networks.changed(networks.HARD, training__epochs=20000),
    "4 bins": networks.changed(networks.HARD, **{BINNING: [2, 4]}),
    "4, later 60 bins": networks.changed(networks.HARD, **{BINNING: [2, _more(4)]}),
    "soft bins": networks.SOFT,
    "15, later 60 soft bins": networks.changed(networks.SOFT, **{BINNING: [2, _more(15)]}),
}
#: Memories whose noise stability is shown, and the loads.
NOISY = {
    "as it is": "#c93b9b", "learning after a random step": "#406ee1",
    "learning after 4 random steps": "#0b2a7a", "weight of the pattern 3": "#d0a807",
    "Optim (i)": "#1dbd68",
}  # fmt: skip
LOADS = (0.11, 0.21, 0.31, 0.51, 0.71, 1.01, 1.31)
#: Published goals with the soft bins that they were searched for with.
PUBLISHED = {
    f"{name}, soft bins": networks.with_goal(networks.SOFT, CANDIDATES[name])
    for name in ("Optim (i)", "Optim (ii)", "Optim (iii)")
}
SOFTLY = "published goals, soft bins"
#: What any weights could do without errors.
CEILING = "any weights, no errors, N = 100"
#: Where our search begins and how it steps; its networks are small, of so many seeds, and their
#: capacities coarse; so many of its goals are judged. With hard bins most goals come to the same.
_START, _STEP, _GENERATION = "Optim (ii)", 0.2, 8
_UNITS, _SEEDS, _TRIES = 50, 3, Bisection(guess=1.4, within=0.05)
JUDGED = 3
OURS = "our search"
#: Seeds that are looked for.
_TOLD = 5


def replica_symmetric(wrong):
    """The largest load at which perceptrons get all bits right but this part of them.

    Gardner and Derrida 1988 (J. Phys. A 21, 271) without a margin: α ∫ z² Dz from -x to 0 is 1
    where x is what wrong = Φ(-x) says. Without errors it is 2. Replica symmetry is broken, so that
    this is more than is possible.
    """
    x = -norm.ppf(wrong)
    return 2.0 if np.isinf(x) else float(1 / (norm.cdf(x) - 0.5 - x * norm.pdf(x)))


def half_separable(neurons):
    """The largest load at which half of all networks have weights without errors.

    Cover 1965 counts the bits of M patterns that D inputs can separate, a part P(Bin(M - 1, 1/2) <
    D) of all; D is N - 1, and neurons are taken to be independent.
    """
    m = neurons
    while neurons * binom.logcdf(neurons - 2, m, 0.5) >= -np.log(2):  # of M + 1 patterns
        m += 1
    return m / neurons


#: What theory allows, in many neurons, of errors in one step.
LIMITS = {
    "projection, no errors": 1.0,
    "any weights, no errors": 2.0,
    "2.5 % errors": replica_symmetric(0.025),
}


def searched(work, trials):
    """Goals by CMA-ES and their mean capacities in small networks, the best first: γ -> capacity.

    Redundancy is among them. What was tried before is in the ledger, so that a search that is
    repeated goes on.
    """
    cmaes = need("cmaes", "optimize", "a search for goals needs cmaes")
    units = work.settings.get("data.options.units", _UNITS)
    small = networks.changed(networks.SOFT, data__options__units=units)

    def values(goals):
        kinds = {one: networks.with_goal(small, one) for one in goals}
        found = networks.capacities(work, kinds, _SEEDS, _TRIES, make=not work.draw)
        return {one: np.mean([each.load for each in own]) for one, own in found.items() if own}

    evolution = cmaes.CMA(
        np.array(CANDIDATES[_START]), _STEP, np.array([[-1.0, 1.0]] * len(networks.GAMMAS)), seed=0,
        population_size=_GENERATION,
    )  # fmt: skip
    known = values([REDUNDANCY])
    if not known:  # drawn from a ledger that does not hold it
        return {}
    for _ in range(0, trials, _GENERATION):
        asked = [evolution.ask() for _ in range(_GENERATION)]
        gammas = [tuple(one.round(3).tolist()) for one in asked]
        own = values(gammas)
        if len(own) < len(set(gammas)):  # or that ends here
            break
        evolution.tell([(one, -own[each]) for one, each in zip(asked, gammas, strict=True)])
        known |= own
    return dict(sorted(known.items(), key=lambda one: -one[1]))


@networks.figure()
@click.option(
    "--trials", type=click.IntRange(0), help="Of our search (laptop 60, paper 240; 0: none)."
)
def main(work, seeds, trials):
    """Find capacities, search, draw."""
    trials = work.pick(smoke=0, laptop=60, paper=240) if trials is None else trials
    smoke = work.scale == "smoke"
    goals = {} if smoke else CANDIDATES
    groups = {
        "one change": dict(list(CHANGES.items())[:4]) if smoke else CHANGES,
        "published goals": {
            name: networks.with_goal(networks.HARD, gammas) for name, gammas in goals.items()
        },
        SOFTLY: {} if smoke else PUBLISHED,
        "theory": {CEILING: networks.HARD._replace(test="separable")},
    }
    ours = searched(work, trials) if trials else {}
    best = [gammas for gammas in ours if gammas != REDUNDANCY][:JUDGED]
    groups[OURS] = {
        f"ours ({'i' * (i + 1)})": networks.with_goal(networks.SOFT, gammas)
        for i, gammas in enumerate(best)
    }
    kinds = {name: kind for group in groups.values() for name, kind in group.items()}
    found = networks.capacities(work, kinds, seeds, networks.BEGIN)
    by_name = {name: group for group, own in groups.items() for name in own}
    told = {name: kind.settings.get("layers.memory.goal", "") for name, kind in kinds.items()}
    # whatever other seeds are known is told beside the means, which all are of the same seeds
    known = networks.capacities(work, kinds, max(seeds, _TOLD), networks.BEGIN, make=False)
    rows = [
        {"group": by_name[row["memory"]], **row, "goal": told[row["memory"]]}
        | {"by_seed": " ".join(f"{one.seed}:{one.load:g}" for one in known[row["memory"]])}
        for row in networks.capacity_rows(found)
    ]
    tried = {name: kinds[name] for name in NOISY if name in kinds}
    at = networks.loads(work) if work.scale == "smoke" else LOADS
    stable = networks.measured(
        networks.memories(work, tried, at, seeds), stability=lambda one: one.stability
    )
    with plotting.style():
        figure = draw(rows, stable)
    chosen = (
        f"""Our search: CMA-ES from {_START} with soft bins, {len(ours) - 1} goals, by the
        mean capacity of {_SEEDS} seeds with {_UNITS} neurons (redundancy {ours[REDUNDANCY]:.2f},
        the best {next(iter(ours.values())):.2f}); what is
        shown is of its {JUDGED} best, with N = 100."""
        if best
        else ""
    )
    rows = [{"quantity": "capacity", "load": "", **row} for row in rows]
    rows += [{key: row.get(key, "") for key in rows[0]} for row in stable]
    work.save(
        "beyond",
        figure,
        rows,
        f"""**What raises capacity, and what does not.** **a** The largest load with a mean overlap
        of at least 0.95 after recall, which allows 2.5 % wrong bits (N = 100, bisection to 0.02 N):
        dots, seeds' mean with its standard error, {seeds_found([row["n_seeds"] for row in rows])};
        where there is no error bar there was one seed. Memories learn with 60 adaptive hard bins
        unless said otherwise. {chosen} Black: up to where there are weights with which every neuron
        has its bit of all of a seed's patterns, by linear programs. Dashed: the published
        {networks.CAPACITY}. Dotted: what theory allows with many neurons of errorless storage, 1 by
        the projection rule and 2 by any weights (Gardner 1988), and {replica_symmetric(0.025):.2f}
        with 2.5 % wrong bits in one step (Gardner and Derrida 1988, replica symmetric and thus too
        large). **b** The largest part of the bits that may be flipped for a pattern to be recalled,
        against load (protocol as in the figure `comparison`; median and range). Scale:
        {work.scale}.""",
    )


def draw(rows, stable):
    """A row for each memory, and noise stability against load."""
    figure = plotting.figure(7.2, 0.9 + 0.16 * len(rows))
    ax, noise = figure.subplots(1, 2, width_ratios=[1.5, 1])
    colors = {
        "one change": "#c93b9b", "published goals": "#1dbd68", SOFTLY: "#0b6b38",
        OURS: "#0072B2", "theory": "#000000",
    }  # fmt: skip
    for y, row in enumerate(rows):
        error = 0 if np.isnan(row["standard_error"]) else row["standard_error"]
        color = colors[row["group"]]
        ax.errorbar(row["mean"], y, xerr=error, fmt="o", color=color, markersize=4, linewidth=1)
    ax.axvline(networks.CAPACITY, color="#d62728", linestyle="--", linewidth=0.8, zorder=0)
    for said, load in LIMITS.items():
        ax.axvline(load, color="#777777", linestyle=":", linewidth=1, zorder=0)
        ax.text(load - 0.02, len(rows) - 0.7, said, rotation=90, ha="right", va="bottom",
                fontsize=6, color="#777777")  # fmt: skip
    for name, color in colors.items():
        if any(row["group"] == name for row in rows):
            ax.plot([], [], "o", color=color, markersize=4, label=name)
    ax.set_yticks(range(len(rows)), [row["memory"] for row in rows])
    ax.set(ylim=(len(rows) - 0.4, -0.6), xlim=(0.8, 2.9), xlabel="capacity (patterns per neuron)")
    ax.set_title("a  capacity")
    white = {"frameon": True, "facecolor": "white", "framealpha": 1, "edgecolor": "none"}
    ax.legend(loc="upper right", bbox_to_anchor=(0.94, 1), fontsize=6.5, **white)
    drawn = {row["memory"] for row in stable}
    looks = {name: {"color": color} for name, color in NOISY.items() if name in drawn}
    networks.curves(noise, stable, "stability", looks)
    noise.set(title="b  noise stability", xlabel="patterns per neuron", ylim=(0, 0.5))
    noise.set_ylabel("part of bits flipped")
    noise.legend(loc="upper right", fontsize=6.5)
    return figure


if __name__ == "__main__":
    main()
