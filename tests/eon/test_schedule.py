"""The schedule needs the least memory of all orders and links, found here by trying each of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, combinations, permutations
from typing import Any

import numpy as np
import pytest

from ei_toolkit.eon import schedule as module
from ei_toolkit.eon.compile import lower_model
from ei_toolkit.eon.graph import Graph
from ei_toolkit.eon.kernels.layer import Layer
from ei_toolkit.eon.memory_plan import plan_memory
from ei_toolkit.eon.reader import read_model
from ei_toolkit.eon.schedule import schedule
from ei_toolkit.eon.units import Unit, streamable

Network = tuple[Graph, tuple[Layer, ...]]


def convolution(model: Any, source: int, filters: int, kernel: int, stride: int = 1) -> int:
    _, rows, cols, channels = model.tensors[source].shape
    shape = (filters, kernel, kernel, channels)
    weights = model.tensor(shape, scale=0.01, data=np.ones(shape))
    output = model.tensor((1, -(-rows // stride), -(-cols // stride), filters), scale=1.0)
    options = {"strideH": stride, "strideW": stride, "padding": 0}
    return int(model.operator("CONV_2D", [source, weights, -1], output, "Conv2DOptions", **options))


def network(model: Any, source: int, output: int) -> Network:
    graph = read_model(model.finish(source, output))
    return graph, lower_model(graph)


@pytest.fixture
def narrow(tiny: Any) -> Network:
    """A chain with many channels in the middle."""
    model = tiny()
    source = model.tensor((1, 24, 8, 2), scale=1.0)
    tensor = source
    for filters, kernel, stride in ((12, 3, 1), (12, 1, 1), (4, 3, 2), (6, 1, 1)):
        tensor = convolution(model, tensor, filters, kernel, stride)
    return network(model, source, tensor)


@pytest.fixture
def branches(tiny: Any) -> Network:
    """A sum of two branches. The operators are listed in an order that keeps a large tensor while the other runs."""
    model = tiny()
    source = model.tensor((1, 8, 6, 4), scale=1.0)
    wide = convolution(model, source, 16, 1)
    other = convolution(model, source, 8, 3)
    ends = [convolution(model, tensor, 2, 1, 2) for tensor in (wide, other)]
    output = model.operator("ADD", ends, model.tensor((1, 4, 3, 2), scale=2.0), "AddOptions")
    return network(model, source, int(output))


def subsets(items: Sequence[int]) -> Iterator[tuple[int, ...]]:
    return chain.from_iterable(combinations(items, n) for n in range(len(items) + 1))


def linked(network: Network, order: Sequence[Layer], links: Sequence[int]) -> tuple[Unit, ...]:
    """The units of layers in this order, where each reader of a link runs with the layer before it."""
    readers = streamable(*network)
    chains = {layer.position: [layer] for layer in order}
    for position in sorted(links, reverse=True):
        chains[position] += chains.pop(readers[position].position)
    return tuple(Unit(tuple(chains[layer.position])) for layer in order if layer.position in chains)


def runs(network: Network, order: Sequence[Layer]) -> bool:
    graph, layers = network
    written = {graph.root(layer.output): layer for layer in layers}
    return all(
        written[graph.root(t)] in order[:i] for i, x in enumerate(order) for t in x.inputs if graph.root(t) in written
    )


def test_no_choice_of_links_in_a_chain_needs_less(narrow: Network) -> None:
    graph, layers = narrow
    plans = [plan_memory(graph, linked(narrow, layers, links)) for links in subsets(sorted(streamable(*narrow)))]
    units, plan = schedule(graph, layers, ram_optimized=True)
    assert plan.lower_bound == min(each.lower_bound for each in plans) < plans[0].lower_bound
    assert plan.arena_bytes == plan.lower_bound
    assert [layer.position for unit in units for layer in unit.layers] == [0, 1, 2, 3]


def test_no_order_of_branches_needs_less(branches: Network) -> None:
    graph, layers = branches
    orders = [order for order in permutations(layers) if runs(branches, order)]
    bounds = [plan_memory(graph, linked(branches, order, ())).lower_bound for order in orders]
    units, plan = schedule(graph, layers, ram_optimized=False)
    assert len(orders) > 2 and plan.lower_bound == min(bounds) < bounds[0]
    assert plan.arena_bytes == plan.lower_bound and runs(branches, [layer for unit in units for layer in unit.layers])


def test_of_equal_schedules_the_one_with_the_fewest_links_in_the_order_of_the_operators_is_taken(tiny: Any) -> None:
    model = tiny()
    source = model.tensor((1, 8, 8, 8), scale=1.0)
    small = convolution(model, source, 1, 1, 4)
    graph, layers = network(model, source, convolution(model, convolution(model, small, 1, 1), 1, 1))
    units, _ = schedule(graph, layers, ram_optimized=True)
    assert [[layer.position for layer in unit.layers] for unit in units] == [[0], [1], [2]]


def test_a_graph_with_very_many_orders_keeps_that_of_its_operators(
    branches: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_SETS", 3)
    units, plan = schedule(*branches, ram_optimized=False)
    assert [unit.layers[0].position for unit in units] == [0, 1, 2, 3, 4]
    assert plan.lower_bound == plan_memory(branches[0], units).lower_bound
