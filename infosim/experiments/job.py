"""One job of a sweep: a run, or several that are simulated side by side, in directories by key."""

import os
import threading
import time
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from infosim.errors import CheckpointError, InfosimError
from infosim.experiments import store
from infosim.experiments.directory import begun, read_result
from infosim.experiments.engines import LAST
from infosim.experiments.experiment import Experiment
from infosim.experiments.run import train_together
from infosim.experiments.stopping import Interrupted


def execute(job, folder, threads=None, backend="cpu", summary=False, timeout=None, ending=False):
    """Carry out a job, a list of (name, config) of runs that are simulated side by side.

    This is what is sent to other processes. Only one process at a time works on a run: another
    waits until it is done, and finds it complete.

    timeout : seconds after which a run fails
    ending : whether this process is to end where a run that fails so is stuck

    Returns
    -------
    key -> None, or why the run failed
    """
    experiments = [Experiment(name, config) for name, config in job]
    keys = [one.key for one in experiments]
    outs = {key: Path(folder) / key for key in keys}
    try:
        with store.held(*outs.values(), wait=-1) as holds:
            left = [one for one in experiments if read_result(outs[one.key]) is None]
            options = {"threads": threads, "backend": backend, "summary": summary, "tell": False}
            train = partial(_train, options, dict(zip(keys, holds, strict=True)), timeout, ending)
            return dict.fromkeys(keys) | train(left)  # in keys' order
    except CheckpointError as error:
        return dict.fromkeys(keys, str(error))
    except OSError as error:
        return dict.fromkeys(keys, f"{folder}: {error.strerror or error}")


def _train(options, holds, timeout, ending, experiments):
    """Train these runs, together if they can be; key -> None or why it failed."""
    again = partial(_train, options, holds, timeout, ending)
    if not experiments:
        return {}
    resumed = [begun(holds[one.key].folder) for one in experiments]
    if any(resumed) and not all(resumed):
        done = {}
        for wanted in (True, False):
            part = zip(experiments, resumed, strict=True)
            done |= again([one for one, has in part if has == wanted])
        return done
    ours = [holds[one.key] for one in experiments]
    folders = [one.folder for one in ours]
    try:
        for folder in folders:
            store.tidy(folder, ["error.json", "started.json"])
            (folder / "error.json").unlink(missing_ok=True)
            store.write_json(folder / "started.json", {})
        mode = {"resume": True} if all(resumed) else {"force": True}
        with _limited(timeout, folders, ending) as report:
            train_together(experiments, folders, **options, **mode, holds=ours, report=report)
    except Interrupted:
        raise
    except Exception as error:
        if len(experiments) > 1:  # what is wrong with one must not stop the others
            done = {}
            for one in experiments:
                done |= again([one])
            return done
        return {experiments[0].key: fail(folders[0], error)}
    finally:
        for folder in folders:
            (folder / "started.json").unlink(missing_ok=True)
    return dict.fromkeys(one.key for one in experiments)


@contextmanager
def _limited(timeout, folders, ending):
    """What to call after every batch, so that a run which takes longer than `timeout` fails.

    ending : whether to end the process if it is not even called, a while later
    """
    if timeout is None:
        yield None
        return
    error = InfosimError(f"took longer than --timeout, {timeout:g} s")
    until = time.monotonic() + timeout

    def report(training, epochs):
        if time.monotonic() > until:
            raise error

    def end():
        for folder in folders:
            fail(folder, error)
        os._exit(1)

    timer = threading.Timer(timeout + LAST, end)
    timer.daemon = True
    if ending:
        timer.start()
    try:
        yield report
    finally:
        timer.cancel()


def fail(folder, error):
    """Write down why a run failed, and return it."""
    reason = " ".join(str(error).split())
    if not isinstance(error, InfosimError):
        reason = f"{type(error).__name__}: {reason}" if reason else type(error).__name__
    with suppress(CheckpointError, OSError):  # the reason is told all the same
        folder.mkdir(parents=True, exist_ok=True)
        store.write_json(folder / "error.json", {"reason": reason})
    return reason
