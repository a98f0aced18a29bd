"""Elementwise operators, tables of 256 values and packed weights, against NumPy and real arithmetic."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ei_toolkit.eon.fixed_point import Multiplier, multiply, quantize_multiplier
from ei_toolkit.eon.graph import Graph
from ei_toolkit.eon.kernels import LOWER, lower
from ei_toolkit.eon.kernels.block import MANY_PIXELS, MOST_UNROLLED, Block
from ei_toolkit.eon.kernels.convolution import first_table, pack_block
from ei_toolkit.eon.kernels.dense import pack_groups
from ei_toolkit.eon.kernels.depthwise import GROUP, pack_taps
from ei_toolkit.eon.kernels.depthwise_column import LEAST_SAME_SHIFT
from ei_toolkit.eon.kernels.elementwise import FUNCTIONS
from ei_toolkit.eon.kernels.layer import Layer
from ei_toolkit.eon.kernels.quantized import USUAL_SHIFT, Channels
from ei_toolkit.eon.options import READERS
from ei_toolkit.eon.passes.constant_folding import FOLDED
from ei_toolkit.eon.reader import read_model
from ei_toolkit.errors import DataError, UnsupportedModelError

SCALE = st.floats(2**-7, 0.5, width=32)
ZERO = st.integers(-128, 127)
PROBABILITIES: dict[str, Any] = {"scale": 1 / 256, "zero_point": -128}


def lowered(tiny: Any, kind: str, inputs: list[dict[str, Any]], output: dict[str, Any], **options: Any) -> Layer:
    """The layer of one operator; inputs with data are constants."""
    model = tiny()
    made = [model.tensor(**each) for each in inputs]
    end = model.tensor(**output)
    table = READERS[kind][0]
    model.operator(kind, made, end, table, **options)
    (layer,) = lower(read_model(model.finish(made[0], end)))
    return layer


def why(tiny: Any, kind: str, inputs: list[dict[str, Any]], output: dict[str, Any], **options: Any) -> str:
    """Why an operator is refused."""
    with pytest.raises(UnsupportedModelError, match=rf"^operator 0 \({kind}\) is not supported") as caught:
        lowered(tiny, kind, inputs, output, **options)
    return caught.value.why


@st.composite
def broadcasts(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """An output shape and two input shapes that make it."""
    output = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    ones = draw(st.lists(st.sampled_from(["a", "b", "none"]), min_size=len(output), max_size=len(output)))
    a = tuple(1 if one == "a" else n for n, one in zip(output, ones, strict=True))
    b = tuple(1 if one == "b" else n for n, one in zip(output, ones, strict=True))
    first = draw(st.integers(0, next((i for i, n in enumerate(b) if n > 1), len(b) - 1)))
    return output, a, b[first:]


@settings(max_examples=50)
@given(broadcasts())
def test_inputs_are_repeated_as_numpy_broadcasts_them(
    tiny: Any, shapes: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
) -> None:
    output, *inputs = shapes
    parts = [{"shape": shape, "dtype": "float32"} for shape in inputs]
    traits = lowered(
        tiny, "ADD", [parts[0], parts[1] | {"data": np.zeros(inputs[1])}], parts[0] | {"shape": output}
    ).traits
    for name, shape in zip("AB", inputs, strict=True):
        numbers = np.arange(math.prod(shape)).reshape(shape)
        strides = [traits[f"kStride{name}{i}"] for i in range(4)]
        sizes = [traits[f"kSize{i}"] for i in range(4)]
        at = sum(np.ix_(*(np.arange(n) * s for n, s in zip(sizes, strides, strict=True))))  # type: ignore[arg-type]
        assert np.array_equal(at.reshape(output), np.broadcast_to(numbers, output))


@pytest.mark.parametrize(
    ("shapes", "reason"),
    [
        (((2, 3), (2, 2), (2, 3)), "(2, 2) does not fit (2, 3)"),
        (((1, 1), (1, 1), (2, 3)), "(1, 1) and (1, 1) do not make (2, 3)"),
        (((2, 1, 1, 1, 2), (2, 1, 1, 1, 2), (2, 1, 1, 1, 2)), "it has more than four dimensions: (2, 1, 1, 1, 2)"),
    ],
)
def test_shapes_that_do_not_broadcast_are_explained(tiny: Any, shapes: tuple[Any, ...], reason: str) -> None:
    a, b, output = ({"shape": shape, "dtype": "float32"} for shape in shapes)
    assert why(tiny, "ADD", [a, b | {"data": np.zeros(shapes[1])}], output) == reason


@pytest.mark.parametrize("kind", ["ADD", "MUL"])
def test_an_output_scale_below_what_the_arithmetic_holds_is_refused(tiny: Any, kind: str) -> None:
    part = {"shape": (1, 2), "scale": 1.0}
    constant = part | {"data": [1, 2]}
    assert why(tiny, kind, [part, constant], part | {"scale": 2.0**-25}) == "its output scale is too small"


def test_a_constant_operand_becomes_a_table_and_is_no_input(tiny: Any) -> None:
    part: dict[str, Any] = {"shape": (1, 3), "scale": 0.1}
    layer = lowered(tiny, "MUL", [part, part | {"data": [1, -2, 3]}], part)
    assert [list(table.values) for table in layer.constants] == [[1, -2, 3]]
    assert len(layer.inputs) == 1 and "({in0}, kB0, {out})" in layer.call


def concat_why(tiny: Any, *parts: dict[str, Any], output: dict[str, Any], **options: Any) -> str:
    constants = [{"data": np.zeros(part["shape"])} | part for part in parts[1:]]
    return why(tiny, "CONCATENATION", [parts[0], *constants], output, **options)


def test_parts_that_do_not_join_are_explained(tiny: Any) -> None:
    part: dict[str, Any] = {"shape": (1, 2), "scale": 0.1}
    joined = part | {"shape": (1, 4)}
    assert concat_why(tiny, part, part | {"scale": 0.2}, output=joined, axis=1) == (
        "its inputs and output have different scales"
    )
    assert concat_why(tiny, part, part | {"shape": (2, 2)}, output=joined, axis=1) == "(2, 2) does not fit in (1, 4)"
    assert concat_why(tiny, part, part, output=part | {"shape": (1, 5)}, axis=1) == "its parts do not make (1, 5)"
    assert concat_why(tiny, part, part, output=joined, axis=2) == "its axis is 2"
    relu = concat_why(tiny, part, part, output=joined, axis=1, fusedActivationFunction=1)
    assert relu == "it has the activation function RELU"


@pytest.mark.parametrize("axis", [1, -2])
def test_parts_are_copied_in_blocks_one_behind_the_other(tiny: Any, axis: int) -> None:
    first, second = ({"shape": (2, n, 5), "dtype": "float32"} for n in (3, 4))
    output = {"shape": (2, 7, 5), "dtype": "float32"}
    layer = lowered(tiny, "CONCATENATION", [first, second | {"data": np.ones((2, 4, 5))}], output, axis=axis)
    assert layer.call == (
        "k::copy_blocks<2, 15, 35>({in0}, {out} + 0); k::copy_blocks<2, 20, 35>(kPart1_0, {out} + 15);"
    )


@pytest.mark.parametrize(
    ("amounts", "output", "reason"),
    [
        ([[0, 0], [1, 1]], (1, 5), "its output is (1, 5)"),
        ([[0, 0], [-1, 1]], (1, 4), "it pads by [(0, 0), (0, 0), (0, 0), (-1, 1)]"),
        ([[0, 0]], (1, 4), "it pads (1, 4) by (1, 2)"),
    ],
)
def test_padding_that_does_not_fit_is_explained(
    tiny: Any, amounts: list[list[int]], output: tuple[int, ...], reason: str
) -> None:
    source: dict[str, Any] = {"shape": (1, 4), "scale": 0.1}
    constant = {"shape": np.shape(amounts), "dtype": "int32", "data": amounts}
    assert why(tiny, "PAD", [source, constant], source | {"shape": output}) == reason


def table_of(tiny: Any, kind: str, source: dict[str, Any], output: dict[str, Any]) -> np.ndarray:
    """The table of a function of one int8 value, for -128 .. 127."""
    (table,) = lowered(tiny, kind, [{"shape": (1, 4)} | source], {"shape": (1, 4)} | output).constants
    return np.array(table.values)


@settings(max_examples=40)
@given(st.sampled_from(["RELU", "RELU6", "QUANTIZE"]), SCALE, ZERO, SCALE, ZERO)
def test_a_table_has_the_function_of_the_real_values(
    tiny: Any, kind: str, scale: float, zero: int, out_scale: float, out_zero: int
) -> None:
    source, output = {"scale": scale, "zero_point": zero}, {"scale": out_scale, "zero_point": out_zero}
    found = table_of(tiny, kind, source, output)
    real = (np.arange(-128, 128) - zero) * scale
    real = real if kind == "QUANTIZE" else np.clip(real, 0, 6 if kind == "RELU6" else None)
    expected = np.clip(real / out_scale + out_zero, -128, 127)
    assert np.abs(found - expected).max() <= 1  # TensorFlow Lite rounds twice: 0.25 becomes 0.5, and then 1
    assert (np.diff(found) >= 0).all()


@settings(max_examples=40)
@given(SCALE, ZERO)
def test_the_table_of_the_logistic_function_is_rounded_from_its_formula(tiny: Any, scale: float, zero: int) -> None:
    found = table_of(tiny, "LOGISTIC", {"scale": scale, "zero_point": zero}, PROBABILITIES)
    real = 256 / (1 + np.exp(-(np.arange(-128, 128) - zero) * scale)) - 128
    assert np.abs(found - np.clip(real, -128, 127)).max() <= 0.5 + 1e-4


@pytest.mark.parametrize("kind", ["LOGISTIC", "SOFTMAX"])
@pytest.mark.parametrize("output", [{"scale": 1 / 256}, {"scale": 0.5, "zero_point": -128}])
def test_probabilities_have_their_own_scale(tiny: Any, kind: str, output: dict[str, Any]) -> None:
    options = {"beta": 1.0} if kind == "SOFTMAX" else {}
    reason = why(tiny, kind, [{"shape": (1, 4), "scale": 0.1}], {"shape": (1, 4)} | output, **options)
    assert reason.startswith("its output has scale and zero point (") and reason.endswith("not 1/256 and -128")


@settings(max_examples=30)
@given(st.floats(2**-6, 0.5, width=32), st.floats(0.25, 4, width=32))
def test_a_softmax_of_two_classes_is_a_table_of_their_difference(tiny: Any, scale: float, beta: float) -> None:
    part: dict[str, Any] = {"shape": (1, 2), "scale": scale}
    layer = lowered(tiny, "SOFTMAX", [part], {"shape": (1, 2)} | PROBABILITIES, beta=beta)
    (table,) = layer.constants
    real = 256 / (1 + np.exp(-np.arange(-255, 256) * scale * beta)) - 128
    assert np.abs(np.array(table.values) - np.clip(real, -128, 127)).max() <= 1
    assert "softmax_two" in layer.call and "kClasses" not in layer.traits


WEIGHTS = st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 3), st.integers(1, 5))


def channels_of(filters: int, bound: int = 1000) -> Channels:
    biases = tuple(range(-filters, filters, 2))
    return Channels(
        biases, tuple(Multiplier((1 << 30) + i, -1 - i % 15) for i in range(filters)), True, (bound,) * filters
    )


@given(WEIGHTS, st.sampled_from(["kPacked", "kHalves", "kInBytes"]), st.integers(-128, 127))
def test_a_table_has_the_weights_of_two_channels_for_each_pair_of_inputs(
    shape: tuple[int, int, int, int], expected: str, zero_point: int
) -> None:
    weights = np.random.default_rng(sum(shape)).integers(-127, 128, shape).astype(np.int8)
    inputs = weights[0].size
    order = (*range(inputs), *[-1] * (inputs % 2))
    channels = channels_of(len(weights), 1 << 24 if expected == "kInBytes" else 1 << 22)
    pixels = MANY_PIXELS if expected == "kHalves" else 1
    form, words = pack_block(weights, Block(1, 4, 1, 0, 1, 1, 1, inputs, 0, order), channels, zero_point, pixels)
    table = np.array(words, dtype=np.uint32).reshape((len(weights) + 1) // 2, -1)
    assert form == expected and table.shape[1] == 6 + len(order) // 2 * (2 if form == "kHalves" else 1)
    flat = np.zeros((len(table) * 2, len(order)), dtype=np.int64)
    flat[: len(weights), :inputs] = weights.reshape(len(weights), -1)
    for a, b, row in zip(flat[0::2], flat[1::2], table, strict=True):
        halves = row[2:-4].view(np.int16)
        if form == "kHalves":
            assert np.array_equal(halves.reshape(-1, 2, 2).transpose(1, 0, 2).reshape(2, -1), 256 * np.stack((b, a)))
        elif form == "kPacked":
            assert np.array_equal(halves, a + 256 * b)
        else:
            assert np.array_equal(halves.view(np.int8).reshape(-1, 2).T, np.stack((a, b)))


def test_a_weight_that_the_packed_form_has_no_room_for_gives_another_form() -> None:
    weights = np.array([-1, -128], dtype=np.int8).reshape(2, 1, 1, 1)
    block = Block(1, 4, 1, 0, 1, 1, 1, 1, 0, (0, -1))
    forms = [pack_block(w, block, channels_of(2), 0, 1)[0] for w in (weights, weights[::-1], weights + 1)]
    assert forms == ["kInBytes", "kPacked", "kPacked"]
    assert pack_block(weights, block, channels_of(2), 0, MANY_PIXELS)[0] == "kHalves"


@pytest.mark.parametrize("zero_point", [-128, 0, 127])
@pytest.mark.parametrize("n", range(1, 16))
def test_a_packed_scale_rounds_as_the_two_roundings_of_the_reference(n: int, zero_point: int) -> None:
    by = Multiplier(1476395007, -n)
    (_, scale), _ = Channels((0,), (by,), True, (1,)).scales(zero_point, packed=True).tolist()
    shift, rounding = scale & 0xFF, scale >> 8 << 6
    for value in range(-(1 << 20), 1 << 20, 4099):
        correction = 128 if value < 0 else 0
        found = ((256 * value * by.multiplier >> 32) + rounding - correction) >> shift
        assert found == multiply(value, by) + zero_point


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 7, 22]))
def test_products_of_transformed_rows_of_the_first_layer_give_both_rows_of_a_pool(seed: int, n: int) -> None:
    random = np.random.default_rng(seed)
    kernel, inputs = random.integers(-128, 128, (1, 3, 3)), random.integers(-128, 128, (4, 3))
    by = Multiplier(1476395007, -n)
    ((pairs, bias, multiplier, rounding, shift),) = first_table(kernel, Channels((5,), (by,), True, (1,)))
    words = np.array(pairs, dtype=np.uint32).view(np.int16).reshape(4, 2, 2).astype(int)
    assert np.array_equal(words[:, 0, 1], words[:, 1, 0])  # the pairs (w0, w1) and (w1, w2)
    rows = np.concatenate((words[:, 0], words[:, 1, 1:]), axis=1)
    d0, d1, d2, d3 = inputs
    of_2, of_3, of_0, of_1 = (rows * np.stack((d2 - d1, d1 - d3, d0 - d2, d1 + d2))).sum(axis=1).tolist()
    upper, lower = (int((kernel[0] * inputs[at : at + 3]).sum()) for at in (0, 1))
    assert (of_0 + of_1 + of_2, of_1 - of_2 - of_3) == (4 * upper, 4 * lower)
    found = ((4 * upper + bias) * multiplier >> 32) + rounding >> (shift & 0xFF)
    assert max(-128, found) == max(-128, multiply(upper + 5, by) - 128)


def test_the_last_channel_of_the_first_layer_is_marked() -> None:
    shifts = [row[-1] for row in first_table(np.ones((3, 3, 3), dtype=np.int8), channels_of(3))]
    assert [shift >> 31 for shift in shifts] == [0, 0, 1]


def test_inputs_that_fill_no_word_are_paired_or_padded_if_there_are_many(tiny: Any) -> None:
    def pairs(rows: int, inputs: int) -> int:
        source: dict[str, Any] = {"shape": (1, rows, 9, inputs), "scale": 0.1}
        weights = {"shape": (2, rows, 3, inputs), "scale": 0.01, "data": np.ones((2, rows, 3, inputs))}
        output = {"shape": (1, 1, 7, 2), "scale": 1.0}
        layer = lowered(tiny, "CONV_2D", [source, weights], output, strideH=1, strideW=1, padding=1)
        return int(layer.traits["kPairs"])

    assert (pairs(3, 3), pairs(3, 4), pairs(3, 1)) == (14, 18, 5)
    assert pairs(MOST_UNROLLED // 3 + 1, 1) == 4 * (MOST_UNROLLED // 3 + 1) // 2


def depthwise(tiny: Any, scales: list[float], zero_point: int = -128) -> Layer:
    channels = len(scales)
    source: dict[str, Any] = {"shape": (1, 6, 6, channels), "scale": 1.0}
    weights = {"shape": (1, 3, 3, channels), "scale": scales, "axis": 3, "data": np.full((1, 3, 3, channels), 127)}
    options = {"strideH": 1, "strideW": 1, "padding": 0, "depthMultiplier": 1}
    return lowered(tiny, "DEPTHWISE_CONV_2D", [source, weights],
                   {"shape": (1, 6, 6, channels), "scale": 1.0, "zero_point": zero_point}, **options)  # fmt: skip


@pytest.mark.parametrize(
    ("exponents", "shift"),
    [([9, 9], USUAL_SHIFT), ([3, 4], 9), ([14, 15], 15), ([3, 9], 9), ([3, 10], 0), ([2, 18], 0)],
)
def test_channels_of_a_3x3_depthwise_layer_share_a_shift_if_their_scales_are_near(
    tiny: Any, exponents: list[int], shift: int
) -> None:
    layer = depthwise(tiny, [2.0**-n for n in exponents])
    assert layer.traits["kScaleShift"] == shift
    for n, (rows, _, last, _, multiplier, rounding) in zip(exponents, layer.constants[0].values, strict=True):
        power = ((rows[0] & 0xFFFF) // 127).bit_length() - 1
        found = last >> 16
        # The scale 2^-n is the multiplier 2^30 with the shift -(n - 1).
        assert multiplier == 1 << 30 and found == n - 1 + power - 1 and 2 <= power <= 8
        assert found == (shift or found)
        for value in (-3, 0, 1, 2**n // 2 - 1, 2**n // 2, 2**n, 100 * 2**n):
            expected = max(-128, multiply(value, Multiplier(1 << 30, 1 - n)) - 128)
            assert max(-128, ((value << power) * multiplier >> 32) + rounding >> found) == expected


@pytest.mark.parametrize(("zero_point", "kernel"), [(-128, "depthwise_conv3x3.h"), (0, "depthwise_conv2d.h")])
def test_a_3x3_depthwise_layer_with_negative_outputs_takes_the_general_kernel(
    tiny: Any, zero_point: int, kernel: str
) -> None:
    assert depthwise(tiny, [0.01, 0.02], zero_point).headers == (kernel,)


def column(tiny: Any, shape: tuple[int, int, int], kernel: tuple[int, int], scales: list[float], **how: int) -> Layer:
    """Lower a depthwise convolution without padding whose kernel has one column or one row; its output is linear."""
    source: dict[str, Any] = {"shape": (1, *shape), "scale": 1.0}
    data = np.arange(1, 1 + kernel[0] * kernel[1])[:, None] * [[1, -1, 2][c % 3] for c in range(shape[2])]
    weights = {"shape": (1, *kernel, shape[2]), "scale": scales, "axis": 3, "data": data.reshape(1, *kernel, shape[2])}
    options = {"strideH": 1, "strideW": 1, "padding": 1, "depthMultiplier": 1} | how
    out = [(n - k) // s + 1 for n, k, s in zip(shape, kernel, (options["strideH"], options["strideW"]), strict=False)]
    output = {"shape": (1, *out, shape[2]), "scale": 1.0, "zero_point": 5}
    return lowered(tiny, "DEPTHWISE_CONV_2D", [source, weights], output, **options)


@pytest.mark.parametrize("taps", [2, 3, 5, 10])
@pytest.mark.parametrize("exponents", [(9, 10), (3, 9), (3, 10)])
def test_the_table_of_a_kernel_of_one_column_rounds_as_the_reference(
    tiny: Any, taps: int, exponents: tuple[int, int]
) -> None:
    layer = column(tiny, (20, 1, 2), (taps, 1), [2.0**-n for n in exponents])
    assert layer.headers == ("depthwise_column.h",)
    same = int(layer.traits["kScaleShift"])
    assert (same >= LEAST_SAME_SHIFT) == (exponents[1] - exponents[0] <= 6) and (same > 0 or exponents == (3, 10))
    pairs = max(2, (taps + 1) // 2)
    table = np.array(layer.constants[0].values, dtype=np.uint32).view(np.int32).reshape(2, -1)
    assert table.shape[1] == pairs + 3 + (same == 0)
    for n, sign, row in zip(exponents, (1, -1), table, strict=True):
        weights = np.array([*row[:2], *row[3 : pairs + 1]]).astype(np.int32).view(np.int16)[:taps]
        multiplier, rounding = (int(value) for value in row[pairs + 1 : pairs + 3])
        factor = int(weights[0]) * sign
        shift, half = (same, rounding & 0x7F) if same else (int(row[-1]) & 0xFF, int(row[-1]) >> 8)
        assert np.array_equal(weights, sign * factor * np.arange(1, taps + 1)) and half == factor // 4
        for value in (-(2**n), -(2**n) // 2 - 1, -(2**n) // 2, -3, 0, 1, 2**n // 2 - 1, 2**n // 2, 100 * 2**n):
            negative = 2 * half if value < 0 else 0
            found = ((value * factor) * multiplier >> 32) + rounding - negative >> shift
            assert found == multiply(value, Multiplier(1 << 30, 1 - n)) + 5


@pytest.mark.parametrize(
    ("shape", "kernel", "how", "kernel_file"),
    [
        ((1, 20, 4), (1, 5), {}, "depthwise_column.h"),
        ((20, 3, 4), (5, 1), {}, "depthwise_column.h"),
        ((5, 1, 4), (5, 1), {}, "depthwise_conv2d.h"),  # one row of outputs
        ((40, 1, 4), (30, 1), {}, "depthwise_conv2d.h"),  # more words of the window than the kernel reads
        ((9, 1, 1400), (2, 1), {}, "depthwise_conv2d.h"),  # rows that a store cannot reach
        ((20, 1, 4), (5, 1), {"strideH": 2}, "depthwise_conv2d.h"),
        ((20, 3, 4), (5, 2), {}, "depthwise_conv2d.h"),
    ],
)
def test_kernels_of_one_column_have_their_own_code_for_several_rows_of_outputs(
    tiny: Any, shape: tuple[int, int, int], kernel: tuple[int, int], how: dict[str, int], kernel_file: str
) -> None:
    assert column(tiny, shape, kernel, [0.01] * shape[2], **how).headers == (kernel_file,)


@pytest.mark.parametrize(
    ("rows", "dilation", "kernel"), [(3, 1, "fully_connected.h"), (5, 2, "conv2d.h"), (4, 1, "conv2d.h")]
)
def test_a_convolution_that_reads_each_input_once_is_computed_as_a_dense_layer(
    tiny: Any, rows: int, dilation: int, kernel: str
) -> None:
    source: dict[str, Any] = {"shape": (1, rows, 2, 4), "scale": 1.0}
    weights = {"shape": (5, 3, 2, 4), "scale": 0.01, "data": np.ones((5, 3, 2, 4))}
    output = {"shape": (1, rows - 2 * dilation, 1, 5), "scale": 1.0}
    options = {"strideH": 1, "strideW": 1, "padding": 1, "dilationHFactor": dilation}
    layer = lowered(tiny, "CONV_2D", [source, weights], output, **options)
    assert layer.headers == (kernel,) and (layer.sink is not None) == (kernel == "fully_connected.h")


@given(st.integers(1, 11), st.integers(1, 9), st.booleans())
def test_weights_of_a_dense_layer_are_stored_in_groups_of_four_two_and_one(
    outputs: int, inputs: int, fits: bool
) -> None:
    weights = np.random.default_rng(outputs * inputs).integers(-127, 128, (outputs, inputs)).astype(np.int8)
    if not fits:
        weights[:2, 0] = (-1, -128)[:outputs]
    packed, words = pack_groups(weights)
    assert packed == (fits or outputs == 1)
    width = -(-inputs // 4)
    assert len(words) == width * outputs
    found = np.zeros((outputs, 4 * width), dtype=np.int64)
    at = output = 0
    while output < outputs:
        count = next(n for n in (4, 2, 1) if n <= outputs - output) if packed else 1
        block = np.array(words[at : at + count * width], dtype=np.uint32)
        if count == 1:
            found[output] = block.view(np.int8)
        else:  # word, inputs 0 and 2 or 1 and 3, pair of outputs, first or second input
            halves = block.view(np.int16).reshape(width, 2, count // 2, 2).astype(np.int64)
            low = (halves & 0xFF ^ 0x80) - 0x80
            for which, values in enumerate((low, (halves - low) >> 8)):
                found[output + which : output + count : 2] = values.transpose(2, 0, 3, 1).reshape(count // 2, -1)
        at, output = at + count * width, output + count
    assert np.array_equal(found[:, :inputs], weights) and not found[:, inputs:].any()


@pytest.mark.parametrize(
    ("shape", "kernel", "needs_window"),
    [((5, 1, 4), (5, 1), False), ((3, 5, 8), (3, 2), False), ((5, 1, 6), (5, 1), True), ((6, 3, 4), (5, 2), True)],
)
def test_one_row_of_a_depthwise_convolution_is_computed_without_a_window(
    tiny: Any, shape: tuple[int, int, int], kernel: tuple[int, int], needs_window: bool
) -> None:
    layer = column(tiny, shape, kernel, [0.01] * shape[2])
    assert layer.headers == ("depthwise_conv2d.h",)
    assert bool(layer.scratch) == (layer.rows is not None) == needs_window


@pytest.mark.parametrize(("rows", "classes", "tables"), [(1, 4, 0), (4, 4, 0), (1, 16, 0), (1, 17, 1), (5, 4, 1)])
def test_few_exponentials_of_a_softmax_are_computed_instead_of_a_table(
    tiny: Any, rows: int, classes: int, tables: int
) -> None:
    shape = (rows, classes)
    layer = lowered(tiny, "SOFTMAX", [{"shape": shape, "scale": 0.1}], {"shape": shape, **PROBABILITIES}, beta=1.0)
    assert len(layer.constants) == tables and layer.traits["kExponentials"] == 249


@given(WEIGHTS, st.booleans())
def test_packed_weights_of_a_depthwise_convolution_go_through_the_taps_of_four_channels(
    shape: Any, in_pairs: bool
) -> None:
    weights = np.random.default_rng(sum(shape)).integers(-127, 128, (1, *shape[1:])).astype(np.int8)
    _, rows, cols, channels = weights.shape
    lines = [[(row, col) for col in range(cols)] for row in range(rows)]
    lines = lines if cols > 1 else [[tap for line in lines for tap in line]]

    def expected() -> Iterator[tuple[tuple[int, int], int]]:
        """The tap and the channel of each weight."""
        for first in range(0, channels, GROUP):
            for line in lines:
                for a, b in zip(line[0:-1:2], line[1::2], strict=True) if in_pairs else ():
                    yield from ((tap, first + half + k) for half in (0, 2) for tap in (a, b) for k in (0, 1))
                single = line[len(line) // 2 * 2 :] if in_pairs else line
                yield from ((tap, first + k) for tap in single for k in range(GROUP))

    packed = np.array(pack_taps(weights, in_pairs=in_pairs), dtype=np.uint32).view(np.int8).tolist()
    assert packed == [weights[0, *tap, c] if c < channels else 0 for tap, c in expected()]


def test_each_operator_that_the_reader_knows_is_lowered_or_removed_before() -> None:
    views = {"RESHAPE", "EXPAND_DIMS", "SQUEEZE"}
    dilation = {"SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"}
    subgraphs = {"VAR_HANDLE", "CALL_ONCE", "WHILE"}
    assert set(READERS) == set(LOWER) - {"LOAD"} | FOLDED | views | subgraphs | dilation


def test_an_operator_that_only_works_on_constants_is_named_with_the_way_out(tiny: Any) -> None:
    model = tiny()
    source, output = model.tensor((1, 4), "int32"), model.tensor((1, 1, 4), "int32")
    model.operator("PACK", [source], output, "PackOptions", valuesCount=1)
    with pytest.raises(UnsupportedModelError, match=r"operator 0 \(PACK\) .* a shape at run time") as caught:
        lower(read_model(model.finish(source, output)))
    assert caught.value.hint == "Convert the model with a fixed batch of one."


def test_a_scalar_is_one_element(tiny: Any) -> None:
    model = tiny()
    source, output = model.tensor((), scale=0.1), model.tensor((), scale=0.1)
    model.operator("RELU", [source], output)
    (layer,) = lower(read_model(model.finish(source, output)))
    assert layer.traits["kElements"] == 1


def test_weights_that_layers_share_count_for_each_of_them(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ei_toolkit.eon.kernels.MOST_CONSTANT_BYTES", 1 << 20)
    model = tiny()
    side = 512
    weights = model.tensor((side, side), scale=2**-12, data=np.ones((side, side)))
    tensor = source = model.tensor((1, side), scale=0.1)
    for _ in range(4):
        tensor = model.operator(
            "FULLY_CONNECTED", [tensor, weights, -1], model.tensor((1, side), scale=0.1), "FullyConnectedOptions"
        )
    graph: Graph = read_model(model.finish(source, tensor))
    with pytest.raises(DataError, match="the model's weights take more than 1 MiB") as caught:
        lower(graph)
    assert caught.value.why.startswith("counted up to operator 3 (FULLY_CONNECTED)")


@pytest.mark.parametrize(
    ("kind", "axes", "reason"),
    [
        ("MEAN", [1], "it makes (1, 2)"),
        ("MEAN", [1, 2, 3], "it makes (1, 2)"),
        ("MEAN", [4], "it reduces axes [4] of (1, 4, 3, 2)"),
        ("SUM", [1, 2], "the sums of the int8 kernel of the reference overflow"),
    ],
)
def test_a_reduction_that_does_not_make_its_output_is_refused(
    tiny: Any, kind: str, axes: list[int], reason: str
) -> None:
    source: dict[str, Any] = {"shape": (1, 4, 3, 2), "scale": 0.1}
    constant = {"shape": (len(axes),), "dtype": "int32", "data": axes}
    assert why(tiny, kind, [source, constant], {"shape": (1, 2), "scale": 0.1}) == reason


def test_a_mean_over_everything_but_the_channels_reads_rows(tiny: Any) -> None:
    source: dict[str, Any] = {"shape": (1, 4, 3, 2), "scale": 0.1}
    axes_of_all = {"shape": (2,), "dtype": "int32", "data": [-3, 2]}
    layer = lowered(tiny, "MEAN", [source, axes_of_all], {"shape": (1, 2), "scale": 0.1})
    assert (layer.traits["kCount"], layer.traits["kChannels"]) == (12, 2)


@pytest.mark.parametrize("kind", ["SQUARE", "SIN", "DIV"])
def test_a_function_with_a_float_kernel_only_is_refused_on_int8(tiny: Any, kind: str) -> None:
    source: dict[str, Any] = {"shape": (1, 4), "scale": 0.1}
    other = [{"shape": (1, 4), "scale": 0.2, "data": [1, 2, 3, 4]}] if kind in FUNCTIONS else []
    assert why(tiny, kind, [source, *other], source) == "it is int8, and its kernel is for float32"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_constant_operand_that_is_not_finite_is_refused(tiny: Any, value: float) -> None:
    source: dict[str, Any] = {"shape": (1, 2), "dtype": "float32"}
    assert (
        why(tiny, "ADD", [source, source | {"data": [[1.0, value]]}], source) == "t1 holds values that are not finite"
    )


@pytest.mark.parametrize("kind", ["RELU", "ABS"])
def test_scales_whose_quotient_is_beyond_float32_are_refused(tiny: Any, kind: str) -> None:
    source, output = {"shape": (1, 2), "scale": 3e38}, {"shape": (1, 2), "scale": 1e-38}
    assert why(tiny, kind, [source], output) == "its scales differ by more than 2^22"


def test_the_scales_of_a_product_are_multiplied_in_float32(tiny: Any) -> None:
    """As in the reference. The product in float64 would round sums next to the middle of two numbers in another way."""
    model = tiny()
    scales = (0.0017708424711599946, 0.003131294623017311, 8.211470603942871)
    source, other = (
        model.tensor((1, 2, 3), scale=scales[0]),
        model.tensor((3, 2), scale=scales[1], data=np.ones((3, 2))),
    )
    output = model.tensor((1, 2, 2), scale=scales[2])
    model.operator("BATCH_MATMUL", [source, other], output, "BatchMatMulOptions")
    (layer,) = lower(read_model(model.finish(source, output)))
    product = float(np.float32(scales[0]) * np.float32(scales[1]))
    assert layer.traits["kMultiplier"] == quantize_multiplier(product / scales[2]).multiplier
    assert layer.traits["kMultiplier"] != quantize_multiplier(scales[0] * scales[1] / scales[2]).multiplier
