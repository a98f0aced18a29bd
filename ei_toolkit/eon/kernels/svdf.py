"""SVDF on int8 and on float: a dense layer with weights of low rank over the last inputs, which are in a state."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.eon.fixed_point import Multiplier, quantize_multiplier
from ei_toolkit.eon.graph import Graph, Operator, Svdf, Tensor
from ei_toolkit.eon.kernels.layer import (
    CTYPES,
    Constant,
    Layer,
    constant,
    float_range,
    require,
    same_type,
)
from ei_toolkit.eon.kernels.quantized import output_traits

TYPES = (  # of the weights, the bias and the state
    ("int8", "int16", "int32", "int16"),
    ("int8", "int8", "int32", "int8"),  # in TensorFlow Lite Micro only
    ("float32",) * 4,
)


def svdf(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower an SVDF whose state is a variable of its own."""
    source, features, times, bias, state = _inputs(graph, op)
    assert source is not None and state is not None and isinstance(op.options, Svdf)
    output = graph.tensors[op.output]
    same_type(op, source, output)
    features, times = constant(op, features, "weights"), constant(op, times, "weights")
    whole = source.dtype == "int8"
    parts = (
        features.dtype,
        times.dtype,
        bias.dtype if bias is not None else "int32" if whole else "float32",
        state.dtype,
    )
    fits = parts in TYPES and (parts[0] == "int8") == whole
    require(fits, op, f"its weights, bias and state are {', '.join(parts)}")
    own = state.index in graph.states and len(graph.consumers(state.index)) == 1
    require(own, op, "its state is not a variable of its own")
    require(len(features.shape) == len(times.shape) == 2 and features.shape[0] == times.shape[0], op,
            f"its weights are {features.shape} and {times.shape}")  # fmt: skip
    filters, inputs = features.shape
    memory, units = times.shape[1], filters // op.options.rank
    fits = source.elements == inputs and state.elements == filters * memory and output.elements == units
    require(fits and units * op.options.rank == filters, op, f"its data are {source.shape} and {output.shape}")
    biases = _biases(op, bias, units)
    traits: dict[str, int | float | str] = {
        "kInputs": inputs, "kFilters": filters, "kMemory": memory, "kUnits": units, "kRank": op.options.rank,
    }  # fmt: skip
    if whole:
        traits |= _scaling(op, source, features, times, state, output)
    else:
        traits |= float_range(op.options.activation)
    tables = [
        Constant(f"k{name}{position}", CTYPES[dtype], values.ravel().tolist(), values.size * np.dtype(dtype).itemsize)
        for name, dtype, values in zip(
            ("Features", "Times", "Biases"), parts, (features.data, times.data, biases), strict=False
        )
        if values is not None
    ]
    finite = whole or all(np.isfinite(v).all() for v in (features.data, times.data, biases) if v is not None)
    require(bool(finite), op, "its weights hold values that are not finite")
    names = ", ".join(table.name for table in tables)
    return Layer(
        position=position,
        title=op.title,
        name=output.name,
        inputs=(op.inputs[0], state.index),
        output=op.output,
        macs=features.elements + times.elements,
        headers=("svdf.h",),
        traits=traits,
        constants=tuple(tables),
        call=f"k::svdf{'' if whole else '_float'}<Layer{position}>({{in0}}, {{in1}}, {{out}}, {names});",
    )


def _inputs(graph: Graph, op: Operator) -> list[Tensor | None]:
    """Return the five inputs; the bias may be absent."""
    require(len(op.inputs) == 5 and min(op.inputs[:3]) >= 0 and op.inputs[4] >= 0, op, "an input is missing")
    return [graph.tensors[t] if t >= 0 else None for t in op.inputs]


def _biases(op: Operator, bias: Tensor | None, units: int) -> NDArray[Any]:
    if bias is None:
        return np.zeros(units, dtype=np.int64)
    data = constant(op, bias, "biases").data
    require(data is not None and data.size == units, op, f"its bias is {bias.shape}")
    assert data is not None
    return data.ravel().astype(np.int64 if bias.dtype == "int32" else np.float32)


def _scaling(
    op: Operator, source: Tensor, features: Tensor, times: Tensor, state: Tensor, output: Tensor
) -> dict[str, int | float | str]:  # fmt: skip
    """Return the scales, which the reference computes in float32, and the constants of the output."""
    assert features.data is not None
    wide_zero = state.dtype == "int16" and state.quant.zero_point
    symmetric = not (features.quant.zero_point or times.quant.zero_point or wide_zero)
    single = all(len(t.quant.scales) == 1 for t in (features, times, state))
    require(symmetric and single, op, "its weights or its state have a zero point or several scales")
    first = _ratio(source, features, state)
    last = _ratio(state, times, output)
    feature_sum = 255 * int(np.abs(features.data.astype(np.int64)).sum(axis=1).max())
    fits = max(first.shift, last.shift) <= 16 and feature_sum << max(first.shift, 0) < 1 << 31
    require(fits, op, "a sum could overflow")
    return {
        "kInZero": source.quant.zero_point,
        "kStateZero": state.quant.zero_point,
        "kFeatureMultiplier": first.multiplier,
        "kFeatureShift": first.shift,
        "kMultiplier": last.multiplier,
        "kShift": last.shift,
    } | output_traits(op, "NONE", output)


def _ratio(a: Tensor, b: Tensor, c: Tensor) -> Multiplier:
    return quantize_multiplier(float(np.float32(a.quant.scale) * np.float32(b.quant.scale) / np.float32(c.quant.scale)))
