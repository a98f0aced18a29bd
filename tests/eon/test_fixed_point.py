"""The fixed-point arithmetic of the kernels, compared with real numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.eon import fixed_point as fp
from ei_toolkit.eon.fixed_point import Int8Softmax
from ei_toolkit.eon.kernels.pooling import mean_multiplier


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
