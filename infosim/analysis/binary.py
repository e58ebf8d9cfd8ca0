"""Binary variables, such as the output of a neuron, by their probabilities."""

import numpy as np


def entropy(p):
    """Entropy in bits of binary variables with these probabilities."""
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return -p * np.log2(p) - (1 - p) * np.log2(1 - p)
