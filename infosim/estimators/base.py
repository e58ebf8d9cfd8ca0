"""What the estimators share: an experiment of their parameters, trained on arrays."""

from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from numbers import Integral
from threading import RLock

import numpy as np

from infosim.datasets import Dataset
from infosim.engine import Progress, Simulator, Training
from infosim.errors import ConfigError, DataError, brief, integer
from infosim.estimators.scikit import (
    BaseEstimator,
    StandardScaler,
    check_is_fitted,
    check_random_state,
    effective_n_jobs,
    validate_data,
)
from infosim.experiments import Experiment
from infosim.machine.mapped import Mapped
from infosim.pid import Goal
from infosim.pid.scheduled import ScheduledGoal, goal_of, written
from infosim.tasks import Task

#: Rows that are presented at once where nothing is random: always exactly so many, filled up with
#: the last one, so that BLAS rounds what is said of a row alike beside any others.
BLOCK = 256
#: Bytes that columns on disk take while their means and deviations are found.
_AT_ONCE = 2**26
#: Tables of an experiment that an estimator's parameters and data stand for.
_STOOD_FOR = ("data", "training")


class InfomorphicEstimator(BaseEstimator):
    """An `Experiment` whose data are what `fit` is given; a base of estimators.

    Its network is that of a preset or file, in which parameters change settings. What is learnt is
    kept as plain settings and arrays, in copies and pickles too; a simulator is made of them where
    there is none.
    """

    #: what batch_size="auto" and epochs="auto" stand for: rows, at most, and updates, at least
    _largest_batch, _updates = 256, 3000
    #: formats in which rows may be sparse, to be made dense
    _sparse = ("csr", "csc", "coo")
    #: kinds of inputs that the network may have (`network.inputs`)
    _inputs = ("images",)

    # -- the network -----------------------------------------------------------------------------

    def _sizes(self, config, n_features, n_classes):
        """Layer -> number of neurons, of the layers for which the data decide it."""
        return {}

    def _own(self, config):
        """The names of the layers that the parameters goal, rate and n_neurons are of."""
        return list(config["layers"])

    def _experiment(self, n_features, n_classes):
        """The `Experiment` that the parameters describe.

        Raises
        ------
        ConfigError : they cannot be, or the network is none for this estimator
        """
        plain = Experiment.load(self.preset).config
        self._check_network(plain)
        own, tables = self._own(plain), plain["layers"]
        changes = {"data.scaling": "none", "data.validation": 0.0}
        for name in own:
            if self.goal is not None:
                goal = _setting(self.goal, tuple(tables[name]["compartments"]))
                changes[f"layers.{name}.goal"] = goal
            if self.rate is not None:
                changes[f"layers.{name}.optimizer.rate"] = self.rate
        sizes = self._sizes(plain, n_features, n_classes)
        sizes |= self._asked_for([name for name in own if name not in sizes])
        changes |= {f"layers.{name}.size": size for name, size in sizes.items()}
        found = Experiment.load(self.preset, [*changes.items(), *self._settings().items()])
        self._check_network(found.config)
        return found

    def _check_network(self, config):
        """Raise ConfigError unless a network of these settings can be this estimator's."""
        for name, kind in config["network"]["inputs"].items():
            if kind not in self._inputs:
                raise self._unfit(f"its input {name!r} is {kind}")

    def _unfit(self, why):
        return ConfigError(f"preset {self.preset!r} is not for {type(self).__name__}: {why}")

    def _asked_for(self, layers):
        """Layer -> number of neurons that the parameter `n_neurons` asks for."""
        asked = getattr(self, "n_neurons", None)
        if asked is None:
            return {}
        if not isinstance(asked, Sequence | np.ndarray) or isinstance(asked, str):
            asked = [asked] * len(layers)
        if len(asked) != len(layers):
            raise ConfigError(
                f"n_neurons must be one number, or one for each of the layers {', '.join(layers)}, "
                f"was {brief(asked)}"
            )
        return {name: integer("n_neurons", n) for name, n in zip(layers, asked, strict=True)}

    def _settings(self):
        given = {} if self.settings is None else self.settings
        if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
            raise ConfigError(
                f"settings must be a dict such as {{'layers.hidden.outputs': 'binary'}}, was "
                f"{brief(given)}"
            )
        for key in given:
            if key.partition(".")[0].strip() in _STOOD_FOR:
                raise ConfigError(
                    f"settings may be those of layers and network, was {brief(key)}: what it is "
                    f"trained on, and how long, is said by parameters and fit"
                )
        return dict(given)

    # -- training --------------------------------------------------------------------------------

    def _begin(self, x, n_classes=1):
        """Make a network for rows like x that has learnt nothing yet."""
        shape = x.shape[1], n_classes
        self._network = {"config": self._experiment(*shape).config, "shape": shape,
                         "seed": self._drawn_seed(), "dtype": self.dtype}  # fmt: skip
        self._learnt, self._scale = None, self._scale_of(x)
        self._live = self._made(), RLock()

    def _forget(self):
        """Be fitted no longer: what fails from here on leaves nothing half made."""
        vars(self).pop("n_iter_", None)

    def __sklearn_is_fitted__(self):
        """Whether it was trained."""
        return hasattr(self, "n_iter_")

    def _train(self, x, y=None, epochs=None):
        """Train on rows x (n, d) and their classes (n,), for as long as the parameter says unless
        told how many epochs."""
        n = len(x)
        if self.batch_size == "auto":
            batch = -(-n // -(-n // self._largest_batch))  # batches of about one size
        else:
            batch = min(integer("batch_size, unless 'auto',", self.batch_size), n)
        if epochs is None:
            epochs = self.epochs
            if epochs == "auto":
                epochs = self._enough(-(-n // batch))
            epochs = integer("epochs, unless 'auto',", epochs)
        samples = self._samples(x, y)
        report = Progress() if self.verbose else None
        with self._simulating() as simulator:
            try:
                history = simulator.fit(samples, epochs, batch=batch, report=report)
            except BaseException:
                self._live = None  # what was learnt before still holds
                raise
            self._learnt = _state(simulator, samples, batch)
        self.n_iter_ = len(history) - 1

    def _enough(self, n_batches):
        """The epochs that "auto" stands for."""
        return -(-self._updates // n_batches)

    def _samples(self, x, y=None):
        """Rows, and their classes, as the network takes them in training."""
        y = np.zeros(len(x), np.int64) if y is None else y
        config, data = self._network["config"], self._data(x, y)
        train, _, _ = Task(config, data).samples()
        return train

    def _data(self, x, y):
        """Rows and classes as a data set of the network's shape."""
        n_features, n_classes = self._network["shape"]
        test = np.zeros((1, n_features)), np.zeros(1, np.int64)
        name = type(self).__name__
        return Dataset(name, x, y, *test, n_classes, (n_features,), source="fit")

    def _shown(self, x):
        """Rows as the network takes them when there is nothing to learn."""
        inputs = self._network["config"]["network"]["inputs"].items()
        return {name: x for name, kind in inputs if kind == "images"}

    def _drawn_seed(self):
        """The seed: the parameter, or drawn from what it names."""
        if isinstance(self.random_state, Integral) and not isinstance(self.random_state, bool):
            return integer("random_state", self.random_state, 0, 2**32 - 1)
        return int(check_random_state(self.random_state).randint(2**32, dtype=np.int64))

    # -- the simulator ---------------------------------------------------------------------------

    @property
    def simulator_(self):
        """The `Simulator` of what was learnt, for all that this package does with one.

        In a copy, or where it was pickled, it is made when it is first needed; its histories then
        hold errors and goals, but not the atoms of each epoch. What is done to it by hand changes
        what the estimator says, but is not in copies.
        """
        check_is_fitted(self)
        with self._simulating() as simulator:
            return simulator

    @contextmanager
    def _simulating(self):
        """A context in which this thread alone uses the simulator, which it yields."""
        live = self._live
        if live is None:
            self._live = live = self._made(), RLock()
        simulator, lock = live
        with lock:
            yield simulator

    def _made(self):
        """A simulator of what was learnt so far."""
        net = self._network
        x, y = np.zeros((1, net["shape"][0])), np.zeros(1, np.int64)
        simulator = Simulator(
            Experiment(str(self.preset), net["config"]).network(self._data(x, y)),
            backend=self.backend,
            seed=net["seed"],
            threads=effective_n_jobs(self.n_jobs),
            dtype=net["dtype"],
        )
        if self._learnt is not None:
            Training(simulator, self._samples(x, y), batch=1).restore(self._learnt)
        return simulator

    def __getstate__(self):
        """Parameters, settings and plain arrays, without the simulator."""
        return {**super().__getstate__(), "_live": None}

    # -- rows ------------------------------------------------------------------------------------

    def _checked(self, x, *y, reset=False, **options):
        """x, and y if it is given, as scikit-learn checks them: numbers (n, d), finite, dense.

        reset : whether it is what is learnt from; else it is to have the same columns
        """
        options |= {"accept_sparse": self._sparse or False, "dtype": (np.float64, np.float32)}
        if reset:
            self._forget()
        found = validate_data(self, x, *y, reset=reset, **options)
        x, *y = found if y else (found,)
        x = x.toarray() if hasattr(x, "toarray") else x
        return (x, *y) if y else x

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = bool(self._sparse)
        return tags

    def _scale_of(self, x):
        """Mean and deviation (d,) of the columns, or None if they are used as they are."""
        if not getattr(self, "standardize", False):
            return None
        mapped = Mapped.of(x)
        parts = [x] if mapped is None else _columns(mapped)
        with np.errstate(over="ignore", invalid="ignore"):
            scalers = [StandardScaler().fit(part) for part in parts]
        mean, scale = (np.concatenate([getattr(one, name) for one in scalers])
                       for name in ("mean_", "scale_"))  # fmt: skip
        for i in np.flatnonzero(~np.isfinite(scale)):
            raise DataError(f"column {i} of X holds numbers too large to be standardised")
        return mean, scale

    def _scaled(self, x):
        """Rows as the network is to see them."""
        if self._scale is None:
            return x
        mean, scale = self._scale

        def scaled(rows):
            with np.errstate(over="ignore", invalid="ignore"):  # `Samples` refuses what comes of it
                return (rows - mean) / scale

        mapped = Mapped.of(x)
        return scaled(x) if mapped is None else mapped.changed(scaled)


def _columns(mapped):
    """All columns of rows on disk, as arrays (n, k) of some of them."""
    n, d = mapped.shape
    step = max(1, _AT_ONCE // (n * mapped.dtype.itemsize))
    for first in range(0, d, step):
        columns = np.empty((n, min(step, d - first)), mapped.dtype)
        for rows, block in mapped.blocks():
            columns[rows] = block[:, first : first + step]
        yield columns


def _state(simulator, samples, batch):
    """What was learnt, name -> array: all from which training goes on to the same bits.

    Without the atoms of each neuron in each epoch, which are many and which nothing needs.
    """
    state = Training(simulator, samples, batch=batch).state()
    return {name: array for name, array in state.items() if not name.startswith("atoms/")}


def filled(rows):
    """Rows, of which there is one, and the last of them as often as whole blocks need."""
    n = len(rows)
    return rows[np.minimum(np.arange(-(-n // BLOCK) * BLOCK), n - 1)]


def _setting(goal, sources):
    """A goal as files have it.

    Raises
    ------
    ConfigError : a Goal or ScheduledGoal of other sources
    """
    return written(goal_of(goal, sources)) if isinstance(goal, Goal | ScheduledGoal) else goal
