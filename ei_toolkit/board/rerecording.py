"""Record a clip again with a board while it is played, and check that the recording is that clip."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.audio.alignment import Alignment, align, cut_aligned
from ei_toolkit.audio.level_meter import LevelMeter
from ei_toolkit.board.loudspeaker import SoundPath
from ei_toolkit.board.recording import BoardLines, BoardRecording
from ei_toolkit.config.boards import MICROPHONE_RATE_HZ
from ei_toolkit.errors import RefusedRecordingError

Samples = NDArray[np.int16]
SILENT_DBFS = -70.0  # of the recording of a clip that is not silent itself
MOST_CLIPPED = 0.001  # share of the samples
TRIES = 2


@dataclass(frozen=True)
class Rerecorded:
    """A clip as the board recorded it, sample by sample beside the original: int16 at 16 kHz.

    `before` is what it recorded in front of the clip.
    """

    samples: Samples
    before: Samples
    alignment: Alignment
    level_dbfs: float
    clipped: int
    gain: int


def rerecord(lines: BoardLines, path: SoundPath, original: Samples, played: Samples) -> Rerecorded:
    """Play `played`, the clip at the rate of the path, and record it; `original` is the same clip at 16 kHz.

    A recording that is refused is repeated once. Raises RefusedRecordingError, BoardError.
    """
    for attempt in range(1, TRIES + 1):
        try:
            return _rerecord_once(lines, path, original, played)
        except RefusedRecordingError:
            if attempt == TRIES:
                raise
    raise AssertionError("the last attempt returns or raises")


def _rerecord_once(lines: BoardLines, path: SoundPath, original: Samples, played: Samples) -> Rerecorded:
    length, pieces = path.recorded_samples(len(played)), list[Samples]()
    with BoardRecording(lines, length, classify_afterwards=False) as recording, ExitStack() as playing:
        if path.drives_microphone:
            playing.enter_context(path.playing(played))
        for piece in recording.pieces():
            if piece is None:
                continue
            if not pieces and not path.drives_microphone:
                playing.enter_context(path.playing(played))
            pieces.append(piece.samples)
    if recording.faults.lost:
        raise RefusedRecordingError(f"{recording.faults.lost:,} blocks were lost on the line")
    recorded = np.concatenate(pieces)
    return checked(original, recorded, recording.started.gain)


def checked(original: Samples, recorded: Samples, gain: int) -> Rerecorded:
    """Return the part of a recording that is the clip. Raises RefusedRecordingError if it is not usable."""
    whole = _level(recorded)
    if whole.mean_dbfs < SILENT_DBFS <= _level(original).mean_dbfs:
        raise RefusedRecordingError(f"the recording is silent: {whole.mean_dbfs:.0f} dBFS", silent=True)
    if whole.clipped > MOST_CLIPPED * len(recorded) and whole.clipped > 2 * _level(original).clipped:
        share = 100 * whole.clipped / len(recorded)
        raise RefusedRecordingError(f"{share:.1f} % of the samples are clipped: lower the volume")
    alignment = align(original, recorded, MICROPHONE_RATE_HZ)
    if not alignment.is_match:
        raise RefusedRecordingError(f"the recording is not this clip: {alignment.agreement:.0%} of it agree")
    samples = cut_aligned(recorded, alignment, len(original))
    level = _level(samples)
    return Rerecorded(
        samples, recorded[: max(0, round(alignment.offset))], alignment, level.mean_dbfs, level.clipped, gain
    )


def _level(samples: Samples) -> LevelMeter:
    meter = LevelMeter(MICROPHONE_RATE_HZ)
    meter.add(samples)
    return meter
