"""Arrays that kernels are given by one address."""

from itertools import count

import numpy as np
from numba import typeof, types
from numba.core import cgutils
from numba.core.typing.templates import AttributeTemplate
from numba.extending import (
    NativeValue,
    infer_getattr,
    lower_getattr_generic,
    models,
    register_model,
    unbox,
)


class Bundle:
    """Arrays, and bundles of them, by name: attributes in Python and in kernels alike.

    Numba hands a tuple of arrays to every function that becomes part of a kernel as a dozen numbers
    for each. A bundle is one address, where functions find the arrays that they ask for: with the
    score's fourteen in a tuple a first batch took a twentieth longer to compile for. What arrays
    hold may change, but not which they are, nor where.
    """

    def __init__(self, **fields):
        words = [word for one in fields.values() for word in _words(one)]
        kind = BundleType(tuple((name, typeof(one)) for name, one in fields.items()))
        vars(self).update(fields, _fields=fields, _block=np.array(words, np.int64))
        vars(self).update(_numba_type_=kind, _address=self._block.ctypes.data)

    def __setattr__(self, name, value):
        raise AttributeError(f"{name} cannot be set: kernels would not see it")

    def __reduce__(self):
        return _made, (type(self), self._fields)  # a copy's arrays are at other addresses


def _made(kind, fields):
    return kind(**fields)


def _words(one):
    """What stands in the block of a bundle that this is in; `BundleType` knows how many."""
    if isinstance(one, Bundle):
        return [one._address]
    return [one.ctypes.data, *one.shape, *one.strides]


class BundleType(types.Type):
    """Numba's type of a bundle: which fields it has, of which types.

    fields : ((name, type), ...)
    """

    def __init__(self, fields):
        #: name -> the first of its words in the block, and its type
        self.fields, word = {}, 0
        for name, kind in fields:
            self.fields[name] = word, kind
            word += 1 if isinstance(kind, BundleType) else 1 + 2 * kind.ndim
        super().__init__(f"Bundle({', '.join(f'{name}: {kind}' for name, kind in fields)})")


@register_model(BundleType)
class _Address(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, cgutils.voidptr_t)


@unbox(BundleType)
def _unbox(kind, bundle, c):
    number = c.pyapi.object_getattr_string(bundle, "_address")
    address = c.pyapi.long_as_voidptr(number)
    c.pyapi.decref(number)
    return NativeValue(address)


@infer_getattr
class _Fields(AttributeTemplate):
    key = BundleType

    def generic_resolve(self, kind, name):
        return kind.fields[name][1] if name in kind.fields else None


@lower_getattr_generic(BundleType)
def _get(context, builder, kind, address, name):
    from numba.np.arrayobj import populate_array  # much, that kernels which are kept do without

    first, kind = kind.fields[name]
    words = count(first)

    def load(of=cgutils.intp_t):
        place = cgutils.pointer_add(builder, address, 8 * next(words), of.as_pointer())
        word = builder.load(place)
        # nothing that a kernel writes is a word of it: what loops ask for is read once
        word.set_metadata("invariant.load", builder.module.add_metadata([]))
        return word

    if isinstance(kind, BundleType):
        return load(cgutils.voidptr_t)
    item = context.get_data_type(kind.dtype)
    data, size = load(item.as_pointer()), context.get_abi_sizeof(item)
    shape, strides = ([load() for _ in range(kind.ndim)] for _ in range(2))
    array = context.make_array(kind)(context, builder)
    populate_array(array, data, shape, strides, size, meminfo=None)
    return array._getvalue()
