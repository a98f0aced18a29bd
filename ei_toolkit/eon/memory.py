"""From units to one arena: lifetimes of tensors and scratch buffers, and which of them may overlap."""

from __future__ import annotations

from collections.abc import Sequence

from ei_toolkit.eon.graph import Graph
from ei_toolkit.eon.plan import Buffer, Plan, plan_arena
from ei_toolkit.eon.units import Unit


def slot(tensor: int) -> str:
    """Name of a tensor's place in the arena."""
    return f"tensor{tensor}"


def plan_memory(graph: Graph, units: Sequence[Unit]) -> Plan:
    """Place every tensor that is not constant, and every scratch buffer.

    The input lives from before the first unit, the output until after the last: the caller writes one and reads the
    other.
    """
    buffers = [*_tensors(graph, units), *_scratch(units)]
    return plan_arena(buffers, _leads(graph, units))


def reads(graph: Graph, unit: Unit) -> tuple[int, ...]:
    """Roots of the tensors in the arena that a unit reads."""
    return tuple(dict.fromkeys(graph.root(t) for t in unit.inputs if graph.tensors[graph.root(t)].data is None))


def _tensors(graph: Graph, units: Sequence[Unit]) -> list[Buffer]:
    first = {graph.root(graph.input): -1}
    last = {graph.root(graph.input): -1}
    for step, unit in enumerate(units):
        first.setdefault(graph.root(unit.output), step)
        last[graph.root(unit.output)] = step
        for tensor in reads(graph, unit):
            last[tensor] = step
    last[graph.root(graph.output)] = len(units)
    return [Buffer(slot(t), graph.tensors[t].bytes, first[t], last[t]) for t in first]


def _scratch(units: Sequence[Unit]) -> list[Buffer]:
    return [Buffer(s.name, s.bytes, step, step) for step, unit in enumerate(units) for s in unit.scratch]


def _leads(graph: Graph, units: Sequence[Unit]) -> dict[tuple[str, str], int]:
    """Where an output may overlap an input that is read for the last time."""
    last_read = {t: step for step, unit in enumerate(units) for t in reads(graph, unit)}
    leads: dict[tuple[str, str], int] = {}
    for step, unit in enumerate(units):
        output = graph.root(unit.output)
        for tensor in reads(graph, unit):
            lead = unit.lead(graph.tensors[tensor].bytes, graph.tensors[output].bytes)
            if lead is not None and last_read[tensor] == step and tensor != graph.root(graph.output):
                leads[slot(output), slot(tensor)] = lead
    return leads
