"""The tables of docs/estimators.md: infomorphic classifiers beside two of scikit-learn's.

Five-fold cross-validation, every model with its defaults behind the same StandardScaler, and a
search among goals as scikit-learn's users make one. Nothing is chosen by the folds that are tested.
"""

import time
import warnings
from pathlib import Path

import click
import numpy as np
from threadpoolctl import threadpool_limits

from infosim import InfomorphicClassifier
from infosim.errors import ConfigError, near
from infosim.experiments import store
from infosim.extras import need
from scripts.command import told_in_a_line
from scripts.files import ROOT, table
from scripts.pages import put_table

PAGE, ROWS = ROOT / "docs" / "estimators.md", ROOT / "docs" / "estimators.csv"
_FILE = click.Path(path_type=Path)
FOLDS = 5
#: Of the infomorphic classifier's hidden layer, and of the perceptron's.
NEURONS = 100
#: The three goals that are searched, and the table on which.
GOALS = ("iclr/trivariate-optimized", "iclr/trivariate-heuristic", "{F}{C}")
SEARCHED = "wine"


def tables():
    """name -> (X, y), from scikit-learn's bundled data."""
    data = need("sklearn.datasets", "figures", "the tables are scikit-learn's")
    loaders = (data.load_digits, data.load_wine, data.load_breast_cancer)
    names = ("digits", "wine", "breast cancer")
    return {name: load(return_X_y=True) for name, load in zip(names, loaders, strict=True)}


def models(epochs="auto"):
    """name -> classifier."""
    linear, neural = (
        need("sklearn.linear_model", "figures"),
        need("sklearn.neural_network", "figures"),
    )
    return {
        "InfomorphicClassifier": InfomorphicClassifier(
            n_neurons=NEURONS, epochs=epochs, random_state=0
        ),
        "LogisticRegression": linear.LogisticRegression(random_state=0),
        "MLPClassifier": neural.MLPClassifier((NEURONS,), random_state=0),
    }


def behind_a_scaler(model):
    """A pipeline that standardises columns first."""
    pipeline, scaling = (
        need("sklearn.pipeline", "figures"),
        need("sklearn.preprocessing", "figures"),
    )
    return pipeline.Pipeline([("scale", scaling.StandardScaler()), ("model", model)])


def folds(n, seed=0):
    """Folds of rows in random order, with the classes in equal parts."""
    selection = need("sklearn.model_selection", "figures")
    return selection.StratifiedKFold(n, shuffle=True, random_state=seed)


def measured(name, x, y, epochs="auto"):
    """A row for each model: its errors in each fold, and how long a fit takes one thread."""
    for model, one in models(epochs).items():
        errors, seconds = [], []
        for train, test in folds(FOLDS).split(x, y):
            fitted, began = behind_a_scaler(one), time.process_time()
            with warnings.catch_warnings(), threadpool_limits(1):
                warnings.simplefilter("ignore")  # the perceptron tells that 200 epochs are few
                fitted.fit(x[train], y[train])
            seconds.append(time.process_time() - began)
            errors.append(1 - fitted.score(x[test], y[test]))
        yield {
            "table": name, "n": len(x), "columns": x.shape[1], "classes": len(np.unique(y)),
            "model": model, "error": float(np.mean(errors)), "sd": float(np.std(errors, ddof=1)),
            "cpu_seconds": float(np.median(seconds)),
            **{f"fold_{k}": float(one) for k, one in enumerate(errors)},
        }  # fmt: skip


def searched(x, y, epochs="auto"):
    """A row for each goal, from `GridSearchCV`: mean error in three folds, and its rank."""
    selection = need("sklearn.model_selection", "figures")
    grid = {"model__goal": GOALS}
    search = selection.GridSearchCV(
        behind_a_scaler(models(epochs)["InfomorphicClassifier"]), grid, cv=folds(3), refit=False
    ).fit(x, y)
    found = search.cv_results_
    for goal, score, sd, rank in zip(
        GOALS, found["mean_test_score"], found["std_test_score"], found["rank_test_score"],
        strict=True,
    ):  # fmt: skip
        yield [f"`{goal}`", SEARCHED, f"{100 * (1 - score):.1f} ± {100 * sd:.1f}", rank]


def cells(rows):
    """The rows of the page's first table, errors in %."""
    for row in rows:
        error = f"{100 * row['error']:.1f} ± {100 * row['sd']:.1f}"
        yield [row["table"], row["model"], row["n"], row["columns"], row["classes"], error,
               f"{row['cpu_seconds']:.2g}"]  # fmt: skip


@click.command(help=__doc__)
@click.option("--rows", type=_FILE, default=ROWS, show_default=True, help="CSV file of the rows.")
@click.option("--page", type=_FILE, default=PAGE, show_default=True, help="Whose tables they are.")
@click.option("--only", multiple=True, help="Name of a table (repeatable; default: all).")
@click.option("--epochs", type=click.IntRange(1), help="Of the networks (default: their own).")
@told_in_a_line()
def main(rows, page, only, epochs):
    """Train, summarise, write."""
    found, chosen = [], tables()
    for name in only:
        if name not in chosen:
            raise ConfigError(f"no table {name!r}; {near(name, chosen)}")
    for name, (x, y) in chosen.items():
        if only and name not in only:
            continue
        for row in measured(name, x, y, epochs or "auto"):
            click.echo(f"{name}, {row['model']}: {row['error']:.3f}", err=True)
            found.append(row)
    goals = list(searched(*chosen[SEARCHED], epochs or "auto"))
    store.write_text(rows, table(found, list(found[0])))
    head = ["table", "model", "rows", "columns", "classes", "error, %", "CPU seconds of a fit"]
    put_table(page, head, cells(found), right=5)
    put_table(page, ["goal", "table", "error, %", "rank"], goals, right=2)
    click.echo(page)


if __name__ == "__main__":
    main()
