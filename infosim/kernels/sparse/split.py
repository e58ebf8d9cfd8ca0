"""Splitting data into a background and what differs from it, once for all batches."""

import numpy as np

from infosim.jit import kernel


@kernel
def count(array, background, edges, counts):
    """How many of each row's numbers in each block of inputs are not those of the background.

    array : (n, d); background : (d,); edges : (C + 1,), of blocks; counts : written, (n, C)
    """
    for i in range(array.shape[0]):
        for block in range(counts.shape[1]):
            found = np.int32(0)
            for j in range(np.uint64(edges[block]), np.uint64(edges[block + 1])):
                found += array[i, j] != background[j]
            counts[i, block] = found


@kernel
def split(array, background, places, values, columns):
    """Leave these numbers, row by row, in `values`, and of which inputs they are in `columns`.

    array, background : as for `count`; places : int64 (n, C + 1), where each row's begin first
    values, columns : written, (nnz + 1,), with one more that means nothing
    """
    for i in range(array.shape[0]):
        to = np.uint64(places[i, 0])
        for j in range(np.uint64(array.shape[1])):
            values[to], columns[to] = array[i, j], j
            to += np.uint64(array[i, j] != background[j])
