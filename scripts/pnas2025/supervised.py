"""Ten neurons with two compartments learn MNIST, each with the bit of its class as context.

Left to right: accuracy over training beside logistic regression, atoms over training, what the ten
neurons came to look for, which digits are taken for which. A second figure shows other goals, and
how much the settings matter that are not known of the published experiment.
"""

import click
import numpy as np

import infosim
from infosim import plotting
from infosim.datasets import load
from infosim.extras import need
from infosim.plotting.plots import atom_looks, atoms
from scripts.command import figure_script
from scripts.drawing import band, dots, seeds_of

PRESET = "pnas/supervised"
_GOAL, _BINS = "layers.output.goal", "layers.output.binning"
#: name -> settings, or another preset; the first is the preset's own.
VARIANTS = {
    "redundancy mostly (preset)": {},
    "redundancy {F}{C} only": {_GOAL: "{F}{C}"},
    "unique {F} only": "pnas/supervised-unique",
    "unique {C} only": {_GOAL: "{C}"},
    "synergy {FC} only": "pnas/supervised-synergy",
    "{FC} − 0.5 {F}{C}": {_GOAL: "{FC} - 0.5 {F}{C}"},
    "I(Y:F) = {F} + {F}{C}": {_GOAL: "{F} + {F}{C}"},
    "10 bins": {f"{_BINS}.bins": 10},
    "60 bins": {f"{_BINS}.bins": 60},
    "fixed bins, −20 to 20": {f"{_BINS}.kind": "fixed"},
    "batch 256": {"training.batch": 256},
    "batch 4096": {"training.batch": 4096},
    "a third of the rate": {"layers.output.optimizer.rate": 0.001},
    "three times the rate": {"layers.output.optimizer.rate": 0.009},
    "labels of 1 and 0": {"network.inputs.label": "labels"},
    "activation r + c": {"layers.output.activation.name": "sum"},
    "activation r": {"layers.output.activation.name": "feedforward"},
}
#: The digits in the package.
SMOKE = {"data.name": "digits", "training.batch": 288, "training.epochs": 100}
SHOWN = ("{F}", "{C}", "{F}{C}", "{FC}", "H_res")


def run(work, variant, seed):
    """The Run of a variant."""
    settings = VARIANTS[variant]
    preset, settings = (settings, {}) if isinstance(settings, str) else (PRESET, settings)
    smoke = SMOKE if work.scale == "smoke" else {}
    return work.run(preset, smoke | settings | {"training.seed": seed})


def logistic_regression(experiment):
    """Test error of multinomial logistic regression on the experiment's training split."""
    linear_model = need("sklearn.linear_model", "figures", "logistic regression needs scikit-learn")
    data = load(experiment.config["data"]["name"])
    train, _, _ = experiment.samples(data)
    x, y = data.train_x[train.index], data.train_y[train.index]
    model = linear_model.LogisticRegression(max_iter=300, tol=1e-3)
    model.fit((x - data.mean) / data.std, y)
    return float(1 - model.score((data.test_x - data.mean) / data.std, data.test_y))


@figure_script("pnas2025")
@click.option("--seeds", type=int, help="Seeds of each variant (laptop 5, paper 10).")
def main(work, seeds):
    """Run, summarise, draw."""
    seeds = seeds or work.pick(smoke=1, laptop=5, paper=10)
    chosen = list(VARIANTS)[:5] if work.scale == "smoke" else list(VARIANTS)
    runs = {(name, seed): run(work, name, seed) for seed in range(10) for name in chosen}
    asked = [one for (_, seed), one in runs.items() if seed < seeds]
    known = work.errors(asked, runs.values())
    base = [runs[chosen[0], seed] for seed in range(seeds)]
    work.carry_out(base)
    found = [infosim.load_run(work.folder(one)) for one in base]
    baseline = logistic_regression(base[0].experiment)
    accuracy_rows = [
        {
            "epoch": epoch,
            **dict(
                zip(
                    ("accuracy_median", "accuracy_min", "accuracy_max"),
                    band([1 - one.metrics["test_error"][epoch] for one in found]),
                    strict=True,
                )
            ),
            "logistic_regression": 1 - baseline,
            "n_seeds": seeds,
        }
        for epoch in range(len(found[0].metrics["epoch"]))
        if np.isfinite(found[0].metrics["test_error"][epoch])
    ]
    with plotting.style():
        figure = draw(accuracy_rows, found, 1 - baseline)
    data = "bundled 8x8 digits" if work.scale == "smoke" else "MNIST"
    epochs = base[0].experiment.config["training"]["epochs"]
    work.save(
        "supervised",
        figure,
        accuracy_rows,
        f"""**Ten neurons learn {data}.** Preset {PRESET}, {epochs} epochs, {seeds_of(seeds)}.
        Above: test accuracy (median and range) with the label withheld, beside multinomial logistic
        regression on the same training images; atoms of all neurons and seeds (median, middle
        half), label present. Below, seed 0: weights of the ten neurons, which digits are taken for
        which. The paper's settings and numbers are not known (about 0.90, from memory of it).
        Scale: {work.scale}.""",
    )
    rows, drawn = [], []
    for name in chosen:
        errors = [known[runs[name, s].key] for s in range(10) if runs[name, s].key in known]
        color = "#D55E00" if name == chosen[0] else "#0072B2" if "bins" in name else "#009E73"
        if name in list(VARIANTS)[1:7]:
            color = "#E69F00"
        drawn.append((name, color, [one.test for one in errors], None))
        test = band([one.test for one in errors])
        rows.append(
            {"variant": name, "n_seeds": len(errors)}
            | dict(zip(("test_error", "min", "max"), test, strict=True))
        )
    with plotting.style():
        figure = plotting.figure(4.6, 4.2)
        ax = dots(drawn, figure.subplots(), [7, 10, 20, 50, 100])
        ax.axvline(100 * baseline, color="#777777", linestyle=":", linewidth=1)
        ax.text(100 * baseline, len(drawn) - 0.5, " logistic regression", color="#777777", size=6)
    work.save(
        "supervised_variants",
        figure,
        rows,
        f"""**Other goals, other settings.** Test error of ten neurons on {data}, {seeds_of(seeds)},
        each row one change from the preset {PRESET} (orange: the goal; blue: the bins; green: the
        rest). Dotted: logistic regression. Scale: {work.scale}.""",
    )


def draw(rows, found, baseline):
    """Accuracy, atoms, receptive fields, confusion."""
    figure = plotting.figure(7.0, 5.4)
    (a, b), (c, d) = figure.subplots(2, 2)
    epochs = [row["epoch"] for row in rows]
    middle, low, high = (
        np.array([100 * row[f"accuracy_{name}"] for row in rows])
        for name in ("median", "min", "max")
    )
    a.plot(epochs, middle, color="#D55E00", label=f"infomorphic {middle[-1]:.1f} %")
    a.fill_between(epochs, low, high, color="#D55E00", alpha=0.2, linewidth=0)
    a.axhline(100 * baseline, color="#777777", linestyle=":", linewidth=1)
    a.plot([], [], ":", color="#777777", label=f"logistic regression {100 * baseline:.1f} %")
    a.set(xlabel="epoch", ylabel="test accuracy (%)", ylim=(60, 100))
    a.legend(loc="lower right")
    values = np.concatenate([one.atoms["output"] for one in found], axis=1)
    atoms(values, found[0].labels["output"], b, SHOWN, "", atom_looks(SHOWN))
    data = load(found[0].config["data"]["name"])
    plotting.receptive_fields(
        found[0].weights["output/F/weights"], data.image_shape, c, columns=5, name="seed 0"
    )
    net = found[0].simulator()
    experiment_samples = {"image": (data.test_x - data.mean) / data.std, "label": data.test_y}
    evaluation = net.evaluate(experiment_samples)
    plotting.confusion(evaluation.confusion(data.n_classes), d)
    return figure


if __name__ == "__main__":
    main()
