"""Further models for comparisons with the reference interpreter: layers in their general form, and uint8 networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from operator_cases import CASES, FIRST, OTHER_UNSIGNED, QUANT, SECOND, SHAPE, UNSIGNED, case, unary, words
from tiny_model import TYPES, TinyModel

__all__ = ["CASES", "MICRO"]

MICRO = frozenset({"SVDF with a state of 8 bits"})
"""Cases whose operators only TensorFlow Lite Micro has."""

WIDE: dict[str, Any] = {"scale": 0.0004}
WIDE_OUTPUT: dict[str, Any] = {"scale": 0.0007}
ASYMMETRIC: dict[str, Any] = {"scale": 0.02, "zero_point": 77}
DATA: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "int8": (FIRST, SECOND),
    "uint8": (UNSIGNED, OTHER_UNSIGNED),
    "int16": (WIDE, WIDE_OUTPUT),
    "float32": ({}, {}),
}
WEIGHTS = {"int8": "int8", "uint8": "uint8", "int16": "int8", "float32": "float32"}
CONV: dict[str, Any] = {"strideH": 2, "strideW": 1, "padding": 0, "dilationHFactor": 1, "dilationWFactor": 2}
PLAIN: dict[str, Any] = {"strideH": 1, "strideW": 1, "padding": 0, "dilationHFactor": 1, "dilationWFactor": 1}


def constants(
    model: TinyModel, dtype: str, shape: Sequence[int], channels: int, axis: int, bias: str | None
) -> list[int]:
    """Add random weights, and biases of the type `bias`; returns their tensors."""
    random = np.random.default_rng(len(model.tensors) + channels)
    if dtype == "float32":
        weights = model.tensor(shape, dtype, data=random.normal(0, 0.3, shape))
        return [weights, model.tensor((channels,), dtype, data=random.normal(0, 1, channels))]
    if dtype == "uint8":
        weights = model.tensor(shape, dtype, **ASYMMETRIC, data=random.integers(0, 256, shape))
    else:
        scales = [0.002 * (2 + i % 5) for i in range(channels)]
        weights = model.tensor(shape, "int8", scale=scales, axis=axis, data=random.integers(-127, 128, shape))
    if bias is None:
        return [weights]
    spread = 200 if bias == "int32" else 30_000
    return [weights, model.tensor((channels,), bias, scale=0.002, data=random.integers(-spread, spread, channels))]


def layer(kind: str, dtype: str, *, bias: str | None = "int32", activation: int = 0, **values: Any) -> bytes:
    """Return a model of one layer with weights."""
    model = TinyModel()
    first, second = DATA[dtype]
    values = {**(PLAIN if kind == "DEPTHWISE_CONV_2D" else CONV), **values, "fusedActivationFunction": activation}
    source = model.tensor((1, 6, 5, 4), dtype, **first)
    if kind == "FULLY_CONNECTED":
        tensors = constants(model, dtype, (7, 20), 7, 0, bias)
        output = model.tensor((6, 7), dtype, **second)
        options = {"quantizedBiasType": values.get("quantizedBiasType", 0), "fusedActivationFunction": activation}
        model.operator(kind, [source, *tensors], output, "FullyConnectedOptions", **options)
    elif kind == "DEPTHWISE_CONV_2D":
        tensors = constants(model, dtype, (1, 3, 2, 8), 8, 3, bias)
        output = model.tensor((1, 6, 5, 8), dtype, **second)
        model.operator(kind, [source, *tensors], output, "DepthwiseConv2DOptions", depthMultiplier=2, **values)
    elif kind == "TRANSPOSE_CONV":
        rows = 12 if values["padding"] == 0 else 13
        tensors = constants(model, dtype, (3, 3, 2, 4), 3, 0, bias)
        output = model.tensor((1, rows, 5 if values["padding"] == 0 else 6, 3), dtype, **second)
        shape = words(model, model.tensors[output].shape)
        options = {"padding": values["padding"], "strideH": 2, "strideW": 1, "fusedActivationFunction": activation}
        options["quantizedBiasType"] = values.get("quantizedBiasType", 0)
        inputs = [shape, tensors[0], source, *tensors[1:]]
        model.operator(kind, inputs, output, "TransposeConvOptions", **options)
    else:
        tensors = constants(model, dtype, (6, 3, 2, 4), 6, 0, bias)
        output = model.tensor((1, 3, 5, 6), dtype, **second)
        model.operator(kind, [source, *tensors], output, "Conv2DOptions", **values)
    return model.finish(source, output)


LAYERS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")
for _kind in LAYERS:
    CASES[f"{_kind}, uint8 with asymmetric weights"] = lambda k=_kind: layer(k, "uint8", activation=1)  # type: ignore[misc]
    CASES[f"{_kind}, int16"] = lambda k=_kind: layer(k, "int16", bias="int64", activation=1)  # type: ignore[misc]
    if _kind != "CONV_2D":  # the interpreter demands a bias
        CASES[f"{_kind}, int16 without bias"] = lambda k=_kind: layer(k, "int16", bias=None)  # type: ignore[misc]
for _dtype in ("int8", "float32"):
    for _padding in (0, 1):
        CASES[f"TRANSPOSE_CONV, {_dtype}, padding {_padding}"] = lambda d=_dtype, p=_padding: layer(  # type: ignore[misc]
            "TRANSPOSE_CONV", d, padding=p
        )


def grouped(dtype: str) -> bytes:
    """Return a convolution with two groups of channels."""
    model = TinyModel()
    first, second = DATA[dtype]
    source = model.tensor((1, 5, 4, 6), dtype, **first)
    tensors = constants(model, dtype, (4, 3, 3, 3), 4, 0, "int64" if dtype == "int16" else "int32")
    output = model.tensor((1, 5, 4, 4), dtype, **second)
    model.operator("CONV_2D", [source, *tensors], output, "Conv2DOptions", **PLAIN)
    return model.finish(source, output)


for _dtype in DATA:
    CASES[f"grouped convolution, {_dtype}"] = lambda d=_dtype: grouped(d)  # type: ignore[misc]


def pool(size: int, shape: Sequence[int], *, padding: int = 1) -> bytes:
    """Return a mean over uint8 values."""
    model = TinyModel()
    source, output = model.tensor((1, 6, 6, 3), "uint8", **UNSIGNED), model.tensor(shape, "uint8", **UNSIGNED)
    options = {"strideH": 1, "strideW": 1, "filterHeight": size, "filterWidth": size, "padding": padding}
    return model.finish(source, model.operator("AVERAGE_POOL_2D", [source], output, "Pool2DOptions", **options))


CASES["AVERAGE_POOL_2D, uint8"] = lambda: pool(2, (1, 6, 6, 3), padding=0)
CASES["AVERAGE_POOL_2D of all pixels, uint8"] = lambda: pool(6, (1, 1, 1, 3))
for _kind, _zero, _scale in (("LOGISTIC", 0, 1 / 256), ("TANH", 128, 1 / 128)):
    CASES[f"{_kind}, uint8"] = lambda k=_kind, z=_zero, s=_scale: unary(  # type: ignore[misc]
        k, (1, 256), (1, 256), dtype="uint8", quants=(UNSIGNED, {"scale": s, "zero_point": z})
    )


@case("split along an axis that is a scalar, uint8")
def _split() -> bytes:
    model = TinyModel()
    source = model.tensor(SHAPE, "uint8", **UNSIGNED)
    axis = model.tensor((), "int32", data=3)
    parts = [model.tensor((1, 6, 4, 2), "uint8", **UNSIGNED) for _ in range(2)]
    model.operator("SPLIT", [axis, source], parts[0], "SplitOptions", numSplits=2)
    model.operators[-1].outputs = parts
    output = model.tensor((2, 1, 6, 4, 2), "uint8", **UNSIGNED)
    return model.finish(source, model.operator("PACK", parts[::-1], output, "PackOptions", axis=0, valuesCount=2))


@case("pack of rows along the last axis")
def _pack() -> bytes:
    model = TinyModel()
    source = model.tensor((1, 6), **QUANT)
    other = model.operator("RELU", [source], model.tensor((1, 6), **QUANT))
    output = model.tensor((1, 6, 3), **QUANT)
    packed = model.operator("PACK", [source, other, source], output, "PackOptions", axis=-1, valuesCount=3)
    return model.finish(source, packed)


@case("difference from a scalar")
def _from_a_scalar() -> bytes:
    model = TinyModel()
    source, one = model.tensor((1, 6), "float32"), model.tensor((), "float32", data=1.0)
    output = model.tensor((1, 6), "float32")
    return model.finish(source, model.operator("SUB", [one, source], output, "SubOptions"))


@case("maximum as a scalar")
def _to_a_scalar() -> bytes:
    return unary("REDUCE_MAX", SHAPE, (), ([0, 1, 2, 3],), "ReducerOptions")


TIES = {  # sums that the products of the scales in float32 and in float64 round to different numbers
    "FULLY_CONNECTED": [18510881, 21472622, 24434363, 27396104, 30357845, 33319586, 36281327, 39243068],
    "CONV_2D": [86630923, 89592664, 92554405, 95516146, 98477887, 101439628, 104401369, 107363110],
}


def ties(kind: str, dtype: str) -> bytes:
    """Return a layer whose sums are its biases, each next to the middle between two numbers."""
    model, zero = TinyModel(), 128 if dtype == "uint8" else 0
    scales = (0.0017708424711599946, 0.003131294623017311, 8.211470603942871)
    sums = TIES.get(kind, TIES["CONV_2D"])
    dense = kind == "FULLY_CONNECTED"
    source = model.tensor((1, 1) if dense else (1, 1, 1, 1), dtype, scale=scales[0], zero_point=zero)
    shape = (8, 1) if dense else (1, 1, 1, 8) if kind == "DEPTHWISE_CONV_2D" else (8, 1, 1, 1)
    weights = model.tensor(shape, dtype, scale=scales[1], zero_point=zero, data=np.full(shape, zero))
    bias = model.tensor((8,), "int32", scale=scales[0] * scales[1], data=sums)
    output = model.tensor((1, 8) if dense else (1, 1, 1, 8), dtype, scale=scales[2], zero_point=zero)
    if dense:
        model.operator(kind, [source, weights, bias], output, "FullyConnectedOptions")
    elif kind == "DEPTHWISE_CONV_2D":
        model.operator(kind, [source, weights, bias], output, "DepthwiseConv2DOptions", depthMultiplier=8, **PLAIN)
    elif kind == "TRANSPOSE_CONV":
        options = {"strideH": 1, "strideW": 1}
        inputs = [words(model, (1, 1, 1, 8)), weights, source, bias]
        model.operator(kind, inputs, output, "TransposeConvOptions", **options)
    else:
        model.operator(kind, [source, weights, bias], output, "Conv2DOptions", **PLAIN)
    return model.finish(source, output)


for _kind in LAYERS:
    for _dtype in ("int8", "uint8"):
        CASES[f"{_kind}, {_dtype}, between two numbers"] = lambda k=_kind, d=_dtype: ties(k, d)  # type: ignore[misc]


for _kind in ("ARG_MAX", "ARG_MIN"):
    for _dtype, _axis, _out in (("int8", 3, (1, 6, 4)), ("uint8", 1, (1, 4, 4)), ("float32", -2, (1, 6, 4))):
        CASES[f"{_kind}, {_dtype}"] = lambda k=_kind, d=_dtype, a=_axis, o=_out: extreme(k, d, a, o)  # type: ignore[misc]


def binary(kind: str, scales: tuple[float, float, float]) -> bytes:
    """Return an operator on the input and an int16 constant."""
    model, shape = TinyModel(), (1, 1, 4, 4)
    source = model.tensor(SHAPE, "int16", scale=scales[0])
    data = np.random.default_rng(16).integers(-32768, 32768, shape)
    other = model.tensor(shape, "int16", scale=scales[1], data=data)
    output = model.tensor(SHAPE, "int16", scale=scales[2])
    return model.finish(source, model.operator(kind, [source, other], output, f"{kind.capitalize()}Options"))


for _kind in ("ADD", "SUB", "MUL"):
    for _scales in ((0.0004, 0.0007, 0.0009), (0.001, 0.0002, 0.0005)):
        _scaled = (*_scales[:2], 0.015) if _kind == "MUL" else _scales
        CASES[f"{_kind}, int16, {_scaled}"] = lambda k=_kind, s=_scaled: binary(k, s)  # type: ignore[misc]
for _kind, _options in (("RELU", None), ("RELU6", None), ("LEAKY_RELU", "LeakyReluOptions")):
    CASES[f"{_kind}, int16"] = lambda k=_kind, o=_options: unary(  # type: ignore[misc]
        k, SHAPE, SHAPE, (), o, dtype="int16", quants=(WIDE, WIDE_OUTPUT), **({"alpha": 0.13} if o else {})
    )
for _name in ("MAX_POOL_2D", "AVERAGE_POOL_2D"):
    CASES[f"{_name}, int16"] = lambda k=_name: unary(  # type: ignore[misc]
        k, SHAPE, SHAPE, (), "Pool2DOptions", dtype="int16", quants=(WIDE, WIDE),
        strideH=1, strideW=1, filterHeight=3, filterWidth=2, padding=0,
    )  # fmt: skip
POSITIVE: dict[str, Any] = {"scale": 0.11, "zero_point": -128}
for _number, _scale in enumerate((0.03, 0.1, 0.007)):
    for _kind in ("RSQRT", "SQRT"):
        CASES[f"{_kind}, int8, {_number}"] = lambda k=_kind, s=_scale: unary(  # type: ignore[misc]
            k, (1, 256), (1, 256), quants=(POSITIVE, {"scale": s, "zero_point": -50})
        )
CASES["LOG, int8"] = lambda: unary("LOG", (1, 256), (1, 256), quants=(FIRST, {"scale": 0.03, "zero_point": 20}))


@case("float, int16, int8 and int16 again")
def _conversions() -> bytes:
    model = TinyModel()
    source, wide = model.tensor((1, 40), "float32"), model.tensor((1, 40), "int16", **WIDE)
    model.operator("QUANTIZE", [source], wide, "QuantizeOptions")
    other = model.operator("QUANTIZE", [wide], model.tensor((1, 40), "int16", **WIDE_OUTPUT), "QuantizeOptions")
    byte = model.operator("QUANTIZE", [other], model.tensor((1, 40), **FIRST), "QuantizeOptions")
    further = model.operator("DEQUANTIZE", [other], model.tensor((1, 40), "float32"), "DequantizeOptions")
    last = model.operator("DEQUANTIZE", [byte], model.tensor((1, 40), "float32"), "DequantizeOptions")
    output = model.operator("SUB", [further, last], model.tensor((1, 40), "float32"), "SubOptions")
    return model.finish(source, output)


def extreme(kind: str, dtype: str, axis: int, out: Sequence[int]) -> bytes:
    """Return the positions of the largest or smallest elements, as float, which all programs can write."""
    model = TinyModel()
    source, found = model.tensor(SHAPE, dtype, **DATA[dtype][0]), model.tensor(out, "int32")
    options = "ArgMaxOptions" if kind == "ARG_MAX" else "ArgMinOptions"
    model.operator(kind, [source, words(model, axis)], found, options, outputType=2)
    return model.finish(source, model.operator("CAST", [found], model.tensor(out, "float32"), "CastOptions"))


@case("table of an embedding")
def _embedding() -> bytes:
    model = TinyModel()
    source = model.tensor((1, 5), "float32")
    positive = model.operator("ABS", [source], model.tensor((1, 5), "float32"))
    limited = model.tensor((1, 5), "float32")
    model.operator("MINIMUM", [positive, model.tensor((1,), "float32", data=[6.5])], limited, "MaximumMinimumOptions")
    indices = model.operator("CAST", [limited], model.tensor((1, 5), "int32"), "CastOptions")
    table = model.tensor((7, 3), **QUANT, data=np.arange(21).reshape(7, 3))
    output = model.tensor((1, 5, 3), **QUANT)
    return model.finish(source, model.operator("GATHER", [table, indices], output, "GatherOptions", axis=0))


@case("gather of rows with int64 indices")
def _rows() -> bytes:
    model = TinyModel()
    source, output = model.tensor(SHAPE, **QUANT), model.tensor((1, 2, 4, 4), **QUANT)
    inputs = [source, model.tensor((2,), "int64", data=[5, 1])]
    return model.finish(source, model.operator("GATHER", inputs, output, "GatherOptions", axis=1))


@case("gather of columns, int16")
def _columns() -> bytes:
    model = TinyModel()
    source, output = model.tensor(SHAPE, "int16", **WIDE), model.tensor((1, 6, 3, 4), "int16", **WIDE)
    inputs = [source, words(model, [3, 0, 2])]
    return model.finish(source, model.operator("GATHER", inputs, output, "GatherOptions", axis=2))


def resized(dtype: str, size: tuple[int, int], **values: bool) -> bytes:
    """Return a RESIZE_BILINEAR."""
    quant = DATA[dtype][0]
    return unary(
        "RESIZE_BILINEAR", SHAPE, (1, *size, 4), (size,), "ResizeBilinearOptions", dtype=dtype, quants=(quant, quant),
        **values,
    )  # fmt: skip


for _dtype in ("int8", "uint8", "int16", "float32"):
    for _size in ((13, 9), (3, 2), (12, 12)):
        for _values in ({}, {"alignCorners": True}, {"halfPixelCenters": True}):
            CASES[f"resize to {_size}, {_dtype}, {_values}"] = lambda d=_dtype, s=_size, v=_values: resized(d, s, **v)  # type: ignore[misc]


def product(
    dtype: str, a: Sequence[int], b: Sequence[int], out: Sequence[int], *, fixed: bool, **values: bool
) -> bytes:
    """Return a BATCH_MATMUL of the input, or a function of it, and a constant or the input."""
    model, quants = TinyModel(), {"int8": (FIRST, {"scale": 0.9, "zero_point": 3}), "float32": ({}, {})}[dtype]
    source = model.tensor(a, dtype, **quants[0])
    if fixed:
        other = model.tensor(b, dtype, **quants[0], data=np.random.default_rng(8).integers(-100, 100, b))
    else:
        shape = words(model, b)
        other = model.operator(
            "RESHAPE", [source, shape], model.tensor(b, dtype, **quants[0]), "ReshapeOptions", newShape=list(b)
        )
    output = model.tensor(out, dtype, **quants[1])
    return model.finish(source, model.operator("BATCH_MATMUL", [source, other], output, "BatchMatMulOptions", **values))


for _dtype in ("int8", "float32"):
    CASES[f"product with a constant, {_dtype}"] = lambda d=_dtype: product(d, (2, 3, 4), (4, 5), (2, 3, 5), fixed=True)  # type: ignore[misc]
    CASES[f"product with itself, {_dtype}"] = lambda d=_dtype: product(  # type: ignore[misc]
        d, (1, 2, 6, 4), (1, 2, 6, 4), (1, 2, 6, 6), fixed=False, adjY=True
    )
    CASES[f"product of transposed matrices, {_dtype}"] = lambda d=_dtype: product(  # type: ignore[misc]
        d, (2, 1, 4, 3), (1, 3, 5, 4), (2, 3, 3, 5), fixed=True, adjX=True, adjY=True
    )


def svdf(dtype: str, *, rank: int = 2, bias: bool = True, largest: int = 9000, state_type: str = "int16") -> bytes:
    """Return an SVDF with three units over the last four of five inputs."""
    model, random, filters = TinyModel(), np.random.default_rng(14), 3 * rank
    narrow = state_type == "int8"
    whole = dtype == "int8"
    source = model.tensor((1, 5), dtype, **DATA[dtype][0])
    draw = random.integers if whole else random.normal
    limits = (-127, 128) if whole else (0, 0.3)
    features = model.tensor((filters, 5), dtype, scale=0.01 if whole else None, data=draw(*limits, (filters, 5)))
    limits = (-largest, largest) if whole else (0, 0.3)
    times = model.tensor(
        (filters, 4), state_type if whole else dtype, scale=0.0001 if whole else None, data=draw(*limits, (filters, 4))
    )
    bias_scale = 0.0001 * 0.3 if narrow else 0.00001
    biases = model.tensor((3,), "int32" if whole else dtype, scale=bias_scale if whole else None, data=draw(*limits, 3))
    quant = {"scale": 0.3, "zero_point": 21} if narrow else {"scale": 0.001 if whole else None}
    state = model.tensor((1, 4 * filters), state_type if whole else dtype, variable=True, **quant)
    output = model.tensor((1, 3), dtype, **DATA[dtype][1])
    inputs = [source, features, times, biases if bias else -1, state]
    return model.finish(
        source, model.operator("SVDF", inputs, output, "SVDFOptions", rank=rank, fusedActivationFunction=1)
    )


for _dtype in ("int8", "float32"):
    CASES[f"SVDF, {_dtype}"] = lambda d=_dtype: svdf(d)  # type: ignore[misc]
    CASES[f"SVDF of rank 1 without bias, {_dtype}"] = lambda d=_dtype: svdf(d, rank=1, bias=False)  # type: ignore[misc]


CASES["SVDF with sums beyond 32 bits"] = lambda: svdf("int8", largest=32768)
CASES["SVDF with a state of 8 bits"] = lambda: svdf("int8", largest=127, state_type="int8")


def log_softmax(scale: float, classes: int) -> bytes:
    """Return a LOG_SOFTMAX of four rows of int8 values."""
    quants = {"scale": scale, "zero_point": 5}, {"scale": 1 / 16, "zero_point": 127}
    return unary("LOG_SOFTMAX", (4, classes), (4, classes), (), "LogSoftmaxOptions", quants=quants)


for _scale, _classes in ((0.1, 5), (0.9, 2), (0.003, 40), (0.03, 1000), (4.0, 3)):
    CASES[f"LOG_SOFTMAX, {_classes} classes"] = lambda s=_scale, c=_classes: log_softmax(s, c)  # type: ignore[misc]


def wide_softmax(scale: float, classes: int, *, doubled: bool = False) -> bytes:
    """Return a SOFTMAX from int8 to int16, with `doubled` at half its scale as int32."""
    model = TinyModel()
    source = model.tensor((3, classes), scale=scale, zero_point=5)
    output = model.tensor((3, classes), "int16", scale=1 / 65536, zero_point=-32768)
    model.operator("SOFTMAX", [source], output, "SoftmaxOptions", beta=1.0)
    if doubled:
        output = model.operator("QUANTIZE", [output], model.tensor((3, classes), "int32", scale=2 / 65536))
    return model.finish(source, output)


for _scale, _classes in ((0.1, 5), (0.07, 2), (0.003, 600)):
    CASES[f"SOFTMAX to int16, {_classes} classes"] = lambda s=_scale, c=_classes: wide_softmax(s, c)  # type: ignore[misc]
CASES["SOFTMAX to int16, then int32"] = lambda: wide_softmax(0.07, 4, doubled=True)


@case("from int32 to int16")
def _from_int32() -> bytes:
    model = TinyModel()
    source, output = model.tensor((1, 40), "int32", scale=1e-6), model.tensor((1, 40), "int16", scale=0.07)
    return model.finish(source, model.operator("QUANTIZE", [source], output))


for _kind in ("CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"):
    CASES[f"{_kind}, int16 with a bias of 32 bits"] = lambda k=_kind: layer(  # type: ignore[misc]
        k, "int16", activation=1, quantizedBiasType=TYPES["int32"]
    )


def dilated(dtype: str, kind: str, crops: Sequence[Sequence[int]] = ((0, 0), (0, 0))) -> bytes:
    """Return a dilated convolution as converters write it: in blocks of 2 x 3."""
    model = TinyModel()
    first, second = DATA[dtype]
    source, apart = model.tensor((1, 7, 6, 4), dtype, **first), model.tensor((6, 5, 4, 4), dtype, **first)
    blocks, pads = words(model, (2, 3)), words(model, ((1, 2), (3, 3)))
    model.operator("SPACE_TO_BATCH_ND", [source, blocks, pads], apart, "SpaceToBatchNDOptions")
    depthwise = kind == "DEPTHWISE_CONV_2D"
    bias = "int64" if dtype == "int16" else "int32"
    tensors = constants(model, dtype, (1, 3, 2, 4) if depthwise else (4, 3, 2, 4), 4, 3 if depthwise else 0, bias)
    convolved = model.tensor((6, 3, 3, 4), dtype, **second)
    options = {**PLAIN, "padding": 1} | ({"depthMultiplier": 1} if depthwise else {})
    name = "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions"
    model.operator(kind, [apart, *tensors], convolved, name, **options)
    rows, cols = (n - sum(pair) for n, pair in zip((6, 9), crops, strict=True))
    output = model.tensor((1, rows, cols, 4), dtype, **second)
    inputs = [convolved, blocks, words(model, crops)]
    return model.finish(source, model.operator("BATCH_TO_SPACE_ND", inputs, output, "BatchToSpaceNDOptions"))


for _dtype in ("int8", "uint8", "float32"):
    for _kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        CASES[f"dilated {_kind}, {_dtype}"] = lambda d=_dtype, k=_kind: dilated(d, k)  # type: ignore[misc]
CASES["dilated CONV_2D with crops"] = lambda: dilated("int8", "CONV_2D", ((1, 0), (2, 1)))


def two_unsigned(kind: str, options: str | None, *, same: bool) -> bytes:
    """Return an operator on a uint8 input and a constant."""
    model, quants = TinyModel(), (UNSIGNED, UNSIGNED if same else ASYMMETRIC, UNSIGNED if same else OTHER_UNSIGNED)
    source = model.tensor(SHAPE, "uint8", **quants[0])
    data = np.random.default_rng(17).integers(0, 256, (1, 1, 1, 4))
    other = model.tensor((1, 1, 1, 4), "uint8", **quants[1], data=data)
    output = model.tensor(SHAPE, "uint8", **quants[2])
    return model.finish(source, model.operator(kind, [source, other], output, options))


for _kind, _options in (("SUB", "SubOptions"), ("PRELU", None)):
    CASES[f"{_kind}, uint8"] = lambda k=_kind, o=_options: two_unsigned(k, o, same=False)  # type: ignore[misc]
for _kind in ("MAXIMUM", "MINIMUM"):
    CASES[f"{_kind}, uint8"] = lambda k=_kind: two_unsigned(k, "MaximumMinimumOptions", same=True)  # type: ignore[misc]
for _kind, _options in (("LEAKY_RELU", "LeakyReluOptions"), ("HARD_SWISH", None), ("RELU_N1_TO_1", None)):
    CASES[f"{_kind}, uint8"] = lambda k=_kind, o=_options: unary(  # type: ignore[misc]
        k, (1, 256), (1, 256), (), o, dtype="uint8", quants=(UNSIGNED, OTHER_UNSIGNED), **({"alpha": 0.13} if o else {})
    )
for _kind in ("MEAN", "REDUCE_MAX", "REDUCE_MIN"):
    CASES[f"{_kind}, uint8"] = lambda k=_kind: unary(  # type: ignore[misc]
        k, SHAPE, (1, 6, 4), ([-1],), "ReducerOptions", dtype="uint8",
        quants=(UNSIGNED, OTHER_UNSIGNED if k == "MEAN" else UNSIGNED),
    )  # fmt: skip


OF_TABLES: dict[str, Any] = {"scale": 1 / 32768}
for _scale in (0.0003, 0.0001, 2.0**-12, 2.0**-11):
    for _kind in ("LOGISTIC", "TANH"):
        CASES[f"{_kind}, int16, {_scale}"] = lambda k=_kind, s=_scale: unary(  # type: ignore[misc]
            k, (1, 512), (1, 512), dtype="int16", quants=({"scale": s}, OF_TABLES)
        )
    for _shape in ((1, 3), (8, 40)):
        CASES[f"SOFTMAX of {_shape}, int16, {_scale}"] = lambda h=_shape, s=_scale: unary(  # type: ignore[misc]
            "SOFTMAX", h, h, (), "SoftmaxOptions", dtype="int16", quants=({"scale": s}, OF_TABLES), beta=1.0
        )
for _axes, _out in (([1, 2], (1, 4)), ([-1], (1, 6, 4)), ([1], (1, 4, 4))):
    CASES[f"MEAN over {_axes}, int16"] = lambda a=_axes, o=_out: unary(  # type: ignore[misc]
        "MEAN", SHAPE, o, (a,), "ReducerOptions", dtype="int16", quants=(WIDE, WIDE_OUTPUT)
    )


@case("network of int16")
def _network() -> bytes:
    """A convolution, a mean over rows and columns, a dense layer and a softmax."""
    model = TinyModel()
    source = model.tensor((1, 8, 6, 2), "int16", **WIDE)
    convolved = model.tensor((1, 8, 6, 4), "int16", **WIDE_OUTPUT)
    tensors = constants(model, "int16", (4, 3, 3, 2), 4, 0, "int64")
    model.operator("CONV_2D", [source, *tensors], convolved, "Conv2DOptions", **PLAIN, fusedActivationFunction=1)
    mean = model.tensor((1, 4), "int16", **WIDE_OUTPUT)
    model.operator("MEAN", [convolved, words(model, [1, 2])], mean, "ReducerOptions")
    dense = constants(model, "int16", (3, 4), 3, 0, "int64")
    scores = model.tensor((1, 3), "int16", **WIDE)
    model.operator("FULLY_CONNECTED", [mean, *dense], scores, "FullyConnectedOptions")
    output = model.tensor((1, 3), "int16", **OF_TABLES)
    return model.finish(source, model.operator("SOFTMAX", [scores], output, "SoftmaxOptions", beta=1.0))


def column(
    shape: tuple[int, int, int],
    kernel: tuple[int, int],
    *,
    same: bool,
    activation: int,
    zero_point: int,
    spread: float = 1.0,
) -> bytes:
    """Return a depthwise convolution on data of rows, columns and channels.

    The scales of its channels go from 0.01 to 0.01 times `spread`.
    """
    model, random = TinyModel(), np.random.default_rng(shape[0] + kernel[0])
    channels, weights_shape = shape[2], (1, *kernel, shape[2])
    scales = np.geomspace(0.01, 0.01 * spread, channels).tolist()
    source = model.tensor((1, *shape), scale=0.05, zero_point=3)
    weights = model.tensor(weights_shape, scale=scales, axis=3, data=random.integers(-127, 128, weights_shape))
    bias = model.tensor((channels,), "int32", data=random.integers(-3000, 3000, channels))
    sizes = shape[:2] if same else tuple(n - k + 1 for n, k in zip(shape[:2], kernel, strict=True))
    output = model.tensor((1, *sizes, channels), scale=0.1, zero_point=zero_point)
    options = {**PLAIN, "padding": 0 if same else 1, "depthMultiplier": 1, "fusedActivationFunction": activation}
    model.operator("DEPTHWISE_CONV_2D", [source, weights, bias], output, "DepthwiseConv2DOptions", **options)
    return model.finish(source, output)


COLUMNS: dict[str, dict[str, Any]] = {
    "3 x 1 with ReLU": {"shape": (30, 1, 8), "kernel": (3, 1), "same": False, "activation": 1, "zero_point": -128},
    "2 x 1 on two rows": {"shape": (3, 1, 5), "kernel": (2, 1), "same": False, "activation": 0, "zero_point": 4},
    "4 x 1 with padding": {"shape": (9, 3, 5), "kernel": (4, 1), "same": True, "activation": 0, "zero_point": -7},
    "1 x 5 with ReLU6": {"shape": (1, 19, 6), "kernel": (1, 5), "same": True, "activation": 3, "zero_point": -60},
    "5 x 1 to one row": {"shape": (5, 1, 12), "kernel": (5, 1), "same": False, "activation": 0, "zero_point": 7},
    "2 x 3 to one row": {"shape": (2, 7, 8), "kernel": (2, 3), "same": False, "activation": 1, "zero_point": -128},
    "10 x 1 with different shifts": {
        "shape": (24, 1, 7), "kernel": (10, 1), "same": False, "activation": 1, "zero_point": -128, "spread": 0.001,
    },
    "29 x 1 with different shifts": {
        "shape": (31, 2, 4), "kernel": (29, 1), "same": False, "activation": 0, "zero_point": 0, "spread": 0.001,
    },
}  # fmt: skip
for _name, _values in COLUMNS.items():
    CASES[f"depthwise convolution, {_name}"] = lambda v=_values: column(**v)  # type: ignore[misc]


def one_pixel(shape: tuple[int, int, int], filters: int, *, activation: int, zero_point: int) -> bytes:
    """Return a convolution whose kernel is as large as its data of rows, columns and channels."""
    model, random, weights_shape = TinyModel(), np.random.default_rng(filters), (filters, *shape)
    scales = [0.004 * (1 + i % 5) for i in range(filters)]
    source = model.tensor((1, *shape), scale=0.05, zero_point=3)
    weights = model.tensor(weights_shape, scale=scales, axis=0, data=random.integers(-127, 128, weights_shape))
    bias = model.tensor((filters,), "int32", data=random.integers(-3000, 3000, filters))
    output = model.tensor((1, 1, 1, filters), scale=0.5, zero_point=zero_point)
    options = {**PLAIN, "padding": 1, "fusedActivationFunction": activation}
    model.operator("CONV_2D", [source, weights, bias], output, "Conv2DOptions", **options)
    return model.finish(source, output)


CASES["convolution of one pixel, 1 x 1"] = lambda: one_pixel((1, 1, 60), 7, activation=1, zero_point=-128)
CASES["convolution of one pixel, 3 x 2"] = lambda: one_pixel((3, 2, 9), 5, activation=0, zero_point=-9)


def choice(kind: str, dtype: str, *, broadcast: bool = False, version: str = "SELECT_V2") -> bytes:
    """Return the input where it compares with a constant, else its maximum with 0."""
    model, random = TinyModel(), np.random.default_rng(15)
    whole, shape = dtype == "int8", (1, 1, 4) if broadcast else SHAPE
    first, second = (FIRST, SECOND) if whole else ({}, {})
    values = random.integers(-128, 128, shape) if whole else random.normal(0, 2, shape)
    source, bound = model.tensor(SHAPE, dtype, **first), model.tensor(shape, dtype, **second, data=values)
    condition = model.operator(kind, [source, bound], model.tensor(SHAPE, "bool"))
    other = model.operator("RELU", [source], model.tensor(SHAPE, dtype, **first))
    fixed = model.tensor((1,), dtype, **first, data=[77])
    inputs = [condition, fixed if broadcast else source, other]
    return model.finish(source, model.operator(version, inputs, model.tensor(SHAPE, dtype, **first)))


for _kind in ("LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL", "EQUAL", "NOT_EQUAL"):
    for _dtype in ("int8", "float32"):
        CASES[f"choice where {_kind}, {_dtype}"] = lambda k=_kind, d=_dtype: choice(k, d, broadcast=True)  # type: ignore[misc]
CASES["choice of one shape"] = lambda: choice("GREATER", "int8", version="SELECT")


@case("sum of five dimensions")
def _five_dimensions() -> bytes:
    model, shape = TinyModel(), (1, 2, 3, 2, 2)
    source, output = model.tensor(shape, **FIRST), model.tensor(shape, **SECOND)
    other = model.tensor((1, 1, 1, 2, 1), **QUANT, data=np.reshape([50, -90], (1, 1, 1, 2, 1)))
    return model.finish(source, model.operator("ADD", [source, other], output, "AddOptions"))


STEPS = 5


def loop(dtype: str, *, whole: bool = True, condition: str = "counter", limit: int = STEPS, kind: str = "ADD") -> bytes:
    """Return a recurrent layer as converters write it: each step adds a row of the input to the state.

    The output is the sequence of the states if `whole`, else the last state. The condition compares the counter with
    `limit`, or a value of the input with it.
    """
    model, quant = TinyModel(), QUANT if dtype == "int8" else {}
    shapes: list[tuple[int, ...]] = [(), (STEPS, 1, 4), (1, 4), (STEPS, 1, 4)]
    types, quants = ["int32", dtype, dtype, dtype], [{}, quant, quant, quant]

    def ends(graph: TinyModel) -> list[int]:
        return [graph.tensor(s, t, **q) for s, t, q in zip(shapes, types, quants, strict=True)]

    test = model.subgraph()
    values = ends(test)
    compared = values[0]
    if condition == "data":
        compared = test.operator("CAST", [values[2]], test.tensor((1, 4), "int32"), "CastOptions")
    bound = words(test, np.full(test.tensors[compared].shape, limit))
    test_index = model.add(test, values, [test.operator("LESS", [compared, bound], test.tensor((), "bool"))])

    body = model.subgraph()
    counter, sequence, state, rows = ends(body)
    following = body.operator("ADD", [counter, words(body, 1)], body.tensor((), "int32"), "AddOptions")
    row = body.operator("GATHER", [rows, counter], body.tensor((1, 4), dtype, **quant), "GatherOptions")
    total = body.tensor((1, 4), dtype, **quant)
    body.operator(kind, [row, state][: 2 if kind == "ADD" else 1], total, "AddOptions" if kind == "ADD" else None)
    at, behind = (
        body.operator("RESHAPE", [t, words(body, [1])], body.tensor((1,), "int32"), "ReshapeOptions", newShape=[1])
        for t in (counter, following)
    )
    size, begin = (
        body.operator("CONCATENATION", [t, words(body, rest)], body.tensor((3,), "int32"), "ConcatenationOptions")
        for t, rest in ((at, [1, 4]), (behind, [0, 0]))
    )
    part = {"shape": (1, 1, 4), "dtype": dtype, **quant}
    before = body.operator("SLICE", [sequence, words(body, [0, 0, 0]), size], body.tensor(**part))
    after = body.operator("SLICE", [sequence, begin, words(body, [-1, -1, -1])], body.tensor(**part))
    for part_of_sequence in (before, after):
        body.tensors[part_of_sequence].shapeSignature = [-1, 1, 4]
    new = body.operator(
        "RESHAPE", [total, words(body, [1, 1, 4])], body.tensor(**part), "ReshapeOptions", newShape=[1, 1, 4]
    )
    joined = body.tensor((STEPS, 1, 4), dtype, **quant)
    body.operator("CONCATENATION", [before, new, after], joined, "ConcatenationOptions", axis=0)
    body_index = model.add(body, [counter, sequence, state, rows], [following, joined, total, rows])

    source = model.tensor((STEPS, 1, 4), dtype, **quant)
    first = [
        words(model, 0),
        model.tensor((STEPS, 1, 4), dtype, **quant, data=np.full((STEPS, 1, 4), 3)),
        model.tensor((1, 4), dtype, **quant, data=[[1, -5, 7, 2]]),
        source,
    ]
    last = ends(model)
    model.operator("WHILE", first, last[0], "WhileOptions", condSubgraphIndex=test_index, bodySubgraphIndex=body_index)
    model.operators[-1].outputs = last
    shape = (STEPS, 1, 4) if whole else (1, 4)
    found = model.tensor(shape, dtype, **({"scale": 0.3, "zero_point": 4} if dtype == "int8" else {}))
    return model.finish(source, model.operator("RELU", [last[1 if whole else 2]], found))


for _dtype in ("int8", "float32"):
    for _whole in (True, False):
        CASES[f"loop, {_dtype}, whole sequence: {_whole}"] = lambda d=_dtype, w=_whole: loop(d, whole=w)  # type: ignore[misc]
CASES["loop of fewer steps than rows"] = lambda: loop("int8", limit=3)
