"""MEAN over any axes, SUM on float, REDUCE_MAX and REDUCE_MIN."""

from __future__ import annotations

import math

import numpy as np

from ei_toolkit.eon.fixed_point import mean_multiplier
from ei_toolkit.eon.graph import Graph, Operator, Tensor
from ei_toolkit.eon.kernels.layer import (
    USUAL,
    WITH_INT16,
    Layer,
    constant,
    fail,
    inputs_of,
    require,
    same_scale,
    same_type,
)
from ei_toolkit.eon.kernels.movement import merge_dimensions
from ei_toolkit.eon.kernels.quantized import activation_range

MOST_DIMENSIONS = 3  # of the kernel, kept and reduced each, after those that follow each other are merged


def reduce(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a reduction over constant axes."""
    source, axes = inputs_of(graph, op, 2, 2)
    assert source is not None
    output = graph.tensors[op.output]
    same_type(op, source, output, WITH_INT16 if op.kind == "MEAN" else USUAL)
    if (op.kind, source.dtype) == ("SUM", "int8"):
        raise fail(op, "the sums of the int8 kernel of the reference overflow", "Use the mean, and scale it.")
    reduced = reduced_axes(op, source, axes)
    kept = [axis for axis in range(len(source.shape)) if axis not in reduced]
    require(output.elements == math.prod(source.shape[a] for a in kept), op, f"it makes {output.shape}")
    return Layer(
        position=position,
        title=op.title,
        name=output.name,
        inputs=(op.inputs[0],),
        output=op.output,
        macs=0,
        headers=("reduction.h",),
        traits=_dimensions(op, source, kept, "Kept")
        | _dimensions(op, source, reduced, "")
        | _scaling(op, source, output, math.prod(source.shape[a] for a in reduced)),
        call=f"k::reduce<Layer{position}, k::{_kernel(op, source)}<Layer{position}>>({{in0}}, {{out}});",
    )


def reduced_axes(op: Operator, source: Tensor, axes: Tensor | None) -> list[int]:
    """Return the axes over which an operator reduces, in order, from 0."""
    data = constant(op, axes, "axes").data
    assert data is not None
    rank = len(source.shape)
    given = [int(a) for a in data.ravel()]
    require(all(-rank <= a < rank for a in given), op, f"it reduces axes {given} of {source.shape}")
    return sorted({a % rank for a in given})


def _dimensions(op: Operator, source: Tensor, axes: list[int], name: str) -> dict[str, int | float | str]:
    """Return sizes and steps of some axes as traits."""
    steps = np.empty(source.shape, dtype=np.int8).strides
    sizes, apart = merge_dimensions([source.shape[a] for a in axes], [steps[a] for a in axes])
    require(len(sizes) <= MOST_DIMENSIONS, op, f"it reduces {len(sizes)} separate axes of {source.shape}")
    missing = MOST_DIMENSIONS - len(sizes)
    traits: dict[str, int | float | str] = {f"k{name}Size{i}": n for i, n in enumerate((1,) * missing + sizes)}
    return traits | {f"k{name}Step{i}": n for i, n in enumerate((0,) * missing + apart)}


def _kernel(op: Operator, source: Tensor) -> str:
    dtype = {"int8": "Int8", "int16": "Int16"}.get(source.dtype, "Float")
    return {"REDUCE_MAX": "Maximum", "REDUCE_MIN": "Minimum"}.get(op.kind, f"Sum{dtype}") + (
        "" if op.kind in ("SUM", "MEAN") else f"Of{dtype}"
    )


def _scaling(op: Operator, source: Tensor, output: Tensor, count: int) -> dict[str, int | float | str]:
    """Return the constants that turn a sum into the output."""
    if op.kind in ("REDUCE_MAX", "REDUCE_MIN"):
        require(same_scale(source, output), op, "it changes the quantisation")
        return {}
    if source.dtype == "float32":
        return {"kCount": count if op.kind == "MEAN" else 1}
    ratio = source.quant.scale / output.quant.scale
    scale = mean_multiplier(ratio, count)
    bias = -source.quant.zero_point * count
    low, high = activation_range(op, "NONE", output)
    bound = (abs(bias) - low * count) << max(scale.shift, 0)
    symmetric = source.dtype == "int8" or source.quant.zero_point == output.quant.zero_point == 0
    require(symmetric, op, "its int16 data have a zero point")
    require(scale.shift <= 16 and bound < 1 << 30, op, "its sum could overflow")
    return {
        "kBias": bias,
        "kMultiplier": scale.multiplier,
        "kShift": scale.shift,
        "kFast": "true" if -30 <= scale.shift <= -1 else "false",
        "kOutputZeroPoint": output.quant.zero_point,
        "kMin": low,
        "kMax": high,
    }
