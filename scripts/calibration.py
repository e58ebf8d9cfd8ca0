"""The tables and the figure of docs/pid-statistics.md: do intervals and tests keep their word?

Draws tables from distributions whose atoms are known, and tables in which nothing tells of the
target.
"""

from pathlib import Path

import click
import matplotlib.pyplot as plt
import numpy as np

from infosim import plotting
from infosim.experiments import store
from infosim.pid import decompose
from infosim.pid.statistics import bootstrap, permutation_test
from scripts.command import told_in_a_line
from scripts.files import ROOT
from scripts.files import table as as_csv
from scripts.pages import percent, put_table

PAGE = ROOT / "docs" / "pid-statistics.md"
FIGURE = ROOT / "docs" / "pid-statistics"
ROWS = 100, 300, 1000, 3000, 10_000
#: Standard errors from 0 beyond which intervals are to be right.
_FAR = 3
_FOLDER = click.Path(path_type=Path)


def gate(n_sources, rule, error=0.1):
    """The pmf of a rule of fair bits whose outcome is wrong with this probability."""
    pmf = np.zeros((2,) * (n_sources + 1))
    for bits in np.ndindex(*(2,) * n_sources):
        y = int(rule(*bits))
        pmf[(*bits, y)] += (1 - error) / 2**n_sources
        pmf[(*bits, 1 - y)] += error / 2**n_sources
    return pmf


def copies(error=0.1):
    """The pmf of two copies of a fair bit, each wrong with this probability."""
    right = np.array([[1 - error, error], [error, 1 - error]])
    return np.einsum("ay,by->aby", right, right) / 2


def scattered(n_values, seed=5):
    """A pmf of two sources and a target of so many values, drawn itself."""
    mass = np.random.default_rng(seed).dirichlet(np.full(n_values**3, 0.5))
    return mass.reshape((n_values,) * 3)


DISTRIBUTIONS = {
    "two noisy copies": copies(),
    "noisy AND": gate(2, lambda a, b: a & b),
    "noisy XOR": gate(2, lambda a, b: a ^ b),
    "3 values, drawn": scattered(3),
    "4 values, drawn": scattered(4),
    "noisy majority of three": gate(3, lambda *bits: sum(bits) > 1),
}


def coverage(pmf, n_rows, n_tables, replicates, seed=0):
    """How often intervals hold the truth: of atoms far from 0 and of others, and how many are far.

    Far are those whose truth is three standard errors of the estimates from 0, or more.
    """
    truth, codes = decompose(pmf), np.array(np.nonzero(pmf))
    rng, found, held = np.random.default_rng([seed, n_rows]), [], []
    for counts in rng.multinomial(n_rows, pmf[pmf > 0], size=n_tables):
        d = decompose(sources=list(codes[:-1]), target=codes[-1], weights=counts)
        low, high = np.array(list(bootstrap(d, replicates, threads=1).atoms.values())).T
        held.append((low <= truth.atoms) & (truth.atoms <= high))
        found.append(d.atoms)
    far = abs(truth.atoms) >= _FAR * np.std(found, axis=0)
    held = np.array(held)
    shares = [float(held[:, own].mean()) if own.any() else np.nan for own in (far, ~far)]
    return *shares, int(far.sum()), far.size


def p_values(n_tables, permutations, n_rows=300, n_values=3, seed=0):
    """p of I(T:S) and I(T:x | other), (n_tables, 3) and (n_tables, 2), where none tells anything.

    The two sources depend on each other, the target is independent of both.
    """
    sets, conditional = [], []
    for i in range(n_tables):
        rng = np.random.default_rng([seed, i])
        first, noise, target = rng.integers(n_values, size=(3, n_rows))
        second = np.where(rng.random(n_rows) < 0.5, first, noise)
        d = decompose(sources=[first, second], target=target)
        test = permutation_test(d, permutations, seed=i, threads=1)
        sets.append(list(test.informations.values()))
        conditional.append(list(test.conditional.values()))
    return np.array(sets), np.array(conditional)


def distance(p):
    """Kolmogorov's distance of p values (n,) from uniform ones."""
    p, n = np.sort(p), len(p)
    return max((np.arange(1, n + 1) / n - p).max(), (p - np.arange(n) / n).max())


def draw(rows, tests):
    """Coverage over rows beside the distribution of p values."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for name in dict.fromkeys(row["distribution"] for row in rows):
        own = [row for row in rows if row["distribution"] == name]
        left.plot([row["rows"] for row in own], [100 * row["far"] for row in own], "o-", label=name)
    left.axhspan(93, 97, color="#999999", alpha=0.25, linewidth=0)
    left.set(xscale="log", xlabel="rows", ylabel="intervals that hold the truth, %")
    left.set_xticks(ROWS, labels=[str(n) for n in ROWS], minor=False)
    left.set_xticks([], minor=True)
    left.set_title("95 % intervals of atoms far from 0")
    left.legend(fontsize="small")
    for name, p in tests.items():
        right.plot(np.sort(p), np.arange(1, len(p) + 1) / len(p), label=name)
    right.plot([0, 1], [0, 1], color="#555555", linewidth=0.6)
    right.set(xlabel="p", ylabel="share of tables with p or less", xlim=(0, 1), ylim=(0, 1))
    right.set_title("p where nothing tells of the target")
    right.legend(fontsize="small")
    return figure


@click.command(help=__doc__)
@click.option(
    "--page", type=_FOLDER, default=PAGE, show_default=True, help="Whose tables they are."
)
@click.option("--figure", type=_FOLDER, default=FIGURE, help="The figure's name, without ending.")
@click.option("--tables", type=int, default=1000, show_default=True, help="Tables of each kind.")
@click.option("--replicates", type=int, default=300, show_default=True, help="Drawn of each.")
@told_in_a_line()
def main(page, figure, tables, replicates):
    """Draw tables, count, draw, write."""
    rows = []
    for name, pmf in DISTRIBUTIONS.items():
        for n_rows in ROWS:
            far, near, n_far, n_atoms = coverage(pmf, n_rows, tables, replicates)
            rows.append(
                {
                    "distribution": name, "rows": n_rows, "cells": int((pmf > 0).sum()),
                    "far": far, "near": near, "n_far": n_far, "atoms": n_atoms,
                }
            )  # fmt: skip
            click.echo(f"{name}, {n_rows} rows", err=True)
    sets, conditional = p_values(tables, 999)
    tests = {"I(T:1)": sets[:, 0], "I(T:12)": sets[:, 2], "I(T:1 | 2)": conditional[:, 0]}
    head = ["distribution", "rows", "rows per cell", "far from 0", "of these held", "of others"]
    lines = [
        [
            row["distribution"], row["rows"], f"{row['rows'] / row['cells']:.1f}",
            f"{row['n_far']} of {row['atoms']}", f"{percent(row['far'], 1)} %",
            f"{percent(row['near'], 1)} %" if row["n_far"] < row["atoms"] else "–",
        ]
        for row in rows
    ]  # fmt: skip
    put_table(page, head, lines, right=5)
    head = ["test", "p at most 0.05", "p at most 0.5", "distance from uniform"]
    lines = [
        [name, *(f"{percent((p <= x).mean(), 1)} %" for x in (0.05, 0.5)), f"{distance(p):.3f}"]
        for name, p in tests.items()
    ]
    put_table(page, head, lines, right=3)
    with plotting.style():
        drawn = draw(rows, tests)
        with store.atomic(figure.with_suffix(".png")) as file:
            plotting.save(drawn, file, "png", dpi=150)
    store.write_text(figure.with_suffix(".csv"), as_csv(rows, list(rows[0])))
    click.echo(page)


if __name__ == "__main__":
    main()
