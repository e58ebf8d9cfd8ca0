"""Goals of two sources as points of one space: the idea of PNAS 2025, drawn from the data.

The decomposition of two sources with the goal of the supervised experiment, and where the classical
goals lie among all that a goal can be. Nothing is trained, all scales are the same.
"""

from itertools import pairwise

from matplotlib.patheffects import withStroke

from infosim import plotting
from infosim.pid import Goal, lattice
from infosim.pid.goals import bivariate_goals
from infosim.plotting import goal_summary
from infosim.plotting.search import goals as heat_map
from scripts.command import figure_script

SUPERVISED = "pnas/supervised"
#: Columns of the heat map, in the order of the paper.
ATOMS = ("{F}", "{C}", "{F}{C}", "{FC}", "H_res")
#: What ICLR 2025 found by search, with L in the place of C; not goals of F and C by name.
SEARCHED = ("iclr/context-optimized", "iclr/lateral-optimized")
#: Kind of goal, the first part of its name -> (colour, in words).
KINDS = {
    "classical": ("#0072B2", "classical"),
    "pid": ("#D55E00", "PID only"),
    "pnas": ("#8A5A9E", "PNAS 2025"),
    "iclr": ("#009E73", "ICLR 2025, optimised"),
}
#: What is written beside the points of panel c: where, how far off (points), how aligned.
NOTES = {
    "infomax, imax,\ninformation bottleneck,\nredundancy reduction,\n± residual entropy": (
        (0, 0), (6, -4), "left",
    ),
    "joint and conditional\ninfomax, entropy": ((1, 1), (2, 6), "right"),
    "coherent infomax,\npredictive coding": ((-1, -1), (8, -1), "left"),
    "contextual guidance": ((-0.5, -0.5), (6, -3), "left"),
    "unique,\nunsupervised": ((1, 0), (-5, 1), "right"),
    "redundancy": ((-1, 0), (0, -6), "center"),
    "synergy": ((0, 1), (-5, 0), "right"),
    "coding with synergy": ((-1, 1), (4, 6), "center"),
    "supervised,\nmemory": ((-0.8, 0.1), (0, 8), "center"),
    "context": ((-0.419, 0.154), (0, -6), "center"),
    "lateral": ((-0.141, 0.563), (-5, 0), "right"),
}  # fmt: skip


def off_plane(goal):
    """What a goal of two sources has that no sum of Shannon's informations has.

    It is w of {F}{C}, the only one of the redundancies that is no mutual information:
    γ_syn - (γ_F + γ_C - γ_red).
    """
    shared = lattice(2).index("{F}{C}", goal.sources)
    return float(goal.coefficients()[0][shared])


def table():
    """A row for every goal: name, classical terms, source, γ and how far off the plane it is."""
    known = {
        name: told for name, told in bivariate_goals().items() if name.split("/")[0] in KINDS
    }  # those of memories are of Memory 2025
    known |= {name: {"classical": "", "source": "ICLR 2025, arXiv 2412.02482"} for name in SEARCHED}
    rows = []
    for name, told in known.items():
        goal = Goal.named(name, "FC")
        gamma = dict(zip(goal.labels, goal.gamma.tolist(), strict=True))
        rows.append(
            {"goal": name, "classical": told["classical"], "source": told["source"]}
            | {atom: gamma[atom] for atom in ATOMS}
            | {"off_plane": off_plane(goal)}
        )
    return rows


def colour(row):
    """The colour of a goal's kind."""
    return KINDS[row["goal"].split("/")[0]][0]


def draw_parameters(rows, ax):
    """γ of every goal, a gap between kinds."""
    names = [row["goal"].partition("/")[2].replace("-", " ") for row in rows]
    heat_map([[row[atom] for row in rows] for atom in ATOMS], ATOMS, names, ax)
    ax.images[0].set_clim(-1.4, 1.4)  # most γ are ±1, for which the ends are too dark
    for y, (above, row) in enumerate(pairwise(rows)):
        if colour(above) != colour(row):
            ax.axhline(y + 0.5, color="white", linewidth=3)
    for tick, row in zip(ax.get_yticklabels(), rows, strict=True):
        tick.set_color(colour(row))
    ax.tick_params(length=0, labelsize=6.5)
    ax.set(title="a  γ of two-source goals", xlabel="")
    return ax


def draw_off_plane(rows, ax):
    """How far each goal is off the classical plane; for those on it, what they are there."""
    ax.axvline(0, color="#444444", linewidth=0.6)
    for y, row in enumerate(rows):
        ax.plot([0, row["off_plane"]], [y, y], color=colour(row))
        ax.plot(row["off_plane"], y, "o", color=colour(row), markersize=4)
        note = {"xytext": (6, 0), "textcoords": "offset points", "va": "center", "fontsize": 6}
        ax.annotate(row["classical"].replace("-", "−"), (0, y), **note)
    ax.set(ylim=(len(rows) - 0.5, -0.5), xlim=(-1.3, 2.3), yticks=[], xticks=[-1, 0, 1, 2])
    ax.spines["left"].set_visible(False)
    ax.set(title="b  off the plane by", xlabel="γ_syn − γ_F − γ_C + γ_red")
    return ax


def draw_space(rows, ax):
    """All goals, seen along the classical plane, which is a line from there."""
    ends = (-1.6, 1.5)
    ax.plot(ends, ends, color=KINDS["classical"][0], linewidth=1)
    for row in rows:
        x, y = row["{F}"] + row["{C}"] - row["{F}{C}"], row["{FC}"]
        ax.plot([x, x], [x, y], color=colour(row), linewidth=0.8, linestyle=(0, (1, 1)))
        ax.plot(x, y, "o", color=colour(row), markersize=4.5)
    casing = [withStroke(linewidth=2, foreground="white")]
    for said, (at, (right, up), ha) in NOTES.items():
        note = {"xytext": (right, up), "textcoords": "offset points", "path_effects": casing}
        va = "bottom" if up > 0 else "top" if up else "center"
        ax.annotate(said, at, ha=ha, va=va, fontsize=6, linespacing=1.05, **note)
    for look, words in KINDS.values():
        ax.plot([], [], "o", color=look, label=words)
    ax.legend(loc="lower right", fontsize=6.5, borderaxespad=0, handlelength=1)
    ax.set(xlim=ends, ylim=ends, xticks=[-1, 0, 1], yticks=[-1, 0, 1])
    ax.set(xlabel="γ_F + γ_C − γ_red", ylabel="γ_syn", title="c  the plane, seen from its edge")
    return ax


@figure_script("pnas2025")
def main(work):
    """Draw both figures."""
    goal = Goal.named(SUPERVISED)
    work.save(
        "fig1_pid",
        goal_summary(goal),
        [{key: "" if v is None else v for key, v in row.items()} for row in goal.table()],
        f"""**What two sources tell about a neuron's output, and a goal over it.** The neuron with a
        feedforward (receptive) compartment F and a context compartment C; the goal `{SUPERVISED}`,
        γ of every atom; the redundancy lattice of two sources and the information circle, both
        filled by γ: red is maximised, blue minimised, white left alone. Ovals hold I(Y:F) and
        I(Y:C): {{F}}{{C}} is what both tell, {{F}} and {{C}} what only one tells, {{FC}} what only
        both together tell; the outer ring is the residual entropy H_res. Areas mean nothing. Drawn
        from the lattice by code, after the idea of Fig. 1 of arXiv 2306.02149. Scale: {work.scale}
        (all are the same).""",
    )
    rows = table()
    with plotting.style():
        figure = plotting.figure(7.0, 4.6)
        parts = figure.add_gridspec(1, 3, width_ratios=[1.35, 0.9, 2.0])
        draw_parameters(rows, figure.add_subplot(parts[0]))
        draw_off_plane(rows, figure.add_subplot(parts[1]))
        draw_space(rows, figure.add_subplot(parts[2]))
        figure.draw_without_rendering()
    work.save(
        "goal_space",
        figure,
        rows,
        f"""**Classical goals as points in the space of goals.** **a** γ of the goals of two sources
        that have a name (docs/goals.md has definitions and references; of the lateral goal C is
        read as L). **b** What can be written with Shannon's informations, as written beside the
        points, has γ_syn = γ_F + γ_C − γ_red, whatever γ of H_res: a plane of four of the five
        dimensions. Bars: how far other goals are off it. **c** All goals, seen along the plane, so
        that it is a line; dotted, the bars of b. A weighting of mutual informations that rewards
        what both sources tell must also reward what one of them tells alone, or punish synergy;
        the goals that networks learn with need not. Scale: {work.scale} (all are the same).""",
    )


if __name__ == "__main__":
    main()
