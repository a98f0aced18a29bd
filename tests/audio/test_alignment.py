"""A recording is aligned with what was played: delay, drift of the clocks, loudspeaker and room."""

from __future__ import annotations

import numpy as np
import pytest

from ei_toolkit.audio.alignment import align, cut_aligned, interpolate
from ei_toolkit.board.emulator.microphone import MicStream
from ei_toolkit.board.loudspeaker import LEAD_S, SimulatedSound

RATE = 16_000


def music(seconds: float, seed: int = 1) -> np.ndarray:
    """Noise of changing level and colour with tones, so that no part of it repeats."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * RATE)) / RATE
    noise = np.convolve(rng.normal(size=len(time_s)), [1, 0.7, 0.3], "same")
    tones = sum(np.sin(2 * np.pi * pitch * time_s) for pitch in rng.uniform(200, 3000, 4))
    envelope = np.interp(time_s, np.arange(0, seconds + 1, 0.2), rng.uniform(0.1, 1, int(5 * seconds) + 5))
    return (2500 * envelope * (noise + tones)).clip(-32768, 32767).astype(np.int16)


def strings(seconds: float, seed: int) -> np.ndarray:
    """Chords of held notes with hardly any noise, whose waveform nearly repeats."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * RATE)) / RATE
    sound = rng.normal(size=len(time_s)) * 0.01
    for start in np.arange(0, seconds, 0.75):
        held = np.clip((time_s - start) / 0.1, 0, 1) * np.clip((start + 0.9 - time_s) / 0.15, 0, 1)
        for pitch in rng.choice([220, 262, 294, 330, 392, 440, 523], 3, replace=False):
            for harmonic in range(1, 9):
                phase = rng.uniform(0, 6)
                sound += held * np.sin(2 * np.pi * harmonic * pitch * time_s + phase) / harmonic**1.5
    return (1500 * sound).clip(-32768, 32767).astype(np.int16)


def simulated(room: int | None = None, drift_ppm: float = 0.0) -> SimulatedSound:
    return SimulatedSound(MicStream("host", 0, ""), room, drift_ppm)


def test_a_recording_without_drift_is_cut_out_unchanged() -> None:
    played = music(3)
    recorded = simulated().at_the_microphone(played)
    found = align(played, recorded, RATE)
    assert (found.offset, found.agreement) == (pytest.approx(LEAD_S * RATE, abs=0.01), 1)
    np.testing.assert_array_equal(cut_aligned(recorded, found, len(played)), played)


@pytest.mark.parametrize(
    ("seconds", "room", "drift_ppm"), [(3, None, -200), (3, 1, 200), (3, 2, -200), (3, 3, 200), (10, 4, 200)]
)
def test_delay_and_drift_are_found_through_loudspeaker_and_room(
    seconds: float, room: int | None, drift_ppm: float
) -> None:
    played = music(seconds)
    found = align(played, simulated(room, drift_ppm).at_the_microphone(played), RATE)
    ratio = 1 + drift_ppm * 1e-6
    for sample in (0, len(played)):  # within 0.2 ms at both ends
        expected = (LEAD_S * RATE + sample) * ratio
        assert found.offset + sample * (1 + found.drift_ppm * 1e-6) == pytest.approx(expected, abs=3.2)
    assert found.is_match


@pytest.mark.parametrize("seed", range(4))
def test_held_notes_are_found_at_their_place_and_not_at_the_limits_of_the_search(seed: int) -> None:
    played, drift_ppm = strings(3, seed), 200 * (-1) ** seed
    found = align(played, simulated(seed, drift_ppm).at_the_microphone(played), RATE)
    assert found.agreement == 1
    assert found.drift_ppm == pytest.approx(drift_ppm, abs=10)
    assert found.offset == pytest.approx(LEAD_S * RATE * (1 + drift_ppm * 1e-6), abs=0.5)


def test_drift_is_corrected() -> None:
    played = music(4)
    recorded = simulated(None, 200).at_the_microphone(played)
    corrected = cut_aligned(recorded, align(played, recorded, RATE), len(played))
    again = align(played, np.concatenate([np.zeros(800, np.int16), corrected, np.zeros(800, np.int16)]), RATE)
    assert abs(again.drift_ppm) < 10 and again.offset == pytest.approx(800, abs=0.2)
    error = corrected.astype(float) - played
    assert np.sqrt(np.mean(error**2)) < 0.1 * np.sqrt(np.mean(played.astype(float) ** 2))


@pytest.mark.parametrize("seconds", [1, 3, 8])
def test_another_sound_is_no_match(seconds: float) -> None:
    recorded = simulated(1).at_the_microphone(music(seconds, seed=2))
    assert not align(music(seconds), recorded, RATE).is_match


def test_silence_is_no_match() -> None:
    silence = np.zeros(4 * RATE, np.int16)
    assert not align(music(2), silence, RATE).is_match
    assert not align(silence[: 2 * RATE], silence, RATE).is_match


def test_interpolation_is_exact_at_the_samples_and_close_between_them() -> None:
    wave = np.sin(2 * np.pi * 0.05 * np.arange(400))
    np.testing.assert_allclose(interpolate(wave, np.arange(400.0)), wave, atol=1e-12)
    between = np.arange(50, 350) + 0.37
    np.testing.assert_allclose(interpolate(wave, between), np.sin(2 * np.pi * 0.05 * between), atol=1e-4)
    assert interpolate(wave, np.array([-500.0, 900.0])).tolist() == pytest.approx([0, 0], abs=0.1)
