"""The classifier: a network with a readout, taught by labels."""

import numpy as np

from infosim.estimators.base import InfomorphicEstimator
from infosim.estimators.scikit import (
    ClassifierMixin,
    check_classification_targets,
    check_is_fitted,
)


class InfomorphicClassifier(ClassifierMixin, InfomorphicEstimator):
    """A classifier whose neurons learn alone, each by its own goal.

    Parameters
    ----------
    preset : the experiment whose network it is, by name (`infosim presets`) or as a file, with a
        readout for as many classes as there are
    n_neurons : of the hidden layer, or a list of those of each; None is what the preset says
    goal : of the hidden layers' neurons, as `Goal.of` reads it; None is what the preset says
    rate : of the hidden layers' optimizers; None is what the preset says
    settings : other settings of layers and network, {"layers.output.optimizer.rate": 0.01, ...}
    epochs : how often all rows are shown; "auto" is until there were 3000 updates
    batch_size : rows of a batch, at most all; "auto" cuts them into equal batches of at most 256
    standardize : whether each column is used minus its mean, divided by its standard deviation,
        both of the rows that `fit` (or the first `partial_fit`) is given
    sampled : whether neurons fire at random in prediction, too. Else each takes its likelier
        output, and what is said of a row is the same bits beside any others
    presentations : how many are averaged in prediction, where neurons fire at random
    dtype : "float32" or "float64"
    backend : "cpu", "cuda" or "auto"
    n_jobs : threads, None is 1 and -1 all CPUs. They change no bit of what comes out
    random_state : an integer is the seed of the `Simulator`; from a RandomState, or NumPy's if
        None, one is drawn
    verbose : whether training shows its progress

    Attributes
    ----------
    classes_ : (n_classes,); n_features_in_, feature_names_in_ : of the columns
    n_iter_ : epochs so far
    simulator_ : the `Simulator`

    Examples
    --------
    >>> from infosim import InfomorphicClassifier
    >>> x = [[0.1], [0.2], [0.8], [0.9]] * 20
    >>> model = InfomorphicClassifier(n_neurons=5, epochs=200, random_state=0)
    >>> model.fit(x, ["low", "low", "high", "high"] * 20).predict([[0.0], [1.0]]).tolist()
    ['low', 'high']
    """

    _inputs = ("images", "labels", "signed-labels")

    def __init__(
        self, *, preset="iclr/trivariate-optimized", n_neurons=None, goal=None, rate=None,
        settings=None, epochs="auto", batch_size="auto", standardize=True, sampled=False,
        presentations=1, dtype="float32", backend="cpu", n_jobs=None, random_state=None,
        verbose=False,
    ):  # fmt: skip
        self.preset = preset
        self.n_neurons = n_neurons
        self.goal = goal
        self.rate = rate
        self.settings = settings
        self.epochs = epochs
        self.batch_size = batch_size
        self.standardize = standardize
        self.sampled = sampled
        self.presentations = presentations
        self.dtype = dtype
        self.backend = backend
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y):
        """Learn the classes y (n,), numbers or texts, of rows X (n, n_features), anew.

        X may be sparse and is made dense. Returns the estimator.

        Raises
        ------
        ValueError : what scikit-learn refuses: X not two-dimensional, missing or infinite values,
            no rows, y of another length or continuous; and fewer than two classes
        ConfigError : a ValueError too, parameters that cannot be
        """
        x, y = self._labelled(X, y, reset=True)
        return self._learn_first(x, y, np.unique(y))

    def partial_fit(self, X, y, classes=None):
        """Learn for one more epoch, of these rows, in batches as `fit` cuts them.

        Columns are standardised as by the rows of the first call, or of `fit`.

        classes : all that there will be; needed at the first call

        Raises
        ------
        ValueError : as of `fit`; no classes at first, or other ones later; labels outside them
        """
        first = not self.__sklearn_is_fitted__()
        if first and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        if classes is not None:
            classes = np.unique(classes)
            if not first and not np.array_equal(classes, self.classes_):
                raise ValueError(
                    f"classes must be those of the first call, {self.classes_.tolist()}, were "
                    f"{classes.tolist()}"
                )
        x, y = self._labelled(X, y, reset=first)
        if first:
            return self._learn_first(x, y, classes, epochs=1)
        self._train(self._scaled(x), _places(y, self.classes_), epochs=1)
        return self

    def predict(self, X):
        """The class of each row, (n,).

        Raises
        ------
        NotFittedError : it has not learnt yet
        ValueError : other columns than those it has learnt from, missing or infinite values
        """
        places = self._said("predict", X)
        return self.classes_[places]

    def predict_proba(self, X):
        """How surely the readout says each class, (n, n_classes), as `Simulator.predict_proba`.

        Rows sum to 1, columns are in the order of `classes_`. They are firing probabilities and no
        estimate of how often it is right, which `CalibratedClassifierCV` makes of them. Errors as
        of `predict`.
        """
        return self._said("predict_proba", X)

    def _labelled(self, x, y, reset):
        """Rows and labels, checked."""
        x, y = self._checked(x, y, reset=reset)
        check_classification_targets(y)
        return x, y

    def _learn_first(self, x, y, classes, epochs=None):
        """Begin anew, and learn."""
        if len(classes) < 2:
            raise ValueError(
                f"{type(self).__name__} needs 2 or more classes, y has one class: {classes[0]!r}"
            )
        y = _places(y, classes)
        self._begin(x, len(classes))
        self.classes_ = classes
        self._train(self._scaled(x), y, epochs)
        return self

    def _said(self, what, x):
        """What a method of the simulator says of rows."""
        check_is_fitted(self)
        x = self._scaled(self._checked(x))
        with self._simulating() as simulator:
            return getattr(simulator, what)(
                self._shown(x), sampled=self.sampled, presentations=self.presentations
            )

    def _sizes(self, config, n_features, n_classes):
        return {config["network"]["readout"]: n_classes}

    def _own(self, config):
        return [name for name in config["layers"] if name != config["network"]["readout"]]

    def _check_network(self, config):
        super()._check_network(config)
        if not (config["network"]["readout"] and config["network"]["target"]):
            raise self._unfit("it has no readout and target")


def _places(labels, classes):
    """Where each label stands among the classes, which are sorted.

    Raises
    ------
    ValueError : some are none of them
    """
    strange = np.setdiff1d(labels, classes)
    if strange.size:
        raise ValueError(
            f"y holds {strange[0]!r}, which is not among the classes {classes.tolist()}"
        )
    return np.searchsorted(classes, labels)
