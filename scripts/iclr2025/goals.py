"""Goals found by search: the published ones and ours, γ by γ, with the errors they lead to.

`infosim optimize` searches the 19 parameters of three-source neurons with both of its samplers,
each in a process of its own, from the heuristic goal on. The best goal of each is trained anew with
seeds that the search did not use, and so are the published goals.
"""

import csv
import subprocess
import sys

import click
import numpy as np

from infosim import plotting
from infosim.errors import InfosimError
from infosim.pid import Goal
from infosim.plotting.search import goals as heat_map
from scripts.common import SCALES, band, figure_script, seeds_of

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


def search(work, trials, epochs, hidden):
    """Carry out, or continue, both searches."""
    settings = {k: v for k, v in SCALES[work.scale].items() if k != "training.epochs"}
    settings |= {"layers.hidden.size": hidden, "training.evaluate_every": 1}
    pairs = [part for k, v in settings.items() for part in ("--set", f"{k}={v}")]
    threads = str(max(1, work.jobs // len(SAMPLERS)))
    common = ["--trials", str(trials), "--epochs", str(epochs), "--seed", "0", "--threads", threads]
    command = [sys.executable, "-m", "infosim", "optimize", PRESET, *common, *pairs]
    started = [
        subprocess.Popen([*command, "--sampler", name, "--out", str(work.runs / f"search-{name}")])
        for name in SAMPLERS
    ]
    codes = [one.wait() for one in started]  # both, whatever becomes of the first
    if any(codes):
        raise InfosimError("a search did not end; the same command continues it")


def found(work, sampler):
    """(γ, trial, validation error, numbers of complete and all trials) of a search's best goal."""
    with open(work.runs / f"search-{sampler}" / "trials.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["state"] in ("complete", "pruned")]
    complete = [row for row in rows if row["state"] == "complete"]
    best = min(complete, key=lambda row: float(row["value"]))
    labels = Goal.named(PRESET).labels
    gamma = [float(best[label]) for label in labels]
    return gamma, int(best["number"]), float(best["value"]), len(complete), len(rows)


@figure_script("iclr2025")
@click.option("--trials", type=int, help="Of each search (laptop 60, paper 1000).")
@click.option("--epochs", type=int, help="Of each trial (laptop 20, paper 100).")
@click.option("--seeds", type=int, help="Seeds of each goal's training (laptop 2, paper 10).")
def main(work, trials, epochs, seeds):
    """Search, train what was found, draw."""
    trials = trials or work.pick(smoke=12, laptop=60, paper=1000)
    epochs = epochs or work.pick(smoke=10, laptop=20, paper=100)
    seeds = seeds or work.pick(smoke=1, laptop=2, paper=10)
    hidden = work.pick(smoke=20, laptop=100)
    if not work.draw:
        search(work, trials, epochs, hidden)
    gammas = {name: Goal.named(goal).gamma for goal, name in PUBLISHED.items()}
    best = {name: found(work, sampler) for sampler, name in SAMPLERS.items()}
    gammas |= {name: np.array(one[0]) for name, one in best.items()}
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
        test = band([one.test for one in ends] or [np.nan])
        names.append(f"{name}  {100 * test[0]:.2f} %")
        rows.append(
            {"goal": name, "n_seeds": len(ends)}
            | dict(zip(("test_median", "test_min", "test_max"), test, strict=True))
            | {"trial": "", "search_val_error": ""}
            | dict(zip(labels, map(float, gamma), strict=True))
        )
        if name in best:
            rows[-1] |= {"trial": best[name][1], "search_val_error": best[name][2]}
    with plotting.style():
        figure = plotting.figure(7.0, 5.2)
        ax = heat_map(list(gammas.values()), names, labels, figure.subplots())
        ax.set_xlabel("")
        ax.set_title("")
        ax.set_xticks(range(len(names)), names, rotation=35, ha="right", rotation_mode="anchor")
    told = "; ".join(
        f"{name}: trial {one[1]} of {one[4]}, {one[3]} complete" for name, one in best.items()
    )
    work.save(
        "optimised_goals",
        figure,
        rows,
        f"""**Goals found by search.** γ of the published goals and of the best goals of two
        searches by `infosim optimize` ({told}; {epochs} epochs a trial, validation error, one
        seed), and the test error (median) of networks trained with each goal, {work.about(hidden)},
        {seeds_of(seeds, 1)}. The published searches had 500 (TPE) and 1000 (CMA-ES) trials of 100
        epochs. Scale: {work.scale}.""",
    )


_GOAL = "layers.hidden.goal"


if __name__ == "__main__":
    main()
