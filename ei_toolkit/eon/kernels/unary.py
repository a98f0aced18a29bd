"""SOFTMAX, functions of one value, QUANTIZE and DEQUANTIZE.

int8 functions are tables of 256 values. Softmax has a table for two classes, the exponentials of gemmlowp for a few
more, a table of them for many, and the formula itself for float.
"""

from __future__ import annotations

from dataclasses import replace

from ei_toolkit.eon.fixed_point import SUM_BITS, Int8Softmax, rounding_divide
from ei_toolkit.eon.graph import Beta, Graph, Operator, Slope, Tensor
from ei_toolkit.eon.kernels.functions import FLOAT_KERNELS, clamping, int8_table
from ei_toolkit.eon.kernels.int16 import rescaled
from ei_toolkit.eon.kernels.int16_tables import logistic_or_tanh, softmax_int16
from ei_toolkit.eon.kernels.layer import Constant, Layer, float_range, inputs_of, require, same_type, single
from ei_toolkit.eon.literals import float_literal

MOST_COMPUTED = 16  # exponentials of an inference that are computed: a table of them takes up to 1 kB of flash
MOST_CLASSES = 1 << 12  # the sum of exponentials has twelve integer bits


def softmax(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a SOFTMAX along the last axis."""
    if any(graph.tensors[t].dtype == "int16" for t in op.inputs[:1]):
        return softmax_int16(graph, op, position)
    if graph.tensors[op.output].dtype == "int16":
        (given,) = inputs_of(graph, op, 1, 1)
        assert given is not None
        source, output = given, graph.tensors[op.output]
        require(source.dtype == "int8", op, f"it turns {source.dtype} into int16")
        for tensor in (source, output):
            same_type(op, tensor, tensor, frozenset({"int8", "int16"}))
    else:
        source, output = single(graph, op)
    assert isinstance(op.options, Beta)
    require(source.shape == output.shape, op, f"it turns {source.shape} into {output.shape}")
    classes = source.shape[-1]
    kernel, constants, traits = _kernel(op, op.options, source, output, position)
    tables = "".join(f", {c.name}" for c in constants)
    return Layer(
        position=position,
        title=op.title,
        name=output.name,
        inputs=(op.inputs[0],),
        output=op.output,
        macs=0,
        headers=("softmax.h",),
        traits={"kRows": source.elements // classes} | traits,
        constants=constants,
        call=f"k::{kernel}<Layer{position}>({{in0}}, {{out}}{tables});",
        in_place=source.dtype == output.dtype,
    )


def log_softmax(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a LOG_SOFTMAX along the last axis."""
    source, output = single(graph, op)
    require(source.shape == output.shape, op, f"it turns {source.shape} into {output.shape}")
    classes = source.shape[-1]
    traits: dict[str, int | float | str] = {"kRows": source.elements // classes, "kClasses": classes}
    if source.dtype == "float32":
        call = f"k::log_softmax_float<Layer{position}>({{in0}}, {{out}});"
        return _layer(op, output, position, traits, call, "softmax.h", ())
    target = (output.quant.scale, output.quant.zero_point)
    require(target == (1 / 16, 127), op, f"its output has scale and zero point {target}, not 1/16 and 127")
    require(classes < MOST_CLASSES, op, f"it has {classes} classes")
    function = Int8Softmax(source.quant.scale, 1.0)
    require(0 < function.multiplier.shift <= 30, op, f"its input scale is {source.quant.scale}")
    exponentials = [rounding_divide(e, SUM_BITS) for e in function.exponentials]
    traits |= {
        "kExponentials": len(exponentials),
        "kMultiplier": function.multiplier.multiplier,
        "kShift": function.multiplier.shift,
        "kReverseMultiplier": function.reverse_multiplier.multiplier,
        "kReverseShift": function.reverse_multiplier.shift,
    }
    table = Constant(f"kExponentials{position}", "int32_t", exponentials, 4 * len(exponentials))
    call = f"k::log_softmax_int8<Layer{position}>({{in0}}, {{out}}, {table.name});"
    return _layer(op, output, position, traits, call, "softmax.h", (table,))


def _kernel(
    op: Operator, options: Beta, source: Tensor, output: Tensor, position: int
) -> tuple[str, tuple[Constant, ...], dict[str, int | float | str]]:
    """Return the name of the function, its tables, and its constants but the number of rows."""
    classes: dict[str, int | float | str] = {"kClasses": source.shape[-1]}
    if source.dtype == "float32":
        return "softmax_float", (), classes | {"beta()": float_literal(options.beta)}
    target = (output.quant.scale, output.quant.zero_point)
    if output.dtype == "int16":
        near = abs(target[0] * (1 << 16) - 1) < 1e-3 and target[1] == -(1 << 15)
        require(near, op, f"its output has scale and zero point {target}, not 1/65536 and -32768")
    else:
        require(target == (1 / 256, -128), op, f"its output has scale and zero point {target}, not 1/256 and -128")
    require(source.shape[-1] < MOST_CLASSES, op, f"it has {source.shape[-1]} classes")
    function = Int8Softmax(source.quant.scale, options.beta)
    require(0 < function.multiplier.shift <= 31, op, f"its input scale is {source.quant.scale}")
    if source.shape[-1] == 2 and output.dtype == "int8":
        two = function.two_class_table()
        return "softmax_two", (Constant(f"kSoftmax{position}", "int8_t", two, len(two)),), {}
    exponentials = function.exponentials
    classes |= {"kExponentials": len(exponentials)}
    if source.elements <= MOST_COMPUTED:
        scale = {"kMultiplier": function.multiplier.multiplier, "kShift": function.multiplier.shift}
        return "softmax_of_few", (), classes | scale
    table = Constant(f"kExponentials{position}", "int32_t", exponentials, 4 * len(exponentials))
    return "softmax_int8", (table,), classes


def unary(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a function of one value."""
    if any(graph.tensors[t].dtype == "int16" for t in op.inputs[:1]):
        lower = logistic_or_tanh if op.kind in ("LOGISTIC", "TANH") else rescaled
        return lower(graph, op, position)
    source, output = single(graph, op)
    require(source.elements == output.elements, op, f"it turns {source.shape} into {output.shape}")
    traits: dict[str, int | float | str] = {"kElements": source.elements}
    if source.dtype == "int8":
        table = int8_table(op, source, output)
        constants: tuple[Constant, ...] = (Constant(f"kTable{position}", "int8_t", table, len(table)),)
        call = f"k::lookup<Layer{position}>({{in0}}, {{out}}, kTable{position});"
        return _layer(op, output, position, traits, call, "lookup.h", constants)
    require(op.kind in FLOAT_KERNELS, op, "its data are float32")
    call = f"k::apply_all<Layer{position}, k::{FLOAT_KERNELS[op.kind]}<Layer{position}>>({{in0}}, {{out}});"
    return _layer(op, output, position, _float_traits(op) | traits, call, "functions_float.h", ())


def _float_traits(op: Operator) -> dict[str, int | float | str]:
    if FLOAT_KERNELS[op.kind] == "Clamp":
        return float_range(clamping(op))
    if isinstance(op.options, Slope):
        approximate = "true" if op.options.approximate else "false"
        return {"alpha()": float_literal(op.options.alpha), "kApproximate": approximate}
    return {}


def quantize(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a QUANTIZE from float32, or between two int8 scales."""
    (source,) = inputs_of(graph, op, 1, 1)
    assert source is not None
    output = graph.tensors[op.output]
    if source.dtype == "int8" and output.dtype == "int8":
        return unary(graph, op, position)
    if {"int16", "int32"} & {source.dtype, output.dtype} and "float32" not in (source.dtype, output.dtype):
        return rescaled(graph, op, position)
    if {source.dtype, output.dtype} == {"int8", "uint8"}:
        return _shifted(op, source, output, position)
    fits = source.dtype == "float32" and output.dtype in ("int8", "int16")
    require(fits, op, f"it turns {source.dtype} into {output.dtype}")
    return _conversion(op, source, output, output, position)


def _shifted(op: Operator, source: Tensor, output: Tensor, position: int) -> Layer:
    """Lower the conversion between uint8 and int8 whose zero points differ by 128, which changes one bit."""
    require(source.elements == output.elements, op, f"it turns {source.shape} into {output.shape}")
    call = f"k::change_sign<Layer{position}>({{in0}}, {{out}});"
    return _layer(op, output, position, {"kElements": source.elements}, call, "quantize.h", ())


def dequantize(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a DEQUANTIZE from int8 to float32."""
    (source,) = inputs_of(graph, op, 1, 1)
    assert source is not None
    output = graph.tensors[op.output]
    fits = source.dtype in ("int8", "int16") and output.dtype == "float32"
    require(fits, op, f"it turns {source.dtype} into {output.dtype}")
    return _conversion(op, source, output, source, position)


def _conversion(op: Operator, source: Tensor, output: Tensor, quantized: Tensor, position: int) -> Layer:
    require(source.elements == output.elements, op, f"it turns {source.shape} into {output.shape}")
    require(len(quantized.quant.scales) == 1, op, "an activation is quantised per channel")
    traits: dict[str, int | float | str] = {
        "kElements": source.elements,
        "scale()": float_literal(quantized.quant.scale),
        "kZeroPoint": quantized.quant.zero_point,
    }
    call = f"k::{op.kind.lower()}<Layer{position}>({{in0}}, {{out}});"
    layer = _layer(op, output, position, traits, call, "quantize.h", ())
    return replace(layer, in_place=False, resizes=True)


def _layer(
    op: Operator,
    output: Tensor,
    position: int,
    traits: dict[str, int | float | str],
    call: str,
    header: str,
    constants: tuple[Constant, ...],
) -> Layer:
    return Layer(
        position=position,
        title=op.title,
        name=output.name,
        inputs=(op.inputs[0],),
        output=op.output,
        macs=0,
        headers=(header,),
        traits=traits,
        constants=constants,
        call=call,
        in_place=True,
    )
