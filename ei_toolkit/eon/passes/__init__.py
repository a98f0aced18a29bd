"""Passes: each takes a graph and returns a smaller one with the same outputs."""

from __future__ import annotations

from ei_toolkit.eon.graph import Graph
from ei_toolkit.eon.passes.constant_folding import fold_constants
from ei_toolkit.eon.passes.dilation import fold_dilation
from ei_toolkit.eon.passes.float_weights import dequantize_weights
from ei_toolkit.eon.passes.fusion import drop_views, fold_padding, fuse_pools, fuse_relu
from ei_toolkit.eon.passes.rewrite import depthwise_to_convolution, drop_unread, load_constants
from ei_toolkit.eon.passes.signed_bytes import signed_bytes
from ei_toolkit.eon.passes.state import read_in_place, write_in_place

PASSES = (
    signed_bytes,
    fold_constants,
    drop_unread,
    dequantize_weights,
    fold_dilation,
    depthwise_to_convolution,
    drop_views,
    read_in_place,
    fuse_relu,
    fold_padding,
    fuse_pools,
    write_in_place,
    load_constants,
)


def simplify(graph: Graph) -> Graph:
    """Run all passes, in the order in which each finds most to do."""
    for run in PASSES:
        graph = run(graph)
    return graph
