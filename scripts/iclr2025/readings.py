"""Settings that can be read in more than one way: what each reading gives.

The published configuration leaves open, or contradicts, how potentials are binned in the output
layer and in hidden layers of two compartments, for how many epochs networks were trained, and which
of the published optimised goals the figures show. Each row is one reading, at 100 hidden neurons
unless it says otherwise.
"""

import click

from infosim import plotting
from scripts.drawing import dots, seeds_found
from scripts.iclr2025.models import MODELS, about, iclr_script, run
from scripts.iclr2025.performance import reference, row_of, theirs_of

_OUTPUT, _HIDDEN = "layers.output.binning.kind", "layers.hidden.binning.kind"
_SIZE = "layers.hidden.size"
_GOAL, _EPOCHS = "layers.hidden.goal", "training.epochs"
#: (model, reading) -> settings; the first reading of a model is the preset's.
READINGS = {
    ("Readout Only", "adaptive output bins"): {},
    ("Readout Only", "normalised"): {_OUTPUT: "normalised"},
    ("Readout Only", "fixed"): {_OUTPUT: "fixed"},
    ("Context Heuristic", "fixed hidden bins"): {},
    ("Context Heuristic", "normalised"): {_HIDDEN: "normalised"},
    ("Context Heuristic", "adaptive"): {_HIDDEN: "adaptive"},
    ("Lateral Optimized", "fixed hidden bins"): {},
    ("Lateral Optimized", "normalised"): {_HIDDEN: "normalised"},
    ("Lateral Optimized", "adaptive"): {_HIDDEN: "adaptive"},
    ("Trivariate Optimized", "100 epochs, opt_1_100_tpe"): {},
    ("Trivariate Optimized", "50 epochs"): {_EPOCHS: 50},
    ("Trivariate Optimized", "150 epochs"): {_EPOCHS: 150},
    ("Trivariate Optimized", "opt_2_100_tpe"): {_GOAL: "iclr/trivariate-opt_2_100_tpe"},
    ("Trivariate Optimized", "opt_3_100_tpe"): {_GOAL: "iclr/trivariate-opt_3_100_tpe"},
    ("Trivariate Optimized", "opt_1_100_cmaes"): {_GOAL: "iclr/trivariate-opt_1_100_cmaes"},
    ("Trivariate Optimized", "opt_2_100_cmaes"): {_GOAL: "iclr/trivariate-opt_2_100_cmaes"},
    ("Trivariate Optimized", "opt_3_100_cmaes"): {_GOAL: "iclr/trivariate-opt_3_100_cmaes"},
    ("Trivariate Optimized", "opt_1_1000"): {_GOAL: "iclr/trivariate-opt_1_1000"},
    ("Trivariate with Feedback", "200 neurons, 100 epochs"): {_SIZE: 200},
    ("Trivariate with Feedback", "200, normalised bins"): {_SIZE: 200, _OUTPUT: "normalised"},
    ("Trivariate with Feedback", "200, fixed bins"): {_SIZE: 200, _OUTPUT: "fixed"},
    ("Trivariate with Feedback", "200, 60 epochs"): {_SIZE: 200, _EPOCHS: 60},
    ("Trivariate with Feedback", "50, 60 epochs"): {_SIZE: 50, _EPOCHS: 60},
    ("Trivariate with Feedback", "100, 60 epochs"): {_SIZE: 100, _EPOCHS: 60},
    ("Trivariate with Feedback", "500, 60 epochs"): {_SIZE: 500, _EPOCHS: 60},
    ("Random Projection", "10 neurons, fixed output bins"): {_SIZE: 10},
    ("Random Projection", "normalised"): {_SIZE: 10, _OUTPUT: "normalised"},
    ("Random Projection", "adaptive"): {_SIZE: 10, _OUTPUT: "adaptive"},
    ("Backpropagation", "100 epochs"): {},
    ("Backpropagation", "50 epochs"): {_EPOCHS: 50},
    ("Backpropagation", "150 epochs"): {_EPOCHS: 150},
}


@iclr_script
@click.option("--seeds", type=int, help="Seeds of each reading (laptop 2, paper 10).")
def main(work, seeds):
    """Run, summarise, draw."""
    seeds = seeds or work.pick(smoke=1, laptop=2, paper=10)
    hidden = work.pick(smoke=20, laptop=100)
    chosen = dict(list(READINGS.items())[:6]) if work.scale == "smoke" else READINGS
    runs = {
        (key, seed): run(work, key[0], hidden, seed, settings)
        for seed in range(10)
        for key, settings in chosen.items()
    }
    known = work.errors([one for (_, seed), one in runs.items() if seed < seeds], runs.values())
    theirs, rows, drawn, counts = reference(), [], [], []
    for model, reading in chosen:
        found = [
            known[runs[(model, reading), s].key]
            for s in range(10)
            if runs[(model, reading), s].key in known
        ]
        counts.append(len(found))
        n = 0 if model == "Readout Only" else chosen[model, reading].get(_SIZE, 100)
        for split in ("test", "train"):
            row = row_of(model, n, split, [getattr(one, split) for one in found], theirs)
            rows.append({"reading": reading} | row)
        label, color = f"{model}: {reading}", MODELS[model].color
        drawn.append((label, color, [one.test for one in found], theirs_of(rows[-2])))
    with plotting.style():
        figure = plotting.figure(5.2, 5.8)
        dots(drawn, figure.subplots(), [4, 5, 6, 8, 10, 15, 20, 40, 70])
    work.save(
        "readings",
        figure,
        rows,
        f"""**Readings of the published settings.** Test error with the label withheld,
        {about(work, hidden)} unless said otherwise; {seeds_found(counts)}. Grey: published median
        and range (ten seeds) of the model. The first reading of each model is the preset's. The
        file has the training errors as well. Scale: {work.scale}.""",
    )


if __name__ == "__main__":
    main()
