from __future__ import annotations

import io
import wave

import numpy as np
import soundfile
from numpy.typing import NDArray

from ei_toolkit.audio.wav import HEADER_BYTES, wav_bytes


def test_other_readers_get_the_samples_back(music: NDArray[np.int16]) -> None:
    data = wav_bytes(music, 16_000)
    samples, rate = soundfile.read(io.BytesIO(data), dtype="int16")
    assert rate == 16_000
    assert np.array_equal(samples, music)


def test_bytes_are_those_of_the_standard_library(music: NDArray[np.int16]) -> None:
    out = io.BytesIO()
    with wave.open(out, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(22_050)
        writer.writeframes(music.tobytes())
    assert wav_bytes(music, 22_050) == out.getvalue()


def test_header_has_the_length_that_others_count_on() -> None:
    assert len(wav_bytes(np.zeros(7, np.int16), 8000)) == HEADER_BYTES + 14
