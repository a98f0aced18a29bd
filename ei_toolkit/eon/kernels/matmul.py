"""BATCH_MATMUL: products of pairs of matrices, as attention has them."""

from __future__ import annotations

import math

import numpy as np

from ei_toolkit.eon.fixed_point import quantize_multiplier
from ei_toolkit.eon.graph import Adjoint, Graph, Operator, Shape, Tensor
from ei_toolkit.eon.kernels.layer import Layer, inputs_of, operand, require, same_type
from ei_toolkit.eon.kernels.quantized import output_traits

Traits = dict[str, int | float | str]
BATCHES = 3  # dimensions in front of the matrices


def batch_matmul(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a BATCH_MATMUL; either input may be repeated along its batch dimensions."""
    a, b = inputs_of(graph, op, 2, 2)
    assert a is not None and b is not None and isinstance(op.options, Adjoint)
    output = graph.tensors[op.output]
    same_type(op, a, output)
    same_type(op, b, output)
    ranks = [len(t.shape) for t in (a, b, output)]
    require(min(ranks) >= 2 and max(ranks) <= BATCHES + 2, op, f"it multiplies {a.shape} by {b.shape}")
    rows, depth = a.shape[-2:] if not op.options.x else a.shape[:-3:-1]
    depth_b, cols = b.shape[-2:] if not op.options.y else b.shape[:-3:-1]
    batches, steps_a, steps_b = _batches(op, a.shape, b.shape)
    fits = depth == depth_b and output.elements == math.prod(batches) * rows * cols and output.shape[-1] == cols
    require(fits, op, f"{a.shape} times {b.shape} does not give {output.shape}")
    traits: Traits = {
        "kRows": rows,
        "kCols": cols,
        "kDepth": depth,
        "kRowA": 1 if op.options.x else depth,
        "kDepthA": rows if op.options.x else 1,
        "kColB": depth if op.options.y else 1,
        "kDepthB": 1 if op.options.y else cols,
    }
    for i, (count, of_a, of_b) in enumerate(zip(batches, steps_a, steps_b, strict=True)):
        traits |= {f"kBatch{i}": count, f"kBatchA{i}": of_a, f"kBatchB{i}": of_b}
    if a.dtype == "int8":
        traits |= _scaling(op, a, b, output, depth)
    name_a, table_a = operand(a, position, "A", 0)
    name_b, table_b = operand(b, position, "B", 0 if table_a else 1)
    kind = "MatmulInt8" if a.dtype == "int8" else "MatmulFloat"
    return Layer(
        position=position,
        title=op.title,
        name=output.name,
        inputs=tuple(t for t in op.inputs if graph.tensors[t].data is None),
        output=op.output,
        macs=output.elements * depth,
        headers=("matmul.h",),
        traits=traits,
        constants=tuple(t for t in (table_a, table_b) if t is not None),
        call=f"k::batch_matmul<Layer{position}, k::{kind}<Layer{position}>>({name_a}, {name_b}, {{out}});",
    )


def _batches(op: Operator, a: Shape, b: Shape) -> tuple[Shape, Shape, Shape]:
    """Return the sizes of the batch dimensions, and the elements of each input between two adjacent matrices."""
    of_a, of_b = ((1,) * (BATCHES - len(shape) + 2) + shape[:-2] for shape in (a, b))
    require(all(1 in (n, m) or n == m for n, m in zip(of_a, of_b, strict=True)), op, f"{a} and {b} do not fit")
    return tuple(map(max, of_a, of_b)), _steps(of_a, math.prod(a[-2:])), _steps(of_b, math.prod(b[-2:]))


def _steps(sizes: Shape, matrix: int) -> Shape:
    return tuple(0 if n == 1 else matrix * math.prod(sizes[i + 1 :]) for i, n in enumerate(sizes))


def _scaling(op: Operator, a: Tensor, b: Tensor, output: Tensor, depth: int) -> Traits:
    product = np.float32(a.quant.scale) * np.float32(b.quant.scale)  # in float32, as the reference does
    scale = quantize_multiplier(float(product) / output.quant.scale)
    bound = 255 * 255 * depth
    require(scale.shift <= 16 and bound << max(scale.shift, 0) < 1 << 31, op, "a sum could overflow")
    return {
        "kZeroA": a.quant.zero_point,
        "kZeroB": b.quant.zero_point,
        "kMultiplier": scale.multiplier,
        "kShift": scale.shift,
    } | output_traits(op, "NONE", output)
