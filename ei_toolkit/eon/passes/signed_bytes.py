"""Compute uint8 networks with the int8 kernels: each value and zero point is lowered by 128."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.eon.graph import Graph, NoOptions, Operator, Tensor, Unreadable
from ei_toolkit.eon.kernels.movement import MOVES

EXACT = MOVES.keys() | {
    "ADD", "ARG_MAX", "ARG_MIN", "ASSIGN_VARIABLE", "AVERAGE_POOL_2D", "BATCH_TO_SPACE_ND", "CAST", "CONCATENATION",
    "CONV_2D", "DEPTHWISE_CONV_2D", "DEQUANTIZE", "EXPAND_DIMS", "FULLY_CONNECTED", "GATHER", "HARD_SWISH",
    "LEAKY_RELU", "LOGISTIC", "MAXIMUM", "MAX_POOL_2D", "MEAN", "MINIMUM", "MUL", "PACK", "PAD", "PRELU", "QUANTIZE",
    "READ_VARIABLE", "REDUCE_MAX", "REDUCE_MIN", "RELU", "RELU6", "RELU_N1_TO_1", "RESHAPE", "RESIZE_BILINEAR",
    "SHAPE", "SOFTMAX", "SPACE_TO_BATCH_ND", "SQUEEZE", "SUB", "TANH", "TRANSPOSE_CONV",
}  # fmt: skip
"""Operators whose int8 kernel gives the numbers of the reference's uint8 kernel, with `Operator.unsigned` if needed."""
ROUNDS = "its uint8 kernel rounds in another way than the int8 kernel"
INT8 = "Convert the network to int8; inputs and outputs of the model may stay uint8."


def signed_bytes(graph: Graph, *, keep_ends: bool = True) -> Graph:
    """Return the graph with int8 tensors in place of uint8.

    Inputs and outputs stay uint8 and are converted; without `keep_ends` they become int8 as well.
    """
    unsigned = frozenset(t.index for t in graph.tensors if t.dtype == "uint8")
    if not unsigned:
        return graph
    operators = [_checked(op, unsigned) for op in graph.operators]
    tensors = [_signed(t) if t.index in unsigned else t for t in graph.tensors]
    inputs, outputs = list(graph.inputs), list(graph.outputs)
    index = 1 + max((op.index for op in operators), default=-1)
    first: list[Operator] = []
    last: list[Operator] = []
    for ends, conversions in ((inputs, first), (outputs, last)):
        for i, inner in enumerate(ends):
            if inner in unsigned and keep_ends:
                outer = replace(graph.tensors[inner], index=len(tensors), data=None)
                tensors.append(outer)
                ends[i] = outer.index
                source, output = (outer.index, inner) if ends is inputs else (inner, outer.index)
                conversions.append(Operator(index, "QUANTIZE", (source,), output, NoOptions()))
    return replace(
        graph,
        tensors=tuple(tensors),
        operators=(*first, *operators, *last),
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        states={t: _shifted(data) if t in unsigned else data for t, data in graph.states.items()},
    )


def _checked(op: Operator, unsigned: frozenset[int]) -> Operator:
    """Return the operator, marked, with the reason in place of its options if its int8 kernel gives other results."""
    if isinstance(op.options, Unreadable) or not unsigned.intersection((*op.inputs, op.output)):
        return op
    return replace(op, unsigned=True) if op.kind in EXACT else replace(op, options=Unreadable(ROUNDS, INT8))


def _signed(tensor: Tensor) -> Tensor:
    quantization = tensor.quantization
    if quantization is not None:
        quantization = replace(quantization, zero_points=tuple(z - 128 for z in quantization.zero_points))
    data = None if tensor.data is None else _shifted(tensor.data)
    return replace(tensor, dtype="int8", quantization=quantization, data=data)


def _shifted(values: NDArray[Any]) -> NDArray[Any]:
    shifted: NDArray[Any] = np.bitwise_xor(values, 0x80).view(np.int8)
    return shifted
