"""CONCATENATION and PAD."""

from __future__ import annotations

import math

from ei_toolkit.eon.graph import Axis, Graph, Operator, Tensor
from ei_toolkit.eon.layers.layer import Constant, Layer, constant, inputs_of, operand, require, same_type


def concatenation(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a CONCATENATION of tensors with one scale."""
    assert isinstance(op.options, Axis)
    parts = [t for t in inputs_of(graph, op, len(op.inputs), len(op.inputs)) if t is not None]
    output = graph.tensors[op.output]
    require(op.options.activation == "NONE", op, f"it has the activation function {op.options.activation}")
    require(-len(output.shape) <= op.options.axis < len(output.shape), op, f"its axis is {op.options.axis}")
    axis = op.options.axis % len(output.shape)
    _check_parts(op, parts, output, axis)
    count, stride = math.prod(output.shape[:axis]), math.prod(output.shape[axis:])
    calls, tables, offset, slot = [], [], 0, 0
    for i, part in enumerate(parts):
        name, table = operand(part, position, f"Part{i}_", slot)
        tables += [table] if table else []
        slot += table is None
        elements = math.prod(part.shape[axis:])
        calls.append(f"k::copy_blocks<{count}, {elements}, {stride}>({name}, {{out}} + {offset});")
        offset += elements
    inputs = tuple(t for t in op.inputs if graph.tensors[t].data is None)
    return _layer(op, output, position, inputs, " ".join(calls), {}, tuple(tables))


def _check_parts(op: Operator, parts: list[Tensor], output: Tensor, axis: int) -> None:
    for part in parts:
        same_type(op, part, output)
        same = part.dtype == "float32" or (part.quant.scale, part.quant.zero_point) == (
            output.quant.scale,
            output.quant.zero_point,
        )
        require(same, op, "its inputs and output have different scales")
        beside = len(part.shape) == len(output.shape) and all(
            n == m for i, (n, m) in enumerate(zip(part.shape, output.shape, strict=True)) if i != axis
        )
        require(beside, op, f"{part.shape} is no part of {output.shape}")
    require(sum(p.shape[axis] for p in parts) == output.shape[axis], op, f"its parts do not make {output.shape}")


def pad(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a PAD with zeros of up to four dimensions."""
    source, amounts = inputs_of(graph, op, 2, 2)
    assert source is not None
    output = graph.tensors[op.output]
    same_type(op, source, output)
    same = source.dtype == "float32" or source.quantization == output.quantization
    require(same, op, "it changes the quantisation")
    rank = len(source.shape)
    data = constant(op, amounts, "paddings").data
    assert data is not None
    require(rank <= 4 and data.shape == (rank, 2), op, f"it pads {source.shape} by {data.shape}")
    around = [(0, 0)] * (4 - rank) + [(int(a), int(b)) for a, b in data]
    require(all(0 <= n <= 4096 for pair in around for n in pair), op, f"it pads by {around}")
    sizes = (1,) * (4 - rank) + source.shape
    padded = tuple(n + a + b for n, (a, b) in zip(sizes, around, strict=True))
    require(padded == (1,) * (4 - rank) + output.shape, op, f"its output is {output.shape}")
    traits: dict[str, int | float | str] = {f"kSize{i}": n for i, n in enumerate(sizes)}
    traits |= {f"kBefore{i}": a for i, (a, _) in enumerate(around)}
    traits |= {f"kAfter{i}": b for i, (_, b) in enumerate(around)}
    zero = f"int8_t({output.quant.zero_point})" if output.dtype == "int8" else "0.0f"
    return _layer(
        op, output, position, (op.inputs[0],), f"k::pad<Layer{position}>({{in0}}, {{out}}, {zero});", traits, ()
    )


def _layer(
    op: Operator,
    output: Tensor,
    position: int,
    inputs: tuple[int, ...],
    call: str,
    traits: dict[str, int | float | str],
    constants: tuple[Constant, ...],
) -> Layer:
    return Layer(
        position=position,
        title=op.title,
        name=output.name,
        inputs=inputs,
        output=op.output,
        macs=0,
        headers=("blocks.h",),
        traits=traits,
        constants=constants,
        call=call,
    )
