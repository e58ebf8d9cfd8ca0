"""A linear probe: how well a linear classifier reads the class from a layer."""

import numpy as np

#: Ridge, in mean variances of a neuron: enough for neurons that are copies of each other.
_RIDGE = 1e-3


def probe_error(train, train_labels, test, test_labels, n_classes):
    """The fraction of test samples that a linear classifier of θ takes for another class.

    Its weights and biases are those of least squares, with a little ridge, of one output for each
    class, 1 in its samples and 0 in others; the largest says the class.

    train, test : (n, S) firing probabilities; train_labels, test_labels : (S,) integers
    """
    wanted = np.equal.outer(train_labels, np.arange(n_classes)).astype(np.float64)
    mean, bias = train.mean(axis=1, keepdims=True), wanted.mean(axis=0)
    x = train - mean
    covariance = x @ x.T / x.shape[1]
    ridge = _RIDGE * np.trace(covariance) / len(x) or 1.0
    covariance[np.diag_indices(len(x))] += ridge
    weights = np.linalg.solve(covariance, x @ (wanted - bias) / x.shape[1])
    found = ((test - mean).T @ weights + bias).argmax(axis=1)
    return float((found != test_labels).mean())
