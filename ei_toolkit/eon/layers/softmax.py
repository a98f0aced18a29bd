"""SOFTMAX: a table for two classes, a table of exponentials for more, the plain formula for float."""

from __future__ import annotations

from ei_toolkit.eon.graph import Beta, Graph, Operator, Tensor
from ei_toolkit.eon.layers.layer import Constant, Layer, require, single
from ei_toolkit.eon.literals import float_literal
from ei_toolkit.eon.softmax import Int8Softmax

MOST_CLASSES = 1 << 12  # the sum of exponentials has twelve integer bits


def softmax(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a SOFTMAX along the last axis."""
    source, output = single(graph, op)
    assert isinstance(op.options, Beta)
    require(source.shape == output.shape, op, f"it turns {source.shape} into {output.shape}")
    classes = source.shape[-1]
    kernel, constants = _kernel(op, op.options, source, output, position)
    tables = "".join(f", {c.name}" for c in constants)
    return Layer(
        position=position,
        title=op.title,
        name=output.name,
        inputs=(op.inputs[0],),
        output=op.output,
        macs=0,
        headers=("softmax.h",),
        traits={"kRows": source.elements // classes}
        | ({} if kernel == "softmax_two" else {"kClasses": classes})
        | ({"beta()": float_literal(op.options.beta)} if source.dtype == "float32" else {})
        | ({"kExponentials": len(constants[0].values)} if kernel == "softmax_int8" else {}),
        constants=constants,
        call=f"k::{kernel}<Layer{position}>({{in0}}, {{out}}{tables});",
        in_place=True,
    )


def _kernel(
    op: Operator, options: Beta, source: Tensor, output: Tensor, position: int
) -> tuple[str, tuple[Constant, ...]]:
    if source.dtype == "float32":
        return "softmax_float", ()
    target = (output.quant.scale, output.quant.zero_point)
    require(target == (1 / 256, -128), op, f"its output has scale and zero point {target}, not 1/256 and -128")
    require(source.shape[-1] < MOST_CLASSES, op, f"it has {source.shape[-1]} classes")
    function = Int8Softmax(source.quant.scale, options.beta)
    require(0 < function.multiplier.shift <= 31, op, f"its input scale is {source.quant.scale}")
    if source.shape[-1] == 2:
        table = function.two_class_table()
        return "softmax_two", (Constant(f"kSoftmax{position}", "int8_t", table, len(table)),)
    exponentials = function.exponentials
    return "softmax_int8", (Constant(f"kExponentials{position}", "int32_t", exponentials, 4 * len(exponentials)),)
