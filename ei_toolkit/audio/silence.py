"""Stretches of sound between long silences, block by block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

FRAME_S = 0.02
LONGEST_PAUSE_S = 0.5  # a shorter silence belongs to the sound around it
KEPT_S = 0.1  # of the silence before and after a sound
SILENT_DBFS = -60.0  # RMS of a frame, relative to full scale
Samples = NDArray[np.int16]


def sound_stretches(blocks: Iterable[Samples], sample_rate: int) -> Iterator[tuple[int, Samples]]:
    """Yield the stretches between silences of LONGEST_PAUSE_S and more, as (first sample, samples).

    A frame of FRAME_S is silent where its RMS level is below SILENT_DBFS. KEPT_S of silence stay on either side of a
    stretch. One stretch is kept in memory at a time.
    """
    frame = max(1, round(FRAME_S * sample_rate))
    pause, margin = round(LONGEST_PAUSE_S * sample_rate), round(KEPT_S * sample_rate)
    kept: list[Samples] = []  # from sample `start`: the present stretch and the silence around it
    start, length, silent, sound = 0, 0, 0, -1  # `silent`: at the end of what is kept; `sound`: its first, or -1
    for samples, is_silent in _frames(blocks, frame):
        sound = length if sound < 0 and not is_silent else sound
        kept.append(samples)
        length += len(samples)
        silent = silent + len(samples) if is_silent else 0
        if silent >= pause:
            whole = np.concatenate(kept)
            if sound >= 0:
                first = max(0, sound - margin)
                yield start + first, whole[first : length - silent + margin]
            start, kept = start + length - margin, [whole[length - margin :]]
            length, silent, sound = margin, margin, -1
    if sound >= 0:
        first = max(0, sound - margin)
        yield start + first, np.concatenate(kept)[first : length - max(0, silent - margin)]


def _frames(blocks: Iterable[Samples], length: int) -> Iterator[tuple[Samples, bool]]:
    """Cut blocks into frames, the last of which may be shorter, and judge whether each is silent."""
    rest = np.empty(0, np.int16)
    for block in blocks:
        rest = np.concatenate([rest, block])
        whole = len(rest) // length * length
        yield from _judged(rest[:whole].reshape(-1, length))
        rest = rest[whole:]
    if len(rest):
        yield from _judged(rest.reshape(1, -1))


def _judged(frames: Samples) -> Iterator[tuple[Samples, bool]]:
    power = np.square(frames.astype(np.float64)).mean(axis=1)
    limit = (32768 * 10 ** (SILENT_DBFS / 20)) ** 2
    yield from zip(frames, power < limit, strict=True)
