"""One training run and its directory: everything on disk, resumable to the same bits.

The directory holds config.toml (all settings, resolved), environment.json, metrics.csv, atoms.npz,
weights.npz, checkpoint.npz, the one before it, health.json and, at the end, record.npz,
result.json and summary.png; where the data are a user's own, encoding.json, too. While it is
written to, its process holds it (`store.hold`): another one is refused.
"""

import csv
import io
import time
import warnings
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np
import tomli_w

from infosim import datasets, files
from infosim.datasets.generated import GENERATED
from infosim.engine import Samples, Simulator, Training
from infosim.engine.progress import may_skip
from infosim.errors import CheckpointError, ConfigError, InfosimError, InfosimWarning
from infosim.experiments import ahead, environment, health, store
from infosim.experiments.directory import (
    CHECKPOINTS,
    ERRORS,
    FILES,
    begun,
    digest_of,
    files_in,
    read_config,
    read_state,
)
from infosim.experiments.encoded import called, write_encodings
from infosim.experiments.experiment import Experiment
from infosim.experiments.identity import differences
from infosim.experiments.record import write_records
from infosim.experiments.stopping import Interrupted, signals
from infosim.experiments.tables import DATA, DESCRIPTIONS, OPTIONAL, SHOWN, TRAINING
from infosim.kernels import backend as backends
from infosim.pid.scheduled import written

#: Seconds of work an interruption may cost; saving takes at most a twentieth of the time.
CHECKPOINT_SECONDS = 10


def train(
    experiment, out=None, *, threads=None, backend="cpu", resume=False, force=False, report=None
):
    """Train an experiment, leaving results in a run directory.

    Parameters
    ----------
    experiment : Experiment; on data that only Python holds, see `Experiment.on`
    out : the directory; by default runs/<name>-<dataset>-seed<seed>-<hash of the settings>
    threads, backend : where it runs ("cpu", "cuda", "auto"); neither changes the result beyond
        rounding
    resume : continue the run in `out`, to the bits an uninterrupted run would have had; where
        there is none one is begun, with an InfosimWarning
    force : start anew where there is a run already
    report : called with the Training and the number of epochs after every batch; without one, or
        if its `may_skip` is true, epochs may be carried out several at once

    Returns
    -------
    Path : the run directory

    Raises
    ------
    CheckpointError : the directory is in use by another process, holds a run (and neither resume
        nor force), cannot be written, or was made with another configuration
    BackendError : the backend is not there, or the network does not fit into its memory
    DivergedError : weights are no longer finite; the last checkpoint is of before
    Interrupted : SIGINT, SIGTERM or the like arrived; a checkpoint was saved
    """
    out = Path(out) if out is not None else default_directory(experiment)
    options = {"threads": threads, "backend": backend, "resume": resume, "force": force}
    with ahead.compiling(experiment, backend, threads):
        train_together([experiment], [out], **options, report=report)
    return out


def train_together(
    experiments, outs, *, threads=None, backend="cpu", resume=False, force=False, report=None,
    summary=True, tell=True, holds=None,
):  # fmt: skip
    """Train experiments side by side in one simulation, each into its directory as if alone.

    They may differ in seeds (unless the data are made from it) and in numbers
    (`Network.check_alike`), not in what else [data] and [training] say. Arguments and errors as for
    `train`.

    summary : whether to draw summary.png
    tell : whether health that makes a run senseless is an InfosimWarning, beside its health.json
    holds : the `store.Held` of each directory, where the caller has them

    Raises
    ------
    ConfigError : experiments that cannot be trained together
    CheckpointError : to be resumed, but not all from the same moment
    """
    backend, dataset = backends.resolve(backend), experiments[0].dataset()
    training, task, test = prepared(experiments, dataset, backend, threads)
    ahead.share(experiments[0], dataset)
    simulator, settings = training.simulator, experiments[0].config["training"]
    with ExitStack() as stack:
        if holds is None:
            holds = stack.enter_context(store.held(*outs))
        _open(holds, [one.config for one in experiments], training, resume, force)
        write_encodings(outs, experiments, dataset)
        _note_environment(outs, training, backend, task)
        stack.enter_context(simulator.workers.engaged())
        _advance(holds, training, settings["epochs"], report, tell)
        write_records(outs, experiments, task, training, test)
        for replica, (out, one) in enumerate(zip(outs, experiments, strict=True)):
            for name in ("config.toml", "environment.json"):
                if not (out / name).exists():
                    raise CheckpointError(f"{out / name} was removed while this was running")
            store.write_json(out / "result.json", _result(training, replica, one))
        if summary and not ahead.draws(outs):
            from infosim.experiments import picture  # which reads runs

            picture.write_summaries(outs)
        for one in holds:
            one.check()


def prepared(experiments, dataset, backend="cpu", threads=None):
    """Experiments side by side: their Training at its beginning, their task, their test Samples.

    Raises
    ------
    ConfigError, BackendError : as of `train_together`
    """
    first = experiments[0].config
    for other in experiments[1:]:
        _check_together(first, other.config)
    settings = first["training"]
    seeds = [one.config["training"]["seed"] for one in experiments]
    networks = [one.network(dataset) for one in experiments]
    simulator = Simulator(networks, backend, seeds, threads, settings["dtype"])
    samples, validation, test = _samples(experiments, dataset)
    task = experiments[0].task(dataset)
    training = Training(
        simulator, samples, validation=validation, test=test, error=task.measure,
        error_names=task.error_names, **experiments[0].training,
    )  # fmt: skip
    training.check_epochs(settings["epochs"])
    return training, task, test


def _advance(holds, training, epochs, report, tell):
    """Train to the end, saving now and then and when a signal says so."""
    with signals() as arrived:
        saved, cost = time.monotonic(), 0.0
        while len(training.history) <= epochs:
            if (training.epoch, training.position) == (2, 0):  # the first that learns is over
                health.note(holds, training, last=False, tell=tell)
            training.advance(epochs if may_skip(report) else None)
            if report is not None:
                report(training, epochs)
            now = time.monotonic()
            if arrived or now - saved > max(CHECKPOINT_SECONDS, 20 * cost):
                _save(holds, training)
                saved = time.monotonic()
                cost = saved - now
            if arrived:
                raise Interrupted(
                    f"stopped in epoch {training.epoch} of {epochs}; to continue: the same "
                    f"command with --resume --out {holds[0].folder}",
                    arrived[0],
                )
        _save(holds, training)
        health.note(holds, training, last=True, tell=tell)


def _note_environment(outs, training, backend, task):
    """Write down what each run is on now, and what it was on before; tell what is another."""
    told = {}
    for replica, out in enumerate(outs):
        record = environment.of_run(training, backend, task, replica)
        try:
            before = environment.read(out / "environment.json")
        except FileNotFoundError:
            before = None
        except CheckpointError as error:
            warnings.warn(f"{error}; what {out} ran on before is lost", InfosimWarning, 3)
            before = None
        if before is not None:
            told.setdefault(environment.changes(before, record), out)
            record = environment.following(before, record)
        store.write_json(out / "environment.json", record)
    for changes, out in told.items():
        if changes:
            warnings.warn(
                f"{out} goes on elsewhere than where it was before, so bits may differ: {changes}",
                InfosimWarning,
                stacklevel=3,
            )


def _check_together(one, other):
    """Raise unless experiments of these configurations can share a simulation."""
    # what else there is of networks is compared when they are there (`Network.check_alike`)
    tables = {"data": DATA, "training": TRAINING, "network": SHOWN} | OPTIONAL
    for table, known in tables.items():
        for key in known:
            said = [config.get(table, {}).get(key, known[key].default) for config in (one, other)]
            if not known[key].varies and said[0] != said[1]:
                raise ConfigError(
                    f"experiments that are trained together need the same {table}.{key}, were "
                    f"{said[0]!r} and {said[1]!r}"
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
    errors = {name: getattr(history, name)[-1] for name in ERRORS}
    goals = {f"mean_goal_{name}": values[-1] for name, values in history.mean_goal.items()}
    return {"key": experiment.key, "epochs": len(history) - 1, **errors, **goals}


def default_directory(experiment):
    """Where a run goes when the user names no directory.

    It is of its own for all settings but the number of epochs, which a resumed run may raise.
    """
    config = experiment.config
    training = {**config["training"], "epochs": 0}
    key = Experiment("", {**config, "training": training}).key[:6]
    name = experiment.name.replace("/", "-")
    seed = config["training"]["seed"]
    return Path("runs") / f"{name}-{called(config)}-seed{seed}-{key}"


def enter(outs, configs, training, resume, force):
    """Restore the training that run directories hold, if they are to be resumed; writes nothing.

    Returns
    -------
    the file's name of the checkpoint of each, None where there is none

    Raises
    ------
    CheckpointError : a directory that such a training can neither begin in nor go on from
    """
    found, states = [], []
    for out, config in zip(outs, configs, strict=True):
        there = files_in(out)
        found.append(None)
        if resume and there:
            _compare(out, config)
            if begun(out):
                found[-1], state = read_state(out)
                states.append(state)
        elif resume:
            warnings.warn(f"{out} holds no run to resume, begins one", InfosimWarning, 5)
        elif there and not force:
            raise CheckpointError(
                f"{out} already holds a run; use --resume, --force or another --out"
            )
    if states:
        _restore(outs, training, states)
    trained, wanted = training.epoch - 1, configs[0]["training"]["epochs"]
    if trained > wanted or (trained == wanted and training.position):
        further = " and part of the next" if training.position else ""
        raise CheckpointError(
            f"{outs[0]} has already trained {trained} epoch{'s' * (trained != 1)}{further}, more "
            f"than the {wanted} asked for"
        )
    return found


def _open(holds, configs, training, resume, force):
    """Make, continue or replace the run directories."""
    outs = [held.folder for held in holds]
    for held, name in zip(holds, enter(outs, configs, training, resume, force), strict=True):
        held.rotates = name in (None, CHECKPOINTS[0])
    for out, config in zip(outs, configs, strict=True):
        try:
            store.tidy(out, FILES)
            for name in ("result.json",) if resume else reversed(FILES):
                (out / name).unlink(missing_ok=True)
        except OSError as error:
            raise CheckpointError(f"cannot write {out}: {error.strerror}") from None
        store.write_text(out / "config.toml", tomli_w.dumps(config))


def _compare(out, config):
    """Refuse to resume another configuration; only the number of epochs may differ."""
    try:
        before = read_config(out)
    except FileNotFoundError:
        raise CheckpointError(
            f"{out} cannot be resumed: config.toml is missing; --force starts anew"
        ) from None
    data, free = [one["data"] for one in (before, config)], {"training.epochs", *DESCRIPTIONS}
    if all(datasets.is_own(one["name"]) for one in data):
        hashes = [one["options"]["sha256"] for one in data]
        if hashes[0] != hashes[1]:
            raise CheckpointError(
                f"cannot resume {out} on other data: their content had the hash "
                f"{hashes[0][:12]}..., has {hashes[1][:12]}... now"
            )
        free |= {"data.name"}  # wherever they lie
    was = differences(before, config, free)
    if was:
        raise CheckpointError(f"cannot resume {out} with another configuration: {was}")


def _restore(outs, training, states):
    try:
        training.restore(*states)
        for history in training.histories:
            _check_history(history, training)
        _tell_of_goals(outs, training)
    except CheckpointError:
        raise
    except (KeyError, ValueError, TypeError, IndexError, OverflowError, InfosimError) as error:
        path = outs[0] / CHECKPOINTS[0]
        raise CheckpointError(f"{path} is of another version of infosim: {error}") from None


def _tell_of_goals(outs, training):
    """Say which goals were set by hand before, and hold on against what config.toml says."""
    aims = [layer.aim for layer in training.simulator.layers.values() if layer.aim]
    for aim in aims:
        for replica, out in enumerate(outs):
            for name, goal in aim.set_by_hand(replica).items():
                warnings.warn(
                    f"{out} goes on with the goal of layer {name!r} that was set by hand, "
                    f"{written(goal)}, not with that of its config.toml",
                    InfosimWarning,
                    stacklevel=7,
                )


def _check_history(history, training):
    """Raise ValueError unless all that was measured is there for every epoch."""
    n = len(history)
    lists = {name: getattr(history, name) for name in ERRORS} | {
        f"goal of {name}": values for name, values in history.mean_goal.items()
    }
    lists |= history.in_force
    for name, values in lists.items():
        if len(values) != n:
            raise ValueError(f"{name} of {len(values)} epochs, expected {n}")
    learning = _climbing(training) if n else {}
    if history.atoms.keys() != learning.keys() or history.mean_goal.keys() != learning.keys():
        raise ValueError(f"atoms of {', '.join(history.atoms) or 'no layer'}")
    for name, one in learning.items():
        shape, n_recorded = np.shape(history.atoms[name]), len(history.recorded(name))
        wanted = n_recorded, one.size, len(one.goal.labels)
        if shape != (wanted if n_recorded else (0,)):
            raise ValueError(f"atoms of {name} have shape {shape}, expected {wanted}")


def _save(holds, training):
    """Write metrics, atoms, weights and the checkpoint of this moment, unless it has diverged."""
    training.check()
    climbing = _climbing(training)
    labels = {name: one.goal.labels for name, one in climbing.items()}
    for replica, held in enumerate(holds):
        held.check()
        out, state, history = held.folder, training.state(replica), training.histories[replica]
        store.write_text(out / "metrics.csv", _metrics(history))
        store.write_arrays(
            out / "atoms.npz",
            {
                **{
                    name: np.reshape(values, (-1, climbing[name].size, len(labels[name])))
                    for name, values in history.atoms.items()
                },
                **{f"{name}/labels": np.array(names) for name, names in labels.items()},
            },
        )
        weights = {
            name.removeprefix("network/"): array
            for name, array in state.items()
            if name.startswith("network/") and not name.endswith("moments")
        }
        store.write_arrays(out / "weights.npz", weights)
        with store.atomic(out / CHECKPOINTS[0]) as file:
            np.savez(file, **state, digest=digest_of(state))
            if held.rotates:
                with suppress(FileNotFoundError):
                    files.replace(*(out / name for name in CHECKPOINTS))
        held.rotates = True


def _climbing(training):
    """Name -> `Population` of all that has a goal."""
    layers = training.simulator.network.layers
    found = {name: one for layer in layers for name, one in layer.populations.items()}
    return {name: one for name, one in found.items() if one.goal is not None}


def _metrics(history):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    layers = list(history.mean_goal)
    writer.writerow(
        ["epoch", "train_error", "val_error", "test_error"]
        + [f"mean_goal_{name}" for name in layers]
        + [*history.in_force, "seconds"]
    )
    for epoch in range(len(history)):
        errors = [history.train_error[epoch], history.val_error[epoch], history.test_error[epoch]]
        goals = [history.mean_goal[name][epoch] for name in layers]
        in_force = [values[epoch] for values in history.in_force.values()]
        writer.writerow([epoch, *errors, *goals, *in_force, f"{history.seconds[epoch]:.3f}"])
    return text.getvalue()
