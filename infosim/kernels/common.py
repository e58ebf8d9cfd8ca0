"""What kernels of several stages share: numbers, and on the CPU sums and the place of a replica.

Constants are float32 on purpose: a float32 operand leaves the precision of the other operand as
it is, while a bare Python literal would turn all float32 arithmetic into float64.
"""

import numpy as np

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


@inline
def extremes(row):
    """The least and the greatest of a row: each of four numbers, that none waits for the last."""
    low0 = low1 = low2 = low3 = high0 = high1 = high2 = high3 = row[0]
    in_fours = len(row) // 4 * 4
    for i in range(0, in_fours, 4):
        low0, high0 = min(low0, row[i]), max(high0, row[i])
        low1, high1 = min(low1, row[i + 1]), max(high1, row[i + 1])
        low2, high2 = min(low2, row[i + 2]), max(high2, row[i + 2])
        low3, high3 = min(low3, row[i + 3]), max(high3, row[i + 3])
    for i in range(in_fours, len(row)):
        low0, high0 = min(low0, row[i]), max(high0, row[i])
    return min(min(low0, low1), min(low2, low3)), max(max(high0, high1), max(high2, high3))


@inline
def replica_of(start, n_neurons, n_replicas):
    """The replica that neuron `start` belongs to, and its first neuron."""
    size = n_neurons // n_replicas
    return start // size, start // size * size
