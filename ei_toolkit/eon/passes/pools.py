"""A max pool behind a convolution is computed with it, so that the convolution's full output never exists."""

from __future__ import annotations

from dataclasses import replace

from ei_toolkit.eon.graph import Graph, Operator, Window2D
from ei_toolkit.eon.layers.geometry import geometry

LARGEST = 2  # rows and columns of a pool that the convolution's four-pixel block can hold


def fuse_pools(graph: Graph) -> Graph:
    """Merge pools of at most 2 x 2, strides as large as themselves, into the convolution in front of them."""
    for op in graph.operators:
        pool = graph.only_consumer(op)
        if pool is not None and op.kind == "CONV_2D" and _fits(graph, op, pool):
            assert isinstance(op.options, Window2D) and isinstance(pool.options, Window2D)
            options = replace(op.options, pool=pool.options.size)
            title = "MAX_POOL_2D {}x{}".format(*pool.options.size)
            merged = replace(op, output=pool.output, options=options, fused=(*op.fused, title))
            graph = graph.with_operators(merged if o is op else o for o in graph.operators if o is not pool)
    return graph


def _fits(graph: Graph, conv: Operator, pool: Operator) -> bool:
    before, after, seen = (graph.tensors[t] for t in (conv.output, pool.output, pool.inputs[0]))
    return (
        pool.kind == "MAX_POOL_2D"
        and len(conv.inputs) >= 2
        and min(conv.inputs[:2]) >= 0
        and len(pool.inputs) == 1
        and isinstance(pool.options, Window2D)
        and pool.options.stride == pool.options.size
        and max(pool.options.size) <= LARGEST
        and pool.options.activation == "NONE"
        and before.dtype == "int8"
        and before.shape == seen.shape
        and before.quantization == after.quantization
        and _is_sound(graph, conv)
        and after.shape[1:3] == tuple(_pooled(n, pool.options, axis) for axis, n in enumerate(before.shape[1:3]))
    )


def _is_sound(graph: Graph, conv: Operator) -> bool:
    """Whether the convolution's output, which will no longer be looked at, has the shape that its options give.

    Raises UnsupportedModelError where it has another.
    """
    source, weights = (graph.tensors[t] for t in conv.inputs[:2])
    if len(weights.shape) != 4:
        return False
    geometry(conv, source, graph.tensors[conv.output], (weights.shape[1], weights.shape[2]))
    return True


def _pooled(size: int, options: Window2D, axis: int) -> int:
    """What SAME and VALID make of a size."""
    return -(-size // options.size[axis]) if options.padding == "SAME" else size // options.size[axis]
