"""SOFTMAX, LOGISTIC and TANH on int16, with the tables and roundings of TensorFlow Lite's kernels."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

from ei_toolkit.eon.fixed_point import quantize_multiplier
from ei_toolkit.eon.graph import Beta, Graph, Operator, Tensor
from ei_toolkit.eon.kernels.layer import Constant, Layer, require, single

Traits = dict[str, int | float | str]
INT16 = frozenset({"int16"})
SCALE = 1 / 32768  # of the output
STEPS = 512  # of a table with interpolation
TABLE_UNITS = 3 * 4096  # a unit of the input of the other table is 1 / 12288
MOST_CLASSES = 1 << 15


def softmax_int16(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a SOFTMAX along the last axis."""
    source, output = _ends(graph, op)
    assert isinstance(op.options, Beta)
    require(source.shape == output.shape, op, f"it turns {source.shape} into {output.shape}")
    classes = source.shape[-1]
    scale = quantize_multiplier(source.quant.scale * op.options.beta / (10.0 / 65535.0))
    require(
        scale.shift <= 14 and classes < MOST_CLASSES, op, f"its scale is {source.quant.scale}, its classes {classes}"
    )
    traits: Traits = {
        "kRows": source.elements // classes,
        "kClasses": classes,
        "kMultiplier": scale.multiplier,
        "kShift": scale.shift,
    }
    tables = [
        Constant(f"k{name}{position}", "int16_t", list(values), 2 * len(values))
        for name, values in (("Exponentials", exponentials()), ("Reciprocals", reciprocals()))
    ]
    names = ", ".join(table.name for table in tables)
    call = f"k::softmax_int16<Layer{position}>({{in0}}, {{out}}, {names});"
    return _layer(op, output, position, traits, tables, call)


def logistic_or_tanh(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a LOGISTIC or TANH."""
    source, output = _ends(graph, op)
    require(source.elements == output.elements, op, f"it turns {source.shape} into {output.shape}")
    multiplier, shift = _table_scale(source.quant.scale, 1 if op.kind == "TANH" else 0)
    require(multiplier < 1 << 15, op, f"its scale is {source.quant.scale}")
    traits: Traits = {"kElements": source.elements, "kMultiplier": multiplier, "kShift": shift}
    table = Constant(f"kSigmoid{position}", "uint16_t", list(sigmoid()), 2 * len(sigmoid()))
    call = f"k::{op.kind.lower()}_int16<Layer{position}>({{in0}}, {{out}}, {table.name});"
    return _layer(op, output, position, traits, [table], call)


def _ends(graph: Graph, op: Operator) -> tuple[Tensor, Tensor]:
    source, output = single(graph, op, INT16)
    zero_points = (source.quant.zero_point, output.quant.zero_point)
    fits = output.quant.scale == SCALE and zero_points == (0, 0)
    require(fits, op, f"its zero points are {zero_points} and its output scale {output.quant.scale}, not 1/32768")
    return source, output


def _table_scale(scale: float, most: int) -> tuple[int, int]:
    """Return multiplier and right shift from the input to units of the table.

    A power of two is exact if it is 2^-12 or larger by up to `most` bits.
    """
    fraction, exponent = math.frexp(scale)
    if fraction == 0.5 and 0 <= exponent - 1 + 12 <= most:
        return 3 << (exponent - 1 + 12), 0
    multiplier, shift = scale * TABLE_UNITS, 0
    while multiplier <= 32767 / 2 and shift <= 30:
        multiplier, shift = 2 * multiplier, shift + 1
    return int(multiplier), shift


def _moved(function: Callable[[float], float], at: float, step: float) -> float:
    """Return by how much a line between two values of a function is above it in the middle."""
    return (function(at) + function(at + step)) / 2 - function(at + step / 2)


@cache
def sigmoid() -> tuple[int, ...]:
    """Return 65536 / (1 + exp(-i / 24)) for i = 0 .. 255, moved so that the lines between them are closer."""

    def function(x: float) -> float:
        return 65536 / (1 + math.exp(-x / 24))

    values = [_nearest(function(i) - _moved(function, i, 1) / 2) for i in range(255)]
    return (*values, 65535)


@cache
def exponentials() -> tuple[int, ...]:
    """Return 32768 exp(x) for x = -10 .. 0."""
    return _table(math.exp, -10.0, 0.0)


@cache
def reciprocals() -> tuple[int, ...]:
    """Return 32768 / (1 + x) for x = 0 .. 1."""
    return _table(lambda x: 1 / (1 + x), 0.0, 1.0)


def _table(function: Callable[[float], float], low: float, high: float) -> tuple[int, ...]:
    """Return 513 values of a function, each moved so that the line to the next is closer, rounded at each step."""
    step = (high - low) / STEPS

    def value(at: float) -> float:
        return function(at) * 32768

    table = []
    for i in range(STEPS):
        at = low + i * step
        middle = _nearest((value(low + (i + 1) * step) + _nearest(value(at))) / 2)
        table.append(_nearest(value(at)) - _nearest((middle - _nearest(value(at + step / 2))) / 2))
    return tuple(max(-32768, min(32767, n)) for n in (*table, _nearest(value(high))))


def _nearest(value: float) -> int:
    """Return the nearest whole number, halves away from zero."""
    return math.floor(abs(value) + 0.5) * (1 if value >= 0 else -1)


def _layer(op: Operator, output: Tensor, position: int, traits: Traits, tables: list[Constant], call: str) -> Layer:
    return Layer(
        position=position,
        title=op.title,
        name=output.name,
        inputs=op.inputs,
        output=op.output,
        macs=0,
        headers=("int16_tables.h",),
        traits=traits,
        constants=tuple(tables),
        call=call,
        in_place=True,
    )
