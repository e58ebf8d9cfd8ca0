"""MNIST with 100 hidden neurons against the published band: `python scripts/iclr2025/mnist_100.py`.

ICLR 2025 (arXiv 2412.02482), error against hidden neurons, N = 100: each preset is trained for the
published 100 epochs with seeds 0 to 2; interrupted runs resume, finished ones are kept. Writes
docs/reproduction/mnist_100.md.
"""

import csv
from pathlib import Path

import click
import numpy as np

from infosim.experiments import Experiment, train

ROOT = Path(__file__).parents[2]
#: row -> (preset, settings laid over it, model and hidden neurons in the published figure)
ROWS = {
    "trivariate-optimized": ("iclr/trivariate-optimized", [], ("Trivariate Optimized", "100")),
    "trivariate-heuristic": ("iclr/trivariate-heuristic", [], ("Trivariate Heuristic", "100")),
    "readout": ("iclr/readout", [], ("Readout Only", "0")),
    "readout, normalised bins": (
        "iclr/readout", ["layers.output.binning.kind=normalised"], ("Readout Only", "0"),
    ),
    "readout, fixed bins": (
        "iclr/readout", ["layers.output.binning.kind=fixed"], ("Readout Only", "0"),
    ),
}  # fmt: skip


def published(model, n_hidden):
    """Published (median, minimum, maximum) by split."""
    with open(ROOT / "reference" / "iclr_mnist_performance.csv", newline="") as file:
        return {
            row["split"]: tuple(float(row[f"{k}_error"]) for k in ("median", "min", "max"))
            for row in csv.DictReader(file)
            if row["model"] == model and row["n_hidden"] == n_hidden
        }


def final(directory):
    """The last row of a run's metrics, numbers by column."""
    with open(directory / "metrics.csv", newline="") as file:
        return {key: float(value) for key, value in list(csv.DictReader(file))[-1].items()}


def run(row, preset, overrides, seed, epochs, folder):
    """Train one model with one seed, or continue it, or find it done."""
    experiment = Experiment.load(
        preset, [*overrides, f"training.seed={seed}", f"training.epochs={epochs}"]
    )
    out = folder / f"{row.replace(', ', '-').replace(' ', '-')}-seed{seed}"
    if not (out / "summary.png").exists():
        train(experiment, out, resume=(out / "config.toml").exists())
    return final(out)


@click.command()
@click.option("--epochs", default=100, show_default=True)
@click.option("--seeds", default="0,1,2", show_default=True)
@click.option("--runs", type=click.Path(path_type=Path), default=ROOT / "runs" / "mnist_100")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=ROOT / "docs" / "reproduction" / "mnist_100.md",
)
def main(epochs, seeds, runs, out):
    """Train all rows and write the table."""
    seeds = [int(seed) for seed in seeds.split(",")]
    lines = [
        f"| model | test error, seeds {', '.join(map(str, seeds))} | median | published median "
        "[min, max] | inside | train error, median | published |",
        "|---|---|---|---|---|---|---|",
    ]
    for row, (preset, overrides, key) in ROWS.items():
        results = [run(row, preset, overrides, seed, epochs, runs) for seed in seeds]
        reference = published(*key)
        test = [r["test_error"] for r in results]
        middle, low, high = reference["test"]
        train_median = np.median([r["train_error"] for r in results])
        lines.append(
            f"| {row} | {' '.join(f'{e:.4f}' for e in test)} | {np.median(test):.4f} "
            f"| {middle:.4f} [{low:.4f}, {high:.4f}] "
            f"| {'yes' if low <= np.median(test) <= high else '**no**'} "
            f"| {train_median:.4f} | {reference['train'][0]:.4f} "
            f"[{reference['train'][1]:.4f}, {reference['train'][2]:.4f}] |"
        )
        click.echo(lines[-1])
    text = (ROOT / "scripts" / "iclr2025" / "mnist_100.in.md").read_text()
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text.replace("TABLE", "\n".join(lines)).replace("EPOCHS", str(epochs)))


if __name__ == "__main__":
    main()
