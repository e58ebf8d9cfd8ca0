"""What a Hebbian neuron tells of its bit and of the field, exactly and as networks are sampled.

The atoms of `infosim.analysis.hebbian` against load, beside plug-in atoms of simulated Hopfield
networks of several sizes. Nothing is trained.
"""

import numpy as np
from matplotlib import colormaps

from infosim import plotting
from infosim.analysis.hebbian import NAMES, hebbian_decomposition
from infosim.pid import decompose, lattice
from scripts.drawing import seeds_of, spread
from scripts.memory2025 import networks

SIZES = (100, 200, 400, 800)
LOADS = (0.06, 0.08, 0.11, 0.14, 0.2, 0.28, 0.4, 0.56, 0.8, 1.12, 1.6, 2.0)
ATOMS = lattice(2).labels(NAMES)
REDUNDANCY = "{R}{C}"
#: Above this load the classical network forgets (Amit, Gutfreund and Sompolinsky 1985).
CRITICAL = 0.138
#: Neurons of each network that are decomposed on their own.
SINGLE = 40
#: Atom -> colour map from which the sizes take their shades, and the limit its line.
MAPS = {"{R}{C}": "Purples", "{C}": "Oranges", "{R}": "Greens", "{RC}": "Blues"}


def odd(load, neurons):
    """The odd number of patterns that comes nearest to a load."""
    return 2 * round((load * neurons - 1) / 2) + 1


def network(neurons, patterns, seed):
    """Random patterns, and the fields and outputs they cause in a network, (M, N) each."""
    rng = np.random.default_rng((seed, neurons, patterns))
    shown = rng.choice([-1.0, 1.0], (patterns, neurons))
    weights = shown.T @ shown
    np.fill_diagonal(weights, 0)
    field = shown @ weights
    return shown, field, np.where(field == 0, shown, np.sign(field))


def atoms(bits, field, output):
    """Plug-in atoms, (4,), of samples (n,) of a neuron's bit, field and output."""
    return decompose(sources=dict(zip(NAMES, (bits, field), strict=True)), target=output).atoms


def sampled(neurons, patterns, seed):
    """Atoms of all neurons together, and mean atoms of neurons on their own, (4,) each."""
    seen = network(neurons, patterns, seed)
    single = [atoms(*(one[:, n] for one in seen)) for n in range(min(SINGLE, neurons))]
    return atoms(*(one.ravel() for one in seen)), np.mean(single, axis=0)


def rows_of(neurons, patterns, seeds):
    """A row for each atom: exact, in the limit, and as estimated in these networks."""
    load = patterns / neurons
    exact, limit = hebbian_decomposition(load, neurons), hebbian_decomposition(load)
    found = np.array([sampled(neurons, patterns, seed) for seed in range(seeds)])
    found = found.round(12) + 0.0  # what rounding leaves of 0 is none
    return [
        {"neurons": neurons, "patterns": patterns, "load": load, "atom": atom}
        | {"exact": exact[atom], "limit": limit[atom]}
        | {f"pooled_{end}": value for end, value in spread(found[:, 0, a]).items()}
        | {f"single_{end}": value for end, value in spread(found[:, 1, a]).items()}
        | {"n_seeds": seeds}
        for a, atom in enumerate(ATOMS)
    ]


@networks.figure(settings=None)
def main(work, seeds):
    """Simulate, decompose, draw."""
    sizes = work.pick(smoke=SIZES[:2], laptop=SIZES)
    loads = work.pick(smoke=LOADS[3::4], laptop=LOADS)
    rows = [
        row
        for neurons in sizes
        for load in loads
        for row in rows_of(neurons, odd(load, neurons), seeds)
    ]
    with plotting.style():
        figure = draw(rows)
    work.save(
        "hebbian",
        figure,
        rows,
        f"""**What a Hebbian neuron tells, by a closed form.** Atoms of I(Y:R,C) of a neuron of a
        Hopfield network, R its bit of the pattern that is shown and C the field of the others,
        against the load. Lines: exact, for N = {", ".join(map(str, sizes))} neurons (the darker the
        more) and in the limit of many (dashed). Dots: plug-in estimates from networks that were
        simulated, the samples of all neurons together (median and range over {seeds_of(seeds)}).
        **a** Redundancy and what the field alone tells. **b** The others, which the limit does not
        have. **c** Redundancy as each neuron estimates it from its own M samples (mean over
        {SINGLE} neurons; median and range over seeds), minus the exact one. Dotted: the critical
        load of the classical network, {CRITICAL}. Numbers of patterns are odd: where N and M are
        even, fields of one network differ by multiples of 4, not of 2, and {{R}} and {{RC}} are
        about twice as large. Scale: {work.scale}.""",
    )


def draw(rows):
    """Large atoms, small atoms, and the error of single neurons, against load."""
    figure = plotting.figure(7.0, 2.6)
    large, small, errors = figure.subplots(1, 3)
    for ax, shown in ((large, ("{R}{C}", "{C}")), (small, ("{R}", "{RC}"))):
        for atom in shown:
            _atom(ax, [row for row in rows if row["atom"] == atom], atom)
        ax.legend(loc="upper right" if ax is large else "upper left")
        ax.set_ylabel("bits")
    large.set(title="a  redundancy, unique to C", ylim=(-0.03, 1.03))
    small.set(title="b  unique to R, synergy", yticks=[-0.008, -0.004, 0, 0.004, 0.008])
    own = [row for row in rows if row["atom"] == REDUNDANCY]
    for neurons, shade in _shades(own, MAPS[REDUNDANCY]):
        line = [row for row in own if row["neurons"] == neurons]
        middle, low, high = (
            np.array([row[f"single_{end}"] - row["exact"] for row in line])
            for end in ("median", "min", "max")
        )
        load = [row["load"] for row in line]
        errors.fill_between(load, low, high, color=shade, alpha=0.2, linewidth=0)
        errors.plot(load, middle, color=shade, label=f"N = {neurons}")
    errors.legend(loc="lower right")
    errors.set(title="c  {R}{C} of single neurons", ylabel="estimate − exact (bits)")
    for ax in (large, small, errors):
        ax.axhline(0, color="#AAAAAA", linewidth=0.6, zorder=0)
        ax.axvline(CRITICAL, color="#AAAAAA", linestyle=":", linewidth=1, zorder=0)
        ax.set_xscale("log")
        ax.set_xticks([0.1, 0.2, 0.5, 1, 2], ["0.1", "0.2", "0.5", "1", "2"])
        ax.set_xticks([], minor=True)
        ax.set_xlabel("patterns per neuron")
    return figure


def _shades(rows, name):
    """(number of neurons, colour), the darker the more."""
    sizes = sorted({row["neurons"] for row in rows})
    return zip(sizes, colormaps[name](np.linspace(0.45, 0.9, len(sizes))), strict=True)


def _atom(ax, rows, atom):
    """Exact lines, the limit, and dots of what was sampled."""
    for neurons, shade in _shades(rows, MAPS[atom]):
        own = [row for row in rows if row["neurons"] == neurons]
        load = [row["load"] for row in own]
        ax.plot(load, [row["exact"] for row in own], color=shade, linewidth=1)
        middle, low, high = (
            np.array([row[f"pooled_{end}"] for row in own]) for end in ("median", "min", "max")
        )
        ax.errorbar(
            load, middle, [middle - low, high - middle], color=shade, fmt="o", markersize=2.5,
            linewidth=0.8, label=atom if neurons == rows[-1]["neurons"] else None,
        )  # fmt: skip
    ends = [row["load"] for row in rows]
    grid = np.geomspace(min(ends), max(ends), 200)
    limit = [hebbian_decomposition(load)[atom] for load in grid]
    ax.plot(grid, limit, "--", color="black", linewidth=0.8, zorder=3)


if __name__ == "__main__":
    main()
