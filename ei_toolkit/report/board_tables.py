"""Results of the board commands, as JSON and as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ei_toolkit.board.emulator.image import Image
from ei_toolkit.board.emulator.virtual_boards import USB_BOARD, BoardState
from ei_toolkit.board.flash.flash import Flashed
from ei_toolkit.board.flash.nano import Built, NanoFlashed
from ei_toolkit.board.transport.ports import UsbPort
from ei_toolkit.board.verify.streamed import VerifiedClip, VerifiedWindow

if TYPE_CHECKING:
    from rich.console import RenderableType


def flashed_json(flashed: Flashed) -> dict[str, Any]:
    """What `eitk flash --json` answers."""
    return {**image_json(flashed.board, flashed.image), "address": flashed.state.address}


def flashed_view(flashed: Flashed) -> RenderableType:
    """The same for people."""
    image = flashed.image
    return (
        f"{flashed.board} runs model {image.model_sha256[:12] or 'of an unknown hash'}: "
        f"{image.flash_bytes:,} bytes of flash, {image.ram_bytes:,} bytes of RAM; serial line {flashed.state.address}"
    )


def image_json(board: str, image: Image) -> dict[str, Any]:
    """What `eitk flash --build --json` answers."""
    return {
        "board": board,
        "flash_bytes": image.flash_bytes,
        "ram_bytes": image.ram_bytes,
        "model_sha256": image.model_sha256,
        "image": str(image.path),
        "image_sha256": image.sha256,
    }


def image_view(board: str, image: Image) -> RenderableType:
    """The same for people."""
    return f"{image.path}: {image.flash_bytes:,} bytes of flash, {image.ram_bytes:,} bytes of RAM for {board}"


def built_json(built: Built) -> dict[str, Any]:
    """The same for a board on USB."""
    return {
        "board": USB_BOARD,
        "flash_bytes": len(built.image.data),
        "model_sha256": built.image.model_sha256,
        "image": str(built.out / built.image.name),
    }


def built_view(built: Built) -> RenderableType:
    """The same for people."""
    return f"{built.out / built.image.name}: {len(built.image.data):,} bytes for {USB_BOARD}"


def change_line(change: dict[str, Any]) -> str:
    """One line of `eitk boards --watch`."""
    return f"{change['change']} {change['port']}  {change['board']} ({change['state']})"


def nano_json(flashed: NanoFlashed) -> dict[str, Any]:
    """What `eitk flash --json` answers for a board on USB."""
    return {
        "board": flashed.port.board,
        "port": flashed.port.device,
        "how": flashed.how,
        "image": flashed.image.name,
        "flash_bytes": len(flashed.image.data),
        "model_sha256": flashed.image.model_sha256,
    }


def nano_view(flashed: NanoFlashed) -> RenderableType:
    """The same for people."""
    model = flashed.image.model_sha256[:12] or flashed.image.name
    return (
        f"{flashed.port.device} runs {model}: {len(flashed.image.data):,} bytes written and verified by {flashed.how}"
    )


def boards_json(running: Sequence[BoardState], plugged: Sequence[UsbPort]) -> list[dict[str, Any]]:
    """What `eitk boards --json` answers."""
    here = [asdict(state) | {"port": state.address, "state": "running"} for state in running]
    return here + [asdict(port) | {"port": port.device} for port in plugged]


def boards_view(running: Sequence[BoardState], plugged: Sequence[UsbPort]) -> RenderableType:
    """A table of boards."""
    from rich.table import Table

    if not running and not plugged:
        return "no board is plugged in and none runs on this machine; start one with: eitk flash --board emulated"
    table = Table("board", "port", "state", "serial number", "model", "since", box=None)
    for port in plugged:
        table.add_row(port.board, port.device, port.state, port.serial_number, "", "")
    for state in running:
        table.add_row(state.board, state.address, "running", "", state.model_sha256[:12], state.started)
    return table


def verification_json(board: str, heard: Sequence[VerifiedClip]) -> dict[str, Any]:
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


def verification_view(board: str, heard: Sequence[VerifiedClip]) -> RenderableType:
    """A table of windows, and a line that sums up."""
    from rich.console import Group
    from rich.table import Table

    table = Table("clip", "end", "board says", "scores", "board int8", "Python int8", "equal", box=None)
    for clip in heard:
        for window in clip.windows:
            table.add_row(*_row(window))
    summary = _summary(board, heard)
    line = (
        f"{summary['right_windows']} windows and {summary['right_tracks']} of {summary['tracks']} clips named rightly"
    )
    if summary["compared"]:
        line = f"{summary['equal']} of {summary['compared']} windows equal to the int8 model in Python; {line}"
    return Group(table, line)


def _row(window: VerifiedWindow) -> tuple[str, ...]:
    scores = "  ".join(f"{label} {score:.3f}" for label, score in window.board_scores.items())
    q, python_q = (" ".join(map(str, row)) for row in (window.board_q, window.python_q))
    equal = "–" if not window.python_q else "yes" if window.equal else "NO"
    return window.clip, f"{window.end_ms / 1000:.1f} s", window.winner, scores, q, python_q, equal


def _summary(board: str, heard: Sequence[VerifiedClip]) -> dict[str, Any]:
    windows = [window for clip in heard for window in clip.windows]
    right = sum(window.winner == window.label for window in windows)
    tracks = sum(clip.winner == clip.label for clip in heard)
    return {
        "board": board,
        "tracks": len(heard),
        "right_tracks": tracks,
        "windows": len(windows),
        "right_windows": right,
        "compared": sum(bool(window.python_q) for window in windows),
        "equal": sum(window.equal for window in windows),
        "accuracy": right / len(windows) if windows else 0.0,
        "track_accuracy": tracks / len(heard) if heard else 0.0,
    }
