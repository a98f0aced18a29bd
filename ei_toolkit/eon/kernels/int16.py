"""Functions of one int16 value, and conversions between int8, int16 and int32."""

from __future__ import annotations

import numpy as np

from ei_toolkit.eon.fixed_point import Multiplier, quantize_multiplier
from ei_toolkit.eon.graph import Graph, Operator, Slope, Tensor
from ei_toolkit.eon.kernels.functions import clamping
from ei_toolkit.eon.kernels.layer import Layer, fail, inputs_of, require, same_type
from ei_toolkit.eon.kernels.quantized import activation_range

Traits = dict[str, int | float | str]
FUNCTIONS = frozenset({"LEAKY_RELU", "QUANTIZE", "RELU", "RELU6", "RELU_N1_TO_1"})
MOST_SHIFT = 15  # for which a scaled difference of two int16 has 32 bits


def rescaled(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower one of these functions, or a QUANTIZE between integers of which at least one is not int8."""
    (source,) = inputs_of(graph, op, 1, 1)
    assert source is not None
    output = graph.tensors[op.output]
    if op.kind not in FUNCTIONS:
        raise fail(op, "its data are int16", "Convert it to int8, or compute it from ADD, MUL and LEAKY_RELU.")
    converts = op.kind == "QUANTIZE"
    types = frozenset({"int8", "int16"} | ({"int32"} if converts else set()))
    for tensor in (source, output):
        same_type(op, tensor, tensor, types)
        symmetric = tensor.dtype == "int8" or (converts and tensor is source) or not tensor.quant.zero_point
        require(symmetric, op, f"its {tensor.dtype} data have a zero point")
    require(source.elements == output.elements, op, f"it turns {source.shape} into {output.shape}")
    low, high = activation_range(op, clamping(op), output)
    scale = _scale(op, source, output)
    require(source.dtype != "int32" or scale.shift <= 0, op, "the scale of its output is below that of its int32 data")
    traits: Traits = {
        "kElements": source.elements,
        "kMultiplier": scale.multiplier,
        "kShift": scale.shift,
        "kZeroIn": source.quant.zero_point,
        "kZeroOut": output.quant.zero_point,
        "kMin": low,
        "kMax": high,
    }
    function = "Rescale"
    if isinstance(op.options, Slope):
        function = "LeakyRescale"
        slope = np.float32(source.quant.scale) * np.float32(op.options.alpha) / np.float32(output.quant.scale)
        sloped = quantize_multiplier(abs(float(slope)))
        _check(op, sloped)
        traits |= {"kSlopeMultiplier": sloped.multiplier, "kSlopeShift": sloped.shift, "kSign": -1 if slope < 0 else 1}
    return Layer(
        position=position,
        title=op.title,
        name=output.name,
        inputs=op.inputs,
        output=op.output,
        macs=0,
        headers=("int16.h",),
        traits=traits,
        call=f"k::rescale_all<Layer{position}, k::{function}<Layer{position}>>({{in0}}, {{out}});",
        in_place=source.dtype == output.dtype,
    )


def _scale(op: Operator, source: Tensor, output: Tensor) -> Multiplier:
    """Return the quotient of the scales, which the reference divides in float64 for QUANTIZE only."""
    if op.kind == "QUANTIZE":
        scale = quantize_multiplier(source.quant.scale / output.quant.scale)
    else:
        scale = quantize_multiplier(float(np.float32(source.quant.scale) / np.float32(output.quant.scale)))
    _check(op, scale)
    return scale


def _check(op: Operator, scale: Multiplier) -> None:
    require(scale.shift <= MOST_SHIFT, op, f"its scales differ by more than 2^{MOST_SHIFT}")
