"""What a page says of one run: plain values, and pieces of HTML, for the template."""

from functools import partial

import numpy as np

from infosim.experiments.explain import Explainer
from infosim.markup import percent, table
from infosim.plotting import plots
from infosim.report.again import changes, commands, environment, preset
from infosim.report.layer import layer
from infosim.report.pictures import picture
from infosim.tasks import task_called

#: Epochs that are listed; of more, the last ones.
MOST_EPOCHS = 500


def run(results, name, prefix, most):
    """Everything of a run that `run.html` reads.

    results : RunResults; name : how the page calls it; prefix : of all its anchors
    most : neurons of a layer that are shown at most

    Raises
    ------
    CheckpointError : files that are damaged
    """
    explainer, history, config = Explainer(results), results.history, results.config
    last, names = len(history) - 1, results.error_names
    labels = [results.labels[one] for one in results.atoms]
    shown = [
        plots.largest_atoms(values, own)
        for values, own in zip(results.atoms.values(), labels, strict=True)
        if values.size
    ]
    looks = plots.atom_looks(*shown)
    layers = [
        layer(explainer, results, one, f"{prefix}l{i}", looks, most)
        for i, one in enumerate(explainer.populations)
    ]
    return {
        "name": name,
        "prefix": prefix,
        "state": f"complete, {last} epochs"
        if results.complete
        else f"not complete: {max(last, 0)} of {config['training']['epochs']} epochs",
        "title": config.get("title") or "",
        "dataset": config["data"]["name"],
        "seed": config["training"]["seed"],
        "errors": errors(history, names),
        "commands": list(commands(results)),
        "preset": preset(results),
        "changes": changes(results),
        "environment": table(environment(results)),
        "curves": picture(
            partial(plots.errors, history, names=names),
            f"Error of {name} by epoch: {errors_in_words(history, names)}",
        ),
        "panels": list(panels(results, last)),
        "lacking": list(lacking(results, last, explainer)),
        "layers": layers,
        "examination": explainer.examination,
        "health": health(results),
        "metrics": metrics(results),
    }


def errors(history, names=None):
    """(what, the last measured error, the lowest), of each that was measured.

    names : attribute of history -> what, where a task says it
    """
    called = {"train_error": "training", "val_error": "validation", "test_error": "test"}
    for attribute, name in (called | (names or {})).items():
        values = np.asarray(getattr(history, attribute), float)
        values = values[np.isfinite(values)]
        if len(values):
            yield name, percent(values[-1], 2), percent(values.min(), 2)


def errors_in_words(history, names=None):
    """The last errors, for who does not see the picture."""
    said = ", ".join(f"{name} {last}" for name, last, _ in errors(history, names))
    return said or "none was measured"


def panels(results, last):
    """Pictures of what the task of a run recorded."""
    record = results.record
    kind = None if record is None or record.epoch != last else task_called(record.task)
    for n, draw in enumerate(kind.panels(record.found) if kind else (), 1):
        yield picture(draw, f"What the task {record.task} recorded, picture {n}", height=3.4)


def lacking(results, last, explainer):
    """What is not there, and what adds it, a line each."""
    record = results.record
    if record is None:
        yield (
            "There is no record.npz, which runs of earlier versions and runs that have not "
            "ended lack: the pictures of its task are left out."
        )
    elif record.epoch != last:
        yield (
            f"The run went on since its record.npz, of epoch {record.epoch}: the pictures of "
            "its task are left out until it ends."
        )
    elif task_called(record.task) is None:
        yield f"Its task {record.task} is not known here: its pictures are left out."
    if explainer.missing:
        yield (
            f"What neurons tell of the class, linear probes and lesions are left out: "
            f"{explainer.missing}."
        )
    if not results.health:
        yield "There is no health.json: the run is of an earlier version, or in its first epoch."


def health(results):
    """(epoch, lines) of each check of health; lines of (what is odd, what to do)."""
    return [
        (one.epoch, one.samples, [(str(f), f.advice, f.warning) for f in one.findings])
        for one in results.health
    ]


def metrics(results):
    """metrics.csv, tab-separated, to copy: the last epochs if there are many."""
    names = list(results.metrics)
    rows = list(zip(*results.metrics.values(), strict=True))[-MOST_EPOCHS:]
    lines = ["\t".join(names)] + ["\t".join(f"{one:.10g}" for one in row) for row in rows]
    return "\n".join(lines)
