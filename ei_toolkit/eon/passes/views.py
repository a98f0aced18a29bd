"""Operators that only change a shape cost nothing: their output is another view of the same memory."""

from __future__ import annotations

from dataclasses import replace

from ei_toolkit.eon.graph import Graph, Operator
from ei_toolkit.errors import DataError, UnsupportedModelError

VIEWS = frozenset({"RESHAPE", "EXPAND_DIMS", "SQUEEZE"})


def drop_views(graph: Graph) -> Graph:
    """Remove RESHAPE, EXPAND_DIMS and SQUEEZE; readers of an unchanged shape read the original tensor itself.

    Raises DataError or UnsupportedModelError where such an operator changes the values.
    """
    views: dict[int, int] = {}
    same: dict[int, int] = {}  # tensor -> an equal tensor nearer to the root
    kept: list[Operator] = []
    for op in graph.operators:
        op = replace(op, inputs=tuple(same.get(t, t) for t in op.inputs))
        if op.kind not in VIEWS:
            kept.append(op)
            continue
        source = op.inputs[0] if op.inputs else -1
        _check(graph, op, source)
        root = views.get(source, source)
        views[op.output] = root
        if graph.tensors[root].shape == graph.tensors[op.output].shape:
            same[op.output] = root
    return replace(graph, operators=tuple(kept), views=views, output=same.get(graph.output, graph.output))


def _check(graph: Graph, op: Operator, source: int) -> None:
    if source < 0:
        raise DataError(f"operator {op.index} ({op.kind}) has no input")
    before, after = graph.tensors[source], graph.tensors[op.output]
    if before.elements != after.elements or before.dtype != after.dtype:
        raise DataError(f"operator {op.index} ({op.kind}) turns {before.shape} into {after.shape}")
    if before.dtype == "int8" and (before.quant.scales, before.quant.zero_points) != (
        after.quant.scales,
        after.quant.zero_points,
    ):
        raise UnsupportedModelError(f"operator {op.index} ({op.kind}) changes the quantisation")
