"""The level of sound while it is recorded, and cuts at its silences."""

from __future__ import annotations

import numpy as np
import pytest

from ei_toolkit.audio.level_meter import LevelMeter
from ei_toolkit.audio.silence_splitter import SilenceSplitter

RATE = 16_000


def tone(seconds: float, amplitude: float, offset: int = 0) -> np.ndarray:
    wave = amplitude * np.sin(2 * np.pi * 440 * np.arange(round(seconds * RATE)) / RATE)
    return np.clip(np.rint(wave + offset), -32768, 32767).astype(np.int16)


def metered(*parts: np.ndarray) -> LevelMeter:
    meter = LevelMeter(RATE)
    for part in parts:
        meter.add(part)
    return meter


def test_the_level_is_that_of_a_sine_without_its_offset() -> None:
    meter = metered(tone(1, 3276.8, offset=300))
    assert meter.level_dbfs == pytest.approx(-23.01, abs=0.02)
    assert meter.mean_dbfs == pytest.approx(-23.01, abs=0.02)
    assert meter.peak == pytest.approx(3577, abs=2)
    assert meter.bar() == "[############--------] -23 dBFS"


def test_clipping_needs_more_than_single_samples() -> None:
    loud = tone(0.1, 3000)
    loud[:3] = 32767
    assert not metered(loud).is_clipped
    loud[3] = -32768
    assert metered(loud).is_clipped
    assert metered(loud).bar().endswith(" CLIPPED")


def test_silence_counts_from_its_beginning() -> None:
    silence = np.full(RATE, 40, np.int16)  # a constant offset is no sound
    assert not metered(tone(1, 3000), silence).is_silent
    assert metered(tone(1, 3000), silence, silence).is_silent
    assert not metered(silence, silence, tone(0.2, 3000)).is_silent
    assert metered(np.zeros(RATE, np.int16)).bar() == f"[{'-' * 20}] silent"


def split(sound: np.ndarray, chunk: int, longest_s: float = 60) -> list[np.ndarray]:
    splitter = SilenceSplitter(RATE, -50, longest_s)
    found = [one for start in range(0, len(sound), chunk) for one in splitter.add(sound[start : start + chunk])]
    return found + splitter.finish()


@pytest.mark.parametrize("chunk", [256, 1000, 100_000])
def test_sound_is_cut_at_long_silences(chunk: int) -> None:
    silence, first, second = np.zeros(RATE, np.int16), tone(1, 5000), tone(0.5, 9000)
    short = silence[: RATE // 5]
    found = split(np.concatenate([silence, first, short, first, silence, second, silence]), chunk)
    kept = silence[: RATE // 10]
    for one, sound in zip(found, ([first, short, first], [second]), strict=True):
        np.testing.assert_array_equal(one, np.concatenate([kept, *sound, kept]))


def test_a_sound_without_an_end_has_a_limit_and_a_click_is_none() -> None:
    sound = tone(5, 5000)
    assert [len(one) / RATE for one in split(sound, 512, longest_s=2)] == [2, 2, 1]
    click = np.zeros(2 * RATE, np.int16)
    click[1000:1100] = 20_000
    assert split(click, 512) == []


def test_what_is_in_front_of_a_gap_is_forgotten() -> None:
    splitter = SilenceSplitter(RATE, -50, 60)
    assert splitter.add(tone(1, 5000)) == []
    splitter.discard()
    assert splitter.finish() == []
