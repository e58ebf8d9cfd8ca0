"""One training run and its directory: everything on disk, resumable to the same bits.

The directory holds config.toml (all settings, resolved), environment.json, metrics.csv, atoms.npz,
weights.npz, checkpoint.npz and, at the end, summary.png and result.json.
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
from functools import partial
from pathlib import Path

import numpy as np
import tomli_w

from infosim.analysis.factors import FactorError
from infosim.analysis.memory import RecallError, overlap_by_noise
from infosim.datasets.generated import GENERATED
from infosim.engine import Samples, Simulator, Training
from infosim.errors import CheckpointError, ConfigError, InfosimError
from infosim.experiments import environment, store
from infosim.experiments.config import DESCRIPTIONS, read_toml, resolve
from infosim.kernels import backend as backends
from infosim.machine.randomness import TEST

FILES = (
    "config.toml", "environment.json", "metrics.csv", "atoms.npz", "weights.npz", "checkpoint.npz",
    "summary.png", "result.json",
)  # fmt: skip

#: The picture of a memory: fractions of bits flipped in its cues, and how it recalls from them.
FLIPPED = np.linspace(0, 0.5, 11)
RECALLS = {"deterministic": {}, "stochastic, 20 steps": {"max_steps": 20, "sampled": True}}

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
    DivergedError : weights are no longer finite; the last checkpoint is of before
    Interrupted : SIGINT or SIGTERM arrived; a checkpoint was saved
    """
    out = Path(out) if out is not None else default_directory(experiment)
    options = {"threads": threads, "backend": backend, "resume": resume, "force": force}
    train_together([experiment], [out], **options, report=report)
    return out


def train_together(
    experiments, outs, *, threads=None, backend="cpu", resume=False, force=False, report=None,
    summary=True,
):  # fmt: skip
    """Train experiments side by side in one simulation, each into its directory as if alone.

    They may differ in seeds (unless the data are made from it) and in numbers
    (`Network.check_alike`), not in data, batch, epochs, precision, `record_every` and
    `evaluate_every`. Arguments and errors as for `train`.

    summary : whether to draw summary.png

    Raises
    ------
    ConfigError : experiments that cannot be trained together
    CheckpointError : to be resumed, but not all from the same moment
    """
    first = experiments[0].config
    for other in experiments[1:]:
        _check_together(first, other.config)
    settings = first["training"]
    backend = backends.resolve(backend)
    dataset = experiments[0].dataset()
    seeds = [one.config["training"]["seed"] for one in experiments]
    networks = [one.network(dataset) for one in experiments]
    simulator = Simulator(networks, backend, seeds, threads, settings["dtype"])
    samples, validation, test = _samples(experiments, dataset)
    training = Training(
        simulator, samples, batch=settings["batch"], validation=validation, test=test,
        error=experiments[0].error(dataset), record_every=settings["record_every"],
        evaluate_every=settings["evaluate_every"],
    )  # fmt: skip
    _open(outs, [one.config for one in experiments], training, resume, force)
    for replica, out in enumerate(outs):
        record = environment.of_run(simulator, backend, replica)
        store.write_json(out / "environment.json", record)

    with signals() as arrived, simulator.workers.engaged():
        saved, cost = time.monotonic(), 0.0
        while len(training.history) <= settings["epochs"]:
            training.advance()
            if report is not None:
                report(training, settings["epochs"])
            now = time.monotonic()
            if arrived or now - saved > max(CHECKPOINT_SECONDS, 20 * cost):
                _save(outs, training)
                saved = time.monotonic()
                cost = saved - now
            if arrived:
                raise Interrupted(
                    f"stopped in epoch {training.epoch} of {settings['epochs']}; "
                    f"to continue: the same command with --resume --out {outs[0]}"
                )
        _save(outs, training)
    if summary:
        write_summaries(outs, experiments, dataset, training, test)
    for replica, (out, one) in enumerate(zip(outs, experiments, strict=True)):
        store.write_json(out / "result.json", _result(training, replica, one))


def _check_together(one, other):
    """Raise unless experiments of these configurations can share a simulation."""
    for table, keys in (
        ("data", ("name", "validation", "options", "scaling")),
        ("training", ("epochs", "batch", "dtype", "record_every", "evaluate_every")),
        ("network", ("inputs", "clamped")),
    ):
        for key in keys:
            if one[table][key] != other[table][key]:
                raise ConfigError(
                    f"experiments that are trained together need the same {table}.{key}, were "
                    f"{one[table][key]!r} and {other[table][key]!r}"
                )
    seeds = [config["training"]["seed"] for config in (one, other)]
    if one["data"]["name"] in GENERATED and seeds[0] != seeds[1]:
        raise ConfigError(
            f"experiments that are trained together need the same data, but {one['data']['name']} "
            f"is made from the seed: {seeds[0]} and {seeds[1]}"
        )


def _samples(experiments, dataset):
    """Training, validation (or None) and test Samples of all experiments."""
    parts = zip(*(one.samples(dataset) for one in experiments), strict=True)
    train, validation, test = ([one for one in part if one is not None] for part in parts)
    return (
        Samples.stacked(train) if len(train) > 1 else train[0],
        Samples.stacked(validation) if len(validation) > 1 else (validation or [None])[0],
        test[0],
    )


def _result(training, replica, experiment):
    """What the run came to; that it stands in the directory says that the run is complete."""
    history = training.histories[replica]
    errors = {
        name: None if np.isnan(getattr(history, name)[-1]) else getattr(history, name)[-1]
        for name in ("train_error", "val_error", "test_error")
    }
    goals = {f"mean_goal_{name}": values[-1] for name, values in history.mean_goal.items()}
    return {"key": experiment.key, "epochs": len(history) - 1, **errors, **goals}


def default_directory(experiment):
    """Where a run goes when the user names no directory."""
    config = experiment.config
    name = experiment.name.replace("/", "-")
    return Path("runs") / f"{name}-{config['data']['name']}-seed{config['training']['seed']}"


def _open(outs, configs, training, resume, force):
    """Make, continue or replace the run directories."""
    states = []
    for out, config in zip(outs, configs, strict=True):
        known = [name for name in FILES if (out / name).exists()]
        if resume:
            if not known:
                raise CheckpointError(f"{out} holds no run to resume")
            _compare(out, config)
            if (out / "checkpoint.npz").exists():
                states.append(_read_state(out / "checkpoint.npz"))
        elif known and not force:
            raise CheckpointError(
                f"{out} already holds a run; use --resume, --force or another --out"
            )
    if states:
        _restore(outs, training, states)
    if training.epoch > configs[0]["training"]["epochs"] + 1:
        raise CheckpointError(
            f"{outs[0]} has already trained {training.epoch - 1} epochs, "
            f"more than the {configs[0]['training']['epochs']} asked for"
        )
    for out, config in zip(outs, configs, strict=True):
        try:
            out.mkdir(parents=True, exist_ok=True)
            store.sweep(out, FILES)
            for name in ("result.json",) if resume else FILES:
                (out / name).unlink(missing_ok=True)
        except OSError as error:
            raise CheckpointError(f"cannot write {out}: {error.strerror}") from None
        store.write_text(out / "config.toml", tomli_w.dumps(config))


def _flat(table, prefix=""):
    """(key path, value) of every leaf of a nested table."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def differences(before, now, free=()):
    """In which settings two tables differ, in words; "" if in none but the `free` ones."""
    before, now = dict(_flat(before)), dict(_flat(now))
    changed = sorted(
        key for key in (before.keys() | now.keys()) - set(free) if before.get(key) != now.get(key)
    )
    was = ", ".join(f"{k} was {before.get(k)!r}, now {now.get(k)!r}" for k in changed[:3])
    return was + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")


def _compare(out, config):
    """Refuse to resume another configuration; only the number of epochs may differ."""
    try:
        before = resolve(read_toml((out / "config.toml").read_text("utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ConfigError) as error:
        raise CheckpointError(f"{out / 'config.toml'} cannot be read: {error}") from None
    was = differences(before, config, {"training.epochs", *DESCRIPTIONS})
    if was:
        raise CheckpointError(f"cannot resume {out} with another configuration: {was}")


def _digest(arrays):
    """A hash of everything in a checkpoint, so that damage cannot pass for a result."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return np.array(digest.hexdigest())


def _read_state(path):
    state = store.read_arrays(path)
    digest = state.pop("digest", None)
    if digest is None or str(digest) != str(_digest(state)):
        raise CheckpointError(f"{path} is damaged: its contents do not match their hash")
    return state


def _restore(outs, training, states):
    try:
        training.restore(*states)
    except (KeyError, ValueError) as error:
        path = outs[0] / "checkpoint.npz"
        raise CheckpointError(f"{path} is of another version of infosim: {error}") from None


def _save(outs, training):
    """Write metrics, atoms, weights and the checkpoint of this moment, unless it has diverged."""
    training.check()
    labels = {name: layer.goal.labels for name, layer in _goal_layers(training)}
    for replica, out in enumerate(outs):
        state, history = training.state(replica), training.histories[replica]
        store.write_text(out / "metrics.csv", _metrics(history))
        store.write_arrays(
            out / "atoms.npz",
            {
                **{name: np.array(values) for name, values in history.atoms.items()},
                **{f"{name}/labels": np.array(names) for name, names in labels.items()},
            },
        )
        weights = {
            name.removeprefix("network/"): array
            for name, array in state.items()
            if name.startswith("network/") and not name.endswith("moments")
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


def write_summaries(outs, experiments, dataset, training, test):
    """Draw summary.png of each run: errors, atoms, receptive fields, confusions or the like."""
    from infosim.plotting import save, summary

    simulator, inputs = training.simulator, experiments[0].config["network"]["inputs"]
    images = {name for name, kind in inputs.items() if kind == "images"}
    fields = {
        layer.name: simulator[layer.name][c.name].weights
        for layer in simulator.network.layers
        for c in layer.compartments
        if c.source in images and simulator[layer.name][c.name].index is None
    }
    evaluations = [None] * len(outs)
    if training.measured:
        evaluations = simulator.evaluate(
            test, batch=training.batch, purpose=TEST, epoch=training.epoch - 1
        )
        evaluations = evaluations if simulator.n_replicas > 1 else [evaluations]
    more = _more_panels(training, dataset, test)
    for replica, (out, experiment) in enumerate(zip(outs, experiments, strict=True)):
        evaluation = evaluations[replica]
        figure = summary(
            training.histories[replica],
            {name: layer.goal.labels for name, layer in _goal_layers(training)},
            {name: np.split(rows, len(outs))[replica] for name, rows in fields.items()},
            dataset.image_shape,
            None if evaluation is None else evaluation.confusion(dataset.n_classes),
            f"{experiment.name} on {dataset.name}, seed {simulator.seeds[replica]}",
            more[replica],
        )
        with store.atomic(out / "summary.png") as file:
            save(figure, file, "png")


def _more_panels(training, dataset, test):
    """For each replica, functions that draw what its error was measured from."""
    from infosim.plotting import plots

    simulator, error = training.simulator, training.error
    replicas = range(simulator.n_replicas)
    if isinstance(error, FactorError):
        found = error.correlations(simulator, test, purpose=TEST, epoch=training.epoch - 1)
        return [[partial(plots.correlations, found[r], name=error.layer)] for r in replicas]
    if isinstance(error, RecallError):
        curves = {
            name: overlap_by_noise(
                simulator, dataset.test_x, FLIPPED, simulator.seed, error.layer, **options
            )
            for name, options in RECALLS.items()
        }
        return [
            [partial(plots.recall, FLIPPED, {name: curve[:, r] for name, curve in curves.items()})]
            for r in replicas
        ]
    return [[] for _ in replicas]


@contextmanager
def signals():
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
