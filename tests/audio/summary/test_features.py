"""Summary features against plain librosa calls, and against the table that is published with GTZAN."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import median_filter

from ei_toolkit.audio.decode import read_clip
from ei_toolkit.audio.summary.analysis import running_median
from ei_toolkit.audio.summary.columns import EXTRACTORS
from ei_toolkit.audio.summary.features import summary_features
from ei_toolkit.audio.summary.spectra import RATE
from ei_toolkit.errors import DataError
from ei_toolkit.features.extract import plain_function

SAMPLES = 3 * RATE


def chord(seed: int = 0) -> Any:
    """Three seconds of a chord that decays twice a second, in noise, int16."""
    random, time_s = np.random.default_rng(seed), np.arange(SAMPLES) / RATE
    tones = sum(np.sin(2 * np.pi * pitch * time_s) for pitch in (220.0, 277.2, 329.6, 1760.0))
    sound = tones * np.exp(-6 * (time_s % 0.5)) / 8 + 0.02 * random.standard_normal(SAMPLES)
    return np.rint(sound * 32767).astype(np.int16)


@pytest.mark.exhaustive  # numba compiles functions of librosa for half a minute; tests of the parts call them daily
def test_207_features_are_those_of_plain_librosa_calls() -> None:
    samples = chord()
    found = summary_features(samples, "summary-207")
    expected = summary_features(samples, "summary-207", plain_function("summary-207"))
    assert len(found) == len(expected) == 207
    for name, value, plain in zip(EXTRACTORS["summary-207"], found, expected, strict=True):
        # the mean of differences is near zero, with roundings of 32-bit MFCC around 100
        around_zero = 1e-6 if "delta" in name else 1e-7 if "tonnetz" in name else 1e-9
        assert value == pytest.approx(plain, rel=1e-6, abs=around_zero), name


@pytest.mark.exhaustive  # numba compiles librosa.beat at its first import, for half a minute
def test_means_of_the_57_features_are_those_of_plain_librosa_calls_but_for_the_ends_of_the_signal() -> None:
    functions = (None, plain_function("summary-57"))
    found, plain = (summary_features(chord(), "summary-57", compute) for compute in functions)
    assert len(found) == len(plain) == 57
    for name, value, expected in zip(EXTRACTORS["summary-57"], found, plain, strict=True):
        if name.endswith("_mean"):  # of the separated signals, it is near zero
            assert value == pytest.approx(expected, rel=0.06, abs=1e-4 if name.startswith(("harm", "perc")) else 0.5)


@pytest.mark.parametrize("levels", [3, 1000])  # equal values, and hardly any
def test_a_running_median_is_that_of_scipy_with_mirrored_ends(levels: int) -> None:
    values = np.random.default_rng(1).integers(0, levels, (400, 70)).astype(np.float32)
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
