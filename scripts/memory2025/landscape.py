"""Capacity over the space of goals: slices through known goals, and a grid of all γ.

Figure 4 of arXiv 2511.02584, coarse to fine: what is not known yet is left grey. With --minutes
points are added for as long, the coarsest first; the same command goes on.
"""

import itertools

import click
import numpy as np

from infosim import plotting
from infosim.errors import CheckpointError
from infosim.experiments.loads import Bisection
from scripts.drawing import seeds_found
from scripts.memory2025 import networks

#: γ of the grid; of the coarse one every second.
GRID = (-1.0, -0.5, 0.0, 0.5, 1.0)
#: Slice -> γ of {R}, {R}{C} and H_res, which are held, and (γ of {RC}, of {C}) that it is through.
SLICES = {
    "redundancy": ((0.0, 1.0, 0.0), (0.0, 0.0)),
    "Optim (i)": ((-0.27, 0.68, -0.8), (-0.77, -0.68)),
    "Optim (ii)": ((0.48, 0.25, -0.63), (0.04, -0.16)),
}
#: Points that are found between two looks at the clock.
_AT_ONCE = 8
#: The largest capacity of the colours, as published.
LARGEST = 1.7


def in_slice(name, synergy, unique):
    """γ of a point of a slice, in the order of `GAMMAS`."""
    (pattern, redundancy, rest), _ = SLICES[name]
    return (pattern, unique, redundancy, synergy, rest)


def axis(step):
    """γ of a slice by steps."""
    return np.arange(-1, 1 + step / 2, step).round(2).tolist()


def steps(work):
    """The steps of the slices, the coarsest first."""
    return work.pick(smoke=(1.0,), laptop=(1.0, 0.5), paper=(1.0, 0.5, 0.1))


def grid(work):
    """γ of the grid."""
    return work.pick(laptop=GRID[::2], paper=GRID)


def points(work):
    """All goals of the figure, the coarsest first."""
    ordered = []
    for step in steps(work):
        for name in SLICES:
            ordered += [in_slice(name, *one) for one in itertools.product(axis(step), repeat=2)]
    if work.scale == "smoke":
        return ordered[:3]
    for own in (GRID[::2], grid(work)):
        ordered += itertools.product(own, repeat=5)
    return [one for one in dict.fromkeys(ordered) if any(one)]


@networks.figure(laptop=1, paper=6)
@click.option("--minutes", type=click.FloatRange(0), help="Begin no more points after these.")
def main(work, seeds, minutes):
    """Find capacities for as long as there is time, draw."""
    until = work.clock() + 60 * (np.inf if minutes is None else minutes)
    tries = Bisection(guess=1.6, within=0.05, most=2.0)
    wanted = {gammas: networks.with_goal(networks.HARD, gammas) for gammas in points(work)}
    left = [] if work.draw else list(wanted)
    while left and work.clock() < until:
        now, left = left[:_AT_ONCE], left[_AT_ONCE:]
        networks.capacities(work, {one: wanted[one] for one in now}, seeds, tries)
    found = networks.capacities(work, wanted, seeds, tries, make=False)
    rows = [
        dict(zip(networks.GAMMAS, gammas, strict=True))
        | {"median": float(np.median([one.load for one in own])), "n_seeds": len(own)}
        for gammas, own in found.items()
        if own
    ]
    if not rows:
        raise CheckpointError(f"{work.out / 'capacities.csv'} holds nothing of this figure")
    with plotting.style():
        figure = draw(rows, axis(steps(work)[-1]), grid(work))
    best = max(rows, key=lambda row: row["median"])
    said = ", ".join(f"{best[label]:g} {label}" for label in networks.GAMMAS)
    work.save(
        "landscape",
        figure,
        rows,
        f"""**Capacity over the space of goals**, coarse. Medians of
        {seeds_found([row["n_seeds"] for row in rows])}, N = 100, bisection to 0.05 N up to a load
        of 2, 60 adaptive hard bins; {len(rows)} of {len(wanted)} goals of this scale are known, the
        others grey. Top: slices through the goals that crosses are at, redundancy and the published
        Optim (i) and (ii), over γ of {{RC}} and of {{C}}, the others held. Bottom: γ of H_res is 0;
        panels by γ of {{R}} (rows, 1 at the top) and of {{R}}{{C}} (columns, 1 on the right), in
        each γ of {{RC}} (x) and of {{C}} (y) from −1 to 1; green: the panel that redundancy is in
        the middle of. The best so far: {said}, with {best["median"]:.2f}; published: 1.68 (i),
        1.70 (ii). Scale: {work.scale}.""",
    )


def draw(rows, ticks, gammas):
    """Slices by ticks above, panels of a grid of γ below."""
    known = {tuple(row[label] for label in networks.GAMMAS): row["median"] for row in rows}
    figure = plotting.figure(7.0, 5.6)
    top, bottom = figure.subfigures(2, 1, height_ratios=[1, 1.35])
    axes = top.subplots(1, 3)
    for ax, (name, (_, cross)) in zip(axes, SLICES.items(), strict=True):
        values = [[known.get(in_slice(name, x, y), np.nan) for x in ticks] for y in ticks]
        image = _map(ax, values)
        ax.plot(*cross, "x", color="#1dbd68", markersize=6, markeredgewidth=1.5)
        ax.set(title=name, xlabel="γ of {RC}", xticks=[-1, 0, 1], yticks=[-1, 0, 1])
    axes[0].set_ylabel("γ of {C}")
    top.colorbar(image, ax=list(axes), shrink=0.9, label="patterns per neuron")
    panels = bottom.subplots(len(gammas), len(gammas))
    for row, pattern in zip(panels, gammas[::-1], strict=True):
        for ax, redundancy in zip(row, gammas, strict=True):
            values = [
                [known.get((pattern, y, redundancy, x, 0.0), np.nan) for x in gammas]
                for y in gammas
            ]
            _map(ax, values)
            ax.set(xticks=[], yticks=[])
            if (pattern, redundancy) == (0.0, 1.0):
                for spine in ax.spines.values():
                    spine.set(color="#1dbd68", linewidth=2, visible=True)
        row[0].set_ylabel(f"γ of {{R}} = {_signed(pattern)}", fontsize=7)
    for ax, redundancy in zip(panels[-1], gammas, strict=True):
        ax.set_xlabel(f"γ of {{R}}{{C}} = {_signed(redundancy)}", fontsize=7)
    return figure


def _signed(gamma):
    """A γ as ticks write it."""
    return f"{gamma:g}".replace("-", "−")


def _map(ax, values):
    """Capacities over γ from -1 to 1, both, a square each."""
    ax.set_facecolor("#BBBBBB")
    end = 1 + 1 / (len(values) - 1)
    return ax.imshow(
        values, origin="lower", extent=(-end, end, -end, end), cmap="hot", vmin=0, vmax=LARGEST,
        aspect="equal",
    )  # fmt: skip


if __name__ == "__main__":
    main()
