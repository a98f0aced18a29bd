"""CONV_2D and DEPTHWISE_CONV_2D on float."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.eon.graph import Graph, Operator, Tensor, Window2D
from ei_toolkit.eon.kernels.geometry import Geometry, geometry
from ei_toolkit.eon.kernels.layer import Constant, Layer, Rows, Scratch, constant, float_range, inputs_of, require

LANES = 4  # channels that the kernel computes at a time


def conv2d_float(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a CONV_2D whose shapes were checked."""
    source, weights, bias = inputs_of(graph, op, 2, 3)
    assert source is not None
    weights = constant(op, weights, "weights")
    filters = weights.shape[0]
    g = geometry(op, source, graph.tensors[op.output], (weights.shape[1], weights.shape[2]))
    values = _float_data(op, weights)
    values = np.swapaxes(values, 1, 2) if g.swapped else values
    tables = (
        _table(f"kWeights{position}", pack_lanes(values)),
        float_biases(op, f"kBiases{position}", bias, filters, filters + -filters % LANES),
    )
    straight = g.dilation_cols == 1
    run = (g.kernel_cols if straight else 1) * g.in_channels
    traits: dict[str, int | float | str] = {"kRun": run, "kTapCols": 1 if straight else g.kernel_cols}
    return float_layer(graph, op, position, g, "Conv2DFloat", filters, tables, traits)


def depthwise_float(
    graph: Graph, op: Operator, position: int, g: Geometry, weights: Tensor, bias: Tensor | None
) -> Layer:
    """Lower a DEPTHWISE_CONV_2D whose shapes were checked."""
    channels = weights.shape[3]
    values = _float_data(op, weights)
    values = np.swapaxes(values, 1, 2) if g.swapped else values
    tables = (_table(f"kWeights{position}", values), float_biases(op, f"kBiases{position}", bias, channels, channels))
    traits: dict[str, int | float | str] = {"kDepthMultiplier": channels // g.in_channels, "kTapCols": g.kernel_cols}
    return float_layer(graph, op, position, g, "DepthwiseConv2DFloat", channels, tables, traits)


def float_layer(
    graph: Graph,
    op: Operator,
    position: int,
    g: Geometry,
    kernel: str,
    channels: int,
    tables: tuple[Constant, ...],
    traits: dict[str, int | float | str],
) -> Layer:
    """Return the layer of either kernel."""
    assert isinstance(op.options, Window2D)
    width = row_width(g)
    window = window_traits(g, channels, 0, width)
    elements = int(window["kWindowRows"]) * width
    macs = g.out_rows * g.out_cols * graph.tensors[op.inputs[1]].elements
    return Layer(
        position=position,
        title=op.title,
        name=graph.tensors[op.output].name,
        inputs=(op.inputs[0],),
        output=op.output,
        macs=macs,
        headers=("conv2d_float.h",),
        traits=float_range(op.options.activation) | window | traits,
        constants=tables,
        scratch=(Scratch(f"window{position}", "float", elements),),
        flash_words=macs,
        rows=window_rows(
            g, f"k::{kernel}<Layer{position}, {{source}}>", position, "float", channels, ("Weights", "Biases")
        ),
    )


def window_traits(g: Geometry, channels: int, pad_value: int, width: int) -> dict[str, int | float | str]:
    """Return the window of a kernel that computes one row of pixels at a time, and the offsets of a pixel's inputs.

    `width` is that of a window row in elements, at least `row_width`.
    """
    return {
        "kInRows": g.in_rows,
        "kRowElements": g.in_cols * g.in_channels,
        "kWindowRows": (g.kernel_rows - 1) * g.dilation_rows + 1,
        "kStep": g.stride_rows,
        "kPadTop": g.pad_top,
        "kPadLeft": g.pad_left * g.in_channels,
        "kPadRight": width - (g.pad_left + g.in_cols) * g.in_channels,
        "kPadValue": pad_value,
        "kTapRows": g.kernel_rows,
        "kTapCols": g.kernel_cols,
        "kTapRowStep": g.dilation_rows * width,
        "kTapColStep": g.dilation_cols * g.in_channels,
        "kColStep": g.stride_cols * g.in_channels,
        "kOutRows": g.out_rows,
        "kOutCols": g.out_cols,
        "kOutChannels": channels,
    }


def row_width(g: Geometry) -> int:
    """Return the elements of a window row: up to the last pixel's, one more for pairs, in whole words."""
    reach = (g.out_cols - 1) * g.stride_cols + (g.kernel_cols - 1) * g.dilation_cols + 1
    needed = max(reach, g.pad_left + g.in_cols) * g.in_channels + 1
    return needed + needed % 2


def window_rows(g: Geometry, cls: str, position: int, ctype: str, channels: int, tables: tuple[str, str]) -> Rows:
    """Describe how such a kernel reads and writes rows."""
    return Rows(
        cls=cls,
        arguments=f"window{position}, k{tables[0]}{position}, k{tables[1]}{position}",
        in_rows=g.in_rows,
        in_row_elements=g.in_cols * g.in_channels,
        out_rows=g.out_rows,
        out_row_elements=g.out_cols * channels,
        ctype=ctype,
        block_rows=1,
        window_rows=(g.kernel_rows - 1) * g.dilation_rows + 1,
        step=g.stride_rows,
        pad_top=g.pad_top,
    )


def pack_lanes(weights: NDArray[Any]) -> NDArray[Any]:
    """Order (channel, row, col, input) as the kernel reads it: group of four channels, tap, input, channel."""
    filters = weights.shape[0]
    flat = np.zeros((filters + -filters % LANES, weights[0].size), dtype=np.float32)
    flat[:filters] = weights.reshape(filters, -1)
    return flat.reshape(-1, LANES, flat.shape[1]).transpose(0, 2, 1)


def float_table(op: Operator, name: str, tensor: Tensor) -> Constant:
    """Return a constant float tensor as a table."""
    return _table(name, _float_data(op, tensor))


def float_biases(op: Operator, name: str, bias: Tensor | None, count: int, padded: int) -> Constant:
    """Return the biases, zeros where there are none, padded with zeros."""
    values = np.zeros(padded, dtype=np.float32)
    if bias is not None:
        require(bias.elements == count, op, f"its bias has {bias.elements} values for {count} channels")
        values[:count] = _float_data(op, bias).ravel()
    return _table(name, values)


def _float_data(op: Operator, tensor: Tensor) -> NDArray[np.float32]:
    require(
        tensor.dtype == "float32" and tensor.data is not None,
        op,
        f"{tensor.name} is {tensor.dtype}, not constant float32",
    )
    assert tensor.data is not None
    require(bool(np.isfinite(tensor.data).all()), op, f"{tensor.name} holds values that are not finite")
    return tensor.data


def _table(name: str, values: NDArray[Any]) -> Constant:
    return Constant(name, "float", [float(v) for v in values.ravel()], 4 * values.size)
