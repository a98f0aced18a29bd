"""DEPTHWISE_CONV_2D on int8 with a kernel of one column, as networks that go along time have it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.eon.graph import Operator, Tensor
from ei_toolkit.eon.kernels.convolution import pair_word, row_access
from ei_toolkit.eon.kernels.geometry import Geometry
from ei_toolkit.eon.kernels.layer import Constant, Layer, Scratch
from ei_toolkit.eon.kernels.quantized import FARTHEST_LOAD, Channels, common_shift, weight_powers

ROWS = 4  # that the kernel computes at a time, and rows of the input in a word
LEAST_SAME_SHIFT = 8  # that leaves seven bits of the rounding for what negative sums need
MOST_INPUTS = 32  # rows of the input that the four rows of the output read


def fits_column(g: Geometry, channels: int, per_channel: Channels) -> bool:
    """Return whether the kernel can compute a layer, and takes fewer instructions than the general one."""
    one_column = (g.kernel_cols, g.in_cols, g.pad_left) == (1, g.out_cols, 0)
    steps = (g.stride_rows, g.stride_cols, g.dilation_rows) == (1, 1, 1)
    inputs = g.kernel_rows + ROWS - 1
    row = g.in_cols * channels
    near = max((_groups(g) - 1) * 4 * row, (ROWS - 1) * row) <= FARTHEST_LOAD
    worth = g.kernel_rows > 1 and g.out_rows > 1  # for one row, four channels at a time are faster
    shape = one_column and steps and channels == g.in_channels and inputs <= MOST_INPUTS and worth
    return shape and near and weight_powers(per_channel) is not None


def column_layer(
    op: Operator,
    position: int,
    g: Geometry,
    weights: NDArray[np.int8],
    source: Tensor,
    output: Tensor,
    per_channel: Channels,
    requantize: dict[str, Any],
) -> Layer:
    """Return the layer of a kernel (1, row, 1, channel) that `fits_column`."""
    powers = weight_powers(per_channel)
    assert powers is not None
    shift = common_shift(per_channel, powers)
    shift = shift if shift >= LEAST_SAME_SHIFT else 0
    words = column_table(weights[0, :, 0].T, per_channel, powers, output.quant.zero_point, same_shift=shift > 0)
    traits: dict[str, int | float | str] = {
        "kInRows": g.in_rows,
        "kRowElements": g.in_cols * g.in_channels,
        "kPadTop": g.pad_top,
        "kPadValue": source.quant.zero_point,
        "kGroups": _groups(g),
        "kTaps": g.kernel_rows,
        "kOutRows": g.out_rows,
        "kOutCols": g.out_cols,
        "kOutChannels": g.in_channels,
        "kScaleShift": shift,
    }
    return Layer(
        position=position,
        title=op.title,
        name=output.name,
        inputs=(op.inputs[0],),
        output=op.output,
        macs=g.out_rows * g.out_cols * weights.size,
        headers=("depthwise_column.h",),
        traits=traits | requantize,
        constants=(Constant(f"kTable{position}", "uint32_t", words, 4 * len(words)),),
        scratch=(Scratch(f"window{position}", "uint32_t", _groups(g) * g.in_cols * g.in_channels),),
        flash_words=len(words) * -(-g.out_rows // ROWS) * g.out_cols,
        rows=row_access(g, g.in_channels, f"k::DepthwiseColumn<Layer{position}, {{source}}>",
                   f"window{position}, kTable{position}", block_rows=min(ROWS, g.out_rows),
                   window_rows=ROWS * _groups(g), step=ROWS),
    )  # fmt: skip


def _groups(g: Geometry) -> int:
    """Return how many words of four rows the kernel reads for each column and channel."""
    return -(-(g.kernel_rows + min(ROWS, g.out_rows) - 1) // ROWS)


def column_table(
    weights: NDArray[np.int8],
    per_channel: Channels,
    powers: tuple[int, ...],
    zero_point: int,
    *,
    same_shift: bool,
) -> list[int]:
    """Return the words of the kernel's `ColumnTable` from weights (channel, tap); `zero_point` is the output's."""
    table: list[int] = []
    for values, bias, scale, power in zip(
        weights.astype(int), per_channel.biases, per_channel.multipliers, powers, strict=True
    ):
        scaled = [*(values << power).tolist(), 0, 0, 0]
        pairs = [pair_word(*scaled[i : i + 2]) for i in range(0, max(len(values), 3), 2)]
        shift = power - 1 - scale.shift
        half = 1 << (power - 2)
        rounding = (1 << (shift - 1)) + (zero_point << shift) + half
        table += [*pairs[:2], bias << power, *pairs[2:], scale.multiplier, rounding]
        table += [] if same_shift else [shift | half << 8]
    return [word & 0xFFFFFFFF for word in table]
