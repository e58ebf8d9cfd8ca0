"""Optuna's part of the search for goals: database, samplers, and the study they work on.

The only module that imports Optuna; infosim.experiments.optimize imports it when it is used.
"""

import hashlib
import json
import logging
import math
import sqlite3
import time
import warnings
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import optuna
from optuna.exceptions import (
    DuplicatedStudyError,
    ExperimentalWarning,
    StorageInternalError,
    UpdateFinishedTrialError,
)
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.samplers import BaseSampler, CmaEsSampler, RandomSampler, TPESampler
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.trial import TrialState
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from infosim.errors import CheckpointError, ConfigError, InfosimError
from infosim.experiments.identity import differences
from infosim.files import opened

#: Seconds between signs of life of a trial, and without one after which it counts as killed.
BEAT, GRACE = 10, 60
#: How often a trial whose process was killed is tried again.
RETRIES = 3
#: Seconds to wait for another process to let go of an SQLite file.
LOCKED = 60

#: What an objective raises to stop its trial.
Pruned = optuna.TrialPruned

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
}


@contextmanager
def quietly():
    """A context in which Optuna says neither what it does nor what of it is experimental."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            warnings.filterwarnings("ignore", "`x0`", FutureWarning)
            yield
    finally:
        optuna.logging.set_verbosity(verbosity)


# -- the database ----------------------------------------------------------------------------------


def shown(url):
    """A database's URL without its password."""
    return make_url(url).render_as_string(hide_password=True)


def database(where):
    """The URL of a database; a Path is an SQLite file, whose path is made absolute.

    Raises
    ------
    ConfigError : not a URL, or of a database that ends with the process
    """
    if isinstance(where, Path):
        return URL.create("sqlite", database=str(where.absolute())).render_as_string()
    try:
        url = make_url(where)
    except (ArgumentError, ValueError):
        raise ConfigError(
            f"storage must be the URL of a database such as sqlite:///study.db or "
            f"postgresql://user@host/name, was {where!r}"
        ) from None
    if url.get_backend_name() != "sqlite" or (url.database or "").startswith("file:"):
        return where
    if url.database in (None, "", ":memory:"):
        raise ConfigError(f"storage {where} would end with this process; name a file")
    return url.set(database=str(Path(url.database).absolute())).render_as_string(False)


@contextmanager
def told(url, reading=False):
    """A context in which what is wrong with the database becomes one line.

    reading : whether nothing else is done, so that whatever goes wrong is the database's fault

    Raises
    ------
    CheckpointError : it cannot be reached, read or written
    """
    try:
        yield
    except (StorageInternalError, SQLAlchemyError) as error:
        cause = error.__cause__ if isinstance(error, StorageInternalError) else error
        cause = getattr(cause, "orig", None) or cause or error
        raise CheckpointError(f"storage {shown(url)} cannot be used: {cause}") from None
    except InfosimError:
        raise
    except Exception as error:
        if not reading:
            raise
        reason = f"{type(error).__name__}: {error}"
        raise CheckpointError(f"storage {shown(url)} is damaged: {reason}") from None


def _check_file(url):
    """Raise unless the SQLite file at `url`, if there is one, is whole.

    A byte that is another may lie where only a later query looks, or make Optuna fail anywhere.
    """
    path = Path(make_url(url).database)
    if not path.exists():
        return
    try:
        with opened(path), closing(sqlite3.connect(path, timeout=LOCKED)) as connection:
            (found,), *_ = connection.execute("PRAGMA quick_check(1)").fetchall()
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise CheckpointError(f"storage {shown(url)} cannot be used: {reason}") from None
    except UnicodeDecodeError:
        found = "text that is none"
    if found != "ok":
        raise CheckpointError(f"storage {shown(url)} is damaged: {found}")


def check(study, labels):
    """Raise ValueError unless all trials of a study are such as a search makes them.

    labels : of the parameters
    """
    for trial in study.get_trials(deepcopy=False):
        numbers = [*trial.params.values(), *trial.intermediate_values.values()]
        numbers += trial.values or []
        finished = trial.state in FINISHED
        if not set(trial.params) <= set(labels) or (finished and len(trial.params) < len(labels)):
            raise ValueError(f"trial {trial.number} has parameters {sorted(trial.params)}")
        if not all(isinstance(one, float | int) and math.isfinite(one) for one in numbers):
            raise ValueError(f"trial {trial.number} has values that are not finite")
        if any(abs(one) > 1 for one in trial.params.values()):
            raise ValueError(f"trial {trial.number} has a parameter outside [-1, 1]")
        if finished and not isinstance(trial.user_attrs.get("sampler"), str):
            raise ValueError(f"trial {trial.number} does not say how it was sampled")
        if trial.state == TrialState.COMPLETE and len(trial.values or []) != 1:
            raise ValueError(f"trial {trial.number} is complete without a value")


def _connect(url):
    """The storage at `url`, made if there is none.

    Raises
    ------
    ConfigError : an unknown kind of database, or its driver is not installed
    CheckpointError : made by another version of Optuna
    """
    sqlite = make_url(url).get_backend_name() == "sqlite"
    if sqlite:
        _check_file(url)
    for attempt in range(10):
        try:
            return RDBStorage(
                url.replace("{", "{{").replace("}", "}}"),  # Optuna formats it
                engine_kwargs={"connect_args": {"timeout": LOCKED}} if sqlite else None,
                heartbeat_interval=BEAT,
                grace_period=GRACE,
                heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(RETRIES),
            )
        except NoSuchModuleError:
            kind = make_url(url).drivername
            raise ConfigError(f"storage {shown(url)}: there is no database {kind!r}") from None
        except ImportError as error:
            reason = error.__cause__ or error
            raise ConfigError(f"storage {shown(url)}: its driver is missing: {reason}") from None
        except RuntimeError as error:
            raise CheckpointError(f"storage {shown(url)}: {error}") from None
        except (SQLAlchemyError, StorageInternalError, AssertionError) as error:
            # another process is making the same tables at this moment
            met = isinstance(error, IntegrityError | AssertionError) or "exists" in str(error)
            if not met or attempt == 9:
                raise
            time.sleep(0.1 * (attempt + 1))


# -- samplers --------------------------------------------------------------------------------------


class _Seeded(BaseSampler):
    """A sampler made anew for every trial, with a seed of the trial's own.

    What is proposed then depends on the seed, the trial's number and the trials before it, and not
    on how often the search was interrupted; and processes that share a study differ.

    make : seed -> sampler
    """

    def __init__(self, make, seed):
        self._make, self._seed = make, seed

    def before_trial(self, study, trial):
        (own,) = np.random.SeedSequence([self._seed, trial.number]).generate_state(1).tolist()
        with quietly():
            self._sampler = self._make(own)
        self._sampler.before_trial(study, trial)

    def infer_relative_search_space(self, study, trial):
        return self._sampler.infer_relative_search_space(study, trial)

    def sample_relative(self, study, trial, search_space):
        return self._sampler.sample_relative(study, trial, search_space)

    def sample_independent(self, study, trial, name, distribution):
        return self._sampler.sample_independent(study, trial, name, distribution)

    def after_trial(self, study, trial, state, values):
        self._sampler.after_trial(study, trial, state, values)


def _sampler(kind, seed, start):
    """The sampler `kind`; CMA-ES begins around `start` (name -> value).

    CMA-ES learns from pruned trials too: where most are, it would not come to a second generation.
    """
    if kind == "tpe":
        return _Seeded(
            lambda own: TPESampler(seed=own, multivariate=True, constant_liar=True), seed
        )
    return _Seeded(
        lambda own: CmaEsSampler(
            seed=own,
            x0=start,
            consider_pruned_trials=True,
            independent_sampler=RandomSampler(seed=own),
            warn_independent_sampling=False,
        ),
        seed,
    )


# -- the study -------------------------------------------------------------------------------------


def open_study(url, name, sampler, seed, warm_up, settings=None, start=None):
    """The study `name` in the database at `url`, made if `settings` are given and there is none.

    Parameters
    ----------
    sampler, seed : "tpe" or "cmaes", and its seed
    warm_up : epochs before which nothing is pruned, or None for no pruning
    settings : a table in which a study must agree to be continued
    start : name -> value, the first trial of a new study

    Raises
    ------
    ConfigError : the database is of an unknown kind, or its driver is not installed
    CheckpointError : it cannot be used, or the study was made with other settings
    """
    pruner = optuna.pruners.NopPruner()
    if warm_up is not None:
        pruner = optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=warm_up)
    with told(url, reading=True), quietly():
        storage = _connect(url)
        where = f"study {name} in {shown(url)}"
        if settings is None:
            study = optuna.load_study(storage=storage, study_name=name, pruner=pruner)
            known = _known(study, where)
        else:
            settings = json.loads(json.dumps(settings))
            try:
                study = optuna.create_study(storage=storage, study_name=name, pruner=pruner)
                known = None
            except DuplicatedStudyError:
                study = optuna.load_study(storage=storage, study_name=name, pruner=pruner)
                known = _known(study, where)
            if known is None:
                known = {"hash": _digest(settings), "settings": settings, "start": start}
                study.enqueue_trial(start, {"start": True}, skip_if_exists=True)
                study.set_user_attr("infosim", known)
            elif known["hash"] != _digest(settings):
                was = differences(known["settings"], settings)
                raise CheckpointError(
                    f"{where} is of another configuration: {was}; use another name"
                )
        check(study, known["start"])
        study.sampler = _sampler(sampler, seed, known["start"])
        return study


def _known(study, where):
    """What the study was made for; None if whoever made it came to no more than that."""
    for _ in range(50):  # another process may be about to say it
        known = study.user_attrs.get("infosim")
        if known is not None:
            kinds = {"hash": str, "settings": dict, "start": dict}
            if not all(isinstance(known[key], kind) for key, kind in kinds.items()):
                raise CheckpointError(f"{where} is damaged: what it was made for")
            return known
        if not all(trial.user_attrs.get("start") for trial in study.trials):
            raise CheckpointError(f"{where} was not made by infosim optimize; use another name")
        time.sleep(0.1)
    return None


def _digest(settings):
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def run_trial(study, objective):
    """Carry out one trial: `objective` takes Optuna's trial and returns its value."""
    try:
        study.optimize(objective, n_trials=1)
    except (UpdateFinishedTrialError, ValueError) as error:
        # while this process was suspended others took the trial for lost, and do it again
        if isinstance(error, ValueError) and not str(error).startswith("Cannot tell a "):
            raise


def importances(study, labels):
    """How much each parameter matters for being among the best trials, (A,), summing to 1.

    By PED-ANOVA (arXiv 2304.10255): how the best tenth of the complete trials, or the best five,
    lie differently from all. None where there are fewer than twice as many.
    """
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(complete) < 10:
        return None
    with quietly(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of few trials
        evaluator = PedAnovaImportanceEvaluator(target_quantile=max(0.1, 5 / len(complete)))
        found = get_param_importances(study, evaluator=evaluator)
    return np.array([found[label] for label in labels])
