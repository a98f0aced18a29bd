"""Segments of a recording that hold its loud events: keywords, claps, notes between pauses."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FRAME_MS = 10.0
LONGEST_GAP_MS = 100.0  # a shorter pause belongs to the event around it
QUIET_PERCENTILE, LOUD_PERCENTILE = 10.0, 95.0
THRESHOLD = 0.3  # of the way from the quiet to the loud level, in dB
SMALLEST_RANGE_DB = 6.0  # a recording whose level changes less is one event
LOWEST_DB = -100.0  # relative to the loudest frame

Span = tuple[float, float]
"""Start and end in ms."""


def find_segments(
    values: npt.NDArray[np.float32], rate: float, length_ms: float, generator: np.random.Generator | None = None
) -> list[Span]:
    """Return segments of `length_ms` that hold the events of a recording, in order, without overlap.

    `values` has the shape (n, axes). An event is where the level, the RMS of frames of 10 ms over all axes, is above a
    threshold between the quiet and the loud frames. A segment has its event in its middle; with a `generator` it is
    moved at random so far that the event is still inside. An event that is longer than a segment has several.
    """
    total_ms = len(values) / rate * 1000.0
    found: list[Span] = []
    for start, end in _events(values, rate):
        for begin in _begins(start, end, length_ms, generator):
            first = max(min(begin, total_ms - length_ms), found[-1][1] if found else 0.0)
            if first + length_ms <= total_ms and first < end:
                found.append((first, first + length_ms))
    return found


def _begins(start: float, end: float, length_ms: float, generator: np.random.Generator | None) -> list[float]:
    """Return where the segments of one event begin."""
    count = max(1, int((end - start) // length_ms))
    slack = length_ms * count - (end - start)
    share = 0.5 if generator is None else float(generator.uniform())
    first = start - share * slack if slack > 0 else start
    return [first + index * length_ms for index in range(count)]


def _events(values: npt.NDArray[np.float32], rate: float) -> list[Span]:
    levels = _levels_db(values, max(1, round(rate * FRAME_MS / 1000.0)))
    if not len(levels):
        return []
    quiet, loud = np.percentile(levels, [QUIET_PERCENTILE, LOUD_PERCENTILE])
    if loud - quiet < SMALLEST_RANGE_DB:
        return [(0.0, len(values) / rate * 1000.0)]
    is_loud = levels > quiet + THRESHOLD * (loud - quiet)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_loud, [False]]).astype(np.int8)))
    events: list[Span] = []
    for start, end in zip(edges[::2] * FRAME_MS, edges[1::2] * FRAME_MS, strict=True):
        if events and start - events[-1][1] < LONGEST_GAP_MS:
            events[-1] = (events[-1][0], float(end))
        else:
            events.append((float(start), float(end)))
    return events


def _levels_db(values: npt.NDArray[np.float32], frame: int) -> npt.NDArray[np.float64]:
    """Return the level of each complete frame in dB relative to the loudest one; the mean of each axis is removed."""
    count = len(values) // frame
    centred = values - values.mean(axis=0, keepdims=True) if count else values
    power = np.square(centred[: count * frame], dtype=np.float64).reshape(count, -1).mean(axis=1)
    loudest = power.max(initial=0.0)
    if loudest <= 0.0:
        return np.zeros(count)
    return np.asarray(10.0 * np.log10(np.maximum(power / loudest, 10.0 ** (LOWEST_DB / 10.0))))
