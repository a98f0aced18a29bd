"""Features of many clips: windows, kept features, clips that cannot be used."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from support import eitk

from ei_toolkit.audio.summary.features import summary_features
from ei_toolkit.audio.summary.spectra import RATE
from ei_toolkit.config.settings import FeatureSettings
from ei_toolkit.dataset.folder import Clip
from ei_toolkit.dataset.groups import KnownClip
from ei_toolkit.errors import DataError
from ei_toolkit.features import extract
from ei_toolkit.features.extract import Extraction, compute_features, extract_table
from ei_toolkit.features.table import read_table

SETTINGS = FeatureSettings()
WHOLE = Extraction(SETTINGS)


def tone(seconds: float = 2.0, peak: int = 8000) -> Any:
    time_s = np.arange(int(seconds * RATE)) / RATE
    return np.rint(peak * np.sin(2 * np.pi * 440 * time_s) * np.exp(-4 * (time_s % 0.5))).astype(np.int16)


def known(folder: Path, name: str, samples: Any) -> KnownClip:
    soundfile.write(folder / name, samples, RATE)
    return KnownClip(Clip(folder / name, name, "rock"), f"hash of {name}", "artist", None)


def test_each_window_has_the_features_of_a_clip_of_its_samples() -> None:
    samples = tone(3.0)
    found = compute_features(samples, replace(SETTINGS, window_ms=2000, hop_ms=1000))
    assert found.starts_ms.tolist() == [0, 1000]
    np.testing.assert_array_equal(found.values[1], summary_features(samples[RATE:], "summary-57"))


def test_normalised_and_trimmed_clips_of_other_loudness_and_silence_have_the_same_features() -> None:
    preprocessing = replace(SETTINGS, normalise=True, trim=True)
    quiet = np.concatenate([np.zeros(RATE, np.int16), tone(peak=4000), np.zeros(RATE, np.int16)])
    one, other = (compute_features(samples, preprocessing).values[0] for samples in (tone(peak=32000), quiet))
    np.testing.assert_allclose(one[2], other[2], rtol=0.05)  # rms_mean; up to a frame of silence is kept
    plain = compute_features(quiet, SETTINGS).values[0]
    assert plain[2] < one[2] / 8


def test_kept_features_are_not_computed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = [known(tmp_path, "a.wav", tone())]
    first, _ = extract_table(clips, WHOLE, tmp_path / "kept", 1, lambda _done, _name: None)
    monkeypatch.setattr(extract, "read_clip", lambda *_, **__: pytest.fail("the clip is read again"))
    again, _ = extract_table(clips, WHOLE, tmp_path / "kept", 1, lambda _done, _name: None)
    np.testing.assert_array_equal(first.values, again.values)
    with pytest.raises(pytest.fail.Exception):  # other settings are other features
        extract_table(
            clips,
            replace(WHOLE, settings=replace(SETTINGS, normalise=True)),
            tmp_path / "kept",
            1,
            lambda _done, _name: None,
        )


def test_damaged_kept_features_are_computed_again(tmp_path: Path) -> None:
    clips = [known(tmp_path, "a.wav", tone())]
    first, _ = extract_table(clips, WHOLE, tmp_path / "kept", 1, lambda _done, _name: None)
    for file in (tmp_path / "kept").rglob("*.npz"):
        file.write_bytes(b"damaged")
    again, _ = extract_table(clips, WHOLE, tmp_path / "kept", 1, lambda _done, _name: None)
    np.testing.assert_array_equal(first.values, again.values)


def test_clips_that_cannot_be_used_are_named_with_the_reason(tmp_path: Path) -> None:
    clips = [known(tmp_path, "good.wav", tone()), known(tmp_path, "silent.wav", tone() * 0),
             known(tmp_path, "short.wav", tone(0.5))]  # fmt: skip
    (tmp_path / "silent.txt.wav").write_text("no sound")
    table, skipped = extract_table(clips, WHOLE, None, 1, lambda _done, _name: None)
    assert table.names == ("good.wav",)
    assert skipped == {"silent.wav": "silent", "short.wav": "shorter than 1 s, which the features need at least"}
    with pytest.raises(DataError, match="no clip can be used"):
        extract_table(clips[1:], WHOLE, None, 1, lambda _done, _name: None)


def test_the_command_writes_a_table_of_a_folder_of_clips(tmp_path: Path) -> None:
    for label in ("rock", "jazz"):
        (tmp_path / "clips" / label).mkdir(parents=True)
        soundfile.write(tmp_path / "clips" / label / f"{label}.1.wav", tone(), RATE)
    code, out, err = eitk(tmp_path, "features", "clips", "-o", "t.csv", "--jobs", "1", "--json")
    assert code == 0, err
    assert json.loads(out) == {
        "file": "t.csv", "extractor": "summary-57", "columns": 57, "rows": {"jazz": 1, "rock": 1}, "skipped": [],
    }  # fmt: skip
    assert read_table(tmp_path / "t.csv").labels == ("jazz", "rock")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--extractor", "summary-58"), "there is no extractor 'summary-58'"),
        (("-o", "t.xlsx"), "t.xlsx is not a table of features"),
        (("--window-ms", "200"), "--window-ms 200 is too short"),
    ],
)
def test_wrong_options_are_named_before_anything_is_read(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    code, _, err = eitk(tmp_path, "features", "nowhere", *arguments)
    assert code == 2
    assert message in err
