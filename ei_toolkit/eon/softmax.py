"""SOFTMAX on int8: the reference's fixed-point result, and the tables that the kernels read instead."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ei_toolkit.eon.fixed_point import (
    Multiplier,
    doubling_high_mul,
    exp_on_negative,
    quantize_multiplier,
    reciprocal,
    rounding_divide,
    saturating_shift_left,
)

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

    @cached_property
    def exponentials(self) -> tuple[int, ...]:
        """exp of each difference 0, -1, -2, ... to the largest input, in Q0.31; later ones count as zero."""
        shift = self.multiplier.shift
        radius = math.floor(((1 << DIFF_BITS) - 1) * (1 << (31 - DIFF_BITS)) / (2.0**shift))
        return tuple(self._exp(-d) for d in range(min(radius, 255) + 1))

    def _exp(self, difference: int) -> int:
        shifted = saturating_shift_left(difference, max(self.multiplier.shift, 0))
        return exp_on_negative(doubling_high_mul(shifted, self.multiplier.multiplier), DIFF_BITS)

    def __call__(self, row: Sequence[int]) -> list[int]:
        """The int8 probabilities of one row of int8 values."""
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
        """The first of two probabilities for q0 - q1 = -255 .. 255: it depends on nothing else."""
        return [self([min(d, 0), min(-d, 0)])[0] for d in range(-255, 256)]
