from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from ei_toolkit.audio.effects.augment import augment_window, check_augment
from ei_toolkit.config import AugmentSettings
from ei_toolkit.errors import ConfigurationError

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


@pytest.mark.parametrize(
    "settings",
    [
        AugmentSettings(noise_snr_db=(30.0, 5.0)),
        AugmentSettings(noise_snr_db=(5.0,)),
        AugmentSettings(room=1.5),
        AugmentSettings(rumble=-0.1),
        AugmentSettings(stretch=0.9),
        AugmentSettings(pitch_semitones=-1),
        AugmentSettings(copies=-1),
        AugmentSettings(gain_db=-3),
        AugmentSettings(tilt_db=-3),
    ],
)
def test_settings_that_cannot_be(settings: AugmentSettings) -> None:
    with pytest.raises(ConfigurationError, match=r"slice\.augment\."):
        check_augment(settings)
