"""Comparisons of two tensors, and SELECT, which takes elements of one tensor or of another."""

from __future__ import annotations

from ei_toolkit.eon.fixed_point import quantize_multiplier
from ei_toolkit.eon.graph import Graph, Operator, Tensor
from ei_toolkit.eon.kernels.elementwise import strides
from ei_toolkit.eon.kernels.layer import USUAL, WITH_INT16, Layer, inputs_of, operand, require, same_scale, same_type

Traits = dict[str, int | float | str]
ORDERS = {  # the names of their kernels
    "LESS": "Less",
    "LESS_EQUAL": "LessEqual",
    "GREATER": "Greater",
    "GREATER_EQUAL": "GreaterEqual",
    "EQUAL": "Equal",
    "NOT_EQUAL": "NotEqual",
}
SELECTIONS = frozenset({"SELECT", "SELECT_V2"})


def compare(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a comparison; an input is repeated along dimensions in which it has one element."""
    a, b = inputs_of(graph, op, 2, 2)
    assert a is not None and b is not None
    output = graph.tensors[op.output]
    same_type(op, a, b, USUAL)
    require(output.dtype == "bool", op, f"its output is {output.dtype}")
    traits = strides(op, a.shape, b.shape, output.shape)
    if a.dtype == "int8":
        traits |= _scale(op, a, "A") | _scale(op, b, "B")
    name_a, table_a = operand(a, position, "A", 0)
    name_b, table_b = operand(b, position, "B", 0 if table_a else 1)
    kernel = "CompareInt8" if a.dtype == "int8" else "CompareFloat"
    function = f"k::{kernel}<Layer{position}, k::{ORDERS[op.kind]}>"
    return Layer(
        position=position,
        title=op.title,
        name=output.name,
        inputs=tuple(t for t in op.inputs if graph.tensors[t].data is None),
        output=op.output,
        macs=0,
        headers=("elementwise.h", "conditions.h"),
        traits=traits,
        constants=tuple(t for t in (table_a, table_b) if t is not None),
        call=f"k::elementwise<Layer{position}, {function}>({name_a}, {name_b}, {{out}});",
    )


def _scale(op: Operator, tensor: Tensor, name: str) -> Traits:
    scale = quantize_multiplier(tensor.quant.scale)
    require(scale.shift <= 0, op, f"the scale {tensor.quant.scale} of an input is not below 1")
    return {
        f"kZero{name}": tensor.quant.zero_point,
        f"kMultiplier{name}": scale.multiplier,
        f"kShift{name}": scale.shift,
    }


def select(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a SELECT of tensors of one shape, or of one element."""
    inputs = [t for t in inputs_of(graph, op, 3, 3) if t is not None]
    output = graph.tensors[op.output]
    require(inputs[0].dtype == "bool", op, f"its condition is {inputs[0].dtype}")
    for tensor in inputs[1:]:
        same_type(op, tensor, output, WITH_INT16)
        require(same_scale(tensor, output), op, "its inputs and output have different scales")
    traits: Traits = {"kElements": output.elements}
    names, tables, slot = [], [], 0
    for name, tensor in zip(("Condition", "First", "Second"), inputs, strict=True):
        fits = tensor.elements == 1 or tensor.shape == output.shape
        require(fits, op, f"{tensor.shape} does not fit {output.shape}")
        text, table = operand(tensor, position, name, slot)
        slot += table is None
        names.append(text)
        tables += [table] if table else []
        traits[f"k{name}Stride"] = int(tensor.elements > 1)
    return Layer(
        position=position,
        title=op.title,
        name=output.name,
        inputs=tuple(t for t in op.inputs if graph.tensors[t].data is None),
        output=op.output,
        macs=0,
        headers=("conditions.h",),
        traits=traits,
        constants=tuple(tables),
        call=f"k::select<Layer{position}>({', '.join(names)}, {{out}});",
    )
