"""Window geometry: how many samples a window has, and cutting a signal into windows of one length."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples: TypeAlias = NDArray[np.int16]


def samples_in(milliseconds: float, sample_rate: float) -> int:
    """Return the number of samples in a time at `sample_rate` Hz, rounded to the nearest; halves are rounded up.

    Every length in milliseconds (a window, a hop) becomes samples here. Edge Impulse does not publish its rule; the
    nearest number is the one that an error in the last digit of a frequency such as 761.0000000001 Hz does not change.
    """
    return math.floor(milliseconds * sample_rate / 1000 + 0.5)


def cut(samples: Samples, window: int, hop: int) -> Iterator[tuple[int, Samples]]:
    """Every whole window of `window` samples, `hop` apart, as (first sample, view)."""
    return cut_blocks([samples], window, hop)


def cut_blocks(blocks: Iterable[Samples], window: int, hop: int, *, pad: bool = False) -> Iterator[tuple[int, Samples]]:
    """The windows that `cut` gives for the joined blocks; keeps no more than a block and a window in memory.

    With `pad`, a signal that is shorter than a window gives one window, with zeros at its end.
    """
    import numpy as np  # here: commands and the studio's server import this module for `samples_in` only

    kept, offset, start = np.empty(0, np.int16), 0, 0  # `kept` begins at sample `offset`; `start` is the next window's
    for block in blocks:
        kept = np.concatenate([kept, block]) if len(kept) else block
        while start + window <= offset + len(kept):
            yield start, kept[start - offset : start - offset + window]
            start += hop
        done = min(start - offset, len(kept))
        kept, offset = kept[done:], offset + done
    if pad and start == 0 and len(kept):
        yield 0, np.pad(kept, (0, window - len(kept)))
