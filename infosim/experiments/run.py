"""One training run and its directory: everything on disk, resumable to the same bits.

The directory holds config.toml (all settings, resolved), environment.json, metrics.csv, atoms.npz,
weights.npz, checkpoint.npz and, at the end, summary.png.
"""

import csv
import hashlib
import io
import os
import signal
import threading
import time
import tomllib
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import tomli_w

from infosim.datasets import load
from infosim.engine import Simulator, Training
from infosim.engine.randomness import TEST
from infosim.errors import CheckpointError, InfosimError
from infosim.experiments import environment, store
from infosim.kernels import backend as backends

FILES = (
    "config.toml", "environment.json", "metrics.csv", "atoms.npz", "weights.npz", "checkpoint.npz",
    "summary.png",
)  # fmt: skip

#: Seconds of work an interruption may cost; saving takes at most a twentieth of the time.
CHECKPOINT_SECONDS = 10


class Interrupted(InfosimError):
    """Training was stopped by the user or the system after saving a checkpoint."""

    exit_code = 130


def train(
    experiment, out=None, *, threads=None, backend="cpu", resume=False, force=False, report=None
):
    """Train an experiment, leaving results in a run directory.

    Parameters
    ----------
    experiment : Experiment
    out : the directory; by default runs/<name>-<dataset>-seed<seed>
    threads, backend : where it runs ("cpu", "cuda", "auto"); neither changes the result beyond
        rounding
    resume : continue the run in `out`, to the bits an uninterrupted run would have had
    force : start anew where there is a run already
    report : called with the Training and the number of epochs after every batch

    Returns
    -------
    Path : the run directory

    Raises
    ------
    CheckpointError : the directory holds a run (and neither resume nor force), cannot be written,
        or was made with another configuration
    BackendError : the backend is not there, or the network does not fit into its memory
    Interrupted : SIGINT or SIGTERM arrived; a checkpoint was saved
    """
    config = experiment.config
    settings = config["training"]
    backend = backends.resolve(backend)
    dataset = load(config["data"]["name"])
    simulator = Simulator(
        experiment.network(dataset), backend, settings["seed"], threads, settings["dtype"]
    )
    samples, validation, test = experiment.samples(dataset)
    training = Training(
        simulator, samples, batch=settings["batch"], validation=validation, test=test,
        record_every=settings["record_every"],
    )  # fmt: skip
    out = Path(out) if out is not None else default_directory(experiment)
    _open(out, config, training, resume, force)
    store.write_json(out / "environment.json", environment.of_run(simulator, backend))

    with _signals() as arrived, simulator.workers.engaged():
        saved, cost = time.monotonic(), 0.0
        while len(training.history) <= settings["epochs"]:
            training.advance()
            if report is not None:
                report(training, settings["epochs"])
            now = time.monotonic()
            if arrived or now - saved > max(CHECKPOINT_SECONDS, 20 * cost):
                _save(out, training)
                saved = time.monotonic()
                cost = saved - now
            if arrived:
                raise Interrupted(
                    f"stopped in epoch {training.epoch} of {settings['epochs']}; "
                    f"to continue: the same command with --resume --out {out}"
                )
        _save(out, training)
    write_summary(out, experiment, dataset, training, test)
    return out


def default_directory(experiment):
    """Where a run goes when the user names no directory."""
    config = experiment.config
    name = experiment.name.replace("/", "-")
    return Path("runs") / f"{name}-{config['data']['name']}-seed{config['training']['seed']}"


def _open(out, config, training, resume, force):
    """Make, continue or replace the run directory."""
    known = [name for name in FILES if (out / name).exists()]
    if resume:
        if not known:
            raise CheckpointError(f"{out} holds no run to resume")
        _compare(out, config)
        if (out / "checkpoint.npz").exists():
            _restore(out / "checkpoint.npz", training)
        if training.epoch > config["training"]["epochs"] + 1:
            raise CheckpointError(
                f"{out} has already trained {training.epoch - 1} epochs, "
                f"more than the {config['training']['epochs']} asked for"
            )
    elif known and not force:
        raise CheckpointError(f"{out} already holds a run; use --resume, --force or another --out")
    try:
        out.mkdir(parents=True, exist_ok=True)
        store.sweep(out, FILES)
        if not resume:
            for name in FILES:
                (out / name).unlink(missing_ok=True)
    except OSError as error:
        raise CheckpointError(f"cannot write {out}: {error.strerror}") from None
    store.write_text(out / "config.toml", tomli_w.dumps(config))


def _flat(table, prefix=""):
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _compare(out, config):
    """Refuse to resume another configuration; only the number of epochs may differ."""
    try:
        before = dict(_flat(tomllib.loads((out / "config.toml").read_text("utf-8"))))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CheckpointError(f"{out / 'config.toml'} cannot be read: {error}") from None
    now = dict(_flat(config))
    free = {"training.epochs", "title", "paper", "doi", "notes"}
    changed = sorted(
        key for key in (before.keys() | now.keys()) - free if before.get(key) != now.get(key)
    )
    if changed:
        was = ", ".join(f"{k} was {before.get(k)!r}, now {now.get(k)!r}" for k in changed[:3])
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        raise CheckpointError(f"cannot resume {out} with another configuration: {was}{more}")


def _digest(arrays):
    """A hash of everything in a checkpoint, so that damage cannot pass for a result."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return np.array(digest.hexdigest())


def _restore(path, training):
    state = store.read_arrays(path)
    digest = state.pop("digest", None)
    if digest is None or str(digest) != str(_digest(state)):
        raise CheckpointError(f"{path} is damaged: its contents do not match their hash")
    try:
        training.restore(state)
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"{path} is of another version of infosim: {error}") from None


def _save(out, training):
    """Write metrics, atoms, weights and the checkpoint of this moment."""
    state = training.state()
    store.write_text(out / "metrics.csv", _metrics(training.history))
    labels = {name: layer.goal.labels for name, layer in _goal_layers(training)}
    store.write_arrays(
        out / "atoms.npz",
        {
            **{name: np.array(values) for name, values in training.history.atoms.items()},
            **{f"{name}/labels": np.array(names) for name, names in labels.items()},
        },
    )
    weights = {
        name: array
        for name, array in training.simulator.arrays().items()
        if not name.endswith("moments")
    }
    store.write_arrays(out / "weights.npz", weights)
    store.write_arrays(out / "checkpoint.npz", {**state, "digest": _digest(state)})


def _goal_layers(training):
    return [(layer.name, layer) for layer in training.simulator.network.layers if layer.goal]


def _metrics(history):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    layers = list(history.mean_goal)
    writer.writerow(
        ["epoch", "train_error", "val_error", "test_error"]
        + [f"mean_goal_{name}" for name in layers]
        + ["seconds"]
    )
    for epoch in range(len(history)):
        errors = [history.train_error[epoch], history.val_error[epoch], history.test_error[epoch]]
        goals = [history.mean_goal[name][epoch] for name in layers]
        writer.writerow([epoch, *errors, *goals, f"{history.seconds[epoch]:.3f}"])
    return text.getvalue()


def write_summary(out, experiment, dataset, training, test):
    """Draw summary.png: errors, atoms, receptive fields, confusion matrix."""
    from infosim.plotting import summary

    simulator, inputs = training.simulator, experiment.config["network"]["inputs"]
    images = {name for name, kind in inputs.items() if kind == "images"}
    fields = {
        layer.name: simulator[layer.name][c.name].weights
        for layer in simulator.network.layers
        for c in layer.compartments
        if c.source in images and simulator[layer.name][c.name].index is None
    }
    confusion = None
    if training.measured:
        evaluation = simulator.evaluate(
            test, batch=training.batch, purpose=TEST, epoch=training.epoch - 1
        )
        confusion = evaluation.confusion(dataset.n_classes)
    figure = summary(
        training.history,
        {name: layer.goal.labels for name, layer in _goal_layers(training)},
        fields,
        dataset.image_shape,
        confusion,
        f"{experiment.name} on {dataset.name}, seed {simulator.seed}",
    )
    with store.atomic(out / "summary.png") as file:
        figure.savefig(file, format="png")


@contextmanager
def _signals():
    """Collect SIGINT and SIGTERM instead of dying of them; a second one acts as usual."""
    arrived = []
    if threading.current_thread() is not threading.main_thread():
        yield arrived
        return
    before = {}

    def note(number, frame):
        if arrived:
            signal.signal(number, before[number])
            os.kill(os.getpid(), number)
        arrived.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, note)
    try:
        yield arrived
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
