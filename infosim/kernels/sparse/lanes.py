"""What the kernels of sparse inputs need that loops cannot say: code for vector registers.

Written as a loop over lanes, a sum of a table's rows would be loaded and stored at each row that is
added, for the compiler cannot know that it is no part of the table: that takes twice as long. A
block of a matrix that is transposed by a loop takes ten times as long as in registers. And loads
that begin within one line of memory and end in the next take twice as long: `aligned`.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from infosim.jit import FLAGS, inline

#: Lanes of a register (of AVX-512, in float32), numbers in a line of memory.
LANES = 16
#: Lanes that a table's rows may have: as many registers as a processor of sixteen, each half as
#: wide, still has room for.
WIDTHS = tuple(LANES * n for n in range(1, 8))

_INT32, _INT64 = ir.IntType(32), ir.IntType(64)
_FUSED = ("contract",)


@inline
def aligned(n, dtype):
    """An array of n numbers, not filled, that begins where a line of memory does."""
    array = np.empty(n + LANES, dtype)
    begin = -(array.ctypes.data // array.itemsize) % LANES
    return array[begin : begin + n]


def add_rows(values, index, begins, ends, table, origin, width, sums):
    """Add Σ_i values[i] table[index[i] - origin], begins[r] <= i < ends[r], to each row r of sums.

    values : (M,), any number type; index : integers (M,); begins, ends : int64 (n,)
    table, sums : flat, rows of `width` lanes, one of WIDTHS
    """
    table, sums = table.reshape(-1, width), sums.reshape(-1, width)
    for row, (first, last) in enumerate(zip(begins, ends, strict=True)):
        here = table[index[first:last] - origin]
        sums[row] += values[first:last].astype(table.dtype) @ here


@overload(add_rows, jit_options=FLAGS | {"forceinline": True})
def _add_rows(values, index, begins, ends, table, origin, width, sums):
    def compiled(values, index, begins, ends, table, origin, width, sums):
        _in_lanes(values, index, begins, ends, len(begins), table, origin, width, sums)

    return compiled


@intrinsic
def _in_lanes(context, values, index, begins, ends, n, table, origin, width, sums):
    whole = types.int64
    kinds = values, index, begins, ends, whole, table, whole, whole, sums
    return types.void(*kinds), _sums


def _sums(context, builder, signature, arguments):
    """The code of `_in_lanes`: a loop for each of WIDTHS, of which one is run."""
    n, origin, width = (arguments[i] for i in (4, 6, 7))
    values, index, begins, ends, table, sums = (
        _pointer(context, builder, signature, arguments, i) for i in (0, 1, 2, 3, 5, 8)
    )
    kinds, kind = signature.args, signature.args[5].dtype
    lanes = ir.VectorType(table.type.pointee, LANES)
    empty = ir.Constant(lanes, ir.Undefined)
    first_lane = ir.Constant(ir.VectorType(_INT32, LANES), [0] * LANES)

    def add(wide, i, base, totals):
        """Add the row that entry i says to the registers."""
        # nothing, which keeps the loop from being unrolled: most are short
        builder.asm(ir.FunctionType(ir.VoidType(), []), "", "", [], side_effect=True)
        value = builder.load(builder.gep(values, [i]))
        value = context.cast(builder, value, kinds[0].dtype, kind)
        value = builder.insert_element(empty, value, _INT32(0))
        value = builder.shuffle_vector(value, empty, first_lane)
        at = builder.load(builder.gep(index, [i]))
        at = context.cast(builder, at, kinds[1].dtype, types.int64)
        places = _registers(builder, base, builder.mul(at, _INT64(wide)), wide, lanes)
        for place, total in zip(places, totals, strict=True):
            added = builder.fmul(value, _load(builder, place), flags=_FUSED)
            builder.store(builder.fadd(builder.load(total), added, flags=_FUSED), total)

    for wide in WIDTHS:
        with builder.if_then(builder.icmp_signed("==", width, _INT64(wide))):
            base = builder.gep(table, [builder.neg(builder.mul(origin, _INT64(wide)))])
            totals = [cgutils.alloca_once(builder, lanes) for _ in range(0, wide, LANES)]
            with cgutils.for_range(builder, n) as row:
                places = builder.mul(row.index, _INT64(wide))
                places = _registers(builder, sums, places, wide, lanes)
                for place, total in zip(places, totals, strict=True):  # which become registers
                    builder.store(_load(builder, place), total)
                first, last = (builder.load(builder.gep(a, [row.index])) for a in (begins, ends))
                with cgutils.for_range_slice(builder, first, last, _INT64(1)) as (i, _):
                    add(wide, i, base, totals)
                for place, total in zip(places, totals, strict=True):
                    _store(builder, builder.load(total), place)
    return context.get_dummy_value()


def transpose(source, begin, stride, n_rows, target, to, wide, n_columns):
    """Transpose a block: of LANES columns of up to LANES rows, the first n_columns and n_rows.

    source, target : flat; rows are `stride` and `wide` apart, the first begin at `begin` and `to`.
    Columns of rows that are not there are those of the last one.
    """
    rows = begin + stride * np.minimum(np.arange(LANES), n_rows - 1)
    block = source[rows[:, None] + np.arange(LANES)]
    target[(to + wide * np.arange(n_columns))[:, None] + np.arange(LANES)] = block.T[:n_columns]


@overload(transpose, jit_options=FLAGS | {"forceinline": True})
def _transpose(source, begin, stride, n_rows, target, to, wide, n_columns):
    def compiled(source, begin, stride, n_rows, target, to, wide, n_columns):
        _in_registers(source, begin, stride, n_rows, target, to, wide, n_columns)

    return compiled


@intrinsic
def _in_registers(context, source, begin, stride, n_rows, target, to, wide, n_columns):
    n = types.int64
    return types.void(source, n, n, n, target, n, n, n), _transposed


def _transposed(context, builder, signature, arguments):
    """The code of `_in_registers`: rows are shuffled like cards, four times."""
    _, begin, stride, n_rows, _, to, wide, n_columns = arguments
    source, target = (_pointer(context, builder, signature, arguments, i) for i in (0, 4))
    lanes = ir.VectorType(source.type.pointee, LANES)
    last, rows = builder.sub(n_rows, _INT64(1)), []
    for i in range(LANES):
        row = builder.select(builder.icmp_signed("<", _INT64(i), n_rows), _INT64(i), last)
        at = builder.add(begin, builder.mul(row, stride))
        rows.append(_load(builder, _registers(builder, source, at, LANES, lanes)[0]))
    half, kind = LANES // 2, ir.VectorType(_INT32, LANES)
    halves = [
        ir.Constant(kind, [lane // 2 + lane % 2 * LANES + part * half for lane in range(LANES)])
        for part in (0, 1)
    ]
    for _ in range(LANES.bit_length() - 1):
        rows = [
            builder.shuffle_vector(rows[i], rows[i + half], mixed)
            for i in range(half)
            for mixed in halves
        ]
    for i, row in enumerate(rows):
        with builder.if_then(builder.icmp_signed("<", _INT64(i), n_columns)):
            at = builder.add(to, builder.mul(_INT64(i), wide))
            _store(builder, row, _registers(builder, target, at, LANES, lanes)[0])
    return context.get_dummy_value()


def prefetch(array, i):
    """Say that array[i] of a flat array is about to be read."""


@overload(prefetch, jit_options=FLAGS | {"forceinline": True})
def _prefetch(array, i):
    def compiled(array, i):
        _ask_for(array, i)

    return compiled


@intrinsic
def _ask_for(context, array, i):
    return types.void(array, types.int64), _asked_for


def _asked_for(context, builder, signature, arguments):
    """The code of `_ask_for`."""
    array = _pointer(context, builder, signature, arguments, 0)
    place = builder.bitcast(builder.gep(array, [arguments[1]]), ir.IntType(8).as_pointer())
    kind = ir.FunctionType(ir.VoidType(), [place.type, _INT32, _INT32, _INT32])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    builder.call(function, [place, _INT32(0), _INT32(3), _INT32(1)])
    return context.get_dummy_value()


def _pointer(context, builder, signature, arguments, i):
    """Where the numbers of the i-th argument, an array, begin."""
    return context.make_array(signature.args[i])(context, builder, arguments[i]).data


def _registers(builder, array, begin, n, lanes):
    """Where the registers of n of an array's numbers are, from `begin` on."""
    places = (builder.gep(array, [builder.add(begin, _INT64(part))]) for part in range(0, n, LANES))
    return [builder.bitcast(place, lanes.as_pointer()) for place in places]


def _load(builder, place):
    return builder.load(place, align=4)


def _store(builder, value, place):
    builder.store(value, place, align=4)
