"""CONV_2D on int8: the table of weights and scales.

The first layer of many networks (3 x 3 on one channel, ReLU, 2 x 2 max pool) has a specialised kernel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.eon.graph import Graph, Operator, Tensor, Window2D
from ei_toolkit.eon.kernels.block import PIXELS, Block, choose_block, prefers_halves
from ei_toolkit.eon.kernels.dense import dense_layer
from ei_toolkit.eon.kernels.direct import direct_conv2d, is_general
from ei_toolkit.eon.kernels.float_convolution import conv2d_float
from ei_toolkit.eon.kernels.geometry import Geometry, geometry
from ei_toolkit.eon.kernels.layer import (
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

CHANNEL_BYTES = 48


def is_first(g: Geometry, channels: Channels, traits: Mapping[str, int | float | str]) -> bool:
    """Return whether the specialised kernel fits: four times a sum has 32 bits and every pool is whole."""
    shape = (g.in_channels, g.kernel_rows, g.kernel_cols, g.pool_rows, g.pool_cols)
    steps = (g.stride_rows, g.stride_cols, g.dilation_rows, g.dilation_cols)
    relu = (traits["kMin"], traits["kMax"], traits["kOutputZeroPoint"]) == (-128, 127, -128)
    rows_fit = g.out_rows == 2 * g.pooled_rows and not g.swapped
    sums_fit = max(channels.bounds) < 1 << 29 and all(-22 <= m.shift <= -1 for m in channels.multipliers)
    return shape == (1, 3, 3, 2, 2) and steps == (1, 1, 1, 1) and relu and rows_fit and sums_fit


def is_one_pixel(g: Geometry) -> bool:
    """Return whether the only pixel of the output reads each element of the input once, in their order."""
    kernel = (g.kernel_rows, g.kernel_cols) == (g.in_rows, g.in_cols)
    return (
        kernel
        and (g.out_rows, g.out_cols) == (1, 1)
        and (g.dilation_rows == 1 or g.kernel_rows == 1)
        and (g.dilation_cols == 1 or g.kernel_cols == 1)
    )


def first_table(weights: NDArray[np.signedinteger[Any]], channels: Channels) -> list[tuple[Any, ...]]:
    """Return the rows of the kernel's table, `k::FirstChannel`, from weights (channel, row, col).

    With the scale 2^-n of a channel, the kernel shifts by n + 1 what the high half of four times a sum times the
    multiplier and the rounding give, so that both roundings of the reference are in the sum.
    """
    g0, g1, g2 = np.moveaxis(weights.astype(np.int64), 1, 0)
    transformed = np.stack((2 * (g0 - g1 + g2), 4 * g2, 4 * g0, 2 * (g0 + g1 + g2)), axis=1)
    table = []
    for rows, bias, scale in zip(transformed.tolist(), channels.biases, channels.multipliers, strict=True):
        pairs = tuple(pair_word(*pair) for row in rows for pair in (row[:2], row[1:]))
        rounding = 1 + (1 << -scale.shift) - (128 << 1 - scale.shift)
        table.append((pairs, 4 * bias, scale.multiplier, rounding, 1 - scale.shift))
    table[-1] = (*table[-1][:-1], table[-1][-1] | LAST_CHANNEL)
    return table


LAST_CHANNEL = 1 << 31


def _first(
    op: Operator,
    position: int,
    g: Geometry,
    weights: NDArray[Any],
    channels: Channels,
    source: Tensor,
    output: Tensor,
    requantize: dict[str, Any],
) -> Layer:
    """Return the layer of the specialised kernel."""
    rows = first_table(weights[..., 0], channels)
    pad_right = max(2 * g.pooled_cols + 2 - g.pad_left - g.in_cols, 0)
    pad_right += (g.pad_left + g.in_cols + pad_right) % 2  # rows of whole words are copied faster
    width = g.pad_left + g.in_cols + pad_right
    traits = _window(g, 4, 2, pad_right, source.quant.zero_point)
    sizes = {"kOutRows": g.pooled_rows, "kOutCols": g.pooled_cols, "kOutChannels": len(weights)}
    return Layer(
        position=position,
        title=op.title,
        name=output.name,
        inputs=(op.inputs[0],),
        output=op.output,
        macs=g.out_rows * g.out_cols * weights.size,
        headers=("first_conv2d.h",),
        traits=traits | sizes | {"kConvCols": g.out_cols} | requantize,
        constants=(Constant(f"kChannels{position}", "k::FirstChannel", rows, CHANNEL_BYTES * len(rows)),),
        scratch=(Scratch(f"window{position}", "int16_t", 4 * width),),
        flash_words=CHANNEL_BYTES // 4 * len(rows) * g.pooled_rows * g.pooled_cols,
        rows=row_access(g, len(weights), f"k::FirstConv2D<Layer{position}, {{source}}>",
                   f"window{position}, kChannels{position}", block_rows=1, window_rows=4, step=2),
    )  # fmt: skip


def pair_word(low: int, high: int) -> int:
    """Pack two int16 in one word."""
    return (low & 0xFFFF) | (high & 0xFFFF) << 16


def conv2d(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a CONV_2D."""
    source, weights, bias = inputs_of(graph, op, 2, 3)
    assert source is not None and isinstance(op.options, Window2D)
    output = graph.tensors[op.output]
    weights = constant(op, weights, "weights")
    if is_general(op, source, weights):
        return direct_conv2d(graph, op, position)
    same_type(op, source, output)
    require(len(weights.shape) == 4 and weights.shape[3] == source.shape[-1], op, f"its weights are {weights.shape}")
    require(weights.shape[0] == output.shape[-1], op, f"its weights are {weights.shape}")
    if source.dtype == "float32":
        return conv2d_float(graph, op, position)
    shape = geometry(op, source, output, (weights.shape[1], weights.shape[2]))
    filters = weights.shape[0]
    per_channel = channels(op, source, weights, bias, output, axis=0)
    assert weights.data is not None
    requantize = requantize_traits(per_channel, op, op.options.activation, output)
    values = per_channel.varying(weights.data, axis=0)
    if is_first(shape, per_channel, requantize):
        return _first(op, position, shape, values, per_channel, source, output, requantize)
    if is_one_pixel(shape):
        matrix = values.reshape(filters, -1)
        return dense_layer(op, position, matrix, per_channel, requantize, output, rounds_twice=True)
    block = choose_block(shape, filters)
    values = np.swapaxes(values, 1, 2) if shape.swapped else values
    form, words = pack_block(values, block, per_channel, output.quant.zero_point, shape.out_rows * shape.out_cols)
    if form == "kInBytes":  # whose sums read the inputs of four pixels
        block = replace(block, shared_rows=0)
    traits = _traits(shape, block, filters, source.quant.zero_point) | requantize
    return Layer(
        position=position,
        title=op.title,
        name=output.name,
        inputs=(op.inputs[0],),
        output=op.output,
        macs=shape.out_rows * shape.out_cols * weights.elements,
        headers=("conv2d.h",),
        traits=traits | {"kTableForm": f"k::{form}"},
        constants=(Constant(f"kTable{position}", "uint32_t", words, 4 * len(words)),),
        scratch=(
            Scratch(f"window{position}", "int8_t", block.window_bytes),
            Scratch(f"inputs{position}", "uint32_t", block.gathered_words),
        ),
        flash_words=len(words) * -(-shape.out_rows // block.pixel_rows) * -(-shape.out_cols // block.pixel_cols),
        rows=row_access(shape, filters, f"k::Conv2D<Layer{position}, {{source}}>",
                   f"window{position}, inputs{position}, kTable{position}",
                   block_rows=block.pixel_rows // shape.pool_rows, window_rows=block.window_rows,
                   step=block.pixel_rows * shape.stride_rows),
    )  # fmt: skip


def row_access(
    g: Geometry, channels: int, cls: str, arguments: str, *, block_rows: int, window_rows: int, step: int
) -> Rows:
    """Describe how a kernel reads and writes rows."""
    return Rows(
        cls=cls,
        arguments=arguments,
        in_rows=g.in_rows,
        in_row_elements=g.in_cols * g.in_channels,
        out_rows=g.pooled_rows,
        out_row_elements=g.pooled_cols * channels,
        ctype="int8_t",
        block_rows=block_rows,
        window_rows=window_rows,
        step=step,
        pad_top=g.pad_top,
    )


def pack_block(
    weights: NDArray[np.int8], block: Block, per_channel: Channels, zero_point: int, pixels: int
) -> tuple[str, list[int]]:
    """Return the form of the kernel's table (`TableForm`) and its words.

    `weights` are (channel, row, col, input), `zero_point` is that of the output, `pixels` before a pool.
    """
    filters = len(weights)
    flat = np.zeros((filters + filters % 2, weights[0].size + 1), dtype=np.int64)  # the last input is always zero
    flat[:filters, :-1] = weights.reshape(filters, -1)
    a, b = flat[0::2, block.order], flat[1::2, block.order]
    bias = np.array((*per_channel.biases, *(0,) * (filters % 2)), dtype=np.int64)
    sums = np.stack((bias[1::2], bias[0::2]), axis=1)
    fits = int((a + 256 * b).min()) >= -(1 << 15)
    if per_channel.packed and prefers_halves(weights.size, pixels):
        form, sums = "kHalves", 256 * sums
        words = np.stack((_words(256 * b), _words(256 * a)), axis=2).reshape(len(a), -1)
    elif per_channel.packed and fits:
        form, words = "kPacked", _words(a + 256 * b)
        sums[:, 0] = sums[:, 1] + 256 * sums[:, 0]
    else:
        form, words = "kInBytes", _words((a & 0xFF) + 256 * b)
    scales = per_channel.scales(zero_point, packed=form != "kInBytes").reshape(-1, 4)
    table: list[int] = (np.concatenate((sums, words, scales), axis=1) & 0xFFFFFFFF).ravel().tolist()
    return form, table


def _words(halves: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the words of pairs of int16 in each row."""
    return halves[:, 0::2] & 0xFFFF | (halves[:, 1::2] & 0xFFFF) << 16


def _traits(g: Geometry, block: Block, filters: int, zero_point: int) -> dict[str, int | float | str]:
    pixel = [(i // block.pixel_cols, i % block.pixel_cols) for i in range(PIXELS)]
    outputs = [(r // g.pool_rows * g.pooled_cols + c // g.pool_cols) * filters for r, c in pixel]
    return {
        **_window(g, block.window_rows, block.pixel_rows, block.pad_right, zero_point),
        "kConvRows": g.out_rows,
        "kConvCols": g.out_cols,
        "kOutRows": g.pooled_rows,
        "kOutCols": g.pooled_cols,
        "kOutChannels": filters,
        "kPoolRows": g.pool_rows,
        "kPoolCols": g.pool_cols,
        "kPoolPixels": g.pool_rows * g.pool_cols,
        "kPixelRows": block.pixel_rows,
        "kPixelCols": block.pixel_cols,
        "kPixelRowStep": g.stride_rows * block.width,
        "kPixelColStep": g.stride_cols * g.in_channels,
        "kPairs": block.pairs,
        "kOut1": outputs[1],
        "kOut2": outputs[2],
        "kOut3": outputs[3],
        "kRuns": block.runs,
        "kRunCols": block.run_cols,
        "kRunElements": block.run_elements,
        "kSharedRows": block.shared_rows,
        "kRunRowStep": g.dilation_rows * block.width if block.runs > 1 else 0,
        "kRunColStep": g.dilation_cols * g.in_channels if block.run_cols > 1 else 0,
    }


def _window(g: Geometry, rows: int, pixel_rows: int, pad_right: int, zero_point: int) -> dict[str, int | float | str]:
    return {
        "kInRows": g.in_rows,
        "kRowElements": g.in_cols * g.in_channels,
        "kWindowRows": rows,
        "kStep": pixel_rows * g.stride_rows,
        "kPadTop": g.pad_top,
        "kPadLeft": g.pad_left * g.in_channels,
        "kPadRight": pad_right,
        "kPadValue": zero_point,
    }
