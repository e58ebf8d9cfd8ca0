"""What a run says of other samples, and a table of that."""

import csv
import io
from dataclasses import dataclass, field

import numpy as np

from infosim.datasets.own import TableEncoding
from infosim.errors import CheckpointError, ConfigError
from infosim.experiments.encoded import encoding_of
from infosim.experiments.experiment import Experiment


@dataclass(frozen=True)
class Predictions:
    """The classes of some samples.

    names : of their files, or numbers of their rows, from 0 on, as texts; what : which of them
    class_names : C texts
    classes : int64 (n,)
    probabilities : (n, C), what the readout says, of which each row sums to 1 and is largest for
        its class (`Simulator.predict_proba`)
    given : int64 (n,), the classes that the samples have by their data, -1 where it is missing, or
        None
    """

    names: list[str] = field(repr=False)
    what: str
    class_names: tuple[str, ...]
    classes: np.ndarray = field(repr=False)
    probabilities: np.ndarray = field(repr=False)
    given: np.ndarray | None = field(repr=False)

    @property
    def labels(self):
        """The names of the predicted classes."""
        return [self.class_names[c] for c in self.classes]

    @property
    def right(self):
        """How many are right, and of how many that is known."""
        if self.given is None:
            return 0, 0
        known = self.given >= 0
        return int((self.classes == self.given)[known].sum()), int(known.sum())

    @property
    def accuracy(self):
        """The fraction that is right of those whose class is known, nan if none is."""
        right, known = self.right
        return right / known if known else float("nan")

    def csv(self):
        """The text of a CSV file: a row for each sample, with the probability P(class) of each."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        given = [] if self.given is None else ["given"]
        writer.writerow([self.what, "predicted", *given, *(f"P({c})" for c in self.class_names)])
        for i, (name, label) in enumerate(zip(self.names, self.labels, strict=True)):
            row = [name, label]
            if given:
                row.append("" if self.given[i] < 0 else self.class_names[self.given[i]])
            writer.writerow([*row, *(f"{p:.6g}" for p in self.probabilities[i])])
        return text.getvalue()


def predicted(run, data, unknown, options, presentations, sampled):
    """`RunResults.predict`."""
    config = run.config
    if not config["network"]["readout"]:
        raise ConfigError(f"{run.path}: classes are predicted by a readout, but there is none")
    if not run.complete:
        raise CheckpointError(
            f"{run.path} is not complete, at epoch {len(run.metrics['epoch']) - 1} of "
            f"{config['training']['epochs']}: predict when it has ended (infosim train --resume)"
        )
    experiment = Experiment(run.path.name, config)
    encoding = run.encoding
    if encoding is None:
        encoding = encoding_of(experiment.dataset(), config["data"]["scaling"] == "standard")
    table = isinstance(encoding, TableEncoding)
    others = encoding.read(data, **({"unknown": unknown} if table else {}))
    samples = experiment.task(encoding).shown(others.x)
    simulator = run.simulator(**options)
    how = {"presentations": presentations, "sampled": sampled}
    classes, shares = simulator.predict(samples, **how), simulator.predict_proba(samples, **how)
    what = "row" if others.names[:1] == ["0"] else "file"
    return Predictions(others.names, what, encoding.class_names, classes, shares, others.y)
