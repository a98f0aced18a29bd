"""Bias, multiplier and range of int8 layers, against exact arithmetic."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.eon.fixed_point import Multiplier, multiply
from ei_toolkit.eon.graph import NoOptions, Operator, Quantization, Tensor
from ei_toolkit.eon.kernels.quantized import FAST_LIMIT, Channels, activation_range, channels, output_traits
from ei_toolkit.errors import UnsupportedModelError

DENSE = Operator(0, "FULLY_CONNECTED", (0, 1, 2), 3, NoOptions())
SCALE = st.floats(2**-10, 4, width=32)
ZERO = st.integers(-128, 127)


def int8(scale: float, zero_point: int = 0, data: Any = None) -> Tensor:
    values = None if data is None else np.array(data, np.int8)
    return Tensor(
        0, "t", (4,) if values is None else values.shape, "int8", Quantization((scale,), (zero_point,)), values
    )


def int32(values: Any) -> Tensor:
    data = np.array(values, np.int32)
    return Tensor(0, "bias", data.shape, "int32", None, data)


@given(SCALE, ZERO, st.sampled_from(["NONE", "RELU", "RELU6", "RELU_N1_TO_1"]))
def test_the_range_of_an_activation_is_that_of_the_real_values_it_lets_through(
    scale: float, zero_point: int, activation: str
) -> None:
    low, high = activation_range(DENSE, activation, int8(scale, zero_point))
    limits = {"NONE": (None, None), "RELU": (0, None), "RELU6": (0, 6), "RELU_N1_TO_1": (-1, 1)}[activation]
    for found, real, unlimited in ((low, limits[0], -128), (high, limits[1], 127)):
        if real is None:
            assert found == unlimited
        elif -128 < found < 127:
            assert abs(Fraction(scale) * (found - zero_point) - real) <= Fraction(scale) * Fraction(501, 1000)


@given(ZERO, st.lists(st.lists(st.integers(-127, 127), min_size=3, max_size=3), min_size=1, max_size=5))
def test_the_zero_point_of_the_input_is_folded_into_the_bias(zero_point: int, weights: list[list[int]]) -> None:
    biases = list(range(0, 100 * len(weights), 100))
    found = channels(DENSE, int8(0.1, zero_point), int8(0.01, data=weights), int32(biases), int8(0.5), axis=0)
    inputs = [3, -100, 127]
    for row, bias, folded in zip(weights, biases, found.biases, strict=True):
        exact = bias + sum(w * (x - zero_point) for w, x in zip(row, inputs, strict=True))
        assert folded + sum(w * x for w, x in zip(row, inputs, strict=True)) == exact


@given(SCALE, SCALE, SCALE)
def test_a_multiplier_is_the_product_of_the_scales_over_that_of_the_output(a: float, w: float, out: float) -> None:
    real = Fraction(a) * Fraction(w) / Fraction(out)
    (found,) = channels(DENSE, int8(a), int8(w, data=[[1, 2]]), None, int8(out), axis=0, dense=True).multipliers
    value = Fraction(found.multiplier) * Fraction(2) ** (found.shift - 31)
    assert abs(value / real - 1) <= Fraction(1, 2**29)


def test_each_channel_has_the_scale_of_its_weights() -> None:
    weights = Tensor(0, "w", (2, 2), "int8", Quantization((0.5, 0.25), (0, 0), 0), np.array([[1, 2], [3, 4]], np.int8))
    found = channels(DENSE, int8(1.0), weights, None, int8(1.0), axis=0)
    assert [m.multiplier * 2.0 ** (m.shift - 31) for m in found.multipliers] == [0.5, 0.25]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"weights": int8(0.1, 3, [[1, 2]])}, "its weights have a zero point"),
        ({"weights": replace(int8(0.1), data=None)}, "its weights are int8, not constant int8"),
        ({"weights": int32([[1, 2]])}, "its weights are int32, not constant int8"),
        ({"weights": replace(int8(0.1, data=[[1], [2]]), quantization=Quantization((0.1, 0.1), (0, 0), 1))},
         "its weights are quantised along a wrong axis"),
        ({"bias": int32([1, 2, 3])}, "its bias is not a constant int32 for each of 1 channels"),
        ({"bias": int8(0.1, data=[1])}, "its bias is not a constant int32 for each of 1 channels"),
        ({"bias": int32([2**31 - 1])}, "a sum could overflow 32 bits"),
        ({"output": int8(2.0**-30)}, "its scales differ by more than 2^16"),
    ],
)  # fmt: skip
def test_weights_and_biases_that_cannot_be_exact_are_refused(changes: dict[str, Tensor], why: str) -> None:
    parts: dict[str, Any] = {"weights": int8(0.1, data=[[1, 2]]), "bias": None, "output": int8(0.1)} | changes
    with pytest.raises(UnsupportedModelError) as caught:
        channels(DENSE, int8(0.1), parts["weights"], parts["bias"], parts["output"], axis=0)
    assert caught.value.why == why


def test_a_scaled_sum_of_a_convolution_may_not_wrap_but_that_of_a_dense_layer_may() -> None:
    parts = (int8(1.0), int8(1.0, data=[[1, 1]]), int32([2**24]), int8(2.0**-9))
    with pytest.raises(UnsupportedModelError) as caught:
        channels(DENSE, *parts, axis=0)
    assert caught.value.why == "a scaled sum could overflow 32 bits"
    assert channels(DENSE, *parts, axis=0, dense=True).multipliers[0].shift == 10


@pytest.mark.parametrize(
    ("bias", "scale", "fast"),
    [(0, 1.0, True), (FAST_LIMIT - 600, 1.0, True), (FAST_LIMIT, 1.0, False), (0, 0.25, False), (0, 2.0**30, False)],
)
def test_the_fast_way_is_for_sums_and_shifts_within_its_limits(bias: int, scale: float, fast: bool) -> None:
    found = channels(DENSE, int8(0.5), int8(0.5, data=[[1, 1]]), int32([bias]), int8(scale), axis=0, dense=True)
    assert found.fast is fast


def test_a_table_is_padded_with_channels_that_give_zero() -> None:
    table = Channels((7, 8, 9), (Multiplier(5, -2),) * 3, fast=True, bounds=(9,) * 3).constant("kChannels0", pad_to=2)
    assert list(table.values) == [(7, 5, -2), (8, 5, -2), (9, 5, -2), (0, 0, -1)]
    assert table.bytes == 48


def test_an_activation_that_leaves_no_value_is_refused() -> None:
    with pytest.raises(UnsupportedModelError) as caught:
        output_traits(DENSE, "RELU6", int8(-0.1, 0))
    assert caught.value.why == "its activation function leaves no values"


@given(st.integers(-(1 << 30), 1 << 30), st.integers(-31, -16), ZERO)
def test_a_channel_without_weights_gets_a_usual_scale_and_the_same_result(bias: int, shift: int, zero: int) -> None:
    source, output = int8(1.0), int8(1.0, zero)
    given_weights = Tensor(
        1, "w", (2, 2), "int8", Quantization((2.0**shift, 2.0**-4), (0, 0), axis=0), np.array([[0, 0], [1, 2]], np.int8)
    )
    found = channels(DENSE, source, given_weights, int32([bias, 5]), output, axis=0)
    assert found.packed and found.multipliers[1] == Multiplier(1 << 30, -3)
    ends = [
        max(-128, min(127, multiply(b, m) + zero))
        for b, m in ((bias, Multiplier(1 << 30, shift + 1)), (found.biases[0], found.multipliers[0]))
    ]
    assert ends[0] == ends[1]
