from __future__ import annotations

import io
import wave

import numpy as np
import soundfile
from hypothesis import given
from hypothesis import strategies as st
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


@given(st.lists(st.integers(-32768, 32767), max_size=50), st.integers(1, 192_000))
def test_any_samples_are_read_back_by_the_standard_library(samples: list[int], rate: int) -> None:
    with wave.open(io.BytesIO(wav_bytes(np.array(samples, np.int16), rate))) as reader:
        assert reader.getparams()[:4] == (1, 2, rate, len(samples))
        assert np.frombuffer(reader.readframes(len(samples)), "<i2").tolist() == samples


def test_the_byte_order_of_the_array_does_not_matter() -> None:
    assert wav_bytes(np.array([1, -2, 300], ">i2"), 8000) == wav_bytes(np.array([1, -2, 300], "<i2"), 8000)


def test_every_second_sample_of_an_array_is_written_as_it_is_seen() -> None:
    whole = np.arange(10, dtype=np.int16)
    assert wav_bytes(whole[::2], 8000) == wav_bytes(whole[::2].copy(), 8000)
