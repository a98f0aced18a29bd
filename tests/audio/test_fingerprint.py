from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ei_toolkit.audio.decode import read_clip
from ei_toolkit.audio.fingerprint import RATE, find_matches, landmarks

Samples = NDArray[np.int16]


def melody(seed: int, seconds: float = 20.0) -> Samples:
    """Three voices of random notes."""
    rng = np.random.default_rng(seed)
    track = 30 * rng.standard_normal(round(seconds * RATE))
    t = np.arange(RATE // 2) / RATE
    for start in rng.integers(0, len(track) - len(t), 120):
        track[start : start + len(t)] += 2000 * np.sin(2 * np.pi * rng.uniform(150, 3500) * t) * np.exp(-4 * t)
    return np.clip(track, -32768, 32767).astype(np.int16)


def augmented(samples: Samples, how: str) -> Samples:
    noise = 0.3 * samples.std() * np.random.default_rng(0).standard_normal(len(samples))
    return {
        "as it is": samples,
        "quieter": (samples * 0.2).astype(np.int16),
        "noisy": np.clip(samples + noise, -32768, 32767).astype(np.int16),
        "clipped": np.clip(samples.astype(np.int32) * 4, -8000, 8000).astype(np.int16),
    }[how]


@pytest.mark.parametrize("how", ["as it is", "quieter", "noisy", "clipped"])
@pytest.mark.parametrize("later", [0.0, 5.0])
def test_another_excerpt_of_a_recording_is_known_again(how: str, later: float) -> None:
    whole = melody(1)
    part = augmented(whole[round(later * RATE) :], how)
    (match,) = find_matches({"a": landmarks(whole), "b": landmarks(part)})
    assert (match.first, match.second) == ("a", "b")
    assert match.offset == pytest.approx(-later, abs=0.07)


def test_other_recordings_are_not_confused() -> None:
    assert find_matches({str(seed): landmarks(melody(seed)) for seed in range(12)}) == []


@pytest.mark.parametrize("samples", [np.zeros(0, np.int16), np.zeros(80_000, np.int16), np.ones(1023, np.int16)])
def test_a_clip_without_sound_matches_nothing(samples: Samples) -> None:
    found = landmarks(samples)
    assert len(found.hashes) == len(found.frames) == 0
    assert find_matches({"a": found, "b": found}) == []
    assert find_matches({}) == []


@pytest.mark.gtzan
def test_real_clips_of_one_artist_are_not_confused(gtzan: Path) -> None:
    files = [*sorted((gtzan / "audio" / "classical").glob("*.flac"))[:10], *sorted((gtzan / "audio" / "pop").iterdir())]
    clips = {path.stem: read_clip(path, RATE) for path in files}
    clips["excerpt"] = clips["classical.00003"][10 * RATE :]
    (match,) = find_matches({name: landmarks(samples) for name, samples in clips.items()})
    assert (match.first, match.second) == ("classical.00003", "excerpt")


def test_two_pairs_of_clips_are_listed_by_name_with_their_offsets() -> None:
    one, other = melody(1), melody(2)
    clips = {"d": one[4 * RATE :], "a": one, "c": other, "b": other[3 * RATE :], "e": melody(3)}
    found = find_matches({name: landmarks(samples) for name, samples in clips.items()})
    assert [(match.first, match.second) for match in found] == [("a", "d"), ("b", "c")]
    assert [match.offset for match in found] == pytest.approx([-4, 3], abs=0.07)


def test_the_offset_changes_its_sign_with_the_order_of_the_names() -> None:
    whole, part = landmarks(melody(1)), landmarks(melody(1)[5 * RATE :])
    [one], [other] = find_matches({"a": whole, "b": part}), find_matches({"a": part, "b": whole})
    assert one.offset == pytest.approx(-other.offset, abs=0.07)
    assert abs(one.shared - other.shared) <= 0.1 * one.shared


def test_a_recording_within_another_one_is_found() -> None:
    rng = np.random.default_rng(4)
    song = melody(1, 12.0)
    mixed = np.clip(np.r_[melody(7, 5.0), song + 300 * rng.standard_normal(len(song))], -32768, 32767).astype(np.int16)
    (match,) = find_matches({"mixed": landmarks(mixed), "song": landmarks(song)})
    assert match.offset == pytest.approx(-5, abs=0.07)


def test_landmarks_are_in_the_clip_and_in_the_range_of_their_bits() -> None:
    samples = melody(1)
    found = landmarks(samples)
    assert found.hashes.shape == found.frames.shape
    assert found.frames.min() >= 0 and found.frames.max() * 256 < len(samples)
    step, bin_ = found.hashes & 63, found.hashes >> 13
    assert step.min() >= 2 and step.max() <= 63
    assert bin_.min() >= 0 and bin_.max() < 512
    _, partners = np.unique(np.stack([found.frames, bin_]), axis=1, return_counts=True)
    assert partners.max() <= 6


def test_one_clip_and_a_clip_of_one_tone_match_nothing() -> None:
    tone = (9000 * np.sin(2 * np.pi * 440 * np.arange(20 * RATE) / RATE)).astype(np.int16)
    assert find_matches({"a": landmarks(melody(1))}) == []
    assert find_matches({"a": landmarks(tone), "b": landmarks(melody(1))}) == []
