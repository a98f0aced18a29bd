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
