"""Results of the board commands, for people and as JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rich.console import RenderableType

from ei_toolkit.board.board import FlashedBoard, FoundBoard
from ei_toolkit.board.flash.image import BuiltImage
from ei_toolkit.board.verify.streamed import VerifiedClip, VerifiedWindow
from ei_toolkit.report.board_tables import (
    boards_view,
    change_line,
    flashed_view,
    image_view,
    verification_json,
    verification_view,
)

Shown = Callable[[RenderableType], str]
IMAGE = BuiltImage("nano33ble", Path("build/a.bin"), 101_000, 60_000, "ab" * 32, "cd" * 32)


def test_a_flashed_board_is_named_with_model_and_size() -> None:
    flashed = FlashedBoard("nano33ble", "/dev/ttyACM0", IMAGE, "bossac")
    assert flashed_view(flashed) == (
        "nano33ble on /dev/ttyACM0 runs model abababababab: 101,000 bytes of flash, 60,000 bytes of RAM, "
        "written and verified by bossac"
    )


def test_what_is_not_known_about_an_image_is_left_out() -> None:
    unknown = replace(IMAGE, ram_bytes=None, model_sha256="")
    flashed = FlashedBoard("host", "127.0.0.1:5000", unknown)
    assert flashed_view(flashed) == "host on 127.0.0.1:5000 runs model of an unknown hash: 101,000 bytes of flash"
    assert image_view(unknown) == "build/a.bin: 101,000 bytes of flash for nano33ble"


def test_without_a_board_there_is_a_hint_how_to_start_one() -> None:
    assert boards_view([]) == (
        "no board is plugged in and no virtual board is running; start one with: eitk flash --board emulated"
    )


def test_boards_are_rows_with_the_start_of_the_hash(shown: Shown) -> None:
    found = [
        FoundBoard("nano33ble", "/dev/ttyACM0", "ready", serial_number="E6614"),
        FoundBoard("emulated", "127.0.0.1:5000", "running", model_sha256="ab" * 32, started="2026-11-21"),
    ]
    lines = shown(boards_view(found)).splitlines()
    assert lines[0].split() == ["board", "port", "state", "serial", "number", "model", "since"]
    assert lines[1].split() == ["nano33ble", "/dev/ttyACM0", "ready", "E6614"]
    assert lines[2].split() == ["emulated", "127.0.0.1:5000", "running", "abababababab", "2026-11-21"]


def test_a_change_is_one_line_with_its_sign() -> None:
    change = {"change": "+", "port": "/dev/ttyACM0", "board": "nano33ble", "state": "bootloader"}
    assert change_line(change) == "+ /dev/ttyACM0  nano33ble (bootloader)"


def window(label: str, winner: str, *, board_q: tuple[int, ...], python_q: tuple[int, ...]) -> VerifiedWindow:
    scores = {"classical": 0.25, "rock": 0.75} if winner == "rock" else {"classical": 0.75, "rock": 0.25}
    return VerifiedWindow(f"{label}.wav", label, 2500, scores, board_q, python_q, winner, 12_000, 3000)


ROCK = VerifiedClip(
    "rock.wav",
    "rock",
    (
        window("rock", "rock", board_q=(-100, 99), python_q=(-100, 99)),
        window("rock", "rock", board_q=(-98, 97), python_q=(-98, 96)),
    ),
    ("overrun",),
)
CLASSICAL = VerifiedClip("classical.wav", "classical", (window("classical", "rock", board_q=(1, 2), python_q=()),), ())


def test_windows_clips_and_equal_scores_are_counted() -> None:
    summary = verification_json("emulated", [ROCK, CLASSICAL])["summary"]
    assert summary == {
        "board": "emulated", "tracks": 2, "right_tracks": 1, "windows": 3, "right_windows": 2, "compared": 2,
        "equal": 1, "accuracy": 2 / 3, "track_accuracy": 0.5,
    }  # fmt: skip


def test_json_has_every_window_and_the_warnings_of_each_clip() -> None:
    data = verification_json("emulated", [ROCK, CLASSICAL])
    assert [(clip["clip"], clip["windows"], clip["equal"], clip["warnings"]) for clip in data["clips"]] == [
        ("rock.wav", 2, 1, ["overrun"]),
        ("classical.wav", 1, 0, []),
    ]
    assert [one["equal"] for one in data["windows"]] == [True, False, False]
    assert data["windows"][0]["board_q"] == (-100, 99)


def test_without_clips_there_is_no_accuracy() -> None:
    summary = verification_json("emulated", [])["summary"]
    assert (summary["accuracy"], summary["track_accuracy"], summary["windows"]) == (0.0, 0.0, 0)


def test_a_window_that_differs_is_marked_and_one_that_was_not_compared_has_a_dash(shown: Shown) -> None:
    lines = shown(verification_view("emulated", [ROCK, CLASSICAL])).splitlines()
    rows = [line.split() for line in lines if ".wav" in line]
    assert [row[-1] for row in rows] == ["yes", "NO", "–"]
    assert rows[0][1:3] == ["2.5", "s"]
    assert "classical 0.250  rock 0.750" in lines[1]
    summary = " ".join(lines[-1].split())
    assert summary == "1 of 2 windows equal to the int8 model in Python; 2 windows and 1 of 2 clips correct"


def test_a_recording_through_the_air_is_not_compared(shown: Shown) -> None:
    text = shown(verification_view("nano33ble", [CLASSICAL]))
    assert "equal to the int8 model" not in text
    assert text.splitlines()[-1] == "0 windows and 0 of 1 clips correct"
