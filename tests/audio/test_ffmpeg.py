"""Formats that libsndfile lacks are read by ffmpeg where it is installed, and named where it is not."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from audio_files import by_ffmpeg, encoded, noise, written

from ei_toolkit.audio.decode import describe, read_clip
from ei_toolkit.audio.ffmpeg import find_ffmpeg, version
from ei_toolkit.audio.formats import SUFFIXES
from ei_toolkit.errors import DataError, MissingToolError

RATE = 48_000
FILES = {  # suffix: format and encoder of ffmpeg
    "webm": ("webm", "libopus"),
    "aac": ("adts", "aac"),
    "wv": ("wv", "wavpack"),
    "tta": ("tta", "tta"),
    "ac3": ("ac3", "ac3"),
    "mka": ("matroska", "flac"),
    "m4a": ("ipod", "aac"),
    "3gp": ("3gp", "aac"),
}


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The ffmpeg of the development packages in the search path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "ffmpeg").symlink_to(imageio_ffmpeg.get_ffmpeg_exe())
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return folder


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One file of each format, of two channels and two seconds."""
    folder = tmp_path_factory.mktemp("files")
    for suffix, (form, encoder) in FILES.items():
        options = ("-c:a", encoder, *(("-movflags", "+frag_keyframe+empty_moov") if suffix in ("m4a", "3gp") else ()))
        data = encoded(noise(2, RATE, 2), RATE, *options, suffix=form)
        (folder / f"a.{suffix}").write_bytes(data)
    return {suffix: folder / f"a.{suffix}" for suffix in FILES}


@pytest.mark.parametrize("suffix", FILES)
def test_a_format_that_needs_ffmpeg_is_read_with_it(installed: Path, files: dict[str, Path], suffix: str) -> None:
    warnings: list[str] = []
    got, expected = read_clip(files[suffix], RATE, warn=warnings.append), by_ffmpeg(files[suffix])
    assert warnings == []
    assert np.abs(got - expected).max() <= 1
    assert len(got) == pytest.approx(2 * RATE, rel=0.05)
    assert (describe(files[suffix]).rate, describe(files[suffix]).seconds) == (RATE, len(got) / RATE)


@pytest.mark.parametrize("suffix", FILES)
def test_without_ffmpeg_the_message_names_the_format_and_what_reads_it(
    files: dict[str, Path], suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert f".{suffix}" in SUFFIXES
    with pytest.raises(DataError, match=rf"a\.{suffix}: .+ needs ffmpeg, which is not installed") as caught:
        read_clip(files[suffix], RATE)
    assert "apt install ffmpeg" in caught.value.hint


@pytest.mark.parametrize("suffix", ["wv", "mka", "tta"])
def test_a_file_that_is_cut_short_is_refused_or_warned_of(
    installed: Path, files: dict[str, Path], suffix: str, tmp_path: Path
) -> None:
    data = files[suffix].read_bytes()
    (tmp_path / f"a.{suffix}").write_bytes(data[: len(data) // 2])
    warnings: list[str] = []
    try:
        read_clip(tmp_path / f"a.{suffix}", RATE, warn=warnings.append)
    except DataError as error:
        warnings.append(str(error))
    assert len(warnings) == 1
    assert any(text in warnings[0] for text in ("cut short", "damaged after", "ffmpeg reports: "))


@pytest.mark.parametrize(("name", "head"), [("a.m4a", b"\0\0\0\x20ftypM4A "), ("a.aac", b"\xff\xf1")])
def test_what_ffmpeg_cannot_read_is_refused(installed: Path, tmp_path: Path, name: str, head: bytes) -> None:
    (tmp_path / name).write_bytes(head + bytes(500))
    with pytest.raises(DataError, match="not audio that ffmpeg can read"):
        read_clip(tmp_path / name, RATE)


def test_ffmpeg_is_given_no_playlists(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "a.m4a").write_text("#EXTM3U\n#EXTINF:10,\nfile:///etc/hostname\n")
    with pytest.raises(DataError, match="not audio: a playlist"):
        read_clip(tmp_path / "a.m4a", RATE)


def test_a_name_that_looks_like_an_option_or_an_address_is_a_file(installed: Path, files: dict[str, Path]) -> None:
    for name in ("-i.tta", "http:x.tta"):
        path = files["tta"].with_name(name)
        path.write_bytes(files["tta"].read_bytes())
        assert len(read_clip(path, RATE)) == 2 * RATE


def test_a_clip_that_is_read_in_part_only_leaves_no_process(installed: Path, files: dict[str, Path]) -> None:
    from ei_toolkit.audio.decode import read_blocks

    blocks = read_blocks(files["tta"], RATE)
    assert len(next(blocks))  # type: ignore[call-overload]
    blocks.close()  # type: ignore[attr-defined]


def test_the_version_of_ffmpeg_is_found(installed: Path) -> None:
    path = find_ffmpeg(os.environ)
    assert path == str(installed / "ffmpeg")
    assert version(path).endswith(f"({path})")
    assert version(path)[1:2].isalnum()
    with pytest.raises(MissingToolError, match="ffmpeg is not installed"):
        find_ffmpeg({"PATH": ""})


def test_an_encoding_of_wav_that_libsndfile_lacks_is_read_with_ffmpeg(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(encoded(noise(2, RATE, 2), RATE, "-c:a", "ac3", suffix="wav"))
    assert np.abs(read_clip(tmp_path / "a.wav", RATE) - by_ffmpeg(tmp_path / "a.wav")).max() <= 1


def test_a_coding_that_libsndfile_refuses_is_left_to_ffmpeg(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.wav").write_bytes(written(noise(1, RATE, 2), RATE, format="WAV"))
    path = tmp_path / "a.caf"  # ffmpeg describes Apple Lossless in another way than libsndfile expects
    subprocess.run([find_ffmpeg(os.environ), "-v", "error", "-i", tmp_path / "a.wav", "-c:a", "alac", path], check=True)
    assert np.abs(read_clip(path, RATE) - by_ffmpeg(path)).max() <= 1
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DataError, match="this coding of caf needs ffmpeg, which is not installed"):
        read_clip(path, RATE)


def test_an_ffmpeg_that_fails_half_way_is_not_taken_for_the_end_of_the_clip(
    tmp_path: Path, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "ffmpeg"
    tool.write_text(f'#!/bin/sh\n{imageio_ffmpeg.get_ffmpeg_exe()} "$@" 2>/dev/null | head -c 400000\nexit 137\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(DataError, match=r"a\.tta: damaged after 1\.0 s \(ffmpeg ended with the exit code 137\)"):
        read_clip(files["tta"], RATE)
