"""ARG_MAX, ARG_MIN, GATHER and CAST: operators with integers that are not quantised."""

from __future__ import annotations

import math

from ei_toolkit.eon.graph import Axis, Graph, Operator, Tensor
from ei_toolkit.eon.kernels.layer import (
    CTYPES,
    WITH_INT16,
    Layer,
    constant,
    fail,
    inputs_of,
    operand,
    require,
    same_scale,
    same_type,
)

INDICES = ("int32", "int64")
NUMBERS = frozenset({"int8", "int16", "int32", "int64", "float32"})


def arg_extreme(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower an ARG_MAX or ARG_MIN along a constant axis."""
    source, where = inputs_of(graph, op, 2, 2)
    assert source is not None
    output = graph.tensors[op.output]
    same_type(op, source, source, WITH_INT16)
    require(output.dtype in INDICES, op, f"its output is {output.dtype}")
    data = constant(op, where, "axis").data
    rank = len(source.shape)
    require(data is not None and data.size == 1 and -rank <= int(data.ravel()[0]) < rank, op, "its axis does not exist")
    assert data is not None
    axis = int(data.ravel()[0]) % rank
    outer, size, inner = _around(source, axis)
    require(output.elements == outer * inner, op, f"it turns {source.shape} into {output.shape}")
    largest = "true" if op.kind == "ARG_MAX" else "false"
    call = f"k::arg_extreme<{outer}, {size}, {inner}, {largest}>({{in0}}, {{out}});"
    return Layer(position, op.title, output.name, op.inputs[:1], op.output, 0, ("selection.h",), call=call)


def gather(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a GATHER, for example of the rows of a table of an embedding."""
    source, indices = inputs_of(graph, op, 2, 2)
    assert source is not None and indices is not None and isinstance(op.options, Axis)
    output = graph.tensors[op.output]
    same_type(op, source, output, WITH_INT16)
    require(same_scale(source, output), op, "it changes the quantisation")
    require(indices.dtype in INDICES, op, f"its indices are {indices.dtype}")
    rank = len(source.shape)
    require(op.options.count == 0, op, f"it has {op.options.count} batch dimensions")
    require(-rank <= op.options.axis < rank, op, f"its axis is {op.options.axis}")
    axis = op.options.axis % rank
    outer, entries, inner = _around(source, axis)
    require(output.elements == outer * inner * indices.elements, op, f"it makes {output.shape}")
    if indices.data is not None:
        inside = int(indices.data.min()) >= 0 and int(indices.data.max()) < entries
        require(inside, op, f"it takes an entry that does not exist from {source.shape}")
    table, kept = operand(source, position, "Table", 0)
    places, listed = operand(indices, position, "Indices", 0 if kept else 1)
    return Layer(
        position=position,
        title=op.title,
        name=output.name,
        inputs=tuple(t for t in op.inputs if graph.tensors[t].data is None),
        output=op.output,
        macs=0,
        headers=("selection.h",),
        constants=tuple(t for t in (kept, listed) if t is not None),
        call=f"k::gather<{outer}, {entries}, {inner}, {indices.elements}>({table}, {places}, {{out}});",
        flash_words=-(-output.bytes // 4) if kept else None,
    )


def cast(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a CAST between types of numbers."""
    (source,) = inputs_of(graph, op, 1, 1)
    assert source is not None
    output = graph.tensors[op.output]
    if op.unsigned or not {source.dtype, output.dtype} <= NUMBERS:
        raise fail(
            op, f"it turns {source.dtype} into {output.dtype}", "Remove the conversion, or use int32 or float32."
        )
    require(source.elements == output.elements, op, f"it turns {source.shape} into {output.shape}")
    call = f"k::cast<{source.elements}>({{in0}}, {{out}});"
    if source.dtype == "float32" and output.dtype != "float32":
        name = output.dtype.upper()
        call = f"k::cast_float<{source.elements}, {CTYPES[output.dtype]}>({{in0}}, {{out}}, {name}_MIN, {name}_MAX);"
    return Layer(position, op.title, output.name, op.inputs, op.output, 0, ("selection.h",), call=call)


def _around(tensor: Tensor, axis: int) -> tuple[int, int, int]:
    """Return the elements before an axis, along it and behind it."""
    return math.prod(tensor.shape[:axis]), tensor.shape[axis], math.prod(tensor.shape[axis + 1 :])
