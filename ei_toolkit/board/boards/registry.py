"""The boards that eitk knows. A new board is a BoardSpec, a class in this package, and an entry here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ei_toolkit.board.board import Board, FoundBoard
from ei_toolkit.board.boards.nano33ble import Nano33Ble
from ei_toolkit.board.boards.virtual import EmulatedBoard, HostBoard, VirtualBoard
from ei_toolkit.board.transport.ports import UsbPort
from ei_toolkit.config.boards import BOARDS, board_spec
from ei_toolkit.errors import BoardError

boards_by_name: dict[str, Board] = {}


def register(board: Board) -> None:
    """Add a board, and its data to the names that `[board] name` accepts."""
    BOARDS[board.name] = board.spec
    boards_by_name[board.name] = board


for _board in (Nano33Ble(), EmulatedBoard(), HostBoard()):
    register(_board)


def board_named(name: str) -> Board:
    """Return the board `name`. Raises ConfigurationError for a name that is not registered."""
    return boards_by_name[board_spec(name).name]


def all_boards() -> list[Board]:
    """Return every board, in the order in which they were registered."""
    return list(boards_by_name.values())


def virtual_boards() -> list[VirtualBoard]:
    """Return the boards that run on this machine."""
    return [board for board in boards_by_name.values() if isinstance(board, VirtualBoard)]


def virtual_board_named(name: str) -> VirtualBoard:
    """Return the virtual board `name`. Raises ConfigurationError for an unknown name, BoardError for a USB board."""
    board = board_named(name)
    if not isinstance(board, VirtualBoard):
        names = ", ".join(virtual.name for virtual in virtual_boards())
        raise BoardError(f"{name} does not run on this machine", hint=f"Use one of {names}.")
    return board


def find_boards(boards: Path, ports: Sequence[UsbPort]) -> list[FoundBoard]:
    """Return every board that is plugged in or running; `boards` is the project's folder for virtual boards."""
    return [found for board in all_boards() for found in board.find(boards, ports)]
