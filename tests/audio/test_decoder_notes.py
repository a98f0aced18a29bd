"""What a decoder written in C prints is read and not shown; what others print meanwhile is."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from audio_files import encoded, noise, written

from ei_toolkit.audio.decode import read_clip
from ei_toolkit.audio.decoder_notes import with_notes
from ei_toolkit.errors import DataError

NOTES = (
    b"\nWarning: Xing stream size off by more than 1%\n[src/libmpg123/layer3.c:do():18] error: dequantization failed!\n"
)


def test_notes_of_the_decoder_are_kept_from_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    errors: list[str] = []
    assert with_notes(lambda: os.write(2, NOTES), errors) == len(NOTES)
    assert errors == ["dequantization failed!"]
    assert capfd.readouterr().err == ""


def test_what_others_print_is_shown_afterwards(capfd: pytest.CaptureFixture[str]) -> None:
    with_notes(lambda: os.write(2, b"slicing 40%\n" + NOTES + b"slicing 41%\n"), [])
    assert capfd.readouterr().err == "slicing 40%\nslicing 41%\n"


def test_stderr_is_back_after_an_exception(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError):
        with_notes(lambda: 1 // 0, [])
    print("still there", file=sys.stderr)
    assert capfd.readouterr().err == "still there\n"


def test_a_closed_stderr_is_left_closed() -> None:
    kept = os.dup(2)
    os.close(2)
    try:
        assert with_notes(lambda: "read", []) == "read"
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def test_damaged_mp3_files_print_nothing_and_are_refused_or_warned_of(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = written(noise(3, 16_000), 16_000, format="MP3")
    rng, reported = np.random.default_rng(4), 0
    for _ in range(30):
        damaged = bytearray(data)
        damaged[(at := int(rng.integers(300, len(data)))) : at + 40] = rng.bytes(40)
        (tmp_path / "a.mp3").write_bytes(damaged)
        warnings: list[str] = []
        try:
            read_clip(tmp_path / "a.mp3", 16_000, warn=warnings.append)
        except DataError as error:
            warnings.append(str(error))
        reported += any("damaged" in warning for warning in warnings)
    assert capfd.readouterr().err == ""
    assert reported > 5


def test_notes_about_mp3_within_wav_are_kept_from_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = bytearray(encoded(noise(3, 16_000), 16_000, "-c:a", "libmp3lame", suffix="wav"))
    rng = np.random.default_rng(4)
    for at in rng.integers(500, len(data), 20):
        data[at : at + 20] = rng.bytes(20)[: len(data) - at]
    (tmp_path / "a.wav").write_bytes(data)
    with pytest.raises(DataError, match=r"cut short, 2\.30 s of sound are missing"):
        read_clip(tmp_path / "a.wav", 16_000)
    assert capfd.readouterr().err == ""
