"""What kernels of several stages share: numbers, and on the CPU sums and the place of a replica.

Constants are float32 on purpose: a float32 operand leaves the precision of the other operand as
it is, while a bare Python literal would turn all float32 arithmetic into float64.
"""

import numpy as np

from infosim.elementary import ordered, unordered
from infosim.jit import inline, reduction

ZERO = np.float32(0)
ONE = np.float32(1)


@reduction
def total(row):
    """The sum of `row`, in float64."""
    result = 0.0
    for i in range(len(row)):
        result += row[i]
    return result


@reduction
def dot(a, b):
    """The sum of the products of two rows."""
    result = a[0] * ZERO
    for i in range(len(a)):
        result += a[i] * b[i]
    return result


@inline
def extremes(row):
    """The least and the greatest of a row, found in vector lanes, as those of integers are."""
    low = high = ordered(row[0])
    for i in range(1, len(row)):
        number = ordered(row[i])
        low, high = min(low, number), max(high, number)
    return unordered(low), unordered(high)


@inline
def replica_of(start, n_neurons, n_replicas):
    """The replica that neuron `start` belongs to, and its first neuron."""
    size = n_neurons // n_replicas
    return start // size, start // size * size
