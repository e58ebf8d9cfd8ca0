"""What a neuron is said to tell, by how its field is binned and by what measures redundancy.

The appendix on bins and on measures of arXiv 2511.02584: plug-in atoms of Hebbian networks by
number of bins, and atoms of networks that have learnt by redundancy, by measure.
"""

import numpy as np
from matplotlib import colormaps

from infosim import plotting
from infosim.analysis.hebbian import NAMES, hebbian_decomposition
from infosim.pid import decompose, lattice
from scripts.drawing import curve, seeds_found, seeds_of, spread
from scripts.memory2025 import networks
from scripts.memory2025.hebbian import network

ATOMS = lattice(2).labels(NAMES)
BINS = (2, 4, 8, 16, 32, 64)
NEURONS = 100
#: Measure -> how it is drawn, and called.
LOOKS = {
    "shared-exclusions": ("shared exclusions", "#9a26c8", "-"),
    "williams-beer": ("Williams and Beer", "#0066ac", "--"),
    "minimum-mutual-information": ("minimum\nmutual information", "#d0a807", ":"),
    "specificity-ambiguity": ("specificity\nand ambiguity", "#1dbd68", "-."),
    "broja": ("BROJA", "#ea535a", "-"),
}
#: Of the panels.
TITLES = dict(zip(ATOMS, ("redundancy", "unique to R", "unique to C", "synergy"), strict=True))


def binned(field, bins):
    """The bin of each field (M, N), of so many between ± the largest of each neuron."""
    largest = abs(field).max(axis=0)
    scaled = field / np.where(largest > 0, largest, 1)
    return np.clip(np.ceil((scaled + 1) / 2 * bins), 1, bins).astype(int)


def by_bins(patterns, bins, seed):
    """Plug-in atoms, (4,), the median over neurons of a Hebbian network."""
    shown, field, output = network(NEURONS, patterns, seed)
    cells = binned(field, bins)
    found = [
        decompose(sources=(shown[:, n], cells[:, n]), target=output[:, n]).atoms
        for n in range(networks.MEASURING)
    ]
    return np.median(found, axis=0)


@networks.figure()
def main(work, seeds):
    """Simulate, train, decompose, draw."""
    at = networks.loads(work, start=0.1, step=0.2)
    bins = work.pick(smoke=BINS[::3], laptop=BINS)
    rows = []
    for load in at:
        for number in bins:
            found = [by_bins(round(load * NEURONS), number, seed) for seed in range(seeds)]
            for atom, values in zip(ATOMS, np.transpose(found), strict=True):
                name = {"by": "bins", "name": f"{number} bins", "load": load, "atom": atom}
                rows.append(name | spread(values) | {"n_seeds": seeds})
    learnt = networks.decompositions(work, networks.HARD, at, seeds)
    for load, several in learnt.items():
        for measure in networks.MEASURES:
            for atom in ATOMS:
                values = [one[measure, atom] for one in several]
                name = {"by": "measure", "name": measure, "load": load, "atom": atom}
                rows.append(name | spread(values) | {"n_seeds": len(several)})
    with plotting.style():
        figure = draw(rows)
    of_learnt = [row["n_seeds"] for row in rows if row["by"] == "measure"]
    work.save(
        "bins",
        figure,
        rows,
        f"""**Atoms by bins and by measure.** **Top** Plug-in atoms of a neuron of a Hebbian network
        (median over {networks.MEASURING} neurons, N = 100) against load, its field in 2 to 64 bins
        up to its largest magnitude; median and range over {seeds_of(seeds)}. Dashed: exact
        (`infosim.analysis.hebbian`). **Bottom** Atoms of networks that have learnt by redundancy
        (60 adaptive hard bins, 5000 epochs), by the published measures of redundancy: shared
        exclusions, that of Williams and Beer, minimum mutual information, specificity and ambiguity
        (the pointwise measure of Finn and Lizier), and BROJA (mean over {networks.MEASURING}
        neurons; median and range over {seeds_found(of_learnt)}). Dotted: α_H =
        {networks.HEBBIAN_LOAD}. Scale: {work.scale}.""",
    )


def draw(rows):
    """Atoms in columns, bins above measures."""
    figure = plotting.figure(7.2, 3.6)
    axes = figure.subplots(2, 4, sharex=True)
    names = list(dict.fromkeys(row["name"] for row in rows if row["by"] == "bins"))
    shades = colormaps["viridis"](np.linspace(0, 0.9, len(names)))
    shades = {name: (name, shade, "-") for name, shade in zip(names, shades, strict=True)}
    ends = [row["load"] for row in rows]
    for atom, column in zip(ATOMS, axes.T, strict=True):
        for ax, by, looks in zip(column, ("bins", "measure"), (shades, LOOKS), strict=True):
            for name, (said, color, line) in looks.items():
                own = [r for r in rows if (r["by"], r["name"], r["atom"]) == (by, name, atom)]
                curve(ax, [row["load"] for row in own], own, said, color, linestyle=line)
            ax.axvline(networks.HEBBIAN_LOAD, color="#AAAAAA", linestyle=":", linewidth=1, zorder=0)
            ax.set(xscale="log", ylim=(-0.5, 1.05) if by == "bins" else (-0.1, 1.05))
            ax.set_xticks([0.1, 0.5, 2], ["0.1", "0.5", "2"])
            ax.set_xticks([], minor=True)
        grid = np.geomspace(max(min(ends), 0.06), max(ends), 60)
        exact = [hebbian_decomposition(load, NEURONS)[atom] for load in grid]
        column[0].plot(grid, exact, "--", color="black", linewidth=0.8)
        column[0].set_title(TITLES[atom])
        column[1].set_xlabel("patterns per neuron")
    for ax, said in zip(axes[:, 0], ("Hebb", "learnt"), strict=True):
        ax.set_ylabel(f"{said}: bits")
    axes[0, 3].legend(loc="upper left", fontsize=6, ncol=2)
    axes[1, 3].legend(loc="upper left", fontsize=6)
    return figure


if __name__ == "__main__":
    main()
