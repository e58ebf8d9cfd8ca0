"""Inputs that are a background and a sparse remainder, on the CPU.

A sample x is b + r, b the same for all and r mostly zeros, so that W x = W b + Σ_j W_j r_j and
δ xᵀ = Σ_s δ_s r_sᵀ + (Σ_s δ_s) bᵀ, sums over what is not zero. Neurons go side by side in vector
lanes, up to 64 at once, and what the sums are of, a block of W's columns or of δ's samples, is
copied to where a core's fastest memory holds it, lane by lane. A sum's order depends on its sample
or its input alone.

The remainders of R x B samples have rows of their own: `values` (R B, M) and `columns`. Of
sample i the inputs of block c are from borders[c, i] to before borders[c + 1, i] of these as flat
arrays, as which most kernels take them; blocks are of as many inputs each. `turn` has the same by
inputs, for each SAMPLES samples.
"""

import numpy as np

from infosim.elementary import number
from infosim.jit import frugal, inline, kernel
from infosim.kernels.common import dot, replica_of, total
from infosim.kernels.sparse.lanes import WIDTHS, add_rows

#: Samples of which a table is made, small enough for a core's fastest memory.
SAMPLES = 128
#: Neurons side by side, and samples (or inputs) whose sums are in memory at once.
_LANES, _AT_ONCE = max(WIDTHS), 512
#: Numbers in a line of memory.
_LINE = 16


@inline
def _fill(array, start, n, first, last, width, table):
    """Let the table's rows be columns first to last of n rows of an array, 0 beside them."""
    lines = np.uint64(width)
    for begin in range(first, last, _LINE):
        end = min(begin + _LINE, last)
        for lane in range(n):
            for i in range(begin, end):
                table[np.uint64(i - first) * lines + np.uint64(lane)] = array[start + lane, i]
        for i in range(begin, end):
            for lane in range(n, width):
                table[np.uint64(i - first) * lines + np.uint64(lane)] = 0


@inline
def _write(sums, width, array, start, n, first, n_rows):
    """Let columns of n rows of an array be rows of sums."""
    lines = np.uint64(width)
    for begin in range(0, n_rows, _LINE):
        end = min(begin + _LINE, n_rows)
        for lane in range(n):
            for i in range(begin, end):
                array[start + lane, first + i] = sums[np.uint64(i) * lines + np.uint64(lane)]


@frugal
def take_remainder(data, columns, places, scale, index, first, last, out_columns, borders, out):
    """Gather a batch of remainders: those of rows index[b] for first <= b < last, scaled.

    data, columns : (nnz,), any number type, integers; places : int64 (n, C + 1), where each row's
    blocks of inputs begin, and where it ends; scale : in `number`'s precision for `data`
    index : int64 (R B,)
    out_columns, borders, out : written, integers (R B, M), int64 (C + 1, R B) and (R B, M)
    """
    for b in range(first, last):
        row = index[b]
        begin = places[row, 0]
        for block in range(places.shape[1]):
            borders[block, b] = b * out.shape[1] + places[row, block] - begin
        n = np.uint64(places[row, -1] - begin)
        begin = np.uint64(begin)
        for i in range(n):
            out[b, i] = number(data[begin + i]) * scale
        for i in range(n):
            out_columns[b, i] = columns[begin + i]


@frugal
def turn(values, columns, borders, n_samples, first, last, starts, rows, out):
    """Order remainders by inputs, in each of the blocks of SAMPLES samples first to last.

    values, columns, borders : as `take_remainder` leaves them; n_samples : B
    starts : written, int64 (blocks, d + 1), where inputs begin in the others as flat arrays
    rows, out : written, uint8 and values, (blocks, SAMPLES M); rows are numbers in their block
    """
    n_inputs = starts.shape[1] - 1
    n_blocks = (n_samples + SAMPLES - 1) // SAMPLES
    for block in range(first, last):
        replica, place = block // n_blocks, block % n_blocks * SAMPLES
        origin = replica * n_samples + place
        at, rows_here, out_here = starts[block], rows[block], out[block]
        for j in range(n_inputs + 1):
            at[j] = 0
        for s in range(origin, origin + min(SAMPLES, n_samples - place)):
            for i in range(np.uint64(borders[0, s]), np.uint64(borders[-1, s])):
                at[np.uint64(columns[i])] += 1
        n = 0
        for j in range(n_inputs + 1):
            n, at[j] = n + at[j], n
        for s in range(origin, origin + min(SAMPLES, n_samples - place)):
            row = np.uint8(s - origin)
            for i in range(np.uint64(borders[0, s]), np.uint64(borders[-1, s])):
                column = np.uint64(columns[i])
                to = np.uint64(at[column])
                at[column] += 1
                out_here[to] = values[i]
                rows_here[to] = row
        for j in range(n_inputs, 0, -1):  # each is where the next one begins now
            at[j] = at[j - 1]
        at[0] = 0
        for j in range(n_inputs + 1):
            at[j] += block * out.shape[1]


@kernel
def project_remainder(weights, background, values, columns, borders, tile, u):
    """Potentials of densely connected neurons, u = W (b + r).

    weights : (N, d); background : b, (d,); values, columns, borders : as `take_remainder` leaves
    them; tile : as for `activate`; u : written, (N, B)
    """
    n_inputs, n_blocks = weights.shape[1], borders.shape[0] - 1
    n_columns = -(-n_inputs // n_blocks)
    replica, _ = replica_of(tile[0], weights.shape[0], borders.shape[1] // u.shape[1])
    offset = replica * u.shape[1]
    table = np.empty(n_columns * _LANES, weights.dtype)
    sums = np.empty(min(_AT_ONCE, tile[3] - tile[2]) * _LANES, weights.dtype)
    for start in range(tile[0], tile[1], _LANES):
        n = min(_LANES, tile[1] - start)
        width = (n + 15) // 16 * 16
        for first in range(tile[2], tile[3], _AT_ONCE):
            n_samples = min(_AT_ONCE, tile[3] - first)
            for lane in range(width):
                sums[lane] = dot(weights[start + lane], background) if lane < n else 0
            for s in range(1, n_samples):
                for lane in range(width):
                    sums[s * width + lane] = sums[lane]
            for block in range(n_blocks):
                begin = block * n_columns
                _fill(weights, start, n, begin, min(begin + n_columns, n_inputs), width, table)
                for s in range(n_samples):
                    i = offset + first + s
                    here, end = borders[block, i], borders[block + 1, i]
                    add_rows(values, columns, here, end, table, begin, width, sums, s)
            _write(sums, width, u, start, n, first, n_samples)


@kernel
def accumulate_remainder(delta, background, values, rows, starts, start, stop, gradient):
    """Gradient of the weights of densely connected neurons, δ (b + r)ᵀ.

    delta : (N, B); background : b, (d,); values, rows, starts : as `turn` leaves them
    gradient : written, (N, d)
    """
    n_samples, n_inputs = delta.shape[1], gradient.shape[1]
    n_blocks = (n_samples + SAMPLES - 1) // SAMPLES
    replica, _ = replica_of(start, delta.shape[0], len(starts) // n_blocks)
    offset = replica * n_blocks
    table = np.empty(SAMPLES * _LANES, delta.dtype)
    sums = np.empty(min(_AT_ONCE, n_inputs) * _LANES, delta.dtype)
    totals = np.zeros(_LANES, delta.dtype)
    for origin in range(start, stop, _LANES):
        n = min(_LANES, stop - origin)
        width = (n + 15) // 16 * 16
        for lane in range(n):
            totals[lane] = total(delta[origin + lane])
        for first in range(0, n_inputs, _AT_ONCE):
            n_here = min(_AT_ONCE, n_inputs - first)
            for j in range(n_here):
                for lane in range(width):
                    sums[j * width + lane] = background[first + j] * totals[lane]
            for block in range(n_blocks):
                begin = block * SAMPLES
                _fill(delta, origin, n, begin, min(begin + SAMPLES, n_samples), width, table)
                at = starts[offset + block]
                for j in range(n_here):
                    here, end = at[first + j], at[first + j + 1]
                    add_rows(values, rows, here, end, table, 0, width, sums, j)
            _write(sums, width, gradient, origin, n, first, n_here)
