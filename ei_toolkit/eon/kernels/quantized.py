"""Channels: the constants with which an int8 layer turns its accumulators into int8 values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.eon.blockers import FULL_INT8
from ei_toolkit.eon.fixed_point import Multiplier, multiply, quantize_multiplier
from ei_toolkit.eon.graph import Operator, Tensor
from ei_toolkit.eon.kernels.layer import Constant, fail, require

FAST_LIMIT = 1 << 30
PACKED_LIMIT = 1 << 23
FARTHEST_LOAD = 4095  # bytes that the offset of a load or store instruction of the Cortex-M4 can have
USUAL_SHIFT = 12  # of the scales of a depthwise layer; layers with the same shift share code


@dataclass(frozen=True)
class Channels:
    """Bias (zero point folded in) and multiplier for each output channel; `fast` as the kernel's S::kFast."""

    biases: tuple[int, ...]
    multipliers: tuple[Multiplier, ...]
    fast: bool
    bounds: tuple[int, ...]  # no sum of the channel is further from zero
    constant_channels: frozenset[int] = frozenset()  # channels whose weights are to be taken as zero

    @property
    def packed(self) -> bool:
        """Whether sums and scales fit the packed form of the kernels: 256 times a sum has 32 bits."""
        return max(self.bounds) < PACKED_LIMIT and _usual(self.multipliers)

    def varying(self, weights: NDArray[np.int8], axis: int) -> NDArray[np.int8]:
        """Return the weights with zeros for channels whose output is always the same."""
        weights = weights.copy()
        weights[(slice(None),) * axis + (sorted(self.constant_channels),)] = 0
        return weights

    def scales(self, zero_point: int, *, packed: bool) -> NDArray[np.int64]:
        """Return multiplier and scale of each channel (channels, 2), padded with unused ones to an even number.

        The packed scale of a channel with the shift -n is the shift n + 7 and, times 256, the sum of both roundings and
        the zero point of the output in units of 2^(n + 1), as `rounding_of` of the kernel reads it.
        """
        shifts = np.array([m.shift for m in self.multipliers], dtype=np.int64)
        roundings = 1 + (1 + 2 * zero_point) * (1 << -shifts) if packed else shifts
        words = np.zeros((len(shifts) + len(shifts) % 2, 2), dtype=np.int64)
        words[:, 1] = 1 << 8 | 8 if packed else -1
        words[: len(shifts), 0] = [m.multiplier for m in self.multipliers]
        words[: len(shifts), 1] = roundings << 8 | 7 - shifts if packed else shifts
        return words

    def constant(self, name: str, pad_to: int = 1, *, to_right: bool = False) -> Constant:
        """Return the table for the kernel, padded with unused channels to a multiple of `pad_to`.

        With `to_right` the shift -n, n > 0, of a channel is stored as n - 1.
        """
        channels = zip(self.biases, self.multipliers, strict=True)
        rows = [(b, m.multiplier, -1 - m.shift if to_right else m.shift) for b, m in channels]
        rows += [(0, 0, 0 if to_right else -1)] * (-len(rows) % pad_to)
        return Constant(name, "k::Channel", rows, 12 * len(rows))


def channels(
    op: Operator,
    source: Tensor,
    weights: Tensor,
    bias: Tensor | None,
    output: Tensor,
    axis: int,
    *,
    dense: bool = False,
) -> Channels:
    """Return the channels of a convolution or dense layer whose output channels are along `axis` of its weights.

    Raises UnsupportedModelError for weights that are not symmetric int8, and for a sum that could exceed 32 bits.
    """
    matrix = _symmetric(op, weights, axis)
    zero_point = source.quant.zero_point
    biases = _biases(op, bias, len(matrix))
    folded = biases - zero_point * matrix.sum(axis=1)
    farthest = max(127 - zero_point, zero_point + 128)
    bounds = np.abs(biases) + np.abs(matrix).sum(axis=1) * farthest
    bound = int(bounds.max())
    require(bound < 1 << 31 and int(np.abs(folded).max()) < 1 << 31, op, "a sum could overflow 32 bits")
    multipliers = tuple(quantize_multiplier(m) for m in real_multipliers(op, source, weights, output, len(matrix)))
    require(all(m.shift <= 16 for m in multipliers), op, "its scales differ by more than 2^16")
    wraps = not dense and any(bound << max(m.shift, 0) >= 1 << 31 for m in multipliers)
    require(not wraps, op, "a scaled sum could overflow 32 bits")  # a following pool would see another order
    fast = bound < FAST_LIMIT and all(-30 <= m.shift <= -1 for m in multipliers)
    made = Channels(tuple(int(b) for b in folded), multipliers, fast, tuple(int(b) for b in bounds))
    return made if dense or made.packed else _with_constant(made, matrix, output.quant.zero_point)


def _with_constant(channels: Channels, matrix: NDArray[np.int64], zero_point: int) -> Channels:
    """Give channels whose output is always the same a usual bias and scale.

    Converters give a channel whose weights are zero or nearly so extreme ones: a scale below 2^-24, a bias of 2^30.
    """
    lowest = np.where(matrix > 0, -128 * matrix, 127 * matrix).sum(axis=1)
    highest = np.where(matrix > 0, 127 * matrix, -128 * matrix).sum(axis=1)
    biases, multipliers, bounds = list(channels.biases), list(channels.multipliers), list(channels.bounds)
    constant: set[int] = set()
    for i, (bias, by) in enumerate(zip(channels.biases, channels.multipliers, strict=True)):
        ends = {
            max(-128 - zero_point, min(127 - zero_point, multiply(bias + int(sum_), by)))
            for sum_ in (lowest[i], highest[i])
        }
        if len(ends) == 1 and not (bounds[i] < PACKED_LIMIT and _usual([by])):
            constant.add(i)
            biases[i], multipliers[i], bounds[i] = 4 * ends.pop(), Multiplier(1 << 30, -1), 4 * 256
    fast = max(bounds) < FAST_LIMIT and all(-30 <= m.shift <= -1 for m in multipliers)
    return Channels(tuple(biases), tuple(multipliers), fast, tuple(bounds), frozenset(constant))


def weight_powers(per_channel: Channels) -> tuple[int, ...] | None:
    """Return the power of two by which to multiply the weights of each depthwise channel; None if none fits.

    The scale 2^-n of a channel becomes the shift n + power - 1 of the kernel. It is the same for all channels if their
    scales are near enough. A power is at least 2, so that the kernel's rounding is exact, and at most 8, so that
    weights have 16 bits.
    """
    shifts = [-m.shift for m in per_channel.multipliers]
    low, high = max(shifts) + 1, min(shifts) + 7
    shift = min(max(USUAL_SHIFT, low), high)
    powers = tuple(shift + 1 - n if low <= high else min(8, 24 - n) for n in shifts)
    sums_fit = all(bound << max(p, 0) < 1 << 31 for bound, p in zip(per_channel.bounds, powers, strict=True))
    return powers if min(shifts) >= 1 and min(powers) >= 2 and sums_fit else None


def common_shift(per_channel: Channels, powers: tuple[int, ...]) -> int:
    """Return the shift of a depthwise kernel that all channels have with these powers, or 0."""
    shifts = {power - 1 - m.shift for power, m in zip(powers, per_channel.multipliers, strict=True)}
    return shifts.pop() if len(shifts) == 1 else 0


def _usual(multipliers: Sequence[Multiplier]) -> bool:
    """Return whether the packed form of the kernels has room for these scales."""
    return all(-15 <= m.shift <= -1 for m in multipliers)


def _constant(bias: int, multiplier: Multiplier) -> tuple[int, Multiplier]:
    """Return an equal bias and scale, in the usual range, for a channel whose weights are zero.

    Converters give such channels extreme ones: a scale below 2^-24 and a bias of 2^30.
    """
    result = max(-256, min(255, multiply(bias, multiplier)))  # beyond it every sum with a zero point is clamped
    return 4 * result, Multiplier(1 << 30, -1)


def _symmetric(op: Operator, weights: Tensor, axis: int) -> NDArray[np.int64]:
    """Return the weights as (channels, all other axes)."""
    if weights.dtype != "int8" or weights.data is None:
        raise fail(op, f"its weights are {weights.dtype}, not constant int8", FULL_INT8)
    if any(weights.quant.zero_points):
        raise fail(op, "its weights have a zero point", FULL_INT8)
    require(
        len(weights.quant.scales) == 1 or weights.quant.axis == axis, op, "its weights are quantised along a wrong axis"
    )
    rows: NDArray[np.int64] = np.moveaxis(weights.data.astype(np.int64), axis, 0).reshape(weights.shape[axis], -1)
    return rows


def _biases(op: Operator, bias: Tensor | None, count: int) -> NDArray[np.int64]:
    if bias is None:
        return np.zeros(count, dtype=np.int64)
    if bias.dtype != "int32" or bias.data is None or bias.elements != count:
        raise fail(op, f"its bias is not a constant int32 for each of {count} channels")
    values: NDArray[np.int64] = bias.data.astype(np.int64).ravel()
    return values


def real_multipliers(op: Operator, source: Tensor, weights: Tensor, output: Tensor, count: int) -> list[float]:
    """Return scale_in * scale_weights / scale_out for each channel, as the reference interpreter computes it.

    It uses float64, but rounds the product to float32 for convolutions of uint8 data.
    """
    scales = weights.quant.scales
    if op.unsigned and op.kind != "FULLY_CONNECTED":
        product = np.float32(source.quant.scale) * np.float32(weights.quant.scale)
        return [float(product) / output.quant.scale] * count
    return [source.quant.scale * s / output.quant.scale for s in (scales * count if len(scales) == 1 else scales)]


def activation_range(op: Operator, activation: str, output: Tensor) -> tuple[int, int]:
    """Return the integer values between which the fused activation function clamps."""
    scale, zero_point = output.quant.scale, output.quant.zero_point

    def quantize(real: float) -> int:
        # In float32, halves away from zero, as the reference kernels do.
        steps = float(np.float32(real) / np.float32(scale))
        return zero_point + int(np.floor(abs(steps) + 0.5)) * (1 if steps >= 0 else -1)

    low, high = {"NONE": (None, None), "RELU": (0.0, None), "RELU6": (0.0, 6.0), "RELU_N1_TO_1": (-1.0, 1.0)}[
        activation
    ]
    half = 1 << {"int16": 15, "int32": 31}.get(output.dtype, 7)
    least, most = -half, half - 1
    return (
        least if low is None else max(least, quantize(low)),
        most if high is None else min(most, quantize(high)),
    )


def requantize_traits(channels: Channels, op: Operator, activation: str, output: Tensor) -> dict[str, Any]:
    """Return the constants of the kernel's `requantize`."""
    return {"kFast": "true" if channels.fast else "false"} | output_traits(op, activation, output)


def output_traits(op: Operator, activation: str, output: Tensor) -> dict[str, Any]:
    """Return the constants of the kernel's `finish`."""
    low, high = activation_range(op, activation, output)
    require(low <= high, op, "its activation function leaves no values")
    return {
        "kOutputZeroPoint": output.quant.zero_point,
        "kMin": low,
        "kMax": high,
    }
