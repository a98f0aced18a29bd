"""Results of the board commands as JSON and as text and tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from ei_toolkit.board.board import FlashedBoard, FoundBoard
from ei_toolkit.board.flash.image import BuiltImage
from ei_toolkit.board.verify.streamed import VerifiedClip, VerifiedWindow
from ei_toolkit.config.units import counted, local_time
from ei_toolkit.impulse.metrics import CLIP_ACCURACY, MAJORITY, TOP_1, majority_share, thresholded_name, unscored
from ei_toolkit.report.tables import percent

SHOWN_DIFFERENCES = 3
NAME_COLUMNS = 36


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
        table.add_row(
            board.board,
            board.port,
            board.state,
            board.serial_number,
            board.model_sha256[:12],
            local_time(board.started),
        )
    return table


def verification_json(board: str, clips: Sequence[VerifiedClip], threshold: float | None = None) -> dict[str, Any]:
    """What `eitk verify --json` prints: every window, every clip and a summary. `threshold` is the board's."""
    return {
        "summary": _summary(board, clips, threshold),
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


def verification_view(
    board: str, clips: Sequence[VerifiedClip], threshold: float | None = None, *, windows: bool = False
) -> RenderableType:
    """Return the windows that differ and a summary, as lines that fit 80 columns; `windows` adds a row for each."""
    every = [window for clip in clips for window in clip.windows]
    rows = Table("clip", "end", "predicted", "score", "equal", box=None)
    for column in rows.columns:
        column.no_wrap = True
    for window in every:
        rows.add_row(*_row(window))
    summary = "\n".join([*_differences(every), *_summary_lines(_summary(board, clips, threshold))])
    return Group(rows, summary) if windows else summary


def _summary_lines(summary: dict[str, Any]) -> Iterator[str]:
    """Yield the equality with Python, the accuracies, and what is not scored."""
    if summary["compared"]:
        yield f"{summary['equal']} of {summary['compared']} windows equal to the int8 model in Python"
    if summary["scored_windows"]:
        yield (
            f"{thresholded_name(summary['threshold'])} {percent(summary['accuracy'])}"
            f" ({summary['right_windows']} of {summary['scored_windows']} windows)"
        )
        yield f"{TOP_1} {percent(summary['top_1_accuracy'])}"
        yield (
            f"{CLIP_ACCURACY} {percent(summary['track_accuracy'])}"
            f" ({summary['right_tracks']} of {summary['scored_tracks']} clips)"
        )
        yield f"{MAJORITY} {percent(summary['majority'])}"
    if summary["unknown_labels"]:
        yield unscored(summary["unknown_labels"])
    if nameless := summary["windows"] - summary["scored_windows"] - sum(summary["unknown_labels"].values()):
        yield f"not scored: {counted(nameless, 'window')} without a known label"


def _differences(windows: Sequence[VerifiedWindow]) -> Iterator[str]:
    """Yield the int8 scores of the first windows that differ, and the number of the others."""
    differing = [window for window in windows if window.python_q and not window.equal]
    for window in differing[:SHOWN_DIFFERENCES]:
        yield f"{_short(window.clip)}, window that ends at {window.end_ms / 1000:.1f} s: differs"
        yield f"  board int8   {' '.join(map(str, window.board_q))}"
        yield f"  Python int8  {' '.join(map(str, window.python_q))}"
    if (more := len(differing) - SHOWN_DIFFERENCES) > 0:
        yield f"… and {more} more windows that differ; --json has all of them"


def _short(name: str) -> str:
    """Return the end of a long name, so that each window has one line."""
    return name if len(name) <= NAME_COLUMNS else "…" + name[1 - NAME_COLUMNS :]


def _row(window: VerifiedWindow) -> tuple[str, ...]:
    equal = "–" if not window.python_q else "yes" if window.equal else "NO"
    score = max(window.board_scores.values())
    return _short(window.clip), f"{window.end_ms / 1000:.1f} s", window.winner, f"{score:.3f}", equal


def _summary(board: str, clips: Sequence[VerifiedClip], threshold: float | None) -> dict[str, Any]:
    """Return the counts. Clips without a label, or with one that the model does not have, are compared, not scored."""
    windows = [window for clip in clips for window in clip.windows]
    scored = [window for window in windows if window.label in window.board_scores]
    scored_clips = [clip for clip in clips if clip.label in clip.windows[0].board_scores]
    right = sum(window.winner == window.label for window in scored)
    best = sum(max(window.board_scores, key=window.board_scores.__getitem__) == window.label for window in scored)
    tracks = sum(clip.winner == clip.label for clip in scored_clips)
    return {
        "board": board,
        "threshold": threshold,
        "tracks": len(clips),
        "scored_tracks": len(scored_clips),
        "right_tracks": tracks,
        "windows": len(windows),
        "scored_windows": len(scored),
        "right_windows": right,
        "unknown_labels": dict(Counter(w.label for w in windows if w.label and w.label not in w.board_scores)),
        "compared": sum(bool(window.python_q) for window in windows),
        "equal": sum(window.equal for window in windows),
        "accuracy": right / len(scored) if scored else None,
        "top_1_accuracy": best / len(scored) if scored else None,
        "majority": majority_share(Counter(window.label for window in scored).values()) if scored else None,
        "track_accuracy": tracks / len(scored_clips) if scored_clips else None,
    }
