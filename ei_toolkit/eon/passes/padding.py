"""A PAD with zeros in front of a convolution becomes the padding of that convolution."""

from __future__ import annotations

from dataclasses import replace

from ei_toolkit.eon.graph import Graph, Operator, Window2D

CONVOLUTIONS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D"})


def fold_padding(graph: Graph) -> Graph:
    """Merge PAD operators over rows and columns into the VALID convolution that alone reads them."""
    for op in graph.operators:
        behind = graph.only_consumer(op)
        if op.kind == "PAD" and behind is not None:
            merged = _merged(graph, op, behind)
            if merged is not None:
                graph, convolution = merged
                graph = graph.with_operators(convolution if o is behind else o for o in graph.operators if o is not op)
    return graph


def _merged(graph: Graph, pad: Operator, conv: Operator) -> tuple[Graph, Operator] | None:
    """The graph and the convolution without the PAD, or None where they do not fit together."""
    options = conv.options
    if not pad.inputs or min(pad.inputs) < 0 or not conv.inputs or conv.inputs[0] < 0:
        return None
    amounts = graph.tensors[pad.inputs[1]].data if len(pad.inputs) == 2 else None
    source, padded = graph.tensors[pad.inputs[0]], graph.tensors[pad.output]
    seen = graph.tensors[conv.inputs[0]]  # 4-D; the PAD may have worked on a view of three
    if conv.kind not in CONVOLUTIONS or not isinstance(options, Window2D) or options.padding != "VALID":
        return None
    if (
        amounts is None
        or options.pads is not None
        or source.quantization != padded.quantization
        or len(seen.shape) != 4
    ):
        return None
    if amounts.size > 8:
        return None
    rows = [(int(a), int(b)) for a, b in amounts.reshape(-1, 2)]
    missing = 4 - len(rows)
    if len(padded.shape) != len(rows) or seen.shape != (1,) * missing + padded.shape:
        return None
    rows = [(0, 0)] * missing + rows
    unpadded = tuple(size - a - b for size, (a, b) in zip(seen.shape, rows, strict=True))
    if rows[0] != (0, 0) or rows[3] != (0, 0) or (1,) * (4 - len(source.shape)) + source.shape != unpadded:
        return None
    if any(min(pair) < 0 for pair in rows) or min(unpadded) <= 0:
        return None
    return _rewired(graph, pad, conv, options, rows, unpadded)


def _rewired(
    graph: Graph,
    pad: Operator,
    conv: Operator,
    options: Window2D,
    rows: list[tuple[int, int]],
    unpadded: tuple[int, ...],
) -> tuple[Graph, Operator]:
    """The convolution reads the PAD's input, under a 4-D shape where that is needed."""
    source = graph.tensors[pad.inputs[0]]
    if source.shape != unpadded:
        source = replace(source, index=len(graph.tensors), shape=unpadded)
        views = {**graph.views, source.index: graph.root(pad.inputs[0])}
        graph = replace(graph, tensors=(*graph.tensors, source), views=views)
    pads = (*rows[1], *rows[2])
    inputs = (source.index, *conv.inputs[1:])
    merged = replace(conv, inputs=inputs, options=replace(options, pads=pads), fused=("PAD", *conv.fused))
    return graph, merged
