"""Recall and what neurons tell, against load: the goal redundancy beside the Hebbian memory.

Figures 1 D (top) and 2 C, D of arXiv 2511.02584, with soft bins as published and with hard ones.
"""

from infosim import plotting
from scripts.drawing import seeds_found
from scripts.memory2025 import networks

#: Memory -> (Kind, how it is drawn).
KINDS = {"Hebb": networks.HEBB, "redundancy": networks.SOFT, "redundancy, hard bins": networks.HARD}
OVERLAP = {
    "redundancy, hard bins": {"color": "#e8a2cf"},
    "redundancy": {"color": "#c93b9b"},
    "Hebb": {"color": "#1a1a1a"},
}


@networks.figure()
def main(work, seeds):
    """Train, recall, draw."""
    found = networks.memories(work, KINDS, networks.loads(work), seeds)
    atoms = {atom: lambda one, atom=atom: one.atoms[atom] for atom in networks.ATOMS}
    rows = networks.measured(
        found, overlap=networks.overlap_at_end, accuracy=networks.accuracy_at_end
    )
    learnt = {name: by_load for name, by_load in found.items() if name != "Hebb"}
    rows += networks.measured(learnt, **atoms)
    with plotting.style():
        figure = draw(rows)
    work.save(
        "recall",
        figure,
        rows,
        f"""**Recall, and what neurons tell after training, against load.** **a** Mean overlap of
        the states that recall ends in with the patterns it began from, in networks that learn by
        the goal redundancy, with 60 soft bins (as published) and with 60 hard ones, and in Hebbian
        networks. **b** The same on a logarithmic axis, around the load at which the Hebbian memory
        forgets. **c** Atoms of I(Y:R,C) of neurons with soft bins after the last epoch, R the
        neuron's bit of the pattern (T in the paper), C the other neurons (R in the paper); dotted:
        redundancy with hard bins. Lines: medians, shaded from the least to the largest of
        {seeds_found([row["n_seeds"] for row in rows])}. Dashed: loads that are published, α_H =
        {networks.HEBBIAN_LOAD} (black) and the capacity α_c = {networks.CAPACITY} (red). In a and b
        training stops when all patterns are recalled at a checkpoint, or after 5000 epochs; in c
        all 5000 are carried out. Scale: {work.scale}.""",
    )


def draw(rows):
    """Overlap on both axes, and atoms."""
    figure = plotting.figure(7.0, 2.4)
    linear, logarithmic, information = figure.subplots(1, 3)
    for ax in (linear, logarithmic):
        networks.curves(ax, rows, "overlap", OVERLAP)
        ax.set(ylim=(-0.1, 1.08), ylabel="overlap", xlabel="patterns per neuron")
        networks.mark(ax, networks.HEBBIAN_LOAD, networks.CAPACITY)
    linear.set(title="a  recall", xlim=(0, 2.05))
    linear.legend(loc="center", bbox_to_anchor=(0.53, 0.78), fontsize=6)
    logarithmic.set(title="b  logarithmic", xscale="log", xlim=(0.05, 2.05))
    logarithmic.set_xticks([0.1, 0.2, 0.5, 1, 2], ["0.1", "0.2", "0.5", "1", "2"])
    logarithmic.set_xticks([], minor=True)
    for atom in reversed(networks.ATOMS):
        networks.curves(information, rows, atom, {"redundancy": {"color": networks.LOOKS[atom]}})
        information.lines[-1].set_label(atom)
    hard = {"redundancy, hard bins": {"color": networks.LOOKS["{R}{C}"], "linestyle": ":"}}
    networks.curves(information, rows, "{R}{C}", hard)
    handles, names = information.get_legend_handles_labels()
    information.legend(
        handles[-2::-1], names[-2::-1], loc="center left", bbox_to_anchor=(0.12, 0.65)
    )
    information.set(title="c  atoms after training", xlim=(0, 2.05), ylim=(-0.5, 1.05))
    information.set(xlabel="patterns per neuron", ylabel="bits")
    networks.mark(information, networks.HEBBIAN_LOAD, networks.CAPACITY)
    return figure


if __name__ == "__main__":
    main()
