"""Edge Impulse's AT firmware: it says nothing until it is asked to run its impulse."""

from __future__ import annotations

import time
from collections.abc import Callable

from ei_toolkit.board.protocol.events import Event, Info
from ei_toolkit.board.transport.link import Link

PROMPT = b"> "
SILENCE_S = 1.5  # a sketch of ours has answered `?` long before
PROMPT_S = 2.0
CHUNK, CHUNK_PAUSE_S = 5, 0.02  # as Edge Impulse's own tool sends: the firmware's input buffer is small


def begin(link: Link) -> list[Event]:
    """Ask a fresh line who is there. eitk's sketch tells about itself; AT firmware is told to run its impulse."""
    link.write(b"?\n")
    if _heard(link, lambda heard: heard.strip(b"?\r\n"), SILENCE_S):  # more than its echo
        return []
    link.write(b"b\r")
    if not _heard(link, lambda heard: PROMPT in heard, PROMPT_S):
        return []
    for start in range(0, len(COMMAND), CHUNK):
        link.write(COMMAND[start : start + CHUNK])
        time.sleep(CHUNK_PAUSE_S)
    return [Info("AT firmware: its impulse was started")]


COMMAND = b"AT+RUNIMPULSE\r"


def _heard(link: Link, enough: Callable[[bytes], object], seconds: float) -> bool:
    """Whether enough arrives in time; all of it is given back to the line, so that nothing is lost."""
    heard = b""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        heard += link.read(left)
        if enough(heard):
            link.put_back(heard)
            return True
    link.put_back(heard)
    return False
