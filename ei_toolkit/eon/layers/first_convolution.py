"""The first layer of many nets: 3 x 3 on one channel, ReLU, 2 x 2 max pool. It has a kernel of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from ei_toolkit.eon.layers.geometry import Geometry
from ei_toolkit.eon.layers.layer import Constant
from ei_toolkit.eon.layers.quantized import Channels

CHANNEL_BYTES = 60


@dataclass(frozen=True)
class Kernel:
    """What a convolution is run by: header, class, the constants of its struct and its tables."""

    header: str
    cls: str
    traits: Mapping[str, int | float | str]
    constants: tuple[Constant, ...]


def is_first(g: Geometry, channels: Channels, traits: Mapping[str, int | float | str]) -> bool:
    """Whether the kernel fits: its sums are scaled in the fast way, and no pool is cut off below."""
    shape = (g.in_channels, g.kernel_rows, g.kernel_cols, g.pool_rows, g.pool_cols)
    steps = (g.stride_rows, g.stride_cols, g.dilation_rows, g.dilation_cols)
    relu = (traits["kMin"], traits["kMax"], traits["kOutputZeroPoint"]) == (-128, 127, -128)
    rows_fit = g.out_rows == 2 * g.pooled_rows and not g.swapped
    return shape == (1, 3, 3, 2, 2) and steps == (1, 1, 1, 1) and channels.fast and relu and rows_fit


def first_kernel(position: int, weights: NDArray[Any], channels: Channels) -> Kernel:
    """The kernel with its table: for each channel the weights for both columns of a pool, bias and scale."""
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
    """Two int16 in one word."""
    return (low & 0xFFFF) | (high & 0xFFFF) << 16
