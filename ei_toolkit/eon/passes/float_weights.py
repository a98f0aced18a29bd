"""Dynamic-range quantisation: int8 weights of layers on float32 data become float32 at compile time.

An interpreter would quantise the data of each inference instead. The outputs of the compiled model are those of the
float network with the stored weights, and the weights take four times the flash.
"""

from __future__ import annotations

from dataclasses import replace

from ei_toolkit.eon.graph import Graph, Operator, Tensor
from ei_toolkit.eon.passes.constant_folding import dequantized

WEIGHTED = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"})


def dequantize_weights(graph: Graph) -> Graph:
    """Return the graph with float32 weights in place of the int8 weights of layers on float32 data."""
    for op in graph.operators:
        weights = dynamic_weights(graph, op)
        if weights is None:
            continue
        real = Tensor(len(graph.tensors), weights.name, weights.shape, "float32", data=dequantized(weights))
        changed = replace(op, inputs=(op.inputs[0], real.index, *op.inputs[2:]))
        graph = replace(graph, tensors=(*graph.tensors, real)).with_operators(
            changed if o is op else o for o in graph.operators
        )
    return graph


def dynamic_weights(graph: Graph, op: Operator) -> Tensor | None:
    """Return the constant int8 weights of a layer on float32 data; None for other operators."""
    if op.kind not in WEIGHTED or len(op.inputs) < 2 or min(op.inputs[:2]) < 0:
        return None
    source, weights = (graph.tensors[t] for t in op.inputs[:2])
    is_dynamic = source.dtype == "float32" and weights.dtype == "int8" and weights.data is not None
    return weights if is_dynamic and weights.quantization is not None else None


def dequantized_bytes(graph: Graph) -> int:
    """Return by how many bytes the weights of such layers grow."""
    return sum(3 * w.bytes for op in graph.operators if (w := dynamic_weights(graph, op)) is not None)
