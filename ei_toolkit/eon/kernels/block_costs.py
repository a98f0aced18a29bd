"""Instructions of a Cortex-M4 for the parts of a block of CONV_2D. Written by `scripts/bench blocks --write`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BlockCosts:
    """What each part costs; `work` of `block` counts the parts."""

    block: float
    gathered_row: float  # of inputs, of two pixels
    gathered_word: float  # of inputs, of one pixel
    loose_pair: float  # of inputs that fill no word, of one pixel
    product: float  # of a block and two channels
    pair: float  # of inputs, in a product
    packed_pair: float  # more, if the weights are not stored as int16
    pool: float  # a pixel of a pool but the first, of two channels
    output: float
    window_row: float  # of a block row
    window_word: float


COSTS = BlockCosts(
    block=0.0,
    gathered_row=1.33,
    gathered_word=3.48,
    loose_pair=7.1,
    product=25.67,
    pair=11.37,
    packed_pair=1.14,
    pool=2.48,
    output=3.0,
    window_row=60.06,
    window_word=3.91,
)
