"""Recall and stability of small and large memories, by a goal and by Hebb's rule.

The appendix on finite size and scaling of arXiv 2511.02584; the Hebbian decomposition of several
sizes is in the figure `hebbian`.
"""

from matplotlib import colormaps

from infosim import plotting
from scripts.drawing import seeds_found
from scripts.memory2025 import networks

#: Numbers of neurons by scale, by the goal and by Hebb's rule.
SIZES = {"smoke": (10, 20), "laptop": (50, 100, 200), "paper": (50, 100, 200, 400)}
HEBBIAN = {"smoke": (20, 40), "laptop": (100, 200, 500)}


def _of_size(kind, sizes, maps):
    """Kinds and looks by name, the darker the larger."""
    kinds = {f"N = {n}": networks.changed(kind, data__options__units=n) for n in sizes}
    shades = colormaps[maps]([0.4 + 0.55 * i / (len(sizes) - 1) for i in range(len(sizes))])
    return kinds, {name: {"color": shade} for name, shade in zip(kinds, shades, strict=True)}


@networks.figure(settings=None)
def main(work, seeds):
    """Train, recall, draw."""
    learnt, looks = _of_size(networks.HARD, work.pick(**SIZES), "Blues")
    hebbian, shades = _of_size(networks.HEBB, work.pick(**HEBBIAN), "Greys")
    at = networks.loads(work, start=0.1, step=0.2)
    found = networks.memories(work, learnt, at, seeds)
    quantities = {"overlap": networks.overlap_at_end, "stability": lambda one: one.stability}
    rows = [{"rule": "redundancy", **row} for row in networks.measured(found, **quantities)]
    at = networks.loads(work, start=0.05, step=0.05, stop=0.42)
    found = networks.memories(work, hebbian, at, seeds)
    rows += [{"rule": "Hebb", **row} for row in networks.measured(found, **quantities)]
    with plotting.style():
        figure = draw(rows, looks, shades)
    work.save(
        "sizes",
        figure,
        rows,
        f"""**Small and large memories.** **a** Mean overlap after recall against load, goal
        redundancy with 60 adaptive hard bins, the darker the more neurons. **b** The same of
        Hebbian memories. **c** The largest part of its bits that may be flipped for a pattern to be
        recalled, in the networks of a (protocol as in the figure `comparison`). Lines: medians,
        shaded from the least to the largest of {seeds_found([row["n_seeds"] for row in rows])}.
        Dashed: published loads of N = 100, α_H = {networks.HEBBIAN_LOAD} (black) and α_c =
        {networks.CAPACITY} (red). Scale: {work.scale}.""",
    )


def draw(rows, looks, shades):
    """Recall by the goal and by Hebb's rule, stability by the goal."""
    figure = plotting.figure(7.0, 2.4)
    learnt, hebbian = ([r for r in rows if r["rule"] == one] for one in ("redundancy", "Hebb"))
    recall, forgotten, stable = figure.subplots(1, 3)
    networks.curves(recall, learnt, "overlap", looks)
    networks.curves(forgotten, hebbian, "overlap", shades)
    networks.curves(stable, learnt, "stability", looks)
    for ax, title, limits, end in (
        (recall, "a  recall, redundancy", (-0.1, 1.08), 2.05),
        (forgotten, "b  recall, Hebb", (-0.1, 1.08), 0.42),
        (stable, "c  noise stability, redundancy", (0, 0.5), 2.05),
    ):
        networks.mark(ax, networks.HEBBIAN_LOAD, *([networks.CAPACITY] if ax is recall else []))
        ax.set(title=title, xlim=(0, end), ylim=limits, xlabel="patterns per neuron")
        ax.legend(loc="center" if ax is recall else "upper right")
    recall.set_ylabel("overlap")
    forgotten.set_ylabel("overlap")
    stable.set_ylabel("part of bits flipped")
    return figure


if __name__ == "__main__":
    main()
