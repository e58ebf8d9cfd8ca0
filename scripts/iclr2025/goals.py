"""Goals found by search: the published ones and ours, γ by γ, with the errors they lead to.

`infosim optimize` searches the 19 parameters of three-source neurons with both of its samplers,
each in a process of its own, from the heuristic goal on. The best goal of each is trained anew with
seeds that the search did not use, and so are the published goals.
"""

import click

from infosim import plotting
from infosim.pid import Goal
from infosim.plotting.search import goals as heat_map
from scripts.drawing import band, seeds_found
from scripts.iclr2025.models import about, iclr_script

PRESET = "iclr/trivariate-heuristic"
SAMPLERS = {"tpe": "ours, TPE", "cmaes": "ours, CMA-ES"}
#: Published goals of three sources, by what their files are called.
PUBLISHED = {
    "iclr/trivariate-heuristic": "heuristic",
    "iclr/trivariate-optimized": "TPE 1 (optimised)",
    "iclr/trivariate-opt_2_100_tpe": "TPE 2",
    "iclr/trivariate-opt_3_100_tpe": "TPE 3",
    "iclr/trivariate-opt_1_100_cmaes": "CMA-ES 1",
    "iclr/trivariate-opt_2_100_cmaes": "CMA-ES 2",
    "iclr/trivariate-opt_3_100_cmaes": "CMA-ES 3",
    "iclr/trivariate-opt_1_1000": "TPE, 1000 neurons",
}


@iclr_script
@click.option("--trials", type=int, help="Of each search (laptop 60, paper 1000).")
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    help="After which the searches begin no more trials.",
)
@click.option("--epochs", type=int, help="Of each trial (laptop 20, paper 100).")
@click.option("--seeds", type=int, help="Seeds of each goal's training (laptop 2, paper 10).")
def main(work, trials, minutes, epochs, seeds):
    """Search, train what was found, draw."""
    trials = trials or work.pick(smoke=6, laptop=60, paper=1000)
    epochs = epochs or work.pick(smoke=10, laptop=20, paper=100)
    seeds = seeds or work.pick(smoke=1, laptop=2, paper=10)
    hidden = work.pick(smoke=20, laptop=100)
    size = {"layers.hidden.size": hidden}
    if not work.draw:
        work.search(PRESET, SAMPLERS, trials, epochs, minutes, size)
    gammas = {name: Goal.named(goal).gamma for goal, name in PUBLISHED.items()}
    best = {name: work.found(sampler, PRESET) for sampler, name in SAMPLERS.items()}
    gammas |= {name: one.goal.gamma for name, one in best.items()}
    sources = Goal.named(PRESET).sources
    runs = {
        (name, seed): work.run(
            "iclr/trivariate-optimized",
            {"layers.hidden.size": hidden, "training.seed": seed}
            | ({} if name.endswith("(optimised)") else {_GOAL: str(Goal(gamma, sources))}),
        )
        for seed in range(1, 11)
        for name, gamma in gammas.items()
    }
    known = work.errors([one for (_, seed), one in runs.items() if seed <= seeds], runs.values())
    labels = Goal.named(PRESET).labels
    rows, names = [], []
    for name, gamma in gammas.items():
        ends = [known[runs[name, s].key] for s in range(1, 11) if runs[name, s].key in known]
        test = band([one.test for one in ends])
        names.append(f"{name}  {100 * test[0]:.2f} %")
        rows.append(
            {"goal": name, "n_seeds": len(ends)}
            | dict(zip(("test_median", "test_min", "test_max"), test, strict=True))
            | dict.fromkeys(("trial", "n_trials", "n_complete", "search_val_error"), "")
            | dict(zip(labels, map(float, gamma), strict=True))
        )
        if name in best:
            one = best[name]
            rows[-1] |= {"trial": one.trial, "n_trials": one.trials, "n_complete": one.complete}
            rows[-1]["search_val_error"] = one.val_error
    with plotting.style():
        figure = plotting.figure(7.0, 5.2)
        ax = heat_map(list(gammas.values()), names, labels, figure.subplots())
        ax.set_xlabel("")
        ax.set_title("")
        ax.set_xticks(range(len(names)), names, rotation=35, ha="right", rotation_mode="anchor")
    counts = [row["n_seeds"] for row in rows]
    told = "; ".join(
        f"{name}: trial {one.trial} of {one.trials}, {one.complete} complete"
        for name, one in best.items()
    )
    work.save(
        "optimised_goals",
        figure,
        rows,
        f"""**Goals found by search.** γ of the published goals and of the best goals of two
        searches by `infosim optimize` ({told}; {epochs} epochs a trial, validation error, one
        seed), and the test error (median) of networks trained with each goal,
        {about(work, hidden)}, {seeds_found(counts, 1)}. The published searches had 500 (TPE) and
        1000 (CMA-ES) trials of 100 epochs. Scale: {work.scale}.""",
    )


_GOAL = "layers.hidden.goal"


if __name__ == "__main__":
    main()
