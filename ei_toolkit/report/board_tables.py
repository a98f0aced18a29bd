"""Results of the board commands as JSON and as text and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from ei_toolkit.board.board import FlashedBoard, FoundBoard
from ei_toolkit.board.flash.image import BuiltImage
from ei_toolkit.board.verify.streamed import VerifiedClip, VerifiedWindow


def flashed_view(flashed: FlashedBoard) -> RenderableType:
    """Return the result of `eitk flash` as text."""
    model = flashed.image.model_sha256[:12] or "of an unknown hash"
    written_by = f", written and verified by {flashed.written_by}" if flashed.written_by else ""
    return f"{flashed.board} on {flashed.port} runs model {model}: {flashed.image.size_text}{written_by}"


def image_view(image: BuiltImage) -> RenderableType:
    """Return the result of `eitk flash --build` as text."""
    return f"{image.path}: {image.size_text} for {image.board}"


def change_line(change: dict[str, Any]) -> str:
    """Return one line of `eitk boards --watch`."""
    return f"{change['change']} {change['port']}  {change['board']} ({change['state']})"


def boards_view(found: Sequence[FoundBoard]) -> RenderableType:
    """A table of boards."""
    if not found:
        return "no board is plugged in and no virtual board is running; start one with: eitk flash --board emulated"
    table = Table("board", "port", "state", "serial number", "model", "since", box=None)
    for board in found:
        table.add_row(board.board, board.port, board.state, board.serial_number, board.model_sha256[:12], board.started)
    return table


def verification_json(board: str, clips: Sequence[VerifiedClip]) -> dict[str, Any]:
    """What `eitk verify --json` prints: every window, every clip and a summary."""
    return {
        "summary": _summary(board, clips),
        "clips": [
            {
                "clip": clip.clip,
                "label": clip.label,
                "winner": clip.winner,
                "windows": len(clip.windows),
                "equal": clip.equal,
                "warnings": list(clip.warnings),
            }
            for clip in clips
        ],
        "windows": [asdict(window) | {"equal": window.equal} for clip in clips for window in clip.windows],
    }


def verification_view(board: str, clips: Sequence[VerifiedClip]) -> RenderableType:
    """Return a table of windows and a summary line."""
    table = Table("clip", "end", "predicted", "scores", "board int8", "Python int8", "equal", box=None)
    for clip in clips:
        for window in clip.windows:
            table.add_row(*_row(window))
    summary = _summary(board, clips)
    line = f"{summary['right_windows']} windows and {summary['right_tracks']} of {summary['tracks']} clips correct"
    if summary["compared"]:
        line = f"{summary['equal']} of {summary['compared']} windows equal to the int8 model in Python; {line}"
    return Group(table, line)


def _row(window: VerifiedWindow) -> tuple[str, ...]:
    scores = "  ".join(f"{label} {score:.3f}" for label, score in window.board_scores.items())
    q, python_q = (" ".join(map(str, row)) for row in (window.board_q, window.python_q))
    equal = "–" if not window.python_q else "yes" if window.equal else "NO"
    return window.clip, f"{window.end_ms / 1000:.1f} s", window.winner, scores, q, python_q, equal


def _summary(board: str, clips: Sequence[VerifiedClip]) -> dict[str, Any]:
    windows = [window for clip in clips for window in clip.windows]
    right = sum(window.winner == window.label for window in windows)
    tracks = sum(clip.winner == clip.label for clip in clips)
    return {
        "board": board,
        "tracks": len(clips),
        "right_tracks": tracks,
        "windows": len(windows),
        "right_windows": right,
        "compared": sum(bool(window.python_q) for window in windows),
        "equal": sum(window.equal for window in windows),
        "accuracy": right / len(windows) if windows else 0.0,
        "track_accuracy": tracks / len(clips) if clips else 0.0,
    }
