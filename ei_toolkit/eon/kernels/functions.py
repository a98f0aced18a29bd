"""Functions of one value: their int8 tables, and the names of their float kernels."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ei_toolkit.eon.fixed_point import Multiplier, inverse_square_root, multiply, quantize_multiplier, rounding_divide
from ei_toolkit.eon.graph import Operator, Slope, Tensor
from ei_toolkit.eon.kernels.layer import require
from ei_toolkit.eon.kernels.quantized import activation_range
from ei_toolkit.errors import UnsupportedModelError

INT8 = range(-128, 128)
FRACTION = 20  # bits of the inverse of a square root
LOWEST = -1e6  # beyond every output
Table = Callable[[Operator, Tensor, Tensor], list[int]]


def _sampled(function: Callable[[Operator, float], float]) -> Table:
    """Return a table of a real function, computed in float32 as the reference interpreter fills it."""

    def table(op: Operator, source: Tensor, output: Tensor) -> list[int]:
        scale, inverse = np.float32(source.quant.scale), np.float32(1) / np.float32(output.quant.scale)
        require(bool(np.isfinite(inverse)), op, f"its output scale is {output.quant.scale}")
        values = [np.float32(function(op, float(scale * np.float32(q - source.quant.zero_point)))) for q in INT8]
        return [_limited(_nearest(float(v * inverse)) + output.quant.zero_point) for v in values]

    return table


def _nearest(value: float) -> int:
    """Return the nearest integer, halves away from zero."""
    bounded = max(-1e6, min(1e6, value))
    return math.floor(abs(bounded) + 0.5) * (1 if bounded >= 0 else -1)


def _limited(value: int) -> int:
    return max(-128, min(127, value))


def _tanh(op: Operator, x: float) -> float:
    return math.tanh(x)


def _elu(op: Operator, x: float) -> float:
    return math.expm1(x) if x < 0 else x


def _gelu(op: Operator, x: float) -> float:
    """Return x times the normal distribution function, or its approximation by tanh."""
    assert isinstance(op.options, Slope)
    if op.options.approximate:
        return 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * (1 + math.erf(x / math.sqrt(2)))


def _sqrt(op: Operator, source: Tensor, output: Tensor) -> list[int]:
    """Return the table of square roots, whose fractions the reference cuts off; negative values give 0."""
    values = np.float32(source.quant.scale) * (np.arange(-128, 128) - source.quant.zero_point).astype(np.float32)
    steps = np.sqrt(np.maximum(values, np.float32(0))) / np.float32(output.quant.scale)
    return [_limited(math.floor(min(float(s), 1e6)) + output.quant.zero_point) for s in steps]


def _rsqrt(op: Operator, source: Tensor, output: Tensor) -> list[int]:
    """Return the table of 1 / sqrt(x), computed with a fraction of 20 bits; 0 and negative values give the most."""
    root = float(np.float32(math.sqrt(np.float32(source.quant.scale))) * np.float32(output.quant.scale))
    scale = quantize_multiplier(1 / root)
    _check_shift(op, scale)
    to_output = Multiplier(scale.multiplier, scale.shift - FRACTION)
    require(to_output.shift >= -31, op, "its output scale is too large")

    def value(q: int) -> int:
        if q <= 0:
            return 127
        inverse = inverse_square_root(q)
        fine = multiply(1, Multiplier(inverse.multiplier, inverse.shift + FRACTION))
        return _limited(multiply(fine, to_output) + output.quant.zero_point)

    return [value(q - source.quant.zero_point) for q in INT8]


def _log(op: Operator, x: float) -> float:
    return math.log(x) if x > 0 else LOWEST


def _exp(op: Operator, x: float) -> float:
    return math.exp(min(x, 80.0))


def _ratio(a: Tensor, b: Tensor) -> Multiplier:
    """Return the ratio of two scales, divided in float32 as the reference kernels do."""
    return quantize_multiplier(float(np.float32(a.quant.scale) / np.float32(b.quant.scale)))


def _rescaled(op: Operator, source: Tensor, output: Tensor) -> list[int]:
    """Return the table of RELU, RELU6, RELU_N1_TO_1 or QUANTIZE: the value at another scale, clamped."""
    scale = _ratio(source, output)
    if op.kind == "QUANTIZE":
        scale = quantize_multiplier(source.quant.scale / output.quant.scale)  # in float64
    _check_shift(op, scale)
    low, high = activation_range(op, clamping(op), output)
    zero_in, zero_out = source.quant.zero_point, output.quant.zero_point
    return [max(low, min(high, multiply(q - zero_in, scale) + zero_out)) for q in INT8]


def clamping(op: Operator) -> str:
    """Return the activation function that an operator is; NONE if it is another function."""
    return op.kind if op.kind in ("RELU", "RELU6", "RELU_N1_TO_1") else "NONE"


def _check_shift(op: Operator, scale: Multiplier) -> None:
    require(scale.shift <= 22, op, "its scales differ by more than 2^22")


def _leaky_relu(op: Operator, source: Tensor, output: Tensor) -> list[int]:
    assert isinstance(op.options, Slope)
    identity, alpha = _ratio(source, output), np.float32(op.options.alpha)
    scaled = np.float32(source.quant.scale) * alpha / np.float32(output.quant.scale)
    sloped = quantize_multiplier(abs(float(scaled)))
    for scale in (identity, sloped):
        _check_shift(op, scale)
    sign = -1 if alpha < 0 else 1

    def value(q: int) -> int:
        return multiply(q, identity) if q >= 0 else sign * multiply(q, sloped)

    return [_limited(value(q - source.quant.zero_point) + output.quant.zero_point) for q in INT8]


def _abs(op: Operator, source: Tensor, output: Tensor) -> list[int]:
    scale = _ratio(source, output)
    _check_shift(op, scale)
    return [_limited(multiply(abs(q - source.quant.zero_point), scale) + output.quant.zero_point) for q in INT8]


def _logistic(op: Operator, source: Tensor, output: Tensor) -> list[int]:
    target = (output.quant.scale, output.quant.zero_point)
    require(target == (1 / 256, -128), op, f"its output has scale and zero point {target}, not 1/256 and -128")
    scale, zero_point = np.float32(source.quant.scale), source.quant.zero_point
    return [_logistic_of(scale * np.float32(q - zero_point)) for q in INT8]


def _logistic_of(value: np.float32) -> int:
    """Return 1 / (1 + exp(-value)) at scale 1/256, in float32 as the reference interpreter fills its table."""
    exponential = np.float32(math.exp(min(-float(value), 80.0)))
    probability = np.float32(1) / (np.float32(1) + exponential)
    return min(127, math.floor(float(probability) * 256 + 0.5) - 128)


def _hard_swish(op: Operator, source: Tensor, output: Tensor) -> list[int]:
    """Return x * relu6(x + 3) / 6 in the 16-bit arithmetic of the reference kernel."""
    fine = np.float32(1 / 128) * np.float32(source.quant.scale)
    to_output = quantize_multiplier(float(fine / np.float32(output.quant.scale)))
    to_relu = quantize_multiplier(float(fine / (np.float32(3) / np.float32(32768))))
    require(to_output.shift <= 0, op, "its output scale is too small")
    return [_hard_swish_of(q - source.quant.zero_point, to_output, to_relu, output.quant.zero_point) for q in INT8]


def _hard_swish_of(value: int, to_output: Multiplier, to_relu: Multiplier, zero_point: int) -> int:
    fine = value << 7
    result = _high_mul_16(fine, _upper_half(to_output.multiplier))
    weight = fine
    if to_relu.shift > 0:
        weight = _saturate_16(weight << (to_relu.shift - 1))
    weight = _high_mul_16(weight, _upper_half(to_relu.multiplier))
    if to_relu.shift > 0:
        weight = _saturate_16(weight << 1)
    elif to_relu.shift < 0:
        weight = rounding_divide(weight, -to_relu.shift)
    weight = (weight + (1 << 15)) >> 1  # from [-1, 1] to [0, 1]
    product = int(weight * result / (1 << 15))  # towards zero, unlike _high_mul_16
    return _limited(rounding_divide(product, -to_output.shift) + zero_point)


def _saturate_16(value: int) -> int:
    return max(-(1 << 15), min((1 << 15) - 1, value))


def _upper_half(multiplier: int) -> int:
    """Return a 31-bit multiplier with 15 bits, rounded."""
    return _saturate_16((multiplier + (1 << 15)) >> 16)


def _high_mul_16(a: int, b: int) -> int:
    """Return round(a * b / 2^15), saturated."""
    product = a * b
    nudged = product + ((1 << 14) if product >= 0 else 1 - (1 << 14))
    return _saturate_16(int(nudged / (1 << 15)))


TABLES: dict[str, Table] = {
    "ABS": _abs,
    "ELU": _sampled(_elu),
    "EXP": _sampled(_exp),
    "GELU": _sampled(_gelu),
    "HARD_SWISH": _hard_swish,
    "LEAKY_RELU": _leaky_relu,
    "LOG": _sampled(_log),
    "LOGISTIC": _logistic,
    "QUANTIZE": _rescaled,
    "RELU": _rescaled,
    "RELU6": _rescaled,
    "RELU_N1_TO_1": _rescaled,
    "RSQRT": _rsqrt,
    "SQRT": _sqrt,
    "TANH": _sampled(_tanh),
}
FLOAT_KERNELS = {
    "ABS": "Abs",
    "COS": "Cos",
    "ELU": "Elu",
    "EXP": "Exp",
    "GELU": "Gelu",
    "HARD_SWISH": "HardSwish",
    "LEAKY_RELU": "LeakyRelu",
    "LOG": "Log",
    "LOGISTIC": "Logistic",
    "NEG": "Neg",
    "RELU": "Clamp",
    "RELU6": "Clamp",
    "RELU_N1_TO_1": "Clamp",
    "RSQRT": "Rsqrt",
    "SIN": "Sin",
    "SQRT": "Sqrt",
    "SQUARE": "Square",
    "TANH": "Tanh",
}


def int8_table(op: Operator, source: Tensor, output: Tensor) -> list[int]:
    """Return the output for each int8 input. Raises UnsupportedModelError for a function without an int8 kernel."""
    if op.kind not in TABLES:
        raise UnsupportedModelError(
            "it is int8, and its kernel is for float32",
            hint="Keep this layer in float, or compute it from ADD, MUL and a function with an int8 kernel.",
        )
    return TABLES[op.kind](op, source, output)
