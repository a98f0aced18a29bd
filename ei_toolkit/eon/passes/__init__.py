"""Passes: each takes a graph and returns a smaller one with the same outputs."""

from __future__ import annotations

from ei_toolkit.eon.graph import Graph
from ei_toolkit.eon.passes.constant_folding import fold_constants
from ei_toolkit.eon.passes.padding import fold_padding
from ei_toolkit.eon.passes.pools import fuse_pools
from ei_toolkit.eon.passes.relu import fuse_relu
from ei_toolkit.eon.passes.views import drop_views


def simplify(graph: Graph) -> Graph:
    """All passes, in the order in which each finds most to do."""
    for run in (fold_constants, drop_views, fuse_relu, fold_padding, fuse_pools):
        graph = run(graph)
    return graph
