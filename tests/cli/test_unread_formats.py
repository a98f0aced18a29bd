"""Clips that need ffmpeg are listed with what would read them, and count as clips of their label."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from support import eitk

MARKS = {
    "a.webm": b"\x1a\x45\xdf\xa3",
    "b.3gp": b"\0\0\0\x20ftyp3gp4",
    "c.M4B": b"\0\0\0\x20ftypM4B ",
    "d.wv": b"wvpk",
    "e.ape": b"MAC ",
    "f.tta": b"TTA1",
    "g.ac3": b"\x0b\x77",
    "h.amr": b"#!AMR\n",
}


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of two labels with sounds, on a machine without ffmpeg."""
    monkeypatch.setenv("PATH", "")
    for label in ("classical", "rock"):
        (tmp_path / "clips" / label).mkdir(parents=True)
        for number in range(4):
            samples = np.random.default_rng([number, len(label)]).normal(0, 0.1, 48_000)
            soundfile.write(tmp_path / "clips" / label / f"{number}.wav", samples, 16_000)
    (tmp_path / "eitk.toml").write_text('[dataset]\nroot = "clips"\nsplit = "track"\n')
    return tmp_path / "clips"


def unread(folder: Path) -> None:
    for name, mark in MARKS.items():
        (folder / name).write_bytes(mark + bytes(2000))


def test_files_that_need_ffmpeg_are_listed_with_it(clips: Path) -> None:
    unread(clips / "rock")
    done = eitk(clips.parent, "slice", "--dry-run", "--json")
    skipped = {one["clip"]: one["reason"] for one in done.data["skipped"]}
    assert skipped.keys() == {f"rock/{name}" for name in MARKS}
    assert all(reason.endswith(" needs ffmpeg, which is not installed") for reason in skipped.values())
    assert skipped["rock/a.webm"].startswith("WebM or Matroska ")
    assert skipped["rock/e.ape"].startswith("Monkey's Audio ")
    assert "only ffmpeg reads the formats of 8 clips. Install ffmpeg: apt install ffmpeg" in done.err


def test_a_label_of_such_files_only_is_a_label_whose_error_names_ffmpeg(clips: Path) -> None:
    (clips / "jazz").mkdir()
    unread(clips / "jazz")
    done = eitk(clips.parent, "slice", "--dry-run")
    assert done.code == 1
    assert "no clip of the label jazz can be used" in done.err
    assert "needs ffmpeg, which is not installed" in done.err
    assert "Install ffmpeg: apt install ffmpeg" in done.err


@pytest.mark.parametrize("suffix", ["WAV", "WAVE", "Wave"])
def test_suffixes_in_capitals_are_read(clips: Path, suffix: str) -> None:
    for path in list(clips.glob("rock/*.wav")):
        path.rename(path.with_suffix(f".{suffix}"))
    assert eitk(clips.parent, "slice", "--dry-run", "--json").data["skipped"] == []


def test_floats_in_the_range_of_int16_are_refused_and_read_on_request(clips: Path) -> None:
    samples = 9_830 * np.sin(np.arange(48_000) / 9)
    soundfile.write(clips / "rock" / "loud.wav", samples, 16_000, "FLOAT")
    done = eitk(clips.parent, "slice", "--jobs", "1", "--json")
    assert done.code == 0, done.err
    [skipped] = done.data["skipped"]
    assert skipped["reason"].startswith("samples up to 9,830, expected −1 to 1. Divide by 32768 if ")
    assert eitk(clips.parent, "slice", "--jobs", "1", "--float-range", "int16", "--json").data["skipped"] == []


def test_the_reason_of_a_skipped_clip_ends_with_what_to_do(clips: Path) -> None:
    left = np.random.default_rng(9).normal(0, 0.1, 48_000)
    soundfile.write(clips / "rock" / "phase.wav", np.stack([left, -left], axis=1), 16_000)
    done = eitk(clips.parent, "slice", "--jobs", "1", "--json")
    [skipped] = done.data["skipped"]
    assert skipped["reason"].startswith("the channels cancel each other in their mean (")
    assert skipped["reason"].endswith('. Choose one: --channel left, or [slice] channel = "left".')
    assert eitk(clips.parent, "slice", "--jobs", "1", "--channel", "left", "--json").data["skipped"] == []
