"""From bytes, as they drop in, to whole lines of text."""

from __future__ import annotations

import re

MAX_LINE = 8192
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class LineSplitter:
    """Collects bytes; gives every line once it is complete, without control characters. Endless lines are dropped."""

    def __init__(self) -> None:
        self._partial = b""
        self._dropping = False

    def add(self, data: bytes) -> list[str]:
        """The lines that `data` completes."""
        *whole, self._partial = (self._partial + data).split(b"\n")
        if whole and self._dropping:
            whole, self._dropping = whole[1:], False
        if len(self._partial) > MAX_LINE:
            self._partial, self._dropping = b"", True
        return [CONTROL.sub("", line.decode("utf-8", errors="replace")) for line in whole if len(line) <= MAX_LINE]

    def reset(self) -> None:
        """Forget a line that has begun: the board it came from is gone."""
        self._partial, self._dropping = b"", False
