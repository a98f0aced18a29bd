"""Loops of a graph (WHILE), as converters write a recurrent layer: their steps are written one after the other.

The body of a loop replaces a row of a sequence by `sequence[:i] + [row] + sequence[i + 1:]`. The tensors that a
CONCATENATION joins are recorded, so that such slices are rows again, and a sequence is joined once, after the loop.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.eon.blockers import UNROLL
from ei_toolkit.eon.graph import Axis, Graph, Loop, NoOptions, Operator, Tensor, Unreadable
from ei_toolkit.eon.passes.constant_folding import fold_constants
from ei_toolkit.errors import UnsupportedModelError

Array = NDArray[Any]
MOST_OPERATORS = 6_000  # of all steps of all loops
MOST_RUNS = 10_000  # of conditions and bodies
MOST_NUMBERS = 64  # of a constant that an operator of a step computes
INTEGERS = frozenset({"bool", "int32", "int64"})
UNKNOWN = "the number of its steps is not known: its condition is not computed from constants"
TOO_LONG = f"its steps have more than {MOST_OPERATORS:,} operators"
INSIDE_ITSELF = "its subgraph has a loop of the same subgraph"
REMEDY = UNROLL.format("GRU") + " A sequence of fewer steps may help as well."
RESHAPES = frozenset({"RESHAPE", "EXPAND_DIMS", "SQUEEZE"})
ARITHMETIC: dict[str, Callable[..., Any]] = {
    "ADD": np.add,
    "SUB": np.subtract,
    "MUL": np.multiply,
    "MAXIMUM": np.maximum,
    "MINIMUM": np.minimum,
    "LESS": np.less,
    "LESS_EQUAL": np.less_equal,
    "GREATER": np.greater,
    "GREATER_EQUAL": np.greater_equal,
    "EQUAL": np.equal,
    "NOT_EQUAL": np.not_equal,
    "LOGICAL_AND": np.logical_and,
    "LOGICAL_OR": np.logical_or,
    "LOGICAL_NOT": np.logical_not,
}
"""Functions of constants with which a loop counts its steps."""


class NotUnrolledError(Exception):
    """The reason why the steps of a loop cannot be written."""


def unroll_loops(graph: Graph, subgraph: Callable[[int], Graph]) -> Graph:
    """Return the graph with the steps of its loops in place of each WHILE. `subgraph` returns another one of the file.

    The operators of the steps have the number of their WHILE. A loop that cannot be written as steps stays, with the
    reason in place of its options. Raises UnsupportedModelError if two outputs of the model are one value of a loop.
    """
    if not any(isinstance(op.options, Loop) for op in graph.operators):
        return graph
    graph = fold_constants(graph)
    steps = _Steps(subgraph, list(graph.tensors))
    names = {t: t for t in range(len(graph.tensors))}
    for op in graph.operators:
        if not isinstance(op.options, Loop):
            steps.operators.append(replace(op, inputs=tuple(names.get(t, t) for t in op.inputs)))
        elif op.result == 0:
            before = len(steps.operators)
            results = _results(graph, op)
            try:
                names.update(zip(results, steps.unroll(op, op.options, names, len(results)), strict=True))
            except NotUnrolledError as error:
                del steps.operators[before:], steps.active[:]
                reason = Unreadable(str(error), REMEDY)
                steps.operators += [replace(op, output=t, result=i, options=reason) for i, t in enumerate(results)]
    outputs = tuple(names[t] for t in graph.outputs)
    if len(set(outputs)) != len(outputs):
        raise UnsupportedModelError("the model names one tensor as two outputs")
    return replace(graph, tensors=tuple(steps.tensors), operators=tuple(steps.operators), outputs=outputs)


def _results(graph: Graph, op: Operator) -> list[int]:
    """Return all outputs of the operator of the file."""
    return [o.output for o in graph.operators if o.index == op.index]


@dataclass
class _Steps:
    """The tensors and operators that are made from a graph and the bodies of its loops."""

    subgraph: Callable[[int], Graph]
    tensors: list[Tensor]
    operators: list[Operator] = field(default_factory=list)
    parts: dict[int, tuple[int, list[int]]] = field(default_factory=dict)  # of joined tensors: axis, tensors
    empty: set[int] = field(default_factory=set)  # slices without elements
    constants: dict[tuple[int, int], int] = field(default_factory=dict)  # (subgraph, its tensor) -> tensor
    active: list[int] = field(default_factory=list)  # subgraphs that are being appended
    runs: int = 0

    def unroll(self, op: Operator, loop: Loop, names: dict[int, int], count: int) -> list[int]:
        """Append the steps of a loop; returns the tensors of its `count` last values."""
        values = [self._named(names, t) for t in op.inputs]
        if count != len(values):
            raise NotUnrolledError(f"it has {len(values)} inputs and {count} outputs")
        while True:
            condition = self._run(op.index, loop.condition, values)
            data = self.tensors[condition[0]].data
            if len(condition) != 1 or data is None or data.size != 1:
                raise NotUnrolledError(UNKNOWN)
            if not data.item():
                return values
            values = self._run(op.index, loop.body, values)

    def _run(self, index: int, number: int, values: Sequence[int]) -> list[int]:
        """Append the operators of a subgraph with these inputs; returns the tensors of its outputs."""
        self.runs += 1
        if self.runs > MOST_RUNS or len(self.operators) > MOST_OPERATORS:
            raise NotUnrolledError(TOO_LONG)
        if number in self.active:
            raise NotUnrolledError(INSIDE_ITSELF)
        graph = self.subgraph(number)
        if len(graph.inputs) != len(values) or not graph.outputs:
            raise NotUnrolledError(f"subgraph {number} has {len(graph.inputs)} inputs instead of {len(values)}")
        names = {t.index: self._constant(number, t) for t in graph.tensors if t.data is not None}
        for inner, value in zip(graph.inputs, values, strict=True):
            if graph.tensors[inner].quantization != self.tensors[value].quantization:
                raise NotUnrolledError(f"a step changes the quantisation of {graph.tensors[inner].name}")
            names[inner] = value
        self.active.append(number)
        for op in graph.operators:
            if not isinstance(op.options, Loop):
                self._append(replace(op, index=index), graph, names)
            elif op.result == 0:
                results = _results(graph, op)
                within = replace(op, index=index)
                names.update(zip(results, self.unroll(within, op.options, names, len(results)), strict=True))
        self.active.pop()
        return [self._named(names, t) for t in graph.outputs]

    def _named(self, names: dict[int, int], tensor: int) -> int:
        if tensor >= 0 and tensor not in names:
            raise NotUnrolledError("its subgraph reads a tensor before it is written")
        return names.get(tensor, -1)

    def _constant(self, number: int, tensor: Tensor) -> int:
        if (number, tensor.index) not in self.constants:
            self.constants[number, tensor.index] = self._new(tensor)
        return self.constants[number, tensor.index]

    def _new(self, tensor: Tensor, **changes: Any) -> int:
        self.tensors.append(replace(tensor, index=len(self.tensors), **changes))
        return len(self.tensors) - 1

    def _is_like(self, tensor: int, other: Tensor) -> bool:
        """Return whether both have the type and the quantisation of the other."""
        one = self.tensors[tensor]
        return (one.dtype, one.quantization) == (other.dtype, other.quantization)

    def _append(self, op: Operator, graph: Graph, names: dict[int, int]) -> None:
        """Append an operator of a subgraph, or compute it; `names` gets the tensor of its output."""
        op = replace(op, inputs=tuple(self._named(names, t) for t in op.inputs))
        if op.output < 0:
            self.operators.append(op)
            return
        if op.kind != "CONCATENATION" and self.empty.intersection(op.inputs):
            raise NotUnrolledError(f"{op.kind} reads a tensor without elements")
        tensor = graph.tensors[op.output]
        data = _computed(op, [self.tensors[t] for t in op.inputs if t >= 0], tensor)
        if data is not None:
            names[op.output] = self._new(tensor, data=data)
            return
        simpler = {"SLICE": self._slice, "CONCATENATION": self._join, "GATHER": self._row}.get(op.kind)
        made = simpler(op, tensor) if simpler is not None and not isinstance(op.options, Unreadable) else None
        if made is None:
            made = self._new(tensor)
            self.operators.append(replace(op, output=made))
        names[op.output] = made

    def _slice(self, op: Operator, tensor: Tensor) -> int | None:
        """Return the result of a SLICE that is constant, empty, the whole, or some of the joined parts; else None."""
        if len(op.inputs) != 3 or min(op.inputs) < 0 or not self._is_like(op.inputs[0], tensor):
            return None
        source = self.tensors[op.inputs[0]]
        begins, sizes = (_numbers(self.tensors[t]) for t in op.inputs[1:])
        if begins is None or sizes is None or not len(begins) == len(sizes) == len(source.shape):
            return None
        ends = [n if size < 0 else b + size for b, size, n in zip(begins, sizes, source.shape, strict=True)]
        ranges = list(zip(begins, ends, strict=True))
        if any(not 0 <= b <= e <= n for (b, e), n in zip(ranges, source.shape, strict=True)):
            return None
        shape = tuple(e - b for b, e in ranges)
        if math.prod(shape) == 0:
            self.empty.add(self._new(tensor, shape=shape))
            return len(self.tensors) - 1
        if source.data is not None:
            return self._new(tensor, shape=shape, data=source.data[tuple(slice(b, e) for b, e in ranges)])
        cut = [axis for axis, n in enumerate(source.shape) if shape[axis] != n]
        if not cut:
            return source.index
        between = self._between(source.index, cut[0], *ranges[cut[0]]) if len(cut) == 1 else None
        return None if between is None else self._joined(op, replace(tensor, shape=shape), cut[0], between)

    def _between(self, tensor: int, axis: int, begin: int, end: int) -> list[int] | None:
        """Return the parts of a joined tensor from `begin` to `end` along an axis; None if a part has to be divided."""
        joined_along, parts = self.parts.get(tensor, (-1, []))
        found: list[int] = []
        at = 0
        for part in map(self.tensors.__getitem__, parts if joined_along == axis else []):
            low, high = max(begin, at) - at, min(end, at + part.shape[axis]) - at
            at += part.shape[axis]
            if low >= high:
                continue
            if (low, high) == (0, part.shape[axis]):
                found.append(part.index)
            elif part.data is not None:
                data = np.take(part.data, range(low, high), axis=axis)
                found.append(self._new(part, shape=data.shape, data=data))
            else:
                return None
        return found or None

    def _join(self, op: Operator, tensor: Tensor) -> int | None:
        """Return the result of a CONCATENATION, whose inputs become the parts that they were joined from."""
        rank = len(tensor.shape)
        if not isinstance(op.options, Axis) or op.options.activation != "NONE" or min(op.inputs, default=-1) < 0:
            return None
        if not -rank <= op.options.axis < rank:
            return None
        axis = op.options.axis % rank
        parts: list[int] = []
        for t in op.inputs:
            if t not in self.empty:
                along, inner = self.parts.get(t, (-1, []))
                parts += inner if along == axis else [t]
        alike = all(self._is_like(t, tensor) and len(self.tensors[t].shape) == rank for t in parts)
        if not parts or not alike:
            return None
        return self._joined(op, tensor, axis, parts)

    def _joined(self, op: Operator, tensor: Tensor, axis: int, parts: list[int]) -> int:
        """Append a CONCATENATION of the parts, unless there is only one. If it is not read, it is removed later."""
        if len(parts) == 1:
            return parts[0]
        made = self._new(tensor)
        self.parts[made] = (axis, parts)
        self.operators.append(Operator(op.index, "CONCATENATION", tuple(parts), made, Axis(axis)))
        return made

    def _row(self, op: Operator, tensor: Tensor) -> int | None:
        """Return the result of a GATHER that takes one part of a joined tensor; else None."""
        if len(op.inputs) != 2 or min(op.inputs) < 0 or not self._is_like(op.inputs[0], tensor):
            return None
        index, rank = _numbers(self.tensors[op.inputs[1]]), len(self.tensors[op.inputs[0]].shape)
        if index is None or len(index) != 1 or not isinstance(op.options, Axis) or op.options.count:
            return None
        if not -rank <= op.options.axis < rank:
            return None
        between = self._between(op.inputs[0], op.options.axis % rank, index[0], index[0] + 1)
        if between is None or self.tensors[between[0]].elements != tensor.elements:
            return None
        made = self._new(tensor)
        self.operators.append(Operator(op.index, "RESHAPE", (between[0],), made, NoOptions()))
        return made


def _numbers(tensor: Tensor) -> list[int] | None:
    """Return the whole numbers of a constant."""
    few = tensor.data is not None and tensor.dtype in INTEGERS and tensor.data.size <= MOST_NUMBERS
    return [int(n) for n in tensor.data.ravel()] if few and tensor.data is not None else None


def _computed(op: Operator, inputs: Sequence[Tensor], output: Tensor) -> Array | None:
    """Return the value of an operator on constant whole numbers; None for other operators."""
    values = [t.data for t in inputs if t.data is not None and t.dtype in INTEGERS]
    if not values or len(values) != len(inputs) or output.dtype not in INTEGERS:
        return None
    if max(v.size for v in values) > MOST_NUMBERS:
        return None
    try:
        with np.errstate(over="ignore"):
            if op.kind in ARITHMETIC:
                return np.asarray(ARITHMETIC[op.kind](*values), dtype=output.dtype)
        if op.kind in RESHAPES:
            return values[0].reshape(output.shape)
        if op.kind in ("CONCATENATION", "PACK") and isinstance(op.options, Axis):
            join = np.concatenate if op.kind == "CONCATENATION" else np.stack
            return join(values, axis=op.options.axis).astype(output.dtype)
    except (ValueError, TypeError) as error:
        raise NotUnrolledError(f"{op.kind} cannot be computed: {error}") from error
    return None
