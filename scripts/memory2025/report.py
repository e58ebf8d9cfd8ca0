"""What came of the Memory 2025 experiments: writes docs/reproduction/memory2025.md.

Reads the tables of the figures, which the other scripts have made, and fills report.in.md.
"""

import click

from infosim.analysis.hebbian import hebbian_decomposition
from scripts import pages
from scripts.memory2025.hebbian import ATOMS, REDUNDANCY

#: Loads and number of neurons of the page's tables.
SHOWN, NEURONS = (0.1, 0.14, 0.2, 0.25, 0.5, 1.0, 1.6, 2.0), 100


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
    rows = [row for row in pages.read("memory2025", "hebbian") if row["atom"] == REDUNDANCY]
    lines = []
    for neurons in sorted({row["neurons"] for row in rows}):
        own = [row for row in rows if row["neurons"] == neurons]
        least = min(own, key=lambda row: row["load"])
        pooled = max(abs(row["pooled_median"] - row["exact"]) for row in own)
        single = least["single_median"] - least["exact"]
        lines.append([f"{neurons:g}", f"{pooled:.3f}", f"{single:+.3f}".replace("-", "−")])
    heads = ["N", "all neurons together, at most", "each neuron by itself, at the least load"]
    return pages.table(heads, lines, 2)


def _bits(value):
    return f"{value:.4f}".replace("-", "−")


@click.command(help=__doc__)
def main():
    """Fill the page."""
    pages.page("memory2025", {"exact": exact(), "deviations": deviations()})


if __name__ == "__main__":
    main()
