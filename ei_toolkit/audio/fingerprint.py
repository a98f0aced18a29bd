"""Know a recording again, also in another excerpt, louder or coded otherwise: landmarks of spectral peaks.

After A. Wang, "An industrial-strength audio search algorithm", ISMIR 2003: two peaks and the time between them make a
hash; two excerpts of one recording share many hashes at one and the same offset, two recordings do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE = 8000
FRAME, STEP = 1024, 256
NEAR_FRAMES, NEAR_BINS = 7, 10  # a peak is the largest value within so many frames and bins on either side
PEAKS_PER_SECOND = 20
FAN = 6  # partners of each peak, among the MOST_AHEAD peaks that follow it
MOST_AHEAD = 40
REACH = 63  # frames and bins between partners; six bits of the hash
OFFSET_FRAMES = 2  # offsets within so many frames count as one
LEAST_SHARED = 25  # hashes at one offset; unrelated clips of half a minute share about ten at most
SHARED_PART = 0.03  # of the hashes of the poorer clip; a strict rhythm can give more than LEAST_SHARED

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Landmarks:
    """Hashes of a clip and the frames at which they begin, both of shape (n,)."""

    hashes: Integers
    frames: Integers


@dataclass(frozen=True)
class Match:
    """Two clips that hold the same recording: what is at t in the first is at t + `offset` seconds in the second."""

    first: str
    second: str
    shared: int
    offset: float


def landmarks(samples: NDArray[np.int16]) -> Landmarks:
    """Landmarks of a clip at RATE Hz, shape (n,); a clip shorter than a frame has none."""
    if len(samples) < FRAME:
        return Landmarks(np.empty(0, np.int64), np.empty(0, np.int64))
    frames, bins = _peaks(_spectrogram(samples))
    hashes, starts = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    partners = np.zeros(len(frames), np.int64)
    for ahead in range(1, min(MOST_AHEAD, len(frames))):
        step, shift = frames[ahead:] - frames[:-ahead], bins[ahead:] - bins[:-ahead]
        chosen = (step > 1) & (step <= REACH) & (np.abs(shift) <= REACH) & (partners[:-ahead] < FAN)
        partners[:-ahead][chosen] += 1
        hashes.append((bins[:-ahead] << 13 | (shift + REACH) << 6 | step)[chosen])
        starts.append(frames[:-ahead][chosen])
    return Landmarks(np.concatenate(hashes), np.concatenate(starts))


def find_matches(clips: Mapping[str, Landmarks]) -> list[Match]:
    """Every pair of clips that holds one recording, sorted by name."""
    names = sorted(clips)
    if len(names) < 2:
        return []
    first, second, offset = _shared_hashes([clips[name] for name in names])
    best: dict[tuple[str, str], Match] = {}
    for shift in range(OFFSET_FRAMES):  # an offset on the edge of two bins falls into the middle of one or the other
        for a, b, at, shared in _counted(first, second, (offset + shift) // OFFSET_FRAMES):
            pair = (names[a], names[b])
            enough = SHARED_PART * min(len(clips[name].hashes) for name in pair)
            if shared >= max(enough, best[pair].shared if pair in best else 0):
                best[pair] = Match(*pair, shared, (at * OFFSET_FRAMES - shift) * STEP / RATE)
    return [best[pair] for pair in sorted(best)]


def _shared_hashes(clips: list[Landmarks]) -> tuple[Integers, Integers, Integers]:
    """Every hash that two clips share, as their numbers and the offset in frames between its places."""
    hashes = np.concatenate([clip.hashes for clip in clips])
    frames = np.concatenate([clip.frames for clip in clips])
    owner = np.repeat(np.arange(len(clips)), [len(clip.hashes) for clip in clips])
    order = np.lexsort((owner, hashes))
    hashes, frames, owner = hashes[order], frames[order], owner[order]
    found = [np.empty((3, 0), np.int64)]
    for ahead in range(1, MOST_AHEAD):  # equal hashes are adjacent now; more common hashes identify nothing
        same = (hashes[ahead:] == hashes[:-ahead]) & (owner[ahead:] != owner[:-ahead])
        first, second = np.flatnonzero(same), np.flatnonzero(same) + ahead
        found.append(np.stack([owner[first], owner[second], frames[second] - frames[first]]))
    first, second, offset = np.concatenate(found, axis=1)
    return first, second, offset


def _counted(first: Integers, second: Integers, offset: Integers) -> list[tuple[int, int, int, int]]:
    """(first, second, offset, count) of what occurs at least LEAST_SHARED times."""
    if not len(first):
        return []
    kinds, counts = np.unique(np.stack([first, second, offset]), axis=1, return_counts=True)
    often = counts >= LEAST_SHARED
    return [(int(a), int(b), int(at), int(n)) for (a, b, at), n in zip(kinds.T[often], counts[often], strict=True)]


def _spectrogram(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """Logarithm of the magnitude, shape (frames, FRAME // 2)."""
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float32), FRAME)[::STEP]
    magnitude = np.abs(np.fft.rfft(frames * np.hanning(FRAME).astype(np.float32)))[:, : FRAME // 2]
    spectrogram: NDArray[np.float32] = np.log(magnitude + 1).astype(np.float32)
    return spectrogram


def _peaks(spectrogram: NDArray[np.float32]) -> tuple[Integers, Integers]:
    """Frames and bins of the strongest local maxima, in order of time."""
    top = _running_max(_running_max(spectrogram, NEAR_FRAMES).T, NEAR_BINS).T
    frames, bins = np.nonzero((spectrogram == top) & (spectrogram > spectrogram.mean()))
    wanted = round(len(spectrogram) * STEP / RATE * PEAKS_PER_SECOND)
    strongest = np.sort(np.argsort(-spectrogram[frames, bins], kind="stable")[:wanted])
    return frames[strongest], bins[strongest]


def _running_max(values: NDArray[np.float32], near: int) -> NDArray[np.float32]:
    """Largest value within `near` rows on either side, by doubling."""
    width, reach = 2 * near + 1, 1
    padded = np.pad(values, ((near, near), (0, 0)), constant_values=-1)
    while 2 * reach <= width:
        padded, reach = np.maximum(padded[:-reach], padded[reach:]), 2 * reach
    largest: NDArray[np.float32] = np.maximum(
        padded[: len(values)], padded[width - reach : width - reach + len(values)]
    )
    return largest
