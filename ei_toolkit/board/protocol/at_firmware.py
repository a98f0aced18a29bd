"""Edge Impulse's AT firmware: it prints nothing until AT+RUNIMPULSE starts its impulse."""

from __future__ import annotations

import time
from collections.abc import Callable

from ei_toolkit.board.protocol.events import Event, Info
from ei_toolkit.board.transport.link import PROMPT, Link

COMMAND = b"AT+RUNIMPULSE\r"
ANSWER_TIMEOUT_S = 1.5  # eitk's sketch answers `?` in less time
PROMPT_TIMEOUT_S = 2.0
CHUNK_BYTES, CHUNK_PAUSE_S = 5, 0.02  # as Edge Impulse's tool sends: the firmware has a small input buffer


def begin(link: Link) -> list[Event]:
    """Find out which firmware is on a new link, and start the impulse of AT firmware; eitk's sketch runs already."""
    link.write(b"?\n")
    if _receives(link, lambda data: data.strip(b"?\r\n"), ANSWER_TIMEOUT_S):  # more than the echo of the command
        return []
    link.write(b"b\r")
    if not _receives(link, lambda data: PROMPT in data, PROMPT_TIMEOUT_S):
        return []
    for start in range(0, len(COMMAND), CHUNK_BYTES):
        link.write(COMMAND[start : start + CHUNK_BYTES])
        time.sleep(CHUNK_PAUSE_S)
    return [Info("AT firmware: its impulse was started")]


def _receives(link: Link, is_complete: Callable[[bytes], object], seconds: float) -> bool:
    """Whether complete data arrives in time. All data is put back to the link, so that no line is lost."""
    data = b""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        data += link.read(left)
        if is_complete(data):
            link.put_back(data)
            return True
    link.put_back(data)
    return False
