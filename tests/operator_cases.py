"""Models of one or a few operators, by name, for comparisons with the reference interpreter in one program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from tiny_model import TinyModel

Case = Callable[[], bytes]
CASES: dict[str, Case] = {}
SHAPE = (1, 6, 4, 4)
QUANT: dict[str, Any] = {"scale": 0.1, "zero_point": -7}
FIRST, SECOND = {"scale": 0.11, "zero_point": 9}, {"scale": 0.07, "zero_point": -30}


def case(name: str) -> Callable[[Case], Case]:
    """Register a builder of a model."""

    def register(build: Case) -> Case:
        CASES[name] = build
        return build

    return register


def words(model: TinyModel, values: Any) -> int:
    """Add an int32 constant."""
    return model.tensor(np.shape(values), "int32", data=values)


def unary(
    kind: str, shape: Sequence[int], out: Sequence[int], constants: Sequence[Any] = (), options: str | None = None,
    *, dtype: str = "int8", quants: Sequence[dict[str, Any]] = (QUANT, QUANT), data_at: int = 0, **values: Any,
) -> bytes:  # fmt: skip
    """Return a model of one operator with one data input and int32 constants."""
    model = TinyModel()
    first, second = quants if dtype != "float32" else ({}, {})
    source = model.tensor(shape, dtype, **first)
    inputs = [words(model, c) for c in constants]
    inputs.insert(data_at, source)
    output = model.operator(kind, inputs, model.tensor(out, dtype, **second), options, **values)
    return model.finish(source, output)


MOVES: dict[str, tuple[Any, ...]] = {
    "strided slice of rows": ("STRIDED_SLICE", (1, 2, 4, 4), ([0, 1, 0, 0], [1, 5, 4, 4], [1, 3, 1, 1]), {}),
    "strided slice backwards": ("STRIDED_SLICE", (1, 3, 4, 4), ([0, -1, 0, 0], [1, 0, 4, 4], [1, -2, 1, 1]), {}),
    "strided slice with masks": (
        "STRIDED_SLICE", (6, 4, 1, 2), ([0, 0, 0, 3], [0, 0, 1, 1], [1, 1, 1, -1]),
        {"ellipsisMask": 2, "newAxisMask": 4, "shrinkAxisMask": 1, "beginMask": 8},
    ),
    "strided slice by an offset": (
        "STRIDED_SLICE", (1, 2, 4, 4), ([0, 1, 0, 0], [1, 2, 4, 4], [1] * 4), {"offset": True},
    ),
    "strided slice of one row with a begin mask": (
        "STRIDED_SLICE", (1, 4, 4), ([0, 2, 0, 0], [1, 3, 4, 4], [1] * 4), {"beginMask": 2, "shrinkAxisMask": 2},
    ),
    "slice": ("SLICE", (1, 3, 2, 4), ([0, 2, 1, 0], [1, 3, 2, -1]), None),
    "transpose of rows and columns": ("TRANSPOSE", (1, 4, 6, 4), ([0, 2, 1, 3],), None),
    "transpose to channels first": ("TRANSPOSE", (1, 4, 6, 4), ([0, 3, 1, 2],), None),
    "reverse": ("REVERSE_V2", SHAPE, ([1],), None),
    "depth to space": ("DEPTH_TO_SPACE", (1, 12, 8, 1), (), {"blockSize": 2}),
    "space to depth": ("SPACE_TO_DEPTH", (1, 3, 2, 16), (), {"blockSize": 2}),
    "tile": ("TILE", (1, 12, 4, 12), ([1, 2, 1, 3],), None),
    "broadcast": ("BROADCAST_TO", (3, 6, 4, 4), ([3, 6, 4, 4],), None),
    "resize to nearest": ("RESIZE_NEAREST_NEIGHBOR", (1, 12, 12, 4), ([12, 12],), {}),
    "resize to nearest pixel centre": (
        "RESIZE_NEAREST_NEIGHBOR", (1, 12, 4, 4), ([12, 4],), {"halfPixelCenters": True},
    ),
}  # fmt: skip
OPTIONS = {
    "STRIDED_SLICE": "StridedSliceOptions",
    "DEPTH_TO_SPACE": "DepthToSpaceOptions",
    "SPACE_TO_DEPTH": "SpaceToDepthOptions",
    "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighborOptions",
}


def _move(name: str, dtype: str) -> bytes:
    kind, out, constants, values = MOVES[name]
    return unary(kind, SHAPE, out, constants, OPTIONS.get(kind), dtype=dtype, **(values or {}))


CASES |= {name: lambda name=name: _move(name, "int8") for name in MOVES}  # type: ignore[misc]
CASES |= {f"{name}, float": lambda name=name: _move(name, "float32") for name in MOVES if "backwards" in name}  # type: ignore[misc]


def parts(kind: str, shapes: Sequence[Sequence[int]], constants: Sequence[Any], data_at: int, **values: Any) -> bytes:
    """Split the input, add a constant to each part, and join the parts in reverse order."""
    model = TinyModel()
    source = model.tensor(SHAPE, **QUANT)
    inputs = [words(model, c) for c in constants]
    inputs.insert(data_at, source)
    made = [model.tensor(shape, **QUANT) for shape in shapes]
    options = {"SPLIT": "SplitOptions", "SPLIT_V": "SplitVOptions", "UNPACK": "UnpackOptions"}[kind]
    model.operator(kind, inputs, made[0], options, **values)
    model.operators[-1].outputs = made
    raised = []
    for i, part in enumerate(made):
        other = model.tensor((1,), scale=0.2, data=[10 * i])
        raised.append(model.operator("ADD", [part, other], model.tensor(shapes[i], **QUANT), "AddOptions"))
    total = list(shapes[0])
    total[-1] = sum(shape[-1] for shape in shapes)
    output = model.tensor(total, **QUANT)
    model.operator("CONCATENATION", raised[::-1], output, "ConcatenationOptions", axis=len(total) - 1)
    return model.finish(source, output)


@case("split")
def _split() -> bytes:
    return parts("SPLIT", [(1, 6, 4, 2)] * 2, [[3]], 1, numSplits=2)


@case("split in sizes")
def _split_v() -> bytes:
    return parts("SPLIT_V", [(1, 6, 4, 1), (1, 6, 4, 3)], [[1, -1], [3]], 0, numSplits=2)


@case("unpack")
def _unpack() -> bytes:
    return parts("UNPACK", [(1, 4, 4)] * 6, [], 0, axis=1, num=6)


def streaming(*, shift_first: bool = False, late_reader: bool = False, dtype: str = "int8") -> bytes:
    """A convolution over the last five frames, which are kept in a variable, as streaming Keras layers make it."""
    model = TinyModel()
    source, zeros = model.tensor((1, 1, 1, 4), dtype, **QUANT), np.full((1, 4, 1, 4), -7)
    zeros[0, 1] = 5
    handle = model.variable("frames", zeros, dtype, **QUANT)
    old = model.operator("READ_VARIABLE", [handle], model.tensor((1, 4, 1, 4), dtype, **QUANT), "ReadVariableOptions")
    steps = [words(model, v) for v in ([0, 1, 0, 0], [1, 99, 1, 4], [1, 1, 1, 1])]
    if shift_first:
        kept = model.tensor((1, 3, 1, 4), dtype, **QUANT)
        model.operator("STRIDED_SLICE", [old, *steps], kept, "StridedSliceOptions")
        joined = model.tensor((1, 4, 1, 4), dtype, **QUANT)
        model.operator("CONCATENATION", [kept, source], joined, "ConcatenationOptions", axis=1)
        new, rows = joined, 4
    else:
        joined = model.tensor((1, 5, 1, 4), dtype, **QUANT)
        model.operator("CONCATENATION", [old, source], joined, "ConcatenationOptions", axis=1)
        new, rows = model.tensor((1, 4, 1, 4), dtype, **QUANT), 5
        model.operator("STRIDED_SLICE", [joined, *steps], new, "StridedSliceOptions")
    model.operator("ASSIGN_VARIABLE", [handle, new], -1, "AssignVariableOptions")
    random = np.random.default_rng(5)
    kernel = (3, rows, 1, 4)
    weights = model.tensor(kernel, scale=0.02, data=random.integers(-127, 128, kernel))
    output = model.tensor((1, 1, 1, 3), dtype, scale=0.3, zero_point=4)
    window = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    bias = model.tensor((3,), "int32", scale=0.002, data=[100, -50, 0])
    model.operator("CONV_2D", [joined, weights, bias], output, "Conv2DOptions", padding=1, **window)
    if late_reader:  # the value from before the assignment is used after it
        total = model.tensor((1, 4, 1, 3), **FIRST)
        three = [words(model, v) for v in ([0, 0, 0, 0], [1, 4, 1, 3])]
        sliced = model.operator("SLICE", [old, *three], model.tensor((1, 4, 1, 3), dtype, **QUANT))
        output = model.operator("ADD", [sliced, output], total, "AddOptions")
    return model.finish(source, output)


CASES["streaming"] = lambda: streaming()
CASES["streaming, shift before join"] = lambda: streaming(shift_first=True)
CASES["streaming, old value read after the assignment"] = lambda: streaming(late_reader=True)


@case("counter")
def _counter() -> bytes:
    """A sum of all inputs: the variable is read, added to, and assigned."""
    model = TinyModel()
    source = model.tensor((1, 4), **QUANT)
    handle = model.variable("sum", np.full((1, 4), -7), **QUANT)
    old = model.operator("READ_VARIABLE", [handle], model.tensor((1, 4), **QUANT), "ReadVariableOptions")
    new = model.operator("ADD", [old, source], model.tensor((1, 4), **QUANT), "AddOptions")
    model.operator("ASSIGN_VARIABLE", [handle, new], -1, "AssignVariableOptions")
    return model.finish(source, new)


def unsigned_ends(shape: Sequence[int] = (1, 40)) -> bytes:
    """An int8 RELU6 between uint8 input and output, as the converter makes it for inference types of uint8."""
    model = TinyModel()
    source = model.tensor(shape, "uint8", scale=0.1, zero_point=121)
    inner = model.operator("QUANTIZE", [source], model.tensor(shape, **QUANT), "QuantizeOptions")
    relu = model.operator("RELU6", [inner], model.tensor(shape, **QUANT))
    output = model.tensor(shape, "uint8", scale=0.1, zero_point=121)
    return model.finish(source, model.operator("QUANTIZE", [relu], output, "QuantizeOptions"))


CASES["uint8 in and out"] = unsigned_ends


@case("uint8 in, requantised")
def _unsigned_in() -> bytes:
    model = TinyModel()
    source = model.tensor((1, 256), "uint8", scale=0.1, zero_point=3)
    output = model.operator("QUANTIZE", [source], model.tensor((1, 256), **SECOND), "QuantizeOptions")
    return model.finish(source, output)


@case("depthwise convolution of one channel")
def _depthwise_of_one() -> bytes:
    model = TinyModel()
    source = model.tensor((1, 9, 8, 1), **FIRST)
    kernel, scales = (1, 3, 4, 5), [0.01, 0.02, 0.03, 0.015, 0.007]
    weights = model.tensor(kernel, scale=scales, axis=3, data=np.random.default_rng(2).integers(-127, 128, kernel))
    bias_scales = [float(np.float32(0.11) * np.float32(s)) for s in scales]
    bias = model.tensor((5,), "int32", scale=bias_scales, data=[300, -200, 0, 50, 7])
    output = model.tensor((1, 5, 4, 5), **SECOND)
    values = {"strideH": 2, "strideW": 2, "dilationHFactor": 1, "dilationWFactor": 1, "depthMultiplier": 5}
    model.operator("DEPTHWISE_CONV_2D", [source, weights, bias], output, "DepthwiseConv2DOptions", padding=0, **values)
    return model.finish(source, output)


@case("no kernel: reshape only")
def _reshape_only() -> bytes:
    return unary("RESHAPE", (1, 4, 4, 2), (1, 32), ([1, 32],), "ReshapeOptions", newShape=[1, 32])


@case("float ends of an int8 network")
def _float_ends() -> bytes:
    model = TinyModel()
    source = model.tensor((1, 30), "float32")
    inner = model.operator("QUANTIZE", [source], model.tensor((1, 30), **FIRST), "QuantizeOptions")
    middle = model.operator("RELU", [inner], model.tensor((1, 30), **SECOND))
    output = model.operator("DEQUANTIZE", [middle], model.tensor((1, 30), "float32"), "DequantizeOptions")
    return model.finish(source, output)


INT8_FUNCTIONS: dict[str, tuple[str | None, dict[str, Any]]] = {
    "ABS": (None, {}),
    "ELU": (None, {}),
    "EXP": (None, {}),
    "GELU": ("GeluOptions", {}),
    "HARD_SWISH": (None, {}),
    "LEAKY_RELU": ("LeakyReluOptions", {"alpha": 0.13}),
    "RELU_N1_TO_1": (None, {}),
    "TANH": (None, {}),
}
FLOAT_FUNCTIONS = INT8_FUNCTIONS | dict.fromkeys(("COS", "NEG", "SIN", "SQUARE"), (None, {}))
TANH_OUTPUT = {"scale": 1 / 128, "zero_point": 0}
ALL_VALUES = (1, 256)


def _function(kind: str, dtype: str, first: dict[str, Any], second: dict[str, Any]) -> bytes:
    options, values = FLOAT_FUNCTIONS[kind]
    return unary(kind, ALL_VALUES, ALL_VALUES, (), options, dtype=dtype, quants=(first, second), **values)


PAIRS: tuple[Any, ...] = ((FIRST, SECOND), (SECOND, FIRST), ({"scale": 0.013}, {"scale": 0.02}))
for _kind in INT8_FUNCTIONS:
    for _number, (_first, _second) in enumerate(
        ((FIRST, SECOND), (SECOND, FIRST), ({"scale": 0.013}, {"scale": 0.02}))
    ):
        _out = TANH_OUTPUT if _kind == "TANH" else _second
        CASES[f"{_kind}, {_number}"] = lambda k=_kind, a=_first, b=_out: _function(k, "int8", a, b)  # type: ignore[misc]
for _kind in FLOAT_FUNCTIONS:
    CASES[f"{_kind}, float"] = lambda k=_kind: _function(k, "float32", {}, {})  # type: ignore[misc]
CASES["GELU, approximate"] = lambda: unary(
    "GELU", ALL_VALUES, ALL_VALUES, (), "GeluOptions", quants=(FIRST, SECOND), approximate=True
)


def binary(kind: str, dtype: str, other: Sequence[int], options: str | None, quants: Sequence[Any]) -> bytes:
    """Return a model of an operator on the input and a constant, of which some dimensions are repeated."""
    model, random = TinyModel(), np.random.default_rng(4)
    first, second, third = quants if dtype == "int8" else ({}, {}, {})
    source = model.tensor(SHAPE, dtype, **first)
    data = random.integers(-128, 128, other) if dtype == "int8" else random.uniform(0.5, 2, other)
    constant = model.tensor(other, dtype, **second, data=data)
    output = model.tensor(SHAPE, dtype, **third)
    return model.finish(source, model.operator(kind, [source, constant], output, options))


SAME, THREE = (QUANT,) * 3, (FIRST, SECOND, QUANT)
BINARY: dict[str, tuple[str | None, Any]] = {
    "SUB": ("SubOptions", THREE),
    "MAXIMUM": ("MaximumMinimumOptions", SAME),
    "MINIMUM": ("MaximumMinimumOptions", SAME),
    "PRELU": (None, THREE),
    "SQUARED_DIFFERENCE": (None, (FIRST, SECOND, {"scale": 2.1, "zero_point": -100})),
}
for _kind, (_options, _quants) in BINARY.items():
    CASES[_kind] = lambda k=_kind, o=_options, q=_quants: binary(k, "int8", (1, 1, 4), o, q)  # type: ignore[misc]
for _kind, _options in {
    "DIV": "DivOptions",
    **{k: o for k, (o, _) in BINARY.items()},
}.items():
    CASES[f"{_kind}, float"] = lambda k=_kind, o=_options: binary(k, "float32", (1, 1, 4), o, ())  # type: ignore[misc]


REDUCED: dict[str, tuple[list[int], tuple[int, ...]]] = {
    "channels": ([-1], (1, 6, 4)),
    "rows": ([1], (1, 4, 4)),
    "rows and channels": ([3, 1], (1, 4)),
    "everything": ([0, 1, 2, 3], (1,)),
}
for _kind in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"):
    for _name, (_axes, _out) in REDUCED.items() if _kind != "SUM" else ():
        _quants = (QUANT, QUANT) if _kind.startswith("REDUCE") else (FIRST, {"scale": 0.9, "zero_point": 5})
        CASES[f"{_kind} of {_name}"] = lambda k=_kind, a=_axes, o=_out, q=_quants: unary(  # type: ignore[misc]
            k, SHAPE, o, (a,), "ReducerOptions", quants=q, keepDims=len(o) == 1
        )
    CASES[f"{_kind} of rows, float"] = lambda k=_kind: unary(  # type: ignore[misc]
        k, SHAPE, (1, 4, 4), ([1],), "ReducerOptions", dtype="float32"
    )


@case("float16 weights")
def _half_weights() -> bytes:
    model, random = TinyModel(), np.random.default_rng(6)
    source = model.tensor((1, 8), "float32")
    half = model.tensor((3, 8), "float16", data=random.normal(0, 1, (3, 8)))
    weights = model.operator("DEQUANTIZE", [half], model.tensor((3, 8), "float32"), "DequantizeOptions")
    output = model.tensor((1, 3), "float32")
    return model.finish(
        source, model.operator("FULLY_CONNECTED", [source, weights, -1], output, "FullyConnectedOptions")
    )


def dynamic_range(dtype: str) -> bytes:
    """Return a dense layer on float32 with int8 weights, or with their real values."""
    model = TinyModel()
    values = np.random.default_rng(7).integers(-127, 128, (3, 8))
    source = model.tensor((1, 8), "float32")
    scales = [0.5, 0.25, 0.125]
    if dtype == "int8":
        weights = model.tensor((3, 8), "int8", scale=scales, data=values)
    else:
        weights = model.tensor((3, 8), "float32", data=values * np.array(scales)[:, np.newaxis])
    output = model.tensor((1, 3), "float32")
    return model.finish(
        source, model.operator("FULLY_CONNECTED", [source, weights, -1], output, "FullyConnectedOptions")
    )


def lstm(*, weight_scale: float = 0.001, zero_point: int = 0, cell_bits: int = 3, clip: float = 0.0) -> bytes:
    """Return an LSTM of five cells over six steps of three values."""
    model, random, cells, inputs = TinyModel(), np.random.default_rng(9), 5, 3
    source = model.tensor((1, 6, inputs), **FIRST)
    hidden_quant: dict[str, Any] = {"scale": 1 / 128, "zero_point": zero_point}
    of_input, of_hidden = (
        [
            model.tensor((cells, n), scale=weight_scale * (1 + gate / 3), data=random.integers(-127, 128, (cells, n)))
            for gate in range(4)
        ]
        for n in (inputs, cells)
    )
    biases = [
        model.tensor((cells,), "int32", scale=weight_scale * FIRST["scale"], data=random.integers(-900, 900, cells))
        for _ in range(4)
    ]
    hidden = model.tensor((1, cells), **hidden_quant, variable=True)
    cell = model.tensor((1, cells), "int16", scale=2.0 ** (cell_bits - 15), variable=True)
    gates = [model.tensor((0,), "int16", scale=2.0**-12) for _ in range(4)]
    gates.append(model.tensor((0,), **hidden_quant))
    output = model.tensor((1, 6, cells), **hidden_quant)
    states = [-1, -1, hidden, cell, -1, -1, -1, -1]
    model.operator(
        "UNIDIRECTIONAL_SEQUENCE_LSTM", [source, *of_input, *of_hidden, -1, -1, -1, *biases, *states], output,
        "UnidirectionalSequenceLSTMOptions", fusedActivationFunction=4, cellClip=clip,
    )  # fmt: skip
    model.operators[-1].intermediates = gates
    return model.finish(source, output)


CASES["LSTM"] = lambda: lstm()
CASES["LSTM of large sums"] = lambda: lstm(weight_scale=0.02)
CASES["LSTM of small sums"] = lambda: lstm(weight_scale=0.0002)
CASES["LSTM with a zero point"] = lambda: lstm(zero_point=-40)
CASES["LSTM with a clipped cell state"] = lambda: lstm(clip=0.3)
for _bits in (0, 1, 4, 5, 6):
    CASES[f"LSTM with {_bits} integer bits of its cell state"] = lambda b=_bits: lstm(cell_bits=b)  # type: ignore[misc]


def float_lstm(clip: float = 0.0) -> bytes:
    """Return an LSTM on float of four cells over five steps of three values."""
    model, random, cells, inputs = TinyModel(), np.random.default_rng(10), 4, 3
    source = model.tensor((1, 5, inputs), "float32")
    weights = [
        model.tensor((cells, n), "float32", data=random.normal(0, 0.5, (cells, n)))
        for n in (inputs,) * 4 + (cells,) * 4
    ]
    biases = [model.tensor((cells,), "float32", data=random.normal(0, 0.5, cells)) for _ in range(4)]
    hidden, cell = (model.tensor((1, cells), "float32", variable=True) for _ in range(2))
    output = model.tensor((1, 5, cells), "float32")
    model.operator(
        "UNIDIRECTIONAL_SEQUENCE_LSTM", [source, *weights, -1, -1, -1, *biases, -1, -1, hidden, cell, -1, -1, -1, -1],
        output, "UnidirectionalSequenceLSTMOptions", fusedActivationFunction=4, cellClip=clip,
    )  # fmt: skip
    return model.finish(source, output)


CASES["LSTM, float"] = lambda: float_lstm()
CASES["LSTM with a clipped cell state, float"] = lambda: float_lstm(0.5)


UNSIGNED: dict[str, Any] = {"scale": 0.1, "zero_point": 121}
OTHER_UNSIGNED: dict[str, Any] = {"scale": 0.13, "zero_point": 100}
SYMMETRIC: dict[str, Any] = {"scale": 0.02, "zero_point": 128}


def unsigned(kind: str) -> bytes:
    """Return a network of one operator that is uint8 throughout."""
    model, random = TinyModel(), np.random.default_rng(12)
    source = model.tensor(SHAPE, "uint8", **UNSIGNED)
    window = {"strideH": 1, "strideW": 1, "padding": 0}
    dilation = {"dilationHFactor": 1, "dilationWFactor": 1}
    bias = model.tensor((4,), "int32", scale=0.002, data=[300, -200, 0, 50])
    output = model.tensor(SHAPE, "uint8", **(UNSIGNED if kind == "MAX_POOL_2D" else OTHER_UNSIGNED))
    if kind == "CONV_2D":
        weights = model.tensor((4, 3, 3, 4), "uint8", **SYMMETRIC, data=random.integers(1, 256, (4, 3, 3, 4)))
        model.operator(kind, [source, weights, bias], output, "Conv2DOptions", **window, **dilation)
    elif kind == "DEPTHWISE_CONV_2D":
        weights = model.tensor((1, 3, 3, 4), "uint8", **SYMMETRIC, data=random.integers(1, 256, (1, 3, 3, 4)))
        options = "DepthwiseConv2DOptions"
        model.operator(kind, [source, weights, bias], output, options, depthMultiplier=1, **window, **dilation)
    elif kind == "FULLY_CONNECTED":
        weights = model.tensor((4, 96), "uint8", **SYMMETRIC, data=random.integers(1, 256, (4, 96)))
        output = model.tensor((1, 4), "uint8", scale=0.5, zero_point=100)
        model.operator(kind, [source, weights, bias], output, "FullyConnectedOptions")
    elif kind == "MAX_POOL_2D":
        model.operator(kind, [source], output, "Pool2DOptions", filterHeight=3, filterWidth=3, **window)
    elif kind == "SOFTMAX":
        output = model.tensor(SHAPE, "uint8", scale=1 / 256, zero_point=0)
        model.operator(kind, [source], output, "SoftmaxOptions", beta=1.0)
    else:
        other = model.tensor(
            (1, 1, 1, 4), "uint8", scale=0.07, zero_point=90, data=random.integers(0, 256, (1, 1, 1, 4))
        )
        model.operator(kind, [source, other], output, f"{kind.capitalize()}Options")
    return model.finish(source, output)


for _kind in ("ADD", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "MAX_POOL_2D", "MUL", "SOFTMAX"):
    CASES[f"{_kind}, uint8"] = lambda k=_kind: unsigned(k)  # type: ignore[misc]


def two_ends() -> bytes:
    """Return a model with two inputs of different types and two outputs: the sum, and the larger of each pair."""
    model = TinyModel()
    first, second = model.tensor((1, 6), **QUANT), model.tensor((1, 6), "float32")
    other = model.operator("QUANTIZE", [second], model.tensor((1, 6), **QUANT), "QuantizeOptions")
    total, larger = model.tensor((1, 6), **SECOND), model.tensor((1, 6), **QUANT)
    model.operator("ADD", [first, other], total, "AddOptions")
    model.operator("MAXIMUM", [first, other], larger, "MaximumMinimumOptions")
    return model.finish(first, total, second, further_outputs=[larger])


def sparse(*, blocks: bool = False) -> bytes:
    """Return a dense layer whose weights, half of them zero, are stored in the sparse format."""
    model, random = TinyModel(), np.random.default_rng(13)
    dense = random.normal(0, 1, (4, 6)).astype(np.float32)
    present = random.integers(0, 2, (4, 3 if blocks else 6)).astype(bool)
    present[:, 0] = True
    source = model.tensor((1, 6), "float32")
    pairs = dense.reshape(4, 3, 2) if blocks else dense[..., np.newaxis]
    stored = model.tensor((4, 6), "float32", data=pairs[present])
    rows = [np.flatnonzero(row) for row in present]
    model.make_sparse(stored, rows, block=2 if blocks else 1)
    weights = model.operator("DENSIFY", [stored], model.tensor((4, 6), "float32"), "DensifyOptions")
    output = model.tensor((1, 4), "float32")
    model.operator("FULLY_CONNECTED", [source, weights, -1], output, "FullyConnectedOptions")
    return model.finish(source, output)


CASES["sparse weights"] = lambda: sparse()
CASES["sparse weights in blocks"] = lambda: sparse(blocks=True)
CASES["LOG_SOFTMAX, float"] = lambda: unary("LOG_SOFTMAX", (2, 5), (2, 5), (), "LogSoftmaxOptions", dtype="float32")


@case("old value as the output in another shape")
def _old_value_reshaped() -> bytes:
    model = TinyModel()
    source = model.tensor((1, 4), **QUANT)
    handle = model.variable("last", np.full((1, 4), 3), **QUANT)
    old = model.operator("READ_VARIABLE", [handle], model.tensor((1, 4), **QUANT), "ReadVariableOptions")
    model.operator("ASSIGN_VARIABLE", [handle, source], -1, "AssignVariableOptions")
    output = model.tensor((2, 2), **QUANT)
    model.operator("RESHAPE", [old, words(model, [2, 2])], output, "ReshapeOptions", newShape=[2, 2])
    return model.finish(source, output)


@case("variable assigned between a convolution of it and a pool")
def _assigned_before_the_pool() -> bytes:
    """The convolution must read the old value, also if its rows stream to the pool behind the assignment."""
    model, random = TinyModel(), np.random.default_rng(15)
    shape = (1, 6, 4, 2)
    source = model.tensor(shape, **QUANT)
    handle = model.variable("image", random.integers(-128, 128, shape), **QUANT)
    old = model.operator("READ_VARIABLE", [handle], model.tensor(shape, **QUANT), "ReadVariableOptions")
    weights = model.tensor((3, 3, 3, 2), scale=0.01, data=random.integers(-127, 128, (3, 3, 3, 2)))
    bias = model.tensor((3,), "int32", scale=0.001, data=[10, -20, 30])
    convolved = model.tensor((1, 4, 2, 3), **SECOND)
    window = {"strideH": 1, "strideW": 1, "padding": 1}
    model.operator("CONV_2D", [old, weights, bias], convolved, "Conv2DOptions", **window)
    model.operator("ASSIGN_VARIABLE", [handle, source], -1, "AssignVariableOptions")
    output = model.tensor((1, 3, 1, 3), **SECOND)
    options = {"filterHeight": 2, "filterWidth": 2, **window}
    model.operator("AVERAGE_POOL_2D", [convolved], output, "Pool2DOptions", **options)
    return model.finish(source, output)
