"""Reading back what runs and sweeps left on disk."""

import csv
import os
import shlex
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from infosim import datasets
from infosim.engine import Simulator
from infosim.engine.training import History
from infosim.errors import CheckpointError, ShapeError
from infosim.experiments import examination, health, store
from infosim.experiments.directory import read_config, read_result
from infosim.experiments.encoded import ENCODING, called, read_encoding
from infosim.experiments.environment import read as read_environment
from infosim.experiments.experiment import Experiment
from infosim.experiments.explain import Explainer
from infosim.experiments.plan import load_plan, status, table
from infosim.experiments.predict import predicted
from infosim.experiments.reading import override
from infosim.experiments.record import RECORD, read_record
from infosim.experiments.resolve import resolve
from infosim.extras import need
from infosim.markup import Html, element
from infosim.tasks import task_called


@dataclass(frozen=True)
class RunResults:
    """One run directory.

    config : all settings; environment : what it ran on; complete : whether it was finished
    metrics : column of metrics.csv -> (epochs + 1,), nan where nothing was measured
    atoms : layer -> (epochs, n, A + 1), atoms and H_res in bits, of the epochs that were recorded,
        `history.recorded(layer)`, by default of all; labels : layer -> their names
    weights : "layer/compartment/weights" (or bias, index, mask) -> array; those of one of several
        connections "layer/compartment/connection/weights"
    """

    path: Path
    config: dict = field(repr=False)
    environment: dict = field(repr=False)
    complete: bool
    metrics: dict = field(repr=False)
    atoms: dict = field(repr=False)
    labels: dict = field(repr=False)

    @cached_property
    def weights(self):
        return store.read_arrays(self.path / "weights.npz")

    @cached_property
    def record(self):
        """The `Record` made when the run ended; None before, and of runs of earlier versions."""
        path = self.path / RECORD
        return read_record(path) if os.path.lexists(path) else None

    @property
    def error_names(self):
        """What its task calls errors, by attribute of `History` (`Task.error_names`)."""
        kind = None if self.record is None else task_called(self.record.task)
        return {} if kind is None else kind.error_names

    @cached_property
    def encoding(self):
        """The `Encoding` of data of one's own; None if a data set has a name.

        Raises
        ------
        CheckpointError : encoding.json is missing, damaged or another run's
        """
        own = datasets.is_own(self.config["data"]["name"])
        return read_encoding(self.path / ENCODING, self.config) if own else None

    @property
    def history(self):
        """What was measured, as the `History` that `Simulator.fit` returns.

        Raises
        ------
        CheckpointError : metrics.csv lacks a column
        """
        left = {name: values.tolist() for name, values in self.metrics.items() if name != "epoch"}
        try:
            measured = [left.pop(f"{name}_error") for name in ("train", "val", "test")]
            measured.append(left.pop("seconds"))
        except KeyError as error:
            path = self.path / "metrics.csv"
            raise CheckpointError(f"{path} is damaged: it has no column {error.args[0]}") from None
        goals = [name for name in left if name.startswith("mean_goal_")]
        goals = {name.removeprefix("mean_goal_"): left.pop(name) for name in goals}
        atoms = {name: list(values) for name, values in self.atoms.items()}
        return History(*measured, goals, atoms, left)

    def recorded(self, name):
        """The epochs that `atoms` of a layer or group are of.

        Raises
        ------
        CheckpointError : metrics.csv does not say so
        """
        known, n = self.history.recorded(name), len(self.atoms[name])
        if len(known) < n:
            raise CheckpointError(
                f"{self.path / 'metrics.csv'} is damaged: goals of {name} in {len(known)} epochs, "
                f"there are atoms of {n}"
            )
        return known[:n]  # metrics are written first

    @property
    def image_shape(self):
        """The shape of what the network is shown, None if that is not known without the data."""
        if self.record is not None:
            return self.record.image_shape
        if self.encoding is not None:
            return self.encoding.image_shape
        return datasets.image_shape(self.config["data"]["name"], self.config["data"]["options"])

    @cached_property
    def _examined(self):
        return examination.read(self.path / examination.FILE, self.config)

    @property
    def examination(self):
        """What its neurons do in data, an `analysis.neurons.Examination`; None where nobody looked
        since it was last trained, for `unexamined` to say.

        Raises
        ------
        CheckpointError : examination.npz is damaged
        """
        return None if self.unexamined else self._examined[0]

    @property
    def unexamined(self):
        """Why there is no `examination`, and what makes one, in words; "" if there is one."""
        found, _ = self._examined
        if found is not None and found.epoch == max(len(self.metrics["epoch"]) - 1, 0):
            return ""
        since = "" if found is None else f" since epoch {found.epoch}"
        command = f"infosim report {shlex.quote(str(self.path))} --examine"
        return f"no data was shown to its neurons{since}: `{command}` does"

    @property
    def classes(self):
        """What the classes of the `examination` are called, None where they have numbers."""
        return self._examined[1]

    def explain(self, layer, neuron):
        """What one neuron does, as far as the directory tells: an `explanation.Explanation`.

        layer : its name, or that of a group; neuron : its number there

        Raises
        ------
        ConfigError : no such neuron; CheckpointError : files that are damaged
        """
        return Explainer(self)(layer, neuron)

    @cached_property
    def health(self):
        """How the network was after the first epoch and after the last: `analysis.health.Health`
        of each, as far as the run has come.

        Raises
        ------
        CheckpointError : health.json is damaged
        """
        return health.read(self.path / health.FILE)

    def simulator(self, settings=(), **options):
        """The network as it was when the run was last saved, in a Simulator, to look inside.

        settings : overrides as of `Experiment.load`, such as "network.steps=8"; with
            "network.inversion=learned" a run that was read otherwise learns it anew
        options : of `Simulator` (backend, threads)

        Raises
        ------
        ConfigError : a setting that cannot be; CheckpointError : weights that do not fit
        """
        experiment = Experiment(self.path.name, resolve(override(self.config, settings)))
        training = experiment.config["training"]
        network = experiment.network(self.encoding or experiment.dataset())
        made = Simulator(network, seed=training["seed"], dtype=training["dtype"], **options)
        inversions = [one["network"]["inversion"] for one in (self.config, experiment.config)]
        learned = f"{network.readout}/inverted"
        weights = {k: v for k, v in self.weights.items() if k != learned or made.readout.learned}
        try:
            made.set_arrays(weights)
        except (KeyError, ValueError, ShapeError) as error:
            raise CheckpointError(f"{self.path} has other weights than needed: {error}") from None
        made.begin_epoch(max(len(self.metrics["epoch"]) - 1, 0))  # schedules per epoch go by it
        if inversions[0] != inversions[1] == "learned" and network.readout and network.target:
            made.learn_inversion(experiment.samples(experiment.dataset())[0])
        return made

    def predict(self, data, *, presentations=1, sampled=None, unknown="error", **options):
        """The classes of other samples, encoded as the training samples were.

        Parameters
        ----------
        data : as the run's `encoding` reads it: the path of a table, of arrays or of images, a
            DataFrame, a mapping of columns, an array; with classes, too, they are compared
        presentations : with random numbers of their own, of whose firing probabilities the mean is
            read; from 2 on `sampled`
        sampled : whether neurons fire at random, or else take their likelier output
        unknown : of a category that no training row had: "error", or "zeros"
        options : of `Simulator` (backend, threads)

        Returns
        -------
        Predictions

        Raises
        ------
        CheckpointError : the run has not ended, or is damaged
        ConfigError : its network has no readout
        DataError : data of another kind, shape or with other columns
        """
        sampled = presentations != 1 if sampled is None else sampled
        return predicted(self, data, unknown, options, presentations, sampled)

    def _repr_html_(self):
        training = self.config["training"]
        state = "complete" if self.complete else "not complete"
        facts = f"{state}; data set {called(self.config)}, seed {training['seed']}"
        head = element("p", element("strong", self.path.absolute().name))
        return element("div", head, element("p", facts), Html(self.history._repr_html_()))

    def dataframe(self):
        """The metrics as a pandas DataFrame.

        Raises
        ------
        ConfigError : without pandas
        """
        return _pandas().DataFrame(self.metrics)


@dataclass(frozen=True)
class SweepResults:
    """A sweep's directory.

    columns : column of results.csv -> list of values, a row for each complete run
    failed : key -> reason; left : keys of runs that are neither complete nor failed
    """

    path: Path
    columns: dict
    failed: dict
    left: list

    def __len__(self):
        return len(self.columns["key"])

    def array(self, name):
        """A column as an array.

        Raises
        ------
        CheckpointError : there is none of that name
        """
        if name not in self.columns:
            known = ", ".join(self.columns)
            raise CheckpointError(f"{self.path} has no column {name!r}; allowed: {known}")
        values = self.columns[name]
        numbers = all(v is None or isinstance(v, (int, float)) for v in values)
        return np.array([np.nan if v is None else v for v in values] if numbers else values)

    def run(self, key):
        """The `RunResults` of a run, by its key."""
        return load_run(self.path / "runs" / key)

    def dataframe(self):
        """The columns as a pandas DataFrame.

        Raises
        ------
        ConfigError : without pandas
        """
        return _pandas().DataFrame(self.columns)


def _pandas():
    return need("pandas", "pandas")


def load_run(path):
    """Read a run directory.

    Raises
    ------
    CheckpointError : there is no run, or a file of it is damaged
    """
    path = Path(path)
    try:
        config = read_config(path)
        environment = read_environment(path / "environment.json")
        metrics = read_metrics(path / "metrics.csv")
    except FileNotFoundError as error:
        missing = Path(error.filename).name
        why = f"{missing} is missing"
        if (path / "runs.json").exists():
            why = f"it is a sweep's, of runs in {path / 'runs'}"
        raise CheckpointError(f"{path} holds no run: {why}") from None
    atoms, labels = read_atoms(path / "atoms.npz")
    complete = read_result(path) is not None
    for column, values in metrics.items() if complete else ():
        name = column.removeprefix("mean_goal_")
        if name != column and name not in atoms and np.isfinite(values).any():
            raise CheckpointError(f"{path / 'atoms.npz'} is damaged: it has no atoms of {name}")
    return RunResults(path, config, environment, complete, metrics, atoms, labels)


def read_metrics(path):
    """The columns of metrics.csv: name -> (epochs + 1,).

    Raises
    ------
    FileNotFoundError : there is none
    CheckpointError : it is damaged
    """
    text = store.read_text(path)
    try:
        header, *rows = csv.reader(text.splitlines(), strict=True)
        if len(set(header)) < len(header) or {len(row) for row in rows} - {len(header)}:
            raise ValueError("rows that are longer or shorter than the header")
        if "epoch" not in header:
            raise ValueError("it has no column epoch")
        table = np.array([[float(cell) for cell in row] for row in rows])
        return dict(zip(header, table.reshape(len(rows), len(header)).T.copy(), strict=True))
    except (ValueError, csv.Error) as error:
        raise CheckpointError(f"{path} is damaged: {error}") from None


def read_atoms(path):
    """The atoms.npz of a run: layer -> (recorded epochs, n, A + 1), and layer -> their A + 1 names.

    A layer of which none was recorded yet is left out.

    Raises
    ------
    CheckpointError : missing or damaged
    """
    arrays = store.read_arrays(path)
    labels = {
        name.removesuffix("/labels"): arrays.pop(name)
        for name in list(arrays)
        if name.endswith("/labels")
    }
    for name, atoms in arrays.items():
        kinds = atoms.dtype.kind, labels[name].dtype.kind if name in labels else ""
        if kinds != ("f", "U") or atoms.ndim != 3 or labels[name].shape != atoms.shape[2:]:
            raise CheckpointError(f"{path} is damaged: no atoms of layer {name} with their names")
    try:
        arrays = {name: atoms for name, atoms in arrays.items() if len(atoms)}
        return arrays, {name: labels[name].tolist() for name in arrays}
    except (ValueError, SystemError):  # no characters
        raise CheckpointError(f"{path} is damaged: names that are no text") from None


def load_sweep(path):
    """Read a sweep's directory, whatever of it is done.

    Raises
    ------
    CheckpointError : it holds no sweep
    """
    path = Path(path)
    plan = load_plan(path)
    names, rows = table(plan, path)
    found = status(plan, path)
    columns = {name: [row.get(name) for row in rows] for name in names}
    return SweepResults(path, columns, found.failed, found.left)
