"""Read variables where they are, and write new values directly to them, where the order of the accesses allows it."""

from __future__ import annotations

from dataclasses import replace

from ei_toolkit.eon.graph import Graph, Operator


def read_in_place(graph: Graph) -> Graph:
    """Make the result of a READ_VARIABLE a view of the variable, unless it is used after the next assignment."""
    for op in graph.operators:
        if op.kind != "READ_VARIABLE" or op.inputs[:1] == () or op.inputs[0] not in graph.states:
            continue
        state = op.inputs[0]
        places = {id(o): place for place, o in enumerate(graph.operators)}
        last = max((places[id(o)] for o in graph.consumers(op.output)), default=-1)
        if op.output in graph.output_roots or last > _next_assignment(graph, state, places[id(op)]):
            continue
        views = {tensor: state if root == op.output else root for tensor, root in graph.views.items()}
        graph = replace(graph, views={**views, op.output: state})
        graph = graph.with_operators(o for o in graph.operators if o is not op)
    return graph


def _next_assignment(graph: Graph, state: int, after: int) -> int:
    """Return the position of the first operator behind `after` that writes a state; beyond the last one if none."""
    written = (place for place, o in enumerate(graph.operators) if place > after and o.output == state)
    return next(written, len(graph.operators))


def write_in_place(graph: Graph) -> Graph:
    """Let the operator that computes the new value of a variable write it there, if nothing reads the old value later.

    The ASSIGN_VARIABLE disappears. Further readers of the new value read the variable, if they run before the next
    assignment.
    """
    for op in graph.operators:
        if op.kind == "ASSIGN_VARIABLE" and op.output in graph.states:
            graph = _merged(graph, op)
    return graph


def _merged(graph: Graph, assign: Operator) -> Graph:
    state, value = assign.output, assign.inputs[0]
    operators = graph.operators
    place = operators.index(assign)
    producer = next((at for at, o in enumerate(operators[:place]) if o.output == value), None)
    if producer is None or graph.root(value) != value or value in graph.output_roots or value in graph.states:
        return graph
    if graph.tensors[value].quantization != graph.tensors[state].quantization:
        return graph
    between = operators[producer : place + 1]  # the producer itself may not write over what it reads
    if any(graph.root(t) == state for o in between for t in o.inputs if t >= 0):
        return graph
    following = _next_assignment(graph, state, place)
    if any(operators.index(o) > following for o in graph.consumers(value)):
        return graph
    views = {tensor: state if root == value else root for tensor, root in graph.views.items()}
    graph = replace(graph, views={**views, value: state})
    written = replace(operators[producer], output=state)
    return graph.with_operators(written if o is operators[producer] else o for o in operators if o is not assign)
