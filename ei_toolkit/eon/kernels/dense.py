"""FULLY_CONNECTED on int8, and convolutions of one pixel, which are the same product."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.eon.graph import Activation, Graph, Operator, Tensor
from ei_toolkit.eon.kernels.direct import direct_dense, is_general
from ei_toolkit.eon.kernels.float_convolution import float_biases, float_table
from ei_toolkit.eon.kernels.layer import (
    WITH_INT16,
    Constant,
    Layer,
    Scratch,
    Sink,
    constant,
    float_range,
    inputs_of,
    require,
    same_type,
)
from ei_toolkit.eon.kernels.quantized import Channels, channels, output_traits


def fully_connected(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a FULLY_CONNECTED; the input is read as rows of as many elements as the weights have columns."""
    source, weights, bias = inputs_of(graph, op, 2, 3)
    assert source is not None and isinstance(op.options, Activation)
    output = graph.tensors[op.output]
    weights = constant(op, weights, "weights")
    same_type(op, source, output, WITH_INT16)
    require(len(weights.shape) == 2, op, f"its weights are {weights.shape}")
    outputs, inputs = weights.shape
    batches = source.elements // inputs
    fits = source.elements == batches * inputs and output.elements == batches * outputs
    require(fits, op, f"{source.shape} times {weights.shape} does not give {output.shape}")
    if source.dtype == "float32":
        return _float(op, weights, bias, batches, output.name, position)
    if is_general(op, source, weights):
        return direct_dense(graph, op, position)
    per_channel = channels(op, source, weights, bias, output, axis=0, dense=True)
    assert weights.data is not None
    traits = output_traits(op, op.options.activation, output) | {"kFast": "true" if _is_fast(per_channel) else "false"}
    return dense_layer(op, position, weights.data, per_channel, traits, output, batches)


def dense_layer(
    op: Operator,
    position: int,
    weights: NDArray[np.int8],
    per_channel: Channels,
    requantize: dict[str, Any],
    output: Tensor,
    batches: int = 1,
    *,
    rounds_twice: bool = False,
) -> Layer:
    """Return the layer of the kernel for weights (output, input).

    `rounds_twice` is for a convolution of one pixel, with the constants of `requantize_traits`.
    """
    outputs, inputs = weights.shape
    traits: dict[str, int | float | str] = {"kBatches": batches, "kInputs": inputs, "kOutputs": outputs}
    tables = f"kWeights{position}, kChannels{position}"
    rows = f"k::fully_connected_rows<Layer{position}, {{rows}}, {{row_elements}}>"
    sums = Scratch(f"sums{position}", "int32_t", outputs)
    sink = Sink(f"{rows}({{source}}, {sums.name}, {{out}}, {tables});", 1, inputs, together=4, scratch=(sums,))
    packed, words = pack_groups(weights)
    traits |= {"kPacked": "true" if packed else "false", "kRoundsTwice": "true" if rounds_twice else "false"}
    return Layer(
        position=position,
        title=op.title,
        name=output.name,
        inputs=(op.inputs[0],),
        output=op.output,
        macs=batches * weights.size,
        headers=("fully_connected.h",),
        traits=traits | requantize,
        constants=(
            Constant(f"kWeights{position}", "uint32_t", words, 4 * len(words)),
            per_channel.constant(f"kChannels{position}", to_right=requantize["kFast"] == "true"),
        ),
        call=f"k::fully_connected<Layer{position}>({{in0}}, {{out}}, {tables});",
        flash_words=batches * (len(words) + 3 * outputs),
        sink=sink if batches == 1 else None,
    )


def _is_fast(per_channel: Channels) -> bool:
    """Return whether the kernel's sum of product, rounding and zero point has 32 bits for every scale."""
    return all(-20 <= m.shift <= -2 for m in per_channel.multipliers)


def pack_groups(weights: NDArray[np.int8]) -> tuple[bool, list[int]]:
    """Return whether weights (output, input) fit the packed form of the kernel, and their words, group by group.

    Groups have four outputs as long as there are four, then two, then one. If the packed form does not fit, all groups
    have one.
    """
    outputs, inputs = weights.shape
    padded = np.zeros((outputs, inputs + -inputs % 4), dtype=np.int64)
    padded[:, :inputs] = weights
    paired = outputs - outputs % 2
    halves = padded[0:paired:2] + 256 * padded[1:paired:2]  # (pair of outputs, input)
    packed = not halves.size or int(halves.min()) >= -(1 << 15)
    single = paired if packed else 0
    # Words of a pair of outputs: the inputs 0 and 2, and 1 and 3, of each four.
    pairs = (halves[:, 0::2] & 0xFFFF).reshape(-1, padded.shape[1] // 4, 2)
    odds = (halves[:, 1::2] & 0xFFFF).reshape(pairs.shape)
    words = np.stack((pairs[..., 0] | pairs[..., 1] << 16, odds[..., 0] | odds[..., 1] << 16), axis=2)
    fours = words[: len(words) // 2 * 2].reshape(-1, 2, *words.shape[1:]).transpose(0, 2, 3, 1)
    groups = [fours, words[len(words) // 2 * 2 :]] if packed else []
    single_outputs = padded[single:].astype(np.int8).reshape(-1).view("<u4")
    return packed, np.concatenate([*(group.ravel() for group in groups), single_outputs]).tolist()


def _float(op: Operator, weights: Tensor, bias: Tensor | None, batches: int, name: str, position: int) -> Layer:
    assert isinstance(op.options, Activation)
    outputs, inputs = weights.shape
    return Layer(
        position=position,
        title=op.title,
        name=name,
        inputs=(op.inputs[0],),
        output=op.output,
        macs=batches * weights.elements,
        headers=("conv2d_float.h",),
        traits=float_range(op.options.activation) | {"kBatches": batches, "kInputs": inputs, "kOutputs": outputs},
        constants=(
            float_table(op, f"kWeights{position}", weights),
            float_biases(op, f"kBiases{position}", bias, outputs, outputs),
        ),
        call=f"k::fully_connected_float<Layer{position}>({{in0}}, {{out}}, kWeights{position}, kBiases{position});",
    )
