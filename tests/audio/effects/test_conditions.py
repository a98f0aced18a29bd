from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ei_toolkit.audio.effects.conditions import CONDITIONS, apply_condition, to_int16
from ei_toolkit.errors import ConfigurationError

Samples = NDArray[np.int16]


def test_the_conditions_are_these() -> None:
    assert CONDITIONS == (
        "gain-20", "gain-10", "gain+10", "gain+20",
        "white20", "white10", "white5", "pink20", "pink10", "pink5", "mic",
    )  # fmt: skip


@pytest.mark.parametrize("name", CONDITIONS)
def test_the_same_seed_gives_the_same_samples(name: str, music: Samples) -> None:
    once, again = (apply_condition(name, music, 16_000, seed=3) for _ in range(2))
    assert once.dtype == np.int16
    assert once.shape == music.shape
    assert np.array_equal(once, again)
    assert not np.array_equal(once, music)


@pytest.mark.parametrize("name", ["white10", "pink10", "mic"])
def test_another_seed_gives_other_samples(name: str, music: Samples) -> None:
    assert not np.array_equal(*(apply_condition(name, music, 16_000, seed) for seed in (1, 2)))


@pytest.mark.parametrize(("name", "gain"), [("gain-20", 0.1), ("gain-10", 10**-0.5)])
def test_less_gain_is_a_plain_factor(name: str, gain: float, music: Samples) -> None:
    assert np.abs(apply_condition(name, music, 16_000, 0) - np.rint(music * gain)).max() <= 1


def test_more_gain_clips_at_sixteen_bits(music: Samples) -> None:
    loud = apply_condition("gain+20", music, 16_000, 0)
    assert loud.max() == 32767
    assert loud.min() == -32768
    quiet = np.abs(music) < 3000
    assert np.abs(loud[quiet] - 10 * music[quiet].astype(int)).max() <= 1


@pytest.mark.parametrize(("name", "snr_db"), [("white20", 20), ("white5", 5), ("pink10", 10)])
def test_noise_is_at_its_named_ratio(name: str, snr_db: float, music: Samples) -> None:
    added = apply_condition(name, music, 16_000, 0).astype(float) - music
    assert 20 * np.log10(music.std() / added.std()) == pytest.approx(snr_db, abs=0.3)


def test_mic_varies_gain_offset_and_room(music: Samples) -> None:
    filtered = [apply_condition("mic", music, 16_000, seed).astype(float) for seed in range(30)]
    levels = [20 * np.log10(h.std() / music.std()) for h in filtered]
    assert min(levels) < -12
    assert max(levels) > 5
    assert {np.sign(h.mean().round()) for h in filtered} >= {-1.0, 1.0}


def test_an_unknown_condition_lists_the_known() -> None:
    with pytest.raises(ConfigurationError) as caught:
        apply_condition("underwater", np.zeros(10, np.int16), 16_000, 0)
    assert "pink20" in caught.value.hint


@settings(max_examples=40)
@given(st.sampled_from(CONDITIONS), st.integers(1, 2500), st.sampled_from([0, 1, 32767]), st.integers(0, 50))
def test_a_window_of_any_length_keeps_its_length_and_silence_stays_quiet(
    name: str, n: int, amplitude: int, seed: int
) -> None:
    samples = np.random.default_rng(seed).integers(-amplitude, amplitude + 1, n).astype(np.int16)
    found = apply_condition(name, samples, 16_000, seed)
    assert (found.dtype, found.shape) == (np.int16, (n,))
    if amplitude == 0:
        assert np.ptp(found) == 0 and abs(int(found[0])) <= 300  # a simulated microphone may have an offset


def test_the_same_seed_gives_each_condition_its_own_noise(music: Samples) -> None:
    added = [apply_condition(name, music, 16_000, 0).astype(float) - music for name in ("white20", "white10")]
    assert abs(np.corrcoef(*added)[0, 1]) < 0.1


@pytest.mark.parametrize(
    ("value", "rounded"),
    [(0.5, 0), (1.5, 2), (-0.5, 0), (1e9, 32767), (-1e9, -32768), (32767.4, 32767), (-32768.6, -32768)],
)
def test_sound_is_rounded_to_the_nearest_even_number_and_clipped(value: float, rounded: int) -> None:
    assert to_int16(np.array([value], np.float32)).tolist() == [rounded]


def test_samples_of_the_window_are_not_changed(music: Samples) -> None:
    before = music.copy()
    for name in CONDITIONS:
        apply_condition(name, music, 16_000, 1)
    assert np.array_equal(music, before)
