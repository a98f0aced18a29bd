"""Operators on two tensors (ADD, SUB, MUL, ...), CONCATENATION, PAD, and copies of variables and constants."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ei_toolkit.eon.fixed_point import quantize_multiplier
from ei_toolkit.eon.graph import Activation, Axis, Graph, Operator, Shape, Tensor
from ei_toolkit.eon.kernels.layer import (
    CTYPES,
    MOVED,
    USUAL,
    WITH_INT16,
    Constant,
    Layer,
    constant,
    fail,
    float_range,
    inputs_of,
    operand,
    require,
    same_scale,
    same_type,
    single,
)
from ei_toolkit.eon.kernels.quantized import activation_range

Traits = dict[str, int | float | str]
HEADROOM, INT16_HEADROOM = 20, 15  # bits by which ADD scales its inputs up before it rescales them
SQUARE_HEADROOM = 7  # the same for SQUARED_DIFFERENCE


def elementwise(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower an operator on two tensors; an input is repeated along dimensions in which it has one element."""
    a, b = inputs_of(graph, op, 2, 2)
    assert a is not None and b is not None and isinstance(op.options, Activation)
    output = graph.tensors[op.output]
    types = WITH_INT16 if op.kind in INT16_TRAITS else USUAL
    same_type(op, a, output, types)
    same_type(op, b, output, types)
    int8, of_float = FUNCTIONS[op.kind]
    require(a.dtype != "int8" or bool(int8), op, "it is int8, and its kernel is for float32")
    traits = strides(op, a.shape, b.shape, output.shape)
    make = {"int8": _int8_traits, "int16": _int16_traits}.get(a.dtype)
    traits |= make(op, op.options, a, b, output) if make is not None else float_range(op.options.activation)
    name_a, table_a = operand(a, position, "A", 0)
    name_b, table_b = operand(b, position, "B", 0 if table_a else 1)
    name = {"int8": int8, "int16": int8.replace("Int8", "Int16")}.get(a.dtype, of_float)
    function = f"k::{name}<Layer{position}>"
    return Layer(
        position=position,
        title=op.title,
        name=output.name,
        inputs=tuple(t for t in op.inputs if graph.tensors[t].data is None),
        output=op.output,
        macs=0,
        headers=("elementwise.h", "int16.h") if a.dtype == "int16" else ("elementwise.h",),
        traits=traits,
        constants=tuple(t for t in (table_a, table_b) if t is not None),
        call=f"k::elementwise<Layer{position}, {function}>({name_a}, {name_b}, {{out}});",
        in_place=True,
    )


def strides(op: Operator, a: Shape, b: Shape, output: Shape) -> Traits:
    """Return the sizes of the output and the strides of the inputs in four dimensions; others have one element."""
    a, b, output = (shape[-4:] if set(shape[:-4]) <= {1} else shape for shape in (a, b, output))
    require(len(output) <= 4 and max(len(a), len(b)) <= len(output), op, f"it has more than four dimensions: {output}")
    sizes = (1,) * (4 - len(output)) + output
    traits: Traits = {f"kSize{i}": size for i, size in enumerate(sizes)}
    broadcast = []
    for name, shape in (("A", a), ("B", b)):
        full = (1,) * (4 - len(shape)) + shape
        broadcast.append(full)
        require(all(n in (1, size) for n, size in zip(full, sizes, strict=True)), op, f"{shape} does not fit {output}")
        stride = 1
        for i in (3, 2, 1, 0):
            traits[f"kStride{name}{i}"] = stride if full[i] > 1 else 0
            stride *= full[i]
    require(all(max(p) == n for *p, n in zip(*broadcast, sizes, strict=True)), op, f"{a} and {b} do not make {output}")
    return traits


def _int8_traits(op: Operator, options: Activation, a: Tensor, b: Tensor, output: Tensor) -> Traits:
    low, high = activation_range(op, options.activation, output)
    traits: Traits = {
        "kZeroA": a.quant.zero_point,
        "kZeroB": b.quant.zero_point,
        "kOutputZeroPoint": output.quant.zero_point,
        "kMin": low,
        "kMax": high,
    }
    return traits | INT8_TRAITS.get(op.kind, _same)(op, a, b, output)


def _int16_traits(op: Operator, options: Activation, a: Tensor, b: Tensor, output: Tensor) -> Traits:
    symmetric = not (a.quant.zero_point or b.quant.zero_point or output.quant.zero_point)
    require(symmetric, op, "its int16 data have a zero point")
    low, high = activation_range(op, options.activation, output)
    return {"kMin": low, "kMax": high} | INT16_TRAITS[op.kind](op, a, b, output)


def _add_int16(op: Operator, a: Tensor, b: Tensor, output: Tensor) -> Traits:
    powers = all(math.frexp(t.quant.scale)[0] == 0.5 for t in (a, b, output))
    require(not powers, op, "its scales are powers of two, for which the reference has another kernel")
    return _sum(op, a, b, output, INT16_HEADROOM)


def _mul_int16(op: Operator, a: Tensor, b: Tensor, output: Tensor) -> Traits:
    traits = _mul(op, a, b, output)
    require(int(traits["kOutShift"]) <= 0, op, "its output scale is too small")
    return {name: traits[name] for name in ("kOutMultiplier", "kOutShift")}


def _same(op: Operator, a: Tensor, b: Tensor, output: Tensor) -> Traits:
    """Check the scales of MAXIMUM and MINIMUM, which compare the int8 values."""
    pairs = {(t.quant.scale, t.quant.zero_point) for t in (a, b, output)}
    require(len(pairs) == 1, op, "its inputs and output have different scales")
    return {}


def _add(op: Operator, a: Tensor, b: Tensor, output: Tensor) -> Traits:
    return _sum(op, a, b, output, HEADROOM)


def _squared_difference(op: Operator, a: Tensor, b: Tensor, output: Tensor) -> Traits:
    return _sum(op, a, b, output, SQUARE_HEADROOM, power=2)


def _sum(op: Operator, a: Tensor, b: Tensor, output: Tensor, headroom: int, *, power: int = 1) -> Traits:
    """Return the scales of the inputs to a common one, and of their sum, or of a power of it, to the output."""
    twice = 2 * max(a.quant.scale, b.quant.scale)
    of_a, of_b = quantize_multiplier(a.quant.scale / twice), quantize_multiplier(b.quant.scale / twice)
    back = quantize_multiplier(twice**power / ((1 << headroom * power) * output.quant.scale))
    require(back.shift <= 0, op, "its output scale is too small")
    return {
        "kMultiplierA": of_a.multiplier,
        "kShiftA": of_a.shift,
        "kMultiplierB": of_b.multiplier,
        "kShiftB": of_b.shift,
        "kOutMultiplier": back.multiplier,
        "kOutShift": back.shift,
    }


def _mul(op: Operator, a: Tensor, b: Tensor, output: Tensor) -> Traits:
    scales = (np.float32(t.quant.scale) for t in (a, b, output))
    of_a, of_b, of_output = scales
    scale = quantize_multiplier(float(of_a * of_b / of_output))  # in float32, as TensorFlow Lite does
    require(scale.shift <= 14, op, "its output scale is too small")
    fast = "true" if -30 <= scale.shift <= -1 else "false"
    return {"kOutMultiplier": scale.multiplier, "kOutShift": scale.shift, "kFast": fast}


def prelu(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a PRELU with constant slopes."""
    source, alpha = inputs_of(graph, op, 2, 2)
    assert source is not None
    constant(op, alpha, "slopes")
    return elementwise(graph, replace(op, options=Activation()), position)


def _prelu(op: Operator, a: Tensor, b: Tensor, output: Tensor) -> Traits:
    of_a, of_b, of_output = (np.float32(t.quant.scale) for t in (a, b, output))
    identity = quantize_multiplier(float(of_a / of_output))
    sloped = quantize_multiplier(float(of_a * of_b / of_output))
    require(max(identity.shift, sloped.shift) <= 14, op, "its output scale is too small")
    return {
        "kMultiplierA": identity.multiplier,
        "kShiftA": identity.shift,
        "kOutMultiplier": sloped.multiplier,
        "kOutShift": sloped.shift,
    }


FUNCTIONS = {  # the kernels for int8 and float32
    "ADD": ("AddInt8", "AddFloat"),
    "SUB": ("SubInt8", "SubFloat"),
    "MUL": ("MulInt8", "MulFloat"),
    "DIV": ("", "DivFloat"),
    "MAXIMUM": ("MaximumInt8", "MaximumFloat"),
    "MINIMUM": ("MinimumInt8", "MinimumFloat"),
    "SQUARED_DIFFERENCE": ("SquaredDifferenceInt8", "SquaredDifferenceFloat"),
    "PRELU": ("PreluInt8", "PreluFloat"),
}
INT8_TRAITS: dict[str, Callable[[Operator, Tensor, Tensor, Tensor], Traits]] = {
    "ADD": _add,
    "SUB": _add,
    "MUL": _mul,
    "SQUARED_DIFFERENCE": _squared_difference,
    "PRELU": _prelu,
}


INT16_TRAITS: dict[str, Callable[[Operator, Tensor, Tensor, Tensor], Traits]] = {
    "ADD": _add_int16,
    "SUB": _add_int16,
    "MUL": _mul_int16,
}


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


def pack(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a PACK: the CONCATENATION of its inputs, each with a further dimension of one element."""
    assert isinstance(op.options, Axis)
    output = graph.tensors[op.output]
    require(-len(output.shape) <= op.options.axis < len(output.shape), op, f"its axis is {op.options.axis}")
    axis = op.options.axis % len(output.shape)
    for part in (graph.tensors[t] for t in set(op.inputs) if t >= 0):
        if part.dtype in ("int32", "int64"):
            raise fail(op, "it computes a shape at run time", "Convert the model with a fixed batch of one.")
        shape = () if part.elements == 1 and len(output.shape) == 1 else part.shape
        graph = graph.with_tensor(replace(part, shape=(*shape[:axis], 1, *shape[axis:])))
    return concatenation(graph, op, position)


def _check_parts(op: Operator, parts: list[Tensor], output: Tensor, axis: int) -> None:
    for part in parts:
        same_type(op, part, output, MOVED)
        require(same_scale(part, output), op, "its inputs and output have different scales")
        beside = len(part.shape) == len(output.shape) and all(
            n == m for i, (n, m) in enumerate(zip(part.shape, output.shape, strict=True)) if i != axis
        )
        require(beside, op, f"{part.shape} does not fit in {output.shape}")
    require(sum(p.shape[axis] for p in parts) == output.shape[axis], op, f"its parts do not make {output.shape}")


def pad(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a PAD with zeros of up to four dimensions."""
    source, amounts = inputs_of(graph, op, 2, 2)
    assert source is not None
    output = graph.tensors[op.output]
    same_type(op, source, output, WITH_INT16)
    require(same_scale(source, output), op, "it changes the quantisation")
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
    zero = "0.0f" if output.dtype == "float32" else f"{CTYPES[output.dtype]}({output.quant.zero_point})"
    return _layer(
        op, output, position, (op.inputs[0],), f"k::pad<Layer{position}>({{in0}}, {{out}}, {zero});", traits, ()
    )


def copy(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a READ_VARIABLE or ASSIGN_VARIABLE that no pass could remove."""
    source, output = single(graph, op)
    count = source.elements
    call = f"k::copy_blocks<1, {count}, {count}>({{in0}}, {{out}});"
    return _layer(op, output, position, (op.inputs[0],), call, {}, ())


def load(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a LOAD: a constant that a layer reads as its data is copied to the arena."""
    (source,) = inputs_of(graph, op, 1, 1)
    assert source is not None
    output = graph.tensors[op.output]
    require(source.dtype in MOVED, op, f"its data are {source.dtype}")
    name, table = operand(constant(op, source, "values"), position, "Values", 0)
    assert table is not None
    call = f"k::copy_blocks<1, {source.elements}, {source.elements}>({name}, {{out}});"
    return _layer(op, output, position, (), call, {}, (table,))


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
