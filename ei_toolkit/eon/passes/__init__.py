"""Passes: each takes a graph and returns a smaller one with the same outputs."""

from __future__ import annotations

from ei_toolkit.eon.graph import Graph
from ei_toolkit.eon.passes.constant_folding import fold_constants
from ei_toolkit.eon.passes.fusion import drop_views, fold_padding, fuse_pools, fuse_relu


def simplify(graph: Graph) -> Graph:
    """All passes, in the order in which each finds most to do."""
    for run in (fold_constants, drop_views, fuse_relu, fold_padding, fuse_pools):
        graph = run(graph)
    return graph
