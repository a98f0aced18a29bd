"""When the studio was last used, so that one started on demand can stop by itself."""

from __future__ import annotations

import time


class Activity:
    """Counts requests under way and remembers the end of the last one."""

    def __init__(self) -> None:
        self.under_way = 0
        self._last = time.monotonic()

    def begin(self) -> None:
        """A request has come in."""
        self.under_way += 1

    def end(self) -> None:
        """A request is answered."""
        self.under_way -= 1
        self._last = time.monotonic()

    @property
    def idle_s(self) -> float:
        """Seconds since the last request; 0 while one is under way."""
        return 0.0 if self.under_way else time.monotonic() - self._last
