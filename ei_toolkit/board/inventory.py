"""What comes and goes: boards on USB and boards on this machine, watched."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ei_toolkit.board.ports import Lister
from ei_toolkit.board.state import BoardState
from ei_toolkit.board.views import boards_json

POLL_S = 0.25


def changes(
    plugged: Lister, running: Callable[[], Sequence[BoardState]], polls: int | None = None
) -> Iterator[dict[str, Any]]:
    """Every board that is there, then every one that comes (`change` is "+") or goes ("-"), for `polls` looks."""
    known: dict[tuple[str, str], dict[str, Any]] = {}
    while polls is None or polls > 0:
        now = {(board["port"], board["state"]): board for board in boards_json(running(), plugged())}
        for key in known.keys() - now.keys():
            yield {"change": "-", **known[key]}
        for key in now.keys() - known.keys():
            yield {"change": "+", **now[key]}
        known = now
        if polls is not None:
            polls -= 1
        time.sleep(POLL_S)
