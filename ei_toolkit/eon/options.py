"""The options of each operator that the compiler supports, read from the flatbuffer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ei_toolkit.eon.blockers import remedy_for
from ei_toolkit.eon.graph import (
    Activation,
    Adjoint,
    Axis,
    Beta,
    BlockSize,
    Loop,
    Lstm,
    NoOptions,
    Options,
    Resize,
    Slice,
    Slope,
    Subgraph,
    Svdf,
    Variable,
    Window2D,
)
from ei_toolkit.eon.kernels.conditions import ORDERS, SELECTIONS
from ei_toolkit.eon.kernels.functions import FLOAT_KERNELS
from ei_toolkit.errors import DataError, UnsupportedModelError

ACTIVATIONS = {0: "NONE", 1: "RELU", 2: "RELU_N1_TO_1", 3: "RELU6"}
PADDINGS = {0: "SAME", 1: "VALID"}


def check_outputs(kind: str, count: int) -> None:
    """Raise UnsupportedModelError for a number of outputs that the operator does not have."""
    expected = 0 if kind in WITHOUT_OUTPUT else 1
    if kind in READERS and kind not in SEVERAL_OUTPUTS and count != expected:
        raise UnsupportedModelError(f"it has {count} outputs", hint=f"{kind} has {expected}.")


def read_options(kind: str, raw: Any, index: int) -> Options:
    """Read the options of operator `index`, of type `kind`.

    Raises UnsupportedModelError for an operator or option that the compiler does not support, DataError for values that
    are not valid.
    """
    if kind not in READERS:
        raise UnsupportedModelError("the compiler has no kernel for it", hint=remedy_for(kind))
    table, read = READERS[kind]
    if table is None:
        return read(None, "")
    options = read(_table(table, kind, raw, index), f"operator {index} ({kind})")
    if isinstance(options, Lstm) and raw.IntermediatesLength() > LSTM_HIDDEN:
        return replace(options, hidden=int(raw.Intermediates(LSTM_HIDDEN)))
    return options


LSTM_HIDDEN = 4  # which of the intermediate tensors has the scale of the hidden state
TANH = 4
INT32 = 2  # of TensorType


def _table(name: str, kind: str, raw: Any, index: int) -> Any:
    import tflite

    union = raw.BuiltinOptions()
    if union is None:
        if kind in OPTIONAL:
            return None
        raise DataError(f"operator {index} ({kind}) has no options")
    if raw.BuiltinOptionsType() != getattr(tflite.BuiltinOptions, name):
        raise DataError(f"operator {index} ({kind}) has options of another operator")
    table = getattr(tflite, name)()
    table.Init(union.Bytes, union.Pos)
    return table


def _choice(table: dict[int, str], value: int, what: str, where: str) -> str:
    if value not in table:
        raise UnsupportedModelError(f"{where} has the unsupported {what} #{value}")
    return table[value]


def _activation(options: Any, where: str) -> str:
    return _choice(ACTIVATIONS, options.FusedActivationFunction(), "activation function", where)


def _sizes(where: str, *sizes: int) -> tuple[int, int]:
    if any(not 1 <= size <= 4096 for size in sizes):
        raise DataError(f"{where} has an impossible size, stride or dilation {sizes}")
    return sizes[0], sizes[1]


def _convolution(options: Any, where: str) -> Options:
    return Window2D(
        stride=_sizes(where, options.StrideH(), options.StrideW()),
        dilation=_sizes(where, options.DilationHFactor(), options.DilationWFactor()),
        padding=_choice(PADDINGS, options.Padding(), "padding", where),
        activation=_activation(options, where),
        narrow_sums=options.QuantizedBiasType() == INT32,
    )


def _depthwise(options: Any, where: str) -> Options:
    return Window2D(
        stride=_sizes(where, options.StrideH(), options.StrideW()),
        dilation=_sizes(where, options.DilationHFactor(), options.DilationWFactor()),
        padding=_choice(PADDINGS, options.Padding(), "padding", where),
        activation=_activation(options, where),
        depth_multiplier=_sizes(where, options.DepthMultiplier(), 1)[0],
    )


def _pool(options: Any, where: str) -> Options:
    return Window2D(
        stride=_sizes(where, options.StrideH(), options.StrideW()),
        size=_sizes(where, options.FilterHeight(), options.FilterWidth()),
        padding=_choice(PADDINGS, options.Padding(), "padding", where),
        activation=_activation(options, where),
    )


def _transpose_conv(options: Any, where: str) -> Options:
    return Window2D(
        stride=_sizes(where, options.StrideH(), options.StrideW()),
        padding=_choice(PADDINGS, options.Padding(), "padding", where),
        activation=_activation(options, where),
        narrow_sums=options.QuantizedBiasType() == INT32,
    )


def _fully_connected(options: Any, where: str) -> Options:
    if options.WeightsFormat() != 0:
        raise UnsupportedModelError(f"{where} has shuffled weights")
    return Activation(_activation(options, where), narrow_sums=options.QuantizedBiasType() == INT32)


def _fused(options: Any, where: str) -> Options:
    return Activation("NONE" if options is None else _activation(options, where))


def _concatenation(options: Any, where: str) -> Options:
    return Axis(options.Axis(), _activation(options, where))


def _pack(options: Any, where: str) -> Options:
    return Axis(options.Axis())


def _softmax(options: Any, where: str) -> Options:
    if not 0 < options.Beta() < 1e6:
        raise DataError(f"{where} has beta {options.Beta()}")
    return Beta(options.Beta())


def _slice(options: Any, where: str) -> Options:
    return Slice(
        options.BeginMask(),
        options.EndMask(),
        options.ShrinkAxisMask(),
        options.EllipsisMask(),
        options.NewAxisMask(),
        bool(options.Offset()),
    )


def _split(options: Any, where: str) -> Options:
    return Axis(0, count=_sizes(where, options.NumSplits(), 1)[0])


def _unpack(options: Any, where: str) -> Options:
    return Axis(options.Axis(), count=options.Num())


def _block_size(options: Any, where: str) -> Options:
    return BlockSize(_sizes(where, options.BlockSize(), 1)[0])


def _resize(options: Any, where: str) -> Options:
    return Resize(bool(options.AlignCorners()), bool(options.HalfPixelCenters()))


def _gather(options: Any, where: str) -> Options:
    return Axis(0) if options is None else Axis(options.Axis(), count=options.BatchDims())


def _matmul(options: Any, where: str) -> Options:
    return Adjoint(bool(options.AdjX()), bool(options.AdjY()))


def _svdf(options: Any, where: str) -> Options:
    return Svdf(_sizes(where, options.Rank(), 1)[0], _activation(options, where))


def _nothing(options: Any, where: str) -> Options:
    return NoOptions()


def _leaky_relu(options: Any, where: str) -> Options:
    if not abs(options.Alpha()) < 1e6:
        raise DataError(f"{where} has alpha {options.Alpha()}")
    return Slope(alpha=options.Alpha())


def _gelu(options: Any, where: str) -> Options:
    return Slope(approximate=bool(options.Approximate()))


def _lstm(options: Any, where: str) -> Options:
    _choice({TANH: "TANH"}, options.FusedActivationFunction(), "activation function", where)
    if options.ProjClip() or not 0 <= options.CellClip() < 1e6:
        raise UnsupportedModelError(f"{where} clips by {options.CellClip()} and {options.ProjClip()}")
    return Lstm(options.CellClip(), bool(options.TimeMajor()))


def _variable(options: Any, where: str) -> Options:
    container, name = options.Container() or b"", options.SharedName() or b""
    return Variable(f"{container.decode('utf-8', 'replace')}/{name.decode('utf-8', 'replace')}".strip("/"))


def _call_once(options: Any, where: str) -> Options:
    return Subgraph(options.InitSubgraphIndex())


def _while(options: Any, where: str) -> Options:
    return Loop(options.CondSubgraphIndex(), options.BodySubgraphIndex())


READERS: dict[str, tuple[str | None, Callable[[Any, str], Options]]] = {
    "CONV_2D": ("Conv2DOptions", _convolution),
    "DEPTHWISE_CONV_2D": ("DepthwiseConv2DOptions", _depthwise),
    "TRANSPOSE_CONV": ("TransposeConvOptions", _transpose_conv),
    "MAX_POOL_2D": ("Pool2DOptions", _pool),
    "AVERAGE_POOL_2D": ("Pool2DOptions", _pool),
    "FULLY_CONNECTED": ("FullyConnectedOptions", _fully_connected),
    "ADD": ("AddOptions", _fused),
    "MUL": ("MulOptions", _fused),
    "CONCATENATION": ("ConcatenationOptions", _concatenation),
    "PACK": ("PackOptions", _pack),
    "SOFTMAX": ("SoftmaxOptions", _softmax),
    "STRIDED_SLICE": ("StridedSliceOptions", _slice),
    "SLICE": (None, _nothing),
    "SPLIT": ("SplitOptions", _split),
    "SPLIT_V": (None, _nothing),
    "UNPACK": ("UnpackOptions", _unpack),
    "TRANSPOSE": (None, _nothing),
    "REVERSE_V2": (None, _nothing),
    "DEPTH_TO_SPACE": ("DepthToSpaceOptions", _block_size),
    "SPACE_TO_DEPTH": ("SpaceToDepthOptions", _block_size),
    "TILE": (None, _nothing),
    "BROADCAST_TO": (None, _nothing),
    "RESIZE_NEAREST_NEIGHBOR": ("ResizeNearestNeighborOptions", _resize),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": ("UnidirectionalSequenceLSTMOptions", _lstm),
    "DENSIFY": (None, _nothing),
    "RESIZE_BILINEAR": ("ResizeBilinearOptions", _resize),
    "BATCH_MATMUL": ("BatchMatMulOptions", _matmul),
    "SVDF": ("SVDFOptions", _svdf),
    **dict.fromkeys(("ARG_MAX", "ARG_MIN", "CAST"), (None, _nothing)),  # the output has the type
    "GATHER": ("GatherOptions", _gather),
    **dict.fromkeys(("SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"), (None, _nothing)),
    "LOG_SOFTMAX": (None, _nothing),
    "VAR_HANDLE": ("VarHandleOptions", _variable),
    "CALL_ONCE": ("CallOnceOptions", _call_once),
    "WHILE": ("WhileOptions", _while),
    "READ_VARIABLE": (None, _nothing),
    "ASSIGN_VARIABLE": (None, _nothing),
    "MEAN": (None, _nothing),  # keep_dims shows in the output's shape
    "PAD": (None, _nothing),
    "RESHAPE": (None, _nothing),
    "EXPAND_DIMS": (None, _nothing),
    "SQUEEZE": (None, _nothing),
    "SHAPE": (None, _nothing),
    **dict.fromkeys(FLOAT_KERNELS.keys() - {"LEAKY_RELU", "GELU"}, (None, _nothing)),
    "LEAKY_RELU": ("LeakyReluOptions", _leaky_relu),
    "GELU": ("GeluOptions", _gelu),
    "SUB": ("SubOptions", _fused),
    "DIV": ("DivOptions", _fused),
    "MAXIMUM": (None, _fused),
    "MINIMUM": (None, _fused),
    "SQUARED_DIFFERENCE": (None, _fused),
    "PRELU": (None, _nothing),
    **dict.fromkeys(ORDERS.keys() | SELECTIONS, (None, _nothing)),
    **dict.fromkeys(("SUM", "REDUCE_MAX", "REDUCE_MIN"), (None, _nothing)),
    "QUANTIZE": (None, _nothing),
    "DEQUANTIZE": (None, _nothing),
}
WITHOUT_OUTPUT = frozenset({"ASSIGN_VARIABLE", "CALL_ONCE"})
SEVERAL_OUTPUTS = frozenset({"SPLIT", "SPLIT_V", "UNPACK", "WHILE"})
OPTIONAL = frozenset({"ADD", "MUL", "SUB", "DIV", "GATHER"})
