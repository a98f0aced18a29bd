"""A RELU or RELU6 behind a convolution or a sum becomes the clamp of that operator."""

from __future__ import annotations

from dataclasses import replace

from ei_toolkit.eon.graph import Activation, Axis, Graph, Operator, Window2D

FUSABLE = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "MUL", "AVERAGE_POOL_2D", "MAX_POOL_2D"})
RELUS = frozenset({"RELU", "RELU6"})


def fuse_relu(graph: Graph) -> Graph:
    """Merge activation operators into their only producer, where the scale stays the same (else rounding differs)."""
    for op in graph.operators:
        behind = graph.only_consumer(op)
        if behind is not None and _fits(graph, op, behind):
            merged = replace(
                op, output=behind.output, options=_with_activation(op, behind), fused=(*op.fused, behind.kind)
            )
            graph = graph.with_operators(merged if o is op else o for o in graph.operators if o is not behind)
    return graph


def _fits(graph: Graph, op: Operator, behind: Operator) -> bool:
    before, after = graph.tensors[op.output], graph.tensors[behind.output]
    return (
        op.kind in FUSABLE
        and behind.kind in RELUS
        and len(behind.inputs) == 1
        and isinstance(op.options, Window2D | Activation)
        and op.options.activation == "NONE"
        and before.dtype == after.dtype
        and before.shape == after.shape
        and before.quantization == after.quantization
    )


def _with_activation(op: Operator, behind: Operator) -> Window2D | Activation:
    assert isinstance(op.options, Window2D | Activation) and not isinstance(op.options, Axis)
    return replace(op.options, activation=behind.kind)
