"""The memory: patterns of bits that recall completes."""

from math import isfinite
from numbers import Real

import numpy as np

from infosim.analysis.memory import overlap
from infosim.errors import ConfigError, DataError, ShapeError, brief, integer
from infosim.estimators.base import BLOCK, InfomorphicEstimator, filled
from infosim.estimators.scikit import check_array, check_is_fitted


class InfomorphicMemory(InfomorphicEstimator):
    """An associative memory: from parts of a pattern, or one with mistakes, it recalls the whole.

    It has as many neurons as a pattern has bits, each of which reads all others.

    Parameters
    ----------
    preset : the experiment whose network it is, by name (`infosim presets`) or as a file, of one
        layer that is clamped to the patterns: "pnas/memory-hopfield" learns by Hebb's rule
    goal : as `Goal.of` reads it; None is what the preset says
    rate : of the optimizer; None is what the preset says
    settings : other settings of layers and network, {"layers.memory.binning.bins": [2, 40], ...}
    epochs : how often all patterns are shown; "auto" is what the preset says
    batch_size : patterns of a batch, at most all, which is "auto"
    binarize : values above it are 1, others 0; None takes nothing but 1 and -1, or 1 and 0
    max_steps : after which recall ends where it is; None is the number of neurons
    dtype, backend, n_jobs, random_state, verbose : as of `InfomorphicClassifier`

    Attributes
    ----------
    n_features_in_, feature_names_in_ : of the bits
    n_iter_ : epochs made
    simulator_ : the `Simulator`

    Examples
    --------
    >>> import numpy as np
    >>> from infosim import InfomorphicMemory
    >>> patterns = np.random.default_rng(0).choice([-1, 1], (5, 40))
    >>> memory = InfomorphicMemory(random_state=0).fit(patterns)
    >>> cues = patterns.copy()
    >>> cues[:, :4] *= -1
    >>> memory.score(cues, patterns)
    1.0
    """

    _largest_batch, _sparse = 2**31, ()

    def __init__(
        self, *, preset="pnas/memory-optimised", goal=None, rate=None, settings=None,
        epochs="auto", batch_size="auto", binarize=None, max_steps=None, dtype="float32",
        backend="cpu", n_jobs=None, random_state=None, verbose=False,
    ):  # fmt: skip
        self.preset = preset
        self.goal = goal
        self.rate = rate
        self.settings = settings
        self.epochs = epochs
        self.batch_size = batch_size
        self.binarize = binarize
        self.max_steps = max_steps
        self.dtype = dtype
        self.backend = backend
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y=None):
        """Learn patterns X (n, n_features), anew; y is ignored. Returns the estimator.

        Raises
        ------
        ValueError : what scikit-learn refuses: X not two-dimensional, missing or infinite values,
            no rows, less than two columns; and values that are no bits
        ConfigError : a ValueError too, parameters that cannot be
        """
        x = self._checked(X, reset=True, ensure_min_features=2)
        self._off = 0 if self.binarize is not None or (x == 0).any() else -1
        patterns = self._signs(x, "X")
        self._begin(patterns)
        self._train(patterns)
        return self

    def predict(self, X):
        """The state in which recall from each row ends, (n, n_features), of the patterns' integers.

        Recall is synchronous and deterministic: all neurons take their likelier output, until a
        state is that of one or two steps before. Each row is recalled as it would be alone.

        Raises
        ------
        NotFittedError : it has not learnt yet
        ValueError : other columns than those it has learnt from, or values that are no bits
        """
        check_is_fitted(self)
        states = self._recalled(self._signs(self._checked(X), "X"))
        return np.where(states > 0, 1, self._off)

    recall = predict

    def score(self, X, y=None):
        """The mean overlap of what is recalled from X with patterns y, (n, n_features).

        It is 1 where all bits are right, 0 by chance and -1 where all are wrong: the fraction of
        right bits is (1 + overlap) / 2. Without y it says whether X itself stays as it is.
        """
        check_is_fitted(self)
        cues = self._signs(self._checked(X), "X")
        patterns = cues
        if y is not None:
            patterns = check_array(y, input_name="y")
            if patterns.shape != cues.shape:
                raise ShapeError(f"y must be patterns {cues.shape}, was {patterns.shape}")
            patterns = self._signs(patterns, "y")
        return float(overlap(self._recalled(cues), patterns).mean())

    def _recalled(self, cues):
        """The states, 1 and -1, that recall ends in, (n, n_features)."""
        most = self.max_steps
        most = cues.shape[1] if most is None else integer("max_steps", most, 0)
        with self._simulating() as simulator:
            blocks = filled(cues).reshape(-1, BLOCK, cues.shape[1])
            ended = [simulator.recall(block, max_steps=most).states for block in blocks]
        return np.concatenate(ended)[: len(cues)]

    def _signs(self, x, name):
        """Bits as 1 and -1."""
        if self.binarize is not None:
            if not isinstance(self.binarize, Real) or not isfinite(self.binarize):
                raise ConfigError(f"binarize must be a number, was {brief(self.binarize)}")
            return np.where(x > self.binarize, 1.0, -1.0)
        strange = x[(x != 1) & (x != self._off)]
        if strange.size:
            raise DataError(
                f"{name} must hold 1 and {self._off} alone, as patterns do, was {strange[0]:g}; "
                f"the parameter binarize makes bits of other values"
            )
        return np.where(x == 1, 1.0, -1.0)

    def _enough(self, n_batches):
        return self._network["config"]["training"]["epochs"]

    def _sizes(self, config, n_features, n_classes):
        return dict.fromkeys(config["layers"], n_features)

    def _check_network(self, config):
        super()._check_network(config)
        layers, clamped = list(config["layers"]), list(config["network"]["clamped"])
        if len(layers) != 1 or clamped != layers:
            raise self._unfit("it is not of one layer, which is clamped to the patterns")
