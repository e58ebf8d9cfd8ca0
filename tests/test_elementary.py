"""exp and log2 are as accurate as they say, everywhere a kernel can take them."""

import math

import numba
import numpy as np
import pytest

from infosim import elementary


@numba.njit
def each_exp(x, out):
    for i in range(len(x)):
        out[i] = elementary.exp(x[i])


@numba.njit
def each_log2(x, out):
    for i in range(len(x)):
        out[i] = elementary.log2(x[i])


@numba.njit
def each_ordered(x, integers, back):
    for i in range(len(x)):
        integers[i] = elementary.ordered(x[i])
        back[i] = elementary.unordered(integers[i])


def values(function, x):
    out = np.full_like(x, np.nan)
    function(x, out)
    return out


def test_exp_is_within_an_ulp_or_so_over_its_whole_range():
    x = np.linspace(-87.3, 87.3, 1_000_003, dtype=np.float32)
    np.testing.assert_allclose(values(each_exp, x), np.exp(x.astype(float)), rtol=1.5e-7)
    np.testing.assert_array_equal(values(each_exp, np.zeros(17, np.float32)), 1)


def test_exp_beyond_its_range_stays_a_normal_number():
    x = np.array([-np.inf, -1e30, -88, 88, 1e30, np.inf], np.float32)
    result = values(each_exp, x)
    np.testing.assert_array_equal(result[:3], result[0])
    np.testing.assert_array_equal(result[3:], result[3])
    smallest = np.finfo(np.float32).tiny
    assert smallest <= result[0] < 1.3 * smallest
    assert smallest <= 1 / (np.float32(1) + result[3]) < 1.3 * smallest


def test_log2_is_within_its_error_over_all_normal_numbers():
    smallest, largest = (np.float32(v).view(np.int32) for v in (2**-126, 3e38))
    x = np.arange(smallest, largest, 1009, dtype=np.int32).view(np.float32)
    np.testing.assert_allclose(values(each_log2, x), np.log2(x.astype(float)), rtol=2e-7)


def test_log2_is_relatively_exact_around_one_and_exact_at_powers_of_two():
    x = np.linspace(0.7, 1.42, 300_001, dtype=np.float32)
    expected = np.log2(x.astype(float))
    np.testing.assert_allclose(values(each_log2, x), expected, rtol=2e-7)
    exponents = np.arange(-126, 128)
    powers = np.exp2(exponents.astype(float)).astype(np.float32)
    np.testing.assert_array_equal(values(each_log2, powers), exponents)


@pytest.mark.parametrize(
    ("coefficients", "series", "domain"),
    [
        # (e^r - 1 - r) / r² and log2(1 + f) / f
        (
            elementary._EXP,
            lambda r: sum(r ** (k - 2) / math.factorial(k) for k in range(2, 20)),
            [-math.log(2) / 2, math.log(2) / 2],
        ),
        (
            elementary._LOG2,
            lambda f: sum((-f) ** (k - 1) / k for k in range(1, 60)) / math.log(2),
            [math.sqrt(0.5) - 1, math.sqrt(2) - 1],
        ),
    ],
)
def test_coefficients_are_those_of_the_interpolation_at_chebyshev_points(
    coefficients, series, domain
):
    polynomial = np.polynomial.Chebyshev.interpolate(series, len(coefficients) - 1, domain)
    expected = polynomial.convert(kind=np.polynomial.Polynomial, domain=[-1, 1], window=[-1, 1])
    np.testing.assert_allclose(coefficients, expected.coef, rtol=2e-5)


def test_in_float64_and_uncompiled_they_are_those_of_the_libraries():
    x = np.linspace(0.01, 30, 1001)
    np.testing.assert_allclose(values(each_exp, x), np.exp(x), rtol=1e-15)
    np.testing.assert_allclose(values(each_log2, x), np.log2(x), rtol=1e-15, atol=1e-16)
    for kind in (np.float32, np.float64):  # a Python float would not keep its precision
        for function, expected in (
            (elementary.exp, math.exp(1.5)),
            (elementary.log2, math.log2(1.5)),
        ):
            result = function(kind(1.5))
            assert result.dtype == kind
            assert result == pytest.approx(expected, rel=float(4 * np.finfo(kind).eps))


@pytest.mark.parametrize(("kind", "integer"), [(np.float32, np.int32), (np.float64, np.int64)])
def test_integers_of_numbers_have_their_order_and_lead_back_to_them(kind, integer):
    info = np.finfo(kind)
    x = np.array([0, info.smallest_subnormal, info.tiny, 1e-3, 1, 1 + info.eps, info.max, np.inf])
    x = np.concatenate([-x[::-1], x]).astype(kind)  # minus nought is before nought
    integers, back = np.empty(len(x), integer), np.empty_like(x)
    each_ordered(x, integers, back)
    assert (np.diff(integers.astype(object)) > 0).all()
    assert back.tobytes() == x.tobytes()
    for number, expected in zip(x, integers, strict=True):  # uncompiled
        found = elementary.ordered(number)
        assert found == expected
        assert elementary.unordered(found).tobytes() == number.tobytes()
