"""Fixed-point arithmetic of TensorFlow Lite's int8 kernels, on Python integers.

Sources: QuantizeMultiplier and MultiplyByQuantizedMultiplier with double rounding (TensorFlow Lite), the exponential
and reciprocal of gemmlowp's fixedpoint.h. Values are raw integers; Qm.n has m integer bits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

INT32_MAX = (1 << 31) - 1
INT32_MIN = -(1 << 31)


@dataclass(frozen=True)
class Multiplier:
    """A positive real number as multiplier * 2^(shift - 31)."""

    multiplier: int
    shift: int


def quantize_multiplier(real: float) -> Multiplier:
    """Express `real` >= 0 with a 31-bit multiplier. A number below the range becomes zero, as in TensorFlow Lite."""
    if real == 0.0:
        return Multiplier(0, 0)
    if not math.isfinite(real):  # a quotient of scales that float32 cannot hold
        return Multiplier(INT32_MAX, 30)
    fraction, shift = math.frexp(real)
    multiplier = math.floor(fraction * (1 << 31) + 0.5)
    if multiplier == 1 << 31:
        multiplier //= 2
        shift += 1
    if shift < -31:
        return Multiplier(0, 0)
    if shift > 30:
        return Multiplier(INT32_MAX, 30)
    return Multiplier(multiplier, shift)


def mean_multiplier(ratio: float, count: int) -> Multiplier:
    """Return the scale from a sum of `count` values to their mean, rounded as in TensorFlow Lite's reference."""
    scale = quantize_multiplier(ratio)
    shift = min(count.bit_length() - 1, 32, 31 + scale.shift)
    return Multiplier((scale.multiplier << shift) // count, scale.shift - shift)


def wrap(value: int) -> int:
    """Return `value` modulo 2^32 as a 32-bit two's complement number."""
    return (value - INT32_MIN) % (1 << 32) + INT32_MIN


def doubling_high_mul(a: int, b: int) -> int:
    """Return round(a * b / 2^31), saturated; halves are rounded up, as by gemmlowp's truncating division."""
    if a == b == INT32_MIN:
        return INT32_MAX
    product = a * b
    nudge = (1 << 30) if product >= 0 else 1 - (1 << 30)
    total = product + nudge
    return total >> 31 if total >= 0 else -(-total >> 31)


def rounding_divide(value: int, exponent: int) -> int:
    """Return value / 2^exponent, rounded to the nearest integer, halves away from zero."""
    mask = (1 << exponent) - 1
    threshold = (mask >> 1) + (value < 0)
    return (value >> exponent) + ((value & mask) > threshold)


def multiply(value: int, by: Multiplier) -> int:
    """Return value * multiplier * 2^(shift - 31), rounded as TensorFlow Lite does."""
    left, right = max(by.shift, 0), max(-by.shift, 0)
    return rounding_divide(doubling_high_mul(wrap(value << left), by.multiplier), right)


def saturating_shift_left(value: int, exponent: int) -> int:
    """Return value * 2^exponent, saturated to 32 bits."""
    return max(INT32_MIN, min(INT32_MAX, value << exponent))


def exp_on_negative(a: int, integer_bits: int) -> int:
    """Return exp(a) in Q0.31 for a <= 0 in Q(integer_bits).(31 - integer_bits)."""
    if a == 0:
        return INT32_MAX
    fraction_bits = 31 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    remainder = (a & (quarter - 1)) - quarter  # in [-1/4, 0)
    result = _exp_between_minus_quarter_and_zero(saturating_shift_left(remainder, integer_bits))
    below = remainder - a
    factors = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)  # exp(-2^k), k = -2 .. 4
    for exponent, factor in zip(range(-2, 5), factors, strict=True):
        if integer_bits > exponent and below & (1 << (fraction_bits + exponent)):
            result = doubling_high_mul(result, factor)
    if integer_bits > 5 and a < -(1 << (fraction_bits + 5)):
        return 0
    return result


def _exp_between_minus_quarter_and_zero(a: int) -> int:
    """Return exp(a) in Q0.31 by the Taylor series around -1/8."""
    x = a + (1 << 28)
    x2 = doubling_high_mul(x, x)
    x3 = doubling_high_mul(x2, x)
    x4 = doubling_high_mul(x2, x2)
    x4_over_4 = rounding_divide(x4, 2)
    tail = rounding_divide(doubling_high_mul(x4_over_4 + x3, 715827883) + x2, 1)  # times 1/3
    return wrap(1895147668 + doubling_high_mul(1895147668, x + tail))  # exp(-1/8)


def one_over_one_plus(a: int) -> int:
    """Return 1 / (1 + a) in Q0.31 for a in [0, 1) in Q0.31, by three Newton steps."""
    half_denominator = _rounding_half_sum(a, INT32_MAX)
    x = 1515870810 + doubling_high_mul(half_denominator, -1010580540)  # 48/17 - 32/17 d, in Q2.29
    for _ in range(3):
        product = doubling_high_mul(half_denominator, x)
        step = doubling_high_mul(x, (1 << 29) - product)
        x = wrap(x + saturating_shift_left(step, 2))
    return saturating_shift_left(x, 1)


def _rounding_half_sum(a: int, b: int) -> int:
    total = a + b
    sign = 1 if total >= 0 else -1
    half = abs(total + sign) // 2
    return half * sign


def reciprocal(value: int, integer_bits: int) -> tuple[int, int]:
    """Return (r, bits) with 1 / value = r * 2^-bits, r in Q0.31, for value > 0 in Q(integer_bits)."""
    leading_zeros = 32 - value.bit_length()
    bits_over_unit = integer_bits - leading_zeros
    shifted_minus_one = ((value << leading_zeros) & 0xFFFFFFFF) - (1 << 31)
    return one_over_one_plus(shifted_minus_one), bits_over_unit


def inverse_square_root(value: int) -> Multiplier:
    """Return 1 / sqrt(value) for 0 < value < 2^29, by five Newton steps in Q3.28 from 1 (TensorFlow Lite)."""
    if value <= 1:
        return Multiplier(INT32_MAX, 0)
    pairs = (31 - value.bit_length()) // 2 - 1
    x, half = 1 << 28, rounding_divide(value << 2 * pairs >> 1, 1)
    for _ in range(5):
        cube = saturating_shift_left(doubling_high_mul(doubling_high_mul(x, x), x), 6)
        x = saturating_shift_left(doubling_high_mul(3 << 27, x) - doubling_high_mul(half, cube), 3)
    return Multiplier(doubling_high_mul(x, 1518500250), pairs - 11)  # sqrt(2) / 2


DIFF_BITS = 5  # integer bits of a scaled difference
SUM_BITS = 12  # integer bits of the sum of exponentials


@dataclass(frozen=True)
class Int8Softmax:
    """Softmax of int8 values at `scale`, output scale 1/256, zero point -128."""

    scale: float
    beta: float

    @cached_property
    def multiplier(self) -> Multiplier:
        """Factor from a difference of two inputs to Q5.26."""
        real = min(
            float(np.float32(self.beta)) * float(np.float32(self.scale)) * (1 << (31 - DIFF_BITS)), 2.0**31 - 1.0
        )
        return quantize_multiplier(real)

    @property
    def reverse_multiplier(self) -> Multiplier:
        """Factor from Q5.26 to a difference of two inputs."""
        return quantize_multiplier((1 << (31 - self.multiplier.shift)) / self.multiplier.multiplier)

    @cached_property
    def exponentials(self) -> tuple[int, ...]:
        """exp of each difference 0, -1, -2, ... to the largest input, in Q0.31; that of a larger difference is zero."""
        shift = self.multiplier.shift
        radius = math.floor(((1 << DIFF_BITS) - 1) * (1 << (31 - DIFF_BITS)) / (2.0**shift))
        return tuple(self._exp(-d) for d in range(min(radius, 255) + 1))

    def _exp(self, difference: int) -> int:
        shifted = saturating_shift_left(difference, max(self.multiplier.shift, 0))
        return exp_on_negative(doubling_high_mul(shifted, self.multiplier.multiplier), DIFF_BITS)

    def __call__(self, row: Sequence[int]) -> list[int]:
        """Return the int8 probabilities of one row of int8 values."""
        largest = max(row)
        exps = [self._term(largest - q) for q in row]
        total = sum(rounding_divide(e, SUM_BITS) for e in exps)
        scale, bits = reciprocal(total, SUM_BITS)
        return [
            max(-128, min(127, rounding_divide(doubling_high_mul(scale, e), bits + 31 - 8) - 128)) if e else -128
            for e in exps
        ]

    def _term(self, below: int) -> int:
        return self.exponentials[below] if below < len(self.exponentials) else 0

    def two_class_table(self) -> list[int]:
        """Return the first of two probabilities for q0 - q1 = -255 .. 255, the only value on which it depends."""
        return [self([min(d, 0), min(-d, 0)])[0] for d in range(-255, 256)]
