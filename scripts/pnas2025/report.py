"""What came of the PNAS 2025 experiments: writes docs/reproduction/pnas2025.md.

Reads the tables of the figures, which the other scripts have made, and fills report.in.md.
"""

import click

from scripts import pages
from scripts.pages import listing, percent, table
from scripts.pnas2025.memory import LOOKS, capacity

#: Loads whose overlaps the page names.
SHOWN = (0.14, 0.35, 1.1)


def read(name):
    """The rows of a figure's table."""
    return pages.read("pnas2025", name)


def supervised():
    """Accuracy at the end, beside logistic regression."""
    last = read("supervised")[-1]
    ends = " to ".join(percent(last[f"accuracy_{end}"], 1) for end in ("min", "max"))
    return (
        f"Test accuracy after {last['epoch']:g} epochs: "
        f"**{percent(last['accuracy_median'], 1)} %** ({ends} % over {last['n_seeds']:g} seeds); "
        f"logistic regression {percent(last['logistic_regression'], 1)} %."
    )


def unsupervised():
    """In how many networks all bars were found."""
    rows = [
        [row["variant"], f"{row['all_8_found']:g} of {row['n_seeds']:g}", row["bars"]]
        for row in read("unsupervised")
    ]
    return table(["setting", "networks that found all 8 bars", "bars found, by seed"], rows)


def memory():
    """Capacities, and overlaps at the published ones."""
    rows = read("memory")
    lines = []
    for kind in LOOKS:
        cells = [
            f"{row['mean']:.3f}"
            for recall in ("settled", "at random")
            for row in rows
            if (row["network"], row["recall"]) == (kind, recall) and row["load"] in SHOWN
        ]
        lines.append([kind, f"{capacity(rows, kind):.2f}", *cells])
    heads = [f"{recall}, {load}" for recall in ("settled", "at random") for load in SHOWN]
    return table(["network", "capacity", *heads], lines)


@click.command(help=__doc__)
def main():
    """Fill the page."""
    variants = {"one change from the preset": "variant", "test error, %": "test_error"}
    ends = {"min": "min", "max": "max", "seeds": "n_seeds"}
    values = {
        "supervised": supervised(),
        "variants": listing(read("supervised_variants"), variants | ends),
        "unsupervised": unsupervised(),
        "crossed": read("unsupervised_others")[0]["factors_found"],
        "memory": memory(),
    }
    pages.page("pnas2025", values)


if __name__ == "__main__":
    main()
