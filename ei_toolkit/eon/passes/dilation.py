"""Merge SPACE_TO_BATCH_ND, a convolution and BATCH_TO_SPACE_ND into the dilated convolution that they compute.

Converters write a dilated convolution so: pixels that are a block apart become adjacent pixels of one batch.
"""

from __future__ import annotations

from dataclasses import replace

from ei_toolkit.eon.graph import Graph, Operator, Tensor, Window2D
from ei_toolkit.eon.kernels.layer import same_scale

CONVOLUTIONS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D"})


def fold_dilation(graph: Graph) -> Graph:
    """Replace the three operators by one where each is the only reader of the one before."""
    for op in graph.operators:
        if op.kind != "SPACE_TO_BATCH_ND":
            continue
        conv = graph.only_consumer(op)
        last = graph.only_consumer(conv) if conv is not None else None
        if conv is None or last is None or not _fit_together(graph, op, conv, last):
            continue
        merged = _merged(graph, op, conv, last)
        if merged is not None:
            left = (o for o in graph.operators if o is not op and o is not last)
            graph = graph.with_operators(merged if o is conv else o for o in left)
    return graph


def _fit_together(graph: Graph, first: Operator, conv: Operator, last: Operator) -> bool:
    options = conv.options
    return (
        conv.kind in CONVOLUTIONS
        and last.kind == "BATCH_TO_SPACE_ND"
        and isinstance(options, Window2D)
        and (options.padding, options.stride, options.dilation, options.pads) == ("VALID", (1, 1), (1, 1), None)
        and len(first.inputs) == len(last.inputs) == 3
        and len(conv.inputs) >= 2
        and min(*first.inputs, *last.inputs, *conv.inputs[:2]) >= 0
        and (conv.inputs[0], last.inputs[0]) == (first.output, conv.output)
        and _same_numbers(graph.tensors[first.inputs[0]], graph.tensors[first.output])
        and _same_numbers(graph.tensors[conv.output], graph.tensors[last.output])
    )


def _same_numbers(a: Tensor, b: Tensor) -> bool:
    quantised = a.quantization is not None and b.quantization is not None
    return a.dtype == b.dtype and (a.dtype == "float32" or (quantised and same_scale(a, b)))


def _merged(graph: Graph, first: Operator, conv: Operator, last: Operator) -> Operator | None:
    """Return the dilated convolution; None if the sizes do not belong together."""
    source, apart, convolved, output = (
        graph.tensors[t] for t in (first.inputs[0], first.output, conv.output, last.output)
    )
    weights = graph.tensors[conv.inputs[1]]
    if not all(len(t.shape) == 4 for t in (source, apart, convolved, output, weights)) or source.shape[0] != 1:
        return None
    blocks, pads, other_blocks, crops = (
        _pairs(graph, t, count) for t, count in zip((*first.inputs[1:], *last.inputs[1:]), (2, 4, 2, 4), strict=True)
    )
    if blocks is None or pads is None or crops is None or blocks != other_blocks or min(blocks) < 1:
        return None
    around: list[int] = []
    for axis, block in enumerate(blocks):
        size, made, kernel = source.shape[1 + axis], output.shape[1 + axis], weights.shape[1 + axis]
        before, after = pads[2 * axis : 2 * axis + 2]
        total = size + before + after
        inner = total // block - kernel + 1
        sizes = (total % block, apart.shape[1 + axis], convolved.shape[1 + axis])
        if sizes != (0, total // block, inner) or made != inner * block - sum(crops[2 * axis : 2 * axis + 2]):
            return None
        front = before - crops[2 * axis]
        behind = made - 1 + (kernel - 1) * block + 1 - size - front
        if min(front, behind, before, after, *crops) < 0:
            return None
        around += [front, behind]
    assert isinstance(conv.options, Window2D)
    options = replace(conv.options, dilation=(blocks[0], blocks[1]), pads=(around[0], around[1], around[2], around[3]))
    titles = (first.kind, *conv.fused, last.kind)
    inputs = (first.inputs[0], *conv.inputs[1:])
    return replace(conv, inputs=inputs, output=last.output, options=options, fused=titles)


def _pairs(graph: Graph, tensor: int, count: int) -> list[int] | None:
    """Return the numbers of a constant, None if it does not have `count`."""
    data = graph.tensors[tensor].data
    return [int(n) for n in data.ravel()] if data is not None and data.size == count else None
