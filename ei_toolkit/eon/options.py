"""The options of each operator that the compiler supports, read from the flatbuffer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ei_toolkit.eon.graph import Activation, Axis, Beta, NoOptions, Options, Slice, Window2D
from ei_toolkit.errors import DataError, UnsupportedModelError

ACTIVATIONS = {0: "NONE", 1: "RELU", 2: "RELU_N1_TO_1", 3: "RELU6"}
PADDINGS = {0: "SAME", 1: "VALID"}


def read_options(kind: str, raw: Any, index: int) -> Options:
    """Read the options of operator `index`, of type `kind`.

    Raises UnsupportedModelError for an operator or option that the compiler does not support, DataError for values that
    are not valid.
    """
    if kind not in READERS:
        raise UnsupportedModelError(
            f"operator {index} is {kind}, which the compiler does not support",
            hint="Supported: " + ", ".join(sorted(READERS)) + ".",
        )
    table, read = READERS[kind]
    if table is None:
        return NoOptions()
    return read(_table(table, kind, raw, index), f"operator {index} ({kind})")


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


def _fully_connected(options: Any, where: str) -> Options:
    if options.WeightsFormat() != 0:
        raise UnsupportedModelError(f"{where} has shuffled weights")
    return Activation(_activation(options, where))


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
    if options.EllipsisMask() or options.NewAxisMask():
        raise UnsupportedModelError(f"{where} uses an ellipsis or a new axis")
    return Slice(options.BeginMask(), options.EndMask(), options.ShrinkAxisMask())


def _nothing(options: Any, where: str) -> Options:
    return NoOptions()


READERS: dict[str, tuple[str | None, Callable[[Any, str], Options]]] = {
    "CONV_2D": ("Conv2DOptions", _convolution),
    "DEPTHWISE_CONV_2D": ("DepthwiseConv2DOptions", _depthwise),
    "MAX_POOL_2D": ("Pool2DOptions", _pool),
    "AVERAGE_POOL_2D": ("Pool2DOptions", _pool),
    "FULLY_CONNECTED": ("FullyConnectedOptions", _fully_connected),
    "ADD": ("AddOptions", _fused),
    "MUL": ("MulOptions", _fused),
    "CONCATENATION": ("ConcatenationOptions", _concatenation),
    "PACK": ("PackOptions", _pack),
    "SOFTMAX": ("SoftmaxOptions", _softmax),
    "STRIDED_SLICE": ("StridedSliceOptions", _slice),
    "MEAN": (None, _nothing),  # keep_dims shows in the output's shape
    "PAD": (None, _nothing),
    "RESHAPE": (None, _nothing),
    "EXPAND_DIMS": (None, _nothing),
    "SQUEEZE": (None, _nothing),
    "SHAPE": (None, _nothing),
    "LOGISTIC": (None, _nothing),
    "RELU": (None, _nothing),
    "RELU6": (None, _nothing),
    "QUANTIZE": (None, _nothing),
    "DEQUANTIZE": (None, _nothing),
}
OPTIONAL = frozenset({"ADD", "MUL"})
