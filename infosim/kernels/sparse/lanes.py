"""Sums of a table's rows, a row in vector registers while it is added up.

Written as a loop over lanes, the compiler loads and stores the sum at each row that is added, for
it cannot know that the sum is no part of the table: that takes twice as long.
"""

from functools import cache

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from infosim.jit import FLAGS

#: Lanes of a register (of AVX-512, in float32), and those that a table's rows may have.
_REGISTER = 16
WIDTHS = 16, 32, 48, 64


def add_rows(values, index, first, last, table, origin, width, sums, row):
    """Add Σ_i values[i] table[index[i] - origin], i from `first` to before `last`, to sums[row].

    values : (M,); index : int32 (M,); table, sums : flat, rows of `width` lanes
    width : a literal, one of WIDTHS
    """
    table, sums = table.reshape(-1, width), sums.reshape(-1, width)
    sums[row] += values[first:last] @ table[index[first:last] - origin]


@overload(add_rows, jit_options=FLAGS, prefer_literal=True)
def _add_rows(values, index, first, last, table, origin, width, sums, row):
    if not isinstance(width, types.IntegerLiteral):
        return None
    in_lanes = _in_lanes(width.literal_value)

    def compiled(values, index, first, last, table, origin, width, sums, row):
        in_lanes(values, index, first, last, table, origin, sums, row)

    return compiled


@cache
def _in_lanes(width):
    """`add_rows` of rows of so many lanes."""

    @intrinsic
    def in_lanes(context, values, index, first, last, table, origin, sums, row):
        given = values, index, types.int64, types.int64, table, types.int64, sums, types.int64
        return types.void(*given), generate

    def generate(context, builder, signature, arguments):
        _, _, first, last, _, origin, _, row = arguments
        values, index, table, sums = (
            context.make_array(signature.args[i])(context, builder, arguments[i]).data
            for i in (0, 1, 4, 6)
        )
        lanes = ir.VectorType(values.type.pointee, _REGISTER)
        align = signature.args[0].dtype.bitwidth // 8
        int32, int64 = ir.IntType(32), ir.IntType(64)
        empty = ir.Constant(lanes, ir.Undefined)
        first_lane = ir.Constant(ir.VectorType(int32, _REGISTER), [0] * _REGISTER)

        def row_of(array, at):
            """Pointers to the parts of an array's row."""
            at = builder.mul(at, ir.Constant(int64, width))
            places = (
                builder.gep(array, [builder.add(at, ir.Constant(int64, part))])
                for part in range(0, width, _REGISTER)
            )
            return [builder.bitcast(place, lanes.as_pointer()) for place in places]

        targets = row_of(sums, row)
        totals = [cgutils.alloca_once(builder, lanes) for _ in targets]  # which become registers
        for target, total in zip(targets, totals, strict=True):
            builder.store(builder.load(target, align=align), total)
        with cgutils.for_range_slice(builder, first, last, ir.Constant(int64, 1)) as (i, _):
            value = builder.load(builder.gep(values, [i]))
            value = builder.insert_element(empty, value, ir.Constant(int32, 0))
            value = builder.shuffle_vector(value, empty, first_lane)
            at = builder.sext(builder.load(builder.gep(index, [i])), int64)
            for part, total in zip(row_of(table, builder.sub(at, origin)), totals, strict=True):
                fused = ("contract",)
                added = builder.fmul(value, builder.load(part, align=align), flags=fused)
                builder.store(builder.fadd(builder.load(total), added, flags=fused), total)
        for target, total in zip(targets, totals, strict=True):
            builder.store(builder.load(total), target, align=align)
        return context.get_dummy_value()

    return in_lanes
