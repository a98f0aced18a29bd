"""The readers of a tensor."""

from __future__ import annotations

import pytest

from ei_toolkit.eon.graph import Graph, NoOptions, Operator, Tensor


def chain(operators: int, inputs: int) -> Graph:
    """Each operator reads the tensors before its output."""
    tensors = tuple(Tensor(i, f"t{i}", (1, 4), "int8") for i in range(operators + 1))
    made = (
        Operator(i, "CONCATENATION", tuple(range(max(0, i - inputs + 1), i + 1)), i + 1, NoOptions())
        for i in range(operators)
    )
    return Graph(tensors, tuple(made), inputs=(0,), outputs=(operators,))


def test_readers_are_found_under_every_shape_and_named_once() -> None:
    graph = chain(3, 1)
    double = Operator(3, "ADD", (2, 2), 3, NoOptions())
    absent = Operator(4, "FULLY_CONNECTED", (3, 1, -1), 3, NoOptions())
    graph = Graph(graph.tensors, (*graph.operators, double, absent), inputs=(0,), outputs=(3,), views={2: 1})
    expected = (graph.operators[1], graph.operators[2], double, absent)
    assert graph.consumers(1) == graph.consumers(2) == expected
    assert graph.consumers(3) == (absent,)
    assert graph.only_consumer(graph.operators[0]) is None


def test_readers_are_those_of_the_graph_at_hand() -> None:
    graph = chain(3, 1)
    assert graph.only_consumer(graph.operators[0]) is graph.operators[1]
    assert graph.with_operators(graph.operators[:1]).only_consumer(graph.operators[0]) is None


def test_all_readers_are_found_by_looking_at_each_input_once(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = chain(200, 64)
    looks = 0

    def root(self: Graph, tensor: int) -> int:
        nonlocal looks
        looks += 1
        return self.views.get(tensor, tensor)

    monkeypatch.setattr(Graph, "root", root)
    assert [len(graph.consumers(t)) for t in (0, 100, 199)] == [64, 64, 1]
    for tensor in range(200):
        graph.consumers(tensor)
    assert looks <= 200 * 64 + 203
