"""Small tables of two, three and unequal classes: the table of docs/tables.md.

Five-fold cross-validation of the models of ICLR 2025 as their presets describe them, beside the
guess of the most frequent class and logistic regression. Rows that are in the CSV file are not
made again.
"""

import csv
import warnings
from pathlib import Path

import click
import numpy as np

from infosim import Dataset, Simulator
from infosim.errors import ConfigError, near
from infosim.experiments import Experiment, store
from infosim.extras import need
from scripts.command import told_in_a_line
from scripts.files import ROOT, table
from scripts.pages import put_table

PAGE, ROWS = ROOT / "docs" / "tables.md", ROOT / "figures" / "tables.csv"
_FILE = click.Path(path_type=Path)
FOLDS, UPDATES, LARGEST_BATCH = 5, 5000, 256
#: Presets, and their settings here: as in the paper, but for what the tables' size asks.
MODELS = {
    "three compartments": "iclr/trivariate-heuristic",
    "with context": "iclr/bivariate-context-heuristic",
    "backpropagation": "iclr/backprop",
}
OTHERS = ("majority", "logistic regression")
SETTINGS = {"layers.hidden.size": 50, "data.validation": 0.0, "training.dtype": "float32"}
SCALINGS = ("none", "each column")


def tables():
    """name -> (values (n, d), classes (n,)), from scikit-learn's bundled data."""
    data = need("sklearn.datasets", "figures", "the tables are scikit-learn's")
    cancer, wine, iris, digits = (
        load(return_X_y=True)
        for load in (data.load_breast_cancer, data.load_wine, data.load_iris, data.load_digits)
    )
    x, y = digits
    pairs = {f"digits {a} and {b}": (x[of], y[of] == b) for a, b in ((0, 1), (3, 8)) for of in
             [np.isin(y, (a, b))]}  # fmt: skip
    found = {
        "breast cancer": cancer,
        "breast cancer, 1 malignant in 20": few(*cancer, 0, 19),
        "wine": wine,
        "iris": iris,
        "iris, 10 of each class": first(*iris, 10),
        **pairs,
        "digits, 9 or not": (x, y == 9),
        "digits": digits,
    }
    return {name: (x.astype(float), y.astype(int)) for name, (x, y) in found.items()}


def few(x, y, rare, others):
    """Of class `rare` only the first ones, one for so many others."""
    kept = np.flatnonzero(y == rare)[: np.sum(y != rare) // others]
    rows = np.sort(np.concatenate([kept, np.flatnonzero(y != rare)]))
    return x[rows], y[rows]


def first(x, y, n):
    """The first n of each class."""
    rows = np.sort(np.concatenate([np.flatnonzero(y == one)[:n] for one in np.unique(y)]))
    return x[rows], y[rows]


def folds(x, y, scaling):
    """A `Dataset` of each fold; columns are standardised by what is trained on."""
    selection = need("sklearn.model_selection", "figures")
    split = selection.StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    for train, test in split.split(x, y):
        shift, scale = np.zeros(x.shape[1]), np.ones(x.shape[1])
        if scaling == "each column":
            shift, scale = x[train].mean(axis=0), x[train].std(axis=0)
            scale[scale == 0] = 1
        parts = [(x[rows] - shift) / scale for rows in (train, test)]
        yield Dataset(
            name="table",
            train_x=parts[0],
            train_y=y[train],
            test_x=parts[1],
            test_y=y[test],
            n_classes=int(y.max()) + 1,
            image_shape=(x.shape[1],),
            source="scikit-learn",
        )


def error(model, data, seed):
    """The test error of a model on a fold, a fraction."""
    if model == "majority":
        return np.mean(data.test_y != np.bincount(data.train_y).argmax())
    if model == "logistic regression":
        linear = need("sklearn.linear_model", "figures")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # raw columns converge slowly
            fitted = linear.LogisticRegression(max_iter=5000).fit(data.train_x, data.train_y)
        return np.mean(data.test_y != fitted.predict(data.test_x))
    n = len(data.train_x)
    batch = min(n, LARGEST_BATCH)
    settings = SETTINGS | {
        "layers.output.size": data.n_classes, "training.batch": batch, "data.scaling": "none",
    }  # fmt: skip
    experiment = Experiment.load(MODELS[model], list(settings.items()))
    train, _, test = experiment.samples(data)
    net = Simulator(experiment.network(data), seed=seed)
    net.fit(train, epochs=-(-UPDATES // -(-n // batch)), batch=batch)
    return net.evaluate(test).error


def rows_of(name, x, y, scaling):
    """The rows of a table in a scaling, one for each model."""
    parts = list(folds(x, y, scaling))
    for model in (*OTHERS, *MODELS):
        errors = [error(model, part, seed) for seed, part in enumerate(parts)]
        yield {
            "table": name, "scaling": scaling, "n": len(x), "columns": x.shape[1],
            "classes": len(np.unique(y)), "largest_class": float(np.bincount(y).max() / len(y)),
            "model": model, "error": float(np.mean(errors)),
            **{f"fold_{k}": float(one) for k, one in enumerate(errors)},
        }  # fmt: skip


def cells(rows):
    """The rows of the page's table, errors in %."""
    by = {(row["table"], row["scaling"], row["model"]): row for row in rows}
    for name, scaling in dict.fromkeys(key[:2] for key in by):
        some = {model: by[name, scaling, model] for model in (*OTHERS, *MODELS)}
        row = some["majority"]
        errors = [f"{100 * float(one['error']):.1f}" for one in some.values()]
        yield [name, row["n"], row["columns"], row["classes"], scaling, *errors]


@click.command(help=__doc__)
@click.option("--rows", type=_FILE, default=ROWS, show_default=True, help="CSV file of the rows.")
@click.option("--page", type=_FILE, default=PAGE, show_default=True, help="Whose table it is.")
@click.option("--only", multiple=True, help="Name of a table (repeatable; default: all).")
@told_in_a_line()
def main(rows, page, only):
    """Train, summarise, write."""
    found = []
    if rows.exists():
        with open(rows, encoding="utf-8", newline="") as file:
            found = list(csv.DictReader(file))
    known = {(row["table"], row["scaling"]) for row in found}
    chosen = tables()
    for name in only:
        if name not in chosen:
            raise ConfigError(f"no table {name!r}; {near(name, chosen)}")
    chosen = {name: one for name, one in chosen.items() if not only or name in only}
    for name, (x, y) in chosen.items():
        for scaling in SCALINGS:
            if (name, scaling) in known:
                continue
            found += rows_of(name, x, y, scaling)
            rows.parent.mkdir(parents=True, exist_ok=True)
            store.write_text(rows, table(found, list(found[0])))
            told = ", ".join(f"{row['model']} {row['error']:.3f}" for row in found[-5:])
            click.echo(f"{name}, {scaling}: {told}", err=True)
    head = ["table", "rows", "columns", "classes", "standardised", *OTHERS, *MODELS]
    put_table(page, head, cells(found), right=5)
    click.echo(page)


if __name__ == "__main__":
    main()
