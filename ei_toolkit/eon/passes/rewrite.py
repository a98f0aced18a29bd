"""Replace an operator by a cheaper one with the same outputs, or by none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ei_toolkit.eon.graph import Graph, NoOptions, Operator, Tensor, Unreadable
from ei_toolkit.eon.kernels.conditions import ORDERS, SELECTIONS
from ei_toolkit.eon.kernels.elementwise import FUNCTIONS


def drop_unread(graph: Graph) -> Graph:
    """Remove operators whose output nothing reads."""
    needed = {*graph.output_roots, *graph.states}
    kept = []
    for op in reversed(graph.operators):
        if graph.root(op.output) in needed or op.output < 0:
            needed.update(map(graph.root, op.inputs))
            kept.append(op)
    return graph.with_operators(reversed(kept))


def depthwise_to_convolution(graph: Graph) -> Graph:
    """Replace each DEPTHWISE_CONV_2D of a single input channel by the CONV_2D with the same sums.

    Both kernels compute the same accumulators and round them in the same way. CONV_2D reads each input once for two
    output channels and needs about a sixth of the instructions.
    """
    for op in graph.operators:
        weights = _weights(graph, op)
        if weights is None or weights.data is None:
            continue
        turned = Tensor(
            index=len(graph.tensors),
            name=weights.name,
            shape=(weights.shape[3], weights.shape[1], weights.shape[2], 1),
            dtype=weights.dtype,
            quantization=weights.quantization and replace(weights.quantization, axis=0),
            data=np.moveaxis(weights.data, 3, 0).reshape(weights.shape[3], weights.shape[1], weights.shape[2], 1),
        )
        convolution = replace(op, kind="CONV_2D", inputs=(op.inputs[0], turned.index, *op.inputs[2:]))
        graph = replace(graph, tensors=(*graph.tensors, turned)).with_operators(
            convolution if o is op else o for o in graph.operators
        )
    return graph


TAKE_CONSTANTS = (
    FUNCTIONS.keys() | ORDERS.keys() | SELECTIONS | {"BATCH_MATMUL", "CONCATENATION", "GATHER", "LOAD", "PACK", "SHAPE"}
)
"""Operators whose layers read constant data from flash."""


def load_constants(graph: Graph) -> Graph:
    """Copy each constant that another layer reads as its data to the arena, as the initial state of a loop."""
    tensors, operators = list(graph.tensors), []
    for op in graph.operators:
        at = {"SPLIT": 1, "TRANSPOSE_CONV": 2}.get(op.kind, 0)
        data = tensors[op.inputs[at]] if len(op.inputs) > at and op.inputs[at] >= 0 else None
        if data is not None and data.data is not None and op.kind not in TAKE_CONSTANTS:
            loaded = replace(data, index=len(tensors), data=None)
            tensors.append(loaded)
            operators.append(Operator(op.index, "LOAD", (data.index,), loaded.index, NoOptions()))
            op = replace(op, inputs=(*op.inputs[:at], loaded.index, *op.inputs[at + 1 :]))
        operators.append(op)
    return replace(graph, tensors=tuple(tensors), operators=tuple(operators))


def _weights(graph: Graph, op: Operator) -> Tensor | None:
    """Return the weights of a depthwise convolution of one input channel; None for another operator."""
    if (
        op.kind != "DEPTHWISE_CONV_2D"
        or isinstance(op.options, Unreadable)
        or len(op.inputs) < 2
        or min(op.inputs[:2]) < 0
    ):
        return None
    source, weights = (graph.tensors[t] for t in op.inputs[:2])
    if len(weights.shape) != 4 or weights.shape[0] != 1 or source.shape[-1:] != (1,):
        return None
    quantization = weights.quantization
    per_channel = quantization is not None and len(quantization.scales) > 1
    return None if per_channel and quantization is not None and quantization.axis != 3 else weights
