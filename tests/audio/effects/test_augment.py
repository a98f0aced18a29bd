from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ei_toolkit.audio.effects.augment import augment_window
from ei_toolkit.config import AugmentSettings

Samples = NDArray[np.int16]
NOTHING = AugmentSettings(gain_db=0, noise_snr_db=(), room=0)
EVERYTHING = AugmentSettings(room=1, pitch_semitones=2, stretch=0.1, rumble=1, tilt_db=3)


def augmented(samples: Samples, settings: AugmentSettings, seed: int = 0) -> tuple[Samples, str]:
    return augment_window(samples, 16_000, settings, np.random.default_rng(seed))


def test_the_same_generator_gives_the_same_copy_and_words(music: Samples) -> None:
    (once, words), (again, same_words) = (augmented(music, EVERYTHING, 5) for _ in range(2))
    assert np.array_equal(once, again)
    assert words == same_words
    assert once.shape == music.shape


def test_the_words_name_all_that_was_done_in_order(music: Samples) -> None:
    words = [word.rstrip("0123456789.+-") for word in augmented(music, EVERYTHING)[1].split()]
    assert words[:5] == ["tempo", "pitch", "tilt", "speaker", "room"]
    assert words[5] in ("white", "pink")
    assert words[6:] == ["rumble", "offset", "gain"]


def test_nothing_asked_for_is_nothing_done(music: Samples) -> None:
    copy, words = augmented(music, NOTHING)
    assert np.array_equal(copy, music)
    assert words == ""


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        (replace(NOTHING, gain_db=20.0), "gain"),
        (replace(NOTHING, noise_snr_db=(5.0, 30.0)), ""),
        (replace(NOTHING, room=1.0), "speaker"),
        (replace(NOTHING, pitch_semitones=3.0), "pitch"),
        (replace(NOTHING, stretch=0.2), "tempo"),
        (replace(NOTHING, rumble=1.0), "rumble"),
        (replace(NOTHING, tilt_db=6.0), "tilt"),
    ],
)
def test_each_augmentation_works_by_itself(settings: AugmentSettings, word: str, music: Samples) -> None:
    copies = [augmented(music, settings, seed) for seed in range(4)]
    assert all(words.startswith(word) and words for _, words in copies)
    assert len({copy.tobytes() for copy, _ in copies} | {music.tobytes()}) == 5


def test_some_of_the_copies_have_a_room(music: Samples) -> None:
    filtered = ["room" in augmented(music, replace(NOTHING, room=0.3), seed)[1] for seed in range(200)]
    assert sum(filtered) == pytest.approx(60, abs=20)


def test_recorded_noise_is_used_and_named(tmp_path: Path, music: Samples) -> None:
    soundfile.write(tmp_path / "fridge.wav", 0.1 * np.random.default_rng(0).standard_normal(16_000), 16_000)
    settings = replace(NOTHING, noise_snr_db=(10.0, 10.0), noise_files=str(tmp_path))
    words = {augmented(music, settings, seed)[1] for seed in range(20)}
    assert words == {"white10.0", "pink10.0", "fridge10.0"}


LENGTHS = st.integers(1, 4000)


@settings(max_examples=30)
@given(LENGTHS, st.integers(0, 1000), st.sampled_from([0.0, 0.001, 1.0, 30.0]))
def test_a_window_of_any_length_and_loudness_keeps_its_length(n: int, seed: int, loudness: float) -> None:
    samples = np.clip(1000 * loudness * np.random.default_rng(seed).standard_normal(n), -32768, 32767).astype(np.int16)
    copy, words = augmented(samples, EVERYTHING, seed)
    assert (copy.dtype, copy.shape) == (np.int16, (n,))
    assert words.split()[-1].startswith("gain")


@given(st.integers(0, 10_000))
def test_the_gain_is_the_one_in_the_words(seed: int) -> None:
    samples = np.arange(-1000, 1000, dtype=np.int16)
    copy, words = augmented(samples, replace(NOTHING, gain_db=12.0), seed)
    gain_db = float(words.removeprefix("gain"))
    assert -12 <= gain_db <= 12
    assert np.abs(copy - samples * 10 ** (gain_db / 20)).max() <= 0.5 + 1000 * 10 ** (gain_db / 20) * 0.006


def test_a_gain_beyond_sixteen_bits_is_clipped_and_does_not_wrap() -> None:
    samples = np.array([-32768, -20_000, 0, 20_000, 32767], np.int16)
    for seed in range(40):
        copy, words = augmented(samples, replace(NOTHING, gain_db=40.0), seed)
        assert (np.sign(copy) == np.sign(samples)).all() or float(words.removeprefix("gain")) < -30


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_a_share_of_the_copies_has_rumble(share: float) -> None:
    settings, samples = replace(NOTHING, rumble=share), np.zeros(400, np.int16)
    words = [augmented(samples, settings, seed)[1] for seed in range(200)]
    assert sum("rumble" in word for word in words) == pytest.approx(200 * share, abs=20 if 0 < share < 1 else 0)


def test_the_offset_of_rumble_is_the_one_in_the_words() -> None:
    for seed in range(20):
        copy, words = augmented(np.zeros(800, np.int16), replace(NOTHING, rumble=1.0), seed)
        offset = int(words.split("offset")[1])
        assert -300 <= offset <= 300
        assert np.abs(copy - offset).max() <= 1  # rumble below silence is silence


def test_random_numbers_do_not_depend_on_the_samples() -> None:
    """So a window has the same augmentation whichever windows are cut before it."""
    one, other = (
        augmented(samples, EVERYTHING, 3)[1] for samples in (np.ones(2000, np.int16), np.zeros(2000, np.int16))
    )
    assert one == other
