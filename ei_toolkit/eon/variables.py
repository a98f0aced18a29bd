"""Variables of a model: memory that keeps its value between inferences, as streaming networks use it.

In a .tflite, VAR_HANDLE names a variable, READ_VARIABLE copies it to a tensor and ASSIGN_VARIABLE copies a tensor to
it; CALL_ONCE runs a second subgraph, which assigns the initial values. In the typed graph a variable is a tensor of
`Graph.states`: READ_VARIABLE reads it, ASSIGN_VARIABLE has it as its output, and handles and CALL_ONCE are gone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from ei_toolkit.eon.graph import Graph, Operator, Subgraph, Tensor, Unreadable, Variable

Contents = tuple[tuple[Operator, ...], tuple[Tensor, ...]]
NO_INITIAL_VALUE = (
    "the variable {} is read before it has a value: no constant is assigned to it in the subgraph of CALL_ONCE"
)
INITIALISE = "Give the variable a constant initial value, for example tf.Variable(tf.zeros(shape))."
HANDLE = "Use each variable only with its own VAR_HANDLE, READ_VARIABLE and ASSIGN_VARIABLE."


def bind_variables(graph: Graph, subgraph: Callable[[int], Contents]) -> Graph:
    """Return the graph with its variables as state tensors. `subgraph` returns operators and tensors of another one.

    An access that cannot be resolved stays an operator with Unreadable options and without its handle.
    """
    names = _handles(graph.operators)
    initial: dict[str, NDArray[Any]] = {}
    for op in graph.operators:
        if op.kind == "CALL_ONCE" and isinstance(op.options, Subgraph):
            initial |= _assigned(*subgraph(op.options.index))
    made: dict[str, Tensor] = {}
    operators: list[Operator] = []
    for op in graph.operators:
        if op.kind in ("VAR_HANDLE", "CALL_ONCE") and not isinstance(op.options, Unreadable):
            continue
        if op.kind not in ("READ_VARIABLE", "ASSIGN_VARIABLE"):
            operators.append(op)
            continue
        operators.append(_bound(graph, op, names, initial, made))
    tensors = (*graph.tensors, *made.values())
    states = {**graph.states, **{tensor.index: initial[name] for name, tensor in made.items()}}
    return replace(graph, tensors=tensors, operators=tuple(operators), states=states)


def _handles(operators: tuple[Operator, ...]) -> dict[int, str]:
    """Return the name of the variable of each handle tensor."""
    return {
        op.output: op.options.name
        for op in operators
        if op.kind == "VAR_HANDLE" and isinstance(op.options, Variable) and op.output >= 0
    }


def _assigned(operators: tuple[Operator, ...], tensors: tuple[Tensor, ...]) -> dict[str, NDArray[Any]]:
    """Return the constants that a subgraph assigns to variables."""
    names = _handles(operators)
    values: dict[str, NDArray[Any]] = {}
    for op in operators:
        if op.kind == "ASSIGN_VARIABLE" and len(op.inputs) == 2 and op.inputs[0] in names and op.inputs[1] >= 0:
            data = tensors[op.inputs[1]].data
            if data is not None:
                values[names[op.inputs[0]]] = data
    return values


def _bound(
    graph: Graph, op: Operator, names: dict[int, str], initial: dict[str, NDArray[Any]], made: dict[str, Tensor]
) -> Operator:
    """Return an access with the state tensor of its variable; makes that tensor at the first access."""
    problem = _problem(graph, op, names, initial)
    if problem is not None:
        return replace(op, inputs=op.inputs[1:], options=problem)
    name = names[op.inputs[0]]
    value = op.output if op.kind == "READ_VARIABLE" else op.inputs[1]
    index = len(graph.tensors) + len(made)
    state = made.setdefault(name, replace(graph.tensors[value], index=index, name=f"variable {name}", data=None))
    if value == op.output:
        return replace(op, inputs=(state.index,))
    return replace(op, inputs=(value,), output=state.index)


def _problem(graph: Graph, op: Operator, names: dict[int, str], initial: dict[str, NDArray[Any]]) -> Unreadable | None:
    """Return why an access cannot be resolved; None if it can."""
    reads = op.kind == "READ_VARIABLE"
    if len(op.inputs) != (1 if reads else 2) or op.inputs[0] not in names or (op.output < 0) == reads:
        return Unreadable("its handle is not a VAR_HANDLE of the same subgraph", HANDLE)
    name = names[op.inputs[0]]
    if name not in initial:
        return Unreadable(NO_INITIAL_VALUE.format(repr(name)), INITIALISE)
    value = op.output if reads else op.inputs[1]
    if value < 0:
        return Unreadable("it assigns nothing", HANDLE)
    tensor = graph.tensors[value]
    if (tensor.shape, tensor.dtype) != (initial[name].shape, initial[name].dtype.name):
        shapes = f"the variable {name!r} is {initial[name].shape}, the tensor {tensor.name} {tensor.shape}"
        return Unreadable(shapes, "Assign and read each variable with one shape and type.")
    return None
