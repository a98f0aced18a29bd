"""The lines of a streamed recording, as firmware/audio_classifier/recording.h prints them. The lines are untrusted.

A line is accepted only if it has exactly the form of one of them and if its CRC-32 is right, so that no damaged sample
is ever used.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_BLOCK_SAMPLES = 2048
CHECKED = re.compile(r'(?P<text>\{"eitk":1,"(?:of|recording|recorded)":.*),"crc":(?P<crc>\d{1,10})\}')
LOOKS_LIKE_BLOCK = re.compile(r'"pcm"|"of":|"block":|"crc":|^[A-Za-z0-9+/=]{64,}')
BLOCK = re.compile(r'\{"eitk":1,"of":(\d{1,10}),"block":(\d{1,18}),"pcm":"([A-Za-z0-9+/]{0,5600}={0,2})"')
STARTED = re.compile(
    r'\{"eitk":1,"recording":(\d{1,10}),"samples":(\d{1,10}),"rate":(\d{1,6}),"gain":(\d{1,4}),"block_samples":(\d{1,4})'
)
ENDED = re.compile(
    r'\{"eitk":1,"recorded":(\d{1,10}),"samples":(\d{1,18}),"blocks":(\d{1,18}),"lost":(\d{1,18}),'
    r'"reason":"([a-z ]{1,40})"'
)


@dataclass(frozen=True)
class RecordingStarted:
    """The board has started recording `number` since its reset. `samples` is its length; 0 until it is stopped."""

    number: int
    samples: int
    rate: int
    gain: int
    block_samples: int


@dataclass(frozen=True)
class Block:
    """Block `number` of a recording, counted from 0. `samples` has the type int16 and the shape (n,)."""

    recording: int
    number: int
    samples: NDArray[np.int16]


@dataclass(frozen=True)
class RecordingEnded:
    """The recording has ended: `lost` blocks were overwritten on the board before they could be sent."""

    number: int
    samples: int
    blocks: int
    lost: int
    reason: str


@dataclass(frozen=True)
class DamagedLine:
    """A line that was one of a recording before it was damaged."""

    text: str


RecordingLine = RecordingStarted | Block | RecordingEnded | DamagedLine


def parse_recording_line(line: str) -> RecordingLine | None:
    """Return what a line contains; None for a line that is not part of a recording."""
    found = CHECKED.fullmatch(line)
    if found is None or zlib.crc32(found["text"].encode()) != int(found["crc"]):
        return DamagedLine(line) if LOOKS_LIKE_BLOCK.search(line) else None
    text = found["text"]
    if match := BLOCK.fullmatch(text):
        return _block(int(match[1]), int(match[2]), match[3]) or DamagedLine(line)
    if match := STARTED.fullmatch(text):
        started = RecordingStarted(*map(int, match.groups()))
        possible = 0 < started.block_samples <= MAX_BLOCK_SAMPLES and started.rate > 0
        return started if possible else DamagedLine(line)
    if match := ENDED.fullmatch(text):
        return RecordingEnded(int(match[1]), int(match[2]), int(match[3]), int(match[4]), match[5])
    return DamagedLine(line)


def _block(recording: int, number: int, text: str) -> Block | None:
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    if not data or len(data) % 2 or len(data) > 2 * MAX_BLOCK_SAMPLES:
        return None
    return Block(recording, number, np.frombuffer(data, "<i2").astype(np.int16))
