"""Results of the board commands, as JSON and as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ei_toolkit.board.flash import Flashed
from ei_toolkit.board.listen import HeardClip, HeardWindow
from ei_toolkit.board.state import BoardState

if TYPE_CHECKING:
    from rich.console import RenderableType


def flashed_json(flashed: Flashed) -> dict[str, Any]:
    """What `eitk flash --json` answers."""
    image = flashed.image
    return {
        "board": flashed.board,
        "flash_bytes": image.flash_bytes,
        "ram_bytes": image.ram_bytes,
        "model_sha256": image.model_sha256,
        "image": str(image.path),
        "image_sha256": image.sha256,
        "address": flashed.state.address,
    }


def flashed_view(flashed: Flashed) -> RenderableType:
    """The same for people."""
    image = flashed.image
    return (
        f"{flashed.board} runs model {image.model_sha256[:12] or 'of an unknown hash'}: "
        f"{image.flash_bytes:,} bytes of flash, {image.ram_bytes:,} bytes of RAM; serial line {flashed.state.address}"
    )


def boards_view(boards: Sequence[BoardState]) -> RenderableType:
    """A table of boards."""
    from rich.table import Table

    if not boards:
        return "no board runs on this machine; start one with: eitk flash --board emulated"
    table = Table("board", "port", "state", "model", "since", box=None)
    for state in boards:
        table.add_row(state.board, state.address, "running", state.model_sha256[:12], state.started)
    return table


def heard_json(board: str, heard: Sequence[HeardClip]) -> dict[str, Any]:
    """What `eitk listen --json` answers: every window, every clip, and a summary."""
    return {
        "summary": _summary(board, heard),
        "clips": [
            {
                "clip": clip.clip,
                "label": clip.label,
                "winner": clip.winner,
                "windows": len(clip.windows),
                "equal": clip.equal,
                "warnings": list(clip.warnings),
            }
            for clip in heard
        ],
        "windows": [asdict(window) | {"equal": window.equal} for clip in heard for window in clip.windows],
    }


def heard_view(board: str, heard: Sequence[HeardClip]) -> RenderableType:
    """A table of windows, and a line that sums up."""
    from rich.console import Group
    from rich.table import Table

    table = Table("clip", "end", "board says", "scores", "board int8", "Python int8", "equal", box=None)
    for clip in heard:
        for window in clip.windows:
            table.add_row(*_row(window))
    summary = _summary(board, heard)
    line = (
        f"{summary['equal']} of {summary['windows']} windows equal to the int8 model in Python; "
        f"{summary['right_windows']} windows and {summary['right_tracks']} of {summary['tracks']} clips named rightly"
    )
    return Group(table, line)


def _row(window: HeardWindow) -> tuple[str, ...]:
    scores = "  ".join(f"{label} {score:.3f}" for label, score in window.board_scores.items())
    q, python_q = (" ".join(map(str, row)) for row in (window.board_q, window.python_q))
    return (
        window.clip,
        f"{window.end_ms / 1000:.1f} s",
        window.winner,
        scores,
        q,
        python_q,
        "yes" if window.equal else "NO",
    )


def _summary(board: str, heard: Sequence[HeardClip]) -> dict[str, Any]:
    windows = [window for clip in heard for window in clip.windows]
    right = sum(window.winner == window.label for window in windows)
    tracks = sum(clip.winner == clip.label for clip in heard)
    return {
        "board": board,
        "tracks": len(heard),
        "right_tracks": tracks,
        "windows": len(windows),
        "right_windows": right,
        "equal": sum(window.equal for window in windows),
        "accuracy": right / len(windows) if windows else 0.0,
        "track_accuracy": tracks / len(heard) if heard else 0.0,
    }
