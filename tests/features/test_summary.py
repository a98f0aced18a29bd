"""Summary features against plain librosa calls, and against the table that is published with GTZAN."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import pytest
from librosa.effects import hpss
from librosa.onset import onset_strength
from scipy.ndimage import median_filter
from scipy.stats import skew

from ei_toolkit.audio.decode import read_clip
from ei_toolkit.errors import DataError
from ei_toolkit.features.analysis import running_median
from ei_toolkit.features.columns import EXTRACTORS
from ei_toolkit.features.spectra import RATE
from ei_toolkit.features.summary import summary_features

SAMPLES = 3 * RATE


def chord(seed: int = 0) -> Any:
    """Three seconds of a chord that decays twice a second, in noise, int16."""
    random, time_s = np.random.default_rng(seed), np.arange(SAMPLES) / RATE
    tones = sum(np.sin(2 * np.pi * pitch * time_s) for pitch in (220.0, 277.2, 329.6, 1760.0))
    sound = tones * np.exp(-6 * (time_s % 0.5)) / 8 + 0.02 * random.standard_normal(SAMPLES)
    return np.rint(sound * 32767).astype(np.int16)


def plain_207(y: Any) -> dict[str, float]:
    """What a notebook computes, one call of librosa after another."""
    feature = librosa.feature
    harmonic, percussive = hpss(y)
    rms, centroid = feature.rms(y=y), feature.spectral_centroid(y=y)
    mel, mfcc = feature.melspectrogram(y=y).mean(axis=1), feature.mfcc(y=y, n_mfcc=13)
    found = {
        "rms": rms.mean(), "zero_crossing_rate": feature.zero_crossing_rate(y).mean(),
        "spectral_centroid": centroid.mean(), "spectral_bandwidth": feature.spectral_bandwidth(y=y).mean(),
        "rolloff": feature.spectral_rolloff(y=y).mean(), "spectral_flatness": feature.spectral_flatness(y=y).mean(),
        "harmonic_power": np.mean(harmonic**2), "percussive_power": np.mean(percussive**2),
        "spectral_centroid_skewness": skew(centroid[0]), "harmonic_rms": feature.rms(y=harmonic).mean(),
        "silence_ratio": np.sum(rms < 0.01) / len(y),
        "tempo": feature.tempo(onset_envelope=onset_strength(y=y, aggregate=np.median))[0],
        "mel_1_to_40": mel[:40].mean(), "mel_41_to_80": mel[40:80].mean(), "mel_81_to_128": mel[80:].mean(),
    }  # fmt: skip
    groups = {
        "spectral_contrast": feature.spectral_contrast(y=y).mean(axis=1), "mfcc": mfcc.mean(axis=1),
        "mfcc_delta_": feature.delta(mfcc).mean(axis=1), "mfcc_delta2_": feature.delta(mfcc, order=2).mean(axis=1),
        "chroma": feature.chroma_stft(y=y).mean(axis=1), "tonnetz": feature.tonnetz(y=harmonic).mean(axis=1),
        "mel": mel,
    }  # fmt: skip
    return found | {f"{name}{i}": value for name, values in groups.items() for i, value in enumerate(values, 1)}


def test_207_features_are_those_of_plain_librosa_calls() -> None:
    samples = chord()
    found = dict(zip(EXTRACTORS["summary-207"], summary_features(samples, "summary-207"), strict=True))
    expected = plain_207(samples.astype(np.float32) / 32768)
    assert found.keys() == expected.keys()
    assert len(found) == 207
    for name, value in found.items():  # the mean of differences is near zero, with roundings of 32-bit MFCC around 100
        around_zero = 1e-6 if "delta" in name else 1e-9
        assert value == pytest.approx(expected[name], rel=1e-6, abs=around_zero), name


def test_a_running_median_is_that_of_scipy_with_mirrored_ends() -> None:
    values = np.random.default_rng(1).random((5, 70)).astype(np.float32)
    np.testing.assert_array_equal(running_median(values), median_filter(values, size=(1, 31), mode="reflect"))


@pytest.mark.parametrize("extractor", EXTRACTORS)
@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (np.ones(RATE // 2, np.int16), "shorter than 1 s, which the features need at least"),
        (np.zeros(RATE, np.int16), "silent"),
    ],
)
def test_what_has_no_features_is_an_error(extractor: str, samples: Any, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        summary_features(samples, extractor)


def published(gtzan: Path) -> dict[str, dict[str, str]]:
    with (gtzan / "ten-genres/features_30_sec.csv").open(encoding="utf-8") as file:
        return {row["filename"].removesuffix(".wav"): row for row in csv.DictReader(file)}


def check_against_published(clip: Path, row: dict[str, str]) -> None:
    """Compare all columns; means of the separated signals are rounding errors around zero."""
    found = summary_features(read_clip(clip, RATE), "summary-57")
    for column, value in zip(EXTRACTORS["summary-57"], found, strict=True):
        expected = float(row[column])
        if column in ("tempo", "zero_crossing_rate_mean", "zero_crossing_rate_var"):
            assert value == pytest.approx(expected, rel=1e-12), (clip.stem, column)
        elif column.startswith("mfcc") and column.endswith("_mean"):
            assert value == pytest.approx(expected, abs=1e-4), (clip.stem, column)
        else:
            around_zero = 1e-8 if column in ("harmony_mean", "perceptr_mean") else 0
            assert value == pytest.approx(expected, rel=5e-5, abs=around_zero), (clip.stem, column)


@pytest.mark.gtzan
@pytest.mark.parametrize("clip", ["rock/rock.00008", "classical/classical.00066"])
def test_57_features_are_those_of_the_published_table(gtzan: Path, clip: str) -> None:
    check_against_published(gtzan / f"audio/{clip}.flac", published(gtzan)[Path(clip).name])


@pytest.mark.gtzan
@pytest.mark.exhaustive
def test_57_features_of_all_clips_are_those_of_the_published_table(gtzan: Path) -> None:
    rows = published(gtzan)
    for clip in sorted((gtzan / "audio").glob("*/*.flac")):
        check_against_published(clip, rows[clip.stem])
