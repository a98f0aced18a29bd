"""The cache of computed features, and features of several blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.impulse import ProcessingBlock
from ei_toolkit.studio.jobs import features
from ei_toolkit.studio.jobs.features import ComputedFeatures, FeatureCache, concatenate_features
from ei_toolkit.studio.jobs.windows import WindowInfo
from ei_toolkit.studio.store.samples import Sample

WINDOW = {"windowSizeMs": 100, "windowIncreaseMs": 50, "frequencyHz": 16000, "padZeros": True}
DSP = {"type": "mfe", "axes": ["audio"], "implementationVersion": 4}
BLOCK = ProcessingBlock(2, 1, DSP, WINDOW, {"fft_length": "64"})
SAMPLE = Sample(
    id=1, project=1, category="training", filename="a", suffix=".wav", label="rock", label_type="label",
    structured_labels=None, metadata={}, sha256="a" * 64, format="wav", interval_ms=0.0625,
    sensors=(("audio", "wav"),), values_count=1600, length_ms=100.0, device_name=None, device_type="", source="",
    disabled=False, created="", modified="", pack=None, start=0, size=-1,
)  # fmt: skip
VALUES = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[FeatureCache]:
    opened = FeatureCache(tmp_path)
    yield opened
    opened.close()


def fail() -> Any:
    raise AssertionError("these features are cached")


def test_features_are_computed_once_for_equal_content_and_settings(cache: FeatureCache, tmp_path: Path) -> None:
    np.testing.assert_array_equal(cache.get(SAMPLE, BLOCK, lambda: VALUES), VALUES)
    relabelled = replace(SAMPLE, id=9, label="jazz", category="testing", filename="b")
    np.testing.assert_array_equal(cache.get(relabelled, BLOCK, fail), VALUES)
    reopened = FeatureCache(tmp_path)
    np.testing.assert_array_equal(reopened.get(SAMPLE, replace(BLOCK, id=7), fail), VALUES)
    reopened.close()
    assert (cache.hits, cache.misses) == (1, 1)


@pytest.mark.parametrize(
    ("sample", "block"),
    [
        (replace(SAMPLE, sha256="b" * 64), BLOCK),
        (replace(SAMPLE, interval_ms=0.125), BLOCK),
        (SAMPLE, replace(BLOCK, config={"fft_length": "128"})),
        (SAMPLE, replace(BLOCK, window={**WINDOW, "windowIncreaseMs": 25})),
        (SAMPLE, replace(BLOCK, window={**WINDOW, "padZeros": False})),
        (SAMPLE, replace(BLOCK, document={**DSP, "implementationVersion": 3})),
        (SAMPLE, replace(BLOCK, document={**DSP, "axes": ["other"]})),
    ],
)
def test_other_content_or_settings_are_computed_again(
    cache: FeatureCache, sample: Sample, block: ProcessingBlock
) -> None:
    cache.get(SAMPLE, BLOCK, lambda: VALUES)
    np.testing.assert_array_equal(cache.get(sample, block, lambda: VALUES + 1), VALUES + 1)
    assert (cache.hits, cache.misses) == (0, 2)


def test_a_sample_without_windows_is_cached_too(cache: FeatureCache) -> None:
    empty = np.empty((0, 0), np.float32)
    assert cache.get(SAMPLE, BLOCK, lambda: empty).shape == (0, 0)
    assert cache.get(SAMPLE, BLOCK, fail).shape == (0, 0)


def test_a_cache_that_exceeds_its_largest_size_is_emptied(cache: FeatureCache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.get(SAMPLE, BLOCK, lambda: VALUES)
    cache.trim()
    cache.get(SAMPLE, BLOCK, fail)
    monkeypatch.setattr(features, "LARGEST_CACHE_BYTES", 0)
    cache.trim()
    assert cache.get(SAMPLE, BLOCK, lambda: VALUES * 2).sum() == 2 * VALUES.sum()


def computed(samples: list[int], columns: int) -> ComputedFeatures:
    windows = [WindowInfo(sample, 0.0, 100.0, "rock") for sample in samples]
    x = np.arange(len(samples) * columns, dtype=np.float32).reshape(len(samples), columns)
    return ComputedFeatures(x, windows, 1, columns)


def test_features_of_several_blocks_are_joined_for_each_window(tmp_path: Path) -> None:
    joined = concatenate_features([computed([1, 1, 2], 2), computed([1, 1, 2], 3)], tmp_path)
    assert joined.shape == (3, 5)
    assert joined[2].tolist() == [4, 5, 6, 7, 8]
    with pytest.raises(ApiError, match="different numbers of windows"):
        concatenate_features([computed([1], 2), computed([1, 2], 2)], tmp_path)


def test_the_windows_of_deleted_samples_are_removed() -> None:
    part = computed([1, 2, 1, 3], 1)
    kept = part.without(frozenset({1}))
    assert [window.sample for window in kept.windows] == [2, 3] and kept.x.tolist() == [[1], [3]]
    assert part.without(frozenset({9})) is part
