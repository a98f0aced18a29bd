"""The fixed-point arithmetic of the kernels, compared with real numbers."""

from __future__ import annotations

import ctypes
import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.eon import fixed_point as fp
from ei_toolkit.eon.fixed_point import Int8Softmax, mean_multiplier


@given(st.floats(1e-9, 1e6))
def test_a_multiplier_is_the_number_it_stands_for(real: float) -> None:
    by = fp.quantize_multiplier(real)
    assert by.multiplier * 2.0 ** (by.shift - 31) == pytest.approx(real, rel=2**-30)
    assert by.multiplier == 0 or (1 << 30) <= by.multiplier < (1 << 31)


def test_multipliers_that_are_too_small_vanish() -> None:
    assert fp.quantize_multiplier(0.0) == fp.quantize_multiplier(2.0**-40) == fp.Multiplier(0, 0)


@given(st.integers(-(2**28), 2**28), st.floats(1e-6, 0.99))
def test_scaling_is_at_most_one_away_from_rounding(value: int, real: float) -> None:
    assert abs(fp.multiply(value, fp.quantize_multiplier(real)) - value * real) <= 1.0


@pytest.mark.parametrize(("value", "exponent", "expected"), [(5, 1, 3), (-5, 1, -3), (4, 3, 1), (-4, 3, -1), (7, 0, 7)])
def test_division_rounds_halves_away_from_zero(value: int, exponent: int, expected: int) -> None:
    assert fp.rounding_divide(value, exponent) == expected


def test_only_the_square_of_the_smallest_number_saturates() -> None:
    assert fp.doubling_high_mul(fp.INT32_MIN, fp.INT32_MIN) == fp.INT32_MAX
    assert fp.doubling_high_mul(fp.INT32_MIN, fp.INT32_MAX) == -fp.INT32_MAX


@given(st.integers(-(2**31) + 1, 0))
def test_exponential(a: int) -> None:
    assert fp.exp_on_negative(a, 5) / 2**31 == pytest.approx(math.exp(a / 2**26), abs=1e-6)


@given(st.integers(1 << 19, 1 << 30))
def test_reciprocal(value: int) -> None:
    r, bits = fp.reciprocal(value, 12)
    assert r / 2**31 / 2**bits == pytest.approx(2**19 / value, rel=1e-6)


@given(st.lists(st.integers(-128, 127), min_size=2, max_size=20), st.floats(0.01, 0.5))
def test_softmax_is_close_to_the_real_one(row: list[int], scale: float) -> None:
    real = np.exp(np.array(row) * scale - max(row) * scale)
    expected = np.clip(real / real.sum() * 256 - 128, -128, 127)
    assert np.abs(np.array(Int8Softmax(scale, 1.0)(row)) - expected).max() <= 1.0


@given(st.integers(-128, 127), st.integers(-128, 127), st.floats(0.01, 0.5))
def test_two_classes_depend_on_their_difference_only(a: int, b: int, scale: float) -> None:
    function = Int8Softmax(scale, 1.0)
    table = function.two_class_table()
    assert function([a, b]) == [table[255 + a - b], table[255 + b - a]]


@given(st.floats(0.1, 8.0), st.integers(1, 5000))
def test_the_scale_of_a_mean_holds_the_division(ratio: float, count: int) -> None:
    by = mean_multiplier(ratio, count)
    assert by.multiplier * 2.0 ** (by.shift - 31) == pytest.approx(ratio / count, rel=1e-6)


INT32 = st.integers(fp.INT32_MIN, fp.INT32_MAX)


def nearest(value: Fraction, *, half_up: bool) -> int:
    """The nearest whole number; a half goes up, or away from zero."""
    if half_up:
        return math.floor(value + Fraction(1, 2))
    return int(abs(value) + Fraction(1, 2)) * (1 if value >= 0 else -1)


@given(INT32, INT32)
def test_a_high_product_is_the_nearest_number_and_a_half_goes_up(a: int, b: int) -> None:
    exact = nearest(Fraction(a) * b / 2**31, half_up=True)
    assert fp.doubling_high_mul(a, b) == min(exact, fp.INT32_MAX)


@given(st.integers(-(2**15), 2**15), st.sampled_from([1 << 30, -(1 << 30)]))
def test_halves_of_a_high_product_go_up_for_either_sign(a: int, b: int) -> None:
    assert fp.doubling_high_mul(a, b) == nearest(Fraction(a * b, 2**31), half_up=True)


@given(INT32, st.integers(0, 31))
def test_a_division_by_a_power_of_two_is_the_nearest_number_and_a_half_goes_away_from_zero(value: int, by: int) -> None:
    assert fp.rounding_divide(value, by) == nearest(Fraction(value, 2**by), half_up=False)


@given(st.integers(-(2**40), 2**40))
def test_wrapping_is_that_of_a_32_bit_register(value: int) -> None:
    assert fp.wrap(value) == ctypes.c_int32(value).value


@given(INT32, st.integers(0, 40))
def test_a_shift_to_the_left_stops_at_the_limits(value: int, by: int) -> None:
    exact = value * 2**by
    assert fp.saturating_shift_left(value, by) == max(fp.INT32_MIN, min(exact, fp.INT32_MAX))


@given(st.integers(-(2**20), 2**20), st.integers(1 << 30, fp.INT32_MAX), st.integers(-20, 8))
def test_a_product_is_rounded_twice_as_in_tensorflow_lite(value: int, multiplier: int, shift: int) -> None:
    first = nearest(Fraction(value * 2 ** max(shift, 0)) * multiplier / 2**31, half_up=True)
    expected = nearest(Fraction(first, 2 ** max(-shift, 0)), half_up=False)
    assert fp.multiply(value, fp.Multiplier(multiplier, shift)) == expected


@pytest.mark.parametrize(
    ("real", "expected"),
    [
        (1.0, fp.Multiplier(1 << 30, 1)),
        (0.5, fp.Multiplier(1 << 30, 0)),
        (1 - 2.0**-40, fp.Multiplier(1 << 30, 1)),  # rounds up to the next power of two
        (2.0**40, fp.Multiplier(fp.INT32_MAX, 30)),
        (2.0**-32, fp.Multiplier(1 << 30, -31)),
        (2.0**-33, fp.Multiplier(0, 0)),
    ],
)
def test_multipliers_at_the_ends_of_their_range(real: float, expected: fp.Multiplier) -> None:
    assert fp.quantize_multiplier(real) == expected


@given(st.integers(0, fp.INT32_MAX))
def test_one_over_one_plus_a_number_below_one(a: int) -> None:
    assert abs(Fraction(fp.one_over_one_plus(a), 2**31) - 1 / (1 + Fraction(a, 2**31))) < Fraction(1, 2**28)


def test_the_exponential_falls_from_one_to_nothing() -> None:
    values = [fp.exp_on_negative(-step * 2**20, 5) for step in range(2048)]
    assert values[0] == fp.INT32_MAX
    assert all(a >= b for a, b in pairwise(values))
    assert values[-1] == fp.exp_on_negative(fp.INT32_MIN, 5) == 0


@given(st.lists(st.integers(-128, 127), min_size=1, max_size=12), st.integers(0, 255), st.floats(0.01, 0.5))
def test_a_softmax_depends_on_the_distances_to_the_largest_value_only(row: list[int], by: int, scale: float) -> None:
    function = Int8Softmax(scale, 1.0)
    moved = [value - by for value in row]
    assert function(row) == function(moved)


@given(st.lists(st.integers(-128, 127), min_size=2, max_size=12), st.floats(0.01, 0.5))
def test_a_larger_value_never_has_a_smaller_probability(row: list[int], scale: float) -> None:
    pairs = sorted(zip(row, Int8Softmax(scale, 1.0)(row), strict=True))
    assert [p for _, p in pairs] == sorted(p for _, p in pairs)


def test_a_difference_that_no_exponential_is_left_for_has_the_probability_zero() -> None:
    function = Int8Softmax(scale=0.5, beta=1.0)
    assert len(function.exponentials) < 256
    assert function([127, -128]) == [127, -128]
