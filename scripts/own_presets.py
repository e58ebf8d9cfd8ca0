"""Errors of the presets own/table and own/images on data that come with scikit-learn, in %.

Means of three seeds: validation error, by which settings are chosen (--set tries others); then test
error, that with nothing random, and that of a logistic regression of the same rows. Needs
scikit-learn; prints the rows of the table in docs/data.md.
"""

import click
import numpy as np

from infosim import Dataset, Experiment
from infosim.experiments.run import prepared
from scripts.command import told_in_a_line

SEEDS = (0, 1, 2)


def data_sets():
    """Name -> preset and Dataset."""
    from sklearn import datasets

    found = {
        name: ("own/table", getattr(datasets, f"load_{name}")(return_X_y=True))
        for name in ("wine", "iris", "breast_cancer")
    }
    many = {"n_informative": 8, "n_redundant": 4, "n_classes": 4, "random_state": 0}
    found["four classes"] = "own/table", datasets.make_classification(3000, 20, **many)
    found["moons"] = "own/table", datasets.make_moons(1000, noise=0.2, random_state=0)
    digits = datasets.load_digits()
    found["digits"] = "own/images", (digits.images.astype(np.uint8), digits.target)
    return {name: (preset, Dataset.of(*data)) for name, (preset, data) in found.items()}


def errors(preset, data, settings):
    """Validation and test errors of a preset, the means over seeds."""
    few = ["training.evaluate_every=10", "training.record_every=1000", *settings]
    loaded = [Experiment.load(preset, [*few, f"training.seed={seed}"]).on(data) for seed in SEEDS]
    training, task, _ = prepared(loaded, data)
    epochs = loaded[0].config["training"]["epochs"]
    while len(training.history) <= epochs:
        training.advance()
    means = [
        np.mean([getattr(one, name)[-1] for one in training.histories])
        for name in ("val_error", "test_error")
    ]
    sure = training.simulator.score(task.shown(data.test_x), data.test_y, sampled=False)
    return [*means, 1 - np.mean(sure)]


@click.command(help=__doc__)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Other settings.")
@told_in_a_line()
def main(settings):
    """Print a row for each data set."""
    from sklearn.linear_model import LogisticRegression

    for name, (preset, data) in data_sets().items():
        linear = LogisticRegression(max_iter=5000).fit(data.train_x, data.train_y)
        found = [*errors(preset, data, settings), 1 - linear.score(data.test_x, data.test_y)]
        n = len(data.train_x) + len(data.test_x)
        cells = [name, f"{n}", *(f"{100 * error:.1f}" for error in found)]
        click.echo(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
