"""arduino-cli: its version, its progress, and its messages shortened to the ones that matter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ei_toolkit.board.flash import arduino_cli
from ei_toolkit.board.flash.arduino_cli import ArduinoCli
from ei_toolkit.board.flash.sketch import NAME, StagedSketch
from ei_toolkit.errors import BoardError, MissingToolError


@pytest.fixture
def sketch(tmp_path: Path) -> StagedSketch:
    (tmp_path / "sketch").mkdir()
    (tmp_path / "sketch" / "sketch.yaml").write_text("      - platform: arduino:mbed_nano (4.0.2)\n")
    return StagedSketch(tmp_path / "sketch")


def program(folder: Path, text: str) -> Path:
    (folder / "arduino-cli").write_text(f"#!/bin/sh\n{text}\n")
    (folder / "arduino-cli").chmod(0o700)
    return folder / "arduino-cli"


def compile_with(folder: Path, sketch: StagedSketch, text: str, notes: list[str] | None = None) -> Path:
    cli = ArduinoCli(str(program(folder, text)))
    return cli.compile(sketch, "nano33ble", folder, (notes if notes is not None else []).append)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ('{"VersionString": "1.3.0"}', True),
        ('{"VersionString": "2.0.0-rc1"}', True),
        ('{"VersionString": "1.2.9"}', False),
        ('{"VersionString": "git-snapshot"}', False),
        ('{"Version": 1}', False),
        ("[]", False),
        ("not json", False),
    ],
)
def test_an_arduino_cli_that_is_recent_enough_is_found(tmp_path: Path, answer: str, found: bool) -> None:
    program(tmp_path, f"echo '{answer}'")
    environ = {"PATH": str(tmp_path) + ":/bin:/usr/bin"}
    if found:
        assert ArduinoCli.find(environ) == ArduinoCli(str(tmp_path / "arduino-cli"))
    else:
        with pytest.raises(MissingToolError, match="is too old") as caught:
            ArduinoCli.find(environ)
        assert caught.value.why == "the path of a library in sketch.yaml needs 1.3.0"


def test_without_arduino_cli_there_is_none(tmp_path: Path) -> None:
    assert ArduinoCli.find({"PATH": str(tmp_path)}) is None


def test_progress_is_passed_on_and_the_image_is_returned(tmp_path: Path, sketch: StagedSketch) -> None:
    notes: list[str] = []
    text = (
        "echo 'Downloading index'; echo 'details'; echo 'Compiling core...' >&2; echo 'Sketch uses 9 bytes'\n"
        f'touch "$5/{NAME}.ino.bin"'
    )
    assert compile_with(tmp_path, sketch, text, notes) == tmp_path / f"{NAME}.ino.bin"
    assert notes == ["Downloading index", "Compiling core...", "Sketch uses 9 bytes"]


@pytest.mark.parametrize(
    ("message", "what", "hint"),
    [
        ("region FLASH overflowed by 9 bytes", "the image does not fit the board", "A shorter window"),
        ("Sketch too big; see https://...", "the image does not fit the board", "A shorter window"),
        ("Error initializing instance: no index", "arduino-cli has no core arduino:mbed_nano 4.0.2", "update-index"),
        ("platform arduino:mbed_nano@4.0.2 is not installed", "arduino-cli has no core", "update-index"),
        ("x.ino:3:1: error: expected ;", "the sketch does not compile for the board", "eitk build, then eitk flash"),
        ("undefined reference to foo", "the sketch does not compile for the board", "eitk build, then eitk flash"),
        ("", "the sketch does not compile for the board", "eitk build, then eitk flash"),
    ],
)
def test_an_error_is_recognised(tmp_path: Path, sketch: StagedSketch, message: str, what: str, hint: str) -> None:
    with pytest.raises(BoardError) as caught:
        compile_with(tmp_path, sketch, f"echo '{message}' >&2; exit 1")
    assert caught.value.what.startswith(what)
    assert hint in caught.value.hint
    assert message in caught.value.why


def test_at_most_five_lines_with_errors_are_shown(tmp_path: Path, sketch: StagedSketch) -> None:
    text = 'for i in 1 2 3 4 5 6 7; do echo "Compiling $i"; echo "  f.cpp:$i: error: no $i"; done; exit 1'
    with pytest.raises(BoardError) as caught:
        compile_with(tmp_path, sketch, text)
    assert caught.value.why == " · ".join(f"f.cpp:{i}: error: no {i}" for i in range(1, 6))


def test_without_a_line_with_an_error_the_last_line_is_shown(tmp_path: Path, sketch: StagedSketch) -> None:
    with pytest.raises(BoardError, match=r"does not compile for the board \(killed by the system\)"):
        compile_with(tmp_path, sketch, "echo first; echo; echo 'killed by the system'; echo; exit 137")


def test_a_compilation_without_an_image_has_failed(tmp_path: Path, sketch: StagedSketch) -> None:
    with pytest.raises(BoardError, match=r"does not compile for the board \(all fine\)"):
        compile_with(tmp_path, sketch, "echo 'all fine'")


def test_a_program_that_does_not_end_is_stopped(tmp_path: Path, sketch: StagedSketch, monkeypatch: Any) -> None:
    monkeypatch.setattr(arduino_cli, "COMPILE_TIMEOUT_S", 0.1)
    with pytest.raises(BoardError, match="arduino-cli was still compiling after 0 s") as caught:
        compile_with(tmp_path, sketch, "exec sleep 60")
    assert caught.value.hint == "Check the network connection and try again."


def test_an_upload_that_fails_names_the_other_way(tmp_path: Path, sketch: StagedSketch) -> None:
    cli = ArduinoCli(str(program(tmp_path, "echo 'Error during Upload: no device found'; exit 1")))
    with pytest.raises(
        BoardError, match=r"arduino-cli could not upload \(Error during Upload: no device found\)"
    ) as caught:
        cli.upload(sketch, "nano33ble", tmp_path, "/dev/a", lambda _line: None)
    assert "eitk flash --no-arduino-cli" in caught.value.hint
    ArduinoCli(str(program(tmp_path, "exit 0"))).upload(sketch, "nano33ble", tmp_path, "/dev/a", lambda _line: None)
