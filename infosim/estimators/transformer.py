"""The transformer: features that neurons find, unsupervised."""

import numpy as np

from infosim.estimators.base import BLOCK, InfomorphicEstimator, filled
from infosim.estimators.scikit import (
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    check_is_fitted,
)


class InfomorphicTransformer(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, InfomorphicEstimator
):
    """Features that neurons find, each by its own goal, without labels.

    With the goal {F}, the default, a neuron is to tell what is in the rows and what the other
    neurons do not tell. The features are its firing probabilities.

    Parameters
    ----------
    preset : the experiment whose network it is, by name (`infosim presets`) or as a file, without
        labels
    n_neurons, goal, rate : of all layers, else as of `InfomorphicClassifier`
    settings : other settings of layers and network, {"layers.hidden.binning.bins": 30, ...}
    epochs : how often all rows are shown; "auto" is until there were 3000 updates
    batch_size : rows of a batch, at most all; "auto" cuts them into equal batches of at most 1000
    standardize, dtype, backend, n_jobs, random_state, verbose : as of `InfomorphicClassifier`

    Attributes
    ----------
    n_features_in_, feature_names_in_ : of the columns
    n_iter_ : epochs made
    simulator_ : the `Simulator`

    Examples
    --------
    >>> import numpy as np
    >>> from infosim import InfomorphicTransformer
    >>> x = np.random.default_rng(0).choice([-1.0, 1.0], (200, 3)).repeat(4, axis=1)
    >>> find = InfomorphicTransformer(n_neurons=2, epochs=5, random_state=0)
    >>> find.fit_transform(x).shape
    (200, 2)
    """

    _largest_batch = 1000

    def __init__(
        self, *, preset="pnas/bars-reliable", n_neurons=32, goal=None, rate=None, settings=None,
        epochs="auto", batch_size="auto", standardize=True, dtype="float32", backend="cpu",
        n_jobs=None, random_state=None, verbose=False,
    ):  # fmt: skip
        self.preset = preset
        self.n_neurons = n_neurons
        self.goal = goal
        self.rate = rate
        self.settings = settings
        self.epochs = epochs
        self.batch_size = batch_size
        self.standardize = standardize
        self.dtype = dtype
        self.backend = backend
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y=None):
        """Learn from rows X (n, n_features), anew; y is ignored.

        X may be sparse and is made dense. Returns the estimator.

        Raises
        ------
        ValueError : what scikit-learn refuses: X not two-dimensional, missing or infinite values,
            no rows
        ConfigError : a ValueError too, parameters that cannot be
        """
        x = self._checked(X, reset=True)
        self._begin(x)
        self._train(self._scaled(x))
        self._n_features_out = self.simulator_.network.layers[-1].size
        return self

    def transform(self, X):
        """The firing probabilities of the last layer's neurons, (n, neurons).

        Nothing is random: neurons that others read take their likelier output, and a row has the
        same features, to the bit, beside any others.

        Raises
        ------
        NotFittedError : it has not learnt yet
        ValueError : other columns than those it has learnt from, missing or infinite values
        """
        check_is_fitted(self)
        x = self._scaled(self._checked(X))
        with self._simulating() as simulator, simulator.workers.engaged():
            samples = simulator.samples(self._shown(x))
            layer = simulator[simulator.network.layers[-1].name]
            rows = filled(np.arange(len(x)))
            parts = [
                np.array(layer.probabilities.T, np.float64)
                for _ in simulator.passing(samples, sampled=False, at_once=BLOCK, positions=rows)
            ]
        return np.concatenate(parts)[: len(x)]

    def _check_network(self, config):
        super()._check_network(config)
        if config["network"]["readout"] or config["network"]["clamped"]:
            raise self._unfit("it has a readout, or layers that are clamped")
