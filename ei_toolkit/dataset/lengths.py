"""Lengths of the clips of a folder, and the window that suits them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import fmean, median

from ei_toolkit.audio.decode import probe
from ei_toolkit.dataset.folder import Clip
from ei_toolkit.dataset.groups import KnownClip
from ei_toolkit.dataset.plan import Row, by_label_and_split
from ei_toolkit.errors import DataError

MOST_MEASURED = 1000
STEP_MS = 100  # a suggested window is a multiple of it
SHORTEST_MS = 100


@dataclass(frozen=True)
class Lengths:
    """Seconds of the clips that could be read, by name. `of` clips were asked for; more than MOST_MEASURED are not."""

    seconds: Mapping[str, float]
    of: int

    @property
    def is_estimate(self) -> bool:
        """Whether not all clips were measured."""
        return self.of > MOST_MEASURED


@dataclass(frozen=True)
class WindowSuggestion:
    """A window that suits the clips, and why."""

    window_ms: int
    hop_ms: int
    pad: bool
    reason: str


def measure_lengths(clips: Sequence[Clip], jobs: int) -> Lengths:
    """Read the lengths of clips from their headers; of many clips, those of MOST_MEASURED at equal distances."""
    step = -(-len(clips) // MOST_MEASURED) or 1
    chosen = clips[::step]
    with ThreadPoolExecutor(jobs) as pool:
        found = list(pool.map(_seconds, chosen))
    known = {clip.name: seconds for clip, seconds in zip(chosen, found, strict=True) if seconds is not None}
    return Lengths(known, len(clips))


def suggest_window(lengths: Lengths, window_ms: int, hop_ms: int) -> WindowSuggestion | None:
    """Return a window for clips that are mostly shorter than `window_ms`; None if the window suits them.

    The window is the median length, rounded down to STEP_MS. Clips that are shorter than it are to be padded.
    """
    if not lengths.seconds:
        return None
    middle = median(lengths.seconds.values())
    short = sum(seconds * 1000 < window_ms for seconds in lengths.seconds.values())
    if not short:
        return None
    if middle * 1000 >= window_ms:
        return WindowSuggestion(window_ms, hop_ms, True, f"{short} of {len(lengths.seconds)} clips are shorter")
    own = max(SHORTEST_MS, int(middle * 1000 + 0.5) // STEP_MS * STEP_MS)
    pad = any(seconds * 1000 < own for seconds in lengths.seconds.values())
    return WindowSuggestion(own, max(1, own // 2), pad, f"the clips last {middle:.2f} s (median)")


def rows_of_clips(clips: Sequence[KnownClip], lengths: Lengths) -> list[Row]:
    """Rows of labels and the splits of the layout; the seconds of clips that were not measured are estimated."""
    rows = []
    for (label, split), own in by_label_and_split(clips, lambda known: (known.clip.label, known.clip.split or "")):
        measured = [lengths.seconds[known.clip.name] for known in own if known.clip.name in lengths.seconds]
        seconds = fmean(measured) * len(own) if measured and lengths.is_estimate else sum(measured)
        rows.append(Row(label, split, 0, 0, len(own), len({known.group for known in own}), seconds))
    return rows


def _seconds(clip: Clip) -> float | None:
    try:
        return probe(clip.path)
    except (DataError, OSError):
        return None
