"""Whole files of a folder: which are found, what they are converted to, and why others are left out."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from ei_toolkit.config import DatasetSettings
from ei_toolkit.config.settings import Reading
from ei_toolkit.dataset import conversion
from ei_toolkit.dataset.conversion import ConversionSettings, Converted, convert_files
from ei_toolkit.dataset.folder import Clip
from ei_toolkit.dataset.hash_split import split_by_hash
from ei_toolkit.dataset.recordings import Recordings, find_recordings
from ei_toolkit.errors import DataError

RATE = 16_000
SETTINGS = ConversionSettings(RATE, Reading())
SERIES = "timestamp,x\n0,1\n10,2\n20,3\n"
ACQUISITION = json.dumps({"protected": {"alg": "none"}, "signature": "", "payload": {"values": [1]}})


def sound(path: Path, seed: int = 0, rate: int = RATE, seconds: float = 0.1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.random.default_rng(seed).uniform(-0.3, 0.3, round(seconds * rate)), rate)
    return path


def converted(folder: Path, *clips: Clip, **changes: Any) -> list[Converted]:
    settings = ConversionSettings(**{**vars(SETTINGS), **changes})
    return convert_files(clips, settings, folder / "out", 1, lambda _done, _name: None)


def found(root: Path, label: str = "", **settings: Any) -> Recordings:
    return find_recordings(root, DatasetSettings(**settings), label)


def names(recordings: Recordings) -> list[tuple[str, str]]:
    return [(clip.name, clip.label) for clip in recordings.clips]


def test_a_sound_becomes_mono_wav_with_16_bits_whose_name_has_the_hash(tmp_path: Path) -> None:
    clip = Clip(sound(tmp_path / "rock/My clip.flac", rate=44_100), "rock/My clip.flac", "rock")
    [one] = converted(tmp_path, clip)
    assert one.window is not None and one.converted
    content = (tmp_path / "out" / one.window.file).read_bytes()
    assert one.window.sha256 == hashlib.sha256(content).hexdigest()
    assert one.window.file == f"My_clip.{one.window.sha256[:12]}.wav"
    info = soundfile.info(tmp_path / "out" / one.window.file)
    assert (info.samplerate, info.channels, info.subtype, info.frames) == (RATE, 1, "PCM_16", 1600)
    assert one.window.clip_sha256 == hashlib.sha256(clip.path.read_bytes()).hexdigest()
    assert converted(tmp_path, clip) == [one]  # always the same file


def test_an_acquisition_file_stays_as_it_is_because_it_may_be_signed(tmp_path: Path) -> None:
    (tmp_path / "a.JSON").write_text(ACQUISITION)
    [one] = converted(tmp_path, Clip(tmp_path / "a.JSON", "a.JSON", "x"))
    assert one.window is not None and not one.converted
    assert (tmp_path / "out" / one.window.file).read_text() == ACQUISITION
    assert one.window.file.endswith(".json")


def test_a_time_series_has_the_label_of_its_column_or_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(SERIES)
    (tmp_path / "b.csv").write_text("timestamp,x,label\n0,1,on\n10,2,off\n")
    both = converted(tmp_path, Clip(tmp_path / "a.csv", "a.csv", "x"), Clip(tmp_path / "b.csv", "b.csv", "x"))
    assert [one.window.label for one in both if one.window] == ["x", "on, off"]
    assert [one.ranges for one in both] == [
        None,
        [{"startIndex": 0, "endIndex": 0, "label": "on"}, {"startIndex": 1, "endIndex": 1, "label": "off"}],
    ]


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (lambda path: path.write_bytes(b"RIFF"), "not audio that can be read"),
        (lambda path: path.write_bytes(b""), "the file is empty"),
        (lambda path: path.write_text("<html>"), "not audio: an HTML page"),
        (lambda path: soundfile.write(path, np.full(9, np.nan), RATE, subtype="FLOAT"), "holds values that are not"),
        (lambda path: path.mkdir(), "is not a regular file"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_converted_has_a_reason_and_does_not_stop_the_others(
    tmp_path: Path, write: Any, reason: str
) -> None:
    write(tmp_path / "bad.wav")
    good = sound(tmp_path / "good.wav", 1)
    bad, other = converted(tmp_path, Clip(tmp_path / "bad.wav", "bad.wav", "x"), Clip(good, "good.wav", "x"))
    assert bad.window is None and bad.reason.startswith(reason)
    assert other.window is not None


def test_a_silent_sound_is_warned_of(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(1600), RATE)
    [one] = converted(tmp_path, Clip(tmp_path / "a.wav", "a.wav", "x"))
    assert one.window is not None
    assert one.warnings == ("is silent",)


def test_an_acquisition_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "LARGEST_FILE_BYTES", 10)
    (tmp_path / "a.json").write_text(ACQUISITION)
    [one] = converted(tmp_path, Clip(tmp_path / "a.json", "a.json", "x"))
    assert one.reason.startswith("would have 0 MiB, and a studio accepts 0 MiB")


def test_a_file_without_a_label_has_a_reason(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(SERIES)
    [one] = converted(tmp_path, Clip(tmp_path / "a.csv", "a.csv", ""))
    assert one.reason == "no label. Give one label for all files with --label."


def test_a_sound_that_is_too_long_is_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "LARGEST_FILE_BYTES", 2**20)
    clip = Clip(sound(tmp_path / "a.wav", rate=8000, seconds=40), "a.wav", "x")
    [one] = converted(tmp_path, clip)
    assert one.reason == "would have 1 MiB, and a studio accepts 1 MiB. Cut it into windows: eitk slice."


def test_a_file_that_repeats_another_is_named_with_it(tmp_path: Path) -> None:
    sound(tmp_path / "a.wav", 1)
    sound(tmp_path / "b.wav", 1)
    sound(tmp_path / "c.wav", 1)
    clips = [Clip(tmp_path / name, name, label) for name, label in (("a.wav", "x"), ("b.wav", "x"), ("c.wav", "y"))]
    first, second, third = converted(tmp_path, *clips)
    assert first.window is not None
    assert second.reason == "has the same content as a.wav"
    assert third.reason == "has the same content as a.wav, which has the label x"


def test_the_split_is_that_of_the_layout_or_of_the_content_and_groups_stay_together(tmp_path: Path) -> None:
    clips = [Clip(sound(tmp_path / f"{i}.wav", i), f"{i}.wav", "x", group=f"speaker {i % 3}") for i in range(9)]
    splits = [one.window.split for one in converted(tmp_path, *clips) if one.window]
    assert splits == splits[:3] * 3  # by the group
    given = Clip(clips[0].path, "0.wav", "x", split="validation")
    assert [one.window.split for one in converted(tmp_path, given) if one.window] == ["validation"]
    assert [one.window.split for one in converted(tmp_path, given, category="testing") if one.window] == ["testing"]
    [one] = converted(tmp_path, given, category="split")
    assert one.window is not None and one.window.split == split_by_hash(one.window.sha256)


def test_about_one_of_five_files_is_for_testing() -> None:
    digests = [hashlib.sha256(bytes([i])).hexdigest() for i in range(250)]
    assert 0.12 < [split_by_hash(digest) for digest in digests].count("testing") / 250 < 0.28


def test_labels_come_from_the_folders(tmp_path: Path) -> None:
    sound(tmp_path / "rock/1.wav")
    sound(tmp_path / "jazz/2.WAV")
    (tmp_path / "jazz/3.csv").write_text(SERIES)
    (tmp_path / "jazz/4.json").write_text(ACQUISITION)
    (tmp_path / "jazz/notes.json").write_text('{"license": "CC0"}')
    (tmp_path / "readme.txt").write_text("hello")
    recordings = found(tmp_path)
    assert names(recordings) == [
        ("jazz/2.WAV", "jazz"), ("jazz/3.csv", "jazz"), ("jazz/4.json", "jazz"), ("rock/1.wav", "rock"),
    ]  # fmt: skip
    assert recordings.left_out == ()


def test_one_label_is_enough_and_labels_may_be_in_the_names(tmp_path: Path) -> None:
    sound(tmp_path / "one/rock/1.wav")
    assert names(found(tmp_path / "one")) == [("rock/1.wav", "rock")]
    for name in ("rock.0", "rock.1", "jazz.0", "jazz.1"):
        sound(tmp_path / f"flat/{name}.wav")
    assert [label for _, label in names(found(tmp_path / "flat"))] == ["jazz", "jazz", "rock", "rock"]


def test_a_table_that_describes_sounds_is_no_recording(tmp_path: Path) -> None:
    for number in range(4):
        sound(tmp_path / f"audio/{number}.wav", number)
    rows = "".join(f"{number}.wav,{'dog' if number % 2 else 'cat'}\n" for number in range(4))
    (tmp_path / "meta.csv").write_text("filename,category\n" + rows)
    assert [label for _, label in names(found(tmp_path))] == ["cat", "dog", "cat", "dog"]


def test_an_export_of_edge_impulse_has_its_labels_splits_and_reasons(tmp_path: Path) -> None:
    for number, name in enumerate(("training/a.wav", "testing/b.wav", "training/several.wav", "training/none.wav")):
        sound(tmp_path / name, number)
    (tmp_path / "testing/c.json").write_text(ACQUISITION)
    ranges = [{"startIndex": 0, "endIndex": 9, "label": label} for label in ("jazz", "noise")]
    entries = [
        {"path": "training/a.wav", "category": "training", "label": {"type": "label", "label": "rock"}},
        {"path": "testing\\b.wav", "category": "testing", "label": {"type": "label", "label": "jazz"}},
        {"path": "testing/c.json", "category": "testing", "label": {"type": "label", "label": "idle"}},
        {"path": "training/several.wav", "category": "training", "label": {"type": "multi-label", "labels": ranges}},
        {"path": "training/none.wav", "category": "training", "label": {"type": "unlabeled"}},
    ]
    (tmp_path / "info.labels").write_text(json.dumps({"version": 1, "files": entries}))
    recordings = found(tmp_path)
    assert [(clip.name, clip.label, clip.split) for clip in recordings.clips] == [
        ("testing/b.wav", "jazz", "testing"), ("testing/c.json", "idle", "testing"),
        ("training/a.wav", "rock", "training"),
    ]  # fmt: skip
    assert [(one.name, one.reason) for one in recordings.left_out] == [
        ("training/none.wav", "no label. Give one label for all files with --label."),
        ("training/several.wav", "several labels in one file. Give one label for all files with --label."),
    ]


def test_one_label_can_be_given_for_all_files(tmp_path: Path) -> None:
    sound(tmp_path / "a/1.wav")
    sound(tmp_path / "2.wav")
    assert names(found(tmp_path, "hum")) == [("2.wav", "hum"), ("a/1.wav", "hum")]


def test_sounds_without_a_label_are_left_out_with_the_reason(tmp_path: Path) -> None:
    sound(tmp_path / "rock/1.wav")
    sound(tmp_path / "jazz/1.wav")
    sound(tmp_path / "outside.wav")
    recordings = found(tmp_path)
    assert len(recordings.clips) == 2
    [left_out] = recordings.left_out
    assert left_out.name == "outside.wav" and left_out.reason.endswith("Give one label for all files with --label.")


def test_tables_without_sounds_are_recordings_so_that_each_has_its_reason(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x/1.csv").write_text("a,b\none,two\n")
    recordings = found(tmp_path)
    assert [clip.name for clip in recordings.clips] == ["x/1.csv"]
    assert converted(tmp_path, *recordings.clips)[0].reason.startswith("line 2: the column a: 'one' is not a number")


def test_a_folder_without_files_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no files to upload"):
        found(tmp_path)
