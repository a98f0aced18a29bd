from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ei_toolkit.audio.effects.microphone import SimulatedMicrophone, draw_microphone, simulate_microphone
from ei_toolkit.audio.effects.room import BANK, draw_room, response

RATE = 16_000


def noise(n: int = 48_000) -> NDArray[np.float32]:
    return (1000 * np.random.default_rng(0).standard_normal(n)).astype(np.float32)


def level_db(signal: NDArray[np.float32], low: float, high: float) -> float:
    power = np.abs(np.fft.rfft(signal)) ** 2
    hz = np.fft.rfftfreq(len(signal), 1 / RATE)
    return float(10 * np.log10(power[(hz >= low) & (hz < high)].mean()))


def test_a_small_loudspeaker_gives_no_bass() -> None:
    filtered = simulate_microphone(noise(), RATE, SimulatedMicrophone(300, 9000, 1000, 0, room=1))
    assert level_db(filtered, 30, 60) < level_db(filtered, 1000, 2000) - 20


def test_loudness_stays_so_that_only_gain_changes_it() -> None:
    signal = noise()
    filtered = simulate_microphone(signal, RATE, draw_microphone(np.random.default_rng(1)))
    assert np.linalg.norm(filtered) == pytest.approx(np.linalg.norm(signal), rel=1e-4)


def test_no_chain_and_no_tilt_change_nothing() -> None:
    assert simulate_microphone(noise(), RATE, None) == pytest.approx(noise(), abs=0.01)


def test_filters_are_those_of_their_formulas() -> None:
    click = np.zeros(48_000, np.float32)
    click[0] = 1
    chain = SimulatedMicrophone(200, 6000, 800, 5, room=3)
    hz = np.fft.rfftfreq(48_000, 1 / RATE)[1:]
    speaker = 1 / np.sqrt((1 + (200 / hz) ** 4) * (1 + (hz / 6000) ** 4))
    microphone = 1 / np.sqrt((1 + (40 / hz) ** 4) * (1 + (hz / 7600) ** 12))
    peak = 10 ** (5 * np.exp(-4 * np.log2(hz / 800) ** 2) / 20)
    room = np.fft.rfft(response(draw_room(3), RATE), 48_000)[1:]
    expected = np.abs(room * speaker * microphone * peak)
    found = np.abs(np.fft.rfft(simulate_microphone(click, RATE, chain)))[1:]
    assert found / found.max() == pytest.approx(expected / expected.max(), abs=1e-4)


def test_what_sounds_at_the_end_rings_on_at_the_start() -> None:
    click = np.zeros(48_000, np.float32)
    click[-10] = 1000
    filtered = np.abs(simulate_microphone(click, RATE, SimulatedMicrophone(100, 9000, 500, 0, room=2)))
    assert filtered[:2000].max() > 10 * filtered[20_000:30_000].max()


def test_a_silent_window_stays_silent() -> None:
    assert not simulate_microphone(np.zeros(4800, np.float32), RATE, draw_microphone(np.random.default_rng(1))).any()


@pytest.mark.parametrize("tilt_db", [-6.0, 6.0])
def test_tilt_raises_the_treble_over_the_bass(tilt_db: float) -> None:
    bent = simulate_microphone(noise(), RATE, None, tilt_db)
    assert level_db(bent, 7000, 8000) - level_db(bent, 55, 70) == pytest.approx(tilt_db, abs=1.5)


def test_loudspeakers_are_small_and_their_rooms_are_in_the_bank() -> None:
    drawn = [draw_microphone(np.random.default_rng(seed)) for seed in range(300)]
    assert all(80 <= m.low_hz <= 400 and 5000 <= m.high_hz <= 12_000 and -6 <= m.resonance_db <= 6 for m in drawn)
    assert all(1.2 <= m.resonance_hz / m.low_hz <= 8 and 0 <= m.room < BANK for m in drawn)
    assert len({m.room for m in drawn}) > 50


def test_the_words_of_a_microphone_are_short_and_have_no_blank_in_a_word() -> None:
    assert str(SimulatedMicrophone(123.4, 5678.9, 1, 2, 7)) == "speaker123-5679 room7"


@given(st.integers(1, 3000), st.floats(-24, 24), st.integers(0, 1000))
@settings(max_examples=30)
def test_a_signal_of_any_length_is_filtered_without_wild_values(n: int, tilt_db: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    signal = random.normal(0, 1000, n).astype(np.float32)
    filtered = simulate_microphone(signal, RATE, draw_microphone(random), tilt_db)
    assert filtered.shape == (n,) and filtered.dtype == np.float32 and np.isfinite(filtered).all()


def test_a_constant_offset_does_not_pass_the_microphone() -> None:
    filtered = simulate_microphone(noise() + 5000, RATE, SimulatedMicrophone(100, 9000, 500, 0, room=2))
    assert abs(filtered.mean()) < 1


@pytest.mark.parametrize("tilt_db", [-12.0, 3.0])
def test_a_tilt_is_half_up_and_half_down_around_the_middle(tilt_db: float) -> None:
    click = np.zeros(16_000, np.float32)
    click[0] = 1
    gain = np.abs(np.fft.rfft(simulate_microphone(click, RATE, None, tilt_db)))
    decibels = 20 * np.log10(gain / gain[707])  # the geometric mean of 62.5 Hz and 8000 Hz
    assert decibels[62] == pytest.approx(-tilt_db / 2, abs=0.05)
    assert decibels[8000] == pytest.approx(tilt_db / 2, abs=0.05)
    assert decibels[30] == pytest.approx(decibels[62], abs=1e-4)  # outside of the octaves it does not go on
