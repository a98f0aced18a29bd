"""CONV_2D and DEPTHWISE_CONV_2D on int8.

The first layer of many networks (3 x 3 on one channel, ReLU, 2 x 2 max pool) has a specialised kernel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.eon.graph import Graph, Operator, Window2D
from ei_toolkit.eon.kernels.float_convolution import (
    conv2d_float,
    depthwise_float,
    row_width,
    window_rows,
    window_traits,
)
from ei_toolkit.eon.kernels.geometry import Geometry, geometry
from ei_toolkit.eon.kernels.layer import (
    C_BYTES,
    Constant,
    Layer,
    Rows,
    Scratch,
    constant,
    inputs_of,
    require,
    same_type,
)
from ei_toolkit.eon.kernels.quantized import Channels, channels, requantize_traits

CHANNEL_BYTES = 60


@dataclass(frozen=True)
class Kernel:
    """The kernel of a convolution: its header, its class, the constants of its struct and its tables."""

    header: str
    cls: str
    traits: Mapping[str, int | float | str]
    constants: tuple[Constant, ...]


def is_first(g: Geometry, channels: Channels, traits: Mapping[str, int | float | str]) -> bool:
    """Return whether the specialised kernel fits: its sums are scaled in the fast way and every pool is whole."""
    shape = (g.in_channels, g.kernel_rows, g.kernel_cols, g.pool_rows, g.pool_cols)
    steps = (g.stride_rows, g.stride_cols, g.dilation_rows, g.dilation_cols)
    relu = (traits["kMin"], traits["kMax"], traits["kOutputZeroPoint"]) == (-128, 127, -128)
    rows_fit = g.out_rows == 2 * g.pooled_rows and not g.swapped
    return shape == (1, 3, 3, 2, 2) and steps == (1, 1, 1, 1) and channels.fast and relu and rows_fit


def first_kernel(position: int, weights: NDArray[Any], channels: Channels) -> Kernel:
    """Return the specialised kernel with its table: the weights for a pool's columns, bias and scale."""
    rows = [
        (
            *(pair for kernel_row in channel for pair in _left(kernel_row)),
            *(pair for kernel_row in channel for pair in _right(kernel_row)),
            *(bias, scale.multiplier, -scale.shift - 1),
        )
        for channel, bias, scale in zip(weights[..., 0].tolist(), channels.biases, channels.multipliers, strict=True)
    ]
    # Two arrays of six words, then three numbers.
    nested = [(row[:6], row[6:12], *row[12:]) for row in rows]
    table = Constant(f"kChannels{position}", "k::FirstChannel", nested, CHANNEL_BYTES * len(rows))
    return Kernel("first_conv2d.h", "FirstConv2D", {}, (table,))


def _left(row: list[int]) -> tuple[int, int]:
    return _pair(row[0], row[1]), _pair(row[2], 0)


def _right(row: list[int]) -> tuple[int, int]:
    return _pair(0, row[0]), _pair(row[1], row[2])


def _pair(low: int, high: int) -> int:
    """Pack two int16 in one word."""
    return (low & 0xFFFF) | (high & 0xFFFF) << 16


WIDE_WEIGHTS = 2048  # layers with at most this many store them as int16, which saves two instructions of fifteen


@dataclass(frozen=True)
class Block:
    """The pixels of the convolution that the kernel computes at a time, and its window of input rows."""

    pixel_rows: int
    pixel_cols: int
    window_rows: int
    pad_right: int  # elements
    width: int  # elements of one window row
    runs: int
    run_cols: int
    run_elements: int  # even


def conv2d(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a CONV_2D."""
    source, weights, bias = inputs_of(graph, op, 2, 3)
    assert source is not None and isinstance(op.options, Window2D)
    output = graph.tensors[op.output]
    weights = constant(op, weights, "weights")
    same_type(op, source, output)
    require(len(weights.shape) == 4 and weights.shape[3] == source.shape[-1], op, f"its weights are {weights.shape}")
    require(weights.shape[0] == output.shape[-1], op, f"its weights are {weights.shape}")
    if source.dtype == "float32":
        return conv2d_float(graph, op, position)
    shape = geometry(op, source, output, (weights.shape[1], weights.shape[2]))
    block = _block(shape)
    filters = weights.shape[0]
    per_channel = channels(op, source, weights, bias, output, axis=0)
    assert weights.data is not None
    traits = _traits(shape, block, filters, source.quant.zero_point)
    traits |= requantize_traits(per_channel, op, op.options.activation, output)
    if is_first(shape, per_channel, traits):
        kernel = first_kernel(position, weights.data, per_channel)
    else:
        kernel = _kernel(position, shape, block, weights.data, per_channel)
    return Layer(
        position=position,
        title=op.title,
        name=output.name,
        inputs=(op.inputs[0],),
        output=op.output,
        macs=shape.out_rows * shape.out_cols * weights.elements,
        headers=(kernel.header,),
        traits={**traits, **kernel.traits},
        constants=kernel.constants,
        scratch=(Scratch(f"window{position}", "int16_t", block.window_rows * block.width),),
        rows=_rows(shape, block, filters, kernel, position),
    )


def _rows(g: Geometry, block: Block, filters: int, kernel: Kernel, position: int) -> Rows:
    """Describe how the kernel reads and writes rows."""
    return Rows(
        cls=f"k::{kernel.cls}<Layer{position}, {{source}}>",
        arguments=", ".join((f"window{position}", *(c.name for c in kernel.constants))),
        in_rows=g.in_rows,
        in_row_elements=g.in_cols * g.in_channels,
        out_rows=g.pooled_rows,
        out_row_elements=g.pooled_cols * filters,
        ctype="int8_t",
        block_rows=block.pixel_rows // g.pool_rows,
        window_rows=block.window_rows,
        step=block.pixel_rows * g.stride_rows,
        pad_top=g.pad_top,
    )


def _kernel(position: int, g: Geometry, block: Block, weights: NDArray[Any], per_channel: Channels) -> Kernel:
    """Return the general kernel."""
    wide = weights.size <= WIDE_WEIGHTS
    packed = pack_weights(np.swapaxes(weights, 1, 2) if g.swapped else weights, block, wide=wide)
    ctype = "int16_t" if wide else "int8_t"
    constants = (
        Constant(f"kWeights{position}", ctype, packed, len(packed) * C_BYTES[ctype]),
        per_channel.constant(f"kChannels{position}", pad_to=2),
    )
    return Kernel("conv2d.h", "Conv2D", {"using Weight": ctype}, constants)


def _block(g: Geometry) -> Block:
    rows, cols = _pixels(g)
    last_col = -(-g.pooled_cols * g.pool_cols // cols) * cols - 1  # the last column that the kernel computes
    reach = last_col * g.stride_cols + (g.kernel_cols - 1) * g.dilation_cols + 1
    straight = g.dilation_cols == 1
    run = (g.kernel_cols if straight else 1) * g.in_channels
    odd = run % 2  # one further element is read, and multiplied by zero
    pad_right = max(reach - g.pad_left - g.in_cols, 0) * g.in_channels + odd
    pad_right += ((g.pad_left + g.in_cols) * g.in_channels + pad_right) % 2  # rows of whole words are copied faster
    return Block(
        pixel_rows=rows,
        pixel_cols=cols,
        window_rows=(rows - 1) * g.stride_rows + (g.kernel_rows - 1) * g.dilation_rows + 1,
        pad_right=pad_right,
        width=(g.pad_left + g.in_cols) * g.in_channels + pad_right,
        runs=g.kernel_rows * (1 if straight else g.kernel_cols),
        run_cols=1 if straight else g.kernel_cols,
        run_elements=run + odd,
    )


def _pixels(g: Geometry) -> tuple[int, int]:
    """Choose four pixels that are computed together: whole pools, along the longer side."""
    if g.out_cols == 1:
        return (4, 1)
    if g.pool_rows == 2 or (g.out_cols == 2 and g.out_rows > 1):
        return (2, 2)
    return (1, 4)


def pack_weights(weights: NDArray[Any], block: Block, *, wide: bool) -> list[int]:
    """Order (channel, row, col, input) as the kernel reads it.

    That is: pair of channels a and b, run, pair of inputs 0 and 1; within them a0 b0 a1 b1, or a0 a1 b0 b1 if wide.
    """
    filters = weights.shape[0]
    runs = weights.reshape(filters, block.runs, -1)
    padded = np.zeros((filters + filters % 2, block.runs, block.run_elements), dtype=np.int8)
    padded[:filters, :, : runs.shape[2]] = runs
    pairs = padded.reshape(-1, 2, block.runs, block.run_elements // 2, 2)
    order: list[int] = pairs.transpose((0, 2, 3, 1, 4) if wide else (0, 2, 3, 4, 1)).ravel().tolist()
    return order


def _traits(g: Geometry, block: Block, filters: int, zero_point: int) -> dict[str, int | float | str]:
    return {
        "kInRows": g.in_rows,
        "kRowElements": g.in_cols * g.in_channels,
        "kWindowRows": block.window_rows,
        "kStep": block.pixel_rows * g.stride_rows,
        "kPadTop": g.pad_top,
        "kPadLeft": g.pad_left * g.in_channels,
        "kPadRight": block.pad_right,
        "kPadValue": zero_point,
        "kConvRows": g.out_rows,
        "kConvCols": g.out_cols,
        "kOutRows": g.pooled_rows,
        "kOutCols": g.pooled_cols,
        "kOutChannels": filters,
        "kPoolRows": g.pool_rows,
        "kPoolCols": g.pool_cols,
        "kPixelRows": block.pixel_rows,
        "kPixelCols": block.pixel_cols,
        "kPixelRowStep": g.stride_rows * block.width,
        "kPixelColStep": g.stride_cols * g.in_channels,
        "kRuns": block.runs,
        "kRunCols": block.run_cols,
        "kRunElements": block.run_elements,
        "kRunRowStep": g.dilation_rows * block.width,
        "kRunColStep": g.dilation_cols * g.in_channels,
    }


def depthwise_conv2d(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a DEPTHWISE_CONV_2D with any depth multiplier."""
    source, weights, bias = inputs_of(graph, op, 2, 3)
    assert source is not None and isinstance(op.options, Window2D)
    output = graph.tensors[op.output]
    weights = constant(op, weights, "weights")
    same_type(op, source, output)
    require(len(weights.shape) == 4 and weights.shape[0] == 1, op, f"its weights are {weights.shape}")
    count = weights.shape[3]
    fits = count == output.shape[-1] and count % source.shape[-1] == 0
    require(fits, op, f"its weights are {weights.shape}, its data {source.shape} and {output.shape}")
    g = geometry(op, source, output, (weights.shape[1], weights.shape[2]))
    if source.dtype == "float32":
        return depthwise_float(graph, op, position, g, weights, bias)
    per_channel = channels(op, source, weights, bias, output, axis=3)
    assert weights.data is not None
    packed = pack_pairs(np.swapaxes(weights.data, 1, 2) if g.swapped else weights.data)
    traits = window_traits(g, count, source.quant.zero_point) | {"kDepthMultiplier": count // source.shape[-1]}
    return Layer(
        position=position,
        title=op.title,
        name=output.name,
        inputs=(op.inputs[0],),
        output=op.output,
        macs=g.out_rows * g.out_cols * weights.elements,
        headers=("depthwise_conv2d.h",),
        traits=traits | requantize_traits(per_channel, op, op.options.activation, output),
        constants=(
            Constant(f"kWeights{position}", "int16_t", packed, 2 * len(packed)),
            per_channel.constant(f"kChannels{position}", pad_to=2),
        ),
        scratch=(Scratch(f"window{position}", "int16_t", int(traits["kWindowRows"]) * row_width(g)),),
        rows=window_rows(
            g, f"k::DepthwiseConv2D<Layer{position}, {{source}}>", position, "int8_t", count, ("Weights", "Channels")
        ),
    )


def pack_pairs(weights: NDArray[np.int8]) -> list[int]:
    """Order (1, row, col, channel) as the kernel reads it: pair of channels, tap, channel."""
    channels = weights.shape[3]
    taps = np.zeros((weights.shape[1] * weights.shape[2], channels + channels % 2), dtype=np.int16)
    taps[:, :channels] = weights.reshape(-1, channels)
    order: list[int] = taps.reshape(len(taps), -1, 2).transpose(1, 0, 2).ravel().tolist()
    return order
