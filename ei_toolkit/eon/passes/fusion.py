"""Merge operators: PAD into a convolution, max pools and activations into their producers, views into tensors."""

from __future__ import annotations

from dataclasses import replace

from ei_toolkit.eon.graph import Activation, Axis, Graph, Operator, Tensor, Unreadable, Window2D
from ei_toolkit.eon.kernels.direct import is_general
from ei_toolkit.eon.kernels.geometry import geometry
from ei_toolkit.errors import DataError, UnsupportedModelError

CONVOLUTIONS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D"})


def fold_padding(graph: Graph) -> Graph:
    """Merge PAD operators over rows and columns into the VALID convolution that is their only reader."""
    for op in graph.operators:
        behind = graph.only_consumer(op)
        if op.kind == "PAD" and behind is not None:
            merged = _merged(graph, op, behind)
            if merged is not None:
                graph, convolution = merged
                graph = graph.with_operators(convolution if o is behind else o for o in graph.operators if o is not op)
    return graph


def _merged(graph: Graph, pad: Operator, conv: Operator) -> tuple[Graph, Operator] | None:
    """Return the graph and the convolution without the PAD; None where they do not fit together."""
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
    return _without_pad(graph, pad, conv, options, rows, unpadded)


def _without_pad(
    graph: Graph,
    pad: Operator,
    conv: Operator,
    options: Window2D,
    rows: list[tuple[int, int]],
    unpadded: tuple[int, ...],
) -> tuple[Graph, Operator]:
    """Let the convolution read the input of the PAD, through a 4-D view where that is needed."""
    source = graph.tensors[pad.inputs[0]]
    if source.shape != unpadded:
        source = replace(source, index=len(graph.tensors), shape=unpadded)
        views = {**graph.views, source.index: graph.root(pad.inputs[0])}
        graph = replace(graph, tensors=(*graph.tensors, source), views=views)
    pads = (*rows[1], *rows[2])
    inputs = (source.index, *conv.inputs[1:])
    merged = replace(conv, inputs=inputs, options=replace(options, pads=pads), fused=("PAD", *conv.fused))
    return graph, merged


LARGEST_POOL = 2  # rows and columns of a pool; the convolution computes four pixels at a time


def fuse_pools(graph: Graph) -> Graph:
    """Merge pools of at most 2 x 2, with strides equal to their size, into the convolution before them."""
    for op in graph.operators:
        pool = graph.only_consumer(op)
        if pool is not None and op.kind == "CONV_2D" and _pool_fits(graph, op, pool):
            assert isinstance(op.options, Window2D) and isinstance(pool.options, Window2D)
            options = replace(op.options, pool=pool.options.size)
            title = "MAX_POOL_2D {}x{}".format(*pool.options.size)
            merged = replace(op, output=pool.output, options=options, fused=(*op.fused, title))
            graph = graph.with_operators(merged if o is op else o for o in graph.operators if o is not pool)
    return graph


def _pool_fits(graph: Graph, conv: Operator, pool: Operator) -> bool:
    before, after, seen = (graph.tensors[t] for t in (conv.output, pool.output, pool.inputs[0]))
    return (
        pool.kind == "MAX_POOL_2D"
        and len(conv.inputs) >= 2
        and min(conv.inputs[:2]) >= 0
        and len(pool.inputs) == 1
        and isinstance(conv.options, Window2D)
        and isinstance(pool.options, Window2D)
        and pool.options.stride == pool.options.size
        and max(pool.options.size) <= LARGEST_POOL
        and pool.options.activation == "NONE"
        and before.dtype == "int8"
        and before.shape == seen.shape
        and before.quantization == after.quantization
        and _is_sound(graph, conv)
        and not is_general(conv, *(graph.tensors[t] for t in conv.inputs[:2]))
        and after.shape[1:3] == tuple(_pooled(n, pool.options, axis) for axis, n in enumerate(before.shape[1:3]))
    )


def _is_sound(graph: Graph, conv: Operator) -> bool:
    """Return whether the output of the convolution has the shape that its options give; later steps do not check it."""
    source, weights = (graph.tensors[t] for t in conv.inputs[:2])
    if len(weights.shape) != 4:
        return False
    try:
        geometry(conv, source, graph.tensors[conv.output], (weights.shape[1], weights.shape[2]))
    except UnsupportedModelError:
        return False  # lowering the convolution reports it
    return True


def _pooled(size: int, options: Window2D, axis: int) -> int:
    """Return the size of a pool's output with SAME or VALID padding."""
    return -(-size // options.size[axis]) if options.padding == "SAME" else size // options.size[axis]


FUSABLE = frozenset({
    "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "SUB", "MUL", "DIV", "AVERAGE_POOL_2D", "MAX_POOL_2D",
})  # fmt: skip
RELUS = frozenset({"RELU", "RELU6"})


def fuse_relu(graph: Graph) -> Graph:
    """Merge activation operators into their producer where the scale stays the same; else the rounding would differ."""
    for op in graph.operators:
        behind = graph.only_consumer(op)
        if behind is not None and _relu_fits(graph, op, behind):
            merged = replace(
                op, output=behind.output, options=_with_activation(op, behind), fused=(*op.fused, behind.kind)
            )
            graph = graph.with_operators(merged if o is op else o for o in graph.operators if o is not behind)
    return graph


def _relu_fits(graph: Graph, op: Operator, behind: Operator) -> bool:
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


VIEWS = frozenset({"RESHAPE", "EXPAND_DIMS", "SQUEEZE"})


def drop_views(graph: Graph) -> Graph:
    """Remove RESHAPE, EXPAND_DIMS and SQUEEZE; readers of an unchanged shape read the original tensor itself.

    One that changes the values stays, with the reason in place of its options. Raises DataError for a damaged one.
    """
    views: dict[int, int] = {}
    same: dict[int, int] = {}  # tensor -> an equal tensor, closer to the root
    kept: list[Operator] = []
    for op in graph.operators:
        op = replace(op, inputs=tuple(same.get(t, t) for t in op.inputs))
        if isinstance(op.options, Unreadable) or not (op.kind in VIEWS or _is_identity(graph, op)):
            kept.append(op)
            continue
        source = op.inputs[0] if op.inputs else -1
        problem = _problem(graph, op, source)
        if problem is not None:
            kept.append(replace(op, options=problem))
            continue
        root = views.get(source, source)
        views[op.output] = root
        if graph.tensors[root].shape == graph.tensors[op.output].shape:
            same[op.output] = root
    outputs = tuple(same.get(t, t) for t in graph.outputs)
    return replace(graph, operators=tuple(kept), views=views, outputs=outputs)


def _is_identity(graph: Graph, op: Operator) -> bool:
    """Return whether a QUANTIZE keeps scale and zero point, as converters write it for inputs of type uint8."""
    if op.kind != "QUANTIZE" or len(op.inputs) != 1 or op.inputs[0] < 0:
        return False
    before, after = graph.tensors[op.inputs[0]], graph.tensors[op.output]
    return (before.dtype, before.elements) == (after.dtype, after.elements) and _same_values(before, after)


def _problem(graph: Graph, op: Operator, source: int) -> Unreadable | None:
    """Return why the operator changes more than a shape; None if it does not. Raises DataError for a damaged one."""
    if source < 0:
        raise DataError(f"operator {op.index} ({op.kind}) has no input")
    before, after = graph.tensors[source], graph.tensors[op.output]
    if before.elements != after.elements or before.dtype != after.dtype:
        raise DataError(f"operator {op.index} ({op.kind}) turns {before.shape} into {after.shape}")
    if before.quantization != after.quantization and not _same_values(before, after):
        return Unreadable("it changes the quantisation", "Convert the model again with a current converter.")
    return None


def _same_values(before: Tensor, after: Tensor) -> bool:
    """Return whether equal bytes of both tensors are equal numbers."""
    a, b = before.quantization, after.quantization
    return before.dtype == "float32" or (
        a is not None and b is not None and (a.scales, a.zero_points) == (b.scales, b.zero_points)
    )
