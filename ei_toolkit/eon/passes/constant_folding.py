"""Operators on constants are computed at compile time; so the shape arithmetic of a dynamic batch disappears."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.eon.graph import Axis, Graph, Operator, Slice, Tensor
from ei_toolkit.errors import DataError

Array = NDArray[Any]


def fold_constants(graph: Graph) -> Graph:
    """Replace every operator whose inputs are known by its result. The batch is taken to be one.

    Raises DataError where a result does not have the shape that the model declares.
    """
    kept: list[Operator] = []
    for op in graph.operators:
        inputs = [graph.tensors[t] for t in op.inputs if t >= 0]
        known = op.kind == "SHAPE" or all(t.data is not None for t in inputs)
        if known and inputs and op.kind in FOLDERS:
            graph = graph.with_tensor(_result(op, inputs, graph.tensors[op.output]))
        else:
            kept.append(op)
    return graph.with_operators(kept)


def _result(op: Operator, inputs: list[Tensor], output: Tensor) -> Tensor:
    try:
        value = FOLDERS[op.kind](op, inputs)
        data = np.asarray(value, dtype=output.dtype).reshape(output.shape)
    except (ValueError, IndexError, TypeError) as error:
        raise DataError(f"operator {op.index} ({op.kind}) cannot be computed", why=str(error)) from error
    return replace(output, data=data)


def _data(tensor: Tensor) -> Array:
    assert tensor.data is not None
    return tensor.data


def _shape(op: Operator, inputs: list[Tensor]) -> Array:
    return np.array(inputs[0].shape)


def _strided_slice(op: Operator, inputs: list[Tensor]) -> Array:
    assert isinstance(op.options, Slice)
    data, begin, end, strides = (_data(t) for t in inputs)
    index: list[int | slice] = []
    for i, (first, last, step) in enumerate(zip(begin.ravel(), end.ravel(), strides.ravel(), strict=True)):
        if op.options.shrink_axis_mask >> i & 1:
            index.append(int(first))
        else:
            start = None if op.options.begin_mask >> i & 1 else int(first)
            stop = None if op.options.end_mask >> i & 1 else int(last)
            index.append(slice(start, stop, int(step)))
    result: Array = data[tuple(index)]
    return result


def _pack(op: Operator, inputs: list[Tensor]) -> Array:
    assert isinstance(op.options, Axis)
    return np.stack([_data(t) for t in inputs], axis=op.options.axis)


def _concatenation(op: Operator, inputs: list[Tensor]) -> Array:
    assert isinstance(op.options, Axis)
    return np.concatenate([_data(t) for t in inputs], axis=op.options.axis)


def _same(op: Operator, inputs: list[Tensor]) -> Array:
    return _data(inputs[0])


def _dequantize(op: Operator, inputs: list[Tensor]) -> Array:
    quant, data = inputs[0].quant, _data(inputs[0])
    along = [1] * data.ndim
    if len(quant.scales) > 1:
        along[quant.axis] = -1
    scales = np.array(quant.scales, dtype=np.float32).reshape(along)
    zero_points = np.array(quant.zero_points, dtype=np.int32).reshape(along)
    result: Array = scales * (data.astype(np.int32) - zero_points)
    return result


FOLDERS: dict[str, Callable[[Operator, list[Tensor]], Array]] = {
    "SHAPE": _shape,
    "STRIDED_SLICE": _strided_slice,
    "PACK": _pack,
    "CONCATENATION": _concatenation,
    "RESHAPE": _same,
    "EXPAND_DIMS": _same,
    "SQUEEZE": _same,
    "DEQUANTIZE": _dequantize,
}
