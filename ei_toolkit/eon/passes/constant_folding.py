"""Operators on constants are computed at compile time; so the shape arithmetic of a dynamic batch disappears."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.config.units import mib
from ei_toolkit.eon.graph import Axis, Graph, Operator, Tensor, Unreadable
from ei_toolkit.eon.kernels.elementwise import concatenation
from ei_toolkit.eon.kernels.layer import require
from ei_toolkit.eon.kernels.movement import MOVES, data_input, moved
from ei_toolkit.errors import DataError, UnsupportedModelError

Array = NDArray[Any]

MOST_BYTES = 64 << 20  # of all results together: far more than the flash of any microcontroller
JOINS = frozenset({"PACK", "CONCATENATION"})


def fold_constants(graph: Graph) -> Graph:
    """Replace each operator with constant inputs by its result. The batch size is one.

    An operator that is not supported at run time, either, stays, with the reason in place of its options. Raises
    DataError for a result whose shape is not the declared one, or for results that are too large together.
    """
    kept: list[Operator] = []
    folded = 0
    for op in graph.operators:
        inputs = [graph.tensors[t] for t in op.inputs if t >= 0]
        known = op.kind == "SHAPE" or all(t.data is not None for t in inputs)
        if known and inputs and op.kind in FOLDED and not isinstance(op.options, Unreadable):
            output = graph.tensors[op.output]
            folded += output.bytes
            _check_budget(op, folded)
            try:
                _check(graph, op, inputs)
                graph = graph.with_tensor(_result(graph, op, inputs, output))
            except UnsupportedModelError as error:
                kept.append(replace(op, options=Unreadable(error.why or error.what, error.hint)))
        else:
            kept.append(op)
    return graph.with_operators(kept)


def _check_budget(op: Operator, folded: int) -> None:
    if folded > MOST_BYTES:
        raise DataError(
            f"the results of constant operators are larger than {mib(MOST_BYTES)}, "
            f"counted up to operator {op.index} ({op.kind})",
            why="no microcontroller has as much memory",
            hint="Convert a smaller model, or one whose constants are already computed.",
        )


def _check(graph: Graph, op: Operator, inputs: list[Tensor]) -> None:
    """Check types and sizes before computing; reject a join that would have to rescale or clamp."""
    output = graph.tensors[op.output]
    sources = inputs if op.kind in JOINS else [_source(graph, op)]
    for source in sources:
        require(_fits(op, source.dtype, output.dtype), op, f"it turns {source.dtype} into {output.dtype}")
    if op.kind in JOINS:
        _check_join(graph, op, sources)
    given = sum(t.elements for t in sources)
    if op.kind != "SHAPE" and op.kind not in MOVES and given != output.elements:
        why = f"it has {given} input elements and {output.elements} output elements"
        raise DataError(f"operator {op.index} ({op.kind}) cannot be computed", why=why)


def _source(graph: Graph, op: Operator) -> Tensor:
    """Return the input with the elements of the output."""
    index = data_input(op)
    require(index < len(op.inputs) and op.inputs[index] >= 0, op, "its input is missing")
    return graph.tensors[op.inputs[index]]


def _fits(op: Operator, source: str, output: str) -> bool:
    if op.kind == "SHAPE":
        return output in ("int32", "int64")
    if op.kind == "DEQUANTIZE":
        return source in ("int8", "float16") and output == "float32"
    return source == output


def _check_join(graph: Graph, op: Operator, parts: list[Tensor]) -> None:
    """Reject parts of another scale and activation functions, with the run-time checks of CONCATENATION."""
    assert isinstance(op.options, Axis)
    output = graph.tensors[op.output]
    require(min(op.inputs) >= 0, op, "an input is missing")
    if op.kind == "CONCATENATION" and output.dtype in ("int8", "float32"):
        concatenation(_without_data(graph, op), op, 0)
    elif output.dtype == "int8":
        pairs = {(t.quant.scales, t.quant.zero_points) for t in (*parts, output)}
        require(len(pairs) == 1, op, "its inputs and output have different scales")
    require(op.options.activation == "NONE", op, f"it has the activation function {op.options.activation}")


def _without_data(graph: Graph, op: Operator) -> Graph:
    """Return the graph without the data of the operator's inputs, so that lowering it makes no tables."""
    read = frozenset(op.inputs)
    return replace(graph, tensors=tuple(replace(t, data=None) if t.index in read else t for t in graph.tensors))


def _result(graph: Graph, op: Operator, inputs: list[Tensor], output: Tensor) -> Tensor:
    try:
        value = moved(graph, op, _data(_source(graph, op))) if op.kind in MOVES else FOLDERS[op.kind](op, inputs)
        data = np.asarray(value, dtype=output.dtype).reshape(output.shape)
    except (ValueError, IndexError, TypeError, MemoryError) as error:
        raise DataError(f"operator {op.index} ({op.kind}) cannot be computed", why=str(error)) from error
    return replace(output, data=data)


def _data(tensor: Tensor) -> Array:
    assert tensor.data is not None
    return tensor.data


def _shape(op: Operator, inputs: list[Tensor]) -> Array:
    return np.array(inputs[0].shape)


def _pack(op: Operator, inputs: list[Tensor]) -> Array:
    assert isinstance(op.options, Axis)
    return np.stack([_data(t) for t in inputs], axis=op.options.axis)


def _concatenation(op: Operator, inputs: list[Tensor]) -> Array:
    assert isinstance(op.options, Axis)
    return np.concatenate([_data(t) for t in inputs], axis=op.options.axis)


def _same(op: Operator, inputs: list[Tensor]) -> Array:
    return _data(inputs[0])


def _dequantize(op: Operator, inputs: list[Tensor]) -> Array:
    return dequantized(inputs[0])


def dequantized(tensor: Tensor) -> Array:
    """Return the real values of a constant int8 or float16 tensor as float32."""
    data = _data(tensor)
    result: Array = data.astype(np.float32)
    if tensor.dtype == "int8":
        quant, along = tensor.quant, [1] * data.ndim
        if len(quant.scales) > 1:
            along[quant.axis] = -1
        result -= np.array(quant.zero_points, dtype=np.float32).reshape(along)
        result *= np.array(quant.scales, dtype=np.float32).reshape(along)
    return result


FOLDERS: dict[str, Callable[[Operator, list[Tensor]], Array]] = {
    "SHAPE": _shape,
    "PACK": _pack,
    "CONCATENATION": _concatenation,
    "RESHAPE": _same,
    "EXPAND_DIMS": _same,
    "SQUEEZE": _same,
    "DEQUANTIZE": _dequantize,
    "DENSIFY": _same,
}
FOLDED = FOLDERS.keys() | MOVES.keys()
