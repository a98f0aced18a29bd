"""Edge Impulse's AT firmware: it prints nothing until AT+RUNIMPULSE starts its impulse."""

from __future__ import annotations

import time
from collections.abc import Callable

from ei_toolkit.board.protocol.events import Event, Info
from ei_toolkit.board.transport.link import PROMPT, Link

COMMAND = b"AT+RUNIMPULSE\r"
INFO, STOPPED = b'{"eitk":1,"info":', b'"state":"stopped"'  # in the answer of eitk's sketch
ANSWER_TIMEOUT_S = 1.5  # eitk's sketch answers `?` in less time
PROMPT_TIMEOUT_S = 2.0
CHUNK_BYTES, CHUNK_PAUSE_S = 5, 0.02  # as Edge Impulse's tool sends: the firmware has a small input buffer


def begin(link: Link) -> list[Event]:
    """Find out which firmware is on a new link, and start its inference if it is AT firmware or a stopped sketch.

    Edge Impulse's tools leave the sketch stopped, and so does a recording whose program was killed.
    """
    link.write(b"?\n")
    answer = _receive(link, _is_answer, ANSWER_TIMEOUT_S)
    if answer is not None:
        if STOPPED not in answer:
            return []
        link.write(b"r\n")
        return [Info("the sketch was stopped: it was started")]
    link.write(b"b\r")
    if _receive(link, lambda data: PROMPT in data, PROMPT_TIMEOUT_S) is None:
        return []
    for start in range(0, len(COMMAND), CHUNK_BYTES):
        link.write(COMMAND[start : start + CHUNK_BYTES])
        time.sleep(CHUNK_PAUSE_S)
    return [Info("AT firmware: its impulse was started")]


def _is_answer(data: bytes) -> bool:
    """Whether data is more than the echo of the question, and not the beginning of the answer of eitk's sketch."""
    own = data.strip(b"?\r\n")
    return bool(own) and (not own.startswith(INFO[: len(own)]) or (own.startswith(INFO) and data.endswith(b"\n")))


def _receive(link: Link, is_complete: Callable[[bytes], object], seconds: float) -> bytes | None:
    """Return complete data that arrives in time, else None. All data is put back to the link: no line is lost."""
    data = b""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        data += link.read(left)
        if is_complete(data):
            link.put_back(data)
            return data
    link.put_back(data)
    return None
