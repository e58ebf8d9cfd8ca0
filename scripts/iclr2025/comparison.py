"""All models side by side at 100 hidden neurons: ICLR 2025, the comparison a reviewer asked for."""

import click

from infosim import plotting
from scripts.drawing import dots, seeds_found
from scripts.iclr2025.models import MODELS, about, iclr_script, run
from scripts.iclr2025.performance import reference, row_of, theirs_of

GROUPS = {"baseline": "baselines", "bivariate": "two compartments", "trivariate": "three"}


def ordered():
    """All models that differ at 100 hidden neurons, by group."""
    models = [name for name in MODELS if name != "Trivariate Optimized Sparse"]  # dense at 100
    return sorted(models, key=lambda name: list(GROUPS).index(MODELS[name].group))


@iclr_script
@click.option("--seeds", type=int, help="Seeds (laptop 3, paper 10).")
def main(work, seeds):
    """Run, summarise, draw."""
    seeds = seeds or work.pick(smoke=1, laptop=3, paper=10)
    hidden = work.pick(smoke=20, laptop=100)
    models = ordered()
    runs = {(name, seed): run(work, name, hidden, seed) for seed in range(10) for name in models}
    known = work.errors([one for (_, seed), one in runs.items() if seed < seeds], runs.values())
    found = {name: [] for name in models}
    for (name, _), one in runs.items():
        if one.key in known:
            found[name].append(known[one.key])
    theirs = reference()
    rows = []
    for name in models:
        n = 0 if name == "Readout Only" else 100
        values = [one.test for one in found[name]]
        rows.append(row_of(name, n, "test", values, theirs))
    with plotting.style():
        figure = plotting.figure(3.5, 3.4)
        drawn = [
            (name, MODELS[name].color, [one.test for one in found[name]], theirs_of(row))
            for name, row in zip(models, rows, strict=True)
        ]
        dots(drawn, figure.subplots(), [4, 6, 8, 10, 15, 20])
    work.save(
        "fig3_comparison",
        figure,
        rows,
        f"""**All models at one size.** Test error with the label withheld; {about(work, hidden)},
        {seeds_found([len(one) for one in found.values()])}. Grey: published median and range, ten
        seeds. Sparse lateral connections differ from dense ones above 101 neurons only. Scale:
        {work.scale}.""",
    )


if __name__ == "__main__":
    main()
