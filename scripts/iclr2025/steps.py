"""How many steps a presentation needs: error, and what changes from step to step.

Left: networks trained and tested with 1 to 8 steps; in the first, lateral input is silent. Right:
the firing probabilities of trained networks while one batch is presented for ten steps.
"""

import click
import numpy as np
from matplotlib.ticker import FuncFormatter

import infosim
from infosim import plotting
from infosim.machine.events import Fire
from scripts.drawing import seeds_found, spread
from scripts.iclr2025.models import BLUE, RED, about, iclr_script, run

MODEL = "Trivariate Optimized"
STEPS = (1, 2, 3, 4, 6, 8)
LONG = 10
#: Epochs after which a network is looked at, and their colours.
TIMES = {1: "#F2B48C", 10: "#E0803C", 100: "#8A3A00"}


def changes(net, samples):
    """Change of the hidden layer from each step to the next, (LONG - 1,) each.

    Returns
    -------
    the mean over neurons and samples of |Δθ|; the mean over neurons of the batch mean's |Δθ|
    """
    net.present(*net.batch(samples, np.arange(min(1024, len(samples)))))
    theta = []
    while net.events:
        event = net.advance()
        if isinstance(event, Fire) and event.layer == "hidden":
            theta.append(np.array(net["hidden"].probabilities, np.float64))
    moved = np.diff(theta, axis=0)
    return np.abs(moved).mean((1, 2)), np.abs(moved.mean(2)).mean(1)


@iclr_script
@click.option("--seeds", type=int, help="Seeds of each number of steps (laptop 2, paper 10).")
def main(work, seeds):
    """Run, step through, draw."""
    seeds = seeds or work.pick(smoke=1, laptop=2, paper=10)
    hidden = work.pick(smoke=20, laptop=100)
    runs = {
        (steps, seed): run(work, MODEL, hidden, seed, {"network.steps": steps})
        for seed in range(10)
        for steps in STEPS
    }
    known = work.errors([one for (_, seed), one in runs.items() if seed < seeds], runs.values())
    rows = []
    for steps in STEPS:
        found = [known[runs[steps, s].key] for s in range(10) if runs[steps, s].key in known]
        for split in ("train", "test"):
            values = [getattr(one, split) for one in found]
            rows.append(
                {"quantity": f"{split}_error", "steps": steps, "epochs": 100, "n": len(found)}
                | spread(values)
            )
    briefly = {
        epochs: {} if epochs == 100 else {"training.epochs": epochs, "training.evaluate_every": 1}
        for epochs in TIMES
    }
    looked_at = {epochs: run(work, MODEL, hidden, 0, more) for epochs, more in briefly.items()}
    work.carry_out(looked_at.values())
    for epochs, one in looked_at.items():
        net = infosim.load_run(work.folder(one)).simulator([f"network.steps={LONG}"])
        _, _, test = one.experiment.samples(one.experiment.dataset())
        for quantity, values in zip(("change", "batch_change"), changes(net, test), strict=True):
            for step, value in enumerate(values, 1):
                numbers = dict.fromkeys(("median", "min", "max"), float(value))
                place = {"quantity": quantity, "steps": step, "epochs": epochs, "n": 1}
                rows.append(place | numbers)
    counts = [row["n"] for row in rows if row["quantity"] == "test_error"]
    with plotting.style():
        figure = draw(rows)
    work.save(
        "presentation_steps",
        figure,
        rows,
        f"""**Steps of a presentation.** {MODEL}, {about(work, hidden)}. Left: error (median, range)
        against the number of steps, in training and testing alike, {seeds_found(counts)}; the
        published networks have 2. Right: change of the firing probability θ of hidden neurons from
        one step to the next, 1024 test images with their labels as context, after 1, 10 and 100
        epochs of training (seed 0): the mean of |Δθ| (lines), which cannot fall below what drawing
        the lateral input anew makes of it, and the mean over neurons of the change of their batch
        averages (dotted). The paper's authors show such a figure without naming quantity and norm;
        their second and later changes are 1e-4 to 3e-3. Scale: {work.scale}.""",
    )


def draw(rows):
    """Error against steps, and changes against the step."""

    def column(name, quantity, epochs):
        chosen = [r for r in rows if (r["quantity"], r["epochs"]) == (quantity, epochs)]
        return np.array([r[name] for r in chosen])

    figure = plotting.figure(7.0, 2.8)
    left, right = figure.subplots(1, 2)
    for split, color in (("train", BLUE), ("test", RED)):
        x, *ends = (
            column(name, f"{split}_error", 100) for name in ("steps", "median", "min", "max")
        )
        middle, low, high = (100 * end for end in ends)
        label = {"train": "training", "test": "test"}[split]
        left.errorbar(x, middle, [middle - low, high - middle], fmt="o-", color=color, label=label)
    left.set(xlabel="steps of a presentation", ylabel="error (%)", ylim=(0, None))
    left.legend()
    for epochs, color in TIMES.items():
        label = f"{epochs} epoch{'s' * (epochs > 1)}"
        for quantity, style in (("change", "o-"), ("batch_change", "o:")):
            x, y = (column(name, quantity, epochs) for name in ("steps", "median"))
            right.plot(x, y, style, color=color, label=label if style == "o-" else None)
    right.plot([], [], "o:", color="#444444", label="batch averages")
    right.set(yscale="log", xlabel="step", ylabel="change of θ to the next step")
    right.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    right.set_xticks(range(1, LONG))
    right.legend(ncol=2, loc="upper right", bbox_to_anchor=(1.0, 0.8))
    return figure


if __name__ == "__main__":
    main()
