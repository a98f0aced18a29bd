"""ADD and MUL."""

from __future__ import annotations

import numpy as np

from ei_toolkit.eon.fixed_point import quantize_multiplier
from ei_toolkit.eon.graph import Activation, Graph, Operator, Shape, Tensor
from ei_toolkit.eon.layers.layer import Layer, float_range, inputs_of, operand, require, same_type
from ei_toolkit.eon.layers.quantized import activation_range

Traits = dict[str, int | float | str]
HEADROOM = 20  # bits by which ADD scales its inputs up before it brings them to one scale


def elementwise(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower an ADD or MUL, either input repeated along dimensions where it has one element."""
    a, b = inputs_of(graph, op, 2, 2)
    assert a is not None and b is not None and isinstance(op.options, Activation)
    output = graph.tensors[op.output]
    same_type(op, a, output)
    same_type(op, b, output)
    traits = _strides(op, a.shape, b.shape, output.shape)
    traits |= _int8_traits(op, op.options, a, b, output) if a.dtype == "int8" else float_range(op.options.activation)
    name_a, table_a = operand(a, position, "A", 0)
    name_b, table_b = operand(b, position, "B", 0 if table_a else 1)
    function = f"k::{op.kind.capitalize()}{'Int8' if a.dtype == 'int8' else 'Float'}<Layer{position}>"
    return Layer(
        position=position,
        title=op.title,
        name=output.name,
        inputs=tuple(t for t in op.inputs if graph.tensors[t].data is None),
        output=op.output,
        macs=0,
        headers=("elementwise.h",),
        traits=traits,
        constants=tuple(t for t in (table_a, table_b) if t is not None),
        call=f"k::elementwise<Layer{position}, {function}>({name_a}, {name_b}, {{out}});",
        in_place=True,
    )


def _strides(op: Operator, a: Shape, b: Shape, output: Shape) -> Traits:
    """Sizes of the output and strides of the inputs in four dimensions."""
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
    return traits | (_add(op, a, b, output) if op.kind == "ADD" else _mul(op, a, b, output))


def _add(op: Operator, a: Tensor, b: Tensor, output: Tensor) -> Traits:
    twice = 2 * max(a.quant.scale, b.quant.scale)
    of_a, of_b = quantize_multiplier(a.quant.scale / twice), quantize_multiplier(b.quant.scale / twice)
    back = quantize_multiplier(twice / ((1 << HEADROOM) * output.quant.scale))
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
