"""Results of the board commands, for people and as JSON; clips without a known label are compared, not scored."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rich.console import Console, RenderableType

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


def window(label: str, rock: float) -> VerifiedWindow:
    """A window whose scores equal those of Python; the board's threshold is 0.6."""
    scores = {"classical": 1 - rock, "rock": rock}
    winner = max(scores, key=scores.__getitem__) if max(scores.values()) >= 0.6 else "uncertain"
    return VerifiedWindow(f"{label}.wav", label, 3000, scores, (1, 2), (1, 2), winner, 120_000, 11_000)


def clip(label: str, *rock: float) -> VerifiedClip:
    return VerifiedClip(f"{label}.wav", label, tuple(window(label, share) for share in rock), ())


def shown(*clips: VerifiedClip) -> str:
    out = io.StringIO()
    Console(file=out, width=160).print(verification_view("emulated", clips, 0.6))
    return out.getvalue()


def test_both_accuracies_are_named_with_what_they_count() -> None:
    text = shown(clip("rock", 0.9, 0.55, 0.2, 0.8), clip("classical", 0.1))
    assert "5 of 5 windows equal to the int8 model in Python" in text
    assert text.splitlines()[1:] == [
        "accuracy at threshold 0.6 60.0 % (3 of 5 windows)",
        "top-1 accuracy 80.0 %",
        "clip accuracy 100.0 % (2 of 2 clips)",
        "majority baseline 80.0 %",
    ]


def test_a_clip_without_a_label_is_compared_and_not_scored() -> None:
    summary = verification_json("emulated", [clip("rock", 0.9), clip("", 0.9, 0.1)], 0.6)["summary"]
    assert (summary["windows"], summary["scored_windows"], summary["accuracy"]) == (3, 1, 1.0)
    assert (summary["tracks"], summary["scored_tracks"], summary["track_accuracy"]) == (2, 1, 1.0)
    assert (summary["compared"], summary["equal"]) == (3, 3)
    assert "not scored: 2 windows without a known label" in shown(clip("rock", 0.9), clip("", 0.9, 0.1))


def test_labels_that_the_model_lacks_are_named() -> None:
    summary = verification_json("emulated", [clip("rock", 0.9), clip("jazz", 0.9)])["summary"]
    assert summary["unknown_labels"] == {"jazz": 1}
    assert "1 window with labels the model does not know: jazz; not scored" in shown(
        clip("rock", 0.9), clip("jazz", 0.9)
    )


def test_without_any_scored_window_there_is_no_accuracy() -> None:
    summary = verification_json("emulated", [clip("", 0.9)])["summary"]
    assert (summary["accuracy"], summary["top_1_accuracy"], summary["track_accuracy"]) == (None, None, None)
    assert "accuracy" not in shown(clip("", 0.9))


def test_a_flashed_board_is_named_with_model_and_size() -> None:
    flashed = FlashedBoard("nano33ble", "/dev/ttyACM0", IMAGE, "bossac")
    assert flashed_view(flashed) == (
        "nano33ble on /dev/ttyACM0 runs model abababababab: 98.6 KiB of flash, 58.6 KiB of RAM, "
        "written and verified by bossac"
    )


def test_what_is_not_known_about_an_image_is_left_out() -> None:
    unknown = replace(IMAGE, ram_bytes=None, model_sha256="")
    flashed = FlashedBoard("host", "127.0.0.1:5000", unknown)
    assert flashed_view(flashed) == "host on 127.0.0.1:5000 runs model of an unknown hash: 98.6 KiB of flash"
    assert image_view(unknown) == "build/a.bin: 98.6 KiB of flash for nano33ble"


def test_without_a_board_there_is_a_hint_how_to_start_one() -> None:
    assert boards_view([]) == (
        "no board is plugged in and no virtual board is running; start one with: eitk flash --board emulated"
    )


def test_boards_are_rows_with_the_start_of_the_hash(on_terminal: Shown) -> None:
    found = [
        FoundBoard("nano33ble", "/dev/ttyACM0", "ready", serial_number="E6614"),
        FoundBoard("emulated", "127.0.0.1:5000", "running", model_sha256="ab" * 32, started="2026-11-21T10:00:00"),
    ]
    lines = on_terminal(boards_view(found)).splitlines()
    assert lines[0].split() == ["board", "port", "state", "serial", "number", "model", "since"]
    assert lines[1].split() == ["nano33ble", "/dev/ttyACM0", "ready", "E6614"]
    assert lines[2].split() == ["emulated", "127.0.0.1:5000", "running", "abababababab", "2026-11-21", "10:00"]


def test_a_change_is_one_line_with_its_sign() -> None:
    change = {"change": "+", "port": "/dev/ttyACM0", "board": "nano33ble", "state": "bootloader"}
    assert change_line(change) == "+ /dev/ttyACM0  nano33ble (bootloader)"


def verified(label: str, winner: str, *, board_q: tuple[int, ...], python_q: tuple[int, ...]) -> VerifiedWindow:
    scores = {"classical": 0.25, "rock": 0.75} if winner == "rock" else {"classical": 0.75, "rock": 0.25}
    return VerifiedWindow(f"{label}.wav", label, 2500, scores, board_q, python_q, winner, 12_000, 3000)


ROCK = VerifiedClip(
    "rock.wav",
    "rock",
    (
        verified("rock", "rock", board_q=(-100, 99), python_q=(-100, 99)),
        verified("rock", "rock", board_q=(-98, 97), python_q=(-98, 96)),
    ),
    ("overrun",),
)
CLASSICAL = VerifiedClip(
    "classical.wav", "classical", (verified("classical", "rock", board_q=(1, 2), python_q=()),), ()
)


def test_windows_clips_and_equal_scores_are_counted() -> None:
    summary = verification_json("emulated", [ROCK, CLASSICAL])["summary"]
    assert summary == {
        "board": "emulated", "threshold": None, "tracks": 2, "scored_tracks": 2, "right_tracks": 1, "windows": 3,
        "scored_windows": 3, "right_windows": 2, "unknown_labels": {}, "compared": 2, "equal": 1, "accuracy": 2 / 3,
        "top_1_accuracy": 2 / 3, "majority": 2 / 3, "track_accuracy": 0.5,
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
    assert (summary["accuracy"], summary["track_accuracy"], summary["windows"]) == (None, None, 0)


def test_without_rows_the_windows_that_differ_are_named_with_both_results() -> None:
    assert verification_view("emulated", [ROCK, CLASSICAL]) == "\n".join(
        [
            "rock.wav, window that ends at 2.5 s: differs",
            "  board int8   -98 97",
            "  Python int8  -98 96",
            "1 of 2 windows equal to the int8 model in Python",
            "accuracy at threshold 66.7 % (2 of 3 windows)",
            "top-1 accuracy 66.7 %",
            "clip accuracy 50.0 % (1 of 2 clips)",
            "majority baseline 66.7 %",
        ]
    )


def test_only_the_first_windows_that_differ_are_named() -> None:
    text = verification_view("emulated", [replace(ROCK, windows=ROCK.windows[1:] * 5)])
    assert str(text).count("differs") == 3
    assert "… and 2 more windows that differ; --json has all of them" in str(text)


def test_no_line_is_longer_than_80_columns_also_for_ten_labels() -> None:
    scores = {f"label number {i}": 0.1 for i in range(10)}
    wide = replace(ROCK.windows[1], clip="a long name of a clip " * 5, board_scores=scores, board_q=(-128,) * 10,
                   python_q=(-127,) * 10, label="label number 1")  # fmt: skip
    out = io.StringIO()
    view = verification_view(
        "emulated", [replace(ROCK, label="label number 1", windows=(wide,) * 4)], 0.6, windows=True
    )
    Console(file=out, width=80).print(view)
    rows = [line for line in out.getvalue().splitlines() if line.rstrip().endswith("NO")]
    assert len(rows) == 4
    assert max(map(len, out.getvalue().splitlines())) <= 80


def test_a_window_that_differs_is_marked_and_one_that_was_not_compared_has_a_dash(on_terminal: Shown) -> None:
    lines = on_terminal(verification_view("emulated", [ROCK, CLASSICAL], windows=True)).splitlines()
    rows = [line.split() for line in lines[1:4]]
    assert [row[-1] for row in rows] == ["yes", "NO", "–"]
    assert rows[0][1:3] == ["2.5", "s"]
    assert rows[0][3:5] == ["rock", "0.750"]
    assert lines[-1] == "majority baseline 66.7 %"


def test_a_recording_through_the_air_is_not_compared(on_terminal: Shown) -> None:
    text = on_terminal(verification_view("nano33ble", [CLASSICAL]))
    assert "equal to the int8 model" not in text
    assert "accuracy at threshold 0.0 % (0 of 1 windows)" in text
