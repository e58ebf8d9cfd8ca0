"""The search for goals: γ of one layer or group, by the error that training with them ends at.

A trial is one training, in memory; the test split is not looked at. All trials lie in a database,
from which a search goes on wherever it was stopped, which many processes may share, and from which
best.toml, trials.csv and search.png are made.
"""

import math
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from numbers import Real
from pathlib import Path

from infosim.errors import (
    BackendError,
    CheckpointError,
    ConfigError,
    InfosimError,
    integer,
    near,
)
from infosim.experiments.encoded import called
from infosim.experiments.engines import DaskWorkers, dask_client
from infosim.experiments.reading import preset_names
from infosim.experiments.search import METRICS, Search, layer_of, loaded, study_module
from infosim.experiments.searched import Results
from infosim.experiments.stopping import Interrupted, signals
from infosim.extras import need
from infosim.kernels import backend as backends

SAMPLERS = ("tpe", "cmaes")


def optimize(
    experiment, out=None, *, trials=100, minutes=None, layer=None, metric="val_error",
    sampler="tpe", seed=0, storage=None, name=None, prune=True, scheduler=None, threads=None,
    backend="cpu", source=None, report=None,
):  # fmt: skip
    """Search γ in [-1, 1] of every atom and of H_res for the goal with the smallest error.

    The first trial is the experiment's own goal, divided by its largest |γ| if that is above 1.

    Parameters
    ----------
    experiment : Experiment; its epochs and seed are those of every trial
    out : the directory; by default studies/<name>-<dataset>
    trials : of the whole study, complete or pruned: a study that has as many is finished. Several
        processes may end with one more each
    minutes : after which no more trials are begun by this call, which makes one at least
    layer : whose goal; by default the first one that learns and is not the readout. Of a layer with
        groups one of them is named, "LAYER/GROUP"
    metric : "val_error" or "train_error", after the last epoch
    sampler : "tpe" or "cmaes", Optuna's; seed : its seed
    storage : URL of the database; by default SQLite in `out`
    name : of the study; by default <name>-<dataset>
    prune : stop trials that are worse than the median (Optuna's MedianPruner; from a quarter of the
        epochs on, after five complete trials)
    scheduler : address of a Dask scheduler whose workers carry out the trials
    threads, backend : where each trial runs; with a scheduler, `threads` is by default the worker's
    source : preset or .toml file that best.toml extends; by default the preset of the experiment's
        name. Without one best.toml holds all settings
    report : called with a `Progress` at the beginning and after every trial

    Returns
    -------
    OptimizeResult

    Raises
    ------
    ConfigError : Optuna (or Dask) is not installed, a layer that does not learn, an unknown metric
        or sampler, val_error without validation samples, a number out of range
    CheckpointError : the database or the directory cannot be used, or the study was made with other
        settings
    BackendError : the backend or the scheduler is not there
    Interrupted : SIGINT or SIGTERM arrived; the trial under way is the first one of the next start
    """
    studies, trials = study_module(), integer("trials", trials)
    if minutes is not None and not (isinstance(minutes, Real) and minutes > 0):
        raise ConfigError(f"minutes must be a number above 0, was {minutes!r}")
    seed = integer("seed", seed, 0, 2**32 - 1)
    for what, value, known in (("metric", metric, METRICS), ("sampler", sampler, SAMPLERS)):
        if value not in known:
            raise ConfigError(f"unknown {what} {value!r}; {near(value, known)}")
    if sampler == "cmaes":
        need("cmaes", "optimize", "--sampler cmaes needs cmaes")
    if scheduler is not None:
        need("distributed", "cluster", "--scheduler needs Dask")
    if source is None and experiment.name in preset_names():
        source = experiment.name
    label = f"{experiment.name.replace('/', '-')}-{called(experiment.config)}"
    out = Path(out) if out is not None else Path("studies") / label
    for what in (label if name is None else name, str(out.absolute()), storage, source):
        try:
            str(what).encode()
        except UnicodeEncodeError:  # a file's name that is no text; databases and TOML hold text
            raise ConfigError(f"a study needs names in UTF-8, was {what!r}") from None
    search = Search(
        experiment=experiment,
        layer=layer_of(experiment, layer),
        metric=metric,
        sampler=sampler,
        seed=seed,
        prune=prune,
        storage=studies.database(out / "study.db" if storage is None else storage),
        name=label if name is None else name,
        threads=threads,
        backend=backend if scheduler is not None else backends.resolve(backend),
    )
    with ExitStack() as stack:
        stack.callback(loaded.clear)
        search.check(scheduler is not None)
        client = None
        if scheduler is not None:
            client = stack.enter_context(dask_client(scheduler))
        with _directory(out):
            study = search.study(create=True)
        results = Results(search, study, out, source)
        results.tidy()
        arrived = stack.enter_context(signals())
        stack.enter_context(studies.told(search.storage))
        stack.enter_context(studies.quietly())
        until = math.inf if minutes is None else time.monotonic() + 60 * minutes
        try:
            _carry_out(search, results, trials, until, client, arrived, report)
            if results.progress(trials).start is None:  # whoever had this trial was killed
                search.enqueue_start(study)
                more = results.progress(trials).finished + 1
                _carry_out(search, results, more, math.inf, client, arrived, report)
        except Interrupted:
            results.write(picture=True)
            done = results.progress(trials).finished
            raise Interrupted(
                f"stopped with {done} of {trials} trials; to continue: the same command",
                *arrived[:1],
            ) from None
        results.write(picture=True)
        return results.found()


def _carry_out(search, results, wanted, until, client, arrived, report):
    """Carry out trials, here or on the client's workers, until the study has as many as wanted.

    until : time.monotonic() after which no more are begun
    """

    def tell():
        results.write()
        if report is not None:
            report(results.progress(wanted))

    tell()
    if client is not None:
        _on_workers(client, search, results, wanted, until, tell, arrived)
        return
    while results.progress(wanted).finished < wanted:
        study_module().run_trial(results.study, partial(search.run, arrived=arrived))
        tell()
        if time.monotonic() > until:
            return


@contextmanager
def _directory(out):
    """Make the directory; what was made goes again if the search cannot begin."""
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise CheckpointError(f"cannot write {out}: {error.strerror or error}") from None
    except InfosimError:
        with suppress(OSError):  # not empty
            for folder in made:
                folder.rmdir()
        raise


# -- trials on other machines ----------------------------------------------------------------------

_one_at_a_time = threading.Lock()


def _work(search):
    """Carry out one trial; this is what is sent to Dask's workers."""
    from distributed import get_worker

    studies = study_module()
    if search.threads is None:
        search = replace(search, threads=get_worker().state.nthreads)
    with _one_at_a_time, studies.told(search.storage), studies.quietly():
        studies.run_trial(search.study(), search.run)


def _on_workers(client, search, results, wanted, until, tell, arrived):
    """Have trials carried out by Dask's workers, one on each at a time."""
    workers, begun = DaskWorkers(client), False
    while True:
        left = wanted - results.progress(wanted).finished
        if begun and time.monotonic() > until:
            left = 0
        for _ in range(min(left, workers.n) - len(workers.names)):
            workers.submit("trial", _work, search)
            begun = True
        if left <= 0 and not workers.names:
            return
        ended = workers.ended(arrived)
        for _, future in ended:
            error = future.exception()
            if isinstance(error, InfosimError):
                raise error
            if error is not None:
                reason = " ".join(f"{type(error).__name__}: {error}".split())
                raise BackendError(f"a Dask worker failed: {reason}")
        if ended:
            tell()
