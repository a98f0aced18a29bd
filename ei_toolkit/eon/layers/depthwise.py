"""DEPTHWISE_CONV_2D."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.eon.graph import Graph, Operator, Window2D
from ei_toolkit.eon.layers.float_convolution import depthwise_float, row_width, window_rows, window_traits
from ei_toolkit.eon.layers.geometry import geometry
from ei_toolkit.eon.layers.layer import Constant, Layer, Scratch, constant, inputs_of, require, same_type
from ei_toolkit.eon.layers.quantized import channels, requantize_traits


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
