"""What came of the Memory 2025 experiments: writes docs/reproduction/memory2025.md.

Reads the tables of the figures, which the other scripts have made, and fills report.in.md.
"""

import math

import click

from infosim.analysis.hebbian import hebbian_decomposition
from scripts import pages
from scripts.memory2025.ablation import LADDER
from scripts.memory2025.beyond import CEILING, OURS, PUBLISHED, half_separable
from scripts.memory2025.comparison import NOISY, QUIET
from scripts.memory2025.hebbian import ATOMS, REDUNDANCY
from scripts.memory2025.landscape import SLICES

PAPER = "memory2025"
#: Loads and number of neurons of the page's tables.
SHOWN, NEURONS = (0.1, 0.14, 0.2, 0.25, 0.5, 1.0, 1.6, 2.0), 100
#: Loads of networks.
TRAINED = (0.11, 0.51, 1.01, 1.51, 1.61, 1.71, 1.81, 2.01)


def exact():
    """Atoms of N = 100 neurons, and the redundancy in the limit of many."""
    rows = []
    for load in SHOWN:
        found = hebbian_decomposition(load, NEURONS)
        limit = hebbian_decomposition(load)[REDUNDANCY]
        rows.append([f"{load:g}", *(_bits(found[atom]) for atom in ATOMS), _bits(limit)])
    heads = [f"{atom}, N = {NEURONS}" for atom in ATOMS]
    return pages.table(["load", *heads, f"{REDUNDANCY}, many neurons"], rows, len(ATOMS) + 1)


def deviations():
    """How far the redundancy of simulated networks is from the exact one, by size."""
    rows = [row for row in pages.read(PAPER, "hebbian") if row["atom"] == REDUNDANCY]
    lines = []
    for neurons in sorted({row["neurons"] for row in rows}):
        own = [row for row in rows if row["neurons"] == neurons]
        least = min(own, key=lambda row: row["load"])
        pooled = max(abs(row["pooled_median"] - row["exact"]) for row in own)
        single = least["single_median"] - least["exact"]
        lines.append([f"{neurons:g}", f"{pooled:.3f}", f"{single:+.3f}".replace("-", "−")])
    heads = ["N", "all neurons together, at most", "each neuron by itself, at the least load"]
    return pages.table(heads, lines, 2)


def _by_load(name, columns, loads=TRAINED):
    """Medians of a figure of networks: columns as head -> (memory, quantity)."""
    rows = {(r["memory"], r["quantity"], r["load"]): r for r in pages.read(PAPER, name)}
    lines = [
        [f"{load:g}", *(_number(rows.get((*one, load)), "median") for one in columns.values())]
        for load in loads
    ]
    return pages.table(["load", *columns], lines, len(columns))


def recall():
    """Overlap and redundancy against load."""
    return _by_load(
        "recall",
        {
            "overlap, Hebb": ("Hebb", "overlap"),
            "overlap, redundancy": ("redundancy", "overlap"),
            "overlap, hard bins": ("redundancy, hard bins", "overlap"),
            "{R}{C}, bits": ("redundancy", "{R}{C}"),
            "{R}{C}, hard bins": ("redundancy, hard bins", "{R}{C}"),
        },
    )


def classical():
    """Overlap by classical goal."""
    names = ("redundancy", "I(Y:R)", "co-information", "co-information, hard bins")
    return _by_load("classical", {name: (name, "overlap") for name in names})


def between():
    """Capacity by the weight of what is unique to R."""
    rows = [row for row in pages.read(PAPER, "classical") if row["quantity"] == "capacity"]
    lines = [[_signed(row["load"]), _number(row, "mean"), f"{row['n_seeds']:g}"] for row in rows]
    return pages.table(["γ of {R}", "capacity", "seeds"], lines, 3)


def comparison():
    """Overlap and noise stability by rule."""
    names = ("Hebb", "Descent L2", "MPF", "redundancy", "Optim (i)")
    return _by_load("comparison", {name: (name, "overlap") for name in names})


def noise():
    """Noise stability by rule."""
    names = (*NOISY, *QUIET)
    loads = (0.01, 0.11, 0.21, 0.31, 0.51, 1.01)
    return _by_load("comparison", {name: (name, "stability") for name in names}, loads)


def _capacities(name, first, label):
    """Capacities of a figure, a row for each, with what is published if its table has that."""
    lines = []
    for row in pages.read(PAPER, name):
        if row.get("quantity", "capacity") != "capacity":
            continue
        known = [f"{row['published']:.2f}"] if "published" in row else []
        lines.append([label(row), *known, _with_error(row), f"{row['n_seeds']:g}"])
    heads = [first, *(["published"] if len(lines[0]) == 4 else []), "ours", "seeds"]
    return pages.table(heads, lines, len(heads) - 1)


def ablation():
    """The ladder, then the other readings of its steps."""

    def label(row):
        step = row["memory"]
        return step if step in LADDER else f"{row['step']}: {step}"

    return _capacities("ablation", "step", label)


def correlations():
    """Capacity by p, of both memories."""
    rows = pages.read(PAPER, "correlations")
    found = {(row["memory"], row["repeat"]): row for row in rows}
    lines = [
        [f"{p:g}", _with_error(found["redundancy", p]), _with_error(found["Hebb", p])]
        for p in sorted({row["repeat"] for row in rows})
    ]
    return pages.table(["p", "redundancy", "Hebb"], lines, 2)


def sizes():
    """Overlap by number of neurons."""
    rows = [row for row in pages.read(PAPER, "sizes") if row["rule"] == "redundancy"]
    found = {(row["memory"], row["load"]): row for row in rows if row["quantity"] == "overlap"}
    names = list(dict.fromkeys(row["memory"] for row in rows))
    lines = [
        [f"{load:g}", *(_number(found.get((name, load)), "median") for name in names)]
        for load in sorted({row["load"] for row in rows})
    ]
    return pages.table(["load", *names], lines, len(names))


def measures():
    """Atoms by measure of networks that have learnt more than they can."""
    rows = [row for row in pages.read(PAPER, "bins") if row["by"] == "measure"]
    most = max(row["load"] for row in rows)
    found = {(row["name"], row["atom"]): row for row in rows if row["load"] == most}
    names = dict.fromkeys(name for name, _ in found)
    lines = [
        [f"`{name}`", *(_number(found[name, atom], "median") for atom in ATOMS)] for name in names
    ]
    return pages.table(["measure", *ATOMS], lines, len(ATOMS))


def landscape():
    """The slice through redundancy: capacity by γ of {RC} and of {C}."""
    rows = pages.read(PAPER, "landscape")
    (pattern, redundancy, rest), _ = SLICES["redundancy"]
    held = {"{R}": pattern, "{R}{C}": redundancy, "H_res": rest}
    found = {(row["{C}"], row["{RC}"]): row for row in rows if held.items() <= row.items()}
    axis = sorted({synergy for _, synergy in found})
    lines = [
        [_signed(unique), *(_number(found.get((unique, x)), "median") for x in axis)]
        for unique in sorted({unique for unique, _ in found}, reverse=True)
    ]
    heads = [f"γ of {{RC}} {_signed(x)}" for x in axis]
    return pages.table(["γ of {C}", *heads], lines, len(axis) + 1)


def beyond():
    """Capacities by change and by goal."""
    return _capacities("beyond", "memory", lambda row: f"{row['group']}: {row['memory']}")


def ceiling():
    """Capacities by seed, beside what any weights could do."""
    rows = {r["memory"]: r for r in pages.read(PAPER, "beyond") if r["quantity"] == "capacity"}
    own = {
        name: dict(one.split(":") for one in rows[name]["by_seed"].split())
        for name in (CEILING, "as it is", "soft bins", *PUBLISHED)
    }
    seeds = sorted({seed for by_seed in own.values() for seed in by_seed}, key=int)
    lines = [[name, *(by_seed.get(one, "–") for one in seeds)] for name, by_seed in own.items()]
    return pages.table(["memory", *(f"seed {one}" for one in seeds)], lines, len(seeds))


def cover():
    """Loads up to which half of all networks could be without errors, by their size."""
    sizes = (50, 100, 200, 400, 800)
    lines = [["load", *(f"{half_separable(n):.2f}" for n in sizes)]]
    return pages.table(["N", *map(str, sizes)], lines, len(sizes))


def ours():
    """The best goals of our search."""
    rows = [row for row in pages.read(PAPER, "beyond") if row["group"] == OURS]
    lines = [
        [row["memory"], f"`{row['goal']}`", _with_error(row), f"{row['n_seeds']:g}"] for row in rows
    ]
    return pages.table(["memory", "goal", "capacity", "seeds"], lines, 2)


def _signed(value):
    return f"{value:g}".replace("-", "−")


def _number(row, key):
    return "–" if row is None else f"{round(row[key], 2) + 0.0:.2f}".replace("-", "−")


def _with_error(row):
    """A mean and its standard error, if there is one."""
    error = row["standard_error"]
    return f"{row['mean']:.2f}" + ("" if math.isnan(error) else f" ± {error:.2f}")


def _bits(value):
    return f"{value:.4f}".replace("-", "−")


def tables():
    """All of the page, by name."""
    made = (
        exact, deviations, recall, classical, between, comparison, noise, ablation, correlations,
        sizes, measures, landscape, beyond, ceiling, cover, ours,
    )  # fmt: skip
    return {one.__name__: one() for one in made}


@click.command(help=__doc__)
def main():
    """Fill the page."""
    pages.page(PAPER, tables())


if __name__ == "__main__":
    main()
