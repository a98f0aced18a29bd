"""Stretches of sound between long silences, found with pydub."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

LONGEST_PAUSE_MS = 500  # a shorter silence belongs to the sound around it
STEP_MS = 20  # between the places at which a silence may begin
KEPT_MS = 100  # of the silence before and after a sound
SILENT_DBFS = -60.0  # RMS of LONGEST_PAUSE_MS, relative to full scale


def sound_stretches(samples: NDArray[np.int16], sample_rate: int) -> list[tuple[int, int]]:
    """Return the stretches between silences of LONGEST_PAUSE_MS and more, as (first sample, sample behind the last).

    `samples` has one channel. LONGEST_PAUSE_MS of a signal are silent where their RMS level is at most SILENT_DBFS.
    KEPT_MS of silence stay on either side of a stretch.
    """
    with warnings.catch_warnings(action="ignore"):  # of a missing ffmpeg, which is not needed here
        from pydub import AudioSegment
        from pydub.silence import detect_nonsilent
    segment = AudioSegment(samples.tobytes(), frame_rate=sample_rate, sample_width=samples.itemsize, channels=1)
    found = detect_nonsilent(segment, LONGEST_PAUSE_MS, SILENT_DBFS, STEP_MS)
    starts = (max(0, start - KEPT_MS) * sample_rate // 1000 for start, _ in found)
    ends = (len(samples) if end == len(segment) else (end + KEPT_MS) * sample_rate // 1000 for _, end in found)
    return [(start, min(end, len(samples))) for start, end in zip(starts, ends, strict=True) if start < end]
