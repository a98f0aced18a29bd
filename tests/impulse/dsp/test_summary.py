"""Processing blocks of summary features: those of the extractors, for windows at any rate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ei_toolkit.audio.clip_level import full_scale
from ei_toolkit.audio.summary.columns import EXTRACTORS
from ei_toolkit.audio.summary.features import summary_features
from ei_toolkit.audio.summary.spectra import RATE
from ei_toolkit.config import DspBlock, Settings
from ei_toolkit.eon.library import LibraryDspBlock
from ei_toolkit.eon.library.blocks import block_code
from ei_toolkit.errors import ConfigurationError
from ei_toolkit.impulse import dsp
from ei_toolkit.impulse.features import feature_count, impulse_features


def tone(rate: int) -> Any:
    time_s = np.arange(2 * rate) / rate
    return np.rint(9000 * np.sin(2 * np.pi * 440 * time_s) * np.exp(-4 * (time_s % 0.5))).astype(np.int16)


@pytest.mark.parametrize("extractor", EXTRACTORS)
def test_a_window_has_the_features_of_the_extractor(extractor: str) -> None:
    found = dsp.run(extractor, tone(RATE), RATE, 1)
    np.testing.assert_array_equal(found, summary_features(tone(RATE), extractor))
    assert dsp.output_shape(extractor, 2 * RATE, RATE, 1) == (1, len(found))
    assert dsp.describe(extractor).feature_names == EXTRACTORS[extractor]


def test_the_peak_is_set_to_full_scale_if_wanted() -> None:
    found = dsp.run("summary-57", tone(RATE) // 3, RATE, 1, normalise="true")
    np.testing.assert_array_equal(found, summary_features(full_scale(tone(RATE) // 3), "summary-57"))


def test_another_rate_is_converted() -> None:
    found = dict(zip(EXTRACTORS["summary-57"], dsp.run("summary-57", tone(16_000), 16_000, 1), strict=True))
    expected = dict(zip(EXTRACTORS["summary-57"], summary_features(tone(RATE), "summary-57"), strict=True))
    for name in ("rms_mean", "zero_crossing_rate_mean", "tempo"):
        assert found[name] == pytest.approx(expected[name], rel=0.02)


def test_a_silent_window_has_features_of_zero_between_others() -> None:
    windows = np.stack([tone(RATE), np.zeros(2 * RATE, np.int16), tone(RATE)])
    found = dsp.run_many("summary-57", windows, RATE, 1)
    assert not found[1].any()
    np.testing.assert_array_equal(found[0], found[2])
    assert found[0].any()


def test_a_window_that_is_too_short_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"a window of 0.5 s is too short for the summary-57 block") as caught:
        dsp.output_shape("summary-57", RATE // 2, RATE, 1)
    assert caught.value.hint == "Set slice.window_ms to 1000 or more."


def test_an_impulse_can_have_the_block_beside_another_one() -> None:
    blocks = (DspBlock("mfe"), DspBlock("summary-57", implementation_version=1))
    settings = Settings()
    settings = replace(
        settings, slice=replace(settings.slice, window_ms=2000, sample_rate=RATE),
        impulse=replace(settings.impulse, dsp=blocks),
    )  # fmt: skip
    features = impulse_features(tone(RATE)[None], settings)
    assert features.shape == (1, feature_count(settings))
    np.testing.assert_array_equal(features[0, -57:], summary_features(tone(RATE), "summary-57").astype(np.float32))


def test_there_is_no_library_for_a_board() -> None:
    assert "summary-57" not in dsp.block_types(for_boards=True)
    with pytest.raises(ConfigurationError, match="the library has no C\\+\\+ for the block 'summary-57'"):
        block_code(LibraryDspBlock(1, "summary-57", 1), 2 * RATE, RATE)
