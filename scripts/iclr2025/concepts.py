"""The conceptual figures, drawn from the lattice: ICLR 2025, Figs. 1 and 2.

The neuron with two and with three compartments, the redundancy lattice of its sources and a goal in
the information circle. Nothing is trained, all scales are the same.
"""

import click

from infosim.datasets import load
from infosim.experiments import Experiment
from infosim.pid import Goal
from infosim.plotting import goal_summary
from scripts.iclr2025.models import iclr_script

#: figure -> (neurons, preset whose hidden layer they are, goal unless --goal says another)
FIGURES = {
    "fig1_bivariate": ("bivariate", "iclr/bivariate-context-heuristic", "iclr/context-heuristic"),
    "fig2_trivariate": ("trivariate", "iclr/trivariate-optimized", "iclr/trivariate-optimized"),
}


@iclr_script
@click.option("--goal", help="Of the neuron with three compartments F, C, L: formula or name.")
def main(work, goal):
    """Draw both figures."""
    for number, (name, (kind, preset, usual)) in enumerate(FIGURES.items(), 1):
        layer = Experiment.load(preset).network(load("digits")).layer("hidden")
        said = goal if goal is not None and len(layer.compartments) == 3 else usual
        meant = Goal.of(said, tuple(c.name for c in layer.compartments))
        work.save(
            name,
            goal_summary(meant, layer),
            [{key: "" if v is None else v for key, v in row.items()} for row in meant.table()],
            f"""**The {kind} neuron and its goal.** The neuron of `{preset}` with what its
            compartments read; the goal `{said}`, γ of every atom; the redundancy lattice of its
            sources and the information circle, both filled by γ: red is maximised, blue minimised,
            white left alone. Ovals hold what is part of the information I(Y:k) from one source, the
            outer ring is the residual entropy H_res; areas mean nothing. Drawn from the lattice by
            code, after Fig. {number} of arXiv 2412.02482. Scale: {work.scale} (all are the
            same).""",
        )


if __name__ == "__main__":
    main()
