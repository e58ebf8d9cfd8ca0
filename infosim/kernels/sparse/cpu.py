"""Inputs that are a background and a sparse remainder, on the CPU.

A sample x is b + r, b the same for all and r mostly zeros, so that W x = W b + Σ_j W_j r_j and
δ xᵀ = Σ_s δ_s r_sᵀ + (Σ_s δ_s) bᵀ, sums over what is not zero. Neurons go side by side in vector
lanes, up to 112 at once, and what the sums are of, a block of W's columns or of δ's samples, is
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
from infosim.kernels.contract import SAMPLES
from infosim.kernels.sparse.lanes import LANES, WIDTHS, add_rows, aligned, prefetch, transpose

#: Neurons side by side, and samples (or inputs) whose sums are in memory at once.
_LANES, _AT_ONCE = max(WIDTHS), 1024
#: Rows of the data ahead of the one that is gathered that are asked for.
_AHEAD = 4


@inline
def _fill(array, start, n, first, last, width, scale, table):
    """Let the table's rows be columns first to last of n rows of an array, scaled.

    What stands beside them is any number.
    """
    flat, stride, n_rows = array.reshape(-1), array.shape[1], last - first
    for lane in range(0, width, LANES):
        at, left = (start + lane) * stride + first, min(n - lane, LANES)
        if n_rows >= LANES:
            for i in range(0, n_rows, LANES):
                i = min(i, n_rows - LANES)  # the last block begins in the one before
                transpose(flat, at + i, stride, left, table, i * width + lane, width, LANES)
            continue
        for i in range(n_rows):
            for other in range(left):
                table[i * width + lane + other] = flat[at + other * stride + i]
    for i in range(n_rows * width):
        table[i] *= scale


@inline
def _write(sums, width, array, start, n, first, n_rows):
    """Let columns of n rows of an array, from `first` on, be n_rows rows of sums."""
    flat, stride = array.reshape(-1), array.shape[1]
    for lane in range(0, n, LANES):
        at, left = (start + lane) * stride + first, min(n - lane, LANES)
        if n_rows >= LANES:
            for i in range(0, n_rows, LANES):
                i = min(i, n_rows - LANES)
                transpose(sums, i * width + lane, width, LANES, flat, at + i, stride, left)
            continue
        for i in range(n_rows):
            for other in range(left):
                flat[at + other * stride + i] = sums[i * width + lane + other]


@inline
def _group(n):
    """How many of n neurons go side by side: whole registers, about as many each time."""
    n_groups = (n + _LANES - 1) // _LANES
    return (n + n_groups * LANES - 1) // (n_groups * LANES) * LANES


@frugal
def take_remainder(data, columns, places, scale, index, first, last, out_columns, borders, out):
    """Gather a batch of remainders: those of rows index[b] for first <= b < last, scaled.

    data, columns : (nnz,), any number type, integers; places : int64 (n, C + 1), where each row's
    blocks of inputs begin, and where it ends; scale : in `number`'s precision for `data`, or 1 of
    the data's own type for what is gathered as it is
    index : int64 (R B,)
    out_columns, borders, out : written, integers (R B, M), int64 (C + 1, R B) and (R B, M); what
    is gathered stands in them without gaps, from row `first` on
    """
    flat, flat_columns = out.reshape(-1), out_columns.reshape(-1)
    to, n_places = first * out.shape[1], places.shape[1]
    for b in range(first, last):
        prefetch(places.reshape(-1), index[min(b + 2 * _AHEAD, last - 1)] * n_places)
        ahead = index[min(b + _AHEAD, last - 1)]
        for i in range(places[ahead, 0], places[ahead, -1], LANES):
            prefetch(data, i)
            prefetch(columns, i)
        row = index[b]
        begin = places[row, 0]
        for block in range(n_places):
            borders[block, b] = to + places[row, block] - begin
        n = np.uint64(places[row, -1] - begin)
        here, begin = np.uint64(to), np.uint64(begin)
        for i in range(n):
            flat[here + i] = number(data[begin + i]) * scale
        for i in range(n):
            flat_columns[here + i] = columns[begin + i]
        to += np.int64(n)


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
def project_remainder(weights, background, values, columns, borders, scale, tile, u):
    """Potentials of densely connected neurons, u = W (b + r).

    weights : (N, d); background : b, (d,); values, columns, borders : as `take_remainder` leaves
    them; scale : of the values, (1,); tile : as for `activate`; u : written, (N, B)
    """
    n_inputs, n_blocks = weights.shape[1], borders.shape[0] - 1
    n_columns = -(-n_inputs // n_blocks)
    replica, _ = replica_of(tile[0], weights.shape[0], borders.shape[1] // u.shape[1])
    offset, group = replica * u.shape[1], _group(tile[1] - tile[0])
    table = aligned(n_columns * group, weights.dtype)
    sums = aligned(min(_AT_ONCE, tile[3] - tile[2]) * group, weights.dtype)
    for start in range(tile[0], tile[1], group):
        n = min(group, tile[1] - start)
        width = _group(n)
        for first in range(tile[2], tile[3], _AT_ONCE):
            n_samples = min(_AT_ONCE, tile[3] - first)
            for lane in range(width):
                sums[lane] = dot(weights[start + lane], background) if lane < n else 0
            for s in range(1, n_samples):
                for lane in range(width):
                    sums[s * width + lane] = sums[lane]
            for block in range(n_blocks):
                begin = block * n_columns
                end = min(begin + n_columns, n_inputs)
                _fill(weights, start, n, begin, end, width, scale[0], table)
                here = slice(offset + first, offset + first + n_samples)
                begins, ends = borders[block, here], borders[block + 1, here]
                add_rows(values, columns, begins, ends, table, begin, width, sums)
            _write(sums, width, u, start, n, first, n_samples)


@kernel
def accumulate_remainder(delta, background, values, rows, starts, scale, start, stop, gradient):
    """Gradient of the weights of densely connected neurons, δ (b + r)ᵀ.

    delta : (N, B); background : b, (d,); values, rows, starts : as `turn` leaves them
    scale : of the values, (1,); gradient : written, (N, d)
    """
    n_samples, n_inputs = delta.shape[1], gradient.shape[1]
    n_blocks = (n_samples + SAMPLES - 1) // SAMPLES
    replica, _ = replica_of(start, delta.shape[0], len(starts) // n_blocks)
    offset, group = replica * n_blocks, _group(stop - start)
    table = aligned(SAMPLES * group, delta.dtype)
    sums = aligned(min(_AT_ONCE, n_inputs) * group, delta.dtype)
    totals = aligned(group, delta.dtype)
    for origin in range(start, stop, group):
        n = min(group, stop - origin)
        width = _group(n)
        for lane in range(width):
            totals[lane] = total(delta[origin + lane]) if lane < n else 0
        for first in range(0, n_inputs, _AT_ONCE):
            n_here = min(_AT_ONCE, n_inputs - first)
            for j in range(n_here):
                for lane in range(width):
                    sums[j * width + lane] = background[first + j] * totals[lane]
            for block in range(n_blocks):
                begin = block * SAMPLES
                end = min(begin + SAMPLES, n_samples)
                _fill(delta, origin, n, begin, end, width, scale[0], table)
                at = starts[offset + block]
                begins, ends = at[first : first + n_here], at[first + 1 : first + n_here + 1]
                add_rows(values, rows, begins, ends, table, 0, width, sums)
            _write(sums, width, gradient, origin, n, first, n_here)
