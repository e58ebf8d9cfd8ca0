"""Hebb's rule for associative memory: the Hopfield network that infomorphic memories are beside."""

import numpy as np

from infosim.errors import ShapeError


def hebbian(patterns):
    """Weights of a Hopfield network that stores `patterns`, without connections to oneself.

    patterns : (P, n) of +1 and -1

    Returns
    -------
    float64 (n, n), (1/n) Σ_p x_p x_pᵀ with an empty diagonal (Hopfield 1982)

    Raises
    ------
    ShapeError : not (P, n), or anything but +1 and -1
    """
    patterns = np.asarray(patterns)
    if patterns.ndim != 2 or not patterns.size or not np.isin(patterns, (-1, 1)).all():
        raise ShapeError(
            f"patterns must be +1 and -1 of shape (patterns, n), were {patterns.dtype} "
            f"{patterns.shape}"
        )
    weights = patterns.T.astype(float) @ patterns / patterns.shape[1]
    np.fill_diagonal(weights, 0)
    return weights
