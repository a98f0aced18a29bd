"""DEPTHWISE_CONV_2D on int8. Kernels of 3 x 3 with an activation function, and of one column, have their own code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.eon.graph import Graph, Operator, Tensor, Window2D
from ei_toolkit.eon.kernels.convolution import pair_word, row_access
from ei_toolkit.eon.kernels.depthwise_column import column_layer, fits_column
from ei_toolkit.eon.kernels.direct import direct_conv2d, is_general
from ei_toolkit.eon.kernels.float_convolution import depthwise_float, row_width, window_rows, window_traits
from ei_toolkit.eon.kernels.geometry import Geometry, geometry
from ei_toolkit.eon.kernels.layer import Constant, Layer, Scratch, constant, inputs_of, require, same_type
from ei_toolkit.eon.kernels.quantized import (
    FARTHEST_LOAD,
    Channels,
    channels,
    common_shift,
    requantize_traits,
    weight_powers,
)


def depthwise_conv2d(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a DEPTHWISE_CONV_2D with any depth multiplier."""
    source, weights, bias = inputs_of(graph, op, 2, 3)
    assert source is not None and isinstance(op.options, Window2D)
    output = graph.tensors[op.output]
    weights = constant(op, weights, "weights")
    if is_general(op, source, weights):
        return direct_conv2d(graph, op, position)
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
    requantize = requantize_traits(per_channel, op, op.options.activation, output)
    values = per_channel.varying(weights.data, axis=3)
    values = np.swapaxes(values, 1, 2) if g.swapped else values
    if fits_three_by_three(g, count, per_channel, requantize):
        return _three_by_three(op, position, g, values, source, output, per_channel, requantize)
    if fits_column(g, count, per_channel):
        return column_layer(op, position, g, values, source, output, per_channel, requantize)
    words = pack_taps(values, in_pairs=count == g.in_channels)
    whole = is_one_row(g, count)
    width = g.in_cols * g.in_channels if whole else row_width(g) + -row_width(g) % 4  # whole words are copied faster
    traits = window_traits(g, count, source.quant.zero_point, width)
    traits |= {"kDepthMultiplier": count // source.shape[-1]}
    layer = Layer(
        position=position,
        title=op.title,
        name=output.name,
        inputs=(op.inputs[0],),
        output=op.output,
        macs=g.out_rows * g.out_cols * weights.elements,
        headers=("depthwise_conv2d.h",),
        traits=traits | requantize,
        constants=(
            Constant(f"kWeights{position}", "uint32_t", words, 4 * len(words)),
            per_channel.constant(f"kChannels{position}", pad_to=GROUP, to_right=per_channel.fast),
        ),
        flash_words=g.out_rows * g.out_cols * (len(words) + 3 * count),
    )
    if whole:
        call = f"k::depthwise_row<Layer{position}>({{in0}}, {{out}}, kWeights{position}, kChannels{position});"
        return replace(layer, call=call)
    return replace(
        layer,
        scratch=(Scratch(f"window{position}", "int8_t", int(traits["kWindowRows"]) * width + 3),),
        rows=window_rows(
            g, f"k::DepthwiseConv2D<Layer{position}, {{source}}>", position, "int8_t", count, ("Weights", "Channels")
        ),
    )


def is_one_row(g: Geometry, channels: int) -> bool:
    """Return whether the output is one row that reads all rows of the input, without padding, in whole groups."""
    rows = (g.out_rows, g.pad_top, (g.kernel_rows - 1) * g.dilation_rows + 1) == (1, 0, g.in_rows)
    reach = (g.out_cols - 1) * g.stride_cols + (g.kernel_cols - 1) * g.dilation_cols + 1
    return rows and g.pad_left == 0 and reach <= g.in_cols and channels == g.in_channels and channels % GROUP == 0


GROUP = 4  # channels that the general kernel computes at a time


def pack_taps(weights: NDArray[np.int8], *, in_pairs: bool) -> list[int]:
    """Return the words of (1, row, col, channel) for the kernel: group of channels, tap, channel.

    `in_pairs` is for a multiplier of one: of two taps of a row, or of the column if it is the only one, the weights of
    the first two channels are one word, those of the other two the next.
    """
    rows, cols, channels = weights.shape[1:]
    padded = np.zeros((rows, cols, channels + -channels % GROUP), dtype=np.int8)
    padded[..., :channels] = weights[0]
    lines = padded.reshape(rows, cols, -1, GROUP) if cols > 1 else padded.reshape(1, rows, -1, GROUP)
    lines = lines.transpose(2, 0, 1, 3)  # group, line, tap, channel
    taps = lines.shape[2] // 2 * 2 if in_pairs else 0
    pairs = lines[:, :, :taps].reshape(*lines.shape[:2], taps // 2, 2, 2, 2).swapaxes(3, 4)  # halves of four channels
    ordered = np.concatenate((pairs.reshape(*lines.shape[:2], -1), lines[:, :, taps:].reshape(*lines.shape[:2], -1)), 2)
    words: list[int] = np.ascontiguousarray(ordered).reshape(-1).view("<u4").tolist()
    return words


def fits_three_by_three(
    g: Geometry, channels: int, per_channel: Channels, requantize: Mapping[str, int | float | str]
) -> bool:
    """Return whether the specialised 3 x 3 kernel can compute a layer."""
    shape = (g.kernel_rows, g.kernel_cols, g.dilation_rows, g.dilation_cols) == (3, 3, 1, 1)
    fits = g.stride_rows == g.stride_cols and g.stride_rows <= 2 and channels == g.in_channels
    columns = (3 if g.stride_cols == 1 else 4) * 4 * channels
    near = max(columns, 8 * g.stride_cols * channels, (g.out_cols + 1) * channels) <= FARTHEST_LOAD
    usual = requantize["kMin"] == requantize["kOutputZeroPoint"] and weight_powers(per_channel) is not None
    return shape and fits and near and usual


def three_by_three_table(
    weights: NDArray[np.int8], per_channel: Channels, output: Tensor, powers: tuple[int, ...]
) -> list[tuple[Any, ...]]:
    """Return the rows of the kernel's table, `k::DepthwiseChannel`, from weights (1, row, col, channel)."""
    rows = []
    for channel, (bias, scale, power) in enumerate(
        zip(per_channel.biases, per_channel.multipliers, powers, strict=True)
    ):
        shift = power - 1 - scale.shift
        w = (weights[0, :, :, channel].astype(int) << power).tolist()
        rounding = (1 << (shift - 1)) + (output.quant.zero_point << shift) + (1 << (power - 2))
        words = tuple(pair_word(w[0][col], w[2][col]) for col in range(3))
        last = pair_word(w[1][2], shift)
        rows.append((words, pair_word(w[1][0], w[1][1]), last, bias << power, scale.multiplier, rounding))
    return rows


CHANNEL_BYTES = 32


def _three_by_three(
    op: Operator,
    position: int,
    g: Geometry,
    weights: NDArray[np.int8],
    source: Tensor,
    output: Tensor,
    per_channel: Channels,
    requantize: dict[str, Any],
) -> Layer:
    """Return the layer of the specialised 3 x 3 kernel, which keeps four rows and moves on by two."""
    powers = weight_powers(per_channel)
    assert powers is not None
    table = three_by_three_table(weights, per_channel, output, powers)
    pad_right = max((g.out_cols - 1) * g.stride_cols + 3 - g.pad_left - g.in_cols, 0)
    columns = g.pad_left + g.in_cols + pad_right
    two_rows = g.stride_rows == 1
    traits: dict[str, int | float | str] = {
        "kInRows": g.in_rows,
        "kRowElements": g.in_cols * g.in_channels,
        "kPadTop": g.pad_top,
        "kPadLeftCols": g.pad_left,
        "kPadRightCols": pad_right,
        "kPadValue": source.quant.zero_point,
        "kOutRows": g.out_rows,
        "kOutCols": g.out_cols,
        "kOutChannels": len(table),
        "kStride": g.stride_rows,
        "kScaleShift": common_shift(per_channel, powers),
    }
    return Layer(
        position=position,
        title=op.title,
        name=output.name,
        inputs=(op.inputs[0],),
        output=op.output,
        macs=g.out_rows * g.out_cols * 9 * len(table),
        headers=("depthwise_conv3x3.h",),
        traits=traits | requantize,
        constants=(Constant(f"kChannels{position}", "k::DepthwiseChannel", table, CHANNEL_BYTES * len(table)),),
        scratch=(Scratch(f"window{position}", "uint32_t", columns * g.in_channels),),
        flash_words=CHANNEL_BYTES // 4 * len(table) * (-(-g.out_rows // 2) if two_rows else g.out_rows),
        rows=row_access(g, len(table), f"k::DepthwiseConv3x3<Layer{position}, {{source}}>",
                   f"window{position}, kChannels{position}", block_rows=2 if two_rows else 1, window_rows=4, step=2),
    )  # fmt: skip
