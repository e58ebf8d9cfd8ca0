"""Arrays given by one address are what they are in Python, in every kernel and function."""

import copy
import pickle

import numba
import numpy as np
import pytest
from numba.core.caching import NullCache

from infosim import jit
from infosim.kernels.bundle import Bundle

compiled = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")


def some():
    return Bundle(
        numbers=np.arange(3.0),
        turned=np.arange(6, dtype=np.int32).reshape(2, 3).T,
        every=np.arange(8, dtype=np.uint8)[::2],
        nothing=np.empty((0, 4), np.float32),
        inner=Bundle(more=np.full((2, 2, 2), 7.0, np.float32)),
    )


@jit.inline
def part(bundle):
    """A function that asks for some of them, and hands on the rest."""
    bundle.numbers[1] += 10.0
    return deeper(bundle.inner)


@jit.inline
def deeper(inner):
    return inner.more.sum()


@jit.frugal
def look(bundle, out):
    out[0] = part(bundle)
    out[1] = bundle.turned[2, 1] + 100 * bundle.turned.shape[0] + bundle.turned.size
    for i in range(len(bundle.every)):
        out[2 + i] = bundle.every[i]
        bundle.every[i] = 0
    out[6] = len(bundle.nothing) + 10 * bundle.nothing.shape[1]


def test_arrays_are_the_same_in_python_and_in_kernels():
    """Of any type, order and stride; what is written is written to the arrays themselves."""
    bundle, out = some(), np.zeros(7)
    look(bundle, out)
    assert out.tolist() == [56.0, 5 + 300 + 6, 0.0, 2.0, 4.0, 6.0, 40.0]
    np.testing.assert_array_equal(bundle.numbers, [0.0, 11.0, 2.0])
    np.testing.assert_array_equal(bundle.every, 0)


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda b: pickle.loads(pickle.dumps(b))]
)
def test_a_copy_has_addresses_of_its_own(again):
    bundle, out = some(), np.zeros(7)
    made = again(bundle)
    assert made._block is not bundle._block
    look(made, out)
    np.testing.assert_array_equal(made.numbers, [0.0, 11.0, 2.0])
    shared = again is copy.copy
    np.testing.assert_array_equal(bundle.numbers, made.numbers if shared else [0.0, 1.0, 2.0])


def test_which_arrays_they_are_cannot_change():
    bundle = some()
    with pytest.raises(AttributeError, match="numbers cannot be set"):
        bundle.numbers = np.zeros(3)
    with pytest.raises(AttributeError, match="other cannot be set"):
        bundle.other = np.zeros(3)


@compiled
def test_what_differs_in_a_field_is_of_another_type():
    """Else a kernel would be found that reads one array as another."""
    x, y = np.zeros(4), np.zeros(4, np.float32)
    others = [
        Bundle(a=x), Bundle(b=x), Bundle(a=y), Bundle(a=x, b=x), Bundle(b=x, a=x), Bundle(a=x[::2]),
        Bundle(a=x.reshape(2, 2)), Bundle(a=Bundle(a=x)), Bundle(a=Bundle(b=x)),
    ]  # fmt: skip
    kinds = [numba.typeof(one) for one in others]
    assert len(set(kinds)) == len({str(kind) for kind in kinds}) == len(others)
    assert numba.typeof(Bundle(a=np.ones(2))) == kinds[0]


@compiled
def test_what_a_bundle_has_not_is_told():
    with pytest.raises(numba.TypingError, match="absent"):
        jit.kernel(lambda bundle: bundle.absent)(some())


@compiled
def test_loops_do_not_look_for_an_array_again():
    """Arrays named in a loop that writes to others: reads of the block are free to leave it."""

    @jit.frugal
    def add(bundle, n):
        for i in range(n):
            bundle.numbers[i] += bundle.others[i]

    add._cache = NullCache()  # a kernel that was kept does not tell
    bundle = Bundle(numbers=np.zeros(9), others=np.ones(9))
    add(bundle, 9)
    np.testing.assert_array_equal(bundle.numbers, 1)
    (code,) = add.inspect_llvm().values()
    assert " x double>" in code  # eight at a time, or four
