"""Every operator over generated shapes and quantisations gives the reference interpreter's outputs, bit for bit.

Hypothesis draws a few models at a time; they are compiled into one program.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from model_bench import SANITIZED

from ei_toolkit.errors import DataError, UnsupportedModelError

Draw = Callable[..., Any]
MODELS = 8  # in one program

many = settings(
    max_examples=2,  # the first is the smallest there is
    deadline=None,
    database=None,
    derandomize=True,  # the same models in every run; the exhaustive version draws new ones
    phases=(Phase.explicit, Phase.generate),  # shrinking would compile hundreds of programs
    suppress_health_check=list(HealthCheck),
)


def float32s(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high).map(lambda value: float(np.float32(value)))


scales = float32s(0.004, 0.2)
zero_points = st.integers(-128, 127)
activations = st.sampled_from([0, 1, 3])  # none, RELU, RELU6
paddings = st.sampled_from([0, 1])  # SAME, VALID


def generator(draw: Draw) -> np.random.Generator:
    return np.random.default_rng(draw(st.integers(0, 2**32)))


def out_size(size: int, kernel: int, stride: int, dilation: int, padding: int) -> int:
    reach = (kernel - 1) * dilation + 1
    return -(-size // stride) if padding == 0 else (size - reach) // stride + 1


def add_bias(model: Any, random: np.random.Generator, source: int, scaling: Any, count: int, fan_in: int) -> int:
    """An int32 bias with the scale that the interpreter requires, about as large as the sum of the products."""
    input_scale = np.float32(model.tensors[source].quantization.scale[0])
    data = random.integers(-100 * fan_in, 100 * fan_in + 1, count)
    return int(model.tensor([count], "int32", scale=[float(input_scale * np.float32(s)) for s in scaling], data=data))


def lowest(draw: Draw) -> int:
    """The lowest weight: converters use -127; pairs with -128 do not fit the packed form of the kernels."""
    return draw(st.sampled_from([-127, -127, -128]))


def weight_scales(draw: Draw, random: np.random.Generator, count: int) -> list[float]:
    if draw(st.booleans()):
        return [draw(float32s(0.001, 0.01))]
    return [float(s) for s in random.uniform(0.0005, 0.02, count).astype(np.float32)]


@st.composite
def window(draw: Draw, *, dilated: bool = True, three_by_three: bool = False, column: bool = False) -> dict[str, int]:
    """Sizes of a convolution or pool whose kernel fits its input.

    It is 3 x 3 with a stride of 1 or 2, or a column with a stride of 1, or any.
    """
    padding = draw(paddings)
    kernel_h, kernel_w = (3, 3) if three_by_three else (draw(st.integers(1, 5)), draw(st.integers(1, 5)))
    stride_h, stride_w = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    if three_by_three:
        stride_h = stride_w = min(stride_h, 2)
    if column:
        kernel_h, kernel_w, stride_h, stride_w = draw(st.integers(2, 12)), 1, 1, 1
    dilated = dilated and not three_by_three and not column
    dilation_h = draw(st.integers(1, 3)) if dilated and stride_h == stride_w == 1 else 1
    dilation_w = draw(st.integers(1, 3)) if dilated and stride_h == stride_w == 1 else 1
    reach_h, reach_w = (kernel_h - 1) * dilation_h + 1, (kernel_w - 1) * dilation_w + 1
    low = (reach_h, reach_w) if padding == 1 else (1, 1)
    height, width = draw(st.integers(low[0], 14)), draw(st.integers(low[1], 14))
    return {
        "height": height,
        "width": width,
        "kernel_h": kernel_h,
        "kernel_w": kernel_w,
        "strideH": stride_h,
        "strideW": stride_w,
        "dilationHFactor": dilation_h,
        "dilationWFactor": dilation_w,
        "padding": padding,
        "out_h": out_size(height, kernel_h, stride_h, dilation_h, padding),
        "out_w": out_size(width, kernel_w, stride_w, dilation_w, padding),
    }


def options_of(sizes: dict[str, int], *names: str) -> dict[str, int]:
    return {name: sizes[name] for name in ("strideH", "strideW", "padding", *names)}


@st.composite
def conv2d(draw: Draw, tiny: Any, dtype: str = "int8", pool: bool = False) -> bytes:
    sizes, random = draw(window()), generator(draw)
    inputs, filters = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    kernel = (filters, sizes["kernel_h"], sizes["kernel_w"], inputs)
    model, out_shape = tiny(), (1, sizes["out_h"], sizes["out_w"], filters)
    in_shape = (1, sizes["height"], sizes["width"], inputs)
    if dtype == "int8":
        scaling = weight_scales(draw, random, filters)
        source = model.tensor(in_shape, scale=draw(scales), zero_point=draw(zero_points))
        weights = model.tensor(kernel, scale=scaling, data=random.integers(lowest(draw), 128, kernel))
        fan_in = int(np.prod(kernel[1:]))
        bias = add_bias(model, random, source, scaling, filters, fan_in)
        quant: dict[str, Any] = {"scale": draw(scales), "zero_point": draw(zero_points)}
    else:
        source = model.tensor(in_shape, dtype)
        weights = model.tensor(kernel, dtype, data=random.normal(0, 0.3, kernel))
        bias = model.tensor([filters], dtype, data=random.normal(0, 1, filters))
        quant = {}
    output = model.tensor(out_shape, dtype, **quant)
    values = options_of(sizes, "dilationHFactor", "dilationWFactor") | {"fusedActivationFunction": draw(activations)}
    model.operator("CONV_2D", [source, weights, bias], output, "Conv2DOptions", **values)
    if pool:
        output = add_pool(draw, model, output, out_shape, dtype, quant)
    return bytes(model.finish(source, output))


def add_pool(draw: Draw, model: Any, source: int, shape: tuple[int, ...], dtype: str, quant: dict[str, Any]) -> int:
    """Add a pool after another layer, of a kind and size that may be fused into it or not."""
    padding = draw(paddings)
    high, wide = (draw(st.integers(1, n if padding else 3).filter(lambda k: k <= 3)) for n in shape[1:3])
    stride = (high, wide) if draw(st.booleans()) else (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    out = [out_size(n, k, s, 1, padding) for n, k, s in zip(shape[1:3], (high, wide), stride, strict=True)]
    output = model.tensor((1, *out, shape[3]), dtype, **quant)
    values = {"strideH": stride[0], "strideW": stride[1], "filterHeight": high, "filterWidth": wide, "padding": padding}
    kind = draw(st.sampled_from(["MAX_POOL_2D", "MAX_POOL_2D", "AVERAGE_POOL_2D"]))
    return int(model.operator(kind, [source], output, "Pool2DOptions", **values))


@st.composite
def first_layer(draw: Draw, tiny: Any) -> bytes:
    """A layer for the specialised kernel: 3 x 3 on one channel, ReLU, 2 x 2 pool."""
    random, filters = generator(draw), draw(st.integers(1, 9))
    height, width, padding = draw(st.integers(3, 12)), draw(st.integers(3, 12)), draw(paddings)
    model = tiny()
    source = model.tensor((1, height, width, 1), scale=draw(scales), zero_point=draw(zero_points))
    scaling = weight_scales(draw, random, filters)
    weights = model.tensor((filters, 3, 3, 1), scale=scaling, data=random.integers(-127, 128, (filters, 3, 3, 1)))
    bias = add_bias(model, random, source, scaling, filters, 9)
    rows, cols = (out_size(n, 3, 1, 1, padding) for n in (height, width))
    quant = {"scale": draw(scales), "zero_point": -128}
    convolved = model.tensor((1, rows, cols, filters), **quant)
    values = {"strideH": 1, "strideW": 1, "padding": padding, "fusedActivationFunction": 1}
    model.operator("CONV_2D", [source, weights, bias], convolved, "Conv2DOptions", **values)
    pooled = model.tensor((1, -(-rows // 2), -(-cols // 2), filters), **quant)
    pool = {"strideH": 2, "strideW": 2, "filterHeight": 2, "filterWidth": 2, "padding": 0}
    model.operator("MAX_POOL_2D", [convolved], pooled, "Pool2DOptions", **pool)
    return bytes(model.finish(source, pooled))


@st.composite
def conv1d(draw: Draw, tiny: Any) -> bytes:
    """A convolution over time as Keras lowers it, with a pool, on 1 x time x features."""
    random, time, inputs, filters = generator(draw), draw(st.integers(5, 30)), draw(st.integers(1, 8)), 6
    kernel = (filters, 1, draw(st.integers(1, 5)), inputs)
    model = tiny()
    source = model.tensor((1, time, inputs), scale=draw(scales), zero_point=draw(zero_points))
    quant_in = {
        "scale": model.tensors[source].quantization.scale[0],
        "zero_point": model.tensors[source].quantization.zeroPoint[0],
    }
    axis = model.tensor([1], "int32", data=[1])
    wide = model.operator(
        "EXPAND_DIMS", [source, axis], model.tensor((1, 1, time, inputs), **quant_in), "ExpandDimsOptions"
    )
    weights = model.tensor(
        kernel, scale=weight_scales(draw, random, filters), data=random.integers(lowest(draw), 128, kernel)
    )
    bias = add_bias(model, random, source, model.tensors[weights].quantization.scale, filters, kernel[2] * inputs)
    quant = {"scale": draw(scales), "zero_point": draw(zero_points)}
    shape = (1, 1, time, filters)
    convolved = model.tensor(shape, **quant)
    values = {
        "strideH": 1,
        "strideW": 1,
        "dilationHFactor": 1,
        "dilationWFactor": draw(st.integers(1, 2)),
        "padding": 0,
    }
    model.operator("CONV_2D", [wide, weights, bias], convolved, "Conv2DOptions", fusedActivationFunction=1, **values)
    pooled = add_pool(draw, model, convolved, shape, "int8", quant)
    return bytes(model.finish(source, pooled))


@st.composite
def depthwise(draw: Draw, tiny: Any, dtype: str = "int8") -> bytes:
    three_by_three, column = draw(st.sampled_from([(True, False), (False, True), (False, False)]))
    sizes, random = draw(window(three_by_three=three_by_three, column=column)), generator(draw)
    special = three_by_three or column
    inputs, multiplier = draw(st.integers(1, 7)), 1 if special else draw(st.sampled_from([1, 1, 1, 2, 3]))
    channels = inputs * multiplier
    kernel = (1, sizes["kernel_h"], sizes["kernel_w"], channels)
    model, in_shape = tiny(), (1, sizes["height"], sizes["width"], inputs)
    if dtype == "int8":
        scaling = weight_scales(draw, random, channels)
        source = model.tensor(in_shape, scale=draw(scales), zero_point=draw(zero_points))
        weights = model.tensor(kernel, scale=scaling, axis=3, data=random.integers(lowest(draw), 128, kernel))
        bias = add_bias(model, random, source, scaling, channels, kernel[1] * kernel[2])
        output = model.tensor(
            (1, sizes["out_h"], sizes["out_w"], channels), scale=draw(scales), zero_point=draw(zero_points)
        )
    else:
        source = model.tensor(in_shape, dtype)
        weights = model.tensor(kernel, dtype, data=random.normal(0, 0.3, kernel))
        bias = model.tensor([channels], dtype, data=random.normal(0, 1, channels))
        output = model.tensor((1, sizes["out_h"], sizes["out_w"], channels), dtype)
    values = options_of(sizes, "dilationHFactor", "dilationWFactor") | {
        "fusedActivationFunction": draw(activations),
        "depthMultiplier": multiplier,
    }
    model.operator("DEPTHWISE_CONV_2D", [source, weights, bias], output, "DepthwiseConv2DOptions", **values)
    return bytes(model.finish(source, output))


@st.composite
def fully_connected(draw: Draw, tiny: Any, dtype: str = "int8") -> bytes:
    random, batch = generator(draw), draw(st.sampled_from([1, 1, 3]))
    inputs, outputs = draw(st.integers(1, 40) | st.integers(500, 1100)), draw(st.integers(1, 12))
    model = tiny()
    if dtype == "int8":
        source = model.tensor((batch, inputs), scale=draw(scales), zero_point=draw(zero_points))
        scaling = weight_scales(draw, random, outputs)
        weights = model.tensor(
            (outputs, inputs), scale=scaling, data=random.integers(lowest(draw), 128, (outputs, inputs))
        )
        bias = add_bias(model, random, source, scaling, outputs, inputs)
        output = model.tensor((batch, outputs), scale=draw(scales), zero_point=draw(zero_points))
    else:
        source = model.tensor((batch, inputs), dtype)
        weights = model.tensor((outputs, inputs), dtype, data=random.normal(0, 0.3, (outputs, inputs)))
        bias = model.tensor([outputs], dtype, data=random.normal(0, 1, outputs))
        output = model.tensor((batch, outputs), dtype)
    bias_or_none = bias if draw(st.booleans()) else -1
    model.operator(
        "FULLY_CONNECTED",
        [source, weights, bias_or_none],
        output,
        "FullyConnectedOptions",
        fusedActivationFunction=draw(activations),
    )
    return bytes(model.finish(source, output))


@st.composite
def pool(draw: Draw, tiny: Any, dtype: str = "int8") -> bytes:
    sizes, channels = draw(window(dilated=False)), draw(st.integers(1, 5))
    quant: dict[str, Any] = {"scale": draw(scales), "zero_point": draw(zero_points)} if dtype == "int8" else {}
    model = tiny()
    source = model.tensor((1, sizes["height"], sizes["width"], channels), dtype, **quant)
    output = model.tensor((1, sizes["out_h"], sizes["out_w"], channels), dtype, **quant)
    values = options_of(sizes) | {
        "filterHeight": sizes["kernel_h"],
        "filterWidth": sizes["kernel_w"],
        "fusedActivationFunction": draw(activations),
    }
    model.operator(
        draw(st.sampled_from(["MAX_POOL_2D", "AVERAGE_POOL_2D"])), [source], output, "Pool2DOptions", **values
    )
    return bytes(model.finish(source, output))


@st.composite
def mean(draw: Draw, tiny: Any, dtype: str = "int8") -> bytes:
    height, width, channels = draw(st.integers(1, 12)), draw(st.integers(1, 12)), draw(st.integers(2, 6))
    keep, same = draw(st.booleans()), draw(st.booleans())
    first: dict[str, Any] = {"scale": draw(scales), "zero_point": draw(zero_points)} if dtype == "int8" else {}
    second = first if same or not first else {"scale": draw(scales), "zero_point": draw(zero_points)}
    model = tiny()
    source = model.tensor((1, height, width, channels), dtype, **first)
    axes = model.tensor([2], "int32", data=draw(st.sampled_from([[1, 2], [2, 1], [-3, -2]])))
    output = model.tensor((1, 1, 1, channels) if keep else (1, channels), dtype, **second)
    model.operator("MEAN", [source, axes], output, "ReducerOptions", keepDims=keep)
    return bytes(model.finish(source, output))


@st.composite
def softmax(draw: Draw, tiny: Any, dtype: str = "int8") -> bytes:
    shape = (draw(st.sampled_from([1, 2])), draw(st.sampled_from([2, 2, 3, 10, 35])))
    model = tiny()
    if dtype == "int8":
        source = model.tensor(shape, scale=draw(float32s(0.001, 1.0)), zero_point=draw(zero_points))
        output = model.tensor(shape, scale=1 / 256, zero_point=-128)
    else:
        source, output = model.tensor(shape, dtype), model.tensor(shape, dtype)
    model.operator("SOFTMAX", [source], output, "SoftmaxOptions", beta=draw(st.sampled_from([1.0, 1.0, 0.5])))
    return bytes(model.finish(source, output))


@st.composite
def binary(draw: Draw, tiny: Any, kind: str, dtype: str = "int8") -> bytes:
    """A sum or product with a constant or with a function of the input itself, repeated or not."""
    random = generator(draw)
    shape = (1, draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(1, 6)))
    other_shape = tuple(n if draw(st.booleans()) else 1 for n in shape)
    quants = [{"scale": draw(scales), "zero_point": draw(zero_points)} if dtype == "int8" else {} for _ in range(3)]
    model = tiny()
    source = model.tensor(shape, dtype, **quants[0])
    data = random.integers(-128, 128, other_shape) if dtype == "int8" else random.normal(0, 1, other_shape)
    other = model.tensor(other_shape, dtype, **quants[1], data=data)
    inputs = [source, other] if draw(st.booleans()) else [other, source]
    if draw(st.integers(0, 3)) == 0:
        inputs = [source, source]
    output = model.tensor(shape, dtype, **quants[2])
    options = "AddOptions" if kind == "ADD" else "MulOptions"
    model.operator(kind, inputs, output, options, fusedActivationFunction=draw(activations))
    return bytes(model.finish(source, output))


@st.composite
def concatenation(draw: Draw, tiny: Any, dtype: str = "int8") -> bytes:
    random, axis = generator(draw), draw(st.integers(1, 3))
    quant: dict[str, Any] = {"scale": draw(scales), "zero_point": draw(zero_points)} if dtype == "int8" else {}
    shape = [1, *(draw(st.integers(1, 4)) for _ in range(3))]
    other_shape = list(shape)
    other_shape[axis] = draw(st.integers(1, 4))
    total = list(shape)
    total[axis] = 2 * shape[axis] + other_shape[axis]
    model = tiny()
    source = model.tensor(shape, dtype, **quant)
    data = random.integers(-128, 128, other_shape)
    other = model.tensor(other_shape, dtype, **quant, data=data)
    output = model.tensor(total, dtype, **quant)
    signed = axis - 4 if draw(st.booleans()) else axis
    model.operator("CONCATENATION", [source, other, source], output, "ConcatenationOptions", axis=signed)
    return bytes(model.finish(source, output))


@st.composite
def pad(draw: Draw, tiny: Any, dtype: str = "int8") -> bytes:
    rank = draw(st.integers(1, 4))
    shape = [draw(st.integers(1, 5)) for _ in range(rank)]
    around = [[draw(st.integers(0, 2)), draw(st.integers(0, 2))] for _ in shape]
    quant: dict[str, Any] = {"scale": draw(scales), "zero_point": draw(zero_points)} if dtype == "int8" else {}
    model = tiny()
    source = model.tensor(shape, dtype, **quant)
    amounts = model.tensor([rank, 2], "int32", data=around)
    output = model.tensor([n + a + b for n, (a, b) in zip(shape, around, strict=True)], dtype, **quant)
    model.operator("PAD", [source, amounts], output, "PadOptions")
    return bytes(model.finish(source, output))


@st.composite
def unary(draw: Draw, tiny: Any, kind: str) -> bytes:
    model, shape = tiny(), (1, 256)
    source = model.tensor(shape, scale=draw(float32s(0.01, 0.2)), zero_point=draw(zero_points))
    if kind == "LOGISTIC":
        output = model.tensor(shape, scale=1 / 256, zero_point=-128)
    else:
        output = model.tensor(shape, scale=draw(float32s(0.01, 0.2)), zero_point=draw(zero_points))
    model.operator(kind, [source], output, *(["QuantizeOptions"] if kind == "QUANTIZE" else []))
    return bytes(model.finish(source, output))


@st.composite
def float_ends(draw: Draw, tiny: Any) -> bytes:
    """An int8 sum between QUANTIZE and DEQUANTIZE: float in, float out."""
    model, shape = tiny(), (1, 40)
    quants = [{"scale": draw(scales), "zero_point": draw(zero_points)} for _ in range(2)]
    source = model.tensor(shape, "float32")
    quantized = model.operator("QUANTIZE", [source], model.tensor(shape, **quants[0]), "QuantizeOptions")
    summed = model.tensor(shape, **quants[1])
    model.operator("ADD", [quantized, quantized], summed, "AddOptions")
    output = model.operator("DEQUANTIZE", [summed], model.tensor(shape, "float32"), "DequantizeOptions")
    return bytes(model.finish(source, output))


@st.composite
def float_function(draw: Draw, tiny: Any) -> bytes:
    model, shape = tiny(), (1, 50)
    source, output = model.tensor(shape, "float32"), model.tensor(shape, "float32")
    model.operator(draw(st.sampled_from(["LOGISTIC", "RELU", "RELU6"])), [source], output)
    return bytes(model.finish(source, output))


INT8 = {
    "conv2d": lambda tiny: conv2d(tiny),
    "conv2d and pool": lambda tiny: conv2d(tiny, pool=True),
    "first layer": first_layer,
    "conv1d and pool": conv1d,
    "depthwise": lambda tiny: depthwise(tiny),
    "fully connected": lambda tiny: fully_connected(tiny),
    "pool": lambda tiny: pool(tiny),
    "mean": lambda tiny: mean(tiny),
    "softmax": lambda tiny: softmax(tiny),
    "add": lambda tiny: binary(tiny, "ADD"),
    "mul": lambda tiny: binary(tiny, "MUL"),
    "concatenation": lambda tiny: concatenation(tiny),
    "pad": lambda tiny: pad(tiny),
    "logistic": lambda tiny: unary(tiny, "LOGISTIC"),
    "relu": lambda tiny: unary(tiny, "RELU"),
    "relu6": lambda tiny: unary(tiny, "RELU6"),
    "quantize": lambda tiny: unary(tiny, "QUANTIZE"),
    "float ends": float_ends,
}
FLOAT = {
    "conv2d": lambda tiny: conv2d(tiny, "float32"),
    "conv2d and pool": lambda tiny: conv2d(tiny, "float32", pool=True),
    "depthwise": lambda tiny: depthwise(tiny, "float32"),
    "fully connected": lambda tiny: fully_connected(tiny, "float32"),
    "pool": lambda tiny: pool(tiny, "float32"),
    "mean": lambda tiny: mean(tiny, "float32"),
    "softmax": lambda tiny: softmax(tiny, "float32"),
    "add": lambda tiny: binary(tiny, "ADD", "float32"),
    "mul": lambda tiny: binary(tiny, "MUL", "float32"),
    "concatenation": lambda tiny: concatenation(tiny, "float32"),
    "pad": lambda tiny: pad(tiny, "float32"),
    "function": float_function,
}


@pytest.mark.parametrize("operator", INT8)
@many
@given(data=st.data())
def test_int8_outputs_are_the_reference_interpreters(operator: str, data: st.DataObject, tiny: Any, agree: Any) -> None:
    """The kernels run under sanitizers."""
    agree([data.draw(INT8[operator](tiny)) for _ in range(MODELS)], flags=SANITIZED)


@pytest.mark.parametrize("scales", [(0.2, 0.01, 0.2), (0.2, 0.02, 0.1), (0.004, 0.01, 0.004), (0.05, 0.01, 0.05)])
@pytest.mark.parametrize("with_bias", [False, True])
def test_sums_halfway_between_two_outputs_are_rounded_as_by_the_reference_interpreter(
    scales: tuple[float, float, float], with_bias: bool, tiny: Any, agree: Any
) -> None:
    """The scales are multiplied in float64; in float32, half of the outputs would differ."""
    of_source, of_weights, of_output = scales
    model = tiny()
    source, output = model.tensor((1, 64), scale=of_source), model.tensor((1, 64), scale=of_output)
    half = round(0.5 * of_output / (of_source * of_weights))
    weights = model.tensor((64, 64), scale=of_weights, data=np.diag([half] * 64))
    bias = model.tensor([64], "int32", scale=of_source * of_weights, data=np.zeros(64, int)) if with_bias else -1
    model.operator("FULLY_CONNECTED", [source, weights, bias], output, "FullyConnectedOptions")
    agree([bytes(model.finish(source, output))])


@pytest.mark.parametrize("operator", FLOAT)
@many
@given(data=st.data())
def test_float_outputs_are_close(operator: str, data: st.DataObject, tiny: Any, agree: Any) -> None:
    agree([data.draw(FLOAT[operator](tiny)) for _ in range(MODELS)], tolerance=1e-5)


@pytest.mark.exhaustive  # daily, test_operator_cases.py runs fixed cases there
@pytest.mark.arm
@pytest.mark.parametrize("operator", INT8)
@many
@given(data=st.data())
def test_outputs_are_the_same_on_an_emulated_cortex_m4f(
    operator: str, data: st.DataObject, tiny: Any, agree: Any
) -> None:
    agree([data.draw(INT8[operator](tiny)) for _ in range(MODELS)], arm=True)


@pytest.mark.exhaustive
@pytest.mark.arm
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("operator", INT8)
@settings(many, max_examples=20, derandomize=False)
@given(data=st.data())
def test_outputs_are_the_same_everywhere(operator: str, data: st.DataObject, tiny: Any, agree: Any) -> None:
    models = [data.draw(INT8[operator](tiny)) for _ in range(MODELS)]
    agree(models, flags=SANITIZED)
    agree(models, arm=True)


def test_the_shares_of_more_classes_than_the_reference_takes_are_all_under_half_a_step(tiny: Any, bench: Any) -> None:
    model = tiny()
    source = model.tensor((1, 600), scale=0.05)
    output = model.tensor((1, 600), scale=1 / 256, zero_point=-128)
    model.operator("SOFTMAX", [source], output, "SoftmaxOptions", beta=1.0)
    equal = np.zeros((1, 600), np.int8)
    [answer] = bench.outputs([model.finish(source, output)], [equal], flags=("-fsanitize=undefined",))
    assert set(answer.ravel()) == {-128}


def test_a_scaled_sum_that_wraps_is_refused_since_a_pool_behind_it_would_see_another_order(tiny: Any) -> None:
    from ei_toolkit.eon.compile import compile_model

    model = tiny()
    source, output = model.tensor((1, 4, 4, 8), scale=0.5), model.tensor((1, 4, 4, 1), scale=1e-5)
    weights = model.tensor((1, 3, 3, 8), scale=0.5, data=np.full((1, 3, 3, 8), 127))
    window = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    model.operator("CONV_2D", [source, weights], output, "Conv2DOptions", padding=0, **window)
    with pytest.raises(UnsupportedModelError, match="scaled sum could overflow"):
        compile_model(model.finish(source, output))


def test_weights_that_many_layers_share_count_for_each(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from ei_toolkit.eon import kernels as layers
    from ei_toolkit.eon.compile import compile_model

    monkeypatch.setattr(layers, "MOST_CONSTANT_BYTES", 1000)
    model = tiny()
    source = output = model.tensor((1, 16), scale=0.1)
    weights = model.tensor((16, 16), scale=0.1, data=np.ones((16, 16)))
    for _ in range(4):
        output, before = model.tensor((1, 16), scale=0.1), output
        model.operator("FULLY_CONNECTED", [before, weights], output, "FullyConnectedOptions")
    with pytest.raises(DataError, match="weights take more"):
        compile_model(model.finish(source, output))


def test_a_concatenation_with_an_input_left_out_is_refused(tiny: Any) -> None:
    from ei_toolkit.eon.compile import compile_model

    model = tiny()
    source, output = model.tensor((1, 4), scale=0.1), model.tensor((1, 8), scale=0.1)
    model.operator("CONCATENATION", [source, -1, source], output, "ConcatenationOptions", axis=1)
    with pytest.raises(UnsupportedModelError, match="an input is missing"):
        compile_model(model.finish(source, output))


def test_an_unknown_operator_is_named(tiny: Any) -> None:
    from ei_toolkit.eon.compile import compile_model

    model = tiny()
    source, output = model.tensor((1, 4), scale=0.1), model.tensor((1, 4), scale=0.1)
    model.operator("CUMSUM", [source], output)
    with pytest.raises(UnsupportedModelError, match=r"operator 0 \(CUMSUM\) is not supported"):
        compile_model(model.finish(source, output))
