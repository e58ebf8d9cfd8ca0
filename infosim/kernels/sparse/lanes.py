"""Sums of a table's rows, a row in vector registers while it is added up.

Written as a loop over lanes, the compiler loads and stores the sum at each row that is added, for
it cannot know that the sum is no part of the table: that takes twice as long.
"""

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

    values : (M,); index : integers (M,); table, sums : flat, rows of `width` lanes, one of WIDTHS
    """
    table, sums = table.reshape(-1, width), sums.reshape(-1, width)
    sums[row] += values[first:last] @ table[index[first:last] - origin]


@overload(add_rows, jit_options=FLAGS | {"forceinline": True})
def _add_rows(values, index, first, last, table, origin, width, sums, row):
    def compiled(values, index, first, last, table, origin, width, sums, row):
        _in_lanes(values, index, first, last, table, origin, width, sums, row)

    return compiled


@intrinsic
def _in_lanes(context, values, index, first, last, table, origin, width, sums, row):
    n = types.int64
    return types.void(values, index, n, n, table, n, n, sums, n), _generate


def _generate(context, builder, signature, arguments):
    """The code of `_in_lanes`: a loop for each of WIDTHS, of which one is run."""
    _, _, first, last, _, origin, width, _, row = arguments
    values, index, table, sums = (
        context.make_array(signature.args[i])(context, builder, arguments[i]).data
        for i in (0, 1, 4, 7)
    )
    align = signature.args[0].dtype.bitwidth // 8
    lanes = ir.VectorType(values.type.pointee, _REGISTER)
    empty = ir.Constant(lanes, ir.Undefined)
    int32, int64 = ir.IntType(32), ir.IntType(64)
    first_lane = ir.Constant(ir.VectorType(int32, _REGISTER), [0] * _REGISTER)

    def parts_of(array, at, wide):
        """Where the registers of an array's row are."""
        at = builder.mul(at, ir.Constant(int64, wide))
        places = (
            builder.gep(array, [builder.add(at, ir.Constant(int64, part))])
            for part in range(0, wide, _REGISTER)
        )
        return [builder.bitcast(place, lanes.as_pointer()) for place in places]

    for wide in WIDTHS:
        with builder.if_then(builder.icmp_signed("==", width, ir.Constant(int64, wide))):
            targets = parts_of(sums, row, wide)
            totals = [cgutils.alloca_once(builder, lanes) for _ in targets]  # become registers
            for target, total in zip(targets, totals, strict=True):
                builder.store(builder.load(target, align=align), total)
            with cgutils.for_range_slice(builder, first, last, ir.Constant(int64, 1)) as (i, _):
                value = builder.load(builder.gep(values, [i]))
                value = builder.insert_element(empty, value, ir.Constant(int32, 0))
                value = builder.shuffle_vector(value, empty, first_lane)
                at = builder.load(builder.gep(index, [i]))
                at = context.cast(builder, at, signature.args[1].dtype, types.int64)
                parts = parts_of(table, builder.sub(at, origin), wide)
                for part, total in zip(parts, totals, strict=True):
                    fused = ("contract",)
                    added = builder.fmul(value, builder.load(part, align=align), flags=fused)
                    builder.store(builder.fadd(builder.load(total), added, flags=fused), total)
            for target, total in zip(targets, totals, strict=True):
                builder.store(builder.load(total), target, align=align)
    return context.get_dummy_value()
