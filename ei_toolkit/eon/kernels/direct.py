"""Convolutions and dense layers in their general form, for what the faster kernels do not have.

That is groups of channels, weights with a zero point, int16 data ("16x8"), and transposed convolutions. A product takes
several instructions, where the other kernels take one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.eon.fixed_point import quantize_multiplier
from ei_toolkit.eon.graph import Activation, Graph, Operator, Tensor, Window2D
from ei_toolkit.eon.kernels.geometry import geometry, transposed_padding
from ei_toolkit.eon.kernels.layer import (
    WITH_INT16,
    Constant,
    Layer,
    constant,
    fail,
    float_range,
    inputs_of,
    require,
    same_type,
)
from ei_toolkit.eon.kernels.quantized import output_traits, real_multipliers

Traits = dict[str, int | float | str]
LOWEST = {"int8": -128, "int16": -32768}
WIDE_LIMIT = 1 << 47  # of a sum of 64 bits that the kernel scales


def is_general(op: Operator, source: Tensor, weights: Tensor) -> bool:
    """Return whether only the general kernel can compute a layer with these data and weights."""
    quantization = weights.quantization
    asymmetric = quantization is not None and any(quantization.zero_points)
    grouped = op.kind == "CONV_2D" and weights.shape[-1:] != source.shape[-1:]
    return source.dtype == "int16" or asymmetric or grouped


def direct_conv2d(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a CONV_2D or DEPTHWISE_CONV_2D."""
    source, weights, bias = inputs_of(graph, op, 2, 3)
    assert source is not None
    output = graph.tensors[op.output]
    weights = constant(op, weights, "weights")
    same_type(op, source, output, WITH_INT16)
    fits = len(weights.shape) == 4 and (op.kind == "CONV_2D" or weights.shape[0] == 1)
    require(fits, op, f"its weights are {weights.shape}")
    g = geometry(op, source, output, (weights.shape[1], weights.shape[2]))
    values = np.moveaxis(_values(op, weights), 3, 0)[..., np.newaxis] if op.kind != "CONV_2D" else _values(op, weights)
    values = values.reshape(values.shape[0], *weights.shape[1:3], -1)
    outputs, group = values.shape[0], values.shape[3]
    groups = g.in_channels // group
    fits = g.in_channels == groups * group and groups > 0 and outputs % groups == 0 and outputs == output.shape[-1]
    require(fits, op, f"its weights are {weights.shape}, its data {source.shape} and {output.shape}")
    shapes = (g.in_rows, g.in_cols, g.in_channels), (g.out_rows, g.out_cols, outputs)
    traits: Traits = {
        **_sizes(*shapes, (g.kernel_rows, g.kernel_cols)),
        **_steps((g.stride_rows, g.stride_cols), (g.dilation_rows, g.dilation_cols), (1, 1), (g.pad_top, g.pad_left)),
        "kGroupOutputs": outputs // groups,
    }
    axis = 0 if op.kind == "CONV_2D" else 3
    return _layer(graph, op, position, np.swapaxes(values, 1, 2) if g.swapped else values, weights, bias, traits, axis)


def transpose_conv(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a TRANSPOSE_CONV: a convolution with turned weights over inputs that are a stride apart."""
    shape, weights, source, bias = inputs_of(graph, op, 3, 4)
    assert source is not None and isinstance(op.options, Window2D)
    output = graph.tensors[op.output]
    weights = constant(op, weights, "weights")
    sizes = constant(op, shape, "output shape").data
    same_type(op, source, output, WITH_INT16)
    require(len(source.shape) == len(output.shape) == len(weights.shape) == 4, op, "its data are not four-dimensional")
    require(sizes is not None and tuple(sizes.ravel().tolist()) == output.shape, op, f"its output is {output.shape}")
    require(source.shape[0] == 1 and output.shape[0] == 1, op, f"its batch is {source.shape[0]}")
    outputs, rows, cols, inputs = weights.shape
    fits = (outputs, inputs) == (output.shape[3], source.shape[3])
    require(fits, op, f"its weights are {weights.shape}, its data {source.shape} and {output.shape}")
    pads = [transposed_padding(op.options, axis, output.shape[1 + axis], weights.shape[1 + axis]) for axis in (0, 1)]
    traits: Traits = {
        **_sizes(source.shape[1:], output.shape[1:], (rows, cols)),
        **_steps((1, 1), (1, 1), op.options.stride, (rows - 1 - pads[0], cols - 1 - pads[1])),
        "kGroupOutputs": outputs,
    }
    values = _values(op, weights)[:, ::-1, ::-1]
    return _layer(graph, op, position, values, weights, bias, traits, 0, data_input=2)


def direct_dense(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a FULLY_CONNECTED whose shapes were checked: a convolution of one pixel for each batch."""
    source, weights, bias = inputs_of(graph, op, 2, 3)
    assert source is not None
    weights = constant(op, weights, "weights")
    outputs, inputs = weights.shape
    pixels = source.elements // inputs
    traits: Traits = {
        **_sizes((pixels, 1, inputs), (pixels, 1, outputs), (1, 1)),
        **_steps((1, 1), (1, 1), (1, 1), (0, 0)),
        "kGroupOutputs": outputs,
    }
    values = _values(op, weights).reshape(outputs, 1, 1, inputs)
    return _layer(graph, op, position, values, weights, bias, traits, 0)


def _sizes(source: Sequence[int], output: Sequence[int], kernel: tuple[int, int]) -> Traits:
    names = ("Rows", "Cols", "Channels")
    traits: Traits = {f"kIn{name}": n for name, n in zip(names, source, strict=True)}
    traits |= {f"kOut{name}": n for name, n in zip(names, output, strict=True)}
    return traits | {"kKernelRows": kernel[0], "kKernelCols": kernel[1]}


def _steps(
    stride: tuple[int, int], dilation: tuple[int, int], spread: tuple[int, int], before: tuple[int, int]
) -> Traits:
    return {
        **{f"kStride{name}": n for name, n in zip(("Rows", "Cols"), stride, strict=True)},
        **{f"kDilation{name}": n for name, n in zip(("Rows", "Cols"), dilation, strict=True)},
        **{f"kSpread{name}": n for name, n in zip(("Rows", "Cols"), spread, strict=True)},
        "kPadTop": before[0],
        "kPadLeft": before[1],
    }


def _values(op: Operator, weights: Tensor) -> NDArray[Any]:
    require(weights.dtype in ("int8", "float32"), op, f"its weights are {weights.dtype}")
    assert weights.data is not None
    return weights.data


def _layer(
    graph: Graph, op: Operator, position: int, values: NDArray[Any], weights: Tensor, bias: Tensor | None,
    traits: Traits, axis: int, data_input: int = 0,
) -> Layer:  # fmt: skip
    """Return the layer of the kernel. `values` are the weights (output, row, column, input of its group)."""
    source, output = graph.tensors[op.inputs[data_input]], graph.tensors[op.output]
    arithmetic, channel, numbers = _arithmetic(op, source, weights, bias, output, axis, values)
    ctype = "float" if source.dtype == "float32" else "int8_t"
    table = Constant(f"kWeights{position}", ctype, values.ravel().tolist(), weights.bytes)
    pixels = source if op.kind == "TRANSPOSE_CONV" else output
    return Layer(
        position=position,
        title=op.title,
        name=output.name,
        inputs=(op.inputs[data_input],),
        output=op.output,
        macs=pixels.elements // pixels.shape[-1] * weights.elements,
        headers=("direct_conv2d.h",),
        traits=traits | {"kGroupInputs": values.shape[3]} | numbers,
        constants=(table, channel(f"kChannels{position}")),
        call=f"k::direct_conv2d<Layer{position}, k::{arithmetic}<Layer{position}>>"
        f"({{in0}}, {{out}}, kWeights{position}, kChannels{position});",
    )


def _arithmetic(
    op: Operator, source: Tensor, weights: Tensor, bias: Tensor | None, output: Tensor, axis: int, values: NDArray[Any]
) -> tuple[str, Any, Traits]:
    """Return the name of the arithmetic in the kernel, the maker of its table of channels, and its constants."""
    assert isinstance(op.options, Window2D | Activation)
    if source.dtype == "float32":
        return _float(op, op.options.activation, weights, bias, len(values))
    require(weights.dtype == "int8", op, f"its weights are {weights.dtype}")
    quant, zero_in = weights.quant, source.quant.zero_point
    whole = len(quant.scales) == 1
    require(whole or (quant.axis == axis and not any(quant.zero_points)), op, "its weights have several zero points")
    dense = op.kind == "FULLY_CONNECTED"
    narrow = op.options.narrow_sums
    wide = source.dtype == "int16" and not dense and not narrow
    if source.dtype == "int16":
        symmetric = not quant.zero_point and zero_in == output.quant.zero_point == 0
        require(symmetric, op, "its int16 data or their weights have a zero point")
    biases = _biases(op, bias, len(values), "int64" if source.dtype == "int16" and not narrow else "int32")
    rows = np.abs(values.astype(np.int64).reshape(len(values), -1) - quant.zero_point).sum(axis=1)
    lowest = LOWEST[source.dtype]
    farthest = max(zero_in - lowest, -1 - lowest - zero_in)
    bound = max(int(b) for b in np.abs(biases) + rows * farthest)
    multipliers = [quantize_multiplier(m) for m in real_multipliers(op, source, weights, output, len(values))]
    if wide:
        fits = bound < WIDE_LIMIT and all(m.shift < 8 for m in multipliers)
    else:
        left = 0 if dense else max(max(m.shift, 0) for m in multipliers)
        fits = bound < 1 << 31 and max(m.shift for m in multipliers) <= 16 and bound << left < 1 << 31
    require(fits, op, "a sum could overflow")
    table = [(int(b), m.multiplier, m.shift) for b, m in zip(biases, multipliers, strict=True)]
    kind = "WideChannel" if wide else "Channel"
    traits = {"kInZero": zero_in, "kWeightZero": quant.zero_point} | output_traits(op, op.options.activation, output)
    name = f"Direct{'Dense' if dense else 'Wide' if wide else ''}{source.dtype.capitalize()}"
    return name, lambda name: Constant(name, f"k::{kind}", table, (16 if wide else 12) * len(table)), traits


def _float(op: Operator, activation: str, weights: Tensor, bias: Tensor | None, count: int) -> tuple[str, Any, Traits]:
    require(weights.dtype == "float32", op, f"its weights are {weights.dtype}")
    biases = np.zeros(count) if bias is None else _biases(op, bias, count, "float32")
    finite = np.isfinite(biases).all() and weights.data is not None and np.isfinite(weights.data).all()
    require(bool(finite), op, "its weights hold values that are not finite")
    table = [(float(b),) for b in biases]
    return "DirectFloat", lambda name: Constant(name, "k::FloatChannel", table, 4 * count), float_range(activation)


def _biases(op: Operator, bias: Tensor | None, count: int, dtype: str) -> NDArray[Any]:
    if bias is None:
        return np.zeros(count, dtype=np.int64)
    if bias.dtype != dtype or bias.data is None or bias.elements != count:
        raise fail(op, f"its bias is not a constant {dtype} for each of {count} channels")
    return bias.data.ravel().astype(np.float32 if dtype == "float32" else np.int64)
